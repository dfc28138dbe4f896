"""Asks a registry whether it accepts a credential, the way docker does at a login.

``cred_helper.registry`` makes the requests, and says what is never sent where; here the whole
exchange has a time limit.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

from cred_helper import docker_hub
from cred_helper.credential import Credential
from cred_helper.errors import CredentialError, ProviderError, Unreachable
from cred_helper.hosts import HubRoute
from cred_helper.registry import Registry
from cred_helper.server_url import ServerURL

# For all requests together: a reply can come byte by byte.
TOTAL_TIMEOUT_S = 25.0


class RegistryCheck(NamedTuple):
    """What a registry answered, and how far its clock is ahead of this machine's.

    ``notice`` is a message, which is an error where ``accepted`` is false.
    """

    notice: CredentialError
    ahead_s: float | None
    took_ms: float

    @property
    def accepted(self) -> bool:
        """Whether the registry has no objection."""
        return not isinstance(self.notice, ProviderError)

    @property
    def answered(self) -> bool:
        """Whether the registry was reached."""
        return not isinstance(self.notice, Unreachable)


def check(
    server_url: ServerURL, credential: Credential | None, *, is_clouds: bool = False
) -> RegistryCheck:
    """Ask the registry of a server URL, with a credential if there is one.

    ``is_clouds`` is whether a built-in provider gave the credential.
    """
    begun_s = monotonic()
    address = docker_hub.SERVES if docker_hub.is_hub(server_url) else server_url.address
    own_hosts = (address, HubRoute.auth_host) if address == docker_hub.SERVES else (address,)
    registry = Registry(address, own_hosts=own_hosts if is_clouds else None)
    notices: list[CredentialError] = []

    def run() -> None:
        try:
            notices.append(_notice(registry, credential))
        except Exception as error:  # noqa: BLE001 - it would end the thread in silence
            notices.append(registry.failure(error))

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(TOTAL_TIMEOUT_S)
    values = {"upstream": registry.host, "seconds": f"{TOTAL_TIMEOUT_S:.0f}"}
    notice = notices[0] if notices else Unreachable("network.slow-reply", **values)
    return RegistryCheck(notice, registry.ahead_s, (monotonic() - begun_s) * 1000)


def _notice(registry: Registry, credential: Credential | None) -> CredentialError:
    """Ask for ``/v2/``, and answer the challenge that comes back."""
    challenge = registry.challenge()
    if challenge is None:
        return CredentialError("login.registry-open")
    if credential is None:
        return CredentialError("login.registry-asks")
    if not challenge.is_bearer:
        registry.show(credential.basic)
        return CredentialError("login.accepted")
    registry.show(f"Bearer {registry.token(challenge, credential).text}")
    endpoint = urlsplit(challenge.realm).netloc
    if endpoint == registry.address:
        return CredentialError("login.accepted")
    return CredentialError("login.accepted-by", endpoint=endpoint)
