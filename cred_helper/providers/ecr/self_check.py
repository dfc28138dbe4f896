"""ECR's side of a loopback exchange: access keys of the environment, signed by the SDK."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from time import time

from cred_helper import clouds
from cred_helper.hosts import ECR
from cred_helper.providers.common import loopback
from cred_helper.providers.common.loopback import ReceivedRequest

# The key of AWS's documentation, which belongs to no account.
_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
_TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"


class SelfCheck:
    """One exchange."""

    options: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.secret = loopback.secret()

    def environ(self, _keep: Callable[[str, bytes], str]) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": _KEY_ID, "AWS_SECRET_ACCESS_KEY": loopback.secret()}

    def answer(self, asked: ReceivedRequest) -> object | None:
        signed = asked.headers.get("authorization", "")
        if asked.headers.get("x-amz-target") != _TARGET or f"={_KEY_ID}/" not in signed:
            return None
        token = b64encode(f"{clouds.find(ECR).username}:{self.secret}".encode()).decode("ascii")
        expires_at_s = time() + loopback.LIFETIME_S
        return {"authorizationData": [{"authorizationToken": token, "expiresAt": expires_at_s}]}
