"""Amazon ECR with the SDK: its chain for the keys, its client for the token.

Loaded when nothing cached will do, since it loads botocore; the package has what is found out
without. Changes nothing the SDK keeps but what it renews itself (SSO and sign-in sessions).

Sources:
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
  https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
"""

from __future__ import annotations

import os
from binascii import Error as Base64Error
from binascii import a2b_base64
from datetime import UTC
from functools import partial

import botocore.credentials
import botocore.session
from botocore.config import Config
from botocore.exceptions import EndpointVariantError
from botocore.utils import JSONFileCache

from cred_helper import __version__
from cred_helper.credential import Credential, Secret
from cred_helper.errors import (
    IN_BETWEEN,
    BadReply,
    CredentialError,
    Misconfigured,
    NotFound,
    Unreachable,
)
from cred_helper.hosts import PARTITIONS
from cred_helper.providers.ecr.failures import explain, mfa_needed
from cred_helper.providers.ecr.setup import endpoint_variable
from cred_helper.providers.ecr.sources import INSTANCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cred_helper.hosts import EcrRoute
    from cred_helper.providers.common.interface import Deadline, Identity
    from cred_helper.providers.ecr.setup import Setup

# What the SDK is asked for, by its own names.
_SERVICES = ["ecr", "ecr-public", "signin", "sso", "sso-oidc", "sts"]

# How the sessions of roles that we assume are named in CloudTrail.
_SESSION_NAME = "docker-credential-multi"

# One attempt and two repetitions, which is the SDK's standard mode.
_ATTEMPTS = 3
# The APIs that renew a session somebody signed in to. A refresh token may be spent by the first
# request that shows it, whatever becomes of the answer: a repetition could end the session.
_ASKED_ONCE = ("sso-oidc", "signin")
# An API in the farthest region answers within a second or two.
_CONNECT_TIMEOUT_S = 4.0
_READ_TIMEOUT_S = 6.0
# The SDK's single attempt is too few for a metadata service under load.
_METADATA_ATTEMPTS = 2


def log_in(setup: Setup, identity: Identity, deadline: Deadline) -> Credential:
    """Have the SDK use this identity, and ask for a token with it.

    Raises:
        CredentialError: the SDK's error, explained. Its own text is not kept: it could be shown.
    """
    try:
        session = _session(setup, deadline)
        keys = _keys(session, setup, identity)
    except Exception as error:  # noqa: BLE001 - the SDK raises what its parts raise
        raise explain(error, setup, identity) from None
    try:
        reply = _client(session, setup, keys).get_authorization_token()
    except Exception as error:  # noqa: BLE001
        raise explain(error, setup, identity, calling=True) from None
    return _credential(reply, setup, identity)


def _session(setup: Setup, deadline: Deadline) -> Any:
    """A session of the SDK's with what the user set, and patience for no longer than the deadline.

    botocore's, not boto3's: that one is this one with a layer for resources, 15 ms later.
    """
    session = _Session(profile=setup.chosen_profile)
    # These hold for STS, SSO and ECR alike. All attempts together stay within the deadline, so that
    # the last of them is explained by what went wrong, and not by the clock.
    share_s = deadline.remaining_s() / (_ATTEMPTS + 2)
    session.set_default_client_config(
        Config(
            connect_timeout=deadline.step_s(min(_CONNECT_TIMEOUT_S, share_s)),
            read_timeout=deadline.step_s(min(_READ_TIMEOUT_S, share_s)),
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra=f"docker-credential-multi/{__version__}",
        )
    )
    session.set_config_variable("region", _sts_region(session, setup.route))
    if not setup.setting("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts"):
        session.set_config_variable("metadata_service_num_attempts", _METADATA_ATTEMPTS)
    if setup.trusted:
        session.set_config_variable("ca_bundle", setup.trusted.path)

    def note(http_response: Any, **_: object) -> None:
        setup.renewal_status = http_response.status_code

    # The SDK keeps to itself why it could not renew an SSO session.
    session.register("after-call.sso-oidc.CreateToken", note)
    # A look into the folders of all 400 services would be an eighth of an uncached answer.
    session.get_component("data_loader").list_available_services = lambda _type: _SERVICES
    return session


class _Session(botocore.session.Session):  # type: ignore[misc]
    """The SDK's session, which asks once where it would ask again."""

    def create_client(self, service_name: str, *args: Any, **options: Any) -> Any:
        if service_name in _ASKED_ONCE:
            once = Config(retries={"mode": "standard", "total_max_attempts": 1})
            config = options.get("config")
            options["config"] = config.merge(once) if config else once
        return super().create_client(service_name, *args, **options)


def _sts_region(session: Any, route: EcrRoute) -> str:
    """Where roles are assumed: the user's region, where that shares a border with the host's.

    The SDK would look no further than the user's, and a build agent has none; a key of one
    partition is unknown in every other.
    """
    configured: str = session.get_config_variable("region") or ""
    owner = next(p for p in PARTITIONS if configured.startswith(p.region_prefix))
    return configured if configured and owner.name == route.partition else route.region


