"""An option that needs an identity on a machine without one, and unreadable identity files.

Both are errors: a pull without a credential would ignore what the user has set.
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
from tests.support.machine import Machine

ROLE = f"arn:aws:iam::{ACCOUNT}:role/puller"
CLIENT = "11111111-2222-4333-8444-555555555555"
RESOURCE = "/subscriptions/1/resourceGroups/r/providers/Microsoft.ManagedIdentity/identity"
# Only a request shows whether this machine is Google's.
UNCERTAIN = {"NO_GCE_CHECK": "", "K_SERVICE": "service", "GCE_METADATA_IP": "127.0.0.1:9"}
# A metadata service is not asked for an identity that is not configured.
DEVELOPER = {"AZURE_TOKEN_CREDENTIALS": "dev"}
UNPRIVILEGED = "-dac_override,-dac_read_search"

# Option, value, host, variables, code.
OPTIONS = [
    ("role_arn", ROLE, ECR_HOST, {}, "ecr.nothing-assumes-role"),
    ("impersonate", TARGET, GCR_HOST, {}, "gcr.nothing-to-impersonate-with"),
    ("impersonate", TARGET, GCR_HOST, UNCERTAIN, "gcr.nothing-to-impersonate-with"),
    ("client_id", CLIENT, ACR_HOST, {}, "acr.no-such-identity"),
    ("client_id", CLIENT, ACR_HOST, DEVELOPER, "acr.no-such-identity"),
    ("resource_id", RESOURCE, ACR_HOST, DEVELOPER, "acr.no-managed-identity"),
    ("object_id", CLIENT, ACR_HOST, DEVELOPER, "acr.no-managed-identity"),
]


@pytest.fixture
def machine(home: Path) -> Machine:
    return Machine(home)


@pytest.mark.parametrize(("option", "value", "host", "variables", "code"), OPTIONS)
def test_an_option_that_needs_an_identity_is_an_error_without_one(
    machine: Machine, option: str, value: str, host: str, variables: dict[str, str], code: str
) -> None:
    # Without the option there is no error, and this is cached for a while.
    machine.get(host, **variables)
    file = machine.settings(f'[[rule]]\nmatch = "{host}"\n{option} = "{value}"\n')
    for _ in range(2):
        done = machine.fail(host, **variables)
        assert done.codes == [code]
        assert f": {file}:3: " in done.stderr
        assert value in done.stderr
        assert "hint: " in done.stderr


def test_explain_and_doctor_show_the_problem_beside_the_sources(machine: Machine) -> None:
    machine.environment["DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN"] = ROLE
    explained = machine.run("explain", ECR_HOST).stdout.decode()
    assert "AWS_ACCESS_KEY_ID is not set" in explained
    assert "1. ecr: DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN: " in explained
    assert ROLE in machine.run("doctor").stdout.decode()


@pytest.mark.parametrize(
    ("host", "variable", "value"),
    [
        (ECR_HOST, "ECR_PROFILE", ""),
        (ACR_HOST, "ACR_TENANT_ID", "contoso.example"),
        (ACR_HOST, "ACR_AUDIENCE", "https://management.azure.com"),
        (ACR_HOST, "ACR_IDENTITY_TOKEN", "true"),
    ],
)
def test_an_option_that_names_no_identity_changes_nothing_without_one(
    machine: Machine, host: str, variable: str, value: str
) -> None:
    without = machine.get(host)
    done = machine.get(host, **{f"DOCKER_CREDENTIAL_MULTI_{variable}": value})
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, without.stderr)


def test_a_login_answers_where_the_identity_has_a_problem(machine: Machine) -> None:
    machine.config(auths={ECR_HOST: {"username": "u", "password": "p"}})
    done = machine.get(ECR_HOST, DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN=ROLE)
    assert (done.status, done.document["Username"]) == (0, "u")
    assert done.codes == ["ecr.nothing-assumes-role"]


@pytest.fixture
def cloud() -> Iterator[AwsCloud]:
    with AwsCloud() as running:
        yield running


@pytest.mark.parametrize("kind", ["instance", "container"])
def test_an_instance_or_container_assumes_the_role_of_the_option(
    cloud: AwsCloud, machine: Machine, kind: str
) -> None:
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/{kind}-role/i-0123456789abcdef0"
    machine.use(cloud.redirection())
    machine.use(cloud.instance() if kind == "instance" else cloud.container())
    role = cloud.role("puller", principal)
    done = machine.get(ECR_HOST, DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN=role)
    assert cloud.issued(*done.credential, ECR_HOST)
    assert "assumed-role/puller/" in cloud.calls[-1].principal


@pytest.fixture
def unprivileged(machine: Machine) -> Machine:
    """A machine on which a file's mode applies; root gives up the power to ignore it."""
    if os.geteuid() == 0:
        program = shutil.which("setpriv")
        if program is None:
            pytest.skip("setpriv is not installed")
        powers = [f"--bounding-set={UNPRIVILEGED}", f"--inh-caps={UNPRIVILEGED}"]
        command = [program, *powers, str(machine.program)]
        machine.executable = Executable(machine.environment, command)
    return machine


@pytest.fixture
def user(cloud: AwsCloud) -> Key:
    return cloud.user("someone")


@pytest.mark.parametrize("name", ["credentials", "config"])
def test_a_closed_file_of_keys_is_an_error(unprivileged: Machine, user: Key, name: str) -> None:
    unprivileged.write(f".aws/{name}", f"[default]\n{user.options()}\n", 0)
    done = unprivileged.fail(ECR_HOST)
    assert done.codes == ["ecr.file-unreadable"]
    assert f"~/.aws/{name}" in done.stderr.splitlines()[0]
    assert f'sudo chown "$(id -u)" ~/.aws/{name}' in done.stderr
    assert f"1. ecr: ~/.aws/{name} " in unprivileged.run("explain", ECR_HOST).stdout.decode()


def test_a_profile_in_a_closed_file_is_not_missing(unprivileged: Machine, user: Key) -> None:
    unprivileged.write(".aws/credentials", f"[dev]\n{user.options()}\n", 0)
    assert unprivileged.fail(ECR_HOST, AWS_PROFILE="dev").codes == ["ecr.file-unreadable"]


def test_a_closed_folder_of_keys_is_an_error(unprivileged: Machine, user: Key) -> None:
    folder = unprivileged.write(".aws/credentials", f"[default]\n{user.options()}\n", 0).parent
    folder.chmod(0)
    done = unprivileged.fail(ECR_HOST)
    folder.chmod(0o700)
    assert done.codes == ["ecr.file-unreadable"]


def test_a_closed_home_counts_as_a_home_without_files(unprivileged: Machine, user: Key) -> None:
    unprivileged.write(".aws/credentials", f"[default]\n{user.options()}\n", 0)
    with_identity = unprivileged.fail(ECR_HOST).codes
    unprivileged.executable.command[-1:] = COMMAND
    unprivileged.home.chmod(0)
    # A closed config.json of docker would be an error.
    done = unprivileged.get(ECR_HOST, DOCKER_CREDENTIAL_MULTI_ORDER="cloud")
    unprivileged.home.chmod(0o700)
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert not set(done.codes) & set(with_identity)


def test_after_an_unreadable_credentials_file_the_instance_is_asked(
    unprivileged: Machine, cloud: AwsCloud, user: Key
) -> None:
    unprivileged.write(".aws/credentials", f"[default]\n{user.options()}\n", 0)
    unprivileged.use({**cloud.redirection(), **cloud.instance()})
    assert cloud.issued(*unprivileged.get(ECR_HOST).credential, ECR_HOST)
