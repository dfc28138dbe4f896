"""The ways in which a loopback server can misbehave: a closed set, used with LoopbackServer.fail.

    server.fail("/token", faults.unavailable(retry_after_s=1), times=2)

Each is a reply in place of the handler's, or a function that changes the handler's reply.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.clouds.server import Fault, Reply, RoundTrip, json_reply

MIB = 1 << 20


def never_answer(trip: RoundTrip) -> None:
    """Read the request and send nothing until the server closes."""
    trip.pause(None)


def drip(interval_s: float = 0.05) -> Callable[[RoundTrip], None]:
    """Send the right reply one byte at a time, so that no single read times out."""

    def send_slowly(trip: RoundTrip) -> None:
        reply = trip.answer()
        for byte in reply.head() + reply.body:
            trip.send(bytes([byte]))
            trip.pause(interval_s)

    return send_slowly


def cut_body(trip: RoundTrip) -> None:
    """Send the headers of the right reply and half of its body, then close the connection."""
    reply = trip.answer()
    trip.send(reply.head() + reply.body[: len(reply.body) // 2])


def huge_body(size: int = 64 * MIB) -> Callable[[RoundTrip], None]:
    """Send a JSON string of so many bytes, as fast as the client reads."""

    def send_much(trip: RoundTrip) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(size)}
        trip.send(Reply(200, headers).head() + b'"')
        for start in range(1, size, MIB):
            trip.send(b"x" * min(MIB, size - start))

    return send_much


def redirect_to(url: str, status: int = 307) -> Reply:
    """Redirect the client; 307 has it repeat method and body, including secrets."""
    return Reply(status, {"Location": url})


def unavailable(status: int = 503, retry_after_s: int | None = None) -> Reply:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Reply(status, headers, b"not now\n")


def html(status: int = 200) -> Reply:
    """The page of a captive portal or a corporate proxy, in place of the service's reply."""
    page = b"<!doctype html><title>Sign in</title><h1>Sign in to continue</h1>\n"
    return Reply(status, {"Content-Type": "text/html; charset=utf-8"}, page)


def wrong_json(value: object = ("unexpected",), status: int = 200) -> Reply:
    return json_reply(value, status)


EVERY: dict[str, Fault] = {
    "never answers": never_answer, "drips": drip(), "cuts the body": cut_body,
    "huge body": huge_body(), "redirects elsewhere": redirect_to("https://elsewhere.example/"),
    "unavailable": unavailable(retry_after_s=1), "html": html(), "wrong json": wrong_json(),
}  # fmt: skip
"""One of each kind, to parametrize a test with."""
