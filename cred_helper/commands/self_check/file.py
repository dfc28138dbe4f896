"""Whether this file is what was built and published."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Generator, Iterator
from typing import Any

from cred_helper import __version__
from cred_helper.commands.doctor.finding import ERROR, Finding, error, note, ok
from cred_helper.commands.self_check import last_line, payload
from cred_helper.files.os_errors import os_reason

_SUBJECT = "file"
_SUMS = "SHA256SUMS"
_MAX_SUMS_BYTES = 1 << 20
_MOST_NAMED = 3


def file(sums: str | None) -> Generator[Finding, None, bool]:
    """Compare file and parts with what the build recorded, and the file with a list of checksums.

    Without ``sums``, the list is ``SHA256SUMS`` or ``NAME.sha256`` beside the file, if it is there.
    Returns false for a single file that is damaged: nothing more should be loaded from it.
    """
    kind = "one file" if payload.is_frozen() else "a package"
    system = f"{platform.system()} {platform.machine()}"
    values = {"version": __version__, "kind": kind, "python": platform.python_version()}
    yield ok(_SUBJECT, "selfcheck.version", **values, system=system)
    whole = _whole(sys.executable) if payload.is_frozen() else None
    if whole:
        yield whole
    yield _parts()
    if payload.is_frozen():
        yield from _summed(sys.executable, sums)
    elif sums:
        yield error(_SUBJECT, "selfcheck.no-file", sums=sums)
    return whole is None or whole.severity != ERROR


def _whole(path: str) -> Finding:
    """Compare every byte of the single file with the checksum in its last line."""
    try:
        compared = last_line.compare(path)
    except OSError as failure:
        return error(_SUBJECT, "selfcheck.unreadable", path=path, reason=os_reason(failure))
    if compared is None:
        return note(_SUBJECT, "selfcheck.parts-only")
    digest, recorded = compared
    if recorded is None:
        return error(_SUBJECT, "selfcheck.no-last-line", path=path)
    if digest != recorded:
        return error(_SUBJECT, "selfcheck.changed", path=path, digest=digest, recorded=recorded)
    return ok(_SUBJECT, "selfcheck.unchanged")


def _parts() -> Finding:
    found = list(payload.parts())
    if not found:
        return note(_SUBJECT, "selfcheck.not-recorded")
    damaged = [name for name, is_intact in found if not is_intact]
    if not damaged:
        return ok(_SUBJECT, "selfcheck.intact", count=len(found))
    names = ", ".join(damaged[:_MOST_NAMED]) + (", …" if len(damaged) > _MOST_NAMED else "")
    values: dict[str, Any] = {"count": len(damaged), "of_all": len(found), "names": names}
    return error(_SUBJECT, "selfcheck.damaged", **values)


def _summed(path: str, sums: str | None) -> Iterator[Finding]:
    beside = (os.path.join(os.path.dirname(path), _SUMS), f"{path}.sha256")
    named = sums or next(filter(os.path.isfile, beside), None)
    if named is None:
        return
    try:
        with open(named, encoding="utf-8", errors="replace") as text:
            lines = [line.split(maxsplit=1) for line in text.read(_MAX_SUMS_BYTES).splitlines()]
        with open(path, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as failure:
        yield error(_SUBJECT, "selfcheck.sums-unreadable", sums=named, reason=os_reason(failure))
        return
    listed = {words[1].lstrip("*").strip(): words[0].lower() for words in lines if len(words) == 2}
    values = {"path": path, "sums": named, "digest": digest}
    name = next((name for name, known in listed.items() if known == digest), None)
    own = os.path.basename(path)
    if name is not None:
        yield ok(_SUBJECT, "selfcheck.sum-matches", name=name, sums=named)
    elif own in listed:
        yield error(_SUBJECT, "selfcheck.sum-differs", name=own, **values)
    elif sums:
        yield error(_SUBJECT, "selfcheck.sum-missing", **values)
    else:  # it may be of something else
        yield note(_SUBJECT, "selfcheck.sum-missing", **values)
