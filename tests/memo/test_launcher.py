"""The launcher's reader of memos: the same results as Python's, and no answer to anything else."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cred_helper import files
from cred_helper.cache import TokenCache, memo
from cred_helper.cache.entry import Entry
from cred_helper.credential import Secret
from cred_helper.files.private_folder import PrivateFolder
from cred_helper.files.recording import Recording
from tests.memo.driver import BUILD, SILENT, ask, built, needs_cc
from tests.support.programs import ran

pytestmark = needs_cc

HOST = b"registry.example.com"
TOKEN = "t0ken-of-the-vectors"
FUZZED = 100_000


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("driver"))


@pytest.fixture
def machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a file of every kind that a question can be about."""
    monkeypatch.setattr(memo, "UNRECORDED", frozenset())  # pytest loads many modules
    monkeypatch.setenv("GREETING", "grüße ")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("ABC_ONE", "1")
    monkeypatch.setenv("ABC_TWO_USR", "2")
    (home / "file").write_bytes(b"content\0 with everything\n\xff" * 99)
    (home / "empty").touch()
    (home / "script").write_text("#!/bin/sh\n")
    (home / "script").chmod(0o755)
    (home / "link").symlink_to("file")
    (home / "dangling").symlink_to("nothing")
    (home / "loop").symlink_to("loop")
    (home / "folder").mkdir(mode=0o750)
    (home / "block").write_bytes(b"x" * 128)
    (home / "large").write_bytes(b"y" * (200 << 10))
    os.mkfifo(home / "pipe")
    return home


def recorded(machine: Path) -> Recording:
    """Every kind of question, about every kind of file and variable."""
    recording = Recording(os.environ)
    files.record = recording
    names = ["file", "empty", "script", "link", "dangling", "loop", "folder", "block", "large"]
    for name in [*names, "absent", "file/below", "folder/../file", "x" * 300]:
        path = str(machine / name)
        for look in (files.exists, files.is_executable, files.real_path):
            look(path)
        try:
            files.read(path, 1 << 20)
        except OSError:
            pass
    files.exists(str(machine / "pipe"))
    for variable in ("GREETING", "EMPTY", "NOT_SET", "ABC_ONE"):
        recording.variables.get(variable)
    files.variables(recording.variables, prefix="ABC_")
    files.variables(recording.variables, suffix="_USR")
    files.machine_name(recording.variables)
    folder = PrivateFolder(str(machine / ".cache/docker-credential-multi"))
    now = time.time()
    entry = Entry(
        "ecr", "a scope", username="AWS", secret=Secret(TOKEN), source="environment",
        created_at=now, expires_at=now + 9000,
    )  # fmt: skip
    folder.write("e.token", entry.encode("e"))
    folder.read("e.token", memo.MAX_MEMO_BYTES)
    folder.read("other.token", memo.MAX_MEMO_BYTES)
    recording.cached(TOKEN, entry.fresh_until(0))
    recording.request = HOST
    files.record = None
    return recording


DOCUMENT = f'{{"ServerURL":"a","Username":"AWS","Secret":"{TOKEN}"}}\n'.encode()


@pytest.fixture
def kept(machine: Path, driver: Path) -> Iterator[Path]:
    assert memo.keep(recorded(machine), BUILD, [str(driver), "get"], DOCUMENT, 0)
    (found,) = (machine / ".cache/docker-credential-multi").glob("*.memo")
    yield found
    files.record = None


def answer(driver: Path, stdin: bytes = HOST, *arguments: str, **variables: str) -> bytes | None:
    done = ask(driver, *(arguments or ("get",)), stdin=stdin, environ={**os.environ, **variables})
    return done.stdout if done else None


def test_the_launcher_and_python_find_the_same_results(driver: Path, kept: Path) -> None:
    assert answer(driver) == DOCUMENT
    kinds = {line[:1] for line in kept.read_text().splitlines() if line[1:2] == " "}
    assert kinds == set("VPQSFETXRN")


