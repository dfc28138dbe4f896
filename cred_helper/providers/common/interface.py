"""What every built-in provider offers, and what it is asked with.

Pure: no clock, no file, no network; those come in through the request.
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol

    from cred_helper.credential import Credential
    from cred_helper.errors import CredentialError, ProviderError
    from cred_helper.hosts import Route


class Deadline:
    """A point on a monotonic clock after which nobody waits any longer."""

    __slots__ = ("_clock", "_ends_at_s")

    def __init__(self, within_s: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends_at_s = clock() + within_s

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends_at_s - self._clock())

    def step_s(self, at_most_s: float) -> float:
        """Seconds one network step may take. A spent deadline still gives a socket a moment."""
        return min(at_most_s, max(0.05, self.remaining_s()))

    def sooner(self, within_s: float) -> Deadline:
        """A deadline of its own for one part, no later than this one."""
        return Deadline(min(within_s, self.remaining_s()), self._clock)


def seconds(amount_s: float) -> str:
    """An amount of time as a person is told it: in whole seconds, or what there is of one."""
    return f"{amount_s:.0f}" if amount_s >= 1 else f"{amount_s:.1g}"


class TokenRequest:
    """One question to a provider: a token for this route, by this identity, until this deadline.

    ``options`` are the user's choices for this registry (an AWS profile, a tenant, …), by their
    names in the row of ``clouds``; ``origin_of`` says where one is written, if that is known.
    ``environ`` is the environment to look for an identity in; the SDKs read that of the process,
    which is the same outside a test. ``share`` keeps a part of the answer for other requests.
    """

    __slots__ = ("_origin_of", "deadline", "environ", "options", "route", "share")

    def __init__(
        self,
        route: Route,
        *,
        environ: Mapping[str, str],
        deadline: Deadline,
        options: Mapping[str, str] | None = None,
        origin_of: Callable[[str], str | None] = lambda _option: None,
        share: Share | None = None,
    ) -> None:
        self.route = route
        self.environ = environ
        self.deadline = deadline
        self.options = options or {}
        self._origin_of = origin_of
        self.share = share or _no_share

    def sooner(self, within_s: float) -> TokenRequest:
        """The same question, to be answered within so many seconds."""
        return TokenRequest(
            self.route,
            environ=self.environ,
            deadline=self.deadline.sooner(within_s),
            options=self.options,
            origin_of=self._origin_of,
            share=self.share,
        )

    def sharing(self, share: Share) -> TokenRequest:
        """The same question, whose parts are kept by ``share``."""
        return TokenRequest(
            self.route,
            environ=self.environ,
            deadline=self.deadline,
            options=self.options,
            origin_of=self._origin_of,
            share=share,
        )

    def wrong(
        self, option: str, code: str, *, hint: str | None = None, **values: object
    ) -> Misconfigured:
        """The error that says what is wrong with an option, with the place where it is written."""
        error = Misconfigured(code, hint=hint, **values)
        origin = self._origin_of(option)
        return error.within("file.at", place=origin) if origin else error


def _no_share(
    key: tuple[str, ...],  # noqa: ARG001
    scope: str,  # noqa: ARG001
    make: Callable[[], Credential],
    *,
    renew: bool = False,  # noqa: ARG001
) -> Credential:
    """Make the part anew each time: there is no cache."""
    return make()


class Skipped:
    """An identity source that would not be used, and why: put into words when it is shown."""

    __slots__ = ("_reason", "source")

    def __init__(self, source: str, reason: CredentialError | str) -> None:
        self.source = source
        self._reason = reason

    @property
    def reason(self) -> str:
        """Why it is not used."""
        return self._reason if isinstance(self._reason, str) else self._reason.reason

    @property
    def code(self) -> str:
        """The reason's code in the catalogue."""
        return "" if isinstance(self._reason, str) else self._reason.code


