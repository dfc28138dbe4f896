"""The identity of a web token: the role that it is for, and whose the token is.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
"""

from __future__ import annotations

from cred_helper import clouds, files
from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import is_pipe
from cred_helper.files.os_errors import os_reason
from cred_helper.files.path_values import shown
from cred_helper.hosts import ECR
from cred_helper.providers.common import token_identity
from cred_helper.providers.ecr.identity import CONTAINER, PROFILE, WEB_IDENTITY, SourceIdentity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.ecr.configuration import Configuration

# Source: https://github.com/aws-actions/configure-aws-credentials#oidc-audience-change
_AUDIENCE = clouds.find(ECR).audience
_AUDIENCES = {"aws-cn": f"{_AUDIENCE}.cn"}
# A token is a few KiB; more than this is read by nothing here.
_MAX_TOKEN_BYTES = 1 << 20
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_MAX_NAME, _MAX_ARN = 64, 640


def by_variables(config: Configuration, path: str) -> SourceIdentity:
    role = config.environ.get("AWS_ROLE_ARN", config.options.get("role_arn", ""))
    if not role:
        raise Misconfigured("ecr.web-identity-without-role")
    token = token_in(path, "AWS_WEB_IDENTITY_TOKEN_FILE")
    parts = [role, session_name(config, config.options, by_variables=True)]
    detail = f"{role} by the token in {shown('AWS_WEB_IDENTITY_TOKEN_FILE', path)}"
    return SourceIdentity(detail, None if token is None else [*parts, token])


def by_id_token(config: Configuration) -> SourceIdentity:
    """The role that the identity token of the request is for."""
    from cred_helper.providers.common import id_token

    request = config.request
    id_token.refuse_second(request, "profile")
    found = id_token.find(request, _AUDIENCES.get(config.route.partition, _AUDIENCE))
    role = role_of_id_token(config)
    if not role:
        raise id_token.missing(request, "role_arn", "the role that trusts the token")
    named_by = "role_arn" if config.role_arn else "AWS_ROLE_ARN"
    partition = config.route.partition
    is_arn = role.startswith("arn:") and ":iam::" in role and ":role/" in role
    is_short = len(role) <= _MAX_ARN and len(role.rpartition("/")[2]) <= _MAX_NAME
    if not is_arn or not is_short or role.split() != [role]:
        raise request.wrong(named_by, "ecr.not-a-role", named_by=named_by)
    if not role.startswith(f"arn:{partition}:"):
        raise request.wrong(named_by, "ecr.role-of-another-partition", partition=partition)
    name = session_name(config, config.options, by_variables=True)
    parts: list[str | bytes] | None = None if found.whose is None else [role, name, found.whose]
    return SourceIdentity(f"{role} by {found.place}", parts, id_token=found)


def role_of_id_token(config: Configuration) -> str:
    """The role that an identity token is for; empty where none is set.

    The variable counts where it does not belong to another token, such as that of a runner's pod,
    nor to the node on which a pod has a token.
    """
    environ, token = config.environ, config.request.id_token
    is_free = not environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") and not (token and token.given)
    return config.role_arn or (environ.get("AWS_ROLE_ARN", "") if is_free else "")


def session_name(config: Configuration, options: dict[str, str], *, by_variables: bool) -> str:
    """The name of the role's session that is set; empty where none is."""
    variable = config.environ.get("AWS_ROLE_SESSION_NAME") if by_variables else None
    return options.get("role_session_name", "") if variable is None else variable


def await_pipe(config: Configuration, source: str | None) -> None:
    """Wait for the writer of a pipe, where the token is in one.

    Raises:
        Misconfigured: nothing is written to it.
    """
    named_by = {
        WEB_IDENTITY: "AWS_WEB_IDENTITY_TOKEN_FILE",
        CONTAINER: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        PROFILE: "web_identity_token_file",
    }.get(source or "", "")
    values = config.options if source == PROFILE else config.environ
    path = values.get(named_by, "")
    try:
        if not path or not is_pipe(path):
            return
    except OSError:
        return
    from cred_helper.providers.common import pipes

    place = shown(named_by, path)
    try:
        pipes.hand_on(path, f"{place} ({named_by})", _MAX_TOKEN_BYTES)
    except OSError as error:
        values = {"named_by": named_by, "path": place, "reason": os_reason(error)}
        raise Misconfigured("ecr.token-file-unreadable", **values) from None


def token_in(path: str, named_by: str) -> str | None:
    """Whose the token in a file is; ``None`` for a pipe, which only the SDK may read.

    Raises:
        Misconfigured: there is no token in the file.
    """
    values = {"named_by": named_by, "path": shown(named_by, path)}
    try:
        if is_pipe(path):
            return None
        token = files.read(path, _MAX_TOKEN_BYTES)
    except OSError as error:
        reason = os_reason(error)
        raise Misconfigured("ecr.token-file-unreadable", reason=reason, **values) from None
    if not token.strip():
        raise Misconfigured("ecr.token-file-empty", **values)
    return token_identity.of_token(token)
