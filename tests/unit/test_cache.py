"""The cache on disk, and the answers from it, with a clock of the test's own."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cred_helper.cache import (
    MAX_ENTRIES,
    MAX_ENTRY_BYTES,
    MAX_TEMPORARY_AGE_S,
    TokenCache,
    default_folder,
    known_folders,
    usable_folder,
)
from cred_helper.cache.cached import CachedProvider
from cred_helper.cache.entry import MAX_LIFE_S, Entry, Failure
from cred_helper.credential import Credential, Secret
from cred_helper.errors import (
    BadReply,
    CredentialError,
    Denied,
    Misconfigured,
    NotFound,
    ProviderError,
    Unreachable,
)
from cred_helper.files.atomic_file import temporary_name
from cred_helper.files.fingerprints import digest
from cred_helper.files.locks import Locks
from cred_helper.files.private_folder import PrivateFolder
from cred_helper.providers.common.interface import Identity, TokenRequest
from tests.support.requests import token_request

NOW = 1_700_000_000.0
MINUTE, HOUR = 60.0, 3600.0
KEY = digest(["a key"])
OTHER_KEY = digest(["another key"])
SECRET = "marked-secret"
NO_LOCKS = Locks(None)


class Clock:
    """A wall clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Cloud:
    """A provider that answers what the test says, and counts."""

    name = "cloud"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.identity = Identity("environment", cache_key="one")
        self.life_s: float | None = HOUR
        self.failure: NotFound | ProviderError | None = None
        self.exchanges = 0
        self.deadlines_s: list[float] = []

    def identify(self, request: TokenRequest) -> Identity:
        return self.identity

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        self.exchanges += 1
        self.deadlines_s.append(request.deadline.remaining_s())
        if self.failure is not None:
            raise self.failure
        expires_at = None
        if self.life_s is not None:
            expires_at = datetime.fromtimestamp(self.clock.now + self.life_s, UTC)
        secret = Secret(f"{SECRET}-{self.exchanges}")
        return Credential("user", secret, expires_at=expires_at, source="the environment")


