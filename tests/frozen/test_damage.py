"""A flipped bit in the payload of the frozen file is an error of one line."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.frozen.files import FILE, every_file
from tests.support.executable import Completed, Executable, pinned_environment

_ZSTD = b"\x28\xb5\x2f\xfd"
_ZLIB = b"\x78\xda"
# The mark of PyInstaller's archive.
_OF_BOOTLOADER = b"MEI\014\013\012\013\016"
# A constant of cred_helper.errors: it is in the modules of every start.
_IN_EVERY_START = b"credentials not found in native keychain"
_HEADER = 16


def frames(content: bytes) -> list[tuple[int, int]]:
    """The first and last byte of each frame, without its header."""
    if _OF_BOOTLOADER in content:
        return list(_streams(content))
    payload = content.index(_IN_EVERY_START)  # the decoder's code before it has the same four bytes
    starts = [found.start() for found in re.finditer(re.escape(_ZSTD), content[payload:])]
    starts = [payload + start for start in starts]
    return [
        (start + _HEADER, end - 1)
        for start, end in zip(starts, [*starts[1:], starts[-1] + 2 * _HEADER], strict=True)
        if end - start > 2 * _HEADER
    ]


def _streams(content: bytes) -> Iterator[tuple[int, int]]:
    """The frames in a file with PyInstaller's bootloader; the payload ends before its table."""
    at = content.index(_IN_EVERY_START)
    while (at := content.find(_ZLIB, at)) >= 0:
        stream = zlib.decompressobj()
        try:
            stream.decompress(content[at:])
        except zlib.error:
            at += 1
            continue
        if stream.eof:
            end = len(content) - len(stream.unused_data)
            if end - at > 2 * _HEADER:
                yield at + 2, end - 1
            at = end
        else:
            at += 1


def _get(content: bytes, home: Path) -> Completed:
    program = home / FILE.name
    program.write_bytes(content)
    program.chmod(0o755)
    with AwsCloud() as cloud:
        environment = {**pinned_environment(home), **cloud.identity(home)}
        return Executable(environment, [str(program)]).get(EXAMPLE_HOST)


def _assert_one_line(done: Completed) -> None:
    assert done.status == 1
    assert done.codes == ["internal.damaged"]
    error, hint = done.stderr.splitlines()
    assert error.startswith("docker-credential-multi: error: ")
    assert hint.startswith("docker-credential-multi: hint: install it again")
    [reason] = done.stdout.decode().splitlines()
    assert reason in error


@every_file
def test_a_flipped_bit_in_a_module_of_every_start_is_an_error_of_one_line(
    file: Path, home: Path
) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(_IN_EVERY_START)] ^= 1
    _assert_one_line(_get(bytes(content), home))


@every_file
def test_a_flipped_bit_in_every_compressed_part_is_an_error_of_one_line(
    file: Path, home: Path
) -> None:
    content = bytearray(file.read_bytes())
    for first, last in frames(bytes(content)):
        content[(first + last) // 2] ^= 1
    _assert_one_line(_get(bytes(content), home))


@every_file
@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_anywhere_in_a_compressed_part_is_never_a_crash(
    file: Path, home: Path, seed: int
) -> None:
    at_random = random.Random(seed)
    content = bytearray(file.read_bytes())
    parts = frames(bytes(content))
    # The table of contents is the last part; the others are modules and libraries.
    for first, last in parts[:-1]:
        content[at_random.randint(first, last)] ^= 1 << at_random.randrange(8)
    _assert_one_line(_get(bytes(content), home))
