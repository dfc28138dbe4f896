"""What is in the file, as a CycloneDX document: from the metadata of what it was built from.

Source: https://cyclonedx.org/docs/1.5/json/
"""

import hashlib
import json
import os
import platform
import ssl
import sys
import uuid
import zlib
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from freeze.payload import Payload

# Libraries that no Python package brings: whose version Python itself knows, or nobody does.
LIBRARIES = {
    "libcrypto.so": ("openssl", ssl.OPENSSL_VERSION.split()[1]),
    "libz.so": ("zlib", zlib.ZLIB_RUNTIME_VERSION),
    "libffi.so": ("libffi", None),
    "libgcc_s.so": ("libgcc", None),
}


def write(payload: Payload, program: str, version: str, out: Path) -> None:
    """Write the document beside ``out``."""
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    taken_at = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": taken_at.isoformat().replace("+00:00", "Z"),
            "component": {
                "type": "application",
                "name": program,
                "version": version,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": [*_packages(payload), *_libraries(payload)],
    }
    Path(f"{out}.cdx.json").write_text(json.dumps(document, indent=1) + "\n")


def _packages(payload: Payload) -> list[dict[str, Any]]:
    tops = {name.partition(".")[0] for name in payload.modules}
    owners = metadata.packages_distributions()
    # A namespace (google) has several owners: those count of which a file is carried.
    names = {
        name
        for top in tops
        for name in owners.get(top, ())
        if any(_module(file) in payload.modules for file in metadata.files(name) or ())
    }
    return [_package(metadata.metadata(name)) for name in sorted(names, key=str.lower)]


def _module(file: metadata.PackagePath) -> str:
    return file.as_posix().partition(".")[0].removesuffix("/__init__").replace("/", ".")


def _package(found: metadata.PackageMetadata) -> dict[str, Any]:
    name, version = found["Name"], found["Version"]
    component = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
    }
    license_name = found.get("License-Expression") or found.get("License") or ""
    if license_name and len(license_name) < 80:
        component["licenses"] = [{"license": {"name": license_name}}]
    return component


def _libraries(payload: Payload) -> list[dict[str, Any]]:
    import zstandard

    python = platform.python_version()
    zstd = ".".join(map(str, zstandard.ZSTD_VERSION))
    found: list[tuple[str, str | None]] = [(sys.implementation.name, python), ("zstd", zstd)]
    for prefix, named in LIBRARIES.items():
        if any(name.startswith(prefix) for name in payload.libraries):
            found.append(named)
    return [
        {"type": "library", "name": name, **({"version": version} if version else {})}
        for name, version in found
    ]
