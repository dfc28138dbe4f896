"""The requests of one ``get`` to Docker Hub: the steps that can fail."""

from __future__ import annotations

from tests.clouds import dockerhub
from tests.clouds.dockerhub import DockerHub, identities
from tests.faults.step import EXPIRES_IN, WITH_END, Step, reply
from tests.fuzz.target import SECRET
from tests.support.identity import Environment
from tests.support.machine import Machine


def _job(machine: Machine, cloud: DockerHub) -> Environment:
    cloud.says_expiry = False  # but the reply does
    return identities.a_job_of_github_actions(machine, cloud)


STEPS = (
    Step(
        "GitHub identity token", dockerhub.EXAMPLE_HOST, _job, "/oidc/token", dockerhub.GITHUB_HOST,
        first=True,
    ),
    Step(
        "Docker identity service", dockerhub.EXAMPLE_HOST, _job, "/oauth/token",
        dockerhub.IDENTITY_HOST, ending=EXPIRES_IN, main=True,
        replies=(
            reply({"access_token": f"{WITH_END}.{SECRET}", "expires_in": 900}),
            reply({"description": SECRET}, "400 Bad Request"),
        ),
    ),
)  # fmt: skip
