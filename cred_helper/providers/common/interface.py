"""The interface of the built-in providers: a request, an identity, and the walk over its sources.

``protocols`` has the calls. Pure: no clock, no file, no network. Those come with the request.
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from cred_helper.errors import CredentialError
    from cred_helper.hosts import Route
    from cred_helper.providers.common.protocols import Share

    Found = TypeVar("Found")

# The word of every provider for the identity of an identity token.
ID_TOKEN = "id-token"  # noqa: S105 - a source's name


class Deadline:
    """The time on a monotonic clock at which waiting ends."""

    def __init__(self, within_s: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends_at_s = clock() + within_s

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends_at_s - self._clock())

    def step_s(self, at_most_s: float) -> float:
        """Seconds that one network step may take, at least a moment for a socket."""
        return min(at_most_s, max(0.05, self.remaining_s()))

    def sooner(self, within_s: float) -> Deadline:
        """A deadline for one part of the work, no later than this one."""
        return Deadline(min(within_s, self.remaining_s()), self._clock)


def seconds(amount_s: float) -> str:
    """An amount of time for a message: whole seconds, or one digit of a part of a second."""
    return f"{amount_s:.0f}" if amount_s >= 1 else f"{amount_s:.1g}"


class IdToken(Record):
    """The identity token that a request is to be answered by; ``id_token`` finds it.

    ``source`` is a value of the option ``id_token``, or the words for where the caller has
    ``given`` from ("the service account of the pod"). ``audience`` is the user's choice, if any.
    """

    OF_CI_JOB = "ci"

    source: str
    audience: str = ""
    given: str = ""


class FoundToken(Record):
    """Where an identity token comes from, and whose it is.

    ``place`` names the source in messages, as a noun with its article. The token is in ``token``,
    in the pipe ``path``, or ``issuer`` is the CI system to ask. ``audience`` is what to ask for,
    and what the token must be for if ``is_strict``. ``whose`` is the same for every token of one
    job or pod, differs for every other, and contains no secret; ``None`` where only the token says
    it. ``claims`` are issuer, subject and audience in words, from the check of the token on.
    """

    place: str
    audiences: tuple[str, ...]
    whose: str | None
    token: str = ""
    issuer: str = ""
    path: str = ""
    is_strict: bool = False
    claims: str = ""

    @property
    def audience(self) -> str:
        return self.audiences[0]


class TokenRequest(Record):
    """A request for a credential: for which route, with which options, until which deadline.

    ``environ`` is the environment to look in; the SDKs read that of the process, which is the same
    outside a test. ``options`` are the user's choices for this registry, by their names in the row
    of ``clouds``; ``origin_of`` says where an option is written, if that is known. ``share`` keeps
    a part of the answer for other requests. With an ``id_token``, only its identity may answer.
    """

    route: Route
    environ: Mapping[str, str]
    deadline: Deadline
    options: Mapping[str, str] = {}
    origin_of: Callable[[str], str | None] = lambda _option: None
    share: Share = lambda _key, _scope, make, /, **_options: make()
    id_token: IdToken | None = None

    def wrong(
        self, option: str, code: str, *, hint: str | None = None, **values: object
    ) -> Misconfigured:
        """The error that says what is wrong with an option, with the place where it is written."""
        error = Misconfigured(code, hint=hint, **values)
        origin = self.origin_of(option)
        return error.within("file.at", place=origin) if origin else error

    def flag(self, option: str, *, default: bool) -> bool:
        """The value of an option that is on or off.

        Raises:
            Misconfigured: it is neither.
        """
        text = self.options.get(option, "").lower()
        if text and text not in ("true", "on", "1", "false", "off", "0"):
            raise self.wrong(option, "provider.not-a-flag", name=option)
        return text in ("true", "on", "1") if text else default


class Skipped(Record):
    """An identity source that would not be used, and why: put into words when it is shown."""

    source: str
    why: CredentialError | str

    @property
    def reason(self) -> str:
        return self.why if isinstance(self.why, str) else self.why.reason

    @property
    def code(self) -> str:
        return "" if isinstance(self.why, str) else self.why.code


class Identity(Record):
    """The identity that a provider would ask with, found by looking at variables and files only.

    ``source`` is one of the provider's short names ("environment", "profile", "instance-metadata",
    …); ``None`` where no identity is configured and nothing says that the machine is one of the
    cloud. ``description`` completes it in messages; it is a function where it takes more reading
    than a cached answer needs. ``certain`` is false where only a probe of the network can show
    whether the identity exists.

    ``cache_key`` stays the same while the identity does: a renewed session of one role keeps it,
    another profile, key, role, content of a file or tenant changes it. It may hold digests of
    secrets, but no secret. An identity whose key is ``None`` is not cached. ``scope`` describes
    what one credential opens, where that is more than one host ("ECR in us-east-1"): these hosts
    share a cached credential.

    ``problem_if_absent`` finds why there has to be an identity, such as a setting of the user; the
    caller of ``get`` raises that in place of ``NotFound``. ``resolve`` runs the program that alone
    knows whose the identity is (``credential_process``), and returns the identity with its
    ``cache_key`` and what ``get`` needs of the program's answer. ``id_token`` is where the token of
    the source ``id-token`` comes from.
    """

    source: str | None
    description: str | Callable[[], str] = ""
    skipped: tuple[Skipped, ...] = ()
    cache_key: str | None = None
    certain: bool = True
    scope: str | None = None
    problem_if_absent: Callable[[], Misconfigured | None] = lambda: None
    resolve: Callable[[TokenRequest], Identity] | None = None
    id_token: FoundToken | None = None

    @property
    def problem(self) -> Misconfigured | None:
        """The error where it is known that there is no identity; ``None`` where none is needed."""
        return self.problem_if_absent() if self.source is None else None

    def resolved(self, request: TokenRequest) -> Identity:
        """The identity after its program, if it has one, has run. The cache calls this first.

        Raises:
            ProviderError: the program failed; the caller treats it like a ``get`` that failed.
        """
        return self if self.resolve is None else self.resolve(request)

    @property
    def detail(self) -> str:
        """The description of the source in messages, without words that may be secrets."""
        from cred_helper.secret_shapes import without_tokens

        made = self.description
        return without_tokens(made if isinstance(made, str) else made())


def walk(
    sources: Iterable[tuple[str, Callable[[], Found | NotFound]]],
    *,
    settles: Callable[[Found], bool] = lambda _found: True,
) -> tuple[list[tuple[str, Found]], list[Skipped]]:
    """Look at the sources in order; the identities found, by their source, and the skipped sources.

    A source is a name and a function that returns an identity, or why there is none. After an
    identity that does not settle the walk it goes on: that identity may turn out not to exist.

    Raises:
        Misconfigured: from a source that is configured and cannot be used; no later one is tried.
    """
    found: list[tuple[str, Found]] = []
    skipped: list[Skipped] = []
    settled = ""
    for source, look in sources:
        outcome = NotFound("provider.comes-first", source=settled) if settled else look()
        if isinstance(outcome, NotFound):
            skipped.append(Skipped(source, outcome))
            continue
        found.append((source, outcome))
        if settles(outcome):
            settled = source
    return found, skipped
