"""Random set-ups: the identity found by looking is the one that the SDK uses.

Each set-up is a machine with random variables and files of all that the SDK reads. The SDK's own
chain says who its identity is, down to the keys that a role is assumed with. Looking has to refuse
what the SDK refuses, to name the same source, and to give two set-ups with different identities or
endpoints different cache keys. No network: the services that keys come from are stand-ins here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import botocore.credentials
import botocore.session
import pytest
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.credentials import DeferredRefreshableCredentials

from cred_helper.errors import CredentialError
from cred_helper.providers.ecr import EcrProvider
from tests.clouds.aws import EXAMPLE_HOST
from tests.support.requests import jwt, token_request

SEED = 20261127
SET_UPS = 600
# Fewer on a slow machine.
WITHIN_S = 10
APIS = ("ecr", "sts", "sso", "sso-oidc", "signin")
PROFILES = ("default", "a", "b")
SOURCES = {
    "env": "environment",
    "assume-role-with-web-identity": "web-identity",
    "assume-role": "profile",
    "sso": "profile",
    "login": "profile",
    "shared-credentials-file": "profile",
    "custom-process": "profile",
    "config-file": "profile",
    "container-role": "container",
}


class SetUp:
    """One random machine: its files below a home, and its variables."""

    def __init__(self, home: Path, random: Random) -> None:
        self._home = home
        self._random = random
        for name in ("token-a", "token-b"):
            (home / name).write_text(jwt(iss="https://issuer", sub=random.choice(["x", "y"])))
        for number in ("1", "2"):
            keys = {"Version": 1, "AccessKeyId": f"AKIAPROCESS{number}", "SecretAccessKey": "s"}
            (home / f"keys-{number}").write_text(json.dumps(keys))
        (home / ".aws").mkdir()
        self.environ = self._variables()
        config = "".join(self._profile(name) for name in PROFILES if self._chance(0.9))
        (home / ".aws" / "config").write_text(config + self._sections())
        if self._chance(0.4):
            names = [name for name in PROFILES if self._chance(0.5)]
            text = "".join(
                f"[{name}]\n{self._keys() if self._chance(0.8) else ''}" for name in names
            )
            (home / ".aws" / "credentials").write_text(text)
        self.chosen = self._random.choice([None] * 6 + [*PROFILES])

    def _chance(self, chance: float) -> bool:
        return self._random.random() < chance

    def _url(self) -> str:
        return f"http://127.0.0.1:{self._random.choice([1, 2])}"

    def _keys(self) -> str:
        text = f"aws_access_key_id = AKIA{self._random.choice('AB')}\n"
        if self._chance(0.98):
            text += f"aws_secret_access_key = {self._random.choice('st')}\n"
        return text + ("aws_session_token = t\n" if self._chance(0.2) else "")

    def _token_file(self) -> str:
        return str(self._home / self._random.choice(["token-a", "token-b"]))

    def _role(self) -> str:
        return f"arn:aws:iam::123456789012:role/{self._random.choice('pq')}"

    def _variables(self) -> dict[str, str]:
        random = self._random
        container = "AWS_CONTAINER_CREDENTIALS_"
        # A variable → how often it is set, and to what.
        pool: dict[str, tuple[float, Callable[[], str]]] = {
            "AWS_PROFILE": (0.35, lambda: random.choice(PROFILES)),
            "AWS_DEFAULT_PROFILE": (0.15, lambda: random.choice(PROFILES)),
            "AWS_ACCESS_KEY_ID": (0.35, lambda: random.choice(["AKIAENVONE", "AKIAENVTWO", ""])),
            "AWS_SECRET_ACCESS_KEY": (0.4, lambda: random.choice("uv")),
            "AWS_SESSION_TOKEN": (0.1, lambda: "session"),
            "AWS_WEB_IDENTITY_TOKEN_FILE": (0.25, lambda: random.choice([self._token_file(), ""])),
            "AWS_ROLE_ARN": (0.3, lambda: random.choice([self._role(), self._role(), ""])),
            "AWS_ROLE_SESSION_NAME": (0.1, lambda: random.choice("mn")),
            f"{container}RELATIVE_URI": (0.1, lambda: random.choice(["/1", "/2"])),
            f"{container}FULL_URI": (0.15, self._url),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": (0.3, lambda: random.choice(["k", "l"])),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": (0.1, self._token_file),
            "AWS_ENDPOINT_URL": (0.1, self._url),
            "AWS_ENDPOINT_URL_ECR": (0.1, self._url),
            "AWS_ENDPOINT_URL_STS": (0.1, self._url),
            "AWS_ENDPOINT_URL_SSO_OIDC": (0.05, self._url),
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": (0.1, lambda: "true"),
        }
        return {name: value() for name, (chance, value) in pool.items() if self._chance(chance)}

    def _profile(self, name: str) -> str:
        random = self._random
        text = "[default]\n" if name == "default" else f"[profile {name}]\n"
        if self._chance(0.35):
            text += f"role_arn = {self._role()}\n"
            if self._chance(0.7):
                text += f"source_profile = {random.choice([*PROFILES, *PROFILES, 'gone'])}\n"
            elif self._chance(0.8):
                source = random.choice(["Environment", "EcsContainer"] * 4 + ["Other"])
                text += f"credential_source = {source}\n"
        if self._chance(0.2):
            text += f"web_identity_token_file = {self._token_file()}\n"
        if self._chance(0.45):
            text += self._keys()
        if self._chance(0.2):
            text += f"credential_process = cat {self._home}/keys-{random.choice('12')}\n"
        if self._chance(0.15):
            text += f"sso_account_id = {random.choice('12')}\nsso_role_name = r\n"
            session = self._random.choice(["corp"] * 4 + ["gone"])
            text += random.choice([f"sso_session = {session}\n", self._portal()])
        if self._chance(0.15):
            text += f"endpoint_url = {self._url()}\n"
        if self._chance(0.15):
            text += f"services = {random.choice(['ours', 'theirs'])}\n"
        if self._chance(0.05):
            text += "role_session_name = z\n"
        return text

    def _portal(self) -> str:
        return f"sso_start_url = https://{self._random.choice('xy')}\nsso_region = us-east-1\n"

    def _sections(self) -> str:
        text = f"[sso-session corp]\n{self._portal()}"
        for name in ("ours", "theirs"):
            api = self._random.choice(["ecr", "sts"])
            text += f"[services {name}]\n{api} =\n  endpoint_url = {self._url()}\n"
        return text


class Service:
    """A service that keys come from: it gives those that stand for the request."""

    @staticmethod
    def full_url(relative: str) -> str:
        return f"http://169.254.170.2{relative}"

    @staticmethod
    def retrieve_full_uri(uri: str, headers: dict[str, str] | None = None) -> dict[str, str]:
        who = f"{uri} {sorted((headers or {}).items())}"
        return {
            "AccessKeyId": who,
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": "2100-01-01T00:00:00Z",
        }


def whose(credentials: Any) -> tuple[object, ...]:
    """The identity of the SDK's credentials; a role's is that of its keys, and its own."""
    if not isinstance(credentials, DeferredRefreshableCredentials):
        frozen = credentials.get_frozen_credentials()
        return (credentials.method, frozen.access_key, frozen.secret_key, frozen.token)
    fetcher = credentials._refresh_using.__self__
    if credentials.method == "sso":
        return ("sso", fetcher._account_id, fetcher._role_name, fetcher._start_url)
    role = (credentials.method, fetcher._role_arn, fetcher._assume_kwargs.get("RoleSessionName"))
    if fetcher._using_default_session_name:
        role = (*role[:2], None)
    if credentials.method == "assume-role":
        return (*role, whose(fetcher._source_credentials))
    return (*role, fetcher._web_identity_token_loader())


def by_the_sdk(chosen: str | None) -> tuple[str | None, tuple[object, ...]]:
    """The source and the identity that the SDK uses, and the endpoints that it asks."""
    session = botocore.session.Session(include_builtin_handlers=False, profile=chosen)
    chain = botocore.credentials.create_credential_resolver(session)
    chain.get_provider("container-role")._fetcher = Service()
    credentials = chain.load_credentials()
    config, scoped = session.full_config, session.get_scoped_config()
    endpoints = [ConfiguredEndpointProvider(config, scoped, api).provide() for api in APIS]
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        endpoints = []
    if credentials is None:
        return None, ()
    source = SOURCES[credentials.method]
    if source == "web-identity" and (chosen or not os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")):
        source = "profile"
    return source, (whose(credentials), *endpoints)


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, SetUp]]:
    """Random machines, one after another the one that this process is on."""
    random = Random(SEED)
    before = dict(os.environ)

    def machines() -> Iterator[tuple[int, SetUp]]:
        ends_at_s = monotonic() + WITHIN_S
        for number in range(SET_UPS):
            if monotonic() > ends_at_s:
                return
            home = tmp_path / str(number)
            home.mkdir()
            set_up = SetUp(home, random)
            for name in set(os.environ) - set(before):
                monkeypatch.delenv(name)
            for name, value in {**before, **set_up.environ, "HOME": str(home)}.items():
                monkeypatch.setenv(name, value)
            yield number, set_up

    return machines()


def test_identify_finds_the_sdks_identity_and_each_has_its_own_cache_key(
    homes: Iterator[tuple[int, SetUp]],
) -> None:
    by_key: dict[str, tuple[tuple[object, ...], int]] = {}
    refused = sources = 0
    for number, set_up in homes:
        options = {"profile": set_up.chosen} if set_up.chosen else {}
        request = token_request(EXAMPLE_HOST, os.environ, options=options)
        ours: tuple[str | None, str | None] | None
        why = ""
        try:
            identity = EcrProvider().identify(request)
            if identity.source is not None:
                identity = identity.determined(request)
            ours = identity.source, identity.cache_key
        except CredentialError as error:
            ours, why = None, error.code
        theirs: tuple[str | None, tuple[object, ...]] | None
        try:
            theirs = by_the_sdk(set_up.chosen)
        except Exception:  # the SDK has many kinds of errors
            theirs = None
        if theirs is None:
            refused += 1
            assert ours is None, (number, ours)
            continue
        assert ours is not None, (number, why, theirs)
        assert ours[0] == theirs[0], (number, ours, theirs)
        if ours[1] is None:
            continue
        sources += 1
        seen, earlier = by_key.setdefault(ours[1], (theirs[1], number))
        assert seen == theirs[1], (earlier, number, seen, theirs[1])
    # The set-ups are neither all alike nor all wrong.
    assert refused > 10
    assert sources > 10
    assert len(by_key) > 10
