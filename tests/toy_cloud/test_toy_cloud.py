"""A new cloud is one row, one zone and two folders: all else is derived from them.

The source tree is copied, the four are added, and the copy is tried from the outside, by its
commands, its build and its own tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.figures import FIGURES, Record
from tests.support.executable import NOT_FOUND, PROGRAM, ROOT, Completed, pinned_environment
from tests.toy_cloud.pieces import ToyCloud

__all__ = ["authority", "proxy"]

_HERE = Path(__file__).parent
_IGNORED = shutil.ignore_patterns("__pycache__", ".*", _HERE.name)
_HOST = "team.registry.toy.example"
_ROW = f"""    Cloud(
        "toycloud",
        "Toy Registry",
        example_host="{_HOST}",
        username="toy",
        options=(Option("account", "the account to use"),),
        replaces=("toy-login",),
        sdk=("toysdk",),
    ),
"""
_ZONE = """    Zone("toycloud", "{name}.registry.toy.example", private=True),
"""
# The suites that run with the toy cloud.
_SUITES = (
    *("contract/test_every_identity.py", "contract/test_every_provider.py", "differential"),
    *("faults", "fuzz", "secrets", "unit/test_clouds.py"),
)


def _insert(file: Path, before: str, text: str) -> None:
    source = file.read_text("utf-8")
    assert source.count(before) == 1
    file.write_text(source.replace(before, f"{text}{before}"), "utf-8")


def _copied(folder: Path) -> Path:
    """The source tree with the row of the toy cloud."""
    for name in ("cred_helper", "packaging", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=_IGNORED)
    shutil.copy(ROOT / "pyproject.toml", folder)
    _insert(folder / "cred_helper/clouds.py", ")\nNAMES = tuple(", _ROW)
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source tree with the toy cloud."""
    folder = _copied(tmp_path_factory.mktemp("tree"))
    zones = "    *(zone for partition in PARTITIONS for zone in _ecr_zones"
    _insert(folder / "cred_helper/hosts.py", zones, _ZONE)
    for name, place in (("provider", "cred_helper/providers"), ("pieces", "tests/clouds")):
        shutil.copytree(_HERE / name, folder / place / "toycloud", ignore=_IGNORED)
    return folder