class Asker:
    """What a series of processes gets, one after another, from one cloud and one cache."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.clock = Clock()
        self.cloud = Cloud(self.clock)
        self.warnings: list[CredentialError] = []
        self.min_life_s = 0.0

    def provider(self) -> CachedProvider:
        return CachedProvider(
            self.cloud,
            TokenCache(self.folder),
            warn=self.warnings.append,
            clock=self.clock,
            min_life_s=self.min_life_s,
        )

    def get(self, host: str = "gcr.io", **options: str) -> str:
        provider = self.provider()
        request = token_request(host, {}, options=options)
        return provider.get(request, provider.identify(request)).secret.expose()

    def forget(self, host: str = "gcr.io") -> None:
        self.provider().forget(token_request(host, {}))

    @property
    def failure(self) -> CredentialError:
        with pytest.raises(CredentialError) as caught:
            self.get()
        return caught.value


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "caches" / "ours")


@pytest.fixture
def asker(folder: str) -> Asker:
    return Asker(folder)


def kept_in(folder: str) -> Path:
    """The file of the one token that is kept."""
    (path,) = Path(folder).glob("*.token")
    return path


def names_in(folder: str) -> list[str]:
    return sorted(os.listdir(folder))


def entry(*, life_s: float = HOUR, created_at: float = NOW, secret: str = SECRET) -> Entry:
    return Entry(
        "cloud",
        "registry.example",
        username="user",
        secret=Secret(secret),
        source="the environment",
        created_at=created_at,
        expires_at=created_at + life_s,
    )


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


# --- How long a token is used ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life_s", "fresh_until_s"),
    [
        (12 * HOUR, 6 * HOUR),
        (3 * HOUR, 1.5 * HOUR),
        (HOUR + 1, HOUR / 2 + 0.5),
        (HOUR, 55 * MINUTE),
        (20 * MINUTE, 15 * MINUTE),
        (10 * MINUTE, 5 * MINUTE),
        (8 * MINUTE, 4 * MINUTE),
        (MINUTE, 30),
    ],
)
def test_a_token_is_renewed_at_half_of_a_long_life_or_five_minutes_before_the_end(
    asker: Asker, life_s: float, fresh_until_s: float
) -> None:
    asker.cloud.life_s = life_s
    first = asker.get()
    asker.clock.now = NOW + fresh_until_s - 0.01
    assert asker.get() == first
    asker.clock.now = NOW + fresh_until_s
    assert asker.get() != first
    assert asker.cloud.exchanges == 2


@pytest.mark.parametrize(
    ("life_s", "min_life_s", "fresh_until_s"),
    [
        (HOUR, 45 * MINUTE, 15 * MINUTE),
        (12 * HOUR, 10 * HOUR, 2 * HOUR),
        # One that never lives so long is used for a minute, and not asked for by every call.
        (HOUR, 2 * HOUR, MINUTE),
        (HOUR, HOUR, MINUTE),
        (5 * MINUTE, HOUR, MINUTE),
    ],
)
def test_a_token_that_has_to_live_for_some_time_is_renewed_before_it_has_less(
    asker: Asker, life_s: float, min_life_s: float, fresh_until_s: float
) -> None:
    asker.cloud.life_s, asker.min_life_s = life_s, min_life_s
    first = asker.get()
    asker.clock.now = NOW + fresh_until_s
    assert asker.get() == first
    asker.clock.now = NOW + fresh_until_s + 0.01
    assert asker.get() != first
    assert asker.cloud.exchanges == 2


def test_a_token_that_lives_too_short_is_used_with_a_warning_if_need_be(asker: Asker) -> None:
    first = asker.get()
    asker.min_life_s = 45 * MINUTE
    asker.clock.now += 30 * MINUTE
    asker.cloud.failure = Unreachable("network.timeout", upstream="x", within="", tries="")
    assert asker.get() == first
    assert [warning.code for warning in asker.warnings] == ["network.timeout"]
    assert asker.cloud.exchanges == 2


@pytest.mark.parametrize("life_s", [59.0, 5.0, 0.0, -HOUR, None])
def test_a_token_with_a_very_short_life_is_returned_and_not_kept_for_later_calls(
    asker: Asker, life_s: float | None
) -> None:
    asker.cloud.life_s = life_s
    assert asker.get() == f"{SECRET}-1"
    asker.clock.now += 0.01
    assert asker.get() == f"{SECRET}-2"


def test_a_token_that_claims_to_live_for_years_is_renewed_within_a_day(asker: Asker) -> None:
    asker.cloud.life_s = 10 * 365 * 24 * HOUR
    asker.get()
    asker.clock.now += MAX_LIFE_S / 2
    assert asker.get() == f"{SECRET}-2"


def test_a_cached_credential_has_its_expiry(asker: Asker) -> None:
    asker.get()
    kept = TokenCache(asker.folder).entries(NOW)[0].credential()
    assert kept.expires_at == datetime.fromtimestamp(NOW + HOUR, UTC)
    assert (kept.username, kept.source) == ("user", "the environment")


# --- Whose a token is -----------------------------------------------------------------------------


def test_each_host_identity_and_option_has_its_own_token(asker: Asker) -> None:
    seen = {asker.get(), asker.get("eu.gcr.io"), asker.get(profile="a"), asker.get(profile="b")}
    asker.cloud.identity = Identity("environment", cache_key="another")
    seen.add(asker.get())
    asker.cloud.identity = Identity("environment", cache_key="one")
    assert asker.get() in seen
    assert len(seen) == asker.cloud.exchanges == 5


def test_hosts_with_one_scope_share_a_token(asker: Asker) -> None:
    asker.cloud.identity = Identity("environment", cache_key="one", scope="all of it")
    assert asker.get("gcr.io") == asker.get("eu.gcr.io")
    assert [kept.scope for kept in TokenCache(asker.folder).entries(NOW)] == ["all of it"]
    asker.cloud.identity = Identity("environment", cache_key="other", scope="all of it")
    assert asker.get("gcr.io") == f"{SECRET}-2"


def test_providers_do_not_share_tokens(asker: Asker) -> None:
    asker.get()
    asker.cloud.name = "another"
    assert asker.get() == f"{SECRET}-2"


def test_an_identity_without_a_cache_key_is_asked_for_every_time(asker: Asker) -> None:
    asker.cloud.identity = Identity("environment", cache_key=None)
    assert asker.get() != asker.get()
    assert not os.path.exists(asker.folder)


class WithProgram(Cloud):
    """A provider whose identity only a program knows."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.printed = "AKIAONE"
        self.runs = 0
        self.asked_as: list[str | None] = []
        self.identity = Identity("process", determine=self.run)

    def run(self, _request: TokenRequest) -> Identity:
        self.runs += 1
        if not self.printed:
            raise Denied("helper.failed", status=1)
        return Identity("process", cache_key=self.printed)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        self.asked_as.append(identity.cache_key)
        return super().get(request, identity)


