"""Builds what one machine builds for a release: ``python -m release.part OUT``.

On Linux: the file that needs no libc, the one for glibc, a slim one for each cloud, the Debian
package, wheel, sdist, manual page, completions and JSON schemas. On macOS and Windows: the file.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from freeze import companions, deb, interpreter, notices

from cred_helper import __version__, clouds
from release import names, packages

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build/freeze/work"
SCHEMAS = ROOT / "packaging/docs/schemas"

# Of the whole static file, the SDK of each is a part; Docker Hub needs none.
SLIM = tuple(cloud.name for cloud in clouds.CLOUDS if cloud.sdk)


def main() -> None:
    parser = argparse.ArgumentParser(prog="release.part")
    parser.add_argument("out", type=Path, help="the folder of the parts of this version")
    parser.add_argument("--slim", default=" ".join(SLIM), help="clouds with a slim file")
    options = parser.parse_args()
    os.umask(0o022)
    commit, time = _git("HEAD", "%H %ct").split()
    os.environ["SOURCE_DATE_EPOCH"] = time
    target = names.here()
    out: Path = options.out.resolve() / target
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if target.startswith("linux"):
        _linux(target, out, options.slim.split())
    else:
        [file] = (path for path in _frozen("all").iterdir() if path.suffix in ("", ".exe"))
        _keep(file, out / names.file(target))
    record = {
        "version": __version__,
        "commit": commit,
        "time": int(time),
        "target": target,
        "interpreter": interpreter.found(),
    }
    (out / names.RECORD).write_text(json.dumps(record, indent=1) + "\n")


def _linux(target: str, out: Path, slim: list[str]) -> None:
    whole = _frozen("all", "--static", "--launcher", "own")
    _keep(whole / f"{names.PROGRAM}.static", out / names.file(target))
    _keep(whole / names.PROGRAM, out / names.file(target, "glibc"))
    for cloud in slim:
        folder = _frozen(cloud, "--static", "--launcher", "own", "--providers", cloud)
        _keep(folder / f"{names.PROGRAM}.static", out / names.file(target, cloud))
    for path in (*companions.write(whole), deb.build(whole)):
        shutil.copy(path, out / path.name)
    for path in SCHEMAS.iterdir():
        shutil.copy(path, out / names.schema(path.stem))
    packages.build(ROOT, out)


def _frozen(name: str, *arguments: str) -> Path:
    """The folder with a frozen file."""
    dist = ROOT / "dist" / name
    command = [sys.executable, "-m", "freeze", "--work", WORK, "--dist", dist, "--release"]
    command += arguments
    subprocess.run(command, cwd=ROOT, check=True)
    return dist


def _keep(file: Path, out: Path) -> None:
    """Copy a file, its SBOM, its licences and the table of its parts by their released names."""
    shutil.copy(file, out)
    table = Path(f"{file}.txt").read_text("utf-8")
    Path(f"{out}.txt").write_text(f"{out.name}\n{table.partition(chr(10))[2]}", "utf-8")
    sbom = json.loads(Path(f"{file}.cdx.json").read_text("utf-8"))
    sbom["metadata"]["component"]["name"] = out.name
    for component in sbom["components"]:
        for place in component.get("evidence", {}).get("occurrences", ()):
            if place["location"] == file.name:
                place["location"] = out.name
    Path(f"{out}.cdx.json").write_text(json.dumps(sbom, indent=1) + "\n")
    Path(f"{out}.licenses.txt").write_text(notices.text(Path(f"{file}.cdx.json")), "utf-8")


def _git(commit: str, form: str) -> str:
    command = ["git", "log", "-1", f"--format={form}", commit]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
