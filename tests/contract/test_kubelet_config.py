"""``kubelet-config``: what it prints, what it puts on a node, and what doctor says of that node."""

from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from cred_helper.clouds import CLOUDS, find
from cred_helper.commands.node import entries, installation, layouts, match_images, yaml_text
from cred_helper.commands.node.entries import ChosenCloud
from cred_helper.errors import Misconfigured
from tests.mounts import mounted, needs_mounts
from tests.support.executable import EXECUTABLE, PROGRAM, ROOT, Completed, Executable
from tests.support.machine import Machine, person

__all__ = ["person"]

_NAME = "multi-credential-provider"
_POOL = "projects/1/locations/global/workloadIdentityPools/p/providers/k"
_PODS = ("--pod-identity", "--option", f"gcr.workload_identity_provider={_POOL}")
_SECRET = "aHVudGVyMjpodW50ZXIy"
_OTHER = f"""apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: ecr-credential-provider
    matchImages:
      - "*.dkr.ecr.*.amazonaws.com"
    defaultCacheDuration: 12h
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    env:
      - name: AWS_SECRET_ACCESS_KEY
        value: {_SECRET}
"""


class Node:
    """The root folder of a node, and a program to put there."""

    def __init__(self, machine: Machine, root: Path, layout: str) -> None:
        self.machine = machine
        self.root = root
        self.layout = layouts.find(layout)
        (root / "bin").mkdir(parents=True)
        (root / "bin/sh").symlink_to("/bin/sh")
        if not self.layout.marks[0].endswith(".yaml"):
            layouts.below(root, self.layout.marks[0]).mkdir(parents=True)
        self.program = root / "program"
        self.answers()

    def answers(
        self, *, status: int = 0, said: str = "", auth: str = '"r":{"username":"u"}'
    ) -> None:
        """The program, as kubelet would run it."""
        response = f'{{"kind":"CredentialProviderResponse","auth":{{{auth}}}}}'
        self.program.write_text(
            f"#!/bin/sh\ncat >/dev/null\necho '{response}'\necho '{said}' >&2\nexit {status}\n"
        )
        self.program.chmod(0o755)

    @property
    def config(self) -> Path:
        return layouts.below(self.root, self.layout.config)

    @property
    def folder(self) -> Path:
        return layouts.below(self.root, self.layout.folder)

    def write(self, text: str) -> None:
        """Write the configuration."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)

    def install(self, *arguments: str) -> Completed:
        """Put the program on the node."""
        words = ("--install", str(self.root), "--program", str(self.program))
        done = self.machine.run("kubelet-config", *words, *arguments)
        assert _SECRET not in done.stdout.decode() + done.stderr
        return done

    def doctor(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What doctor says of kubelet, by its codes."""
        done = self.machine.run("doctor", "--json", "--node", str(self.root), *arguments)
        assert _SECRET not in done.stdout.decode() + done.stderr
        return {f["code"]: f for f in done.document if f["subject"] == "kubelet"}


@pytest.fixture
def k3s(person: Machine, tmp_path: Path) -> Node:
    return Node(person, tmp_path / "node", "k3s")


# --- What is printed ------------------------------------------------------------------------------


def _printed(machine: Machine, *arguments: str) -> Any:
    done = machine.run("kubelet-config", *arguments)
    assert (done.status, done.stderr) == (0, "")
    return yaml_text.parse(done.stdout.decode())


def test_one_provider_answers_for_all_clouds_with_the_identity_of_the_node(person: Machine) -> None:
    [entry] = _printed(person)["providers"]
    assert entry["name"] == _NAME
    assert set(entry["matchImages"]) >= {
        glob for cloud in CLOUDS for glob in match_images.of_cloud(cloud.name)
    }
    assert "tokenAttributes" not in entry
    [alone] = _printed(person, "--cloud", "acr")["providers"]
    assert alone["matchImages"] == match_images.of_cloud("acr")


