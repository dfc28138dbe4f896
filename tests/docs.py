"""``python -m tests.docs``: fill in the parts of the documentation that are generated.

A page has places for them, from a comment to ``<!-- end -->``::

    <!-- help: config show -->   the output of a command's --help; <!-- help: --> is the program's
    <!-- clouds -->              the built-in clouds
    <!-- hosts -->               the host patterns of each cloud
    <!-- settings -->            the settings
    <!-- options -->             the options of the providers
    <!-- errors -->              the messages, with cause and cure
    <!-- ci: github -->          the recipe for a CI system, by its word for configure --ci
    <!-- judges -->              the projects of other authors that judge this one
    <!-- unreleased -->          what stands for the publisher as long as pyproject.toml names none;
                                 <!-- unreleased: checks --> has what to do until then
    <!-- contact -->             the maintainers' address, of pyproject.toml

The name of the repository, of pyproject.toml too, is written wherever a page or a recipe of
``configure --ci`` has it.
"""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from cred_helper import __version__, clouds, hosts, messages
from cred_helper.commands.configure import ci
from cred_helper.messages import Message
from cred_helper.settings.settings import PREFIX, SETTINGS
from tests.outside.judges import JUDGES
from tests.support.executable import PROGRAM, ROOT
from tests.support.machine import Machine

README = ROOT / "README.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY: str = PROJECT["urls"]["Homepage"].removeprefix("https://github.com/")
PLACEHOLDER = f"OWNER/{PROGRAM}"
_PLACE = re.compile(
    r"(?P<begin><!-- (?P<kind>[a-z]+)(?:: *(?P<what>[\w -]*?))? *-->\n)"
    r"(?P<content>(?:(?!<!--).)*)(?P<end><!-- end -->)",
    re.DOTALL,
)


def pages() -> list[Path]:
    """All pages of the documentation."""
    folders = (ROOT / ".github", ROOT / "packaging")
    return [README, *(path for folder in folders for path in sorted(folder.rglob("*.md")))]


def filled(text: str) -> str:
    """The text with every generated part as it has to be."""

    def fill(place: re.Match[str]) -> str:
        content = "\n".join(_MAKERS[place["kind"]](place["what"] or ""))
        return f"{place['begin']}\n{content}\n\n{place['end']}"

    return named(_PLACE.sub(fill, text))


