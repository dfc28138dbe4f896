"""A real credential for each registry, and whether the registry accepts it: several at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Lock

from cred_helper import docker_hub
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, Finding, error, note, ok, warning
from cred_helper.commands.lookup.attempt import Attempt
from cred_helper.commands.lookup.explanation import Explanation
from cred_helper.commands.lookup.registry_check import RegistryCheck, check
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.times import duration
from cred_helper.errors import CredentialError
from cred_helper.providers.common import deferred_imports
from cred_helper.server_url import ServerURL

_MOST_AT_ONCE = 8
_REDRAW_S = 0.2
# The strictest of the clouds accepts signatures and tokens for five minutes around their time.
_WRONG_S = 300.0
_DOUBTFUL_S = 60.0


def online(server_urls: list[str], progress: Callable[[int, int], None]) -> Iterator[Finding]:
    """Ask for every registry; the findings as they come, and one about the clock.

    ``progress`` is called several times a second with how many of how many are done.
    """
    urls = [ServerURL.parse(text) for text in dict.fromkeys(server_urls)]
    deferred_imports.switch_off()  # several threads import the SDKs
    asker = _CloudQueue()
    pool = ThreadPoolExecutor(_MOST_AT_ONCE)
    try:
        waiting = {pool.submit(asker.ask, url) for url in urls if not docker_hub.is_token_key(url)}
        of_all = len(waiting)
        while waiting:
            progress(of_all - len(waiting), of_all)
            done, waiting = wait(waiting, _REDRAW_S, FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C does not wait
    yield from _clock(asker.checked)


class _CloudQueue:
    """Asks for credentials of one cloud one after another, and the registries side by side.

    The locks that keep processes from using a refresh token twice do not hold between threads.
    """

    def __init__(self) -> None:
        self.checked: list[tuple[str, RegistryCheck]] = []
        self._turns: defaultdict[str, Lock] = defaultdict(Lock)

    def ask(self, server_url: ServerURL) -> Finding:
        """Get a credential as a client does, and check that the registry accepts it."""
        name = server_url.redacted
        explain = this_program.command("explain", "--try", name)
        builtin = Explanation(server_url).builtin
        with self._turns[builtin.name if builtin else server_url.address]:
            # Its deadline begins when its turn comes.
            explained = Explanation(server_url)
            if explained.error:
                return Finding(ERROR, "online", explained.error.within("file.at", place=name))
            attempt = Attempt(explained)
        if attempt.answer.credential is None and attempt.answer.failures:
            source, failure = attempt.answer.failures[0]
            failed = failure.within("doctor.no-credential", host=name, source=source)
            return Finding(ERROR, "online", failed, explain)
        if not server_url.is_host:
            return note("online", "doctor.not-a-registry", explain, host=name)
        return self._check(explained, attempt, explain)

    def _check(self, explained: Explanation, attempt: Attempt, explain: str) -> Finding:
        name = explained.server_url.redacted
        credential = attempt.answer.credential
        if credential and not credential.username:
            credential = None  # as clients understand an empty one
        builtin = explained.builtin.name if explained.builtin else None
        is_clouds = bool(attempt.asked) and attempt.asked[-1].source == builtin
        checked = check(explained.server_url, credential, is_clouds=is_clouds)
        self.checked.append((name, checked))
        got = CredentialError("doctor.asked-without-credential")
        if credential:
            code = "doctor.asked-from-cache" if attempt.asked[-1].cached else "doctor.asked-anew"
            got = CredentialError(code, ms=f"{attempt.took_ms:.0f}")
        values = {"host": name, "got": got.reason, "ms": f"{checked.took_ms:.0f}"}
        notice = checked.notice.within("doctor.registry-checked", **values)
        if checked.accepted:
            return Finding(OK if credential else NOTE, "online", notice)
        # Where the registry cannot be reached, looking at the credential does not help.
        command = explain if checked.answered and credential else None
        return Finding(ERROR, "online", notice, command)


def _clock(checked: list[tuple[str, RegistryCheck]]) -> Iterator[Finding]:
    """How far this machine's clock is from the registries': the smallest difference counts."""
    known = [(one.ahead_s, name) for name, one in checked if one.ahead_s is not None]
    if not known:
        return
    ahead_s, name = min(known, key=lambda pair: abs(pair[0]))
    if abs(ahead_s) < _DOUBTFUL_S:
        yield ok("clock", "doctor.clock-agrees", host=name)
        return
    code = "doctor.clock-behind" if ahead_s > 0 else "doctor.clock-ahead"
    finding = error if abs(ahead_s) >= _WRONG_S else warning
    yield finding("clock", code, shell.set_clock(), by=duration(abs(ahead_s)), host=name)
