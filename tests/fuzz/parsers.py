"""Fuzzers of our own parsers: requests, files, the answers of helpers."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from cred_helper import clouds, docker_hub, headers
from cred_helper.cache.entry import FAILURE, TOKEN, Entry, Failure
from cred_helper.commands.configure import raw_json
from cred_helper.commands.configure.changes import FileChange
from cred_helper.commands.node import entries, provider_config, yaml_text
from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, Unreachable
from cred_helper.fallback.dockerconfig import DockerConfig
from cred_helper.fallback.helper import PREFIX, Helper, program_name, quotable
from cred_helper.fallback.loop_guard import LoopGuard
from cred_helper.files import json_file
from cred_helper.files.fingerprints import digest
from cred_helper.hosts import route
from cred_helper.programs.relay import Relay
from cred_helper.programs.running import ProgramResult
from cred_helper.protocols import bazel, docker, kubelet
from cred_helper.pulls import Pull
from cred_helper.server_url import ServerURL
from cred_helper.settings.node import NodeProfile
from cred_helper.settings.settings import Settings
from cred_helper.stores import store_for
from cred_helper.wiring import Wiring
from tests.fuzz.target import SECRET, Finding, Target, check_no_secret
from tests.fuzz.urls import oracle

_URLS = (
    "registry.example", "https://index.docker.io/v1/", "docker.io",
    "registry.example:5000/team/image", "123456789012.dkr.ecr.us-east-1.amazonaws.com",
)  # fmt: skip
_JSON_WORDS = (
    b"null", b"true", b'""', b"{}", b"[]", b"0", b"1e999", b"NaN", b"\\ud800", b"\xef\xbb\xbf",
)  # fmt: skip


def _ours(*calls: Callable[[], object]) -> None:
    for call in calls:
        try:
            call()
        except CredentialError as error:
            check_no_secret(error)


class Protocol(Target):
    """Standard input of every verb of docker's and Bazel's, down to our own store."""

    name = "protocol"
    words = (
        b"ServerURL", b"Username", b"Secret", b"https://", b"uri", b"/v2/", b"\r\n", b"\0",
        *_JSON_WORDS,
    )  # fmt: skip

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory()
        environ = {"HOME": self._home.name, "PATH": ""}
        self._wiring = Wiring(Settings.load(environ), environ, lambda: 0.0)

    def examples(self) -> list[bytes]:
        login = {"ServerURL": "https://registry.example", "Username": "u", "Secret": SECRET}
        lone = {**login, "ServerURL": "https://\ud800.example", "Username": "\ud800"}
        return [
            b"https://registry.example\n",
            b"\xef\xbb\xbfregistry.example\r\n",
            json.dumps(login).encode(),
            json.dumps(lone).encode(),
            json.dumps({"uri": f"https://u:{SECRET}@registry.example/v2/a/tags/list"}).encode(),
            b'{"uri":"https://registry.example/v2/team/app/manifests/1"}',
            json.dumps(
                {
                    "kind": kubelet.REQUEST,
                    "apiVersion": next(iter(kubelet.VERSIONS)),
                    "image": "registry.example/team/app:1",
                    "serviceAccountToken": "e30.e30.",
                    "serviceAccountAnnotations": {"iam.gke.io/enable-wi-image-pull": "true"},
                }
            ).encode(),
        ]

    def check(self, data: bytes) -> None:
        _ours(
            lambda: self._get(data),
            lambda: self._store(data),
            lambda: self._store_for(docker.parse_server_url(data)).erase(
                docker.parse_server_url(data)
            ),
            lambda: self._headers(data),
            lambda: self._pull(data),
        )

    def _headers(self, data: bytes) -> None:
        uri = bazel.parse_uri(data)
        target = headers.Target(uri)
        if route(target.host) or docker_hub.is_hub(target.host):
            return  # it would be asked
        found = headers.find(uri, self._wiring)
        json.loads(bazel.render_headers(found.fields, found.expires_at_s, 0.0))

    def _pull(self, data: bytes) -> None:
        request = kubelet.parse(data)
        registry = ServerURL.parse(request.image.registry)
        if route(registry) or docker_hub.is_hub(registry):
            return  # it would be asked
        response = json.loads(Pull(request, self._wiring, NodeProfile()).response())
        if response["apiVersion"] != request.api_version or len(response) != 5:
            raise Finding(f"a response that kubelet refuses: {response!r}")

    def _get(self, data: bytes) -> None:
        server_url = docker.parse_server_url(data)
        if any(found.cloud for found in [route(server_url)] if found):
            return  # the providers are the business of others
        for _, failure in self._wiring.ask(self._wiring.resolve(server_url)).failures:
            check_no_secret(failure)

    def _store(self, data: bytes) -> None:
        server_url, credential = docker.parse_credential(data)
        rendered = docker.render_credential(server_url, credential)
        fields = json.loads(rendered)
        secret = credential.secret.expose()
        said = {"ServerURL": server_url.raw, "Username": credential.username, "Secret": secret}
        if fields != said or not rendered.isascii() or rendered.count(b"\n") != 1:
            raise Finding(f"an answer says something else: {rendered!r}")
        if route(server_url):
            return
        self._store_for(server_url).store(server_url, credential)
        self._store_for(server_url).erase(server_url)

    def _store_for(self, server_url: ServerURL) -> Any:
        return store_for(self._wiring, self._wiring.resolve(server_url))


class ConfigJson(Target):
    """docker's config.json and its relatives."""

    name = "config"
    words = (
        b'"auths"', b'"credHelpers"', b'"credsStore"', b'"auth"', b'"username"', b'"password"',
        b'"identitytoken"', b'"registrytoken"', b'"registry.example"', b'"../x"', *_JSON_WORDS,
    )  # fmt: skip

    def examples(self) -> list[bytes]:
        return [
            json.dumps(
                {
                    "auths": {
                        "https://index.docker.io/v1/": {"auth": "dXNlcjpwYXNz"},
                        "registry.example": {"username": "u", "password": SECRET},
                        "registry.example:5000/team": {"identitytoken": SECRET},
                        "other.example": {"registrytoken": SECRET, "auth": SECRET},
                    },
                    "credHelpers": {"registry.example": "pass", "gcr.io": "../evil"},
                    "credsStore": "desktop",
                    "HttpHeaders": {"Authorization": SECRET},
                }
            ).encode(),
            b'{"registry.example": {"auth": "dXNlcjpwYXNz"}}',
            b'{"AUTHS": {"registry.example": null}, "CredsStore": ""}',
            b'{"auths": [], "credHelpers": 1, "credsStore": {}}',
        ]

    def check(self, data: bytes) -> None:
        for bare in (False, True):
            config = DockerConfig("config.json", lambda: json_file.parse(data), bare=bare)
            try:
                if not config.load():
                    continue
            except CredentialError as error:
                check_no_secret(error)
                continue
            for text in _URLS:
                self._follow(config, ServerURL.parse(text))
            _ours(config.list, partial(_check_names, config.helper_keys))

    @staticmethod
    def _follow(config: DockerConfig, server_url: ServerURL) -> None:
        _ours(
            partial(_check_names, lambda: [config.helper_for(server_url)]),
            partial(_check_names, lambda: [config.store_helper(server_url)]),
            lambda: config.get(server_url),
        )


