"""A root with the file and next to nothing else: no libc, no /proc, no place to write to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.hosted import Hosted
from tests.executable import pinned_environment
from tests.frozen.files import FILE, STATIC, needs_file, needs_root, needs_static

pytestmark = [needs_file, needs_root]

_READ_ONLY = 'mount --bind "$1" "$1" && {} && mount -o remount,ro,bind "$1"'
# What is done to the root, $1, in a mount namespace of its own, and the folders that this takes.
MOUNTS = {
    "without /proc": ("true", ()),
    "with /proc, read-only": (_READ_ONLY.format('mount -t proc proc "$1/proc"'), ("proc",)),
    "with no room for a library": (
        _READ_ONLY.format('mount -t tmpfs -o size=256k tmpfs "$1/var/tmp"'),
        ("var/tmp",),
    ),
    "with no place to execute": (
        _READ_ONLY.format('mount -t tmpfs -o noexec tmpfs "$1/var/tmp"'),
        ("var/tmp",),
    ),
}


class Root:
    """A root directory with this file, what an identity at a cloud takes, and nothing else."""

    def __init__(
        self, folder: Path, file: Path, known_at: Hosted, mounts: str, *folders: str
    ) -> None:
        self.folder = folder
        self._host = known_at.host
        self._username = known_at.username
        self._environment = {**pinned_environment(Path("/")), **known_at.identity}
        self._environment |= {"DOCKER_CREDENTIAL_MULTI_CACHE": "off"}
        self._mount, points = MOUNTS[mounts]
        folder.mkdir()
        for name in (*points, *folders):
            (folder / name).mkdir(parents=True)
        shutil.copy(file, folder / FILE.name)
        for value in self._environment.values():
            if Path(value).is_file():  # a key, certificate authorities
                self.add(Path(value))
        if file == FILE:
            for path in _libc():
                self.add(path)
        self._there_before = self._all()

    def add(self, path: Path) -> None:
        """Have a file of this machine at the same path."""
        target = self.folder / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    def get(self, **variables: str) -> subprocess.CompletedProcess[bytes]:
        path = f"PATH={os.defpath}:/usr/sbin:/sbin"
        script = f'{path}; {{ {self._mount}; }} || exit 9; exec chroot "$1" "$2" get'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", self.folder, f"/{FILE.name}"],
            input=self._host.encode(),
            env=self._environment | variables,
            cwd="/",
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode == 9 or done.stderr.startswith(b"unshare: "):
            pytest.skip("nothing may be mounted here")
        return done

    def answers(self, **variables: str) -> bool:
        """Whether there is a credential of the cloud, not a word beside it, and nothing is left."""
        done = self.get(**variables)
        assert (done.returncode, done.stderr) == (0, b""), done
        assert self._all() == self._there_before
        return bool(json.loads(done.stdout)["Username"] == self._username)

    def _all(self) -> set[Path]:
        return set(self.folder.rglob("*"))


def _libc() -> list[Path]:
    """The loader and libraries of this machine's glibc, where the file looks for them."""
    listed = subprocess.run(["ldd", FILE], capture_output=True, text=True, check=True).stdout
    found = [Path(path) for path in re.findall(r"(/\S+) \(0x", listed)]
    # What no part of the launcher wants, and wheels of the SDKs do.
    return [*found, *filter(Path.exists, (path.with_name("libpthread.so.0") for path in found))]


@needs_static
@pytest.mark.parametrize("mounts", ["without /proc", "with /proc, read-only"])
def test_the_static_file_needs_nothing_but_itself_for_any_cloud(
    cloud: Hosted, tmp_path: Path, mounts: str
) -> None:
    assert Root(tmp_path / "root", STATIC, cloud, mounts).answers()


@needs_static
@pytest.mark.parametrize("name", ["with space", "a:b", "a;b", "$ORIGIN"])
def test_the_static_file_starts_whatever_a_temporary_directory_is_called(
    cloud: Hosted, tmp_path: Path, name: str
) -> None:
    root = Root(tmp_path / "root", STATIC, cloud, "without /proc", name)
    assert root.answers(TMPDIR=f"/{name}")


def test_without_proc_libraries_go_through_a_directory_and_leave_it(
    cloud: Hosted, tmp_path: Path
) -> None:
    assert Root(tmp_path / "root", FILE, cloud, "without /proc").answers()


@pytest.mark.parametrize(
    ("file", "mounts", "reason"),
    [
        (FILE, "with no place to execute", "cannot load "),
        (FILE, "with no room for a library", r"no credential for {host} from \w+: cannot load "),
        (STATIC, "with no place to execute", "cannot start: "),
    ],
    ids=["from the start", "once the SDK is loaded", "without a libc"],
)
def test_where_no_library_can_be_loaded_from_one_line_says_so_and_what_to_do(
    cloud: Hosted, tmp_path: Path, file: Path, mounts: str, reason: str
) -> None:
    if not file.exists():
        pytest.skip("make frozen/static makes the static file")
    done = Root(tmp_path / "root", file, cloud, mounts).get()
    assert done.returncode == 1
    [told] = done.stdout.decode().splitlines()
    assert re.match(reason.format(host=re.escape(cloud.host)), told)
    error, hint = done.stderr.decode().splitlines()
    assert error == f"docker-credential-multi: error: {told}"
    assert hint.startswith("docker-credential-multi: hint: mount /proc, or set TMPDIR to ")
