"""An answer that somebody at Google gave, or in Google's place: what refusals are told from."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where Google's own is asked.
METADATA_PATH = "/computeMetadata/"


class Answer:
    """One answer: to what, from whom, and the secrets that were sent for it."""

    __slots__ = ("body", "host", "method", "secrets", "status", "url")

    def __init__(
        self, method: str, url: str, status: int, body: bytes, secrets: tuple[str, ...]
    ) -> None:
        self.method = method
        self.url = url
        self.host = host_of(url)
        self.status = status
        self.body = body
        self.secrets = secrets

    @property
    def document(self) -> Any:
        """The body as JSON, or ``None``."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def is_metadata(self) -> bool:
        """Whether it is the metadata service's."""
        return METADATA_PATH in self.url


def host_of(url: str) -> str:
    """The host a URL names, in lower case; ``""`` where it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
