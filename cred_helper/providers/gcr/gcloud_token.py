"""An access token from gcloud, or one that the user gives to gcloud. Loads no SDK.

Source: https://cloud.google.com/sdk/gcloud/reference/auth/print-access-token
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cred_helper.errors import BadReply, Denied, Misconfigured, Unreachable
from cred_helper.providers.common.quoted import last_line, quoted
from cred_helper.providers.common.run_program import run
from cred_helper.providers.gcr import credential_file, gcloud

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.errors import CredentialError
    from cred_helper.programs.running import ProgramResult
    from cred_helper.providers.common.interface import Deadline
    from cred_helper.providers.gcr.gcloud import Login

# gcloud renews a token that is valid for less than this before it prints it.
# Source: _CREDENTIALS_EXPIRY_WINDOW in gcloud's googlecloudsdk/core/credentials/store.py
_LIFETIME_S = 300
# gcloud asks no question and checks for no update.
_UNATTENDED = {
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "1",
}
# Another gcloud that runs at the same time locks its databases for a moment.
_LOCKED = b"database is locked"
_LOCKED_PAUSE_S = 0.5
_ATTEMPTS = 4
# What gcloud says where only a login helps.
_LOGIN_ENDED = (
    *(b"gcloud auth login", b"Reauthentication", b"refreshing your current auth tokens"),
    *(b"invalid_grant", b"active account selected"),
)
_MAX_TOKEN_BYTES = 1 << 16


def access_token(
    login: Login, environ: Mapping[str, str], deadline: Deadline
) -> tuple[str, datetime | None]:
    """The token of a login, and when it expires, if that is known.

    Raises:
        ProviderError: gcloud has a login, and gave no token.
    """
    if login.is_token:
        return login.token or from_file(login.token_file), None
    token = _printed(login, environ, deadline)
    if login.token or login.token_file:
        return token, None  # impersonation by a token: nothing says how long that is valid
    return token, datetime.now(UTC) + timedelta(seconds=_LIFETIME_S)


def from_file(path: str) -> str:
    """The access token in a file that the user gives to gcloud.

    Raises:
        Misconfigured: it cannot be read, or does not hold one.
    """
    from cred_helper.files.os_errors import os_reason
    from cred_helper.files.path_values import holds_content, quotable

    variable = gcloud.TOKEN_FILE_VARIABLE
    if holds_content(path):
        raise Misconfigured("gcr.content-for-path", variable=variable)
    file = f"{path if quotable(path) else 'the file'}, named by {variable},"
    try:
        data = credential_file.content(path)
    except FileNotFoundError:
        raise Misconfigured("gcr.file-missing", file=file) from None
    except OSError as error:
        reason = os_reason(error)
        raise Misconfigured("gcr.file-unreadable", file=file, reason=reason) from None
    words = data[: _MAX_TOKEN_BYTES + 1].decode("utf-8", "replace").split()
    if len(words) != 1 or len(data) > _MAX_TOKEN_BYTES:
        raise Misconfigured("gcr.not-a-token-file", file=file)
    return words[0]


def _printed(login: Login, environ: Mapping[str, str], deadline: Deadline) -> str:
    """The token that gcloud prints. A gcloud that meets a locked database is run again."""
    from time import sleep

    command = [login.program, "auth", "print-access-token"]
    for attempt in range(1, _ATTEMPTS + 1):
        finished = run(command, {**environ, **_UNATTENDED}, deadline.remaining_s(), "gcloud")
        if finished.status == 0:
            return _token(finished.output)
        if _LOCKED not in finished.errors:
            raise _failure(finished, login)
        if attempt == _ATTEMPTS or deadline.remaining_s() < 2 * _LOCKED_PAUSE_S:
            break
        sleep(_LOCKED_PAUSE_S)
    raise Unreachable("gcr.gcloud-locked", attempts=attempt)


def _token(output: bytes) -> str:
    words = [line.split() for line in output.decode("utf-8", "replace").splitlines()]
    tokens = [line[0] for line in words if len(line) == 1]
    if len(tokens) != 1 or not tokens[0].isascii():
        raise BadReply("gcr.gcloud-printed-no-token")
    return tokens[0]


def _failure(finished: ProgramResult, login: Login) -> CredentialError:
    line = last_line(finished.errors, "ERROR:").removeprefix("ERROR:").strip()
    said = quoted(line, login.secrets) or "no reason"
    if any(sign in finished.errors for sign in _LOGIN_ENDED):
        is_service = login.account.endswith(".gserviceaccount.com")
        code = "gcr.gcloud-account-refused" if is_service else "gcr.gcloud-login-ended"
        return Denied(code, whose=login.detail, said=said)
    return Denied("gcr.gcloud-failed", status=finished.status, said=said)
