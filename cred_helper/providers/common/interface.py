"""The types that a built-in provider receives and returns, and the walk over identity sources.

``protocols`` has the methods of a provider. Reads no clock, no file and no network: the request
contains the environment and the deadline.
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Protocol, TypeVar

    from cred_helper.credential import Credential
    from cred_helper.errors import CredentialError
    from cred_helper.hosts import Route

    Found = TypeVar("Found")

    class PartCache(Protocol):
        """Keeps a part of an answer: an Entra token, or the token for keys that a program printed.

        ``key`` names the identity, as it is known after its program has run or its service has
        answered. ``scope`` describes what the part opens. One process makes the part and the others
        wait for it; with ``renew`` it is made anew.
        """

        def __call__(
            self,
            key: tuple[str, ...],
            scope: str,
            make: Callable[[], Credential],
            /,
            *,
            renew: bool = False,
        ) -> Credential: ...


_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
# The source that every provider uses for an identity token.
ID_TOKEN = "id-token"  # noqa: S105 - a source's name


class Deadline:
    """The time on a monotonic clock by which a call has to end."""

    def __init__(self, within_s: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends_at_s = clock() + within_s

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends_at_s - self._clock())

    def step_s(self, at_most_s: float) -> float:
        """Seconds that one network request may take, at least 0.05 for a socket."""
        return min(at_most_s, max(0.05, self.remaining_s()))

    def sooner(self, within_s: float) -> Deadline:
        """A deadline after ``within_s``, or this one if that is sooner."""
        return Deadline(min(within_s, self.remaining_s()), self._clock)


def seconds(amount_s: float) -> str:
    """Format seconds for a message: whole ones, or one digit of less than a second."""
    return f"{amount_s:.0f}" if amount_s >= 1 else f"{amount_s:.1g}"


def is_guid(text: str) -> bool:
    """Whether a text has the form of a GUID, as the ids of applications and connections have."""
    groups = text.split("-")
    return [*map(len, groups)] == [8, 4, 4, 4, 12] and _HEX_DIGITS.issuperset("".join(groups))


class IdToken(Record):
    """The choice of an identity token for a request; ``providers.common.id_token`` finds the token.

    ``source`` is a value of the option ``id_token``. If the caller has the token, ``given`` is that
    token, and ``source`` describes its origin ("the service account of the pod"). ``audience`` is
    the value of the option ``id_token_audience``, or empty.
    """

    OF_CI_JOB = "ci"

    source: str
    audience: str = ""
    given: str = ""


class FoundToken(Record):
    """The source and the subject of an identity token.

    ``place`` is the source in messages, as a noun with its article. The token is in ``token`` or in
    the pipe ``path``, or the CI system ``issuer`` issues it. ``audience`` is the one to ask for; a
    token with another one is an error if ``is_strict``. ``whose`` is equal for all tokens of one
    job or pod, different for every other, and contains no secret; ``None`` if only the token itself
    shows it. ``claims`` are issuer, subject and audience for a message, after the token's check.
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
    """A request for a credential: its route, options and deadline.

    ``environ`` are the environment variables. The SDKs read those of the process, which only a test
    makes different. ``options`` are the user's choices for this registry, by their names in the row
    of ``clouds``; ``origin_of`` returns the variable, or file and line, that sets an option.
    ``cached_part`` keeps a part of the answer for other requests. With an ``id_token``, the
    provider uses no other identity.
    """

    route: Route
    environ: Mapping[str, str]
    deadline: Deadline
    options: Mapping[str, str] = {}
    origin_of: Callable[[str], str | None] = lambda _option: None
    cached_part: PartCache = lambda _key, _scope, make, /, **_options: make()
    id_token: IdToken | None = None

    def wrong(
        self, option: str, code: str, *, hint: str | None = None, **values: object
    ) -> Misconfigured:
        """The error for a wrong option, with the variable or file and line that sets it."""
        error = Misconfigured(code, hint=hint, **values)
        origin = self.origin_of(option)
        return error.within("file.at", place=origin) if origin else error

    def flag(self, option: str, *, default: bool) -> bool:
        """The value of an option that is on or off.

        Raises:
            Misconfigured: the value is another word.
        """
        text = self.options.get(option, "").lower()
        if text and text not in ("true", "on", "1", "false", "off", "0"):
            raise self.wrong(option, "provider.not-a-flag", name=option)
        return text in ("true", "on", "1") if text else default


