"""``python -m freeze``: sets the build's environment and runs PyInstaller on the spec.

The same commit gives the same file: hashes are not random, the time is the commit's, and no path of
the building machine is in it.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from freeze import link

PACKAGING = Path(__file__).resolve().parent.parent
REQUIREMENTS = PACKAGING / "requirements-freeze.txt"


def main() -> None:
    parser = argparse.ArgumentParser(prog="freeze", description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--dist", type=Path, required=True)
    parser.add_argument("--naive", action="store_true", help="PyInstaller's one-file build")
    options, rest = parser.parse_known_args()
    options.work.mkdir(parents=True, exist_ok=True)
    work, dist = options.work.resolve(), options.dist.resolve()
    command = [
        sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR",
        "--distpath", str(dist), "--workpath", str(work),
    ]  # fmt: skip
    if options.naive:
        entry = PACKAGING / "runtime" / "naive_entry.py"
        paths = ["--paths", str(PACKAGING.parent), "--specpath", str(work)]
        command += ["--onefile", "--name", "naive", "--collect-submodules", "cred_helper"]
        command += [*paths, str(entry)]
    else:
        spec = PACKAGING / "docker-credential-multi.spec"
        command += [str(spec), "--", *rest]
        with suppress(link.CannotLink):
            link.tools()
            command += ["--zstd", str(_zstd(work))]
    sys.exit(subprocess.run(command, check=False, env=_environment()).returncode)


def _environment() -> dict[str, str]:
    # Without the columns of tracebacks, which need source text: a fifth of the size and load time.
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "PYTHONNODEBUGRANGES": "1",
        "LC_ALL": "C.UTF-8",
        "PYI_LOG_LEVEL": "ERROR",
    }
    if "SOURCE_DATE_EPOCH" not in environment:
        git = ["git", "-C", str(PACKAGING), "log", "-1", "--format=%ct"]
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
        environment["SOURCE_DATE_EPOCH"] = commit or "0"
    return environment


def _zstd(work: Path) -> Path:
    """The folder of zstd's single source file, from the source distribution of zstandard."""
    folder = work / "zstd"
    if (folder / "zstd.c").is_file():
        return folder
    with tempfile.TemporaryDirectory() as temporary:
        pinned = Path(temporary, "requirements.txt")
        pinned.write_text(_pin("zstandard"))
        subprocess.run(
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes",
                "-r", str(pinned), "-d", temporary,
            ],
            check=True,
        )  # fmt: skip
        (archive,) = Path(temporary).glob("*.tar.gz")
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                name = member.name.partition("/zstd/")[2]
                content = tar.extractfile(member)
                if name and "/" not in name and content:
                    (folder / name).write_bytes(content.read())
    return folder


def _pin(name: str) -> str:
    """One requirement with its hashes, from the pinned requirements."""
    lines = REQUIREMENTS.read_text().splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = start
    while lines[end].endswith("\\"):
        end += 1
    return "\n".join(lines[start : end + 1]) + "\n"


if __name__ == "__main__":
    main()
