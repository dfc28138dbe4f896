"""An option of a provider's that cannot be meant is told with the place where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clouds.aws import EXAMPLE_HOST as ECR_HOST
from tests.clouds.azure import EXAMPLE_HOST as ACR_HOST
from tests.clouds.google import EXAMPLE_HOST as GCR_HOST
from tests.support.executable import Executable

PREFIX = "DOCKER_CREDENTIAL_MULTI_"

# Provider, option, what it is set to → the host that gets it, and what is said.
WRONG = [
    ("acr", "identity_token", "maybe", ACR_HOST, "the option identity_token is neither true nor"),
    ("acr", "audience", "a b", ACR_HOST, "the option audience has an invalid character"),
    (
        "acr",
        "token_credentials",
        "x",
        ACR_HOST,
        "token_credentials is not prod, dev or a credential class",
    ),
    ("gcr", "impersonate", "nobody", GCR_HOST, "impersonate does not name a service account"),
    (
        "gcr",
        "credentials_file",
        "/no/key",
        GCR_HOST,
        "/no/key, named by credentials_file, does not",
    ),
    ("ecr", "profile", "nowhere", ECR_HOST, 'profile "nowhere" is neither in ~/.aws/config'),
]
# So that there is an identity that Azure's audience is for.
IDENTITY = {
    "AZURE_TENANT_ID": "contoso.example",
    "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    "AZURE_CLIENT_SECRET": "loopback-secret",
}


@pytest.mark.parametrize("cache", ["on", "off"])
@pytest.mark.parametrize(("provider", "option", "value", "host", "said"), WRONG)
def test_a_wrong_option_is_told_by_file_and_line(
    executable: Executable,
    home: Path,
    provider: str,
    option: str,
    value: str,
    host: str,
    said: str,
    cache: str,
) -> None:
    file = home / ".config/docker-credential-multi/config.toml"
    file.parent.mkdir(parents=True)
    environment = {**IDENTITY, f"{PREFIX}CACHE": cache}

    def told(verb: str, *arguments: str, **variables: str) -> str:
        done = executable.run(verb, *arguments, stdin=host, environment=environment | variables)
        return done.stdout.decode() + done.stderr

    file.write_text(f'# of all\n[{provider}]\n{option} = "{value}"\n')
    assert f" from {provider}: {file}:3: {said}" in told("get")
    assert f"~/{file.relative_to(home)}:3: {said}" in told("explain", host)
    # A rule's word is stronger than a variable's, and that than the table's.
    variable = f"{PREFIX}{provider}_{option}".upper()
    assert f"{variable}: {said}" in told("get", **{variable: value})
    with file.open("a") as more:
        more.write(f'[[rule]]\nmatch = "{host}"\n{option} = "{value}"\n')
    assert f"{file}:6: {said}" in told("get", **{variable: value})


def test_doctor_tells_an_option_that_cannot_be_meant_though_nobody_asks(
    executable: Executable, home: Path
) -> None:
    file = home / ".config/docker-credential-multi/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[acr]\nidentity_token = "maybe"\n[gcr]\nimpersonate = "nobody"\n')
    said = executable.run("doctor").stdout.decode()
    assert (
        f"~/{file.relative_to(home)}:2: the option identity_token is neither true nor false" in said
    )
    assert f"~/{file.relative_to(home)}:4: impersonate does not name a service account" in said
