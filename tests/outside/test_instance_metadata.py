"""AWS's own mock of EC2's metadata service answers the SDK, with IMDSv2 only or both versions.

Source: https://github.com/aws/amazon-ec2-metadata-mock
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.clouds.aws import ACCOUNT, EXAMPLE_HOST, AwsCloud
from tests.clouds.debian_registry import free_port
from tests.support.executable import ROOT
from tests.support.machine import Machine, wait_until

_PROGRAM = shutil.which("ec2-metadata-mock", path=f"{ROOT}/build/clients:{os.environ['PATH']}")
_ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/node/i-0123456789abcdef0"

pytestmark = pytest.mark.skipif(not _PROGRAM, reason="ec2-metadata-mock is not installed")


@pytest.fixture(params=["IMDSv2", "both"])
def instance(request: pytest.FixtureRequest, home: Path) -> Iterator[Machine]:
    """A machine with the metadata service of an instance whose role has a session."""
    with AwsCloud() as cloud:
        key = cloud.session(_ROLE)
        keys = {"AccessKeyId": key.id, "SecretAccessKey": key.secret, "Token": key.token}
        ends_at = datetime.now(UTC) + timedelta(hours=6)
        values = {
            "iam-security-credentials-role": "node",
            "iam-security-credentials": {
                "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2020-04-02T18:50:40Z",
                "Expiration": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}", **keys,
            },
        }  # fmt: skip
        paths = {"iam-security-credentials": "/latest/meta-data/iam/security-credentials/node"}
        settings = home / "service.json"
        settings.write_text(json.dumps({"metadata": {"paths": paths, "values": values}}))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        assert _PROGRAM
        command = [_PROGRAM, "-n", "127.0.0.1", "-p", str(port), "-c", str(settings)]
        command += ["--imdsv2"] if request.param == "IMDSv2" else []
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={"HOME": str(home)}
        ) as service:
            try:
                wait_until(lambda: _answers(url))
                yield Machine(
                    home,
                    host=EXAMPLE_HOST,
                    cloud=cloud,
                    **cloud.redirection(),
                    AWS_EC2_METADATA_DISABLED="false",
                    AWS_EC2_METADATA_SERVICE_ENDPOINT=url,
                )
            finally:
                service.kill()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code > 0
    except requests.ConnectionError:
        return False


def test_the_role_of_an_instance_is_answered_and_kept(instance: Machine) -> None:
    first, again = instance.get(), instance.get()
    assert instance.cloud.issued(*first.credential, EXAMPLE_HOST)
    assert instance.cloud.principal(first.credential[1]) == _ROLE
    assert again.credential == first.credential
    assert instance.cloud.exchanges == 1


def test_explain_names_the_service(instance: Machine) -> None:
    shown = instance.run("explain", EXAMPLE_HOST).stdout.decode()
    assert "instance-metadata: the metadata service at http://127.0.0.1:" in shown
