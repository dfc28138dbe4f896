"""docker's config.json and podman's auth.json: the helpers they name, the credentials they hold.

Reads only, and only when asked. A file that cannot be used is an error of that file alone. Keys
count in any case, as for docker; what other programs use (proxies, plugins, …) is ignored. Never
quotes what a file holds.

Sources:
  https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties
  https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
  containers-auth.json(5), https://github.com/containers/image/blob/main/docs/ (podman's files)
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.credential import IDENTITY_TOKEN, Credential, Secret
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.fallback.expiry import unexpired
from cred_helper.fallback.registry_key import candidates
from cred_helper.files import json_file, path_values, user_folders
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import NoReturn

    from cred_helper.files.json_file import ParsedJson
    from cred_helper.server_url import ServerURL

    Load = Callable[[str], ParsedJson | None]

AUTHS = "auths"
CRED_HELPERS = "credHelpers"
CREDS_STORE = "credsStore"
_SECTIONS = (AUTHS, CRED_HELPERS, CREDS_STORE)
_FIELDS = ("auth", "username", "password", "identitytoken", "registrytoken")


class DockerConfig(Record):
    """One such file, or the variable that stands for one.

    ``name`` is for messages. A ``bare`` file is all ``auths``; ``names_store`` is false for the
    files of podman, which ignores their ``credsStore``.
    """

    name: str
    read: Callable[[], ParsedJson | None]
    names_store: bool = True
    bare: bool = False
    document: ParsedJson | None = None
    sections: Mapping[str, object] = {}

    def load(self) -> bool:
        """Read the file, once; return false if there is none.

        Raises:
            Misconfigured: it cannot be read, or is not a JSON object.
        """
        if self.document is None:
            self.document = self.read()
            if self.document is not None:
                self.sections = self._split(self.document.value)
        return self.document is not None

    def _split(self, value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise Misconfigured("file.not-object")
        sections = {name: _field(value, name) for name in _SECTIONS}
        if self.bare or (not any(sections.values()) and _is_bare(value)):
            sections = {AUTHS: value}
        return sections

    def helper_for(self, server_url: ServerURL) -> str | None:
        helpers = self._object(CRED_HELPERS)
        for key in candidates(helpers, server_url, whole_host=True):
            if name := self._text(helpers[key], CRED_HELPERS, key):
                return name
        return None

    def store_helper(self, _server_url: ServerURL | None = None) -> str | None:
        section = self.sections.get(CREDS_STORE) if self.names_store else None
        return self._text(section, CREDS_STORE)

    def helper_keys(self) -> dict[str, list[str]]:
        """Each helper that ``credHelpers`` names, and the keys it is named for."""
        keys: dict[str, list[str]] = {}
        helpers = self._object(CRED_HELPERS)
        for key, name in helpers.items():
            if found := self._text(name, CRED_HELPERS, key):
                keys.setdefault(found, []).append(key)
        return keys

    def login_keys(self) -> list[str]:
        """The keys of ``auths``. Docker leaves an empty entry for a login that a helper keeps."""
        return list(self._object(AUTHS))

    def get(self, server_url: ServerURL) -> Credential:
        """The credential that ``auths`` holds for this server URL.

        Raises:
            NotFound: none, or none that the credential helper protocol can carry.
            Expired: it has expired.
            Misconfigured: there is an entry, and it is invalid.
        """
        return unexpired(self.login(server_url), server_url)

    def login(self, server_url: ServerURL) -> Credential:
        """The same, but an expired one too."""
        auths = self._object(AUTHS)
        for key in candidates(auths, server_url):
            entry = self._entry(auths, key)
            if entry is not None:
                username, secret = entry
                return Credential(username, Secret(secret), source=f"{AUTHS} in {self.name}")
        raise NotFound("fallback.no-entry")

    def list(self) -> dict[str, str]:
        """Map each key of ``auths`` that holds a credential to its user name."""
        usernames = {}
        auths = self._object(AUTHS)
        for key in auths:
            try:
                entry = self._entry(auths, key)
            except (NotFound, Misconfigured):
                continue  # a get for it raises the error
            if entry is not None:
                usernames[key] = entry[0]
        return usernames

    def problems(self) -> Iterator[tuple[Misconfigured, bool]]:
        """Each problem of ``auths``, and whether docker refuses the whole file for it.

        Source: https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
        """
        auths = self._object(AUTHS)
        for key in auths:
            try:
                self._check_as_docker(auths, key)
            except Misconfigured as error:
                yield error, True
                continue
            try:
                entry = self._entry(auths, key)
            except NotFound:
                continue
            except Misconfigured as error:
                yield error, False
                continue
            if entry and entry[1].endswith(("\n", "\r")):
                yield self._problem("fallback.auth-line-end", AUTHS, key), False

    def _check_as_docker(self, auths: Mapping[str, object], key: str) -> None:
        """Raise ``Misconfigured`` for an entry that makes docker refuse the file."""
        fields = self._texts(auths, key)
        auth = fields["auth"]
        if not auth or _is_dockers(auth):
            return
        username, _ = _decoded(auth) or ("", "")
        code = "fallback.auth-alphabet" if username else _bad_auth(auth)
        raise self._problem(code, AUTHS, key)

    def _texts(self, auths: Mapping[str, object], key: str) -> dict[str, str | None]:
        value = auths[key]
        if value is None:
            return dict.fromkeys(_FIELDS)
        if not isinstance(value, dict):
            raise self._problem("fallback.entry-not-object", AUTHS, key)
        return {name: self._text(_field(value, name), AUTHS, key) for name in _FIELDS}

    def _entry(self, auths: Mapping[str, object], key: str) -> tuple[str, str] | None:
        """User name and secret of an entry; ``None`` if it is empty, as after a login by helper.

        An identity token comes before a password, and ``auth`` before the two it is made of, as
        docker has it.
        """
        fields = self._texts(auths, key)
        if token := fields["identitytoken"]:
            return IDENTITY_TOKEN, token
        username, password = fields["username"], fields["password"] or ""
        if auth := fields["auth"]:
            decoded = _decoded(auth)
            if decoded is None:
                raise self._problem(_bad_auth(auth), AUTHS, key)
            username, password = decoded
        if username:
            return username, password
        if password:
            raise self._problem("fallback.password-without-user", AUTHS, key)
        if fields["registrytoken"]:
            raise NotFound("fallback.registry-token")
        return None

    def _object(self, section: str) -> Mapping[str, object]:
        value = self.sections.get(section)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._problem("fallback.section-not-object", section)
        return value

    def _text(self, value: object, *keys: str) -> str | None:
        if value is None or isinstance(value, str):
            return value
        raise self._problem("fallback.not-text", *keys)

    def _problem(self, code: str, *keys: str) -> Misconfigured:
        assert self.document is not None  # a section comes from a loaded file
        value = self.document.value
        section = spelling(value, keys[0]) if isinstance(value, dict) else None
        line = self.document.line_of(section or keys[0], *keys[1:])
        return Misconfigured(code, line=line, section=keys[0], file=self.name)


def spelling(names: Iterable[str], name: str) -> str | None:
    """The spelling of a field among these names: any case counts, and the last one, as in Go.

    Source: https://pkg.go.dev/encoding/json#Unmarshal
    """
    wanted = name.lower()
    return next((found for found in reversed(list(names)) if found.lower() == wanted), None)


def _field(value: Mapping[str, object], name: str) -> object:
    """A field by its name in any case; null counts as absent."""
    key = spelling((key for key, found in value.items() if found is not None), name)
    return None if key is None else value[key]


def _is_bare(value: Mapping[str, object]) -> bool:
    """Whether a whole file is what ``auths`` usually holds: registries with an ``auth``."""
    return bool(value) and all(
        isinstance(entry, dict) and "auth" in entry for entry in value.values()
    )


def _decoded(auth: str) -> tuple[str, str] | None:
    """User name and password of an ``auth``; ``None`` if it is anything else."""
    # Some tools write it on several lines, without padding or in the alphabet for URLs.
    compact = "".join(auth.split()).rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        decoded = _base64(compact + "=" * (-len(compact) % 4)).decode("utf-8")
    except ValueError:
        return None
    username, colon, password = decoded.partition(":")
    return (username, password.rstrip("\0")) if colon else None


def _base64(text: str) -> bytes:
    from binascii import a2b_base64

    return a2b_base64(text, strict_mode=True)


def _is_dockers(auth: str) -> bool:
    """Whether docker reads an ``auth``: with padding, and no other white space than line ends."""
    try:
        username, colon, _ = _base64(auth.replace("\r", "").replace("\n", "")).partition(b":")
    except ValueError:
        return False
    return bool(username and colon)


def _bad_auth(auth: str) -> str:
    """The code for an ``auth`` that cannot be decoded."""
    from binascii import a2b_base64

    try:
        inner = a2b_base64("".join(auth.split())).decode("ascii")
    except ValueError:
        return "fallback.bad-auth"
    return "fallback.auth-encoded-twice" if _decoded(inner) else "fallback.bad-auth"


def named(environ: Mapping[str, str]) -> Iterator[DockerConfig]:
    """The files that docker reads and that variables name, in this order."""
    if text := environ.get("DOCKER_AUTH_CONFIG"):
        data = text.encode("utf-8", "surrogateescape")
        is_path = not text.lstrip().startswith("{") and path_values.quotable(text)
        problem = Misconfigured("fallback.auth-config-is-path") if is_path else None
        yield _broken("DOCKER_AUTH_CONFIG", problem) or DockerConfig(
            "DOCKER_AUTH_CONFIG", lambda: json_file.parse(data)
        )
    folder = environ.get("DOCKER_CONFIG", "")
    yield _broken("DOCKER_CONFIG", _folder_problem(folder)) or _file(docker_config_path(environ))
    if path := environ.get("REGISTRY_AUTH_FILE"):
        problem = _content("REGISTRY_AUTH_FILE", path)
        yield _broken("REGISTRY_AUTH_FILE", problem) or _file(path, names_store=False)


def _broken(variable: str, problem: Misconfigured | None) -> DockerConfig | None:
    """The file of a variable whose value cannot be used; loading it is an error."""
    if problem is None:
        return None

    def fail() -> NoReturn:
        raise problem

    return DockerConfig(variable, fail)


def _content(variable: str, value: str) -> Misconfigured | None:
    if not path_values.holds_content(value):
        return None
    return Misconfigured("fallback.variable-holds-content", variable=variable)


def _folder_problem(folder: str) -> Misconfigured | None:
    """Why DOCKER_CONFIG is not the folder of config.json."""
    if folder and files.is_file(folder):
        return Misconfigured("fallback.folder-is-file")
    return _content("DOCKER_CONFIG", folder)


def relatives(environ: Mapping[str, str]) -> Iterator[DockerConfig]:
    """The files of podman, skopeo and buildah, and of old versions of docker, in usual places."""
    runtime = user_folders.runtime(environ)
    session = os.path.join(runtime, "containers") if runtime else f"/run/containers/{_uid()}"
    for folder in (session, os.path.join(user_folders.config(environ), "containers")):
        yield _file(os.path.join(folder, "auth.json"), _load_if_open, names_store=False)
    yield _file(os.path.join(user_folders.home(environ), ".dockercfg"), _load_if_open, bare=True)


def docker_config_path(environ: Mapping[str, str]) -> str:
    """The path of docker's config.json. ``DOCKER_CONFIG`` names its folder."""
    folder = environ.get("DOCKER_CONFIG") or os.path.join(user_folders.home(environ), ".docker")
    return os.path.join(folder, "config.json")


def _file(
    path: str, load: Load = json_file.load, *, names_store: bool = True, bare: bool = False
) -> DockerConfig:
    return DockerConfig(path, lambda: load(path), names_store, bare)


def _load_if_open(path: str) -> ParsedJson | None:
    """Load a file that no setting names: one that is closed to this user counts as absent.

    Root's podman makes /run/containers with mode 0700.
    """
    try:
        os.close(json_file.open_file(path))
    except PermissionError:
        return None
    except OSError:
        pass  # it is absent, or the error of the load
    return json_file.load(path)


def _uid() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
