"""A valid image of one tiny layer, the same bytes every time.

Source: https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

# In docker's own types, which every client understands: docker's CLI before 23 inspects no other.
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class Image:
    manifest: bytes
    config: bytes
    layer: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    def write(self, directory: Path) -> Path:
        """Write the image for `skopeo copy dir:DIRECTORY`, which changes none of its bytes.

        Source: https://github.com/containers/image/blob/main/directory/directory_dest.go
        """
        directory.mkdir()
        for blob in (self.config, self.layer):
            (directory / digest_of(blob).removeprefix("sha256:")).write_bytes(blob)
        (directory / "manifest.json").write_bytes(self.manifest)
        (directory / "version").write_text("Directory Transport Version: 1.1\n")
        return directory


def tiny_image(text: str = "loopback\n") -> Image:
    return image_of("loopback.txt", text.encode())


def image_of(name: str, content: bytes, mode: int = 0o644) -> Image:
    tar = _tar_of(name, content, mode)
    # Stored, not deflated: the digest must not depend on the machine's zlib.
    layer = gzip.compress(tar, compresslevel=0, mtime=0)
    config = _json(
        {
            "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "loopback"}],
        },
    )  # fmt: skip
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(LAYER, layer)],
        }
    )
    return Image(manifest, config, layer)


def digest_of(content: bytes) -> str:
    """The content's address in a registry."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _tar_of(name: str, content: bytes, mode: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = mode
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
