"""The click group all commands hang on: help, exit statuses, and one way to fail."""

from __future__ import annotations

import sys

import click

from cred_helper import __version__, stdio
from cred_helper.commands import COMPLETION_VARIABLE
from cred_helper.commands.cache import cache
from cred_helper.commands.completion import completion
from cred_helper.commands.configure import configure
from cred_helper.commands.doctor import doctor
from cred_helper.commands.explain import explain
from cred_helper.commands.providers import providers
from cred_helper.commands.token import token
from cred_helper.errors import CredentialError

_EPILOG = """
\b
Registry clients call these themselves, over standard input and output:
  get      server URL in, credential out
  store    credential in
  erase    server URL in
  list     server URLs and user names out
  version  name and version out
"""


@click.group(
    name=stdio.PROGRAM,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-v", "--version", prog_name=stdio.PROGRAM)
def group() -> None:
    """One credential helper for every registry: Amazon ECR, Google, Azure, and all the others.

    Put {"credsStore": "multi"} into docker's config.json, and docker calls it from then on.
    """


for command in (cache, completion, configure, doctor, explain, providers, token):
    group.add_command(command)


def main(arguments: list[str]) -> int:
    """Run the command that the arguments name; its exit status."""
    try:
        returned = group.main(
            arguments,
            prog_name=stdio.PROGRAM,
            complete_var=COMPLETION_VARIABLE,
            standalone_mode=False,
        )
        status = returned if isinstance(returned, int) else 0
    except CredentialError as error:
        stdio.error(error.reason, error.hint)
        status = 1
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        stdio.error("aborted: nothing is done")
        status = 1
    except SystemExit as end:
        # What answers a shell that asks for completions ends this way.
        status = end.code if isinstance(end.code, int) else 1
    try:
        sys.stdout.flush()
    except OSError:
        return 1  # whoever read this has gone
    return status
