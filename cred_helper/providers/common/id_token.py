"""Identity tokens: what a workload shows to a cloud that has not issued its identity.

An OpenID Connect token of a CI job or of a pod. ``find`` says where a request's token comes from
and whose it is, before every cached answer: it reads variables and files, and asks no network,
runs no program and loads no JSON library. ``id_token_issuer`` gets the token itself, for a ``get``
alone, and checks it. A request with an identity token is answered by that identity or not at all.

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
    chosen = (wanted.audience,) if wanted.audience else audiences
    if wanted.given:
        return at_hand(wanted.source, wanted.given, wanted.audience, audiences)
    if wanted.source == IdToken.OF_CI_JOB:
        from cred_helper.providers.common import ci_job

        return ci_job.find(request.environ, chosen, is_chosen=bool(wanted.audience))
    if wanted.source.startswith(VARIABLE):
        name = wanted.source.removeprefix(VARIABLE)
        if name and _NAME_CHARACTERS.issuperset(name) and name[0] in _LETTERS:
            return _in_variable(request, name, audiences)
    elif wanted.source.startswith(FILE):
        path = os.path.expanduser(wanted.source.removeprefix(FILE))
        if os.path.isabs(path):
            return _in_file(request, path, audiences)
    raise request.wrong("id_token", "oidc.unknown-source")


def at_hand(place: str, token: str, chosen: str, audiences: tuple[str, ...]) -> FoundToken:
    """The token that a variable, a file or the caller has."""
    token = token.strip()
    return FoundToken(
        place,
        (chosen,) if chosen else audiences,
        whose=token_identity.of_token(token),
        token=token,
        is_strict=bool(chosen),
    )


def _in_variable(request: TokenRequest, name: str, audiences: tuple[str, ...]) -> FoundToken:
    assert request.id_token is not None
    token = request.environ.get(name, "")
    if not token.strip():
        from cred_helper.secret_shapes import shown

        raise request.wrong("id_token", "oidc.variable-not-set", variable=shown(name))
    return at_hand(f"the identity token in {name}", token, request.id_token.audience, audiences)


def _in_file(request: TokenRequest, path: str, audiences: tuple[str, ...]) -> FoundToken:
    from cred_helper.files.path_values import quotable

    assert request.id_token is not None
    chosen = request.id_token.audience
    place = f"the identity token in {path if quotable(path) else 'the file of id_token'}"
    try:
        if is_pipe(path):
            return FoundToken(
                place,
                (chosen,) if chosen else audiences,
                whose=None,
                path=path,
                is_strict=bool(chosen),
            )
        token = files.read(path, token_identity.MAX_TOKEN_BYTES)
    except OSError as error:
        from cred_helper.files.os_errors import os_reason

        raise request.wrong(
            "id_token", "oidc.file-unreadable", place=place, reason=os_reason(error)
        ) from None
    if not token.strip():
        raise request.wrong("id_token", "oidc.empty", place=place)
    return at_hand(place, token.decode("utf-8", "surrogateescape"), chosen, audiences)


def shown_claims(token: str) -> dict[str, str]:
    """Issuer, subject and audience of a token, which are not secret, for ``explain`` and errors.

    Without those that the token does not have. Loads the JSON library.
    """
    found: dict[str, str] = {}
    for name, claim in (("issuer", "iss"), ("subject", "sub"), ("audience", "aud")):
        value = token_identity.claims(token).get(claim)
        values = value if isinstance(value, list) else [value]
        texts = [text for text in values if isinstance(text, str) and _is_plain(text)]
        if texts:
            found[name] = ", ".join(texts)
    return found


# Longer than the subject of any CI system in use.
_MAX_CLAIM_CHARACTERS = 512


def _is_plain(text: str) -> bool:
    return bool(text) and text.isprintable() and len(text) <= _MAX_CLAIM_CHARACTERS


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
