"""Turns the exceptions of the AWS SDK into errors of the catalogue.

Messages never contain the SDK's texts, some of which have a program's output, a server's reply or a
whole URL. They contain AWS's error code, and the names of the principal and the action.

Sources:
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
  https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from re import fullmatch, search
from shlex import quote
from ssl import SSLError
from time import time
from typing import Any, Literal

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from cred_helper.errors import BadReply, CredentialError, Denied, Misconfigured, Unreachable
from cred_helper.providers.common.interface import Identity
from cred_helper.providers.common.network_errors import no_reply_error
from cred_helper.providers.common.trust import openssl_problem
from cred_helper.providers.common.wire import Wire
from cred_helper.providers.ecr.configuration import Configuration
from cred_helper.providers.ecr.credential_process import not_keys
from cred_helper.providers.ecr.identity import ENVIRONMENT, PROFILE
from cred_helper.providers.ecr.profile_errors import (
    comments_behind_values,
    profile_with,
    sign_in_error,
    wrong_setting,
)

# The steps to a token: get the identity's keys, make the API client, call the API.
Step = Literal["keys", "client", "call"]
# Parameters of AssumeRole, and the options of a profile that set them.
_OPTIONS = {
    "ExternalId": "external_id",
    "DurationSeconds": "duration_seconds",
    "SerialNumber": "mfa_serial",
}


def explained(
    error: Exception, config: Configuration, identity: Identity, wire: Wire, step: Step
) -> CredentialError:
    """The error of the catalogue for an exception of the SDK at a step."""
    detail = identity.detail
    match error:
        case CredentialError():
            return error
        case SSLError() if unusable := openssl_problem(error):
            return unusable
        case sdk.ClientError():
            return _rejection(error, config, identity)
        case sdk.SSOError() | sdk.TokenRetrievalError():
            temporary = _temporary_failure("SSO", config.renewal_status, "")
            return temporary or sign_in_error(config, "ended")
        case sdk.LoginError():
            headers = wire.last.headers if wire.last else {}
            return _sign_in_refused(config, headers, "AccessDeniedException")
        case sdk.MissingDependencyException() | ModuleNotFoundError():
            return Misconfigured("ecr.library-missing", detail=detail)
        case sdk.RefreshWithMFAUnsupportedError():
            return mfa_needed(config)
        case sdk.ConfigParseError():
            return _unparsable(error, config)
        case sdk.CredentialRetrievalError():
            return _source_failed(error, config, identity, wire)
        case sdk.MetadataRetrievalError():
            return no_reply_error(wire, error) or Unreachable("ecr.metadata-without-session-token")
        case sdk.ConnectionError() | sdk.HTTPClientError():
            if failure := no_reply_error(wire, error):
                region, last = config.route.region, wire.last
                unknown = failure.code == "network.unknown-host"
                # With a proxy, the unknown host is the proxy.
                if unknown and last and not last.proxy and region in last.host.split("."):
                    return Unreachable("ecr.region-unknown", region=region, host=last.host)
                return failure
        case ResponseParserError() if step == "keys":
            # Of the APIs that return keys, only STS replies in XML.
            temporary = _temporary_failure("STS", wire.last.status if wire.last else 0, "")
            answer = "an answer that is not XML"
            return temporary or BadReply("ecr.not-aws", api="STS", answer=answer)
        case RuntimeError() if step == "keys":  # keys that are expired after their renewal
            return Denied("ecr.keys-expired", detail=detail, hint=_renewal(config, identity))
    if step != "call" or wire.last is None:
        return _not_usable(error, config, identity, step)
    return BadReply("ecr.answer-unreadable", api=config.title, error=type(error).__name__)


def _not_usable(
    error: Any, config: Configuration, identity: Identity, step: Step
) -> CredentialError:
    """The error for a configuration that the SDK rejects, as specific as possible."""
    detail, name = identity.detail, type(error).__name__
    if problem := next(comments_behind_values(config), None) or wrong_setting(config):
        return problem
    found = getattr(identity, "found", None)
    is_of_file = isinstance(error, KeyError | TypeError | ValueError | AttributeError)
    if is_of_file and found is not None and found.session and found.session.wrong_field():
        return sign_in_error(config, "damaged", found.session)
    match error:
        case sdk.PartialCredentialsError():
            option = error.kwargs["cred_var"]
            return Misconfigured("ecr.option-missing", detail=detail, option=option)
        case sdk.InvalidIMDSEndpointError() | sdk.InvalidIMDSEndpointModeError():
            return Misconfigured("ecr.metadata-address")
        case sdk.ParamValidationError():
            # The report quotes values, which can be secret. Names of parameters are not.
            named = search(r"for parameter ([A-Za-z]+)", str(error.kwargs.get("report", "")))
            parameter = named[1] if named else "RoleArn"
            if parameter in ("RoleArn", "RoleSessionName"):
                return Misconfigured("ecr.role-not-valid", detail=detail)
            option = _OPTIONS.get(parameter, parameter)
            return Misconfigured("ecr.parameter-not-valid", detail=detail, option=option)
        case sdk.EndpointProviderError() | sdk.InvalidEndpointConfigurationError():
            return Misconfigured("ecr.no-endpoint")
        case sdk.InvalidConfigError():
            # The text has names of profiles, sections and options, and never a key.
            text = str(error.kwargs["error_msg"]).rstrip(".")
            return Misconfigured("ecr.config-refused", reason=text[:1].lower() + text[1:])
        case sdk.BotoCoreError():
            return Misconfigured("ecr.sdk-refuses", error=name)
        case OSError() if error.filename:
            reason = (error.strerror or "no reason given").lower()
            return Misconfigured("ecr.file-not-usable", detail=detail, reason=reason)
        case ValueError() if str(error).startswith("Invalid endpoint"):
            return Misconfigured("ecr.endpoint-not-a-url")
        case ValueError() if str(error).startswith("Unsupported host"):
            return Misconfigured("ecr.container-address")
        case ValueError() if str(error).startswith("Auth token value"):
            return Misconfigured("ecr.container-token-line-break")
    if step != "keys":
        return Misconfigured("ecr.client-not-made", error=name)
    if getattr(identity, "output", None) is not None:
        return not_keys(profile_with(config, "credential_process"))
    return BadReply("ecr.keys-unreadable", detail=detail, error=name)


def mfa_needed(config: Configuration) -> Denied:
    profile = profile_with(config, "mfa_serial")
    command = f"aws sts get-caller-identity --profile {quote(profile)}"
    return Denied("ecr.mfa-needed", profile=profile, command=command)


def _renewal(config: Configuration, identity: Identity) -> str:
    if identity.source == ENVIRONMENT:
        return "renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    if identity.source != PROFILE:
        return "wait until the source renews them"
    if "credential_process" in config.options:
        path = config.credentials_file.shown
        return f"remove the keys from {path}: they come before the credential_process"
    return "renew the keys of the profile with the tool that wrote them"


def _unparsable(error: Any, config: Configuration) -> Misconfigured:
    """The error with file and line number. The parser's text quotes the line: it is not used."""
    path = str(error.kwargs.get("path"))
    shown = next((file.shown for file in config.files if file.path == path), path)
    cause = error.kwargs.get("error")
    line = getattr(cause, "lineno", None) or next(iter(getattr(cause, "errors", ())), (None,))[0]
    if line:
        return Misconfigured("file.not-ini", path=shown, line=line)
    return Misconfigured("ecr.file-not-parsed", path=shown)


