"""The identity of a web token: the role that it is for, and whose the token is.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import is_pipe
from cred_helper.files.path_values import shown
from cred_helper.providers.common import token_identity
from cred_helper.providers.ecr.identity import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.ecr.configuration import Configuration

# A token is a few KiB; more than this is read by nothing here.
_MAX_TOKEN_BYTES = 1 << 20


def by_variables(configuration: Configuration, path: str) -> Found:
    """The identity of the token in a file that a variable names."""
    role = configuration.environ.get("AWS_ROLE_ARN", configuration.options.get("role_arn", ""))
    if not role:
        raise Misconfigured("ecr.web-identity-without-role")
    token = token_in(path, "AWS_WEB_IDENTITY_TOKEN_FILE")
    parts = [role, session_name(configuration, configuration.options, by_variables=True)]
    return Found(
        f"{role} by the token in {shown('AWS_WEB_IDENTITY_TOKEN_FILE', path)}",
        None if token is None else [*parts, token],
    )


def session_name(
    configuration: Configuration, options: dict[str, str], *, by_variables: bool
) -> str:
    """The name of the role's session that is set; empty where none is."""
    variable = configuration.environ.get("AWS_ROLE_SESSION_NAME") if by_variables else None
    return options.get("rolesession_name", "") if variable is None else variable


def token_in(path: str, named_by: str) -> str | None:
    """Whose the token in a file is; ``None`` for a pipe, which only the SDK may read.

    Raises:
        Misconfigured: there is no token in the file.
    """
    values = {"named_by": named_by, "path": shown(named_by, path)}
    try:
        if is_pipe(path):
            return None
        with open(path, "rb") as file:
            token = file.read(_MAX_TOKEN_BYTES)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise Misconfigured("ecr.token-file-unreadable", reason=reason, **values) from None
    if not token.strip():
        raise Misconfigured("ecr.token-file-empty", **values)
    return token_identity.of_token(token)
