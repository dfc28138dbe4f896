"""What the AWS SDK's errors mean for somebody who wants to pull an image, and what to try.

The SDK's own texts are not passed on: some hold a program's output, a server's reply or a whole
URL. What is passed on is AWS's code for the error, and who may not do what.

Sources:
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
  https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from re import fullmatch, search
from shlex import quote
from socket import gaierror
from time import time
from urllib.parse import urlsplit

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError
from urllib3.exceptions import LocationParseError, NameResolutionError

from cred_helper.errors import (
    IN_BETWEEN,
    AnonymousAllowed,
    BadReply,
    CredentialError,
    Denied,
    Misconfigured,
    Unreachable,
)
from cred_helper.providers.common.trust import unusable_proxy
from cred_helper.providers.ecr.sources import INSTANCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cred_helper.providers.common.interface import Identity
    from cred_helper.providers.ecr.setup import Setup


def explain(
    error: Exception, setup: Setup, identity: Identity, *, calling: bool = False
) -> CredentialError:
    """Say what the SDK's error means; ``calling`` where the last call, for the token, raised it."""
    detail = identity.detail
    match error:
        case CredentialError():
            return error
        case sdk.ClientError():
            return _refusal(error, setup, identity)
        case sdk.SSOError() | sdk.TokenRetrievalError():
            trouble = _no_word("SSO", setup.renewal_status, "")
            if trouble is not None:
                return trouble
            profile = setup.profile_with("sso_session", "sso_account_id", "sso_role_name")
            return Denied(
                f'the SSO session of profile "{profile}" has expired or was never started',
                hint=f"run {_command('aws sso login', profile)}",
            )
        case sdk.LoginError():
            profile = setup.profile_with("login_session")
            return Denied(
                f'the sign-in of profile "{profile}" has expired or cannot be renewed',
                hint=f"run {_command('aws login', profile)}",
            )
        case sdk.MissingDependencyException() | ModuleNotFoundError():
            return Misconfigured(f"{detail} needs a library that this build was made without")
        case sdk.RefreshWithMFAUnsupportedError():
            return mfa_needed(setup)
        case sdk.ConfigParseError():
            return Misconfigured(_unparsable(error, setup))
        case sdk.PartialCredentialsError():
            return Misconfigured(f"{detail} has no {error.kwargs['cred_var']}")
        case sdk.InfiniteLoopConfigError():
            return Misconfigured(f"{detail} is its own source_profile, by way of others")
        case sdk.InvalidConfigError():
            # Names of profiles, sections and options; never a key.
            text = str(error.kwargs["error_msg"])
            return Misconfigured(f"{text[:1].lower()}{text[1:].rstrip('.')}")
        case sdk.CredentialRetrievalError():
            return _source_failed(error, setup, identity)
        case sdk.MetadataRetrievalError():
            return Unreachable(
                "the instance metadata service gives no session token",
                hint="in a container it takes a hop limit of 2 (HttpPutResponseHopLimit)",
            )
        case sdk.InvalidIMDSEndpointError() | sdk.InvalidIMDSEndpointModeError():
            return Misconfigured("what is set for the instance metadata service is no address")
        case sdk.ConnectionError() | sdk.HTTPClientError():
            if identity.source == INSTANCE and not calling:
                return Unreachable(f"{detail} gave no credentials")
            return _no_answer(error, setup)
        case ResponseParserError() if not calling:
            # Of the APIs that keys come from, STS is the one that speaks XML.
            return BadReply(f"what answers in STS's place is not AWS ({detail})", hint=IN_BETWEEN)
        case sdk.ParamValidationError():
            return Misconfigured(f"{detail}: AWS takes no such role or session name")
        case sdk.EndpointProviderError() | sdk.InvalidEndpointConfigurationError():
            return Misconfigured(
                "the SDK has no endpoint for what is set together",
                hint="look at AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT, AWS_ENDPOINT_URL"
                " and the options like them in the profile",
            )
        case sdk.BotoCoreError():
            return Misconfigured(f"the AWS SDK refuses with {type(error).__name__}")
        case OSError() if error.filename:
            return Misconfigured(f"{detail}: {error.filename}: {(error.strerror or '').lower()}")
        case ValueError() if str(error).startswith("Invalid endpoint"):
            return Misconfigured("an endpoint URL that is set for the AWS SDK is not a URL")
        case ValueError() if str(error).startswith("Unsupported host"):
            return Misconfigured(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of containers"
            )
        case ValueError() if str(error).startswith("Auth token value"):
            return Misconfigured(f"the authorization token for {detail} has a line break in it")
        case RuntimeError():  # the SDK's word for keys that are expired after their renewal
            return Denied(f"the keys from {detail} have expired", hint=_renewal(identity))
    if calling:
        return BadReply(f"{setup.title}'s answer cannot be read ({type(error).__name__})")
    profile = setup.profile_with("credential_process")
    if "credential_process" in setup.profiles.get(profile, {}):
        return _bad_process_output(profile)
    return BadReply(f"what {detail} gave cannot be read ({type(error).__name__})")


