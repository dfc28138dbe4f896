"""Every setting and every environment variable of ours, in one table.

A setting is looked up in its own environment variable, then in the user's settings file, then in
the machine's, and has its default otherwise; each is looked up by itself, so that the user's file
changes what it names and leaves the machine's word on everything else. Rules are joined: those of
``DOCKER_CREDENTIAL_MULTI_RULES``, then the user's, then the machine's; the first match wins. A file
named by ``DOCKER_CREDENTIAL_MULTI_CONFIG`` takes the place of both files.

A provider's options stand in a rule for the registries it matches, and for all the others in a
table of the provider's name (``[acr]``) or a variable (``DOCKER_CREDENTIAL_MULTI_ACR_AUDIENCE``),
which beats the table; each option is looked up by itself again.

Nothing else reads ``DOCKER_CREDENTIAL_MULTI_*``. The clouds' own variables belong to the providers.
Without a file, nothing but ``os`` is loaded for any of this.

Source: https://specifications.freedesktop.org/basedir-spec/latest/ (where the files are).
"""

from __future__ import annotations

import os
import sys

from cred_helper import clouds
from cred_helper.errors import Misconfigured
from cred_helper.files import user_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from cred_helper.clouds import Cloud
    from cred_helper.server_url import ServerURL
    from cred_helper.settings.parsed import ParsedSettings
    from cred_helper.settings.rules import Options, Place, Rule
    from cred_helper.settings.toml_file import SettingsDocument

PREFIX = "DOCKER_CREDENTIAL_MULTI_"
CONFIG = f"{PREFIX}CONFIG"
RULES = f"{PREFIX}RULES"
LOG = f"{PREFIX}LOG"

# Where the log goes that is meant for eyes at once.
STDERR = "stderr"

# Settings are lines written by people; a file longer than this is not one, and is not read.
MAX_FILE_BYTES = 1 << 20


# --- What a setting may be ------------------------------------------------------------------------


class Kind:
    """What a setting may be: ``check`` takes the value as TOML has it, or raises ``ValueError``.

    ``of_text`` makes such a value of an environment variable's text; ``words`` say it to a person.
    """

    __slots__ = ("check", "of_text", "words")

    def __init__(
        self, words: str, check: Callable[[object], Any], of_text: Callable[[str], object] = str
    ) -> None:
        self.words = words
        self.check = check
        self.of_text = of_text


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
    return _SWITCH_WORDS.get(text.lower(), text)  # another word is the check's to refuse


def _folder(value: object) -> str:
    path = expanded(value) if isinstance(value, str) else ""
    if not os.path.isabs(path):
        raise ValueError
    return path


def _list_of_text(text: str) -> list[str]:
    return text.replace(",", " ").split()


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

    return Kind(f"a list of {', '.join(words)}", check, _list_of_text)


def _log(value: object) -> str:
    return STDERR if value == STDERR else _folder(value)


def _helper(value: object) -> str:
    if not isinstance(value, str) or not value or set("/\\ \t") & set(value):
        raise ValueError
    return value


_SECONDS = Kind("a number of seconds, more than 0 and up to 3600", _seconds, float)
_SWITCH = Kind("on or off (true or false in a file)", _switch, _switch_of_text)
_FOLDER = Kind("the absolute path of a folder (~/ is the home folder)", _folder)
_HELPER = Kind("the name of a helper, such as secretservice", _helper)
_LOG = Kind("stderr or the absolute path of a file", _log)


def expanded(path: str) -> str:
    """Put the home folder in the place of a leading ``~/``."""
    return os.path.expanduser(path) if path.startswith(("~/", "~\\")) else path


# --- The table ------------------------------------------------------------------------------------


class Setting:
    """One setting: its name in a file, its default, what it may be, and what it is for."""

    __slots__ = ("default", "kind", "name", "purpose")

    def __init__(self, name: str, default: object, kind: Kind, purpose: str) -> None:
        self.name = name
        self.default = default
        self.kind = kind
        self.purpose = purpose

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()


# Whom a get asks: variables that name the host, the built-in provider of the host's cloud, what
# docker's config.json and its relatives name (our own store last), a CI system's own variables.
# The last come last because they lie in the environment of every job: a login made on purpose is
# better than a token that happens to be there.
ENVIRONMENT, CLOUD, CONFIG_JSON, CI = "environment", "cloud", "config", "ci"