class Toy:
    """The executable of that tree, and the toy cloud behind a proxy."""

    def __init__(self, tree: Path, home: Path, cloud: ToyCloud, around: dict[str, str]) -> None:
        self.tree = tree
        self.cloud = cloud
        self.key = {"TOY_KEY": cloud.key}
        self.settings_file = home / ".config" / PROGRAM / "config.toml"
        self.environment = pinned_environment(home) | around | {"PYTHONPATH": str(tree)}

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Completed:
        done = subprocess.run(
            [sys.executable, "-m", "cred_helper", *arguments],
            cwd=self.tree,
            env=self.environment | environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def get(self, host: str = _HOST, **environment: str) -> Completed:
        return self.run("get", stdin=host, **environment)

    def account(self, host: str = _HOST, **environment: str) -> str:
        """The account that the cloud gives a token to."""
        username, secret = self.get(host, **self.key, **environment).credential
        assert username == "toy"
        return self.cloud.principal(secret)

    def settings(self, toml: str) -> None:
        self.settings_file.parent.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(toml, "utf-8")


@pytest.fixture
def toy(tree: Path, home: Path, proxy: TerminatingProxy) -> Iterator[Toy]:
    with ToyCloud() as cloud:
        cloud.register(proxy)
        yield Toy(tree, home, cloud, proxy.environment())


def test_a_get_is_answered_by_the_toy_cloud(toy: Toy) -> None:
    first = toy.get(**toy.key).credential
    assert toy.cloud.issued(*first, _HOST)
    assert toy.get(f"https://{_HOST.upper()}/v2/", **toy.key).credential == first
    assert toy.cloud.exchanges == 1
    for host in (_HOST, f"x.{_HOST}", f"{_HOST}.evil.example"):
        assert toy.get(host).stdout == NOT_FOUND
    assert toy.get(f"x.{_HOST}", **toy.key).stdout == NOT_FOUND


def test_a_get_without_an_identity_says_why(toy: Toy) -> None:
    done = toy.get()
    assert (done.status, done.stdout, done.codes) == (1, NOT_FOUND, ["toycloud.no-key"])


def test_an_option_that_needs_an_identity_is_an_error_without_one(toy: Toy) -> None:
    toy.settings('[toycloud]\naccount = "a"\n')
    for cache in ("on", "off"):
        done = toy.get(DOCKER_CREDENTIAL_MULTI_CACHE=cache)
        assert (done.status, done.codes) == (1, ["toycloud.account-without-key"])
        assert f"{toy.settings_file}:2" in done.stderr
    assert "account needs a key" in toy.run("explain", _HOST).stdout.decode()


def test_an_option_is_set_by_a_table_or_a_variable_or_a_rule(toy: Toy) -> None:
    toy.settings('[toycloud]\naccount = "table"\n')
    assert toy.account() == "table"
    variable = {"DOCKER_CREDENTIAL_MULTI_TOYCLOUD_ACCOUNT": "variable"}
    assert toy.account(**variable) == "variable"
    toy.settings(f'[[rule]]\nmatch = "{_HOST}"\nprovider = "toycloud"\naccount = "rule"\n')
    assert toy.account(**variable) == "rule"
    toy.settings(f'[[rule]]\nmatch = "a.test"\nalias = "{_HOST}"\naccount = "alias"\n')
    assert toy.account("a.test") == "alias"


def test_a_mistake_is_reported_with_its_place_and_the_options_of_the_toy_cloud(toy: Toy) -> None:
    toy.settings('[toycloud]\naccount = "1"\n')
    done = toy.get(**toy.key)
    assert (done.status, done.codes) == (1, ["toycloud.invalid-account"])
    assert f"{toy.settings_file}:2" in done.stderr
    toy.settings('[toycloud]\nacount = "a"\n')
    done = toy.get(**toy.key)
    assert done.codes == ["settings.unknown-option"]
    assert "account" in done.stderr
    toy.settings('[[rule]]\nmatch = "gcr.io"\nprovider = "toyclod"\n')
    done = toy.get("gcr.io")
    assert done.codes == ["settings.invalid-word"]
    assert "did you mean toycloud?" in done.stderr


def test_the_toy_cloud_can_be_disabled(toy: Toy) -> None:
    toy.settings('disabled_providers = ["toycloud"]\n')
    assert toy.get(**toy.key).stdout == NOT_FOUND


def test_a_link_stands_in_for_the_helper_that_the_toy_cloud_replaces(
    toy: Toy, tmp_path: Path
) -> None:
    program = tmp_path / "docker-credential-toy-login"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(toy.tree)!r})\n"
        "from cred_helper.cli import main\nmain()\n"
    )
    program.chmod(0o755)
    for host, status in ((_HOST, 0), ("us-docker.pkg.dev", 1)):
        done = subprocess.run(
            [program, "get"],
            input=host.encode(),
            env=toy.environment | toy.key,
            capture_output=True,
            check=False,
        )
        assert done.returncode == status
    assert done.stdout == NOT_FOUND


def test_every_command_has_the_toy_cloud(toy: Toy) -> None:
    document = toy.run("explain", "--json", _HOST, **toy.key).document
    assert document["provider"] == "toycloud"
    assert document["identity"]["source"] == "environment"
    assert "Toy Registry" in document["reason"]
    assert "Toy Registry" in toy.run("explain", _HOST).stdout.decode()
    rows = {row["provider"]: row for row in toy.run("providers", "--json", **toy.key).document}
    assert rows["toycloud"]["example"] == _HOST
    assert rows["toycloud"]["in_this_build"]
    assert "toycloud" in toy.run("doctor", **toy.key).stdout.decode()
    checked = {row["subject"]: row["code"] for row in toy.run("self-check", "--json").document}
    assert checked["toycloud"] == "selfcheck.exchanged"
    variable = {"DOCKER_CREDENTIAL_MULTI_TOYCLOUD_ACCOUNT": "a"}
    shown = toy.run("config", "show", "--json", **variable).document
    assert "toycloud.account" in {option["name"] for option in shown["options"]}
    completing = {"COMP_WORDS": f"{PROGRAM} explain team", "COMP_CWORD": "2"}
    offered = toy.run(_DOCKER_CREDENTIAL_MULTI_COMPLETE="bash_complete", **completing).stdout
    assert offered.decode().split(",") == ["plain", f"{_HOST}\n"]
    assert toy.get(**toy.key).status == 0
    assert toy.run("list", **toy.key).document == {_HOST: "toy"}
    assert _HOST not in toy.run("list").document


