"""Where no identity is found: a setting that needs one, and the login of Google's former helper."""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import Misconfigured
from cred_helper.files import json_file
from cred_helper.providers.gcr.identity import impersonated_accounts, usual_gcloud_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.common.interface import TokenRequest

FORMER_HELPER = "docker-credential-gcr"


def misconfiguration(request: TokenRequest) -> Misconfigured | None:
    """The error for a setting that needs an identity, where there is none."""
    if accounts := impersonated_accounts(request):
        return request.wrong("impersonate", "gcr.nothing-to-impersonate-with", account=accounts[-1])
    login = former_login(request.environ)
    if login and request.options.get("stands_for") == FORMER_HELPER:
        return Misconfigured("gcr.login-of-former-helper", path=login)
    return None


def former_login(environ: Mapping[str, str]) -> str:
    """The file with a login of Google's own helper, ``""`` if there is none.

    Only that helper can renew the login: the refresh token belongs to the helper's OAuth client.

    Source: https://github.com/GoogleCloudPlatform/docker-credential-gcr/blob/master/store/store.go
    """
    usual = os.path.join(usual_gcloud_folder(environ), "docker_credentials.json")
    path = environ.get("DOCKER_CREDENTIAL_GCR_STORE") or usual
    if not os.path.isabs(path) or not files.is_file(path):
        return ""
    try:
        read = json_file.load(path)
    except Misconfigured:
        return path
    logins = read.value if read else None
    return path if isinstance(logins, dict) and logins.get("gcrCreds") else ""
