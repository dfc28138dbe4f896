"""Writes the memo of an answer: the files and variables that the answer depends on.

The launcher of the frozen file (``packaging/launcher/memo.c``) reads it before Python starts. It
reads the same files and variables, and repeats the answer if they are unchanged. A memo contains no
secret: the token is in its cache entry, and one digest stands for all contents. It is written after
the reply, and only if the call did nothing but read and reply.

Source: packaging/docs/memo.md (the format, and why a memo cannot answer for another identity)
"""

from __future__ import annotations

import os
import sys
from time import time

from cred_helper.cache import MEMO, default_folder, memo_is_over
from cred_helper.errors import CREDENTIALS_NOT_FOUND
from cred_helper.files.fingerprints import digest
from cred_helper.files.private_folder import PrivateFolder
from cred_helper.files.recording import FOUND, Recording

TITLE = "docker-credential-multi memo 1"
# The limits of the launcher.
MAX_REQUEST_BYTES = 1 << 10
MAX_MEMO_BYTES = 64 << 10
# More server URLs than one machine asks for. The memo above this number removes all others.
MAX_MEMOS = 256
# A not-found answer depends on files and variables alone, and would not expire. The hour limits the
# effect of a mistake in this module.
NOT_FOUND_FOR_S = 3600.0

# Modules that read what the recording does not have, or that do more than read. A get that loads
# one of them writes no memo. A test compares this list with the calls in the modules.
UNRECORDED = frozenset(
    (
        *("_ctypes", "_posixsubprocess", "_socket", "_ssl", "grp", "mmap", "pwd", "select"),
        *("subprocess", "tempfile", "cred_helper.cache.renewal", "cred_helper.cache.sealing"),
        *("cred_helper.commands", "cred_helper.headers"),
        *("cred_helper.log", "cred_helper.programs.supervised", "cred_helper.pulls"),
        *("cred_helper.providers.common.timeout", "cred_helper.registry", "cred_helper.stores"),
    )
)


def keep(
    recording: Recording, build: str, arguments: list[str], document: bytes, status: int
) -> bool:
    """Write the memo of a call, if the call can be repeated; return whether there is one now.

    ``build`` identifies the program.
    """
    reply = _reply(recording, document, status)
    folder_path = default_folder(os.environ)
    if reply is None or folder_path is None:
        return False
    folder, now = PrivateFolder(folder_path), time()
    until_s = recording.until_s if recording.secret else now + NOT_FOUND_FOR_S
    name = f"{digest([build, *map(os.fsencode, arguments), recording.request])}.{MEMO}"
    # Rounded up, so that it is never before the creation of the token.
    times = b"%d %d %d" % (now * 1000 + 1, until_s * 1000, status)
    head, questions = reply
    results = dict(zip(questions, recording.results.values(), strict=True))
    old = folder.read(name, MAX_MEMO_BYTES) or b""
    if not memo_is_over(old, now) and old == encode(name, [old.split(b"\n", 2)[1], *head], results):
        return True
    content = encode(name, [times, *head], results)
    if len(content) > MAX_MEMO_BYTES:
        return False
    others = [other for other in folder.names() if other.endswith(f".{MEMO}")]
    if len(others) >= MAX_MEMOS:
        for other in others:
            folder.remove(other)
    return folder.write(name, content)


def _reply(
    recording: Recording, document: bytes, status: int
) -> tuple[list[bytes], list[bytes]] | None:
    """The lines of the reply and of the questions; ``None`` if the call cannot be repeated."""
    if not recording.is_plain or UNRECORDED & sys.modules.keys():
        return None
    if not recording.request or len(recording.request) > MAX_REQUEST_BYTES:
        return None
    questions = [*recording.results]
    if not recording.secret:
        is_plain = status == 1 and document == f"{CREDENTIALS_NOT_FOUND}\n".encode()
        return ([b"0 0", document[:-1], b""], questions) if is_plain else None
    secret = recording.secret.encode()
    head, _, tail = document.partition(secret)
    line = b"\nsecret=" + secret + b"\n"
    place = next((q for q in questions if q[:1] == b"E" and line in recording.results[q]), None)
    if status or place is None or document.count(secret) != 1:
        return None
    if tail[-1:] != b"\n" or b"\n" in head + tail[:-1]:
        return None
    at = recording.results[place].index(line) - len(FOUND) + len(b"\nsecret=")
    questions[questions.index(place)] = b"T" + place[1:]
    return [b"%d %d" % (at, len(secret)), head, tail[:-1]], questions


def encode(name: str, head: list[bytes], results: dict[bytes, bytes]) -> bytes:
    """The lines of a memo.

    The last line is a digest of its name, its lines and the results of its questions. The results
    are in the digest only.
    """
    user = b""
    if sys.platform != "win32":
        user = b"=%d %d" % (os.getuid(), os.geteuid())
    head = [TITLE.encode(), *head]
    parts: list[str | bytes] = [name, b"".join(line + b"\0" for line in head), user]
    for question, result in results.items():
        parts += question, result
    return b"\n".join([*head, *results, digest(parts).encode(), b""])
