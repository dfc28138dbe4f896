"""The key and the account: the key is in TOY_KEY or in ~/.toy/key, the account is an option."""

from __future__ import annotations

from cred_helper import files
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files import user_folders
from cred_helper.files.fingerprints import digest
from cred_helper.providers.common.interface import Identity, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import TokenRequest

_MAX_KEY_BYTES = 4096


class ToyIdentity(Identity, kw_only=True):
    """An account, and the key that opens it."""

    account: str
    key: str = ""


def identify(request: TokenRequest) -> ToyIdentity:
    """Find the key.

    Raises:
        Misconfigured: the option is not an account, or a key has a character that no key has.
    """
    account = request.options.get("account", "machine")
    if not account.isalpha():
        raise request.wrong("account", "toycloud.invalid-account")
    sources = (("environment", lambda: _variable(request)), ("file", lambda: _file(request)))
    found, skipped = walk(sources)
    if not found:
        return ToyIdentity(
            None,
            skipped=tuple(skipped),
            problem_if_absent=lambda: _problem(request),
            account=account,
        )
    [(source, key)] = found
    cache_key = digest([account, key])
    return ToyIdentity(
        source, account, tuple(skipped), cache_key=cache_key, account=account, key=key
    )


def _variable(request: TokenRequest) -> str | NotFound:
    key = request.environ.get("TOY_KEY")
    return _checked(key) if key else NotFound("provider.variable-not-set", variable="TOY_KEY")


def _file(request: TokenRequest) -> str | NotFound:
    try:
        data = files.read(f"{user_folders.home(request.environ)}/.toy/key", _MAX_KEY_BYTES)
    except OSError:
        return NotFound("toycloud.no-file")
    return _checked(data.decode("utf-8", "replace").strip())


def _checked(key: str) -> str:
    if not key.isascii() or not key.isprintable():
        raise Misconfigured("toycloud.invalid-key")
    return key


def _problem(request: TokenRequest) -> Misconfigured | None:
    if "account" not in request.options:
        return None
    return request.wrong("account", "toycloud.account-without-key")
