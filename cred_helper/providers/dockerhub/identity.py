"""The identity for Docker Hub: a job's identity token, an organization, and its connection.

Source: https://github.com/docker/login-action/blob/master/src/dockerhub.ts (variables, limits)
"""

from __future__ import annotations

from cred_helper import clouds
from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import digest
from cred_helper.hosts import DOCKERHUB
from cred_helper.providers.common import ci_job, id_token
from cred_helper.providers.common.interface import ID_TOKEN, Identity, is_guid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import TokenRequest

AUDIENCE = clouds.find(DOCKERHUB).audience
# What Docker's identity service accepts. Docker's own action asks for the shortest, which ends
# before many builds do (docker/login-action#1070). BuildKit uses a credential for 290 s: of this
# life, a cached token still has five minutes when it is given out.
SHORTEST_S, LONGEST_S, USUAL_S = 300, 21600, 900
# A token opens docker.io and dhi.io alike.
_SCOPE = "Docker Hub"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_MAX_NAME_CHARACTERS = 255


class HubIdentity(Identity, kw_only=True):
    """A job's identity token, and what Docker's identity service needs besides."""

    connection_id: str
    username: str
    expires_in_s: int


def identify(request: TokenRequest) -> HubIdentity:
    """Check the options and find the identity token.

    Raises:
        Misconfigured: an option is missing or wrong, or the job has no identity token.
    """
    connection_id = request.options.get("connection_id", "").strip().lower()
    if not connection_id:
        raise Misconfigured("dockerhub.no-connection")
    if not is_guid(connection_id):
        raise request.wrong("connection_id", "dockerhub.bad-connection")
    username = request.options.get("username", "").strip()
    if not username:
        raise request.wrong("connection_id", "dockerhub.no-username")
    if len(username) > _MAX_NAME_CHARACTERS or not _NAME.issuperset(username.lower()):
        raise request.wrong("username", "dockerhub.bad-username")
    expires_in_s = _expires_in_s(request)
    try:
        token = id_token.find(request, AUDIENCE)
    except Misconfigured:
        job = ci_job.system(request.environ)
        if job in ("", ci_job.GITHUB):
            raise
        raise request.wrong("connection_id", "dockerhub.other-job", system=job) from None
    parts = [connection_id, username, str(expires_in_s)]
    return HubIdentity(
        ID_TOKEN,
        lambda: f"{token.place}, for {username} by connection {connection_id}",
        cache_key=digest([*parts, token.whose]) if token.whose else None,
        scope=_SCOPE,
        id_token=token,
        connection_id=connection_id,
        username=username,
        expires_in_s=expires_in_s,
    )


def _expires_in_s(request: TokenRequest) -> int:
    text = request.options.get("expires_in", "").strip()
    if not text:
        return USUAL_S
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not SHORTEST_S <= seconds <= LONGEST_S:
        code = "dockerhub.bad-expiry"
        raise request.wrong("expires_in", code, least=SHORTEST_S, most=LONGEST_S)
    return seconds
