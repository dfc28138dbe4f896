"""The user's own rules: which server URLs one is for, and who answers there.

::

    [[rule]]
    match = "*.dkr.ecr.*.amazonaws.com"     # a host; the first rule that matches is the only one
    profile = "work"                        # an option of the provider that answers

    match = "**.corp.example"               # any number of labels, one at least
    match = "registry.corp.example:5000"    # a port; without one, 443 is meant; * is any
    match = "registry.corp.example/team-a"  # a path and what is below, for clients that send one

    provider = "ecr"                        # gcr, acr; environment (variables); none (no built-in)
    helper = "pass"                         # docker-credential-pass, and nobody else
    answer = "anonymous"                    # nobody is asked; none: the client is told to stop
    alias = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"   # the registry behind this host

``*`` stands for any text within one label or path segment and never reaches over a dot. Docker
Hub's names are one. An alias is the only way for a host that is on no table to get a cloud's
token, and what it names must itself be on a table.
"""

from __future__ import annotations

import os

from cred_helper import clouds
from cred_helper.docker_hub import HOSTS, is_hub, is_token_key
from cred_helper.errors import Denied, Misconfigured
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from cred_helper.credential import Credential
    from cred_helper.hosts import Route
    from cred_helper.keychain import Lister

ENVIRONMENT, NO_PROVIDER = "environment", "none"
ANONYMOUS, REFUSED = "anonymous", "none"

_KEYS = ("match", "provider", "helper", "answer", "alias")
_WORDS = {
    "provider": (*clouds.NAMES, ENVIRONMENT, NO_PROVIDER),
    "answer": (ANONYMOUS, REFUSED),
}


# --- Where something is written -------------------------------------------------------------------


class Place:
    """A table of a settings document, and on which lines its keys stand."""

    __slots__ = ("_at", "_header", "_toml", "origin")

    def __init__(self, origin: str, toml: str, header: str = "", at: int = -1) -> None:
        self.origin = origin
        self._toml = toml
        self._header = header
        self._at = at

    def inside(self, header: str, at: int = 0) -> Place:
        """The table under this header; the one with this number where there are several."""
        return Place(self.origin, self._toml, header, at)

    def of(self, key: str) -> str:
        """Say where a key stands, as ``file:line``; ``""`` asks for the table itself."""
        return f"{self.origin}:{self.line(key)}"

    def wrong(self, key: str, reason: str, *, hint: str | None = None) -> Misconfigured:
        """The error that says what is wrong with a key."""
        return Misconfigured(f"{self.of(key)}: {reason}", hint=hint)

    def line(self, key: str) -> int:
        """The number of the line; of the table's first one where the key is not found."""
        # The parser keeps no lines. What is found here is for a person's eyes alone: a key inside
        # a string of several lines may mislead it.
        header, at, first = "", -1, 0
        for number, line in enumerate(self._toml.split("\n"), 1):
            text = line.strip()
            if text.startswith("["):
                header = text.partition("]")[0].strip("[ \t\"'")
                at += header == self._header
                if header.partition(".")[0] == key and not self._header:
                    return number
            if not header and self._header and _key_of(text) == f"{self._header}.{key}":
                return number
            if header == self._header and at == self._at:
                first = first or number
                named = _key_of(text)
                if key and (named == key or (not header and named.startswith(f"{key}."))):
                    return number
        if first or not self._header:
            return first or 1
        # A table in braces has no header: the key it is given to is the best there is.
        return Place(self.origin, self._toml).line(self._header)


def _key_of(line: str) -> str:
    return line.partition("=")[0].strip().strip("\"'")


