"""kubelet's protocol on a node that all three clouds know: whose identity is asked, for what.

The cluster is an issuer of its pods' tokens that the clouds trust. Each has the node's own identity
too, and records whether it was asked.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import aws, azure, google
from tests.clouds.authority import Authority
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
    GKE_AUDIENCE,
    GKE_CLUSTER,
    OTHER_ACCOUNT,
    ROLE,
    STRANGER,
    Cluster,
    running,
)
from tests.support.executable import EXECUTABLE, PROGRAM, Completed, Executable
from tests.support.programs import Programs

V1 = "credentialprovider.kubelet.k8s.io/v1"
OWN = "multi-credential-provider"
_ECR, _GCP, _ACR = "ecr-credential-provider", "auth-provider-gcp", "acr-credential-provider"


class Node:
    """A node of the cluster, on which kubelet runs the program."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.home = cluster.home
        self.environment = cluster.environment
        self.programs = Programs(self.home / "bin")
        for link in (OWN, PROGRAM, _ECR, _GCP, _ACR):
            self.programs.link(link, EXECUTABLE)
        for name, username, secret in (
            ("own", "of-helper", "p"),
            ("echoing", "a", "'$TOKEN'"),
            ("oauth", "<token>", "p"),
        ):
            body = f"""echo '{{"Username":"{username}","Secret":"{secret}"}}'"""
            self.programs.helper(name, body)

    def pull(
        self,
        host: str,
        annotations: dict[str, str] | None = None,
        token: str = "",
        *arguments: str,
        version: str = V1,
        **variables: str,
    ) -> Completed:
        """Ask as kubelet does, and check that no secret is on standard error."""
        request: dict[str, Any] = {"image": f"{host}/team/app"}
        if token:
            request["serviceAccountToken"] = token
        if annotations:
            request["serviceAccountAnnotations"] = annotations
        return self.send(request, *arguments, version=version, **variables)

    def send(
        self,
        request: dict[str, Any] | str,
        *arguments: str,
        link: str = OWN,
        version: str = V1,
        **variables: str,
    ) -> Completed:
        """Send a request, or a text in place of one."""
        if not isinstance(request, str):
            kind = {"kind": "CredentialProviderRequest", "apiVersion": version}
            request = json.dumps({**kind, **request})
        environment = {**self.environment, **variables}
        program = Executable(environment, [str(self.programs.folder / link)])
        answer = program.run(*arguments, stdin=request, cwd=self.home)
        shown = [secret for secret in self.cluster.secrets() if secret in answer.stderr]
        assert not shown, answer.stderr
        if answer.status:
            assert answer.stderr, answer
            assert "\n" not in answer.stderr
        return answer


def response(answer: Completed) -> dict[str, Any]:
    """The response, which has to be complete."""
    assert answer.status == 0, answer
    document: dict[str, Any] = answer.document
    keys = {"kind", "apiVersion", "cacheKeyType", "cacheDuration", "auth"}
    assert set(document) == keys
    return document


def code(answer: Completed) -> str:
    """The code of an error, for which kubelet's log has one line."""
    assert (answer.status, answer.stdout) == (1, b""), answer
    [found] = re.findall(r" \[([a-z.-]+)\]", answer.stderr)
    return str(found)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    home = tmp_path_factory.mktemp("home")
    authority = Authority(tmp_path_factory.mktemp("authority"))
    with running(authority, home) as cluster:
        yield Node(cluster)


@pytest.fixture
def node(shared: Node, tmp_path: Path) -> Node:
    """The node with an empty cache."""
    shared.environment["XDG_CACHE_HOME"] = str(tmp_path)
    shared.cluster.asked()
    return shared


# --- Whose identity -------------------------------------------------------------------------------

_PINNED = {**GKE, "iam.gke.io/gcp-service-account": google.TARGET}
_SWITCH, _TENANT = "iam.gke.io/enable-wi-image-pull", "kubernetes.azure.com/acr-tenant-id"
_NOTHING, _OTHER = "kubelet.no-annotation", "kubelet.other-cloud"
_UNTRUSTED = "ecr.token-not-trusted"
_MIRROR = f"mcr.microsoft.com:{ACR}"
_OF_CLUSTER = ("get-credentials", *GKE_CLUSTER)
_VERBOSE = ("get-credentials", "-v", "3", *GKE_CLUSTER)


