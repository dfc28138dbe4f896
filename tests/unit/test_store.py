"""Our own store: its content and modes, and the effects of a kill or of another program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, Misconfigured, NotFound, ProviderError, Unreachable
from cred_helper.fallback import store
from cred_helper.fallback.store import FileStore
from cred_helper.files.locks import Locks
from cred_helper.server_url import ServerURL
from tests.support.executable import ROOT

HUB = "https://index.docker.io/v1/"


class Kept:
    """A store in a folder that does not exist yet, and what it warned of."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "docker-credential-multi" / "credentials.json"
        self.warnings: list[CredentialError] = []
        self.store = FileStore(str(self.path), self.warnings.append, str(folder))

    def put(self, server_url: str, username: str = "u", secret: str = "s") -> None:
        self.store.store(ServerURL.parse(server_url), Credential(username, Secret(secret)))

    def get(self, server_url: str) -> tuple[str, str] | None:
        try:
            credential = self.store.get(ServerURL.parse(server_url))
        except NotFound:
            return None
        return credential.username, credential.secret.expose()

    def erase(self, server_url: str) -> None:
        self.store.erase(ServerURL.parse(server_url))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_folder_or_pipe_in_place_of_the_store_is_named_and_kept(
    kept: Kept, make: Callable[[Path], None]
) -> None:
    kept.path.parent.mkdir(parents=True, mode=0o700)
    make(kept.path)
    kept.path.chmod(0o755)
    for use in (kept.put, kept.get, kept.erase):
        with pytest.raises(Misconfigured, match=r"^store\.not-a-file$"):
            use("h.example")
    assert kept.path.stat().st_mode & 0o777 == 0o755
    assert kept.warnings == []


def test_a_login_can_be_stored_read_listed_and_erased(kept: Kept) -> None:
    assert kept.get("h.example") is None
    assert kept.store.list() == {}
    kept.put("h.example", "u", "ä→\0 " + "x" * 100_000)
    kept.put("g.example:5000", "<token>", "t")
    assert kept.get("h.example") == ("u", "ä→\0 " + "x" * 100_000)
    assert kept.store.list() == {"h.example": "u", "g.example:5000": "<token>"}
    kept.put("h.example", "v", "")
    assert kept.get("h.example") == ("v", "")
    kept.erase("h.example")
    kept.erase("h.example")
    assert kept.get("h.example") is None
    assert kept.store.list() == {"g.example:5000": "<token>"}
    assert kept.warnings == []


def test_erasing_from_an_absent_store_does_not_make_one(kept: Kept, tmp_path: Path) -> None:
    kept.erase("h.example")
    assert not (tmp_path / "data").exists()


def test_each_server_url_has_its_own_entry(kept: Kept) -> None:
    kept.put(HUB, "password")
    kept.put(f"{HUB}refresh-token", "refresh")
    kept.put(f"{HUB}access-token", "access")
    kept.put("docker.io", "podman")
    kept.put("docker.io/team", "team")
    for key, username in (
        (HUB, "password"),
        (f"{HUB}refresh-token", "refresh"),
        (f"{HUB}access-token", "access"),
        ("docker.io", "podman"),
        ("index.docker.io/team/image", "team"),
        ("registry-1.docker.io", "password"),
    ):
        assert kept.get(key) == (username, "s"), key


def test_a_logout_erases_the_registry_in_every_spelling_and_nothing_else(kept: Kept) -> None:
    for key in (HUB, "docker.io", f"{HUB}refresh-token", "docker.io/team", "h.example"):
        kept.put(key)
    kept.erase("docker.io")
    assert set(kept.store.list()) == {f"{HUB}refresh-token", "docker.io/team", "h.example"}
    for spelling in ("https://h.example/v1/", "h.example", "http://h.example", "https://h.example"):
        kept.erase(spelling)
    assert set(kept.store.list()) == {f"{HUB}refresh-token", "docker.io/team"}