def test_with_pod_identity_each_cloud_has_a_provider_with_its_audience(person: Machine) -> None:
    found = {entry["name"]: entry for entry in _printed(person, *_PODS)["providers"]}
    audiences = {
        name.removeprefix(f"{_NAME}-"): entry["tokenAttributes"]["serviceAccountTokenAudience"]
        for name, entry in found.items()
    }
    assert audiences == {
        "ecr": "sts.amazonaws.com",
        "gcr": f"//iam.googleapis.com/{_POOL}",
        "acr": "api://AzureADTokenExchange",
    }
    for cloud in CLOUDS:
        if cloud.name not in audiences:
            continue
        tokens = found[f"{_NAME}-{cloud.name}"]["tokenAttributes"]
        # kubelet asks it for static pods too, which have no service account.
        assert tokens["requireServiceAccount"] is False
        keys = tokens["optionalServiceAccountAnnotationKeys"]
        assert keys == [annotation.name for annotation in cloud.annotations]
    [variable] = found[f"{_NAME}-gcr"]["env"]
    assert variable == {
        "name": "DOCKER_CREDENTIAL_MULTI_GCR_WORKLOAD_IDENTITY_PROVIDER",
        "value": _POOL,
    }


def test_the_hosts_of_aliases_are_asked_too(person: Machine) -> None:
    person.settings(
        '[[rule]]\nmatch = "registry.corp.example:5000"\nalias = "myregistry.azurecr.io"\n'
        '[[rule]]\nmatch = "*.mirror.example/team"\nalias = "myregistry.azurecr.io"\n'
    )
    [entry] = _printed(person, "--cloud", "acr")["providers"]
    assert {"registry.corp.example:5000", "*.mirror.example/team"} <= {*entry["matchImages"]}
    [entry] = _printed(person, "--cloud", "ecr")["providers"]
    assert "registry.corp.example:5000" not in entry["matchImages"]
    person.settings('[[rule]]\nmatch = "**.corp.example"\nalias = "myregistry.azurecr.io"\n')
    assert person.run("kubelet-config").codes == ["node.rule-without-glob"]


def test_talos_gets_a_patch_of_its_machine_configuration(person: Machine) -> None:
    patch = _printed(person, "--layout", "talos", "--cloud", "gcr")
    config = patch["machine"]["kubelet"]["credentialProviderConfig"]
    assert config == _printed(person, "--cloud", "gcr")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--pod-identity",),  # Google's provider is not known
        ("--pod-identity", "--cloud", "ecr", "--audience", "gcr=a"),
        ("--pod-identity", "--cloud", "ecr", "--audience", "a"),
        ("--option", "ecr.frobnicate=1"),
        ("--option", "ecr.role_arn"),
        ("--rbac",),
        ("--yes",),
        ("--cloud", "frobnicate"),
    ],
)
def test_options_without_a_meaning_together_are_usage_errors(
    person: Machine, arguments: tuple[str, ...]
) -> None:
    done = person.run("kubelet-config", *arguments)
    assert (done.status, done.stdout, done.codes) == (2, b"", ["client.usage"])


# --- What is installed ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", layouts.NAMES)
def test_each_layout_gets_its_files(person: Machine, tmp_path: Path, name: str) -> None:
    node = Node(person, tmp_path / "node", name)
    chosen = ("--layout", name) if name == "aks" else ()
    assert node.install("--yes", *chosen, *_PODS).status == 0
    program = node.folder / _NAME
    assert program.read_bytes() == node.program.read_bytes()
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    for cloud in ("ecr", "gcr", "acr"):
        assert os.readlink(node.folder / f"{_NAME}-{cloud}") == _NAME
    if node.layout.in_machine_config:
        assert not node.config.exists()
    else:
        found = yaml_text.parse(node.config.read_text())["providers"]
        assert found == _printed(person, *_PODS)["providers"]
        assert set(node.doctor()) == {"node.provider-found"}
    again = node.install("--yes", *chosen, *_PODS).stdout
    assert b"nothing to do" in again
    assert {path.name for path in node.folder.iterdir() if path.name.startswith(".")} == set()


