"""What the identities of Google have in common: their names, cache keys, options and folders.

``gcr`` chooses one of them. Opens no connection, loads no SDK and no JSON library.
"""

from __future__ import annotations

import os

from cred_helper.files import fingerprints, user_folders
from cred_helper.hosts import GcrRoute
from cred_helper.providers.common.interface import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.common.interface import TokenRequest

    # What identifies an identity. A part is ``None`` if only a get can read it.
    Parts = list[str | bytes | None]

# The identity sources, in the order in which they are looked at.
CREDENTIALS_FILE = "credentials-file"
ENVIRONMENT = "environment"
APPLICATION_DEFAULT = "application-default"
METADATA = "instance-metadata"
GCLOUD = "gcloud"

FILE_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"

# A credential file is kilobytes.
MAX_FILE_BYTES = 1 << 20
# The characters of an account's e-mail address, which becomes part of a URL.
_ACCOUNT_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@"
)
_MAX_ACCOUNT_CHARACTERS = 254


class FileIdentity(Identity, kw_only=True):
    """The identity in a credential file; ``content`` is its digest, ``None`` for a pipe."""

    content: str | None
    path: str


def is_pull_only(request: TokenRequest) -> bool:
    """Whether the token is for pulls only: by the option, or on a registry with public images.

    The tokens of a user and of gcloud keep the scopes of their sign-in.
    """
    if request.route.anonymous or "pull_only" not in request.options:
        return request.route.anonymous
    return request.flag("pull_only", default=False)


def universe_domain_of(request: TokenRequest) -> str:
    """The universe of the registry."""
    assert isinstance(request.route, GcrRoute)
    return request.route.universe_domain


# --- gcloud's folder ------------------------------------------------------------------------------


def gcloud_folder(environ: Mapping[str, str]) -> str:
    """The folder of gcloud's configuration, ``""`` without a home folder.

    Source: ``get_config_path`` in google-auth's google/auth/_cloud_sdk.py
    """
    return environ.get("CLOUDSDK_CONFIG") or usual_gcloud_folder(environ)


def usual_gcloud_folder(environ: Mapping[str, str]) -> str:
    if os.name == "nt" and environ.get("APPDATA"):
        return f"{environ['APPDATA']}\\gcloud"
    home = user_folders.home(environ)
    return os.path.join(home, ".config", "gcloud") if home and os.path.isabs(home) else ""


def shown_folder(folder: str) -> str:
    """The folder for messages. A relative path can be a secret: the variable stands for it."""
    return folder if not folder or os.path.isabs(folder) else "$CLOUDSDK_CONFIG"


# --- Impersonation --------------------------------------------------------------------------------


def impersonated_accounts(request: TokenRequest) -> list[str]:
    """The service accounts of the option ``impersonate``: the delegates, then the target.

    Raises:
        Misconfigured: one of them is not an account's e-mail address.
    """
    text = request.options.get("impersonate", "")
    accounts = [account.strip() for account in text.split(",")] if text else []
    if not all(map(is_account, accounts)):
        raise request.wrong("impersonate", "gcr.not-a-service-account")
    return accounts


def is_account(text: str) -> bool:
    is_short = len(text) < _MAX_ACCOUNT_CHARACTERS
    return is_short and text.count("@") == 1 and _ACCOUNT_CHARACTERS.issuperset(text)


def impersonating(request: TokenRequest, detail: str) -> str:
    """The description of an identity, with the account that it impersonates."""
    accounts = impersonated_accounts(request)
    return f"{detail}, impersonating {accounts[-1]}" if accounts else detail


def cache_key(request: TokenRequest, parts: Parts) -> str | None:
    """A digest of the parts and of the option ``impersonate``; ``None`` if a part is."""
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    return fingerprints.digest([*known, request.options.get("impersonate", "")])