def _keys(session: Any, setup: Setup, identity: Identity) -> Any:
    """The keys of the identity, by the SDK's own chain."""

    def refuse(_prompt: str) -> str:
        raise mfa_needed(setup)

    if botocore.credentials.EC is None:
        botocore.credentials.EC = _EllipticCurve
    chain = botocore.credentials.create_credential_resolver(
        session, cache=_CliSessions(os.path.expanduser("~/.aws/cli/cache"))
    )
    # The SDK has no other way to say it; with its own prompter a code would be asked for on the
    # user's terminal, by a program the user does not know is running.
    chain.get_provider("assume-role")._prompter = refuse  # noqa: SLF001
    if identity.source != INSTANCE:
        # What is configured and fails is explained. The instance's role is somebody else.
        chain.remove("iam-role")
    session.register_component("credential_provider", chain)
    credentials = session.get_credentials()
    if credentials is None:
        raise _nothing_found(setup, identity)
    if not setup.role_arn:
        return credentials.get_frozen_credentials()
    role = botocore.credentials.AssumeRoleCredentialFetcher(
        session.create_client,
        credentials,
        setup.role_arn,
        extra_args={"RoleSessionName": _SESSION_NAME},
    ).fetch_credentials()
    return botocore.credentials.ReadOnlyCredentials(
        role["access_key"], role["secret_key"], role["token"]
    )


def _nothing_found(setup: Setup, identity: Identity) -> CredentialError:
    if identity.source != INSTANCE:
        return Misconfigured(f"{identity.detail} holds no credentials")
    if setup.metadata_endpoint:
        return Unreachable(f"{identity.detail} gave no credentials")
    # Nobody asked for this machine's role: that it has none, or keeps it to itself, is no failure.
    if setup.environ.get("http_proxy") or setup.environ.get("HTTP_PROXY"):
        return NotFound("the metadata service gave no role; is it asked through HTTP_PROXY?")
    return NotFound("this instance has no role, or its hop limit keeps containers from it")


class _CliSessions(JSONFileCache):  # type: ignore[misc]
    """The role sessions that the AWS CLI keeps, to be used and never to be written.

    With these a role that wants an MFA code is of use here: the CLI asked for the code.
    Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html
    """

    def __contains__(self, key: str) -> bool:
        try:
            return "Expiration" in self[key]["Credentials"]
        except (KeyError, TypeError):
            return False

    def __setitem__(self, key: str, value: object) -> None:
        """Keep nothing: the token is what this program caches."""


class _EllipticCurve:
    """What the SDK signs the renewal of an ``aws login`` session with.

    It takes that from awscrt, a library of megabytes that it does not bring along; where that is
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


def _client(session: Any, setup: Setup, keys: Any) -> Any:
    """A client of the API that the host's name stands for.

    FIPS and dual-stack are this client's alone: what STS and SSO use is the user's to set, since
    not every region has them. The SDK's rules (1.44) have the FIPS API at api.ecr-fips.REGION in
    every partition, aws and aws-us-gov too, where AWS's list of endpoints and older SDKs have
    ecr-fips.REGION.
    """
    route = setup.route
    create = partial(
        session.create_client,
        setup.api,
        region_name=route.region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    # The rules refuse either together with an endpoint of the user's own.
    plain = Config(use_fips_endpoint=False, use_dualstack_endpoint=False)
    if _redirected(session, setup):
        return create(config=plain)
    # ``None`` leaves it to AWS_USE_FIPS_ENDPOINT and the like.
    variant = Config(
        use_fips_endpoint=route.fips or None, use_dualstack_endpoint=route.dual_stack or None
    )
    try:
        return create(config=variant)
    except EndpointVariantError:
        # An older list that the SDK looks at first has no dual-stack zone for the newest
        # partitions; the rules, which it would follow in the end, do.
        zone = next(p for p in PARTITIONS if p.name == route.partition).dual_stack_suffix
        service = "ecr-fips" if route.fips else "ecr"
        url = f"https://{service}.{route.region}.{zone.replace('on.', 'api.', 1)}"
        return create(config=plain, endpoint_url=url)


def _redirected(session: Any, setup: Setup) -> bool:
    """Whether the user sends this API's calls to an endpoint of their own.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return False
    profile = session.get_scoped_config()
    services = session.full_config.get("services", {}).get(profile.get("services"), {})
    service = services.get(setup.api.replace("-", "_"))
    return bool(
        setup.environ.get(endpoint_variable(setup.api))
        or setup.environ.get("AWS_ENDPOINT_URL")
        or profile.get("endpoint_url")
        or (isinstance(service, dict) and service.get("endpoint_url"))
    )


def _credential(reply: Mapping[str, Any], setup: Setup, identity: Identity) -> Credential:
    """Take the user name and the password out of the API's reply."""
    data = reply.get("authorizationData")
    if isinstance(data, list):  # ECR's; ECR Public's is the object itself
        data = data[0] if data else None
    token = data.get("authorizationToken") if data else None
    if not data or not isinstance(token, str):
        raise BadReply(f"{setup.title} answered without an authorization token", hint=IN_BETWEEN)
    try:
        decoded = a2b_base64(token.encode("ascii"), strict_mode=True).decode("utf-8")
    except (Base64Error, UnicodeError):
        raise BadReply(f"{setup.title}'s authorization token is not base64") from None
    # A password may have colons, a user name cannot.
    username, _, password = decoded.partition(":")
    if not username or not password:
        raise BadReply(f"{setup.title}'s authorization token is no user name and password")
    expires_at = data.get("expiresAt")
    return Credential(
        username,
        Secret(password),
        expires_at=expires_at.astimezone(UTC) if expires_at else None,
        source=identity.detail,
    )