def test_a_misspelt_variable_of_the_toy_cloud_is_found(toy: Toy) -> None:
    done = toy.run("doctor", DOCKER_CREDENTIAL_MULTI_TOYCLOUD_ACOUNT="a")
    assert "DOCKER_CREDENTIAL_MULTI_TOYCLOUD_ACCOUNT" in done.stdout.decode()
    assert "did you mean TOY_KEY?" in toy.run("doctor", TOYKEY="k").stdout.decode()


def test_the_frozen_file_has_the_toy_cloud_and_a_slim_one_leaves_it_out(tree: Path) -> None:
    code = (
        "from freeze import contents\n"
        "print(*contents.own_modules(['toycloud']))\n"
        "print(*contents.own_modules(['ecr']))\n"
        "print(*contents.excluded(['ecr']))\n"
    )
    path = os.pathsep.join([str(tree / "packaging"), str(tree)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    whole, slim, excluded = (line.split() for line in done.stdout.splitlines())
    names = {"cred_helper.providers.toycloud", "cred_helper.providers.toycloud.messages"}
    assert names <= set(whole)
    assert not names & set(slim)
    assert {"cred_helper.providers.toycloud", "toysdk"} <= set(excluded)


def test_a_build_without_the_toy_cloud_refuses_a_rule_for_it(
    tree: Path, toy: Toy, home: Path
) -> None:
    toy.tree = home / "slim"
    toy.environment["PYTHONPATH"] = str(toy.tree)
    shutil.copytree(tree / "cred_helper", toy.tree / "cred_helper")
    shutil.rmtree(toy.tree / "cred_helper/providers/toycloud")
    assert toy.get(**toy.key).stdout == NOT_FOUND
    for rule in ('provider = "toycloud"', 'account = "a"'):
        toy.settings(f'[[rule]]\nmatch = "{_HOST}"\n{rule}\n')
        done = toy.get(**toy.key)
        assert (done.status, done.codes) == (1, ["settings.cloud-left-out"])
        assert toy.get("docker.io").stdout == NOT_FOUND


@pytest.mark.parametrize("is_forbidden", [False, True])
def test_the_import_contracts_hold_for_the_toy_cloud(
    tree: Path, tmp_path: Path, is_forbidden: bool
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    if is_forbidden:
        file = copy / "cred_helper/providers/toycloud/__init__.py"
        file.write_text(f"{file.read_text()}\nfrom cred_helper.providers import gcr\n")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=copy, capture_output=True, text=True, check=False
    )
    broken = re.findall(r"^(.+) BROKEN\b", done.stdout, re.MULTILINE)
    assert broken == (["a provider imports no other provider"] if is_forbidden else []), done.stdout


def _tested(tree: Path, home: Path, chosen: str) -> tuple[int, Counter[str], str]:
    """The exit status of pytest, how many chosen tests of each suite pass, and what it prints."""
    report = home / "report.xml"
    command = [sys.executable, "-m", "pytest", "-k", chosen, f"--junitxml={report}"]
    done = subprocess.run(
        [*command, "-o", "junit_family=xunit1", *(f"tests/{suite}" for suite in _SUITES)],
        cwd=tree,
        env=pinned_environment(home) | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    cases = [case for case in ET.parse(report).iter("testcase") if case.find("skipped") is None]
    passed = Counter(case.attrib["classname"].split(".")[1] for case in cases)
    return done.returncode, passed, done.stdout


def test_the_suites_run_with_the_toy_cloud(
    tree: Path, tmp_path: Path, record_property: Record
) -> None:
    """Of each suite, the tests that have the toy cloud as a parameter, and those of the rows."""
    status, passed, printed = _tested(tree, tmp_path, "toycloud or test_clouds or agree")
    assert status == 0, printed
    assert {*passed} == {suite.partition("/")[0] for suite in _SUITES}, printed
    record_property(FIGURES, f"tests of the toy cloud: {dict(passed)}")


def test_one_line_names_each_piece_that_a_row_needs(tmp_path: Path) -> None:
    """The suites collect without any piece."""
    _, _, printed = _tested(_copied(tmp_path / "tree"), tmp_path, "pieces_that_are_made_by_hand")
    assert re.findall(r"^E .*toycloud needs ([^'\n]*)$", printed, re.MULTILINE) == [
        "a zone in cred_helper/hosts.py",
        "a folder in cred_helper/providers with a PROVIDER",
        "self_check.py in its folder in cred_helper/providers",
        "a folder in tests/clouds with a LOOPBACK",
        "hosts in that LOOPBACK",
        "an identity in identities.py of that folder",
        "steps.py in that folder",
        "outcomes.tsv in that folder: python -m tests.faults --write",
        "witness.py in that folder",
    ], printed