class LinkProfile(Record):
    """What the name of a link sets, where this program stands in for another helper.

    ``helper`` is that helper, ``""`` under our own name; ``cloud`` is the only one that answers.
    ``settings`` are ours, by their names in variables; ``options`` are those of a registry.
    ``reads_variables`` is whether the helper answers by variables too, before its cloud.
    """

    helper: str = ""
    cloud: str | None = None
    settings: Mapping[str, str] = {}
    options: Callable[[Route], dict[str, str]] = lambda _route: {}
    reads_variables: bool = False


class SkippedSource(Record):
    """An identity source that is not used, and the reason, which is formatted when shown."""

    source: str
    why: CredentialError | str

    @property
    def reason(self) -> str:
        return self.why if isinstance(self.why, str) else self.why.reason

    @property
    def code(self) -> str:
        return "" if isinstance(self.why, str) else self.why.code


class Identity(Record):
    """The identity that a provider uses, as variables and files show it.

    ``source`` is one of the provider's short names ("environment", "profile", "instance-metadata",
    …); ``None`` if no identity is configured and the machine is outside of the cloud.
    ``description`` is the rest of the identity's name in messages; a function, if it reads more
    files than a cached answer. ``certain`` is false if only a network probe shows whether the
    identity exists.

    ``cache_key`` identifies the identity: a renewed session of one role has the same, another
    profile, key, role, tenant or content of a file has another. It may contain digests of secrets,
    but no secret. With ``None``, credentials are not cached. ``scope`` names the hosts that accept
    one credential, if there are several ("ECR in us-east-1"): they share a cached credential.

    ``problem_if_absent`` returns the error for an option that needs an identity; the caller of
    ``get`` raises it in place of ``NotFound``. ``determine`` is for an identity that only a program
    determines (``credential_process``): it runs the program, and returns the identity with its
    ``cache_key`` and with the output that ``get`` uses. ``id_token`` is the identity token of the
    source ``id-token``.
    """

    source: str | None
    description: str | Callable[[], str] = ""
    skipped: tuple[SkippedSource, ...] = ()
    cache_key: str | None = None
    certain: bool = True
    scope: str | None = None
    problem_if_absent: Callable[[], Misconfigured | None] = lambda: None
    determine: Callable[[TokenRequest], Identity] | None = None
    id_token: FoundToken | None = None

    @property
    def problem(self) -> Misconfigured | None:
        """The error if an option needs an identity and none is found; else ``None``."""
        return self.problem_if_absent() if self.source is None else None

    def determined(self, request: TokenRequest) -> Identity:
        """Run the identity's program, if it has one. The cache calls this before it reads an entry.

        Raises:
            ProviderError: the program failed; the caller handles it as a failure of ``get``.
        """
        return self if self.determine is None else self.determine(request)

    @property
    def detail(self) -> str:
        """The description for messages. Words that can be secrets are replaced."""
        from cred_helper.secret_shapes import without_tokens

        made = self.description
        return without_tokens(made if isinstance(made, str) else made())


def walk(
    sources: Iterable[tuple[str, Callable[[], Found | NotFound]]],
    *,
    settles: Callable[[Found], bool] = lambda _found: True,
) -> tuple[list[tuple[str, Found]], list[SkippedSource]]:
    """Ask the identity sources in order; return the identities, and the sources without one.

    A source is a name and a function, which returns an identity or a ``NotFound``. The walk ends at
    the first identity that ``settles``: any other may prove not to exist when it is used.

    Raises:
        Misconfigured: a source is configured and cannot be used. Later sources are not asked.
    """
    found: list[tuple[str, Found]] = []
    skipped: list[SkippedSource] = []
    settled = ""
    for source, look in sources:
        outcome = NotFound("provider.comes-first", source=settled) if settled else look()
        if isinstance(outcome, NotFound):
            skipped.append(SkippedSource(source, outcome))
            continue
        found.append((source, outcome))
        if settles(outcome):
            settled = source
    return found, skipped
