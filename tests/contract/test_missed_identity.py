"""What is set takes an identity, and there is none: never a pull as nobody that nothing is said of.

Sources: what the user set (a role to assume, an account to impersonate, …), files that hold an
identity and cannot be read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds.aws import ACCOUNT, AwsCloud
from tests.clouds.aws import EXAMPLE_HOST as ECR_HOST
from tests.clouds.azure import EXAMPLE_HOST as ACR_HOST
from tests.clouds.google import EXAMPLE_HOST as GCR_HOST
from tests.clouds.google import TARGET
from tests.clouds.sigv4 import Key
from tests.support.executable import COMMAND, NOT_FOUND, Executable

ROLE = f"arn:aws:iam::{ACCOUNT}:role/puller"
CLIENT = "11111111-2222-4333-8444-555555555555"
RESOURCE = "/subscriptions/1/resourceGroups/r/providers/Microsoft.ManagedIdentity/identity"
# A machine of which nobody can tell whether it is Google's.
PERHAPS = {"NO_GCE_CHECK": "", "K_SERVICE": "service", "GCE_METADATA_IP": "127.0.0.1:9"}
# A metadata service may be there, and is not asked for an identity that nobody set.
DEVELOPER = {"AZURE_TOKEN_CREDENTIALS": "dev"}
UNPRIVILEGED = "-dac_override,-dac_read_search"

# Provider, option, value, host, variables → what is said.
MISSED = [
    ("ecr", "role_arn", ROLE, ECR_HOST, {}, "ecr.nothing-assumes-role"),
    ("gcr", "impersonate", TARGET, GCR_HOST, {}, "gcr.nothing-to-impersonate-with"),
    ("gcr", "impersonate", TARGET, GCR_HOST, PERHAPS, "gcr.nothing-to-impersonate-with"),
    ("acr", "client_id", CLIENT, ACR_HOST, {}, "acr.no-such-identity"),
    ("acr", "client_id", CLIENT, ACR_HOST, DEVELOPER, "acr.no-such-identity"),
    ("acr", "resource_id", RESOURCE, ACR_HOST, DEVELOPER, "acr.no-managed-identity"),
    ("acr", "object_id", CLIENT, ACR_HOST, DEVELOPER, "acr.no-managed-identity"),
]


@pytest.mark.parametrize(("provider", "option", "value", "host", "variables", "said"), MISSED)
def test_an_option_that_names_an_identity_is_no_silent_pull_as_nobody(
    executable: Executable,
    home: Path,
    provider: str,
    option: str,
    value: str,
    host: str,
    variables: dict[str, str],
    said: str,
) -> None:
    # Without the option there is nobody, which is remembered for a while.
    done = executable.get(host, variables)
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert done.codes == (["ecr.no-identity"] if provider == "ecr" else [])
    file = home / ".config/docker-credential-multi/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[[rule]]\nmatch = "{host}"\n{option} = "{value}"\n')
    for _ in range(2):
        done = executable.get(host, variables)
        assert done.status == 1
        assert f"no credential for {host} from {provider}: {file}:3: " in done.stderr
        assert said in done.stderr
        assert "docker-credential-multi: hint: " in done.stderr
        assert done.stdout != NOT_FOUND


def test_what_is_missed_is_explained_beside_what_was_looked_for(
    executable: Executable, home: Path
) -> None:
    variables = {"DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN": ROLE}
    said = executable.run("explain", ECR_HOST, environment=variables).stdout.decode()
    assert "not environment: AWS_ACCESS_KEY_ID is not set" in said
    assert "1. ecr: DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN: no AWS identity is configured" in said
    assert "no AWS identity" in executable.run("doctor", environment=variables).stdout.decode()


@pytest.mark.parametrize(
    ("host", "variable", "value"),
    [
        (ECR_HOST, "ECR_PROFILE", ""),
        (ACR_HOST, "ACR_TENANT_ID", "contoso.example"),
        (ACR_HOST, "ACR_AUDIENCE", "https://management.azure.com"),
        (ACR_HOST, "ACR_IDENTITY_TOKEN", "true"),
    ],
)
def test_an_option_that_names_no_identity_leaves_a_pull_to_anybody(
    executable: Executable, host: str, variable: str, value: str
) -> None:
    done = executable.get(host, {f"DOCKER_CREDENTIAL_MULTI_{variable}": value})
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert done.codes == (["ecr.no-identity"] if host == ECR_HOST else [])


def test_a_login_that_was_made_answers_where_an_identity_is_missed(
    executable: Executable, home: Path
) -> None:
    (home / ".docker").mkdir()
    login = '{"username": "u", "password": "p"}'
    (home / ".docker/config.json").write_text(f'{{"auths": {{"{ECR_HOST}": {login}}}}}')
    done = executable.get(ECR_HOST, {"DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN": ROLE})
    assert (done.status, done.document["Username"]) == (0, "u")
    assert done.codes == ["ecr.nothing-assumes-role"]


# --- With an identity -----------------------------------------------------------------------------


@pytest.fixture
def cloud() -> Iterator[AwsCloud]:
    with AwsCloud() as running:
        yield running


@pytest.mark.parametrize("kind", ["instance", "container"])
def test_a_role_is_assumed_by_what_a_machine_or_a_pod_is(
    cloud: AwsCloud, executable: Executable, kind: str
) -> None:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{kind}-role/i-0123456789abcdef0"
    variables = {
        **cloud.redirection(),
        **(cloud.instance() if kind == "instance" else cloud.container()),
        "DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN": cloud.role("puller", who),
    }
    assert cloud.issued(*executable.get(ECR_HOST, variables).credential, ECR_HOST)
    assert "assumed-role/puller/" in cloud.calls[-1].principal


# --- A file that cannot be read -------------------------------------------------------------------


@pytest.fixture
def somebody(executable: Executable) -> Executable:
    """The executable by somebody whom a file's mode keeps out, which root has to become."""
    if os.geteuid() != 0:
        return executable
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("setpriv is not here")
    powers = [f"--bounding-set={UNPRIVILEGED}", f"--inh-caps={UNPRIVILEGED}"]
    return Executable(executable.environment, [program, *powers, *COMMAND])


