"""Merges the parts of all machines: ``python3 -m release.assemble VERSION PARTS OUT``."""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from freeze.publisher import publisher

from release import formula, image, names

# By native runners or in roots; the others only by native runners.
NEEDED = ("linux-amd64", "linux-arm64")


def main() -> None:
    parser = argparse.ArgumentParser(prog="release.assemble")
    parser.add_argument("version")
    parser.add_argument("parts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--complete", choices=("linux", "all"), help="the systems that have to be there"
    )
    options = parser.parse_args()
    records = _records(options.parts, options.version)
    out: Path = options.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for target in records:
        for path in sorted((options.parts / target).iterdir()):
            if path.name != names.RECORD:
                _merge(path, out / path.name)
    _add_image_and_formula(out, next(iter(records.values())))
    (out / names.SUMS).write_text("".join(f"{d}  {n}\n" for n, d in _sums(out).items()))
    print(f"{out}: {len(list(out.iterdir()))} files of {', '.join(records)}")
    missing = [target for target in names.RELEASED if target not in records]
    if missing:
        print(
            f"missing: {', '.join(missing)}: run make release there (for Linux, make release/roots"
            f" here), copy {options.parts}/SYSTEM here, then make release/assemble",
            file=sys.stderr,
        )
        wanted = {"linux": NEEDED, "all": names.RELEASED}.get(options.complete, ())
        sys.exit(1 if {*wanted} & {*missing} else 0)


def _records(parts: Path, version: str) -> dict[str, dict[str, Any]]:
    """What built each part, by system and architecture."""
    found = {}
    for path in sorted(parts.glob(f"*/{names.RECORD}")):
        found[path.parent.name] = json.loads(path.read_text("utf-8"))
    if not found:
        sys.exit(f"error: {parts} has no part\nhint: make release VERSION={version}")
    commits = {f"{record['version']} at {record['commit']}" for record in found.values()}
    if len(commits) > 1 or not next(iter(commits)).startswith(f"{version} at "):
        each = "".join(f"\n  {name}: {r['version']} at {r['commit']}" for name, r in found.items())
        sys.exit(f"error: the parts of {version} are not all of one commit of it:{each}")
    built_with = {n: r["interpreter"] for n, r in found.items() if n.startswith("linux")}
    if any(it != next(iter(built_with.values())) for it in built_with.values()):
        each = "".join(f"\n  {name}: {it}" for name, it in built_with.items())
        sys.exit(f"error: the Linux parts are not all built with the same interpreter:{each}")
    return found


def _merge(path: Path, out: Path) -> None:
    """Copy a file; a machine that built other bytes of the same name is an error."""
    if out.exists() and out.read_bytes() != path.read_bytes():
        sys.exit(f"error: two machines built different files {path.name}, one is {path}")
    shutil.copy(path, out)


def _add_image_and_formula(out: Path, record: dict[str, Any]) -> None:
    ours = publisher()
    about = image.ImageLabels(
        record["version"], record["commit"], record["time"], ours.url, ours.description
    )
    programs = {
        target.partition("-")[2]: out / names.file(target)
        for target in NEEDED
        if (out / names.file(target)).exists()
    }
    if programs:
        (out / names.IMAGE).write_bytes(image.archive(programs, about))
        brew = formula.text(about.version, ours.url, _sums(out))
        (out / names.FORMULA).write_text(brew)


def _sums(out: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.iterdir())
    }


if __name__ == "__main__":
    main()
