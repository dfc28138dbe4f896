"""The CI system that runs this process, and the identity token that it has for the job.

Looks at variables and the firmware alone: ``id_token_issuer`` asks the systems that have to be
asked. The rules are those of the library ``id``, with three more systems. The library itself asks
at once, without our limits, proxies and CA bundles, and quotes replies; the tests compare with it.

Sources:
  https://github.com/di/id (GitHub, GitLab, CircleCI, Buildkite, Google Cloud)
  https://learn.microsoft.com/azure/devops/pipelines/build/variables (SYSTEM_OIDCREQUESTURI)
  https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc
  https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials
"""

from __future__ import annotations

from cred_helper import files, programs
from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import digest
from cred_helper.hosts import GCR
from cred_helper.providers.common import cloud_detection, token_identity
from cred_helper.providers.common.interface import FoundToken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Environ = Mapping[str, str]
    Look = Callable[[Environ, tuple[str, ...], bool], FoundToken]

GITHUB = "GitHub Actions"
AZURE_PIPELINES = "Azure Pipelines"
BITBUCKET = "Bitbucket Pipelines"
BUILDKITE = "Buildkite"
CIRCLECI = "CircleCI"
GITLAB = "GitLab CI"
GOOGLE_CLOUD = "Google Cloud"
TERRAFORM = "HCP Terraform"

GITHUB_URL, GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
AZURE_URL, AZURE_TOKEN = "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"
# What the task AzureCLI sets; azure-identity's documentation has the same name.
AZURE_CONNECTION = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"
METADATA_VARIABLE = "GCE_METADATA_HOST"
# What an agent is asked by, and for which job.
_BUILDKITE_VARIABLES = (
    *("BUILDKITE_JOB_ID", "BUILDKITE_AGENT_ACCESS_TOKEN", "BUILDKITE_AGENT_ENDPOINT"),
    *("BUILDKITE_AGENT_JOB_API_SOCKET", "BUILDKITE_AGENT_JOB_API_TOKEN"),
)
_CIRCLECI_TOKENS = ("CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN")


def find(environ: Environ, audiences: tuple[str, ...], *, is_chosen: bool) -> FoundToken:
    """Find the token of the job; ``is_chosen`` is whether the user chose the audience.

    Raises:
        Misconfigured: this is not a job of a known system, or the job lacks what its token needs.
    """
    for sign, _, look in _SYSTEMS:
        if environ.get(sign):
            return look(environ, audiences, is_chosen)
    is_machine = (
        environ.get("NO_GCE_CHECK") != "true" and cloud_detection.machine_signs(GCR).is_cloud
    )
    if is_machine or environ.get(METADATA_VARIABLE):
        return _google_cloud(environ, audiences)
    raise Misconfigured("oidc.no-ci")


def system(environ: Environ) -> str:
    """The CI system whose job this is; ``""`` outside of the known ones."""
    return next((name for sign, name, _ in _SYSTEMS if environ.get(sign)), "")


def _asked(
    system: str, environ: Environ, audiences: tuple[str, ...], names: tuple[str, ...]
) -> FoundToken:
    """A token to request from the CI system; the values of variables identify the job."""
    values = [environ.get(name, "") for name in names]
    whose = digest([system, *audiences, *values]) if values[0] else None
    place = f"the identity token of {system}"
    return FoundToken(place, audiences, whose, issuer=system, is_strict=True)


def _github(environ: Environ, audiences: tuple[str, ...], _is_chosen: bool) -> FoundToken:
    for name in (GITHUB_URL, GITHUB_TOKEN):
        if not environ.get(name):
            raise Misconfigured("oidc.github-permission", variable=name)
    return _asked(GITHUB, environ, audiences, (GITHUB_TOKEN, GITHUB_URL))


def _azure_pipelines(environ: Environ, audiences: tuple[str, ...], is_chosen: bool) -> FoundToken:
    for name in (AZURE_URL, AZURE_TOKEN, AZURE_CONNECTION):
        # Azure leaves "$(System.AccessToken)" as it is where the step may not have it.
        if not environ.get(name) or environ[name].startswith("$("):
            raise Misconfigured("oidc.azure-pipelines-variable", variable=name)
    names = (AZURE_TOKEN, AZURE_URL, AZURE_CONNECTION)
    found = _asked(AZURE_PIPELINES, environ, audiences, names)
    found.is_strict = is_chosen  # its tokens have one audience, whatever is asked for
    return found


