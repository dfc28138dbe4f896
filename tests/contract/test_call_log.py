"""The log of calls: one JSON object a line, as its schema says, and without secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cred_helper import call_log, clouds
from tests.clients.hosted import Hosted, cloud
from tests.clouds import faults
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.frozen.files import needs_root
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME
from tests.support import schemas
from tests.support.executable import ROOT
from tests.support.machine import Machine, person

__all__ = ["authority", "cloud", "person", "proxy"]


@pytest.fixture
def logged(person: Machine, tmp_path: Path) -> Machine:
    """A person who wants the log of calls."""
    person.use(
        {
            "DOCKER_CREDENTIAL_MULTI_LOG": str(tmp_path / "log"),
            "DOCKER_CREDENTIAL_MULTI_LOG_FORMAT": "json",
        }
    )
    return person


def _lines(machine: Machine) -> list[dict[str, Any]]:
    """What is in the log; each line has to be as the schema says."""
    path = Path(machine.environment["DOCKER_CREDENTIAL_MULTI_LOG"])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        schemas.check(schemas.LOG, line)
    return lines


def test_an_answer_of_a_cloud_and_one_from_the_cache_are_logged_without_secrets(
    logged: Machine, cloud: Hosted, proxy: TerminatingProxy
) -> None:
    logged.environment |= proxy.environment() | dict(cloud.identity)
    first = logged.run("get", stdin=f"https://{cloud.host}/v2/")
    assert logged.run("get", stdin=cloud.host).stdout != b""
    lines = _lines(logged)
    assert [line["cached"] for line in lines] == [False, True]
    for line in lines:
        assert (line["verb"], line["source"] in clouds.NAMES, line["exit"]) == ("get", True, 0)
        assert (line["code"], line["warnings"]) == (None, [])
        assert cloud.host in line["server_url"]
        assert line["duration_ms"] > 0
    text = Path(logged.environment["DOCKER_CREDENTIAL_MULTI_LOG"]).read_text()
    for secret in (first.document["Secret"], *cloud.cloud.confidential()):
        assert secret not in text
    assert os.stat(logged.environment["DOCKER_CREDENTIAL_MULTI_LOG"]).st_mode & 0o777 == 0o600


def test_a_failure_has_its_code(logged: Machine, cloud: Hosted, proxy: TerminatingProxy) -> None:
    if not cloud.cloud.asks_network:
        pytest.skip("this cloud asks no network")
    logged.environment |= proxy.environment() | dict(cloud.identity)
    logged.use({"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "3"})
    cloud.cloud.fail("*", faults.EVERY["wrong json"])
    done = logged.run("get", stdin=cloud.host)
    (line,) = _lines(logged)
    assert (line["exit"], line["source"], line["cached"]) == (1, None, None)
    assert [line["code"]] == done.codes


def test_every_verb_and_the_commands_that_ask_are_logged(logged: Machine) -> None:
    login = json.dumps({"ServerURL": PRIVATE_HOST, "Username": USERNAME, "Secret": PASSWORD})
    with_user = f"https://me:{PASSWORD}@{PRIVATE_HOST}"
    for verb, stdin, server_url in (
        ("store", login, PRIVATE_HOST),
        ("get", with_user, f"https://…@{PRIVATE_HOST}"),
        ("get", "missing.example", "missing.example"),
        ("list", "", None),
        ("erase", PRIVATE_HOST, PRIVATE_HOST),
    ):
        status = logged.run(verb, stdin=stdin).status
        line = _lines(logged)[-1]
        assert (line["verb"], line["exit"], line["server_url"]) == (verb, status, server_url)
        assert PASSWORD not in json.dumps(line)
    for command, stdin in (
        ("bazel get", '{"uri": "https://missing.example/v2/"}'),
        ("token missing.example", ""),
    ):
        done = logged.run(*command.split(), stdin=stdin)
        line = _lines(logged)[-1]
        assert (done.status, line["exit"], [line["code"]]) == (1, 1, done.codes)
        assert command.startswith(line["verb"])
    for words in ("configure --docker-only --yes", "doctor", "providers"):
        logged.run(*words.split())
        line = _lines(logged)[-1]
        assert (line["verb"], line["server_url"]) == (words.split()[0], None)
    logged.run("version")
    assert _lines(logged)[-1] == line


def test_a_log_that_others_can_read_becomes_private(logged: Machine) -> None:
    path = Path(logged.environment["DOCKER_CREDENTIAL_MULTI_LOG"])
    for log_format in ("json", "text"):
        path.touch()
        path.chmod(0o644)
        logged.run("get", stdin="a.example", DOCKER_CREDENTIAL_MULTI_LOG_FORMAT=log_format)
        assert (path.stat().st_mode & 0o777, path.stat().st_size > 0) == (0o600, True)


def test_warnings_are_logged_by_their_codes(logged: Machine) -> None:
    logged.helper("broken", "exit 3")
    logged.helper("good", f'echo \'{{"Username":"{USERNAME}","Secret":"{PASSWORD}"}}\'')
    config = {"credHelpers": {PRIVATE_HOST: "broken"}, "credsStore": "good"}
    logged.write(".docker/config.json", json.dumps(config))
    done = logged.run("get", stdin=PRIVATE_HOST)
    (line,) = _lines(logged)
    assert line["warnings"] == done.codes != []
    assert (line["source"], line["exit"]) == ("docker-credential-good", 0)


def test_debug_shows_the_steps_whatever_the_format_is(logged: Machine) -> None:
    done = logged.run("--debug", "get", stdin="missing.example")
    assert "debug: asked for missing.example" in done.stderr


def test_a_log_on_standard_error_is_the_same_line(logged: Machine) -> None:
    done = logged.run("get", stdin="a.example", DOCKER_CREDENTIAL_MULTI_LOG="stderr")
    schemas.check(schemas.LOG, json.loads(done.stderr))


@pytest.mark.parametrize("place", ["/dev/full", "/missing/log", "/"])
def test_a_log_that_cannot_be_written_is_one_warning(logged: Machine, place: str) -> None:
    done = logged.run("get", stdin="a.example", DOCKER_CREDENTIAL_MULTI_LOG=place)
    assert (done.status, done.codes) == (1, ["settings.log-unusable"])
    assert done.stdout == b"credentials not found in native keychain\n"


_WRITER = """
import sys
from cred_helper import call_log
call_log.MAX_FILE_BYTES = 20_000
for number in range(40):
    call_log._CALLS.clear()
    call_log.begin(sys.argv[1], lambda error: sys.exit(error.line))
    call_log.end("get", 0, [("warning", "cache.not-kept")], 0.001)
