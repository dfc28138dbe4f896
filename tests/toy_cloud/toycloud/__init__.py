"""The toy cloud: a token for the key in TOY_KEY, without network and without SDK."""

from __future__ import annotations

from cred_helper.credential import Credential, Secret
from cred_helper.errors import NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.providers.common.interface import Identity, SkippedSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.errors import Misconfigured, ProviderError
    from cred_helper.providers.common.interface import TokenRequest
    from cred_helper.providers.common.protocols import BuiltInProvider


class ToyProvider:
    """Toy Registry."""

    name = "toycloud"

    def identify(self, request: TokenRequest) -> Identity:
        """The account of the option, or that of the machine, with the key in TOY_KEY."""
        account = request.options.get("account", "machine")
        if not account.isalpha():
            raise request.wrong("account", "toycloud.invalid-account")
        key = request.environ.get("TOY_KEY")
        if not key:
            reason = NotFound("provider.variable-not-set", variable="TOY_KEY")
            return Identity(
                None,
                skipped=(SkippedSource("environment", reason),),
                problem_if_absent=lambda: _problem(request),
            )
        return Identity("environment", account, cache_key=digest([account, key]))

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """A token that names the account and the registry."""
        if identity.source is None:
            raise NotFound("toycloud.no-key")
        from datetime import UTC, datetime, timedelta

        secret = Secret(f"token-of-{identity.detail}-for-{request.route.names['name']}")
        expires_at = datetime.now(UTC) + timedelta(hours=12)
        return Credential("toy", secret, expires_at=expires_at, source="environment")

    def problems(self, _request: TokenRequest, _identity: Identity) -> Iterator[ProviderError]:
        """Mistakes that only doctor looks for: none."""
        yield from ()

    def near_miss(self, _labels: list[str]) -> str | None:
        """The message about a host that is nearly a registry: the zones say it."""
        return None


def _problem(request: TokenRequest) -> Misconfigured | None:
    if "account" not in request.options:
        return None
    return request.wrong("account", "toycloud.account-without-key")


PROVIDER: BuiltInProvider = ToyProvider()
