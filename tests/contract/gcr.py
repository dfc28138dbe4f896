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
from cred_helper.providers.gcr import GcrProvider
from tests.clouds.google import EXAMPLE_HOST, TARGET, GoogleCloud, executable_answer
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Reply, json_reply
from tests.support.executable import Completed, Executable
from tests.support.requests import token_request

# What the loopback Google is asked for, by path.
TOKEN = "/token"
STS = "/v1/token"
STS_REFRESH = "/v1/oauthtoken"
SUBJECT = "/subject-token"
IMPERSONATION = f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"

Info = dict[str, Any]


class Google(GoogleCloud):
    """Google on loopback, and a machine that asks the provider for its tokens."""

    def __init__(
        self,
        folder: Path,
        proxy: TerminatingProxy,
        executable: Executable,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        super().__init__()
        self.folder = folder
        self._way = proxy
        self._executable = executable
        self._monkeypatch = monkeypatch

    def get(
        self, environment: Mapping[str, str], host: str = EXAMPLE_HOST, deadline_s: float = 30
    ) -> Completed:
        """Run the executable behind the proxy; what it writes holds no secret if it fails."""
        limits = {"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": str(deadline_s)}
        done = self._executable.get(host, {**self._way.environment(), **limits, **environment})
        if done.status:
            written = done.stdout.decode() + done.stderr
            assert not [secret for secret in self.secrets if secret in written]
            assert "Traceback" not in written
            assert done.stdout.count(b"\n") == 1
        return done

    def ask(
        self, environment: Mapping[str, str], deadline_s: float = 30, **options: str
    ) -> Credential:
        """Ask the provider in this process, in an environment that the SDK reads as well."""
        for name, value in {**self._way.environment(), **environment}.items():
            self._monkeypatch.setenv(name, value)
        provider = BoundedProvider(GcrProvider())
        request = token_request(EXAMPLE_HOST, dict(os.environ), deadline_s, options)
        return provider.get(request, provider.identify(request))

    def owner(self, done: Completed) -> str:
        """The identity whose token came back; a registry would accept the token."""
        username, secret = done.credential
        assert self.issued(username, secret, EXAMPLE_HOST)
        return self.principal(secret)

    @property
    def paths(self) -> list[str]:
        """The paths of the requests, in order."""
        return [request.path for request in self.received]

    def identity_of(self, kind: str) -> dict[str, str]:
        """An identity by the name that tables use."""
        infos: dict[str, Callable[[], Info]] = {
            "key": self.service_account_info,
            "user": self.user_info,
            "federated user": self.federated_user_info,
            "federated": lambda: self.federated_info(self.file_source()),
            "federated by url": lambda: self.federated_info(self.url_source()),
            "impersonating": lambda: self.impersonated_info(self.service_account_info()),
        }
        return self.named(self.folder, infos[kind]())

    def file_source(self) -> Info:
        """A credential source that is a file, as Kubernetes mounts one."""
        path = self.folder / "subject-token"
        path.write_text(self.subject_token())
        return {"file": str(path)}

    def program_source(self, script: str | None = None) -> Info:
        """A credential source that is a program."""
        answer = executable_answer(self.subject_token(), int(time.time()) + 600)
        program = self.folder / "give-subject-token"
        script = f"echo '{json.dumps(answer)}'" if script is None else script
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"executable": {"command": f"{program} --for loopback"}}


@pytest.fixture
def cloud(
    tmp_path: Path, proxy: TerminatingProxy, executable: Executable, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Google]:
    with Google(tmp_path, proxy, executable, monkeypatch) as running:
        running.register(proxy)
        yield running


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
