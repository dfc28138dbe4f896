"""The first source with an identity is used; every other one is skipped for a reason."""

from __future__ import annotations

import pytest

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.providers.common.interface import walk
from cred_helper.providers.common.trust import CaFile


def not_set() -> NotFound:
    return NotFound("provider.variable-not-set", variable="X")


def test_the_first_identity_is_used_and_the_later_sources_are_not_looked_at() -> None:
    looked: list[str] = []

    def later() -> str:
        looked.append("later")
        return "later"

    found, skipped = walk([("a", not_set), ("b", lambda: "identity"), ("c", later)])
    assert found == [("b", "identity")]
    assert [(one.source, one.code) for one in skipped] == [
        ("a", "provider.variable-not-set"),
        ("c", "provider.comes-first"),
    ]
    assert "b" in skipped[1].reason
    assert looked == []


def test_the_walk_goes_on_after_an_identity_that_may_not_exist() -> None:
    sources = [("a", lambda: "guess"), ("b", lambda: "sure"), ("c", lambda: "late")]
    found, skipped = walk(sources, settles=lambda one: one != "guess")
    assert [name for name, _ in found] == ["a", "b"]
    assert [one.source for one in skipped] == ["c"]


def test_a_source_that_is_configured_wrong_ends_the_walk() -> None:
    def wrong() -> NotFound:
        raise Misconfigured("network.proxy-unusable")

    with pytest.raises(Misconfigured):
        walk([("a", wrong), ("b", not_set)])


def test_an_empty_variable_for_a_ca_bundle_counts_as_not_set() -> None:
    assert CaFile.of({"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": ""}) is None
    found = CaFile.of({"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": "/ca.pem"})
    assert found is not None
    assert (found.named_by, found.path) == ("SSL_CERT_FILE", "/ca.pem")
