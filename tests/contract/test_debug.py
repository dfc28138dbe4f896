"""The debug log: every step, without secrets, and only if it is turned on."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from tests.clients.hosted import Hosted, cloud
from tests.clouds import aws, faults
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME, known
from tests.support.executable import Completed
from tests.support.machine import Machine, person

__all__ = ["authority", "cloud", "known", "person", "proxy"]

_LOG = "DOCKER_CREDENTIAL_MULTI_LOG"
# What is not secret: the id of an application, a tenant or an account, and an audience.
_OPEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w.-]+@[\w.-]+|https://[\w.]+")
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d+ \S.*")


@pytest.fixture
def identified(person: Machine, cloud: Hosted, proxy: TerminatingProxy) -> Machine:
    """A person with an identity of this cloud."""
    person.environment |= proxy.environment() | dict(cloud.identity)
    return person


def _sent(cloud: Hosted) -> set[str]:
    """Every long word that was sent to the cloud: tokens, keys, signatures and assertions."""
    sent: set[str] = set()
    for request in cloud.cloud.received:
        headers = [text for name, text in request.headers.items() if name.lower() != "host"]
        texts = [*headers, *request.query.values(), request.body.decode()]
        sent.update(word for text in texts for word in re.split(r"[\s=&,;\"]+", text))
    return {word for word in sent if len(word) >= 24 and not _OPEN.fullmatch(word)}


@pytest.mark.parametrize("fault", [None, "unavailable", "wrong json"])
def test_no_secret_gets_into_the_log(identified: Machine, cloud: Hosted, fault: str | None) -> None:
    if fault:
        cloud.cloud.fail("*", faults.EVERY[fault])
    done = identified.run(
        "get", stdin=cloud.host, **{_LOG: "stderr", "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "6"}
    )
    assert f"debug: asked for {cloud.host}\n" in done.stderr
    assert "debug: http: " in done.stderr
    if not fault:
        assert done.document["Secret"] not in done.stderr
        assert f": a credential for {cloud.username} until " in done.stderr
    secrets = _sent(cloud)
    assert secrets
    assert not [secret for secret in secrets if secret in done.stderr], done.stderr
    assert not [v for name, v in cloud.identity.items() if "SECRET" in name and v in done.stderr]


def test_an_answer_is_the_same_with_and_without_the_log(identified: Machine, cloud: Hosted) -> None:
    silent = identified.run("get", stdin=cloud.host)
    telling = identified.run("get", stdin=cloud.host, **{_LOG: "stderr"})
    assert (silent.stdout, silent.stderr) == (telling.stdout, "")
    # What was kept is not asked for, and no SDK has anything to say.
    assert "sdk: " not in telling.stderr
    assert "http: " not in telling.stderr


def test_the_answer_of_every_source_is_logged(person: Machine) -> None:
    person.helper("first", "echo credentials not found; exit 1")
    person.helper("second", f'echo \'{{"Username":"{USERNAME}","Secret":"{PASSWORD}"}}\'')
    config = {"credHelpers": {PRIVATE_HOST: "first"}, "credsStore": "second"}
    person.write(".docker/config.json", json.dumps(config))
    done = person.run("get", stdin=f"https://me:{PASSWORD}@{PRIVATE_HOST}", **{_LOG: "stderr"})
    assert PASSWORD not in done.stderr
    done = person.run("get", stdin=PRIVATE_HOST, **{_LOG: "stderr"})
    said = [line.partition("debug: ")[2] for line in done.stderr.splitlines()]
    assert said[:2] == ["settings from no file", f"asked for {PRIVATE_HOST}"]
    assert said[2].startswith(
        "docker-credential-first: nothing (no credential for this registry), in "
    )
    assert said[3].startswith(f"docker-credential-second: a credential for {USERNAME} from docker-")
    assert len(said) == 4


def _ask(person: Machine, place: Path | str) -> Completed:
    return person.run("get", stdin="registry.example.com", **{_LOG: str(place)})


def test_a_file_is_closed_to_others_and_goes_on(person: Machine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for _ in range(2):
        done = _ask(person, log)
        assert (done.status, done.stderr) == (1, "")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    lines = log.read_text().splitlines()
    assert sum("asked for registry.example.com" in line for line in lines) == 2
    assert all(map(_LINE.fullmatch, lines))
    log.chmod(0o644)
    _ask(person, log)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "nowhere"])
def test_a_place_without_a_log_is_one_warning(person: Machine, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    match kind:
        case "folder":
            place.mkdir()
        case "link":
            place.symlink_to(tmp_path / "target")
        case "pipe":
            os.mkfifo(place)
        case "nowhere":
            place = tmp_path / "no" / "place"
    done = _ask(person, place)
    assert (done.status, done.stdout) == (1, b"credentials not found in native keychain\n")
    assert done.codes == ["settings.log-unusable"]
    assert str(place) in done.stderr
    assert not (tmp_path / "target").exists()


def test_a_relative_path_is_an_error(person: Machine) -> None:
    done = _ask(person, "log")
    assert "DOCKER_CREDENTIAL_MULTI_LOG is not stderr or the absolute path" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--debug", "token", aws.EXAMPLE_HOST),
        ("token", "--debug", aws.EXAMPLE_HOST),
        ("explain", "--try", aws.EXAMPLE_HOST, "--debug"),
        ("doctor", "--debug", aws.EXAMPLE_HOST),
    ],
)
def test_each_command_logs_its_steps(known: Machine, arguments: tuple[str, ...]) -> None:
    done = known.run(*arguments)
    assert f"debug: ecr: asking for {aws.EXAMPLE_HOST} as environment (" in done.stderr
    assert known.environment["AWS_SECRET_ACCESS_KEY"] not in done.stderr
    assert "debug: " not in done.stdout.decode()


def test_a_verb_called_by_hand_logs_its_steps_and_nothing_without_it(known: Machine) -> None:
    done = known.run("--debug", "get", stdin=aws.EXAMPLE_HOST)
    assert json.loads(done.stdout)["Username"] == aws.USERNAME
    assert f"debug: ecr: asking for {aws.EXAMPLE_HOST} as environment (" in done.stderr
    done = known.run("token", aws.EXAMPLE_HOST)
    assert (done.status, done.stderr) == (0, "")


@pytest.mark.skipif(
    bool(os.environ.get("DOCKER_CREDENTIAL_MULTI_UNDER_TEST")),
    reason="the frozen file hears no variable of Python's",
)
def test_without_it_no_module_of_it_is_loaded(known: Machine) -> None:
    known.run("get", stdin=aws.EXAMPLE_HOST)
    watched = {"PYTHONPROFILEIMPORTTIME": "1"}
    for variables, loaded in ((watched, False), (watched | {_LOG: "stderr"}, True)):
        done = known.run("get", stdin=aws.EXAMPLE_HOST, **variables)
        assert done.document["Username"] == "AWS"
        for module in ("cred_helper.log", "logging"):
            assert (re.search(rf"\| +{module}$", done.stderr, re.MULTILINE) is not None) is loaded
