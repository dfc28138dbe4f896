"""``self-check`` of the single file: in an empty root, with a list of checksums, and damaged."""

from __future__ import annotations

import json
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from cred_helper import clouds
from tests.frozen.files import FILE, STATIC, each_file, needs_root, needs_static
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
    return answered and "selfcheck.intact" in _codes(document, "file")


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
