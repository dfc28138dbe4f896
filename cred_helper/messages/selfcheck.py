"""Messages about ``self-check``."""

from cred_helper.messages import Message

_AGAIN = "install it again, and compare its checksum with SHA256SUMS"

MESSAGES: dict[str, Message] = {
    # --- The file ---------------------------------------------------------------------------------
    "selfcheck.version": Message("version {version}, {kind}, Python {python}, {system}"),
    "selfcheck.unchanged": Message("every byte is as the build wrote it"),
    "selfcheck.changed": Message(
        "{path} is not as the build wrote it: its content is sha256:{digest}, and its last line has"
        " sha256:{recorded}",
        _AGAIN,
        cause="A broken download, a failing disk, or a program that changed the file. Nothing more"
        " is loaded from it: the other checks are left out.",
    ),
    "selfcheck.no-last-line": Message(
        "{path} does not end in the line with its checksum",
        _AGAIN,
        cause="The file was cut off or extended, or a program such as strip wrote it anew. The"
        " other checks are left out.",
    ),
    "selfcheck.unreadable": Message("cannot read {path}: {reason}"),
    "selfcheck.parts-only": Message(
        "the file has no checksum of the whole: only its parts are compared",
        "compare it with SHA256SUMS of its release: --sums",
        cause="On macOS and Windows a signature may follow the content, so the build writes no"
        " checksum at the end of the file.",
    ),
    "selfcheck.intact": Message("{count} parts match the checksums that the build recorded"),
    "selfcheck.damaged": Message(
        "{count} of {of_all} parts do not match the checksums that the build recorded: {names}",
        _AGAIN,
        cause="A broken download, a failing disk, or a file that was changed after it was built or"
        " installed.",
    ),
    "selfcheck.not-recorded": Message(
        "there are no recorded checksums: the program runs from its source",
        cause="An editable installation or a source folder has no checksums. The single file and a"
        " wheel have them.",
    ),
    "selfcheck.sum-matches": Message("the file is {name} of {sums}"),
    "selfcheck.sum-missing": Message(
        "{path} is not in {sums}, and its checksum is sha256:{digest}",
        "get SHA256SUMS of the release that the file is from",
    ),
    "selfcheck.sum-differs": Message(
        "the checksum of {path} is sha256:{digest}, and {sums} has another one for {name}", _AGAIN
    ),
    "selfcheck.sums-unreadable": Message("cannot read {sums}: {reason}"),
    "selfcheck.no-file": Message(
        "there is no single file to compare with {sums}: the program is installed as a package",
        "verify the wheel before it is installed: sha256sum --check",
    ),
    # --- Libraries --------------------------------------------------------------------------------
    "selfcheck.loaded": Message("{count} of {what} loaded"),
    "selfcheck.cannot-load": Message(
        "cannot load {module}: {error}",
        _AGAIN,
        cause="A library is missing or damaged, or needs a newer libc or another processor. The"
        " error's own text is not shown.",
    ),
    "selfcheck.openssl": Message("{version}"),
    "selfcheck.authorities": Message("{count} certificate authorities in {place}"),
    "selfcheck.no-authorities": Message(
        "no certificate authority in {place}", "set SSL_CERT_FILE to a CA bundle"
    ),
    # --- Exchanges --------------------------------------------------------------------------------
    "selfcheck.exchanged": Message(
        "the provider got a credential for {host} from a loopback server ({requests}, {took} ms)"
    ),
    "selfcheck.exchange-failed": Message(
        "no credential for {host} from a loopback server: {reason}",
        cause="The provider, its SDK or its libraries do not work here. The check uses neither the"
        " network nor your identities.",
    ),
    "selfcheck.refused": Message("the cloud would refuse the request {method} {host}{path}"),
    "selfcheck.other-credential": Message("the credential is not the one that was issued"),
    "selfcheck.left-out": Message("this build does not have the cloud"),
    "selfcheck.not-declared": Message(
        "the provider has no self-check", "add self_check.py to the folder of the provider"
    ),
    "selfcheck.no-loopback": Message(
        "no server can listen on 127.0.0.1: {reason}", "bring the loopback interface up"
    ),
    "selfcheck.no-files": Message(
        "{folder} cannot be written: {reason}", "mount /proc, or set TMPDIR to a folder of yours"
    ),
}
