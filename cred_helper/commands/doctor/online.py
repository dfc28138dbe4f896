"""A real token for each registry, and whether the registry lets it in: side by side."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from cred_helper import docker_hub
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING, Finding
from cred_helper.commands.lookup.attempt import Trial
from cred_helper.commands.lookup.explanation import Explanation
from cred_helper.commands.lookup.registry_check import ping
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.times import duration
from cred_helper.server_url import ServerURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cred_helper.commands.lookup.registry_check import Pinged

_MOST_AT_ONCE = 8
_REDRAW_S = 0.2
# Signatures and tokens are good for five minutes around their time with the strictest of clouds.
_WRONG_S = 300.0
_DOUBTFUL_S = 60.0


def online(server_urls: list[str], progress: Callable[[int, int], None]) -> Iterator[Finding]:
    """Ask all at once; the findings as they come, and one on the clock.

    ``progress`` is told, several times a second, how many have answered of how many.
    """
    asked = [ServerURL.parse(text) for text in dict.fromkeys(server_urls)]
    pings: list[tuple[str, Pinged]] = []

    def ask(server_url: ServerURL) -> Finding:
        return _ask(server_url, pings)

    pool = ThreadPoolExecutor(_MOST_AT_ONCE)
    try:
        waiting = {pool.submit(ask, url) for url in asked if not docker_hub.is_token_key(url)}
        of_all = len(waiting)
        while waiting:
            progress(of_all - len(waiting), of_all)
            done, waiting = wait(waiting, _REDRAW_S, FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C is not made to wait
    yield from _clock(pings)


def _ask(server_url: ServerURL, pings: list[tuple[str, Pinged]]) -> Finding:
    """Get a credential as a client does, and have the registry look at it."""
    name = server_url.redacted
    explain = this_program.command("explain", "--try", name)
    explained = Explanation(server_url)
    if explained.error:
        reason, hint = explained.error.reason, explained.error.hint
        return Finding(ERROR, "online", f"{name}: {reason}", explain, hint)
    trial = Trial(explained)
    if trial.answer.credential is None and trial.answer.failures:
        source, failure = trial.answer.failures[0]
        message = f"{name}: no credential from {source}: {failure.reason}"
        return Finding(ERROR, "online", message, explain, failure.hint)
    if not server_url.is_host:
        return Finding(NOTE, "online", f"{name}: this is no address of a registry", explain)
    builtin = explained.builtin.name if explained.builtin else None
    is_clouds = bool(trial.asked) and trial.asked[-1].source == builtin
    pinged = ping(server_url, trial.answer.credential, is_clouds=is_clouds)
    pings.append((name, pinged))
    got = "no credential"
    if trial.answer.credential:
        cached = " from the cache" if trial.asked[-1].cached else ""
        got = f"a credential{cached} in {trial.took_ms:.0f} ms"
    message = f"{name}: {got}; {pinged.said} ({pinged.took_ms:.0f} ms)"
    if not pinged.let_in:
        return Finding(ERROR, "online", message, explain)
    return Finding(OK if trial.answer.credential else NOTE, "online", message, explain)


def _clock(pings: list[tuple[str, Pinged]]) -> Iterator[Finding]:
    """How far this machine's clock is from the registries': from the nearest, which has the say."""
    told = [(pinged.ahead_s, name) for name, pinged in pings if pinged.ahead_s is not None]
    if not told:
        return
    ahead_s, name = min(told, key=lambda pair: abs(pair[0]))
    if abs(ahead_s) < _DOUBTFUL_S:
        yield Finding(OK, "clock", f"it agrees with that of {name}")
        return
    which = "behind" if ahead_s > 0 else "ahead of"
    message = f"it is {duration(abs(ahead_s))} {which} that of {name}"
    severity = ERROR if abs(ahead_s) >= _WRONG_S else WARNING
    yield Finding(severity, "clock", message, shell.set_clock())
