"""A login of gcloud in words: what may be shown of it, and what could be a secret."""

from __future__ import annotations

from cred_helper.files.path_values import quotable, shown
from cred_helper.providers.gcr.gcloud import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE
from cred_helper.providers.gcr.identity import is_account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.gcr.gcloud import Login


def detail(login: Login) -> str:
    """Whose login it is, in words."""
    where = f"gcloud's configuration {shown_configuration(login)}"
    if login.token:
        whose = f"the access token in {TOKEN_VARIABLE}"
    elif login.token_file:
        whose = f"the access token in {shown(TOKEN_FILE_VARIABLE, login.token_file)}"
    elif login.credential_file:
        variable = "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"
        whose = f"{shown(variable, login.credential_file)}, named in {where}"
    else:
        whose = f"account {_shown(login.account)} of {where}"
    return f"{whose}, impersonating {_shown(login.impersonated)}" if login.impersonated else whose


def secrets(login: Login) -> list[str]:
    """Values that could be secrets, and that gcloud may quote when it fails."""
    paths = [path for path in (login.token_file, login.credential_file) if not quotable(path)]
    accounts = [name for name in (login.account, login.impersonated) if _shown(name) != name]
    return [*paths, *accounts, login.token]


def shown_configuration(login: Login) -> str:
    """The configuration's name as it may be shown: gcloud has no other names."""
    name = login.configuration
    is_name = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if is_name and name.islower() else "with an invalid name"


def _shown(account: str) -> str:
    """An account as it may be shown: anything else in its place could be a secret."""
    is_principal = account.startswith("principal://") and len(account.split()) == 1
    return account if is_account(account) or is_principal else "with an invalid name"
