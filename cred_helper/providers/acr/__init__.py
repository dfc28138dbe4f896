"""Azure Container Registry: which Azure identity to sign in with, at which authority.

This module, ``setup`` and ``sources`` look at the environment and at files, before every cached
answer; the sign-in itself and the exchange of its token for the registry's are in ``login``, which
loads the SDK.

The order is that of azure-identity's ``DefaultAzureCredential``, but one identity is chosen instead
of all being tried: whatever somebody configured is used or fails, and never gives way to whatever
the machine happens to have. Only a managed identity that nobody named may turn out not to be there,
and then the developer's own login is asked. Never signs in at an authority of another cloud than
the one the host's suffix belongs to.

Sources:
  https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities, variables)
  https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md (what the registry is asked)
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files import fingerprints
from cred_helper.hosts import ACR
from cred_helper.providers.acr.setup import Setup
from cred_helper.providers.acr.sources import CHAIN, MANAGED_IDENTITY, Login
from cred_helper.providers.common.interface import Identity, Skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.credential import Credential
    from cred_helper.providers.acr.sources import Source
    from cred_helper.providers.common.interface import TokenRequest


class AcrIdentity(Identity):
    """The logins to try, in order: one, and before it those that may turn out not to be there."""

    __slots__ = ("logins",)

    def __init__(
        self,
        logins: tuple[Login, ...],
        skipped: tuple[Skipped, ...],
        common: tuple[str, ...],
    ) -> None:
        first = logins[0] if logins else Login("", "", fingerprint=())
        stable = bool(logins) and all(login.fingerprint is not None for login in logins)
        parts = [part for login in logins for part in (login.source, *(login.fingerprint or ()))]
        super().__init__(
            first.source or None,
            first.detail,
            skipped=skipped,
            cache_key=fingerprints.digest([*common, *parts]) if stable else None,
            certain=first.certain,
        )
        self.logins = logins


class AcrProvider:
    """Azure Container Registry, by azure-identity and one exchange at the registry."""

    name = ACR

    def identify(self, request: TokenRequest) -> AcrIdentity:
        """Choose the login, by environment and files."""
        setup = Setup(request)
        # Told in any case, as an option that cannot be meant.
        identity_token = setup.flag("identity_token", default=False)
        if setup.cloud.closed:
            raise Misconfigured(
                f"the Azure cloud of {setup.cloud.suffix} (Microsoft Cloud Germany) was closed in "
                f"{setup.cloud.closed}, and its registries with it",
                hint="name the registry that took over, under azurecr.io",
            )
        logins, skipped = _choose(setup)
        if not logins:
            nobody = AcrIdentity((), skipped, ())
            nobody.problem = setup.missed()
            return nobody
        common = (
            setup.authority,
            setup.audience,
            setup.option("tenant_id"),
            str(identity_token),
        )
        return AcrIdentity(logins, skipped, common)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Sign in and exchange the token at the registry; see ``login`` for what it raises."""
        assert isinstance(identity, AcrIdentity)
        setup = Setup(request)
        missing = NotFound("no Azure identity is configured or detected here")
        for login in identity.logins:
            try:
                if login.endpoint:
                    from cred_helper.providers.acr.metadata import expect_answer

                    expect_answer(
                        login.endpoint, setup, certain=login.certain, settled=login.settled
                    )
                from cred_helper.providers.acr.login import log_in

                return log_in(setup, login)
            except NotFound as error:
                missing = error
        raise setup.missed() or missing


PROVIDER = AcrProvider()


def _choose(setup: Setup) -> tuple[tuple[Login, ...], tuple[Skipped, ...]]:
    """Walk the chain to the first login that settles it; what is certain comes before guesses.

    Raises:
        Misconfigured: the user's choice among the chain's identities names none of them.
    """
    _expect_known(setup)
    certain: list[Login] = []
    guesses: list[Login] = []
    skipped: list[Skipped] = []
    settled = ""
    for source in CHAIN:
        reason = _excluded(setup, source) or (settled and f"{settled} comes first")
        found = reason or source.look(setup, source)
        if isinstance(found, str):
            skipped.append(Skipped(source.word, found))
        elif found.certain:
            certain.append(found)
            settled = found.source if found.settled else ""
        else:
            guesses.append(found)
    if settled:
        skipped += [
            Skipped(guess.source, f"{settled} is certain, this would be a guess")
            for guess in guesses
        ]
        guesses = []
    logins = (*certain, *guesses)
    skipped += [
        Skipped(login.source, f"it is asked if there is no {logins[0].source} after all")
        for login in logins[1:]
    ]
    order = [source.word for source in CHAIN]
    return logins, tuple(sorted(skipped, key=lambda other: order.index(other.source)))


def _expect_known(setup: Setup) -> None:
    chosen = setup.token_credentials
    known = (word for source in CHAIN for word in (source.group, source.sdk_class))
    if chosen and chosen not in known:
        raise setup.request.wrong(
            "token_credentials",
            f"{setup.chooser} is not prod, dev or the class of an identity used here",
            hint="set it to prod, dev or one class, such as AzureCliCredential",
        )


def _excluded(setup: Setup, source: Source) -> str:
    """Why the user's own choice leaves a link out, or ``""``."""
    chosen = setup.token_credentials
    if chosen and chosen not in (source.group, source.sdk_class):
        return f"{setup.chooser} is {chosen}"
    if source.word != MANAGED_IDENTITY and (choosing := setup.managed_identity_options):
        return f"the option {choosing[0]} chooses a managed identity"
    return ""
