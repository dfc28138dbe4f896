"""Called by the name of another helper: only that helper's cloud answers, set by its variables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.aws import EXAMPLE_HOST as ECR_HOST
from tests.clouds.aws import PUBLIC_HOST, AwsCloud
from tests.clouds.azure import EXAMPLE_HOST as ACR_HOST
from tests.clouds.azure import AzureCloud
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google import EXAMPLE_HOST as GCR_HOST
from tests.clouds.google import GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.support.executable import Executable

__all__ = ["authority", "proxy"]

Called = Callable[[str], Executable]

_HUB = "https://index.docker.io/v1/"
_LOGIN = '{{"ServerURL":"{}","Username":"u","Secret":"of-a-login"}}'
# Credentials of every other source for any host.
_ALL_SOURCES = {
    "DOCKER_CREDENTIAL_MULTI_ORDER": "environment,cloud,config,ci",
    "DOCKER__USR": "anybody",
    "DOCKER__PSW": "p",
    "DOCKER_docker_io_USR": "hub",
    "DOCKER_docker_io_PSW": "p",
    "GITHUB_TOKEN": "github-token",
    "GITHUB_ACTOR": "octocat",
}


@pytest.fixture
def called(executable: Executable, tmp_path: Path, home: Path) -> Called:
    """The executable by the rest of another helper's name; config.json has a login for all."""
    (home / ".docker").mkdir()
    auths = {host: {"username": "login", "password": "p"} for host in (_HUB, ECR_HOST, "a.test")}
    (home / ".docker/config.json").write_text(json.dumps({"auths": auths}))
    folder = tmp_path / "installed"
    folder.mkdir()
    return lambda name: executable.called(f"docker-credential-{name}", folder)


@pytest.fixture
def aws() -> Iterator[AwsCloud]:
    with AwsCloud() as cloud:
        yield cloud


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("ecr-login", (GCR_HOST, ACR_HOST, _HUB, "a.test", "ghcr.io")),
        ("gcr", (ECR_HOST, ACR_HOST, _HUB, "a.test", "ghcr.io")),
        ("gcloud", (ECR_HOST, ACR_HOST, _HUB, "a.test", "ghcr.io")),
        ("acr-env", (ECR_HOST, GCR_HOST, _HUB, "a.test", "ghcr.io", "mcr.microsoft.com")),
        ("acr", (ECR_HOST, GCR_HOST, _HUB, "a.test", "ghcr.io")),
        ("ECR-login.exe", (GCR_HOST, _HUB)),
        ("acr.exe", (ECR_HOST, _HUB)),
    ],
)
def test_a_host_of_another_cloud_is_not_found_whatever_other_sources_have(
    called: Called, name: str, others: tuple[str, ...]
) -> None:
    executable = called(name)
    for host in others:
        assert executable.get(host, _ALL_SOURCES).is_not_found, host
    assert executable.run("list", environment=_ALL_SOURCES).document == {}


@pytest.mark.parametrize("name", ["multi-1.0", "ecr", "ecr-login-2", "pass", "envy", "-env"])
def test_any_other_name_changes_nothing(called: Called, name: str) -> None:
    assert called(name).get("a.test").credential == ("login", "p")


def test_the_link_can_be_called_by_its_path(called: Called, tmp_path: Path) -> None:
    by_name = called("ecr-login")
    by_path = Executable(by_name.environment, [f"{tmp_path}/installed/docker-credential-ecr-login"])
    assert by_path.get(_HUB).is_not_found


def test_as_ecr_login_it_answers_for_ecr(called: Called, aws: AwsCloud, tmp_path: Path) -> None:
    environment = aws.identity(tmp_path)
    executable = called("ecr-login")
    for host in (ECR_HOST, PUBLIC_HOST):
        username, secret = executable.get(host, environment).credential
        assert aws.issued(username, secret, host)
    done = executable.get(ECR_HOST, {"AWS_PROFILE": "nowhere"})
    assert done.status == 1
    assert "nowhere" in done.stderr


def test_as_ecr_login_its_variables_set_the_cache(
    called: Called, aws: AwsCloud, tmp_path: Path
) -> None:
    executable = called("ecr-login")
    folder = tmp_path / "tokens"
    environment = {**aws.identity(tmp_path), "AWS_ECR_CACHE_DIR": str(folder)}
    for _ in range(2):
        assert executable.get(ECR_HOST, environment).status == 0
    assert aws.exchanges == 1
    assert any(folder.iterdir())
    environment["AWS_ECR_DISABLE_CACHE"] = "0"  # any value counts as set
    assert executable.get(ECR_HOST, environment).status == 0
    assert aws.exchanges == 2
    environment["DOCKER_CREDENTIAL_MULTI_CACHE"] = "on"
    assert executable.get(ECR_HOST, environment).status == 0
    assert aws.exchanges == 2


