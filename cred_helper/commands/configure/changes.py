"""Changes to files of other programs: shown before they are made, whole at every moment, undoable.

Never writes half a file: the new one is made beside the old one, with its mode and owner, and takes
its place in one step; a link stays a link. Never shows what could be a secret.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cred_helper.commands.configure import raw_json
from cred_helper.errors import Misconfigured
from cred_helper.fallback.dockerconfig import spelling
from cred_helper.files.fingerprints import digest
from cred_helper.files.json_file import Document, trouble
from cred_helper.files.private_folder import make_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Change(Protocol):
        """Something that would be different afterwards."""

        def diff(self) -> str:
            """The difference, for a person, without what could be a secret."""
            ...

        def apply(self) -> None:
            """Make it so, or raise ``Misconfigured``."""
            ...


# A config.json on one line would show its neighbours' secrets with the line: of such a file only
# these members are shown as they are.
_OPEN_MEMBERS = frozenset({"credhelpers", "credsstore"})  # in any case
_SECRET_MEMBER = re.compile(
    r'("(?:auth|password|identitytoken|registrytoken)"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE
)
_BOM = "\ufeff"
# Of a container's files: docker run -v FILE:FILE, and Kubernetes' subPath, configMap and secret.
_HINTS = {
    errno.EBUSY: "it is mounted by itself: change it where it comes from, or mount its folder",
    errno.EROFS: "it is mounted for reading only: change it where it comes from",
}


class FileChange:
    """One file as it is and as it would be; ``None`` stands for no file."""

    def __init__(self, path: Path, before: str | None, after: str | None) -> None:
        self.path = path
        self.before = before
        self.after = after

    @property
    def is_change(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after

    def diff(self) -> str:
        """The difference, as people read one, with what could be a secret masked."""
        lines = difflib.unified_diff(
            _masked(self.before or "").splitlines(),
            _masked(self.after or "").splitlines(),
            fromfile=str(self.path) if self.before is not None else os.devnull,
            tofile=str(self.path) if self.after is not None else os.devnull,
            n=0,
            lineterm="",
        )
        shown = "\n".join(line for line in lines if not line.startswith("@@"))
        return _SECRET_MEMBER.sub(r'\1"…"', shown)

    def apply(self) -> None:
        """Put the new file in the old one's place.

        Raises:
            Misconfigured: the file cannot be written, or another program has changed it meanwhile.
        """
        target = Path(os.path.realpath(self.path))
        try:
            if read(target) != self.before:
                raise Misconfigured(f"{self.path} has changed meanwhile", hint="run this again")
            if self.after is None:
                target.unlink()
            else:
                _replace(target, self.after.encode("utf-8"))
        except OSError as error:
            reason = f"{self.path} cannot be written: {trouble(error)}"
            raise Misconfigured(reason, hint=_HINTS.get(error.errno or 0)) from None


def _masked(text: str) -> str:
    """A JSON object with no more in it than what changes are about; any other text as it is."""
    text = text.removeprefix(_BOM)
    try:
        members = json.loads(text)
        for name in members if isinstance(members, dict) else ():
            if name.lower() not in _OPEN_MEMBERS:
                text = raw_json.put(text, '"…"', name)
    except ValueError:
        pass
    except RecursionError:
        return "…"
    return text


class LinkChange:
    """A symbolic link that would be made or, without a target, taken away."""

    def __init__(self, path: Path, target: str | None) -> None:
        self.path = path
        self.target = target

    def diff(self) -> str:
        """The link, as a line of a difference."""
        return f"+ {self.path} -> {self.target}" if self.target else f"- {self.path}"

    def apply(self) -> None:
        """Make or remove the link. Raises ``Misconfigured`` where the system does not let us."""
        try:
            if self.target is None:
                self.path.unlink(missing_ok=True)
            else:
                make_folder(self.path.parent, 0o755)
                self.path.symlink_to(self.target)
        except OSError as error:
            raise Misconfigured(f"{self.path}: {(error.strerror or str(error)).lower()}") from None


def read(path: Path) -> str | None:
    """Read a file as text; ``None`` where there is none.

    Raises:
        Misconfigured: it cannot be read, or is not UTF-8.
    """
    try:
        return _read(path)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {trouble(error)}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is not UTF-8") from None


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None


def _replace(target: Path, content: bytes) -> None:
    """Write beside the target, then take its place, with its mode and (where allowed) its owner."""
    try:
        owner = target.stat()
        mode = stat.S_IMODE(owner.st_mode)
    except FileNotFoundError:
        make_folder(target.parent, 0o700)
        owner, mode = target.parent.stat(), 0o600
    beside = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(content)
            if hasattr(os, "fchown"):
                with contextlib.suppress(PermissionError):
                    os.fchown(fd, owner.st_uid, owner.st_gid)
            if hasattr(os, "fchmod"):
                os.fchmod(fd, mode)
            file.flush()
            os.fsync(fd)
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise


def make_folder(path: Path, mode: int) -> None:
    """Make a folder and those around it. What root makes in a user's folder is that user's."""
    for made in make_missing(str(path), mode):
        if hasattr(os, "chown"):
            around = os.stat(os.path.dirname(made))
            with contextlib.suppress(PermissionError):
                os.chown(made, around.st_uid, -1)


class JsonEdit:
    """Members of one JSON file to set or (with ``None``) to take out, as raw JSON texts.

    As for docker, the case of the outermost name does not matter; a member that is there is edited
    where it stands.
    """

    def __init__(self, path: Path, text: str | None) -> None:
        self.path = path
        self.text = text
        self.wanted: dict[tuple[str, ...], str | None] = {}
        self.splices: list[Splice] = []
        if self.text is not None:
            self._check()

    def _check(self) -> None:
        text = (self.text or "").removeprefix(_BOM)
        try:
            document = json.loads(text) if text.strip() else {}
        except json.JSONDecodeError as error:
            raise Misconfigured(f"{self.path}:{error.lineno}: this is not JSON") from None
        except RecursionError:
            raise self._too_deep() from None
        if not isinstance(document, dict):
            raise Misconfigured(f"{self.path}:1: this is not a JSON object")

    def _too_deep(self) -> Misconfigured:
        return Misconfigured(f"{self.path}:1: this is nested too deeply")

    def now(self, *keys: str) -> str | None:
        """The raw value at a path, as the file stands; ``None`` for null, which is nothing too."""
        text = (self.text or "").removeprefix(_BOM)
        if not text.strip():
            return None
        spelt = _spelt(text, keys)
        try:
            found = raw_json.get(text, *spelt)
        except ValueError:
            line = Document(text.encode()).line_of(spelt[0])
            raise Misconfigured(f"{self.path}:{line}: {keys[0]} is not an object") from None
        except RecursionError:
            raise self._too_deep() from None
        return None if found == "null" else found

    def set(self, raw: str | None, *keys: str) -> None:
        """Ask for a value at a path."""
        if self.now(*keys) != raw:
            self.wanted[keys] = raw

    def change(self) -> FileChange:
        """The change these edits come to."""
        if not self.wanted:
            return FileChange(self.path, self.text, self.text)
        original = self.text or ""
        mark = _BOM if original.startswith(_BOM) else ""
        text = original.removeprefix(_BOM)
        self.splices = []
        try:
            for edited in self._edits(text):
                self.splices.append(Splice.between(text, edited))
                text = edited
        except RecursionError:
            raise self._too_deep() from None
        return FileChange(self.path, self.text, mark + text)

    def _edits(self, text: str) -> Iterator[str]:
        """The text after each single edit."""
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
            # An object that held nothing but what is now gone goes with it.
            around = _spelt(text, keys)[:-1]
            if around and raw_json.get(text, *around) == "{}":
                text = raw_json.remove(text, *around)
                yield text

    def record(self) -> dict[str, Any]:
        """What an undo needs: exact cuts for a file nobody has touched since, values otherwise."""
        displaced = [
            {"keys": list(keys), "old": self.now(*keys), "new": raw}
            for keys, raw in self.wanted.items()
        ]
        change = self.change()
        return {
            "kind": "json",
            "path": str(self.path),
            "created": self.text is None,
            "written": digest([change.after or ""]),
            "splices": [[splice.at, splice.old, splice.new] for splice in self.splices],
            "displaced": displaced,
        }


def _spelt(text: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """A path with its outermost name as the text has it."""
    return (spelling(raw_json.names(text), keys[0]) or keys[0], *keys[1:])


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


class Splice:
    """One cut into a text: at an offset, ``old`` made way for ``new``."""

    def __init__(self, at: int, old: str, new: str) -> None:
        self.at = at
        self.old = old
        self.new = new

    @classmethod
    def between(cls, before: str, after: str) -> Splice:
        """The smallest single cut that makes ``after`` of ``before``."""
        at = _common(before, after)
        tail = _common(before[at:][::-1], after[at:][::-1])
        return cls(at, before[at : len(before) - tail], after[at : len(after) - tail])

    def undo(self, text: str) -> str:
        """Put the old text back."""
        return text[: self.at] + self.old + text[self.at + len(self.new) :]


def unedited(record: dict[str, Any], text: str | None) -> str | None:
    """The text before a recorded edit: to the byte where nobody has touched it since."""
    if text is not None and digest([text]) == record["written"]:
        return _uncut(record, text)
    edit = JsonEdit(Path(record["path"]), text)
    for displaced in record["displaced"]:
        keys = tuple(displaced["keys"])
        # What is not ours any more is somebody's: it stays.
        if edit.now(*keys) == displaced["new"]:
            edit.wanted[keys] = displaced["old"]
    return edit.change().after


def _uncut(record: dict[str, Any], text: str) -> str | None:
    if record["created"]:
        return None
    mark = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    for at, old, new in reversed(record["splices"]):
        text = Splice(at, old, new).undo(text)
    return mark + text
