"""The arguments that several commands take."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cred_helper import providers
from cred_helper.clouds import CLOUDS
from cred_helper.errors import Misconfigured
from cred_helper.fallback import dockerconfig
from cred_helper.settings import settings

_Command = TypeVar("_Command", bound="Callable[..., Any]")


class ServerURLCommand(click.Command):
    """A command whose argument may begin with one hyphen, as an invalid server URL can."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; the first other word with one hyphen is the server URL."""
        known = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        for at, word in enumerate(args):
            if word == "--":
                break
            if word.startswith("-") and word[1:2] != "-" and word not in known:
                args = [*args[:at], *args[at + 1 :], "--", word]
                break
        return super().parse_args(ctx, args)


def server_urls_known() -> list[str]:
    """The registries that docker's configuration and its relatives name."""
    keys: list[str] = []
    for config in (*dockerconfig.named(os.environ), *dockerconfig.relatives(os.environ)):
        try:
            if config.load():
                keys += [key for named in config.helper_keys().values() for key in named]
                keys += config.login_keys()
        except Misconfigured:
            continue  # doctor has a finding for it
    return list(dict.fromkeys(keys))


def _completions(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The registries that are known or, where none fits, the examples of the clouds."""
    keys = [key for key in server_urls_known() if key.startswith(begun)]
    examples = (cloud.example_host for cloud in CLOUDS if providers.load(cloud.name))
    return keys or [host for host in examples if host.startswith(begun)]


def server_url_argument(
    name: str = "server_url", metavar: str = "SERVER_URL", nargs: int = 1
) -> Callable[[_Command], _Command]:
    """The argument that a shell completes from docker's files and the clouds' examples."""
    return click.argument(name, metavar=metavar, nargs=nargs, shell_complete=_completions)


as_json = click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document.")


def _log_to_stderr(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        settings.log_to_stderr()


def debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_log_to_stderr,
        help="Log every step on standard error, without secrets.",
    )
