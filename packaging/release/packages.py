"""The wheel and the sdist of the checkout, with the same bytes wherever they are built.

setuptools takes a wheel's times from SOURCE_DATE_EPOCH, and leaves the machine's times, user and
group in an sdist (pypa/setuptools#2133). PyPI shows README outside of the repository: its links
become absolute.
"""

import contextlib
import gzip
import io
import os
import re
import tarfile
import tempfile
from pathlib import Path

from freeze.publisher import publisher
from setuptools import build_meta

from cred_helper import __version__


def build(source: Path, out: Path) -> None:
    """Write the sdist to ``out``, and the wheel that it builds."""
    sdist = out / _built("sdist", source, out)
    sdist.write_bytes(_normalized(sdist.read_bytes()))
    with tempfile.TemporaryDirectory() as temporary:
        with tarfile.open(sdist) as tar:
            tar.extractall(temporary)  # Debian 12's Python has no filters
        [unpacked] = Path(temporary).iterdir()
        _built("wheel", unpacked, out)


def _built(kind: str, source: Path, out: Path) -> str:
    # Both print what they do.
    with contextlib.chdir(source), contextlib.redirect_stdout(io.StringIO()):
        return getattr(build_meta, f"build_{kind}")(str(out))


def _normalized(archive: bytes) -> bytes:
    """The same files in order, with the commit's time and neither user nor group."""
    time = int(os.environ["SOURCE_DATE_EPOCH"])
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as old,
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=time) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            content = old.extractfile(member) if member.isfile() else None
            if content and member.name.rpartition("/")[2] in ("PKG-INFO", "README.md"):
                text = absolute(content.read().decode()).encode()
                content, member.size = io.BytesIO(text), len(text)
            member.mtime, member.pax_headers = time, {}
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(member, content)
    return packed.getvalue()


def absolute(markdown: str) -> str:
    """The text with its links into the repository as addresses of this version."""
    ours = publisher()

    def address(found: re.Match[str]) -> str:
        start, is_picture, path = found.groups()
        host = f"https://raw.githubusercontent.com/{ours.repository}" if is_picture else ours.url
        return f"{start}({host}{'' if is_picture else '/blob'}/v{__version__}/{path})"

    return re.sub(r"((!?)\[[^\]]*\])\((?![a-z]+://|#)([^)\s]+)\)", address, markdown)
