"""A configuration file in INI format, read as configparser reads it, at a tenth of its price.

Reads values as they are written; never changes a file, and never quotes one in a message.

Source: https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import is_pipe

# A configuration file is kilobytes; of a larger file only this much is read.
_MAX_FILE_BYTES = 1 << 20


class IniFile:
    """One file. It is read once, when something asks for its content.

    ``variable`` names the file, if one does.
    """

    def __init__(self, path: str, variable: str = "") -> None:
        self.path = path
        self._variable = variable
        self._data: bytes | None = None
        self._error: OSError | None = None
        self._sections: dict[str, dict[str, str]] | None = None

    @property
    def data(self) -> bytes:
        """The content; empty where the file is absent, a pipe, or cannot be read."""
        if self._data is None:
            self._data = b""
            try:
                if not is_pipe(self.path):
                    self._data = files.read(self.path, _MAX_FILE_BYTES)
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError as error:
                # A folder that may not be entered, such as another user's home, shows no file.
                if files.exists(os.path.dirname(self.path)):
                    self._error = error
        return self._data

    @property
    def unreadable(self) -> Misconfigured | None:
        """Why the file cannot be read although it exists."""
        if self.data or self._error is None:
            return None
        from cred_helper.files.os_errors import os_reason

        return Misconfigured("file.unreadable", path=self.shown, reason=os_reason(self._error))

    @property
    def sections(self) -> dict[str, dict[str, str]]:
        """Section → option → value.

        Raises:
            Misconfigured: configparser would refuse the file; the line is named.
        """
        if self._sections is None:
            sections, wrong_line = parse(self.data.decode("utf-8", "surrogateescape"))
            if wrong_line:
                raise Misconfigured("file.not-ini", path=self.shown, line=wrong_line)
            self._sections = sections
        return self._sections

    def line_of(self, section: str, option: str) -> int:
        """The number of the line where an option of a section stands; 0 where it does not."""
        within = ""
        for number, line in enumerate(self.data.decode("utf-8", "surrogateescape").split("\n"), 1):
            entry = line.strip()
            if entry.startswith("[") and entry.rfind("]") > 1:
                within = entry[1 : entry.rfind("]")]
            elif within == section and _name_and_value(entry)[0] == option:
                return number
        return 0

    @property
    def shown(self) -> str:
        """The path with ~ for the home folder; the variable, where its value is not a path."""
        from cred_helper.files.path_values import holds_content

        if holds_content(self.path):
            return f"the file of {self._variable}, which is not a path"
        home = os.path.expanduser("~")
        return self.path.replace(home, "~", 1) if self.path.startswith(home + os.sep) else self.path


def parse(text: str) -> tuple[dict[str, dict[str, str]], int]:
    """The sections of a text, and the number of the first wrong line (0: none is wrong).

    A value goes on with the lines below it that are indented deeper.
    """
    sections: dict[str, dict[str, str]] = {}
    options: dict[str, str] | None = None
    indent: int | None = None  # of the option that may go on; none right below a section's name
    last = ""
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.strip()
        depth = len(line) - len(line.lstrip())
        if entry[:1] in ("#", ";"):
            continue
        if indent is not None and options is not None and (not entry or depth > indent):
            options[last] += f"\n{entry}"
            continue
        if not entry:
            continue
        end = entry.rfind("]")
        if entry[0] == "[" and end > 1:
            section, indent = entry[1:end], None
            if section in sections and section != "DEFAULT":
                return sections, number
            options = sections.setdefault(section, {})
            continue
        indent = depth
        name, value = _name_and_value(entry)
        if not name or options is None or name in options:
            return sections, number
        options[name] = value
        last = name
    for options in sections.values():
        for name, value in options.items():
            options[name] = value.rstrip()
    defaults = sections.pop("DEFAULT", {})
    return {name: defaults | options for name, options in sections.items()}, 0


def _name_and_value(entry: str) -> tuple[str, str]:
    """An option's name, in lower case, and its value; no name where the line has no delimiter."""
    name, delimiter, value = entry.partition("=")
    if not delimiter or ":" in name:
        name, delimiter, value = entry.partition(":")
    return (name.strip().lower(), value.strip()) if delimiter else ("", "")
