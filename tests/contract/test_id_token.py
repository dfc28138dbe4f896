"""Identity tokens of CI jobs: every system, every cloud, and what goes wrong on the way.

The clouds verify the token; the providers ask in this process, so that a table of cases is quick,
and by the executable where the cache and the words for a user count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import id as sigstore
import pytest

from cred_helper import clouds, providers
from cred_helper.credential import Credential
from cred_helper.errors import CredentialError
from cred_helper.hosts import route
from cred_helper.providers.common import id_token, id_token_issuer, token_identity
from cred_helper.providers.common.bounded_provider import BoundedProvider
from cred_helper.providers.common.interface import IdToken, TokenRequest
from cred_helper.server_url import ServerURL
from tests.clouds import aws, azure, ci, faults, google
from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.ci import CiSystem
from tests.clouds.google import GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Fault, LoopbackServer, Reply, json_reply
from tests.support.machine import Machine
from tests.support.programs import Programs
from tests.support.requests import jwt, token_request

PREFIX = "DOCKER_CREDENTIAL_MULTI_"
JOB = "repo:octo/app:ref:refs/heads/main"
PROVIDER = google.POOL.removeprefix("//iam.googleapis.com/")
AUDIENCES = {"ecr": "sts.amazonaws.com", "gcr": google.POOL, "acr": ci.AZURE_AUDIENCE}
ROLE = f"arn:aws:iam::{aws.ACCOUNT}:role/ci"


@dataclass
class World:
    """The CI system and the three clouds that trust one job of it."""

    ci: CiSystem
    ecr: AwsCloud
    gcr: GoogleCloud
    acr: AzureCloud
    proxy: TerminatingProxy
    programs: Programs
    options: dict[str, dict[str, str]] = field(default_factory=dict)

    def way(self) -> dict[str, str]:
        """The variables that lead to the clouds, and to no metadata service."""
        return {"NO_GCE_CHECK": "true", **self.ecr.redirection(), **self.proxy.environment()}

    def request(
        self, cloud: str, environment: Mapping[str, str], *, deadline_s: float = 20, **options: str
    ) -> TokenRequest:
        """A request for the example registry of a cloud, as the wiring makes it."""
        options = {**self.options[cloud], "id_token": "ci", **options}
        return token_request(
            clouds.find(cloud).example_host,
            {"PATH": self.programs.path, **self.way(), **environment},
            deadline_s,
            options,
            IdToken(options["id_token"], options.get("id_token_audience", "")),
        )

    def identify(self, cloud: str, request: TokenRequest) -> tuple[Any, Any]:
        """The provider of a cloud and the identity that it finds."""
        provider = providers.load(cloud)
        assert provider is not None
        return provider, provider.identify(request)

    def get(self, cloud: str, environment: Mapping[str, str], **more: Any) -> Credential:
        """Ask a provider; no other source than the token may have answered."""
        request = self.request(cloud, environment, **more)
        provider, identity = self.identify(cloud, request)
        assert identity.source == "id-token"
        return BoundedProvider(provider).get(request, identity)

    def code(self, cloud: str, environment: Mapping[str, str], **more: Any) -> str:
        """The code of an error, which shows no secret."""
        return self.error(cloud, environment, **more).code

    def error(self, cloud: str, environment: Mapping[str, str], **more: Any) -> CredentialError:
        """An error, which shows no secret."""
        with pytest.raises(CredentialError) as caught:
            self.get(cloud, environment, **more)
        shown = f"{caught.value.line} {caught.value.hint}"
        assert not [secret for secret in self.ci.secrets if secret in shown], shown
        return caught.value

    def trusts(self, cloud: str, credential: Credential, subject: str = JOB) -> bool:
        """Whether a credential was issued to this job."""
        host = clouds.find(cloud).example_host
        secret = credential.secret.expose()
        assert getattr(self, cloud).issued(credential.username, secret, host)
        if cloud == "ecr":
            return self.ecr.calls[-1].principal.startswith("arn:aws:sts::123456789012:assumed-role")
        return cloud == "acr" or self.gcr.principal(secret) == subject


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def world(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with (
        TerminatingProxy(authority) as proxy,
        AwsCloud() as ecr,
        GoogleCloud() as gcr,
        AzureCloud(authority) as acr,
        LoopbackServer() as server,
    ):
        system = CiSystem(server)
        gcr.register(proxy)
        acr.register(proxy)
        ecr.ci = gcr.ci = acr.ci = system
        ecr.role("ci", JOB)
        gcr.workloads, acr.workloads = {JOB}, {JOB}
        gcr.impersonators.add((JOB, google.TARGET))
        running = World(system, ecr, gcr, acr, proxy, Programs(tmp_path / "bin"))
        running.options = {
            "ecr": {"role_arn": ROLE},
            "gcr": {"workload_identity_provider": PROVIDER},
            "acr": {"tenant_id": azure.TENANT_ID, "client_id": azure.CLIENT_ID},
        }
        for name, value in running.way().items():
            monkeypatch.setenv(name, value)
        yield running
        assert proxy.refused == []


# --- Where a job gets its token -------------------------------------------------------------------

Job = Callable[[World, str], dict[str, str]]
JOBS: dict[str, Job] = {
    "GitHub Actions": lambda world, _: world.ci.github(JOB),
    "GitLab CI": lambda world, audience: world.ci.gitlab(JOB, audience),
    "Buildkite": lambda world, audience: world.ci.buildkite(JOB, audience, world.programs),
    "Bitbucket": lambda world, audience: {
        "BITBUCKET_BUILD_NUMBER": "1",
        "BITBUCKET_STEP_OIDC_TOKEN": world.ci.token(JOB, audience),
    },
    "HCP Terraform": lambda world, audience: {
        "TFC_RUN_ID": "run-1",
        "TFC_WORKLOAD_IDENTITY_TOKEN": world.ci.token(JOB, [audience, "another"]),
    },
}


@pytest.mark.parametrize("cloud", clouds.NAMES[:3])
def test_every_ci_system_gives_the_token_that_a_cloud_exchanges(world: World, cloud: str) -> None:
    for name, job in JOBS.items():
        credential = world.get(cloud, job(world, AUDIENCES[cloud]))
        assert world.trusts(cloud, credential), name
        assert credential.expires_at is not None, name


def test_a_job_has_the_identity_of_sigstore(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    audience = AUDIENCES["ecr"]
    gitlab = world.ci.gitlab(JOB, audience)
    gitlab["STS_AMAZONAWS_COM_ID_TOKEN"] = gitlab.pop("JOB_TOKEN")  # the name that it looks for
    buildkite = world.ci.buildkite(JOB, audience, world.programs)
    for job in (world.ci.github(JOB), gitlab, buildkite):
        with monkeypatch.context() as patch:
            for name, value in {**job, "PATH": world.programs.path}.items():
                patch.setenv(name, value)
            found = sigstore.detect_credential(audience)
        request = world.request("ecr", job)
        ours = id_token_issuer.token(request, id_token.find(request, audience))
        assert found is not None
        assert token_identity.of_token(ours) == token_identity.of_token(found), job


def test_systems_whose_tokens_have_one_audience_serve_clouds_that_expect_it(world: World) -> None:
    assert world.trusts("acr", world.get("acr", world.ci.azure_pipelines(JOB)))
    world.ecr.web_audience = "an organization"
    assert world.trusts("ecr", world.get("ecr", world.ci.circleci(JOB)))
    world.ecr.web_audience = "chosen"
    job = world.ci.circleci(JOB, world.programs)
    assert world.trusts("ecr", world.get("ecr", job, id_token_audience="chosen"))
    world.ecr.web_audience = ci.AZURE_AUDIENCE
    job = world.ci.azure_pipelines(JOB)
    assert world.code("ecr", job) == "oidc.wrong-audience"
    assert world.trusts("ecr", world.get("ecr", job, id_token_audience=ci.AZURE_AUDIENCE))


def test_a_variable_a_file_and_a_pipe_hold_a_token(world: World, tmp_path: Path) -> None:
    token = world.ci.token(JOB, AUDIENCES["ecr"])
    assert world.get("ecr", {"MY_TOKEN": token}, id_token="env:MY_TOKEN")
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    assert world.get("ecr", {}, id_token=f"file:{file}")
    reader, writer = os.pipe()
    os.write(writer, token.encode())
    os.close(writer)
    assert world.get("ecr", {}, id_token=f"file:/dev/fd/{reader}")
    os.close(reader)


def test_a_token_of_google_cloud_comes_from_the_metadata_service(world: World) -> None:
    token = world.ci.token("114", AUDIENCES["ecr"])
    path = "/computeMetadata/v1/instance/service-accounts/default/identity"
    reply = Reply(200, {"Metadata-Flavor": "Google"}, token.encode())
    world.ci.server.on("GET", path, lambda _: reply)
    world.ecr.role("ci", "114")
    machine = {"GCE_METADATA_HOST": f"127.0.0.1:{world.ci.server.port}"}
    assert world.get("ecr", machine)
    [asked] = world.ci.server.received_at(path)
    assert asked.query == {"audience": "sts.amazonaws.com", "format": "full"}
    assert asked.headers["metadata-flavor"] == "Google"


def test_an_account_is_impersonated_by_the_federated_identity(world: World) -> None:
    credential = world.get("gcr", world.ci.github(JOB), impersonate=google.TARGET)
    assert world.trusts("gcr", credential, google.TARGET)
    world.gcr.impersonators.clear()
    refused = world.error("gcr", world.ci.github(JOB), impersonate=google.TARGET)
    assert refused.code == "gcr.impersonation-by-workload-refused"
    assert JOB in refused.reason


def test_the_audience_of_a_partition_and_of_a_sovereign_cloud_is_its_own(world: World) -> None:
    for cloud, host, audience in (
        ("ecr", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "sts.amazonaws.com.cn"),
        ("acr", "myreg.azurecr.us", "api://AzureADTokenExchangeUSGov"),
    ):
        found = route(ServerURL.parse(host))
        assert found is not None
        request = world.request(cloud, world.ci.github(JOB))
        request.route = found
        if cloud == "ecr":
            with pytest.raises(CredentialError, match=r"^ecr\.role-of-another-partition$"):
                world.identify(cloud, request)
            request.options = {**request.options, "role_arn": ROLE.replace("aws", "aws-cn", 1)}
        _, identity = world.identify(cloud, request)
        assert identity.id_token.audience == audience


# --- What is missing or wrong before anything is sent ---------------------------------------------


PIPELINES = {
    "TF_BUILD": "True",
    "SYSTEM_OIDCREQUESTURI": "https://vstoken.example",
    "SYSTEM_ACCESSTOKEN": "$(System.AccessToken)",
}
ORGANIZATION = {"CIRCLECI": "true", "CIRCLE_OIDC_TOKEN": jwt(sub="s", aud="organization")}
OF_HUB = {"aud": "https://identity.docker.com"}
IN_T = {"id_token": "env:T"}
# The variables of a job, the options, and the code of the error.
LACKS: list[tuple[dict[str, str], dict[str, str], str]] = [
    ({}, {}, "no-ci"),
    ({"GITHUB_ACTIONS": "true"}, {}, "github-permission"),
    ({"GITLAB_CI": "true"}, {}, "gitlab-token"),
    ({"GITLAB_CI": "true", "T": jwt(sub="s", aud="https://gitlab.com")}, {}, "gitlab-audience"),
    ({"CIRCLECI": "true"}, {}, "circleci-token"),
    (ORGANIZATION, {"id_token_audience": "chosen"}, "program-missing"),
    ({"BUILDKITE": "true"}, {}, "program-missing"),
    ({"TF_BUILD": "True"}, {}, "azure-pipelines-variable"),
    (PIPELINES, {}, "azure-pipelines-variable"),
    ({"BITBUCKET_BUILD_NUMBER": "7"}, {}, "bitbucket-token"),
    ({"TFC_RUN_ID": "run-1"}, {}, "terraform-token"),
    ({}, {"id_token": "env:MISSING"}, "variable-not-set"),
    ({"BLANK": " "}, {"id_token": "env:BLANK"}, "variable-not-set"),
    ({}, {"id_token": "env:"}, "unknown-source"),
    ({}, {"id_token": "eyJhbGciOiJub25lIn0"}, "unknown-source"),
    ({}, {"id_token": "file:token"}, "unknown-source"),
    ({}, {"id_token": "file:/no/token"}, "file-unreadable"),
    ({"T": "not a token"}, IN_T, "not-a-token"),
    ({"T": "a.b.c"}, IN_T, "not-a-token"),
    ({"T": jwt(exp=time.time() - 600)}, IN_T, "expired"),
    ({"T": jwt(exp=-(10**400))}, IN_T, "expired"),
    ({"T": jwt(exp=10**400, **OF_HUB)}, IN_T, "wrong-audience"),
    ({"T": jwt(**OF_HUB)}, IN_T, "wrong-audience"),
    ({"T": jwt(aud="x")}, {**IN_T, "id_token_audience": "y"}, "wrong-audience"),
    *(
        (
            {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token},
            *({}, "bad-endpoint"),
        )
        for url, token in (
            *(("http://ci.example/token", "t"), ("http://169.254.169.254/token", "t")),
            *(("ci.example/token", "t"), ("https://[ci/token", "t")),
            ("https://ci.example/token", "a\nb"),
        )
    ),
]


def test_a_token_that_is_missing_or_bad_is_an_error_before_a_cloud_is_asked(world: World) -> None:
    for cloud in clouds.NAMES[:3]:
        for environment, options, code in LACKS:
            assert world.code(cloud, environment, **options) == f"oidc.{code}", (cloud, environment)
    assert [*world.ecr.received, *world.gcr.received, *world.acr.received] == []


NUMBERLESS = "gcr.project-without-number"
OPTIONS: list[tuple[str, dict[str, str], str]] = [
    ("ecr", {"profile": "work"}, "oidc.two-identities"),
    ("ecr", {"role_arn": "ci"}, "ecr.not-a-role"),
    ("ecr", {"role_arn": f"{ROLE}\n"}, "ecr.not-a-role"),
    ("ecr", {"role_arn": ROLE + "x" * 2048}, "ecr.not-a-role"),
    ("gcr", {"credentials_file": "/key.json"}, "oidc.two-identities"),
    ("gcr", {"workload_identity_provider": "pool/ci"}, "gcr.not-a-provider"),
    ("gcr", {"workload_identity_provider": PROVIDER.replace("/1/", "/p/")}, NUMBERLESS),
    ("acr", {"resource_id": "/subscriptions/1"}, "oidc.two-identities"),
    ("ecr", {"-": "role_arn"}, "oidc.option-missing"),
    ("gcr", {"-": "workload_identity_provider"}, "oidc.option-missing"),
    ("acr", {"-": "client_id"}, "oidc.option-missing"),
    ("acr", {"tenant_id": ".."}, "acr.bad-character"),
]


def test_options_that_contradict_a_token_are_an_error(world: World) -> None:
    job = world.ci.github(JOB)
    for cloud, options, code in OPTIONS:
        kept = dict(world.options[cloud])
        world.options[cloud].pop(options.pop("-", ""), None)
        assert world.code(cloud, job, **options) == code, (cloud, options)
        world.options[cloud] = kept


# --- What the CI system answers -------------------------------------------------------------------

GITHUB_FAULTS: list[tuple[Fault, str]] = [
    (faults.unavailable(429, retry_after_s=60), "network.throttled"),
    (faults.unavailable(503), "network.server-error"),
    (json_reply({}, 401), "oidc.refused"),
    (json_reply({}, 403), "oidc.refused"),
    (json_reply({}, 404), "oidc.refused"),
    (faults.html(), "oidc.no-token-in-reply"),
    (json_reply({"value": None}), "oidc.no-token-in-reply"),
    (json_reply({"value": ""}), "oidc.empty"),
    (json_reply({"value": "abc"}), "oidc.not-a-token"),
    (json_reply({"value": jwt(aud="other")}), "oidc.wrong-audience"),
    (json_reply({"value": jwt(exp=1)}), "oidc.expired"),
    (faults.redirect_to("https://elsewhere.example/"), "network.redirect"),
    (faults.huge_body(2 << 20), "network.reply-too-large"),
    (faults.cut_body, "network.broken-off"),
]


def test_each_failure_of_an_endpoint_has_its_own_code(world: World) -> None:
    for job, path in (
        (world.ci.github(JOB), ci.GITHUB_PATH),
        (world.ci.azure_pipelines(JOB), ci.AZURE_PATH),
    ):
        for fault, code in GITHUB_FAULTS:
            if path == ci.AZURE_PATH and isinstance(fault, Reply) and fault.body[:1] == b"{":
                body = fault.body.replace(b'"value"', b'"oidcToken"')
                fault = Reply(fault.status, fault.headers, body)  # noqa: PLW2901
            if path == ci.AZURE_PATH and code == "oidc.wrong-audience":
                continue  # it gives tokens of one audience
            world.ci.server.fail(path, fault)
            error = world.error("acr", job, deadline_s=1.9)  # too short to ask again
            world.ci.server.behave()
            assert error.code == code, (path, fault)
    assert world.acr.received == []


def test_an_endpoint_is_asked_again_and_named_before_the_deadline(world: World) -> None:
    world.ci.server.fail(ci.GITHUB_PATH, faults.unavailable(503), times=2)
    assert world.trusts("ecr", world.get("ecr", world.ci.github(JOB)))
    assert len(world.ci.server.received) == 3
    world.ci.server.fail(ci.GITHUB_PATH, faults.never_answer)
    error = world.error("ecr", world.ci.github(JOB), deadline_s=2)
    assert error.code == "network.timeout"
    assert "GitHub Actions" in error.reason


def test_a_program_of_the_system_that_fails_is_quoted_without_secrets(world: World) -> None:
    job = world.ci.buildkite(JOB, "another audience", world.programs)
    error = world.error("ecr", job)
    assert error.code == "oidc.program-failed"
    assert "not allowed" in error.reason


# --- What the clouds answer -----------------------------------------------------------------------


def test_a_cloud_that_refuses_the_token_is_explained_by_its_claims(world: World) -> None:
    stranger = "repo:octo/app:pull_request"
    refused = {
        "ecr": ("ecr.token-not-trusted", "ecr.audience-wrong", "ecr.issuer-unknown"),
        "gcr": (
            "gcr.attribute-condition",
            "gcr.audience-not-allowed",
            "gcr.subject-token-not-accepted",
        ),
        "acr": ("acr.no-federated-credential",) * 3,
    }
    for cloud, (subject, audience, issuer) in refused.items():
        error = world.error(cloud, world.ci.github(stranger))
        assert error.code == subject
        for claim in (stranger, ci.ISSUER, AUDIENCES[cloud]):
            assert claim in error.reason
        error = world.error(cloud, world.ci.github(JOB), id_token_audience="other")
        assert (error.code, "other" in error.reason) == (audience, True)
        foreign = world.ci.token(JOB, AUDIENCES[cloud], iss="https://other.example")
        error = world.error(cloud, {"T": foreign}, id_token="env:T")
        assert (error.code, "https://other.example" in error.reason) == (issuer, True)
    pool = PROVIDER.replace("pool", "gone")
    error = world.error("gcr", world.ci.github(JOB), workload_identity_provider=pool)
    assert error.code == "gcr.provider-unknown"


# --- Reports of the field -------------------------------------------------------------------------


def test_a_pending_job_of_github_gets_its_token_a_moment_later(world: World) -> None:
    # https://github.com/aws-actions/configure-aws-credentials/issues/469
    pending = json_reply({"message": "Can't issue ID_TOKEN for job in 'Pending' state."}, 403)
    world.ci.server.fail(ci.GITHUB_PATH, pending, times=1)
    assert world.trusts("ecr", world.get("ecr", world.ci.github(JOB)))
    world.ci.server.fail(ci.GITHUB_PATH, pending)
    error = world.error("ecr", world.ci.github(JOB), deadline_s=1.9)
    assert (error.code, "'Pending' state" in error.reason) == ("oidc.refused", True)


def test_azure_pipelines_words_for_a_service_connection_are_in_the_error(world: World) -> None:
    # https://github.com/dotnet/docker-tools/issues/2012
    said = "There is no explicit reference to service connection from current stage Build.Copy"
    for status in (200, 404):
        world.ci.server.fail(ci.AZURE_PATH, json_reply({"count": 151, "value": said}, status))
        error = world.error("acr", world.ci.azure_pipelines(JOB))
        assert (error.code, said in error.reason) == ("oidc.refused", True)
        world.ci.server.behave()


def test_the_role_of_a_runners_pod_is_not_that_of_the_job(world: World) -> None:
    # https://github.com/aws-actions/configure-aws-credentials/issues/1293
    pod = {"AWS_ROLE_ARN": ROLE.replace("ci", "node"), "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/file"}
    assert world.trusts("ecr", world.get("ecr", {**pod, **world.ci.github(JOB)}))
    world.options["ecr"] = {}
    assert world.code("ecr", {**pod, **world.ci.github(JOB)}) == "oidc.option-missing"
    assert world.get("ecr", {"AWS_ROLE_ARN": ROLE, **world.ci.github(JOB)})
    request = world.request("ecr", {"AWS_ROLE_ARN": ROLE})
    request.id_token = IdToken("the token of a pod", given=world.ci.token(JOB, AUDIENCES["ecr"]))
    with pytest.raises(CredentialError, match=r"^oidc\.option-missing$"):
        world.identify("ecr", request)


def test_circleci_is_asked_where_the_variable_is_absent(world: World) -> None:
    # https://github.com/CircleCI-Public/aws-cli-orb/pull/221
    job = world.ci.circleci(JOB, world.programs)
    del job["CIRCLE_OIDC_TOKEN_V2"]
    assert world.code("ecr", job) == "oidc.circleci-token"
    world.ecr.web_audience = "chosen"  # the organization, for which the program has a token
    assert world.trusts("ecr", world.get("ecr", {**job, "CIRCLE_ORGANIZATION_ID": "chosen"}))


# The cloud, its answer, and the code. Most are about an issuer of one's own.
ANSWERS: list[tuple[str, str, str]] = [
    # https://github.com/google-github-actions/auth/issues/124
    (
        *("gcr", "invalid_request The size of mapped attribute google.subject exceeds the 127"),
        "gcr.subject-too-long",
    ),
    # https://github.com/GoogleCloudPlatform/gcs-fuse-csi-driver/pull/1471
    (
        *("gcr", "invalid_grant Error connecting to the given credential's issuer."),
        "gcr.issuer-unreachable",
    ),
    # https://github.com/Azure/login/issues/515
    (
        *("acr", "AADSTS7002138: The subject matches with case-insensitive comparison"),
        "acr.federated-credential-case",
    ),
    # https://github.com/Azure/login/issues/283
    ("acr", "AADSTS501661: Request to External OIDC endpoint failed.", "acr.issuer-unreachable"),
    # https://github.com/aws-actions/configure-aws-credentials/issues/357
    (
        *("ecr", "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"),
        "ecr.issuer-thumbprint",
    ),
    (
        *("ecr", "Couldn't retrieve verification key from your identity provider"),
        "ecr.issuer-unreachable",
    ),
]


def oauth_reply(status: int, error: str, description: str) -> Reply:
    return json_reply({"error": error, "error_description": description}, status)


def test_the_answers_of_clouds_that_people_ask_about_have_codes_of_their_own(world: World) -> None:
    for cloud, said, code in ANSWERS:
        word, _, description = said.partition(" ")
        path, reply = {
            "gcr": ("/v1/token", oauth_reply(400, word, description)),
            "acr": ("*/oauth2/v2.0/token", oauth_reply(401, "invalid_client", said)),
            "ecr": ("/sts", aws.sts_error("InvalidIdentityToken", said)),
        }[cloud]
        world_cloud = getattr(world, cloud)
        world_cloud.fail(path, reply)
        error = world.error(cloud, world.ci.github(JOB))
        world_cloud.behave()
        assert (error.code, JOB in error.reason) == (code, True)
    # https://github.com/google-github-actions/setup-gcloud/issues/546
    wrong = PROVIDER.replace("providers/ci", "attribute.repository/octo/app")
    job = world.ci.github(JOB)
    assert world.code("gcr", job, workload_identity_provider=wrong) == "gcr.not-a-provider"


# --- By the executable ----------------------------------------------------------------------------


@pytest.fixture
def machine(world: World, home: Path) -> Machine:
    """A machine whose settings name a token's identity at each cloud; it has other identities."""
    machine = Machine(home, **world.way())
    machine.settings(
        f'[ecr]\nid_token = "ci"\nrole_arn = "{ROLE}"\n'
        f'[gcr]\nworkload_identity_provider = "{PROVIDER}"\n'
        f'[acr]\nid_token = "ci"\ntenant_id = "{azure.TENANT_ID}"\n'
        f'client_id = "{azure.CLIENT_ID}"\n'
    )
    machine.use(world.ecr.user("node").environment())
    machine.use(world.gcr.service_account_key(home))
    machine.use({"AZURE_CLIENT_SECRET": azure.CLIENT_SECRET})
    machine.issues.append(lambda: world.ci.secrets)
    return machine


