"""Millions of server URLs, compared with a second implementation of the host rules.

The oracle shares nothing with the product: it is regular expressions over the whole text, where
the product compares labels with the patterns of zones. The generator makes hosts from those
patterns. A host on which the two disagree is a finding; one that the product routes and the oracle
does not would get a token of a cloud that it does not belong to.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from cred_helper.hosts import OPTIONAL_ZONES, ZONES, Zone, route
from cred_helper.server_url import ServerURL
from tests.clouds.loopback import loopbacks

if TYPE_CHECKING:
    from collections.abc import Iterator

# By the names of the rows. The regular expressions are in the clouds' folders.
HOSTS = {name: loopback.hosts for name, loopback in loopbacks().items() if loopback.hosts}
_ORACLE = {
    provider: re.compile(
        rf"(?:https://)?(?=[^/?#:]{{1,253}}(?:[/?#:]|\Z))(?:{hosts})(?::443)?(?:[/?#][ -~]*)?",
        re.ASCII | re.IGNORECASE,
    )
    for provider, hosts in HOSTS.items()
}


def oracle(text: str) -> str | None:
    """The cloud that a server URL belongs to, by the regular expressions."""
    trimmed = text.strip(" \t\r\n\v\f")
    return next((name for name, rule in _ORACLE.items() if rule.fullmatch(trimmed)), None)


# What a label of a pattern may stand for. ``{region}`` begins as the regions of the zone do.
_EXAMPLES = {
    "{account}": ("123456789012",), "{region}": ("us-east-1", "eu-west-1", "mars-1", "west"),
    "{acr_registry}": ("myreg", "myreg-a1b2"), "{name}": ("team", "a-b-c"),
    "{location}": ("eastus2",), "*": ("us", "x"), "**": ("us-docker", "docker.us-central1.rep"),
    "*-docker": ("us-docker", "u-france-east1-docker"),
}  # fmt: skip
_STRANGE_LABELS = (
    "12345678901", "-x", "", "xn--e1afmkfd", "privatelink", "a" * 63, "a" * 64, "us_east-1", "data",
)  # fmt: skip
_STRANGE_ENDS = ("evil.goog", "evil.com", "ecr.aws", "aws.com")


def _parts(zone: Zone) -> list[tuple[str, ...]]:
    """The labels of a zone's pattern, each with examples of what it may be."""
    return [
        tuple(f"{zone.region_prefix}{text}" for text in _EXAMPLES["{region}"])
        if label == "{region}"
        else _EXAMPLES.get(label, (label,))
        for label in zone.pattern.split(".")
    ]


def literal_end(zone: Zone) -> str:
    """The end of a zone's pattern that is the same for all its hosts."""
    labels = zone.pattern.split(".")
    variable = [at for at, label in enumerate(labels) if label in _EXAMPLES]
    return ".".join(labels[max(variable, default=-1) + 1 :])


_ALL_ZONES = (*ZONES, *OPTIONAL_ZONES)
_WITH_ZONES = sorted({zone.cloud for zone in _ALL_ZONES})
# By cloud: one with a single zone has as many server URLs as the others.
_ZONES = [[_parts(zone) for zone in _ALL_ZONES if zone.cloud == name] for name in _WITH_ZONES]
_LABELS = (
    *sorted({text for zones in _ZONES for zone in zones for part in zone for text in part}),
    *_STRANGE_LABELS,
)
_ENDS = (*sorted({literal_end(zone) for zone in _ALL_ZONES}), *_STRANGE_ENDS)
_BEFORE = ("", "", "", "", "https://", "HTTPS://", "http://", "//", "user@", " ", "\t", "evil.com/")
_AFTER = (
    "", "", "", "", ":443", ":5000", ":", "/", "/v2/", "/a@sha256:0", ".", ".evil.com", "@evil.com",
    "#.evil.com", "?x", "%2eevil.com", "\\@evil.com", "\0", "\u3002evil.com", " ", "\n", "/é",
)  # fmt: skip
_NOISE = "abz019-._:/?#@%\\ \t\0éſK。AZ"


def server_urls(seed: int) -> Iterator[str]:
    """Unlimited server URLs: hosts of every zone, most of them with a change."""
    source = random.Random(seed)
    pick = source.choice
    while True:
        parts = [pick(part) for part in pick(pick(_ZONES))]
        match pick(["whole", "label", "label", "end", "shuffled"]):
            case "label":
                parts[source.randrange(len(parts))] = pick(_LABELS)
            case "end":
                parts = [*parts[: source.randrange(len(parts)) + 1], pick(_ENDS)]
            case "shuffled":
                parts = [pick(_LABELS) for _ in range(pick((1, 2, 3)))] + [pick(_ENDS)]
        text = pick(_BEFORE) + ".".join(part for part in parts if part) + pick(_AFTER)
        for _ in range(pick((0, 0, 0, 1, 1, 2))):
            at = source.randrange(len(text) + 1)
            match pick("idsu"):
                case "i":
                    text = text[:at] + pick(_NOISE) + text[at:]
                case "d":
                    text = text[:at] + text[at + 1 :]
                case "s":
                    text = text[:at] + pick(_NOISE) + text[at + 1 :]
                case _:
                    text = text[:at] + text[at:].upper()
        yield text


def check(text: str) -> str | None:
    """Compare the product and the oracle for one server URL; the cloud that both name."""
    found = route(ServerURL.parse(text), _ALL_ZONES)
    provider = found.cloud if found else None
    assert provider == oracle(text), f"{text!r}: routed to {provider}, expected {oracle(text)}"
    return provider
