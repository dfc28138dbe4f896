"""A token of Amazon ECR by the SDK: its chain for the keys, its client for the token.

Loads botocore. Changes nothing that the SDK keeps, except for what the SDK renews itself (SSO and
sign-in sessions).

Sources:
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
  https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
"""

from __future__ import annotations

import os
from binascii import Error as Base64Error
from binascii import a2b_base64
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial

import botocore.credentials
import botocore.hooks
import botocore.session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConstantProvider
from botocore.exceptions import ClientError, EndpointVariantError
from botocore.utils import JSONFileCache

from cred_helper import __version__
from cred_helper.credential import HEADERS, Credential, Secret
from cred_helper.errors import BadReply, CredentialError, Misconfigured, NotFound, Unreachable
from cred_helper.hosts import PARTITIONS, S3Route
from cred_helper.messages import find
from cred_helper.providers.common.botocore_session import use_wire
from cred_helper.providers.common.wire import Wire, host_of
from cred_helper.providers.ecr import web_identity
from cred_helper.providers.ecr.configuration import endpoint_variable, expanded
from cred_helper.providers.ecr.errors import (
    Step,
    explained,
    mfa_needed,
    not_writable,
    sign_in_again,
)
from cred_helper.providers.ecr.identity import INSTANCE
from cred_helper.providers.ecr.machine_identity import metadata_endpoint
from cred_helper.providers.ecr.sign_in import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cred_helper.hosts import EcrRoute
    from cred_helper.providers.common.interface import Deadline, FoundToken
    from cred_helper.providers.ecr import AwsIdentity
    from cred_helper.providers.ecr.configuration import Configuration
    from cred_helper.providers.ecr.sign_in import Session as SignIn

# The services that the SDK is asked for, by its own names.
_SERVICES = ["ecr", "ecr-public", "signin", "sso", "sso-oidc", "sts"]

