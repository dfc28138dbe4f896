"""Kubelet's own code reads the configuration, compares images, and has nodes ask for tokens.

``questions.go`` calls the functions that kubelet and the API server call.
"""

from __future__ import annotations

import copy
import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cred_helper import clouds
from cred_helper.commands.node import match_images
from cred_helper.commands.node.provider_config import ConfigFile
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL
from tests.support.executable import ROOT
from tests.support.machine import Machine, person
from tests.unit.test_node import CONFIGURATIONS, configuration

__all__ = ["person"]

_JUDGE = shutil.which("kubelet-judge")
_POOL = (
    "gcr.workload_identity_provider=projects/1/locations/global/workloadIdentityPools/p/providers/k"
)
_NAMES = (
    "a",
    "multi-credential-provider",
    *(f"multi-credential-provider-{n}" for n in clouds.NAMES),
)
# The values that replace a member of a configuration.
_VALUES: tuple[Any, ...] = (
    *(
        None,
        "",
        0,
        True,
        False,
        [],
        {},
        ["x"],
        [None],
        "a",
        "a/b",
        "a b",
        "12h",
        "1.5h3m",
        "-1h",
        "0",
        "12",
    ),
    *(
        "Token",
        "token",
        "*.x.example:80",
        "x.example:port",
        "x.example/%zz",
        "x?y",
        "[a]",
        "a.b/c",
        "-a",
    ),
    *(
        "a@b",
        "é.example",
        "credentialprovider.kubelet.k8s.io/v1beta1",
        "kubelet.config.k8s.io/v1beta1",
    ),
)

pytestmark = pytest.mark.skipif(_JUDGE is None, reason="kubelet-judge is not built: see .ci/run")

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def judge() -> Iterator[Ask]:
    """Ask kubelet's code; its error, or an empty text."""
    with subprocess.Popen(
        [str(_JUDGE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(*question: str) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{json.dumps(question)}\n")
            process.stdin.flush()
            found, error = json.loads(process.stdout.readline())
            return error or found

        yield ask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an executable of each name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in _NAMES:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--cloud", "ecr", "--option", "ecr.role_arn=arn:aws:iam::123456789012:role/pull"),
        ("--pod-identity", "--option", _POOL),
        ("--pod-identity", "--cloud", "acr", "--audience", "acr=api://AzureADTokenExchangeUSGov"),
    ],
)
def test_kubelet_starts_with_what_is_printed(
    person: Machine, judge: Ask, folder: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_bytes(person.run("kubelet-config", *arguments).stdout)
    assert judge("configuration", str(config), str(folder)) == ""


def test_a_configuration_has_problems_where_kubelet_does_not_start(
    judge: Ask, folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    entries = [entries for entries, _ in CONFIGURATIONS]
    chance = random.Random(11)
    sound = [configuration(entries[1])]
    damaged = [_damaged(configuration(entries[1]), chance) for _ in range(400)]
    for document in [*sound, *map(configuration, entries), *damaged]:
        config.write_text(json.dumps(document))
        problems = [problem.code for problem in ConfigFile(config).problems()]
        refused = judge("configuration", str(config), str(folder))
        # A missing executable is a finding of doctor's own.
        is_executable = "binary executable" in refused and not problems
        assert bool(problems) == bool(refused) or is_executable, (document, problems, refused)


def _damaged(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                walk(value[key])

    document = copy.deepcopy(document)
    walk(document)
    around, key = chance.choice(places)
    if chance.random() < 0.2:
        del around[key]
    else:
        around[key] = copy.deepcopy(chance.choice(_VALUES))
    return document


def test_kubelet_asks_for_every_host_of_a_cloud(judge: Ask) -> None:
    lines = (ROOT / "tests/data/hosts.tsv").read_text("utf-8").splitlines()
    for text in (line.partition("\t")[0] for line in lines if not line.startswith("#")):
        url = ServerURL.parse(text)
        found = route(url)
        for cloud in clouds.NAMES:
            globs = match_images.of_cloud(cloud)
            asked = [glob for glob in globs if judge("match", glob, f"{url.host}/image") is True]
            if url.is_host:
                assert asked == [glob for glob in globs if match_images.covers(glob, url.host)]
            if found and found.cloud == cloud and globs:
                assert asked, text


def test_the_role_lets_a_node_ask_for_tokens_of_its_audiences_alone(
    person: Machine, judge: Ask
) -> None:
    done = person.run("kubelet-config", "--pod-identity", "--option", _POOL, "--rbac")
    manifest = done.stdout.decode()
    audiences = re.findall(r"^      - (\S+)$", manifest.partition("resources:")[2], re.MULTILINE)[
        :3
    ]
    assert len(audiences) == 3
    for audience in audiences:
        assert judge("role", manifest, audience.strip('"')) is True
    assert judge("role", manifest, "https://kubernetes.default.svc") is False


def test_the_daemon_set_of_the_page_is_one(judge: Ask) -> None:
    page = (ROOT / "packaging/docs/kubernetes.md").read_text("utf-8")
    [manifest] = re.findall(
        r"^```yaml\n(apiVersion: apps/v1.*?)^```$", page, re.DOTALL | re.MULTILINE
    )
    assert judge("daemon set", manifest) is None
    assert "unknown field" in judge("daemon set", manifest.replace("hostPID", "hostPIDs"))
