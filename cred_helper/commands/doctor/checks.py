"""What ``doctor`` looks at: one function a subject, which yields what it finds.

All but ``online`` look at files and variables alone, and run nothing; the folder of tokens is tried
with a file that is taken away again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cred_helper.commands.doctor import clients, identities, network_checks, own_state, program
from cred_helper.commands.doctor.finding import ERROR, Finding
from cred_helper.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    program.program,
    program.helpers,
    clients.docker,
    clients.podman,
    own_state.settings,
    own_state.variables,
    own_state.store,
    own_state.cache,
    network_checks.clock,
    network_checks.tls,
    network_checks.proxy,
    identities.identities,
)


def findings() -> Iterator[Finding]:
    """Run every check; one that cannot be carried out is a finding itself."""
    for check in CHECKS:
        try:
            yield from check()
        except CredentialError as error:
            yield Finding(ERROR, check.__name__, error.reason, hint=error.hint)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = (error.strerror or type(error).__name__).lower()
            yield Finding(ERROR, check.__name__, f"{where}{reason}")
