"""As whom each cloud would be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cred_helper import providers
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, Finding
from cred_helper.commands.lookup.explanation import EXAMPLES, Explanation, identity_words
from cred_helper.commands.ui import this_program
from cred_helper.errors import Misconfigured
from cred_helper.server_url import ServerURL

if TYPE_CHECKING:
    from collections.abc import Iterator


def identities() -> Iterator[Finding]:
    """Look for each cloud's identity."""
    for name in providers.BUILTIN:
        if providers.load(name) is None:
            yield Finding(NOTE, name, "this build is made without it")
            continue
        try:
            yield _identity(name)
        except Misconfigured:
            return  # the settings cannot be read, which is told already


def _identity(name: str) -> Finding:
    explained = Explanation(ServerURL.parse(EXAMPLES[name]))
    identity = explained.identity
    command = this_program.command("explain", EXAMPLES[name])
    if identity is None:
        why = explained.error.reason if explained.error else explained.why_provider()
        return Finding(NOTE, name, f"not asked: {why}", command)
    if isinstance(identity, Misconfigured):
        return Finding(ERROR, name, identity.reason, command, identity.hint)
    if identity.missed:
        return Finding(ERROR, name, identity.missed.reason, command, identity.missed.hint)
    if identity.source is None:
        return Finding(NOTE, name, "no identity", command)
    severity = OK if identity.certain else NOTE
    return Finding(severity, name, identity_words(identity), command)
