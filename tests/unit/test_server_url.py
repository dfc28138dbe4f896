"""The one parser of server URLs."""

from __future__ import annotations

import pytest

from cred_helper.server_url import ServerURL


@pytest.mark.parametrize(
    ("text", "host", "port", "path"),
    [
        ("gcr.io", "gcr.io", "", ""),
        ("GCR.io:443/a/b", "gcr.io", "443", "/a/b"),
        ("localhost:5000", "localhost", "5000", ""),
        ("http://localhost:5000/v1/", "localhost", "5000", "/v1/"),
        ("https://index.docker.io/v1/", "index.docker.io", "", "/v1/"),
        ("[::1]:5000/a", "[::1]", "5000", "/a"),
        ("[::1]", "[::1]", "", ""),
        ("host?query", "host", "", "?query"),
    ],
)
def test_a_server_url_is_taken_apart(text: str, host: str, port: str, path: str) -> None:
    server_url = ServerURL.parse(text)
    assert (server_url.host, server_url.port, server_url.path) == (host, port, path)


def test_what_was_sent_is_kept_but_for_white_space_around_it() -> None:
    assert ServerURL.parse(" HTTPS://Gcr.IO/v2/ \r\n").raw == "HTTPS://Gcr.IO/v2/"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("gcr.io.", "dot"),
        ("a..b", "empty label"),
        ("http://gcr.io", "scheme"),
        ("://gcr.io", "scheme"),
        ("u@gcr.io", "user information"),
        ("gcr.io:5000", "port"),
        ("gcr.io:", "port"),
        ("gсr.io", "ASCII"),
        ("gcr\x00.io", "control"),
        ("/v2/", "no host"),
        ("a" * 64 + ".io", "labels"),
        (".".join(["a" * 60] * 5), "longer"),
    ],
)
def test_the_doubtful_ones_say_why_no_provider_is_asked(text: str, why: str) -> None:
    server_url = ServerURL.parse(text)
    assert server_url.unroutable
    assert why in server_url.unroutable
    assert server_url.labels == ()


@pytest.mark.parametrize(
    ("text", "told", "host"),
    [
        ("registry.example:5000/team", "registry.example:5000/team", "registry.example"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/", "index.docker.io"),
        ("https://user:password@a.example/v2/", "https://…@a.example/v2/", "a.example"),
        ("password@a.example", "…@a.example", "a.example"),
        ("user:pass@word@a.example:5000", "…@a.example:5000", "a.example"),
        ("https://a.example/v2/?password#x", "https://a.example/v2/?…", "a.example"),
        ("a.example/@v1", "a.example/@v1", "a.example"),
        ("", "", ""),
    ],
)
def test_no_password_in_a_server_url_is_told(text: str, told: str, host: str) -> None:
    server_url = ServerURL.parse(text)
    assert server_url.redacted == told
    assert repr(server_url) == f"ServerURL({told!r})"
    assert server_url.redacted_host == host
