"""``login`` and ``logout``: check a registry's password and keep it where clients get it from.

It does what docker login does, on machines without docker. For a registry of a built-in provider no
password is needed: the provider's credential is checked instead.
"""

from __future__ import annotations

import os
import sys

import click

from cred_helper import clouds, docker_hub, stdio
from cred_helper.commands.configure import registries_conf
from cred_helper.commands.lookup.attempt import Attempt, required
from cred_helper.commands.lookup.explanation import CREDENTIAL, Explanation
from cred_helper.commands.lookup.registry_check import check
from cred_helper.commands.ui import this_program
from cred_helper.commands.ui.arguments import server_url_argument
from cred_helper.commands.ui.screen import Screen, shown
from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.fallback import dockerconfig, store
from cred_helper.fallback.registry_key import RegistryKey
from cred_helper.messages import find
from cred_helper.server_url import ServerURL
from cred_helper.stores import store_for
from cred_helper.wiring import Wiring

_UNCHECKED_HINT = find("login.not-accepted").hint


@click.command()
@server_url_argument()
@click.option(
    "-u", "--username", metavar="NAME", help="User name; without this option, login asks."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--unchecked", is_flag=True, help="Keep the password without asking the registry.")
def login(server_url: str, username: str | None, password_stdin: bool, unchecked: bool) -> None:
    """Log in to a registry, and keep the login for its clients.

    SERVER_URL is the registry's host, or host:port, or docker.io. The registry is asked whether it
    accepts the password. Then the password is kept where docker login keeps it: in the credential
    helper that docker's configuration names, or in the system keychain, or in a file that only you
    can read. A registry of a cloud needs no login: without a user name, the credential that the
    cloud gives is checked.
    """
    if password_stdin and not username:
        raise click.UsageError("--password-stdin needs --username")
    registry = _registry(server_url)
    screen = Screen.guarded()
    explained = _explained(registry)
    if explained.builtin and not username:
        _check_clouds(screen, explained, explained.builtin.name)
        return
    # Where a cloud is there only with its options, the login is the answer without them.
    is_clouds = explained.builtin and not clouds.find(explained.builtin.name).only_with
    credential = _read(username) if username and password_stdin else _ask(username)
    if not is_clouds and not unchecked:
        _check(screen, registry, credential)
    # A new wiring: a helper's time limit must not include the time of typing a password.
    wiring = Wiring.of_process(stdio.warning)
    store_for(wiring, wiring.resolve(registry)).store(registry, credential)
    if not is_clouds:
        _show_where(screen, registry, credential)


@click.command()
@server_url_argument()
def logout(server_url: str) -> None:
    """Remove the login to a registry, or a cloud's cached token.

    The login is removed from the credential helper that docker's configuration names, from the
    system keychain and from this program's own store.
    """
    registry = _registry(server_url)
    screen = Screen.guarded()
    wiring = Wiring.of_process(stdio.warning)
    was_kept = False
    for key in docker_hub.KEYS if docker_hub.is_hub(registry) else (registry.raw,):
        kept = ServerURL.parse(key)
        was_kept |= store_for(wiring, wiring.resolve(kept)).erase(kept)
    name = _name(registry)
    screen.line(f"the login to {name} is removed" if was_kept else f"no login to {name} is kept")
    for source, outlook in Explanation(registry).outlooks():
        if outlook.would_say == CREDENTIAL:
            values = {"source": shown(source.name), "host": _name(registry)}
            stdio.warning(CredentialError("login.still-answered", words=outlook.words, **values))


def _registry(text: str) -> ServerURL:
    """The server URL under which clients ask for a registry, whichever way it is written."""
    server_url = ServerURL.parse(text.removeprefix("http://"))
    if docker_hub.is_hub(server_url):
        return ServerURL.parse(docker_hub.KEY)
    if not server_url.is_host:
        # It is not quoted: it may contain a password.
        raise click.UsageError("this is not the address of a registry")
    key = RegistryKey(server_url)
    return ServerURL.parse(f"{key.registry}{key.path}")


def _name(registry: ServerURL) -> str:
    return docker_hub.HOSTS[0] if docker_hub.is_hub(registry) else registry.redacted


def _explained(registry: ServerURL) -> Explanation:
    """The sources for the registry."""
    explained = Explanation(registry)
    if explained.error:
        raise explained.error
    if explained.rule and explained.rule.answer:
        raise Misconfigured(
            "login.rule-answers",
            host=_name(registry),
            place=shown(explained.rule.place.of("answer")),
            command=this_program.command("explain", registry.raw),
        )
    return explained


def _check_clouds(screen: Screen, explained: Explanation, provider: str) -> None:
    registry = explained.server_url
    attempt = Attempt(explained)
    credential = required(registry, attempt.answer)
    words = attempt.asked[-1].outlook.words
    screen.line(f"{_name(registry)} needs no login: {provider} answers with {words}")
    _check(screen, registry, credential, is_clouds=True)


def _ask(username: str | None) -> Credential:
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(
            "standard input is not a terminal: use --username and --password-stdin"
        )
    username = username or click.prompt("Username", err=True)
    password = click.prompt("Password", hide_input=True, err=True)
    return Credential(username, Secret(password))


def _read(username: str) -> Credential:
    """The password from standard input, without the line end that echo adds."""
    request = stdio.read_input(is_client=False)
    if request.is_too_long:
        raise CredentialError("login.input-too-long")
    try:
        password = request.text.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise CredentialError("login.password-not-text") from None
    if not password:
        raise CredentialError("login.password-missing")
    return Credential(username, Secret(password))


def _check(
    screen: Screen, registry: ServerURL, credential: Credential, *, is_clouds: bool = False
) -> None:
    """Have the registry check a credential."""
    checked = check(registry, credential, is_clouds=is_clouds)
    if not checked.accepted:
        code = "login.cloud-not-accepted" if is_clouds else "login.not-accepted"
        failure = checked.notice.within(code, host=_name(registry))
        raise failure if is_clouds else failure.with_hint(_UNCHECKED_HINT)
    screen.line(f"{_name(registry)}: {checked.notice.reason} ({checked.took_ms:.0f} ms)")


def _show_where(screen: Screen, registry: ServerURL, credential: Credential) -> None:
    """Ask as a client does, and show which source answers."""
    wiring = Wiring.of_process(stdio.warning)
    answer = wiring.ask(wiring.resolve(registry))
    values = {"host": _name(registry), "command": this_program.command("explain", registry.raw)}
    answered = answer.credential
    if answered is None:
        stdio.warning(CredentialError("login.not-kept", **values))
        return
    source = shown(answer.trace[-1].source)
    if (answered.username, answered.secret) != (credential.username, credential.secret):
        stdio.warning(CredentialError("login.answered-before", source=source, **values))
        return
    is_file = answer.trace[-1].source == store.path(os.environ)
    how = ", closed to others and not encrypted" if is_file else ""
    screen.line(f"the login is kept in {source}{how}")
    if not docker_hub.is_hub(registry) and registry.path:
        stdio.note(CredentialError("login.of-namespace", host=registry.address))
    elif not _is_asked_for(registry):
        command = this_program.command("configure")
        stdio.warning(CredentialError("login.not-asked", command=command))


def _is_asked_for(registry: ServerURL) -> bool:
    """Whether docker or podman asks a credential helper for a registry."""
    path = dockerconfig.docker_config_path(os.environ)
    docker = next((one for one in dockerconfig.named(os.environ) if one.name == path), None)
    try:
        named = docker and docker.load() and (docker.helper_for(registry) or docker.store_helper())
        podman = registries_conf.credential_helpers(os.environ).names
    except Misconfigured:
        return True  # doctor has a finding for it
    return bool(named) or this_program.HELPER in podman