def test_a_token_is_kept_under_the_identity_that_a_program_prints(asker: Asker) -> None:
    asker.cloud = cloud = WithProgram(asker.clock)
    first = asker.get()
    assert asker.get() == first
    cloud.printed = "AKIATWO"
    second = asker.get()
    assert second != first
    cloud.printed = "AKIAONE"
    assert asker.get() == first
    assert (cloud.runs, cloud.asked_as) == (4, ["AKIAONE", "AKIATWO"])
    cloud.printed = ""
    assert asker.failure.code == "helper.failed"
    cloud.printed = "AKIATWO"
    asker.forget()
    assert asker.get() not in (first, second)


def test_a_token_is_not_kept_if_the_identity_changed_while_it_was_asked_for(asker: Asker) -> None:
    changed = Identity("environment", cache_key="another")

    class Changing(Cloud):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            self.identity = changed
            return super().get(request, identity)

    before = asker.cloud.identity
    asker.cloud = Changing(asker.clock)
    asker.get()
    asker.cloud = Cloud(asker.clock)
    for identity in (before, changed):
        asker.cloud.identity = identity
        asker.get()
    assert asker.cloud.exchanges == 2


# --- A renewal that fails -------------------------------------------------------------------------

FAILURES = [
    Denied("cache.no-cipher", hint="log in"),
    Unreachable("cache.other-process-waits", waited="5"),
    BadReply("cache.bad-key", url="https://registry.example"),
    Misconfigured("file.encoding", line=3).within("file.at", place="/a/file"),
    NotFound("file.not-ini", path="two\nlines", line=1),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_after_a_failed_renewal_the_valid_token_is_used_with_a_warning(
    asker: Asker, failure: NotFound | ProviderError
) -> None:
    old = asker.get()
    asker.cloud.failure = failure
    asker.clock.now = NOW + 56 * MINUTE
    assert asker.get() == old
    (warning,) = asker.warnings
    assert warning.parts[:-1] == failure.parts
    assert warning.parts[-1][0] == "cache.not-renewed"
    assert warning.parts[-1][1]["left"] == "4 min"
    asker.clock.now = NOW + HOUR
    assert type(asker.failure) is type(failure)


def test_an_expired_token_is_never_returned(asker: Asker) -> None:
    asker.get()
    asker.cloud.failure = Unreachable("cache.no-cipher")
    for past_s in (HOUR - 5, HOUR, HOUR + 0.1, 100 * HOUR):
        asker.clock.now = NOW + past_s
        assert isinstance(asker.failure, Unreachable)


def test_with_a_valid_token_a_cloud_that_is_down_is_asked_once_a_minute(asker: Asker) -> None:
    asker.cloud.life_s = 12 * HOUR
    old = asker.get()
    asker.cloud.failure = Unreachable("cache.no-cipher")
    asker.clock.now = NOW + 7 * HOUR
    assert [asker.get() for _ in range(5)] == [old] * 5
    assert (asker.cloud.exchanges, len(asker.warnings)) == (2, 5)
    asker.clock.now += MINUTE
    assert asker.get() == old
    assert asker.cloud.exchanges == 3
    assert asker.cloud.deadlines_s[0] > 25
    assert max(asker.cloud.deadlines_s[1:]) <= 10
    asker.cloud.failure = None
    asker.clock.now += MINUTE
    assert asker.get() != old
    assert len(asker.warnings) == 6


by_failure = pytest.mark.parametrize(
    "failure", FAILURES[:-1], ids=lambda failure: type(failure).__name__
)

# --- A failure that is remembered -----------------------------------------------------------------


@by_failure
def test_a_failure_is_not_remembered_for_later_calls(asker: Asker, failure: ProviderError) -> None:
    asker.cloud.failure = failure
    assert asker.failure is failure
    asker.cloud.failure = None
    asker.clock.now += 0.01
    assert asker.get() == f"{SECRET}-2"


def test_an_absent_identity_is_remembered_for_seconds_and_for_every_host(asker: Asker) -> None:
    asker.cloud.failure = NotFound("client.no-credential", hint="log in")
    assert asker.failure is asker.cloud.failure
    asker.clock.now += 9.9
    remembered = asker.failure
    assert type(remembered) is NotFound
    assert (remembered.code, remembered.hint) == ("client.no-credential", "log in")
    with pytest.raises(NotFound):
        asker.get("eu.gcr.io")
    assert asker.cloud.exchanges == 1
    asker.cloud.failure = None
    asker.clock.now += 0.1
    assert asker.get() == f"{SECRET}-2"


def test_an_absent_identity_without_a_cache_key_is_remembered_for_seconds(asker: Asker) -> None:
    asker.cloud.identity = Identity("cli", certain=False)
    asker.cloud.failure = NotFound("cache.no-cipher")
    assert asker.failure is asker.cloud.failure
    assert asker.failure.code == "cache.no-cipher"
    assert asker.cloud.exchanges == 1
    asker.clock.now += 10
    asker.cloud.failure = None
    assert [asker.get(), asker.get()] == [f"{SECRET}-2", f"{SECRET}-3"]


@by_failure
def test_without_a_cache_key_no_other_failure_is_kept(asker: Asker, failure: ProviderError) -> None:
    asker.cloud.identity = Identity("cli", certain=False)
    asker.cloud.failure = failure
    assert asker.failure is failure
    assert asker.failure is failure
    assert not os.path.exists(asker.folder)


def test_an_absent_identity_is_remembered_for_that_identity_only(asker: Asker) -> None:
    asker.cloud.failure = NotFound("cache.no-cipher")
    assert asker.failure
    asker.cloud.failure = None
    asker.cloud.identity = Identity("environment", cache_key="another")
    assert asker.get()


# --- Clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("back_s", [0.5, MINUTE, HOUR, 365 * 24 * HOUR])
def test_after_the_clock_is_set_back_earlier_entries_are_misses(
    asker: Asker, back_s: float
) -> None:
    asker.get()
    asker.clock.now = NOW - back_s
    assert asker.get() == f"{SECRET}-2"
    assert asker.warnings == []


def test_a_failure_from_the_future_is_ignored(asker: Asker) -> None:
    asker.cloud.failure = NotFound("cache.no-cipher")
    assert asker.failure
    asker.cloud.failure = None
    asker.clock.now = NOW - 1
    assert asker.get()


# --- What is not an entry -------------------------------------------------------------------------


def damaged(key: str) -> dict[str, bytes]:
    """What may lie where the entry of a key is expected."""
    good = entry().encode(key)
    title, _, body = good.split(b"\n", 2)

    def signed(body: bytes, title: bytes = title, kind: str = "token") -> bytes:
        return b"\n".join([title, digest([kind, key, body]).encode(), body])

    assert Entry.decode(key, signed(body)) is not None
    return {
        "empty": b"",
        "zeros": bytes(len(good)),
        "not utf-8": signed(body.replace(SECRET.encode(), b"\xff\xfe")),
        "another key's": entry().encode(OTHER_KEY),
        "an older version's": signed(body, title.replace(b" 1", b" 0")),
        "a newer version's": signed(body, title.replace(b" 1", b" 2")),
        "another program's": b'{"Registries":null,"Version":"1.0"}',
        "a failure": Failure(NotFound("cache.no-cipher"), NOW).encode(key),
        "unsigned": b"\n".join([title, b"0" * 32, body]),
        "twice": good + good,
        "without a secret": signed(body[: body.index(b"secret=")]),
        "of no time": signed(body.replace(b"created_at=1", b"created_at=nan")),
        "of an endless time": signed(body.replace(b"expires_at=1", b"expires_at=inf")),
        "of a long time": signed(body.replace(b"expires_at=1", b"expires_at=9")),
        "of a negative life": signed(body.replace(b"expires_at=1", b"expires_at=0")),
        "of time in words": signed(body.replace(b"created_at=1", b"created_at=now")),
        "of a huge number": signed(body.replace(b"created_at=1", b"created_at=" + b"9" * 5000)),
        "too long": signed(body + b"more=" + b"x" * MAX_ENTRY_BYTES),
    }


@pytest.mark.parametrize("what", damaged(KEY))
def test_only_a_whole_entry_of_this_key_and_version_is_a_hit(asker: Asker, what: str) -> None:
    asker.get()
    path = kept_in(asker.folder)
    path.write_bytes(damaged(path.stem)[what])
    assert asker.get() == asker.get() == f"{SECRET}-2"


def test_printing_an_entry_shows_no_secret() -> None:
    assert SECRET not in repr(entry()) + str(vars(entry()))


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failure_reads_as_it_was_written(failure: NotFound | ProviderError) -> None:
    read = Failure.decode(KEY, Failure(failure, NOW).encode(KEY))
    assert read is not None
    assert (type(read.error), read.error.code, read.at) == (type(failure), failure.code, NOW)
    assert read.error.line == " ".join(failure.line.split())
    assert read.error.hint == failure.hint


@pytest.mark.parametrize(
    ("username", "secret"),
    [("user", "two\nlines"), ("two\nlines", "s"), ("user", "\udcff"), ("user", "s" * 70_000)],
    ids=["line end in secret", "line end in user name", "no text", "huge"],
)
def test_a_credential_that_does_not_fit_is_not_kept(
    asker: Asker, username: str, secret: str
) -> None:
    class Odd(Cloud):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            expires_at = super().get(request, identity).expires_at
            return Credential(username, Secret(secret), expires_at=expires_at)

    asker.cloud = Odd(asker.clock)
    assert asker.get() == asker.get() == secret
    assert asker.cloud.exchanges == 2


# --- The folder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_folder_and_files_are_closed_to_others_from_the_start(asker: Asker, mask: int) -> None:
    before = os.umask(mask)
    try:
        asker.get()
    finally:
        os.umask(before)
    assert [mode(asker.folder), mode(os.path.dirname(asker.folder))] == [0o700, 0o700]
    assert {mode(os.path.join(asker.folder, name)) for name in os.listdir(asker.folder)} == {0o600}


@pytest.mark.parametrize("bits", [0o701, 0o710, 0o740, 0o755, 0o777, 0o1777])
def test_a_folder_open_to_others_is_neither_read_nor_written(asker: Asker, bits: int) -> None:
    asker.get()
    os.chmod(asker.folder, bits)
    before = names_in(asker.folder)
    assert asker.get() == f"{SECRET}-2"
    assert names_in(asker.folder) == before
    assert mode(asker.folder) == bits
    assert TokenCache(asker.folder).refusal() == "it is open to other users"
    assert TokenCache(asker.folder).entries(NOW) == []
    with pytest.raises(CredentialError, match=r"^cache\.folder-refused$"):
        TokenCache(asker.folder).clear()


@pytest.mark.parametrize("bits", [0o604, 0o620, 0o644, 0o666])
def test_an_entry_that_is_open_to_others_is_a_miss_and_is_replaced(asker: Asker, bits: int) -> None:
    asker.get()
    path = kept_in(asker.folder)
    path.chmod(bits)
    assert asker.get() == asker.get() == f"{SECRET}-2"
    assert mode(str(path)) == 0o600


def test_the_modes_of_the_folders_above_do_not_matter(asker: Asker) -> None:
    around = Path(asker.folder).parent
    around.mkdir()
    around.chmod(0o777)
    assert asker.get() == asker.get() == f"{SECRET}-1"


def test_a_linked_folder_is_neither_read_nor_written(asker: Asker) -> None:
    asker.get()
    real = Path(asker.folder).with_name("real")
    Path(asker.folder).rename(real)
    Path(asker.folder).symlink_to(real)
    before = names_in(str(real))
    assert asker.get() == f"{SECRET}-2"
    assert names_in(str(real)) == before


def test_a_linked_entry_is_a_miss_and_what_it_points_to_stays(asker: Asker, tmp_path: Path) -> None:
    asker.get()
    kept, target = kept_in(asker.folder), tmp_path / "target"
    content = kept.read_bytes()
    kept.rename(target)
    kept.symlink_to(target)
    assert asker.get() == f"{SECRET}-2"
    assert not kept.is_symlink()
    assert target.read_bytes() == content


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_a_folder_or_pipe_is_not_an_entry(asker: Asker, make: Callable[[Path, int], None]) -> None:
    asker.get()
    path = kept_in(asker.folder)
    path.unlink()
    make(path, 0o600)
    assert asker.get() == f"{SECRET}-2"


def test_a_folder_or_entry_of_another_user_is_not_used(asker: Asker) -> None:
    if os.geteuid() == 0:
        asker.get()
        os.chown(kept_in(asker.folder), 65534, 65534)
        assert asker.get() == f"{SECRET}-2"
        os.chown(asker.folder, 65534, 65534)
        assert asker.get() == f"{SECRET}-3"
    else:
        asker.folder = "/"
        assert [asker.get(), asker.get()] == [f"{SECRET}-1", f"{SECRET}-2"]
    assert TokenCache(asker.folder).refusal() == "it belongs to another user"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could lock another user out")
def test_root_makes_no_folder_in_the_home_of_another_user(asker: Asker) -> None:
    home = os.path.dirname(os.path.dirname(asker.folder))
    os.chown(home, 65534, 65534)
    assert [asker.get(), asker.get()] == [f"{SECRET}-1", f"{SECRET}-2"]
    assert not os.path.exists(os.path.dirname(asker.folder))


def test_without_a_usable_folder_nothing_is_kept_or_fails(asker: Asker, tmp_path: Path) -> None:
    for folder in ("/dev/null/cache", "/proc/cache", "/proc/self/a/b", f"{asker.folder}/a/b/c"):
        asker.folder = folder
        before = asker.cloud.exchanges
        assert asker.get() != asker.get()
        assert asker.cloud.exchanges == before + 2
        assert TokenCache(folder).entries(NOW) == []
    assert PrivateFolder(str(tmp_path / "a" / "b")).write("name", b"content")
    assert not PrivateFolder(str(tmp_path / "c" / "d" / "e")).write("name", b"content")
    assert not (tmp_path / "c").exists()


# --- Tidiness -------------------------------------------------------------------------------------


def test_writing_removes_expired_entries_and_files_of_killed_processes(folder: str) -> None:
    cache, files = TokenCache(folder), PrivateFolder(folder)
    over = [digest([str(n)]) for n in range(5)]
    assert cache.keep(over[0], entry(), NO_LOCKS)
    cache.note(over[1], NotFound("cache.no-cipher"), NOW, NO_LOCKS)
    files.write(f"{over[2]}.token", b"broken")
    files.write(f"{over[3]}.failure", b"broken")
    strays = [temporary_name(f"{KEY}.token") for _ in range(2)]
    for stray, age_s in zip(strays, (MAX_TEMPORARY_AGE_S - 60, MAX_TEMPORARY_AGE_S), strict=True):
        path = Path(folder, stray)
        path.write_bytes(b"half")
        os.utime(path, (NOW + HOUR - age_s - 1, NOW + HOUR - age_s - 1))
    foreign = ["notes.token", "README", ".hidden", f"{KEY}.txt", f"{KEY.upper()}.token"]
    for name in foreign:
        Path(folder, name).write_bytes(b"a person's own")
        os.utime(Path(folder, name), (0, 0))
    assert cache.keep(KEY, entry(created_at=NOW + HOUR), NO_LOCKS)
    assert sorted(os.listdir(folder)) == sorted([f"{KEY}.token", strays[0], *foreign])


def test_tidying_keeps_newer_entries_but_not_those_of_years_ahead(folder: str) -> None:
    cache = TokenCache(folder)
    for ahead_s, is_kept in ((1, True), (10 * 365 * 24 * HOUR, False)):
        assert cache.keep(KEY, entry(created_at=NOW + ahead_s), NO_LOCKS)
        assert cache.keep(OTHER_KEY, entry(created_at=NOW), NO_LOCKS)
        assert (cache.token(KEY) is not None) == is_kept


def test_the_oldest_of_too_many_entries_are_removed(folder: str) -> None:
    cache = TokenCache(folder)
    keys = [digest([str(n)]) for n in range(MAX_ENTRIES + 3)]
    for age_s, key in enumerate(keys):
        assert cache.keep(key, entry(created_at=NOW + age_s / 10), NO_LOCKS)
    assert len(os.listdir(folder)) == MAX_ENTRIES
    assert [cache.token(key) is None for key in keys[:4]] == [True, True, True, False]


def test_an_entry_that_another_process_is_replacing_is_not_removed(folder: str) -> None:
    cache = TokenCache(folder)
    assert cache.keep(KEY, entry(), NO_LOCKS)
    locks = cache.locks()
    assert locks.acquire(KEY)
    assert cache.keep(OTHER_KEY, entry(created_at=NOW + 2 * HOUR), locks)
    assert cache.token(KEY) is not None
    locks.release(KEY)
    assert cache.keep(OTHER_KEY, entry(created_at=NOW + 2 * HOUR), locks)
    assert cache.token(KEY) is None
    locks.close()


# --- Showing and clearing -------------------------------------------------------------------------


def test_the_list_has_the_valid_tokens_in_order_and_clear_counts_them(folder: str) -> None:
    cache = TokenCache(folder)
    for n, life_s in enumerate((HOUR, 2 * HOUR, 30.0)):
        kept = entry(life_s=life_s)
        kept.scope = f"{9 - n}.example"
        assert cache.keep(digest([str(n)]), kept, NO_LOCKS)
    assert [kept.scope for kept in cache.entries(NOW)] == ["7.example", "8.example", "9.example"]
    assert [kept.scope for kept in cache.entries(NOW + HOUR)] == ["8.example"]
    Path(folder, "README").write_bytes(b"a person's own")
    Path(folder, temporary_name(f"{KEY}.token")).write_bytes(b"half")
    Path(folder, f"{KEY}.settings").write_bytes(b"what settings were parsed to")
    cache.note(KEY, NotFound("cache.no-cipher"), NOW, NO_LOCKS)
    assert cache.clear() == 3
    assert os.listdir(folder) == ["README"]
    assert cache.clear() == 0


def test_clear_is_an_error_if_a_file_remains(asker: Asker) -> None:
    asker.get()
    os.mkdir(os.path.join(asker.folder, f"{KEY}.token"))
    with pytest.raises(CredentialError, match=r"^cache\.not-removed$"):
        TokenCache(asker.folder).clear()
    assert TokenCache(asker.folder).entries(NOW) == []


def test_an_absent_cache_is_empty_and_can_be_cleared(folder: str) -> None:
    assert TokenCache(folder).entries(NOW) == []
    assert TokenCache(folder).clear() == 0
    assert TokenCache(folder).refusal() is None
    assert not os.path.exists(folder)


# --- Where it is ----------------------------------------------------------------------------------


OURS = "/docker-credential-multi"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/me"}, f"/home/me/.cache{OURS}"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/c"}, f"/c{OURS}"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "c"}, f"/home/me/.cache{OURS}"),
        ({"HOME": "home"}, None),
        ({"HOME": ""}, None),
        ({}, None),
        ({"XDG_CACHE_HOME": "/c"}, f"/c{OURS}"),
    ],
)
def test_the_folder_is_in_the_users_cache_folder(
    environ: dict[str, str], expected: str | None
) -> None:
    assert default_folder(environ) == expected


