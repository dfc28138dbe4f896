"""The file in a root folder without a libc, without /proc, or without a folder to write to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.hosted import Hosted
from tests.frozen.files import FILE, STATIC, needs_file, needs_root, needs_static
from tests.support.executable import pinned_environment

pytestmark = [needs_file, needs_root]

_READ_ONLY = 'mount --bind "$1" "$1" && {} && mount -o remount,ro,bind "$1"'
# The mounts in the root, $1, in a mount namespace of its own, and the folders that they need.
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
# A folder that other users can write to, with the mode and the owner that a test asks for.
_SHARED = _READ_ONLY.format(
    'mount -t tmpfs -o mode={mode:o},uid={owner} tmpfs "$1/shared" && mkdir "$1/shared/below"'
)


class Root:
    """A root folder that contains this file and an identity at a cloud, and nothing else."""

    def __init__(
        self, folder: Path, file: Path, known_at: Hosted, mounts: str, *folders: str
    ) -> None:
        self.folder = folder
        self._host = known_at.host
        self._username = known_at.username
        self._environment = {**pinned_environment(Path("/")), **known_at.identity}
        self._environment |= {"DOCKER_CREDENTIAL_MULTI_CACHE": "off"}
        self._mount, points = MOUNTS.get(mounts) or (mounts, ())
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
        """Copy a file of this machine to the same path."""
        target = self.folder / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    def get(self, start_in: str = "/", **variables: str) -> subprocess.CompletedProcess[bytes]:
        script = 'exec unshare --root="$1" --wd="$3" "$2" get'
        return self.run(script, f"/{FILE.name}", start_in, variables=variables)

    def run(
        self, script: str, *arguments: str, variables: dict[str, str], without: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a shell script with the mounts; $1 is the root."""
        path = f"PATH={os.defpath}:/usr/sbin:/sbin"
        script = f"{path}; {{ {self._mount}; }} || exit 9; {script}"
        environment = self._environment | variables
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", self.folder, *arguments],
            input=self._host.encode(),
            env={name: value for name, value in environment.items() if name not in without},
            cwd="/",
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode == 9 or done.stderr.startswith(b"unshare: "):
            pytest.skip("this machine allows no mounts")
        return done

    def answers(self, **variables: str) -> bool:
        """Whether there is a credential of the cloud, and no other output and no file left."""
        done = self.get(**variables)
        assert (done.returncode, done.stderr) == (0, b""), done
        assert self._all() == self._there_before
        return bool(json.loads(done.stdout)["Username"] == self._username)

    def _all(self) -> set[Path]:
        return set(self.folder.rglob("*"))


def _libc() -> list[Path]:
    """The loader and libraries of this machine's glibc that the file needs."""
    listed = subprocess.run(["ldd", FILE], capture_output=True, text=True, check=True).stdout
    found = [Path(path) for path in re.findall(r"(/\S+) \(0x", listed)]
    # The wheels of the SDKs need it; the launcher does not.
    return [*found, *filter(Path.exists, (path.with_name("libpthread.so.0") for path in found))]


@needs_static
@pytest.mark.parametrize("mounts", ["without /proc", "with /proc, read-only"])
def test_the_static_file_alone_answers_for_every_cloud(
    cloud: Hosted, tmp_path: Path, mounts: str
) -> None:
    assert Root(tmp_path / "root", STATIC, cloud, mounts).answers()


# On a node: a read-only root, no HOME, and /run in memory as all services have it.
_NODE = _READ_ONLY.format(
    'mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=755 tmpfs "$1/run"'
)
_TWO_PULLS = """
for path in a b; do
    printf '{"kind":"CredentialProviderRequest","apiVersion":"%s/v1","image":"%s/%s"}' \
        credentialprovider.kubelet.k8s.io "$HOST" "$path" | unshare --root="$1" --wd=/ "/$2" || exit
done
stat -c %a "$1/run/docker-credential-multi"
HOME=/ unshare --root="$1" --wd=/ "/$3" cache list
"""


