"""Another ``docker-credential-*`` as a source: one run of it, and what its answer means.

Passes the server URL on untouched and its standard error through. Understands the several wordings
of "not found" and "cannot do that". What it wrote is quoted only where that cannot be a secret.

Source: https://github.com/docker/docker-credential-helpers (the protocol, and six of the wordings)
"""

from __future__ import annotations

from cred_helper.credential import Credential, Secret
from cred_helper.errors import (
    CREDENTIALS_NOT_FOUND,
    BadReply,
    Denied,
    Misconfigured,
    NotFound,
    ProviderError,
    Unreachable,
)
from cred_helper.fallback import child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cred_helper.fallback.chain import Chain
    from cred_helper.fallback.child import Finished
    from cred_helper.server_url import ServerURL

PREFIX = "docker-credential-"
# Whoever says one of these, in whatever case and context, has no credential.
_NOT_FOUND = (
    "credentials not found",  # all that follow the protocol, some with words around it
    "credential not found",
    "no stored credential for",  # Docker Desktop, macOS since 2020
    "could not be found in the keychain",  # macOS
    "element not found",  # Windows
    "no usernames for",  # pass
    "is not in the password store",  # pass, of what it is to erase
    "no credentials for",
    "no credentials found",
    "no matching credential",
)
# Read-only helpers, and those that cannot list.
_UNSUPPORTED = (
    "not implemented",
    "unimplemented",
    "not supported",
    "unsupported",
    "unknown credential action",
    "unknown action",
    "unknown command",
)
_MAX_QUOTED_CHARACTERS = 200
# A long run of such characters with a digit in it may be a token; what begins a URL is none.
_OPAQUE = r"(?<![\w.+/=~-])(?!//)(?=[\w.+/=~-]*\d)[\w.+/=~-]{20,}"
# Shorter secrets are in every text.
_MIN_SECRET_CHARACTERS = 4


class Unsupported(ProviderError):
    """The helper has no such verb. The caller goes on as if the helper were not there."""


