"""A short run of each fuzzer, the same every time; ``make fuzz`` has the long ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cred_helper import resolution
from cred_helper.fallback import helper
from cred_helper.hosts import EcrRoute, Route
from cred_helper.server_url import ServerURL
from tests.figures import FIGURES, Record
from tests.fuzz.network import ServerURLs
from tests.fuzz.parsers import HelperReply
from tests.fuzz.replies import REPLIES
from tests.fuzz.run import Run
from tests.fuzz.target import SECRET, SEEDS, Finding, Target
from tests.fuzz.targets import TARGETS

_INPUTS = {"protocol": 300, **dict.fromkeys(REPLIES, 30)}


@contextmanager
def _made(name: str) -> Iterator[Target]:
    target = TARGETS[name]()
    try:
        yield target
    finally:
        target.close()


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_come_out_and_no_secret_with_them(
    name: str, record_property: Record
) -> None:
    with _made(name) as target:
        done = Run(target, seed=1).go(seconds=0, at_least=_INPUTS.get(name, 5000))
    record_property(FIGURES, f"fuzzer {done.figures()}")
    assert done.crashers == {}


def test_every_kept_input_belongs_to_a_fuzzer() -> None:
    assert {path.name for path in SEEDS.iterdir() if path.is_dir()} <= set(TARGETS)


# --- Would they notice? ---------------------------------------------------------------------------


def test_a_table_that_is_too_wide_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(server_url: ServerURL) -> Route | None:
        if "amazonaws.com" in server_url.host:
            return EcrRoute(
                "ecr", server_url.host, region="us-east-1", account="1", partition="aws"
            )
        return None

    monkeypatch.setattr(resolution, "route", generous)
    target = ServerURLs()
    try:
        assert Run(target, seed=1).go(seconds=0, at_least=500).crashers
    finally:
        target.close()


def test_an_exception_that_escapes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(text: str) -> tuple[str, str]:
        return text.split(":")[1], ""

    monkeypatch.setattr(helper, "_credential_fields", careless)
    assert Run(HelperReply(), seed=1).go(seconds=0, at_least=500).crashers


def test_a_secret_that_is_quoted_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "quotable", lambda text, *_: text)
    answer = f"\2error: {SECRET} is over".encode()
    with pytest.raises(Finding, match="a message has a secret"):
        HelperReply().check(answer)