def near(word: str, words: Collection[str]) -> str | None:
    """A hint at what a word was meant to be, if that can be guessed."""
    from difflib import get_close_matches

    begun = [known for known in words if len(word) > 2 and known.startswith(word)]
    # Below this likeness "profile" is taken for "provider".
    close = begun or get_close_matches(word, words, n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else None


def likely(word: str, words: Collection[str]) -> str:
    """A hint at what a word was meant to be, or could be."""
    return near(word, words) or f"known here: {', '.join(words)}"


# --- Options --------------------------------------------------------------------------------------


class Options:
    """A provider's options as one table sets them."""

    __slots__ = ("place", "values")

    def __init__(self, values: dict[str, str], place: Place) -> None:
        self.values = values
        self.place = place

    @classmethod
    def read(cls, table: Mapping[str, object], place: Place) -> Options:
        """Take options as TOML has them; whose they are is not known yet."""
        return cls({key: _option(key, value, place) for key, value in table.items()}, place)

    def check(
        self,
        names_of: Callable[[str], Collection[str] | None],
        providers: Collection[str],
        keys: Collection[str] = (),
    ) -> None:
        """Check that each is an option of one of these providers; see ``Settings.check_options``.

        ``keys`` are what else may have been meant.

        Raises:
            Misconfigured: one is not.
        """
        if not self.values:
            return
        names: list[str] = []
        for provider in providers:
            of_provider = names_of(provider)
            if of_provider is None:
                return
            names.extend(of_provider)
        for key in self.values:
            if key not in names:
                whose = f"option of {' or '.join(providers)}" if providers else "key of this rule"
                hint = likely(key, [*names, *keys])
                raise self.place.wrong(key, f"{key!r} is no {whose}", hint=hint)


def _option(key: str, value: object, place: Place) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str) or not value:
        raise place.wrong(key, f"{key} is not a text or true or false", hint=f'write {key} = "…"')
    if not key.endswith(("_file", "_path")):
        return value
    # A path is meant from where it is written, wherever the client was started.
    return os.path.join(os.path.dirname(place.origin), os.path.expanduser(value))


# --- Host patterns --------------------------------------------------------------------------------

_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_*")
_ADDRESS_CHARACTERS = frozenset("0123456789abcdef:.")
_ANY_DEPTH = "**"
_API_VERSIONS = (["v1"], ["v2"])


class HostPattern:
    """Which server URLs are meant: a glob for each label, a port, a path; ``text`` says it."""

    __slots__ = ("_any_depth", "_labels", "_port", "_segments", "text")

    def __init__(
        self,
        text: str,
        labels: tuple[str, ...],
        *,
        any_depth: bool,
        port: str,
        segments: list[str],
    ) -> None:
        self.text = text
        self._labels = labels
        self._any_depth = any_depth
        self._port = port
        self._segments = segments

    @classmethod
    def parse(cls, text: str) -> HostPattern:
        """Read a pattern.

        Raises:
            ValueError: it is none; the message says why.
        """
        authority, _, path = text.removeprefix("https://").partition("/")
        host, port = _split_port(authority.lower())
        labels = _labels(host)
        any_depth = labels[0] == _ANY_DEPTH
        labels = labels[any_depth:]
        for label in labels:
            if _ANY_DEPTH in label:
                raise ValueError("** stands for labels at the beginning of a host only")
            if not label or not (_HOST_CHARACTERS.issuperset(label) or _is_address(label)):
                raise ValueError("it is not a host, host:port or host/path, with * in labels")
        if not (port == "*" or port.isdigit()):
            raise ValueError("its port is neither a number nor *")
        segments = _segments(path)
        # Docker's own form of a host is https://host/v1/.
        return cls(
            text,
            labels,
            any_depth=any_depth,
            port=port,
            segments=[] if segments in _API_VERSIONS else segments,
        )

    def matches(self, server_url: ServerURL) -> bool:
        """Whether a server URL is one of those that are meant."""
        if self._port not in ("*", server_url.port or "443"):
            return False
        names = HOSTS if is_hub(server_url) else (server_url.host,)
        if not any(self._fits_host(_labels(name)) for name in names):
            return False
        path = server_url.path.partition("?")[0].partition("#")[0]
        segments = _segments(path)[: len(self._segments)]
        return _all_fit(segments, self._segments)

    def _fits_host(self, labels: tuple[str, ...]) -> bool:
        if self._any_depth:
            beyond = len(labels) - len(self._labels)
            return beyond > 0 and _all_fit(labels, ("*",) * beyond + self._labels)
        return _all_fit(labels, self._labels)


