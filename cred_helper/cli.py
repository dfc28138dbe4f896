"""The command line: the protocol's verbs go the short way, people's commands load click.

Never parses a server URL or knows a cloud; the only module that ends the process.
"""

from __future__ import annotations

import os
import sys

from cred_helper import stdio
from cred_helper.errors import (
    AnonymousAllowed,
    CannotLoad,
    CredentialError,
    Misconfigured,
    NotFound,
    ProtocolError,
    fault,
)
from cred_helper.keychain import in_context
from cred_helper.protocols import docker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from cred_helper.keychain import Answer
    from cred_helper.server_url import ServerURL
    from cred_helper.wiring import Wiring

# Before a verb, by a person who calls one by hand; a client never sends it.
DEBUG = "--debug"
USAGE = f"usage: {stdio.PROGRAM} get|store|erase|list|version"


def main() -> NoReturn:
    """Answer one call and end the process."""
    arguments = sys.argv[1:]
    if arguments[:1] == [DEBUG] and arguments[1:2] and arguments[1] in VERBS:
        from cred_helper.settings.settings import LOG, STDERR

        os.environ[LOG] = STDERR
        del arguments[0]
    verb = arguments[0] if arguments else ""
    if verb not in VERBS:
        from cred_helper import commands

        if verb in commands.NAMES or commands.COMPLETION_VARIABLE in os.environ:
            stdio.leave(commands.run(arguments))
    stdio.leave(protocol(arguments))


def protocol(arguments: list[str]) -> int:
    """Serve one protocol verb over standard input and output; the exit status."""
    _end_on_interrupt()
    reply = stdio.guard()
    try:
        return 0 if reply.send(_answer(arguments)) else 1
    except CredentialError as error:
        failure = error
    except CannotLoad as error:
        failure = error.error
    except Exception as error:  # noqa: BLE001
        failure = fault(error)
    if not isinstance(failure, NotFound):
        stdio.error(failure)
    reply.send(docker.render_error(failure))
    return 1


def _end_on_interrupt() -> None:
    """Have Ctrl-C end us as every other signal does: at once, and without a traceback."""
    # The module behind signal, which loads enum for the names of signals alone.
    from _signal import (  # type: ignore[import-not-found]
        SIG_DFL,
        SIGINT,
        default_int_handler,
        getsignal,
        signal,
    )

    if getsignal(SIGINT) is default_int_handler:  # not where a shell has it ignored
        signal(SIGINT, SIG_DFL)


def _answer(arguments: list[str]) -> bytes:
    if not arguments:
        raise ProtocolError(USAGE, hint=f"{stdio.PROGRAM} --help lists what people call")
    verb, *rest = arguments
    serve = VERBS.get(verb)
    if serve is None:
        raise ProtocolError(
            f"unknown action: {verb}", hint=f"{USAGE}; see {stdio.PROGRAM} --help for the rest"
        )
    if rest:
        raise ProtocolError(
            f"{verb} takes no arguments", hint=f"the server URL goes to standard input: {USAGE}"
        )
    return serve()


def _get() -> bytes:
    server_url = docker.parse_server_url(_read())
    wiring = _wiring()
    answer = wiring.keychain().get(server_url)
    credential = answer.credential
    if credential is not None:
        for source, failure in answer.failures:
            stdio.warning(in_context(server_url, source, failure))
        return docker.render_credential(server_url, credential)
    raise _verdict(server_url, answer, anonymous=wiring.settings.on_error == "anonymous")


def _verdict(server_url: ServerURL, answer: Answer, *, anonymous: bool) -> CredentialError:
    """What to tell a client that gets no credential: the first thing that should have worked."""
    for source, failure in answer.failures:
        verdict = in_context(server_url, source, failure)
        if not anonymous and not isinstance(failure, AnonymousAllowed):
            return verdict
        stdio.warning(f"{verdict.reason}; going on anonymously", verdict.hint)
    return NotFound("no source has a credential")


def _store() -> bytes:
    server_url, credential = docker.parse_credential(_read())
    _wiring().keychain().store(server_url, credential)
    return b""


def _erase() -> bytes:
    server_url = docker.parse_server_url(_read())
    _wiring().keychain().erase(server_url)
    return b""


def _list() -> bytes:
    # What clients write here ("unused", or nothing) means nothing and is not waited for. A broken
    # source must not blank the others: classic docker build asks for all credentials at once.
    try:
        usernames, failures = _wiring().keychain().list()
    except Misconfigured as error:
        stdio.warning(error.reason, error.hint)
        return docker.render_list({})
    for source, failure in failures:
        stdio.warning(f"{source} cannot be listed: {failure.reason}", failure.hint)
    return docker.render_list(usernames)


def _version() -> bytes:
    from cred_helper import __version__

    return f"{stdio.PROGRAM} (cred_helper) {__version__}\n".encode()


VERBS: dict[str, Callable[[], bytes]] = {
    "get": _get,
    "store": _store,
    "erase": _erase,
    "list": _list,
    "version": _version,
    "--version": _version,
    "-v": _version,
}


def _read() -> bytes:
    request = stdio.read_request()
    if request is None:
        raise ProtocolError(f"standard input is over {stdio.MAX_REQUEST_BYTES >> 20} MiB")
    return request


def _wiring() -> Wiring:
    from cred_helper.wiring import Wiring

    return Wiring.of_process(stdio.warning)