def test_an_existing_configuration_is_shown_merged_and_kept(k3s: Node) -> None:
    k3s.write(_OTHER)
    assert f"+  - name: {_NAME}" in k3s.install("--dry-run").stdout.decode()
    assert k3s.config.read_text() == _OTHER
    assert k3s.install().codes == ["configure.not-a-terminal"]
    assert not k3s.folder.exists()
    k3s.install("--yes", "--cloud", "gcr")
    assert k3s.config.read_text().startswith(_OTHER)
    kept = k3s.config.with_name(k3s.config.name + ".before-docker-credential-multi")
    assert kept.read_text() == _OTHER
    before = k3s.config.read_text()
    k3s.install("--yes")
    assert kept.read_text() == _OTHER
    assert kept.with_name(f"{kept.name}.2").read_text() == before


def test_the_root_can_be_the_working_folder(k3s: Node) -> None:
    words = ("--install", ".", "--program", "program", "--yes")
    done = k3s.machine.executable.run("kubelet-config", *words, cwd=k3s.root)
    assert (done.status, done.stderr) == (0, "")
    assert k3s.config.exists()
    assert (k3s.folder / _NAME).exists()


def test_two_simultaneous_runs_keep_the_configuration_before(k3s: Node) -> None:
    k3s.write(_OTHER)
    k3s.config.chmod(0o600)
    chosen = [ChosenCloud(find("gcr"))]
    first, second = (
        installation.changes(k3s.root, k3s.layout, entries.of(chosen), k3s.program)
        for _ in range(2)
    )
    for change in first:
        change.apply()
    *copies, configuration = second
    for change in copies:
        change.apply()
    with pytest.raises(Misconfigured, match=r"^configure\.changed$"):
        configuration.apply()
    kept = k3s.config.with_name(k3s.config.name + ".before-docker-credential-multi")
    assert kept.read_text() == _OTHER
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_newer_program_takes_the_place_of_the_old_one(k3s: Node) -> None:
    k3s.install("--yes")
    config = k3s.config.read_text()
    k3s.answers(said="newer")
    k3s.install("--yes")
    assert (k3s.folder / _NAME).read_bytes() == k3s.program.read_bytes()
    assert k3s.config.read_text() == config


def test_a_bad_installation_is_refused_before_any_write(k3s: Node, tmp_path: Path) -> None:
    def refused(*arguments: str) -> list[str]:
        done = k3s.install("--yes", *arguments)
        assert done.status == 1
        assert not (k3s.folder / _NAME).exists()
        return done.codes

    k3s.write(_OTHER.replace("12h", "&x 12h"))
    assert refused() == ["node.config-not-understood"]
    k3s.write(_OTHER.replace("12h", "1d"))
    assert refused() == ["node.config-duration"]
    k3s.write(_OTHER.replace("kubelet.config.k8s.io/v1", "kubelet.config.k8s.io/v1beta1"))
    assert refused(*_PODS) == ["node.config-too-old"]
    k3s.config.unlink()
    assert refused("--program", str(tmp_path / "missing")) == ["node.no-program"]
    k3s.program.write_text("#!/no/such/interpreter\n")
    assert refused() == ["doctor.helper-without-interpreter"]
    k3s.answers()
    k3s.folder.mkdir(parents=True)
    (k3s.folder / f"{_NAME}-ecr").write_text("")
    assert refused(*_PODS) == ["node.in-the-way"]
    k3s.folder.rename(tmp_path / "elsewhere")
    k3s.folder.symlink_to(tmp_path / "elsewhere")
    assert refused() == ["node.outside"]


