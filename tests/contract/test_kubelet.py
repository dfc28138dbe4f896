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
        link: str = OWN,
        path: str = "team/app",
        version: str = V1,
        **variables: str,
    ) -> Completed:
        """Ask as kubelet does, and check that no secret is on standard error."""
        request: dict[str, Any] = {"image": f"{host}/{path}"}
        if token:
            request["serviceAccountToken"] = token
        if annotations:
            request["serviceAccountAnnotations"] = annotations
        return self.send(request, *arguments, link=link, version=version, **variables)

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

# A pod's annotations and whether it has a token, the link and its arguments → the code of the error
# or nothing, and whose identity was asked.
_CASES: dict[str, tuple[str, dict[str, str], str, tuple[str, ...], str, str]] = {
    # host, annotations, subject of the token, link and arguments, code, asked
    "a node at ECR": (ECR, {}, "", (OWN,), "", "node"),
    "a node at Google": (GCR, {}, "", (OWN,), "", "node"),
    "a node at ACR": (ACR, {}, "", (OWN,), "", "node"),
    "a pod at ECR": (ECR, EKS, ACCOUNT, (OWN,), "", "pod"),
    "a pod at Google": (GCR, GKE, ACCOUNT, (OWN,), "", "pod"),
    "a pod at ACR": (ACR, AKS, ACCOUNT, (OWN,), "", "pod"),
    "a pod as a service account of Google": (
        *(GCR, {**GKE, "iam.gke.io/gcp-service-account": google.TARGET}, ACCOUNT, (OWN,)),
        *("", "pod"),
    ),
    # What the pod asks for fails: never the node's.
    "a role that does not trust the pod": (
        ECR,
        EKS,
        STRANGER,
        (OWN,),
        "ecr.token-not-trusted",
        "pod",
    ),
    "a pool that does not trust the pod": (
        GCR,
        GKE,
        STRANGER,
        (OWN,),
        "gcr.attribute-condition",
        "pod",
    ),
    "an application that does not": (
        ACR,
        AKS,
        STRANGER,
        (OWN,),
        "acr.no-federated-credential",
        "pod",
    ),
    "annotations without a token": (ECR, EKS, "", (OWN,), "kubelet.no-token", ""),
    "no annotation at ECR": (ECR, {}, ACCOUNT, (OWN,), "kubelet.no-annotation", ""),
    "no annotation at ACR": (ACR, {}, ACCOUNT, (OWN,), "kubelet.no-annotation", ""),
    "a tenant and no client": (
        *(ACR, {"kubernetes.azure.com/acr-tenant-id": azure.TENANT_ID}, ACCOUNT, (OWN,)),
        *("kubelet.no-annotation", ""),
    ),
    "an empty role": (
        *(ECR, dict.fromkeys(EKS, ""), ACCOUNT, (OWN,)),
        *("kubelet.no-annotation", ""),
    ),
    "the annotation of another cloud": (ECR, AKS, ACCOUNT, (OWN,), "kubelet.other-cloud", ""),
    "another cloud's without a token": (ECR, AKS, "", (OWN,), "kubelet.other-cloud", ""),
    "a cloud without annotations": ("docker.io", EKS, ACCOUNT, (OWN,), "", ""),
    "two clouds' annotations": (ECR, {**EKS, **AKS}, ACCOUNT, (OWN,), "kubelet.two-clouds", ""),
    "a switch that is neither": (
        *(GCR, {"iam.gke.io/enable-wi-image-pull": "yes"}, ACCOUNT, (OWN,)),
        *("kubelet.annotation-value", ""),
    ),
    # The pod asks for nothing.
    "a pod that wants no identity": (
        *(GCR, {"iam.gke.io/enable-wi-image-pull": "false"}, ACCOUNT),
        *((OWN, "--without-annotation=node"), "", "node"),
    ),
    "an annotation of no cloud": (
        *(ECR, {"team.example/owner": "a"}, ACCOUNT, (OWN,)),
        *("kubelet.no-annotation", ""),
    ),
    "no annotation, and the node's is wanted then": (
        *(ECR, {}, ACCOUNT, (OWN, "--without-annotation", "node")),
        *("", "node"),
    ),
    # By the command, and by the names of the clouds' own plugins.
    "the command": (ECR, {}, "", (PROGRAM, "kubelet"), "", "node"),
    "the command for a pod": (
        *(ECR, EKS, STRANGER, (PROGRAM, "kubelet")),
        *("ecr.token-not-trusted", "pod"),
    ),
    "AWS's plugin, with a role": (ECR, EKS, ACCOUNT, (_ECR,), "", "pod"),
    "AWS's plugin, a role that fails": (
        *(ECR, EKS, STRANGER, (_ECR,)),
        *("ecr.token-not-trusted", "pod"),
    ),
    "AWS's plugin, without a role": (ECR, {}, ACCOUNT, (_ECR,), "", "node"),
    "AWS's plugin at Google": (GCR, {}, "", (_ECR, "get"), "", ""),
    "Google's plugin, of the cluster": (
        *(GCR, GKE, ACCOUNT, (_GCP, "get-credentials", *GKE_CLUSTER)),
        *("", "pod"),
    ),
    "Google's plugin, not of the cluster": (
        *(GCR, GKE, STRANGER, (_GCP, "get-credentials", "-v", "3", *GKE_CLUSTER)),
        *("gcr.attribute-condition", "pod"),
    ),
    "Google's plugin, a pod that asks for nothing": (
        *(GCR, {}, ACCOUNT, (_GCP, "get-credentials", "--v=3", *GKE_CLUSTER)),
        *("", "node"),
    ),
    "Azure's plugin, with a client": (ACR, AKS, ACCOUNT, (_ACR, "azure.json"), "", "pod"),
    "Azure's plugin, without": (
        *(ACR, {}, ACCOUNT, (_ACR, "azure.json")),
        *("kubelet.no-annotation", ""),
    ),
    "Azure's plugin, for the node": (ACR, {}, "", (_ACR, "azure.json"), "", "node"),
    "Azure's plugin, a mirrored image": (
        *("mcr.microsoft.com", {}, "", (_ACR, "azure.json", "-r", f"mcr.microsoft.com:{ACR}")),
        *("", "node"),
    ),
    "Azure's plugin, a mirrored image and a pod": (
        *("mcr.microsoft.com", AKS, ACCOUNT),
        *((_ACR, f"--registry-mirror=mcr.microsoft.com:{ACR}", "azure.json"), "", "pod"),
    ),
}


