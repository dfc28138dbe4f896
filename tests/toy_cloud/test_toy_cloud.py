"""A new cloud is one folder, one row and one zone: all else is derived from them.

The source tree is copied, the three are added, and the copy is tried from the outside.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.executable import NOT_FOUND, PROGRAM, ROOT, Completed, pinned_environment

_HERE = Path(__file__).parent
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
_KEY = {"TOY_KEY": "k"}


def _insert(file: Path, before: str, text: str) -> None:
    source = file.read_text("utf-8")
    assert source.count(before) == 1
    file.write_text(source.replace(before, f"{text}{before}"), "utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source tree with the toy cloud."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("cred_helper", "packaging"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    ours = folder / "cred_helper"
    shutil.copytree(_HERE / "toycloud", ours / "providers" / "toycloud")
    _insert(ours / "clouds.py", ")\nNAMES = tuple(", _ROW)
    _insert(
        ours / "hosts.py", "    *(zone for partition in PARTITIONS for zone in _ecr_zones", _ZONE
    )
    return folder


class Toy:
    """The executable of that tree."""

    def __init__(self, tree: Path, home: Path) -> None:
        self.tree = tree
        self.settings_file = home / ".config" / PROGRAM / "config.toml"
        self._environment = pinned_environment(home) | {"PYTHONPATH": str(tree)}

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Completed:
        done = subprocess.run(
            [sys.executable, "-m", "cred_helper", *arguments],
            cwd=self.tree,
            env=self._environment | environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def get(self, host: str = _HOST, **environment: str) -> Completed:
        return self.run("get", stdin=host, **environment)

    def settings(self, toml: str) -> None:
        self.settings_file.parent.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(toml, "utf-8")


@pytest.fixture
def toy(tree: Path, home: Path) -> Toy:
    return Toy(tree, home)


def test_a_get_is_answered_by_the_toy_cloud(toy: Toy) -> None:
    assert toy.get(**_KEY).credential == ("toy", "token-of-machine-for-team")
    assert toy.get(f"https://{_HOST.upper()}/v2/", **_KEY).document["Username"] == "toy"
    for host in (_HOST, f"x.{_HOST}", f"{_HOST}.evil.example"):
        assert toy.get(host).stdout == NOT_FOUND
    assert toy.get(f"x.{_HOST}", **_KEY).stdout == NOT_FOUND


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
    assert toy.get(**_KEY).credential[1] == "token-of-table-for-team"
    variable = {"DOCKER_CREDENTIAL_MULTI_TOYCLOUD_ACCOUNT": "variable"}
    assert toy.get(**_KEY, **variable).credential[1] == "token-of-variable-for-team"
    toy.settings(f'[[rule]]\nmatch = "{_HOST}"\nprovider = "toycloud"\naccount = "rule"\n')
    assert toy.get(**_KEY, **variable).credential[1] == "token-of-rule-for-team"
    toy.settings(f'[[rule]]\nmatch = "a.test"\nalias = "{_HOST}"\naccount = "alias"\n')
    assert toy.get("a.test", **_KEY).credential[1] == "token-of-alias-for-team"


def test_a_mistake_is_reported_with_its_place_and_the_options_of_the_toy_cloud(toy: Toy) -> None:
    toy.settings('[toycloud]\naccount = "1"\n')
    done = toy.get(**_KEY)
    assert (done.status, done.codes) == (1, ["toycloud.invalid-account"])
    assert f"{toy.settings_file}:2" in done.stderr
    toy.settings('[toycloud]\nacount = "a"\n')
    done = toy.get(**_KEY)
    assert done.codes == ["settings.unknown-option"]
    assert "account" in done.stderr
    toy.settings('[[rule]]\nmatch = "gcr.io"\nprovider = "toyclod"\n')
    done = toy.get("gcr.io")
    assert done.codes == ["settings.invalid-word"]
    assert "did you mean toycloud?" in done.stderr


def test_the_toy_cloud_can_be_disabled(toy: Toy) -> None:
    toy.settings('disabled_providers = ["toycloud"]\n')
    assert toy.get(**_KEY).stdout == NOT_FOUND


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
            env=os.environ | _KEY,
            capture_output=True,
            check=False,
        )
        assert done.returncode == status
    assert done.stdout == NOT_FOUND


def test_every_command_has_the_toy_cloud(toy: Toy) -> None:
    document = toy.run("explain", "--json", _HOST, **_KEY).document
    assert document["provider"] == "toycloud"
    assert document["identity"]["source"] == "environment"
    assert "Toy Registry" in document["reason"]
    assert "Toy Registry" in toy.run("explain", _HOST).stdout.decode()
    rows = {row["provider"]: row for row in toy.run("providers", "--json", **_KEY).document}
    assert rows["toycloud"]["example"] == _HOST
    assert rows["toycloud"]["in_this_build"]
    assert "toycloud" in toy.run("doctor", **_KEY).stdout.decode()
    checked = {row["subject"]: row["code"] for row in toy.run("self-check", "--json").document}
    assert checked["toycloud"] == "selfcheck.exchanged"
    variable = {"DOCKER_CREDENTIAL_MULTI_TOYCLOUD_ACCOUNT": "a"}
    shown = toy.run("config", "show", "--json", **variable).document
    assert "toycloud.account" in {option["name"] for option in shown["options"]}
    completing = {"COMP_WORDS": f"{PROGRAM} explain team", "COMP_CWORD": "2"}
    offered = toy.run(_DOCKER_CREDENTIAL_MULTI_COMPLETE="bash_complete", **completing).stdout
    assert offered.decode().split(",") == ["plain", f"{_HOST}\n"]
    assert toy.get(**_KEY).status == 0
    assert toy.run("list", **_KEY).document == {_HOST: "toy"}
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


def test_a_build_without_the_toy_cloud_refuses_a_rule_for_it(tree: Path, home: Path) -> None:
    slim = home / "slim"
    shutil.copytree(tree / "cred_helper", slim / "cred_helper")
    shutil.rmtree(slim / "cred_helper/providers/toycloud")
    toy = Toy(slim, home)
    assert toy.get(**_KEY).stdout == NOT_FOUND
    for rule in ('provider = "toycloud"', 'account = "a"'):
        toy.settings(f'[[rule]]\nmatch = "{_HOST}"\n{rule}\n')
        done = toy.get(**_KEY)
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
