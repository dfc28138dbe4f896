"""The promises of the fuzzers, for inputs that are generated and not mutated."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cred_helper.cache.entry import Entry
from cred_helper.credential import Secret
from cred_helper.providers.common import ci_job
from tests.fuzz.parsers import ConfigJson, HelperReply, Protocol, RawJson, SettingsFile
from tests.fuzz.replies import REPLIES, Replies
from tests.fuzz.target import SECRET

# The same inputs on every run: the fuzzers try random ones.
_often = settings(
    max_examples=150, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
_seldom = settings(_often, max_examples=25)

_texts = st.text(max_size=20) | st.just(SECRET)
# A message may quote the name of a setting, never its value.
_names = st.text(max_size=8)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _texts
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3)
)


def _objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these members, of any kind, and with others."""
    known = st.fixed_dictionaries({}, optional=dict.fromkeys(names, _values))
    return st.builds(lambda a, b: {**b, **a}, known, st.dictionaries(_names, _values, max_size=2))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


_labels = st.sampled_from(
    ("123456789012", "dkr", "ecr", "dkr-ecr", "ecr-fips", "us-east-1", "cn-north-1", "amazonaws",
     "com", "cn", "on", "aws", "public", "gcr", "io", "us-docker", "docker", "pkg", "dev", "myreg",
     "azurecr", "geo", "eastus2", "evil", "")
) | st.text(max_size=8)  # fmt: skip
_hosts = st.lists(_labels, max_size=7).map(".".join)
_server_urls = st.tuples(
    st.sampled_from(("", "https://", "HTTPS://", "http://", "ftp://", "//")) | st.text(max_size=6),
    st.sampled_from(("", "", "user@", "user:pass@")),
    _hosts,
    st.sampled_from(("", ":443", ":80", ":")) | st.integers().map(lambda port: f":{port}"),
    st.sampled_from(("", "/", "/v2/", "?x", "#y", "\\@gcr.io")) | st.text(max_size=6),
).map("".join)


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return Protocol()


@given(fields=_objects("ServerURL", "Username", "Secret", "serverurl"))
@_often
def test_a_login_is_kept_or_refused(fields: dict[str, Any], protocol: Protocol) -> None:
    protocol.check(_json(fields))


@given(uri=_server_urls, others=_objects("uri"))
@_often
def test_a_uri_of_bazels_has_an_answer_or_an_error(
    uri: str, others: dict[str, Any], protocol: Protocol
) -> None:
    protocol.check(_json({"uri": uri}))
    protocol.check(_json(others))


@given(image=_texts | _hosts, others=_objects("image", "serviceAccountToken", "kind"))
@_often
def test_a_request_of_kubelets_has_a_response_or_an_error(
    image: str, others: dict[str, Any], protocol: Protocol
) -> None:
    version = "credentialprovider.kubelet.k8s.io/v1"
    kind = {"kind": "CredentialProviderRequest", "apiVersion": version}
    protocol.check(_json({**kind, "image": f"{image}/app"}))
    protocol.check(_json({**kind, **others}))


_auths = st.dictionaries(
    _hosts | st.sampled_from(("registry.example", "https://index.docker.io/v1/")),
    _objects("auth", "username", "password", "identitytoken", "registrytoken") | _values,
    max_size=4,
)
_configs = st.fixed_dictionaries(
    {},
    optional={
        "auths": _auths | _values,
        "credHelpers": st.dictionaries(_hosts, _texts | _values, max_size=3) | _values,
        "credsStore": _texts | _values,
    },
)


@given(config=_configs)
@_often
def test_a_config_json_is_followed_or_refused(config: dict[str, Any]) -> None:
    ConfigJson().check(_json(config))


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value)
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{json.dumps(k)} = {_toml(v)}' for k, v in value.items())}}}"
    return '""'


