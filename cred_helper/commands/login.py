"""``login`` and ``logout``: a registry's password tried, and kept where clients are answered from.

What docker's own login does, on machines that have no docker. A registry that a built-in provider
answers for needs none: its credential is made and tried instead.
"""

from __future__ import annotations

import os
import sys

import click

from cred_helper import docker_hub, stdio
from cred_helper.commands.configure import registries_conf
from cred_helper.commands.lookup.attempt import Trial, required
from cred_helper.commands.lookup.explanation import CREDENTIAL, Explanation
from cred_helper.commands.lookup.registry_check import ping
from cred_helper.commands.ui import this_program
from cred_helper.commands.ui.arguments import server_url_argument
from cred_helper.commands.ui.screen import Screen, shown
from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.fallback import dockerconfig, store
from cred_helper.fallback.registry_key import RegistryKey
from cred_helper.server_url import ServerURL
from cred_helper.wiring import Wiring


@click.command()
@server_url_argument()
@click.option("-u", "--username", metavar="NAME", help="User name; asked for where it is left out.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--unchecked", is_flag=True, help="Keep it without asking the registry.")
def login(server_url: str, username: str | None, password_stdin: bool, unchecked: bool) -> None:
    """Log in to a registry, and keep the login for its clients.

    SERVER_URL is the registry's host, or host:port, or docker.io. The registry is asked whether it
    lets the user in; then the password goes where docker login would put it: to the credential
    helper that docker's configuration names, or to this machine's keychain, or to a file that only
    you can read. A registry of a cloud needs no login: without a user name, this tries the
    credential that is made for it.
    """
    if password_stdin and not username:
        raise click.UsageError("--password-stdin goes with --username")
    registry = _registry(server_url)
    screen = Screen.guarded()
    explained = _explained(registry)
    if explained.builtin and not username:
        _try_made(screen, explained, explained.builtin.name)
        return
    credential = _read(username) if username and password_stdin else _ask(username)
    if not explained.builtin and not unchecked:
        _check(screen, registry, credential)
    # What a person takes to type is no part of the time that a helper may take.
    Wiring.of_process(stdio.warning).keychain().store(registry, credential)
    if not explained.builtin:
        _say_where(screen, registry, credential)


@click.command()
@server_url_argument()
def logout(server_url: str) -> None:
    """Forget the login to a registry, or a cloud's cached token.

    It is forgotten where docker logout would have it forgotten: by the credential helper that
    docker's configuration names, by this machine's keychain and by our own store.
    """
    registry = _registry(server_url)
    screen = Screen.guarded()
    keychain = Wiring.of_process(stdio.warning).keychain()
    for key in docker_hub.KEYS if docker_hub.is_hub(registry) else (registry.raw,):
        keychain.erase(ServerURL.parse(key))
    screen.line(f"no login to {_name(registry)} is kept any more")
    for source, outlook in Explanation(registry).outlooks():
        if outlook.would_say == CREDENTIAL:
            stdio.warning(
                f"{shown(source.name)} still answers for {_name(registry)}", outlook.words
            )


def _registry(text: str) -> ServerURL:
    """The server URL under which clients ask for a registry, however a person writes it."""
    server_url = ServerURL.parse(text.removeprefix("http://"))
    if docker_hub.is_hub(server_url):
        return ServerURL.parse(docker_hub.KEY)
    if not server_url.is_host:
        # It is not quoted: somebody may have put a password into it.
        raise click.UsageError("this is no address of a registry")
    key = RegistryKey(server_url)
    return ServerURL.parse(f"{key.registry}{key.path}")


def _name(registry: ServerURL) -> str:
    return docker_hub.HOSTS[0] if docker_hub.is_hub(registry) else registry.raw


def _explained(registry: ServerURL) -> Explanation:
    """Which way the registry goes.

    Raises:
        Misconfigured: a rule lets a login to it come to nothing, or says what cannot be.
    """
    explained = Explanation(registry)
    if explained.error:
        raise explained.error
    if explained.rule and explained.rule.answer:
        place = explained.rule.place.of("answer")
        raise Misconfigured(
            f"a login to {_name(registry)} comes to nothing: {shown(place)} answers for it",
            hint=f"take that rule out, or see {this_program.command('explain', registry.raw)}",
        )
    return explained


# --- A cloud's registry ---------------------------------------------------------------------------


def _try_made(screen: Screen, explained: Explanation, provider: str) -> None:
    """Have the registry look at the credential that is made for it."""
    registry = explained.server_url
    trial = Trial(explained)
    credential = required(registry, trial.answer)
    screen.line(
        f"{_name(registry)} needs no login: {provider} answers with {trial.asked[-1].words}"
    )
    _check(screen, registry, credential, is_clouds=True)


# --- Any other ------------------------------------------------------------------------------------


def _ask(username: str | None) -> Credential:
    """The user's name and password, typed at the terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask for a password: give --username and --password-stdin"
        )
    username = username or click.prompt("Username", err=True)
    password = click.prompt("Password", hide_input=True, err=True)
    return Credential(username, Secret(password))


def _read(username: str) -> Credential:
    """The password from standard input, without the line's end that echo puts there."""
    try:
        password = (stdio.read_request() or b"").decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise CredentialError("the password on standard input is not UTF-8") from None
    if not password:
        raise CredentialError("there is no password on standard input")
    return Credential(username, Secret(password))


def _check(
    screen: Screen, registry: ServerURL, credential: Credential, *, is_clouds: bool = False
) -> None:
    """Have the registry look at a credential.

    Raises:
        CredentialError: it does not let it in, or does not answer.
    """
    pinged = ping(registry, credential, is_clouds=is_clouds)
    if not pinged.let_in:
        hint = None if is_clouds else "nothing is kept; --unchecked keeps it without asking"
        raise CredentialError(f"no login to {_name(registry)}: {pinged.said}", hint=hint)
    screen.line(f"{_name(registry)}: {pinged.said} ({pinged.took_ms:.0f} ms)")


def _say_where(screen: Screen, registry: ServerURL, credential: Credential) -> None:
    """Ask as a client will, and tell who answers."""
    answer = Wiring.of_process(stdio.warning).keychain().get(registry)
    explain = f"see {this_program.command('explain', registry.raw)}"
    answered = answer.credential
    if answered is None:
        stdio.warning(f"the login to {_name(registry)} was taken, and nobody has it now", explain)
        return
    source = shown(answer.trace[-1].source)
    if (answered.username, answered.secret) != (credential.username, credential.secret):
        reason = f"the login to {_name(registry)} is kept, and {source} answers before it"
        stdio.warning(reason, explain)
        return
    is_file = answer.trace[-1].source == store.path(os.environ)
    how = ", closed to others and not encrypted" if is_file else ""
    screen.line(f"the login is kept in {source}{how}")
    if not _is_asked_for(registry):
        configure = f"{this_program.command('configure')} has them do so"
        stdio.warning(f"docker and podman do not ask {stdio.PROGRAM} yet", configure)


def _is_asked_for(registry: ServerURL) -> bool:
    """Whether docker or podman asks a credential helper for a registry."""
    path = dockerconfig.docker_config_path(os.environ)
    docker = next(one for one in dockerconfig.named(os.environ) if one.name == path)
    try:
        named = docker.load() and (docker.helper_for(registry) or docker.store_helper())
        podman = registries_conf.credential_helpers(os.environ).names
    except Misconfigured:
        return True  # doctor has a finding for it
    return bool(named) or "multi" in podman
