"""The command line: the protocols' verbs go the short way, the commands for people load click.

Never parses a server URL or knows a cloud; the only module that ends the process.
"""

from __future__ import annotations

import os
import sys
from time import monotonic

from cred_helper import files, stdio
from cred_helper.errors import (
    CannotLoad,
    CredentialError,
    Misconfigured,
    NotFound,
    ProtocolError,
    fault,
)
from cred_helper.keychain import in_context
from cred_helper.protocols import BAZEL, DOCKER, KUBELET, docker, linked_name, links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from cred_helper.files.recording import Recording
    from cred_helper.keychain import Answer, Store
    from cred_helper.resolution import Resolution
    from cred_helper.server_url import ServerURL
    from cred_helper.wiring import Wiring

# For a person who calls a verb by hand; a client never sends it.
DEBUG = "--debug"
# A module of the frozen file's launcher, which allows no core dump by itself.
_LAUNCHER = "_payload"
# A home folder that has no files and cannot be made: what is below a device is not a folder.
_NO_HOME = "/dev/null"


def main() -> NoReturn:
    begun_s = monotonic()
    _prepare_process()
    arguments = sys.argv[1:]
    if arguments[:1] == [DEBUG] and {*arguments[1:2]} & {*VERBS, *PROTOCOLS}:
        from cred_helper.settings.settings import log_to_stderr

        log_to_stderr()
        del arguments[0]
    name = _protocol(arguments)
    words = arguments[0] if arguments else ""
    if name != DOCKER:
        words = "bazel get" if name == BAZEL else name
    elif words not in VERBS:
        from cred_helper import commands

        if words in commands.NAMES or commands.COMPLETION_VARIABLE in os.environ:
            _leave(_command(arguments), words, begun_s)
    _leave(protocol(arguments, name), words, begun_s)


def _command(arguments: list[str]) -> int:
    """Run a command for people; the exit status."""
    if 1 in stdio.plug():
        stdio.error(CredentialError("client.output-closed"))
        return 1
    from cred_helper.commands.group import main

    return main(arguments)


def _leave(status: int, words: str, begun_s: float) -> NoReturn:
    """End the process, with a line in the log of calls if that has been begun."""
    if "cred_helper.call_log" in sys.modules:
        from cred_helper import call_log

        call_log.end(words, status, stdio.reported, begun_s)
    stdio.leave(status)


def _protocol(arguments: list[str]) -> str:
    """The name of the protocol to serve; takes it from the arguments where it is the first one.

    The name of a link selects it too: some clients run a file without arguments of their own.
    """
    link = linked_name(sys.argv[0])
    if link:
        return links()[link]
    if arguments and arguments[0] in PROTOCOLS and arguments[0] != DOCKER:
        return arguments.pop(0)
    return DOCKER


def _prepare_process() -> None:
    """Allow no core dump, which would hold secrets, and no home folder that is a relative path.

    Without HOME and without an entry in the user database, ``~`` stays as it is: SDKs would read
    the files, and run the programs, that the working folder names.
    """
    if sys.platform != "win32" and _LAUNCHER not in sys.builtin_module_names:
        try:
            import resource

            _, most = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, most))
        except (ImportError, OSError, ValueError):
            pass  # a Python without this module, or a limit that cannot be set
    if sys.platform != "win32" and not os.path.isabs(os.environ.get("HOME", "")):
        os.environ.pop("HOME", None)
        if not os.path.isabs(os.path.expanduser("~")):
            os.environ["HOME"] = _NO_HOME


def protocol(arguments: list[str], name: str = DOCKER) -> int:
    """Serve one call of a protocol over standard input and output; return the exit status."""
    import gc

    serve, report = PROTOCOLS[name]
    gc.disable()  # the process ends before there is garbage worth collecting
    _end_on_interrupt()
    try:
        reply = stdio.guard(merged_is_silent=name == DOCKER)
    except OSError as error:  # no file descriptor is left for the reply
        stdio.Reply(1).send(report(fault(error)))
        return 1
    recording = _recording()
    failure: CredentialError | None = None
    try:
        document = serve(arguments)
    except (Exception, CannotLoad) as error:  # noqa: BLE001
        failure = fault(error)
    if failure is not None:
        document = report(failure)
    is_sent = reply.send(document)
    if not is_sent:
        _report_unsent(reply)
    if failure is not None and ("error", failure.code) not in stdio.reported:
        stdio.reported.append(("error", failure.code))
    status = int(failure is not None or not is_sent)
    if recording is not None and is_sent:
        _keep_memo(recording, document, status)
    return status


def _recording() -> Recording | None:
    """What records the call for a memo: in the frozen file, for a ``get`` and nothing else."""
    if _LAUNCHER not in sys.builtin_module_names or sys.argv[1:] != ["get"]:
        return None
    from cred_helper.files.recording import Recording

    files.record = Recording(os.environ)
    return files.record


def _keep_memo(recording: Recording, document: bytes, status: int) -> None:
    files.record = None
    if recording.is_plain:
        from _payload import BUILD  # type: ignore[import-not-found]

        from cred_helper.cache import memo

        memo.keep(recording, BUILD, sys.argv, document, status)


def _report_unsent(reply: stdio.Reply) -> None:
    """Say why a reply was not written, unless the client does not want it any more."""
    if reply.failure is not None and not isinstance(reply.failure, BrokenPipeError):
        problem = (reply.failure.strerror or "no reason given").lower()
        stdio.error(CredentialError("client.cannot-write", problem=problem))