def named(text: str) -> str:
    """The text with the repository of pyproject.toml in place of the one that it names."""

    def name(found: re.Match[str]) -> str:
        # The name of an image has no capitals.
        is_image = found[1] and REPOSITORY != PLACEHOLDER
        return f"{found[1]}{REPOSITORY.lower() if is_image else REPOSITORY}"

    old = rf"(ghcr\.io/|){re.escape(ci.REPOSITORY)}"
    return re.sub(old, name, text, flags=re.IGNORECASE)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(header)
    for row in (names, ["---"] * len(names), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


@cache
def _help_of(command: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        done = Machine(Path(home)).run(*command.split(), "--help")
    assert done.status == 0, done
    return done.stdout.decode()


def _help(command: str) -> Iterator[str]:
    words = " ".join(filter(None, (PROGRAM, command, "--help")))
    yield from ("```console", f"$ {words}", *_help_of(command).splitlines(), "```")


def _clouds(_: str) -> Iterator[str]:
    rows = (
        (
            cloud.title,
            f"`{cloud.name}`",
            f"`{cloud.example_host}`",
            ", ".join(f"`docker-credential-{name}`" for name in cloud.replaces),
        )
        for cloud in clouds.CLOUDS
    )
    yield from _table(("Cloud", "Name", "A host", "Replaces"), rows)


def _hosts(_: str) -> Iterator[str]:
    zones: dict[str, list[str]] = {}
    for zone in (*hosts.ZONES, *hosts.OPTIONAL_ZONES):
        zones.setdefault(zone.cloud, []).append(f"`{zone.pattern}`")
    rows = (
        (clouds.find(name).title, "<br>".join(dict.fromkeys(found)))
        for name, found in zones.items()
    )
    yield from _table(("Cloud", "Hosts"), rows)


def _settings(_: str) -> Iterator[str]:
    rows = (
        (
            f"`{setting.name}`",
            f"`{setting.variable}`",
            setting.kind.words,
            _default(setting.default),
            setting.purpose,
        )
        for setting in SETTINGS
    )
    yield from _table(("Setting", "Variable", "Value", "Default", "Purpose"), rows)


def _default(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(value)
    return str(value)


def _options(_: str) -> Iterator[str]:
    rows = (
        (
            f"`{cloud.name}`",
            f"`{option.name}`",
            f"`{PREFIX}{cloud.name.upper()}_{option.name.upper()}`"
            + (f", else `{option.variable}`" if option.variable else ""),
            option.purpose,
        )
        for cloud in clouds.CLOUDS
        for option in cloud.options
    )
    yield from _table(("Provider", "Option", "Variable", "Purpose"), rows)


def _errors(_: str) -> Iterator[str]:
    for area in (*clouds.NAMES, *messages.AREAS):
        catalogue = messages.catalogue(area)
        if not catalogue:
            continue
        yield from (f"## {_title(area)}", "")
        rows = (_error(code, message) for code, message in sorted(catalogue.items()))
        yield from _table(("Message", "Cause", "Cure"), rows)
        yield ""


def _title(area: str) -> str:
    """The heading of an area: the first line of its module, ``Messages about …``."""
    package = "cred_helper.messages"
    if area in clouds.NAMES:
        return clouds.find(area).title
    sentence = sys.modules[f"{package}.{area}"].__doc__ or ""
    title = re.sub(r"^Messages about ", "", sentence.partition("\n")[0]).rstrip(".")
    return _sentence(title.replace("``", "`"))


def _error(code: str, message: Message) -> tuple[str, str, str]:
    text = f'<a id="{code}"></a>`[{code}]`<br>{_shown(message.text)}'
    return text, message.cause, message.cure or _sentence(_shown(message.hint))


# Such a first word is copied into a shell or a file.
_CODE = re.compile(r"(?:aws|az|docker|gcloud|pwsh|sudo)\b|\S*[-_]|\S+:\S")


def _sentence(text: str) -> str:
    return text if _CODE.match(text) else text[:1].upper() + text[1:]


# An addition such as ", after 3 attempts", often empty; and a number in a code, as AADSTS{number}.
_ADDITION = re.compile(r"(?<=[\w)}])\{\w[^}]*\}")
_NUMBER = re.compile(r"(?<=[A-Z])\{number\}")


def _shown(template: str) -> str:
    """A template with its placeholders in capitals, as text of a page."""
    text = _ADDITION.sub("", _NUMBER.sub("…", template))
    text = re.sub(r"\{(\w+)[^}]*\}", lambda found: found[1].upper(), text)
    return text.replace("{{", "{").replace("}}", "}").replace("<", "&lt;").replace("*", "\\*")


def _ci(name: str) -> Iterator[str]:
    [system] = [row for row in ci.SYSTEMS if row.name == name]
    yield from ("```yaml", *ci.recipe(system).splitlines(), "```")


def _judges(_: str) -> Iterator[str]:
    rows = ((row.name, row.version(), row.judges, f"`{row.test}`") for row in JUDGES)
    yield from _table(("Project", "Version", "Judges", "In"), rows)


def _unreleased(what: str) -> Iterator[str]:
    if REPOSITORY == PLACEHOLDER:
        yield (
            "Nothing is released yet: `OWNER` stands for the account that will publish it, and "
            f"`make release VERSION={__version__}`\nbuilds the files."
        )
        if what == "checks":
            yield (
                "Until then, the commands with `gh` and `cosign` are not tried: build the file "
                "from a\ncommit that you have read (`make frozen/static`), and keep its checksum."
            )


def _contact(_: str) -> Iterator[str]:
    [maintainer] = PROJECT["maintainers"]
    yield f"Write to {maintainer['email']}."


_MAKERS: dict[str, Callable[[str], Iterable[str]]] = {
    "help": _help,
    "clouds": _clouds,
    "hosts": _hosts,
    "settings": _settings,
    "options": _options,
    "errors": _errors,
    "ci": _ci,
    "judges": _judges,
    "unreleased": _unreleased,
    "contact": _contact,
}


def main() -> None:
    """Fill in the generated parts of every page, and say which pages changed."""
    schemas = (ROOT / "packaging/docs/schemas").glob("*.json")
    for path in (*pages(), *schemas, Path(ci.__file__)):
        before = path.read_text("utf-8")
        after = filled(before) if path.suffix == ".md" else named(before)
        if after != before:
            path.write_text(after, "utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)} is generated again\n")


if __name__ == "__main__":
    main()
