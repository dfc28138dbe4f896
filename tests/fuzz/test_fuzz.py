"""A short run of each fuzzer, the same every time; ``make fuzz`` has the long ones."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import islice

import pytest

from cred_helper import resolution
from cred_helper.clouds import NAMES
from cred_helper.fallback import helper
from cred_helper.hosts import EcrRoute, Route
from cred_helper.server_url import ServerURL
from tests.figures import FIGURES, Record
from tests.fuzz import urls
from tests.fuzz.network import ServerURLs
from tests.fuzz.parsers import HelperReply
from tests.fuzz.replies import REPLIES
from tests.fuzz.run import Run
from tests.fuzz.target import SECRET, SEEDS, Finding
from tests.fuzz.targets import TARGETS
from tests.support.executable import ROOT

_INPUTS = {"protocol": 300, **dict.fromkeys(REPLIES, 30)}


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_raises_only_our_own_errors_and_shows_no_secret(
    name: str, record_property: Record
) -> None:
    with closing(TARGETS[name]()) as target:
        done = Run(target, seed=1).go(seconds=0, at_least=_INPUTS.get(name, 5000))
    record_property(FIGURES, f"fuzzer {done.figures()}")
    assert done.crashers == {}


def test_the_fuzzers_regular_expressions_and_the_host_tables_agree() -> None:
    for line in (ROOT / "tests/data/hosts.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            urls.check(line.split("\t")[0])
    routed = Counter(urls.check(text) for text in islice(urls.server_urls(seed=1), 50_000))
    # Without routed hosts, the comparison would prove nothing.
    assert min(routed[name] for name in NAMES) > 100


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
