"""Ids of Azure, and what a message may show of them."""

from __future__ import annotations

from cred_helper.providers.common.interface import is_guid

_DOMAIN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
# What a message calls a character that is hard to see.
_CHARACTERS = {
    "'": "an apostrophe",
    '"': "a quotation mark",
    "`": "a backquote",
    "\n": "a line end",
    "\r": "a carriage return",
    "\t": "a tab",
    " ": "a blank",
    "\xa0": "a no-break space",
    "\ufeff": "a byte order mark",
}


def is_domain(text: str) -> bool:
    """Whether a text has the form of a tenant's domain name, in lower case."""
    labels = text.split(".")
    are_labels = _DOMAIN_LETTERS.issuperset(text) and all(0 < len(label) < 64 for label in labels)
    return len(labels) > 1 and are_labels and labels[-1].isalpha() and len(labels[-1]) < 16


def shown_id(value: str) -> str:
    """An id as a message may show it: people put secrets where ids belong."""
    is_resource = value.startswith("/subscriptions/") and value.isprintable()
    is_id = is_guid(value) or is_domain(value) or is_resource
    return value if is_id else "(not a GUID, and not shown)"


def shown_character(character: str) -> str:
    """A character in words, where it is hard to see."""
    other = f"the character {character}" if character.isprintable() else f"U+{ord(character):04X}"
    return _CHARACTERS.get(character, other)
