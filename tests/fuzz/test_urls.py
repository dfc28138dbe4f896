"""A short run of the server URL fuzzer; the long one is ``python -m tests.fuzz``."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

from cred_helper.clouds import NAMES
from tests.fuzz.urls import check, server_urls


def test_two_readings_of_the_host_rules_agree() -> None:
    routed = Counter(check(text) for text in islice(server_urls(seed=1), 50_000))
    # A fuzzer that never gets past the front door would prove nothing.
    assert min(routed[name] for name in NAMES) > 100


def test_two_readings_agree_on_the_table() -> None:
    table = Path(__file__).parent.parent / "data" / "hosts.tsv"
    for line in table.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            check(line.split("\t")[0])