def test_a_node_of_no_known_kind_needs_a_layout(person: Machine, tmp_path: Path) -> None:
    node = Node(person, tmp_path / "node", "k3s")
    (node.root / "etc/rancher/k3s").rmdir()
    assert node.install("--yes").codes == ["node.unknown-layout"]
    assert node.install("--yes", "--layout", "kubelet").status == 0


def test_a_single_file_puts_itself_on_a_node_and_a_package_does_not(k3s: Node) -> None:
    for folder in ("lib", "lib64"):  # the loader of a file that needs one
        (k3s.root / folder).symlink_to(f"/{folder}")
    done = k3s.machine.run("kubelet-config", "--install", str(k3s.root), "--yes")
    if EXECUTABLE.read_bytes()[:2] == b"#!":
        assert (done.status, done.codes) == (1, ["node.not-a-single-file"])
    else:
        assert done.status == 0
        assert (k3s.folder / _NAME).read_bytes() == EXECUTABLE.read_bytes()


# --- What doctor says -----------------------------------------------------------------------------


def test_doctor_says_where_there_is_no_kubelet_and_no_node(person: Machine, tmp_path: Path) -> None:
    done = person.run("doctor", "--json")
    assert not [found for found in done.document if found["subject"] == "kubelet"]
    done = person.run("doctor", "--json", "--node", str(tmp_path))
    assert [(one["severity"], one["code"]) for one in done.document] == [
        ("note", "node.none-found")
    ]


def test_doctor_names_what_keeps_kubelet_from_starting(k3s: Node) -> None:
    assert set(k3s.doctor()) == {"node.not-asked"}
    k3s.write(_OTHER)
    assert set(k3s.doctor()) == {"node.provider-missing", "node.others-asked"}
    k3s.folder.mkdir()
    other = k3s.folder / "ecr-credential-provider"
    other.write_text("#!/no/such\n")
    assert "node.provider-not-executable" in k3s.doctor()
    other.chmod(0o755)
    assert "doctor.helper-without-interpreter" in k3s.doctor()
    k3s.write(_OTHER.replace("12h", "1d"))
    assert set(k3s.doctor()) == {"node.config-duration"}
    k3s.write(_OTHER.replace("name: ecr", "name: &x"))
    assert k3s.doctor()["node.config-not-understood"]["severity"] == "error"


def test_doctor_names_what_a_configuration_lacks(k3s: Node) -> None:
    k3s.write(_OTHER)
    k3s.install("--yes", *_PODS)
    (k3s.folder / "ecr-credential-provider").symlink_to(f"/{k3s.program.relative_to(k3s.root)}")
    assert set(k3s.doctor()) == {"node.provider-found", "node.second-provider"}
    without = k3s.config.read_text().replace(_OTHER.partition("providers:\n")[2], "")
    k3s.write(without.replace("        - eks.amazonaws.com/ecr-role-arn\n", ""))
    assert set(k3s.doctor()) == {"node.provider-found", "node.annotations-missing"}
    k3s.write(without.replace('      - "*.azurecr.cn"\n', ""))
    lacking = k3s.doctor()["node.hosts-missing"]
    assert lacking["severity"] == "note"
    assert "*.azurecr.cn" in lacking["message"]


def test_doctor_names_providers_and_patterns_that_never_answer(k3s: Node) -> None:
    k3s.write(
        _OTHER.replace(
            "name: ecr-credential-provider", "name: docker-credential-ecr-login"
        ).replace('amazonaws.com"', 'amazonaws.com/*"')
    )
    k3s.folder.mkdir()
    k3s.program.rename(k3s.folder / "docker-credential-ecr-login")
    assert {"node.docker-helper", "node.glob-in-path"} <= set(k3s.doctor())


