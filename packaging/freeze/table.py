"""The table of sizes: its rows add up to the size of the file."""

import argparse
import gzip
from collections.abc import Iterable
from pathlib import Path

from cred_helper.clouds import CLOUDS
from freeze.payload import Payload

PYTHON = "Python itself and the launcher"
GLIBC = "glibc and the static launcher"
STANDARD = "standard library"
GROUPS = {
    "this program": ("cred_helper", "frozen_entry", "frozen_importer", "botocore_loader"),
    "cryptography": ("cryptography", "_rust", "_cffi_backend", "libgcc_s"),
    "Python's OpenSSL": ("libcrypto", "libssl", "_ssl", "_hashlib"),
    "HTTP, certificate authorities": (
        "certifi", "charset_normalizer", "cd", "md", "idna", "requests", "urllib3",
    ),
    "click": ("click",),
    **{f"the SDK of {cloud.name}": cloud.sdk for cloud in CLOUDS},
}  # fmt: skip
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}


def write(
    payload: Payload,
    out: Path,
    options: argparse.Namespace,
    program: Path | None = None,
    glibc: Iterable[str] = (),
) -> None:
    """Print the table and write it beside the file.

    The static file contains the launcher, ``program``, and these libraries of ``glibc``.
    """
    sizes: dict[str, list[int]] = {}

    def add(group: str, stored: int, unpacked: int) -> None:
        row = sizes.setdefault(group, [0, 0])
        row[0] += stored
        row[1] += unpacked

    for name, _, size, _ in payload.started_with:
        add(GROUP_OF.get(name.partition(".")[0], STANDARD), size, size)
    for name, (_, *entry) in payload.modules.items():
        if len(entry) == 3:
            add(GROUP_OF.get(name.partition(".")[0], STANDARD), entry[1], entry[2])
    for path, (entry, _) in payload.libraries.items():
        name = path.rpartition("/")[2].partition(".")[0]
        if entry:
            add(GROUP_OF.get(name, STANDARD), entry[1], entry[2])
    for name, entry in payload.data.items():
        add(GROUP_OF.get(name.partition("/")[0], STANDARD), entry[1], entry[2])
    add("dictionary and table of contents", *payload.overhead)
    whole = out.read_bytes()
    rest = len(whole) - len(payload.bytes)
    python = program.stat().st_size if program else rest
    add(PYTHON, python, python)
    if program:
        add(GLIBC, rest - python, rest - python)

    lines = [f"{'':40}{'in the file':>12}{'unpacked':>12}  MB"]
    for group, (stored, unpacked) in sorted(sizes.items(), key=lambda item: -item[1][0]):
        lines.append(f"{group:40}{stored / 1e6:12.2f}{unpacked / 1e6:12.2f}")
    stored, unpacked = (sum(column) for column in zip(*sizes.values(), strict=True))
    assert stored == len(whole)
    lines.append(f"{'together':40}{stored / 1e6:12.2f}{unpacked / 1e6:12.2f}")
    lines.append(f"{'gzipped':40}{len(gzip.compress(whole, 9, mtime=0)) / 1e6:12.2f}")
    left_out = [cloud.name for cloud in CLOUDS if cloud.name not in options.providers]
    if left_out:
        own = sum(sizes.get(f"the SDK of {name}", [0])[0] for name in options.providers)
        lines.append(
            f"slim: without {', '.join(left_out)}, for what the file may do and not for its size: "
            f"{(stored - own) / 1e6:.2f} MB of it are shared by all clouds, {own / 1e6:.2f} MB not"
        )
    lines.append(f"providers: {', '.join(options.providers) or 'none'}")
    lines.append(f"sources: {options.sources}")
    lines.append(f"started by: {options.started_by}")
    if program:
        lines.append(f"needs no libc (has {', '.join(glibc)})")
    elif payload.floors:
        floor = max(payload.floors.values())
        holders = ", ".join(sorted(name for name, at in payload.floors.items() if at == floor)[:4])
        lines.append(f"needs glibc {'.'.join(map(str, floor))} or newer ({holders})")
    text = "\n".join(lines) + "\n"
    Path(f"{out}.txt").write_text(f"{out.name}\n{text}")
    print(f"{out}\n{text}", end="")