# The host, a pod's annotations, the subject of its token, the link and its arguments → the code of
# the error or nothing, and whose identity was asked.
@pytest.mark.parametrize(
    ("host", "annotations", "subject", "call", "expected", "asked"),
    [
        *((host, {}, "", (OWN,), "", "node") for host in (ECR, GCR, ACR)),
        (ECR, EKS, ACCOUNT, (OWN,), "", "pod"),
        (GCR, GKE, ACCOUNT, (OWN,), "", "pod"),
        (ACR, AKS, ACCOUNT, (OWN,), "", "pod"),
        (GCR, _PINNED, ACCOUNT, (OWN,), "", "pod"),
        # The identity that the pod asks for fails: the node's does not replace it.
        (ECR, EKS, STRANGER, (OWN,), _UNTRUSTED, "pod"),
        (GCR, GKE, STRANGER, (OWN,), "gcr.attribute-condition", "pod"),
        (ACR, AKS, STRANGER, (OWN,), "acr.no-federated-credential", "pod"),
        (ECR, EKS, "", (OWN,), "kubelet.no-token", ""),
        (ECR, {}, ACCOUNT, (OWN,), _NOTHING, ""),
        (ACR, {}, ACCOUNT, (OWN,), _NOTHING, ""),
        (ACR, {_TENANT: azure.TENANT_ID}, ACCOUNT, (OWN,), _NOTHING, ""),
        (ECR, dict.fromkeys(EKS, ""), ACCOUNT, (OWN,), _NOTHING, ""),
        (ECR, AKS, ACCOUNT, (OWN,), _OTHER, ""),
        (ECR, AKS, "", (OWN,), _OTHER, ""),
        ("docker.io", EKS, ACCOUNT, (OWN,), "", ""),
        (ECR, {**EKS, **AKS}, ACCOUNT, (OWN,), "kubelet.two-clouds", ""),
        (GCR, {_SWITCH: "yes"}, ACCOUNT, (OWN,), "kubelet.annotation-value", ""),
        # The pod asks for nothing.
        (GCR, {_SWITCH: "false"}, ACCOUNT, (OWN, "--without-annotation=node"), "", "node"),
        (ECR, {"team.example/owner": "a"}, ACCOUNT, (OWN,), _NOTHING, ""),
        (ECR, {}, ACCOUNT, (OWN, "--without-annotation", "node"), "", "node"),
        # By the command, and by the names of the clouds' own plugins.
        (ECR, {}, "", (PROGRAM, "kubelet"), "", "node"),
        (ECR, EKS, STRANGER, (PROGRAM, "kubelet"), _UNTRUSTED, "pod"),
        (ECR, EKS, ACCOUNT, (_ECR,), "", "pod"),
        (ECR, EKS, STRANGER, (_ECR,), _UNTRUSTED, "pod"),
        (ECR, {}, ACCOUNT, (_ECR,), "", "node"),
        (GCR, {}, "", (_ECR, "get"), "", ""),
        (GCR, GKE, ACCOUNT, (_GCP, *_OF_CLUSTER), "", "pod"),
        (GCR, GKE, STRANGER, (_GCP, *_VERBOSE), "gcr.attribute-condition", "pod"),
        (GCR, {}, ACCOUNT, (_GCP, *_OF_CLUSTER, "--v=3"), "", "node"),
        (ACR, AKS, ACCOUNT, (_ACR, "azure.json"), "", "pod"),
        (ACR, {}, ACCOUNT, (_ACR, "azure.json"), _NOTHING, ""),
        (ACR, {}, "", (_ACR, "azure.json"), "", "node"),
        ("mcr.microsoft.com", {}, "", (_ACR, "azure.json", "-r", _MIRROR), "", "node"),
        (
            *("mcr.microsoft.com", AKS, ACCOUNT),
            *((_ACR, f"--registry-mirror={_MIRROR}", "azure.json"), "", "pod"),
        ),
    ],
)
def test_a_request_uses_the_identity_of_the_pod_or_the_node_as_configured(
    node: Node,
    host: str,
    annotations: dict[str, str],
    subject: str,
    call: tuple[str, ...],
    expected: str,
    asked: str,
) -> None:
    link, *arguments = call
    identity = {"useManagedIdentityExtension": True, "userAssignedIdentityID": ""}
    (node.home / "azure.json").write_text(json.dumps(identity))
    audience = GKE_AUDIENCE if link == _GCP else AUDIENCE.get(host, AUDIENCE[ACR])
    token = node.cluster.token(audience, subject) if subject else ""
    answer = node.pull(host, annotations, token, *arguments, link=link)
    if expected:
        assert code(answer) == expected
    else:
        auth = response(answer)["auth"]
        assert set(auth) == ({host} if asked else set())
    assert node.cluster.asked() == asked


