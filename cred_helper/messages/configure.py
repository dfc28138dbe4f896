"""Messages about ``configure`` and the files that it reads and writes."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # --- Files ------------------------------------------------------------------------------------
    "configure.not-a-file": Message(
        "{path} is not a regular file but a folder, pipe, socket or device",
        "put a regular file in its place, or remove it",
    ),
    "configure.unreadable": Message("{path} cannot be read: {cause}"),
    "configure.unwritable": Message("{path} cannot be written: {cause}"),
    "configure.mounted": Message(
        "{path} cannot be written: {cause}",
        "it is mounted by itself: change it where it comes from, or mount its folder",
    ),
    "configure.mounted-read-only": Message(
        "{path} cannot be written: {cause}",
        "it is mounted for reading only: change it where it comes from",
    ),
    "configure.not-text": Message("{path} is not UTF-8"),
    "configure.changed": Message(
        "{path} was changed by another program at the same time: nothing is written to it",
        "run this again",
    ),
    "configure.not-json": Message("{path}:{line}: this is not JSON"),
    "configure.not-an-object": Message("{path}:{line}: this is not a JSON object"),
    "configure.member-not-an-object": Message("{path}:{line}: {member} is not an object"),
    "configure.too-deep": Message("{path}:1: this is nested too deeply"),
    "configure.link": Message("{path}: {cause}"),
    "configure.not-a-record": Message(
        "{path} is not a record of configure",
        "remove it; then undo by hand what configure changed before",
    ),
    # --- podman's registries.conf -----------------------------------------------------------------
    "configure.registries-not-toml": Message("{path} is not TOML in UTF-8"),
    "configure.registries-deep-key": Message("{path}:{line}: a key has more than {limit} dots"),
    "configure.registries-not-a-list": Message("{path}: {key} is not a list of names"),
    "configure.registries-mixed": Message(
        "{path} mixes [registries] tables of the first format with keys of the second",
        "write [[registry]] tables in their place; see containers-registries.conf(5)",
    ),
    # --- What is proposed -------------------------------------------------------------------------
    "configure.not-a-terminal": Message(
        "standard input is not a terminal: nothing is written", "use --yes to write without asking"
    ),
    "configure.not-installed": Message(
        "docker-credential-multi is not installed: there is no file to link to"
    ),
    "configure.docker-refuses": Message(
        "{reason}: docker warns at every command, and every program that uses the library of "
        "docker refuses the whole file"
    ),
    "configure.helper-displaced": Message("{helper} answered for {key}: it is not asked any more"),
    "configure.helper-replaced": Message(
        "{helper} answered for {key}: the built-in provider answers now"
    ),
    "configure.store-replaced": Message(
        "credsStore was {helper}: the built-in provider takes its place"
    ),
    "configure.store-not-a-helper": Message(
        "credsStore was not a helper's name: it does not become the fallback (the value is"
        " not shown)"
    ),
    "configure.store-missing": Message(
        "credsStore was {helper}, and {program} is not on PATH: it does not become the fallback"
    ),
    "configure.store-not-fallback": Message(
        "credsStore was {helper}; the fallback remains the fallback_helper of {origin}"
    ),
    "configure.store-is-fallback": Message(
        "credsStore was {helper}: it still answers for all other registries"
    ),
    "configure.folder-not-on-path": Message("{path} is not on PATH: clients do not look there"),
    "configure.link-exists": Message("{path} exists already: it is left as it is"),
    "configure.link-shadowed": Message(
        "there is {path} as well: the first of the two on PATH is started"
    ),
    "configure.podman-remote": Message(
        "podman here is a remote client, which asks helpers only for the keys of credHelpers: add "
        "a host with --registry HOST"
    ),
    "configure.changed-since": Message("{path} was changed since: it is left as it is"),
}