def closed(home: Path, name: str, text: str) -> None:
    path = home / ".aws" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0)


@pytest.fixture
def user(cloud: AwsCloud) -> Key:
    return cloud.user("someone")


@pytest.mark.parametrize("name", ["credentials", "config"])
def test_a_file_of_keys_that_cannot_be_read_is_told(
    somebody: Executable, home: Path, user: Key, name: str
) -> None:
    closed(home, name, f"[default]\n{user.options()}\n")
    done = somebody.get(ECR_HOST)
    told = f"~/.aws/{name} cannot be read: permission denied"
    assert done.codes == ["ecr.file-unreadable"]
    assert told in done.stderr
    assert f'sudo chown "$(id -u)" ~/.aws/{name}' in done.stderr
    explained = somebody.run("explain", ECR_HOST).stdout.decode()
    assert f"not profile: {told}" in explained
    assert f"1. ecr: {told}" in explained


def test_a_profile_in_a_file_that_cannot_be_read_is_not_said_to_be_missing(
    somebody: Executable, home: Path, user: Key
) -> None:
    closed(home, "credentials", f"[dev]\n{user.options()}\n")
    done = somebody.get(ECR_HOST, {"AWS_PROFILE": "dev"})
    assert done.codes == ["ecr.file-unreadable"]


def test_a_folder_of_keys_that_may_not_be_looked_into_is_told(
    somebody: Executable, home: Path, user: Key
) -> None:
    closed(home, "credentials", f"[default]\n{user.options()}\n")
    (home / ".aws").chmod(0)
    told = somebody.get(ECR_HOST).stderr
    (home / ".aws").chmod(0o700)
    assert "~/.aws/credentials cannot be read: permission denied" in told


def test_a_home_that_may_not_be_looked_into_holds_no_file_that_anybody_knows_of(
    somebody: Executable, home: Path, user: Key
) -> None:
    closed(home, "credentials", f"[default]\n{user.options()}\n")
    home.chmod(0)
    # Of docker's own files that is another matter.
    done = somebody.get(ECR_HOST, {"DOCKER_CREDENTIAL_MULTI_ORDER": "cloud"})
    home.chmod(0o700)
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert done.codes == ["ecr.no-identity"]


def test_whatever_else_there_is_is_used_where_a_file_cannot_be_read(
    somebody: Executable, home: Path, cloud: AwsCloud, user: Key
) -> None:
    closed(home, "credentials", f"[default]\n{user.options()}\n")
    variables = {**cloud.redirection(), **cloud.instance()}
    assert cloud.issued(*somebody.get(ECR_HOST, variables).credential, ECR_HOST)
