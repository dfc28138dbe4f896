"""The files of ``make release``, installed and used as README says: ``make release/check``."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cred_helper import __version__
from tests.ci.job import REPOSITORY
from tests.clouds.authority import Authority
from tests.clouds.debian_registry import BINARY, DebianRegistry
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Reply
from tests.release.conftest import run
from tests.support import schemas
from tests.support.executable import PROGRAM, ROOT

__all__ = ["authority", "proxy"]

# Found now: a test has another environment.
_RELEASE = Path(os.environ["RELEASE"]).resolve() if "RELEASE" in os.environ else None
_NETWORK = {
    name: value
    for name, value in os.environ.items()
    if re.match(r"(PIP|UV|SSL|REQUESTS)_|.*_PROXY$", name, re.IGNORECASE)
}
_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
_CRANE = shutil.which("crane", path=f"{ROOT}/build/clients") or ""
_GENERATED = (".dist-info/WHEEL", ".dist-info/RECORD")
_HUNG_S = 600

pytestmark = pytest.mark.skipif(_RELEASE is None, reason="make release/check VERSION=… runs it")


@pytest.fixture
def release() -> Path:
    assert _RELEASE is not None
    assert _RELEASE.is_dir(), f"make release VERSION={_RELEASE.name}"
    return _RELEASE


def _run(*command: str | Path, stdin: str = "", **environment: str) -> str:
    done = subprocess.run(
        command,
        input=stdin,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=_HUNG_S,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def _use(program: Path, home: Path) -> None:
    """The program answers a client from docker's file."""
    config = home / ".docker/config.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('{"auths": {"registry.example": {"auth": "dTpw"}}, "credsStore": "multi"}')
    assert _run(program, "version", HOME=str(home)).endswith(f" {__version__}\n")
    answer = json.loads(_run(program, "get", stdin="registry.example", HOME=str(home)))
    assert (answer["Username"], answer["Secret"]) == ("u", "p")


