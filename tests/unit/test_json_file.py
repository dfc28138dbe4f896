"""The reader of JSON files: what it accepts, its limits, and its errors."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Timer
from time import monotonic

import pytest

from cred_helper.errors import Misconfigured
from cred_helper.files import json_file

SECRET = "s3cret-of-mine"
LONG = b"1" * 5000


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b'{\n "auths": {\n  "h": {"auth": "s3cret-of-mine"},,\n }\n}', "file.not-json", 3),
        (b'{"auths": {"h": {"auth": "s3cret-of-mine', "file.not-json", 1),
        (b'\n\n"s3cret-of-mine\n"', "file.not-json", 3),
        (b'{\n"x": s3cret-of-mine}', "file.not-json", 2),
        (b'{\n"x": "\\s3cret-of-mine"}', "file.not-json", 2),
        (b"s3cret-of-mine", "file.not-json", 1),
        (b'{\n\n"x": "s3cret-of-mine \xff"}', "file.encoding", 3),
        ('{"x": "s3cret-of-mine"}'.encode("utf-16"), "file.wide-encoding", 1),
        (b'{"x":' * 100_000 + b"1" + b"}" * 100_000, "file.deep-nesting", 1),
        (b"[" * 7_000_000, "file.deep-nesting", 1),
        (b"{" * 7_000_000, "file.not-json", 1),
        (b"{\n" * 3_500_000, "file.not-json", 2),
        (b'{\n"x":\n' + LONG + b"}", "file.long-number", 3),
        (b'{"x": -' + LONG + b"}", "file.long-number", 1),
        (b"1" * (15 << 20), "file.long-number", 1),
        (b" " * json_file.MAX_BYTES + b"{}", "file.too-large", None),
    ],
    ids=range(16),
)
def test_data_that_is_not_json_or_beyond_a_limit_is_an_error_with_its_line(
    data: bytes, code: str, line: int | None
) -> None:
    begun_s = monotonic()
    with pytest.raises(Misconfigured) as raised:
        json_file.parse(data)
    assert raised.value.code == code
    assert line is None or raised.value.reason.startswith(f"line {line}: ")
    assert SECRET not in f"{raised.value.reason} {raised.value.hint}"
    assert "\n" not in raised.value.reason
    assert monotonic() - begun_s < 5


@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b"1" * 5000, b"\xff", b"{} {}"])
def test_a_value_that_is_not_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_file.parse_value(data)
    assert json_file.parse_object(data) == {}


def test_numbers_within_the_limits_are_read() -> None:
    assert json_file.parse_value('{"a": 12, "b": 1.5, "c": 1e999}')["a"] == 12
    assert json_file.parse_value("9" * json_file.MAX_DIGITS) == 10**json_file.MAX_DIGITS - 1


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xef\xbb\xbf"])
def test_a_file_with_nothing_in_it_counts_as_absent(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_bytes(content)
    assert json_file.load(str(tmp_path / "config.json")) is None


@pytest.mark.parametrize("beginning", ["", '{"auths": {'])
def test_a_file_that_is_being_written_is_read_once_it_is_complete(
    tmp_path: Path, beginning: str
) -> None:
    path = tmp_path / "auth.json"
    path.write_text(beginning)
    writer = Timer(0.1, lambda: path.write_text('{"auths": {}}'))
    writer.start()
    read = json_file.load(str(path))
    writer.join()
    assert read is not None
    assert read.value == {"auths": {}}


def test_a_broken_file_that_is_not_being_written_is_an_error_at_once(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text("{")
    os.utime(path, (0, 1_700_000_000))
    begun_s = monotonic()
    with pytest.raises(Misconfigured, match=r"^file\.not-json$"):
        json_file.load(str(path))
    assert monotonic() - begun_s < 0.5


def test_a_file_is_read_through_links(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("{}")
    (tmp_path / "link").symlink_to("real")
    read = json_file.load(str(tmp_path / "link"))
    assert read is not None
    assert read.value == {}
    (tmp_path / "dangling").symlink_to("nowhere")
    assert json_file.load(str(tmp_path / "dangling")) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_pipe_is_read_for_a_limited_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "PIPE_TIMEOUT_S", 0.2)
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    assert json_file.load(path) is None
    writer = os.open(path, os.O_RDWR)
    try:
        os.write(writer, b'{"a": 1}')
        with pytest.raises(Misconfigured, match=r"^file\.cannot-read$"):
            json_file.load(path)
    finally:
        os.close(writer)
    read, write = os.pipe()
    os.write(write, b'{"a": 1}')
    os.close(write)
    assert json_file.read_open(read) == b'{"a": 1}'
    os.close(read)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_file_that_is_to_be_replaced_has_to_be_a_regular_one(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    for special in (path, os.devnull):
        with pytest.raises(OSError, match="not a regular file"):
            json_file.read_regular(special)
    (tmp_path / "plain").write_bytes(b"{}")
    assert json_file.read_regular(str(tmp_path / "plain")) == b"{}"


@pytest.mark.skipif(os.name == "nt", reason="needs devices")
def test_a_device_is_read_up_to_the_limit_of_size() -> None:
    assert json_file.load(os.devnull) is None
    with pytest.raises(Misconfigured, match=r"^file\.too-large$"):
        json_file.load("/dev/zero")


@pytest.mark.parametrize("kind", ["folder", "loop"])
def test_a_path_that_cannot_be_read_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.json"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    with pytest.raises(Misconfigured, match=r"^file\.cannot-read$"):
        json_file.load(str(path))


@pytest.mark.skipif(os.name == "nt", reason="needs modes")
def test_a_file_that_is_closed_to_this_user_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{}")
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(Misconfigured, match=r"^file\.cannot-read$"):
            json_file.load(str(path))
    finally:
        if root:
            os.seteuid(0)
