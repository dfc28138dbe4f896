"""Another ``docker-credential-*`` as a source: one run of it, and what its answer means.

The server URL goes to it unchanged, and its standard error to ours, but for secrets. The different
wordings of "not found" and "not supported" are understood. Its words are quoted only if they cannot
be a secret.

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
from cred_helper.fallback.expiry import unexpired
from cred_helper.files.os_errors import os_reason
from cred_helper.programs import running
from cred_helper.programs.relay import Relay
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cred_helper.fallback.loop_guard import LoopGuard
    from cred_helper.programs.running import ProgramResult
    from cred_helper.server_url import ServerURL

PREFIX = "docker-credential-"
# Secrets of 100 KiB exist, secrets of megabytes do not.
MAX_OUTPUT_BYTES = 8 << 20
# A helper that says one of these, in any case and context, has no credential.
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
    *("not implemented", "unimplemented", "not supported", "unsupported"),
    *("unknown credential action", "unknown action", "unknown command"),
)
# osxkeychain replaces an item by removing it and adding it; two logins at once meet in between.
# Source: https://github.com/docker/docker-credential-helpers/issues/333
_TAKEN = ("already exists in the keychain",)
_STORE_ATTEMPTS = 3
# secretservice in a session without D-Bus or without a keyring.
# Source: https://github.com/docker/cli/issues/7148
_NO_KEYRING = (
    *("org.freedesktop.secrets", "autolaunch d-bus", "autolaunch a dbus", "dbus-launch"),
    "dbus_session_bus_address",
)
_MAX_QUOTED_CHARACTERS = 300
_MAX_LINE_BYTES = 1 << 12
# A long run of such characters with a digit in it may be a token; the beginning of a URL is not.
_OPAQUE = r"(?<![\w.+/=~-])(?!//)(?=[\w.+/=~-]*\d)[\w.+/=~-]{20,}"
# One word in quotation marks may be a secret, unless it is a name with a dot, a dash or a slash.
_QUOTED_WORD = r"""(["'`])(?![A-Za-z]+[./-][A-Za-z./-]*\1)[^\s"'`]+\1"""
# A shorter name cannot be a token.
_MIN_TOKEN_CHARACTERS = 16
# A shorter secret is part of any text.
_MIN_SECRET_CHARACTERS = 4
# These helpers get a token from their cloud for each registry that they list.
# Source: https://github.com/awslabs/amazon-ecr-credential-helper, ecr-login/api/client.go
LISTING_ASKS_THE_NETWORK = ("docker-credential-ecr-login",)
# Warnings before an answer, one object a line. More is not read: each try takes time.
_MAX_OBJECTS = 100


class Unsupported(ProviderError):
    """The helper has no such action. The caller goes on without the helper."""


class Helper(Record):
    """One helper program: a source, a store and a lister."""

    name: str
    program: str
    environ: Mapping[str, str]
    guard: LoopGuard
    timeout_s: Callable[[], float]

    def within(self, timeout_s: float) -> Helper:
        return self.but(timeout_s=lambda: min(timeout_s, self.timeout_s()))

    def get(self, server_url: ServerURL) -> Credential:
        """Ask it for a credential; if it has none for a path, for the namespace above the path.

        Raises:
            NotFound: it has none.
            Expired: it has expired.
            ProviderError: it failed, hung, or answered with something else.
        """
        try:
            return self._get(server_url)
        except NotFound:
            above = self._above(server_url)
            if above is None:
                raise
        return self._get(above)

    def _above(self, server_url: ServerURL) -> ServerURL | None:
        """The nearest namespace above a path that it lists a login for, or else the registry."""
        from cred_helper.fallback.registry_key import candidates, whole_registry

        # A helper that has called us searches by itself: it knows the client's server URL.
        registry = None if self.guard.is_nested else whole_registry(server_url)
        if registry is None or self.name in LISTING_ASKS_THE_NETWORK:
            return registry
        try:
            keys = self.list()
        except ProviderError:
            return registry
        found = candidates(keys, server_url, whole_host=True)
        # One that cannot list may know the registry all the same.
        return type(server_url).parse(found[0]) if found else None if keys else registry

    def _get(self, server_url: ServerURL) -> Credential:
        with Relay() as relay:
            finished, text = self._ask("get", server_url.raw, server_url.raw.encode(), relay)
            if finished.status > 0 and says(_NOT_FOUND, text):
                raise NotFound("helper.no-credential")
            self._check(finished, text)
            username, secret = _credential_fields(text)
            relay.hide(secret)
        return unexpired(Credential(username, Secret(secret), source=self.name), server_url)

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        import json

        secret = credential.secret.expose()
        fields = {"ServerURL": server_url.raw, "Username": credential.username, "Secret": secret}
        data = json.dumps(fields).encode() + b"\n"
        for _ in range(_STORE_ATTEMPTS):
            with Relay(secret) as relay:
                finished, text = self._ask("store", server_url.raw, data, relay)
            if finished.status <= 0 or not says(_TAKEN, text):
                break
        self._check(finished, text, secret)

    def erase(self, server_url: ServerURL) -> bool:
        """Have it erase a credential; return false if it has none, or keeps none."""
        with Relay() as relay:
            finished, text = self._ask("erase", server_url.raw, server_url.raw.encode(), relay)
        if finished.status > 0 and says(_NOT_FOUND, text):
            return False
        try:
            self._check(finished, text)
        except Unsupported:
            return False
        return True

    def list(self) -> dict[str, str]:
        """Server URL to user name; empty for a helper that cannot list."""
        with Relay() as relay:
            finished, text = self._ask("list", "", b"", relay)
        if CREDENTIALS_NOT_FOUND in text:
            return {}
        try:
            self._check(finished, text)
        except Unsupported:
            return {}
        objects = list(_objects(text))
        if not objects and text and text != "null":
            raise BadReply("helper.no-object")
        # Warnings come before the answer, and may be objects themselves.
        usernames = objects[-1] if objects else {}
        return {key: username for key, username in usernames.items() if isinstance(username, str)}

    def _ask(
        self, verb: str, server_url: str, data: bytes, relay: Relay
    ) -> tuple[ProgramResult, str]:
        finished = self._run(verb, server_url, data, relay)
        # An answer has to be UTF-8; an error message may be in any code page.
        errors = "replace" if finished.status else "strict"
        try:
            return finished, finished.output.decode("utf-8-sig", errors).strip()
        except UnicodeDecodeError:
            raise BadReply("helper.not-utf") from None

    def _run(self, verb: str, server_url: str, data: bytes, relay: Relay) -> ProgramResult:
        command = [self.program, verb]
        environ = {**self.environ, **self.guard.variable_for(self.name, server_url)}
        timeout_s = self.timeout_s()
        try:
            return running.run(
                command, environ, timeout_s, MAX_OUTPUT_BYTES, data=data, listen=relay.listen
            )
        except OSError as error:
            raise Misconfigured("helper.not-started", problem=os_reason(error)) from None
        except running.TimedOut:
            raise Unreachable("helper.timeout", seconds=f"{timeout_s:.4g}") from None
        except running.TooMuchOutput:
            raise BadReply("helper.too-long", limit=MAX_OUTPUT_BYTES >> 20) from None

    def _check(self, finished: ProgramResult, text: str, *secrets: str) -> None:
        if finished.status < 0:
            raise BadReply("helper.killed", signal=_signal_name(-finished.status))
        if finished.status > 0:
            if says(_UNSUPPORTED, text):
                raise Unsupported("helper.unsupported")
            text = text or _last_line(finished.errors)
            said = quotable(text, *secrets)
            if said:
                raise Denied(_code_of(text), status=finished.status, said=said)
            raise Denied("helper.failed", status=finished.status)


def _code_of(text: str) -> str:
    """The code for a helper's own words."""
    if says(_NO_KEYRING, text):
        return "helper.no-keyring"
    return "helper.item-taken" if says(_TAKEN, text) else "helper.says"


def program_name(name: str) -> str:
    """The program that a configuration file means by a name."""
    if not is_name(name):
        raise Misconfigured("helper.bad-name")
    return PREFIX + name


def is_name(name: str) -> bool:
    """Whether a text can be a helper's name. Another one may hold a secret and is not shown."""
    if not name.isascii() or not name[:1].isalnum() or not set(name) <= _NAME_CHARACTERS:
        return False
    if len(name) < _MIN_TOKEN_CHARACTERS:
        return True
    from cred_helper.secret_shapes import looks_secret

    return not looks_secret(name)


def shown_name(name: str) -> str:
    """A helper's name, as far as a message may show it."""
    return name if is_name(name) else "…"


_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def says(wordings: tuple[str, ...], text: str) -> bool:
    lowered = text.lower()
    return any(wording in lowered for wording in wordings)


def _last_line(errors: bytes) -> str:
    """The last line on standard error: the reason, where a helper says nothing else."""
    lines = errors[-_MAX_LINE_BYTES:].decode("utf-8", "replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "")


def quotable(text: str, *secrets: str) -> str:
    """The first line of a helper's words, for a terminal; ``""`` if it may hold a secret."""
    import re

    from cred_helper.secret_shapes import without_secrets

    line = "".join(c if c.isprintable() else " " for c in text.strip().split("\n", 1)[0])
    if set("{}") & set(line) or any(
        len(secret) >= _MIN_SECRET_CHARACTERS and secret in text for secret in secrets
    ):
        return ""
    line = without_secrets(line)
    line = re.sub(_QUOTED_WORD, r"\1…\1", " ".join(line[: 10 * _MAX_QUOTED_CHARACTERS].split()))
    return re.sub(_OPAQUE, "…", line)[:_MAX_QUOTED_CHARACTERS]


def _credential_fields(text: str) -> tuple[str, str]:
    """User name and secret of an answer, which may have warnings before it.

    Keys count in any case, as for docker.
    """
    if not text:
        raise NotFound("helper.empty-answer")
    for found in _objects(text):
        fields = {key.lower(): value for key, value in found.items()}
        if not fields:
            raise NotFound("helper.empty-answer")
        if "username" in fields or "secret" in fields:
            break
    else:
        if says(_NOT_FOUND, text):
            raise NotFound("helper.no-credential")
        raise BadReply("helper.not-a-credential")
    username, secret = fields.get("username", ""), fields.get("secret", "")
    if not isinstance(username, str) or not isinstance(secret, str):
        raise BadReply("helper.not-text")
    if not username and not secret:
        raise NotFound("helper.empty-answer")
    if not username:
        raise BadReply("helper.no-username")
    if "secret" not in fields:
        raise BadReply("helper.no-secret")
    return username, secret


def _objects(text: str) -> Iterator[dict[str, object]]:
    """The JSON objects in a text that begin a line."""
    from cred_helper.files import json_file

    at = 0
    tries = 0
    while at < len(text) and tries < _MAX_OBJECTS:
        line_end = text.find("\n", at)
        after = line_end + 1 if line_end >= 0 else len(text)
        start = at + len(text[at:after]) - len(text[at:after].lstrip())
        if text.startswith("{", start):
            tries += 1
            try:
                value, after = json_file.first_value(text, start)
                yield value
            except Misconfigured:
                pass
        at = after


def _signal_name(signum: int) -> str:
    import signal

    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"
