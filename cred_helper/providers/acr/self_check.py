"""Azure's side of a loopback exchange: a client secret, Entra's token, the registry's exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cred_helper.providers.common import loopback
from cred_helper.providers.common.loopback import ReceivedRequest

_ENTRA = "login.microsoftonline.com"
_TENANT = "11111111-1111-1111-1111-111111111111"
_CLIENT = "22222222-2222-2222-2222-222222222222"


class SelfCheck:
    options: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.secret = loopback.token(aud="self-check")
        self._client_secret = loopback.secret()
        self._entra_token = loopback.token(tid=_TENANT)

    def environ(self, _keep: Callable[[str, bytes], str]) -> dict[str, str]:
        return {
            "AZURE_TENANT_ID": _TENANT,
            "AZURE_CLIENT_ID": _CLIENT,
            "AZURE_CLIENT_SECRET": self._client_secret,
        }

    def answer(self, asked: ReceivedRequest) -> object | None:
        issuer = f"https://{_ENTRA}/{_TENANT}"
        form = asked.form
        match f"{asked.method} {asked.path}".replace(_TENANT, "TENANT"):
            case "GET /common/discovery/instance":
                names = {
                    "preferred_network": _ENTRA,
                    "preferred_cache": _ENTRA,
                    "aliases": [_ENTRA],
                }
                document = f"{issuer}/v2.0/.well-known/openid-configuration"
                return {"tenant_discovery_endpoint": document, "metadata": [names]}
            case "GET /TENANT/v2.0/.well-known/openid-configuration":
                return {
                    "issuer": f"{issuer}/v2.0",
                    "authorization_endpoint": f"{issuer}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{issuer}/oauth2/v2.0/token",
                }
            case "POST /TENANT/oauth2/v2.0/token" if asked.host == _ENTRA:
                is_right = form.get("client_secret") == self._client_secret
                return loopback.bearer(self._entra_token) if is_right else None
            case "POST /oauth2/exchange":
                given = (form.get("access_token"), form.get("service"))
                is_right = given == (self._entra_token, asked.host)
                return {"refresh_token": self.secret} if is_right else None
        return None
