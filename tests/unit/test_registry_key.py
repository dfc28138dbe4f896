"""The key in config.json that answers for a server URL."""

from __future__ import annotations

import pytest

from cred_helper.fallback.registry_key import candidates, erasable, whole_registry
from cred_helper.server_url import ServerURL

HUB = (
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "https://index.docker.io/v1/",
    "https://index.docker.io/v1",
)
HOST = (
    "h.example",
    "H.Example",
    "https://h.example",
    "HTTPS://h.example/",
    "http://h.example",
    "https://h.example/v1/",
    "https://h.example/v2/",
    "h.example/v1/",
    "h.example/v2",
)


@pytest.mark.parametrize("names", [HUB, HOST], ids=["Docker Hub", "another registry"])
def test_every_spelling_of_a_registry_answers_for_every_other(names: tuple[str, ...]) -> None:
    for key in names:
        for asked in names:
            assert candidates([key], ServerURL.parse(asked)) == [key], (key, asked)


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("h.example", "h.example:5000"),
        ("h.example:5000", "h.example"),
        ("h.example:5000", "h.example:5001"),
        ("h.example", "other.example"),
        ("example", "h.example"),
        ("h.example", "ample"),
        ("docker.io", "docker.io:5000"),
        ("docker.io", "hub.docker.io"),
        ("docker.io", "docker.io.example"),
        ("h.example", "h.example."),
        ("user@h.example", "h.example"),
        ("", "h.example"),
        # Keys are literal, those that look like a pattern too.
        ("*", "h.example"),
        ("*.example", "h.example"),
    ],
)
def test_another_registry_does_not_answer(key: str, asked: str) -> None:
    assert candidates([key], ServerURL.parse(asked)) == []


@pytest.mark.parametrize(
    ("key", "asked", "answers"),
    [
        ("h.example/team", "h.example/team/image", True),
        ("h.example/team", "h.example/team", True),
        ("h.example/team/", "h.example/team/image", True),
        ("H.example/team", "h.example/team/image", True),
        ("docker.io/team", "index.docker.io/team/image", True),
        ("h.example/team", "h.example/teams", False),
        ("h.example/team", "h.example/Team/image", False),
        ("h.example/team/image", "h.example/team", False),
        ("h.example/team", "h.example", False),
        ("h.example/team", "https://h.example/v1/", False),
        # The client asks for the host next.
        ("h.example", "h.example/team/image", False),
        # docker and podman overlook the path of a key with a scheme.
        ("https://h.example/team", "h.example", True),
        ("https://h.example/team", "h.example/team/image", True),
        ("https://h.example/team", "h.example/other", False),
    ],
)
def test_a_path_is_a_scope(key: str, asked: str, answers: bool) -> None:
    assert bool(candidates([key], ServerURL.parse(asked))) is answers


@pytest.mark.parametrize("token", ["refresh-token", "access-token", "/access-token"])
def test_the_key_of_a_token_does_not_answer_for_the_registry(token: str) -> None:
    key = f"https://index.docker.io/v1/{token}"
    for name in HUB:
        assert candidates([name], ServerURL.parse(key)) == []
        assert candidates([key], ServerURL.parse(name)) == []
    assert candidates([*HUB, key], ServerURL.parse(key)) == [key]


def test_the_closest_key_comes_first() -> None:
    keys = [
        "https://h.example/v1/",
        "h.example",
        "h.example/a",
        "h.example/a/b",
        "https://h.example/x",
    ]
    assert candidates(keys, ServerURL.parse("h.example")) == [
        "h.example",
        "https://h.example/v1/",
        "https://h.example/x",
    ]
    assert candidates(keys, ServerURL.parse("h.example/a/b/c")) == ["h.example/a/b", "h.example/a"]


def test_the_owner_of_a_registry_owns_the_namespaces_below_it() -> None:
    keys = ["docker.io", "h.example", "h.example/a"]

    def keepers(asked: str) -> list[str]:
        return candidates(keys, ServerURL.parse(asked), whole_host=True)

    assert keepers("https://index.docker.io/v1/refresh-token") == ["docker.io"]
    assert keepers("h.example/a/b") == ["h.example/a", "h.example"]
    assert keepers("other.example/a/b") == []


@pytest.mark.parametrize(
    ("asked", "registry"),
    [
        ("h.example/team/image", "h.example"),
        ("https://H.example:5000/team", "h.example:5000"),
        ("docker.io/library/alpine", "https://index.docker.io/v1/"),
        ("h.example", None),
        ("https://h.example/v1/", None),
        ("https://index.docker.io/v1/", None),
        ("https://index.docker.io/v1/access-token", None),
        ("https://index.docker.io/v1//refresh-token", None),
        ("user:password@h.example/team", None),
        ("http://h.example/team", None),
    ],
)
def test_a_path_is_below_a_registry(asked: str, registry: str | None) -> None:
    found = whole_registry(ServerURL.parse(asked))
    assert (found.raw if found else None) == registry


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ("h.example", ["h.example", "https://h.example/v1/"]),
        ("https://h.example/v1/", ["h.example", "https://h.example/v1/"]),
        ("h.example/a", ["h.example/a"]),
        ("https://h.example/a/", ["h.example/a"]),
        ("h.example/a/b", ["h.example/a/b"]),
        ("h.example/a/b/c", []),
        ("h.example/x", []),
    ],
)
def test_a_logout_removes_the_login_of_that_namespace_alone(asked: str, keys: list[str]) -> None:
    kept = ["h.example", "https://h.example/v1/", "h.example/a", "h.example/a/b"]
    assert sorted(erasable(kept, ServerURL.parse(asked))) == sorted(keys)
