"""Which sources a server URL comes to, and what each would answer, found by looking.

No network, no SDK, no child process. The sources are those that ``get`` asks: files and variables
are read; clouds and helper programs are not asked, so that their answer stays open.
"""

from __future__ import annotations

from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from cred_helper import clouds, providers, stdio
from cred_helper.cache.cached import CachedProvider
from cred_helper.commands.ui.times import duration
from cred_helper.docker_hub import is_token_key
from cred_helper.errors import CredentialError, Misconfigured, NotFound, ProviderError
from cred_helper.fallback import Known
from cred_helper.fallback.helper import Helper
from cred_helper.fallback.login import MachineKeychain
from cred_helper.hosts import OPTIONAL_ZONES, route
from cred_helper.messages import find
from cred_helper.providers.common import id_token, id_token_issuer
from cred_helper.wiring import ProviderSource, Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.cache.entry import Entry
    from cred_helper.clouds import Cloud
    from cred_helper.keychain import Source
    from cred_helper.providers.common.interface import Identity
    from cred_helper.server_url import ServerURL

# What a source would answer.
CREDENTIAL = "credential"
NOTHING = "nothing"
FAILURE = "failure"
OPEN = "open"
NOT_ASKED = "not asked"


class Outlook(NamedTuple):
    """What a source would answer to a ``get``, in one word and in a sentence."""

    would_say: str
    words: str
    hint: str | None = None
    code: str | None = None

    @classmethod
    def of(cls, would_say: str, error: CredentialError) -> Outlook:
        """The outlook of a source that has no credential."""
        return cls(would_say, error.reason, error.hint, error.code)


