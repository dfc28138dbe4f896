"""Messages about requests of Bazel and of tools with the same protocol."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "bazel.no-uri": Message(
        "the request has no uri",
        "write it to standard input: "
        """echo '{{"uri":"https://HOST/PATH"}}' | docker-credential-multi bazel get""",
    ),
    "bazel.invalid-uri": Message("the URI of the request cannot be used: {reason}"),
    "bazel.unknown-host": Message(
        "{host} is not a registry of a built-in cloud, no rule names it, and no source has a login",
        'add a rule with match = "{host}" to the settings file',
    ),
    "bazel.no-rule": Message(
        "the path of the URI at {host} does not belong to a registry, and no rule names it",
        'add a rule with match = "{host}" and a provider to the settings file',
        cause="Without a rule for the host, a credential is sent only to its registry API (/v2/…),"
        " and not to package repositories or storage on the same host.",
    ),
    "bazel.no-credential": Message(
        "no source has a credential for {host}", "docker-credential-multi explain {host}"
    ),
    "bazel.not-anonymous": Message(
        "no source has a credential for {host}, and the registry gives no anonymous token:"
        " {reason}",
        "docker-credential-multi explain {host}",
    ),
    "bazel.no-token": Message("no token for {host}: {reason}"),
    "bazel.identity-token": Message(
        "the login to {host} from {source} is an identity token, which only the token endpoint of a"
        " registry takes"
    ),
    "bazel.anonymous": Message("no credential is sent to {host}: {reason}"),
}
