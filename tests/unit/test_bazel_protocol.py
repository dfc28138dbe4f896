"""Bazel's protocol: which requests and URIs are answered, and what an answer looks like.

The schemas of the specification are written here as rules.
Source: https://github.com/EngFlow/credential-helper-spec/blob/main/spec.md
"""

from __future__ import annotations

import json
import re
import time
from datetime import datetime

import pytest

from cred_helper import headers
from cred_helper.errors import ProtocolError
from cred_helper.protocols import bazel
from cred_helper.settings.settings import Settings
from cred_helper.wiring import Wiring


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        (b"", "bazel.no-uri"),
        (b" \n", "bazel.no-uri"),
        (b"{}", "bazel.no-uri"),
        (b'{"uri": " "}', "bazel.no-uri"),
        (b'{"URI": "https://gcr.io/v2/"}', "bazel.no-uri"),
        (b'{"uri": null}', "client.not-text"),
        (b'{"uri": ["https://gcr.io/v2/"]}', "client.not-text"),
        (b'["https://gcr.io/v2/"]', "client.not-object"),
        (b'"https://gcr.io/v2/"', "client.not-object"),
        (b"gcr.io", "client.not-json"),
        (b'{"uri"', "client.not-json"),
        (b'{"uri": "https://gcr.io/v2/', "client.not-json"),
        (b'{"uri": "https://gcr.io/v2/"} {}', "client.not-json"),
        (b'{"uri": "https://gcr.io/\x00"}', "client.not-json"),
        (b'{"uri": "https://gcr.io/\\x"}', "client.not-json"),
        (b'{"uri": "https://gcr.io/\xff"}', "client.not-utf"),
        (b'{"uri": ' * 100_000, "client.not-json"),
    ],
)
def test_a_request_without_a_uri_is_an_error(request_text: bytes, code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        bazel.parse_uri(request_text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "request_text",
    [
        '{"uri":"https://h.example/a?b=c&d"}',
        '\ufeff\r\n{ "uri" : "https://h.example/a?b=c&d" }\r\n',
        # Gson escapes what HTML would take for its own.
        '{"uri":"https://h.example/a?b\\u003dc\\u0026d"}',
        '{"uri":"https:\\/\\/h.example/a?b=c&d","hostname":{"a":1e999}}',
        f'{{"n":{"9" * 5000},"uri":"https://h.example/a?b=c&d"}}',
    ],
)
def test_a_uri_is_found_among_keys_without_a_meaning(request_text: str) -> None:
    assert bazel.parse_uri(request_text.encode()) == "https://h.example/a?b=c&d"


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("http://gcr.io/v2/a/manifests/1", "client.url-scheme"),
        ("grpcs://gcr.io/v2/a/manifests/1", "client.url-scheme"),
        ("gcr.io/v2/a/manifests/1", "client.url-scheme"),
        ("https:/gcr.io/v2/", "client.url-scheme"),
        ("https://robot:hunter2@gcr.io/v2/a/manifests/1", "client.url-user-information"),
        ("https://robot:hunter2/x@gcr.io/v2/", "client.url-user-information"),
        ("https://robot:hunter2gcr.io/v2/", "client.url-user-information"),
        ("https://gcr.io./v2/a/manifests/1", "client.url-final-dot"),
        ("https://gcr%2eio/v2/a/manifests/1", "client.url-not-dns"),
        ("https://[::1]/v2/a/manifests/1", "client.url-not-dns"),
        ("https://gcr.iö/v2/a/manifests/1", "client.url-not-ascii"),
        ("https://gcr.io/v2/a\n/manifests/1", "client.url-control-character"),
        ("https:///v2/a/manifests/1", "client.url-no-host"),
        ("https://gcr.io:8443/v2/a/manifests/1", "bazel.unknown-host"),
        ("https://gcr.io.example/v2/a/manifests/1", "bazel.unknown-host"),
        ("https://ghcr.io/v2/a/manifests/1?token=hunter2", "bazel.unknown-host"),
        ("https://gcr.io/v2/../a/manifests/1", "client.url-dot-segment"),
        ("https://gcr.io/v2/a%2fb/manifests/1", "bazel.no-rule"),
        ("https://gcr.io/v2//manifests/1", "bazel.no-rule"),
        ("https://gcr.io/v2/manifests/1", "bazel.no-rule"),
        ("https://gcr.io/v2/a", "bazel.no-rule"),
        ("https://gcr.io/v1/a/manifests/1", "bazel.no-rule"),
        ("https://gcr.io/a.tar.gz?token=hunter2", "bazel.no-rule"),
        ("https://storage.googleapis.com/b/hunter2", "bazel.no-rule"),
    ],
)
def test_a_uri_not_to_answer_for_is_an_error_that_quotes_no_secret(uri: str, code: str) -> None:
    wiring = Wiring(Settings.load({}), {}, time.monotonic)
    with pytest.raises(ProtocolError) as caught:
        headers.find(uri, wiring)
    assert caught.value.code == code
    assert "hunter2" not in f"{caught.value.line} {caught.value.hint}"


