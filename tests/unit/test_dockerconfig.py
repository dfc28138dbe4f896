"""config.json and its relatives: the helpers and logins in them, and the errors about them."""

from __future__ import annotations

import json
import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.fallback import dockerconfig
from cred_helper.fallback.dockerconfig import DockerConfig
from cred_helper.files import json_file
from cred_helper.server_url import ServerURL

HOST = ServerURL.parse("h.example")
SECRET = "s3cret-of-mine"


def basic(username: str, password: str) -> str:
    return b64encode(f"{username}:{password}".encode()).decode()


def config(value: object, **kind: Any) -> DockerConfig:
    data = value if isinstance(value, bytes) else json.dumps(value, indent=1).encode()
    read = DockerConfig("a file", lambda: json_file.parse(data), **kind)
    read.load()
    return read


def held(value: object, asked: str = "h.example", **kind: bool) -> tuple[str, str]:
    credential = config(value, **kind).get(ServerURL.parse(asked))
    return credential.username, credential.secret.expose()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": basic("u", "p")}, ("u", "p")),
        ({"auth": basic("u", "a:b:c")}, ("u", "a:b:c")),
        ({"auth": basic("u", "p\0\0")}, ("u", "p")),
        ({"auth": basic("u", "pä→")}, ("u", "pä→")),
        ({"auth": basic("u", "")}, ("u", "")),
        ({"auth": basic("u", "pw").rstrip("=")}, ("u", "pw")),
        ({"auth": urlsafe_b64encode("u:ÿÿ¿¿¿".encode()).decode()}, ("u", "ÿÿ¿¿¿")),
        ({"auth": f" {basic('u', 'p' * 90)[:64]}\n{basic('u', 'p' * 90)[64:]}\n"}, ("u", "p" * 90)),
        ({"username": "u", "password": "p"}, ("u", "p")),
        ({"auth": basic("u", "p"), "username": "old", "password": "old"}, ("u", "p")),
        ({"auth": "", "username": "u", "password": "p"}, ("u", "p")),
        ({"identitytoken": "t"}, ("<token>", "t")),
        ({"auth": basic("0000", ""), "identitytoken": "t"}, ("<token>", "t")),
        ({"registrytoken": "r", "auth": basic("u", "p")}, ("u", "p")),
        ({"IdentityToken": "t"}, ("<token>", "t")),
        ({"auth": basic("u", "p"), "email": None, "x": [1]}, ("u", "p")),
    ],
)
def test_each_kind_of_entry_is_a_login(entry: dict[str, Any], expected: tuple[str, str]) -> None:
    assert held({"auths": {"h.example": entry}}) == expected
    assert config({"auths": {"h.example": entry}}).list() == {"h.example": expected[0]}


@pytest.mark.parametrize("entry", [{}, None, {"auth": ""}, {"email": "e"}, {"auth": basic("", "")}])
def test_an_entry_without_a_credential_counts_as_absent(entry: object) -> None:
    marked = config(
        {"auths": {"h.example": entry, "https://h.example/v1/": {"identitytoken": "t"}}}
    )
    assert marked.get(HOST).secret.expose() == "t"
    assert marked.list() == {"https://h.example/v1/": "<token>"}
    with pytest.raises(NotFound):
        config({"auths": {"h.example": entry}}).get(HOST)


def test_a_registrytoken_is_skipped_with_a_reason() -> None:
    only = config({"auths": {"h.example": {"registrytoken": SECRET}}})
    with pytest.raises(NotFound, match=r"^fallback\.registry-token$") as raised:
        only.get(HOST)
    assert SECRET not in raised.value.reason
    assert only.list() == {}


@pytest.mark.parametrize(
    "entry",
    [
        {"auth": b64encode(f"no colon {SECRET}".encode()).decode()},
        {"auth": SECRET + "!"},
        {"auth": "ä" + SECRET},
        {"auth": b64encode(b"u:\xff\xfe").decode()},
        {"auth": basic("", SECRET)},
        {"password": SECRET},
        {"auth": [SECRET]},
        {"username": 1, "password": SECRET},
        [SECRET],
        SECRET,
    ],
)
def test_an_invalid_entry_is_an_error_with_its_line_and_affects_no_other(entry: object) -> None:
    read = config({"auths": {"other.example": {"auth": basic("u", "p")}, "h.example": entry}})
    line = next(
        number
        for number, text in enumerate(
            json.dumps(
                {"auths": {"other.example": {"auth": ""}, "h.example": 0}}, indent=1
            ).splitlines(),
            start=1,
        )
        if "h.example" in text and "other" not in text
    )
    with pytest.raises(Misconfigured) as raised:
        read.get(HOST)
    assert raised.value.reason.startswith(f"line {line}: ")
    assert SECRET not in f"{raised.value.reason} {raised.value.hint}"
    assert read.get(ServerURL.parse("other.example")).username == "u"
    assert read.list() == {"other.example": "u"}


def test_helpers_are_found_by_any_spelling_and_below_their_host() -> None:
    read = config(
        {
            "credHelpers": {"docker.io": "hub", "h.example:5000": "port", "g.example": ""},
            "credsStore": "all",
        }
    )

    def helper_for(asked: str) -> str | None:
        return read.helper_for(ServerURL.parse(asked))

    assert helper_for("https://index.docker.io/v1/") == "hub"
    assert helper_for("https://index.docker.io/v1/access-token") == "hub"
    assert helper_for("https://h.example:5000/v2/") == "port"
    assert helper_for("h.example:5000/team/image") == "port"
    assert helper_for("h.example") is None
    assert helper_for("g.example") is None
    assert read.store_helper() == "all"
    assert read.helper_keys() == {"hub": ["docker.io"], "port": ["h.example:5000"]}


