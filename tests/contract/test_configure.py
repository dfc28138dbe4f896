"""``configure``: what it writes, what it leaves alone, and the way back to the byte."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.contract.person import Person

if TYPE_CHECKING:
    from pathlib import Path

    from tests.executable import Completed

_SECRET = "aHVudGVyMjpodW50ZXIy"
_CONFIG = f"""{{
\t"auths": {{ "private.example.com": {{"auth": "{_SECRET}"}} }},
\t"HttpHeaders": {{"X": "1"}},
\t"credsStore": "desktop",
\t"credHelpers": {{"gcr.io": "gcloud", "other.example.com": "pass"}},
\t"unknown": [1.00, 1e2, "\\u00e9"]
}}
"""


@pytest.fixture
def person(home: Path) -> Person:
    person = Person(home)
    person.helper("desktop")
    return person


@pytest.fixture
def config(home: Path) -> Path:
    path = home / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_bytes(_CONFIG.encode())
    return path


def _configure(person: Person, *arguments: str) -> Completed:
    done = person.run("configure", *arguments)
    assert _SECRET not in done.stdout.decode() + done.stderr
    return done


def test_the_old_store_becomes_the_fallback_and_all_else_stays(
    person: Person, config: Path, home: Path
) -> None:
    assert _configure(person, "--yes").status == 0
    expected = _CONFIG.replace('"desktop"', '"multi"').replace('"gcr.io": "gcloud", ', "")
    assert config.read_bytes().decode() == expected
    settings = home / ".config" / "docker-credential-multi" / "config.toml"
    assert settings.read_text() == 'fallback_helper = "desktop"\n'


@pytest.mark.parametrize(
    "text",
    [
        _CONFIG,
        _CONFIG.replace("\n", "\r\n"),
        "\ufeff" + _CONFIG,
        json.dumps(json.loads(_CONFIG)),
        "{}",
        "{ }\n",
        "",
    ],
    ids=["tabs", "crlf", "bom", "one line", "empty object", "blank object", "empty file"],
)
def test_undo_is_the_way_back_to_the_byte(
    person: Person, config: Path, home: Path, text: str
) -> None:
    config.write_bytes(text.encode())
    config.chmod(0o640)
    assert _configure(person, "--yes", "--links", str(home / "bin")).status == 0
    assert _configure(person, "--yes", "--registry", "localhost:5000").status == 0
    assert config.read_bytes() != text.encode()
    assert json.loads(config.read_text("utf-8-sig"))["credsStore"] == "multi"
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert _configure(person, "--undo", "--yes").status == 0
    assert config.read_bytes() == text.encode()
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert not list((home / "bin").iterdir())
    left = [path.name for path in home.rglob("*") if path.is_file()]
    assert sorted(set(left) - set(os.listdir(person.programs))) == ["config.json"]


def test_a_file_that_was_not_there_is_gone_again(person: Person, home: Path) -> None:
    assert _configure(person, "--yes").status == 0
    config = home / ".docker" / "config.json"
    assert json.loads(config.read_text()) == {"credsStore": "multi"}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert _configure(person, "--undo", "--yes").status == 0
    assert not config.exists()


def test_what_others_changed_since_stays(person: Person, config: Path) -> None:
    _configure(person, "--yes")
    changed = json.loads(config.read_text()) | {"credsStore": "osxkeychain", "new": 1}
    config.write_text(json.dumps(changed))
    assert _configure(person, "--undo", "--yes").status == 0
    left = json.loads(config.read_text())
    assert left["credsStore"] == "osxkeychain"
    assert left["new"] == 1
    assert left["credHelpers"]["gcr.io"] == "gcloud"


def test_a_link_stays_a_link(person: Person, config: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    config.rename(real)
    config.symlink_to(real)
    _configure(person, "--yes")
    assert config.is_symlink()
    assert json.loads(real.read_text())["credsStore"] == "multi"


def test_nothing_is_written_without_a_yes(person: Person, config: Path) -> None:
    shown = _configure(person, "--dry-run")
    assert shown.status == 0
    assert b'"credsStore": "multi"' in shown.stdout
    refused = _configure(person)
    assert (refused.status, "--yes" in refused.stderr) == (1, True)
    assert config.read_bytes() == _CONFIG.encode()
    assert not (config.parent.parent / ".local").exists()


def test_a_second_time_there_is_nothing_to_do(person: Person, config: Path) -> None:
    _configure(person, "--yes")
    assert b"nothing to do" in _configure(person, "--yes").stdout


def test_a_config_that_is_none_is_named_with_its_line_and_left_alone(
    person: Person, config: Path
) -> None:
    config.write_text('{\n"auths": {"a": "hunter2"\n')
    done = person.run("configure", "--yes")
    assert done.status == 1
    assert f"{config}:3: this is not JSON" in done.stderr
    assert "hunter2" not in done.stderr
    assert config.read_text() == '{\n"auths": {"a": "hunter2"\n'


def test_an_interruption_leaves_the_old_file_or_the_new_one(person: Person, config: Path) -> None:
    new = _CONFIG.replace('"desktop"', '"multi"').replace('"gcr.io": "gcloud", ', "")
    seen = set()
    for attempt in range(12):
        child = subprocess.Popen(
            [str(person.program), "configure", "--yes"],
            env=person.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.05 * attempt)
        child.send_signal(signal.SIGKILL)
        child.wait()
        text = config.read_bytes().decode()
        assert text in (_CONFIG, new)
        seen.add(text)
        if text == new:
            break
    assert _CONFIG in seen
    # Whatever had been done by then is on record, so that it can be taken back.
    person.run("configure", "--undo", "--yes")
    assert config.read_bytes() == _CONFIG.encode()
    assert os.listdir(config.parent) == ["config.json"] or new in seen
