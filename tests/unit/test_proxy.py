"""Which proxy a request goes through."""

from __future__ import annotations

import pytest

from cred_helper.providers.common.proxy import proxy_for

PROXY = "http://proxy.example:3128"


# The addresses of this machine, and of the services that clouds have on every machine.
@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "[::1]", "169.254.169.254", "169.254.170.2"),
        *("169.254.170.23", "[fd00:ec2::254]", "[fd00:ec2::23]", "[fe80::1]"),
    ],
)
def test_a_service_of_the_machine_is_reached_without_the_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, PROXY)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert proxy_for(f"http://{host}/v1/credentials") is None
    assert proxy_for("https://api.ecr.us-east-1.amazonaws.com/") == PROXY
    assert proxy_for("http://[fd00:ec3::23]/") == PROXY