def _command(command: str, profile: str) -> str:
    return f"{command} --profile {quote(profile)}"


def mfa_needed(setup: Setup) -> Denied:
    profile = setup.profile_with("mfa_serial")
    return Denied(
        f'the role of profile "{profile}" wants an MFA code, which cannot be asked for here',
        hint=f"run {_command('aws sts get-caller-identity', profile)} and give it the code:"
        " the session it starts is used here until it ends",
    )


def _renewal(identity: Identity) -> str:
    match identity.source:
        case "environment":
            return "renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
        case "profile":
            return "renew the keys in the profile, the way they came there"
    return "wait for whatever provides them to renew them"


def _unparsable(error: Any, setup: Setup) -> str:
    """Name the file and the line; the parser's own text would quote the line."""
    path = str(error.kwargs.get("path"))
    files = [file for file in (setup.config, setup.credentials) if file.path == path]
    cause = error.kwargs.get("error")
    line = getattr(cause, "lineno", None) or next(iter(getattr(cause, "errors", ())), (None,))[0]
    return f"{files[0].shown if files else path} cannot be parsed" + (
        f": look at line {line}" if line else ""
    )


def _source_failed(error: Any, setup: Setup, identity: Identity) -> CredentialError:
    """A program or a local service that should have given keys."""
    text = str(error.kwargs.get("error_msg"))
    match error.kwargs.get("provider"):
        case "custom-process":
            profile = setup.profile_with("credential_process")
            if text.startswith(("Unsupported version", "Missing required key")):
                return _bad_process_output(profile)
            return Denied(
                f'the credential_process of profile "{profile}" failed', hint=_try(profile)
            )
        case "container-role":
            status = search(r"non 200 response (\d{3})", text)
            if status:
                return _status_of_service(identity.detail, int(status[1]))
            if "Unable to parse" in text:
                return BadReply(f"{identity.detail}: the service answers with no credentials")
            return Unreachable(f"{identity.detail}: the service does not answer")
    return Unreachable(f"{identity.detail}: the credential_source it names gave none")


def _status_of_service(detail: str, status: int) -> CredentialError:
    if status == 429 or status >= 500:
        return Unreachable(f"{detail}: the service answers HTTP {status}")
    if 300 <= status < 400:
        return BadReply(f"{detail}: the service redirects elsewhere, which is not followed")
    return Denied(f"{detail}: the service answers HTTP {status}")


def _bad_process_output(profile: str) -> BadReply:
    return BadReply(
        f'the credential_process of profile "{profile}" answered with something that is not keys',
        hint=_try(profile),
    )


def _try(profile: str) -> str:
    return f"run {_command('aws sts get-caller-identity', profile)} to see what it says"


_PROXY = "see HTTPS_PROXY, and NO_PROXY for what is reached without it"


def _no_answer(error: Any, setup: Setup) -> CredentialError:
    """No connection, no answer, or half of one."""
    url = str(error.kwargs.get("endpoint_url") or "")
    host = urlsplit(url).hostname or "the AWS API"
    cause = error.kwargs.get("error")
    match error:
        case sdk.ProxyConnectionError() if "closed connection" in str(cause):
            # urllib3 takes the other end's part of the tunnel for the proxy's.
            return Unreachable(f"the connection to {host} through the proxy broke off", hint=_PROXY)
        # The SDK puts http:// in front of every other scheme.
        case sdk.ProxyConnectionError() if "://" in str(error.kwargs.get("proxy_url"))[8:]:
            return unusable_proxy() or Unreachable(f"no connection to {host}")
        case sdk.ProxyConnectionError():
            status = search(r"Tunnel connection failed: (\d{3})", str(cause))
            return Unreachable(
                "the proxy that HTTPS_PROXY names does not connect"
                + (f", it answers HTTP {status[1]}" if status else ""),
                hint=_PROXY,
            )
        case sdk.SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return Unreachable(
                f"the certificate of {host} is not trusted",
                hint="AWS_CA_BUNDLE names the file with a private authority's certificate",
            )
        case sdk.SSLError():
            problem = setup.trusted.problem() if setup.trusted else None
            return problem or Unreachable(f"no secure connection to {host}")
        case sdk.ConnectTimeoutError() | sdk.ReadTimeoutError():
            return Unreachable(f"{host} does not answer")
        case sdk.EndpointConnectionError() if _is_unknown_name(cause):
            if setup.route.region in host.split("."):
                return Unreachable(
                    f"region {setup.route.region} has no API that can be found: there is no {host}",
                    hint="check the region in the registry's name, and the name server",
                )
            return Unreachable(f"there is no {host}", hint="check the name server")
        case sdk.EndpointConnectionError():
            return Unreachable(f"no connection to {host}")
        case sdk.HTTPClientError() if isinstance(cause, LocationParseError):
            return unusable_proxy() or Misconfigured(f"{host} is no address")
    return Unreachable(f"the connection to {host} broke off")


def _is_unknown_name(cause: object) -> bool:
    return isinstance(cause, gaierror | NameResolutionError)


