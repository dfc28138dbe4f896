"""Encryption at rest, with a keychain of the test's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cred_helper.cache import TokenCache
from cred_helper.cache.entry import Entry
from cred_helper.cache.sealing import KEY_URL, Sealing
from cred_helper.credential import Credential, Secret
from cred_helper.errors import CannotLoad, CredentialError, Denied, NotFound, ProviderError
from cred_helper.files.fingerprints import digest
from cred_helper.files.locks import Locks
from cred_helper.server_url import ServerURL

NOW = 1_700_000_000.0
KEY = digest(["a key"])
SECRET = "marked-secret"
NO_LOCKS = Locks(None)


class Keychain:
    """Keeps what it is given, and counts how often it is asked."""

    name = "docker-credential-keychain"

    def __init__(self) -> None:
        self.kept: dict[str, Credential] = {}
        self.asked = 0
        self.failure: ProviderError | None = None

    def get(self, server_url: ServerURL) -> Credential:
        self.asked += 1
        if self.failure:
            raise self.failure
        if server_url.raw not in self.kept:
            raise NotFound("cache.no-cipher")
        return self.kept[server_url.raw]

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        self.kept[server_url.raw] = credential


class Reader:
    """One process after another that uses the cache."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.keychain = Keychain()
        self.warnings: list[CredentialError] = []

    def cache(self, *, sealed: bool = True) -> TokenCache:
        sealing = Sealing(self.keychain, self.warnings.append)
        return TokenCache(self.folder, sealing if sealed else None)

    def secret(self, key: str = KEY, *, sealed: bool = True) -> str | None:
        entry = self.cache(sealed=sealed).token(key)
        return None if entry is None else entry.secret.expose()

    @property
    def file(self) -> Path:
        return Path(self.folder, f"{KEY}.token")


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(str(tmp_path / "cache"))


def entry(secret: str = SECRET) -> Entry:
    return Entry(
        "cloud",
        "registry.example",
        username="user",
        secret=Secret(secret),
        source="",
        created_at=NOW,
        expires_at=NOW + 3600,
    )


def test_an_encrypted_secret_can_be_read_back_and_is_not_in_the_file(reader: Reader) -> None:
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    assert SECRET.encode() not in reader.file.read_bytes()
    assert SECRET.encode().hex().encode() not in reader.file.read_bytes()
    assert reader.secret() == SECRET
    cipher_key = reader.keychain.kept[KEY_URL].secret.expose()
    assert len(bytes.fromhex(cipher_key)) == 32
    assert cipher_key.encode() not in reader.file.read_bytes()
    assert reader.warnings == []


def test_a_secret_is_encrypted_differently_every_time(reader: Reader) -> None:
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    before = reader.file.read_bytes()
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    assert reader.file.read_bytes() != before


def test_the_keychain_is_asked_once_a_process_and_only_for_a_secret(reader: Reader) -> None:
    cache = reader.cache()
    assert cache.keep(KEY, entry(), NO_LOCKS)
    asked = reader.keychain.asked
    assert cache.token(KEY)
    assert reader.keychain.asked == asked
    reader.keychain.asked = 0
    other = reader.cache()
    assert [kept.scope for kept in other.entries(NOW)] == ["registry.example"]
    assert other.token(digest(["no entry"])) is None
    assert reader.keychain.asked == 0
    assert other.token(KEY)
    assert other.token(KEY)
    assert reader.keychain.asked == 1


def test_sealed_and_open_entries_are_misses_to_each_other(reader: Reader) -> None:
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    assert reader.secret(sealed=False) is None
    assert reader.cache(sealed=False).keep(KEY, entry(), NO_LOCKS)
    assert reader.secret() is None
    assert reader.secret(sealed=False) == SECRET


