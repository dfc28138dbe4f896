"""The licences of what a file contains: the texts that its components ship, by its SBOM.

Debian keeps those of its packages in /usr/share/doc, a Python package in its metadata.
"""

import json
import re
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote

_TEXT = re.compile(r"(?i)(licen[cs]e|notice|copying)[^/]*$")
_LINE = "=" * 100


def text(sbom: Path) -> str:
    """One section for each component, in the order of the SBOM."""
    sections = []
    for component in json.loads(sbom.read_text("utf-8"))["components"]:
        version = component.get("version", "")
        title = f"{component['name']} {version}".strip()
        names = [_name(row) for row in component.get("licenses", [])]
        texts = _texts(component["name"], component.get("purl", ""))
        body = "\n\n".join(dict.fromkeys(texts)) or ", ".join(names)
        if body:
            sections.append(f"{_LINE}\n{title}\n{_LINE}\n\n{body}\n")
    return "\n".join(sections)


def _name(row: dict) -> str:
    return row.get("expression") or row["license"].get("id") or row["license"]["name"]


def _texts(name: str, purl: str) -> list[str]:
    kind, _, rest = purl.removeprefix("pkg:").partition("/")
    paths: list[Path] = []
    if kind == "pypi":
        files = metadata.files(name) or []
        paths = [
            Path(str(file.locate()))
            for file in files
            if ".dist-info/" in file.as_posix() and _TEXT.search(file.as_posix())
        ]
    elif kind == "deb":
        package = unquote(rest.partition("/")[2].partition("@")[0])
        paths = [Path(f"/usr/share/doc/{package}/copyright")]
    elif name == "cpython":
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        paths = [Path(f"/usr/share/doc/{version}/copyright")]
    return [path.read_text("utf-8").strip() for path in sorted(paths) if path.is_file()]
