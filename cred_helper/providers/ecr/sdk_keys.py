"""The keys of an identity, by the SDK's own chain or by an identity token.

Changes nothing that the SDK keeps, except for what the SDK renews itself (SSO and sign-in
sessions).
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import botocore.credentials
from botocore.utils import JSONFileCache

from cred_helper.errors import CredentialError, Misconfigured, NotFound, Unreachable
from cred_helper.messages import find
from cred_helper.providers.common.interface import FoundToken
from cred_helper.providers.common.network_errors import no_reply_error
from cred_helper.providers.common.wire import Wire
from cred_helper.providers.ecr import web_identity
from cred_helper.providers.ecr.botocore_session import use_wire
from cred_helper.providers.ecr.configuration import Configuration, expanded
from cred_helper.providers.ecr.errors import mfa_needed
from cred_helper.providers.ecr.identity import INSTANCE, AwsIdentity
from cred_helper.providers.ecr.machine_identity import metadata_endpoint
from cred_helper.providers.ecr.sign_in import NOWHERE

# The name in CloudTrail of the sessions of roles that this program assumes.
_SESSION_NAME = "docker-credential-multi"


def by_chain(session: Any, config: Configuration, identity: AwsIdentity, wire: Wire) -> Any:
    def refuse(_prompt: str) -> str:
        raise mfa_needed(config)

    if botocore.credentials.EC is None:
        botocore.credentials.EC = _EllipticCurve
    # A session that the CLI keeps may come from other keys. It is used where there is no other way
    # (a role that requires an MFA code), and for an SSO user.
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
        raise _nothing_found(config, identity, wire)
    if not config.role_arn:
        return credentials.get_frozen_credentials()
    fetcher = botocore.credentials.AssumeRoleCredentialFetcher
    named = {"RoleSessionName": _SESSION_NAME}
    client = session.create_client
    return _assumed(fetcher(client, credentials, config.role_arn, extra_args=named))


def by_id_token(session: Any, config: Configuration, found: FoundToken, wire: Wire) -> Any:
    from cred_helper.providers.common import id_token_issuer

    use_wire(wire, session)
    token = id_token_issuer.token(config.request, found)
    name = web_identity.session_name(config, config.options, by_variables=True)
    fetcher = botocore.credentials.AssumeRoleWithWebIdentityCredentialFetcher
    role = web_identity.role_of_id_token(config)
    named = {"RoleSessionName": name or _SESSION_NAME}
    return _assumed(fetcher(session.create_client, lambda: token, role, extra_args=named))


def _assumed(fetcher: Any) -> Any:
    keys = fetcher.fetch_credentials()
    names = ("access_key", "secret_key", "token")
    return botocore.credentials.ReadOnlyCredentials(*(keys[name] for name in names))


def _replay(output: bytes, session: Any, chain: Any, roles: Any) -> None:
    """Give the SDK the output of the credential_process, which has run already."""

    def popen(*_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(returncode=0, communicate=lambda: (output, b""))

    def provider(profile_name: str) -> Any:
        made = botocore.credentials.ProcessProvider
        return made(profile_name, lambda: session.full_config, popen=popen)

    # The SDK has no other way: one provider for the profile in use, one for the source of a role.
    chain.get_provider("custom-process")._popen = popen  # noqa: SLF001
    roles._profile_provider_builder._create_process_provider = provider  # noqa: SLF001


def _nothing_found(config: Configuration, identity: AwsIdentity, wire: Wire) -> CredentialError:
    if identity.source != INSTANCE:
        return Misconfigured("ecr.source-empty", detail=identity.detail)
    if metadata_endpoint(config):
        # The SDK does not say why its fetcher gave up.
        reason = wire.last.failure if wire.last else None
        if reason is not None and (failure := no_reply_error(wire, reason)):
            return failure.with_hint(find("ecr.metadata-empty").hint)
        return Unreachable("ecr.metadata-empty", detail=identity.detail)
    # The user did not ask for this machine's role: a missing role is not a failure.
    if config.environ.get("http_proxy") or config.environ.get("HTTP_PROXY"):
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