# Beyond this the APIs refuse a signature.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_CLOCK_TOLERANCE_S = 300

# What AWS calls it when a key, a session or a signature is not right; each API has its own words.
_EXPIRED = ("ExpiredToken", "ExpiredTokenException")
_UNKNOWN_KEY = ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId")
_BAD_SIGNATURE = (
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "RequestTimeTooSkewed",
)
_FORBIDDEN = ("AccessDenied", "AccessDeniedException", "ForbiddenException")
_THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "LimitExceededException",
)
_API_OF = {
    "AssumeRole": "STS",
    "AssumeRoleWithWebIdentity": "STS",
    "GetRoleCredentials": "SSO",
    "CreateOAuth2Token": "AWS sign-in",
}


def _refusal(error: Any, setup: Setup, identity: Identity) -> CredentialError:
    """An API said no, in a reply that the SDK could read."""
    api = _API_OF.get(error.operation_name, setup.title)
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    code = str(error.response.get("Error", {}).get("Code", ""))
    if not fullmatch(r"[A-Z][A-Za-z.]{1,63}", code):
        code = f"HTTP {status}"
    message = str(error.response.get("Error", {}).get("Message", ""))
    detail = identity.detail
    trouble = _no_word(api, status, code)
    if trouble is not None:
        return trouble
    if code in _EXPIRED:
        if error.operation_name == "AssumeRoleWithWebIdentity":
            return Denied(f"the token file has expired: {detail}: {code}")
        return Denied(f"the session from {detail} has expired: {code}", hint=_renewal(identity))
    if code in _UNKNOWN_KEY:
        return Denied(
            f"{api} does not know the access key from {detail}: {code}",
            hint=f"the key is deleted, inactive, or not of the {setup.route.partition} partition",
        )
    if code in _BAD_SIGNATURE:
        skew = _clock_skew(message, metadata.get("HTTPHeaders", {}).get("date", ""))
        if skew:
            return Denied(
                f"{api} refuses the signature, since this machine's clock is {skew}: {code}",
                hint="set the clock",
            )
        return Denied(
            f"the secret key from {detail} does not belong to its access key: {code}",
            hint="set both anew",
        )
    if code in _FORBIDDEN:
        return _forbidden(error.operation_name, code, message, setup, identity)
    if code.startswith("HTTP"):
        return BadReply(f"what answers in {api}'s place is not AWS: {code}", hint=IN_BETWEEN)
    return Denied(f"{api} refuses {detail}: {code}")


def _no_word(api: str, status: int, code: str) -> CredentialError | None:
    """What is so where an API said neither yes nor no; ``None`` where it did."""
    code = code or f"HTTP {status}"
    if status >= 500:
        return Unreachable(f"{api} is not working: {code}", hint="try again in a minute")
    if code in _THROTTLED or status == 429:
        return Unreachable(f"{api} is asked too often: {code}", hint="try again in a minute")
    if 300 <= status < 400:
        return BadReply(f"{api} redirects elsewhere, which is not followed: HTTP {status}")
    return None


def _clock_skew(message: str, date: str) -> str:
    """How wrong this machine's clock is by a reply's date; nothing where it is right."""
    try:
        behind_s = parsedate_to_datetime(date).timestamp() - time()
    except ValueError:
        behind_s = 0.0
    if abs(behind_s) >= _CLOCK_TOLERANCE_S:
        return f"{abs(behind_s) / 60:.0f} minutes {'behind' if behind_s > 0 else 'ahead'}"
    if "Signature expired" in message:
        return "behind"
    return "ahead" if "Signature not yet current" in message else ""


def _forbidden(operation: str, code: str, message: str, setup: Setup, identity: Identity) -> Denied:
    """Name who may not do what; the names are AWS's, in a form that cannot be anything else."""
    named = search(
        r"User: (arn:[\w:/+=,.@-]+) is not authorized to perform: ([a-z-]+:\w+)", message
    )
    who = named[1] if named else identity.detail
    match operation:
        case "AssumeRole":
            return Denied(
                f"{who} may not assume the role: {code}",
                hint="sts:AssumeRole has to be allowed by its policy, and by the role's trust",
            )
        case "AssumeRoleWithWebIdentity":
            return Denied(
                f"the role does not trust the token: {identity.detail}: {code}",
                hint="the role's trust policy has to allow sts:AssumeRoleWithWebIdentity to it",
            )
        case "GetRoleCredentials":
            profile = setup.profile_with("sso_session", "sso_account_id", "sso_role_name")
            return Denied(
                f'SSO does not give the role of profile "{profile}" to this user: {code}',
                hint="check sso_account_id and sso_role_name",
            )
    if setup.route.public:
        needed = "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken"
    else:
        needed = "ecr:GetAuthorizationToken"
    action = named[2] if named else needed
    # Everybody may pull from the public registry: not being allowed a token must not stand between.
    refused = AnonymousAllowed if setup.route.public else Denied
    return refused(
        f"{who} may not do {action}: {code}",
        hint="a policy denies it explicitly"
        if "explicit deny" in message
        else f'allow {needed} on resource "*" in its policy',
    )