def _source_failed(
    error: Any, config: Configuration, identity: Identity, wire: Wire
) -> CredentialError:
    if error.kwargs.get("provider") != "container-role":
        profile = profile_with(config, "credential_source")
        failed = Unreachable("ecr.credential-source-failed", profile=profile)
        return no_reply_error(wire, error) or failed
    text, detail = str(error.kwargs.get("error_msg")), identity.detail
    refused = search(r"non 200 response (\d{3})", text)
    if not refused:
        if "Unable to parse" in text:
            return BadReply("ecr.container-answer", detail=detail)
        return no_reply_error(wire, error) or Unreachable("ecr.container-silent", detail=detail)
    status = int(refused[1])
    values = {"detail": detail, "status": f"HTTP {status}"}
    if "assume the associated role" in text:
        return Denied("ecr.pod-role-not-assumable", **values)
    if status == 429 or status >= 500:
        return Unreachable("ecr.container-not-working", **values)
    if 300 <= status < 400:
        return BadReply("ecr.container-redirects", **values)
    return Denied("ecr.container-refuses", **values)


# The APIs reject a signature whose time differs by more.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_CLOCK_TOLERANCE_S = 300
_THROTTLED = (
    *("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"),
    "LimitExceededException",
)
_API_OF = {
    "AssumeRole": "STS",
    "AssumeRoleWithWebIdentity": "STS",
    "GetRoleCredentials": "SSO",
    "CreateOAuth2Token": "AWS sign-in",
}
# Parts of the messages of STS for an identity token that it rejects.
_TOKEN_REFUSALS = (
    ("No OpenIDConnect provider found", "ecr.issuer-unknown"),
    ("Incorrect token audience", "ecr.audience-wrong"),
    ("verification key", "ecr.issuer-unreachable"),
    ("thumbprint", "ecr.issuer-thumbprint"),
)
# AWS's names of the policies that can deny a call.
_POLICY = (
    "(identity-based policy|resource-based policy|permissions boundary|session policy"
    "|service control policy|resource control policy|VPC endpoint policy)"
)


