"""A credential for an Azure registry, with a service principal's secret and azure-identity."""

import json
import os
import sys

import requests
from azure.identity import ClientSecretCredential

host = sys.stdin.read().strip()
principal = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
)
access = principal.get_token("https://containerregistry.azure.net/.default")
reply = requests.post(
    f"https://{host}/oauth2/exchange",
    {"grant_type": "access_token", "service": host, "access_token": access.token},
    timeout=30,
)
reply.raise_for_status()
print(
    json.dumps(
        {
            "ServerURL": host,
            "Username": "00000000-0000-0000-0000-000000000000",
            "Secret": reply.json()["refresh_token"],
        }
    )
)
