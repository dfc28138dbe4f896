"""The rows of clouds: every other table has exactly the same clouds."""

from __future__ import annotations

import ast
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cred_helper import clouds, messages, providers
from cred_helper.clouds import CLOUDS, Cloud
from cred_helper.hosts import OPTIONAL_ZONES, ZONES, route
from cred_helper.server_url import ServerURL
from cred_helper.settings import rules
from cred_helper.settings.settings import SETTINGS
from tests.clouds.authority import Authority
from tests.clouds.loopback import Loopback, loopbacks, modules
from tests.faults import outcomes
from tests.faults.steps import STEPS
from tests.fuzz import urls
from tests.support.executable import ROOT
from tests.support.identities import IDENTITIES

_each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=clouds.NAMES)


def test_every_table_has_the_clouds_of_the_rows() -> None:
    folders = (ROOT / "cred_helper/providers").glob("[!_]*/__init__.py")
    setting = next(setting for setting in SETTINGS if setting.name == "disabled_providers")
    tables = {
        "the folders of providers": {path.parent.name for path in folders} - {"common"},
        "the zones of hosts": {zone.cloud for zone in (*ZONES, *OPTIONAL_ZONES)},
        "the words of rules": {*rules._WORDS["provider"]} - {"environment", "none"},
        "the setting disabled_providers": {
            name for name in clouds.NAMES if setting.kind.check([name]) == (name,)
        },
    }
    for table, names in tables.items():
        assert names == {*clouds.NAMES}, table


def test_every_cloud_has_the_pieces_that_are_made_by_hand() -> None:
    """One line names each missing piece."""
    silent = {name for name, loopback in loopbacks().items() if not _asks_network(loopback)}
    written = {cloud for cloud, _, _ in outcomes.read()}
    folder = ROOT / "cred_helper/providers"
    pieces = {
        "a zone in cred_helper/hosts.py": {zone.cloud for zone in (*ZONES, *OPTIONAL_ZONES)},
        "a folder in cred_helper/providers with a PROVIDER": {
            path.parent.name for path in folder.glob("*/__init__.py")
        },
        "self_check.py in its folder in cred_helper/providers": {
            path.parent.name for path in folder.glob("*/self_check.py")
        },
        "a folder in tests/clouds with a LOOPBACK": {*loopbacks()},
        "hosts in that LOOPBACK": {*urls.HOSTS},
        "an identity in identities.py of that folder": {one.cloud for one in IDENTITIES},
        "steps.py in that folder": {*STEPS, *silent},
        "outcomes.tsv in that folder: python -m tests.faults --write": {*written, *silent},
        "witness.py in that folder": {*modules("witness")},
    }
    missing = [
        f"{name} needs {piece}"
        for piece, names in pieces.items()
        for name in clouds.NAMES
        if name not in names
    ]
    assert not missing, "\n".join(missing)


def _asks_network(loopback: Loopback) -> bool:
    with TemporaryDirectory() as folder:
        cloud, registry = loopback.start(Authority(Path(folder)))
    with cloud, registry:
        return bool(cloud.asks_network)


def test_names_are_unique() -> None:
    assert len({*clouds.NAMES}) == len(CLOUDS)
    assert len({*clouds.REPLACED}) == sum(len(cloud.replaces) for cloud in CLOUDS)
    packages = [package for cloud in CLOUDS for package in cloud.sdk]
    assert len({*packages}) == len(packages)


@_each_cloud
def test_the_example_host_is_in_a_zone_of_the_cloud(cloud: Cloud) -> None:
    zones = OPTIONAL_ZONES if cloud.only_with else ZONES
    found = route(ServerURL.parse(cloud.example_host), zones)
    assert found is not None
    assert found.cloud == cloud.name
    assert not found.anonymous


@_each_cloud
def test_the_provider_has_the_name_of_the_row_and_reads_each_option(cloud: Cloud) -> None:
    provider = providers.load(cloud.name)
    assert provider is not None
    assert provider.name == cloud.name
    folder = ROOT / "cred_helper/providers" / cloud.name
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    for option in cloud.options:
        read = "id_token.find(" if option in clouds.ID_TOKEN_OPTIONS else f'"{option.name}"'
        assert read in source, option.name


# Not an option: the name of the helper that the executable stands in for.
_STANDS_FOR = "stands_for"


def _options_read(source: str) -> set[str]:
    """The options that a provider's source reads from its request, or names in an error."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Attribute(value=request, attr="options"), attr="get" | "__getitem__"
                ),
                args=[ast.Constant(value=name), *_],
            ):
                pass
            case ast.Subscript(
                value=ast.Attribute(value=request, attr="options"), slice=ast.Constant(value=name)
            ):
                pass
            case ast.Compare(
                left=ast.Constant(value=name),
                comparators=[ast.Attribute(value=request, attr="options")],
            ):
                pass
            case ast.Call(
                func=ast.Attribute(value=request, attr="wrong"), args=[ast.Constant(value=name), *_]
            ):
                pass
            case _:
                continue
        if ast.unparse(request).rpartition(".")[2] == "request":
            found.add(str(name))
    return found


@_each_cloud
def test_a_provider_reads_only_the_options_of_its_row(cloud: Cloud) -> None:
    folder = ROOT / "cred_helper/providers" / cloud.name
    read = {name for path in folder.glob("*.py") for name in _options_read(path.read_text("utf-8"))}
    assert read - {*cloud.option_names, _STANDS_FOR} == set()


@pytest.mark.parametrize(
    "source",
    [
        'request.options.get("token_fil", "")',
        'self.request.options["token_fil"]',
        '"token_fil" in request.options',
        'raise request.wrong("token_fil", "toy.wrong")',
    ],
)
def test_an_option_that_is_read_is_found_however_it_is_read(source: str) -> None:
    assert _options_read(source) == {"token_fil"}


@_each_cloud
def test_the_messages_of_the_provider_have_its_name_in_their_codes(cloud: Cloud) -> None:
    catalogue = messages.catalogue(cloud.name)
    assert catalogue
    assert {code.partition(".")[0] for code in catalogue} == {cloud.name}


@_each_cloud
def test_the_user_name_of_the_row_is_that_of_the_loopback_cloud(cloud: Cloud) -> None:
    loopback = loopbacks().get(cloud.name)
    assert not loopback or cloud.username in ("", loopback.username)


def test_an_unknown_name_has_no_row() -> None:
    with pytest.raises(KeyError):
        clouds.find("aws")
