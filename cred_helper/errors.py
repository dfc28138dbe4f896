"""Every error that may leave a module of ours, and what the caller does about it.

::

    CredentialError          a reason for a person, and perhaps a hint
    ├── NotFound             nothing here to try with: the next source is asked
    ├── ProviderError        configured, and did not work: the fallback is asked, then it is told
    │   ├── Denied           the other side said no
    │   │   └── Dispensable  …, and whoever asked can do without: the registry is open to anybody
    │   ├── Unreachable      no answer, or none in time
    │   ├── BadReply         an answer that is not one
    │   └── Misconfigured    a file or variable of the user's cannot be meant as it stands
    └── ProtocolError        the client's request is not one: told, exit 1
    CannotLoad               the frozen file could load no library: a provider's failure, or told

The texts are for stderr and for clients that quote stdout: one line, lower case, no final stop,
never a secret and never the content of a file.
"""

from __future__ import annotations

# The three sentences clients compare byte for byte.
# Source: https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go
CREDENTIALS_NOT_FOUND = "credentials not found in native keychain"
NO_SERVER_URL = "no credentials server URL"
NO_USERNAME = "no credentials username"

# The hint where somebody else than who was asked seems to have answered.
IN_BETWEEN = "is a proxy or a sign-in page in between?"


class CredentialError(Exception):
    """The base of ours: ``reason`` says what is so, ``hint`` what to try."""

    def __init__(self, reason: str, *, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class NotFound(CredentialError):
    """This source has nothing to try with. The caller asks the next one."""


class ProviderError(CredentialError):
    """This source is configured and did not work. The caller asks the fallback, then fails."""


class Denied(ProviderError):
    """The other side refused the identity."""


class Dispensable(Denied):
    """The other side refused, but the registry lets anybody pull. The caller warns and goes on."""


class Unreachable(ProviderError):
    """The other side did not answer, or not in time."""


class BadReply(ProviderError):
    """The other side answered with something that is not a credential."""


class Misconfigured(ProviderError):
    """A setting, variable or file of the user's does not work as it stands."""


class ProtocolError(CredentialError):
    """The client's request cannot be understood. The caller tells it and exits 1."""


class CannotLoad(BaseException):
    """The frozen file could put a library of its own nowhere; ``hint`` says what would let it.

    Raised by the frozen file's importer, in the middle of whatever wanted the library. Not an
    ``Exception``: an SDK would take that for a failure of what it tries, and an ``ImportError`` for
    a library that is simply not installed. ``bounded`` makes a provider's failure of it.
    """

    def __init__(self, reason: str, *, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def fault(error: Exception) -> CredentialError:
    """Name what should not have happened, and where; its own words could be a secret."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = ""
    if last is not None:
        file = last.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
        where = f" at {file}:{last.tb_lineno}"
    return CredentialError(
        f"this should not have happened: {type(error).__name__}{where}",
        hint="please report it, with what docker-credential-multi version says",
    )


def printable(text: str) -> str:
    """The text with its control characters and half characters written out: none drives a terminal.

    Parts of a message can come from a server URL, a file or the network.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def one_line(text: str) -> str:
    """The text as the one line that it is told in."""
    return printable(" ".join(text.split()))
