"""Checks AWS's signatures (version 4) as AWS does: by computing them again.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tests.clouds.server import Received

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Key:
    """An access key and its principal. A temporary key has a session token."""

    id: str
    secret: str
    token: str | None
    principal: str
    expires_at: datetime | None = None

    def environment(self) -> dict[str, str]:
        token = {} if self.token is None else {"AWS_SESSION_TOKEN": self.token}
        return {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": self.secret, **token}

    def fields(self) -> dict[str, object]:
        """The key in the JSON of SSO and of a sign-in."""
        return {"accessKeyId": self.id, "secretAccessKey": self.secret, "sessionToken": self.token}

    def options(self) -> str:
        return "\n".join(f"{name.lower()} = {value}" for name, value in self.environment().items())


class Refused(Exception):
    """A refusal by AWS: the error code, a message, the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Signature:
    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    value: str

    @classmethod
    def of(cls, request: Received) -> Signature:
        algorithm, _, rest = request.headers["authorization"].partition(" ")
        assert algorithm == ALGORITHM
        fields = dict(field.strip().split("=", 1) for field in rest.split(","))
        key_id, date, region, service, end = fields["Credential"].split("/")
        assert end == "aws4_request"
        names = tuple(fields["SignedHeaders"].split(";"))
        return cls(key_id, date, region, service, names, fields["Signature"])


def signer(request: Received, keys: Mapping[str, Key], now: datetime) -> tuple[Key, Signature]:
    """The key that signed a request, and its signature.

    Raises:
        Refused: as AWS would refuse it.
    """
    signature = Signature.of(request)
    assert {"host", "x-amz-date"} <= set(signature.signed_headers), "AWS insists on these"
    key = keys.get(signature.key_id)
    if key is None or request.headers.get("x-amz-security-token") != key.token:
        text = "The security token included in the request is invalid."
        raise Refused("UnrecognizedClientException", text)
    stamp = request.headers["x-amz-date"]
    assert stamp.startswith(signature.date)
    _refuse_skew(stamp, now)
    if not hmac.compare_digest(_signature(request, signature, key, stamp), signature.value):
        raise Refused(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
    if key.token is not None:
        assert "x-amz-security-token" in signature.signed_headers
    if key.expires_at is not None and key.expires_at <= now:
        text = "The security token included in the request is expired"
        raise Refused("ExpiredTokenException", text)
    return key, signature


def _refuse_skew(stamp: str, now: datetime) -> None:
    signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    bound = f"{now:%Y%m%dT%H%M%SZ}"
    if signed_at < now - TOLERANCE:
        text = f"Signature expired: {stamp} is now earlier than {bound}"
        raise Refused("InvalidSignatureException", text)
    if signed_at > now + TOLERANCE:
        text = f"Signature not yet current: {stamp} is later than {bound}"
        raise Refused("InvalidSignatureException", text)


def _signature(request: Received, signature: Signature, key: Key, stamp: str) -> str:
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(request.query.items())
    )
    headers = "".join(
        f"{name}:{' '.join(request.headers[name].split())}\n" for name in signature.signed_headers
    )
    lines = [request.method, quote(request.path, safe="/-_.~"), query, headers]
    lines += [";".join(signature.signed_headers), hashlib.sha256(request.body).hexdigest()]
    canonical = "\n".join(lines)
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    to_sign = "\n".join(
        (ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest())
    ).encode()
    derived = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        derived = _hmac(derived, part.encode())
    return _hmac(derived, to_sign).hex()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
