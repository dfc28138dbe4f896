"""Prints the manual page, made from help texts and settings: ``python -m freeze.manual``."""

import os
import time

import click

from cred_helper import __version__
from cred_helper.commands.group import group
from cred_helper.settings.settings import SETTINGS
from cred_helper.stdio import PROGRAM

PROTOCOL = {
    "get": "Read a server URL from standard input, print its credential as one JSON document.",
    "store": "Read a credential as one JSON document from standard input and keep it.",
    "erase": "Read a server URL from standard input and remove its login.",
    "list": "Print server URLs and user names as one JSON document.",
    "version": "Print name and version.",
    "bazel get": "Read a URI from standard input as Bazel writes it, print the headers for it.",
    "kubelet": "Read a request of kubelet from standard input, print the credential for its image.",
}

_SETTINGS = """The settings file is ~/.config/docker-credential-multi/config.toml, and
/etc/docker-credential-multi/config.toml for all users. Each setting is also a variable, which is
stronger.
"""


def page() -> str:
    """The page in roff."""
    date = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0"))))
    lines = [
        f'.TH {PROGRAM.upper()} 1 "{date}" "{PROGRAM} {__version__}"',
        ".SH NAME",
        f"{_text(PROGRAM)} \\- one credential helper for every container registry",
        ".SH SYNOPSIS",
        f".B {_text(PROGRAM)}",
        "{get|store|erase|list|version|bazel get|kubelet}",
        ".br",
        f".B {_text(PROGRAM)}",
        "COMMAND [OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        *_paragraphs(group.help or ""),
        ".SH REGISTRY CLIENTS' VERBS",
    ]
    for verb, purpose in PROTOCOL.items():
        lines += [".TP", f".B {verb}", _text(purpose)]
    lines.append(".SH COMMANDS")
    for name, command in sorted(group.commands.items()):
        lines += _command(name, command)
    lines.append(".SH SETTINGS")
    lines += _paragraphs(_SETTINGS)
    for setting in SETTINGS:
        lines += [".TP", f".B {_text(setting.name)}, {_text(setting.variable)}"]
        lines.append(_text(f"{setting.purpose}."))
    lines += [".SH EXIT STATUS", "0: success. 1: failure. 2: usage error of a command."]
    lines += [".SH SEE ALSO", ".BR docker-login (1),", ".BR podman-login (1)"]
    return "\n".join(lines) + "\n"


def _command(name: str, command: click.Command) -> list[str]:
    lines = [f".SS {_text(name)}"]
    context = click.Context(command, info_name=f"{PROGRAM} {name}")
    lines += [".B " + _text(" ".join([name, *command.collect_usage_pieces(context)])), ".PP"]
    lines += _paragraphs(command.help or "")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record:
            lines += [".TP", f".B {_text(record[0])}", _text(record[1])]
    if isinstance(command, click.Group):
        for below, subcommand in sorted(command.commands.items()):
            lines += [".TP", f".B {_text(f'{name} {below}')}"]
            lines.append(_text(subcommand.get_short_help_str(200)))
    return lines


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        kept = paragraph.lstrip().startswith("\b")
        content = [_text(line.strip("\b ")) for line in paragraph.strip().splitlines()]
        content = [line for line in content if line]
        lines += [".nf", *content, ".fi", ".PP"] if kept else [*content, ".PP"]
    return lines


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    print(page(), end="")
