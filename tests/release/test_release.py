"""The steps of ``make release``: refusals, the merge of parts, and the image of two programs."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cred_helper import __version__, clouds
from tests import docs
from tests.ci.job import REPOSITORY
from tests.clouds.debian_registry import BINARY, DebianRegistry
from tests.release.conftest import COMMIT, TIME, Parts, run
from tests.support.executable import PROGRAM, ROOT, pinned_environment

_AUTHOR = ("-c", "user.name=octocat", "-c", "user.email=octocat@github.example")
# Found now: tests run with another PATH. .ci/run installs them.
_CRANE, _JUDGE = (
    shutil.which(name, path=f"{ROOT}/build/clients") or "" for name in ("crane", "oci-judge")
)
_SKOPEO, _RUBY = shutil.which("skopeo") or "", shutil.which("ruby") or ""


def _git(*arguments: str, folder: Path) -> None:
    subprocess.run(["git", *_AUTHOR, *arguments], cwd=folder, check=True, capture_output=True)


def test_only_the_committed_state_of_the_version_is_released(tmp_path: Path) -> None:
    module = tmp_path / "cred_helper/__init__.py"
    module.parent.mkdir()
    module.write_text('__version__ = "1.2.3"\n')
    _git("init", "-q", folder=tmp_path)
    _git("add", "-A", folder=tmp_path)
    _git("commit", "-qm", "one", folder=tmp_path)

    def checkout(version: str) -> str:
        return run("-m", "release.checkout", version, "out/clone", folder=tmp_path).stderr

    assert "VERSION is missing" in checkout("")
    assert "VERSION is 1.2.4, cred_helper.__version__ is 1.2.3" in checkout("1.2.4")
    module.write_text('__version__ = "1.2.3" \n')
    assert "no commit has these changes:\nM cred_helper/__init__.py\n" in checkout("1.2.3")
    assert not (tmp_path / "out").exists()
    _git("tag", "v1.2.3", folder=tmp_path)
    _git("checkout", "-q", ".", folder=tmp_path)
    assert checkout("1.2.3") == ""
    assert (tmp_path / "out/clone/cred_helper/__init__.py").stat().st_mode & 0o777 == 0o644
    shutil.rmtree(tmp_path / "out")
    _git("commit", "-q", "--allow-empty", "-m", "two", folder=tmp_path)
    assert "the tag v1.2.3 is another commit" in checkout("1.2.3")


def test_the_parts_of_all_machines_come_to_one_folder_with_checksums(parts: Parts) -> None:
    done = parts.assemble()
    assert done.returncode == 0, done.stderr
    [missing] = done.stderr.splitlines()
    assert missing.startswith("missing: darwin-amd64, darwin-arm64, windows-amd64, windows-arm64: ")
    lines = (line.split("  ") for line in _read(parts.out / "SHA256SUMS").splitlines())
    sums = {name: digest for digest, name in lines}
    assert sums.keys() == {path.name for path in parts.out.iterdir()} - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((parts.out / name).read_bytes()).hexdigest() == digest, name
    formula = _read(parts.out / f"{PROGRAM}.rb")
    found = re.findall(r'url "(\S+)/(\S+)"\n +sha256 "(\w+)"', formula)
    assert {name for _, name, _ in found} == {
        f"{PROGRAM}-linux-amd64",
        f"{PROGRAM}-linux-arm64",
        f"{PROGRAM}.1",
    }
    for base, name, digest in found:
        assert base == f"https://github.com/{REPOSITORY}/releases/download/v{__version__}"
        assert digest == sums[name]
    blocks = re.findall(r"^ +on_(?:macos|linux|arm|intel)\b", formula, re.MULTILINE)
    assert [block.strip() for block in blocks] == ["on_linux", "on_arm", "on_intel"]
    if _RUBY:
        command = [_RUBY, "-wc", str(parts.out / f"{PROGRAM}.rb")]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (checked.stdout, checked.stderr) == ("Syntax OK\n", "")


def test_parts_that_do_not_belong_together_are_refused(parts: Parts) -> None:
    assert parts.assemble("--complete", "linux").returncode == 0
    assert parts.assemble("--complete", "all").returncode == 1
    (parts.folder / "linux-arm64" / f"{PROGRAM}.1").write_text(".TH other\n")
    assert f"two machines built different files {PROGRAM}.1" in parts.assemble().stderr
    for record in ({"commit": "f" * 40}, {"version": "0.0.1"}):
        shutil.rmtree(parts.folder / "linux-arm64")
        parts.add("linux-arm64", **record)
        assert f"the parts of {__version__} are not all of one commit" in parts.assemble().stderr
    shutil.rmtree(parts.folder / "linux-arm64")
    parts.add("linux-arm64", interpreter={"python": "3.11.2", "openssl": "3.0.22"})
    assert "not all built with the same interpreter" in parts.assemble().stderr
    shutil.rmtree(parts.folder / "linux-arm64")
    done = parts.assemble("--complete", "linux")
    assert (done.returncode, done.stderr[:22]) == (1, "missing: linux-arm64, ")


@pytest.fixture
def layout(parts: Parts, tmp_path: Path) -> Path:
    """The image of two programs, unpacked."""
    assert parts.assemble().returncode == 0
    first = (parts.out / f"{PROGRAM}-image.tar").read_bytes()
    assert parts.assemble().returncode == 0
    assert (parts.out / f"{PROGRAM}-image.tar").read_bytes() == first
    folder = tmp_path / "layout"
    with tarfile.open(parts.out / f"{PROGRAM}-image.tar") as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.mark.skipif(not _JUDGE, reason="oci-judge is not built: .ci/run builds it")
def test_the_image_is_valid_by_the_schemas_of_the_specification(layout: Path) -> None:
    done = subprocess.run([_JUDGE, layout], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    kinds = [line.rpartition(".image.")[2].partition(".v1")[0] for line in done.stdout.splitlines()]
    assert sorted(kinds) == sorted(["index", *2 * ("manifest", "config", "layer")])
    index = layout / "index.json"
    index.write_text(_read(index).replace("mediaType", "mediatype"))
    assert subprocess.run([_JUDGE, layout], capture_output=True, check=False).returncode == 1


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DebianRegistry]:
    with DebianRegistry(tmp_path, {}) as server:
        yield server


@pytest.mark.skipif(not (_CRANE and BINARY), reason="crane or docker-registry is not installed")
def test_each_architecture_of_the_pushed_image_has_its_program(
    layout: Path, registry: DebianRegistry, tmp_path: Path
) -> None:
    image = f"localhost:{registry.port}/octo/{PROGRAM}:{__version__}"

    def crane(*words: str) -> bytes:
        return subprocess.run([_CRANE, *words], check=True, capture_output=True).stdout

    crane("push", str(layout), image)
    assert b"PASS" in crane("validate", "--remote", image)
    for platform, target in {
        "linux/amd64": "linux-amd64",
        "linux/arm64": "linux-arm64",
        "linux/arm64/v8": "linux-arm64",
    }.items():
        config = json.loads(crane("config", "--platform", platform, image))
        assert config["config"]["Labels"]["org.opencontainers.image.revision"] == COMMIT
        crane("export", "--platform", platform, image, str(tmp_path / "root.tar"))
        with tarfile.open(tmp_path / "root.tar") as tar:
            [member] = tar.getmembers()
            assert (member.name, member.mode, member.uid) == (PROGRAM, 0o755, 0)
            program = tar.extractfile(member)
            assert program is not None
            assert program.read() == f"#!/bin/sh\necho {target}\n".encode()
    if _SKOPEO:
        other = f"docker://localhost:{registry.port}/octo/other:{__version__}"
        # As release.yml does.
        archive = f"oci-archive:{layout.parent}/out/{PROGRAM}-image.tar:{__version__}"
        options = ("--all", "--preserve-digests", "--dest-tls-verify=false")
        subprocess.run([_SKOPEO, "copy", "-q", *options, archive, other], check=True)
        assert crane("digest", image) == crane("digest", other.removeprefix("docker://"))


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def test_the_page_at_pypi_has_links_that_work_outside_of_the_repository(tmp_path: Path) -> None:
    words = "import sys; from release.packages import absolute; print(absolute(sys.stdin.read()))"
    readme = _read(ROOT / "README.md")
    shown = subprocess.run(
        [sys.executable, "-c", words],
        input=readme,
        env={**pinned_environment(tmp_path), "PYTHONPATH": f"{ROOT / 'packaging'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    links = re.findall(r"(!?)\[[^\]]*\]\((\S+?)\)", shown)
    bases = {
        "": f"https://github.com/{REPOSITORY}/blob/v{__version__}/",
        "!": f"https://raw.githubusercontent.com/{REPOSITORY}/v{__version__}/",
    }
    ours = [(kind, link) for kind, link in links if f"/v{__version__}/" in link]
    assert len(ours) == len(re.findall(r"\]\((?!https:|#)", readme)) > 20
    assert {kind for kind, _ in ours} == {"", "!"}
    for kind, link in ours:
        assert (ROOT / link.removeprefix(bases[kind]).partition("#")[0]).is_file(), link
    assert all(link.startswith(("https://", "#")) for _, link in links)


def test_a_files_documents_have_its_released_name(tmp_path: Path) -> None:
    built = tmp_path / f"{PROGRAM}.static"
    built.write_text("program")
    Path(f"{built}.txt").write_text(f"{built.name}\nglibc and the static launcher\n")
    places = [{"location": built.name}, {"location": "libz.so.1"}]
    sbom = {
        "metadata": {"component": {"name": built.name}},
        "components": [{"name": "zlib", "evidence": {"occurrences": places}}],
    }
    Path(f"{built}.cdx.json").write_text(json.dumps(sbom))
    out = tmp_path / f"{PROGRAM}-linux-amd64"
    words = (
        "import sys; from pathlib import Path; from release import part; "
        "part._keep(*map(Path, sys.argv[1:]))"
    )
    subprocess.run(
        [sys.executable, "-c", words, built, out],
        env={**pinned_environment(tmp_path), "PYTHONPATH": f"{ROOT / 'packaging'}:{ROOT}"},
        check=True,
    )
    documents = [path for path in tmp_path.glob(f"{out.name}*") if path.is_file()]
    assert len(documents) == 4
    for path in documents:
        assert built.name not in _read(path), path
    assert _read(Path(f"{out}.txt")) == f"{out.name}\nglibc and the static launcher\n"


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")
def test_the_debian_package_names_the_publisher_and_the_sum_of_every_file(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / PROGRAM).write_text("#!/bin/sh\necho completion\n")
    (dist / PROGRAM).chmod(0o755)
    (dist / f"{PROGRAM}.txt").write_text("needs glibc 2.28\n")
    (dist / f"{PROGRAM}.cdx.json").write_text('{"components": []}')
    subprocess.run(
        [sys.executable, "-m", "freeze.deb", dist],
        env={
            **pinned_environment(tmp_path),
            "PYTHONPATH": f"{ROOT / 'packaging'}:{ROOT}",
            "SOURCE_DATE_EPOCH": str(TIME),
        },
        check=True,
        capture_output=True,
    )
    [package] = dist.glob("*.deb")
    root = tmp_path / "root"
    subprocess.run(["dpkg-deb", "--raw-extract", package, root], check=True)
    control = _read(root / "DEBIAN/control")
    [maintainer] = docs.PROJECT["maintainers"]
    assert f"\nMaintainer: {maintainer['name']} <{maintainer['email']}>\n" in control
    assert f"\nHomepage: https://github.com/{REPOSITORY}\n" in control
    for cloud in clouds.CLOUDS:
        assert cloud.title.split()[0] in control, cloud.title
    sums = dict(line.split("  ")[::-1] for line in _read(root / "DEBIAN/md5sums").splitlines())
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    files = {name: path for name, path in files.items() if not name.startswith("DEBIAN/")}
    assert sums == {n: hashlib.md5(path.read_bytes()).hexdigest() for n, path in files.items()}
