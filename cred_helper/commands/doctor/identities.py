"""As whom each cloud would be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cred_helper import clouds, providers
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, Finding
from cred_helper.commands.lookup.explanation import Explanation, identity_words
from cred_helper.commands.ui import this_program
from cred_helper.errors import Misconfigured
from cred_helper.server_url import ServerURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.clouds import Cloud


def identities() -> Iterator[Finding]:
    """Look for each cloud's identity."""
    for cloud in clouds.CLOUDS:
        if providers.load(cloud.name) is None:
            yield Finding(NOTE, cloud.name, "this build is made without it")
            continue
        try:
            yield _identity(cloud)
        except Misconfigured:
            return  # the settings cannot be read, which is told already


def _identity(cloud: Cloud) -> Finding:
    name = cloud.name
    explained = Explanation(ServerURL.parse(cloud.example_host))
    identity = explained.identity
    command = this_program.command("explain", cloud.example_host)
    if identity is None:
        why = explained.error.reason if explained.error else explained.why_provider()
        return Finding(NOTE, name, f"not asked: {why}", command)
    if isinstance(identity, Misconfigured):
        return Finding(ERROR, name, identity.reason, command, identity.hint)
    if identity.problem:
        return Finding(ERROR, name, identity.problem.reason, command, identity.problem.hint)
    if identity.source is None:
        return Finding(NOTE, name, "no identity", command)
    severity = OK if identity.certain else NOTE
    return Finding(severity, name, identity_words(identity), command)
