"""The user's rules and settings, on the real executable: which source answers for a registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.aws import EXAMPLE_HOST as ECR_HOST
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import EXAMPLE_HOST as ACR_HOST
from tests.clouds.azure import IDENTITY_TOKEN, TENANT_ID, AzureCloud
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google import PUSHER, TARGET, GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.support.executable import NOT_FOUND, Completed
from tests.support.machine import Machine

__all__ = ["authority", "proxy"]

# An identity that ECR fails with.
BROKEN_ECR = {"AWS_PROFILE": "nowhere"}
GOOGLE = "Google Container Registry and Artifact Registry"

# Answers for every registry, and logs all requests.
_HELPER = """
request=$(cat); echo "$1 $request" >> "$log.requests"
case "$1" in
get) echo '{"Username":"of-NAME","Secret":"s"}' ;;
list) echo '{"listed.NAME.test":"of-NAME"}' ;;
esac
"""


@pytest.fixture
def machine(home: Path) -> Machine:
    """A machine with two helpers on PATH."""
    machine = Machine(home)
    machine.use({"PATH": machine.scripts.path})
    for name in ("thing", "other"):
        machine.helper(name, _HELPER.replace("NAME", name))
    return machine


def _requests(machine: Machine, name: str) -> list[str]:
    """Verb and standard input of every run of a helper so far."""
    log = machine.programs / f"docker-credential-{name}.log.requests"
    return log.read_text().splitlines() if log.exists() else []


def _ecr_failed(done: Completed) -> bool:
    """Whether the provider of ECR was asked, and its identity does not work."""
    return BROKEN_ECR["AWS_PROFILE"] in done.stderr


def _rule(**keys: str) -> str:
    return "\n".join(["[[rule]]", *(f'{key} = "{value}"' for key, value in keys.items()), ""])


# --- A helper by rule -----------------------------------------------------------------------------


def test_only_the_helper_of_a_rule_answers_and_keeps(machine: Machine) -> None:
    machine.settings(_rule(match="*.corp.test:*", helper="thing"))
    machine.config(credHelpers={"a.corp.test": "other"}, credsStore="other")
    assert machine.get("a.corp.test").credential == ("of-thing", "s")
    assert machine.get("https://b.corp.test:5000/v1/").credential == ("of-thing", "s")
    assert machine.store("a.corp.test").status == 0
    assert machine.erase("a.corp.test").status == 0
    assert _requests(machine, "other") == []
    get, get_with_port, store, erase = _requests(machine, "thing")
    assert get == "get a.corp.test"
    assert get_with_port == "get https://b.corp.test:5000/v1/"
    assert store.startswith("store ")
    assert "s3cret" in store
    assert erase == "erase a.corp.test"
    assert machine.get("a.b.corp.test").credential == ("of-other", "s")


def test_the_first_rule_that_matches_is_the_only_one(machine: Machine) -> None:
    machine.settings(
        _rule(match="registry.test/team-a", helper="other") + _rule(match="**", helper="thing")
    )
    assert machine.get("registry.test/team-a/image").credential == ("of-other", "s")
    assert machine.get("registry.test/team-b/image").credential == ("of-thing", "s")
    assert machine.get("registry.test").credential == ("of-thing", "s")
    assert machine.get("https://index.docker.io/v1/").credential == ("of-thing", "s")


def test_a_rules_helper_that_is_missing_or_this_program_ends_at_once(machine: Machine) -> None:
    machine.settings(_rule(match="registry.test", helper="missing"))
    done = machine.get("registry.test")
    assert done.status == 1
    assert "docker-credential-missing" in done.stderr
    assert f"{machine.settings_file}:3" in done.stderr
    machine.settings(_rule(match="registry.test", helper="multi"))
    done = machine.get("registry.test")
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    machine.scripts.add_ourselves("circle")
    machine.settings(_rule(match="registry.test", helper="circle"))
    done = machine.get("registry.test")
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert done.codes == ["helper.loop"]
    assert machine.scripts.runs("circle") == ["get"]


def test_only_the_hosts_of_the_rule_are_listed_from_its_helper(machine: Machine) -> None:
    machine.settings(
        _rule(match="listed.thing.test", helper="thing") + _rule(match="x", helper="other")
    )
    assert machine.logins().document == {"listed.thing.test": "of-thing"}


# --- Answers by rule ------------------------------------------------------------------------------


def test_anonymous_is_not_found_and_no_source_is_asked(machine: Machine) -> None:
    machine.settings(_rule(match="**", answer="anonymous"))
    machine.config(credsStore="other")
    for server_url in ("registry.test", ECR_HOST):
        done = machine.get(server_url, **BROKEN_ECR, DOCKER_registry_test_USR="half")
        assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    assert _requests(machine, "other") == []


def test_the_answer_empty_has_no_user_name_and_asks_no_source(machine: Machine) -> None:
    machine.settings(_rule(match="**", answer="empty"))
    machine.config(credsStore="other")
    for server_url in ("registry.test", ECR_HOST, "https://index.docker.io/v1/"):
        done = machine.get(server_url, **BROKEN_ECR)
        assert (done.status, done.stderr) == (0, "")
        assert done.document == {"ServerURL": server_url, "Username": "", "Secret": ""}
    assert _requests(machine, "other") == []
    assert machine.run("token", "registry.test").codes == ["client.no-credential"]
    explained = machine.run("explain", "--json", "--try", ECR_HOST).document
    assert [one["outcome"] for one in explained["tried"]] == ["credential"]


def test_the_answer_none_is_an_error(machine: Machine) -> None:
    machine.settings(
        _rule(match="**.docker.io", answer="none") + _rule(match="docker.io", answer="none")
    )
    for server_url in ("https://index.docker.io/v1/", "registry-1.docker.io", "docker.io"):
        done = machine.get(server_url)
        assert (done.status, done.codes) == (1, ["settings.rule-refuses"])
        assert f"{machine.settings_file}:" in done.stdout.decode()


def test_a_host_with_a_fixed_answer_is_not_listed_and_its_login_not_stored(
    machine: Machine,
) -> None:
    machine.settings(_rule(match="listed.other.test", answer="none"))
    machine.config(credsStore="other")
    assert machine.logins().document == {}
    done = machine.store("login.other.test")
    assert (done.status, done.stderr) == (0, "")
    machine.config()
    done = machine.store("listed.other.test")
    assert (done.status, done.codes) == (0, ["store.answered-otherwise"])
    assert f"{machine.settings_file}:3" in done.stderr


# --- Providers and order --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "host", "code"),
    [
        ({"provider": "ecr"}, "registry.test", "settings.host-of-no-cloud"),
        ({"profile": "work"}, "registry.test", "settings.option-without-cloud"),
        ({"profile": "work"}, "gcr.io", "settings.option-of-other-cloud"),
    ],
)
def test_a_provider_in_a_rule_has_to_be_the_clouds_of_the_host(
    machine: Machine, rule: dict[str, str], host: str, code: str
) -> None:
    machine.settings(_rule(match="**", **rule))
    done = machine.get(host, **BROKEN_ECR)
    assert (done.status, done.codes) == (1, [code])
    assert done.stdout.decode().startswith(f"{machine.settings_file}:3: ")


def test_a_disabled_provider_is_asked_where_a_rule_names_it(machine: Machine) -> None:
    machine.settings('disabled_providers = ["ecr"]\n')
    assert machine.get(ECR_HOST, **BROKEN_ECR).stdout == NOT_FOUND
    machine.settings('disabled_providers = ["ecr"]\n' + _rule(match=ECR_HOST, provider="ecr"))
    assert _ecr_failed(machine.get(ECR_HOST, **BROKEN_ECR))
    variable = {"DOCKER_CREDENTIAL_MULTI_DISABLED_PROVIDERS": "gcr"}
    machine.settings('disabled_providers = ["ecr"]\n')
    assert _ecr_failed(machine.get(ECR_HOST, **BROKEN_ECR, **variable))


def test_provider_none_leaves_a_clouds_host_to_what_config_json_names(machine: Machine) -> None:
    machine.settings(_rule(match=ECR_HOST, provider="none"))
    assert machine.get(ECR_HOST, **BROKEN_ECR).stdout == NOT_FOUND
    machine.config(credsStore="thing")
    assert machine.get(ECR_HOST, **BROKEN_ECR).credential == ("of-thing", "s")


def test_the_order_of_the_sources_can_be_chosen(machine: Machine) -> None:
    machine.config(credsStore="thing")
    variables = {
        f"DOCKER_{ECR_HOST.replace('.', '_').replace('-', '_')}_{end}": "v"
        for end in ("USR", "PSW")
    }
    assert machine.get(ECR_HOST, **variables, **BROKEN_ECR).credential == ("v", "v")
    done = machine.get(ECR_HOST, **BROKEN_ECR)
    assert done.document["Username"] == "of-thing"
    assert _ecr_failed(done)
    assert "warning: " in done.stderr
    machine.settings('order = ["config", "cloud"]\n')
    assert machine.get(ECR_HOST, **variables, **BROKEN_ECR).credential == ("of-thing", "s")
    machine.config()
    assert _ecr_failed(machine.get(ECR_HOST, **variables, **BROKEN_ECR))
    machine.settings("order = []\n")
    assert machine.get(ECR_HOST, **variables, **BROKEN_ECR).stdout == NOT_FOUND


# --- Mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "codes"),
    [
        ("deadlin_s = 3", ["settings.unknown-setting"]),
        ('\n[ecr]\nprofil = "x"\ny = 1', ["settings.unknown-option"] * 2),
        ('password = "hunter2', ["settings.not-toml"]),
    ],
)
def test_every_verb_reports_all_mistakes(machine: Machine, toml: str, codes: list[str]) -> None:
    machine.settings(toml)
    for ask in (machine.get, machine.store, machine.erase):
        done = ask("gcr.io")
        assert (done.status, done.codes) == (1, codes)
        assert done.stdout.decode().startswith(f"{machine.settings_file}:")
        assert done.stderr.count("error: ") == len(codes)
        assert "hunter2" not in done.stderr
    done = machine.logins()
    assert (done.status, done.document, done.codes) == (0, {}, codes)
    assert done.stderr.count("warning: ") == len(codes)
    assert machine.run("version").status == 0


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ('match = "*.corp.test"\nprovider = "gce"', "settings.invalid-word"),
        ('match = "*.corp.test"\nprofil = "x"\nhlper = "x"', "settings.unknown-option"),
        ('match = "*.corp.test"\nhelper = "x"\nanswer = "none"', "settings.rule-conflict"),
        ('match = "*.corp.test"\nalias = "b.test"', "settings.alias-unknown"),
        ('match = "**.corp.**"\nhelper = "thing"', "settings.pattern-stars"),
        ('helper = "thing"', "settings.rule-without-match"),
    ],
)
def test_a_rule_with_a_mistake_stops_its_own_hosts(machine: Machine, rule: str, code: str) -> None:
    machine.settings(_rule(match="before.test", helper="thing") + f"[[rule]]\n{rule}\n")
    machine.config(credsStore="other")
    assert machine.get("before.test").credential == ("of-thing", "s")
    assert machine.get("https://index.docker.io/v1/").credential == ("of-other", "s")
    done = machine.get("a.corp.test")
    assert (done.status, set(done.codes)) == (1, {code})
    assert done.stdout.decode().startswith(f"{machine.settings_file}:")
    if "*.corp.test" in rule:
        assert machine.get("other.test").credential == ("of-other", "s")
    assert machine.logins().status == 0


# --- list -----------------------------------------------------------------------------------------


def test_the_hosts_of_rules_with_list_are_listed(machine: Machine) -> None:
    machine.settings(
        f'[[rule]]\nmatch = "{ECR_HOST}"\nlist = true\n'
        f'[[rule]]\nmatch = "registry.corp.test:5000"\nalias = "{ACR_HOST}"\nlist = true\n'
        '[[rule]]\nmatch = "gcr.io"\nlist = false\n'
    )
    done = machine.logins()
    assert done.document == {
        ECR_HOST: "AWS",
        "registry.corp.test:5000": "00000000-0000-0000-0000-000000000000",
    }
    assert (done.status, done.stderr) == (0, "")


# --- explain --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "line", "provider", "reason", "order"),
    [
        (
            "registry.corp.test",
            2,
            "ecr",
            f"a rule makes the host an alias of {ECR_HOST}, which belongs to Amazon ECR",
            ["ecr"],
        ),
        (
            "gcr.io",
            5,
            None,
            f"the host belongs to {GOOGLE}, but a rule names another source",
            ["docker-credential-thing"],
        ),
        (
            ACR_HOST,
            None,
            None,
            "the host belongs to Azure Container Registry, but its provider is disabled",
            [],
        ),
    ],
)
def test_explain_names_the_rule_and_its_effect(
    machine: Machine,
    host: str,
    line: int | None,
    provider: str | None,
    reason: str,
    order: list[str],
) -> None:
    machine.settings(
        _rule(match="registry.corp.test", alias=ECR_HOST) + _rule(match="gcr.io", helper="thing")
    )
    settings = {
        "DOCKER_CREDENTIAL_MULTI_ORDER": "environment,cloud,ci",
        "DOCKER_CREDENTIAL_MULTI_DISABLED_PROVIDERS": "acr",
    }
    document = machine.run("explain", "--json", host, **settings).document
    assert document["rule"] == (f"{machine.settings_file}:{line}" if line else None)
    assert (document["provider"], document["reason"]) == (provider, reason)
    assert document["order"] == order


# --- Per registry: another identity, or another registry behind it --------------------------------


@pytest.fixture
def aws(machine: Machine) -> Iterator[AwsCloud]:
    """A cloud with two users, each by a profile, and no identity by default."""
    with AwsCloud() as cloud:
        folder = machine.home / ".aws"
        folder.mkdir()
        keys = {name: cloud.user(name) for name in ("red", "blue")}
        (folder / "credentials").write_text(
            "".join(
                f"[{name}]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
                for name, key in keys.items()
            )
        )
        cloud.role("puller", keys["blue"])
        yield cloud


def test_two_registries_of_a_cloud_use_the_identities_of_their_rules(
    machine: Machine, aws: AwsCloud
) -> None:
    role_arn = next(iter(aws.roles))
    machine.settings(
        _rule(match="111111111111.dkr.ecr.*.amazonaws.com", profile="red")
        + _rule(match="222222222222.dkr.ecr.*.amazonaws.com", profile="blue")
        + _rule(match="*.dkr.ecr.eu-*.amazonaws.com", profile="blue", role_arn=role_arn)
        + '[ecr]\nprofile = "red"\n'
    )
    hosts = (
        "111111111111.dkr.ecr.us-east-1.amazonaws.com",
        "222222222222.dkr.ecr.us-east-1.amazonaws.com",
        "333333333333.dkr.ecr.eu-west-1.amazonaws.com",
        "444444444444.dkr.ecr.us-west-2.amazonaws.com",
    )
    for host in hosts:
        username, secret = machine.get(host, **aws.redirection()).credential
        assert aws.issued(username, secret, host)
    asked = [call.principal.rpartition(":")[2] for call in aws.calls]
    assert asked[0] == "user/red"
    assert asked[1] == "user/blue"
    assert asked[2].startswith("assumed-role/puller/")
    assert asked[3] == "user/red"
    # The cached token of one is not given to another.
    again = [machine.get(host, **aws.redirection()).credential for host in hosts]
    assert len(set(again)) == 4
    assert aws.exchanges == 4


def test_an_alias_is_answered_as_the_registry_behind_it(machine: Machine, aws: AwsCloud) -> None:
    machine.settings(
        _rule(match="registry.corp.test:5000", alias=ECR_HOST, profile="red")
        + _rule(match="docker.io", alias=ECR_HOST, profile="blue")
    )
    for server_url in ("registry.corp.test:5000", "https://index.docker.io/v1/", "docker.io"):
        done = machine.get(server_url, **aws.redirection())
        assert done.document["ServerURL"] == server_url
        assert aws.issued(*done.credential, ECR_HOST)
    assert [call.principal.rpartition("/")[2] for call in aws.calls] == ["red", "blue"]
    for server_url in (
        "registry.corp.test",
        "registry.corp.test:50",
        "http://registry.corp.test:5000",
        "user@registry.corp.test:5000",
        "registry.corp.test:5000.evil.test",
        "https://index.docker.io/v1/refresh-token",
        "https://index.docker.io/v1/access-token",
    ):
        done = machine.get(server_url, **aws.redirection())
        assert (done.status, done.stdout) == (1, NOT_FOUND), server_url
    assert aws.exchanges == 2


def test_a_login_to_a_clouds_registry_is_kept_where_the_cloud_gives_no_credential(
    machine: Machine, aws: AwsCloud
) -> None:
    machine.settings(_rule(match="registry.corp.test", alias=ECR_HOST))
    for host in ("registry.corp.test", ECR_HOST):
        for identity in ({}, BROKEN_ECR):
            environment = {**aws.redirection(), **identity}
            done = machine.store(host, **environment)
            assert (done.status, done.stderr) == (0, "")
            assert machine.get(host, **environment).document["Secret"] == "s3cret"
            assert machine.erase(host, **environment).status == 0


def test_a_login_where_the_cloud_answers_is_not_kept(machine: Machine, aws: AwsCloud) -> None:
    machine.settings(_rule(match="registry.corp.test", alias=ECR_HOST))
    environment = {**aws.redirection(), "AWS_PROFILE": "red"}
    done = machine.store("registry.corp.test", **environment)
    assert (done.status, done.codes) == (0, ["store.answered-otherwise"])
    assert machine.get("registry.corp.test", **environment).credential[1] != "s3cret"
    error = {"DOCKER_CREDENTIAL_MULTI_STORE_FOR_CLOUDS": "error"}
    done = machine.store("registry.corp.test", **environment, **error)
    assert (done.status, done.codes) == (1, ["store.answered-otherwise"])
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("variable", ["ORDER", "DISABLED_PROVIDERS"])
def test_a_login_to_a_cloud_that_is_not_asked_is_kept(machine: Machine, variable: str) -> None:
    value = {"ORDER": "config", "DISABLED_PROVIDERS": "gcr"}[variable]
    setting = {f"DOCKER_CREDENTIAL_MULTI_{variable}": value}
    done = machine.store("gcr.io", **setting)
    assert (done.status, done.stderr) == (0, "")
    assert machine.get("gcr.io", **setting).credential == ("u", "s3cret")
    reason = machine.run("explain", "--json", "gcr.io", **setting).document["reason"]
    assert reason.startswith(f"the host belongs to {GOOGLE}, but ")


def test_two_google_registries_use_the_accounts_of_their_rules(
    machine: Machine, proxy: TerminatingProxy
) -> None:
    with GoogleCloud() as google:
        google.register(proxy)
        machine.settings(
            _rule(match="eu-docker.pkg.dev", credentials_file="credential.json")
            + _rule(match="asia-docker.pkg.dev", credentials_file="~/user.json", impersonate=TARGET)
        )
        # One key beside the settings file, another in the home folder.
        google.service_account_key(machine.settings_file.parent)
        google.named(machine.home, google.user_info(), "user.json")
        principals = [
            google.principal(machine.get(host, **proxy.environment()).credential[1])
            for host in ("eu-docker.pkg.dev", "asia-docker.pkg.dev")
        ]
        assert principals == [PUSHER, TARGET]
        assert machine.get("us-docker.pkg.dev", **proxy.environment()).stdout == NOT_FOUND


def test_an_azure_option_is_read_from_a_rule_a_table_or_a_variable(
    machine: Machine, authority: Authority, proxy: TerminatingProxy
) -> None:
    with AzureCloud(authority) as azure:
        azure.register(proxy)
        environment = azure.identity(machine.home)
        del environment["AZURE_TENANT_ID"]
        machine.settings(
            f'[acr]\ntenant_id = "{TENANT_ID}"\n'
            + _rule(match="registry.corp.test", alias=ACR_HOST)
            + '[[rule]]\nmatch = "other.azurecr.io"\nidentity_token = true\n'
        )
        username, secret = machine.get("registry.corp.test", **environment).credential
        assert azure.issued(username, secret, ACR_HOST)
        username, secret = machine.get("other.azurecr.io", **environment).credential
        assert username == IDENTITY_TOKEN
        assert azure.issued(username, secret, "other.azurecr.io")
        variable = {"DOCKER_CREDENTIAL_MULTI_ACR_TENANT_ID": "wrong.example"}
        done = machine.get("third.azurecr.io", **environment, **variable)
        assert done.status == 1
        assert "AADSTS90002" in done.stderr
