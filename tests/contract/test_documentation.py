"""The generated parts of the documentation are current, and its examples work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cred_helper import clouds, hosts, messages
from cred_helper.commands import NAMES
from cred_helper.commands.configure import ci
from cred_helper.settings.settings import SETTINGS, Settings
from tests import docs
from tests.support.executable import PROGRAM, ROOT
from tests.support.machine import Machine, person

__all__ = ["person"]

_LARGEST_README_BYTES = 12_000
_PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in docs.pages()}
_WRITTEN = {name: re.sub(r"<!-- \w.*?<!-- end -->", "", text, flags=re.DOTALL)
            for name, text in _PAGES.items()}  # fmt: skip
_EVERYTHING = "\n".join(_WRITTEN.values())
_COMMAND_LINE = re.compile(rf"{PROGRAM}((?: +[^\s`|;&<>)#\\\]]+)+)")
_COMMAND = re.compile(rf"`((?:{'|'.join(sorted(n for n in NAMES if n.isalpha()))})\b[^`]*)`")
# kubelet-config --install / would change this machine; test_kubelet_config has another root.
_PLACEHOLDERS = {
    "HOST": "registry.example",
    "NAME": "me",
    "FOLDER": "/nonexistent",
    "/": "/nonexistent",
}
_VERBS = ("get", "store", "erase", "list", "version", "bazel")


@pytest.mark.parametrize("name", _PAGES)
def test_the_generated_parts_are_current(name: str) -> None:
    assert docs.filled(_PAGES[name]) == _PAGES[name], f"{name} is old: make docs"


def test_pages_and_recipes_have_the_name_of_the_repository_from_one_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ci.REPOSITORY == docs.REPOSITORY, "make docs"
    monkeypatch.setattr(docs, "REPOSITORY", f"Octo/{PROGRAM}")
    for name, text in _PAGES.items():
        renamed = docs.filled(text)
        assert "OWNER" not in renamed, name
        assert renamed.count(f"octo/{PROGRAM}") == text.count(f"ghcr.io/OWNER/{PROGRAM}"), name


def test_the_readme_is_short_and_links_every_page() -> None:
    assert len(_PAGES["README.md"].encode()) <= _LARGEST_README_BYTES
    for name in _PAGES:
        assert name == "README.md" or f"]({name}" in _PAGES["README.md"], name


@pytest.mark.parametrize("name", _PAGES)
def test_every_link_leads_to_a_file_and_a_place_in_it(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", _PAGES[name]):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = folder / path if path else ROOT / name
        assert file.exists(), target
        if anchor:
            text = file.read_text("utf-8")
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            known = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}
            assert f'<a id="{anchor}"></a>' in text or anchor in known, target


def test_the_tables_have_every_cloud_setting_option_host_and_message() -> None:
    settings, errors = _PAGES["packaging/docs/settings.md"], _PAGES["packaging/docs/errors.md"]
    for cloud in clouds.CLOUDS:
        assert f"`{cloud.example_host}`" in _PAGES["README.md"]
        assert all(f"`{option.name}`" in settings for option in cloud.options)
        assert all(f"`{variable}`" in settings for variable in cloud.own_variables)
    assert all(f"`{setting.variable}`" in settings for setting in SETTINGS)
    assert all(f"`{zone.pattern}`" in settings for zone in hosts.ZONES)
    for area in (*messages.AREAS, *clouds.NAMES):
        assert all(f'<a id="{code}"></a>' in errors for code in messages.catalogue(area))


def test_every_cloud_has_a_section_of_identities_and_a_line_for_each_helper_it_replaces() -> None:
    identities = _PAGES["packaging/docs/identities.md"]
    headings = re.findall(r"^## (.+)$", identities, re.MULTILINE)
    _, _, section = _PAGES["README.md"].partition("\n## Identities\n")
    table = re.findall(r"^\| ([A-Z][^|]*) \|", section.partition("\n## ")[0], re.MULTILINE)
    for cloud in clouds.CLOUDS:
        for place, names in {"identities.md": headings, "README.md": table}.items():
            assert any(cloud.title.startswith(name) for name in names), f"{cloud.name}: {place}"
        for helper in cloud.replaces:
            assert f"`docker-credential-{helper}`" in _PAGES["packaging/docs/migration.md"], helper


def test_the_page_of_identities_has_every_source_that_explain_shows(person: Machine) -> None:
    page = _PAGES["packaging/docs/identities.md"]
    for cloud in clouds.CLOUDS:
        host = cloud.example_host
        identity = person.run("explain", "--json", host).document["identity"] or {"skipped": []}
        shown = {skipped["source"] for skipped in identity["skipped"]} | {identity.get("source")}
        assert [name for name in shown if name and f"`{name}`" not in page] == []


def test_a_generated_part_has_the_output_of_the_program() -> None:
    text = "a\n<!-- help: config show -->\nold\n<!-- end -->\nb\n"
    filled = docs.filled(text)
    assert f"$ {PROGRAM} config show --help\nUsage: " in filled
    assert "old" not in filled
    assert (filled[:2], filled[-3:]) == ("a\n", "\nb\n")
    assert docs.filled(filled) == filled


def test_every_example_of_settings_is_understood(tmp_path: Path) -> None:
    examples = re.findall(r"^```toml\n(.*?)^```$", _EVERYTHING, re.DOTALL | re.MULTILINE)
    ours = [example for example in examples if "credential-helpers" not in example]
    assert len(ours) >= 4
    for number, example in enumerate(ours):
        path = tmp_path / f"{number}.toml"
        path.write_text(example, "utf-8")
        settings = Settings.load({"DOCKER_CREDENTIAL_MULTI_CONFIG": str(path)})
        assert settings.rules or settings.option_tables


def _command_lines() -> list[str]:
    lines = [*_COMMAND_LINE.findall(_EVERYTHING), *_COMMAND.findall(_EVERYTHING)]
    commands = {line.strip() for line in lines if line.split()[0] in (*NAMES, *_VERBS)}
    return sorted(c for c in commands if not c.startswith(("config.json", "cache =")))


@pytest.mark.parametrize("command", _command_lines())
def test_every_command_line_is_accepted(person: Machine, command: str) -> None:
    arguments = [_PLACEHOLDERS.get(word, word) for word in shlex.split(command)]
    done = person.run(*arguments, stdin="registry.example")
    mistakes = ("no such option", "no such command", "unexpected extra argument", "internal error")
    assert not [words for words in mistakes if words in done.stderr], done


def test_many_command_lines_are_found_in_the_documentation() -> None:
    assert len(_command_lines()) >= 10


def test_every_make_target_is_in_the_list_of_make_help() -> None:
    makefiles = [ROOT / "Makefile", *ROOT.glob("packaging/*.mk"), *ROOT.glob("tests/*/*.mk")]
    rules = "\n".join(path.read_text() for path in makefiles)
    named = set(re.findall(r"`make ([a-z/]+)", _EVERYTHING))
    named |= set(re.findall(r"^make ([a-z/]+)", _EVERYTHING, re.MULTILINE))
    assert {"demo", "test", "install", "frozen", "docs"} <= named
    missing = [name for name in named if not re.search(rf"^{name}:.*  ## \w", rules, re.MULTILINE)]
    assert not missing


@pytest.mark.parametrize("launcher", ["launcher.c", "static.c"])
def test_the_launchers_print_messages_of_the_catalogue(launcher: str) -> None:
    source = (ROOT / "packaging/launcher" / launcher).read_text("utf-8")
    source = source.replace("PROGRAM", f'"{PROGRAM}"')
    calls = re.findall(r"\bfail\((.*?)\);", source, re.DOTALL)
    assert calls
    for call in calls:
        strings = re.findall(r'"([^"]*)"', call)
        [at] = [at for at, text in enumerate(strings) if re.fullmatch(r"[a-z]+\.[a-z-]+", text)]
        message = messages.find(strings[at])
        assert "".join(strings[:at]) == message.text.format(path=PROGRAM)
        assert "".join(strings[at + 1 :]) == message.hint
