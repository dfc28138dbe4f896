"""Called by the name of another helper, this program stands in for it: a profile of settings.

Only the cloud of that helper answers, and the variables that configure the helper count as settings
of ours, unless the setting itself is in the environment. Defects of the helpers (a token for any
host, failures reported as "not found") are not imitated.

Sources:
  https://github.com/awslabs/amazon-ecr-credential-helper
  https://github.com/isometry/docker-credential-env
  https://github.com/chrismellard/docker-credential-acr-env, and go-autorest's azure/environments.go
"""

from __future__ import annotations

import os

from cred_helper import clouds, files
from cred_helper.errors import Misconfigured
from cred_helper.hosts import AcrRoute, EcrRoute, GcrRoute
from cred_helper.record import Record
from cred_helper.settings import CI_VARIABLES, CLOUD, VARIABLES
from cred_helper.settings.link_profile import LinkProfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from cred_helper.credential import Credential
    from cred_helper.errors import CredentialError
    from cred_helper.hosts import Route
    from cred_helper.server_url import ServerURL

NAMES = tuple(name for cloud in clouds.CLOUDS for name in cloud.replaces)
_PREFIX = "docker-credential-"
_ENV, _ECR_LOGIN, _GCR = "env", "ecr-login", "gcr"
# The names that AZURE_ENVIRONMENT takes → the suffix of that cloud's registries.
_AZURE_CLOUDS = {
    "AZUREPUBLICCLOUD": "azurecr.io",
    "AZURECLOUD": "azurecr.io",
    "AZURECHINACLOUD": "azurecr.cn",
    "AZUREUSGOVERNMENTCLOUD": "azurecr.us",
    "AZUREUSGOVERNMENT": "azurecr.us",
    "AZUREGERMANCLOUD": "azurecr.de",
}
_AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def find(program: str, environ: MutableMapping[str, str]) -> LinkProfile | None:
    """The profile of the name that the program is called by; ``program`` is its ``argv[0]``."""
    name = os.path.basename(program).lower().removesuffix(".exe")
    if not name.startswith(_PREFIX):
        return None
    name = name.removeprefix(_PREFIX)
    cloud = next((cloud.name for cloud in clouds.CLOUDS if name in cloud.replaces), None)
    if cloud is None:
        return None
    return LinkProfile(
        f"{_PREFIX}{name}",
        cloud=cloud,
        order=(VARIABLES, CLOUD, CI_VARIABLES) if name == _ENV else (CLOUD,),
        options=lambda route: _options(name, route, environ),
        ignores_logins=_ignores_logins(name, environ),
    )


def variables(profile: LinkProfile, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with the helper's own variables as settings of ours."""
    ours: dict[str, str] = {}
    if profile.helper == f"{_PREFIX}{_ECR_LOGIN}":
        if environ.get("AWS_ECR_DISABLE_CACHE"):
            ours["CACHE"] = "off"
        if folder := environ.get("AWS_ECR_CACHE_DIR"):
            files.unrecorded()  # the path may be relative
            ours["CACHE_FOLDER"] = os.path.abspath(os.path.expanduser(folder))
    if profile.ignores_logins:
        ours["STORE_FOR_CLOUDS"] = "ignore"
    if not ours:
        return environ
    return {**{f"DOCKER_CREDENTIAL_MULTI_{name}": text for name, text in ours.items()}, **environ}


def _ignores_logins(name: str, environ: Mapping[str, str]) -> bool:
    if name == _ECR_LOGIN:
        return environ.get("AWS_ECR_IGNORE_CREDS_STORAGE") == "true"
    return name == _ENV and bool(environ.get("IGNORE_DOCKER_LOGIN"))


class NoStore(Record):
    """The store of a helper that keeps no logins. With ``fails``, a login is an error."""

    name: str
    warn: Callable[[CredentialError], None]
    fails: bool

    def store(self, server_url: ServerURL, _credential: Credential) -> None:
        not_kept = Misconfigured("compat.not-kept", host=server_url.redacted_host, helper=self.name)
        if self.fails:
            raise not_kept
        self.warn(not_kept)

    def erase(self, _server_url: ServerURL) -> bool:
        return False


def _options(name: str, route: Route, environ: MutableMapping[str, str]) -> dict[str, str]:
    """The options of a registry."""
    match route:
        case AcrRoute():
            _check_azure_cloud(route, environ)
        case GcrRoute() if name == _GCR:
            # The provider then explains the logins that only this helper can renew.
            return {"stands_for": f"{_PREFIX}{name}"}
        case EcrRoute() if route.account and name == _ENV:
            return _of_account(route.account, environ)
    return {}


def _check_azure_cloud(route: AcrRoute, environ: Mapping[str, str]) -> None:
    name = environ.get("AZURE_ENVIRONMENT", "")
    if not name:
        return
    suffix = _AZURE_CLOUDS.get(name.upper())
    if suffix is None:
        raise Misconfigured("compat.azure-environment")
    if suffix != route.azure.suffix:
        raise Misconfigured("compat.other-azure-cloud", suffix=suffix, host=route.host)


def _of_account(account: str, environ: MutableMapping[str, str]) -> dict[str, str]:
    """The options of one AWS account. Its keys replace those for all accounts, for the SDK."""
    given = {key: environ.get(f"{key}_{account}", "") for key in _AWS_KEYS}
    if any(given.values()):
        missing = next((key for key in _AWS_KEYS[:2] if not given[key]), None)
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
