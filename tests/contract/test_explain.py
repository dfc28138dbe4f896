"""``explain``: the sources for a server URL and, with ``--try``, what they answer."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from cred_helper import clouds
from tests.clients.hosted import NAMES
from tests.clouds import aws
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.stage import known
from tests.support.executable import CLOSED_PORT
from tests.support.machine import Machine, person

__all__ = ["authority", "known", "person", "proxy"]

_SECRET = "hunter2-hunter2"
_AUTH = b64encode(f"robot:{_SECRET}".encode()).decode()


def _document(person: Machine, *arguments: str, **variables: str) -> dict[str, Any]:
    done = person.run("explain", "--json", *arguments, **variables)
    assert done.status == 0, done
    found: dict[str, Any] = done.document
    return found


def _outlooks(person: Machine, server_url: str, **variables: str) -> list[tuple[str, str | None]]:
    """What each source would answer, and the code of the message if it has no credential."""
    document = _document(person, server_url, **variables)
    assert document["order"] == [source["source"] for source in document["sources"]]
    return [(source["would_say"], source["code"]) for source in document["sources"]]


# --- What a server URL may be ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server_url", "host", "provider"),
    [
        (aws.EXAMPLE_HOST, aws.EXAMPLE_HOST, "ecr"),
        ("https://US-docker.pkg.dev/v2/", "us-docker.pkg.dev", "gcr"),
        ("myreg.azurecr.io:443", "myreg.azurecr.io", "acr"),
        ("registry.example.com", "registry.example.com", None),
        ("localhost:5000", "localhost", None),
        ("", None, None),
        ("   ", None, None),
        ("-x", "-x", None),
        ("-try-me", "-try-me", None),
        ("gcr.io\ngcr.io", "gcr.io\ngcr.io", None),
        ("\x1b[31mgcr.io", "\x1b[31mgcr.io", None),
        ("http://gcr.io", "gcr.io", None),
        ("gcr.io.", "gcr.io.", None),
        ("me:it@gcr.io", "gcr.io", None),
        ("é.gcr.io", "é.gcr.io", None),
        ("\udcff", "\udcff", None),
        ("[::1]:5000", "[::1]", None),
        ("x" * 5000, "x" * 5000, None),
    ],
)
def test_every_server_url_can_be_explained(
    person: Machine, server_url: str, host: str | None, provider: str | None
) -> None:
    document = _document(person, server_url)
    assert (document["host"], document["provider"]) == (host, provider)
    assert document["reason"]


@pytest.mark.parametrize("server_url", ["-h.example", "--", "-", "\x1b[31m\n\t\x07", "\udcff"])
def test_control_characters_are_written_out(person: Machine, server_url: str) -> None:
    done = person.run("explain", "--", server_url)
    assert (done.status, done.stderr) == (0, "")
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("server URL  ")
    assert all(line.isprintable() for line in lines)


def test_the_region_and_the_kind_of_endpoint_are_in_the_document(person: Machine) -> None:
    document = _document(person, "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com")
    assert (document["region"], document["fips"]) == ("us-gov-west-1", True)


# --- What each source would say -------------------------------------------------------------------


def test_files_and_variables_are_read_and_helpers_are_not_run(person: Machine) -> None:
    ran = person.home / "ran"
    person.helper("one", f"touch {ran}")
    person.helper("two", f"touch {ran}")
    config = {
        "credHelpers": {"a.example": "one"},
        "credsStore": "two",
        "auths": {"b.example": {"auth": _AUTH}},
    }
    person.write(".docker/config.json", json.dumps(config))
    assert _outlooks(person, "a.example") == [
        ("open", None),
        ("open", None),
        ("nothing", "fallback.no-entry"),
        ("nothing", "store.no-entry"),
    ]
    assert _outlooks(person, "b.example")[1:] == [("credential", None), ("not asked", None)]
    variables = {"DOCKER_b_example_USR": "ci", "DOCKER_b_example_PSW": _SECRET}
    assert _outlooks(person, "b.example", **variables)[0] == ("credential", None)
    assert not ran.exists()


def test_a_source_that_would_fail_says_why(person: Machine) -> None:
    config = {"credsStore": "gone", "auths": {"b.example": {"auth": "%"}}}
    person.write(".docker/config.json", json.dumps(config))
    (missing, _), (broken, code), *_ = _outlooks(person, "b.example")
    assert (missing, broken) == ("failure", "failure")
    assert code


def test_a_rule_is_named_by_file_and_line(person: Machine) -> None:
    path = person.write(
        ".config/docker-credential-multi/config.toml",
        '\n[[rule]]\nmatch = "*.corp.example"\nanswer = "none"\n'
        f'\n[[rule]]\nmatch = "mirror.example"\nalias = "{aws.EXAMPLE_HOST}"\n',
    )
    refused = _document(person, "a.corp.example")
    assert refused["rule"] == f"{path}:3"
    assert refused["sources"][0]["would_say"] == "failure"
    alias = _document(person, "mirror.example")
    assert (alias["provider"], alias["region"], alias["rule"]) == ("ecr", "us-east-1", f"{path}:7")


def test_a_rule_that_cannot_apply_is_the_error_of_the_explanation(person: Machine) -> None:
    rules = '[[rule]]\nmatch = "*.io"\nprovider = "ecr"\n'
    document = _document(person, "quay.io", DOCKER_CREDENTIAL_MULTI_RULES=rules)
    assert document["error"].startswith("DOCKER_CREDENTIAL_MULTI_RULES:3: ")
    assert document["code"]
    assert (document["host"], document["provider"], document["order"]) == ("quay.io", None, [])
    tried = person.run("explain", "--try", "quay.io", DOCKER_CREDENTIAL_MULTI_RULES=rules)
    assert tried.status == 0
    assert b"DOCKER_CREDENTIAL_MULTI_RULES:3: " in tried.stdout


def test_an_identity_is_shown_with_those_that_it_comes_before(person: Machine) -> None:
    variables = {"AWS_ACCESS_KEY_ID": "AKIALOOPBACKEXAMPLE", "AWS_SECRET_ACCESS_KEY": _SECRET}
    identity = _document(person, aws.EXAMPLE_HOST, **variables)["identity"]
    assert (identity["source"], identity["certain"]) == ("environment", True)
    assert {"profile", "instance-metadata"} <= {o["source"] for o in identity["skipped"]}
    half = _document(person, aws.EXAMPLE_HOST, AWS_ACCESS_KEY_ID="AKIALOOPBACKEXAMPLE")
    assert half["identity"]["error"]
    assert half["sources"][0]["would_say"] == "failure"
    shown = person.run("explain", aws.EXAMPLE_HOST, **variables).stdout.decode()
    assert _SECRET not in shown
    assert "identity    environment: AWS_ACCESS_KEY_ID …MPLE\n" in shown


# --- Really asking --------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", [name for name in NAMES if not clouds.find(name).only_with])
def test_a_try_shows_time_and_end(known: Machine, provider: str, proxy: TerminatingProxy) -> None:
    host = clouds.find(provider).example_host
    document = _document(known, "--try", host)
    tried = document["tried"][0]
    assert (tried["source"], tried["outcome"], tried["cached"]) == (provider, "credential", False)
    if not tried["expires_at"]:
        pytest.skip("this cloud has credentials without an end, which are not cached")
    assert datetime.fromisoformat(tried["expires_at"]) > datetime.now(UTC)
    assert 0 < tried["took_ms"] <= document["took_ms"]
    secret = known.run("token", host).stdout.decode().strip()
    again = known.run("explain", "--try", host)
    assert secret not in json.dumps(document) + again.stdout.decode() + again.stderr
    assert f"asked       1. {provider}: a credential for ".encode() in again.stdout
    assert b", from the cache, in " in again.stdout
    looked_at = _document(known, host)
    assert "tried" not in looked_at
    assert looked_at["sources"][0]["would_say"] == "credential"


def test_a_try_goes_on_to_the_next_source(person: Machine) -> None:
    person.helper("last", 'echo \'{"Username":"u","Secret":"hunter2-hunter2"}\'')
    person.write(".docker/config.json", json.dumps({"credsStore": "last"}))
    variables = {
        "AWS_ACCESS_KEY_ID": "AKIALOOPBACKEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_ENDPOINT_URL_ECR": CLOSED_PORT,
        "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "5",
    }
    done = person.run("explain", "--try", "--json", aws.EXAMPLE_HOST, **variables)
    assert done.status == 0
    failed, answered = done.document["tried"]
    assert (failed["outcome"], failed["username"]) == ("failure", None)
    assert failed["reason"]
    assert (answered["source"], answered["username"]) == ("docker-credential-last", "u")
    assert _SECRET.encode() not in done.stdout


def test_the_standard_error_of_a_helper_is_not_in_the_document(person: Machine) -> None:
    person.helper("noisy", "echo noise >&2; echo credentials not found; exit 1")
    person.write(".docker/config.json", json.dumps({"credsStore": "noisy"}))
    done = person.run("explain", "--try", "--json", "registry.example.com")
    assert done.document["tried"][0]["outcome"] == "nothing"
    assert done.stderr == "noise\n"


def test_this_program_is_not_among_the_sources(person: Machine) -> None:
    person.write(".docker/config.json", json.dumps({"credsStore": "multi"}))
    for arguments in ((), ("--try",)):
        done = person.run("explain", *arguments, "registry.example.com")
        assert b"docker-credential-multi:" not in done.stdout
    assert "docker-credential-multi" not in _document(person, "registry.example.com")["order"]


# --- Checking -------------------------------------------------------------------------------------

_KEYS = {"AWS_ACCESS_KEY_ID": "AKIALOOPBACKEXAMPLE", "AWS_SECRET_ACCESS_KEY": _SECRET}


@pytest.mark.parametrize(
    ("host", "variables", "passed", "codes"),
    [
        (aws.EXAMPLE_HOST, _KEYS, True, ["doctor.identity-works"]),
        (aws.EXAMPLE_HOST, {}, False, ["doctor.nothing-answers"]),
        ("registry.example.com", {}, False, ["doctor.nothing-answers"]),
        (
            "b.example",
            {"DOCKER_b_example_USR": "ci", "DOCKER_b_example_PSW": _SECRET},
            True,
            ["doctor.other-source-works"],
        ),
        (
            "12345.dkr.ecr.eu-west-1.amazonaws.com",
            {},
            False,
            ["ecr.near-account-id", "doctor.nothing-answers"],
        ),
    ],
)
def test_check_exits_by_whether_a_source_can_answer(
    person: Machine, host: str, variables: dict[str, str], passed: bool, codes: list[str]
) -> None:
    done = person.run("explain", "--check", "--json", host, **variables)
    check = done.document["check"]
    assert (done.status, check["passed"]) == (0 if passed else 1, passed)
    assert [notice["code"] for notice in check["notices"]] == codes
    shown = person.run("explain", "--check", host, **variables)
    assert shown.status == done.status
    assert (b"\ncheck       passed\n" in shown.stdout) == passed
    assert _SECRET.encode() not in done.stdout + shown.stdout


def test_mistakes_in_local_files_are_shown(person: Machine) -> None:
    person.write(".aws/config", "[default]\ncredential_process = no-such-program\n")
    problems = _document(person, aws.EXAMPLE_HOST)["identity"]["problems"]
    assert problems
    assert all(problem["code"].startswith("ecr.") for problem in problems)
    done = person.run("explain", "--check", aws.EXAMPLE_HOST)
    assert done.status == 1
    assert b"\nproblem     " in done.stdout


def test_check_names_an_identity_that_cannot_work_and_unmatched_rules(person: Machine) -> None:
    half = {"AWS_ACCESS_KEY_ID": "AKIALOOPBACKEXAMPLE"}
    assert person.run("explain", "--check", aws.EXAMPLE_HOST, **half).status == 1
    assert person.run("explain", aws.EXAMPLE_HOST, **half).status == 0
    rules = {"DOCKER_CREDENTIAL_MULTI_RULES": '[[rule]]\nmatch = "other.example"\nhelper = "x"\n'}
    done = person.run("explain", "--check", "--json", aws.EXAMPLE_HOST, **_KEYS, **rules)
    codes = [notice["code"] for notice in done.document["check"]["notices"]]
    assert codes == ["doctor.no-rule-matches", "doctor.identity-works"]


def test_check_with_try_exits_by_what_the_sources_answer(person: Machine) -> None:
    person.write(".docker/config.json", json.dumps({"credsStore": "last"}))
    person.helper("last", "echo credentials not found; exit 1")
    assert person.run("explain", "--check", "b.example").status == 0
    assert person.run("explain", "--check", "--try", "b.example").status == 1
    person.helper("last", 'echo \'{"Username":"u","Secret":"hunter2-hunter2"}\'')
    assert person.run("explain", "--check", "--try", "b.example").status == 0


# --- Colour ---------------------------------------------------------------------------------------


def test_there_is_colour_on_a_terminal_only_and_where_it_is_wanted(person: Machine) -> None:
    status, seen = person.at_terminal("explain", "registry.example.com")
    assert (status, "\x1b[" in seen) == (0, True)
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        person.environment |= {name: value}
        _, seen = person.at_terminal("explain", "registry.example.com")
        del person.environment[name]
        assert "registry.example.com" in seen
        assert "\x1b" not in seen
    assert b"\x1b" not in person.run("explain", "registry.example.com").stdout


@pytest.mark.parametrize(
    "server_url", ["//u:hun/ter2@r.example.com", "https://u:hun/ter2@r.example.com", "u:hun/ter2@x"]
)
@pytest.mark.parametrize("command", ["explain", "token", "logout", "login"])
def test_a_password_in_a_url_is_not_shown(person: Machine, server_url: str, command: str) -> None:
    done = person.run(command, server_url)
    assert "ter2" not in done.stdout.decode() + done.stderr
    assert done.status != 0 or command == "explain"
