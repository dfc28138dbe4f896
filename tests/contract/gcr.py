"""How tests ask Google's provider: by the executable, or in this process for an error's class."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cred_helper.credential import Credential
from cred_helper.providers.common.bounded_provider import BoundedProvider
from cred_helper.providers.common.interface import TokenRequest
from cred_helper.providers.gcr import GcrProvider
from tests.clouds.google import EXAMPLE_HOST, TARGET, GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Reply, json_reply
from tests.support import requests
from tests.support.executable import Completed, Executable

# What the loopback Google is asked for, by path.
TOKEN = "/token"
STS = "/v1/token"
STS_REFRESH = "/v1/oauthtoken"
SUBJECT = "/subject-token"
IMPERSONATION = f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"

Get = Callable[..., Completed]
Info = dict[str, Any]


@pytest.fixture
def cloud(proxy: TerminatingProxy) -> Iterator[GoogleCloud]:
    with GoogleCloud() as running:
        running.register(proxy)
        yield running


@pytest.fixture
def get(cloud: GoogleCloud, proxy: TerminatingProxy, executable: Executable) -> Get:
    """Run the executable behind the proxy; what it writes holds no secret if it fails."""

    def run(
        environment: Mapping[str, str], host: str = EXAMPLE_HOST, deadline_s: float = 30
    ) -> Completed:
        limits = {"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": str(deadline_s)}
        done = executable.get(host, {**proxy.environment(), **limits, **environment})
        if done.status:
            written = done.stdout.decode() + done.stderr
            assert not [secret for secret in cloud.secrets if secret in written]
            assert "Traceback" not in written
            assert done.stdout.count(b"\n") == 1
        return done

    return run


def principal(cloud: GoogleCloud, done: Completed) -> str:
    """The identity whose token came back; a registry would accept the token."""
    username, secret = done.credential
    assert cloud.issued(username, secret, EXAMPLE_HOST)
    return cloud.principal(secret)


def paths(cloud: GoogleCloud) -> list[str]:
    """The paths of the cloud's requests, in order."""
    return [request.path for request in cloud.received]


def code(done: Completed) -> str:
    """The code of the one error, which names the registry."""
    assert done.status == 1
    assert EXAMPLE_HOST in done.stderr.partition("\n")[0]
    (found,) = done.codes
    return found


def oauth_error(code: str, description: str = "", subtype: str = "", status: int = 400) -> Reply:
    """An error of a token endpoint."""
    document = {"error": code, "error_description": description, "error_subtype": subtype}
    return json_reply({key: value for key, value in document.items() if value}, status)


def token_request(
    environment: Mapping[str, str], deadline_s: float = 30, **options: str
) -> TokenRequest:
    """A request to the provider for the example host."""
    return requests.token_request(EXAMPLE_HOST, environment, deadline_s, options)


def ask(
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    deadline_s: float = 30,
    **options: str,
) -> Credential:
    """Ask the provider itself, in an environment that the SDK reads as well."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    provider = BoundedProvider(GcrProvider())
    request = token_request(dict(os.environ), deadline_s, **options)
    return provider.get(request, provider.identify(request))


def identity_of(kind: str, cloud: GoogleCloud, folder: Path) -> dict[str, str]:
    """An identity by the name that tables use."""
    infos: dict[str, Callable[[], Info]] = {
        "key": cloud.service_account_info,
        "user": cloud.user_info,
        "federated user": cloud.federated_user_info,
        "federated": lambda: cloud.federated_info(file_source(cloud, folder)),
        "federated by url": lambda: cloud.federated_info(cloud.url_source()),
        "impersonating": lambda: cloud.impersonated_info(cloud.service_account_info()),
    }
    return cloud.named(folder, infos[kind]())


def file_source(cloud: GoogleCloud, folder: Path) -> Info:
    """A credential source that is a file, as Kubernetes mounts one."""
    path = folder / "subject-token"
    path.write_text(cloud.subject_token())
    return {"file": str(path)}


def program_source(cloud: GoogleCloud, folder: Path, script: str | None = None) -> Info:
    """A credential source that is a program."""
    answer = {
        "version": 1,
        "success": True,
        "token_type": "urn:ietf:params:oauth:token-type:jwt",
        "id_token": cloud.subject_token(),
        "expiration_time": int(time.time()) + 600,
    }
    program = folder / "give-subject-token"
    script = f"echo '{json.dumps(answer)}'" if script is None else script
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"executable": {"command": f"{program} --for loopback"}}
