"""The checks of ``doctor``: one function for each subject, which yields findings.

All but ``online`` look at files and variables only and start no program; the folder of tokens is
tried with a file that is removed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cred_helper.commands.doctor import (
    ci_token,
    docker_files,
    identities,
    network_checks,
    node,
    own_state,
    podman_files,
    program,
    rules,
)
from cred_helper.commands.doctor.finding import ERROR, Finding, error
from cred_helper.errors import fault

CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    *(program.program, program.helpers, docker_files.docker, podman_files.podman),
    *(own_state.settings, own_state.variables, rules.rules, own_state.store, own_state.home),
    *(own_state.cache, network_checks.clock, network_checks.tls, network_checks.proxy),
    *(identities.identities, identities.variables, ci_token.ci_token),
)


def findings(root: Path) -> Iterator[Finding]:
    """Run every check; one that fails is a finding itself. No error comes twice.

    ``root`` is the root folder of the node whose kubelet is checked. With another root than /, only
    that kubelet is checked.
    """
    errors: set[str] = set()
    for finding in _all(root):
        line = finding.notice.line
        if line not in errors:
            yield finding
        if finding.severity == ERROR:
            errors.add(line)


def _all(root: Path) -> Iterator[Finding]:
    def kubelet() -> Iterator[Finding]:
        return node.node(root)

    # The other checks are of this machine, not of a node below another root.
    others = CHECKS if root == Path("/") else ()
    for check in (*others, kubelet):
        try:
            yield from check()
        except OSError as failure:
            place = str(failure.filename or check.__name__)
            cause = (failure.strerror or type(failure).__name__).lower()
            yield error(check.__name__, "doctor.check-failed", path=place, cause=cause)
        except Exception as failure:  # noqa: BLE001 - the other checks still run
            yield Finding(ERROR, check.__name__, fault(failure))
