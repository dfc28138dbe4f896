"""``doctor``: checks what a client's credentials depend on, with a command for each problem.

Each check is a function that yields findings. Without ``--online`` they look at files and variables
only and start no program; the folder of tokens is tried with a file that is removed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click

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
from cred_helper.commands.doctor.finding import ERROR, Finding, error, note
from cred_helper.commands.doctor.online import online as ask_all
from cred_helper.commands.doctor.report import report
from cred_helper.commands.ui import this_program
from cred_helper.commands.ui.arguments import as_json, server_url_argument, server_urls_known
from cred_helper.commands.ui.screen import Progress, Screen
from cred_helper.errors import fault
from cred_helper.files.os_errors import os_reason

_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    *(program.program, program.helpers, docker_files.docker, podman_files.podman),
    *(own_state.settings, own_state.variables, rules.rules, own_state.store, own_state.home),
    *(own_state.cache, network_checks.clock, network_checks.tls, network_checks.proxy),
    *(identities.identities, ci_token.ci_token),
)


@click.command()
@server_url_argument("server_urls", "[SERVER_URL]...", nargs=-1)
@click.option("--online", is_flag=True, help="Also check that registries accept their credentials.")
@click.option(
    "--node",
    "root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="/",
    help="Check only what kubelet has on the node with this root folder.",
)
@as_json
def doctor(server_urls: tuple[str, ...], online: bool, root: Path, json_wanted: bool) -> int:
    """Find out why clients get no credentials.

    Checks PATH, the files of docker and podman, the settings and rules, the cache, the clock,
    certificates, the proxy, each cloud's identity and, on a node of Kubernetes, kubelet's
    configuration. Each finding has a severity; some have a command that helps. The exit status is 1
    if a finding is an error.

    For each SERVER_URL, and with --online for each registry that docker's files name, doctor gets a
    credential and checks that the registry accepts it.
    """
    screen = Screen.guarded()
    with Progress("asking registries") as progress:
        found = _findings(list(server_urls), progress, root, online=online)
        return report(screen, found, json_wanted, progress.clear)


def _findings(
    server_urls: list[str], progress: Progress, root: Path, *, online: bool
) -> Iterator[Finding]:
    yield from _local(root)
    if not (online or server_urls):
        return
    wanted = [*server_urls, *(server_urls_known() if online else [])]
    if not wanted:
        command = this_program.command("doctor", "--online", "docker.io")
        yield note("online", "doctor.no-registry", command)
    yield from node.asked(root, wanted)
    yield from ask_all(wanted, lambda done, of_all: progress.show(f"{done} of {of_all}"))


def _local(root: Path) -> Iterator[Finding]:
    """Run every check. No error comes twice."""
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
    others = _CHECKS if root == Path("/") else ()
    for check in (*others, kubelet):
        try:
            yield from check()
        except OSError as failure:
            place = str(failure.filename or check.__name__)
            cause = os_reason(failure)
            yield error(check.__name__, "doctor.check-failed", path=place, cause=cause)
        except Exception as failure:  # noqa: BLE001 - the other checks still run
            yield Finding(ERROR, check.__name__, fault(failure))
