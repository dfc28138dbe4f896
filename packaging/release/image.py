"""The OCI image with one program in it, as an archive: ``COPY --from=ghcr.io/OWNER/…``.

An index with a manifest for each architecture. The same files give the same bytes.

Source: https://github.com/opencontainers/image-spec/tree/v1.1.1
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from release.names import PROGRAM

_TYPE = "application/vnd.oci.image."
INDEX = f"{_TYPE}index.v1+json"
MANIFEST = f"{_TYPE}manifest.v1+json"
CONFIG = f"{_TYPE}config.v1+json"
LAYER = f"{_TYPE}layer.v1.tar+gzip"
# Some clients compare variants, and ask for v8 on every arm64 machine.
VARIANTS = {"arm64": {"variant": "v8"}}


class ImageLabels(NamedTuple):
    """What annotations and labels say."""

    version: str
    commit: str
    time: int
    url: str
    description: str

    @property
    def created(self) -> str:
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def annotations(self) -> dict[str, str]:
        # ghcr.io shows the package at the repository that `source` names.
        return {
            f"org.opencontainers.image.{key}": value
            for key, value in {
                "created": self.created,
                "description": self.description,
                "documentation": f"{self.url}#readme",
                "licenses": "Apache-2.0",
                "revision": self.commit,
                "source": self.url,
                "title": PROGRAM,
                "url": self.url,
                "version": self.version,
            }.items()
        }


def archive(programs: dict[str, Path], about: ImageLabels) -> bytes:
    """The archive of an image layout with these programs, by architecture."""
    blobs: dict[str, bytes] = {}

    def add(content: bytes, kind: str, **more: Any) -> dict[str, Any]:
        digest = _digest(content)
        blobs[digest.removeprefix("sha256:")] = content
        return {"mediaType": kind, "digest": digest, "size": len(content), **more}

    manifests = []
    for architecture, program in sorted(programs.items()):
        platform = {"architecture": architecture, "os": "linux", **VARIANTS.get(architecture, {})}
        content = _tar([(PROGRAM, program.read_bytes(), 0o755)], about.time)
        layer = add(gzip.compress(content, 9, mtime=0), LAYER)
        config = {
            **platform,
            "created": about.created,
            "config": {
                "Entrypoint": [f"/{PROGRAM}"],
                "Env": ["PATH=/"],
                "Labels": about.annotations(),
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(content)]},
            "history": [{"created": about.created, "created_by": f"COPY {PROGRAM} /"}],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": add(_json(config), CONFIG),
            "layers": [layer],
            "annotations": about.annotations(),
        }
        manifests.append(add(_json(manifest), MANIFEST, platform=platform))
    index = {"schemaVersion": 2, "mediaType": INDEX, "annotations": about.annotations()}
    named = add(
        _json({**index, "manifests": manifests}),
        INDEX,
        annotations={"org.opencontainers.image.ref.name": about.version},
    )
    root = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
    files = [
        ("oci-layout", _json({"imageLayoutVersion": "1.0.0"}), 0o644),
        ("index.json", _json(root), 0o644),
        *((f"blobs/sha256/{name}", content, 0o644) for name, content in sorted(blobs.items())),
    ]
    return _tar(files, about.time)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _tar(files: Iterable[tuple[str, bytes, int]], time: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, mode in files:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), time, mode
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()