_MANAGED = {"useManagedIdentityExtension": True}


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({**_MANAGED, "userAssignedIdentityID": azure.MANAGED_CLIENT_ID}, "node"),
        ({**_MANAGED, "userAssignedIdentityID": azure.MANAGED_RESOURCE_ID}, "node"),
        (
            {
                "cloud": "AzurePublicCloud",
                "tenantId": azure.TENANT_ID,
                "aadClientId": azure.CLIENT_ID,
                "aadClientSecret": azure.CLIENT_SECRET,
            },
            "",
        ),
    ],
    ids=["by client id", "by resource id", "service principal"],
)
def test_the_nodes_identity_is_that_of_azure_json(
    node: Node, config: dict[str, Any], asked: str
) -> None:
    (node.home / "node.json").write_text(json.dumps(config))
    node.cluster.acr.system_assigned = False
    try:
        answer = node.pull(ACR, {}, "", "node.json", link=_ACR)
    finally:
        node.cluster.acr.system_assigned = True
    [login] = response(answer)["auth"].values()
    assert node.cluster.acr.issued(login["username"], login["password"], ACR)
    assert node.cluster.asked() == asked


def test_pods_of_one_service_account_share_tokens_and_others_do_not(node: Node) -> None:
    def asks(role: str = ROLE, subject: str = ACCOUNT, pod: str = "app-1") -> Completed:
        token = node.cluster.token(AWS_AUDIENCE, subject, pod)
        return node.pull(ECR, dict.fromkeys(EKS, role), token)

    first = response(asks())["auth"]
    assert node.cluster.asked() == "pod"
    assert response(asks(pod="app-2"))["auth"] == first
    assert node.cluster.asked() == ""
    assert response(asks(subject=OTHER_ACCOUNT))["auth"] != first
    assert node.cluster.asked() == "pod"
    assert code(asks(subject=STRANGER)) == _UNTRUSTED
    assert response(node.pull(ECR))["auth"] != first
    assert response(asks(node.cluster.ecr.role("another", ACCOUNT)))["auth"] != first


def test_an_expired_token_is_shown_to_no_cloud_and_gets_no_kept_credential(node: Node) -> None:
    response(node.pull(ECR, EKS, node.cluster.token(AWS_AUDIENCE)))
    assert node.cluster.asked() == "pod"
    node.cluster.issuer.lifetime_s = -600
    try:
        old = {host: node.cluster.token(AUDIENCE[host]) for host in (ECR, GCR, ACR)}
    finally:
        node.cluster.issuer.lifetime_s = 600
    for host, wanted in ((ECR, EKS), (GCR, GKE), (ACR, AKS)):
        assert code(node.pull(host, wanted, old[host])) == "oidc.expired"
    assert node.cluster.asked() == ""


def test_a_subject_that_is_too_long_for_a_service_account_is_not_in_the_log(node: Node) -> None:
    token = node.cluster.token(AWS_AUDIENCE, f"{ACCOUNT}{'a' * 5000}")
    answer = node.pull(ECR, EKS, token)
    assert code(answer) == "ecr.token-not-trusted"
    assert len(answer.stderr) < 2000


def test_a_registry_that_lets_anybody_pull_needs_no_identity(node: Node) -> None:
    token = node.cluster.token(AWS_AUDIENCE, STRANGER)
    for wanted, asked in ((EKS, "pod"), ({}, "node")):
        assert bool(response(node.pull(aws.PUBLIC_HOST, wanted, token))["auth"]) == (not wanted)
        assert node.cluster.asked() == asked


# --- What kubelet keeps ---------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "hours"), [(ECR, 6.0), (GCR, 55 / 60), (ACR, 1.5)])
def test_kubelet_keeps_credentials_for_a_part_of_a_life(
    node: Node, host: str, hours: float
) -> None:
    document = response(node.pull(host))
    assert document["cacheKeyType"] == "Registry"
    assert hours * 3600 - 60 < int(document["cacheDuration"].removesuffix("s")) <= hours * 3600


def test_kubelet_keeps_no_credential_whose_end_is_near_or_unknown(node: Node) -> None:
    node.cluster.gcr.lifetime_s = 50
    try:
        assert response(node.pull(GCR))["cacheDuration"] == "0s"
    finally:
        node.cluster.gcr.lifetime_s = 3600