# A label in the name of a server → what messages call it.
_SERVERS = {
    "ecr": "ECR",
    "ecr-fips": "ECR",
    "ecr-public": "ECR Public",
    "sts": "STS",
    "sts-fips": "STS",
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

# Source: https://docs.python.org/3/library/inspect.html#code-objects-bit-flags
CO_VARKEYWORDS = 0x08

# The name in CloudTrail of the sessions of roles that this program assumes.
_SESSION_NAME = "docker-credential-multi"

# One attempt and two repetitions, which is the SDK's standard mode.
_ATTEMPTS = 3
# The APIs that renew a sign-in session. A refresh token may be spent by the first request that
# shows it, whatever becomes of the answer: a repetition could end the session.
_ASKED_ONCE = ("sso-oidc", "signin")
# An API in the farthest region answers within a second or two.
_CONNECT_TIMEOUT_S = 4.0
_READ_TIMEOUT_S = 6.0
# S3 takes a signature for fifteen minutes, by its own clock.
_SIGNED_FOR = timedelta(minutes=14)
# The SDK's single attempt is too few for a metadata service under load.
_METADATA_ATTEMPTS = 2


def token(configuration: Configuration, identity: AwsIdentity, deadline: Deadline) -> Credential:
    """Have the SDK use this identity, and ask for a token with it.

    Raises:
        CredentialError: the SDK's error, explained. Its own text could hold a secret.
    """
    wire = Wire(deadline, ca_file=configuration.ca_file, name_of=_server)
    step = Step.KEYS
    try:
        session = _session(configuration, identity, deadline)
        sign_in = identity.found.session
        if sign_in and sign_in.folder == NOWHERE:
            raise sign_in_again(configuration, "missing")
        # Of all that share a sign-in session one renews it, and the others read it afterwards.
        web_identity.await_pipe(configuration, identity.source)
        if identity.id_token is not None:
            keys = _keys_by_id_token(session, configuration, identity.id_token, wire)
        else:
            with sign_in.renewal(deadline) if sign_in else nullcontext():
                keys = _keys(session, configuration, identity, wire)
        if isinstance(configuration.route, S3Route):
            return _signed(keys, configuration.route, identity)
        step = Step.CLIENT
        client = _client(session, configuration, keys)
        step = Step.CALL
        wire.last = None
        reply = client.get_authorization_token()
    except Exception as error:  # noqa: BLE001 - the SDK raises what its parts raise
        failure = explained(error, configuration, identity, wire, step)
        if identity.id_token is not None and step == Step.KEYS:
            from cred_helper.providers.common.id_token_check import with_claims

            failure = with_claims(failure, identity.id_token)
        raise failure from None
    return _credential(reply, configuration, identity)


def _server(url: str) -> str:
    """The name of the server at a URL."""
    host = host_of(url)
    name = _LOCAL_SERVERS.get(host) or next(
        (_SERVERS[label] for label in host.split(".") if label in _SERVERS), ""
    )
    return f"{name} at {host}" if name else host


def _session(configuration: Configuration, identity: AwsIdentity, deadline: Deadline) -> Any:
    """A session of the SDK with the user's configuration, and time limits within the deadline.

    It is botocore's: boto3's is the same with a layer for resources, 15 ms later.
    """
    session = _Session(profile=configuration.chosen_profile)
    store = session.get_component("config_store")
    for name, value in _empty_variables(configuration):
        store.set_config_provider(name, ConstantProvider(value))
    if not configuration.chosen_profile:
        named = configuration.profile if configuration.profile_setting else None
        store.set_config_provider("profile", ConstantProvider(named))
    for name, file in zip(("config_file", "credentials_file"), configuration.files, strict=True):
        # Without a home folder, "~" is not the name of a folder here.
        store.set_config_provider(name, ConstantProvider(file.path or os.devnull))
    # These hold for STS, SSO and ECR alike. All attempts together stay within the deadline, so that
    # a failure is explained by its cause.
    share_s = deadline.remaining_s() / (_ATTEMPTS + 2)
    session.set_default_client_config(
        Config(
            connect_timeout=deadline.step_s(min(_CONNECT_TIMEOUT_S, share_s)),
            read_timeout=deadline.step_s(min(_READ_TIMEOUT_S, share_s)),
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra=f"docker-credential-multi/{__version__}",
        )
    )
    session.set_config_variable("region", _sts_region(session, configuration.route))
    if not configuration.setting(
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts"
    ):
        session.set_config_variable("metadata_service_num_attempts", _METADATA_ATTEMPTS)

    def note(http_response: Any, **_: object) -> None:
        configuration.renewal_status = http_response.status_code

    # The SDK does not say why it could not renew an SSO session.
    session.register("after-call.sso-oidc.CreateToken", note)
    if identity.found.session is not None:
        refuse = partial(_refuse_to_lose, configuration, identity.found.session)
        for operation in ("sso-oidc.CreateToken", "signin.CreateOAuth2Token"):
            session.register(f"before-call.{operation}", refuse)
    # A look into the folders of all 400 services would be an eighth of an uncached answer.
    session.get_component("data_loader").list_available_services = lambda _type: _SERVICES
    return session


def _accepts_keywords(handler: Any, by_signature: Any = botocore.hooks.accepts_kwargs) -> Any:
    """Whether a handler of an event takes any keyword, without parsing its signature.

    The SDK asks it of each of the hundred handlers that it registers.
    """
    called = handler if hasattr(handler, "__code__") else type(handler).__call__
    code = getattr(called, "__code__", None)
    return by_signature(handler) if code is None else code.co_flags & CO_VARKEYWORDS


botocore.hooks.accepts_kwargs = _accepts_keywords


def _empty_variables(configuration: Configuration) -> Iterator[tuple[str, object]]:
    """The SDK's settings whose variable is empty, with the value that they have without it.

    An empty variable counts as not set, as in the SDK for Go. This SDK would refuse to work.
    """
    for name, (option, names, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        variables = [names] if isinstance(names, str) else names or []
        if name == "profile" or "" not in map(configuration.environ.get, variables):
            continue
        value = configuration.options.get(option) if option else None
        yield name, default if value is None else convert(value) if convert else value


def _refuse_to_lose(configuration: Configuration, sign_in: SignIn, **_: object) -> None:
    """Stop a renewal whose new refresh token could not be kept: it would end the session.

    Raises:
        ClientError: the SDK goes on with the session as it is, which is still valid.
        Denied: the session is over.
    """
    if os.access(sign_in.folder, os.W_OK):
        return
    if sign_in.is_valid():
        raise ClientError({"Error": {"Code": "ReadOnly", "Message": ""}}, "CreateToken")
    raise not_writable(configuration, sign_in.folder)


class _Session(botocore.session.Session):  # type: ignore[misc]
    """The SDK's session, which never repeats a request that shows a refresh token."""

    def create_client(self, service_name: str, *args: Any, **options: Any) -> Any:
        if service_name in _ASKED_ONCE:
            once = Config(retries={"mode": "standard", "total_max_attempts": 1})
            config = options.get("config")
            options["config"] = config.merge(once) if config else once
        options["verify"] = True  # the wire chooses the CA bundle
        return super().create_client(service_name, *args, **options)


def _sts_region(session: Any, route: EcrRoute) -> str:
    """The region whose STS assumes roles: the user's, if it is in the partition of the host.

    The SDK knows only the user's, and a build agent has none; a key of one partition is unknown in
    every other. A value that cannot be a region, such as one with a comment behind it, is ignored.
    """
    configured: str = session.get_config_variable("region") or ""
    if not configured.replace("-", "").isalnum():
        return route.region
    owner = next(p for p in PARTITIONS if configured.startswith(p.region_prefix))
    return configured if configured and owner.name == route.partition else route.region


def _keys(session: Any, configuration: Configuration, identity: AwsIdentity, wire: Wire) -> Any:
    """The keys of the identity, by the SDK's own chain."""

    def refuse(_prompt: str) -> str:
        raise mfa_needed(configuration)

    if botocore.credentials.EC is None:
        botocore.credentials.EC = _EllipticCurve
    # A session that the CLI keeps may come from other keys. It is used where there is no other way
    # (a role that requires an MFA code), and where it is that of an SSO user.
    keeps = identity.found.uses_cli_sessions
    cache: Any = _CliSessions(expanded("~/.aws/cli/cache") or NOWHERE) if keeps else {}
    chain = botocore.credentials.create_credential_resolver(session, cache=cache)
    # The SDK's own prompter would ask for a code on the user's terminal, from a program that the
    # user does not know is running.
    roles = chain.get_provider("assume-role")
    roles._prompter = refuse  # noqa: SLF001 - the SDK has no other way
    use_wire(wire, session, chain)
    if identity.output is not None:
        _replay(identity.output.data, session, chain, roles)
    if identity.source != INSTANCE:
        # A configured source that fails is explained. The instance's role is another identity.
        chain.remove("iam-role")
    if not expanded("~"):
        chain.remove("boto-config")  # it would look for ~/.boto in a folder named "~"
    session.register_component("credential_provider", chain)
    credentials = session.get_credentials()
    if credentials is None:
        raise _nothing_found(configuration, identity, wire)
    if not configuration.role_arn:
        return credentials.get_frozen_credentials()
    return _assumed(
        botocore.credentials.AssumeRoleCredentialFetcher(
            session.create_client,
            credentials,
            configuration.role_arn,
            extra_args={"RoleSessionName": _SESSION_NAME},
        )
    )


def _keys_by_id_token(
    session: Any, configuration: Configuration, found: FoundToken, wire: Wire
) -> Any:
    """The keys of the role that trusts the identity token of the request."""
    from cred_helper.providers.common import id_token_issuer

    use_wire(wire, session)
    token = id_token_issuer.token(configuration.request, found)
    name = web_identity.session_name(configuration, configuration.options, by_variables=True)
    return _assumed(
        botocore.credentials.AssumeRoleWithWebIdentityCredentialFetcher(
            session.create_client,
            lambda: token,
            web_identity.role_of_id_token(configuration),
            extra_args={"RoleSessionName": name or _SESSION_NAME},
        )
    )


def _assumed(fetcher: Any) -> Any:
    """The keys of a role's session."""
    role = fetcher.fetch_credentials()
    return botocore.credentials.ReadOnlyCredentials(
        role["access_key"], role["secret_key"], role["token"]
    )


def _replay(output: bytes, session: Any, chain: Any, roles: Any) -> None:
    """Give the SDK the output of the credential_process, which has run already."""

    def popen(*_: object, **__: object) -> _Ended:
        return _Ended(output)

    def provider(profile_name: str) -> Any:
        return botocore.credentials.ProcessProvider(
            profile_name, lambda: session.full_config, popen=popen
        )

    # The SDK has no other way: one provider for the profile in use, one for the source of a role.
    chain.get_provider("custom-process")._popen = popen  # noqa: SLF001
    roles._profile_provider_builder._create_process_provider = provider  # noqa: SLF001


class _Ended:
    """A process that has ended, as the SDK looks at it."""

    returncode = 0

    def __init__(self, output: bytes) -> None:
        self._output = output

    def communicate(self) -> tuple[bytes, bytes]:
        return self._output, b""


def _nothing_found(
    configuration: Configuration, identity: AwsIdentity, wire: Wire
) -> CredentialError:
    if identity.source != INSTANCE:
        return Misconfigured("ecr.source-empty", detail=identity.detail)
    if metadata_endpoint(configuration):
        # The SDK does not say why its fetcher gave up.
        reason = wire.last.failure if wire.last else None
        if reason is not None and (failure := wire.failure(reason)):
            return failure.with_hint(find("ecr.metadata-empty").hint)
        return Unreachable("ecr.metadata-empty", detail=identity.detail)
    # The user did not ask for this machine's role: a missing role is not a failure.
    if configuration.environ.get("http_proxy") or configuration.environ.get("HTTP_PROXY"):
        return NotFound("ecr.instance-without-role-by-proxy")
    return NotFound("ecr.instance-without-role")


class _CliSessions(JSONFileCache):  # type: ignore[misc]
    """The role sessions that the AWS CLI keeps. They are read and never written.

    They make a role that wants an MFA code usable here: the CLI has asked for the code.
    Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html
    """

    def __contains__(self, key: str) -> bool:
        try:
            return "Expiration" in self[key]["Credentials"]
        except (KeyError, TypeError):
            return False

    def __setitem__(self, key: str, value: object) -> None:
        """Keep nothing: this program caches the token."""


class _EllipticCurve:
    """The key that the SDK signs the renewal of an ``aws login`` session with.

    The SDK takes it from awscrt, a library of megabytes that it does not bring along; where that is
    missing, this is the same by ``cryptography``.
    """

    def __init__(self, key: Any) -> None:
        self._key = key

    @classmethod
    def new_key_from_der_data(cls, der: bytes) -> _EllipticCurve:
        from cryptography.hazmat.primitives.serialization import load_der_private_key

        return cls(load_der_private_key(der, password=None))

    def get_public_coords(self) -> tuple[bytes, bytes]:
        point = self._key.public_key().public_numbers()
        return point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")

    def sign(self, sha256: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
        from cryptography.hazmat.primitives.hashes import SHA256

        signature: bytes = self._key.sign(sha256, ECDSA(Prehashed(SHA256())))
        return signature

    @staticmethod
    def decode_der_signature_to_padded_pair(signature: bytes, pad_to: int) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        return b"".join(half.to_bytes(pad_to, "big") for half in decode_dss_signature(signature))


def _client(session: Any, configuration: Configuration, keys: Any) -> Any:
    """A client of the API that issues tokens for the host.

    FIPS and dual-stack are for this client alone: the user sets what STS and SSO use, since not
    every region has them. The SDK's rules (1.44) have the FIPS API at api.ecr-fips.REGION in every
    partition, aws and aws-us-gov too, where AWS's list of endpoints and older SDKs have
    ecr-fips.REGION.
    """
    route = configuration.route
    create = partial(
        session.create_client,
        configuration.api,
        region_name=route.region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    # The rules refuse both together with an endpoint of the user's own.
    plain = Config(use_fips_endpoint=False, use_dualstack_endpoint=False)
    if _has_own_endpoint(session, configuration):
        return create(config=plain)
    # ``None`` leaves it to AWS_USE_FIPS_ENDPOINT and the like.
    variant = Config(
        use_fips_endpoint=route.fips or None, use_dualstack_endpoint=route.dual_stack or None
    )
    try:
        return create(config=variant)
    except EndpointVariantError:
        # An older list, which the SDK reads first, has no dual-stack zone for the newest
        # partitions; the rules, which it follows in the end, have one.
        zone = next(p for p in PARTITIONS if p.name == route.partition).dual_stack_suffix
        service = "ecr-fips" if route.fips else "ecr"
        url = f"https://{service}.{route.region}.{zone.replace('on.', 'api.', 1)}"
        return create(config=plain, endpoint_url=url)


def _signed(keys: Any, route: S3Route, identity: AwsIdentity) -> Credential:
    """Sign the download of one URI; no key leaves the machine.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    request = AWSRequest("GET", route.uri)
    S3SigV4Auth(keys, "s3", route.region).add_auth(request)
    return Credential(
        HEADERS,
        Secret("\t".join(f"{name}: {value}" for name, value in request.headers.items())),
        expires_at=datetime.now(UTC) + _SIGNED_FOR,
        source=identity.detail,
    )


def _has_own_endpoint(session: Any, configuration: Configuration) -> bool:
    """Whether the user sends this API's calls to an endpoint of their own.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return False
    profile = session.get_scoped_config()
    services = session.full_config.get("services", {}).get(profile.get("services"), {})
    service = services.get(configuration.api.replace("-", "_"))
    return bool(
        configuration.environ.get(endpoint_variable(configuration.api))
        or configuration.environ.get(endpoint_variable(""))
        or profile.get("endpoint_url")
        or (isinstance(service, dict) and service.get("endpoint_url"))
    )


def _credential(
    reply: Mapping[str, Any], configuration: Configuration, identity: AwsIdentity
) -> Credential:
    """Take the user name and the password out of the API's reply."""
    api = configuration.title
    data = reply.get("authorizationData")
    if isinstance(data, list):  # ECR's; ECR Public's is the object itself
        data = data[0] if data else None
    token = data.get("authorizationToken") if data else None
    if not data or not isinstance(token, str):
        raise BadReply("ecr.no-token", api=api)
    try:
        decoded = a2b_base64(token.encode("ascii"), strict_mode=True).decode("utf-8")
    except (Base64Error, UnicodeError):
        raise BadReply("ecr.token-encoding", api=api) from None
    # A password may have colons, a user name cannot.
    username, _, password = decoded.partition(":")
    if not username or not password:
        raise BadReply("ecr.token-not-a-login", api=api)
    expires_at = data.get("expiresAt")
    return Credential(
        username,
        Secret(password),
        expires_at=expires_at.astimezone(UTC) if expires_at else None,
        source=identity.detail,
    )
