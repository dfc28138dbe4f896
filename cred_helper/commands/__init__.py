"""Commands for people, one file each, on click. None of it is loaded for the protocol's verbs."""

from __future__ import annotations

from cred_helper import stdio

# The words that are a person's. Kept as data so that telling them from a verb costs no import.
NAMES = frozenset(
    {
        "cache",
        "completion",
        "config",
        "configure",
        "doctor",
        "explain",
        "login",
        "logout",
        "providers",
        "token",
        "--debug",
        "--help",
        "-h",
    }
)
# Set by the completion script: the shell asks, whatever the arguments are.
COMPLETION_VARIABLE = "_DOCKER_CREDENTIAL_MULTI_COMPLETE"


def run(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    if 1 in stdio.plug():
        stdio.error("standard output is closed: there is nowhere to show anything")
        return 1
    from cred_helper.commands.group import main

    return main(arguments)