def _rejection(error: Any, config: Configuration, identity: Identity) -> CredentialError:
    operation = error.operation_name
    api = _API_OF.get(operation, config.title)
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    answer = str(error.response.get("Error", {}).get("Code", ""))
    if not fullmatch(r"[A-Z][A-Za-z.]{1,63}", answer):
        answer = f"HTTP {status}"
    message = str(error.response.get("Error", {}).get("Message", ""))
    if temporary := _temporary_failure(api, status, answer):
        return temporary
    values = {"api": api, "detail": identity.detail, "answer": answer}
    # Each API has its own codes for a wrong key, session or signature.
    match answer:
        case "ExpiredToken" | "ExpiredTokenException":
            if operation == "AssumeRoleWithWebIdentity":
                return Denied("ecr.token-file-expired", **values)
            return Denied("ecr.session-expired", hint=_renewal(config, identity), **values)
        case "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId":
            return _unknown_key(config, identity, values)
        case (
            "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
        ):
            if skew := _clock_skew(message, metadata.get("HTTPHeaders", {}).get("date", "")):
                return Denied("ecr.clock-wrong", skew=skew, **values)
            return Denied("ecr.secret-wrong", **values)
        case "AccessDenied" | "AccessDeniedException" | "ForbiddenException":
            return _forbidden(operation, answer, message, config, identity)
        case "RegionDisabledException" | "OptInRequired":
            return Denied("ecr.region-off", **values)
        case "InvalidIdentityToken":
            known = (code for said, code in _TOKEN_REFUSALS if said in message)
            return Denied(next(known, "ecr.token-not-taken"), **values)
        case "ValidationException" if operation == "CreateOAuth2Token":
            # Of a session of another region, by a CLI that did not write the region down.
            # Source: https://github.com/aws/aws-cli/issues/10613
            return _sign_in_refused(config, metadata.get("HTTPHeaders", {}), answer)
        case "IDPCommunicationError":
            return Denied("ecr.issuer-unreachable", **values)
    if answer.startswith("HTTP"):
        return BadReply("ecr.not-aws", **values)
    return Denied("ecr.refused", **values)


def _sign_in_refused(config: Configuration, headers: Mapping[str, str], answer: str) -> Denied:
    """The error for a sign-in that AWS does not renew; a wrong clock has it expire at once.

    Source: https://github.com/aws/aws-cli/issues/10330
    """
    if skew := _clock_skew("", headers.get("date", "")):
        return Denied("ecr.clock-wrong", api="AWS sign-in", skew=skew, answer=answer)
    return sign_in_error(config, "ended")


def _temporary_failure(api: str, status: int, answer: str) -> CredentialError | None:
    """The error for an outage, a rate limit or a redirect; ``None`` for any other reply."""
    answer = answer or f"HTTP {status}"
    if status >= 500:
        return Unreachable("ecr.api-not-working", api=api, answer=answer)
    if answer in _THROTTLED or status == 429:
        return Unreachable("ecr.api-throttles", api=api, answer=answer)
    if 300 <= status < 400:
        return BadReply("ecr.api-redirects", api=api, answer=f"HTTP {status}")
    return None


def _unknown_key(config: Configuration, identity: Identity, values: dict[str, str]) -> Denied:
    """The error for a key that an API does not know, such as one without its session token."""
    written = {}
    if identity.source == ENVIRONMENT:
        written = {name.lower(): value for name, value in config.environ.items() if name.isupper()}
    elif identity.source == PROFILE:
        written = config.profiles.get(profile_with(config, "aws_access_key_id"), {})
    key_id = written.get("aws_access_key_id", "")
    token = written.get("aws_security_token") or written.get("aws_session_token")
    if key_id.startswith("ASIA") and not token:
        return Denied("ecr.session-token-missing", **values)
    if key_id.startswith("AKIA") and token:
        return Denied("ecr.session-token-of-another-key", **values)
    return Denied("ecr.key-unknown", partition=config.route.partition, **values)


def _clock_skew(message: str, date: str) -> str:
    """How far this machine's clock is from a reply's date; empty if it is right."""
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
    operation: str, answer: str, message: str, config: Configuration, identity: Identity
) -> Denied:
    """The error with principal and action: the pattern matches AWS's names only."""
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
            profile = profile_with(config, "sso_session", "sso_account_id", "sso_role_name")
            return Denied("ecr.sso-role-not-given", profile=profile, answer=answer)
    needed = "ecr:GetAuthorizationToken"
    if config.route.public:
        needed = "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken"
    values = {"who": who, "action": named[2] if named else needed, "answer": answer}
    if "explicit deny" in message:
        denied = search(rf"explicit deny in an? {_POLICY}", message)
        return Denied("ecr.policy-denies", policy=denied[1] if denied else "policy", **values)
    missing = search(rf"because no {_POLICY} allows", message)
    policy = missing[1] if missing else "identity-based policy"
    return Denied("ecr.policy-does-not-allow", policy=policy, needed=needed, **values)
