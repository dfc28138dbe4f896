"""Messages about our own store of logins."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "store.answered-otherwise": Message(
        "the login to {host} is not kept: {source} answers for it",
        "to have it kept, name a helper for {host} under credHelpers in docker's config.json",
        cause="A token of the cloud, or the answer of a rule, comes before a login here.",
    ),
    "store.no-entry": Message("no login to this registry"),
    "store.not-a-file": Message(
        "it is not a regular file but a folder, pipe, socket or device", "move it away"
    ),
    "store.cannot-read": Message("cannot be read: {problem}"),
    "store.cannot-write": Message(
        "cannot be written: {problem}",
        cause="The disk is full, or the folder is read-only. The logins in it are unchanged.",
    ),
    "store.no-folder": Message("its folder cannot be made: {problem}"),
    "store.cannot-lock": Message("cannot be locked: {problem}"),
    "store.locked": Message("another process has kept it locked for {limit} s"),
    "store.lock-left": Message(
        "{lock} exists: another login is at work, or was killed",
        "remove {lock} if no login is at work",
        cause="The file system has no locks (NFS without lockd, for example), so that this file"
        " stands in for one. It stays when a login is killed.",
    ),
    "store.foreign-file": Message(
        "it belongs to another user (uid {uid})", "find out who made {path}"
    ),
    "store.foreign-folder": Message(
        "its folder belongs to another user (uid {uid})",
        "remove {folder}, or set XDG_DATA_HOME to a folder of yours",
        cause="The owner of the folder could read or replace the logins kept in it.",
    ),
    "store.not-ours": Message("line 1: not a store of docker-credential-multi"),
    "store.bad-entry": Message("line {line}: invalid entry"),
    "store.other-version": Message("written by another version of this program (format {format})"),
    "store.closed": Message("{path} was open to other users; its mode is 0600 now"),
    "store.moved-aside": Message("{path} could not be read ({reason}); it is {aside} now"),
    "store.not-moved-aside": Message("cannot be moved aside: {problem}"),
}