@needs_static
def test_the_static_file_is_the_provider_of_a_kubelet_whose_root_is_empty(
    cloud: Hosted, tmp_path: Path
) -> None:
    root = Root(tmp_path / "root", STATIC, cloud, _NODE, "proc", "run")
    without = ("HOME", "DOCKER_CREDENTIAL_MULTI_CACHE")
    variables = {"HOST": cloud.host, "DOCKER_CREDENTIAL_MULTI_DOCKERHUB_ID_TOKEN": "ci"}
    provider = "multi-credential-provider"
    (root.folder / provider).symlink_to(FILE.name)
    done = root.run(_TWO_PULLS, provider, FILE.name, variables=variables, without=without)
    assert (done.returncode, done.stderr) == (0, b""), done
    *responses, mode, kept = done.stdout.decode().splitlines()[:4]
    first, second = (json.loads(response)["auth"][cloud.host] for response in responses)
    assert first == second
    assert first["username"] == cloud.username
    assert mode == "700"
    assert (kept != "nothing is kept") == cloud.cloud.expires
    if cloud.cloud.expires:
        assert cloud.cloud.exchanges == 1


@needs_static
@pytest.mark.parametrize("name", ["with space", "a:b", "a;b", "$ORIGIN"])
def test_the_static_file_starts_whatever_the_name_of_the_temporary_folder(
    cloud: Hosted, tmp_path: Path, name: str
) -> None:
    root = Root(tmp_path / "root", STATIC, cloud, "without /proc", name)
    assert root.answers(TMPDIR=f"/{name}")


def test_without_proc_libraries_are_unpacked_to_a_folder_and_removed(
    cloud: Hosted, tmp_path: Path
) -> None:
    assert Root(tmp_path / "root", FILE, cloud, "without /proc").answers()


@pytest.mark.parametrize(
    ("file", "mounts", "code"),
    [
        pytest.param(FILE, "with no place to execute", "internal.cannot-load", id="from the start"),
        pytest.param(
            FILE, "with no room for a library", "internal.cannot-load", id="while an SDK is loaded"
        ),
        pytest.param(
            STATIC,
            "with no place to execute",
            "internal.cannot-start",
            id="static",
            marks=needs_static,
        ),
    ],
)
def test_without_a_folder_for_libraries_there_is_an_error_of_one_line(
    cloud: Hosted, tmp_path: Path, file: Path, mounts: str, code: str
) -> None:
    done = Root(tmp_path / "root", file, cloud, mounts).get()
    assert done.returncode == 1
    [reason] = done.stdout.decode().splitlines()
    error, hint = done.stderr.decode().splitlines()
    assert error == f"docker-credential-multi: error: {reason} [{code}]"
    assert hint.startswith("docker-credential-multi: hint: mount /proc, or set TMPDIR to ")


@pytest.mark.parametrize(
    ("file", "code"),
    [
        pytest.param(FILE, "internal.cannot-load"),
        pytest.param(STATIC, "internal.cannot-start", marks=needs_static),
    ],
    ids=["with a libc", "static"],
)
@pytest.mark.parametrize(
    ("mode", "owner", "is_safe"),
    [
        (0o1777, 0, True),  # sticky: other users can rename and remove their own files only
        (0o755, 0, True),
        (0o777, 0, False),
        (0o775, 0, False),
        (0o1777, 12345, False),
        (0o755, 12345, False),
    ],
)
def test_nothing_is_unpacked_where_another_user_can_replace_it(
    cloud: Hosted, tmp_path: Path, file: Path, code: str, mode: int, owner: int, *, is_safe: bool
) -> None:
    mounts = _SHARED.replace("{mode:o}", f"{mode:o}").replace("{owner}", str(owner))
    root = Root(tmp_path / "root", file, cloud, mounts, "shared")
    for folder in ("/shared", "/shared/below"):
        done = root.get(start_in=folder, TMPDIR=folder)
        if is_safe:
            assert done.returncode == 0, done
        else:
            assert done.stderr.decode().splitlines()[0].endswith(f" [{code}]"), done
    # Never the folder that the client was started in, not even a safe one.
    done = root.get(start_in="/shared", TMPDIR=".")
    assert done.stderr.decode().splitlines()[0].endswith(f" [{code}]"), done
