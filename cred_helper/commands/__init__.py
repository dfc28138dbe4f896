"""The commands that people call, one file each, on click. Not loaded for the protocol's verbs."""

from __future__ import annotations

# The first arguments that are commands. Data, so that to recognise one loads no command.
NAMES = frozenset((
    "cache", "completion", "config", "configure", "doctor", "explain", "kubelet-config", "login",
    "logout", "providers", "self-check", "token", "--debug", "--help", "-h",
))  # fmt: skip
# Set by the completion script: the shell asks for completions, whatever the arguments are.
COMPLETION_VARIABLE = "_DOCKER_CREDENTIAL_MULTI_COMPLETE"
