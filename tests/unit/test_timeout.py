"""A provider is not waited for past its deadline, and what it does wrong stays inside."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CannotLoad, CredentialError, Denied, ProviderError, Unreachable
from cred_helper.hosts import Route
from cred_helper.providers.common import waiting
from cred_helper.providers.common.bounded_provider import BoundedProvider
from cred_helper.providers.common.interface import Deadline, Identity, TokenRequest

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


def test_an_answer_comes_through() -> None:
    assert _ask(_Provider()) is _FOUND


def test_an_error_of_ours_comes_through() -> None:
    class Refusing(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            raise Denied("settings.rule-refuses", place="x", hint="try")

    with pytest.raises(Denied) as caught:
        _ask(Refusing())
    assert caught.value.hint == "try"


def test_any_other_error_is_told_by_its_type_alone() -> None:
    class Faulty(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            raise RuntimeError("token=hunter2")

    with pytest.raises(CredentialError) as caught:
        _ask(Faulty())
    assert "RuntimeError" in caught.value.reason
    assert "hunter2" not in caught.value.reason


def test_where_a_library_of_ours_cannot_be_loaded_its_own_words_say_so_past_every_sdk() -> None:
    class Unloadable(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            try:
                raise CannotLoad("internal.damaged", path="/bin/multi")
            except Exception:  # as an SDK and the providers around it do
                raise Denied("settings.rule-refuses", place="x") from None

    with pytest.raises(ProviderError) as caught:
        _ask(Unloadable())
    assert caught.value.code == "internal.damaged"


def test_a_provider_that_hangs_is_left_at_the_deadline_and_its_children_end(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    class Hanging(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            script = f"sleep 600 & echo $! > {pid_file}.new; mv {pid_file}.new {pid_file}; wait"
            subprocess.run(["sh", "-c", script], check=False)
            return _FOUND

    with pytest.raises(Unreachable, match=r"^provider\.no-answer$"):
        _ask(Hanging(), within_s=2)
    grandchild = int(pid_file.read_text())
    for _ in range(100):
        if _ended(grandchild):
            return
        time.sleep(0.05)
    os.kill(grandchild, signal.SIGKILL)
    pytest.fail("what the provider started outlived it")


def _ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_what_did_not_answer_is_named_server_or_program() -> None:
    class Waiting(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            waiting.start("sts.example")
            time.sleep(5)
            return _FOUND

    class Running(_Provider):
        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            subprocess.run(["sh", "-c", "sleep 5; true"], check=False)
            return _FOUND

    for provider, named in ((Waiting(), "from sts.example"), (Running(), "from the program sleep")):
        with pytest.raises(Unreachable) as caught:
            _ask(provider, within_s=1)
        assert caught.value.code == "provider.no-answer"
        assert named in caught.value.reason
