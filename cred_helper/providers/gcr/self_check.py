"""Google's side of a loopback exchange: the key of a service account, and its signed assertion."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from json import dumps

from cred_helper.providers.common import loopback
from cred_helper.providers.common.loopback import ReceivedRequest

_HOST, _PATH = "oauth2.googleapis.com", "/token"


class SelfCheck:
    options: Mapping[str, str] = {}

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa

        self.secret = loopback.secret()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def environ(self, keep: Callable[[str, bytes], str]) -> dict[str, str]:
        from cryptography.hazmat.primitives import serialization

        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        pem = self._key.private_bytes(*form, serialization.NoEncryption())
        info = {
            "type": "service_account",
            "project_id": "self-check",
            "private_key_id": "self-check",
            "private_key": pem.decode("ascii"),
            "client_email": "self-check@self-check.iam.gserviceaccount.com",
            "token_uri": f"https://{_HOST}{_PATH}",
        }
        return {"GOOGLE_APPLICATION_CREDENTIALS": keep("key.json", dumps(info).encode())}

    def answer(self, asked: ReceivedRequest) -> object | None:
        if (asked.method, asked.host, asked.path) != ("POST", _HOST, _PATH):
            return None
        signed, _, signature = asked.form.get("assertion", "").rpartition(".")
        return loopback.bearer(self.secret) if self._has_signed(signed, signature) else None

    def _has_signed(self, text: str, signature: str) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        decoded = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        try:
            self._key.public_key().verify(decoded, text.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True
