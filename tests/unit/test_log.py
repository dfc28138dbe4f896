"""The debug log: what it repeats of the SDKs' records, and its file."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cred_helper import log as log_module
from cred_helper.errors import CredentialError
from cred_helper.files.log_file import LogFile
from cred_helper.log import Log
from tests.support.executable import ROOT

_SECRET = "hunter2-hunter2"
_LONG = "eyJhbGciOiJSUzI1NiJ9." + "x" * 60


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Has a log follow the SDKs; what is in it when looked at."""
    monkeypatch.setattr(log_module, "_OPENED", {})
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    path = tmp_path / "log"
    assert Log.to(str(path), lambda error: pytest.fail(error.line)) is not None

    class Lines(list[str]):
        def read(self) -> list[str]:
            self[:] = [line.split(" ", 2)[2] for line in path.read_text().splitlines()]
            return self

    yield Lines()
    root.handlers[:] = before
    root.setLevel(level)


def _said(lines: list[str]) -> list[str]:
    read: list[str] = lines.read()  # type: ignore[attr-defined]
    return read


@pytest.mark.parametrize(
    "say",
    [
        lambda logger: logger.debug("token: %s", _SECRET),
        lambda logger: logger.warning(f"token: {_SECRET}"),  # noqa: G004 - as SDKs do
        lambda logger: logger.error({"token": _SECRET}),
        lambda logger: logger.debug("%(token)s", {"token": _SECRET}),
    ],
)
def test_a_record_of_an_sdk_is_logged_by_place_alone(lines: list[str], say: object) -> None:
    say(logging.getLogger("some.sdk"))  # type: ignore[operator]
    (line,) = _said(lines)
    assert line.startswith("sdk: some.sdk, ")
    assert _SECRET not in line


def test_an_exception_is_logged_by_its_type_alone(lines: list[str]) -> None:
    try:
        raise ValueError(_SECRET)
    except ValueError:
        logging.getLogger("some.sdk").exception(_SECRET)
    (line,) = _said(lines)
    assert line.endswith(", ValueError")
    assert _SECRET not in line


def test_one_place_is_logged_once(lines: list[str]) -> None:
    for _ in range(50):
        logging.getLogger("some.sdk").debug("again")
    assert len(_said(lines)) == 1


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/token", "/token"),
        (f"/token?key={_SECRET}", "/token"),
        (f"/{_LONG}/keys?x", "/…/keys"),
        (
            "/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token",
            "/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token",
        ),
    ],
)
def test_a_request_is_logged_without_its_query(lines: list[str], target: str, shown: str) -> None:
    # As urllib3's own call has it.
    logging.getLogger("urllib3.connectionpool").debug(
        '%s://%s:%s "%s %s %s" %s %s', "https", "a.example", 443, "POST", target, "HTTP/1.1", 200, 9
    )
    assert _said(lines) == [f"http: POST https://a.example:443{shown}, status 200"]


def test_other_records_of_urllib3_are_not_quoted(lines: list[str]) -> None:
    logging.getLogger("urllib3.connectionpool").warning("Retrying %r: %s", _SECRET, f"/?{_SECRET}")
    logging.getLogger("urllib3.util.retry").debug("Converted %r", _SECRET)
    assert len(_said(lines)) == 2
    assert _SECRET not in str(lines)


def test_a_log_is_opened_once(tmp_path: Path, lines: list[str]) -> None:
    path = str(tmp_path / "log")
    assert Log.to(path, print) is Log.to(path, print)


def test_another_users_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_OPENED", {})

    def refuse(*_: object) -> None:
        raise PermissionError(1, os.strerror(1))

    monkeypatch.setattr(os, "fchmod", refuse)
    warnings: list[CredentialError] = []
    assert Log.to(str(tmp_path / "log"), warnings.append) is None
    assert [warning.code for warning in warnings] == ["settings.log-unusable"]


def test_a_path_that_may_be_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_OPENED", {})
    warnings: list[CredentialError] = []
    assert Log.to(f'{{"token": "{_SECRET}"}}/x', warnings.append) is None
    assert [warning.code for warning in warnings] == ["settings.log-unusable"]
    assert _SECRET not in warnings[0].line


_WRITER = """
import sys
from cred_helper.errors import CredentialError
from cred_helper.log import Log
from tests.support.executable import ROOT
Log.to(sys.argv[1], lambda error: sys.exit(error.line)).event("line of " + sys.argv[2])
"""


def test_processes_at_once_rename_a_large_log_once_and_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    size = log_module.MAX_FILE_BYTES + 1
    path.write_bytes(b"x" * size)
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(number)], cwd=ROOT)
        for number in range(12)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 12
    old = Path(f"{path}.old").read_text()
    assert len(old) >= size
    assert (old + path.read_text()).count("line of ") == 12


@pytest.mark.parametrize("is_writable", [True, False])
def test_a_file_that_cannot_be_renamed_is_copied_and_emptied_or_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_writable: bool
) -> None:
    def refuse(*_: object) -> None:
        # As Windows does while any process has the file open.
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(os, "replace", refuse)
    path = tmp_path / "log"
    path.write_bytes(b"x" * 100)
    old = Path(f"{path}.old")
    if not is_writable:
        old.mkdir()
    file = LogFile.at(str(path), 50, lambda error: pytest.fail(error.line))
    assert file is not None
    file.write("line")
    if is_writable:
        assert (path.read_text(), old.read_text()) == ("line\n", "x" * 100)
        assert old.stat().st_mode & 0o777 == 0o600
    else:
        assert path.read_text() == "x" * 100 + "\nline\n"


def test_after_another_program_empties_the_file_lines_go_to_its_new_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = LogFile.at(str(path), 50, lambda error: pytest.fail(error.line))
    assert file is not None
    file.write("one")
    os.truncate(path, 0)
    file.write("two")
    assert path.read_text() == "two\n"