def _check_names(names: Callable[[], Iterable[str | None]]) -> None:
    """Check that each name leads to a program on PATH and to no other file."""
    for name in names():
        program = program_name(name) if name is not None else f"{PREFIX}none"
        if not re.fullmatch(r"docker-credential-[A-Za-z0-9][A-Za-z0-9._-]*", program):
            raise Finding(f"{name!r} leads to {program!r}")


class SettingsFile(Target):
    """Settings in TOML, their rules, and the sources that the rules choose for a host."""

    name = "settings"
    words = (
        b"[[rule]]\n", b'match = "', b"provider = ", b"helper = ", b"answer = ", b"alias = ",
        b"deadline_s = ", b'"**.example"', b'"*"', b"[acr]\n", b"order = ", b"cache = ", b"\n",
        b'"""', b"'", b"1979-05-27", b"inf", b"true", b'"ecr"', b'"none"', b"\xef\xbb\xbf",
    )  # fmt: skip

    def examples(self) -> list[bytes]:
        rules = (
            b'[[rule]]\nmatch = "**.example"\nhelper = "pass"\n'
            b'[[rule]]\nmatch = "*.dkr.ecr.*.amazonaws.com"\nprofile = "work"\n'
            b'[[rule]]\nmatch = "mirror.example"\n'
            b'alias = "123456789012.dkr.ecr.us-east-1.amazonaws.com"\n'
            b'[[rule]]\nmatch = "docker.io"\nanswer = "anonymous"\n'
        )
        return [
            b'deadline_s = 5\norder = ["cloud", "config"]\ncache = false\n[acr]\naudience = "x"\n',
            rules,
            f'deadline_s = "{SECRET}"\n'.encode(),
            f'[[rule]]\nmatch = "{SECRET}/*/**"\nprovider = "{SECRET}"\n'.encode(),
            f'rule = [{{match = "a", alias = "{SECRET}"}}]\n'.encode(),
        ]

    def check(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        environ = {"HOME": "/nonexistent", "PATH": "", "DOCKER_CREDENTIAL_MULTI_RULES": text}
        if not text:
            return
        try:
            wiring = Wiring(Settings.load(environ), environ, lambda: 0.0)
        except CredentialError as error:
            check_no_secret(error)
            return
        for url in _URLS:
            _ours(partial(self._follow, wiring, ServerURL.parse(url)))

    def _follow(self, wiring: Wiring, server_url: ServerURL) -> None:
        resolution = wiring.resolve(server_url)
        found, rule = resolution.route, resolution.rule
        if resolution.error:
            check_no_secret(resolution.error)
        if resolution.asks_cloud:
            wiring.provider_source(resolution)
        if found and found.cloud != oracle(found.host):
            raise Finding(f"{server_url.raw} is sent to {found}, which is on no table")
        own = oracle(server_url.raw)
        by_rule = rule is not None and (rule.target or rule.provider)
        if found and found.cloud != own and not by_rule:
            raise Finding(f"{server_url.raw} is routed to {found} without a rule")


class CacheEntry(Target):
    """Files of the cache: an entry that is incomplete or of another user or key is ignored."""

    name = "cache"
    words = (b"created_at=", b"expires_at=", b"secret=", b"sealed=", b"=", b"\n", b"nan", b"inf")
    _KEY = "0123456789abcdef0123456789abcdef"
    _ENTRY = Entry(
        "ecr", "ECR in us-east-1", username="AWS", secret=Secret(SECRET), source="environment",
        created_at=1.7e9, expires_at=1.7e9 + 43200,
    )  # fmt: skip

    def examples(self) -> list[bytes]:
        failure = Failure(Unreachable("client.no-credential", hint="wait"), 1.7e9).encode(self._KEY)
        sealed = self._ENTRY.with_secret("00ff", is_sealed=True).encode(self._KEY)
        whole = [self._ENTRY.encode(self._KEY), failure, sealed]
        bodies = [content.split(b"\n", 2)[2] for content in whole]
        kinds = (b"t", b"f", b"t")
        made_right = [kind + body for kind, body in zip(kinds, bodies, strict=True)]
        return [b"=" + content for content in whole] + made_right

    def check(self, data: bytes) -> None:
        """Take a file as it is, or lines with the right digest added."""
        kind = {b"t": TOKEN, b"f": FAILURE}.get(data[:1])
        content = data[1:] if kind is None else self._sealed_off(kind, data[1:])
        entry, failure = Entry.decode(self._KEY, content), Failure.decode(self._KEY, content)
        # The digest is not a signature: the engine can produce it.
        made = TOKEN if entry else FAILURE
        if (entry or failure) and content != self._sealed_off(made, content.split(b"\n", 2)[2]):
            raise Finding(f"{content!r} passes for whole")
        if failure is not None:
            failure.is_over(1.7e9)
            if Failure.decode(self._KEY, failure.encode(self._KEY)) is None:
                raise Finding(f"{content!r} cannot be kept")
        if entry is not None:
            self._use(entry, content)

    def _sealed_off(self, kind: str, body: bytes) -> bytes:
        title = f"docker-credential-multi {kind} 1\n{digest([kind, self._KEY, body])}\n"
        return title.encode() + body

    def _use(self, entry: Entry, content: bytes) -> None:
        for now in (0.0, 1.7e9, 1e11):
            if entry.is_fresh(now) and not entry.is_valid(now):
                raise Finding(f"{content!r} is fresh when it is over")
            entry.is_over(now)
        again = Entry.decode(self._KEY, entry.encode(self._KEY))
        if again is None or again.secret != entry.secret or again.life_s != entry.life_s:
            raise Finding(f"{content!r} is not kept as it is")
        credential = entry.credential()
        if credential.expires_at is None or SECRET in f"{credential.secret!r}{credential.secret}":
            raise Finding(f"{content!r} is not a valid credential")


class HelperReply(Target):
    """Output and exit status of another helper."""

    name = "helper"
    words = (
        b"credentials not found", b"not implemented", b'{"Username":"', b'","Secret":"', b'"}',
        b'"ServerURL"', b"\n", b"{", *_JSON_WORDS,
    )  # fmt: skip
    _STATUSES = (0, 0, 1, 2, 127, -9, -64, 255)

    def examples(self) -> list[bytes]:
        answer = json.dumps({"ServerURL": "x", "Username": "u", "Secret": SECRET}).encode()
        return [
            b"\0" + answer, b"\0warning: {\n" + answer,
            b"\2credentials not found in native keychain\n",
            f"\2error: the token {SECRET} is over\n".encode(), b"\2" + answer,
            b'\0{"https://a.example": "u", "b": 1}', b"\0\xef\xbb\xbf" + answer,
        ]  # fmt: skip

    def check(self, data: bytes) -> None:
        status = self._STATUSES[data[0] % len(self._STATUSES)] if data else 0
        helper = _Answering(ProgramResult(status, data[1:]))
        server_url = ServerURL.parse("registry.example")
        login = Credential("u", Secret(SECRET))
        _ours(
            lambda: self._render(server_url, helper.get(server_url)),
            lambda: helper.store(server_url, login),
            lambda: helper.erase(server_url),
            lambda: docker.render_list(helper.list()),
        )
        text = data.decode("utf-8", "replace")
        if SECRET in quotable(text, SECRET):
            raise Finding("a secret is quoted")

    @staticmethod
    def _render(server_url: ServerURL, credential: Credential) -> None:
        rendered = docker.render_credential(server_url, credential)
        if json.loads(rendered)["Secret"] != credential.secret.expose():
            raise Finding(f"a secret is not handed on as it is: {rendered!r}")


class _Answering(Helper):
    def __init__(self, finished: ProgramResult) -> None:
        super().__init__("docker-credential-fuzz", "", {}, LoopGuard({}), lambda: 1.0)
        self._finished = finished

    def _run(self, verb: str, server_url: str, data: bytes, relay: Relay) -> ProgramResult:
        return self._finished


class RawJson(Target):
    """Edits of config.json: all other bytes stay unchanged."""

    name = "rawjson"
    words = (b'"a"', b'"b"', b":", b",", b"{", b"}", b"[", b"]", b" ", b"\t", b"\r\n", *_JSON_WORDS)

    def examples(self) -> list[bytes]:
        return [
            b'{"a": {"b": 1}, "c": [1.00, 1e2]}',
            b'{\r\n\t"a": 1,\r\n\t"b": {}\r\n}\r\n',
            b'{"a": 1, "a": {"b": "\\u0062"}}',
            b"{}",
        ]

    def check(self, data: bytes) -> None:
        try:
            text = data.decode("utf-8")
            value = json.loads(text)
        except (ValueError, RecursionError):
            return
        for path in (("a",), ("a", "b"), ("z", "y", "x")):
            try:
                self._edit(text, value, path)
            except ValueError:
                if _can_hold(value, path):
                    raise Finding(f"{text!r} is refused") from None

    def _edit(self, text: str, value: Any, path: tuple[str, ...]) -> None:
        put = raw_json.put(text, '"new"', *path)
        if json.loads(put) != _with(value, path):
            raise Finding(f"{text!r} with {path} put is {put!r}")
        if raw_json.get(put, *path) != '"new"':
            raise Finding(f"{put!r} has not what was put at {path}")
        removed = raw_json.remove(put, *path)
        again = raw_json.get(removed, *path)
        if again is not None and put.count(json.dumps(path[-1])) < 2 and "\\u" not in put:
            raise Finding(f"{put!r} without {path} is {removed!r}")
        json.loads(removed)


def _can_hold(value: Any, path: tuple[str, ...]) -> bool:
    """Whether a value can be put at a path: every existing member on the way is an object."""
    for name in path:
        if not isinstance(value, dict):
            return False
        if value.get(name) is None:
            return True  # null is an object that is not there yet
        value = value[name]
    return True


def _with(value: Any, path: tuple[str, ...]) -> Any:
    name, *rest = path
    inner = _with(value.get(name) or {}, tuple(rest)) if rest else "new"
    return {**value, name: inner}


class KubeletConfig(Target):
    """kubelet's configuration, in YAML and JSON: read, checked and merged."""

    name = "kubelet"
    words = (
        b"providers:", b"\n  - ", b"\n    ", b"name: ", b"- ", b": ", b"'", b'"', b"#", b"&a",
        b"*a", b"|", b"---\n", b"tokenAttributes:", b"\r\n", b"\t", *_JSON_WORDS,
    )  # fmt: skip

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name, "config.yaml")
        cloud = next(cloud for cloud in clouds.CLOUDS if cloud.annotations)
        self._entries = entries.of([entries.ChosenCloud(cloud)])
        self._merged = 0

    def close(self) -> None:
        self._folder.cleanup()

    def figures(self) -> str:
        return f"{self._merged:,} merged"

    def examples(self) -> list[bytes]:
        entry = {
            "name": "a",
            "matchImages": ["*.gcr.io", "gcr.io"],
            "defaultCacheDuration": "1h",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            "env": [{"name": "KEY", "value": SECRET}],
        }
        document = provider_config.new([entry, {**entry, "name": "b"}])
        text = yaml_text.render(document)
        flow = text.replace('      - "*.gcr.io"\n      - gcr.io\n', "").replace(
            "matchImages:", "matchImages: ['*.gcr.io', gcr.io] # both"
        )
        documents = [json.dumps(document), json.dumps(document, indent=2), text, flow]
        return [one.encode() for one in documents]

    def check(self, data: bytes) -> None:
        try:
            file = self._read(data)
            for problem in file.problems():
                check_no_secret(problem)
            merged = file.merged(self._entries)
        except CredentialError as error:
            check_no_secret(error)
            return
        self._merged += 1
        again = self._read(merged.encode())
        if again.entries != [*file.entries, *self._entries] or list(again.problems()):
            raise Finding("another provider changed, or kubelet refuses what was written")
        change = FileChange(self._path, file.text, merged, show=provider_config.masked)
        if SECRET in change.diff():
            raise Finding("the difference shows a secret")

    def _read(self, data: bytes) -> provider_config.ConfigFile:
        self._path.write_bytes(data)
        return provider_config.ConfigFile(self._path)


PARSERS: tuple[type[Target], ...] = (
    Protocol, ConfigJson, SettingsFile, CacheEntry, HelperReply, RawJson, KubeletConfig,
)  # fmt: skip