def _split_port(authority: str) -> tuple[str, str]:
    before, colon, port = authority.rpartition(":")
    return (before, port) if colon and "]" not in port else (authority, "443")


def _is_address(label: str) -> bool:
    """Whether this is an IPv6 address in its brackets."""
    return label[:1] + label[-1:] == "[]" and _ADDRESS_CHARACTERS.issuperset(label[1:-1])


def _labels(host: str) -> tuple[str, ...]:
    """The labels of a host; an IPv6 address is one."""
    return (host,) if host.startswith("[") else tuple(host.split("."))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _all_fit(texts: Sequence[str], globs: Sequence[str]) -> bool:
    return len(texts) == len(globs) and all(map(_fits, texts, globs))


def _fits(text: str, glob: str) -> bool:
    """Whether a label is what the glob says, where ``*`` is any text."""
    begin, *rest = glob.split("*")
    if not rest:
        return text == glob
    *inner, end = rest
    # What stands before an @ is somebody's name, and an empty label is no label.
    if not text or "@" in text or len(text) < len(begin) + len(end):
        return False
    if not text.startswith(begin) or not text.endswith(end):
        return False
    at, stop = len(begin), len(text) - len(end)
    for part in inner:
        found = text.find(part, at, stop)
        if found < 0:
            return False
        at = found + len(part)
    return True


# --- Rules ----------------------------------------------------------------------------------------


class Refusal:
    """The one source for a registry that nobody gets a credential for."""

    __slots__ = ("_place", "name")

    def __init__(self, place: Place) -> None:
        self.name = "a rule"
        self._place = place

    def get(self, _server_url: ServerURL) -> Credential:
        """Say no."""
        raise Denied(f"{self._place.of('answer')} lets nobody answer")


class Unanswered:
    """Of what a lister holds, what no rule answers for itself.

    docker asks for each registry that is listed, and an error at one takes all the others from it.
    """

    __slots__ = ("_lister", "_rule_for", "name")

    def __init__(self, lister: Lister, rule_for: Callable[[ServerURL], Rule | None]) -> None:
        self.name = lister.name
        self._lister = lister
        self._rule_for = rule_for

    def list(self) -> dict[str, str]:
        """As the lister says, without those."""
        return {
            key: username
            for key, username in self._lister.list().items()
            if (rule := self._rule_for(ServerURL.parse(key))) is None or not rule.answer
        }


