"""Which proxy a request goes through."""

from __future__ import annotations

from random import Random
from urllib.request import getproxies_environment

import pytest

from cred_helper.providers.common.proxy import _variables, proxy_for

PROXY = "http://proxy.example:3128"


# The addresses of this machine, and of the services that clouds have on every machine.
@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "[::1]", "169.254.169.254", "169.254.170.2"),
        *("169.254.170.23", "[fd00:ec2::254]", "[fd00:ec2::23]", "[fe80::1]"),
    ],
)
def test_a_service_of_the_machine_needs_no_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, PROXY)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert proxy_for(f"http://{host}/v1/credentials") is None
    assert proxy_for("https://api.ecr.us-east-1.amazonaws.com/") == PROXY
    assert proxy_for("http://[fd00:ec3::23]/") == PROXY


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_direct"),
    [
        ("[2001:db8::1]", "2001:db8::/32", True),
        ("[2001:db8::1]", "2001:db8::1", True),
        ("[2001:db8::1]", "[2001:db8::1]", True),
        ("[2001:db8::1]", "2001:0DB8:0:0::1", True),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443", True),
        ("[2001:db8::1]", "2001:db9::/32,::1", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("a.corp.test", "10.0.0.0/8,not/a/network,corp.test", True),
        ("a.corp.test:8443", "a.corp.test:443", False),
    ],
)
def test_an_address_in_no_proxy_is_compared_as_a_number(
    host: str, no_proxy: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (proxy_for(f"https://{host}/") is None) == is_direct


def test_the_proxy_variables_are_read_as_python_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("HTTP_PROXY", "http_proxy", "Https_Proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")
    values = (None, "", PROXY, "http://other.example")
    random = Random(1)
    for _ in range(500):
        for name in (*names, "no_proxy", "NO_PROXY", "REQUEST_METHOD"):
            monkeypatch.delenv(name, raising=False)
            value = random.choice(values)
            if value is not None:
                monkeypatch.setenv(name, value)
        found = {name.removesuffix("_proxy"): value for name, value in _variables().items()}
        assert found == getproxies_environment()
