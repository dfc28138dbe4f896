"""Amazon ECR: whose token is asked for, and of which API.

The identity is boto3's own: the chain of the SDK is followed here with no SDK, to say which source
it would use; ``login`` has the SDK use that one. Never looks for an instance's role where
anything else is configured, never prompts, and never names an account to the API: a token belongs
to who asks for it, and opens every registry of the region that one may reach.

Sources:
  https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
  https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.providers.common.interface import Identity, Skipped
from cred_helper.providers.ecr.setup import Setup
from cred_helper.providers.ecr.sources import CHAIN, Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.credential import Credential
    from cred_helper.providers.common.interface import TokenRequest

_METADATA_ADDRESS = ("169.254.169.254", 80)
_METADATA_PROBE = (
    b"GET /latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n"
)
# How EC2's own server names itself, also where it refuses a request without a session token. Asking
# for that token instead would tell less: its reply does not reach a container one hop away.
_METADATA_SERVER = b"\r\nserver: ec2ws"


class EcrProvider:
    """Amazon ECR and ECR Public."""

    name = "ecr"

    def identify(self, request: TokenRequest) -> Identity:
        """Say which of the SDK's sources it would use.

        Raises:
            Misconfigured: a profile is named that does not exist, or half a key is set.
        """
        setup = Setup(request)
        source: str | None = None
        found: Found | None = None
        skipped: list[Skipped] = []
        for name, look in CHAIN:
            outcome = f"{source} comes first" if source else look(setup)
            if isinstance(outcome, str):
                skipped.append(Skipped(name, outcome))
            else:
                source, found = name, outcome
        if source is None or found is None:
            return Identity(None, skipped=tuple(skipped), problem=setup.missed())
        return Identity(
            source,
            found.detail + (f", then {setup.role_arn}" if setup.role_arn else ""),
            skipped=tuple(skipped),
            cache_key=None
            if found.marks is None
            else digest([source, *found.marks, setup.role_arn, *setup.redirections()]),
            certain=found.certain,
            scope=setup.scope,
        )

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Ask the API of the host's region for a token."""
        setup = Setup(request)
        try:
            return _credential(setup, request, identity)
        except NotFound as nobody:
            raise setup.missed() or nobody from None


PROVIDER = EcrProvider()


def _credential(setup: Setup, request: TokenRequest, identity: Identity) -> Credential:
    if identity.source is None:
        raise NotFound("no AWS identity is configured, and this is no machine of AWS")
    if not identity.certain and not _metadata_answers():
        raise NotFound("no AWS identity is configured, and no metadata service answers")
    from cred_helper.providers.ecr import login

    return login.log_in(setup, identity, request.deadline)


def _metadata_answers() -> bool:
    from cred_helper.providers.common import cloud_detection

    return cloud_detection.answers(
        _METADATA_ADDRESS, _METADATA_PROBE, lambda reply: _METADATA_SERVER in reply.lower()
    )
