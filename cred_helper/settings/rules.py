"""The user's rules: which server URLs a rule is for, and which source answers there.

``packaging/docs/settings.md`` describes every key, and ``patterns`` the values of ``match``. Only
the first rule that matches counts. An alias is the only way for a host outside every zone of
``hosts`` to get a cloud's token, and the host that it names must itself be in a zone.

A rule with a mistake stops only the hosts that it matches.
"""

from __future__ import annotations

import os

from cred_helper import clouds
from cred_helper.docker_hub import is_hub
from cred_helper.errors import Misconfigured
from cred_helper.hosts import OPTIONAL_ZONES, route
from cred_helper.record import Record
from cred_helper.server_url import ServerURL
from cred_helper.settings import ANSWERS, LIFETIME_WORDS, VARIABLES, lifetime
from cred_helper.settings.patterns import HostPattern
from cred_helper.settings.places import Place, likely, near, printable_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cred_helper.hosts import Route

NO_PROVIDER = "none"

_WORDS = {"provider": (*clouds.NAMES, VARIABLES, NO_PROVIDER), "answer": ANSWERS}
_LIST, _PUSH = "list", "push"
_TEXT_KEYS = ("match", "provider", "helper", "answer", "alias")
_MIN_LIFE = "min_remaining_life"
_KEYS = (*_TEXT_KEYS, _LIST, _PUSH, _MIN_LIFE)


class Options(Record):
    """The options of a provider that one table sets."""

    values: dict[str, str]
    place: Place

    @classmethod
    def read(
        cls,
        table: Mapping[str, object],
        place: Place,
        of_clouds: Collection[str],
        mistakes: list[Misconfigured],
        other_keys: Collection[str] = (),
    ) -> Options:
        """Read options of one of these clouds, as TOML has them; add what is wrong.

        ``other_keys`` are keys of the table that may have been meant.
        """
        options = {o.name: o for cloud in of_clouds for o in clouds.find(cloud).options}
        values: dict[str, str] = {}
        for key, value in table.items():
            if key not in options:
                code = "settings.unknown-option" if of_clouds else "settings.unknown-rule-key"
                given = {"name": printable_key(key), "cloud": " or ".join(of_clouds)}
                given["suggestion"] = likely(key, [*options, *other_keys])
                mistakes.append(place.wrong(key, code, **given))
            elif isinstance(value, bool):
                values[key] = "true" if value else "false"
            elif isinstance(value, int) and options[key].is_number:
                values[key] = str(value)
            elif isinstance(value, str) and value:
                if key.endswith(("_file", "_path")):
                    # Relative to the folder of the settings file, whatever the client's folder is.
                    folder = os.path.dirname(place.origin)
                    value = os.path.join(folder, os.path.expanduser(value))  # noqa: PLW2901
                values[key] = value
            else:
                mistakes.append(place.wrong(key, "settings.invalid-option", name=key))
        return cls(values, place)


class Rule(Record):
    """One rule. At most one of ``helper`` and ``answer`` is set, and then nothing else.

    ``match`` is as written. ``pattern`` is ``None`` where it has a mistake; the rule then stops
    every host but those of Docker Hub, since it could be for any. ``target`` is the route of the
    alias. ``min_life_s`` is how long a token must still live, or ``None``. ``mistakes`` are all
    that is wrong with the rule; with any, its other values are not used.
    """

    match: str
    pattern: HostPattern | None
    place: Place
    options: Options
    provider: str | None = None
    helper: str | None = None
    answer: str | None = None
    target: Route | None = None
    is_listed: bool = False
    may_push: bool = False
    min_life_s: float | None = None
    mistakes: tuple[Misconfigured, ...] = ()

    @classmethod
    def read(cls, table: Mapping[str, object], place: Place) -> Rule:
        return _Reader(table, place).rule()

    def matches(self, server_url: ServerURL) -> bool:
        return self.pattern.matches(server_url) if self.pattern else not is_hub(server_url)

    def check(self) -> None:
        """Raise ``Misconfigured`` with all mistakes of the rule, if it has any."""
        if self.mistakes:
            first, *others = self.mistakes
            raise first.with_others(others)

    @property
    def clouds(self) -> tuple[str, ...]:
        """The clouds that may answer, whose options the rule can have."""
        return _clouds(self.provider, self.target, is_alone=bool(self.helper or self.answer))

    @property
    def names_provider(self) -> bool:
        """Whether the rule itself says which source is asked first, whatever the host is."""
        return self.target is not None or self.provider not in (None, NO_PROVIDER)

    @property
    def answered_by(self) -> str | None:
        """The source that answers, as a message names it; ``None`` for a cloud."""
        if self.answer:
            return self.place.of("answer")
        if self.helper:
            return f"docker-credential-{self.helper}"
        return self.provider if self.provider == VARIABLES else None