_RULE = "[[rule]]\nmatch = "
_OF_ECR = f'{_RULE}"{ECR}'
_ALIAS = f'"\nalias = "{ECR}"'
_DIGEST = f"v1@sha256:{'0' * 64}"


# Rules, an image → the pattern of the answer, for what it is kept, and the user name.
@pytest.mark.parametrize(
    ("rules", "image", "pattern", "kept_for", "username"),
    [
        (f'{_OF_ECR}"\nprovider = "ecr"', f"{ECR}/a/b", ECR, "Registry", "AWS"),
        # A rule for a path, and for what is below a path.
        (f'{_OF_ECR}/team-a"\nrole_arn = "{ROLE}"', f"{ECR}/team-b/app", ECR, "Image", "AWS"),
        (
            *(f'{_OF_ECR}/team-*/x"\nprovider = "ecr"', f"{ECR}/team-a/x/app:{_DIGEST}"),
            *(f"{ECR}/team-a/x", "Image", "AWS"),
        ),
        *(
            (f'{_RULE}"{host}{_ALIAS}', f"{host}/library/a:1", host, "Registry", "AWS")
            for host in ("mirror.corp.example", "docker.io", "corp.example:5000")
        ),
        *(
            (
                *(f'{_RULE}"corp.example"\n{rest}', "corp.example/a/b"),
                *("corp.example", "Registry", username),
            )
            for rest, username in (
                ('helper = "own"', "of-helper"),
                ('provider = "none"', "of-config"),
                ('provider = "environment"', "of-variables"),
            )
        ),
        # No rule for the login of config.json.
        ("", "corp.example/a", "", "Registry", ""),
        (f'{_RULE}"other.example"\nprovider = "none"', "corp.example/a", "", "Registry", ""),
        (f'{_OF_ECR}"\nanswer = "anonymous"', f"{ECR}/a", "", "Registry", ""),
    ],
)
def test_the_answer_is_for_the_narrowest_valid_pattern(
    node: Node, rules: str, image: str, pattern: str, kept_for: str, username: str
) -> None:
    login = {"auths": {"corp.example": {"auth": base64.b64encode(b"of-config:p").decode()}}}
    (node.home / ".docker").mkdir(exist_ok=True)
    (node.home / ".docker/config.json").write_text(json.dumps(login))
    answer = node.send(
        {"image": image},
        DOCKER_CREDENTIAL_MULTI_RULES=rules,
        PATH=node.programs.path,
        DOCKER_corp_example_USR="of-variables",
        DOCKER_corp_example_PSW="p",
    )
    document = response(answer)
    assert document["cacheKeyType"] == kept_for
    auth = {key: login["username"] for key, login in document["auth"].items()}
    assert auth == ({pattern: username} if pattern else {})


@pytest.mark.parametrize(
    ("helper", "host", "annotations", "expected"),
    [
        ("echoing", "corp.example", EKS, "kubelet.token-returned"),
        ("oauth", "corp.example", {}, "kubelet.identity-token"),
        ("own", ECR, EKS, "kubelet.answered-by-rule"),
    ],
)
def test_a_login_that_is_not_for_the_pod_is_refused(
    node: Node, helper: str, host: str, annotations: dict[str, str], expected: str
) -> None:
    token = node.cluster.token(AWS_AUDIENCE)
    answer = node.pull(
        host,
        annotations,
        token,
        DOCKER_CREDENTIAL_MULTI_RULES=f'{_RULE}"{host}"\nhelper = "{helper}"',
        PATH=node.programs.path,
        TOKEN=token,
    )
    assert code(answer) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DOCKER_CREDENTIAL_MULTI_DISABLED_PROVIDERS": "ecr"}, "kubelet.cloud-left-out"),
        ({"DOCKER_CREDENTIAL_MULTI_ORDER": "environment,config"}, "kubelet.cloud-left-out"),
        ({"DOCKER_CREDENTIAL_MULTI_RULES": f'{_RULE}"{ECR}"\nanswer = "anonymous"'}, ""),
    ],
)
def test_a_pod_that_asks_a_cloud_which_is_left_out_has_a_line_in_the_log(
    node: Node, variables: dict[str, str], expected: str
) -> None:
    pod = {
        "serviceAccountToken": node.cluster.token(AWS_AUDIENCE),
        "serviceAccountAnnotations": EKS,
    }
    answer = node.send({"image": f"{ECR}/a", **pod}, **variables)
    if expected:
        assert code(answer) == expected
    else:
        assert response(answer)["auth"] == {}
    assert response(node.send({"image": f"{ECR}/a"}, **variables))["auth"] == {}
    assert node.cluster.asked() == ""


