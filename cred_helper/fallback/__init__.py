"""The sources that docker's and podman's files name, and this program's own store.

They are asked for every registry that is not a cloud's. For one server URL, in this order:

1. ``DOCKER_AUTH_CONFIG``, docker's config.json, ``REGISTRY_AUTH_FILE``. In each: the helper that
   ``credHelpers`` names for the registry; the one that ``credsStore`` names (if that is this
   program, the helper of the setting ``fallback_helper``); then ``auths``.
2. The logins that this program stored: in its own store, or in the keychain that docker selects by
   default on this machine.
3. The files of podman, skopeo and buildah, and ``~/.dockercfg``, in the same way. They are last
   because a login in them can be older than one that this program stored.

These files usually name this program, which never starts itself. A file or an entry that cannot be
used is a failure of that source only.
"""

from __future__ import annotations

import os
import sys

from cred_helper import files, programs
from cred_helper.errors import CredentialError, Misconfigured, NotFound, ProviderError
from cred_helper.fallback import dockerconfig, store
from cred_helper.fallback.helper import LISTING_ASKS_THE_NETWORK, PREFIX, Helper, program_name
from cred_helper.fallback.login import (
    DefaultStore,
    LoginStore,
    SystemKeychain,
    system_keychain_helper,
)
from cred_helper.fallback.loop_guard import LoopGuard
from cred_helper.fallback.registry_key import candidates, whole_registry
from cred_helper.files import user_folders
from cred_helper.record import Record
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeVar

    from cred_helper.credential import Credential
    from cred_helper.fallback.dockerconfig import DockerConfig
    from cred_helper.keychain import Lister, NamedObject, Source
    from cred_helper.providers.common.interface import Deadline

    _WithName = TypeVar("_WithName", bound=NamedObject)

OURSELVES = "docker-credential-multi"


class FixedOutcome(Record):
    """A source or lister with a fixed outcome, such as a helper that is not on PATH."""

    name: str
    outcome: NotFound | ProviderError

    @property
    def is_failure(self) -> bool:
        """Whether the outcome is an error, and not ``NotFound``."""
        return isinstance(self.outcome, ProviderError)

    def get(self, _server_url: ServerURL) -> Credential:
        raise self.outcome

    def list(self) -> dict[str, str]:
        raise self.outcome


class WholeRegistryLogin(Record):
    """A file's login to the whole registry, for a path without a login of its own."""

    source: DockerConfig | store.FileStore
    registry: ServerURL

    @property
    def name(self) -> str:
        return f"{self.source.name}, for {self.registry.address}"

    def get(self, _server_url: ServerURL) -> Credential:
        return self.source.get(self.registry)


class SelectedLogins(Record):
    """Lists those logins of a helper for whose registries the helper is asked."""

    name: str
    helper: Helper
    is_asked: Callable[[ServerURL], bool]

    def list(self) -> dict[str, str]:
        """Server URL to user name, of the registries that the helper is named for."""
        found = self.helper.list().items()
        return {key: username for key, username in found if self.is_asked(ServerURL.parse(key))}