class _Reader:
    """Reads one rule and collects its mistakes."""

    def __init__(self, table: Mapping[str, object], place: Place) -> None:
        self._table = table
        self._place = place
        self._mistakes: list[Misconfigured] = []

    def rule(self) -> Rule:
        words = {key: self._word(key) for key in _TEXT_KEYS if key in self._table}
        pattern = self._pattern(words.get("match", ""))
        target = self._target(words.get("alias"), words.get("provider"))
        rule = Rule(
            words.get("match", ""),
            pattern,
            self._place,
            provider=words.get("provider"),
            helper=words.get("helper"),
            answer=words.get("answer"),
            target=target,
            is_listed=self._is_listed(pattern, target),
            may_push=self._switch(_PUSH),
            min_life_s=self._min_life(),
            options=self._options(words, target),
        )
        rule.mistakes = tuple(self._mistakes)
        return rule

    def _wrong(self, key: str, code: str, **values: str) -> None:
        self._mistakes.append(self._place.wrong(key, code, **values))

    def _word(self, key: str) -> str:
        value = self._table[key]
        words = _WORDS.get(key, ())
        if not isinstance(value, str) or not value.strip():
            self._wrong(key, "settings.not-text", name=key)
            return ""
        if words and value not in words:
            given = {"name": key, "expected": f"{', '.join(words[:-1])} or {words[-1]}"}
            self._wrong(key, "settings.invalid-word", **given, suggestion=near(value, words))
        if key == "helper" and not _is_helper_name(value):
            self._wrong(key, "settings.helper-name")
        return value

    def _pattern(self, match: str) -> HostPattern | None:
        if "match" not in self._table:
            suggestion = near(self._meant_match(), ("match",)) or 'write match = "HOST"'
            self._wrong(self._meant_match(), "settings.rule-without-match", suggestion=suggestion)
        if not match:
            return None
        try:
            return HostPattern.parse(match)
        except ValueError as error:
            self._wrong("match", str(error))
            return None

    def _meant_match(self) -> str:
        """The key that was probably meant to be match, where there is no match."""
        if "match" in self._table:
            return ""
        return next((key for key in self._table if near(key, ("match",))), "")

    def _target(self, alias: str | None, provider: str | None) -> Route | None:
        if not alias:
            return None
        registry = ServerURL.parse(alias)
        target = route(registry) or route(registry, OPTIONAL_ZONES)
        if target is None:
            self._wrong("alias", "settings.alias-unknown", example=clouds.CLOUDS[0].example_host)
        elif provider not in (None, target.cloud):
            self._wrong("provider", "settings.alias-provider", cloud=target.cloud)
        return target

    def _is_listed(self, pattern: HostPattern | None, target: Route | None) -> bool:
        value = self._switch(_LIST)
        if value and pattern is not None:
            if pattern.address is None:
                self._wrong(_LIST, "settings.list-pattern")
            elif target is None and route(ServerURL.parse(pattern.address)) is None:
                self._wrong(_LIST, "settings.list-provider")
        return value

    def _switch(self, key: str) -> bool:
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            self._wrong(key, "settings.not-switch", name=key)
            return False
        return value

    def _min_life(self) -> float | None:
        if _MIN_LIFE not in self._table:
            return None
        try:
            return lifetime(self._table[_MIN_LIFE])
        except ValueError:
            code = "settings.invalid-value"
            self._wrong(_MIN_LIFE, code, name=_MIN_LIFE, expected=LIFETIME_WORDS)
            return None

    def _options(self, words: Mapping[str, str], target: Route | None) -> Options:
        """Read the other keys, and check that the keys do not contradict each other."""
        keys = [key for key in self._table if key != "match"]
        alone = next((key for key in ("helper", "answer") if key in keys), None)
        others = [key for key in keys if key not in (alone, _PUSH)]
        if alone and others:
            self._wrong(others[0], "settings.rule-conflict", name=others[0], other=alone)
            return Options({}, self._place)
        if not keys and "match" in self._table:
            self._wrong("match", "settings.empty-rule")
        known = (*_KEYS, self._meant_match())
        rest = {key: value for key, value in self._table.items() if key not in known}
        names = _clouds(words.get("provider"), target, is_alone=alone is not None)
        return Options.read(rest, self._place, names, self._mistakes, _KEYS)


def _clouds(provider: str | None, target: Route | None, *, is_alone: bool) -> tuple[str, ...]:
    if target is not None:
        return (target.cloud,)
    if is_alone or provider in (VARIABLES, NO_PROVIDER):
        return ()
    return (provider,) if provider in clouds.NAMES else clouds.NAMES


_MIN_TOKEN_CHARACTERS = 16


def _is_helper_name(name: str) -> bool:
    if name.startswith("docker-credential-") or set("/\\ \t") & set(name):
        return False
    if len(name) < _MIN_TOKEN_CHARACTERS:  # shorter than a token; a cached get loads no more
        return True
    from cred_helper.secret_shapes import looks_secret

    return not looks_secret(name)