# --- Requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V1, f"{V1}beta1", f"{V1}alpha1"])
def test_the_response_has_the_version_of_the_request(node: Node, version: str) -> None:
    assert response(node.pull(ECR, version=version))["apiVersion"] == version


_TOKEN = "a-word-for-a-token"
_BETA = f"{V1}beta1"


def _with(**members: object) -> dict[str, Any]:
    return {"image": f"{ECR}/a", **{f"serviceAccount{k}": v for k, v in members.items()}}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("", "kubelet.no-request"),
        ('{"kind":', "client.not-json"),
        ("{}{}", "client.not-json"),
        ("[]", "client.not-object"),
        ({"kind": "CredentialProviderResponse"}, "kubelet.other-kind"),
        ({"apiVersion": "v1"}, "kubelet.other-version"),
        ({"apiVersion": 1}, "kubelet.other-version"),
        ({"image": "a/b", "tag": "x"}, "kubelet.unknown-key"),
        # A key of a later version.
        ({**_with(Token=_TOKEN), "apiVersion": _BETA}, "kubelet.unknown-key"),
        ('{"kind":"a","kind":"b"}', "kubelet.repeated-key"),
        ({}, "kubelet.no-image"),
        ({"image": []}, "client.not-text"),
        *(
            ({"image": image}, "kubelet.not-reference")
            for image in (
                *(f"https://{ECR}/a", f"u:p@{ECR}/a", f"{ECR}/A", f"{ECR}/a b", f"{ECR}/"),
                "corp.example:http/a",
            )
        ),
        *((_with(Annotations=value), "kubelet.annotations") for value in (["a"], [], False)),
        (_with(Annotations={"a": 1}), "kubelet.annotations"),
        (_with(Token="\ud800"), "kubelet.not-jwt"),
        (_with(Token=_TOKEN, Annotations=EKS), "kubelet.not-jwt"),
    ],
)
def test_a_bad_request_is_an_error_that_names_what_is_wrong(
    node: Node, request_: dict[str, Any] | str, expected: str
) -> None:
    answer = node.send(request_)
    assert code(answer) == expected
    assert _TOKEN not in answer.stderr
    assert node.cluster.asked() == ""
    assert not list(Path(node.environment["XDG_CACHE_HOME"]).rglob("*.token"))


@pytest.mark.parametrize("text", ["[]", "{", "", "[" * 100_000, '{"a":1}}', "\ufeff", "\udcff"])
def test_an_azure_json_that_is_not_an_object_is_an_error(node: Node, text: str) -> None:
    (node.home / "bad.json").write_text(text, "utf-8", "surrogateescape")
    answer = node.send({"image": f"{ACR}/a"}, "bad.json", link=_ACR)
    assert code(answer) in ("kubelet.bad-file", "kubelet.cannot-read")


@pytest.mark.parametrize(
    ("link", "arguments", "expected"),
    [
        (OWN, ("--config=x",), "kubelet.unknown-argument"),
        (OWN, ("s3cret value",), "kubelet.unknown-argument"),
        (OWN, ("--without-annotation",), "kubelet.no-value"),
        (OWN, ("--without-annotation=pod",), "kubelet.bad-value"),
        (_GCP, ("get-credentials", "--authFlow=dockercfg"), "kubelet.not-supported"),
        (_GCP, ("get-credentials", "--identity-provider=x"), "kubelet.needs-argument"),
        (_GCP, ("get-credential",), "kubelet.unknown-argument"),
        (_ACR, (), "kubelet.no-value"),
        (_ACR, ("absent.json",), "kubelet.cannot-read"),
        (_ACR, ("azure.json", "-r", f"mcr.microsoft.com:{ECR}"), "kubelet.bad-value"),
        (_ACR, ("azure.json", "--ib-sni-name=x"), "kubelet.not-supported"),
    ],
)
def test_a_bad_argument_is_an_error(
    node: Node, link: str, arguments: tuple[str, ...], expected: str
) -> None:
    answer = node.send({"image": f"{ECR}/a"}, *arguments, link=link)
    assert code(answer) == expected
    assert "s3cret" not in answer.stderr
