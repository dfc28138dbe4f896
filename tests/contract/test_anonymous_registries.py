"""Registries with anonymous pulls: an identity that does not work never stops a client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from cred_helper.hosts import ANONYMOUS_HOSTS, route
from cred_helper.server_url import ServerURL
from tests.clouds.aws import EXAMPLE_HOST, PUBLIC_HOST, AwsCloud
from tests.support.executable import NOT_FOUND, Executable

# Five seconds of waiting, and the start of an SDK on a busy machine.
_MOST_S = 12.0


def _is_warned_not_found(executable: Executable, host: str, identity: Mapping[str, str]) -> bool:
    done = executable.get(host, dict(identity))
    is_warning = "warning: " in done.stderr and "error: " not in done.stderr
    return (done.status, done.stdout, is_warning) == (1, NOT_FOUND, True)


@pytest.mark.parametrize("host", sorted(ANONYMOUS_HOSTS))
def test_a_failing_identity_is_a_warning(executable: Executable, tmp_path: Path, host: str) -> None:
    found = route(ServerURL.parse(host))
    assert found is not None
    broken = {
        "ecr": {"AWS_PROFILE": "nowhere"},
        "gcr": {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "missing.json")},
    }[found.cloud]
    assert _is_warned_not_found(executable, host, broken)
    assert executable.get(host).stderr == ""
    private = {"ecr": EXAMPLE_HOST, "gcr": "us-docker.pkg.dev"}[found.cloud]
    done = executable.get(private, broken)
    assert done.stdout != NOT_FOUND
    assert "error: " in done.stderr


def test_a_silent_cloud_is_waited_for_five_seconds(executable: Executable, tmp_path: Path) -> None:
    with AwsCloud() as cloud:
        cloud.delay_s = 60
        began_s = time.monotonic()
        assert _is_warned_not_found(executable, PUBLIC_HOST, cloud.identity(tmp_path))
        assert time.monotonic() - began_s < _MOST_S


def test_a_refused_identity_is_a_warning(executable: Executable, tmp_path: Path) -> None:
    with AwsCloud() as cloud:
        identity = dict(cloud.identity(tmp_path)) | {"AWS_SECRET_ACCESS_KEY": "wrong"}
        assert _is_warned_not_found(executable, PUBLIC_HOST, identity)


def test_an_alias_of_an_anonymous_registry_does_not_fail(executable: Executable) -> None:
    rules = f'rule = [{{match = "mirror.test", alias = "{PUBLIC_HOST}"}}]'
    identity = {"AWS_PROFILE": "nowhere", "DOCKER_CREDENTIAL_MULTI_RULES": rules}
    assert _is_warned_not_found(executable, "mirror.test", identity)


def test_a_rule_that_refuses_is_an_error_for_an_anonymous_registry_too(
    executable: Executable,
) -> None:
    rules = f'rule = [{{match = "{PUBLIC_HOST}", answer = "none"}}]'
    done = executable.get(PUBLIC_HOST, {"DOCKER_CREDENTIAL_MULTI_RULES": rules})
    assert (done.status, done.codes) == (1, ["settings.rule-refuses"])