SETTINGS = (
    Setting("deadline_s", 30.0, _SECONDS, "how long one get may take in all"),
    Setting("helper_timeout_s", 10.0, _SECONDS, "how long another helper may take"),
    Setting(
        "on_error",
        "fail",
        _one_of("fail", "anonymous"),
        "what a client is told when a configured identity did not work and no fallback answers",
    ),
    Setting(
        "order",
        (ENVIRONMENT, CLOUD, CONFIG_JSON, CI),
        _some_of(ENVIRONMENT, CLOUD, CONFIG_JSON, CI),
        "which sources are asked, in this order; one that is left out is not asked",
    ),
    Setting(
        "disabled_providers",
        (),
        _some_of(*clouds.NAMES, "environment"),
        "providers that are asked only where a rule names them",
    ),
    Setting(
        "store_for_clouds",
        "ignore",
        _one_of("ignore", "error"),
        "what a login to a registry of a built-in provider comes to: nothing is kept either way",
    ),
    Setting(
        "fallback_helper",
        "",
        _HELPER,
        "the helper that stands where credsStore names us: what credsStore named before",
    ),
    Setting("cache", True, _SWITCH, "whether tokens are kept on disk until they grow old"),
    Setting("cache_folder", "", _FOLDER, "where they are kept, if not in the user's cache folder"),
    Setting(
        "cache_keychain",
        "",
        _HELPER,
        "the helper whose keychain has the key to encrypt them with, if they are to be encrypted",
    ),
    Setting("log", "", _LOG, "where every step is told, without a secret: stderr, or a file"),
)


class Settings:
    """The settings in force.

    ``files`` are the settings files they come from. ``option_tables`` are provider and options for
    all its registries, the stronger first; ``rules`` stand in the order they are tried in.
    """

    __slots__ = (
        "_origins",
        "files",
        "option_tables",
        "rules",
        *(setting.name for setting in SETTINGS),
    )
    deadline_s: float
    helper_timeout_s: float
    on_error: str
    order: tuple[str, ...]
    disabled_providers: tuple[str, ...]
    store_for_clouds: str
    cache: bool
    cache_folder: str
    fallback_helper: str
    cache_keychain: str
    log: str
    files: tuple[str, ...]
    _origins: dict[str, str | Place | None]
    option_tables: tuple[tuple[str, Options], ...]
    rules: tuple[Rule, ...]

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str],
        kept: Callable[[], ParsedSettings | None] = lambda: None,
    ) -> Settings:
        """Read the settings.

        ``kept`` says where what was parsed before is looked for and, if tokens are cached, put. It
        is asked only where something is written at all.

        Raises:
            Misconfigured: a variable or a file is not what it should be. No value is quoted.
        """
        documents: list[SettingsDocument] = []
        place = None
        if texts := _texts(environ):
            from cred_helper.settings.toml_file import SettingsDocument

            names = [setting.name for setting in SETTINGS]
            place = kept()
            documents = [SettingsDocument.read(*text, names, place) for text in texts]
        settings = cls()
        settings._origins = {}
        for setting in SETTINGS:
            value, origin = _given(setting, environ, documents)
            setattr(settings, setting.name, value)
            settings._origins[setting.name] = origin
        settings.files = tuple(origin for origin, _ in texts if origin != RULES)
        settings.option_tables = tuple(t for document in documents for t in document.option_tables)
        settings.rules = tuple(rule for document in documents for rule in document.rules)
        if place and settings.cache:
            for document in documents:
                document.keep(place)
        return settings

    def origin(self, name: str) -> str | None:
        """Where a setting comes from: its variable, ``file:line``, or ``None`` by default."""
        origin = self._origins[name]
        return origin if origin is None or isinstance(origin, str) else origin.of(name)

    def rule(self, server_url: ServerURL) -> Rule | None:
        """The first rule that matches a server URL."""
        return next((rule for rule in self.rules if rule.matches(server_url)), None)

    def check_options(self, names_of: Callable[[str], Collection[str] | None]) -> None:
        """Check that every option is one of a provider's that would get it.

        ``names_of`` says which a provider has, ``None`` for one that this build is made without.

        Raises:
            Misconfigured: an option is none of its provider's.
        """
        for provider, options in self.option_tables:
            options.check(names_of, (provider,))
        for rule in self.rules:
            rule.check_options(names_of)

    def options(
        self,
        cloud: Cloud,
        rule: Rule | None,
        environ: Mapping[str, str],
    ) -> dict[str, str]:
        """The options of a cloud for one registry: the rule's, a variable's, or a table's.

        A place that sets one option of a group replaces the group.
        """
        tables = [options.values for name, options in self.option_tables if name == cloud.name]
        names = cloud.option_names
        given = ((name, environ.get(option_variable(cloud.name, name))) for name in names)
        variables = {name: expanded(text) for name, text in given if text}
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
        """Where such an option is written: ``file:line``, its variable, or ``None`` for nowhere."""
        if rule and name in rule.options.values:
            return rule.options.place.of(name)
        if environ.get(variable := option_variable(provider, name)):
            return variable
        tables = (o for p, o in self.option_tables if p == provider and name in o.values)
        return next((table.place.of(name) for table in tables), None)


