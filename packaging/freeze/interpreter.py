"""The interpreter of a release: ``python -m freeze.interpreter`` compares this one with the pins.

A release contains Python, and the OpenSSL and expat that Python is linked with. Their versions are
pinned in ``packaging/interpreter.toml`` and listed in the SBOM. A security update of a library may
be newer than its pin.
"""

import platform
import pyexpat
import ssl
import sys
import tomllib
from pathlib import Path

PINS = Path(__file__).resolve().parent.parent / "interpreter.toml"


def pins() -> dict[str, str]:
    """The versions of ``python``, ``openssl`` and ``expat`` in a release."""
    return tomllib.loads(PINS.read_text("utf-8"))["versions"]


def glibc() -> tuple[int, ...]:
    """The oldest glibc that the file runs on."""
    floor = tomllib.loads(PINS.read_text("utf-8"))["glibc"]["oldest"]
    return tuple(map(int, floor.split(".")))


def found() -> dict[str, str]:
    """The versions in this interpreter."""
    return {
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION.split()[1],
        "expat": pyexpat.EXPAT_VERSION.removeprefix("expat_"),
    }


def _is_update(version: str, pin: str) -> bool:
    """Whether only the last number is another, and higher."""
    *series, patch = map(int, version.split("."))
    *pinned, oldest = map(int, pin.split("."))
    return series == pinned and patch > oldest


def main() -> None:
    """Exit with an error for an interpreter that a release is not built with."""
    ours = found()
    wrong = [
        f"  {name} {ours[name]}, pinned is {version}"
        for name, version in pins().items()
        if ours[name] != version and not (name != "python" and _is_update(ours[name], version))
    ]
    if wrong:
        sys.exit(
            f"error: {sys.executable} is not the interpreter of a release:\n"
            + "\n".join(wrong)
            + f"\nhint: build with the pinned one, or move the pins in {PINS.name}:"
            " packaging/README.md says how"
        )


if __name__ == "__main__":
    main()