def test_with_another_key_every_entry_is_a_miss(reader: Reader) -> None:
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    reader.keychain.kept.clear()
    assert reader.secret() is None
    assert reader.cache().keep(KEY, entry("another"), NO_LOCKS)
    assert reader.secret() == "another"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("username", "root"),
        ("scope", "other.example"),
        ("provider", "other"),
        ("source", "other"),
        ("expires_at", NOW + 3601),
        ("created_at", NOW - 1),
    ],
)
def test_a_sealed_secret_is_bound_to_all_the_rest(reader: Reader, name: str, value: object) -> None:
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    kept = Entry.decode(KEY, reader.file.read_bytes())
    assert kept is not None
    setattr(kept, name, value)
    reader.file.write_bytes(kept.encode(KEY))
    assert reader.secret() is None


def test_a_sealed_secret_is_bound_to_its_key(reader: Reader) -> None:
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    kept = Entry.decode(KEY, reader.file.read_bytes())
    other = digest(["another key"])
    assert kept is not None
    Path(reader.folder, f"{other}.token").write_bytes(kept.encode(other))
    os.chmod(Path(reader.folder, f"{other}.token"), 0o600)
    assert reader.secret(other) is None


@pytest.mark.parametrize("sealed", ["", "00", "not hexadecimal", "ab" * 11, "00" * 40])
def test_a_value_that_was_never_encrypted_is_a_miss(reader: Reader, sealed: str) -> None:
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    kept = entry().with_secret(sealed, is_sealed=True)
    reader.file.write_bytes(kept.encode(KEY))
    assert reader.secret() is None


def test_with_a_locked_keychain_nothing_is_kept_and_there_is_one_warning(reader: Reader) -> None:
    reader.keychain.failure = Denied("cache.other-process-waits", hint="unlock it", waited="1")
    cache = reader.cache()
    assert not cache.keep(KEY, entry(), NO_LOCKS)
    assert not cache.keep(KEY, entry(), NO_LOCKS)
    assert not reader.file.exists()
    (warning,) = reader.warnings
    assert warning.code == "cache.other-process-waits"
    assert warning.parts[1] == ("cache.no-key", {"helper": "docker-credential-keychain"})
    assert warning.hint == "unlock it"


@pytest.mark.parametrize("kept", ["", "password", "00" * 16, "zz" * 32])
def test_a_keychain_entry_that_is_not_a_key_is_not_used(reader: Reader, kept: str) -> None:
    reader.keychain.kept[KEY_URL] = Credential("cache-key", Secret(kept))
    assert not reader.cache().keep(KEY, entry(), NO_LOCKS)
    assert not reader.file.exists()
    (warning,) = reader.warnings
    assert warning.code == "cache.bad-key"
    assert not kept or kept not in f"{warning.line} {warning.hint}"


def test_two_processes_that_make_a_key_both_use_the_one_that_is_kept(reader: Reader) -> None:
    quicker = Credential("cache-key", Secret("5a" * 32))

    class Raced(Keychain):
        def store(self, server_url: ServerURL, credential: Credential) -> None:
            super().store(server_url, quicker)

    reader.keychain = Raced()
    assert reader.cache().keep(KEY, entry(), NO_LOCKS)
    assert reader.secret() == SECRET


@pytest.mark.parametrize(
    ("error", "code", "hint"),
    [
        (ModuleNotFoundError("no cryptography"), "cache.no-cipher", None),
        (
            CannotLoad("internal.damaged", path="/bin/multi"),
            "internal.damaged",
            "install it again, and compare its checksum with SHA256SUMS",
        ),
    ],
    ids=["left out", "not to be loaded"],
)
def test_without_a_cipher_nothing_is_kept_and_there_is_one_warning(
    reader: Reader,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: str,
    hint: str | None,
) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "cryptography.hazmat.primitives.ciphers.aead":
                raise error

    monkeypatch.delitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    cache = reader.cache()
    assert not cache.keep(KEY, entry(), NO_LOCKS)
    assert not cache.keep(KEY, entry(), NO_LOCKS)
    (warning,) = reader.warnings
    assert (warning.code, warning.hint) == (code, hint)
    assert not reader.file.exists()
