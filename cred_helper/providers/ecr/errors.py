"""What an error of the AWS SDK means for a pull, as a message of the catalogue.

The SDK's own texts are not passed on: some hold a program's output, a server's reply or a whole
URL. Passed on are AWS's code for an error, and the names of who may not do what.

Sources:
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
  https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from re import fullmatch, search
from shlex import quote
from time import time

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from cred_helper.errors import BadReply, CredentialError, Denied, Misconfigured, Unreachable
from cred_helper.providers.ecr.credential_process import not_keys
from cred_helper.providers.ecr.identity import ENVIRONMENT, PROFILE
from cred_helper.providers.ecr.profile_errors import comments_behind_values, profile_with
from cred_helper.providers.ecr.settings import wrong_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cred_helper.providers.common.interface import Identity
    from cred_helper.providers.common.wire import Wire
    from cred_helper.providers.ecr.configuration import Configuration


# Parameters of AssumeRole, and the options of a profile that set them.
_OPTIONS = {
    "ExternalId": "external_id",
    "DurationSeconds": "duration_seconds",
    "SerialNumber": "mfa_serial",
}


class Step:
    """The steps to a token: the identity's keys, the client of the API, its call."""

    KEYS = "keys"
    CLIENT = "client"
    CALL = "call"


def explained(
    error: Exception, configuration: Configuration, identity: Identity, wire: Wire, step: str
) -> CredentialError:
    """The error of the catalogue for an error of the SDK at a step."""
    detail = identity.detail
    match error:
        case CredentialError():
            return error
        case sdk.ClientError():
            return _refusal(error, configuration, identity)
        case sdk.SSOError() | sdk.TokenRetrievalError():
            return _no_answer_yet("SSO", configuration.renewal_status, "") or sign_in_again(
                configuration, "missing or ended"
            )
        case sdk.LoginError():
            return sign_in_again(configuration, "missing or ended")
        case sdk.MissingDependencyException() | ModuleNotFoundError():
            return Misconfigured("ecr.library-missing", detail=detail)
        case sdk.RefreshWithMFAUnsupportedError():
            return mfa_needed(configuration)
        case sdk.ConfigParseError():
            return _unparsable(error, configuration)
        case sdk.CredentialRetrievalError():
            return _source_failed(error, configuration, identity, wire)
        case sdk.MetadataRetrievalError():
            return wire.failure(error) or Unreachable("ecr.metadata-without-session-token")
        case sdk.ConnectionError() | sdk.HTTPClientError():
            failure = wire.failure(error)
            if failure is not None:
                region = configuration.route.region
                unknown = failure.code == "network.unknown-host"
                last = wire.last  # by a proxy, it is the proxy's name that has no address
                if unknown and last and not last.proxy and region in last.host.split("."):
                    return Unreachable("ecr.region-unknown", region=region, host=last.host)
                return failure
        case ResponseParserError() if step == Step.KEYS:
            # Of the APIs that keys come from, STS is the one that speaks XML.
            status = wire.last.status if wire.last else 0
            return _no_answer_yet("STS", status, "") or BadReply(
                "ecr.not-aws", api="STS", answer="an answer that is not XML"
            )
        case RuntimeError() if step == Step.KEYS:  # keys that are expired after their renewal
            return Denied("ecr.keys-expired", detail=detail, hint=_renewal(configuration, identity))
    if step != Step.CALL or wire.last is None:
        return _not_usable(error, configuration, identity, step)
    return BadReply("ecr.answer-unreadable", api=configuration.title, error=type(error).__name__)


