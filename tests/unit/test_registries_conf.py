"""The helpers that podman's files name; the rules are those of containers/image."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cred_helper.commands.configure.registries_conf import credential_helpers, drop_in
from cred_helper.errors import Misconfigured

_USER = "home/.config/containers"


def _helpers(folder: Path, files: dict[str, str]) -> list[str]:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    environ = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "elsewhere")}
    return credential_helpers(environ, str(folder / "etc")).names


def _naming(*names: str) -> str:
    return f"credential-helpers = {list(names)}\n"


_DEFAULT = ["containers-auth.json"]
_USERS, _MACHINES = f"{_USER}/registries.conf", "etc/registries.conf"
_CASES = {
    "nothing": ({}, _DEFAULT),
    "a file about something else": ({_MACHINES: "short-name-mode = 'enforcing'"}, _DEFAULT),
    "the machine's": ({_MACHINES: _naming("m")}, ["m"]),
    "its drop-in is later": (
        {_MACHINES: _naming("m"), f"{_MACHINES}.d/1.conf": _naming("d")},
        ["d"],
    ),
    "the user's drop-in is later still": (
        {f"{_USERS}.d/1.conf": _naming("u"), f"{_MACHINES}.d/9.conf": _naming("d")},
        ["u"],
    ),
    "where the user has a file, the machine's is not read": (
        {_USERS: "", _MACHINES: _naming("m")},
        _DEFAULT,
    ),
    "nor its drop-ins": ({_USERS: _naming("u"), f"{_MACHINES}.d/9.conf": _naming("d")}, ["u"]),
    "drop-ins by their names": (
        {f"{_USERS}.d/2.conf": _naming("two"), f"{_USERS}.d/1.conf": _naming("one")},
        ["two"],
    ),
    "an empty list is the default": (
        {f"{_USERS}.d/1.conf": _naming("one"), f"{_USERS}.d/2.conf": _naming()},
        _DEFAULT,
    ),
    "another ending": ({f"{_USERS}.d/1.txt": _naming("one")}, _DEFAULT),
    "XDG's folder": ({"elsewhere/containers/registries.conf": _naming("x")}, _DEFAULT),
}


@pytest.mark.parametrize("name", _CASES)
def test_the_last_file_with_the_key_counts(tmp_path: Path, name: str) -> None:
    files, names = _CASES[name]
    assert _helpers(tmp_path, files) == names


@pytest.mark.parametrize("text", ["credential-helpers = [", "credential-helpers = 1", "\xff"])
def test_a_file_that_stops_podman_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "etc/registries.conf"
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Misconfigured) as raised:
        _helpers(tmp_path, {})
    assert raised.value.code.startswith("configure.registries-not-")
    assert str(path) in raised.value.reason


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_a_registries_conf_that_is_a_pipe_or_folder_is_an_error(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "etc/registries.conf"
    path.parent.mkdir()
    make(path)
    with pytest.raises(Misconfigured, match=r"^configure\.not-a-file$"):
        _helpers(tmp_path, {})


def test_the_file_that_a_variable_names_takes_the_place_of_registries_conf(tmp_path: Path) -> None:
    named = tmp_path / "named.conf"
    named.write_text(_naming("one"))
    own = tmp_path / _USER / "registries.conf"
    own.parent.mkdir(parents=True)
    own.write_text(_naming("two"))
    environ = {"HOME": str(tmp_path / "home"), "CONTAINERS_REGISTRIES_CONF": str(named)}
    assert credential_helpers(environ, str(tmp_path / "etc")).names == ["one"]


def test_the_drop_in_can_be_left_out(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    path = drop_in(environ)
    path.parent.mkdir(parents=True)
    path.write_text(_naming("multi"))
    etc = str(tmp_path / "etc")
    assert credential_helpers(environ, etc).names == ["multi"]
    assert credential_helpers(environ, etc, without=path).names == ["containers-auth.json"]


def test_a_key_that_takes_the_parser_minutes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as raised:
        _helpers(tmp_path, {_MACHINES: "# 1\n[" + "a." * 100_000 + "b]\n"})
    assert raised.value.code == "configure.registries-deep-key"
    assert "registries.conf:2:" in raised.value.reason
