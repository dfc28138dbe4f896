"""The rows of clouds: every other table has exactly the same clouds."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest

from cred_helper import clouds, messages, providers
from cred_helper.clouds import CLOUDS, Cloud
from cred_helper.commands.doctor.identities import recorded
from cred_helper.errors import CredentialError
from cred_helper.files.recording import Recording
from cred_helper.hosts import OPTIONAL_ZONES, ZONES, route
from cred_helper.providers.common import cloud_detection
from cred_helper.providers.common.interface import Deadline, IdToken, TokenRequest
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
from tests.support.machine import Machine
from tests.support.requests import jwt

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
    is_option = "username" in cloud.option_names
    assert not loopback or cloud.username == ("" if is_option else loopback.username)


def _code_by_token(cloud: Cloud, option: str, value: str) -> str:
    """The code of the error where an identity token is used with this option; empty for none."""
    assert cloud.job is not None
    found = route(ServerURL.parse(cloud.example_host), (*ZONES, *OPTIONAL_ZONES))
    provider = providers.load(cloud.name)
    assert found is not None
    assert provider is not None
    request = TokenRequest(
        found,
        environ={"HOME": "/nonexistent", "PATH": ""},
        deadline=Deadline(9, monotonic),
        options={**cloud.job.options, option: value},
        id_token=IdToken("the pod", given=jwt(iss="a", sub="b", aud=cloud.audience)),
    )
    try:
        provider.identify(request)
    except CredentialError as error:
        return error.code
    return ""


_each_option_of_a_job = pytest.mark.parametrize(
    ("cloud", "option"),
    [(cloud, option) for cloud in CLOUDS if cloud.job for option in cloud.options],
    ids=lambda part: part.name,
)


@_each_option_of_a_job
def test_an_option_is_of_the_machine_if_it_chooses_an_identity_beside_that_of_a_token(
    cloud: Cloud, option: clouds.Option
) -> None:
    # "dev" is a group of the machine's sources, which one option of Azure chooses.
    word, group = (_code_by_token(cloud, option.name, value) for value in ("x", "dev"))
    assert option.is_of_machine == (word == "oidc.two-identities" or bool(word and not group))


@_each_option_of_a_job
def test_an_option_is_a_number_if_its_provider_takes_a_number_and_no_word(
    cloud: Cloud, option: clouds.Option
) -> None:
    word, number = (_code_by_token(cloud, option.name, value) for value in ("x", "600"))
    assert option.is_number == bool(word and not number)


@_each_cloud
def test_a_row_has_a_plugin_if_its_folder_reads_the_arguments_of_one(cloud: Cloud) -> None:
    file = ROOT / "cred_helper/providers" / cloud.name / "node_plugin.py"
    assert bool(cloud.plugin) == file.exists()


def test_the_page_on_kubernetes_has_the_plugins_and_annotations_of_the_rows() -> None:
    page = (ROOT / "packaging/docs/kubernetes.md").read_text("utf-8")
    plugins = {cloud.plugin for cloud in CLOUDS if cloud.plugin}
    assert {*re.findall(r"\b(?:\w+-credential-provider|auth-provider-\w+)", page)} >= plugins
    named = {annotation.name for cloud in CLOUDS for annotation in cloud.annotations}
    assert {*re.findall(r"[` ]((?:[a-z]+\.)+[a-z]+/[a-z-]+)[`=]", page)} == named


def test_an_annotation_is_needed_if_the_provider_needs_its_option() -> None:
    for cloud in CLOUDS:
        for annotation in cloud.annotations:
            is_switch = annotation.name.partition("/")[2].startswith("enable-")
            assert bool(annotation.option) != is_switch
            code = _code_by_token(cloud, annotation.option, "") if annotation.option else ""
            assert annotation.needed == bool(code), annotation.name


@_each_cloud
def test_the_page_on_ci_has_the_audience_and_the_options_of_a_job(cloud: Cloud) -> None:
    page = (ROOT / "packaging/docs/ci.md").read_text("utf-8")
    beginning, _, end = cloud.audience.partition("{")
    assert beginning in page
    assert end in ("", *(f"{name}}}" for name in cloud.option_names))
    for option in cloud.job.options if cloud.job else ():
        assert option in page


@_each_cloud
def test_a_group_has_several_options(cloud: Cloud) -> None:
    groups = Counter(option.group for option in cloud.options if option.group)
    assert all(number > 1 for number in groups.values())


def test_every_variable_of_an_identity_of_the_suites_is_known_to_doctor(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    recording = Recording({})
    for cloud in CLOUDS:
        recorded(cloud, recording)
    known = {*recording.looked_up(), *(name for row in CLOUDS for name in row.more_variables)}
    for number, identity in enumerate(IDENTITIES):
        running, _ = loopbacks()[identity.cloud].start(authority)
        with running:
            made = identity.make(Machine(tmp_path / str(number), cloud=running), running)
        clouds_own = {name for name in made if name.startswith(("AWS_", "AZURE_", "DOCKERHUB_"))}
        assert {name for name in clouds_own - known if "ENDPOINT" not in name} == set()


@pytest.mark.parametrize(
    ("cloud", "file", "text"),
    [
        ("ecr", "sys_vendor", "Amazon EC2"),
        ("ecr", "bios_vendor", "Amazon EC2"),
        ("ecr", "bios_version", "amazon"),
        ("gcr", "product_name", "Google Compute Engine"),
        ("gcr", "bios_vendor", "Google"),
        ("acr", "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
    ],
)
def test_the_firmware_says_of_which_cloud_a_machine_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cloud: str, file: str, text: str
) -> None:
    monkeypatch.setattr(cloud_detection, "_DMI_FOLDER", str(tmp_path))
    (tmp_path / file).write_text(f"{text}\n")
    for row in filter(lambda row: row.firmware, CLOUDS):
        signs = cloud_detection.machine_signs(row.name)
        assert bool(signs.is_cloud) == (row.name == cloud)


@_each_cloud
def test_what_a_row_names_among_its_own_options_is_one_of_them(cloud: Cloud) -> None:
    named = [*cloud.only_with, *(one.option for one in cloud.annotations)]
    named += [cloud.ci_option, *(cloud.job.options if cloud.job else ())]
    assert {*filter(None, named)} <= {*cloud.option_names}
    takes_tokens = {*clouds.ID_TOKEN_OPTIONS} <= {*cloud.options}
    assert (bool(cloud.job), bool(cloud.audience)) == (takes_tokens, takes_tokens)
    assert not cloud.job or _code_by_token(cloud, "id_token", "ci") == ""


def test_an_unknown_name_has_no_row() -> None:
    with pytest.raises(KeyError):
        clouds.find("aws")