def _buildkite(environ: Environ, audiences: tuple[str, ...], _is_chosen: bool) -> FoundToken:
    return _asked(BUILDKITE, environ, audiences, _BUILDKITE_VARIABLES)


def _circleci(environ: Environ, audiences: tuple[str, ...], is_chosen: bool) -> FoundToken:
    """The variable's token, whose audience is the organization; another has to be asked for."""
    name = next((name for name in _CIRCLECI_TOKENS if environ.get(name)), "")
    if not name:
        # It is missing now and then, and the program can have one all the same.
        # Source: https://github.com/CircleCI-Public/aws-cli-orb/pull/221
        organization = environ.get("CIRCLE_ORGANIZATION_ID", "")
        audiences = audiences if is_chosen else (organization,)
        if not audiences[0] or not programs.find("circleci", environ):
            raise Misconfigured("oidc.circleci-token")
        return _asked(CIRCLECI, environ, audiences, ("CIRCLE_WORKFLOW_JOB_ID",))
    own = token_identity.in_variable(name, environ[name], audiences)
    if not is_chosen or set(audiences_of(own.token)) & {*audiences}:
        return own
    found = _asked(CIRCLECI, environ, audiences, (name,))
    found.whose = digest([CIRCLECI, *audiences, own.whose or ""])
    return found


def _gitlab(environ: Environ, audiences: tuple[str, ...], _is_chosen: bool) -> FoundToken:
    """The variable of ``id_tokens`` whose token has the audience, whatever its name is."""
    for name, token in _tokens(environ):
        if set(audiences_of(token)) & {*audiences}:
            return token_identity.in_variable(name, token, audiences)
    others = ", ".join(name for name, _ in _tokens(environ))
    if others:
        raise Misconfigured("oidc.gitlab-audience", audience=audiences[0], variables=others)
    raise Misconfigured("oidc.gitlab-token", audience=audiences[0])


def _tokens(environ: Environ) -> Iterator[tuple[str, str]]:
    """The variables that hold a JSON web token with a subject and an audience."""
    for name in files.variables(environ):
        if environ[name].startswith("eyJ") and audiences_of(environ[name]):
            yield name, environ[name]


def _variable(name: str, code: str) -> Look:
    def look(environ: Environ, audiences: tuple[str, ...], is_chosen: bool) -> FoundToken:
        if not environ.get(name):
            raise Misconfigured(code, variable=name)
        token = environ[name]
        return token_identity.in_variable(name, token, audiences, is_strict=is_chosen)

    return look


def _google_cloud(environ: Environ, audiences: tuple[str, ...]) -> FoundToken:
    """The machine's token; another account can be behind an address that a variable names."""
    found = _asked(GOOGLE_CLOUD, environ, audiences, (METADATA_VARIABLE,))
    node = files.machine_name({})
    is_usual = node and not environ.get(METADATA_VARIABLE)
    parts = [GOOGLE_CLOUD, *audiences, node, cloud_detection.boot_id()]
    found.whose = digest(parts) if is_usual else None
    return found


def audiences_of(token: str) -> tuple[str, ...]:
    return token_identity.texts(token_identity.claim(token, b'"aud"'))


# What a system sets for each of its jobs, its name, and how to look for the token. A job of one of
# these on a machine of Google's is known by the job.
_SYSTEMS: tuple[tuple[str, str, Look], ...] = (
    ("GITHUB_ACTIONS", GITHUB, _github),
    (GITHUB_URL, GITHUB, _github),
    ("GITLAB_CI", GITLAB, _gitlab),
    ("CIRCLECI", CIRCLECI, _circleci),
    ("BUILDKITE", BUILDKITE, _buildkite),
    ("TF_BUILD", AZURE_PIPELINES, _azure_pipelines),
    (
        "BITBUCKET_BUILD_NUMBER",
        BITBUCKET,
        _variable("BITBUCKET_STEP_OIDC_TOKEN", "oidc.bitbucket-token"),
    ),
    ("TFC_RUN_ID", TERRAFORM, _variable("TFC_WORKLOAD_IDENTITY_TOKEN", "oidc.terraform-token")),
)
