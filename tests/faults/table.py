"""The faults: every way in which a step can go wrong, by its name in the table of outcomes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tests.clouds import faults
from tests.clouds.server import Exchange, Fault, Reply
from tests.faults.steps import Step

# Where redirects lead to; nobody may ever come there.
ELSEWHERE = "elsewhere.example"
_TEN_MB = 10 << 20


def _hang_up(exchange: Exchange) -> None:
    """Take the request and close the connection without a word."""
    del exchange


def _swollen(exchange: Exchange) -> None:
    """Answer with ten megabytes that are ten kilobytes on the way."""
    body = gzip.compress(b'"' + b"x" * _TEN_MB)
    headers = {
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "Content-Length": str(len(body)),
    }
    exchange.send(Reply(200, headers).head() + body)


def _status(status: int, **headers: str) -> Reply:
    body = b'{"message": "no", "error": "no", "errors": []}'
    return Reply(status, {"Content-Type": "application/json", **headers}, body)


# What comes in the true answer's place, at once.
ANSWERS: dict[str, Fault] = {
    "closes at once": _hang_up,
    "cuts the body": faults.cut_body,
    "10 MB": faults.huge_body(_TEN_MB),
    "10 MB, compressed": _swollen,
    "redirects elsewhere (302)": faults.redirect_to(f"https://{ELSEWHERE}/", 302),
    "redirects elsewhere (307)": faults.redirect_to(f"https://{ELSEWHERE}/", 307),
    "redirects to plain http (308)": faults.redirect_to(f"http://{ELSEWHERE}/", 308),
    "400": _status(400),
    "401": _status(401),
    "403": _status(403),
    "404": _status(404),
    "429, retry after 1 s": _status(429, **{"Retry-After": "1"}),
    "429, retry after an hour": _status(429, **{"Retry-After": "3600"}),
    "500": _status(500),
    "503, retry after an hour": _status(503, **{"Retry-After": "3600"}),
    "html": faults.html(),
    "wrong json": faults.wrong_json(),
    "empty": Reply(200, {"Content-Type": "application/json"}),
}
# What the deadline has to end.
SLOW: dict[str, Fault] = {"never answers": faults.never_answer, "drips": faults.drip(0.5)}
# When the token in the true answer ends, from now on; None: it does not say.
LIVES = {
    "no expiry": None,
    "already expired": timedelta(hours=-1),
    "expires in ten years": timedelta(days=3650),
}
# How far the cloud's clock is ahead of the machine's.
CLOCKS = {
    "machine's clock is an hour behind": timedelta(hours=1),
    "machine's clock is an hour ahead": timedelta(hours=-1),
}
# What a proxy on the way to the step says instead of connecting; None: nothing, for ever.
OBSTACLES: dict[str, int | None] = {
    "proxy refuses": 403,
    "proxy wants a password": 407,
    "proxy finds no such name": 502,
    "proxy gets no answer": 504,
    "proxy never answers": None,
}
UNKNOWN_CA = "unknown CA"
NO_PROXY = "no proxy there"
NO_LISTENER = "refuses the connection"

# `make test` leaves these out, which others come close to, …
_AS_GOOD_AS_TRIED = {
    "redirects elsewhere (302)",
    "400",
    "429, retry after 1 s",
    "expires in ten years",
    "proxy gets no answer",
}
# … and of steps that are not the main one of their kind it tries these.
_BRIEFLY = {
    "closes at once",
    "redirects elsewhere (307)",
    "403",
    "503, retry after an hour",
    "html",
    "never answers",
    "already expired",
    UNKNOWN_CA,
    NO_LISTENER,
}


def faults_of(step: Step, *, briefly: bool = False) -> Iterator[str]:
    """The faults that a step can have."""
    for fault in _faults_of(step):
        if briefly and (fault in _AS_GOOD_AS_TRIED if step.main else fault not in _BRIEFLY):
            continue
        yield fault


def _faults_of(step: Step) -> Iterator[str]:
    yield from ANSWERS
    yield from SLOW
    if step.ending:
        yield from LIVES
    if step.signed:
        yield from CLOCKS
    if step.server:
        yield from (*OBSTACLES, UNKNOWN_CA)
    else:
        yield NO_LISTENER
    if step.first:
        yield NO_PROXY


def behaviour(step: Step, fault: str) -> Fault:
    """What the server does for a fault of its own."""
    found = {**ANSWERS, **SLOW}.get(fault) or _ending(step, LIVES[fault])
    if isinstance(found, Reply):
        return Reply(found.status, {**step.headers, **found.headers}, found.body)
    return found


def _ending(step: Step, after: timedelta | None) -> Fault:
    """Give the true answer's token another end."""

    def send_changed(exchange: Exchange) -> None:
        assert step.ending is not None
        reply = exchange.answer()
        ends_at = None if after is None else datetime.now(UTC) + after
        changed = step.ending(reply.body.decode(), ends_at)
        assert changed != reply.body.decode()
        changed_reply = Reply(reply.status, reply.headers, changed.encode())
        exchange.send(changed_reply.head() + changed_reply.body)

    return send_changed
