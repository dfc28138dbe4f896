"""The faults: every way in which a step can go wrong, by its name in the table of outcomes."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from tests.clouds import faults
from tests.clouds.authority import VALID_FOR, Authority
from tests.clouds.server import Fault, Reply, RoundTrip
from tests.faults.step import Step

# The target of redirects, which no request may reach.
ELSEWHERE = "elsewhere.example"
_MIB = 1 << 20


def _hang_up(trip: RoundTrip) -> None:
    """Take the request and close the connection without a reply."""
    del trip


def _compressed(size: int) -> Callable[[RoundTrip], None]:
    """Answer with a body that is a thousand times smaller on the way."""

    def send(trip: RoundTrip) -> None:
        body = _zeros(size)
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Content-Length": str(len(body)),
        }
        trip.send(Reply(200, headers).head() + body)

    return send


@cache
def _zeros(size: int) -> bytes:
    return gzip.compress(b'"') + gzip.compress(b"x" * _MIB) * (size // _MIB)


def _endless(trip: RoundTrip) -> None:
    """Answer with one chunk after another until the client closes the connection."""
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    trip.send(Reply(200, headers).head() + b'1\r\n"\r\n')
    while True:
        trip.send(b"%x\r\n%s\r\n" % (_MIB, b"x" * _MIB))


def _status(status: int, **headers: str) -> Reply:
    body = b'{"message": "no", "error": "no", "errors": []}'
    return Reply(status, {"Content-Type": "application/json", **headers}, body)


# Replies in place of the right one, at once.
ANSWERS: dict[str, Fault] = {
    "closes at once": _hang_up, "cuts the body": faults.cut_body,
    "10 MB": faults.huge_body(10 * _MIB), "10 MB, compressed": _compressed(10 * _MIB),
    "256 MiB": faults.huge_body(256 * _MIB), "256 MiB, compressed": _compressed(256 * _MIB),
    "endless": _endless,
    "redirects elsewhere (302)": faults.redirect_to(f"https://{ELSEWHERE}/", 302),
    "redirects elsewhere (307)": faults.redirect_to(f"https://{ELSEWHERE}/", 307),
    "redirects to plain http (308)": faults.redirect_to(f"http://{ELSEWHERE}/", 308),
    "400": _status(400), "401": _status(401), "403": _status(403), "404": _status(404),
    "429, retry after 1 s": _status(429, **{"Retry-After": "1"}),
    "429, retry after an hour": _status(429, **{"Retry-After": "3600"}), "500": _status(500),
    "503, retry after an hour": _status(503, **{"Retry-After": "3600"}), "html": faults.html(),
    "wrong json": faults.wrong_json(), "empty": Reply(200, {"Content-Type": "application/json"}),
}  # fmt: skip
# Replies that only the deadline ends.
SLOW: dict[str, Fault] = {"never answers": faults.never_answer, "drips": faults.drip(0.5)}
# The remaining life of the token in the right reply; None: the reply has no expiry.
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
# The status with which a proxy before the step's server refuses to connect; None: it never answers.
OBSTACLES: dict[str, int | None] = {
    "proxy refuses": 403, "proxy wants a password": 407, "proxy finds no such name": 502,
    "proxy gets no answer": 504, "proxy never answers": None,
}  # fmt: skip
UNKNOWN_CA = "unknown CA"
NO_TLS = "plain http on the TLS port"
_HOUR = timedelta(hours=1)
# The certificate with which the step's server answers.
CERTIFICATES: dict[str, Callable[[Authority, str], ssl.SSLContext]] = {
    "certificate expired": lambda ca, host: ca.odd_context(host, valid_until=-_HOUR),
    "certificate not yet valid": lambda ca, host: ca.odd_context(host, valid_from=_HOUR),
    "certificate for another name": lambda ca, _: _for("other.example", ca),
    "certificate for an address": lambda ca, _: _for("127.0.0.1", ca),
}
NO_PROXY = "no proxy there"
NO_LISTENER = "refuses the connection"

# `make test` leaves these out, since others are like them, …
_AS_GOOD_AS_TRIED = {
    "redirects elsewhere (302)", "400", "429, retry after 1 s", "256 MiB", "expires in ten years",
    "proxy gets no answer",
}  # fmt: skip
# … and tries only these at a step that is not the main one of its kind.
_BRIEFLY = {
    "closes at once", "redirects elsewhere (307)", "403", "256 MiB, compressed",
    "503, retry after an hour", "html", "never answers", "already expired", UNKNOWN_CA, NO_LISTENER,
}  # fmt: skip


def _for(name: str, authority: Authority) -> ssl.SSLContext:
    """A server context for one name, whatever name the client asks for."""
    return authority.odd_context(name, valid_until=VALID_FOR - _HOUR)


def faults_of(step: Step, *, briefly: bool = False) -> Iterator[str]:
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
        yield from (*OBSTACLES, UNKNOWN_CA, *CERTIFICATES, NO_TLS)
    else:
        yield NO_LISTENER
    if step.first:
        yield NO_PROXY


def behaviour(step: Step, fault: str) -> Fault:
    found = {**ANSWERS, **SLOW}.get(fault) or _ending(step, LIVES[fault])
    if isinstance(found, Reply):
        return Reply(found.status, {**step.headers, **found.headers}, found.body)
    return found


def _ending(step: Step, after: timedelta | None) -> Fault:
    """Give the token in the right reply another end."""

    def send_changed(trip: RoundTrip) -> None:
        assert step.ending is not None
        reply = trip.answer()
        ends_at = None if after is None else datetime.now(UTC) + after
        changed = step.ending(reply.body.decode(), ends_at)
        assert changed != reply.body.decode()
        changed_reply = Reply(reply.status, reply.headers, changed.encode())
        trip.send(changed_reply.head() + changed_reply.body)

    return send_changed
