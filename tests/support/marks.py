"""Secrets that are recognised wherever they appear, in any encoding."""

from __future__ import annotations

import secrets
from base64 import b64encode
from urllib.parse import quote, quote_plus

# Long secrets are searched for in pieces: a part of a token is a leak as well.
_PIECE = 24


class MarkedSecrets:
    def __init__(self) -> None:
        self._places: dict[bytes, str] = {}
        self._values: set[str] = set()

    def new(self, place: str) -> str:
        value = f"mark{secrets.token_hex(12)}"
        self.add(value, place)
        return value

    def add(self, value: str, place: str) -> None:
        if value in self._values:
            return
        self._values.add(value)
        for piece in _pieces(value):
            for form in _forms(piece):
                self._places[form] = place

    def found_in(self, data: bytes) -> set[str]:
        """The places whose secrets the data contains."""
        return {place for form, place in self._places.items() if form in data}

    def __len__(self) -> int:
        return len(set(self._places.values()))


def _pieces(value: str) -> list[str]:
    if value.startswith("eyJ") and value.count(".") == 2:
        value = value.rpartition(".")[2]  # header and claims of a JWT are not secret
    if len(value) <= 2 * _PIECE:
        return [value]
    return [value[at : at + _PIECE] for at in range(0, len(value) - _PIECE + 1, _PIECE)]


def _forms(piece: str) -> set[bytes]:
    data = piece.encode()
    forms = {data, quote(piece, safe="").encode(), quote_plus(piece).encode(), data.hex().encode()}
    for offset in range(3):
        # The piece within a longer Base64 text, without the characters that its neighbours change.
        encoded = b64encode(b"\0" * offset + data)
        forms.add(encoded[-(-offset * 8 // 6) : len(data) * 8 // 6 - 2])
    return {form for form in forms if len(form) >= 12}
