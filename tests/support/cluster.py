"""A Kubernetes cluster's node that three loopback clouds know, and pods that they trust.

The cluster is an issuer of its pods' tokens. Each cloud has an identity of the node's own too, and
records whose was asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clouds import aws, azure, google
from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.ci import AZURE_AUDIENCE, CiSystem
from tests.clouds.google import GoogleCloud
from tests.clouds.loopback import loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.support.executable import pinned_environment

# Service accounts: two that every cloud trusts, and one that no cloud does.
ACCOUNT = "system:serviceaccount:team:app"
OTHER_ACCOUNT = "system:serviceaccount:team:other"
STRANGER = "system:serviceaccount:team:stranger"
ROLE = f"arn:aws:iam::{aws.ACCOUNT}:role/pod"
# The registries, and the audiences that a pod's token has for each.
ECR, GCR, ACR = (loopbacks()[name].host for name in ("ecr", "gcr", "acr"))
AWS_AUDIENCE = "sts.amazonaws.com"
AUDIENCE = {ECR: AWS_AUDIENCE, GCR: google.POOL, ACR: AZURE_AUDIENCE}
# The annotations by which a pod asks for its own identity.
EKS = {"eks.amazonaws.com/ecr-role-arn": ROLE}
GKE = {"iam.gke.io/enable-wi-image-pull": "true"}
AKS = {
    "kubernetes.azure.com/acr-client-id": azure.CLIENT_ID,
    "kubernetes.azure.com/acr-tenant-id": azure.TENANT_ID,
}
# A cluster of GKE and its identity pool, in the form of the arguments of Google's plugin.
GKE_CLUSTER = ("--identity-provider=https://container.example/c", "--project-id", "team-project")
GKE_AUDIENCE = "team-project.svc.id.goog"
# Where the node's own identity comes from.
_METADATA = ("/latest/", "/computeMetadata/", "/metadata/")


class Cluster:
    def __init__(self, authority: Authority, proxy: TerminatingProxy, home: Path) -> None:
        self.ecr, self.gcr, self.acr = AwsCloud(), GoogleCloud(), AzureCloud(authority)
        self.issuer = CiSystem(self.ecr)
        self.clouds: tuple[Any, ...] = (self.ecr, self.gcr, self.acr)
        self.home = home
        self._seen: dict[Any, int] = {}
        for cloud in self.clouds:
            cloud.ci = self.issuer
            cloud.register(proxy)
        trusted = {ACCOUNT, OTHER_ACCOUNT}
        self.ecr.role("pod", *trusted)
        self.gcr.workloads = self.acr.workloads = trusted
        self.gcr.audiences.add(f"identitynamespace:{GKE_AUDIENCE}:https://container.example/c")
        self.gcr.web_audiences.append(GKE_AUDIENCE)
        self.gcr.impersonators.add((ACCOUNT, google.TARGET))
        self.acr.system_assigned = True
        self.environment = {
            **pinned_environment(home),
            **self.ecr.redirection(),
            **proxy.environment(),
            **self.ecr.instance(),
            **self.gcr.machine(),
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": self.acr.url,
            "DOCKER_CREDENTIAL_MULTI_GCR_WORKLOAD_IDENTITY_PROVIDER": google.POOL.partition("com/")[
                2
            ],
        }

    def token(self, audience: str, subject: str = ACCOUNT, pod: str = "app-1") -> str:
        _, _, namespace, name = subject.split(":")
        workload = {"namespace": namespace, "pod": {"name": pod}, "serviceaccount": {"name": name}}
        return self.issuer.token(subject, audience, **{"kubernetes.io": workload})

    def asked(self) -> str:
        """The identities that asked since the last call: ``node``, ``pod``, both or neither."""
        found = set()
        for cloud in self.clouds:
            received = cloud.received
            new, self._seen[cloud] = received[self._seen.get(cloud, 0) :], len(received)
            for request in new:
                if request.path == "/" and request.method == "GET":
                    found.add("node")
                if request.path.startswith(_METADATA):
                    found.add("node")
                if any(token.encode() in request.body for token in self.issuer.secrets):
                    found.add("pod")
        return " and ".join(sorted(found))

    def secrets(self) -> set[str]:
        return self.issuer.secrets.union(*(cloud.confidential() for cloud in self.clouds))


@contextmanager
def running(authority: Authority, home: Path) -> Iterator[Cluster]:
    with TerminatingProxy(authority) as proxy:
        cluster = Cluster(authority, proxy, home)
        with cluster.ecr, cluster.gcr, cluster.acr:
            yield cluster
        assert proxy.refused == []