def _end_on_interrupt() -> None:
    """Let Ctrl-C end the process as every other signal does: at once, without a traceback."""
    # The module behind signal, which loads enum for the names of signals alone.
    import _signal as signals  # type: ignore[import-not-found]

    # Not where a shell has it ignored.
    if signals.getsignal(signals.SIGINT) is signals.default_int_handler:
        signals.signal(signals.SIGINT, signals.SIG_DFL)


def _docker(arguments: list[str]) -> bytes:
    return _verb(arguments, VERBS, "get|store|erase|list|version")


def _kubelet(arguments: list[str]) -> bytes:
    if arguments == ["--version"]:
        return _version()
    from cred_helper import pulls
    from cred_helper.protocols import kubelet
    from cred_helper.settings import node

    profile = node.find(linked_name(sys.argv[0]), arguments, os.environ)
    received = _read()
    request = kubelet.parse(received.text)
    return pulls.answer(request, profile, stdio.warning, received.waited_s)


def _bazel(arguments: list[str]) -> bytes:
    return _verb(arguments, {"get": _bazel_get}, "bazel get")


def _verb(arguments: list[str], known: dict[str, Callable[[], bytes]], shown: str) -> bytes:
    names = {"program": stdio.PROGRAM, "verbs": shown}
    if not arguments:
        raise ProtocolError("client.no-verb", **names)
    verb, *rest = arguments
    serve = known.get(verb)
    if serve is None:
        raise ProtocolError("client.unknown-verb", verb=verb, **names)
    if rest:
        raise ProtocolError("client.arguments", verb=verb, **names)
    return serve()


def _get() -> bytes:
    request = _read()
    server_url = docker.parse_server_url(request.text)
    wiring = _wiring(request.waited_s)
    resolution = wiring.resolve(server_url)
    answer = wiring.ask(resolution)
    credential = answer.credential
    if credential is not None:
        for source, failure in answer.failures:
            stdio.warning(in_context(server_url, source, failure))
        return docker.render_credential(server_url, credential)
    raise _failure(resolution, answer, is_optional=wiring.settings.on_error == "anonymous")


def _failure(resolution: Resolution, answer: Answer, *, is_optional: bool) -> CredentialError:
    """The result of a get without a credential: the first failure, or not found.

    A failure is a warning only if ``is_optional``, or if the registry is public. A missing
    identity is a warning if the registry requires a login: clients do not show the reason.
    """
    for source, failure in answer.failures:
        in_full = in_context(resolution.server_url, source, failure)
        if not (is_optional or resolution.anonymous):
            return in_full
        stdio.warning(in_full.within("provider.anonymous"))
    if resolution.route is not None and resolution.route.private:
        for asked in answer.trace:
            if asked.source == resolution.route.cloud and isinstance(asked.outcome, NotFound):
                host = resolution.server_url.redacted_host
                words = {"host": host, "source": asked.source}
                stdio.warning(asked.outcome.within("provider.no-credential", **words))
    return NotFound("client.no-credential")


def _bazel_get() -> bytes:
    from time import time

    from cred_helper import headers
    from cred_helper.protocols import bazel

    request = _read()
    uri = bazel.parse_uri(request.text)
    found = headers.find(uri, _wiring(request.waited_s), request.waited_s)
    return bazel.render_headers(found.fields, found.expires_at_s, time())


def _store() -> bytes:
    server_url, credential = docker.parse_credential(_read().text)
    _store_for(server_url).store(server_url, credential)
    return b""


def _erase() -> bytes:
    server_url = docker.parse_server_url(_read().text)
    _store_for(server_url).erase(server_url)
    return b""


def _store_for(server_url: ServerURL) -> Store:
    from cred_helper.stores import store_for

    wiring = _wiring()
    return store_for(wiring, wiring.resolve(server_url))


def _list() -> bytes:
    from cred_helper.stores import list_all

    # What clients write here ("unused", or nothing) has no meaning and is not waited for. A source
    # that fails must not hide the others: classic docker build asks for all credentials at once.
    try:
        usernames, failures = list_all(_wiring())
    except Misconfigured as error:
        stdio.warning(error)
        return docker.render_list({})
    for source, failure in failures:
        stdio.warning(failure.within("client.cannot-list", source=source))
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


def _report_docker(failure: CredentialError) -> bytes:
    if not isinstance(failure, NotFound):
        stdio.error(failure)
    return docker.render_error(failure)


def _report_bazel(failure: CredentialError) -> bytes:
    stdio.error(failure)
    return b""


def _report_kubelet(failure: CredentialError) -> bytes:
    from cred_helper.protocols import kubelet

    stdio.error_line(kubelet.render_error(failure))
    return b""


# Each protocol: the function that serves a call, and the one that reports a failure.
PROTOCOLS: dict[str, tuple[Callable[[list[str]], bytes], Callable[[CredentialError], bytes]]] = {
    DOCKER: (_docker, _report_docker),
    KUBELET: (_kubelet, _report_kubelet),
    BAZEL: (_bazel, _report_bazel),
}


def _read() -> stdio.Input:
    request = stdio.read_input()
    if files.record is not None and not request.waited_s:
        files.record.request = request.text
    if request.is_too_long:
        raise ProtocolError("client.too-long", limit=stdio.MAX_REQUEST_BYTES >> 20)
    if request.is_missing:
        raise ProtocolError("client.no-input", seconds=f"{request.waited_s:.0f}")
    return request


def _wiring(spent_s: float = 0.0) -> Wiring:
    from cred_helper.wiring import Wiring

    return Wiring.of_process(stdio.warning, spent_s)