_rules = _objects("match", "provider", "helper", "answer", "alias", "profile")
_patterns = _hosts | st.sampled_from(("*", "**.example", "*.dkr.ecr.*.amazonaws.com", "docker.io"))
_good_rules = st.fixed_dictionaries(
    {"match": _patterns},
    optional={
        "provider": st.sampled_from(("ecr", "gcr", "acr", "environment", "none")),
        "alias": _hosts | st.sampled_from(("us-docker.pkg.dev", "myreg.azurecr.io")),
        "profile": _texts,
    },
)
_tables = st.fixed_dictionaries(
    {},
    optional={
        "deadline_s": _scalars,
        "order": _values,
        "cache_folder": _texts,
        "acr": _objects("audience", "tenant_id"),
        "rule": st.lists(_good_rules | _rules, max_size=4) | _values,
    },
)


@given(tables=_tables)
@_often
def test_settings_are_taken_or_refused(tables: dict[str, Any]) -> None:
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in tables.items())
    SettingsFile().check(text.encode("utf-8", "surrogatepass"))


@given(
    status=st.integers(0, 255),
    before=st.text(max_size=30),
    fields=_objects("ServerURL", "Username", "Secret"),
)
@_often
def test_an_answer_of_a_helper_is_taken_or_refused(
    status: int, before: str, fields: dict[str, Any]
) -> None:
    answer = f"{before}\n{json.dumps(fields)}"
    HelperReply().check(bytes([status]) + answer.encode("utf-8", "surrogatepass"))


@given(value=_objects("a", "b"), indent=st.sampled_from((None, 1, "\t")))
@_often
def test_an_edit_changes_what_it_is_about(value: dict[str, Any], indent: int | str | None) -> None:
    RawJson().check(json.dumps(value, indent=indent).encode())


_KEY = "0123456789abcdef0123456789abcdef"
_lines = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30)
_entries = st.builds(
    lambda provider, scope, username, secret, source, created_at, life_s: Entry(
        provider, scope, username=username, secret=Secret(secret), source=source,
        created_at=created_at, expires_at=created_at + life_s,
    ),
    *(_lines for _ in range(5)), st.floats(0, 4e9), st.floats(1, 86400),
)  # fmt: skip


@given(entry=_entries)
@_often
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    again = Entry.decode(_KEY, entry.encode(_KEY))
    assert again is not None
    assert again.encode(_KEY) == entry.encode(_KEY)
    assert again.secret == entry.secret


@given(entry=_entries, at=st.integers(0), change=st.integers(1, 255), cut=st.integers(0, 500))
@_often
def test_an_entry_that_is_torn_or_changed_is_not_used(
    entry: Entry, at: int, change: int, cut: int
) -> None:
    whole = entry.encode(_KEY)
    changed = bytearray(whole)
    changed[at % len(changed)] ^= change
    assert Entry.decode(_KEY, bytes(changed)) is None
    assert Entry.decode(_KEY, whole[:cut]) is None or cut >= len(whole)
    assert Entry.decode(_KEY[::-1], whole) is None


_REPLIES = {
    "ecr-api": _objects("authorizationData", "__type", "message"),
    "token-endpoint-assertion": _objects(
        "access_token", "expires_in", "token_type", "error", "error_description", "error_subtype"
    ),
    "acr-exchange": _objects("refresh_token", "errors"),
}


@pytest.mark.parametrize("step", _REPLIES)
def test_a_reply_of_a_cloud_is_taken_or_refused(step: str) -> None:
    with closing(REPLIES[step]()) as target:
        _reply(target, _REPLIES[step])


def _reply(target: Replies, documents: st.SearchStrategy[dict[str, Any]]) -> None:
    @given(status=st.sampled_from((200, 400, 401, 403, 429, 500)), document=documents)
    @_seldom
    def answer(status: int, document: dict[str, Any]) -> None:
        head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n\r\n"
        target.check(head.encode() + _json(document))

    answer()


@_often
@given(st.text() | st.lists(st.text()), st.booleans())
def test_the_audiences_of_a_token_are_read_without_the_json_library(
    audience: str | list[str], is_ascii: bool
) -> None:
    payload = json.dumps({"sub": "s", "aud": audience, "exp": 1}, ensure_ascii=is_ascii)
    part = urlsafe_b64encode(payload.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()
    expected = [audience] if isinstance(audience, str) else audience
    assert ci_job.audiences_of(f"e30.{part}.c2ln") == tuple(filter(None, expected))
