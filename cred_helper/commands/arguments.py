"""Arguments that commands have in common."""

from __future__ import annotations

import click


class ServerURLCommand(click.Command):
    """A command whose argument may begin with a hyphen, as a doubtful server URL can."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options that exist; whatever else begins with a hyphen is the server URL."""
        known = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        known.update(self.get_help_option_names(ctx))
        for at, word in enumerate(args):
            if word == "--":
                break
            if word.startswith("-") and word not in known:
                args = [*args[:at], *args[at + 1 :], "--", word]
                break
        return super().parse_args(ctx, args)
