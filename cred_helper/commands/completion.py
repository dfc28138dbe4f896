"""``completion``: the script with which a shell completes the commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from cred_helper import stdio
from cred_helper.commands import COMPLETION_VARIABLE


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash  eval "$(docker-credential-multi completion bash)"   # in ~/.bashrc
    zsh   eval "$(docker-credential-multi completion zsh)"    # in ~/.zshrc
    fish  docker-credential-multi completion fish | source    # in config.fish
    """  # noqa: D301 - \b keeps click from filling the lines
    maker = get_completion_class(shell)
    assert maker is not None
    group = context.find_root().command
    click.echo(maker(group, {}, stdio.PROGRAM, COMPLETION_VARIABLE).source())
