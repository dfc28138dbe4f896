"""What is compared, as far as it is here: nothing is built or fetched by the bench itself."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path

from tests.bench.stopwatch import PYTHON
from tests.support.executable import ROOT

PROGRAM = "docker-credential-multi"
# What makes these is in bench.mk.
INSTALLATION = ROOT / "build" / "bench" / "lib" / PROGRAM
CLIENTS = ROOT / "build" / "clients"
DIST = ROOT / "dist"
PLAIN = Path(__file__).parent / "plain"

BARE = "bare Python"
PLAIN_SCRIPT = "plain script"
WHEEL, ONEFILE, ONEDIR, NAIVE = "wheel", "one file", "folder", "naive freeze"


class Kind(Enum):
    """What may be expected of a subject."""

    YARDSTICK = "yardstick"
    OURS = "ours"
    PEER = "peer"


@dataclass(frozen=True)
class Subject:
    """A program that is measured; `{cloud}` in its arguments is the provider's name."""

    name: str
    kind: Kind
    arguments: tuple[str, ...]
    what: str
    clouds: tuple[str, ...] = ("ecr", "gcr", "acr")
    scenarios: tuple[str, ...] = ("cold", "warm", "nobody", "parallel")
    answers: bool = True
    """Whether it gives credentials at all."""
    weighs: Path | None = None
    """The file or folder that has to be brought along for it."""
    rests: int = 1
    """Takes part in one round of so many: some are too slow for all."""
    version: str = field(default="", compare=False)

    def command(self, cloud: str) -> tuple[str, ...]:
        return tuple(part.replace("{cloud}", cloud) for part in self.arguments)

    @cached_property
    def sizes(self) -> tuple[int, int] | None:
        """Bytes on disk and gzipped, if it weighs anything."""
        if self.weighs is None:
            return None
        plain = zipped = 0
        # One stream over all of a folder, as in a layer of an image; 31 asks for gzip's header.
        stream = zlib.compressobj(9, wbits=31)
        for path in _files(self.weighs):
            content = path.read_bytes()
            plain += len(content)
            zipped += len(stream.compress(content))
        return plain, zipped + len(stream.flush())


def found() -> Iterator[Subject]:
    """Whatever there is to compare."""
    yield Subject(
        BARE,
        Kind.YARDSTICK,
        (PYTHON, "-I", "-S", "-c", "pass"),
        "python -I -S -c pass",
        scenarios=("warm", "nobody", "parallel"),
        answers=False,
    )
    yield from _plain()
    yield from _ours()
    yield from _peers()


def _plain() -> Iterator[Subject]:
    """By the installation's interpreter, whose SDKs are compiled as ours are."""
    installed = INSTALLATION / "bin" / "python"
    python = installed if installed.exists() else Path(sysconfig.get_path("scripts"), "python")
    yield Subject(
        PLAIN_SCRIPT,
        Kind.YARDSTICK,
        (str(python), str(PLAIN / "{cloud}.py")),
        "the shortest script that does it with the SDK (tests/bench/plain)",
        scenarios=("cold",),
    )


def _ours() -> Iterator[Subject]:
    installed = INSTALLATION / "bin" / PROGRAM
    packages = [*INSTALLATION.glob("lib/python3*/site-packages")]
    if installed.exists():
        yield _own(WHEEL, installed, "installed by pip, started by its console script", packages[0])
    else:
        development = Path(sysconfig.get_path("scripts"), PROGRAM)
        yield _own(WHEEL, development, "the development installation: not what ships", None)
    file, folder, naive = DIST / PROGRAM, DIST / f"{PROGRAM}.dir", DIST / "naive"
    if file.exists():
        yield _own(ONEFILE, file, f"dist/{PROGRAM}", file)
    if folder.exists():
        yield _own(ONEDIR, folder / PROGRAM, f"dist/{PROGRAM}.dir", folder)
    if naive.exists():
        yield Subject(
            NAIVE,
            Kind.YARDSTICK,
            (str(naive), "get"),
            "the same program frozen by PyInstaller as it comes",
            clouds=("ecr",),  # minutes are saved, and its time is the same with each
            scenarios=("cold", "warm"),
            weighs=naive,
            rests=3,
        )


def _own(name: str, path: Path, what: str, weighs: Path | None) -> Subject:
    return Subject(name, Kind.OURS, (str(path), "get"), what, weighs=weighs)


def _peers() -> Iterator[Subject]:
    """The helpers written in Go: current ones first, then whatever is on PATH."""
    for name, cloud in (("ecr-login", "ecr"), ("gcr", "gcr"), ("acr-env", "acr")):
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
    """The version of the module that a Go program was built from, where Go is there to tell."""
    if not shutil.which("go"):
        return ""
    command = ["go", "version", "-m", path]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return next((line.split()[2] for line in listed.splitlines() if "\tmod\t" in line), "")


def _files(path: Path) -> Iterator[Path]:
    """A file, or what is in a folder but for what only installs it."""
    if path.is_file():
        yield path
        return
    for inner in sorted(path.rglob("*")):
        top = inner.relative_to(path).parts[0]
        if inner.is_file() and not top.startswith(("pip", "setuptools", "_distutils", "distutils")):
            yield inner