def option_variable(provider: str, name: str) -> str:
    """The variable that sets a provider's option for all its registries."""
    return f"{PREFIX}{provider}_{name}".upper()


def _given(
    setting: Setting, environ: Mapping[str, str], documents: list[SettingsDocument]
) -> tuple[object, str | Place | None]:
    """A setting's value, and where it is written. All are checked, also those not heard."""
    given: list[tuple[object, str | Place]] = [
        (_of_variable(setting, environ), setting.variable),
        *((_of_document(setting, document), document.place) for document in documents),
    ]
    written = (found for found in given if found[0] is not None)
    return next(written, (setting.default, None))


def _of_variable(setting: Setting, environ: Mapping[str, str]) -> object:
    text = environ.get(setting.variable, "")
    if not text:
        return None
    try:
        return setting.kind.check(setting.kind.of_text(text))
    except ValueError:
        raise Misconfigured(
            f"{setting.variable} is not {setting.kind.words}",
            hint=f"set {setting.variable} to {setting.kind.words}, or unset it",
        ) from None


def _of_document(setting: Setting, document: SettingsDocument) -> object:
    if setting.name not in document.values:
        return None
    try:
        return setting.kind.check(document.values[setting.name])
    except ValueError:
        reason = f"{setting.name} is not {setting.kind.words}"
        raise document.place.wrong(setting.name, reason) from None


# --- The files ------------------------------------------------------------------------------------

_FILE = "docker-credential-multi/config.toml"


def user_files(environ: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...]:
    """Where the user's settings file may be; the first that exists is the one."""
    places = [user_folders.config(environ)]
    if platform == "darwin":
        places.append(f"{user_folders.home(environ)}/Library/Application Support")
    if platform == "win32" and environ.get("APPDATA"):
        places.insert(0, environ["APPDATA"])
    return tuple(f"{place}/{_FILE}" for place in places)


def machine_file(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Where the settings file of the whole machine may be."""
    folder = environ.get("PROGRAMDATA", "C:/ProgramData") if platform == "win32" else "/etc"
    return f"{folder}/{_FILE}"


def _texts(environ: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Where settings are written, the stronger first: a name for the place, and what is there."""
    texts: list[tuple[str, bytes]] = []
    if rules := environ.get(RULES):
        texts.append((RULES, rules.encode("utf-8", "surrogateescape")))
    if named := expanded(environ.get(CONFIG, "")):
        found = [_read(named)]
        if found == [None]:
            raise Misconfigured(f"{named} does not exist", hint=f"{CONFIG} names it")
    else:
        user = (text for path in user_files(environ) if (text := _read(path)))
        found = [next(user, None), _read(machine_file(environ))]
    return texts + [text for text in found if text is not None]


def _read(path: str) -> tuple[str, bytes] | None:
    """Read a file, if there is one.

    One in a folder that may not be looked into is none: that is how it is after sudo, or where a
    service has somebody else's HOME.
    """
    try:
        os.stat(path)
    except (OSError, ValueError):
        return None
    from cred_helper.files import json_file

    try:
        text = json_file.read(path)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {json_file.trouble(error)}") from None
    if len(text) > MAX_FILE_BYTES:
        raise Misconfigured(f"{path} is longer than a settings file can be")
    return path, text