def _not_usable(
    error: Any, configuration: Configuration, identity: Identity, step: str
) -> CredentialError:
    """The error for a configuration that the SDK cannot work with: the most specific one first."""
    detail = identity.detail
    commented = next(comments_behind_values(configuration), None)
    if problem := commented or wrong_setting(configuration):
        return problem
    found = getattr(identity, "found", None)
    session = found.session if found is not None else None
    if (
        session is not None
        and session.state() != "good"
        and isinstance(error, KeyError | TypeError | ValueError | AttributeError)
    ):
        return sign_in_again(configuration, "damaged")
    match error:
        case sdk.PartialCredentialsError():
            return Misconfigured(
                "ecr.option-missing", detail=detail, option=error.kwargs["cred_var"]
            )
        case sdk.InvalidIMDSEndpointError() | sdk.InvalidIMDSEndpointModeError():
            return Misconfigured("ecr.metadata-address")
        case sdk.ParamValidationError():
            # The report quotes values; the names of parameters are safe.
            report = str(error.kwargs.get("report", ""))
            named = search(r"for parameter ([A-Za-z]+)", report)
            parameter = named.group(1) if named else "RoleArn"
            if parameter in ("RoleArn", "RoleSessionName"):
                return Misconfigured("ecr.role-not-valid", detail=detail)
            option = _OPTIONS.get(parameter, parameter)
            return Misconfigured("ecr.parameter-not-valid", detail=detail, option=option)
        case sdk.EndpointProviderError() | sdk.InvalidEndpointConfigurationError():
            return Misconfigured("ecr.no-endpoint")
        case sdk.InvalidConfigError():
            # Names of profiles, sections and options; never a key.
            text = str(error.kwargs["error_msg"])
            return Misconfigured(
                "ecr.config-refused", reason=f"{text[:1].lower()}{text[1:].rstrip('.')}"
            )
        case sdk.BotoCoreError():
            return Misconfigured("ecr.sdk-refuses", error=type(error).__name__)
        case OSError() if error.filename:
            reason = (error.strerror or "no reason given").lower()
            return Misconfigured("ecr.file-not-usable", detail=detail, reason=reason)
        case ValueError() if str(error).startswith("Invalid endpoint"):
            return Misconfigured("ecr.endpoint-not-a-url")
        case ValueError() if str(error).startswith("Unsupported host"):
            return Misconfigured("ecr.container-address")
        case ValueError() if str(error).startswith("Auth token value"):
            return Misconfigured("ecr.container-token-line-break")
    if step != Step.KEYS:
        return Misconfigured("ecr.client-not-made", error=type(error).__name__)
    if getattr(identity, "output", None) is not None:
        return not_keys(profile_with(configuration, "credential_process"))
    return BadReply("ecr.keys-unreadable", detail=detail, error=type(error).__name__)


def sign_in_again(configuration: Configuration, state: str) -> Denied:
    """The error for a sign-in session that gives no keys any more."""
    profile = profile_with(
        configuration, "sso_session", "sso_account_id", "sso_role_name", "login_session"
    )
    is_sso = "login_session" not in configuration.profiles.get(profile, {})
    code = "ecr.sso-expired" if is_sso else "ecr.sign-in-expired"
    if state == "damaged":
        code = "ecr.sign-in-damaged"
    command = _command("aws sso login" if is_sso else "aws login", profile)
    return Denied(code, profile=profile, command=command)


def not_writable(configuration: Configuration, folder: str) -> Denied:
    """The error for a session that has to be renewed and cannot be kept."""
    profile = profile_with(configuration, "sso_session", "login_session")
    is_sso = "login_session" not in configuration.profiles.get(profile, {})
    command = _command("aws sso login" if is_sso else "aws login", profile)
    return Denied("ecr.sign-in-not-writable", profile=profile, folder=folder, command=command)


def _command(command: str, profile: str) -> str:
    return f"{command} --profile {quote(profile)}"


def mfa_needed(configuration: Configuration) -> Denied:
    """The error for a role that wants a code from a person."""
    profile = profile_with(configuration, "mfa_serial")
    return Denied(
        "ecr.mfa-needed",
        profile=profile,
        command=_command("aws sts get-caller-identity", profile),
    )


def _renewal(configuration: Configuration, identity: Identity) -> str:
    if identity.source == PROFILE and "credential_process" in configuration.options:
        path = configuration.credentials_file.shown
        return f"remove the keys from {path}: they come before the credential_process"
    match identity.source:
        case "environment":
            return "renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
        case "profile":
            return "renew the keys of the profile with the tool that wrote them"
    return "wait until the source renews them"


