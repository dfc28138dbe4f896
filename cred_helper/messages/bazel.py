"""Messages about requests of Bazel and of the tools that share its protocol."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "bazel.no-uri": Message(
        "the request has no uri",
        """write it to standard input: echo '{{"uri":"https://HOST/PATH"}}' | PROGRAM get""",
    ),
    "bazel.invalid-uri": Message("the URI of the request is not used: {reason}"),
    "bazel.unknown-host": Message(
        "{host} is not a registry of a built-in cloud, no rule names it, and no source has a login",
        'a rule with match = "{host}" in the settings file makes it one to answer for',
    ),
    "bazel.no-rule": Message(
        "the path of the URI at {host} does not belong to a registry, and no rule names it",
        'a rule with match = "{host}" and a provider in the settings file makes it one to answer'
        " for",
        cause="A credential is sent for the registry API of a host (/v2/…) alone, unless a rule "
        "names the host: package repositories and storage are for others to decide on.",
    ),
    "bazel.no-credential": Message(
        "no source has a credential for {host}", "docker-credential-multi explain {host}"
    ),
    "bazel.not-anonymous": Message(
        "no source has a credential for {host}, and without one: {reason}",
        "docker-credential-multi explain {host}",
    ),
    "bazel.no-token": Message("no token for {host}: {reason}"),
    "bazel.identity-token": Message(
        "the login to {host} from {source} is an identity token, which only the token endpoint of a"
        " registry takes"
    ),
    "bazel.anonymous": Message("no credential is sent to {host}: {reason}"),
}