class Identity:
    """Where a provider would take its identity from, found by looking only.

    ``source`` is one of the provider's own short words ("environment", "profile",
    "instance-metadata", …), or ``None`` where nothing is configured and the machine shows no sign
    of the cloud. ``detail`` completes it for a person; what takes reading more than a cached answer
    needs is given as a function. ``certain`` is false where only a probe of
    the network can tell. ``fingerprint`` names who would ask in words that stay the same while
    that identity does (a renewed session of one role keeps it, another profile, key, role, file
    content or tenant changes it); it may hold digests of secrets but no secret, and is ``None``
    where nothing that stable is known: such an identity is not cached. ``scope`` names, in words
    for a person, all that one credential of this identity opens where that is more than the one
    host it was asked for ("ECR in us-east-1"): it is what hosts share a cached credential by.
    ``missed`` is, where there is no source, why there should be one: what the user set takes an
    identity, and to go on as nobody would be to do as if it were not set. ``resolve`` runs the
    program that alone can say whose the identity is (``credential_process``), and returns the
    identity with its ``cache_key`` and with what ``get`` needs of the program's answer.
    """

    __slots__ = (
        "_detail",
        "_resolve",
        "cache_key",
        "certain",
        "problem",
        "scope",
        "skipped",
        "source",
    )

    def __init__(
        self,
        source: str | None,
        detail: str | Callable[[], str] = "",
        *,
        skipped: tuple[Skipped, ...] = (),
        cache_key: str | None = None,
        certain: bool = True,
        scope: str | None = None,
        problem: Misconfigured | None = None,
        resolve: Callable[[TokenRequest], Identity] | None = None,
    ) -> None:
        self.source = source
        self._detail = detail
        self.skipped = skipped
        self.cache_key = cache_key
        self.certain = certain
        self.scope = scope
        self.problem = problem
        self._resolve = resolve

    @property
    def runs_program(self) -> bool:
        """Whether only running a program can say whose this identity is."""
        return self._resolve is not None

    def resolved(self, request: TokenRequest) -> Identity:
        """The identity after its program, if it has one, has run. The cache calls this first.

        Raises:
            ProviderError: the program failed; the caller treats it like a ``get`` that failed.
        """
        return self if self._resolve is None else self._resolve(request)

    @property
    def detail(self) -> str:
        """What there is to say about the source, for a person."""
        return self._detail if isinstance(self._detail, str) else self._detail()


if TYPE_CHECKING:

    class Share(Protocol):
        """Keeps a part of an answer: an Entra token, or what is got by keys that a program printed.

        ``key`` tells one identity's part from another's: what the identity is known by once a
        program has run or a service has answered. ``scope`` says, for a person, what the part
        opens. One process makes the part, the others wait for it; ``renew`` makes it anew.
        """

        def __call__(
            self,
            key: tuple[str, ...],
            scope: str,
            make: Callable[[], Credential],
            *,
            renew: bool = False,
        ) -> Credential: ...

    class Provider(Protocol):
        """One cloud. Stateless: everything it needs comes with the request."""

        name: str

        def identify(self, request: TokenRequest) -> Identity:
            """Say which identity would be used, by looking at environment and files only.

            No network, no SDK, no child process: it runs before every cached answer.

            Raises:
                Misconfigured: what is configured contradicts itself or the host; the caller
                    treats it like a provider that did not work.
            """
            ...

        def get(self, request: TokenRequest, identity: Identity) -> Credential:
            """Ask the cloud, by its own SDK, for a credential that this host takes.

            Raises:
                NotFound: no identity after all (the probe was not answered, no role is attached).
                ProviderError: an identity is configured and did not work; never a fall to another.
            """
            ...

    class CheckedProvider(Provider, Protocol):
        """A provider that can say more about an identity than a ``get`` has the time to look at."""

        def problems(self, request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
            """What local files show to be wrong with an identity, for ``doctor`` and ``explain``.

            Missing or unreadable token files, roles without a source, programs that are not on
            PATH, sign-in sessions that never began or have ended, and the like. No network, no SDK,
            no child process. ``identity.problem`` is not repeated.
            """
            ...