def _unparsable(error: Any, configuration: Configuration) -> Misconfigured:
    """Name the file and the line; the parser's own text quotes the line."""
    path = str(error.kwargs.get("path"))
    shown = next((file.shown for file in configuration.files if file.path == path), path)
    cause = error.kwargs.get("error")
    line = getattr(cause, "lineno", None) or next(iter(getattr(cause, "errors", ())), (None,))[0]
    if line:
        return Misconfigured("file.not-ini", path=shown, line=line)
    return Misconfigured("ecr.file-not-parsed", path=shown)


def _source_failed(
    error: Any, configuration: Configuration, identity: Identity, wire: Wire
) -> CredentialError:
    """The error for a local service that gives no keys."""
    text = str(error.kwargs.get("error_msg"))
    if error.kwargs.get("provider") != "container-role":
        if failure := wire.failure(error):
            return failure
        profile = profile_with(configuration, "credential_source")
        return Unreachable("ecr.credential-source-failed", profile=profile)
    status = search(r"non 200 response (\d{3})", text)
    if status:
        return _status_of_service(identity.detail, int(status[1]), text)
    if "Unable to parse" in text:
        return BadReply("ecr.container-answer", detail=identity.detail)
    return wire.failure(error) or Unreachable("ecr.container-silent", detail=identity.detail)


def _status_of_service(detail: str, status: int, text: str) -> CredentialError:
    values = {"detail": detail, "status": f"HTTP {status}"}
    if "assume the associated role" in text:
        return Denied("ecr.pod-role-not-assumable", **values)
    if status == 429 or status >= 500:
        return Unreachable("ecr.container-not-working", **values)
    if 300 <= status < 400:
        return BadReply("ecr.container-redirects", **values)
    return Denied("ecr.container-refuses", **values)


# Beyond this the APIs refuse a signature.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_CLOCK_TOLERANCE_S = 300

# AWS's codes for a key, a session or a signature that is not right; each API has its own.
_EXPIRED = ("ExpiredToken", "ExpiredTokenException")
_UNKNOWN_KEY = ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId")
_BAD_SIGNATURE = (
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "RequestTimeTooSkewed",
)
_FORBIDDEN = ("AccessDenied", "AccessDeniedException", "ForbiddenException")
_REGION_OFF = ("RegionDisabledException", "OptInRequired")
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
# What STS says of a web identity token that it does not accept.
_TOKEN_REFUSALS = (
    ("No OpenIDConnect provider found", "ecr.issuer-unknown"),
    ("Incorrect token audience", "ecr.audience-wrong"),
    ("verification key", "ecr.issuer-unreachable"),
    ("thumbprint", "ecr.issuer-thumbprint"),
)
# AWS's names of the policies that can forbid a call.
_POLICY = (
    "(identity-based policy|resource-based policy|permissions boundary|session policy"
    "|service control policy|resource control policy|VPC endpoint policy)"
)


def _refusal(error: Any, configuration: Configuration, identity: Identity) -> CredentialError:
    """The error for a reply that says no, and that the SDK could read."""
    operation = error.operation_name
    api = _API_OF.get(operation, configuration.title)
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    answer = str(error.response.get("Error", {}).get("Code", ""))
    if not fullmatch(r"[A-Z][A-Za-z.]{1,63}", answer):
        answer = f"HTTP {status}"
    message = str(error.response.get("Error", {}).get("Message", ""))
    detail = identity.detail
    undecided = _no_answer_yet(api, status, answer)
    if undecided is not None:
        return undecided
    if answer in _EXPIRED:
        if operation == "AssumeRoleWithWebIdentity":
            return Denied("ecr.token-file-expired", detail=detail, answer=answer)
        return Denied(
            "ecr.session-expired",
            detail=detail,
            answer=answer,
            hint=_renewal(configuration, identity),
        )
    if answer in _UNKNOWN_KEY:
        return _unknown_key(api, answer, configuration, identity)
    if answer in _BAD_SIGNATURE:
        skew = _clock_skew(message, metadata.get("HTTPHeaders", {}).get("date", ""))
        if skew:
            return Denied("ecr.clock-wrong", api=api, skew=skew, answer=answer)
        return Denied("ecr.secret-wrong", detail=detail, answer=answer)
    if answer in _FORBIDDEN:
        return _forbidden(operation, answer, message, configuration, identity)
    if answer in _REGION_OFF:
        return Denied("ecr.region-off", api=api, detail=detail, answer=answer)
    if answer == "InvalidIdentityToken":
        return _token_not_taken(message, detail)
    if answer == "IDPCommunicationError":
        return Denied("ecr.issuer-unreachable", detail=detail)
    if answer.startswith("HTTP"):
        return BadReply("ecr.not-aws", api=api, answer=answer)
    return Denied("ecr.refused", api=api, detail=detail, answer=answer)


