"""Messages about defects and limits of this program."""

from cred_helper.messages import Message

_MEMORY_FILES = (
    "mount /proc, or set TMPDIR to a folder that only you can write to, on a file system that lets"
    " files be executed"
)

MESSAGES: dict[str, Message] = {
    "internal.fault": Message(
        "internal error: {error}{where}",
        "report it, with the output of docker-credential-multi version",
        cause="A defect of this program. The error's own text is not shown: it could be a secret.",
    ),
    "internal.no-memory": Message(
        "not enough memory", "raise the memory limit of the process: see ulimit -v"
    ),
    "internal.no-descriptors": Message(
        "too many open files", "raise the limit of open files: see ulimit -n"
    ),
    "internal.no-threads": Message(
        "no new thread can be started", "raise the limit of processes: see ulimit -u"
    ),
    "internal.file-size-limit": Message(
        "a file would exceed the limit of file sizes", "raise the limit: see ulimit -f"
    ),
    "internal.disk-full": Message("no space is left on the disk", "free space, or raise the quota"),
    "internal.cannot-load": Message(
        "cannot load {library}: memory files do not work here, and no folder can be used instead"
        " ({reasons})",
        _MEMORY_FILES,
        cause="The single file loads its libraries from memory files, or else from a folder. It"
        " uses a folder only where no other user can replace files in it.",
    ),
    "internal.cannot-start": Message(
        "cannot start: memory files do not work here, and no folder can be used instead",
        _MEMORY_FILES,
        cause="The static file starts itself from memory files, or else from a folder. It uses a"
        " folder only where no other user can replace files in it.",
    ),
    "internal.damaged": Message(
        "the file {path} is damaged",
        "install it again, and compare its checksum with SHA256SUMS",
        cause="A part of the single file does not match the checksum it was built with: a broken"
        " download or a failing disk.",
    ),
}
