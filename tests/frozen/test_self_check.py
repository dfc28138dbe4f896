"""``self-check`` of the single file: in an empty root, with a list of checksums, and damaged."""

from __future__ import annotations

import json
import random
import re
import struct
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from cred_helper import clouds
from tests.frozen.files import FILE, STATIC, each_file, every_file, needs_root, needs_static
from tests.frozen.test_damage import frames
from tests.frozen.test_roots import MOUNTS
from tests.support.executable import Completed, Executable, pinned_environment


def _check(program: Path, home: Path, *arguments: str) -> Completed:
    executable = Executable(pinned_environment(home), [str(program)])
    return executable.run("self-check", "--json", *arguments)


def _codes(document: list[dict[str, str]], subject: str) -> list[str]:
    return [finding["code"] for finding in document if finding["subject"] == subject]


def _is_well(document: list[dict[str, str]]) -> bool:
    assert [f for f in document if f["severity"] not in ("ok", "note")] == []
    answered = all(_codes(document, name) == ["selfcheck.exchanged"] for name in clouds.NAMES)
    return answered and {"selfcheck.unchanged", "selfcheck.intact"} <= {*_codes(document, "file")}


@each_file
def test_the_file_passes_and_is_found_in_a_list_of_checksums(file: Path, home: Path) -> None:
    sums = home / "SHA256SUMS"
    digest = sha256(file.read_bytes()).hexdigest()
    for line, severity, code in (
        (f"{digest}  docker-credential-multi-linux-amd64", "ok", "selfcheck.sum-matches"),
        (f"{digest} *{file.name}", "ok", "selfcheck.sum-matches"),
        (f"{'0' * 64}  {file.name}", "error", "selfcheck.sum-differs"),
        (f"{'0' * 64}  another", "error", "selfcheck.sum-missing"),
        ("not a list", "error", "selfcheck.sum-missing"),
    ):
        sums.write_text(f"{line}\n")
        done = _check(file, home, "--sums", str(sums))
        found = [f for f in done.document if f["code"].startswith("selfcheck.sum-")]
        assert [(f["severity"], f["code"]) for f in found] == [(severity, code)]
        assert done.status == (severity == "error")
        assert severity == "ok" or f"sha256:{digest}" in found[0]["message"]
    assert _is_well(_check(file, home).document)


@each_file
def test_a_flipped_bit_of_one_part_is_found(file: Path, home: Path) -> None:
    content = bytearray(file.read_bytes())
    # The last module, a part of xml: the check itself needs some of the others.
    first, last = frames(bytes(content))[-2]
    content[(first + last) // 2] ^= 1
    program = home / FILE.name
    program.write_bytes(content)
    program.chmod(0o755)
    done = _check(program, home)
    assert done.status == 1
    assert "selfcheck.damaged" in _codes(done.document, "file")


_SLICES = 14
_SECTIONS = 10
_WITHOUT_BYTES = 8  # the kind of a section that takes no bytes of the file
_LAST_LINE_BYTES = 96
_HUNG_S = 20


def _places(content: bytes, at_random: random.Random) -> Iterator[tuple[int, int]]:
    """Parts of the file: headers, sections, the last line, and equal slices of the whole."""
    [table] = struct.unpack_from("<Q", content, 40)
    size, count = struct.unpack_from("<HH", content, 58)
    yield 0, 64
    yield 64, 512  # the program headers
    yield table, table + size * count
    headers = range(table + size, table + size * count, size)
    for at in at_random.sample(headers, min(_SECTIONS, len(headers))):
        kind, _, _, first, length = struct.unpack_from("<IQQQQ", content, at + 4)
        if length and kind != _WITHOUT_BYTES:
            yield first, first + length
    end = len(content) - _LAST_LINE_BYTES
    for first, last in ((0, 1), (1, 31), (31, 95), (95, 96)):
        yield end + first, end + last
    for number in range(_SLICES):
        yield len(content) * number // _SLICES, len(content) * (number + 1) // _SLICES


def _is_found(program: Path, home: Path) -> bool:
    """Whether ``self-check`` names the damage; false where the damaged file does not get so far."""
    try:
        done = subprocess.run(
            [str(program), "self-check"],
            env=pinned_environment(home),
            check=False,
            capture_output=True,
            timeout=_HUNG_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    assert done.returncode != 0, done
    assert b"all is well" not in done.stdout
    codes = rb"FAIL +file +|\[internal\.(damaged|cannot-load)\]"
    return bool(re.search(codes, done.stdout + done.stderr))


@every_file
def test_a_flipped_bit_anywhere_in_the_file_is_found_or_the_file_does_not_start(
    file: Path, home: Path
) -> None:
    at_random = random.Random(file.name)
    content = file.read_bytes()
    places = [*_places(content, at_random)]
    program = home / FILE.name
    program.write_bytes(content)
    program.chmod(0o755)
    found = 0
    for first, end in places:
        at = at_random.randrange(first, end)
        with program.open("r+b") as damaged:
            damaged.seek(at)
            damaged.write(bytes([content[at] ^ 1 << at_random.randrange(8)]))
        found += _is_found(program, home)
        with program.open("r+b") as damaged:
            damaged.seek(at)
            damaged.write(content[at : at + 1])
    assert found > len(places) // 2
    assert program.read_bytes() == content


@every_file
def test_a_file_that_is_cut_off_or_extended_is_found(file: Path, home: Path) -> None:
    content = file.read_bytes()
    program = home / FILE.name
    for damaged in (
        content[:-1],
        content[:-_LAST_LINE_BYTES],
        content + b"\n",
        content + bytes(4096),
    ):
        program.write_bytes(damaged)
        program.chmod(0o755)
        done = _check(program, home)
        assert done.status == 1
        assert "selfcheck.no-last-line" in _codes(done.document, "file")
    for part in range(1, 4):
        program.write_bytes(content[: len(content) * part // 4])
        _is_found(program, home)


@every_file
def test_the_last_line_is_the_checksum_of_all_before_it(file: Path) -> None:
    content = file.read_bytes()
    digest = sha256(content[:-_LAST_LINE_BYTES]).hexdigest()
    assert content.endswith(f"docker-credential-multi sha256 {digest}\n".encode())


@needs_root
@needs_static
@pytest.mark.parametrize("mounts", ["without /proc", "with /proc, read-only"])
def test_the_static_file_alone_checks_itself_without_a_network_or_a_home(
    tmp_path: Path, mounts: str
) -> None:
    root = tmp_path / "root"
    (root / "proc").mkdir(parents=True)
    (root / FILE.name).write_bytes(STATIC.read_bytes())
    (root / FILE.name).chmod(0o755)
    script = (
        f"ip link set lo up && {{ {MOUNTS[mounts][0]}; }} || exit 9;"
        f' exec env -i unshare --root="$1" --wd=/ /{FILE.name} self-check --json'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", script, "sh", root],
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode == 9 or done.stderr.startswith(b"unshare: "):
        pytest.skip("this machine allows no mounts")
    assert (done.returncode, done.stderr) == (0, b""), done
    assert _is_well(json.loads(done.stdout))
    assert {path.name for path in root.rglob("*")} == {"proc", FILE.name}