def test_under_its_own_name_others_variables_are_unread(
    called: Called, aws: AwsCloud, tmp_path: Path
) -> None:
    executable = called("multi-x")
    folder = tmp_path / "tokens"
    environment = {
        **aws.identity(tmp_path),
        "AWS_ECR_CACHE_DIR": str(folder),
        "AWS_ECR_DISABLE_CACHE": "1",
        "AZURE_ENVIRONMENT": "AzureChinaCloud",
    }
    for _ in range(2):
        assert executable.get(ECR_HOST, environment).status == 0
    assert aws.exchanges == 1
    assert not folder.exists()
    assert executable.get(ACR_HOST, environment).is_not_found


@pytest.mark.parametrize(
    ("name", "environment", "host", "status"),
    [
        ("ecr-login", {}, ECR_HOST, 0),
        ("ecr-login", {"DOCKER_CREDENTIAL_MULTI_STORE_FOR_CLOUDS": "error"}, ECR_HOST, 1),
        ("ecr-login", {}, _HUB, 1),
        ("ecr-login", {"AWS_ECR_IGNORE_CREDS_STORAGE": "true"}, _HUB, 0),
        ("ecr-login", {"AWS_ECR_IGNORE_CREDS_STORAGE": "TRUE"}, _HUB, 1),
        ("gcr", {"AWS_ECR_IGNORE_CREDS_STORAGE": "true"}, _HUB, 1),
        ("gcr", {}, GCR_HOST, 0),
        ("acr-env", {}, ACR_HOST, 0),
        ("env", {}, "a.test", 1),
        ("env", {"IGNORE_DOCKER_LOGIN": "1"}, "a.test", 0),
    ],
)
def test_a_login_succeeds_where_the_helper_ignores_it_or_its_cloud_answers(
    called: Called, home: Path, name: str, environment: dict[str, str], host: str, status: int
) -> None:
    executable = called(name)
    before = sorted(home.rglob("*"))
    done = executable.run("store", stdin=_LOGIN.format(host), environment=environment)
    assert done.status == status
    assert done.codes == ["compat.not-kept"]
    assert f"docker-credential-{name}" in done.stderr
    assert "of-a-login" not in done.stderr + done.stdout.decode()
    assert sorted(home.rglob("*")) == before
    for spelling in (host, f"http://{host}", f"https://{host}"):
        done = executable.run("erase", stdin=spelling, environment=environment)
        assert (done.status, done.stdout, done.stderr) == (0, b"", "")


@pytest.mark.parametrize("name", ["gcr", "gcloud"])
def test_as_googles_helper_it_answers_for_google(called: Called, tmp_path: Path, name: str) -> None:
    with GoogleCloud() as google:
        username, secret = called(name).get(GCR_HOST, google.identity(tmp_path)).credential
        assert google.issued(username, secret, GCR_HOST)


_LOGIN_OF_GOOGLES = {
    "gcrCreds": {"access_token": "ya29.a", "refresh_token": "1//r", "token_expiry": "2020-01-01"}
}


@pytest.mark.parametrize("place", ["~/.config/gcloud/docker_credentials.json", "named"])
def test_a_login_of_googles_helper_is_explained(
    called: Called, home: Path, tmp_path: Path, place: str
) -> None:
    file = Path(place.replace("~", str(home))) if place[0] == "~" else tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(_LOGIN_OF_GOOGLES))
    named = {"DOCKER_CREDENTIAL_GCR_STORE": str(file)} if place == "named" else {}
    executable = called("gcr")
    done = executable.get(GCR_HOST, named)
    assert (done.status, done.codes) == (1, ["gcr.login-of-former-helper"])
    assert str(file) in done.stderr
    assert "1//r" not in done.stderr
    explained = executable.run("explain", GCR_HOST, environment=named).stdout.decode()
    assert "not docker-credential-gcr: " in explained
    # Another identity is as good, and by any other name nothing was there before.
    with GoogleCloud() as google:
        username, secret = executable.get(GCR_HOST, named | google.identity(tmp_path)).credential
        assert google.issued(username, secret, GCR_HOST)
    assert called("gcloud").get(GCR_HOST, named).is_not_found


def test_a_login_of_googles_helper_is_explained_where_the_machine_has_no_account(
    called: Called, home: Path
) -> None:
    file = home / ".config/gcloud/docker_credentials.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(_LOGIN_OF_GOOGLES))
    with GoogleCloud() as google:
        google.service_account = None
        assert called("gcr").get(GCR_HOST, google.machine()).codes == ["gcr.login-of-former-helper"]
        assert called("gcloud").get(GCR_HOST, google.machine()).is_not_found


@pytest.mark.parametrize("content", ["", "{}", '{"otherCreds": {"a.test": {}}}'])
def test_googles_file_without_login_has_no_effect(called: Called, home: Path, content: str) -> None:
    file = home / ".config/gcloud/docker_credentials.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert called("gcr").get(GCR_HOST).is_not_found


