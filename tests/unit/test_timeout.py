"""A provider gets no time past its deadline, and only our own errors leave it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CannotLoad, CredentialError, Denied, ProviderError, Unreachable
from cred_helper.hosts import Route
from cred_helper.providers.common import waiting
from cred_helper.providers.common.bounded_provider import BoundedProvider
from cred_helper.providers.common.interface import Deadline, Identity, TokenRequest
from cred_helper.providers.common.run_program import run
from tests.support.programs import has_ended

_FOUND = Credential("u", Secret("s"))


class _Provider:
    name = "p"

    def identify(self, request: TokenRequest) -> Identity:
        return Identity("test")

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        return _FOUND


def _ask(provider: _Provider, within_s: float = 60) -> Credential:
    request = TokenRequest(Route("p", "h"), environ={}, deadline=Deadline(within_s, time.monotonic))
    return BoundedProvider(provider).get(request, Identity("test"))


def test_an_answer_in_time_is_returned() -> None:
    assert _ask(_Provider()) is _FOUND


def test_an_error_of_our_own_is_raised_unchanged() -> None:
    class Refusing(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            raise Denied("settings.rule-refuses", place="x", hint="try")

    with pytest.raises(Denied) as caught:
        _ask(Refusing())
    assert caught.value.hint == "try"


def test_any_other_error_is_shown_by_its_type_alone() -> None:
    class Faulty(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            raise RuntimeError("token=hunter2")

    with pytest.raises(CredentialError) as caught:
        _ask(Faulty())
    assert "RuntimeError" in caught.value.reason
    assert "hunter2" not in caught.value.reason


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_lack_of_memory_is_named_whatever_the_provider_makes_of_it(wrapped: bool) -> None:
    class Large(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            try:
                raise MemoryError
            except MemoryError:
                if wrapped:
                    raise Denied("settings.rule-refuses", place="x") from None
                raise

    with pytest.raises(Unreachable, match=r"^internal\.no-memory$"):
        _ask(Large())


def test_a_library_that_cannot_be_loaded_is_named_whatever_the_sdk_raises() -> None:
    class Unloadable(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            try:
                raise CannotLoad("internal.damaged", path="/bin/multi")
            except Exception:  # as an SDK and the providers around it do
                raise Denied("settings.rule-refuses", place="x") from None

    with pytest.raises(ProviderError, match=r"^internal\.damaged$"):
        _ask(Unloadable())


def test_a_hanging_provider_is_abandoned_at_the_deadline_and_its_programs_end(
    tmp_path: Path,
) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $$ $! >{pids}.new; mv {pids}.new {pids}; wait"

    class Hanging(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            run(["/bin/sh", "-c", script], os.environ, 60, "the program give-keys")
            return _FOUND

    with pytest.raises(Unreachable, match=r"^provider\.no-answer$") as caught:
        _ask(Hanging(), within_s=2)
    assert "from the program give-keys" in caught.value.reason
    assert all(has_ended(int(pid)) for pid in pids.read_text().split())


def test_a_server_that_did_not_answer_is_named() -> None:
    class Waiting(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            waiting.start("sts.example")
            time.sleep(5)
            return _FOUND

    with pytest.raises(Unreachable, match=r"^provider\.no-answer$") as caught:
        _ask(Waiting(), within_s=1)
    assert "from sts.example" in caught.value.reason