def test_every_file_has_its_checksum(release: Path) -> None:
    lines = [line.split("  ") for line in (release / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == {path.name for path in release.iterdir()} - {"SHA256SUMS"}
    for digest, name in lines:
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == digest, name


def test_every_program_for_this_machine_answers(release: Path, home: Path, tmp_path: Path) -> None:
    files = [path for path in release.glob(f"{PROGRAM}-linux-{_ARCHITECTURE}*") if not path.suffix]
    variants = {path.name.partition(_ARCHITECTURE)[2] for path in files}
    assert {"", "-glibc"} <= variants
    for file in files:
        program = Path(shutil.copy(file, tmp_path / PROGRAM))
        program.chmod(0o755)
        _use(program, home)
        sums = str(release / "SHA256SUMS")
        assert "SHA256SUMS" in _run(program, "self-check", "--sums", sums, HOME=str(home))
        for document in (f"{file}.licenses.txt", f"{file}.txt"):
            assert Path(document).stat().st_size > 500


def test_every_sbom_is_valid_and_has_the_hash_of_its_file(release: Path) -> None:
    boms = sorted(release.glob("*.cdx.json"))
    assert len(boms) >= 2
    for path in boms:
        text = path.read_text("utf-8")
        assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None, path.name
        component = json.loads(text)["metadata"]["component"]
        assert f"{component['name']}.cdx.json" == path.name
        content = (release / component["name"]).read_bytes()
        assert component["hashes"][0]["content"] == hashlib.sha256(content).hexdigest()
        assert component["name"] in text.partition('"components"')[2]
        assert (
            f"{PROGRAM}.static" not in text + Path(f"{release / component['name']}.txt").read_text()
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="a new root folder needs root")
@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not installed")
def test_the_debian_package_is_installed_used_and_purged(release: Path, tmp_path: Path) -> None:
    [package] = release.glob(f"{PROGRAM}_*_{_ARCHITECTURE}.deb")
    root = tmp_path / "root"
    (root / "var/lib/dpkg/updates").mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    dpkg = ("dpkg", f"--root={root}", "--force-script-chrootless", "--force-depends")
    before = set(root.rglob("*"))
    _run(*dpkg, "--install", package)
    assert _run(*dpkg, "--verify", PROGRAM) == ""
    _use(root / "usr/bin" / PROGRAM, tmp_path / "user")
    assert root.stat().st_mode & 0o777 == 0o755
    for path in (
        f"usr/share/man/man1/{PROGRAM}.1.gz",
        f"usr/share/bash-completion/completions/{PROGRAM}",
        f"usr/share/zsh/vendor-completions/_{PROGRAM}",
        f"usr/share/fish/vendor_completions.d/{PROGRAM}.fish",
    ):
        assert (root / path).stat().st_size > 100
    _run(*dpkg, "--purge", PROGRAM)
    assert {path for path in set(root.rglob("*")) - before if "dpkg" not in path.parts} == set()
    if shutil.which("lintian"):
        assert _run("lintian", "--fail-on", "warning", package) == ""


@pytest.mark.skipif(not (_CRANE and BINARY), reason="crane or docker-registry is not installed")
def test_the_image_is_pulled_for_each_architecture(release: Path, tmp_path: Path) -> None:
    with tarfile.open(release / f"{PROGRAM}-image.tar") as tar:
        tar.extractall(tmp_path / "layout", filter="data")
    architectures = [path.name.rpartition("-")[2] for path in release.glob(f"{PROGRAM}-linux-*64")]
    with DebianRegistry(tmp_path, {}) as registry:
        image = f"localhost:{registry.port}/octo/{PROGRAM}:{__version__}"
        _run(_CRANE, "push", tmp_path / "layout", image, HOME=str(tmp_path))
        for architecture in architectures:
            words = ("export", "--platform", f"linux/{architecture}", image, tmp_path / "root.tar")
            _run(_CRANE, *words, HOME=str(tmp_path))
            with tarfile.open(tmp_path / "root.tar") as tar:
                tar.extractall(tmp_path / architecture, filter="data")
            released = release / f"{PROGRAM}-linux-{architecture}"
            assert (tmp_path / architecture / PROGRAM).read_bytes() == released.read_bytes()
    _use(tmp_path / _ARCHITECTURE / PROGRAM, tmp_path / "user")


@pytest.mark.parametrize(
    "command",
    [("pipx", "install"), ("uv", "tool", "install", "--python", sys.executable)],
    ids=["pipx", "uv"],
)
def test_the_wheel_is_installed_on_a_machine_that_has_nothing(
    release: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """With the dependencies that the index has today."""
    [wheel] = release.glob("*.whl")
    tools = tmp_path / "tools"
    _run(sys.executable, "-m", "venv", tools)
    _run(tools / "bin/pip", "install", "--quiet", command[0], **_NETWORK)
    user = tmp_path / "user"
    user.mkdir()
    _run(tools / "bin" / command[0], *command[1:], wheel, HOME=str(user), **_NETWORK)
    program = user / ".local/bin" / PROGRAM
    _use(program, user)
    # A cloud's SDK is loaded.
    done = subprocess.run(
        [program, "get"],
        input=b"123456789012.dkr.ecr.us-east-1.amazonaws.com",
        env={
            "HOME": str(user),
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:9",
        },
        capture_output=True,
        check=False,
    )
    assert b"[network.refused]" in done.stderr


def _reply(path: Path, _: object) -> Reply:
    return Reply(body=path.read_bytes())


def test_the_sdist_builds_the_wheel(release: Path, tmp_path: Path) -> None:
    """By pip, in a build environment of its own."""
    [sdist], [wheel] = release.glob("*.tar.gz"), release.glob("*.whl")
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, sdist, **_NETWORK)
    [built] = tmp_path.glob("*.whl")
    assert built.name == wheel.name
    with ZipFile(wheel) as ours, ZipFile(built) as theirs:
        assert ours.namelist() == theirs.namelist()
        # These name the version of setuptools.
        for name in set(ours.namelist()) - {n for n in ours.namelist() if n.endswith(_GENERATED)}:
            assert ours.read(name) == theirs.read(name), name


@pytest.fixture
def publisher(release: Path, proxy: TerminatingProxy) -> Iterator[LoopbackServer]:
    """A server in place of github.com, with the release."""
    with LoopbackServer() as server:
        for path in release.iterdir():
            at = f"/{REPOSITORY}/releases/download/v{__version__}/{path.name}"
            server.on("GET", at, partial(_reply, path))
        proxy.route("github.com", server)
        yield server


def test_the_commands_of_readme_install_the_released_file(
    publisher: LoopbackServer, proxy: TerminatingProxy, authority: Authority, home: Path
) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [words] = re.findall(r"```sh\n(file=.*?)```", readme, re.DOTALL)
    words = words.replace("linux-amd64", f"linux-{_ARCHITECTURE}")
    gh = home / "bin/gh"
    gh.parent.mkdir()
    gh.write_text('#!/bin/sh\n[ -s "$3" ] && echo "$@" >"$HOME/asked"\n')
    gh.chmod(0o755)
    environment = {
        **proxy.environment(),
        "HOME": str(home),
        "PATH": f"{gh.parent}:/usr/bin:/bin",
        "CURL_CA_BUNDLE": str(authority.ca_file),
    }
    subprocess.run(["sh", "-euc", words], cwd=home, env=environment, check=True)
    file = f"{PROGRAM}-linux-{_ARCHITECTURE}"
    assert (home / "asked").read_text() == f"attestation verify {file} --repo {REPOSITORY}\n"
    _use(home / ".local/bin" / PROGRAM, home)
    assert len(publisher.received) == 2


def test_every_json_schema_is_released_at_the_address_that_it_names(release: Path) -> None:
    found = {path.name for path in release.glob(f"{PROGRAM}-schema-*.json")}
    schemas_of = {f"{PROGRAM}-schema-{path.name}": path for path in schemas.FOLDER.iterdir()}
    assert found == schemas_of.keys()
    for name, path in schemas_of.items():
        assert (release / name).read_bytes() == path.read_bytes()


def test_the_interpreter_of_the_release_is_the_pinned_one(release: Path) -> None:
    words = "from freeze.interpreter import pins; print(pins()['python'])"
    pinned = run("-c", words, folder=ROOT).stdout.strip()
    for path in release.glob("*-linux-*.cdx.json"):
        found = {c["name"]: c.get("version") for c in json.loads(path.read_text())["components"]}
        assert found["cpython"] == pinned, path.name
