"""What the helpers for Amazon ECR read that this program stands in for.

Sources:
  https://github.com/awslabs/amazon-ecr-credential-helper
  https://github.com/isometry/docker-credential-env
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import Misconfigured
from cred_helper.hosts import EcrRoute
from cred_helper.providers.common.interface import LinkProfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from cred_helper.hosts import Route

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def read(helper: str, environ: MutableMapping[str, str]) -> LinkProfile:
    """The settings and options of ``ecr-login`` or ``env``."""

    def options(route: Route) -> dict[str, str]:
        account = route.account if isinstance(route, EcrRoute) else None
        return _of_account(account, environ) if account else {}

    settings = {}
    if helper == "env":
        if environ.get("IGNORE_DOCKER_LOGIN"):
            settings["STORE_FOR_CLOUDS"] = "ignore"
        return LinkProfile(settings=settings, options=options, reads_variables=True)
    if environ.get("AWS_ECR_DISABLE_CACHE"):
        settings["CACHE"] = "off"
    if folder := environ.get("AWS_ECR_CACHE_DIR"):
        files.unrecorded()  # the path may be relative
        settings["CACHE_FOLDER"] = os.path.abspath(os.path.expanduser(folder))
    if environ.get("AWS_ECR_IGNORE_CREDS_STORAGE") == "true":
        settings["STORE_FOR_CLOUDS"] = "ignore"
    return LinkProfile(settings=settings)


def _of_account(account: str, environ: MutableMapping[str, str]) -> dict[str, str]:
    """The options of one AWS account. Its keys replace those for all accounts, for the SDK."""
    given = {key: environ.get(f"{key}_{account}", "") for key in _KEYS}
    if any(given.values()):
        missing = next((key for key in _KEYS[:2] if not given[key]), None)
        if missing:
            raise Misconfigured("compat.half-account", variable=f"{missing}_{account}")
        # The provider looks in the one, its SDK in the other.
        for place in (environ, os.environ):
            for key, text in given.items():
                place.pop(key, None)
                place.update({key: text} if text else {})
    role_arn = environ.get(f"AWS_ROLE_ARN_{account}", "")
    if not environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        # With that file AWS_ROLE_ARN belongs to the SDK, which assumes the role by the token.
        role_arn = role_arn or environ.get("AWS_ROLE_ARN", "")
    options = {"profile": environ.get(f"AWS_PROFILE_{account}", ""), "role_arn": role_arn}
    return {name: text for name, text in options.items() if text}