def test_only_its_owner_can_read_it_at_any_time(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    fsync = os.fsync

    def watched(fd: int) -> None:
        modes.append(os.fstat(fd).st_mode & 0o777)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", watched)
    before = os.umask(0)
    try:
        kept.put("h.example")
    finally:
        os.umask(before)
    assert modes == [0o600, 0o700]  # the new file before it has its name, then the folder
    for folder in (kept.path.parent.parent, kept.path.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in kept.path.parent.iterdir()} == {0o600}


def test_a_file_that_others_can_read_is_closed_with_one_warning(kept: Kept) -> None:
    kept.put("h.example")
    kept.path.chmod(0o644)
    kept.path.parent.chmod(0o755)
    assert kept.get("h.example") == ("u", "s")
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.get("h.example") == ("u", "s")
    (warning,) = kept.warnings
    assert warning.code == "store.closed"
    kept.put("h.example")
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused_and_root_keeps_its_owner(kept: Kept) -> None:
    kept.put("h.example")
    os.chown(kept.path.parents[2], 1234, 1234)  # the home folder
    os.chown(kept.path, 1234, 1234)
    os.chown(kept.path.parent, 1234, 1234)
    os.unlink(f"{kept.path}.lock")
    kept.put("g.example")
    assert {path.stat().st_uid for path in kept.path.parent.iterdir()} == {1234}
    for folder in kept.path.parents:
        if folder.stat().st_uid in (0, 1234) and not folder.stat().st_mode & 0o001:
            folder.chmod(0o711)
    kept.path.chmod(0o666)
    kept.path.parent.chmod(0o777)
    os.seteuid(4321)
    try:
        with pytest.raises(Misconfigured, match=r"^store\.foreign-file$"):
            kept.get("h.example")
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    "content",
    [
        b'{"version": 1, "credentials": {"h.example": {"username": "u", "secret": "s3cr',
        b"\xff\xfe s3cret",
        b'{"version": 1, "credentials": {"h.example": {"username": "u", "secret": ["s3cret"]}}}',
        b'{"version": 1, "credentials": ["s3cret"]}',
        b'{"version": 1}',
        b'{"credentials": {}}',
        b'["s3cret"]',
        b'"s3cret"',
        b"\0" * 4096,
    ],
)
def test_a_damaged_file_is_an_error_until_a_change_moves_it(kept: Kept, content: bytes) -> None:
    kept.put("h.example")
    kept.path.write_bytes(content)
    for read in (lambda: kept.get("h.example"), kept.store.list):
        with pytest.raises(Misconfigured) as raised:
            read()
        assert raised.value.reason.startswith("line 1: ")
        assert "s3cr" not in raised.value.reason
    assert kept.path.read_bytes() == content
    kept.put("g.example")
    assert kept.store.list() == {"g.example": "u"}
    (aside,) = kept.path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == content
    (warning,) = kept.warnings
    assert warning.parts[1] == ("store.moved-aside", {"path": str(kept.path), "aside": str(aside)})
    assert "s3cr" not in warning.line


def test_a_second_damaged_file_does_not_replace_the_first(kept: Kept) -> None:
    contents = [b"{", b"[", b"x"]
    for content in contents:
        kept.path.parent.mkdir(parents=True, exist_ok=True)
        kept.path.write_bytes(content)
        kept.put("h.example")
    aside = kept.path.parent.glob("*.damaged-*")
    assert sorted(path.read_bytes() for path in aside) == sorted(contents)


def test_a_file_of_a_later_version_is_not_changed(kept: Kept) -> None:
    kept.put("h.example")
    content = b'{"version": 2, "sealed": "x"}'
    kept.path.write_bytes(content)
    for use in (kept.put, kept.erase, kept.get):
        with pytest.raises(Misconfigured, match=r"^store\.other-version$"):
            use("g.example")
    assert kept.path.read_bytes() == content
    assert len(kept.names()) == 2


def test_an_empty_file_is_an_empty_store(kept: Kept) -> None:
    kept.put("h.example")
    kept.path.write_bytes(b"")
    assert kept.get("h.example") is None
    kept.put("h.example")
    assert kept.get("h.example") == ("u", "s")
    assert kept.warnings == []


