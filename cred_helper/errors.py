"""Every error that a module of this program raises for its caller, and what the caller does then.

The texts are for stderr and for clients that quote stdout: one line, lower case, no final stop, no
secret and no content of a file. They stand in ``cred_helper.messages``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

# Clients compare this sentence byte for byte.
# Source: https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go
CREDENTIALS_NOT_FOUND = "credentials not found in native keychain"


# A longer word may be a token. For a damaged file, which cannot load secret_shapes.
_LONGEST_NAME = 15
# Where the machine is short of something, the catalogue cannot be loaded either: the code is shown.
_CANNOT_LOAD = (ImportError, OSError, MemoryError)


class CredentialError(Exception):
    """A code of the catalogue, and the values for its placeholders.

    ``parts`` are the codes and values that the reason is made of, from the inside out; ``own_hint``
    is the hint that was given with the error, and ``others`` are errors that were found together
    with it. ``reason`` and ``hint`` are made when they are read. ``str()`` gives the code alone.
    """

    def __init__(self, code: str, /, *, hint: str | None = None, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.own_hint = hint
        self.parts: tuple[tuple[str, dict[str, object]], ...] = ((code, values),)
        self.others: tuple[CredentialError, ...] = ()

    @property
    def reason(self) -> str:
        """What failed, as a line without the final stop."""
        (code, values), *outer = self.parts
        text = _text(code, values)
        for code, values in outer:
            text = _text(code, {**values, "reason": text})
        return text

    @property
    def hint(self) -> str | None:
        """One thing to try: what was given with the error, else what the catalogue has."""
        if self.own_hint is not None:
            return _without_tokens(self.code, self.own_hint)
        try:
            from cred_helper.messages import find

            hint = find(self.code).hint.format(**self.parts[0][1])
            return _without_tokens(self.code, hint) or None
        except _CANNOT_LOAD:
            return None

    @property
    def line(self) -> str:
        """The reason with its code, as it is shown to a user."""
        return f"{self.reason} [{self.code}]"

    def within(self, code: str, /, **values: object) -> Self:
        """The same error as the ``{reason}`` of another message.

        Class, code and hint stay: they name the cause.
        """
        return self.of(self, parts=(*self.parts, (code, values)))

    def with_others(self, others: Iterable[CredentialError]) -> Self:
        """The same error, together with others that were found at the same time."""
        return self.of(self, others=(*self.others, *others))

    def with_hint(self, hint: str | None) -> Self:
        """The same error, with this hint in the place of its own."""
        return self.of(self, own_hint=hint)

    @classmethod
    def of(cls, error: CredentialError, **changed: object) -> Self:
        """The message of another error, as an error of this class."""
        other = cls.__new__(cls, error.code)
        vars(other).update({**vars(error), **changed})
        return other


def _text(code: str, values: dict[str, object]) -> str:
    try:
        from cred_helper.messages import find

        return _without_tokens(code, find(code).text.format(**values))
    except _CANNOT_LOAD:
        return str(values.get("reason", code))


class NotFound(CredentialError):
    """This source has nothing to try with. The caller asks the next one."""


class ProviderError(CredentialError):
    """This source is configured and does not work. The caller asks the others, then fails."""


class Denied(ProviderError):
    """The other side refused the identity."""


class Unreachable(ProviderError):
    """The other side did not answer, or not in time."""


class BadReply(ProviderError):
    """The other side answered with something that is not a credential."""


class Misconfigured(ProviderError):
    """A setting, variable or file of the user is wrong."""


class ProtocolError(CredentialError):
    """The client's request is invalid. The caller says so and exits 1."""


class CannotLoad(BaseException):
    """The frozen file cannot load a part of itself; ``error`` is the message for it.

    The frozen file's importer raises it inside an import. It is not an ``Exception``: an SDK would
    handle that as a failed request, and an ``ImportError`` as a library that is not installed.
    The caller of an SDK raises ``error`` in its place.
    """

    def __init__(self, code: str, /, **values: object) -> None:
        super().__init__(code)
        self.error = ProviderError(code, hint=None, **values)


def _without_tokens(code: str, text: str) -> str:
    """The text without tokens and keys, which people put where names belong."""
    if code.startswith("internal."):
        return text  # it quotes nothing of the user's, and has to be there where nothing can load
    try:
        from cred_helper.secret_shapes import without_tokens
    except CannotLoad:
        return " ".join("…" if len(word) > _LONGEST_NAME else word for word in text.split(" "))
    return without_tokens(text)


NO_MEMORY = "internal.no-memory"
# What an operating system says where this program gets no more of something, by errno.
_RESOURCES = {
    "ENOMEM": NO_MEMORY,
    "EMFILE": "internal.no-descriptors",
    "ENFILE": "internal.no-descriptors",
    "EFBIG": "internal.file-size-limit",
    "ENOSPC": "internal.disk-full",
    "EDQUOT": "internal.disk-full",
}
# What an SDK needs in addition to what is loaded.
_SPARE_BYTES = 32 << 20
# The same in the words of the dynamic loader and of Python's thread module.
_RESOURCE_WORDS = {
    "cannot allocate memory": NO_MEMORY,
    "failed to map segment": NO_MEMORY,
    "too many open files": "internal.no-descriptors",
    "can't start new thread": "internal.no-threads",
}


def fault(error: BaseException) -> CredentialError:
    """The error of ours that an exception is, or one for an exception that is not expected.

    Where the machine is short of something, that names it. Otherwise it names the type of the
    exception and where it was raised: its text could hold a secret.
    """
    if isinstance(error, CannotLoad):
        return error.error
    if isinstance(error, CredentialError):
        return error
    code = shortage(error)
    if code:
        return CredentialError(code)
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = ""
    if last is not None:
        file = last.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
        where = f" at {file}:{last.tb_lineno}"
    return CredentialError("internal.fault", error=type(error).__name__, where=where)


def shortage(error: BaseException | None) -> str | None:
    """The code of what the machine is short of, by an exception or what it was raised from."""
    seen: list[BaseException] = []  # a chain of exceptions can be a circle
    while error is not None and error not in seen:
        code = _shortage_of(error)
        if code:
            return code
        seen.append(error)
        error = error.__cause__ or error.__context__
    return None


def _shortage_of(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return NO_MEMORY
    if isinstance(error, OSError) and error.errno:
        import errno

        code = _RESOURCES.get(errno.errorcode.get(error.errno, ""))
        if code:
            return code
    if isinstance(error, ImportError | RuntimeError | SystemError):
        if memory_is_short():
            return NO_MEMORY
        text = str(error).lower()
        return next((code for words, code in _RESOURCE_WORDS.items() if words in text), None)
    return None


def memory_is_short() -> bool:
    """Whether this process gets no more memory. Libraries then fail with errors of other names."""
    try:
        bytes(_SPARE_BYTES)  # zeros, which take address space alone
    except MemoryError:
        return True
    return False


def printable(text: str) -> str:
    """The text with control characters and lone surrogates escaped, so that none drives a terminal.

    Parts of a message can come from a server URL, a file or the network.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def one_line(text: str) -> str:
    return printable(" ".join(text.split()))
