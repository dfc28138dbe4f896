"""The sources for a server URL, and what each would answer, as far as files and variables show.

No network, no SDK, no child process. The sources are those that ``get`` asks: files and variables
are read; clouds and helper programs are not asked, so their answers stay unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from cred_helper import clouds, providers, stdio
from cred_helper.cache.cached import CachedProvider
from cred_helper.cache.entry import Entry
from cred_helper.commands.ui.times import duration
from cred_helper.docker_hub import is_token_key
from cred_helper.errors import CredentialError, Misconfigured, NotFound, ProviderError
from cred_helper.fallback import FixedOutcome
from cred_helper.fallback.helper import Helper
from cred_helper.fallback.login import SystemKeychain
from cred_helper.hosts import OPTIONAL_ZONES, route
from cred_helper.messages import find
from cred_helper.providers.common import id_token, id_token_check, id_token_issuer
from cred_helper.providers.common.interface import Identity
from cred_helper.server_url import ServerURL
from cred_helper.wiring import ProviderSource, Wiring

if TYPE_CHECKING:
    from cred_helper.keychain import Source

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
        return cls(would_say, error.reason, error.hint, error.code)


class Explanation:
    """The sources for a server URL.

    ``error`` is why a rule cannot apply to the host; no source is asked then. ``identity`` is that
    of the built-in provider, and ``identity_error`` why it cannot be found. With ``artifacts`` the
    host may be one that only Bazel asks for.
    """

    def __init__(self, server_url: ServerURL, *, artifacts: bool = False) -> None:
        self.server_url = server_url
        self.wiring = Wiring.of_process(stdio.warning)
        self.resolution = found = self.wiring.resolve(server_url, artifacts=artifacts)
        self.rule, self.error = found.rule, found.error
        self.route = found.own_route if found.error else found.route
        self.sources: list[Source] = []
        if not found.error:
            # A file may name this program, which never asks itself.
            self.sources = [
                source
                for source in self.wiring.sources(found)
                if not (isinstance(source, FixedOutcome) and source.name == stdio.PROGRAM)
            ]
        self.builtin = next((s for s in self.sources if isinstance(s, ProviderSource)), None)
        self.identity: Identity | None = None
        self.identity_error: Misconfigured | None = None
        if self.builtin:
            try:
                self.identity = self.builtin.provider.identify(self.builtin.request)
            except Misconfigured as error:
                self.identity_error = error

    @property
    def is_idle(self) -> bool:
        """Whether no identity would be used."""
        return self.identity is not None and self.identity.source is None

    @property
    def id_token_wanted(self) -> bool:
        """Whether only an identity token may answer."""
        return self.builtin is not None and self.builtin.request.id_token is not None

    def id_token_claims(self, *, asks: bool = False) -> dict[str, str]:
        """Issuer, subject and audience of the identity token; empty where it is not at hand.

        ``asks`` gets it from the CI system.
        """
        found = self.identity.id_token if self.identity else None
        if self.builtin is None or found is None:
            return {}
        token = found.token
        if asks and not token:
            with suppress(CredentialError):  # the attempt has it too
                token = id_token_issuer.token(self.builtin.request, found)
        return id_token.shown_claims(token)

    def problems(self) -> Iterator[CredentialError]:
        """Why the rule, or the identity of the built-in provider, cannot work."""
        identity_problem = self.identity.problem if self.identity else None
        for problem in (self.error, self.identity_error, identity_problem):
            if problem is not None:
                yield problem
        yield from self.local_problems()

    def local_problems(self) -> Iterator[CredentialError]:
        """Mistakes in the identity that local files show, besides its own problem."""
        if self.identity is None or self.builtin is None:
            return
        # The wrappers of the wiring do not pass this on.
        if provider := providers.load(self.builtin.name):
            try:
                if self.identity.id_token is not None:
                    yield from id_token_check.problems(self.identity.id_token)
                yield from provider.problems(self.builtin.request, self.identity)
            except CredentialError as error:
                yield error

    def why_provider(self) -> str:
        """Why this built-in provider, or none, is asked."""
        own = self.resolution.own_route
        if self.route is not None:
            cloud = clouds.find(self.route.cloud).title
            why = f"the host belongs to {cloud}"
            if self.rule and self.rule.target:
                why = (
                    f"a rule makes the host an alias of {self.route.host}, which belongs to {cloud}"
                )
            is_asked = self.builtin or self.error or not self.in_this_build()
            return why if is_asked else f"{why}, but the setting order leaves it out"
        if own is not None:
            why = "a rule names another source" if self.rule else "its provider is disabled"
            return f"the host belongs to {clouds.find(own.cloud).title}, but {why}"
        if self.server_url.unroutable:
            return find(self.server_url.unroutable).text
        # The cloud that the host would belong to with the options that it is asked with.
        zone = route(self.server_url, OPTIONAL_ZONES)
        if zone is not None and not is_token_key(self.server_url):
            optional = clouds.find(zone.cloud)
            needed = " and ".join(optional.only_with)
            return f"the host belongs to {optional.title}, which is asked only with {needed}"
        return "the host does not match the registries of any cloud"

    def in_this_build(self) -> bool | None:
        """Whether this build has the provider; a slim build leaves some out."""
        return providers.load(self.route.cloud) is not None if self.route else None

    def kept(self) -> Entry | None:
        """The cached token that the built-in provider would answer with."""
        provider = self.builtin.provider if self.builtin else None
        if self.builtin and self.identity and isinstance(provider, CachedProvider):
            return provider.kept(self.builtin.request, self.identity)
        return None

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
        if isinstance(source, Helper | SystemKeychain):
            return Outlook(OPEN, "another program, which only --try runs")
        try:
            credential = source.get(self.server_url)
        except NotFound as nothing:
            return Outlook.of(NOTHING, nothing)
        except ProviderError as failure:
            return Outlook.of(FAILURE, failure)
        return Outlook(CREDENTIAL, credential.words)

    def _of_provider(self) -> Outlook:
        identity = self.identity
        if failure := identity.problem if identity else self.identity_error:
            return Outlook.of(FAILURE, failure)
        assert identity is not None
        if identity.source is None:
            return Outlook(NOTHING, "no identity")
        kept = self.kept()
        if kept is not None:
            left = duration(kept.expires_at - time())
            return Outlook(CREDENTIAL, f"a cached token for {kept.username}, valid for {left}")
        doubt = "" if identity.certain else ", if that answers"
        return Outlook(OPEN, f"asks its cloud as {identity.source}{doubt}")

    def document(self) -> dict[str, Any]:
        found = self.route
        return {
            "server_url": self.server_url.redacted,
            "host": self.server_url.redacted_host or None,
            "provider": found.cloud if found else None,
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
        if error := self.identity_error:
            nothing = {"source": None, "detail": "", "certain": True, "id_token": None}
            described = {"error": error.reason, "code": error.code, "hint": error.hint}
            return {**nothing, "skipped": [], "problems": [], **described}
        identity = self.identity
        if identity is None:
            return None
        return {
            "source": identity.source,
            "detail": identity.detail,
            "certain": identity.certain,
            "id_token": self.id_token_claims() or None,
            "skipped": [
                {"source": other.source, "code": other.code, "reason": other.reason}
                for other in identity.skipped
            ],
            "problems": [notice(problem) for problem in self.problems()],
        }


def notice(error: CredentialError) -> dict[str, Any]:
    return {"code": error.code, "reason": error.reason, "hint": error.hint}


def identity_words(identity: Identity) -> str:
    if identity.source is None:
        return "none"
    detail = f": {identity.detail}" if identity.detail else ""
    doubt = "" if identity.certain or "if it answers" in detail else ", if it answers"
    return f"{identity.source}{detail}{doubt}"
