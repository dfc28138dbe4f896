"""Every setting and every environment variable of this program, in one table.

A setting comes from its own variable, else from the user's settings file, else from the machine's,
else it has its default; each is looked up by itself. Rules are joined: those of
``DOCKER_CREDENTIAL_MULTI_RULES``, the user's, the machine's. ``DOCKER_CREDENTIAL_MULTI_CONFIG``
names a file that replaces both. A cloud's options stand in a rule, in a variable
(``DOCKER_CREDENTIAL_MULTI_ACR_AUDIENCE``) or in a table of the cloud's name (``[acr]``).

Nothing else reads ``DOCKER_CREDENTIAL_MULTI_*``. The clouds' own variables belong to the providers.
Without a file, only ``os`` is loaded for this.

Source: https://specifications.freedesktop.org/basedir-spec/latest/ (where the files are).
"""

from __future__ import annotations

import os
import sys

from cred_helper import clouds, files
from cred_helper.errors import Misconfigured
from cred_helper.files import user_folders
from cred_helper.record import Record
from cred_helper.settings import (
    CI_VARIABLES,
    CLOUD,
    CONFIG_JSON,
    LIFETIME_WORDS,
    VARIABLES,
    lifetime,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from cred_helper.clouds import Cloud, Option
    from cred_helper.server_url import ServerURL
    from cred_helper.settings.parsed import ParsedSettings
    from cred_helper.settings.places import Place
    from cred_helper.settings.rules import Options, Rule
    from cred_helper.settings.toml_file import SettingsDocument

PREFIX = "DOCKER_CREDENTIAL_MULTI_"
CONFIG = f"{PREFIX}CONFIG"
RULES = f"{PREFIX}RULES"
LOG = f"{PREFIX}LOG"
LOG_FORMAT = f"{PREFIX}LOG_FORMAT"

# The value of the setting log for standard error, and the values of log_format.
STDERR = "stderr"
TEXT, JSON = "text", "json"

# People write settings by hand: a longer file is a mistake.
MAX_FILE_BYTES = 1 << 20


# --- Kinds of values ------------------------------------------------------------------------------


class Kind(Record):
    """A kind of value: ``check`` takes a value as TOML has it, or raises ``ValueError``.

    ``of_text`` makes such a value of the text of an environment variable. ``words`` describe the
    kind in messages.
    """

    words: str
    check: Callable[[object], Any]
    of_text: Callable[[str], object] = str


def _seconds(value: object) -> float:
    # In Python true is a number; in a settings file it is not.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise ValueError
    return float(value)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - what callers of a check expect
    return value


_SWITCH_WORDS = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


def _switch_of_text(text: str) -> object:
    return _SWITCH_WORDS.get(text.lower(), text)  # the check refuses another word


def _folder(value: object) -> str:
    path = expanded(value) if isinstance(value, str) else ""
    if not os.path.isabs(path):
        raise ValueError
    return path


def _one_of(*words: str) -> Kind:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    return Kind(" or ".join(words), check)


def _some_of(*words: str) -> Kind:
    def check(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or any(item not in words for item in value):
            raise ValueError
        return tuple(dict.fromkeys(value))

    return Kind(f"a list of {', '.join(words)}", check, lambda text: text.replace(",", " ").split())


def _log(value: object) -> str:
    return STDERR if value == STDERR else _folder(value)


def _helper(value: object) -> str:
    if not isinstance(value, str) or not value or set("/\\ \t") & set(value):
        raise ValueError
    return value


_SECONDS = Kind("a number of seconds, more than 0 and up to 3600", _seconds, float)
_LIFETIME = Kind(LIFETIME_WORDS, lifetime)
_SWITCH = Kind("on or off (true or false in a file)", _switch, _switch_of_text)
_FOLDER = Kind("the absolute path of a folder (~/ is the home folder)", _folder)
_HELPER = Kind("the name of a helper, such as secretservice", _helper)
_LOG = Kind("stderr or the absolute path of a file", _log)


def log_to_stderr() -> None:
    # By variables, so that the helpers that are started log too.
    os.environ.update({LOG: STDERR, LOG_FORMAT: TEXT})


def expanded(path: str) -> str:
    """Replace a leading ``~/`` by the home folder."""
    return os.path.expanduser(path) if path.startswith(("~/", "~\\")) else path


# --- The table ------------------------------------------------------------------------------------


class Setting(Record):
    """One setting: its name in a file, its default, its kind, and what it sets."""

    name: str
    default: object
    kind: Kind
    purpose: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


SETTINGS = (
    Setting("deadline_s", 30.0, _SECONDS, "how long one get may take in all"),
    Setting("helper_timeout_s", 10.0, _SECONDS, "how long another helper may take"),
    Setting(
        "on_error", "fail", _one_of("fail", "anonymous"),
        "what happens if a configured identity fails and no other source has a credential",
    ),
    Setting(
        "order",
        (VARIABLES, CLOUD, CONFIG_JSON, CI_VARIABLES),
        _some_of(VARIABLES, CLOUD, CONFIG_JSON, CI_VARIABLES),
        "the sources to ask, in this order; one that is left out is not asked",
    ),
    Setting(
        "disabled_providers", (), _some_of(*clouds.NAMES, VARIABLES),
        "providers that are asked only where a rule names them",
    ),
    Setting(
        "store_for_clouds", "ignore", _one_of("ignore", "error"),
        "what happens to a login to a registry whose cloud has an identity here: it is never kept",
    ),
    Setting(
        "fallback_helper", "", _HELPER,
        "the helper to ask in place of credsStore, when credsStore names this program",
    ),
    Setting("cache", True, _SWITCH, "whether tokens are kept on disk while they are valid"),
    Setting(
        "min_remaining_life", 0.0, _LIFETIME,
        "how long a cached token must still be valid; one with less time left is renewed",
    ),
    Setting("cache_folder", "", _FOLDER, "the folder of the cache, if not the user's cache folder"),
    Setting(
        "cache_keychain", "", _HELPER,
        "the helper whose keychain has the key of the cache; unset: no encryption",
    ),
    Setting(
        "memo", True, _SWITCH,
        "whether the single file may repeat a cached answer before Python starts",
    ),
    Setting("log", "", _LOG, "where to log, without secrets: stderr, or a file"),
    Setting(
        "log_format", TEXT, _one_of(TEXT, JSON),
        "a line of text for each step, or a JSON object for each call",
    ),
)  # fmt: skip


class Settings:
    """The settings in force.

    ``files`` are the settings files they come from. ``option_tables`` are clouds with the options
    for all their registries, the stronger first. ``rules`` are in the order in which they are
    tried.
    """

    deadline_s: float
    helper_timeout_s: float
    on_error: str
    order: tuple[str, ...]
    disabled_providers: tuple[str, ...]
    store_for_clouds: str
    cache: bool
    cache_folder: str
    min_remaining_life: float
    fallback_helper: str
    cache_keychain: str
    memo: bool
    log: str
    log_format: str
    files: tuple[str, ...]
    _origins: dict[str, str | Place | None]
    option_tables: tuple[tuple[str, Options], ...]
    rules: tuple[Rule, ...]

    @classmethod
    def load(
        cls, environ: Mapping[str, str], kept: Callable[[], ParsedSettings | None] = lambda: None
    ) -> Settings:
        """Read the settings.

        ``kept`` returns the copies of what was parsed before. It is called only where there is a
        settings document.

        Raises:
            Misconfigured: variables or files have mistakes, outside of rules. The error has them
                all. No value is quoted.
        """
        documents: list[SettingsDocument] = []
        copies = None
        if texts := _texts(environ):
            from cred_helper.settings.toml_file import SettingsDocument

            names = [setting.name for setting in SETTINGS]
            copies = kept()
            documents = [SettingsDocument.read(*text, names, copies) for text in texts]
        settings = cls()
        settings._origins = {}
        mistakes = [mistake for document in documents for mistake in document.mistakes]
        for setting in SETTINGS:
            value, origin = _value_of(setting, environ, documents, mistakes)
            setattr(settings, setting.name, value)
            settings._origins[setting.name] = origin
        settings.files = tuple(origin for origin, _ in texts if origin != RULES)
        settings.option_tables = tuple(t for document in documents for t in document.option_tables)
        settings.rules = tuple(rule for document in documents for rule in document.rules)
        if mistakes:
            raise mistakes[0].with_others(mistakes[1:])
        if copies and settings.cache:
            for document in documents:
                document.keep(copies)
        return settings

    def origin(self, name: str) -> str | None:
        """Where a setting is written: its variable, ``file:line``, or ``None`` for the default."""
        origin = self._origins[name]
        return origin if origin is None or isinstance(origin, str) else origin.of(name)

    def rule(self, server_url: ServerURL) -> Rule | None:
        return next((rule for rule in self.rules if rule.matches(server_url)), None)

    def options(
        self, cloud: Cloud, rule: Rule | None, environ: Mapping[str, str]
    ) -> dict[str, str]:
        """The options of a cloud for one registry: those of the rule, of variables, of tables.

        A place that sets one option of a group replaces the group.
        """
        tables = [options.values for name, options in self.option_tables if name == cloud.name]
        variables = {}
        for option in cloud.options:
            for variable in _variables_of(cloud.name, option):
                if text := environ.get(variable):
                    variables[option.name] = expanded(text)
        group_of = {option.name: option.group for option in cloud.options}
        options: dict[str, str] = {}
        for layer in (*reversed(tables), variables, rule.options.values if rule else {}):
            groups = {group for name in layer if (group := group_of.get(name))}
            options = {k: v for k, v in options.items() if group_of.get(k) not in groups}
            options |= layer
        return options

    def option_origin(
        self, provider: str, name: str, rule: Rule | None, environ: Mapping[str, str]
    ) -> str | None:
        """Where an option is written: ``file:line``, its variable, or ``None`` for nowhere."""
        if rule and name in rule.options.values:
            return rule.options.place.of(name)
        # A provider also asks about a variable of its SDK, which is not an option.
        found = [option for option in clouds.find(provider).options if option.name == name]
        for variable in (v for option in found for v in reversed(_variables_of(provider, option))):
            if environ.get(variable):
                return variable
        tables = (o for p, o in self.option_tables if p == provider and name in o.values)
        return next((table.place.of(name) for table in tables), None)


def _variables_of(provider: str, option: Option) -> tuple[str, ...]:
    """The variables that set an option, the stronger last."""
    own = option_variable(provider, option.name)
    return (option.variable, own) if option.variable else (own,)


def option_variable(provider: str, name: str) -> str:
    """The variable that sets an option of a cloud for all its registries."""
    return f"{PREFIX}{provider}_{name}".upper()


def _value_of(
    setting: Setting,
    environ: Mapping[str, str],
    documents: list[SettingsDocument],
    mistakes: list[Misconfigured],
) -> tuple[object, str | Place | None]:
    """A setting's value, and where it is written. Values that are overridden are checked too."""
    found: list[tuple[object, str | Place | None]] = []
    kind = setting.kind
    if text := environ.get(setting.variable, ""):
        try:
            found.append((kind.check(kind.of_text(text)), setting.variable))
        except ValueError:
            values = {"variable": setting.variable, "expected": kind.words}
            mistakes.append(Misconfigured("settings.invalid-variable", **values))
    for document in documents:
        if setting.name not in document.values:
            continue
        try:
            found.append((kind.check(document.values[setting.name]), document.place))
        except ValueError:
            values = {"name": setting.name, "expected": kind.words}
            mistakes.append(document.place.wrong(setting.name, "settings.invalid-value", **values))
    return found[0] if found else (setting.default, None)


# --- The files ------------------------------------------------------------------------------------

_FILE = "docker-credential-multi/config.toml"


def user_files(environ: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...]:
    """The places of the user's settings file; the first file that exists is read."""
    places = [user_folders.config(environ)]
    if platform == "darwin":
        places.append(f"{user_folders.home(environ)}/Library/Application Support")
    if platform == "win32" and environ.get("APPDATA"):
        places.insert(0, environ["APPDATA"])
    return tuple(f"{place}/{_FILE}" for place in places)


def machine_file(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    folder = environ.get("PROGRAMDATA", "C:/ProgramData") if platform == "win32" else "/etc"
    return f"{folder}/{_FILE}"


def _texts(environ: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """The settings documents, the stronger first: the name of each in messages, and its text."""
    texts: list[tuple[str, bytes]] = []
    if rules := environ.get(RULES):
        texts.append((RULES, rules.encode("utf-8", "surrogateescape")))
    if named := expanded(environ.get(CONFIG, "")):
        found = [_read(named)]
        if found == [None]:
            raise Misconfigured("settings.missing-file", variable=CONFIG)
    else:
        user = (text for path in user_files(environ) if (text := _read(path)))
        found = [next(user, None), _read(machine_file(environ))]
    return texts + [text for text in found if text is not None]


def _read(path: str) -> tuple[str, bytes] | None:
    """Read a file; ``None`` where there is none.

    A file in a folder that this user may not enter does not exist for this program: after sudo, or
    in a service with another user's HOME, that is the normal state.
    """
    try:
        files.status(path)
    except (OSError, ValueError):
        return None
    from cred_helper.files import json_file
    from cred_helper.files.os_errors import os_reason

    try:
        text = json_file.read(path)
    except OSError as error:
        problem = os_reason(error)
        raise Misconfigured("settings.cannot-read", path=path, problem=problem) from None
    if len(text) > MAX_FILE_BYTES:
        raise Misconfigured("settings.too-long", path=path, limit=MAX_FILE_BYTES >> 20)
    return path, text
