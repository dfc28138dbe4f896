"""Changes to files of other programs, with a diff to show first and a record to undo them.

A file is replaced as a whole and keeps its mode, owner and extended attributes. If its content has
changed since the diff, it is not replaced. A symbolic link stays a link. A diff never contains a
value that can be a secret.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from cred_helper.commands.configure import raw_json
from cred_helper.errors import Misconfigured
from cred_helper.fallback.dockerconfig import spelling
from cred_helper.files import atomic_file
from cred_helper.files.fingerprints import digest
from cred_helper.files.json_file import ParsedJson, read_regular
from cred_helper.files.os_errors import os_reason
from cred_helper.record import Record


class Change(Protocol):
    """A change that can be shown and applied."""

    def diff(self) -> str:
        """The change as text, with masks for values that can be secret."""
        ...

    def apply(self) -> None:
        """Apply the change. Raises ``Misconfigured``."""
        ...


# The members that are not masked, in lower case: docker ignores the case of their names.
_OPEN_MEMBERS = frozenset({"credhelpers", "credsstore"})
_HELPER_NAME = re.compile(r"[\w.-]{0,64}")
_MASK = '"…"'
# A write takes milliseconds: a temporary file of this age is not in use.
_LEFTOVER_S = 60.0
_BOM = "\ufeff"
# A container's files: docker run -v FILE:FILE, and Kubernetes' subPath, configMap and secret.
_UNWRITABLE = {errno.EBUSY: "configure.mounted", errno.EROFS: "configure.mounted-read-only"}


class FileChange(Record):
    """The content of one file before and after; ``None`` if the file does not exist.

    ``show`` masks the values of a text that can be secret.
    """

    path: Path
    before: str | None
    after: str | None
    show: Callable[[str], str] = str

    def diff(self) -> str:
        lines = difflib.unified_diff(
            self.show(self.before or "").splitlines(),
            self.show(self.after or "").splitlines(),
            fromfile=str(self.path) if self.before is not None else os.devnull,
            tofile=str(self.path) if self.after is not None else os.devnull,
            n=0,
            lineterm="",
        )
        return "\n".join(line for line in lines if not line.startswith("@@"))

    def apply(self) -> None:
        """Replace, create or remove the file.

        Raises:
            Misconfigured: the file cannot be written, or another program has changed it.
        """
        target = Path(os.path.realpath(self.path))

        def check() -> None:
            if read(target) != self.before:
                raise Misconfigured("configure.changed", path=self.path)

        try:
            if self.after is None:
                check()
                target.unlink()
                _remove_leftovers(target)
            else:
                atomic_file.make_folders(str(target.parent), 0o700)
                _remove_leftovers(target)
                content = self.after.encode("utf-8")
                atomic_file.replace(
                    str(target), content, durable=True, keep_attributes=True, check=check
                )
        except OSError as error:
            code = _UNWRITABLE.get(error.errno or 0, "configure.unwritable")
            raise Misconfigured(code, path=self.path, cause=os_reason(error)) from None


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary files that killed processes have left beside a file."""
    for path in target.parent.iterdir():
        if atomic_file.final_name(path.name) != target.name:
            continue
        with contextlib.suppress(OSError):  # another process was quicker
            if time.time() - path.stat().st_mtime > _LEFTOVER_S:
                path.unlink()


def masked(text: str) -> str:
    """A JSON object with every value but ``{}`` and the names of helpers replaced by ``…``.

    If several members have one name, each is masked.
    """
    text = text.removeprefix(_BOM)
    try:
        json.loads(text)
        members = raw_json.members(text)
    except (ValueError, RecursionError):
        return _MASK if text.strip() else text
    for member in reversed(members):
        value = text[member.value_start : member.end]
        is_open = member.name.lower() in _OPEN_MEMBERS and _names_helpers(value)
        if not is_open and value != "{}":
            text = text[: member.value_start] + _MASK + text[member.end :]
    return text


def _names_helpers(raw: str) -> bool:
    """Whether a value is the name of a helper, or an object of such names by host."""
    # Objects become lists of pairs, which keep every member of one name.
    value = json.loads(raw, object_pairs_hook=list)
    pairs = value if raw.startswith("{") else [("", value)]
    return not any(
        "@" in host or not isinstance(name, str) or not _HELPER_NAME.fullmatch(name)
        for host, name in pairs
    )


class LinkChange(NamedTuple):
    """A symbolic link to make or, without a target, to remove."""

    path: Path
    target: str | None

    def diff(self) -> str:
        return f"+ {self.path} -> {self.target}" if self.target else f"- {self.path}"

    def apply(self) -> None:
        try:
            if self.target is None:
                self.path.unlink(missing_ok=True)
            else:
                atomic_file.make_folders(str(self.path.parent), 0o755)
                self.path.symlink_to(self.target)
        except OSError as error:
            cause = os_reason(error)
            raise Misconfigured("configure.link", path=self.path, cause=cause) from None


