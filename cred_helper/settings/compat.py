"""Called by another helper's name, the executable is that helper: its provider and no other source.

A link named ``docker-credential-ecr-login`` in the place of the program of that name leaves every
config.json that names it right. The variables that set that program up are heard as settings of
ours, unless the setting itself is in the environment. What those programs only did as an accident
(a token for whatever host was asked for, failures passed off as "not found") is not done again.

Sources:
  https://github.com/awslabs/amazon-ecr-credential-helper
  https://github.com/isometry/docker-credential-env
  https://github.com/chrismellard/docker-credential-acr-env, and go-autorest's azure/environments.go
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured
from cred_helper.hosts import ACR, ECR, GCR, AcrRoute, EcrRoute, GcrRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from cred_helper.credential import Credential
    from cred_helper.hosts import Route
    from cred_helper.server_url import ServerURL

_PREFIX = "docker-credential-"
_ENV = "env"
# Whose name it is → which built-in provider it stands for. ``env`` reads variables that name the
# host first, and knows ECR besides.
_PROVIDERS = {
    "ecr-login": ECR,
    "gcr": GCR,
    "gcloud": GCR,
    "acr-env": ACR,
    "acr": ACR,
    _ENV: ECR,
}
NAMES = tuple(_PROVIDERS)
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


class Unkept:
    """What a login comes to: those helpers keep none. ``fails`` is where that is not to be hidden.

    ``name`` is the helper's.
    """

    __slots__ = ("_fails", "_warn", "name")

    def __init__(self, name: str, warn: Callable[[str, str | None], None], *, fails: bool) -> None:
        self.name = name
        self._warn = warn
        self._fails = fails

    def store(self, server_url: ServerURL, _credential: Credential) -> None:
        """Keep nothing, and say so."""
        reason = f"the login to {server_url.redacted_host} is not kept: {self.name} keeps none"
        if self._fails:
            raise Misconfigured(reason, hint="name another helper for it in docker's config.json")
        self._warn(reason, None)

    def erase(self, _server_url: ServerURL) -> None:
        """There is nothing to forget."""


class Compat:
    """The helper whose name the executable was called by."""

    __slots__ = ("_environ", "name", "provider")

    def __init__(self, name: str, environ: MutableMapping[str, str]) -> None:
        self.name = name
        self.provider = _PROVIDERS[name]
        self._environ = environ

    @classmethod
    def find(cls, program: str, environ: MutableMapping[str, str]) -> Compat | None:
        """See whether the program was called by such a name; ``program`` is its ``argv[0]``."""
        name = os.path.basename(program).lower().removesuffix(".exe")
        name = name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""
        return cls(name, environ) if name in _PROVIDERS else None

    @property
    def reads_variables(self) -> bool:
        """Whether variables that name the host come first."""
        return self.name == _ENV

    @property
    def ignores_logins(self) -> bool:
        """Whether that helper was told to let logins pass."""
        get = self._environ.get
        return (self.name == "ecr-login" and get("AWS_ECR_IGNORE_CREDS_STORAGE") == "true") or (
            self.name == _ENV and bool(get("IGNORE_DOCKER_LOGIN"))
        )

    def settings(self) -> Mapping[str, str]:
        """The environment, with that helper's variables as settings of ours."""
        get = self._environ.get
        ours: dict[str, str] = {}
        if self.name == "ecr-login":
            if get("AWS_ECR_DISABLE_CACHE"):
                ours["CACHE"] = "off"
            if folder := get("AWS_ECR_CACHE_DIR"):
                ours["CACHE_FOLDER"] = os.path.abspath(os.path.expanduser(folder))
        if self.ignores_logins:
            ours["STORE_FOR_CLOUDS"] = "ignore"
        return {
            **{f"DOCKER_CREDENTIAL_MULTI_{name}": text for name, text in ours.items()},
            **self._environ,
        }

    def store(
        self, warn: Callable[[str, str | None], None], *, fails: bool, is_ours: bool
    ) -> Unkept:
        """Where a login goes. One to a registry that is not this helper's is a mistake."""
        fails = fails or not (is_ours or self.ignores_logins)
        return Unkept(f"{_PREFIX}{self.name}", warn, fails=fails)

    def options(self, route: Route) -> dict[str, str]:
        """What that helper's variables choose for this host.

        Variables of one AWS account are put in the place of those for all, where the SDK looks.

        Raises:
            Misconfigured: they are for another cloud than the host's, or half of what they must be.
        """
        if isinstance(route, AcrRoute):
            self._check_azure_cloud(route)
        if isinstance(route, GcrRoute) and self.name == "gcr":
            # The provider then misses the logins that this helper made.
            return {"stands_for": f"{_PREFIX}{self.name}"}
        if isinstance(route, EcrRoute) and route.account and self.name == _ENV:
            return self._of_account(route.account)
        return {}

    def _check_azure_cloud(self, route: AcrRoute) -> None:
        name = self._environ.get("AZURE_ENVIRONMENT", "")
        if not name:
            return
        suffix = _AZURE_CLOUDS.get(name.upper())
        if suffix is None:
            hint = "it is AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud, or not set"
            raise Misconfigured("AZURE_ENVIRONMENT is no name of an Azure cloud", hint=hint)
        if suffix != route.cloud.suffix:
            raise Misconfigured(
                f"AZURE_ENVIRONMENT means the cloud of {suffix}, and {route.host} is in another",
                hint="unset AZURE_ENVIRONMENT: the host's suffix says which cloud it is",
            )

    def _of_account(self, account: str) -> dict[str, str]:
        environ = self._environ
        given = {key: environ.get(f"{key}_{account}", "") for key in _AWS_KEYS}
        if any(given.values()):
            missing = next((key for key in _AWS_KEYS[:2] if not given[key]), None)
            if missing:
                raise Misconfigured(f"{missing}_{account} is not set, and the others for it are")
            # The provider looks in the one, its SDK in the other.
            for place in (environ, os.environ):
                for key, text in given.items():
                    place.pop(key, None)
                    place.update({key: text} if text else {})
        role_arn = environ.get(f"AWS_ROLE_ARN_{account}", "")
        if not environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            # With that file it is the SDK's own variable, and the role is assumed by the token.
            role_arn = role_arn or environ.get("AWS_ROLE_ARN", "")
        options = {"profile": environ.get(f"AWS_PROFILE_{account}", ""), "role_arn": role_arn}
        return {name: text for name, text in options.items() if text}
