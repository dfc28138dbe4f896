"""Messages about requests of registry clients."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # Clients compare the next two sentences byte for byte.
    # Source: docker-credential-helpers, credentials/error.go
    "client.no-server-url": Message("no credentials server URL"),
    "client.no-username": Message("no credentials username"),
    "client.no-credential": Message("no source has a credential"),
    "client.no-verb": Message(
        "usage: {program} {verbs}",
        "{program} --help lists the commands for people; kubelet's configuration needs args:"
        " [kubelet]",
    ),
    "client.unknown-verb": Message(
        "unknown action: {verb}", "{program} {verbs}; {program} --help lists the commands"
    ),
    "client.arguments": Message(
        "{verb} takes no arguments",
        "write the server URL to standard input: echo HOST | {program} {verb}",
    ),
    "client.too-long": Message("standard input is over {limit} MiB"),
    "client.no-input": Message(
        "standard input is neither written nor closed within {seconds} s",
        cause="The client started this program and then sent nothing.",
    ),
    "client.other-protocol": Message(
        "standard input is a JSON document, and get and erase take a server URL",
        "Bazel calls docker-credential-multi bazel get; kubelet calls"
        " docker-credential-multi kubelet",
        cause="Bazel and kubelet have their own protocols. The first argument, or the name of the"
        " link that starts the program, selects one.",
    ),
    "client.not-utf": Message("standard input is not UTF-8"),
    "client.not-json": Message("standard input is not a JSON document"),
    "client.not-object": Message("standard input is not a JSON object"),
    "client.not-text": Message("{field} in standard input is not a string"),
    "client.cannot-list": Message("{source} cannot be listed: {reason}"),
    "client.usage": Message("{reason}", "{command}"),
    "client.command-failed": Message("{reason}"),
    "client.aborted": Message("aborted"),
    "client.input-output": Message("{place}: {cause}"),
    "client.output-closed": Message("standard output is closed: nothing can be shown"),
    # Why a server URL has no built-in provider, for explain
    "client.url-empty": Message("it is empty"),
    "client.cannot-write": Message("standard output cannot be written: {problem}"),
    "client.url-not-ascii": Message("it has a character outside ASCII"),
    "client.url-control-character": Message("it has a control character"),
    "client.url-scheme": Message("its scheme is not https"),
    "client.url-user-information": Message("it has user information"),
    "client.url-dot-segment": Message("its path has . or .. as a part"),
    "client.url-no-host": Message("it has no host"),
    "client.url-final-dot": Message("its host ends in a dot"),
    "client.url-long-host": Message("its host is longer than a DNS name can be"),
    "client.url-empty-label": Message("its host has an empty label"),
    "client.url-not-dns": Message("its host does not consist of DNS labels"),
    "client.url-other-port": Message("its port is not 443"),
}
