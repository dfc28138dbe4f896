"""The projects of other authors that judge this program, for the page ``judges.md``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.executable import ROOT


@dataclass(frozen=True)
class Judge:
    """A project, what it judges, and the test in which it does."""

    name: str
    judges: str
    test: str
    pinned_in: str = ""
    """The file with its version; empty for the version that Debian has."""
    before: str = ""
    """The text in front of the version."""

    def version(self) -> str:
        """The version that the tests use."""
        if not self.pinned_in:
            return "Debian's"
        text = (ROOT / self.pinned_in).read_text("utf-8")
        found = re.search(re.escape(self.before) + r"([\d.]*\d)", text)
        assert found, self
        return found[1]


JUDGES = (
    Judge(
        "moto",
        "requests to AWS: the signature, the policy of the key, the trust of a role; whose account "
        "a token of ECR is for; the signature for S3",
        "tests/outside/moto",
        "packaging/requirements-moto.txt",
        "moto==",
    ),
    Judge(
        "amazon-ec2-metadata-mock",
        "requests to EC2's metadata service, with IMDSv2 only and with both versions",
        "tests/outside/test_instance_metadata.py",
        ".ci/run",
        "ec2-metadata-mock@v",
    ),
    Judge(
        "oidc-provider, jose",
        "what Entra and Google's token endpoint receive: client secrets, signed assertions, "
        "refresh tokens, the tokens of jobs and workloads",
        "tests/outside/oidc",
        "tests/outside/oidc/package.json",
        '"oidc-provider": "',
    ),
    Judge(
        "kubelet's own code",
        "the configuration and the answers of its plugin, the rights of a node, the DaemonSet",
        "tests/outside/kubelet",
        "tests/outside/kubelet/go.mod",
        "k8s.io/kubernetes v",
    ),
    Judge(
        "credentialhelper, by the authors of Bazel's specification",
        "the answers to Bazel",
        "tests/outside/bazel",
        "tests/outside/bazel/Cargo.toml",
        'credentialhelper = "=',
    ),
    Judge(
        "amazon-ecr-credential-helper",
        "how this program asks another helper",
        "tests/contract/test_helper.py, tests/contract/test_fallback.py",
        ".ci/run",
        "docker-credential-ecr-login@v",
    ),
    Judge(
        "docker-credential-helpers: pass",
        "how this program keeps logins and its key in a keychain",
        "tests/contract/test_fallback.py, tests/contract/test_cached_get.py",
        ".ci/run",
        "pass/cmd@v",
    ),
    Judge(
        "act",
        "the workflow of the documentation and the setup action, as a job",
        "tests/outside/test_act.py",
        ".ci/run",
        "nektos/act@v",
    ),
    Judge(
        "actionlint",
        "workflows and the recipe for GitHub Actions",
        "tests/ci/test_workflows.py",
        ".ci/run",
        "actionlint@v",
    ),
    Judge(
        "zizmor",
        "the permissions of workflows",
        "tests/ci/test_workflows.py",
        "packaging/requirements-dev.txt",
        "zizmor==",
    ),
    Judge(
        "check-jsonschema",
        "recipes for CI, by the schemas of their vendors",
        "tests/ci/test_recipes.py",
        "packaging/requirements-dev.txt",
        "check-jsonschema==",
    ),
    Judge(
        "OCI image-spec",
        "the image of a release, by the schemas of the specification",
        "tests/release/test_release.py",
        "tests/outside/oci/go.mod",
        "image-spec v",
    ),
    Judge(
        "cyclonedx-python-lib",
        "the SBOMs of a release",
        "tests/release/test_released.py",
        "packaging/requirements-dev.txt",
        "cyclonedx-python-lib==",
    ),
    Judge("distribution", "pushes and pulls of images, as a registry", "tests/release, tests/ci"),
    Judge("skopeo, podman", "logins, pulls, builds, pushes", "tests/clients, tests/outside"),
    Judge(
        "docker-py",
        "logins and pulls",
        "tests/clients/test_docker_py.py",
        "packaging/requirements-dev.txt",
        "docker==",
    ),
)