class Helper:
    """One helper program: a source, a store and a lister."""

    __slots__ = ("_chain", "_environ", "_program", "_timeout_s", "name")

    def __init__(
        self,
        name: str,
        program: str,
        *,
        environ: Mapping[str, str],
        chain: Chain,
        timeout_s: Callable[[], float],
    ) -> None:
        self.name = name
        self._program = program
        self._environ = environ
        self._chain = chain
        self._timeout_s = timeout_s

    def get(self, server_url: ServerURL) -> Credential:
        """Ask it for a credential.

        Raises:
            NotFound: it says, in one way or another, that it has none.
            ProviderError: it is missing, failed, hung, or answered with no credential.
        """
        finished = self._run("get", server_url.raw, server_url.raw.encode())
        text = self._text(finished)
        if finished.status > 0 and says(_NOT_FOUND, text):
            raise NotFound("it has no credential")
        self._check(finished, text)
        username, secret = _credential_fields(text)
        return Credential(username, Secret(secret), source=self.name)

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Give it a credential to keep."""
        import json

        secret = credential.secret.expose()
        fields = {"ServerURL": server_url.raw, "Username": credential.username, "Secret": secret}
        finished = self._run("store", server_url.raw, json.dumps(fields).encode() + b"\n")
        self._check(finished, self._text(finished), secret)

    def erase(self, server_url: ServerURL) -> None:
        """Have it forget; what it does not know, or never keeps, is forgotten already."""
        finished = self._run("erase", server_url.raw, server_url.raw.encode())
        text = self._text(finished)
        if finished.status > 0 and says(_NOT_FOUND, text):
            return
        try:
            self._check(finished, text)
        except Unsupported:
            pass

    def list(self) -> dict[str, str]:
        """What it keeps: server URL to user name. Nothing, from a helper that cannot list."""
        finished = self._run("list", "", b"")
        text = self._text(finished)
        if CREDENTIALS_NOT_FOUND in text:
            return {}
        try:
            self._check(finished, text)
        except Unsupported:
            return {}
        objects = list(_objects(text))
        if not objects and text and text != "null":
            raise BadReply("its answer is not a JSON object")
        # Warnings come before it, and may be objects themselves.
        usernames = objects[-1] if objects else {}
        return {key: username for key, username in usernames.items() if isinstance(username, str)}

    def _run(self, verb: str, server_url: str, data: bytes) -> Finished:
        environ = child.environment(self._environ)
        environ |= self._chain.joined_by(self.name, server_url)
        try:
            return child.run([self._program, verb], data, environ, self._timeout_s())
        except Unreachable as error:
            raise error.with_hint(
                "DOCKER_CREDENTIAL_MULTI_HELPER_TIMEOUT_S is how long a helper may take"
            ) from None

    def _text(self, finished: Finished) -> str:
        # An answer has to be UTF-8; a complaint in some code page is to be understood all the same.
        errors = "replace" if finished.status else "strict"
        try:
            return finished.output.decode("utf-8-sig", errors).strip()
        except UnicodeDecodeError:
            raise BadReply("its answer is not UTF-8") from None

    def _check(self, finished: Finished, text: str, *secrets: str) -> None:
        """Raise what a failed run means."""
        if finished.status < 0:
            raise BadReply(f"it was ended by {_signal_name(-finished.status)}")
        if finished.status > 0:
            if says(_UNSUPPORTED, text):
                raise Unsupported("it does not offer that")
            said = quotable(text, *secrets)
            failed = f"it failed with exit status {finished.status}"
            raise Denied(f"{failed}: {said}" if said else failed)


def program_name(name: str) -> str:
    """The program that config.json means by a name.

    Raises:
        Misconfigured: it is no name but a path, an option or an accident.
    """
    if not name.isascii() or not name[:1].isalnum() or not set(name) <= _NAME_CHARACTERS:
        raise Misconfigured("the name of its helper is not made of letters, digits and . _ - alone")
    return PREFIX + name


_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def says(wordings: tuple[str, ...], text: str) -> bool:
    """Whether a text says one of these things."""
    lowered = text.lower()
    return any(wording in lowered for wording in wordings)


def quotable(text: str, *secrets: str) -> str:
    """The first line of what a helper said, fit for a terminal; ``""`` where it may be a secret."""
    import re

    line = "".join(c if c.isprintable() else " " for c in text.strip().split("\n", 1)[0])
    if set('{}"') & set(line) or any(
        len(secret) >= _MIN_SECRET_CHARACTERS and secret in text for secret in secrets
    ):
        return ""
    return re.sub(_OPAQUE, "…", " ".join(line.split()))[:_MAX_QUOTED_CHARACTERS]


def _credential_fields(text: str) -> tuple[str, str]:
    """User name and secret from an answer that may have warnings before it.

    Keys count in any case, as they do for docker.
    """
    if not text:
        raise NotFound("it answers with nothing")
    for found in _objects(text):
        fields = {key.lower(): value for key, value in found.items()}
        if not fields:
            raise NotFound("it answers with an empty object")
        if "username" in fields or "secret" in fields:
            break
    else:
        if says(_NOT_FOUND, text):
            raise NotFound("it has no credential")
        raise BadReply("its answer holds no credential")
    username, secret = fields.get("username", ""), fields.get("secret", "")
    if not isinstance(username, str) or not isinstance(secret, str):
        raise BadReply("its answer has a Username or Secret that is not a string")
    if not username and not secret:
        raise NotFound("it answers with an empty user name and secret")
    if not username:
        raise BadReply("its answer has no Username")
    if "secret" not in fields:
        raise BadReply("its answer has no Secret")
    return username, secret


def _objects(text: str) -> Iterator[dict[str, object]]:
    """The JSON objects in a text that begin a line."""
    import json

    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        line_end = text.find("\n", at)
        after = line_end + 1 if line_end >= 0 else len(text)
        start = at + len(text[at:after]) - len(text[at:after].lstrip())
        if text.startswith("{", start):
            try:
                value, after = decoder.raw_decode(text, start)
                yield value
            except (ValueError, RecursionError):
                pass
        at = after


def _signal_name(signum: int) -> str:
    import signal

    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"
