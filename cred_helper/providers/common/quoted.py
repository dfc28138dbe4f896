"""The words of a program or server about a failure, as far as a message may quote them.

Words that could be a token or a key are left out: long ones, and those that begin as tokens do.
"""

from __future__ import annotations

from itertools import pairwise

from cred_helper.secret_shapes import without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Longer than a word of an explanation; a path of such words; shorter than a key.
_MAX_WORD = 40
_MAX_PATH = 120
_MIN_KEY = 16
# Digits and letters of one case: a token in hexadecimal, not an id of a request.
_MIN_HEXADECIMAL = 33
# The words in a name such as GetCallerIdentity are longer than the pieces of a random text.
_MIN_HUMPS = 3
_MIN_HUMP = 5.5
# A shorter value (of a test, or a mistake) would be replaced inside of words.
_MIN_SECRET = 6
_MAX_CHARACTERS = 300
# Google's access and refresh tokens, JSON web tokens, AWS key ids, PEM.
_TOKEN_BEGINNINGS = ("ya29.", "1//", "eyJ", "AKIA", "ASIA", "-----")


def quoted(text: object, secrets: Iterable[str] = ()) -> str:
    """The text as one line, without these secrets and without words that could be secrets."""
    if not isinstance(text, str):
        return ""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…") if len(secret) >= _MIN_SECRET else text
    text = without_secrets(text)
    line = " ".join(word if _is_harmless(word) else "…" for word in text.split())
    if len(line) > _MAX_CHARACTERS:
        line = line[:_MAX_CHARACTERS].rpartition(" ")[0] + " …"
    return line.rstrip(".")


def last_line(text: bytes, beginning: str = "") -> str:
    """The last line that is not empty, or the first that begins with ``beginning``."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    begun = [line for line in lines if beginning and line.startswith(beginning)]
    return begun[0] if begun else next((line for line in reversed(lines) if line), "")


def _is_harmless(word: str) -> bool:
    bare = word.strip("\"'`()[]{}<>,;:=.")
    if not word.isprintable() or bare.startswith(_TOKEN_BEGINNINGS) or len(bare) > _MAX_PATH:
        return False
    # A path, an address or a dotted name is made of short names.
    names = bare.replace("@", "/").replace(".", "/").replace("-", "/").replace("_", "/").split("/")
    return not any(len(name) > _MAX_WORD or _is_random(name) for name in names)


def _is_random(name: str) -> bool:
    """Whether a name looks like a key: long, with both cases and digits, or a jumble of cases."""
    kinds = [any(map(kind, name)) for kind in (str.isdigit, str.isupper, str.islower)]
    if (all(kinds) and len(name) >= _MIN_KEY) or (kinds[0] and len(name) >= _MIN_HEXADECIMAL):
        return True
    humps = sum(a.islower() and b.isupper() for a, b in pairwise(name))
    return humps >= _MIN_HUMPS and len(name) / (humps + 1) < _MIN_HUMP