def test_one_file_and_a_job_are_enough_for_three_clouds(world: World, machine: Machine) -> None:
    other = "repo:octo/other:ref:refs/heads/main"
    world.ecr.role("ci", JOB, other)
    world.gcr.workloads.add(other)
    world.acr.workloads.add(other)
    jobs = [world.ci.github(JOB), world.ci.github(other)]
    for cloud in clouds.NAMES[:3]:
        host = clouds.find(cloud).example_host
        first = [machine.get(host, **job).credential for job in jobs]
        asked = len(world.ci.server.received)
        assert first[0] != first[1]
        assert [machine.get(host, **job).credential for job in jobs] == first
        assert len(world.ci.server.received) == asked, "a cached answer asks nothing"
    # Without the permission there is an error, although the machine has other identities.
    for cloud in clouds.NAMES[:3]:
        done = machine.fail(clouds.find(cloud).example_host, GITHUB_ACTIONS="true")
        assert done.codes == ["oidc.github-permission"]
    # A login of docker's for the registry is a source of its own, which an order leaves out.
    host = clouds.find("ecr").example_host
    machine.config(auths={host: {"username": "left", "password": "there"}})
    done = machine.get(host, GITHUB_ACTIONS="true")
    assert (done.document["Username"], done.codes) == ("left", ["oidc.github-permission"])
    alone = {"GITHUB_ACTIONS": "true", "DOCKER_CREDENTIAL_MULTI_ORDER": "cloud"}
    assert machine.fail(host, **alone).codes == ["oidc.github-permission"]
