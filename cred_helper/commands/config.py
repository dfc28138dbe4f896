"""``config show``: the settings in force, and where each is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import click

from cred_helper import clouds, providers, secret_shapes, stdio
from cred_helper.commands.doctor.own_state import settings_files
from cred_helper.commands.doctor.unread_variables import unread
from cred_helper.commands.ui.arguments import as_json
from cred_helper.commands.ui.screen import Screen, bold, shown
from cred_helper.errors import CredentialError
from cred_helper.server_url import ServerURL
from cred_helper.settings.rules import Rule
from cred_helper.settings.settings import SETTINGS, Settings, option_variable
from cred_helper.wiring import Wiring


@click.group(invoke_without_command=True)
@click.pass_context
def config(context: click.Context) -> None:
    """Show the settings in force."""
    if context.invoked_subcommand is None:
        context.invoke(show, json_wanted=False)


@config.command()
@as_json
def show(json_wanted: bool) -> None:
    """Show each setting and where it is set.

    That is a variable, a file and line, or the default. A provider's options are for all its
    registries; a rule's are for the hosts of the rule.
    """
    loaded = Wiring.of_process().settings
    for name, meant in unread(os.environ):
        code = "doctor.variable-misspelt" if meant else "doctor.variable-unread"
        stdio.warning(CredentialError(code, name=name, meant=meant))
    for mistake in (mistake for each in loaded.rules for mistake in each.mistakes):
        stdio.warning(mistake)
    screen = Screen()
    document = _document(loaded)
    if json_wanted:
        screen.json(document)
        return
    for file in document["files"]:
        screen.line(f"{shown(file['path'])}: {'read' if file['read'] else 'not there'}")
    screen.line()
    screen.table(
        (shown(row["name"]), shown(_text(row["value"])), shown(row["origin"] or "(default)"))
        for row in (*document["settings"], *document["options"])
    )
    for rule in document["rules"]:
        screen.line()
        screen.line(f"{bold('rule')} {shown(rule.pop('match'))}, {shown(rule.pop('origin'))}")
        for name, value in rule.items():
            screen.line(f"  {name} = {shown(value)}")


def _text(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(value) or "none"
    return str(value) or "none"


def _document(loaded: Settings) -> dict[str, Any]:
    return {
        "files": [{"path": path, "read": path in loaded.files} for path in settings_files()],
        "settings": [
            {
                "name": setting.name,
                "value": _plain(getattr(loaded, setting.name)),
                "origin": loaded.origin(setting.name),
                "variable": setting.variable,
                "purpose": setting.purpose,
            }
            for setting in SETTINGS
        ],
        "options": list(_options(loaded)),
        "rules": [_rule(rule) for rule in loaded.rules],
    }


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return secret_shapes.shown(value) if isinstance(value, str) else value


def _options(loaded: Settings) -> Iterator[dict[str, Any]]:
    for cloud in clouds.CLOUDS:
        if providers.load(cloud.name) is None:
            continue
        values = loaded.options(cloud, None, os.environ)
        for option in cloud.option_names:
            if option in values:
                yield {
                    "name": f"{cloud.name}.{option}",
                    "value": secret_shapes.shown(values[option]),
                    "origin": loaded.option_origin(cloud.name, option, None, os.environ),
                    "variable": option_variable(cloud.name, option),
                }


def _rule(rule: Rule) -> dict[str, str]:
    values = {
        "provider": rule.provider,
        "helper": rule.helper,
        "answer": rule.answer,
        "alias": rule.target.host if rule.target else None,
        "min_remaining_life": "" if rule.min_life_s is None else f"{rule.min_life_s:g}",
        "list": "true" if rule.is_listed else "",
        "push": "true" if rule.may_push else "",
        **rule.options.values,
    }
    return {
        "match": secret_shapes.shown(ServerURL.parse(rule.match).redacted),
        "origin": rule.place.of("match"),
        **{name: secret_shapes.shown(value) for name, value in values.items() if value},
    }
