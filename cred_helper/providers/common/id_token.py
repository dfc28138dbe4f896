"""Identity tokens: what a workload shows to a cloud that has not issued its identity.

An OpenID Connect token of a CI job or of a pod. ``find`` says where a request's token comes from
and whose it is. It runs before every cached answer: it reads variables and files alone, and loads
no JSON library. ``id_token_issuer`` gets and checks the token itself, for a ``get``. A request with
an identity token is answered by that identity or not at all.

Source: https://openid.net/specs/openid-connect-core-1_0.html#IDToken
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import is_pipe
from cred_helper.providers.common import token_identity
from cred_helper.providers.common.interface import FoundToken, IdToken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import TokenRequest

VARIABLE, FILE = "env:", "file:"
# Longer than the subject of any CI system in use.
_MAX_CLAIM_CHARACTERS = 512
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME_CHARACTERS = _LETTERS | frozenset("0123456789")


def find(request: TokenRequest, *audiences: str) -> FoundToken:
    """Find the identity token of a request that has one.

    ``audiences`` are the names that the cloud has for itself, the usual one first. They count where
    the user has chosen none.

    Raises:
        Misconfigured: the option is wrong, or there is no token; no other identity is used.
    """
    wanted = request.id_token
    assert wanted is not None
    is_chosen = bool(wanted.audience)
    audiences = (wanted.audience,) if is_chosen else audiences
    if wanted.given:
        return token_identity.found(wanted.source, wanted.given, audiences, is_strict=is_chosen)
    if wanted.source == IdToken.OF_CI_JOB:
        from cred_helper.providers.common import ci_job

        return ci_job.find(request.environ, audiences, is_chosen=is_chosen)
    if wanted.source.startswith(VARIABLE):
        name = wanted.source.removeprefix(VARIABLE)
        if name and _NAME_CHARACTERS.issuperset(name) and name[0] in _LETTERS:
            token = request.environ.get(name, "")
            if token.strip():
                return token_identity.in_variable(name, token, audiences, is_strict=is_chosen)
            from cred_helper.secret_shapes import shown

            raise request.wrong("id_token", "oidc.variable-not-set", variable=shown(name))
    elif wanted.source.startswith(FILE):
        path = os.path.expanduser(wanted.source.removeprefix(FILE))
        if os.path.isabs(path):
            return _in_file(request, path, audiences, is_strict=is_chosen)
    raise request.wrong("id_token", "oidc.unknown-source")


def _in_file(
    request: TokenRequest, path: str, audiences: tuple[str, ...], *, is_strict: bool
) -> FoundToken:
    from cred_helper.files.path_values import quotable

    place = f"the identity token in {path if quotable(path) else 'the file of id_token'}"
    try:
        if is_pipe(path):
            return FoundToken(place, audiences, whose=None, path=path, is_strict=is_strict)
        token = files.read(path, token_identity.MAX_TOKEN_BYTES)
    except OSError as error:
        from cred_helper.files.os_errors import os_reason

        values = {"place": place, "reason": os_reason(error)}
        raise request.wrong("id_token", "oidc.file-unreadable", **values) from None
    if not token.strip():
        raise request.wrong("id_token", "oidc.empty", place=place)
    text = token.decode("utf-8", "surrogateescape")
    return token_identity.found(place, text, audiences, is_strict=is_strict)


def shown_claims(token: str) -> dict[str, str]:
    """Issuer, subject and audience of a token, which are not secret, for ``explain`` and errors.

    Without those that the token does not have. Loads the JSON library.
    """
    found: dict[str, str] = {}
    for name, claim in (("issuer", "iss"), ("subject", "sub"), ("audience", "aud")):
        value = token_identity.claims(token).get(claim)
        values = value if isinstance(value, list) else [value]
        texts = [text for text in values if isinstance(text, str) and text.isprintable()]
        if texts := [text for text in texts if 0 < len(text) <= _MAX_CLAIM_CHARACTERS]:
            found[name] = ", ".join(texts)
    return found


def refuse_second(request: TokenRequest, *options: str) -> None:
    """Refuse options that choose another identity than the token's.

    Raises:
        Misconfigured: one of them is set.
    """
    for option in options:
        if option in request.options:
            raise request.wrong(option, "oidc.two-identities", name=option)


def missing(request: TokenRequest, option: str, purpose: str) -> Misconfigured:
    """The error for an option that a token is of no use without."""
    return request.wrong("id_token", "oidc.option-missing", name=option, purpose=purpose)