class Fallback:
    """Makes the sources, stores and listers, each when it is used.

    ``warn`` receives each failure that does not change the answer. ``fallback_helper`` is the name
    of the helper that ``credsStore`` named before this program, or empty. ``store_for_clouds`` is
    ``ignore`` or ``error``: what ``store`` does for a registry of a built-in provider.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        deadline: Deadline,
        warn: Callable[[CredentialError], None],
        *,
        helper_timeout_s: float,
        store_for_clouds: str,
        fallback_helper: str = "",
    ) -> None:
        self._environ = environ
        self._deadline = deadline
        self._warn = warn
        self._helper_timeout_s = helper_timeout_s
        self._store_for_clouds = store_for_clouds
        self._fallback_helper = fallback_helper
        self._guard = LoopGuard(environ)
        self._own = store.FileStore(store.path(environ), warn, user_folders.home(environ))
        self._named = list(dockerconfig.named(environ))
        read = {files.real_path(config.name) for config in self._named}
        relatives = dockerconfig.relatives(environ)
        self._relatives = [c for c in relatives if files.real_path(c.name) not in read]

    # --- get --------------------------------------------------------------------------------------

    def sources(self, server_url: ServerURL) -> Iterator[Source]:
        loop = self.loop(server_url)
        if loop is not None:
            yield loop
            return
        asked: set[str] = set()
        for config in self._named:
            yield from self._sources_of(config, server_url, asked)
        yield from _unasked(self._displaced(), asked)
        yield self._own
        yield from _unasked(self._system_keychain(), asked)
        # A helper looks for the login of the whole registry too, in the same run.
        registry = whole_registry(server_url)
        if registry is not None:
            for config in filter(_is_usable, self._named):
                yield WholeRegistryLogin(config, registry)
            yield WholeRegistryLogin(self._own, registry)
        for config in self._relatives:
            yield from self._sources_of(config, server_url, asked)
            if registry is not None and _is_usable(config):
                yield WholeRegistryLogin(config, registry)

    def _sources_of(
        self, config: DockerConfig, server_url: ServerURL, asked: set[str]
    ) -> Iterator[Source]:
        yield from _unasked(self._helpers_of(config, server_url), asked)
        if _is_usable(config):
            yield config

    # --- store, erase -----------------------------------------------------------------------------

    def store(
        self,
        server_url: ServerURL,
        answered_by: Callable[[], str | None],
        owner: Helper | FixedOutcome | None = None,
    ) -> LoginStore:
        """The store that keeps a login.

        ``answered_by`` returns the source that is asked for the registry before any login, if there
        is one. ``owner`` is a helper that replaces those in the files.
        """
        owners = [owner] if owner else self._owners(server_url)
        return LoginStore(
            owners=[] if self.loop(server_url) else list(_usable_owners(owners)),
            default=DefaultStore(self._own, next(self._system_keychain(), None), self._warn),
            answered_by=answered_by,
            fails=self._store_for_clouds == "error",
            warn=self._warn,
        )

    def _owners(self, server_url: ServerURL) -> Iterator[Helper | FixedOutcome]:
        known: set[str] = set()
        for config in self._named:
            yield from _unasked(self._helpers_of(config, server_url), known)
        yield from _unasked(self._displaced(), known)

    # --- list -------------------------------------------------------------------------------------

    def listers(
        self, ruled: Iterable[tuple[Helper | FixedOutcome, Callable[[ServerURL], bool]]] = ()
    ) -> Iterator[Lister]:
        """The sources that can list their logins, in the order in which they answer a ``get``.

        ``ruled`` are the helpers of rules, which come first, each with the test for its registries.
        """
        if self._guard.asking("") is not None:
            return
        for helper, is_asked in ruled:
            yield from self._lister(helper, set(), is_asked)
        asked: set[str] = set()
        for config in self._named:
            yield from self._listers_of(config, asked)
        for helper in self._displaced():
            yield from self._lister(helper, asked, None)
        yield self._own
        yield from _unasked(self._system_keychain(), asked)
        for config in self._relatives:
            yield from self._listers_of(config, asked)

    def _listers_of(self, config: DockerConfig, asked: set[str]) -> Iterator[Lister]:
        try:
            if not config.load():
                return
        except Misconfigured as error:
            yield FixedOutcome(config.name, error)
            return
        try:
            whole = config.store_helper()
            if whole:
                yield from self._lister(self.helper(whole, config.name), asked, None)
        except Misconfigured as error:
            yield FixedOutcome(config.name, error)
        try:
            for name, keys in config.helper_keys().items():
                yield from self._lister(self.helper(name, config.name), asked, _one_of(keys))
        except Misconfigured as error:
            yield FixedOutcome(config.name, error)
        yield config

    def _lister(
        self,
        helper: Helper | FixedOutcome,
        asked: set[str],
        is_asked: Callable[[ServerURL], bool] | None,
    ) -> Iterator[Lister]:
        if helper.name in asked or helper.name in LISTING_ASKS_THE_NETWORK:
            return
        asked.add(helper.name)
        if isinstance(helper, Helper):
            yield SelectedLogins(helper.name, helper, is_asked) if is_asked else helper
        elif helper.is_failure:
            yield helper

    # --- Helpers ----------------------------------------------------------------------------------

    def loop(self, server_url: ServerURL) -> FixedOutcome | None:
        asking = self._guard.asking(server_url.raw)
        if asking is None:
            return None
        found = NotFound("helper.loop", helper=asking, host=server_url.redacted_host)
        self._warn(found)
        return FixedOutcome(asking, found)

    def helper(self, name: str, named_by: str) -> Helper | FixedOutcome:
        """The helper of this name, or its error as a ``FixedOutcome``."""
        try:
            program = program_name(name)
        except Misconfigured as error:
            return FixedOutcome(named_by, error)
        if name.startswith(PREFIX):
            values = {"named_by": named_by, "name": name, "short": name.removeprefix(PREFIX)}
            return FixedOutcome(name, Misconfigured("helper.full-name", **values))
        path = programs.find(program, self._environ)
        if program == OURSELVES or (path and _is_this_program(path)):
            return FixedOutcome(program, NotFound("helper.ourselves"))
        if path is None:
            values = {"program": program, "name": name, "named_by": named_by}
            return FixedOutcome(program, Misconfigured("helper.not-on-path", **values))

        def timeout_s() -> float:
            return self._deadline.step_s(self._helper_timeout_s)

        return Helper(program, path, self._environ, self._guard, timeout_s)

    def _helpers_of(
        self, config: DockerConfig, server_url: ServerURL
    ) -> Iterator[Helper | FixedOutcome]:
        """The helpers that a file names for a server URL, and the errors of the file."""
        try:
            if not config.load():
                return
        except Misconfigured as error:
            yield FixedOutcome(config.name, error)
            return
        for choose in (config.helper_for, config.store_helper):
            try:
                name = choose(server_url)
            except Misconfigured as error:
                yield FixedOutcome(config.name, error)
                continue
            if name:
                helper = self.helper(name, config.name)
                if isinstance(helper, Helper) or helper.is_failure:
                    yield helper
                elif choose == config.store_helper:  # this program
                    yield from self._displaced()

    def _displaced(self) -> Iterator[Helper | FixedOutcome]:
        """The helper of the setting ``fallback_helper``: the former ``credsStore``."""
        if self._fallback_helper:
            yield self.helper(self._fallback_helper, "the setting fallback_helper")

    def _system_keychain(self) -> Iterator[SystemKeychain]:
        """The keychain that docker selects by default, unless a file names another helper."""
        if self._fallback_helper or any(map(self._names_another_store, self._named)):
            return
        name = system_keychain_helper(self._environ)
        if name is None or programs.find(PREFIX + name, self._environ) is None:
            return
        helper = self.helper(name, OURSELVES)
        if isinstance(helper, Helper):
            from cred_helper.fallback.system_keychain_memory import SystemKeychainMemory

            memory = SystemKeychainMemory(helper.name, self._environ)
            yield SystemKeychain(helper.name, helper, memory, self._warn)

    def _names_another_store(self, config: DockerConfig) -> bool:
        try:
            name = config.store_helper() if config.load() else None
        except Misconfigured:
            return False
        helper = self.helper(name, config.name) if name else None
        return helper is not None and (isinstance(helper, Helper) or helper.is_failure)


def _unasked(sources: Iterator[_WithName], asked: set[str]) -> Iterator[_WithName]:
    """The sources whose names are not in ``asked``; adds them."""
    for source in sources:
        if source.name not in asked:
            asked.add(source.name)
            yield source


def _usable_owners(owners: Iterable[Helper | FixedOutcome]) -> Iterator[Helper | ProviderError]:
    """The helpers that can be started, and the errors of those that cannot."""
    for owner in owners:
        if isinstance(owner, Helper):
            yield owner
        elif isinstance(owner.outcome, ProviderError):
            yield owner.outcome.within("file.at", place=owner.name)


def _one_of(keys: list[str]) -> Callable[[ServerURL], bool]:
    return lambda server_url: bool(candidates(keys, server_url, whole_host=True))


def _is_usable(config: DockerConfig) -> bool:
    try:
        return config.load()
    except Misconfigured:
        return False


def _is_this_program(path: str) -> bool:
    files.unrecorded()
    ours = [sys.argv[0], sys.executable] if getattr(sys, "frozen", False) else [sys.argv[0]]
    for own in ours:
        try:
            if os.path.samefile(path, own):
                return True
        except OSError:
            continue  # sys.argv[0] is a name and not a path
    return False
