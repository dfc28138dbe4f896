"""Kubelet's own code runs the executable: it reads the answers, keeps them and matches images.

``main.go`` imports the package that kubelet registers credential providers with. The logins that it
finds are those of a pull by kubelet.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from cred_helper.commands.node import yaml_text
from tests.clouds.authority import Authority
from tests.clouds.faults import never_answer
from tests.support.cluster import (
    ACCOUNT,
    ACR,
    AKS,
    AUDIENCE,
    AWS_AUDIENCE,
    ECR,
    EKS,
    GCR,
    GKE,
    OTHER_ACCOUNT,
    STRANGER,
    Cluster,
    running,
)
from tests.support.executable import EXECUTABLE
from tests.support.machine import Machine, person

__all__ = ["person"]

_JUDGE = shutil.which("kubelet-judge")
_GROUP = "credentialprovider.kubelet.k8s.io"
_USERNAMES = {ECR: "AWS", GCR: "oauth2accesstoken", ACR: "00000000-0000-0000-0000-000000000000"}
_OWN = "multi-credential-provider"
_WITHIN_S = 120

pytestmark = pytest.mark.skipif(_JUDGE is None, reason="kubelet-judge is not built: see .ci/run")

Login = tuple[str, str]


class Kubelet:
    """One kubelet with its configuration; use it as a context manager.

    The configuration has one provider, or those of a whole ``document``.
    """

    def __init__(
        self, cluster: Cluster, folder: Path, document: Any = None, **provider: Any
    ) -> None:
        self.cluster = cluster
        (folder / "bin").mkdir()
        self.cache = folder / "cache"
        self.cache.mkdir(mode=0o700)
        cache = {"name": "XDG_CACHE_HOME", "value": str(self.cache)}
        entry = {
            "name": _OWN,
            "matchImages": ["*.dkr.ecr.*.amazonaws.com", "*.pkg.dev", "*.azurecr.io", "*.example"],
            "defaultCacheDuration": "0s",
            "apiVersion": f"{_GROUP}/v1",
            "env": [cache],
            **provider,
        }
        config = document or {"kind": "CredentialProviderConfig", "providers": [entry]}
        config["apiVersion"] = "kubelet.config.k8s.io/v1"
        for one in config["providers"]:
            (folder / "bin" / one["name"]).symlink_to(EXECUTABLE)
            one["env"] = [*one.get("env", ()), cache] if document else one["env"]
        (folder / "config.json").write_text(json.dumps(config))
        self._command = [str(_JUDGE), str(folder / "config.json"), str(folder / "bin")]
        self._log = folder / "log"

    def __enter__(self) -> Self:
        # systemd starts kubelet without HOME.
        environment = {k: v for k, v in self.cluster.environment.items() if k != "HOME"}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._command,
                env=environment,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(_WITHIN_S) == 0, self.log
        shown = [secret for secret in self.cluster.secrets() if secret in self.log]
        assert not shown, self.log

    @property
    def log(self) -> str:
        """Kubelet's log."""
        return self._log.read_text()

    def pull(self, *images: str, account: str = "", pod: str = "") -> list[list[Login]]:
        """The logins that each image is pulled with, all pulled at the same time."""
        tokens = {
            subject.rpartition(":")[2]: {
                "annotations": EKS | GKE | AKS,
                "tokens": {
                    audience: self.cluster.token(audience, subject, pod or "app-1")
                    for audience in AUDIENCE.values()
                },
            }
            for subject in (ACCOUNT, OTHER_ACCOUNT, STRANGER)
        }
        tokens["plain"] = {**tokens["app"], "annotations": {}}
        request = {"images": images, "account": account, "pod": pod, "accounts": tokens}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        return [
            [(login[0], login[1]) for login in logins]
            for logins in json.loads(self._process.stdout.readline())
        ]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    with running(authority, tmp_path_factory.mktemp("home")) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    shared.asked()
    return shared


def test_kubelet_pulls_with_what_the_clouds_issued_and_keeps_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    with Kubelet(cluster, tmp_path) as kubelet:
        found = kubelet.pull(f"{ECR}/team/app", f"{GCR}/p/r/app", f"{ACR}/app", "other.example/app")
        for host, logins, cloud in zip((ECR, GCR, ACR), found, cluster.clouds, strict=False):
            [(username, secret)] = logins
            assert username == _USERNAMES[host]
            assert cloud.issued(username, secret, host)
        assert found[3] == []
        assert cluster.asked() == "node"
        # Another image of the registry, without our cache: kubelet has kept the answer.
        shutil.rmtree(kubelet.cache)
        assert kubelet.pull(f"{ECR}/x", f"{GCR}/p/r/x", f"{ACR}/x/y/z") == found[:3]
        assert cluster.asked() == ""
    assert kubelet.log == ""


def test_an_answer_for_one_path_is_not_kept_for_another(cluster: Cluster, tmp_path: Path) -> None:
    rules = (
        f'[[rule]]\nmatch = "{ECR}/team-a"\nprovider = "ecr"\n'
        f'[[rule]]\nmatch = "{ECR}/team-b/*"\nanswer = "anonymous"\n'
        f'[[rule]]\nmatch = "mirror.example"\nalias = "{ECR}"\n'
    )
    variables = [
        {"name": "DOCKER_CREDENTIAL_MULTI_RULES", "value": rules},
        {"name": "XDG_CACHE_HOME", "value": str(tmp_path / "cache")},
    ]
    with Kubelet(cluster, tmp_path, env=variables) as kubelet:
        own, mirrored = kubelet.pull(f"{ECR}/team-a/x", "mirror.example/library/x")
        assert own == mirrored != []
        assert kubelet.pull(f"{ECR}/team-b/x") == [[]]
        assert kubelet.pull(f"{ECR}/team-a/x", f"{ECR}/team-a-b/x", f"{ECR}/y") == [own] * 3
    assert kubelet.log == ""


