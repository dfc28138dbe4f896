"""What the Go helpers ask the clouds for that we never would; the clouds here grant it, too.

Granted is what the real clouds grant too. Who asks as we do goes the clouds' own, stricter way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from tests.clients.hosted import Hosted
from tests.clouds.aws import AwsCloud, Call
from tests.clouds.azure import ACCESS_LIFE_S, CLIENT_ID, CLIENT_SECRET, PUBLIC, AzureCloud
from tests.clouds.server import Headers, Received, Reply, json_reply

# The audience of all of Azure: acr-env's, where ours is the registries' own.
AZURE_MANAGEMENT = "https://management.azure.com/"


def admit(clouds: Mapping[str, Hosted]) -> None:
    """Let the helpers in. Google's needs nothing: it signs its own token or asks as we do."""
    for hosted in clouds.values():
        match hosted.cloud:
            case AwsCloud() as amazon:
                _admit_ecr_login(amazon)
            case AzureCloud() as microsoft:
                _admit_acr_env(microsoft, hosted)


def _admit_ecr_login(cloud: AwsCloud) -> None:
    """It names the account, which is deprecated."""

    def authorize(request: Received) -> Reply:
        if "registryIds" not in request.json:
            return cloud._ecr(request)
        key, region = cloud._signer(request, "ecr")
        cloud.calls.append(Call("ecr", request.host, region, key.principal))
        return json_reply({"authorizationData": cloud._authorization("ecr", region)})

    cloud.on("POST", "/", authorize)


def _admit_acr_env(cloud: AzureCloud, hosted: Hosted) -> None:
    """It asks Entra's first version, for all of Azure, and shows the token twice."""

    def token(request: Received) -> Reply:
        form = request.form
        assert form["grant_type"] == "client_credentials"
        assert form["client_id"] == CLIENT_ID
        assert form["resource"] == AZURE_MANAGEMENT
        shown = form.get("client_secret") or form["client_assertion"]
        assert shown in (CLIENT_SECRET, cloud.federated_token)
        return json_reply(
            {
                "token_type": "Bearer",
                "resource": AZURE_MANAGEMENT,
                # Registries take this audience too, unless they are told not to.
                "access_token": cloud.issue(cloud.audience, PUBLIC),
                "expires_in": str(ACCESS_LIFE_S),
                "expires_on": str(int(time.time()) + ACCESS_LIFE_S),
                "not_before": str(int(time.time())),
            }
        )

    def exchange(request: Received) -> Reply:
        left = [(name, value) for name, value in request.headers.items() if name != "authorization"]
        return cloud._exchange(replace(request, headers=Headers(left)))

    cloud.on("POST", "/*/oauth2/token", token)
    hosted.registry.on("POST", "/oauth2/exchange", exchange)
