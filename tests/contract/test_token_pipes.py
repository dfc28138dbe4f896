"""A pipe in place of a credential's file: an error without a writer, otherwise it is read."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread, get_ident
from time import monotonic, sleep

import pytest

from cred_helper.providers.common import pipes, waiting
from cred_helper.server_url import ServerURL
from cred_helper.settings.settings import Settings
from cred_helper.wiring import Wiring
from tests.clouds.aws import ACCOUNT, AwsCloud
from tests.clouds.aws import EXAMPLE_HOST as ECR_HOST
from tests.clouds.azure import EXAMPLE_HOST as ACR_HOST
from tests.clouds.google import EXAMPLE_HOST as GCR_HOST
from tests.support.executable import Executable
from tests.support.machine import Machine

GUID = "11111111-2222-4333-8444-555555555555"
PRINCIPAL = {"AZURE_CLIENT_ID": GUID, "AZURE_TENANT_ID": GUID}
CASES = [
    ("GOOGLE_APPLICATION_CREDENTIALS", GCR_HOST, {}),
    ("AZURE_FEDERATED_TOKEN_FILE", ACR_HOST, PRINCIPAL),
    ("AZURE_CLIENT_CERTIFICATE_PATH", ACR_HOST, PRINCIPAL),
    (
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        ECR_HOST,
        {"AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/puller"},
    ),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ECR_HOST,
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x"},
    ),
]


@pytest.mark.parametrize(("variable", "host", "others"), CASES)
def test_a_pipe_without_a_writer_is_named(
    executable: Executable, home: Path, variable: str, host: str, others: dict[str, str]
) -> None:
    os.mkfifo(home / "pipe")
    # The deadline is shorter than the wait for a writer: what is waited for is named all the same.
    limit = {"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "3"}
    done = executable.get(host, {**others, **limit, variable: str(home / "pipe")})
    assert done.codes == ["provider.no-answer"]
    assert f"the pipe {home / 'pipe'}" in done.stderr


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_wait_for_a_writer_ends_soon(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(pipes, "WRITER_TIMEOUT_S", 0.1)
    variable, host, others = CASES[number]
    pipe = home / "pipe"
    os.mkfifo(pipe)
    for name, value in {**others, variable: str(pipe), "HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    server_url = ServerURL.parse(host)
    wiring = Wiring(Settings.load(os.environ), dict(os.environ), monotonic)
    begun_s = monotonic()
    (_, failure), *_ = wiring.ask(wiring.resolve(server_url)).failures
    assert monotonic() - begun_s < 20
    assert failure.code != "provider.no-answer"
    assert "nothing is written to this pipe" in failure.reason


def test_an_sdk_reads_a_pipe_whose_writer_has_left(home: Path) -> None:
    pipe = home / "pipe"
    os.mkfifo(pipe)
    with AwsCloud() as cloud:
        token = cloud.secret("web identity")
        web = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(pipe), "AWS_ROLE_ARN": cloud.role("pod", token)}
        machine = Machine(home, host=ECR_HOST, cloud=cloud, **cloud.redirection(), **web)
        Thread(target=pipe.write_text, args=(token,), daemon=True).start()
        assert machine.get().credential


def test_a_wait_for_a_writer_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "WRITER_TIMEOUT_S", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nothing is written"):
        pipes.read(str(tmp_path / "pipe"), "pipe", 100)
    assert waiting.of_thread(get_ident()) == ""


def test_a_pipe_that_is_written_to_late_is_read_whole(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        sleep(0.2)
        pipe.write_bytes(b"token")

    Thread(target=write, daemon=True).start()
    assert pipes.read(str(pipe), "pipe", 100) == b"token"
