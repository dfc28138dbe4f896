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
_CHART = (
    "application/vnd.cncf.helm.config.v1+json",
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
)


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
    return _image((MANIFEST, CONFIG, LAYER), config, layer)


def chart(name: str, version: str) -> Image:
    """A chart of Helm without templates.

    Source: https://helm.sh/docs/topics/registries/#helm-chart-manifest
    """
    facts = {"apiVersion": "v2", "name": name, "version": version}
    tar = _tar_of(f"{name}/Chart.yaml", _json(facts), 0o644)
    types = ("application/vnd.oci.image.manifest.v1+json", *_CHART)
    return _image(types, _json(facts), gzip.compress(tar, mtime=0))


def _image(types: tuple[str, str, str], config: bytes, layer: bytes) -> Image:
    manifest = {
        "schemaVersion": 2,
        "mediaType": types[0],
        "config": _descriptor(types[1], config),
        "layers": [_descriptor(types[2], layer)],
    }
    return Image(_json(manifest), config, layer)


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
