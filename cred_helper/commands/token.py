"""``token``: a registry's credential for a script, in one of several forms."""

from __future__ import annotations

import json
import sys

import click

from cred_helper import stdio
from cred_helper.commands.lookup.attempt import required
from cred_helper.commands.ui import shell
from cred_helper.commands.ui.arguments import ServerURLCommand, server_url_argument
from cred_helper.commands.ui.times import iso
from cred_helper.credential import IDENTITY_TOKEN, Credential
from cred_helper.errors import CredentialError, NotFound
from cred_helper.server_url import ServerURL
from cred_helper.wiring import Wiring

FORMATS = ("raw", "json", "docker-login", "header", "env")


@click.command(cls=ServerURLCommand)
@server_url_argument()
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="raw",
    show_default=True,
    help="The format, as above.",
)
@click.option("--show", is_flag=True, help="Also print to a terminal.")
def token(server_url: str, form: str, show: bool) -> int:
    """Print a registry's credential, for use in a script.

    \b
    raw           the secret alone
    json          everything, with the expiry
    docker-login  a command line for sh: token --format docker-login HOST | sh
    header        for curl: token --format header HOST | curl -H @- https://HOST/v2/
    env           REGISTRY_USERNAME=… and REGISTRY_PASSWORD=…, for sh to eval
    """  # noqa: D301 - \b keeps click from filling the lines
    if sys.stdout.isatty() and not show:
        raise click.UsageError("this prints a secret to the terminal: use --show to allow it")
    parsed = ServerURL.parse(server_url)
    # What an SDK or a child process prints must not get into the output.
    reply = stdio.guard()
    wiring = Wiring.of_process(stdio.warning)
    answer = wiring.ask(wiring.resolve(parsed))
    text = render(parsed, required(parsed, answer), form)
    return 0 if reply.send(text.encode("utf-8", "surrogateescape") + b"\n") else 1


def render(server_url: ServerURL, credential: Credential, form: str) -> str:
    """A credential in one of the forms."""
    username, secret = credential.username, credential.secret.expose()
    if not username:
        raise NotFound("client.no-credential")
    if username == IDENTITY_TOKEN and form in ("docker-login", "header"):
        # A client exchanges it at the registry's token endpoint; the registry does not accept it.
        raise CredentialError("login.no-such-form", form=form)
    match form:
        case "json":
            document = {
                "server_url": server_url.raw,
                "username": username,
                "secret": secret,
                "expires_at": iso(credential.expires_at),
                "source": credential.source,
            }
            return json.dumps(document, indent=2)
        case "docker-login":
            # The secret goes through standard input: any process can read an argument.
            login = ("docker", "login", "--username", username, "--password-stdin", server_url.raw)
            words = shell.line(*login, platform="posix")
            return f"printf %s {shell.quoted(secret, 'posix')} | {words}"
        case "header":
            return f"Authorization: {credential.basic}"
        case "env":
            return (
                f"REGISTRY_USERNAME={shell.quoted(username, 'posix')}\n"
                f"REGISTRY_PASSWORD={shell.quoted(secret, 'posix')}"
            )
    return secret
