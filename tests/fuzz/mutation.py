"""Unlimited inputs: those of a corpus, changed and combined."""

from __future__ import annotations

import random
from collections.abc import Iterator

_BYTES = b'\0\t\n\r "\\/{}[]:,=<>-+.0159aeAE\x7f\x80\xc3\xe9\xff'
_LONGEST = 1 << 14


def mutations(
    corpus: list[bytes], words: tuple[bytes, ...], source: random.Random
) -> Iterator[bytes]:
    """Mutations of a corpus, some of them several steps away."""
    while True:
        data = bytearray(source.choice(corpus))
        for _ in range(source.choice((1, 1, 1, 2, 3, 5, 8))):
            _mutate(data, corpus, words, source)
        yield bytes(data[:_LONGEST])


def _mutate(
    data: bytearray, corpus: list[bytes], words: tuple[bytes, ...], source: random.Random
) -> None:
    at = source.randrange(len(data) + 1)
    end = min(len(data), at + source.choice((1, 1, 2, 4, 16, 64)))
    match source.randrange(8):
        case 0:
            data[at:at] = bytes([source.choice(_BYTES)])
        case 1:
            del data[at:end]
        case 2 if at < len(data):
            data[at] = source.choice(_BYTES)
        case 3 if at < len(data):
            data[at] ^= 1 << source.randrange(8)
        case 4:
            data[at:at] = data[at:end] * source.choice((1, 2, 10))
        case 5:
            other = source.choice(corpus)
            start = source.randrange(len(other) + 1)
            data[at:end] = other[start : start + source.choice((1, 4, 16, 64, 1024))]
        case 6 if words:
            data[at:at] = source.choice(words)
        case _ if words:
            data[at:end] = source.choice(words)