"""


def test_processes_at_once_write_whole_lines_into_two_bounded_files(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], cwd=ROOT) for _ in range(6)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 6
    files = [path, Path(f"{path}.old")]
    assert sorted(tmp_path.glob("log*")) == files
    for file in files:
        assert file.stat().st_size < 22_000
        for line in file.read_text().splitlines():
            schemas.check(schemas.LOG, json.loads(line))
    assert files[1].stat().st_size > 20_000


@needs_root
def test_a_full_disk_costs_lines_and_no_answer(logged: Machine, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # One page: the file is full within a line.
    mounted = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no mounts")
    try:
        log = disk / "log"
        log.write_text("x" * 4000 + "\n")
        logged.use({"DOCKER_CREDENTIAL_MULTI_LOG": str(log)})
        for _ in range(2):
            done = logged.run("get", stdin="a.example")
            assert (done.status, done.stderr) == (1, "")
        assert log.stat().st_size == 4096
        subprocess.run(["mount", "-o", "remount,size=8k", str(disk)], check=True)
        logged.run("get", stdin="a.example")
        schemas.check(schemas.LOG, json.loads(log.read_text().splitlines()[-1]))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_documented_number_of_lines_fits_in_the_file(logged: Machine) -> None:
    logged.run("get", stdin="123456789012.dkr.ecr.us-east-1.amazonaws.com")
    assert call_log.MAX_FILE_BYTES / len(json.dumps(_lines(logged)[0])) > 20_000
