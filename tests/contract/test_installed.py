"""The program that ``make install`` installs works without its checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from cred_helper import __version__
from tests.support.executable import NOT_FOUND, ROOT, Executable

_INSTALLED = ROOT / "build/installed/bin/docker-credential-multi"

pytestmark = pytest.mark.skipif(
    not _INSTALLED.exists(), reason="not installed: make install PREFIX=build/installed"
)


@pytest.fixture
def installed(home: Path) -> Executable:
    """Called as clients call it, with nothing of the checkout on its way."""
    return Executable({"HOME": str(home), "PATH": "/usr/bin:/bin"}, [str(_INSTALLED)])


def test_the_installed_program_answers_a_client(installed: Executable) -> None:
    assert __version__ in installed.run("version").stdout.decode()
    assert installed.run("get", stdin="registry.example").stdout == NOT_FOUND


def test_the_installed_program_has_the_clouds_and_the_commands(installed: Executable) -> None:
    shown = installed.run("providers").stdout.decode()
    assert all(name in shown for name in ("ecr", "gcr", "acr"))
    key = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    nowhere = {"AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:9"}
    asking = Executable(installed.environment | key | nowhere, installed.command)
    # It got as far as the SDK.
    done = asking.run("get", stdin="123456789012.dkr.ecr.us-east-1.amazonaws.com")
    assert done.codes == ["network.refused"]


def test_the_installed_program_passes_its_self_check(installed: Executable) -> None:
    done = installed.run("self-check", "--json")
    assert done.status == 0, done
    assert "selfcheck.intact" in {finding["code"] for finding in done.document}