@needs_mounts
def test_a_folder_in_which_no_program_starts_is_named(k3s: Node) -> None:
    k3s.install("--yes")
    mount = f"mount --bind {k3s.folder} {k3s.folder}; mount -o remount,bind,noexec {k3s.folder}"
    executable = Executable(k3s.machine.environment, mounted(mount, str(k3s.machine.program)))
    done = executable.run("doctor", "--json", "--node", str(k3s.root))
    assert "node.noexec" in [found["code"] for found in done.document]
    words = ("--install", str(k3s.root), "--program", str(k3s.program), "--yes")
    assert executable.run("kubelet-config", *words).codes == ["node.noexec"]


@needs_mounts
@pytest.mark.parametrize(("run", "is_missing"), [("tmpfs", False), ("tmpfs -o ro", True)])
def test_a_node_that_can_keep_no_token_is_named(k3s: Node, run: str, is_missing: bool) -> None:
    k3s.install("--yes")
    mounts = [
        f"mount -t {run} none /run",
        "mount -t tmpfs none /etc",
        "mount -t tmpfs none /var/lib",
    ]
    copies = ["mkdir -p /etc/rancher/k3s", f"cp -r {k3s.root}/var/lib/rancher /var/lib"]
    command = mounted("; ".join([*mounts, *copies]), str(k3s.machine.program))
    found = Executable(k3s.machine.environment, command).run("doctor", "--json").document
    codes = {one["code"] for one in found if one["subject"] == "kubelet"}
    assert codes == {"node.provider-found", *(["node.cache-missing"] if is_missing else [])}


def test_a_folder_of_configurations_gets_a_file(k3s: Node) -> None:
    k3s.write(_OTHER)
    k3s.config.rename(k3s.config.with_name("10.yaml"))
    k3s.config.mkdir()
    k3s.config.with_name("10.yaml").rename(k3s.config / "10.yaml")
    assert k3s.install("--yes").status == 0
    assert {path.name for path in k3s.config.iterdir()} == {"10.yaml", f"{_NAME}.yaml"}
    assert "node.provider-found" in k3s.doctor()
    (k3s.config / "20.yaml").write_text(_OTHER)
    assert "node.config-name-twice" in k3s.doctor()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({}, "node.provider-answers"),
        ({"auth": ""}, "node.provider-without-answer"),
        ({"status": 1, "said": "no role"}, "node.provider-fails"),
    ],
)
def test_doctor_asks_as_kubelet_does(k3s: Node, answer: dict[str, Any], code: str) -> None:
    k3s.answers(**answer)
    k3s.install("--yes")
    found = k3s.doctor("myregistry.azurecr.io")
    assert set(found) == {"node.provider-found", code}
    assert "no role" not in str(answer) or "no role" in found[code]["message"]


# --- The page -------------------------------------------------------------------------------------

_PAGE = (ROOT / "packaging/docs/kubernetes.md").read_text("utf-8")
_LINES = re.findall(rf"^{PROGRAM} ((?:kubelet-config|doctor --node)[^|#>\n]*)", _PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", sorted(set(_LINES)))
def test_a_command_of_the_page_works_on_a_node(k3s: Node, line: str) -> None:
    words = {"/": str(k3s.root), "/host": str(k3s.root), "rootfs": str(k3s.root)}
    arguments = [words.get(word, word) for word in shlex.split(line)]
    if "--install" in arguments:
        arguments += ["--program", str(k3s.program)]
    done = k3s.machine.run(*arguments)
    assert (done.status, done.stderr) == (0, "")


def test_the_page_has_every_layout() -> None:
    assert len(_LINES) > 8
    for layout in layouts.LAYOUTS:
        rows = [line for line in _PAGE.splitlines() if line.startswith("| `")]
        [row] = [row for row in rows if f"`{layout.name}`" in row.split("|")[1]]
        assert f"`{layout.folder}`" in row
        assert f"`{layout.config}`" in row or layout.in_machine_config
    for cloud in CLOUDS:
        assert all(annotation.name in _PAGE for annotation in cloud.annotations)
        assert not cloud.plugin or f"| `{cloud.plugin}` |" in _PAGE
