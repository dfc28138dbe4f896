"""Gets a token of Amazon ECR with the AWS SDK.

Loads botocore. ``sdk_session`` makes the session, ``sdk_keys`` gets the keys of the identity from
it, and its client asks the ECR API for the token.

Sources:
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
  https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import EndpointVariantError

from cred_helper.credential import HEADERS, Credential, Secret
from cred_helper.errors import BadReply
from cred_helper.hosts import PARTITIONS, S3Route
from cred_helper.providers.common.interface import Deadline
from cred_helper.providers.common.wire import Wire, host_of
from cred_helper.providers.ecr import sdk_keys, sdk_session, web_identity
from cred_helper.providers.ecr.configuration import Configuration, endpoint_variable
from cred_helper.providers.ecr.errors import Step, explained
from cred_helper.providers.ecr.identity import AwsIdentity
from cred_helper.providers.ecr.profile_errors import sign_in_error
from cred_helper.providers.ecr.renewal import renewal, renewed_elsewhere
from cred_helper.providers.ecr.sign_in import NOWHERE, Session

# A label in a host name → the name of the service in messages.
_SERVERS = {
    "ecr": "ECR",
    "ecr-public": "ECR Public",
    "sts": "STS",
    "sso": "SSO",
    "oidc": "SSO",
    "signin": "AWS sign-in",
}
# Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html
# Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
_LOCAL_SERVERS = {
    "169.254.169.254": "the instance metadata service",
    "[fd00:ec2::254]": "the instance metadata service",
    "169.254.170.2": "the container credential service",
    "169.254.170.23": "the container credential service",
    "[fd00:ec2::23]": "the container credential service",
}

# S3 accepts a signature for fifteen minutes, by its own clock.
_SIGNED_FOR = timedelta(minutes=14)


def token(config: Configuration, identity: AwsIdentity, deadline: Deadline) -> Credential:
    """Get the keys of this identity from the SDK, and ask for a token with them.

    Raises:
        CredentialError: the message for the SDK's error, whose own text can contain a secret.
    """
    wire = Wire(deadline, ca_file=config.ca_file, name_of=_server)
    step: Step = "keys"
    try:
        session = sdk_session.new(config, identity, deadline)
        web_identity.await_pipe(config, identity.source)
        if identity.id_token is not None:
            keys = sdk_keys.by_id_token(session, config, identity.id_token, wire)
        elif sign_in := identity.found.session:
            session, keys = _signed_in(session, config, identity, wire, sign_in)
        else:
            keys = sdk_keys.by_chain(session, config, identity, wire)
        if isinstance(config.route, S3Route):
            return _signed(keys, config.route, identity)
        step = "client"
        client = _client(session, config, keys)
        step = "call"
        wire.last = None
        reply = client.get_authorization_token()
    except Exception as error:  # noqa: BLE001 - the SDK raises what its parts raise
        failure = explained(error, config, identity, wire, step)
        if identity.id_token is not None and step == "keys":
            from cred_helper.providers.common.id_token_check import with_claims

            failure = with_claims(failure, identity.id_token)
        raise failure from None
    return _credential(reply, config, identity)


def _signed_in(
    session: Any, config: Configuration, identity: AwsIdentity, wire: Wire, sign_in: Session
) -> tuple[Any, Any]:
    """The SDK's session and the keys of a sign-in session, which other programs renew too."""
    if sign_in.folder == NOWHERE:
        raise sign_in_error(config, "ended")
    deadline, before = wire.deadline, sign_in.read()
    try:
        with renewal(sign_in, deadline):
            return session, sdk_keys.by_chain(session, config, identity, wire)
    except Exception:
        if not renewed_elsewhere(sign_in, before, deadline):
            raise
    session = sdk_session.new(config, identity, deadline)
    return session, sdk_keys.by_chain(session, config, identity, wire)


def _server(url: str) -> str:
    host = host_of(url)
    names = (_SERVERS.get(label.removesuffix("-fips"), "") for label in host.split("."))
    name = _LOCAL_SERVERS.get(host) or next(filter(None, names), "")
    return f"{name} at {host}" if name else host


def _client(session: Any, config: Configuration, keys: Any) -> Any:
    """A client of the API that issues tokens for the host.

    FIPS and dual-stack are set for this client only. Some regions have them for ECR and not for STS
    or SSO, so the user's settings apply there. The SDK's rules (1.44) place the FIPS API at
    api.ecr-fips.REGION in every partition; AWS's list of endpoints and older SDKs, at
    ecr-fips.REGION.
    """
    route = config.route
    create = partial(
        session.create_client,
        config.api,
        region_name=route.region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    # The SDK's rules reject FIPS and dual-stack together with an endpoint that the user sets.
    plain = Config(use_fips_endpoint=False, use_dualstack_endpoint=False)
    if _has_own_endpoint(session, config):
        return create(config=plain)
    # With ``None``, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT apply.
    variant = Config(
        use_fips_endpoint=route.fips or None, use_dualstack_endpoint=route.dual_stack or None
    )
    try:
        return create(config=variant)
    except EndpointVariantError:
        # The SDK first reads its list of endpoints, which lacks the dual-stack zone of the newest
        # partitions. Its rules have that zone.
        zone = next(p for p in PARTITIONS if p.name == route.partition).dual_stack_suffix
        service = "ecr-fips" if route.fips else "ecr"
        url = f"https://{service}.{route.region}.{zone.replace('on.', 'api.', 1)}"
        return create(config=plain, endpoint_url=url)


def _signed(keys: Any, route: S3Route, identity: AwsIdentity) -> Credential:
    """Sign the download of one URI. The keys are not sent.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    request = AWSRequest("GET", route.uri)
    S3SigV4Auth(keys, "s3", route.region).add_auth(request)
    headers = Secret("\t".join(f"{name}: {value}" for name, value in request.headers.items()))
    expires_at = datetime.now(UTC) + _SIGNED_FOR
    return Credential(HEADERS, headers, expires_at=expires_at, source=identity.detail)


def _has_own_endpoint(session: Any, config: Configuration) -> bool:
    """Whether the user's settings name an endpoint for this API.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return False
    profile = session.get_scoped_config()
    services = session.full_config.get("services", {}).get(profile.get("services"), {})
    service = services.get(config.api.replace("-", "_"))
    variables = (endpoint_variable(config.api), endpoint_variable(""))
    places = (profile, service if isinstance(service, dict) else {})
    is_set = any(config.environ.get(variable) for variable in variables)
    return is_set or any(place.get("endpoint_url") for place in places)


def _credential(
    reply: Mapping[str, Any], config: Configuration, identity: AwsIdentity
) -> Credential:
    api = config.title
    data = reply.get("authorizationData")
    if isinstance(data, list):  # ECR replies with a list, ECR Public with an object
        data = data[0] if data else None
    token = data.get("authorizationToken") if data else None
    if not data or not isinstance(token, str):
        raise BadReply("ecr.no-token", api=api)
    try:
        decoded = a2b_base64(token.encode("ascii"), strict_mode=True).decode("utf-8")
    except (Base64Error, UnicodeError):
        raise BadReply("ecr.token-encoding", api=api) from None
    # A password can contain colons, and a user name cannot.
    username, _, password = decoded.partition(":")
    if not username or not password:
        raise BadReply("ecr.token-not-a-login", api=api)
    ends = data.get("expiresAt")
    expires_at = ends.astimezone(UTC) if ends else None
    return Credential(username, Secret(password), expires_at=expires_at, source=identity.detail)
