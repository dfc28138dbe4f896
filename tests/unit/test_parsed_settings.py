"""The copy of parsed settings: the same as parsing again, or nothing."""

from __future__ import annotations

import datetime as dt
import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cred_helper.errors import Misconfigured
from cred_helper.files.private_folder import PARSED_SETTINGS, PrivateFolder
from cred_helper.settings.parsed import ParsedSettings
from cred_helper.settings.settings import Settings

_TOML = """\
deadline_s = 2.5
order = ["cloud", "config"]
[[rule]]
match = "*.corp.example"
helper = "ünïcode \\"x\\""
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def kept(folder: Path) -> ParsedSettings:
    return ParsedSettings(PrivateFolder(str(folder)))


def _load(file: Path, kept: ParsedSettings | None, **variables: str) -> Settings:
    environ = {"DOCKER_CREDENTIAL_MULTI_CONFIG": str(file), **variables}
    return Settings.load(environ, lambda: kept)


def _copies(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.exists() else []


def test_a_copy_equals_the_parsed_file(kept: ParsedSettings) -> None:
    tables = tomllib.loads(_TOML)
    kept.keep("file", _TOML.encode(), tables)
    assert kept.read("file", _TOML.encode()) == tables
    assert kept.read("other", _TOML.encode()) is None
    assert kept.read("file", f"{_TOML}# changed\n".encode()) is None


_VALUES = st.recursive(
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), _VALUES), st.binary())
@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
def test_everything_that_toml_can_hold_comes_back(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, object], text: bytes
) -> None:
    kept = ParsedSettings(PrivateFolder(str(tmp_path_factory.getbasetemp() / "kept")))
    kept.keep("file", text, tables)
    assert kept.read("file", text) == tables


def test_an_incomplete_copy_is_ignored(kept: ParsedSettings, folder: Path) -> None:
    kept.keep("file", b"text", {"a": [1, {"b": "c"}]})
    (copy,) = folder.iterdir()
    assert copy.name.endswith(PARSED_SETTINGS)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    content = copy.read_bytes()
    spoiled = [content[:at] for at in range(len(content))]
    spoiled += [content + b" ", content.replace(b"multi", b"other"), content[::-1], b"\xff\n{"]
    for text in spoiled:
        copy.write_bytes(text)
        assert kept.read("file", b"text") is None
    copy.write_bytes(content)
    copy.chmod(0o644)
    assert kept.read("file", b"text") is None


@pytest.mark.parametrize("value", [object(), dt.date(2026, 1, 1), "x" * 70_000])
def test_an_impossible_value_is_not_kept(kept: ParsedSettings, folder: Path, value: object) -> None:
    kept.keep("file", b"text", {"a": value})
    assert _copies(folder) == []


def test_settings_are_the_same_from_a_copy(kept: ParsedSettings, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(_TOML.replace('ünïcode \\"x\\"', "pass"))
    parsed, copied = _load(file, kept), _load(file, kept)
    assert len(_copies(tmp_path / "cache")) == 1
    assert parsed.deadline_s == copied.deadline_s == 2.5
    assert parsed.order == copied.order
    assert copied.origin("order") == f"{file}:2"
    assert [rule.place.of("helper") for rule in copied.rules] == [f"{file}:5"]


def test_a_change_of_the_file_takes_effect_at_once(kept: ParsedSettings, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for seconds in (1, 2, 1):
        file.write_text(f"deadline_s = {seconds}\n")
        os.utime(file, (0, 0))
        assert [_load(file, kept).deadline_s for _ in range(2)] == [seconds, seconds]
    assert len(_copies(tmp_path / "cache")) == 1


def test_a_mistake_is_reported_each_time_and_not_kept(kept: ParsedSettings, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for text in ("deadline_s = ", "deadline = 1", 'deadline_s = "soon"', "deadline_s = 1979-05-27"):
        file.write_text(text)
        for _ in range(2):
            with pytest.raises(Misconfigured) as raised:
                _load(file, kept)
            assert raised.value.reason.startswith(f"{file}:1: ")
    assert _copies(tmp_path / "cache") == []


def test_nothing_is_kept_where_the_cache_is_off(kept: ParsedSettings, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("cache = false\n")
    _load(file, kept)
    file.write_text("deadline_s = 1\n")
    _load(file, kept, DOCKER_CREDENTIAL_MULTI_CACHE="off")
    assert _copies(tmp_path / "cache") == []