def test_the_runtime_folder_comes_first_if_it_is_private(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    environ = {"XDG_RUNTIME_DIR": str(runtime), "XDG_CACHE_HOME": "/c"}
    assert default_folder(environ) == f"/c{OURS}"
    runtime.mkdir(0o700)
    assert default_folder(environ) == f"{runtime}{OURS}"
    assert list(known_folders(environ)) == [f"{runtime}{OURS}", f"/c{OURS}"]
    runtime.chmod(0o755)
    assert default_folder(environ) == f"/c{OURS}"
    runtime.chmod(0o700)
    os.chdir(tmp_path)
    assert default_folder(environ | {"XDG_RUNTIME_DIR": "runtime"}) == f"/c{OURS}"


def test_a_service_keeps_tokens_in_memory_where_its_home_cannot_be_written(tmp_path: Path) -> None:
    assert usable_folder({"HOME": str(tmp_path)}) == default_folder({"HOME": str(tmp_path)})
    is_root = sys.platform == "linux" and os.geteuid() == 0 and os.access("/run", os.W_OK)
    in_memory = "/run/docker-credential-multi" if is_root else None
    for environ in ({}, {"HOME": "/dev/null"}, {"HOME": "relative"}):
        assert usable_folder(environ) == in_memory, environ
    # Nor where the cache would refuse it: a folder that is open to others, and a link.
    caches = tmp_path / ".cache"
    caches.mkdir()
    folder = caches / "docker-credential-multi"
    folder.symlink_to(tmp_path)
    assert usable_folder({"HOME": str(tmp_path)}) == in_memory
    folder.unlink()
    folder.mkdir()
    folder.chmod(0o777)
    assert usable_folder({"HOME": str(tmp_path)}) == in_memory
    if is_root:
        folder.rmdir()
        os.chown(caches, 12345, 12345)
        assert usable_folder({"HOME": str(tmp_path)}) == in_memory
