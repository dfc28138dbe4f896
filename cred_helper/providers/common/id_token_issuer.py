"""Gets the identity token itself, for a ``get``, and checks it before it is sent.

CI systems are asked over our wire or by their own programs, with its limits. A cloud sees only a
JSON web token that has not expired, and that is not for another service. Never quotes a token.

Sources:
  https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
  https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
  https://buildkite.com/docs/agent/v3/cli-oidc, https://circleci.com/docs/oidc-tokens-with-custom-claims
  https://cloud.google.com/compute/docs/instances/verifying-instance-identity
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import sleep
from urllib.parse import quote, urlsplit

from cred_helper.errors import (
    BadReply,
    CredentialError,
    Denied,
    Misconfigured,
    ProviderError,
    Unreachable,
)
from cred_helper.files.json_file import parse_object
from cred_helper.files.os_errors import os_reason
from cred_helper.programs import find
from cred_helper.providers.common import ci_job, id_token_check, pipes, token_identity
from cred_helper.providers.common.interface import FoundToken, TokenRequest
from cred_helper.providers.common.proxy import is_loopback
from cred_helper.providers.common.quoted import last_line, quoted
from cred_helper.providers.common.run_program import run
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.common.wire import RoundTrip

# GitHub's endpoint fails now and then for a moment; with 403 for a job that is still "Pending".
# Source: https://github.com/aws-actions/configure-aws-credentials/issues/469
_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.5
_PROGRAM_SHARE = 0.5
_METADATA_HOST = "169.254.169.254"
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/identity"
_AZURE_API_VERSION = "7.1"


def token(request: TokenRequest, found: FoundToken) -> str:
    """Get the token and check it.

    Raises:
        ProviderError: there is no token, or it is of no use to this cloud.
    """
    text = found.token
    if found.issuer:
        text = _ASK[found.issuer](request, found)
    elif found.path:
        text = _from_pipe(found)
    text = text.strip()
    id_token_check.check(text, found)
    return text


def _from_pipe(found: FoundToken) -> str:
    try:
        data = pipes.read(found.path, found.place, token_identity.MAX_TOKEN_BYTES)
    except OSError as error:
        values = {"place": found.place, "reason": os_reason(error)}
        raise Misconfigured("oidc.file-unreadable", **values) from None
    return data.decode("utf-8", "surrogateescape")


# --- Systems with an endpoint ---------------------------------------------------------------------


def _github(request: TokenRequest, found: FoundToken) -> str:
    url = request.environ[ci_job.GITHUB_URL]
    url += f"{'&' if '?' in url else '?'}audience={quote(found.audience, safe='')}"
    headers = {"Authorization": f"Bearer {request.environ[ci_job.GITHUB_TOKEN].strip()}"}
    return _member(_asked(request, found, "GET", url, headers, ci_job.GITHUB_URL), "value")


def _azure_pipelines(request: TokenRequest, found: FoundToken) -> str:
    connection = quote(request.environ[ci_job.AZURE_CONNECTION], safe="")
    url = request.environ[ci_job.AZURE_URL].rstrip("/")
    url += f"?api-version={_AZURE_API_VERSION}&serviceConnectionId={connection}"
    headers = {
        "Authorization": f"Bearer {request.environ[ci_job.AZURE_TOKEN].strip()}",
        "Content-Type": "application/json",
        # A refusal in place of a redirection to a sign-in page.
        "X-TFS-FedAuthRedirect": "Suppress",
    }
    return _member(_asked(request, found, "POST", url, headers, ci_job.AZURE_URL), "oidcToken")


def _google_cloud(request: TokenRequest, found: FoundToken) -> str:
    host = request.environ.get(ci_job.METADATA_VARIABLE) or _METADATA_HOST
    url = f"http://{host}{_METADATA_PATH}?format=full&audience={quote(found.audience, safe='')}"
    headers = {"Metadata-Flavor": "Google"}
    reply = _asked(request, found, "GET", url, headers, ci_job.METADATA_VARIABLE, is_direct=True)
    if reply.headers.get("Metadata-Flavor", "").lower() != "google":
        raise BadReply("oidc.no-token-in-reply", upstream=reply.upstream)
    return reply.body.decode("utf-8", "replace")


def _asked(
    request: TokenRequest,
    found: FoundToken,
    method: str,
    url: str,
    headers: Mapping[str, str],
    variable: str,
    *,
    is_direct: bool = False,
) -> RoundTrip:
    """Ask an endpoint, again where it fails for a moment; the reply has the status 200."""
    from cred_helper.providers.common.http_client import HttpClient
    from cred_helper.providers.common.network_errors import no_reply_error, status_error
    from cred_helper.providers.common.wire import Wire, host_of

    def admit(asked: str) -> None:
        host = urlsplit(asked).hostname if host_of(asked) else ""
        schemes = ("https", "http") if host and (is_direct or is_loopback(host)) else ("https",)
        if not host or asked.partition("://")[0].lower() not in schemes:
            raise Misconfigured("oidc.bad-endpoint", variable=variable)

    wire = Wire(
        request.deadline,
        ca_file=CaFile.of(request.environ),
        name_of=lambda asked: f"{found.issuer} at {host_of(asked)}",
        admit=admit,
        direct=is_direct,
    )
    admit(url)
    pause_s = _FIRST_PAUSE_S
    while True:
        error: ProviderError | None
        try:
            reply = HttpClient(wire).send(method, url, headers)
            error = status_error(reply) or _refusal(reply)
        except CredentialError:
            raise
        except Exception as failure:  # noqa: BLE001 - urllib3 raises what it likes
            if wire.last is None:  # it is not a request: a line break in the job's token
                raise Misconfigured("oidc.bad-endpoint", variable=variable) from None
            error = no_reply_error(wire, failure) or Unreachable("oidc.no-answer")
        assert wire.last is not None
        if error is None:
            return wire.last
        asked = wire.last.headers.get("Retry-After", "")
        pause_s = max(pause_s, float(asked) if asked.isdecimal() and len(asked) < 6 else 0.0)
        is_passing = isinstance(error, Unreachable) or wire.last.status == 403
        is_last = wire.attempts(url) == _ATTEMPTS or wire.deadline.remaining_s() < 4 * pause_s
        if is_last or not is_passing:
            raise error
        sleep(pause_s)
        pause_s *= 2


def _refusal(reply: RoundTrip) -> ProviderError | None:
    if reply.status == 200:
        return None
    kind = Denied if reply.status in (401, 403) else BadReply
    said = _said(reply) or "no reason"
    return kind("oidc.refused", upstream=reply.upstream, status=reply.status, said=said)


def _member(reply: RoundTrip, name: str) -> str:
    value = parse_object(reply.body).get(name)
    if not isinstance(value, str):
        # Azure Pipelines explains a wrong service connection in the place of a list.
        if name != "value" and (said := _said(reply)):
            raise Denied("oidc.refused", upstream=reply.upstream, status=reply.status, said=said)
        raise BadReply("oidc.no-token-in-reply", upstream=reply.upstream)
    return value


def _said(reply: RoundTrip) -> str:
    """What a reply says in its ``message`` or ``value``, without words that could be a token."""
    document = parse_object(reply.body)
    message = quoted(document.get("message"), reply.secrets)
    return message or quoted(document.get("value"), reply.secrets)


# --- Systems with a program -----------------------------------------------------------------------


def _buildkite(request: TokenRequest, found: FoundToken) -> str:
    arguments = ["oidc", "request-token", "--audience", found.audience]
    return _printed(request, found, "buildkite-agent", arguments)


def _circleci(request: TokenRequest, found: FoundToken) -> str:
    claims = json.dumps({"aud": found.audience})
    return _printed(request, found, "circleci", ["run", "oidc", "get", "--claims", claims])


def _printed(request: TokenRequest, found: FoundToken, name: str, arguments: list[str]) -> str:
    path = find(name, request.environ)
    if path is None:
        raise Misconfigured("oidc.program-missing", place=found.place, program=name)
    timeout_s = request.deadline.step_s(request.deadline.remaining_s() * _PROGRAM_SHARE)
    finished = run([path, *arguments], request.environ, timeout_s, f"the program {name}")
    if finished.status != 0:
        secrets = [value for key, value in request.environ.items() if "TOKEN" in key]
        said = quoted(last_line(finished.errors or finished.output), secrets)
        raise Denied("oidc.program-failed", program=name, said=said or "no reason")
    return finished.output.decode("utf-8", "replace")


_ASK = {
    ci_job.GITHUB: _github,
    ci_job.AZURE_PIPELINES: _azure_pipelines,
    ci_job.BUILDKITE: _buildkite,
    ci_job.CIRCLECI: _circleci,
    ci_job.GOOGLE_CLOUD: _google_cloud,
}