@pytest.mark.parametrize(
    ("uri", "address", "repository"),
    [
        ("https://gcr.io/v2/", "gcr.io", ""),
        ("https://gcr.io/v2", "gcr.io", ""),
        ("https://gcr.io/v2/_catalog?n=5", "gcr.io", ""),
        ("HTTPS://GCR.io:443/v2/a/b-c/manifests/sha256:0", "gcr.io", "a/b-c"),
        ("https://r.example:5000/v2/a/blobs/sha256:0#x", "r.example:5000", "a"),
        ("https://gcr.io/v2/a/blobs/uploads/", "gcr.io", "a"),
        ("https://gcr.io/v2/a/blobs/uploads", "gcr.io", "a"),
        ("https://gcr.io/v2/a/blobs/uploads/123?digest=x", "gcr.io", "a"),
        ("https://gcr.io/v2/a/tags/list", "gcr.io", "a"),
        ("https://gcr.io/v2/a/referrers/sha256:0", "gcr.io", "a"),
        ("https://gcr.io/v2/blobs/manifests/tags/list", "gcr.io", "blobs/manifests"),
        ("https://index.docker.io/v2/library/a/manifests/1", "registry-1.docker.io", "library/a"),
        ("https://gcr.io/a.tar.gz", "gcr.io", None),
        ("gcr.io", "gcr.io", ""),
        ("https://gcr.io/v2/token?service=gcr.io&scope=repository:a/b:pull", "gcr.io", "a/b"),
        ("https://quay.io/v2/auth?scope=repository%3Aa%2Fb%3Apull&service=x", "quay.io", "a/b"),
        ("https://gcr.io/v2/token?service=gcr.io", "gcr.io", ""),
        ("https://gcr.io/v2/token?service=gcr.io&scope=repository:../a@b:pull", "gcr.io", ""),
        ("https://auth.docker.io/token?service=registry.docker.io", "registry-1.docker.io", ""),
    ],
)
def test_a_uri_names_the_repository_of_the_api(
    uri: str, address: str, repository: str | None
) -> None:
    target = headers.Target(uri)
    assert (target.address, target.repository) == (address, repository)


@pytest.mark.parametrize(
    ("fields", "left_s", "has_end"),
    [
        ({}, None, False),
        ({}, 60.0, False),
        ({"Authorization": "Bearer abc"}, None, False),
        ({"Authorization": 'Bearer a"b\\c\u00e9\n'}, 60.0, True),
        ({"Authorization": "Bearer abc"}, 1799.0, True),
        ({"Authorization": "Bearer abc"}, 1800.0, False),
        ({"x-a": "1", "x-b": "2"}, 43200.0, False),
    ],
)
def test_an_answer_is_of_the_schema_of_the_specification(
    fields: dict[str, str], left_s: float | None, has_end: bool
) -> None:
    now_s = 1_800_000_000.0
    rendered = bazel.render_headers(fields, now_s + left_s if left_s else None, now_s)
    assert rendered.isascii()
    assert rendered.count(b"\n") == 1
    document = json.loads(rendered)
    assert document.get("headers", {}) == {name: [value] for name, value in fields.items()}
    assert list(document) == ["headers"] * bool(fields) + ["expires"] * has_end
    if has_end:
        # RFC 3339 with the offset of UTC, which every language's parser reads.
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["expires"])
        assert datetime.fromisoformat(document["expires"]).timestamp() == now_s + (left_s or 0)
