"""Routes: the table of server URLs, and what holds for every text."""

from __future__ import annotations

from pathlib import Path

import pytest

from cred_helper.hosts import (
    ANONYMOUS_HOSTS,
    AZURE_CLOUDS,
    ZONES,
    AcrRoute,
    EcrRoute,
    GcrRoute,
    Zone,
    route,
)
from cred_helper.server_url import ServerURL
from tests.fuzz.urls import literal_end

_FIPS = {None: "-", True: "yes", False: "no"}


def _vectors() -> list[list[str]]:
    lines = (Path(__file__).parent.parent / "data" / "hosts.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("text", "provider", "region", "fips"), _vectors())
def test_a_url_has_the_route_of_the_table(text: str, provider: str, region: str, fips: str) -> None:
    found = route(ServerURL.parse(text))
    said = (found.cloud, found.region or "-", _FIPS[found.fips]) if found else ("-", "-", "-")
    assert said == (provider, region, fips)


@pytest.mark.parametrize(
    "character", ["\0", "\t", "\x1f", "\x7f", "\u00a0", "\u200b", "\uff0e", "é"]
)
@pytest.mark.parametrize("at", [1, 6])
def test_an_invalid_character_anywhere_leaves_no_route(character: str, at: int) -> None:
    text = "gcr.io/project"
    assert route(ServerURL.parse(text))
    assert route(ServerURL.parse(text[:at] + character + text[at:])) is None


def test_a_route_of_ecr_has_all_that_its_api_call_needs() -> None:
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


def test_a_route_of_google_has_its_universe() -> None:
    for host, universe in [("gcr.io", "googleapis.com"), ("docker.s3nsregistry.fr", "s3nsapis.fr")]:
        found = route(ServerURL.parse(host))
        assert isinstance(found, GcrRoute)
        assert found.universe_domain == universe


@pytest.mark.parametrize("cloud", AZURE_CLOUDS, ids=lambda cloud: cloud.suffix)
def test_a_route_of_azure_has_its_cloud(cloud: object) -> None:
    assert hasattr(cloud, "suffix")
    found = route(ServerURL.parse(f"myreg.{cloud.suffix}"))
    assert isinstance(found, AcrRoute)
    assert found.azure is cloud


def test_every_anonymous_host_has_a_route() -> None:
    for host in ANONYMOUS_HOSTS:
        found = route(ServerURL.parse(host))
        assert found is not None
        assert found.anonymous
    private = route(ServerURL.parse("us-docker.pkg.dev"))
    assert private is not None
    assert not private.anonymous


def test_a_name_of_a_zone_is_any_label_and_another_word_in_braces_an_error() -> None:
    zone = Zone("toy", "{name}.toy.example", private=True)
    for name in ("team", "a-b-c", "privatelink"):
        found = zone.route(f"{name}.toy.example", (name, "toy", "example"))
        assert found is not None
        assert found.names == {"name": name}
        assert found.private
    assert zone.route("toy.example", ("toy", "example")) is None
    for pattern in ("{registry}.toy.example", "{name.toy.example", "x-{name}.toy.example"):
        with pytest.raises(ValueError, match="toy"):
            Zone("toy", pattern)


def test_every_pattern_ends_in_a_domain_of_one_cloud() -> None:
    for zone in ZONES:
        assert "." in literal_end(zone), zone.pattern
    for text, *_ in _vectors():
        server_url = ServerURL.parse(text)
        if route(server_url):
            routes = [zone.route(server_url.host, server_url.labels) for zone in ZONES]
            assert len({found.cloud for found in routes if found}) == 1
