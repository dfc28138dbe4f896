"""Builds the Debian package of a file: ``python -m freeze.deb DIST``."""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from email.utils import formatdate
from pathlib import Path

from cred_helper import __version__
from freeze import companions, manual, notices
from freeze.publisher import publisher

PROGRAM = manual.PROGRAM
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
COMPLETIONS = {
    "bash": f"usr/share/bash-completion/completions/{PROGRAM}",
    "zsh": f"usr/share/zsh/vendor-completions/_{PROGRAM}",
    "fish": f"usr/share/fish/vendor_completions.d/{PROGRAM}.fish",
}
# The program is one file, and Python's libraries are linked into it.
OVERRIDES = f"{PROGRAM}: embedded-library *\n"


def build(dist: Path) -> Path:
    """Build the package from the files in ``dist``; its path."""
    program = dist / PROGRAM
    architecture = ARCHITECTURES[os.uname().machine]
    out = dist / f"{PROGRAM}_{__version__}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        _install(root / "usr/bin" / PROGRAM, program.read_bytes(), 0o755)
        page = gzip.compress(manual.page().encode(), 9, mtime=0)
        _install(root / f"usr/share/man/man1/{PROGRAM}.1.gz", page)
        documents = root / "usr/share/doc" / PROGRAM
        _install(documents / "copyright", _copyright().encode())
        licenses = notices.text(Path(f"{program}.cdx.json")).encode()
        _install(documents / "licenses.gz", gzip.compress(licenses, 9, mtime=0))
        _install(documents / "changelog.gz", gzip.compress(_changelog().encode(), 9, mtime=0))
        _install(root / "usr/share/lintian/overrides" / PROGRAM, OVERRIDES.encode())
        for shell, path in COMPLETIONS.items():
            _install(root / path, companions.completion(program, shell))
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) // 1024
        floor = re.findall(r"needs glibc ([0-9.]+)", program.with_suffix(".txt").read_text())[0]
        control = f"""\
Package: {PROGRAM}
Version: {__version__}
Architecture: {architecture}
Maintainer: {publisher().maintainer}
Homepage: {publisher().url}
Installed-Size: {size}
Depends: libc6 (>= {floor})
Recommends: ca-certificates
Section: utils
Priority: optional
Description: one credential helper for every container registry
 Answers docker, podman, skopeo and their relatives for Amazon ECR, Google
 Artifact Registry and Azure Container Registry with the clouds' own SDKs built
 in, for Docker Hub with a CI job's identity, and asks the helper or file that
 docker's config.json names for every other registry. One file, which needs no
 Python.
"""
        sums = "".join(
            f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
            for path in sorted(root.rglob("*"))
            if path.is_file()
        )
        _install(root / "DEBIAN/md5sums", sums.encode())
        _install(root / "DEBIAN/control", control.encode())
        # The modes of folders are in the package, and depend on the umask.
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, out],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return out


def _copyright() -> str:
    """Source: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"""
    return f"""\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: {PROGRAM}
Source: {publisher().url}

Files: *
Copyright: {time.gmtime(_commit_time()).tm_year} {publisher().maintainer}
License: Apache-2.0
 /usr/share/common-licenses/Apache-2.0 has the text; licenses.gz has those of the
 components that the program contains.
"""


def _changelog() -> str:
    """Source: https://manpages.debian.org/deb-changelog.5"""
    return (
        f"{PROGRAM} ({__version__}) stable; urgency=medium\n\n"
        f"  * {publisher().urls['Changelog']}\n\n"
        f" -- {publisher().maintainer}  {formatdate(_commit_time())}\n"
    )


def _commit_time() -> int:
    return int(os.environ["SOURCE_DATE_EPOCH"])


def _install(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


if __name__ == "__main__":
    if shutil.which("dpkg-deb") is None:
        sys.exit("error: dpkg-deb is needed to build a Debian package")
    print(build(Path(sys.argv[1])))