def replaced(path: Path, content: bytes) -> None:
    """Put other content of the same size, time and inode into a file."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def swapped(path: Path, make: Callable[[Path], object]) -> None:
    """Put something else in the place of a file or of an empty folder."""
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    make(path)


def memo_of(home: Path) -> Path:
    (found,) = home.glob(f"{CACHE}/*.memo")
    return found


def linked(path: Path, place: Path) -> None:
    """Move a file or folder to a place, and leave a link."""
    path.rename(place)
    path.symlink_to(place)


CACHE = ".cache/docker-credential-multi"
CHANGES: dict[str, Callable[[Path], object]] = {
    "content of the same size and time": lambda m: replaced(m / "file", b"C"),
    "one byte more": lambda m: (m / "empty").write_text("\n"),
    "a mode": lambda m: (m / "file").chmod(0o640),
    "a file that was absent": lambda m: (m / "absent").touch(),
    "a file that is gone": lambda m: (m / "empty").unlink(),
    "a file in place of a folder": lambda m: swapped(m / "folder", Path.touch),
    "a folder in place of a file": lambda m: swapped(m / "empty", Path.mkdir),
    "a pipe in place of a file": lambda m: swapped(m / "file", os.mkfifo),
    "a link's other end": lambda m: swapped(m / "link", lambda p: p.symlink_to("empty")),
    "a program that cannot be executed": lambda m: (m / "script").chmod(0o644),
    "the token": lambda m: replaced(m / CACHE / "e.token", b"X"),
    "the token's mode": lambda m: (m / CACHE / "e.token").chmod(0o640),
    "no token": lambda m: (m / CACHE / "e.token").unlink(),
    "another entry": lambda m: PrivateFolder(f"{m}/{CACHE}").write("other.token", b""),
    "the folder's mode": lambda m: (m / CACHE).chmod(0o750),
    "a folder that is a link": lambda m: linked(m / CACHE, m / "moved"),
    "a memo that others can read": lambda m: memo_of(m).chmod(0o604),
    "a memo that is a link": lambda m: linked(memo_of(m), m / "moved"),
    "no memo": lambda m: memo_of(m).unlink(),
    "a memo that is torn": lambda m: os.truncate(memo_of(m), 500),
    "a memo with other bytes": lambda m: replaced(memo_of(m), b"D"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_file_is_noticed(
    driver: Path, machine: Path, kept: Path, change: str
) -> None:
    assert answer(driver) == DOCUMENT
    CHANGES[change](machine)
    assert answer(driver) is None


def test_every_change_of_the_environment_or_the_call_is_noticed(
    driver: Path, machine: Path, kept: Path
) -> None:
    changed = {
        "GREETING": "Grüße ", "EMPTY": "x", "NOT_SET": "", "ABC_THREE": "3", "B_USR": "",
        "HOME": f"{machine}/folder", "XDG_CACHE_HOME": f"{machine}/folder",
    }  # fmt: skip
    for name, value in changed.items():
        assert answer(driver, HOST, **{name: value}) is None, name
    assert answer(driver, HOST, UNRELATED="1", OTHER_PREFIX_ABC_="2") == DOCUMENT
    for request in (b"registry.example.co", HOST + b"\n", b"", b"x" * 2000):
        assert answer(driver, request) is None
    for arguments in (("erase",), ("get", "get"), ("get", ""), ("--debug", "get")):
        assert answer(driver, HOST, *arguments) is None
    environ = dict(os.environ)
    assert ask(driver, "get", stdin=HOST, environ=environ, argv0="docker-credential-env") is None
    without = {name: value for name, value in environ.items() if name != "EMPTY"}
    assert ask(driver, "get", stdin=HOST, environ=without) is None


def test_a_memo_is_valid_from_its_writing_to_its_expiry(driver: Path, kept: Path) -> None:
    content = kept.read_bytes()
    since, until, _ = map(int, content.splitlines()[1].split())
    for now, is_answer in (
        (since - 1, False), (since, True), (until - 1, True), (until, False), (0, False),
        (-1, False), (1 << 62, False),
    ):  # fmt: skip
        done = ask(driver, "reply", kept.name, str(now), stdin=content, environ=os.environ)
        assert (done is not None) == is_answer, now
    renamed = "0" * 32 + ".memo"
    assert ask(driver, "reply", renamed, str(since), stdin=content, environ=os.environ) is None


@pytest.mark.parametrize(
    "place",
    [b"0 999999", b"65536 1", b"-1 5", b"18446744073709551615 1", b"1 18446744073709551615",
     b"400 -1", b"", b"x y", b"99999999999999999999 1"],
)  # fmt: skip
def test_a_token_position_outside_of_its_file_gives_no_answer(
    driver: Path, machine: Path, place: bytes
) -> None:
    recording = recorded(machine)
    results = {
        (b"T" + question[1:] if b"/e.token" in question else question): result
        for question, result in recording.results.items()
    }
    content = memo.encode("n.memo", [b"0 9 0", place, b"head", b"tail"], results)
    assert ask(driver, "reply", "n.memo", "1", stdin=content, environ=os.environ) is None
    content = memo.encode("n.memo", [b"0 9 0", b"0 6", b"head ", b" tail"], results)
    done = ask(driver, "reply", "n.memo", "1", stdin=content, environ=os.environ)
    assert done is not None
    assert done.stdout == b"head docker tail\n"


def test_a_memo_with_an_unknown_question_gives_no_answer(driver: Path, home: Path) -> None:
    (home / "pipe").unlink(missing_ok=True)
    os.mkfifo(home / "pipe")
    for question in (b"Z x", b"V", b"", b" ", b"E name", b"T /", b"F /dev/null", b"F %s/pipe"):
        asked = question.replace(b"%s", bytes(home))
        content = memo.encode("n.memo", [b"0 9 0", b"0 0", b"a", b"b"], {asked: b""})
        assert ask(driver, "reply", "n.memo", "1", stdin=content, environ=os.environ) is None


# --- Standard input -------------------------------------------------------------------------------


def silent_with(driver: Path, stdin: int) -> bool:
    """Whether the driver gives no answer, and leaves the descriptor's content unread."""
    done = ran(driver, "get", stdin=stdin)
    assert done.returncode in (0, SILENT)
    return done.returncode == SILENT


