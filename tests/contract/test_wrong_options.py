"""A wrong option of a cloud is reported with the place where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from cred_helper import clouds
from tests.support.executable import Executable

PREFIX = "DOCKER_CREDENTIAL_MULTI_"

# Cloud, option, a wrong value, and the code of the message.
WRONG = [
    ("acr", "identity_token", "maybe", "provider.not-a-flag"),
    ("acr", "audience", "a b", "acr.bad-character"),
    ("acr", "token_credentials", "x", "acr.bad-token-credentials"),
    ("gcr", "impersonate", "no-address", "gcr.not-a-service-account"),
    ("gcr", "credentials_file", "/no/key", "gcr.file-missing"),
    ("ecr", "profile", "nowhere", "ecr.profile-missing"),
    ("dockerhub", "connection_id", "x", "dockerhub.bad-connection"),
]
# An identity, without which Azure's audience is not used.
IDENTITY = {
    "AZURE_TENANT_ID": "contoso.example",
    "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    "AZURE_CLIENT_SECRET": "loopback-secret",
}


@pytest.mark.parametrize("cache", ["on", "off"])
@pytest.mark.parametrize(("cloud", "option", "value", "code"), WRONG)
def test_a_wrong_option_is_reported_with_the_place_that_sets_it(
    executable: Executable, home: Path, cloud: str, option: str, value: str, code: str, cache: str
) -> None:
    host = clouds.find(cloud).example_host
    file = home / ".config/docker-credential-multi/config.toml"
    file.parent.mkdir(parents=True)
    environment = {**IDENTITY, f"{PREFIX}CACHE": cache}

    def places(**variables: str) -> str:
        """The text before the mistake, which names its place."""
        done = executable.get(host, environment | variables)
        assert done.codes == [code]
        return done.stdout.decode()

    file.write_text(f'# of all\n[{cloud}]\n{option} = "{value}"\n')
    assert f" from {cloud}: {file}:3: " in places()
    explained = executable.run("explain", "--json", host, environment=environment).document
    assert f"{file}:3: " in explained["identity"]["error"]
    # A rule is stronger than a variable, and a variable than a table.
    variable = f"{PREFIX}{cloud}_{option}".upper()
    assert f"{variable}: " in places(**{variable: value})
    with file.open("a") as more:
        more.write(f'[[rule]]\nmatch = "{host}"\n{option} = "{value}"\n')
    assert f"{file}:6: " in places(**{variable: value})


def test_doctor_reports_a_wrong_option_by_itself(executable: Executable, home: Path) -> None:
    file = home / ".config/docker-credential-multi/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[acr]\nidentity_token = "maybe"\n[gcr]\nimpersonate = "no-address"\n')
    report = executable.run("doctor").stdout.decode()
    for line in (2, 4):
        assert f"~/{file.relative_to(home)}:{line}: " in report
