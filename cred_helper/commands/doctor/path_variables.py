"""Whether the variables that name a file of docker's or podman's have a path for a value."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cred_helper.commands.doctor import named_helpers
from cred_helper.commands.doctor.finding import Finding, error, note, warning
from cred_helper.commands.ui import shell
from cred_helper.files import json_file, path_values, user_folders
from cred_helper.hosts import route
from cred_helper.secret_shapes import looks_secret
from cred_helper.server_url import ServerURL

_SUBJECT = "docker"
# Variables that put another file in the place of the usual one, or something before it.
PATH_VARIABLES = ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE")
AUTH_CONFIG = "DOCKER_AUTH_CONFIG"


def variables() -> Iterator[Finding]:
    for variable in PATH_VARIABLES:
        if value := os.environ.get(variable):
            is_folder = variable == "DOCKER_CONFIG"
            broken = folder_problem() if is_folder else path_variable(variable, value)
            yield broken or _set_variable(variable, value)
    if text := os.environ.get(AUTH_CONFIG):
        if text.lstrip().startswith("{"):
            yield _auth_config(text)
        else:
            is_path = path_values.quotable(text)
            code = "fallback.auth-config-is-path" if is_path else "doctor.auth-config-not-json"
            yield error(_SUBJECT, code, shell.unset_variable(AUTH_CONFIG))


def _auth_config(text: str) -> Finding:
    """What docker makes of the logins in the variable.

    Source: https://github.com/docker/cli/pull/6008
    """
    logins = json_file.parse_object(text).get("auths")
    keys = logins if isinstance(logins, dict) else ()
    clouds = [key for key in keys if route(ServerURL.parse(key))]
    if not clouds:
        return note(_SUBJECT, "doctor.auth-config-set")
    unset, hosts = shell.unset_variable(AUTH_CONFIG), named_helpers.listed(clouds)
    return warning(_SUBJECT, "doctor.auth-config-of-cloud", unset, hosts=hosts)


def path_variable(variable: str, value: str, subject: str = _SUBJECT) -> Finding | None:
    """Why the value of a variable cannot be a path, by its shape alone."""
    unset = shell.unset_variable(variable)
    if path_values.holds_content(value) or (not os.path.isabs(value) and looks_secret(value)):
        return error(subject, "fallback.variable-holds-content", unset, variable=variable)
    if value.startswith("~"):
        expanded = os.path.join(user_folders.home(os.environ), value.lstrip("~").lstrip("/"))
        command = shell.set_variable(variable, expanded)
        return error(subject, "doctor.variable-with-tilde", command, variable=variable)
    if value[0] in "\"'" and value[-1] == value[0]:
        command = shell.set_variable(variable, value.strip("\"'"))
        return error(subject, "doctor.variable-in-quotes", command, variable=variable)
    return None


def folder_problem() -> Finding | None:
    """Why the value of DOCKER_CONFIG is not a folder that docker can use."""
    variable = "DOCKER_CONFIG"
    value = os.environ.get(variable, "")
    if not value:
        return None
    if os.path.isfile(value):
        command = shell.set_variable(variable, os.path.dirname(os.path.abspath(value)))
        return error(_SUBJECT, "fallback.folder-is-file", command, variable=variable)
    return path_variable(variable, value)


def _set_variable(variable: str, value: str) -> Finding:
    if not os.path.isabs(value):
        command = shell.set_variable(variable, os.path.abspath(value))
        return warning(_SUBJECT, "doctor.variable-relative", command, variable=variable)
    return note(_SUBJECT, "doctor.variable-set", variable=variable, path=value)
