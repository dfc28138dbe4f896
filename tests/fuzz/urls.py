"""Server URLs by the million, against a second reading of the host rules.

The oracle shares nothing with the product: it is regular expressions over the whole text, where
the product splits labels and looks them up. A host on which the two disagree is a finding; one that
the product routes and the oracle does not would be a token for a stranger.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from cred_helper.hosts import route
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
    (
        r"(?!cn-|us-gov-|us-iso-|us-isob-|eu-isoe-|us-isof-|eusc-)",
        r"amazonaws\.com",
        r"on\.aws",
    ),
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
}
_ORACLE = {
    provider: re.compile(
        rf"(?:https://)?(?=[^/?#:]{{1,253}}(?:[/?#:]|\Z))(?:{hosts})(?::443)?(?:[/?#][ -~]*)?",
        re.ASCII | re.IGNORECASE,
    )
    for provider, hosts in _HOSTS.items()
}


def oracle(text: str) -> str | None:
    """The provider a server URL belongs to, read the other way."""
    trimmed = text.strip(" \t\r\n\v\f")
    return next((name for name, rule in _ORACLE.items() if rule.fullmatch(trimmed)), None)


_HEADS = (
    "123456789012", "123456789012", "12345678901", "myreg", "myreg-a1b2", "us-docker", "docker",
    "us", "gcr", "public", "ecr-public", "x", "-x", "", "xn--e1afmkfd", "privatelink", "a" * 63,
    "a" * 64,
)  # fmt: skip
_SERVICES = ("dkr.ecr", "dkr.ecr-fips", "dkr-ecr", "dkr-ecr-fips")
_REGIONS = (
    "us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1",
    "us-isof-south-1", "eusc-de-east-1", "mars-1", "us_east-1",
)  # fmt: skip
_MIDDLES = (*_SERVICES, *_REGIONS, "dkr", "ecr", "geo", "data", "eastus2.geo", "")
_ENDS = (
    "amazonaws.com", "amazonaws.com.cn", "on.aws", "on.amazonwebservices.com.cn", "amazonaws.eu",
    "on.amazonwebservices.eu", "c2s.ic.gov", "on.aws.ic.gov", "sc2s.sgov.gov", "on.aws.scloud",
    "cloud.adc-e.uk", "on.cloud-aws.adc-e.uk", "csp.hci.ic.gov", "on.aws.hci.ic.gov", "ecr.aws",
    "aws.com", "gcr.io", "pkg.dev", "s3nsregistry.fr", "qs3nsregistry.fr", "pkg-tpcone.goog",
    "pkg-berlin-build0.goog", "pkg-tpczero.goog", "evil.goog", "azurecr.io", "azurecr.cn",
    "azurecr.us", "azurecr.de", "azurecr.sovcloud-azure.fr", "azurecr.sovcloud-azure.de",
    "evil.com",
)  # fmt: skip
_WHOLE = (
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
    "123456789012.dkr-ecr.us-east-1.on.aws",
    "123456789012.dkr-ecr-fips.us-gov-east-1.on.aws",
    "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
    "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
    "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
    "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
    "public.ecr.aws",
    "us-docker.pkg.dev",
    "u-france-east1-docker.s3nsregistry.fr",
    "myreg-a1b2.eastus2.geo.azurecr.io",
)
_BEFORE = ("", "", "", "", "https://", "HTTPS://", "http://", "//", "user@", " ", "\t", "evil.com/")
_AFTER = (
    "", "", "", "", ":443", ":5000", ":", "/", "/v2/", "/a@sha256:0", ".", ".evil.com", "@evil.com",
    "#.evil.com", "?x", "%2eevil.com", "\\@evil.com", "\0", "\u3002evil.com", " ", "\n", "/é",
)  # fmt: skip
_NOISE = "abz019-._:/?#@%\\ \t\0éſK。AZ"


def server_urls(seed: int) -> Iterator[str]:
    """Server URLs without end: cloud hosts put together from parts, most of them spoiled."""
    source = random.Random(seed)
    pick = source.choice
    while True:
        middles = pick(((), (_MIDDLES,), (_SERVICES, _REGIONS), (_MIDDLES, _MIDDLES), None))
        if middles is None:
            parts = [pick(_WHOLE)]
        else:
            parts = [pick(_HEADS), *map(pick, middles), pick(_ENDS)]
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
    """Compare the two readings of one server URL; the provider both name."""
    found = route(ServerURL.parse(text))
    provider = found.provider if found else None
    assert provider == oracle(text), f"{text!r}: routed to {provider}, expected {oracle(text)}"
    return provider