def read(path: Path) -> str | None:
    """Read a file as text; ``None`` where it does not exist.

    Raises:
        Misconfigured: it cannot be read, is not a regular file, or is not UTF-8.
    """
    try:
        return read_regular(str(path)).decode("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.exists() and not path.is_file():
            raise Misconfigured("configure.not-a-file", path=path) from None
        raise Misconfigured("configure.unreadable", path=path, cause=os_reason(error)) from None
    except UnicodeDecodeError:
        raise Misconfigured("configure.not-text", path=path) from None


class JsonEdit:
    """Members of one JSON file to set or, with ``None``, to remove, as raw JSON texts.

    The case of the outermost name does not matter, as in docker. An existing member keeps its place
    in the file.
    """

    def __init__(self, path: Path, text: str | None) -> None:
        self.path = path
        self.text = text
        self._json = (text or "").removeprefix(_BOM)
        self.wanted: dict[tuple[str, ...], str | None] = {}
        try:
            # A number may have more digits than Python converts: docker does not read it.
            document = json.loads(self._json, parse_int=str) if self._json.strip() else {}
        except json.JSONDecodeError as error:
            raise Misconfigured("configure.not-json", path=path, line=error.lineno) from None
        except RecursionError:
            raise self._too_deep() from None
        if not isinstance(document, dict):
            raise Misconfigured("configure.not-an-object", path=path, line=1)

    def _too_deep(self) -> Misconfigured:
        return Misconfigured("configure.too-deep", path=self.path)

    def now(self, *keys: str) -> str | None:
        """The raw value at a path of the file; ``None`` if it is absent or null."""
        found = self._raw(*keys)
        return None if found == "null" else found

    def _raw(self, *keys: str) -> str | None:
        if not self._json.strip():
            return None
        try:
            spelt = _spelt(self._json, keys)
            return raw_json.get(self._json, *spelt)
        except ValueError:
            line = ParsedJson(self._json.encode()).line_of(spelt[0])
            values: dict[str, Any] = {"path": self.path, "line": line, "member": keys[0]}
            raise Misconfigured("configure.member-not-an-object", **values) from None
        except RecursionError:
            raise self._too_deep() from None

    def set(self, raw: str | None, *keys: str) -> None:
        if self.now(*keys) != raw:
            self.wanted[keys] = raw

    def change(self) -> FileChange:
        if not self.wanted:
            return FileChange(self.path, self.text, self.text, masked)
        mark = _BOM if (self.text or "").startswith(_BOM) else ""
        try:
            *_, text = self._edits()
        except RecursionError:
            raise self._too_deep() from None
        return FileChange(self.path, self.text, mark + text, masked)

    def _edits(self) -> Iterator[str]:
        """The text before and after each single edit."""
        text = self._json
        yield text
        if not text.strip():
            text = "{}\n"
            yield text
        for keys, raw in self.wanted.items():
            if raw is not None:
                text = raw_json.put(text, raw, *_spelt(text, keys))
                yield text
                continue
            while raw_json.get(text, *_spelt(text, keys)) is not None:
                text = raw_json.remove(text, *_spelt(text, keys))
                yield text
            # An object that is empty now is removed too.
            around = _spelt(text, keys)[:-1]
            if around and raw_json.get(text, *around) == "{}":
                text = raw_json.remove(text, *around)
                yield text

    def record(self) -> dict[str, Any]:
        """The data for an undo: replaced parts for an unchanged file, values for a changed one."""
        return {
            "kind": "json",
            "path": str(self.path),
            "created": self.text is None,
            "written": digest([self.change().after or ""]),
            "splices": [_splice(before, after) for before, after in pairwise(self._edits())],
            "displaced": [
                {"keys": list(keys), "old": self._raw(*keys), "new": raw}
                for keys, raw in self.wanted.items()
            ],
        }


def _spelt(text: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """A path with its outermost name as the text spells it."""
    return (spelling(raw_json.names(text), keys[0]) or keys[0], *keys[1:])


def _common(one: str, other: str) -> int:
    """The length of the beginning that two texts share."""
    return len(os.path.commonprefix((one, other)))  # noqa: RUF071 - of texts, not of paths


def _splice(before: str, after: str) -> list[int | str]:
    """The smallest replacement that turns a text into another: offset, old part, new part."""
    at = _common(before, after)
    tail = _common(before[at:][::-1], after[at:][::-1])
    return [at, before[at : len(before) - tail], after[at : len(after) - tail]]


def unedited(record: dict[str, Any], text: str | None) -> str | None:
    """The text before a recorded edit; byte for byte, if the file is unchanged since."""
    if text is not None and digest([text]) == record["written"]:
        return _uncut(record, text)
    edit = JsonEdit(Path(record["path"]), text)
    for displaced in record["displaced"]:
        keys = tuple(displaced["keys"])
        # A value that another program has set since stays.
        if edit.now(*keys) == displaced["new"]:
            edit.wanted[keys] = displaced["old"]
    return edit.change().after


def _uncut(record: dict[str, Any], text: str) -> str | None:
    if record["created"]:
        return None
    mark = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    for at, old, new in reversed(record["splices"]):
        text = text[:at] + old + text[at + len(new) :]
    return mark + text
