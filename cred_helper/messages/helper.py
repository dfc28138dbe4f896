"""Messages about other credential helpers."""

from cred_helper.messages import Message

_TIMEOUT = "DOCKER_CREDENTIAL_MULTI_HELPER_TIMEOUT_S is how long a helper may take"

MESSAGES: dict[str, Message] = {
    # --- Finding it -------------------------------------------------------------------------------
    "helper.bad-name": Message(
        "not a helper's name, which has only letters, digits, '.', '_' and '-'",
        "write the helper's name without docker-credential- and without a path",
    ),
    "helper.full-name": Message(
        "{named_by} names {name}, the full name of a helper",
        "write {short} instead of {name} in {named_by}",
        cause="Clients put docker-credential- in front of the name that a configuration file has.",
    ),
    "helper.not-on-path": Message(
        "not on PATH, and {named_by} names it",
        "install {program}, or take {name} out of {named_by}",
        cause="A configuration file names a helper that is not installed, or that is in a folder"
        " which is not on the PATH of the client's process.",
    ),
    "helper.ourselves": Message("this is docker-credential-multi itself"),
    "helper.loop": Message(
        "credential helper loop: {helper} called back for {host}",
        "take one of the two helpers out of docker's config.json",
        cause="docker-credential-multi asks a helper that asks docker-credential-multi.",
    ),
    # --- Running it -------------------------------------------------------------------------------
    "helper.not-started": Message("cannot be started: {problem}"),
    "helper.timeout": Message(
        "no answer within {seconds} s",
        _TIMEOUT,
        cause="The helper hangs: its keychain waits to be unlocked, or it has no network.",
    ),
    "helper.hung-before": Message(
        "did not answer some minutes ago and is not asked again yet",
        "name it as credsStore in docker's config.json to have it asked every time",
    ),
    "helper.hangs": Message(
        "{helper} did not answer within {seconds} s; it is not asked again for {minutes} min",
        "unlock the system keychain, or name another credsStore in docker's config.json",
    ),
    "helper.too-long": Message("its answer is over {limit} MiB"),
    "helper.killed": Message("ended by {signal}"),
    "helper.failed": Message(
        "exit status {status}",
        cause="The helper failed and said nothing that can be shown.",
        cure="Run the helper by hand: echo HOST | docker-credential-NAME get",
    ),
    "helper.says": Message(
        "exit status {status}: {said}", cause="The helper failed; these are its own words."
    ),
    "helper.no-keyring": Message(
        "exit status {status}: {said}",
        "use the helper pass, or no fallback_helper: logins are then in a file of this program",
        cause="The helper secretservice needs a keyring in a session of a desktop. Sessions over"
        " ssh, CI jobs and services have none.",
    ),
    "helper.item-taken": Message(
        "exit status {status}: {said}",
        "delete the registry's item in Keychain Access, then log in again",
        cause="The item belongs to another program, or to another version of the helper: macOS does"
        " not let this helper replace it.",
    ),
    "helper.locked": Message(
        "it has a login for this registry and does not work: {problem}",
        "unlock the system keychain",
    ),
    "helper.unsupported": Message("it does not have this action"),
    # --- Its answer -------------------------------------------------------------------------------
    "helper.no-credential": Message("no credential for this registry"),
    "helper.empty-answer": Message("its answer is empty"),
    "helper.not-utf": Message("its answer is not UTF-8"),
    "helper.no-object": Message("its answer is not a JSON object"),
    "helper.not-a-credential": Message("its answer has no credential"),
    "helper.not-text": Message("its answer has a Username or Secret that is not a string"),
    "helper.no-username": Message("its answer has no Username"),
    "helper.no-secret": Message("its answer has no Secret"),
    # --- Logins -----------------------------------------------------------------------------------
    "helper.cannot-keep": Message("{helper} cannot keep the login to {host}: {reason}"),
    "helper.cannot-erase": Message("{helper} cannot erase the login to {host}: {reason}"),
    "helper.keychain-failed": Message("{helper} does not work here: {reason}"),
    "helper.kept-elsewhere": Message(
        "{helper} does not work here ({reason}); the login is kept in {store}"
    ),
}