@pytest.mark.parametrize("case", _CASES)
def test_the_identity_that_is_asked_is_the_one_that_is_wanted(node: Node, case: str) -> None:
    host, annotations, subject, (link, *arguments), expected, asked = _CASES[case]
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
def test_the_identity_of_the_node_is_that_of_azure_json(
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


def test_service_accounts_share_nothing_and_the_pods_of_one_share_all(node: Node) -> None:
    first = response(node.pull(ECR, EKS, node.cluster.token(AWS_AUDIENCE)))
    assert node.cluster.asked() == "pod"
    of_another_pod = node.cluster.token(AWS_AUDIENCE, pod="app-2")
    assert response(node.pull(ECR, EKS, of_another_pod))["auth"] == first["auth"]
    assert node.cluster.asked() == ""
    assert (
        response(node.pull(ECR, EKS, node.cluster.token(AWS_AUDIENCE, OTHER_ACCOUNT)))["auth"]
        != first["auth"]
    )
    assert node.cluster.asked() == "pod"
    assert (
        code(node.pull(ECR, EKS, node.cluster.token(AWS_AUDIENCE, STRANGER)))
        == "ecr.token-not-trusted"
    )
    assert response(node.pull(ECR))["auth"] != first["auth"]
    another_role = node.cluster.ecr.role("another", ACCOUNT)
    asked = node.pull(ECR, dict.fromkeys(EKS, another_role), node.cluster.token(AWS_AUDIENCE))
    assert response(asked)["auth"] != first["auth"]


def test_a_token_that_has_expired_is_shown_to_no_cloud_and_gets_no_kept_credential(
    node: Node,
) -> None:
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
        answer = node.pull(aws.PUBLIC_HOST, wanted, token)
        assert bool(response(answer)["auth"]) == (not wanted)
        assert node.cluster.asked() == asked


# --- What kubelet keeps ---------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "hours"), [(ECR, 6.0), (GCR, 55 / 60), (ACR, 1.5)])
def test_kubelet_keeps_a_credential_for_less_than_its_life(
    node: Node, host: str, hours: float
) -> None:
    document = response(node.pull(host))
    assert document["cacheKeyType"] == "Registry"
    kept_s = int(document["cacheDuration"].removesuffix("s"))
    assert hours * 3600 - 60 < kept_s <= hours * 3600


def test_kubelet_keeps_no_credential_whose_end_is_near_or_unknown(node: Node) -> None:
    node.cluster.gcr.lifetime_s = 50
    try:
        assert response(node.pull(GCR))["cacheDuration"] == "0s"
    finally:
        node.cluster.gcr.lifetime_s = 3600


_RULE = "[[rule]]\nmatch = "
# Rules, an image → the pattern of the answer, for what it is kept, and the user name.
_RULES = {
    "the host": (f'{_RULE}"{ECR}"\nprovider = "ecr"', f"{ECR}/a/b", ECR, "Registry", "AWS"),
    "a path": (
        *(f'{_RULE}"{ECR}/team-a"\nrole_arn = "{ROLE}"', f"{ECR}/team-b/app"),
        *(ECR, "Image", "AWS"),
    ),
    "below a path": (
        *(f'{_RULE}"{ECR}/team-*/x"\nprovider = "ecr"', f"{ECR}/team-a/x/app:v1@sha256:{'0' * 64}"),
        *(f"{ECR}/team-a/x", "Image", "AWS"),
    ),
    "an alias": (
        *(f'{_RULE}"mirror.corp.example"\nalias = "{ECR}"', "mirror.corp.example/a:1"),
        *("mirror.corp.example", "Registry", "AWS"),
    ),
    "an alias of Docker Hub": (
        *(f'{_RULE}"docker.io"\nalias = "{ECR}"', "docker.io/library/nginx"),
        *("docker.io", "Registry", "AWS"),
    ),
    "an alias on a port": (
        *(f'{_RULE}"corp.example:5000"\nalias = "{ECR}"', "corp.example:5000/a"),
        *("corp.example:5000", "Registry", "AWS"),
    ),
    "a helper": (
        *(f'{_RULE}"corp.example"\nhelper = "own"', "corp.example/a/b"),
        *("corp.example", "Registry", "of-helper"),
    ),
    "logins of config.json": (
        *(f'{_RULE}"corp.example"\nprovider = "none"', "corp.example/a/b"),
        *("corp.example", "Registry", "of-config"),
    ),
    "variables": (
        *(f'{_RULE}"corp.example"\nprovider = "environment"', "corp.example/a/b"),
        *("corp.example", "Registry", "of-variables"),
    ),
    "no rule for the login of config.json": ("", "corp.example/a", "", "Registry", ""),
    "a rule for another registry": (
        *(f'{_RULE}"other.example"\nprovider = "none"', "corp.example/a", "", "Registry", ""),
    ),
    "a registry to pull from without a login": (
        *(f'{_RULE}"{ECR}"\nanswer = "anonymous"', f"{ECR}/a", "", "Registry", ""),
    ),
}


@pytest.mark.parametrize("case", _RULES)
def test_the_answer_is_for_the_narrowest_pattern_that_is_right(node: Node, case: str) -> None:
    rules, image, pattern, kept_for, username = _RULES[case]
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
_BAD: dict[str, tuple[dict[str, Any] | str, str]] = {
    "nothing": ("", "kubelet.no-request"),
    "half of a document": ('{"kind":', "client.not-json"),
    "two documents": ("{}{}", "client.not-json"),
    "a list": ("[]", "client.not-object"),
    "another kind": ({"kind": "CredentialProviderResponse"}, "kubelet.other-kind"),
    "another version": ({"apiVersion": "v1"}, "kubelet.other-version"),
    "a version that is a number": ({"apiVersion": 1}, "kubelet.other-version"),
    "a key of its own": ({"image": "a/b", "tag": "x"}, "kubelet.unknown-key"),
    "a key of a later version": (
        {"apiVersion": f"{V1}beta1", "image": "a/b", "serviceAccountToken": _TOKEN},
        "kubelet.unknown-key",
    ),
    "a key twice": ('{"kind":"a","kind":"b"}', "kubelet.repeated-key"),
    "no image": ({}, "kubelet.no-image"),
    "an image that is a list": ({"image": []}, "client.not-text"),
    "a scheme": ({"image": f"https://{ECR}/a"}, "kubelet.not-reference"),
    "user information": ({"image": f"u:p@{ECR}/a"}, "kubelet.not-reference"),
    "a capital in the repository": ({"image": f"{ECR}/A"}, "kubelet.not-reference"),
    "a blank": ({"image": f"{ECR}/a b"}, "kubelet.not-reference"),
    "a host alone": ({"image": f"{ECR}/"}, "kubelet.not-reference"),
    "a port that is a word": ({"image": "corp.example:http/a"}, "kubelet.not-reference"),
    "annotations that are a list": (
        {"image": f"{ECR}/a", "serviceAccountAnnotations": ["a"]},
        "kubelet.annotations",
    ),
    "annotations that are an empty list": (
        {"image": f"{ECR}/a", "serviceAccountAnnotations": []},
        "kubelet.annotations",
    ),
    "annotations that are false": (
        {"image": f"{ECR}/a", "serviceAccountAnnotations": False},
        "kubelet.annotations",
    ),
    "half of a character in the token": (
        {"image": f"{ECR}/a", "serviceAccountToken": "\ud800"},
        "kubelet.not-jwt",
    ),
    "an annotation that is a number": (
        {"image": f"{ECR}/a", "serviceAccountAnnotations": {"a": 1}},
        "kubelet.annotations",
    ),
    "a token that says nothing": (
        {"image": f"{ECR}/a", "serviceAccountToken": _TOKEN, "serviceAccountAnnotations": EKS},
        "kubelet.not-jwt",
    ),
}


@pytest.mark.parametrize("case", _BAD)
def test_a_bad_request_is_an_error_that_names_what_is_wrong(node: Node, case: str) -> None:
    request, expected = _BAD[case]
    answer = node.send(request)
    assert code(answer) == expected
    assert _TOKEN not in answer.stderr
    assert node.cluster.asked() == ""
    assert not list(Path(node.environment["XDG_CACHE_HOME"]).rglob("*.token"))


@pytest.mark.parametrize("text", ["[]", "{", "", "[" * 100_000, '{"a":1}}', "\ufeff", "\udcff"])
def test_settings_of_azure_that_are_no_object_are_an_error(node: Node, text: str) -> None:
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
def test_a_bad_argument_is_an_error_that_names_it(
    node: Node, link: str, arguments: tuple[str, ...], expected: str
) -> None:
    answer = node.send({"image": f"{ECR}/a"}, *arguments, link=link)
    assert code(answer) == expected
    assert "s3cret" not in answer.stderr