def test_a_link_in_place_of_the_store_stays_a_link(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.path.parent.mkdir(parents=True, mode=0o700)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    kept.path.symlink_to(elsewhere / "real.json")
    linked = Kept(tmp_path)
    linked.put("h.example")
    assert linked.path.is_symlink()
    assert elsewhere.stat().st_mode & 0o777 == 0o755
    assert "h.example" in (elsewhere / "real.json").read_text()
    assert linked.get("h.example") == ("u", "s")


def test_a_place_that_cannot_be_written_is_an_error_and_reads_as_empty(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    kept = Kept(tmp_path)
    with pytest.raises(ProviderError, match=r"^store\.no-folder$"):
        kept.put("h.example")
    kept.erase("h.example")
    assert kept.get("h.example") is None


def test_a_change_that_fails_leaves_the_old_content_and_no_temporary_file(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.put("h.example")
    before = kept.path.read_bytes()

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Misconfigured, match=r"^store\.cannot-write$"):
        kept.put("g.example")
    assert kept.path.read_bytes() == before
    assert kept.names() == ["credentials.json", "credentials.json.lock"]


def test_erasing_an_absent_login_takes_no_lock(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.put("h.example")
    before = kept.path.stat().st_ino
    monkeypatch.setattr(Locks, "acquire", lambda *_: pytest.fail("locked"))
    kept.erase("g.example")
    assert kept.path.stat().st_ino == before


def test_a_lock_held_for_too_long_is_an_error(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.put("h.example")
    monkeypatch.setattr(store, "LOCK_TIMEOUT_S", 0.2)
    code = (
        "import os, sys, time; from cred_helper.files.locks import Locks;"
        "locks = Locks(os.open(sys.argv[1], os.O_RDWR)); print(locks.acquire('0'), flush=True);"
        "time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, f"{kept.path}.lock"], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with pytest.raises(Unreachable, match=r"^store\.locked$"):
            kept.put("g.example")
        assert kept.get("h.example") == ("u", "s")  # reading takes no lock
    finally:
        holder.kill()
        holder.communicate()
    kept.put("g.example")


# Stores entries for ever: h0, h1, … with a secret that says how long it is.
_WRITER = """
import sys
from cred_helper.credential import Credential, Secret
from cred_helper.server_url import ServerURL
from cred_helper.fallback.store import FileStore
kept = FileStore(sys.argv[1], print)
for number in range(int(sys.argv[3])):
    url = ServerURL.parse(f"h{sys.argv[2]}-{number}.example")
    kept.store(url, Credential("u", Secret("x" * 2000)))
    print(number, flush=True)
"""


def _writer(kept: Kept, name: str, entries: int, before: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", before + _WRITER, str(kept.path), name, str(entries)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


# What a file system without locks (NFS without lockd) answers.
_NO_LOCKS = """
import fcntl
def refuse(*_):
    raise OSError(37, "No locks available")
fcntl.lockf = refuse
"""


def test_logins_at_once_on_a_file_system_without_locks_lose_nothing(kept: Kept) -> None:
    writers = [_writer(kept, str(number), 3, before=_NO_LOCKS) for number in range(10)]
    acknowledged = sum(writer.communicate(timeout=60)[0].count(b"\n") for writer in writers)
    assert len(kept.store.list()) == acknowledged
    assert acknowledged > 0
    assert kept.names() == ["credentials.json", "credentials.json.lock"]


def test_without_locks_a_kill_stops_the_next_login(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.put("h.example")
    monkeypatch.setattr(store, "LOCK_TIMEOUT_S", 0.2)
    left = Path(f"{kept.path}.lock.held")
    left.touch()
    kept.put("g.example")  # with locks the file does not matter
    writer = _writer(
        kept,
        "w",
        1,
        before=f"{_NO_LOCKS}\nfrom cred_helper.fallback import store\nstore.LOCK_TIMEOUT_S = 0.2\n",
    )
    assert writer.communicate(timeout=60)[0] == b""
    assert writer.returncode != 0
    left.unlink()
    writer = _writer(kept, "w", 1, before=_NO_LOCKS)
    assert writer.communicate(timeout=60)[0] == b"0\n"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("owner", ["another user", "the owner of HOME"])
def test_root_keeps_no_login_in_a_folder_of_another_user(tmp_path: Path, owner: str) -> None:
    home, data = tmp_path / "root", tmp_path / "planted"
    home.mkdir()
    folder = data / "docker-credential-multi"
    folder.mkdir(parents=True)
    os.chown(data, 1234, 1234)
    os.chown(folder, 1234, 1234)
    if owner == "the owner of HOME":
        os.chown(home, 1234, 1234)
    path = folder / "credentials.json"
    kept = FileStore(str(path), print, str(home))
    server_url = ServerURL.parse("h.example")
    if owner == "another user":
        with pytest.raises(Misconfigured, match=r"^store\.foreign-folder$"):
            kept.store(server_url, Credential("u", Secret("s")))
        assert not path.exists()
        path.write_text('{"version": 1, "credentials": {}}')
        os.chown(path, 1234, 1234)
        with pytest.raises(Misconfigured, match=r"^store\.foreign-file$"):
            kept.get(server_url)
    else:
        kept.store(server_url, Credential("u", Secret("s")))
        assert path.stat().st_uid == 1234


def test_the_store_is_in_the_data_folder_of_the_user() -> None:
    assert store.path({"HOME": "/h"}) == "/h/.local/share/docker-credential-multi/credentials.json"
    assert (
        store.path({"HOME": "/h", "XDG_DATA_HOME": "/d"})
        == "/d/docker-credential-multi/credentials.json"
    )
