"""Messages about docker's and podman's configuration files."""

from cred_helper.messages import Message

_CORRECT = "correct it in {file}"

MESSAGES: dict[str, Message] = {
    "fallback.bad-auth": Message(
        "line {line}: auths has an auth that is not USER:PASSWORD in base64", _CORRECT
    ),
    "fallback.auth-encoded-twice": Message(
        "line {line}: auths has an auth that is USER:PASSWORD in base64 twice",
        _CORRECT,
        cause="The value was encoded by a tool, and then again by a script or a template.",
        cure="Encode USER:PASSWORD once, or run docker login.",
    ),
    "fallback.auth-alphabet": Message(
        "line {line}: auths has an auth in a kind of base64 that docker does not read",
        _CORRECT,
        cause="docker reads the standard alphabet with padding, on one line.",
    ),
    "fallback.auth-line-end": Message(
        "line {line}: auths has a password that ends with a line end",
        "encode it again with: printf %s USER:PASSWORD | base64",
        cause="echo USER:PASSWORD | base64 encodes the line end of echo as well, and no registry"
        " accepts such a password.",
    ),
    "fallback.password-without-user": Message(
        "line {line}: auths has a password without a user name", _CORRECT
    ),
    "fallback.registry-token": Message(
        "auths has a registrytoken, which the credential helper protocol cannot carry"
    ),
    "fallback.entry-not-object": Message(
        "line {line}: auths has an entry that is not an object", _CORRECT
    ),
    "fallback.section-not-object": Message("line {line}: {section} is not an object", _CORRECT),
    "fallback.not-text": Message(
        "line {line}: {section} has a value that is not a string", _CORRECT
    ),
    "fallback.login-expired": Message(
        "the login expired at {when}",
        "docker login {host}",
        cause="The password or token contains the time at which it ends, and no registry accepts it"
        " after that. Other sources are asked.",
    ),
    "fallback.no-entry": Message("auths has no entry for this registry"),
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
