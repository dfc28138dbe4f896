"""Messages about all built-in providers."""

from cred_helper.messages import DEADLINE, Message

MESSAGES: dict[str, Message] = {
    # Why an identity source is skipped.
    "provider.comes-first": Message("{source} comes first"),
    "provider.variable-not-set": Message("{variable} is not set"),
    "provider.program-not-on-path": Message("{program} is not on PATH"),
    "provider.program-by-relative-path": Message(
        "{program} is on PATH only by a relative folder, which is not used"
    ),
    # Programs that give a token or keys; ``program`` names one with its article.
    "provider.program-not-started": Message(
        "{program} cannot be started: {reason}", "check the program's path"
    ),
    "provider.program-timeout": Message(
        "{program} did not end within {seconds} s",
        cause="A program that gives a token waits for a network, for another program or for input,"
        " which it cannot get here.",
        cure="Run the program by hand to see what it waits for.",
    ),
    "provider.program-output-too-long": Message("{program} writes more than {limit}"),
    "provider.sdk-failed": Message("the SDK failed with {error}"),
    "provider.no-answer": Message(
        "no answer{waiting} within {seconds} s",
        DEADLINE,
    ),
    "provider.short-life": Message(
        "the new credential for {host} from {provider} lives for {left}, and min_remaining_life is"
        " {wanted}",
        "lower min_remaining_life, or have the cloud give out longer sessions",
        cause="The cloud sets how long its tokens live. A build that takes longer may lose its"
        " login on the way.",
    ),
    "provider.anonymous": Message(
        "{reason}; the client continues without a credential",
        cause="The registry is public, or the setting on_error is anonymous.",
    ),
    "provider.not-a-flag": Message("the option {name} is neither true nor false"),
    "provider.no-credential": Message("no credential for {host} from {source}: {reason}"),
}