def test_the_names_of_sections_count_in_any_case_as_for_docker() -> None:
    assert config({"credsstore": "x"}).store_helper() == "x"
    assert config({"CREDHELPERS": {"h.example": "y"}}).helper_for(HOST) == "y"
    # Of several the last, and null changes nothing.
    assert config({"credsStore": "x", "CredsStore": "y"}).store_helper() == "y"
    assert config({"CredsStore": "y", "credsStore": "x", "CREDSSTORE": None}).store_helper() == "x"


@pytest.mark.parametrize(
    ("value", "ask"),
    [
        ({"credsStore": [SECRET]}, DockerConfig.store_helper),
        ({"CREDSSTORE": [SECRET]}, DockerConfig.store_helper),
        ({"credHelpers": SECRET}, lambda c: c.helper_for(HOST)),
        ({"credHelpers": {"h.example": {"x": SECRET}}}, lambda c: c.helper_for(HOST)),
        ({"credHelpers": {"h.example": 1}}, DockerConfig.helper_keys),
        ({"auths": [SECRET]}, lambda c: c.get(HOST)),
        ({"auths": SECRET}, DockerConfig.list),
    ],
)
def test_a_section_of_a_wrong_type_is_an_error_with_its_line(
    value: dict[str, Any], ask: Callable[[DockerConfig], object]
) -> None:
    with pytest.raises(Misconfigured) as raised:
        ask(config(value))
    assert raised.value.code in ("fallback.section-not-object", "fallback.not-text")
    assert raised.value.parts[0][1]["line"] in (2, 3)
    assert SECRET not in raised.value.reason


def test_every_encoding_and_layout_of_the_file_is_read() -> None:
    assert config({"credsStore": "x"}, names_store=False).store_helper() is None
    bare = {"https://h.example/v1/": {"auth": basic("u", "p"), "email": "e"}}
    assert held(bare, bare=True) == ("u", "p")
    assert held({"h.example": {"auth": basic("u", "p")}}) == ("u", "p")
    whole = {"auths": {"h.example": {"auth": basic("u", "p")}}, "credHelpers": {"g": "x"}, "x": 1}
    assert held(whole) == ("u", "p")
    data = json.dumps({"auths": {"h.example": {"auth": basic("u", "p")}}}).encode()
    assert held(b"\xef\xbb\xbf" + data) == ("u", "p")
    assert held(data + b"\n}") == ("u", "p")


@pytest.mark.skipif(os.name == "nt", reason="needs modes")
def test_a_file_that_no_setting_names_counts_as_absent_while_it_is_closed(tmp_path: Path) -> None:
    """podman, run by root, makes /run/containers readable by root only."""
    session = tmp_path / "run" / "containers"
    session.mkdir(parents=True)
    (session / "auth.json").write_text("{}")
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    first, *_ = dockerconfig.relatives(environ)
    assert first.load()
    for closed in (session / "auth.json", session, tmp_path / "run"):
        closed.chmod(0)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            first, *_ = dockerconfig.relatives(environ)
            assert not first.load()
        finally:
            if root:
                os.seteuid(0)
        closed.chmod(0o700)


def test_an_auth_that_was_encoded_wrongly_is_a_problem_with_its_code() -> None:
    def codes(auth: str) -> list[tuple[str, bool]]:
        found = config({"auths": {"h.example": {"auth": auth}}})
        return [(problem.code, is_refused) for problem, is_refused in found.problems()]

    assert codes(b64encode(b"u:p").decode()) == []
    assert codes(b64encode(b"u:p\n").decode()) == [("fallback.auth-line-end", False)]
    assert codes(b64encode(b64encode(b"u:p")).decode()) == [("fallback.auth-encoded-twice", True)]
    assert codes("s3cret") == [("fallback.bad-auth", True)]
    assert codes(b64encode(b"u:pw").decode().rstrip("=")) == [("fallback.auth-alphabet", True)]


def test_the_files_of_docker_come_before_those_of_podman() -> None:
    def names(**environ: str) -> tuple[list[str], list[str]]:
        environ = {"HOME": "/h"} | environ
        named = [found.name for found in dockerconfig.named(environ)]
        return named, [found.name for found in dockerconfig.relatives(environ)]

    assert names() == (
        ["/h/.docker/config.json"],
        [
            f"/run/containers/{os.getuid()}/auth.json",
            "/h/.config/containers/auth.json",
            "/h/.dockercfg",
        ],
    )
    assert names(
        DOCKER_AUTH_CONFIG="{}",
        DOCKER_CONFIG="/d",
        REGISTRY_AUTH_FILE="/r.json",
        XDG_RUNTIME_DIR="/run/user/7",
        XDG_CONFIG_HOME="/c",
    ) == (
        ["DOCKER_AUTH_CONFIG", "/d/config.json", "/r.json"],
        ["/run/user/7/containers/auth.json", "/c/containers/auth.json", "/h/.dockercfg"],
    )
    # The specification has relative folders ignored.
    assert names(XDG_CONFIG_HOME="c")[1][1] == "/h/.config/containers/auth.json"
