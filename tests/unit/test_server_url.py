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
def test_a_server_url_is_split(text: str, host: str, port: str, path: str) -> None:
    server_url = ServerURL.parse(text)
    assert (server_url.host, server_url.port, server_url.path) == (host, port, path)


def test_the_text_is_kept_without_white_space_around_it() -> None:
    assert ServerURL.parse(" HTTPS://Gcr.IO/v2/ \r\n").raw == "HTTPS://Gcr.IO/v2/"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "client.url-empty"),
        ("gcr.io.", "client.url-final-dot"),
        ("a..b", "client.url-empty-label"),
        ("http://gcr.io", "client.url-scheme"),
        ("://gcr.io", "client.url-scheme"),
        ("u@gcr.io", "client.url-user-information"),
        ("gcr.io:5000", "client.url-other-port"),
        ("gcr.io:", "client.url-other-port"),
        ("gсr.io", "client.url-not-ascii"),
        ("gcr\x00.io", "client.url-control-character"),
        ("/v2/", "client.url-no-host"),
        ("a" * 64 + ".io", "client.url-not-dns"),
        (".".join(["a" * 60] * 5), "client.url-long-host"),
    ],
)
def test_an_unroutable_server_url_says_why(text: str, code: str) -> None:
    server_url = ServerURL.parse(text)
    assert server_url.unroutable == code
    assert server_url.labels == ()


@pytest.mark.parametrize(
    ("text", "redacted", "host"),
    [
        ("registry.example:5000/team", "registry.example:5000/team", "registry.example"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/", "index.docker.io"),
        ("https://user:password@a.example/v2/", "https://…@a.example/v2/", "a.example"),
        ("password@a.example", "…@a.example", "a.example"),
        ("user:pass@word@a.example:5000", "…@a.example:5000", "a.example"),
        ("https://a.example/v2/?password#x", "https://a.example/v2/?…", "a.example"),
        ("a.example/@v1", "…@v1", "v1"),
        ("//user:password@a.example", "…@a.example", "a.example"),
        ("https://user:pass/word@a.example/v2/", "https://…@a.example/v2/", "a.example"),
        ("user:pass/word@a.example", "…@a.example", "a.example"),
        ("user:pass://word@a.example", "…@a.example", "a.example"),
        ("https://a.example/?pass@word", "https://…", "…"),
        ("", "", ""),
    ],
)
def test_a_redacted_server_url_has_no_password(text: str, redacted: str, host: str) -> None:
    server_url = ServerURL.parse(text)
    assert server_url.redacted == redacted
    assert repr(server_url) == f"ServerURL({redacted!r})"
    assert server_url.redacted_host == host
