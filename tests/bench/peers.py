"""The requests that only the Go helpers send; the real clouds accept them too.

Requests of the form that we send are still checked strictly.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from tests.clients.hosted import Hosted
from tests.clouds.aws import AwsCloud, Call
from tests.clouds.azure import ACCESS_LIFE_S, CLIENT_ID, CLIENT_SECRET, PUBLIC, AzureCloud
from tests.clouds.server import Received, Reply, json_reply

# The audience of acr-env: all of Azure.
AZURE_MANAGEMENT = "https://management.azure.com/"


def admit(clouds: Mapping[str, Hosted]) -> None:
    """Accept the requests of the helpers. Google's helper sends none of its own."""
    for hosted in clouds.values():
        match hosted.cloud:
            case AwsCloud() as amazon:
                _admit_ecr_login(amazon)
            case AzureCloud() as microsoft:
                _admit_acr_env(microsoft, hosted)


def _admit_ecr_login(cloud: AwsCloud) -> None:
    """Accept the account in the request, which is deprecated."""

    def authorize(request: Received) -> Reply:
        if "registryIds" not in request.json:
            return cloud._ecr(request)
        key, region = cloud._signer(request, "ecr")
        cloud.calls.append(Call("ecr", request.host, region, key.principal))
        return json_reply({"authorizationData": cloud._authorization("ecr", region)})

    cloud.on("POST", "/", authorize)


def _admit_acr_env(cloud: AzureCloud, hosted: Hosted) -> None:
    """Accept Entra's first API, the audience of all of Azure, and the token sent twice."""

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
                # Registries accept this audience too, unless that is disabled.
                "access_token": cloud.issue(cloud.audience, PUBLIC),
                "expires_in": str(ACCESS_LIFE_S),
                "expires_on": str(int(time.time()) + ACCESS_LIFE_S),
                "not_before": str(int(time.time())),
            }
        )

    def exchange(request: Received) -> Reply:
        left = {name: value for name, value in request.headers.items() if name != "authorization"}
        return cloud._exchange(replace(request, headers=left))

    cloud.on("POST", "/*/oauth2/token", token)
    hosted.registry.on("POST", "/oauth2/exchange", exchange)
