"""Values that look like a secret, which people put where names belong, and texts without them."""

from __future__ import annotations

import re
from itertools import pairwise

MASK = "…"
# GitHub, DigitalOcean, Docker, GitLab, Google, JSON web tokens, AWS, Slack, npm, PyPI, Vault, PEM,
# Entra.
_BEGINNING = re.compile(
    r"(gh[oprsu]_|github_pat_|do[opr]_v1_|dckr_[a-z]{2,5}_|glpat-|GOCSPX-|AIza|ya29\.|1//0|ey[Jj]"
    r"|A[KS]IA[A-Z0-9]{12}|xox[a-z]-|npm_[A-Za-z0-9]{20}|pypi-A|hv[sb]\.|-----"
    r"|[\w.~-]{3}\dQ~[\w.~-]{20})"
)
# A word of a text that may be a token: such characters in it, none of punctuation around it.
_MIN_TOKEN_CHARACTERS = 16
_WORD = re.compile(rf"[^\s\"'()<>\[\]{{}},;=]{{{_MIN_TOKEN_CHARACTERS},}}")
# An AWS secret access key; a key in hexadecimal.
_WHOLE = re.compile(r"[A-Za-z0-9+/=]{40}|[0-9a-f]{33,}|[0-9A-F]{33,}")
# Before a helper's name, and in the option id_token.
_PREFIX = re.compile(r"\A(?:docker-credential-|env:|file:)*")
# ARNs and Azure resource ids: the names in them may be long and look random.
_HARMLESS = re.compile(r"arn:[a-z-]+:[a-z]+:[a-z0-9-]*:\d{12}:[\w+=,.@/-]+|/subscriptions/[\w./-]+")
_PIECE = re.compile(r"[A-Za-z0-9]{20,}")
# Other keys, with signs between the pieces; not a path.
_SIGNED = re.compile(r"(?![./~])[A-Za-z0-9+/=_.~-]{30,}")
# Changes between a small letter, a capital and a digit, as a part of all pairs of characters.
_RANDOM_CHANGES = 0.45
_IN_URL = re.compile(r"//[^\s\"'<>]*@")
_AFTER_WORD = re.compile(
    r"\b((?:bearer|basic)\s+|(?:password|passwd|token|secret|api_?key)[\"']?\s*[=:]\s*)"
    r"(?:(bearer|basic)\s+)?[^\s,;]+",
    re.IGNORECASE,
)


def looks_secret(value: str) -> bool:
    """Whether a value has the shape of a token, a key or a password, rather than of a name."""
    text = _PREFIX.sub("", value.strip())
    if _HARMLESS.fullmatch(text):
        return False
    return bool(
        text.startswith(("{", "["))
        or _BEGINNING.match(text)
        or any(map(_BEGINNING.match, text.split("/")))
        or (_WHOLE.fullmatch(text) and _kinds(text) > (2 if text.startswith("/") else 1))
        or any(map(_is_random, _PIECE.findall(text)))
        or (_SIGNED.fullmatch(text) and _is_random("".join(filter(str.isalnum, text))))
    )


def shown(value: str) -> str:
    """The value as a message may show it: masked, or without the user information of a URL."""
    if looks_secret(value):
        return MASK
    before, at_sign, after = value.rpartition("@")
    # The name of a Google service account has an @ too, and no password before it.
    return f"{MASK}@{shown(after)}" if at_sign and set(":/") & set(before) else value


def without_tokens(text: str) -> str:
    """A text without the words that have the shape of a token or a key."""
    return _WORD.sub(_shown_word, text)


def _shown_word(found: re.Match[str]) -> str:
    word = found[0].rstrip(".:")
    return MASK + found[0][len(word) :] if looks_secret(word) else found[0]


def without_secrets(line: str) -> str:
    """Words of a program without the user information of URLs and what follows ``Bearer``."""
    return _AFTER_WORD.sub(rf"\1{MASK}", _IN_URL.sub(f"//{MASK}@", line))


def _kind(character: str) -> int:
    return 0 if character.isdigit() else 1 if character.isupper() else 2


def _kinds(text: str) -> int:
    return len({_kind(c) for c in text if c.isalnum()})


def _is_random(piece: str) -> bool:
    changes = sum(_kind(a) != _kind(b) for a, b in pairwise(piece))
    return _kinds(piece) == len("aA0") and changes >= _RANDOM_CHANGES * (len(piece) - 1)
