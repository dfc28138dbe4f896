"""The order of asking: one source after another, with a trace."""

from __future__ import annotations

import pytest

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, Denied, NotFound, Unreachable
from cred_helper.keychain import ask
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


def test_no_source_is_asked_after_the_first_credential() -> None:
    first, second, third = (
        _Source("a", NotFound("client.no-credential")),
        _Source("b", _FOUND),
        _Source("c", Denied("settings.rule-refuses")),
    )
    answer = ask([first, second, third], _URL)
    assert answer.credential is _FOUND
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)
    assert answer.failures == []


def test_a_failure_is_kept_whether_another_source_answers_or_not() -> None:
    denied = Denied("settings.rule-refuses")
    answer = ask([_Source("a", denied), _Source("b", _FOUND)], _URL)
    assert answer.credential is _FOUND
    assert answer.failures == [("a", denied)]
    unreachable = Unreachable("provider.no-answer")
    answer = ask([_Source("a", unreachable), _Source("b", NotFound("client.no-credential"))], _URL)
    assert answer.credential is None
    assert answer.failures == [("a", unreachable)]
    answer = ask([], _URL)
    assert answer.credential is None
    assert answer.trace == []


def test_an_unexpected_exception_is_not_caught() -> None:
    class Broken(_Source):
        def get(self, server_url: ServerURL) -> Credential:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask([Broken("a", _FOUND)], _URL)
