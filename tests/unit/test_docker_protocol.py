"""The wire format: bytes in, a request out; an answer in, bytes out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cred_helper.credential import Credential, Secret
from cred_helper.errors import Denied, ProtocolError
from cred_helper.protocols import docker
from cred_helper.server_url import ServerURL

# What UTF-8 can carry: everything but lone surrogates.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(username=_TEXT, secret=_TEXT)
def test_a_reply_is_one_line_of_json_that_reads_back_as_it_was(username: str, secret: str) -> None:
    server_url = ServerURL.parse("registry.example.com/ü")
    rendered = docker.render_credential(server_url, Credential(username, Secret(secret)))
    assert rendered.isascii()
    assert rendered.endswith(b"\n")
    assert rendered.count(b"\n") == 1
    assert json.loads(rendered) == {
        "ServerURL": "registry.example.com/ü",
        "Username": username,
        "Secret": secret,
    }


@given(username=_TEXT.filter(bool), secret=_TEXT)
def test_a_stored_credential_reads_as_it_was_sent(username: str, secret: str) -> None:
    sent = {"ServerURL": "https://host/v1/", "Username": username, "Secret": secret}
    for rendered in (json.dumps(sent), json.dumps(sent, ensure_ascii=False)):
        server_url, credential = docker.parse_credential(rendered.encode())
        assert server_url.raw == "https://host/v1/"
        assert (credential.username, credential.secret.expose()) == (username, secret)


def test_a_document_of_any_size_is_read_and_a_deep_one_refused() -> None:
    secret = "ß" * (100 << 10)
    document = json.dumps({"ServerURL": "h", "Username": "u", "Secret": secret}).encode()
    assert docker.parse_credential(document)[1].secret.expose() == secret
    document = b'{"ServerURL":"r","Username":"u","Secret":"s","n":' + b"1" * 5000 + b"}"
    assert docker.parse_credential(document)[1].username == "u"
    with pytest.raises(ProtocolError):
        docker.parse_credential(b"[" * 200_000)


@pytest.mark.parametrize("key", ["username", "USERNAME", "Username"])
def test_keys_count_in_any_case_as_for_go(key: str) -> None:
    document = json.dumps({"serverurl": "h", key: "u", "secret": "s"}).encode()
    assert docker.parse_credential(document)[1].username == "u"


@pytest.mark.parametrize(
    "text", [b"gcr.io", b"gcr.io\n", b"gcr.io\r\n", b"\xef\xbb\xbfgcr.io\n", b"  gcr\n.io \n\n"]
)
def test_a_server_url_is_read_as_the_reference_server_reads_it(text: bytes) -> None:
    assert docker.parse_server_url(text).raw == "gcr.io"


def test_only_the_line_ends_of_the_reference_server_are_joined() -> None:
    assert docker.parse_server_url("gcr\u2028.io".encode()).unroutable
    assert docker.parse_server_url(b"gcr\r.io").unroutable


@pytest.mark.parametrize("verb", [docker.parse_server_url, docker.parse_credential])
def test_input_that_is_not_utf8_is_refused_and_not_shown(verb: object) -> None:
    assert callable(verb)
    with pytest.raises(ProtocolError) as raised:
        verb(b"\xff\xfehunter2")
    assert raised.value.code == "client.not-utf"
    assert "hunter2" not in raised.value.reason


def test_any_other_error_is_its_reason_on_one_line() -> None:
    denied = Denied("client.unknown-verb", verb="no\nway", program="", verbs="")
    assert docker.render_error(denied) == b"unknown action: no way\n"


def test_no_text_of_a_secret_shows_it() -> None:
    secret = Secret("hunter2")
    credential = Credential("u", secret)
    shown = f"{secret} {secret!r} {credential!r} {secret:>20} {[secret]}"
    assert "hunter2" not in shown
    with pytest.raises(TypeError):
        secret.__reduce__()