def _no_answer_yet(api: str, status: int, answer: str) -> CredentialError | None:
    """The error for a reply that says neither yes nor no; ``None`` for one that does."""
    answer = answer or f"HTTP {status}"
    if status >= 500:
        return Unreachable("ecr.api-not-working", api=api, answer=answer)
    if answer in _THROTTLED or status == 429:
        return Unreachable("ecr.api-throttles", api=api, answer=answer)
    if 300 <= status < 400:
        return BadReply("ecr.api-redirects", api=api, answer=f"HTTP {status}")
    return None


def _unknown_key(api: str, answer: str, configuration: Configuration, identity: Identity) -> Denied:
    """The error for a key that an API does not know; a session's key needs its session token."""
    key_id, token = _static_keys(configuration, identity)
    values = {"api": api, "detail": identity.detail, "answer": answer}
    if key_id.startswith("ASIA") and not token:
        return Denied("ecr.session-token-missing", **values)
    if key_id.startswith("AKIA") and token:
        return Denied("ecr.session-token-of-another-key", **values)
    return Denied("ecr.key-unknown", partition=configuration.route.partition, **values)


def _static_keys(configuration: Configuration, identity: Identity) -> tuple[str, str]:
    """The access key id and the session token that are written down; empty where none are."""
    if identity.source == ENVIRONMENT:
        environ = configuration.environ
        token = environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN", "")
        return environ.get("AWS_ACCESS_KEY_ID", ""), token
    if identity.source != PROFILE:
        return "", ""
    options = configuration.profiles.get(profile_with(configuration, "aws_access_key_id"), {})
    token = options.get("aws_security_token") or options.get("aws_session_token", "")
    return options.get("aws_access_key_id", ""), token


def _token_not_taken(message: str, detail: str) -> Denied:
    """The error for a web identity token that STS does not take."""
    known = (code for said, code in _TOKEN_REFUSALS if said in message)
    return Denied(next(known, "ecr.token-not-taken"), detail=detail)


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


def _forbidden(
    operation: str,
    answer: str,
    message: str,
    configuration: Configuration,
    identity: Identity,
) -> Denied:
    """Name who may not do what; AWS's names have a form that cannot be anything else."""
    named = search(
        r"User: (arn:[\w:/+=,.@-]+) is not authorized to perform: ([a-z-]+:\w+)", message
    )
    who = named[1] if named else identity.detail
    match operation:
        case "AssumeRole":
            return Denied("ecr.role-not-assumable", who=who, answer=answer)
        case "AssumeRoleWithWebIdentity":
            return Denied("ecr.token-not-trusted", detail=identity.detail, answer=answer)
        case "GetRoleCredentials":
            profile = profile_with(configuration, "sso_session", "sso_account_id", "sso_role_name")
            return Denied("ecr.sso-role-not-given", profile=profile, answer=answer)
    if configuration.route.public:
        needed = "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken"
    else:
        needed = "ecr:GetAuthorizationToken"
    values = {"who": who, "action": named[2] if named else needed, "answer": answer}
    if denied := search(rf"explicit deny in an? {_POLICY}", message):
        return Denied("ecr.policy-denies", policy=denied[1], **values)
    if "explicit deny" in message:
        return Denied("ecr.policy-denies", policy="policy", **values)
    missing = search(rf"because no {_POLICY} allows", message)
    policy = missing[1] if missing else "identity-based policy"
    return Denied("ecr.policy-does-not-allow", policy=policy, needed=needed, **values)
