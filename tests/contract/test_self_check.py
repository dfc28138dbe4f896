"""``self-check``: what it finds, and that the settings of the user have no part in it."""

from __future__ import annotations

import json
import ssl
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cred_helper import clouds
from cred_helper.commands.self_check import last_line
from cred_helper.commands.self_check.loopback_server import Authority
from cred_helper.commands.self_check.temporary_files import TemporaryFiles
from tests.clouds.aws import AwsCloud
from tests.support.machine import Machine, person

__all__ = ["person"]


def _found(machine: Machine, *arguments: str, status: int = 0, **variables: Any) -> dict[str, Any]:
    """The findings: the codes of each subject."""
    done = machine.run("self-check", "--json", *arguments, **variables)
    assert (done.status, done.stderr) == (status, ""), done
    found: dict[str, list[str]] = {}
    for finding in done.document:
        found.setdefault(finding["subject"], []).append(finding["code"])
    return found


def test_every_cloud_gives_a_credential_and_the_users_settings_have_no_part_in_it(
    person: Machine, tmp_path: Path
) -> None:
    person.write(".aws/config", "[default]\nregion = not a region\ncredential_process = false\n")
    person.write(".config/docker-credential-multi/config.toml", "a mistake")
    bundle = tmp_path / "empty.pem"
    bundle.touch()
    before = sorted(person.home.rglob("*"))
    with AwsCloud() as cloud:
        users = {
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_PROFILE": "missing",
            "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "missing"),
            "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential",
            "AZURE_CLIENT_ID": "of the user",
            "AWS_CA_BUNDLE": str(bundle),
            "HTTPS_PROXY": cloud.url,
            "HTTP_PROXY": cloud.url,
            "ALL_PROXY": cloud.url,
            "NO_PROXY": "*",
        }
        person.use(users)
        found = _found(person)
        assert cloud.received == []
    for name in clouds.NAMES:
        assert found[name] == ["selfcheck.exchanged"]
    assert found["file"] == ["selfcheck.version", "selfcheck.not-recorded"]
    assert {*found["libraries"]} == {"selfcheck.loaded"}
    assert found["openssl"] == ["selfcheck.openssl"] * 2
    assert found["ca"] == ["selfcheck.authorities"]
    assert sorted(person.home.rglob("*")) == before


@pytest.mark.parametrize("package", ["botocore", "google.auth", "azure.identity"])
def test_a_library_that_cannot_be_loaded_is_an_error_and_the_others_are_checked(
    person: Machine, tmp_path: Path, package: str
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    blocked = f"import sys\nsys.modules[{package!r}] = None\n"
    (broken / "sitecustomize.py").write_text(blocked)
    path = f"{broken}:{person.environment['PYTHONPATH']}"
    found = _found(person, status=1, PYTHONPATH=path)
    cloud = {"botocore": "ecr", "google.auth": "gcr", "azure.identity": "acr"}[package]
    for name in clouds.NAMES:
        failed = found[name] != ["selfcheck.exchanged"]
        assert failed == (name == cloud), found


def test_a_bundle_without_certificates_is_an_error(person: Machine, tmp_path: Path) -> None:
    bundle = tmp_path / "empty.pem"
    bundle.touch()
    found = _found(person, status=1, SSL_CERT_FILE=str(bundle))
    assert found["ca"] == ["network.ca-file-empty"]
    assert found["acr"] == ["selfcheck.exchanged"]


def test_a_package_has_no_single_file_to_compare(person: Machine, tmp_path: Path) -> None:
    found = _found(person, "--sums", str(tmp_path / "SHA256SUMS"), status=1)
    assert found["file"][-1] == "selfcheck.no-file"


def test_the_last_line_of_a_file_is_compared_with_all_before_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    content = b"\x7fELF" + bytes(3 << 20)
    digest = sha256(content).hexdigest()
    line = last_line.make(digest)
    for written, found in (
        (content + line, (digest, digest)),
        (content[:-1] + b"1" + line, (sha256(content[:-1] + b"1").hexdigest(), digest)),
        (content + line.replace(digest.encode(), b"0" * 64), (digest, "0" * 64)),
        (content + line.upper(), (digest, None)),
        (b"\xcf\xfa\xed\xfe of macOS", None),
        (b"MZ of Windows", None),
    ):
        file.write_bytes(written)
        assert last_line.compare(str(file)) == found
    for damaged in (b"\x7fELF", content, content + line[:-1], content + line + b"\n"):
        file.write_bytes(damaged)
        compared = last_line.compare(str(file))
        assert compared is not None
        assert compared[1] is None


def test_the_output_for_people_ends_in_a_verdict(person: Machine) -> None:
    lines = person.run("self-check").stdout.decode().splitlines()
    assert lines[-1] == "all is well"
    assert len(lines) == 1 + len(json.loads(person.run("self-check", "--json").stdout))


def test_the_made_up_certificates_pass_the_strict_checks_of_python_3_13(tmp_path: Path) -> None:
    authority = Authority()
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(cadata=authority.pem.decode()),
    )
    file = tmp_path / "server.pem"
    file.write_bytes(authority.certificate("registry.example"))
    server.load_cert_chain(file)
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(received, sent, server_hostname="registry.example"),
        server.wrap_bio(sent, received, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    assert ends[0].getpeercert()


def test_a_python_without_memory_files_takes_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr("os.memfd_create", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with TemporaryFiles() as files:
        path = Path(files.keep("key.pem", b"key"))
        assert path.parent.parent == tmp_path
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"key", 0o600)
    assert not path.parent.exists()
