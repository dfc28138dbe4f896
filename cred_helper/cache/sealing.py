"""Encrypts the secrets of the cache with a key that the system keychain holds.

The user chooses a docker-credential-* helper (secretservice, osxkeychain, wincred, pass). It keeps
the key under a server URL of this program, which makes the key at its first use. AES-256-GCM
authenticates the other fields of an entry with its secret: a secret that is copied to another entry
does not decrypt. If the keychain fails, tokens are not cached, and one warning has the reason.

Source: https://csrc.nist.gov/pubs/sp/800/38/d/final (a random nonce of 96 bits is safe for 2**32
secrets of one key).
"""

from __future__ import annotations

import os

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CannotLoad, CredentialError, Misconfigured, NotFound
from cred_helper.record import Record
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from cred_helper.cache.entry import Entry
    from cred_helper.keychain import Source

# RFC 6761 reserves .invalid: a registry cannot have this name.
KEY_URL = "https://cache-key.docker-credential-multi.invalid"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Sealing(Record):
    """Encrypts and decrypts the secrets of entries. Asks the helper once, at the first use."""

    helper: Source
    warn: Callable[[CredentialError], None]
    cipher: AESGCM | None = None
    has_failed: bool = False

    def sealed(self, key: str, entry: Entry) -> Entry | None:
        """Return the entry with its secret encrypted; ``None`` without a key.

        Raises:
            ValueError: a value does not fit on a line of an entry.
        """
        cipher = self._opened_cipher()
        if cipher is None:
            return None
        nonce = os.urandom(_NONCE_BYTES)
        plain = entry.secret.expose().encode()
        ciphered = cipher.encrypt(nonce, plain, entry.bound_data(key))
        return entry.with_secret((nonce + ciphered).hex(), is_sealed=True)

    def opened(self, key: str, entry: Entry) -> Entry | None:
        """Return the entry with its secret decrypted; ``None`` without its encryption key."""
        cipher = self._opened_cipher()
        if cipher is None:
            return None
        from cryptography.exceptions import InvalidTag

        try:
            data = bytes.fromhex(entry.secret.expose())
            nonce, ciphered = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
            plain = cipher.decrypt(nonce, ciphered, entry.bound_data(key))
            return entry.with_secret(plain.decode(), is_sealed=False)
        except (ValueError, InvalidTag):
            return None

    def _opened_cipher(self) -> AESGCM | None:
        if self.cipher is None and not self.has_failed:
            try:
                self.cipher = self._make_cipher()
            except CredentialError as error:
                self.has_failed = True
                self.warn(error.within("cache.no-key", helper=self.helper.name))
        return self.cipher

    def _make_cipher(self) -> AESGCM:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise Misconfigured("cache.no-cipher") from None
        except CannotLoad as error:
            raise error.error from None
        try:
            text = self.helper.get(ServerURL.parse(KEY_URL)).secret.expose()
        except NotFound as error:
            text = self._make_key(error)
        try:
            cipher_key = bytes.fromhex(text)
        except ValueError:
            cipher_key = b""
        if len(cipher_key) != _KEY_BYTES:
            raise Misconfigured("cache.bad-key", url=KEY_URL)
        return AESGCM(cipher_key)

    def _make_key(self, missing: NotFound) -> str:
        """Store a new key and read it back: another process may have stored one meanwhile."""
        store = getattr(self.helper, "store", None)
        if store is None:
            raise missing
        server_url = ServerURL.parse(KEY_URL)
        store(server_url, Credential("cache-key", Secret(os.urandom(_KEY_BYTES).hex())))
        return self.helper.get(server_url).secret.expose()