@pytest.mark.parametrize("name", ["acr", "acr-env"])
def test_as_azures_helpers_it_answers_for_azure(
    called: Called, authority: Authority, proxy: TerminatingProxy, tmp_path: Path, name: str
) -> None:
    with AzureCloud(authority) as azure:
        azure.register(proxy)
        environment = azure.identity(tmp_path) | {"AZURE_ENVIRONMENT": "AzurePublicCloud"}
        username, secret = called(name).get(ACR_HOST, environment).credential
        assert azure.issued(username, secret, ACR_HOST)


@pytest.mark.parametrize(
    ("cloud", "host", "code"),
    [
        ("AzureChinaCloud", "a.azurecr.io", "compat.other-azure-cloud"),
        ("AZUREPUBLICCLOUD", "a.azurecr.us", "compat.other-azure-cloud"),
        ("AzureUSGovernment", "a.azurecr.io", "compat.other-azure-cloud"),
        ("AzureGermanCloud", "a.azurecr.io", "compat.other-azure-cloud"),
        ("AzureMoonCloud", "a.azurecr.io", "compat.azure-environment"),
    ],
)
def test_azures_environment_is_the_registrys(
    called: Called, cloud: str, host: str, code: str
) -> None:
    done = called("acr-env").get(host, {"AZURE_ENVIRONMENT": cloud})
    assert (done.status, done.codes) == (1, [code])


def test_as_env_the_variables_of_a_host_its_domains_and_all_hosts_count(called: Called) -> None:
    executable = called("env")
    variables = {
        **{f"DOCKER_example_com_{end}": "domain" for end in ("USR", "PSW")},
        **{f"DOCKER_org_{end}": "top" for end in ("USR", "PSW")},
    }
    assert executable.get("a.example.com", variables).credential == ("domain", "domain")
    assert executable.get("example.org", variables).credential == ("top", "top")
    assert executable.get("a.test", variables).is_not_found
    anybody = {**variables, **{f"DOCKER__{end}": "any" for end in ("USR", "PSW")}}
    assert executable.get("a.test", anybody).credential == ("any", "any")
    assert executable.get("ghcr.io", {"GITHUB_TOKEN": "t"}).credential == ("github", "t")
    assert executable.get(GCR_HOST).is_not_found


def test_as_env_the_variables_of_an_account_choose_the_identity_for_ecr(
    called: Called, aws: AwsCloud, home: Path
) -> None:
    executable = called("env")
    red = aws.session("arn:aws:iam::111111111111:user/red")
    blue, green = aws.user("blue"), aws.user("green")
    role_arn = aws.role("puller", blue)
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        f"[green]\naws_access_key_id = {green.id}\naws_secret_access_key = {green.secret}\n"
    )
    environment = {
        **aws.redirection(),
        **red.environment(),
        "AWS_ACCESS_KEY_ID_222222222222": blue.id,
        "AWS_SECRET_ACCESS_KEY_222222222222": blue.secret,
        "AWS_ROLE_ARN_222222222222": role_arn,
        "AWS_PROFILE_333333333333": "green",
    }
    hosts = [f"{digit * 12}.dkr.ecr.us-east-1.amazonaws.com" for digit in "123"]
    for host in hosts:
        username, secret = executable.get(host, environment).credential
        assert aws.issued(username, secret, host)
    asked = [call.principal.rpartition(":")[2] for call in aws.calls]
    assert asked[0] == "user/red"
    assert asked[1].startswith("assumed-role/puller/")
    assert asked[2] == "user/green"
    half = {**environment, "AWS_SECRET_ACCESS_KEY_222222222222": ""}
    done = executable.get(hosts[1], half)
    assert (done.status, done.codes) == (1, ["compat.half-account"])
    assert "AWS_SECRET_ACCESS_KEY_222222222222" in done.stdout.decode()
    named = {"DOCKER_amazonaws_com_USR": "u", "DOCKER_amazonaws_com_PSW": "p"}
    assert executable.get(hosts[0], {**environment, **named}).credential == ("u", "p")


def test_rules_without_helper_count_by_any_name(
    called: Called, aws: AwsCloud, tmp_path: Path
) -> None:
    executable = called("ecr-login")
    environment = aws.identity(tmp_path)
    rules = {
        **environment,
        "DOCKER_CREDENTIAL_MULTI_RULES": (
            f'rule = [{{match = "registry.test", alias = "{ECR_HOST}"}},'
            f' {{match = "{PUBLIC_HOST}", answer = "anonymous"}},'
            ' {match = "**", helper = "thing"}]'
        ),
    }
    username, secret = executable.get("registry.test", rules).credential
    assert aws.issued(username, secret, ECR_HOST)
    assert executable.get(PUBLIC_HOST, rules).is_not_found
    assert executable.get(ECR_HOST, rules).status == 0
    assert executable.get("a.test", rules).is_not_found
