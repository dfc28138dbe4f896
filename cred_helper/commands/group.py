"""The click group of all commands: help, exit statuses, and how errors are shown.

Exit status 0: success; 1: an error; 2: usage error.
"""

from __future__ import annotations

import io
import sys

import click

from cred_helper import __version__, stdio
from cred_helper.clouds import CLOUDS
from cred_helper.commands import COMPLETION_VARIABLE
from cred_helper.commands.cache import cache
from cred_helper.commands.completion import completion
from cred_helper.commands.config import config
from cred_helper.commands.configure.command import configure
from cred_helper.commands.doctor.command import doctor
from cred_helper.commands.explain import explain
from cred_helper.commands.kubelet_config import kubelet_config
from cred_helper.commands.login import login, logout
from cred_helper.commands.providers import providers
from cred_helper.commands.self_check.command import self_check
from cred_helper.commands.token import token
from cred_helper.commands.ui.arguments import debug_option
from cred_helper.commands.ui.screen import colour_wanted
from cred_helper.errors import CannotLoad, CredentialError, fault

# The exit status that a shell gives a program that Ctrl-C has ended.
_INTERRUPTED = 130
_EPILOG = """
\b
Registry clients call these, over standard input and output:
  get        server URL in, credential out
  store      credential in
  erase      server URL in
  list       server URLs and user names out
  version    name and version out
  bazel get  URI in, headers out: for Bazel
  kubelet    image in, credential out: for kubelet
"""

_HELP = f"""One credential helper for every registry: {", ".join(cloud.title for cloud in CLOUDS)},
and all others.

To set up docker and podman: docker-credential-multi configure
"""


@click.group(
    name=stdio.PROGRAM,
    epilog=_EPILOG,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-v", "--version", prog_name=stdio.PROGRAM)
def group() -> None:
    """Run the command that the arguments name."""


# They ask sources; the other commands have no steps to log.
_ASKING = (doctor, explain, login, logout, self_check, token)
for command in (*_ASKING, cache, completion, config, configure, kubelet_config, providers):
    group.add_command(command)
for command in (group, *_ASKING):
    command.params.append(debug_option())


def main(arguments: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the locale may lack the ellipsis
    try:
        returned = group.main(
            arguments,
            prog_name=stdio.PROGRAM,
            complete_var=COMPLETION_VARIABLE,
            standalone_mode=False,
            color=colour_wanted(),
        )
        sys.stdout.flush()
        return returned if isinstance(returned, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.UsageError as error:
        values = {"reason": _reason(error), "command": _help_for(error, arguments)}
        stdio.error(CredentialError("client.usage", **values))
        return 2
    except click.ClickException as error:
        stdio.error(CredentialError("client.command-failed", reason=_reason(error)))
    except click.Abort as end:
        stdio.error(CredentialError("client.aborted"))
        if isinstance(end.__cause__ or end.__context__, KeyboardInterrupt):
            return _INTERRUPTED
    except BrokenPipeError:
        pass  # the reader has gone
    except OSError as error:
        place = str(error.filename or "standard output")
        cause = (error.strerror or type(error).__name__).lower()
        stdio.error(CredentialError("client.input-output", place=place, cause=cause))
    except SystemExit as end:
        # Click's completion ends this way.
        return end.code if isinstance(end.code, int) else 1
    except (Exception, CannotLoad) as error:  # noqa: BLE001
        stdio.error(fault(error))
    return 1


def _reason(error: click.ClickException) -> str:
    """The text of click in the style of the messages."""
    text = error.format_message()
    return (text[:1].lower() + text[1:]).rstrip(".")


def _help_for(error: click.UsageError, arguments: list[str]) -> str:
    if error.ctx:
        return f"{error.ctx.command_path} --help"
    # Click does not say where an option without its value was read.
    command = [word for word in arguments[:1] if word in group.commands]
    return " ".join([stdio.PROGRAM, *command, "--help"])