@pytest.mark.parametrize("version", ["v1beta1", "v1alpha1"])
def test_kubelet_reads_the_older_versions(cluster: Cluster, tmp_path: Path, version: str) -> None:
    with Kubelet(cluster, tmp_path, apiVersion=f"{_GROUP}/{version}") as kubelet:
        [[(username, secret)]] = kubelet.pull(f"{ECR}/team/app")
        assert cluster.ecr.issued(username, secret, ECR)
    assert kubelet.log == ""


@pytest.mark.parametrize("cache_type", ["Token", "ServiceAccount"])
def test_a_pod_pulls_by_its_own_identity_or_not_at_all(
    cluster: Cluster, tmp_path: Path, cache_type: str
) -> None:
    attributes = {
        "serviceAccountTokenAudience": AWS_AUDIENCE,
        "cacheType": cache_type,
        "requireServiceAccount": True,
        "optionalServiceAccountAnnotationKeys": list(EKS),
    }
    with Kubelet(cluster, tmp_path, tokenAttributes=attributes) as kubelet:
        [[login]] = kubelet.pull(f"{ECR}/a", account="app", pod="app-1")
        assert cluster.ecr.issued(*login, ECR)
        # Another pod of the account, by kubelet's cache or by ours.
        assert kubelet.pull(f"{ECR}/b", account="app", pod="app-2") == [[login]]
        assert cluster.asked() == "pod"
        [[another]] = kubelet.pull(f"{ECR}/a", account="other", pod="other-1")
        assert another != login
        assert kubelet.pull(f"{ECR}/a", account="stranger", pod="s-1") == [[]]
        assert kubelet.pull(f"{ECR}/a", account="plain", pod="p-1") == [[]]
        assert kubelet.pull(f"{ECR}/a") == [[]]
        assert cluster.asked() == "pod"
    refused, not_annotated = kubelet.log.splitlines()
    for words in (f"image {ECR}/a", "service account team/stranger", "ecr.token-not-trusted"):
        assert words in refused
    for words in ("service account team/app", *EKS, "kubelet.no-annotation"):
        assert words in not_annotated


def test_the_printed_configuration_gives_each_pod_its_own_identity_at_every_cloud(
    person: Machine, cluster: Cluster, tmp_path: Path
) -> None:
    pool = cluster.environment["DOCKER_CREDENTIAL_MULTI_GCR_WORKLOAD_IDENTITY_PROVIDER"]
    option = f"gcr.workload_identity_provider={pool}"
    printed = person.run("kubelet-config", "--pod-identity", "--option", option).stdout.decode()
    images = (f"{ECR}/a", f"{GCR}/p/r/a", f"{ACR}/a")
    with Kubelet(cluster, tmp_path, yaml_text.parse(printed)) as kubelet:
        of_pod = kubelet.pull(*images, account="app", pod="app-1")
        assert cluster.asked() == "pod"
        assert kubelet.pull(*images, account="stranger", pod="s-1") == [[], [], []]
        assert cluster.asked() == "pod"
        of_node = kubelet.pull(*images)
        assert cluster.asked() == "node"
        # A pod without annotations, as those of the system.
        of_plain = kubelet.pull(*images, account="plain", pod="p-1")
        assert cluster.asked() in ("node", "")
        for logins in (of_pod, of_node, of_plain):
            for host, [(username, secret)], cloud in zip(
                (ECR, GCR, ACR), logins, cluster.clouds, strict=True
            ):
                assert cloud.issued(username, secret, host)
        assert not {login for [login] in of_pod} & {login for [login] in of_node}
    refused = kubelet.log.splitlines()
    assert len(refused) == 3
    assert all("service account team/stranger" in line for line in refused)


def test_a_burst_of_pulls_is_one_exchange(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.ecr.exchanges
    # A hundred starts take half a minute from source.
    count = 20 if EXECUTABLE.read_bytes()[:2] == b"#!" else 100
    with Kubelet(cluster, tmp_path) as kubelet:
        logins = kubelet.pull(*(f"{ECR}/team/app-{number}" for number in range(count)))
    assert len({login for [login] in logins}) == 1
    assert cluster.ecr.exchanges == before + 1
    assert kubelet.log == ""


def test_kubelet_has_the_reason_before_it_ends_a_provider(cluster: Cluster, tmp_path: Path) -> None:
    variables = [
        {"name": "DOCKER_CREDENTIAL_MULTI_DEADLINE_S", "value": "1"},
        {"name": "XDG_CACHE_HOME", "value": str(tmp_path / "cache")},
    ]
    cluster.ecr.fail("/", never_answer, times=3)
    with Kubelet(cluster, tmp_path, env=variables) as kubelet:
        assert kubelet.pull(f"{ECR}/team/app") == [[]]
    [line] = kubelet.log.splitlines()
    assert f"image {ECR}/team/app as the node" in line
    # The deadline of the get, or that of its request: whichever passes first.
    assert "[provider.no-answer]" in line or "[network.timeout]" in line
