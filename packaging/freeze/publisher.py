"""The repository and the maintainer of a release, as ``pyproject.toml`` names them.

Formula, image, Debian package, wheel, pages and the recipes of ``configure --ci`` take them from
here. ``python3 -m freeze.publisher REPOSITORY`` exits with an error unless they are that
repository's.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

PYPROJECT = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"
PLACEHOLDER = "OWNER"
_REPOSITORY = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")


class Publisher(NamedTuple):
    repository: str
    """Owner and name, as GitHub has them."""
    maintainer: str
    """``Name <address>``."""
    description: str
    urls: dict[str, str]

    @property
    def url(self) -> str:
        return f"https://github.com/{self.repository}"

    @property
    def is_known(self) -> bool:
        return not self.repository.startswith(f"{PLACEHOLDER}/")

    @property
    def address(self) -> str:
        return self.maintainer.partition("<")[2].removesuffix(">")


def publisher(pyproject: Path = PYPROJECT) -> Publisher:
    project: dict[str, Any] = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    [maintainer] = project["maintainers"]
    urls = project["urls"]
    found = _REPOSITORY.fullmatch(urls["Homepage"])
    if not found:
        sys.exit(f"error: project.urls.Homepage is not a repository: {urls['Homepage']}")
    return Publisher(
        found[1], f"{maintainer['name']} <{maintainer['email']}>", project["description"], urls
    )


def problems(ours: Publisher, repository: str) -> list[str]:
    """Why ``repository`` may not publish what this tree builds."""
    found = []
    if ours.repository.lower() != repository.lower():
        found.append(f"project.urls.Homepage names {ours.repository}, this is {repository}")
    found += [
        f"project.urls.{name} is not in that repository: {url}"
        for name, url in ours.urls.items()
        if url != ours.url and not url.startswith(f"{ours.url}/")
    ]
    if re.search(rf"\.example\b|\b{PLACEHOLDER}\b", ours.maintainer):
        found.append(f"project.maintainers is a placeholder: {ours.maintainer}")
    return found


def main(repository: str) -> None:
    found = problems(publisher(), repository)
    if found:
        sys.exit(
            "error: pyproject.toml does not name who publishes this release:\n"
            + "".join(f"  {problem}\n" for problem in found)
            + "hint: change project.urls and project.maintainers, run make docs, and commit"
        )


if __name__ == "__main__":
    main(sys.argv[1])
