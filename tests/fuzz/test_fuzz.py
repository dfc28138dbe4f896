"""A short run of each fuzzer, the same every time; ``make fuzz`` has the long ones."""

from __future__ import annotations

from contextlib import closing

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
from tests.fuzz.target import SECRET, SEEDS, Finding
from tests.fuzz.targets import TARGETS

_INPUTS = {"protocol": 300, **dict.fromkeys(REPLIES, 30)}


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_come_out_and_no_secret_with_them(
    name: str, record_property: Record
) -> None:
    with closing(TARGETS[name]()) as target:
        done = Run(target, seed=1).go(seconds=0, at_least=_INPUTS.get(name, 5000))
    record_property(FIGURES, f"fuzzer {done.figures()}")
    assert done.crashers == {}


def test_every_kept_input_belongs_to_a_fuzzer() -> None:
    assert {path.name for path in SEEDS.iterdir() if path.is_dir()} <= set(TARGETS)


def test_a_table_that_is_too_wide_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(server_url: ServerURL) -> Route | None:
        host = server_url.host
        ours = EcrRoute("ecr", host, region="us-east-1", account="1", partition="aws")
        return ours if "amazonaws.com" in host else None

    monkeypatch.setattr(resolution, "route", generous)
    with closing(ServerURLs()) as target:
        assert Run(target, seed=1).go(seconds=0, at_least=500).crashers


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
