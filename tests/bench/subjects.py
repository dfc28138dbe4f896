"""The programs to compare, if they are installed: the bench itself installs none."""

from __future__ import annotations

import shutil
import sysconfig
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path

from tests.bench.stopwatch import PYTHON
from tests.support.executable import ROOT
from tests.support.programs import ran

PROGRAM = "docker-credential-multi"
# bench.mk makes these.
INSTALLATION = ROOT / "build" / "bench" / "lib" / PROGRAM
CLIENTS = ROOT / "build" / "clients"
DIST = ROOT / "dist"
PLAIN = Path(__file__).parent / "plain"

BARE = "bare Python"
PLAIN_SCRIPT = "plain script"
WHEEL, ONEFILE, ONEDIR, NAIVE = "wheel", "one file", "folder", "naive freeze"
STATIC, BOOTLOADER = "static file", "bootloader"
GO_HELPERS = {"ecr": "ecr-login", "gcr": "gcr", "acr": "acr-env"}
"""The helper in Go of each cloud."""


class Kind(Enum):
    YARDSTICK = "yardstick"
    OURS = "ours"
    PEER = "peer"


@dataclass(frozen=True)
class Subject:
    """A program to measure. `{cloud}` in its arguments is replaced by the cloud's name."""

    name: str
    kind: Kind
    arguments: tuple[str, ...]
    what: str
    clouds: tuple[str, ...] = ("ecr", "gcr", "acr")
    scenarios: tuple[str, ...] = ("cold", "warm", "other", "parallel")
    answers: bool = True
    """Whether it gives credentials."""
    weighs: Path | None = None
    """The file or folder that it needs."""
    rests: int = 1
    """It takes part in every nth round: some are too slow for all."""
    version: str = field(default="", compare=False)

    def command(self, cloud: str) -> tuple[str, ...]:
        return tuple(part.replace("{cloud}", cloud) for part in self.arguments)

    @cached_property
    def sizes(self) -> tuple[int, int] | None:
        """Bytes on disk and gzipped, if it has a file."""
        if self.weighs is None:
            return None
        plain = zipped = 0
        # One stream for a folder, as in a layer of an image. wbits=31: with a gzip header.
        stream = zlib.compressobj(9, wbits=31)
        for path in _files(self.weighs):
            content = path.read_bytes()
            plain += len(content)
            zipped += len(stream.compress(content))
        return plain, zipped + len(stream.flush())


def found() -> Iterator[Subject]:
    command = (PYTHON, "-I", "-S", "-c", "pass")
    kinds = ("warm", "other", "parallel")
    said = "python -I -S -c pass"
    yield Subject(BARE, Kind.YARDSTICK, command, said, scenarios=kinds, answers=False)
    yield from _plain()
    yield from _ours()
    yield from _peers()


def _plain() -> Iterator[Subject]:
    """The plain scripts, with the SDKs of the installation."""
    installed = INSTALLATION / "bin" / "python"
    python = installed if installed.exists() else Path(sysconfig.get_path("scripts"), "python")
    command = (str(python), str(PLAIN / "{cloud}.py"))
    said = "the shortest script with the SDK (tests/bench/plain)"
    yield Subject(PLAIN_SCRIPT, Kind.YARDSTICK, command, said, scenarios=("cold",))


def _ours() -> Iterator[Subject]:
    installed = INSTALLATION / "bin" / PROGRAM
    packages = [*INSTALLATION.glob("lib/python3*/site-packages")]
    if installed.exists():
        yield _own(WHEEL, installed, "installed by pip, started by its console script", packages[0])
    else:
        development = Path(sysconfig.get_path("scripts"), PROGRAM)
        yield _own(WHEEL, development, "the development installation: not what ships", None)
    file, folder, naive = DIST / PROGRAM, DIST / f"{PROGRAM}.dir", DIST / "naive"
    static, bootloader = file.with_suffix(".static"), DIST / "bootloader" / PROGRAM
    for name, path, what, weighs in (
        (ONEFILE, file, f"dist/{PROGRAM}", file),
        (STATIC, static, f"dist/{PROGRAM}.static", static),
        (ONEDIR, folder / PROGRAM, f"dist/{PROGRAM}.dir", folder),
        (BOOTLOADER, bootloader, "the same with PyInstaller's bootloader", bootloader),
    ):
        if path.exists():
            yield _own(name, path, what, weighs)
    if naive.exists():
        yield Subject(
            NAIVE,
            Kind.YARDSTICK,
            (str(naive), "get"),
            "PyInstaller's one-file build of this program",
            clouds=("ecr",),  # it takes minutes, and its time is the same for each
            scenarios=("cold", "warm"),
            weighs=naive,
            rests=3,
        )


def _own(name: str, path: Path, what: str, weighs: Path | None) -> Subject:
    return Subject(name, Kind.OURS, (str(path), "get"), what, weighs=weighs)


def _peers() -> Iterator[Subject]:
    for cloud, name in GO_HELPERS.items():
        program = f"docker-credential-{name}"
        path = shutil.which(program, path=str(CLIENTS)) or shutil.which(program)
        if path is not None:
            version = _go_version(path)
            yield Subject(
                name,
                Kind.PEER,
                (path, "get"),
                f"{program} {version}",
                clouds=(cloud,),
                weighs=Path(path),
                version=version,
            )


def _go_version(path: str) -> str:
    """The module version of a Go program, if Go is installed."""
    if not shutil.which("go"):
        return ""
    listed = ran("go", "version", "-m", path).stdout
    return next((line.split()[2] for line in listed.splitlines() if "\tmod\t" in line), "")


def _files(path: Path) -> Iterator[Path]:
    """A file, or the files of a folder without those of pip and setuptools."""
    if path.is_file():
        yield path
        return
    for inner in sorted(path.rglob("*")):
        top = inner.relative_to(path).parts[0]
        if inner.is_file() and not top.startswith(("pip", "setuptools", "_distutils", "distutils")):
            yield inner
