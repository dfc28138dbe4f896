"""Passes on to our standard error what a program writes to its own, without secrets.

It does so line by line and up to a limit. A line waits for a moment: by then the secret that the
program answers with is mostly known. What still comes before the answer may be a question to a
person, and is passed on, even where its line is not finished.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_HOLD_S = 0.25
# Pages of warnings; half of what a pipe holds, so that a client that reads it only at the end does
# not stop us.
_MAX_BYTES = 1 << 15
# A shorter secret is part of any text; so is a short line of a key file.
_MIN_SECRET_CHARACTERS = 4
_MIN_LINE_CHARACTERS = 8
_URL_ALPHABET = bytes.maketrans(b"-_", b"+/")


class Relay:
    """Standard error of one run of a program; on leaving the context, the rest is passed on."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = list(secrets)
        self._left = _MAX_BYTES
        self._held = b""
        # How much of what is held arrived before the last look at the clock, and when that was.
        self._due = 0
        self._looked_at_s = 0.0
        # The part of an unfinished line that was passed on.
        self._begun = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pass_on(self._held)
        self._held = b""

    def hide(self, *secrets: str) -> None:
        self._secrets += secrets

    def listen(self, chunk: bytes) -> None:
        from time import monotonic

        if chunk and self._left:
            self._held += chunk[: self._left]
            self._left = max(0, self._left - len(chunk))
            self._held += b"" if self._left else b" ...\n"
        now_s = monotonic()
        if now_s - self._looked_at_s >= _HOLD_S:
            self._looked_at_s = now_s
            if self._due:
                # A line that began in time is not torn apart.
                end = self._held.find(b"\n", self._due - 1) + 1 or len(self._held)
                self._pass_on(self._held[:end])
                self._held = self._held[end:]
            self._due = len(self._held)

    def _pass_on(self, text: bytes) -> None:
        secrets = set(self._forms()) if text else set()
        for line in text.splitlines(keepends=True):
            whole = self._begun + line
            self._begun = b"" if line.endswith((b"\n", b"\r")) else whole
            if any(secret in text for text in (whole, *_decoded(whole)) for secret in secrets):
                continue
            try:
                os.write(2, line)
            except OSError:
                return  # standard error is closed

    def _forms(self) -> Iterator[bytes]:
        """The secrets as a program may write them: plain, in JSON, in a URL."""
        import json
        from urllib.parse import quote

        for secret in self._secrets:
            if len(secret) < _MIN_SECRET_CHARACTERS:
                continue
            plain = secret.encode("utf-8", "surrogatepass")
            yield plain
            yield json.dumps(secret)[1:-1].encode()
            yield quote(plain, safe="").encode()
            lines = [line.strip() for line in plain.splitlines()]
            yield from (line for line in lines if len(line) >= _MIN_LINE_CHARACTERS)


def _decoded(line: bytes) -> Iterator[bytes]:
    """What the words of a line are in base64, as headers with a password are."""
    import re
    from binascii import Error, a2b_base64

    for word in re.findall(rb"[A-Za-z0-9+/_-]{6,}", line):
        try:
            yield a2b_base64(word.translate(_URL_ALPHABET) + b"=" * (-len(word) % 4))
        except Error:
            continue  # of another length
