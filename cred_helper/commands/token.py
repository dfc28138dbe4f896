"""``token``: a credential for a person's script, in the form that script wants."""

from __future__ import annotations

import json
import shlex
import sys
from base64 import b64encode
from datetime import UTC
from typing import TYPE_CHECKING

import click

from cred_helper import stdio
from cred_helper.commands.arguments import ServerURLCommand
from cred_helper.errors import CredentialError, NotFound
from cred_helper.server_url import ServerURL
from cred_helper.wiring import Wiring

if TYPE_CHECKING:
    from cred_helper.credential import Credential

FORMATS = ("raw", "json", "docker-login", "header", "env")


@click.command(cls=ServerURLCommand)
@click.argument("server_url", metavar="SERVER_URL")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="raw",
    show_default=True,
    help="raw: the secret; json: everything; docker-login: a command that reads the secret from "
    "standard input; header: an Authorization header; env: two shell assignments.",
)
@click.option("--show", is_flag=True, help="Print a secret to a terminal too.")
def token(server_url: str, form: str, show: bool) -> None:
    r"""Print a registry's credential, for use in a script.

    \b
    docker-credential-multi token HOST | docker login --username AWS --password-stdin HOST
    curl -H "$(docker-credential-multi token --format header HOST)" https://HOST/v2/
    """
    if sys.stdout.isatty() and not show:
        raise click.UsageError("this would print a secret to the terminal: add --show to do so")
    parsed = ServerURL.parse(server_url)
    # What an SDK or a child says must not get into the output any more than for a client.
    reply = stdio.guard()
    credential = _ask(parsed)
    reply.send(render(parsed, credential, form).encode("utf-8", "surrogateescape") + b"\n")


def _ask(server_url: ServerURL) -> Credential:
    answer = Wiring.of_process(stdio.warning).keychain().get(server_url)
    for source, failure in answer.failures:
        stdio.warning(f"{source}: {failure.reason}", failure.hint)
    if answer.credential is None:
        raise NotFound(
            f"no source has a credential for {server_url.raw}",
            hint=f"{stdio.PROGRAM} explain {shlex.quote(server_url.raw)} says who would be asked",
        )
    return answer.credential


def render(server_url: ServerURL, credential: Credential, form: str) -> str:
    """Give a credential the form that was asked for."""
    username, secret = credential.username, credential.secret.expose()
    match form:
        case "json":
            expires_at = credential.expires_at
            return json.dumps(
                {
                    "server_url": server_url.raw,
                    "username": username,
                    "secret": secret,
                    "expires_at": expires_at.astimezone(UTC).isoformat() if expires_at else None,
                    "source": credential.source,
                },
                indent=2,
            )
        case "docker-login":
            # The secret goes through standard input: an argument could be read by any process.
            words = ["docker", "login", "--username", username, "--password-stdin", server_url.raw]
            return f"printf %s {shlex.quote(secret)} | {shlex.join(words)}"
        case "header":
            if username == "<token>":
                raise CredentialError(
                    "an identity token is exchanged by the client, it is no header",
                    hint="use --format json",
                )
            return f"Authorization: Basic {b64encode(f'{username}:{secret}'.encode()).decode()}"
        case "env":
            return (
                f"REGISTRY_USERNAME={shlex.quote(username)}\n"
                f"REGISTRY_PASSWORD={shlex.quote(secret)}"
            )
    return secret