def test_standard_input_is_read_only_where_it_is_whole(
    driver: Path, kept: Path, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.write(writer, HOST)
    assert silent_with(driver, reader)  # not closed
    assert os.read(reader, 99) == HOST
    os.write(writer, b"registry.")
    os.write(writer, b"example.com")
    os.close(writer)
    assert not silent_with(driver, reader)
    assert os.read(reader, 99) == b""
    os.close(reader)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"registry.exam")
        ours.send(b"ple.com")
        assert silent_with(driver, theirs.fileno())
        assert theirs.recv(99, socket.MSG_PEEK) == HOST
        ours.shutdown(socket.SHUT_WR)
        assert not silent_with(driver, theirs.fileno())
        assert theirs.recv(99) == b""
    file = tmp_path / "request"
    file.write_bytes(b"skipped" + HOST)
    with file.open("rb", buffering=0) as opened:
        assert silent_with(driver, opened.fileno())
        opened.seek(7)
        assert not silent_with(driver, opened.fileno())
        assert opened.read() == b""
    with Path(os.devnull).open() as nothing:
        assert silent_with(driver, nothing.fileno())
    primary, secondary = os.openpty()
    assert silent_with(driver, secondary)
    os.close(primary)
    os.close(secondary)


def test_a_reply_that_cannot_be_written_is_left_to_python(driver: Path, kept: Path) -> None:
    for target in ("/dev/full", "closed"):
        redirect = ">&-" if target == "closed" else f">{target}"
        script = f'printf %s {HOST.decode()} | "{driver}" get {redirect}'
        done = ran("sh", "-c", script)
        assert done.returncode == SILENT


# --- Damaged memos --------------------------------------------------------------------------------


def test_no_change_of_a_memo_makes_the_launcher_read_outside_of_it(
    machine: Path, tmp_path: Path
) -> None:
    driver = built(tmp_path, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    recording = recorded(machine)
    few = dict(list(recording.results.items())[:12])
    few |= {q: r for q, r in recording.results.items() if q[:1] in b"PQNE"}
    content = memo.encode("n.memo", [b"0 9 0", b"7 7", b"head", b"tail"], few)
    command = (driver, "fuzz", "n.memo", str(FUZZED // 20))
    done = ran(*command, input=content, timeout=600, encoding=None)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()[-2000:]
    assert done.stdout == b"0\n"


# --- Removal --------------------------------------------------------------------------------------


def test_a_memo_is_written_once_and_removed_with_the_cache(
    driver: Path, machine: Path, kept: Path
) -> None:
    before = kept.stat().st_ino
    entry = (machine / CACHE / "e.token").read_bytes()
    recording = recorded(machine)
    (machine / CACHE / "e.token").write_bytes(entry)
    for question in recording.results:
        if b"e.token" in question:
            recording.results[question] = b"=" + entry
    assert memo.keep(recording, BUILD, [str(driver), "get"], DOCUMENT, 0)
    assert kept.stat().st_ino == before
    cache = TokenCache(str(machine / CACHE))
    assert cache.entries(time.time()) == []  # the token of the vectors is not named as in the cache
    assert cache.clear() == 0
    assert not kept.exists()


def test_storing_a_token_removes_expired_memos(machine: Path, kept: Path) -> None:
    key = "a" * 32
    cache, now = TokenCache(str(machine / CACHE)), time.time()
    entry = Entry(
        "ecr", "a scope", username="AWS", secret=Secret("x"), source="environment",
        created_at=now + 10_000, expires_at=now + 20_000,
    )  # fmt: skip
    locks = cache.locks()
    assert cache.keep(key, entry, locks)
    locks.close()
    assert not kept.exists()


def test_too_many_memos_are_all_removed(
    machine: Path, driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo, "MAX_MEMOS", 3)
    for number in range(7):
        recording = recorded(machine)
        recording.request = str(number).encode()
        assert memo.keep(recording, BUILD, [str(driver), "get"], DOCUMENT, 0)
        assert len(list((machine / CACHE).glob("*.memo"))) == number % 3 + 1
