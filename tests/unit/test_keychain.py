"""The keychain: route, ask, fall back, remember who said what."""

from __future__ import annotations

import pytest

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, Denied, NotFound, Unreachable
from cred_helper.keychain import Keychain
from cred_helper.server_url import ServerURL

_URL = ServerURL.parse("registry.example.com")
_FOUND = Credential("u", Secret("s"))


class _Source:
    def __init__(self, name: str, outcome: Credential | CredentialError) -> None:
        self.name = name
        self.outcome = outcome
        self.asked = 0

    def get(self, server_url: ServerURL) -> Credential:
        self.asked += 1
        if isinstance(self.outcome, CredentialError):
            raise self.outcome
        return self.outcome


def _keychain(*sources: _Source) -> Keychain:
    return Keychain(sources=lambda _: sources, stores=lambda _: iter(()), listers=lambda: iter(()))


def test_the_first_to_answer_is_the_last_to_be_asked() -> None:
    first, second, third = (
        _Source("a", NotFound("")),
        _Source("b", _FOUND),
        _Source("c", Denied("never asked")),
    )
    answer = _keychain(first, second, third).get(_URL)
    assert answer.credential is _FOUND
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)
    assert answer.failures == []


def test_a_failure_is_remembered_when_another_source_answers() -> None:
    denied = Denied("no")
    answer = _keychain(_Source("a", denied), _Source("b", _FOUND)).get(_URL)
    assert answer.credential is _FOUND
    assert answer.failures == [("a", denied)]


def test_a_failure_is_remembered_when_nobody_answers() -> None:
    unreachable = Unreachable("down")
    answer = _keychain(_Source("a", unreachable), _Source("b", NotFound(""))).get(_URL)
    assert answer.credential is None
    assert answer.failures == [("a", unreachable)]


def test_no_source_at_all_is_no_credential() -> None:
    answer = _keychain().get(_URL)
    assert answer.credential is None
    assert answer.trace == []


def test_an_error_that_is_not_ours_is_not_swallowed() -> None:
    class Broken(_Source):
        def get(self, server_url: ServerURL) -> Credential:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _keychain(Broken("a", _FOUND)).get(_URL)
