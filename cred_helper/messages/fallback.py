"""Messages about docker's and podman's configuration files."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "fallback.variable-holds-content": Message(
        "{variable} holds the content of a file; it takes the path of one",
        "write the content to a file that only you can read, and set {variable} to its path",
        cause="A key, a certificate, a token or JSON stands in a variable that takes a path, as "
        "when a CI variable has the wrong type. The value is never shown.",
    ),
    "fallback.folder-is-file": Message(
        "DOCKER_CONFIG is the path of a file; it takes the folder that config.json is in"
    ),
    "fallback.auth-config-is-path": Message(
        "DOCKER_AUTH_CONFIG holds a path; it takes the JSON itself",
        "set it to the content of that file, or set DOCKER_CONFIG to the folder of the file",
        cause="In GitLab the variable has the type File; it has to have the type Variable.",
    ),
}
