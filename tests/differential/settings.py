"""What the random machines of each cloud are asked for, by which names, and with which settings."""

from __future__ import annotations

from tests.clouds import aws, azure, dockerhub, google

_OURS = "DOCKER_CREDENTIAL_MULTI_"
_ACCOUNTS = [f"{name}@p.iam.gserviceaccount.com" for name in ("one", "two")]
_OTHER_ID = "22222222-2222-2222-2222-222222222222"

HOSTS = {
    "ecr": [
        *(aws.EXAMPLE_HOST, aws.EXAMPLE_HOST.replace("us-east-1", "eu-west-1")),
        *(aws.EXAMPLE_HOST.replace(aws.ACCOUNT, "210987654321"), aws.PUBLIC_HOST),
    ],
    "gcr": [google.EXAMPLE_HOST, "gcr.io", "eu.gcr.io"],
    "acr": [azure.EXAMPLE_HOST, "other.azurecr.io"],
    "dockerhub": [dockerhub.EXAMPLE_HOST, "docker.io", "https://index.docker.io/v1/"],
}
LINKS = {
    "ecr": ["docker-credential-ecr-login", "docker-credential-env"],
    "gcr": ["docker-credential-gcloud", "docker-credential-gcr"],
    "acr": ["docker-credential-acr-env"],
    "dockerhub": [],
}
# A program that gives tokens → the folder of its logins, in words of the shell.
LOGINS = {
    "az": "${AZURE_CONFIG_DIR:-$HOME/.azure}",
    "azd": "${AZD_CONFIG_DIR:-$HOME/.azd}",
    "gcloud": "${CLOUDSDK_CONFIG:-$HOME/.config/gcloud}",
    "pwsh": "$HOME/.Azure",
}
# A variable → values that it is set to.
SETTINGS: dict[str, dict[str, list[str]]] = {
    "ecr": {
        f"{_OURS}ECR_ROLE_ARN": [f"arn:aws:iam::{aws.ACCOUNT}:role/{name}" for name in "ab"],
        f"{_OURS}ECR_PROFILE": ["dev", "base"],
        f"{_OURS}RULES": [
            f'[[rule]]\nmatch = "**.com"\nprofile = "{name}"' for name in ("dev", "base")
        ],
        "AWS_PROFILE": ["base", "default"],
        "AWS_DEFAULT_PROFILE": ["base", "dev"],
        "AWS_ROLE_SESSION_NAME": ["one", "two"],
        "AWS_SESSION_TOKEN": ["one", "two"],
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": ["true"],
    },
    "gcr": {
        f"{_OURS}GCR_IMPERSONATE": _ACCOUNTS,
        "CLOUDSDK_CORE_ACCOUNT": ["one@example.com", "two@example.com"],
        "CLOUDSDK_ACTIVE_CONFIG_NAME": ["other"],
        "CLOUDSDK_AUTH_ACCESS_TOKEN": ["ya29.one"],
        "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT": _ACCOUNTS,
    },
    "acr": {
        f"{_OURS}ACR_TENANT_ID": [_OTHER_ID],
        f"{_OURS}ACR_CLIENT_ID": [_OTHER_ID],
        f"{_OURS}ACR_IDENTITY_TOKEN": ["true"],
        "AZURE_AUTHORITY_HOST": ["login.microsoftonline.us", "login.windows.net"],
        "AZURE_CLIENT_ID": [_OTHER_ID],
        "AZURE_TOKEN_CREDENTIALS": ["prod", "dev"],
    },
    "dockerhub": {
        "DOCKERHUB_OIDC_EXPIREIN": ["600", "700"],
        f"{dockerhub.PREFIX}_CONNECTION_ID": [_OTHER_ID],
        f"{_OURS}RULES": [f'[[rule]]\nmatch = "*.io"\nconnection_id = "{_OTHER_ID}"'],
    },
}
