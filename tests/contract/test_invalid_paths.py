"""A NUL byte where a path belongs, in every file that can name one: an error or warning, no fault.

Python raises ``ValueError`` for such a path, where it raises ``OSError`` for every other.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clouds.aws import ACCOUNT
from tests.clouds.aws import EXAMPLE_HOST as ECR_HOST
from tests.clouds.google import EXAMPLE_HOST as GCR_HOST
from tests.support.executable import NOT_FOUND, Executable

SETTINGS = ".config/docker-credential-multi/config.toml"
AWS = ".aws/config"
GCLOUD = ".config/gcloud/"
ADC = f"{GCLOUD}application_default_credentials.json"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/puller"


def federated(source: dict[str, object]) -> bytes:
    document = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/x",
        "subject_token_type": "y",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source,
    }
    return json.dumps(document).encode()


JSON_FORM = {"type": "json", "subject_token_field_name": "token"}

# File, content, host, codes of the get (``None``: the SDK finds the error).
CASES: list[tuple[str, bytes, str, list[str] | None]] = [
    (SETTINGS, b'log = "/\\u0000"', "registry.example", ["settings.log-unusable"]),
    (SETTINGS, b'cache_folder = "/\\u0000"', "registry.example", []),
    (SETTINGS, b'cache_folder = "/\\u0000"', ECR_HOST, None),
    (f"{GCLOUD}active_config", b"a\0b", GCR_HOST, []),
    (f"{GCLOUD}active_config", "ab".encode("utf-16"), GCR_HOST, []),
    (f"{GCLOUD}configurations/config_default", b"[auth]\naccess_token_file=/a\0b", GCR_HOST, None),
    (
        AWS,
        f"[default]\nrole_arn={ROLE}\nweb_identity_token_file=/a\0b".encode(),
        ECR_HOST,
        ["ecr.token-file-unreadable"],
    ),
    (AWS, b"[default]\ncredential_process=/a\0b", ECR_HOST, ["provider.program-not-started"]),
    (ADC, federated({"file": "\0"}), GCR_HOST, ["gcr.subject-file-unreadable"]),
    (
        ADC,
        federated({"file": "/a\0b", "format": JSON_FORM}),
        GCR_HOST,
        ["gcr.subject-file-unreadable"],
    ),
    (ADC, federated({"certificate": {"certificate_config_location": "/a\0b"}}), GCR_HOST, None),
    (ADC, federated({"executable": {"command": "/a\0b"}}), GCR_HOST, None),
]


@pytest.mark.parametrize(("file", "content", "host", "codes"), CASES, ids=range(len(CASES)))
def test_a_nul_byte_in_a_path_is_a_mistake_of_the_user(
    executable: Executable,
    home: Path,
    file: str,
    content: bytes,
    host: str,
    codes: list[str] | None,
) -> None:
    path = home / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    done = executable.get(host, {"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"})
    if codes is not None:
        assert done.codes == codes
    if codes == []:
        assert done.stdout == NOT_FOUND
    for run in (done, executable.run("doctor"), executable.run("explain", host)):
        assert "internal" not in run.stderr
        assert b"internal error" not in run.stdout