class Rule:
    """One rule. At most one of ``helper`` and ``answer`` is set, and then nothing else.

    ``target`` is the route of the alias.
    """

    __slots__ = ("answer", "helper", "options", "pattern", "place", "provider", "target")

    def __init__(
        self,
        pattern: HostPattern,
        place: Place,
        options: Options,
        *,
        provider: str | None = None,
        helper: str | None = None,
        answer: str | None = None,
        target: Route | None = None,
    ) -> None:
        self.pattern = pattern
        self.place = place
        self.options = options
        self.provider = provider
        self.helper = helper
        self.answer = answer
        self.target = target

    @classmethod
    def read(cls, table: Mapping[str, object], place: Place) -> Rule:
        """Take a rule as TOML has it.

        Raises:
            Misconfigured: it is none.
        """
        words = {key: _word(key, table[key], place) for key in _KEYS if key in table}
        options = Options.read({k: v for k, v in table.items() if k not in words}, place)
        if "match" not in words:
            meant = next((key for key in options.values if near(key, ("match",))), "")
            hint = near(meant, ("match",)) or 'write match = "a host"'
            raise place.wrong(meant, "a rule without match", hint=hint)
        _check_together(words, options, place)
        try:
            pattern = HostPattern.parse(words.pop("match"))
        except ValueError as error:
            raise place.wrong("match", f"match is no pattern: {error}") from None
        target = _target(words.pop("alias", None), words.get("provider"), place)
        return cls(pattern, place, options, target=target, **words)

    @property
    def providers(self) -> tuple[str, ...]:
        """Which built-in providers may come to answer, and so have their options in the rule."""
        if self.target is not None:
            return (self.target.provider,)
        if self.helper or self.answer:
            return ()
        return clouds.NAMES if self.provider is None else tuple({self.provider} & {*clouds.NAMES})

    def check_options(self, names_of: Callable[[str], Collection[str] | None]) -> None:
        """See ``Settings.check_options``."""
        self.options.check(names_of, self.providers, _KEYS)

    def matches(self, server_url: ServerURL) -> bool:
        """Whether the rule is for this server URL."""
        return self.pattern.matches(server_url)

    @property
    def names_provider(self) -> bool:
        """Whether the rule says by itself who is asked first, whatever the host's own name says."""
        return self.target is not None or self.provider not in (None, NO_PROVIDER)

    @property
    def answered_by(self) -> str | None:
        """What to name as the answer, where that is no built-in provider."""
        if self.answer:
            return self.place.of("answer")
        if self.helper:
            return f"docker-credential-{self.helper}"
        return self.provider if self.provider == ENVIRONMENT else None

    def answers(self) -> Iterator[Refusal]:
        """The sources of a rule that answers itself: nobody, or one that says no."""
        if self.answer == REFUSED:
            yield Refusal(self.place)

    def route(self, server_url: ServerURL) -> Route | None:
        """The built-in provider's host behind this server URL, where one is to answer.

        Raises:
            Misconfigured: the rule names a provider or an option that the host cannot have.
        """
        if self.helper or self.answer or self.provider in (ENVIRONMENT, NO_PROVIDER):
            return None
        if self.target is not None:
            # docker login's own tokens are none of the registry behind.
            return self.target if server_url.is_host and not is_token_key(server_url) else None
        found = route(server_url)
        if self.provider in clouds.NAMES and (found is None or found.provider != self.provider):
            raise self.place.wrong(
                "provider",
                f"{server_url.redacted_host} is no registry of {self.provider}",
                hint='where one stands behind this host, say so: alias = "its own host"',
            )
        if found is None and self.options.values:
            key = next(iter(self.options.values))
            host = server_url.redacted_host
            reason = f"{host} is no registry of a built-in provider that takes {key}"
            raise self.place.wrong(key, reason)
        return found


def _word(key: str, value: object, place: Place) -> str:
    if not isinstance(value, str) or not value.strip():
        raise place.wrong(key, f"{key} is not a text", hint=f'write {key} = "…"')
    if key in _WORDS and value not in _WORDS[key]:
        reason = f"{key} is not {', '.join(_WORDS[key][:-1])} or {_WORDS[key][-1]}"
        raise place.wrong(key, reason, hint=near(value, _WORDS[key]))
    if key == "helper" and not _is_helper_name(value):
        hint = "docker-credential-pass is written pass, and found on PATH"
        raise place.wrong(key, "helper is not the name of a helper", hint=hint)
    return value


def _is_helper_name(name: str) -> bool:
    return not (name.startswith("docker-credential-") or set("/\\ \t") & set(name))


def _check_together(words: Collection[str], options: Options, place: Place) -> None:
    """Check that the keys do not contradict each other, and that they say something."""
    alone = [key for key in ("helper", "answer") if key in words]
    others = [key for key in (*words, *options.values) if key not in ("match", *alone[:1])]
    if alone and others:
        raise place.wrong(others[0], f"{others[0]} says nothing beside {alone[0]}")
    if not alone and not others:
        hint = "give it provider, helper, answer, alias, or an option of its provider"
        raise place.wrong("match", "the rule says nothing but match", hint=hint)


def _target(alias: str | None, provider: str | None, place: Place) -> Route | None:
    if alias is None:
        return None
    target = route(ServerURL.parse(alias))
    if target is None:
        raise place.wrong(
            "alias",
            "alias is no registry of a built-in provider",
            hint="an alias names the registry's own host, as in myregistry.azurecr.io",
        )
    if provider not in (None, target.provider):
        raise place.wrong("provider", f"the alias is a registry of {target.provider}")
    return target
