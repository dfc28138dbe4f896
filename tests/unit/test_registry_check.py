"""The check of a login at a registry: its time limit, and the challenges that it follows."""

from __future__ import annotations

import time

import pytest

from cred_helper.commands.lookup import registry_check
from cred_helper.server_url import ServerURL
from tests.clouds import faults
from tests.clouds.server import LoopbackServer, Reply


def test_a_registry_that_sends_single_bytes_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry_check, "TOTAL_TIMEOUT_S", 1.0)
    with LoopbackServer() as drips:
        drips.on("GET", "/v2/", lambda _: Reply(200))
        drips.fail("/v2/", faults.drip(0.2))
        begun_s = time.monotonic()
        checked = registry_check.check(ServerURL.parse(f"localhost:{drips.port}"), None)
        assert time.monotonic() - begun_s < 5
    assert checked.notice.code == "network.slow-reply"
    assert (checked.accepted, checked.answered) == (False, False)
