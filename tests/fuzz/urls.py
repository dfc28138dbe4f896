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

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABEL = "(?!-)[a-z0-9-]{1,63}(?<!-)"
# region → (suffix, dual-stack suffix); the last row is the aws partition, which owns the rest.
_AWS = [
    (r"cn-", r"amazonaws\.com\.cn", r"on\.amazonwebservices\.com\.cn"),
    (r"us-gov-", r"amazonaws\.com", r"on\.aws"),
    (r"us-iso-", r"c2s\.ic\.gov", r"on\.aws\.ic\.gov"),
    (r"us-isob-", r"sc2s\.sgov\.gov", r"on\.aws\.scloud"),
    (r"eu-isoe-", r"cloud\.adc-e\.uk", r"on\.cloud-aws\.adc-e\.uk"),
    (r"us-isof-", r"csp\.hci\.ic\.gov", r"on\.aws\.hci\.ic\.gov"),
    (r"eusc-", r"amazonaws\.eu", r"on\.amazonwebservices\.eu"),
    (r"(?!cn-|us-gov-|us-iso-|us-isob-|eu-isoe-|us-isof-|eusc-)", r"amazonaws\.com", r"on\.aws"),
]
_HOSTS = {
    "ecr": "|".join(
        [r"public\.ecr\.aws", r"ecr-public\.aws\.com"]
        + [
            rf"[0-9]{{12}}\.(?:dkr\.ecr(?:-fips)?\.(?={prefix}){_LABEL}\.{suffix}"
            rf"|dkr-ecr(?:-fips)?\.(?={prefix}){_LABEL}\.{dual})"
            for prefix, suffix, dual in _AWS
        ]
    ),
    "gcr": rf"(?:{_LABEL}\.)?gcr\.io|(?:{_LABEL}\.)+pkg\.dev"
    rf"|(?=docker\.|{_LABEL}-docker\.){_LABEL}\."
    r"(?:q?s3nsregistry\.fr|pkg-(?:berlin-build0|tpczero|tpcone)\.goog)",
    "acr": r"(?!privatelink\.)(?=[^.]{1,63}\.)[a-z0-9]+(?:-[a-z0-9]+)?\.(?:[a-z0-9]{1,63}\.geo\.)?"
    r"azurecr\.(?:io|cn|us|de|sovcloud-azure\.(?:de|fr))",
    "dockerhub": r"(?:index\.|registry-1\.)?docker\.io|dhi\.io",
}
_ORACLE = {
    provider: re.compile(
        rf"(?:https://)?(?=[^/?#:]{{1,253}}(?:[/?#:]|\Z))(?:{hosts})(?::443)?(?:[/?#][ -~]*)?",
        re.ASCII | re.IGNORECASE,
    )
    for provider, hosts in _HOSTS.items()
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
_ZONES = [_parts(zone) for zone in _ALL_ZONES]
_LABELS = (*sorted({text for zone in _ZONES for part in zone for text in part}), *_STRANGE_LABELS)
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
        parts = [pick(part) for part in pick(_ZONES)]
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
