"""Routing: the table of server URLs, and the rules behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cred_helper.hosts import (
    ACR_CLOUDS,
    PARTITIONS,
    PARTNER_UNIVERSES,
    AcrRoute,
    EcrRoute,
    GcrRoute,
    route,
)
from cred_helper.server_url import ServerURL

_FIPS = {None: "-", True: "yes", False: "no"}


def _vectors() -> list[list[str]]:
    lines = (Path(__file__).parent.parent / "data" / "hosts.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("text", "provider", "region", "fips"), _vectors())
def test_a_server_url_goes_where_the_table_says(
    text: str, provider: str, region: str, fips: str
) -> None:
    found = route(ServerURL.parse(text))
    said = (found.provider, found.region or "-", _FIPS[found.fips]) if found else ("-", "-", "-")
    assert said == (provider, region, fips)


@pytest.mark.parametrize(
    "character", ["\0", "\t", "\x1f", "\x7f", "\u00a0", "\u200b", "\uff0e", "é"]
)
@pytest.mark.parametrize("at", [1, 6])
def test_a_character_that_no_host_has_ends_every_route(character: str, at: int) -> None:
    text = "gcr.io/project"
    assert route(ServerURL.parse(text))
    assert route(ServerURL.parse(text[:at] + character + text[at:])) is None


_LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.%:@/#?\\ ", max_size=12)
_CLOUD_ENDS = st.sampled_from(
    [p.suffix for p in PARTITIONS]
    + [p.dual_stack_suffix for p in PARTITIONS]
    + [c.suffix for c in ACR_CLOUDS]
    + list(PARTNER_UNIVERSES)
    + ["gcr.io", "pkg.dev", "public.ecr.aws", "ecr-public.aws.com"]
)


@given(before=_LABEL, end=_CLOUD_ENDS, after=_LABEL)
def test_only_a_host_in_a_clouds_own_zone_ever_routes(before: str, end: str, after: str) -> None:
    server_url = ServerURL.parse(f"{before}.{end}{after}")
    if route(server_url) is None:
        return
    zones = [
        *(p.suffix for p in PARTITIONS),
        *(p.dual_stack_suffix for p in PARTITIONS),
        *(c.suffix for c in ACR_CLOUDS),
        *PARTNER_UNIVERSES,
        "gcr.io",
        "pkg.dev",
        "ecr.aws",
        "ecr-public.aws.com",
    ]
    # What the client will connect to, read the way RFC 3986 does: up to the first of / ? #.
    authority = server_url.raw.removeprefix("https://")
    for mark in "/?#":
        authority = authority.split(mark)[0]
    host = authority.removesuffix(":443").lower()
    assert host == server_url.host
    assert any(host == zone or host.endswith(f".{zone}") for zone in zones)


@given(st.text())
def test_every_text_has_an_answer(text: str) -> None:
    server_url = ServerURL.parse(text)
    assert server_url.raw in text
    found = route(server_url)
    assert found is None or server_url.raw.isascii()


def test_an_ecr_host_says_all_that_its_api_call_needs() -> None:
    found = route(ServerURL.parse("123456789012.dkr-ecr-fips.us-gov-west-1.on.aws"))
    assert isinstance(found, EcrRoute)
    assert (found.account, found.region, found.partition) == (
        "123456789012",
        "us-gov-west-1",
        "aws-us-gov",
    )
    assert found.fips
    assert found.dual_stack
    assert not found.public


def test_a_google_host_says_its_universe() -> None:
    for host, universe in [("gcr.io", "googleapis.com"), ("docker.s3nsregistry.fr", "s3nsapis.fr")]:
        found = route(ServerURL.parse(host))
        assert isinstance(found, GcrRoute)
        assert found.universe_domain == universe


@pytest.mark.parametrize("cloud", ACR_CLOUDS, ids=lambda cloud: cloud.suffix)
def test_an_azure_host_says_its_authority(cloud: object) -> None:
    assert hasattr(cloud, "suffix")
    found = route(ServerURL.parse(f"myreg.{cloud.suffix}"))
    assert isinstance(found, AcrRoute)
    assert found.cloud is cloud
