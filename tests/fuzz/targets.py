"""A function for each fuzzer, by name, that makes it."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.network import ServerURLs
from tests.fuzz.parsers import PARSERS
from tests.fuzz.replies import REPLIES
from tests.fuzz.target import Target

TARGETS: dict[str, Callable[[], Target]] = {
    ServerURLs.name: ServerURLs,
    **{parser.name: parser for parser in PARSERS},
    **REPLIES,
}
