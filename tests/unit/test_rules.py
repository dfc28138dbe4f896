"""Host patterns of rules. The tables say which server URLs a pattern is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cred_helper.server_url import ServerURL
from cred_helper.settings.patterns import HostPattern

_ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def _matches(pattern: str, server_url: str) -> bool:
    return HostPattern.parse(pattern).matches(ServerURL.parse(server_url))


@pytest.mark.parametrize(
    ("pattern", "server_url"),
    [
        ("registry.example.com", "registry.example.com"),
        ("registry.example.com", "https://registry.example.com"),
        ("registry.example.com", "http://registry.example.com"),
        ("registry.example.com", "https://registry.example.com/v1/"),
        ("registry.example.com", "registry.example.com:443"),
        ("registry.example.com", "REGISTRY.Example.com"),
        ("Registry.Example.COM", "registry.example.com"),
        ("https://registry.example.com/v1/", "registry.example.com"),
        ("registry.example.com:443", "registry.example.com"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("registry.example.com:*", "registry.example.com:5000"),
        ("registry.example.com:*", "registry.example.com"),
        ("*.example.com", "registry.example.com"),
        ("reg*.example.com", "reg.example.com"),
        ("reg*.example.com", "registry.example.com"),
        ("*ist*.example.com", "registry.example.com"),
        ("r*g*y.example.com", "registry.example.com"),
        ("*.dkr.ecr.*.amazonaws.com", _ECR),
        ("*.*.*.*", "10.0.0.7"),
        ("10.0.0.*:5000", "10.0.0.7:5000"),
        ("my_registry", "my_registry"),
        ("localhost:5000", "localhost:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("[::1]", "[::1]"),
        ("*", "localhost"),
        ("**", "localhost"),
        ("**", _ECR),
        ("**:*", "registry.example.com:5000"),
        ("**.example.com", "registry.example.com"),
        ("**.example.com", "a.b.c.example.com"),
        ("**.ex*.com", "a.b.example.com"),
        ("registry.example.com/team-a", "registry.example.com/team-a"),
        ("registry.example.com/team-a", "registry.example.com/team-a/image"),
        ("registry.example.com/team-a/", "registry.example.com/team-a?x=1"),
        ("registry.example.com/*/image", "registry.example.com/team-b/image/below"),
        ("docker.io", "docker.io"),
        ("docker.io", "index.docker.io"),
        ("docker.io", "registry-1.docker.io"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("docker.io", "https://index.docker.io/v1"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "registry-1.docker.io"),
        ("*.io", "https://index.docker.io/v1/"),
        ("docker.io/library", "index.docker.io/library/ubuntu"),
    ],
)
def test_a_pattern_matches(pattern: str, server_url: str) -> None:
    assert _matches(pattern, server_url)


@pytest.mark.parametrize(
    ("pattern", "server_url"),
    [
        ("registry.example.com", "registry.example.com:5000"),
        ("registry.example.com:5000", "registry.example.com"),
        ("registry.example.com:5000", "registry.example.com:50"),
        ("registry.example.com", "registry.example.com.evil.test"),
        ("registry.example.com", "evil-registry.example.com"),
        ("registry.example.com", "registry.example.com."),
        ("*.example.com", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("*.example.com", ".example.com"),
        ("*.example.com", "user@registry.example.com"),
        ("*.example.com", "user:secret@registry.example.com"),
        ("*.example.com", "registry.example.com.evil.test"),
        ("*.example.com", "evil.test/registry.example.com"),
        ("*.example.com", "evil.test?registry.example.com"),
        ("*.example.com", "evil.test#registry.example.com"),
        ("example.*", "example.com.evil"),
        ("ab*ba.example.com", "aba.example.com"),
        ("r*x*y.example.com", "registry.example.com"),
        ("*ab*ab.example.com", "ab.example.com"),
        ("*.dkr.ecr.*.amazonaws.com", f"{_ECR}.evil.test"),
        ("*.dkr.ecr.*.amazonaws.com", f"evil.test/{_ECR}"),
        ("*", "registry.example.com"),
        ("**.example.com", "example.com"),
        ("**.example.com", "evilexample.com"),
        ("**.example.com", "a..example.com"),
        ("**.example.com", "user@a.b.example.com"),
        ("**", "registry.example.com:5000"),
        ("[::1]:5000", "[::2]:5000"),
        ("registry.example.com/team-a", "registry.example.com"),
        ("registry.example.com/team-a", "registry.example.com/team-ab"),
        ("registry.example.com/team-a", "registry.example.com/x/team-a"),
        ("registry.example.com/*", "registry.example.com/"),
        ("docker.io", "docker.io.evil.test"),
        ("docker.io", "hub.docker.io"),
        ("docker.io", "docker.io:5000"),
        ("index.docker.io.evil.test", "https://index.docker.io/v1/"),
    ],
)
def test_a_pattern_does_not_match(pattern: str, server_url: str) -> None:
    assert not _matches(pattern, server_url)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "   ",
        ".example.com",
        "example.com.",
        "a..example.com",
        "a.**.example.com",
        "a**.example.com",
        "**a.example.com",
        "http://registry.example.com",
        "user@registry.example.com",
        "registry.example.com:port",
        "registry.example.com:",
        "registry example.com",
        "registry.example.com?x",
        "{a,b}.example.com",
        "reg?stry.example.com",
        "[a-z].example.com",
        "bücher.example",
        "/team-a",
    ],
)
def test_an_invalid_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^settings\.pattern-"):
        HostPattern.parse(pattern)


_LABEL = st.text("abz09-*", min_size=1, max_size=6).filter(lambda label: "**" not in label)


@given(st.lists(_LABEL, min_size=1, max_size=5), st.text("abz09.-@/:", max_size=25))
def test_a_matching_host_has_the_patterns_labels_and_no_user_information(
    labels: list[str], server_url: str
) -> None:
    if _matches(".".join(labels), server_url):
        host = ServerURL.parse(server_url).host
        assert host.count(".") == len(labels) - 1
        assert "@" not in host
        assert "" not in host.split(".")


@given(st.lists(st.text("abz09", min_size=1, max_size=5), min_size=2, max_size=5), st.data())
def test_a_label_with_a_starred_middle_matches(labels: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(labels) - 1))
    cut = data.draw(st.integers(0, len(labels[at])))
    starred = [*labels[:at], f"{labels[at][:cut]}*{labels[at][cut + 1 :]}", *labels[at + 1 :]]
    assert _matches(".".join(starred), ".".join(labels))
    assert not _matches(".".join(starred), ".".join(["more", *labels]))


def test_a_token_is_not_the_name_of_a_helper() -> None:
    from cred_helper.settings.rules import _is_helper_name

    assert not _is_helper_name("ghp_abcdefghijklmnopqrstuvwxyz0123456789")
    assert _is_helper_name("secretservice")