class Explanation:
    """Which sources a server URL comes to.

    ``error`` is why a rule cannot apply to the host; no source is asked then. With ``artifacts``
    the host may be one that only Bazel asks for.
    """

    def __init__(self, server_url: ServerURL, *, artifacts: bool = False) -> None:
        self.server_url = server_url
        self.wiring = Wiring.of_process(stdio.warning)
        self.resolution = found = self.wiring.resolve(server_url, artifacts=artifacts)
        self.rule, self.error = found.rule, found.error
        self.route = found.own_route if found.error else found.route
        self.sources: list[Source] = []
        if not found.error:
            self.sources = [s for s in self.wiring.sources(found) if not _is_ourselves(s)]
        self.builtin = next((s for s in self.sources if isinstance(s, ProviderSource)), None)
        self.identity = self._identity()

    def _identity(self) -> Identity | Misconfigured | None:
        if self.builtin is None:
            return None
        try:
            return self.builtin.provider.identify(self.builtin.request)
        except Misconfigured as error:
            return error

    @property
    def is_idle(self) -> bool:
        """Whether no identity would be used."""
        identity = self.identity
        return (
            identity is not None
            and not isinstance(identity, Misconfigured)
            and identity.source is None
        )

    @property
    def id_token_wanted(self) -> bool:
        """Whether only an identity token may answer."""
        return self.builtin is not None and self.builtin.request.id_token is not None

    def id_token_claims(self, *, asks: bool = False) -> dict[str, str]:
        """Issuer, subject and audience of the identity token; empty where it is not at hand.

        ``asks`` gets it from the CI system.
        """
        identity = self.identity
        if self.builtin is None or identity is None or isinstance(identity, Misconfigured):
            return {}
        found = identity.id_token
        if found is None:
            return {}
        token = found.token
        if asks and not token:
            with suppress(CredentialError):  # the attempt has it too
                token = id_token_issuer.token(self.builtin.request, found)
        return id_token.shown_claims(token)

    def problems(self) -> Iterator[CredentialError]:
        """Why the rule, or the identity of the built-in provider, cannot work."""
        if self.error is not None:
            yield self.error
        identity = self.identity
        if identity is None or self.builtin is None:
            return
        if isinstance(identity, Misconfigured):
            yield identity
            return
        if identity.problem:
            yield identity.problem
        yield from self.local_problems()

    def local_problems(self) -> Iterator[CredentialError]:
        """What local files show to be wrong with the identity, besides its own problem."""
        identity = self.identity
        if identity is None or isinstance(identity, Misconfigured) or self.builtin is None:
            return
        # The wrappers of the wiring do not pass this on.
        check = getattr(providers.load(self.builtin.name), "problems", None)
        if check is None:
            return
        try:
            yield from check(self.builtin.request, identity)
        except CredentialError as error:
            yield error

    # --- The built-in provider --------------------------------------------------------------------

    def why_provider(self) -> str:
        """Why this built-in provider, or none, is asked."""
        own = self.resolution.own_route
        if self.route is not None:
            cloud = clouds.find(self.route.provider).title
            why = f"the host is one of {cloud}"
            if self.rule and self.rule.target:
                why = f"by a rule the host stands for {self.route.host}, one of {cloud}"
            is_asked = self.builtin or self.error or not self.in_this_build()
            return why if is_asked else f"{why}, but the setting order leaves it out"
        if own is not None:
            why = "a rule answers otherwise" if self.rule else "its provider is switched off"
            return f"the host is one of {clouds.find(own.provider).title}, but {why}"
        if self.server_url.unroutable:
            return find(self.server_url.unroutable).text
        if optional := self._optional_cloud():
            needed = " and ".join(optional.only_with)
            return f"the host is one of {optional.title}, which is asked only with {needed}"
        return "the host is on no table of a cloud's registries"

    def _optional_cloud(self) -> Cloud | None:
        """The cloud that the host would belong to with the options that it is asked with."""
        found = route(self.server_url, OPTIONAL_ZONES)
        if found is None or is_token_key(self.server_url):
            return None
        return clouds.find(found.provider)

    def in_this_build(self) -> bool | None:
        """Whether this build has the provider; a slim build leaves some out."""
        return providers.load(self.route.provider) is not None if self.route else None

    def kept(self) -> Entry | None:
        """The cached token that the built-in provider would answer with."""
        if (
            self.builtin is None
            or self.identity is None
            or isinstance(self.identity, Misconfigured)
        ):
            return None
        provider = self.builtin.provider
        if not isinstance(provider, CachedProvider):
            return None
        return provider.kept(self.builtin.request, self.identity)

    # --- The sources ------------------------------------------------------------------------------

    def outlooks(self) -> list[tuple[Source, Outlook]]:
        """What each source would answer, in the order in which they are asked."""
        found: list[tuple[Source, Outlook]] = []
        answers = False
        for source in self.sources:
            outlook = Outlook(NOT_ASKED, "not asked") if answers else self._outlook(source)
            answers = answers or outlook.would_say == CREDENTIAL
            found.append((source, outlook))
        return found

    def _outlook(self, source: Source) -> Outlook:
        if isinstance(source, ProviderSource):
            return self._of_provider()
        if isinstance(source, Helper | MachineKeychain):
            return Outlook(OPEN, "another program, not run here")
        try:
            credential = source.get(self.server_url)
        except NotFound as nothing:
            return Outlook.of(NOTHING, nothing)
        except ProviderError as failure:
            return Outlook.of(FAILURE, failure)
        return Outlook(CREDENTIAL, credential.words)

    def _of_provider(self) -> Outlook:
        identity = self.identity
        assert identity is not None
        if isinstance(identity, Misconfigured):
            return Outlook.of(FAILURE, identity)
        if identity.problem:
            return Outlook.of(FAILURE, identity.problem)
        if identity.source is None:
            return Outlook(NOTHING, "no identity")
        kept = self.kept()
        if kept is not None:
            left = duration(kept.expires_at - time())
            return Outlook(CREDENTIAL, f"a token for {kept.username} is kept, good for {left}")
        doubt = "" if identity.certain else ", if that answers"
        return Outlook(OPEN, f"asks its cloud as {identity.source}{doubt}")

    # --- As a JSON object -------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """Everything, as one JSON object."""
        found = self.route
        return {
            "server_url": self.server_url.redacted,
            "host": self.server_url.redacted_host or None,
            "provider": found.provider if found else None,
            "region": found.region if found else None,
            "fips": found.fips if found else None,
            "reason": self.why_provider(),
            "rule": self.rule.place.of("match") if self.rule else None,
            "in_this_build": self.in_this_build(),
            "identity": self.identity_document(),
            "error": self.error.reason if self.error else None,
            "code": self.error.code if self.error else None,
            "order": [source.name for source in self.sources],
            "sources": [
                {"source": source.name, **outlook._asdict()} for source, outlook in self.outlooks()
            ],
        }

    def identity_document(self) -> dict[str, Any] | None:
        """The identity that the built-in provider would use, and why not the others."""
        identity = self.identity
        if identity is None:
            return None
        if isinstance(identity, Misconfigured):
            return {
                "source": None,
                "detail": "",
                "certain": True,
                "id_token": None,
                "skipped": [],
                "problems": [],
                "error": identity.reason,
                "code": identity.code,
                "hint": identity.hint,
            }
        return {
            "source": identity.source,
            "detail": identity.detail,
            "certain": identity.certain,
            "id_token": self.id_token_claims() or None,
            "skipped": [
                {"source": other.source, "code": other.code, "reason": other.reason}
                for other in identity.skipped
            ],
            "problems": [
                {"code": problem.code, "reason": problem.reason, "hint": problem.hint}
                for problem in self.problems()
            ],
        }


def _is_ourselves(source: Source) -> bool:
    """Whether a file names this program, which never asks itself."""
    return isinstance(source, Known) and source.name == stdio.PROGRAM


def identity_words(identity: Identity) -> str:
    """An identity in one line."""
    if identity.source is None:
        return "none"
    detail = f": {identity.detail}" if identity.detail else ""
    doubt = "" if identity.certain or "if it answers" in detail else ", if it answers"
    return f"{identity.source}{detail}{doubt}"
