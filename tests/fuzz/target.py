"""A fuzzer's target: its first inputs, and what has to hold for every input."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from cred_helper.errors import CredentialError

SEEDS = Path(__file__).parent / "seeds"
# Stands for every secret that a file, a program or a cloud may hold. Longer than any word that may
# be quoted from the text of a server.
SECRET = "hunter2-5f1c0d9e7a3b4c6d8e2f1a0b9c8d7e6f5a4b3c2d"


class Finding(AssertionError):
    """A promise that an input broke."""


class Target:
    """One parser, or several for the same input.

    Mutations insert ``words``. Use one target at a time: some change their process until they are
    closed.
    """

    name: str
    words: tuple[bytes, ...] = ()

    def seeds(self) -> list[bytes]:
        found = sorted((SEEDS / self.name).iterdir()) if (SEEDS / self.name).is_dir() else []
        return [*self.examples(), *(path.read_bytes() for path in found)]

    def examples(self) -> list[bytes]:
        raise NotImplementedError

    def inputs(self, source: random.Random) -> Iterator[bytes]:
        from tests.fuzz.mutation import mutations

        seeds = self.seeds()
        yield from seeds
        yield from mutations(seeds, self.words, source)

    def check(self, data: bytes) -> None:
        """Give an input to the parsers.

        Raises:
            Finding: a promise is broken. Any other exception is one that escaped.
        """
        raise NotImplementedError

    def figures(self) -> str:
        return ""

    def close(self) -> None:
        """Undo the changes to the process."""


def check_no_secret(error: CredentialError) -> None:
    """Check that an error is one line without any part of the input."""
    for text in (error.reason, error.hint or ""):
        if SECRET in text:
            raise Finding(f"a message has a secret: {text!r}")
    if not error.reason.strip():
        raise Finding("a failure without a reason")
