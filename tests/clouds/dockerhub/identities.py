"""The identity sources of Docker Hub."""

from __future__ import annotations

from tests.clouds import dockerhub
from tests.clouds.dockerhub import DockerHub
from tests.support.identity import Environment, identity
from tests.support.machine import Machine

_ASKS_JOB = f"GET {dockerhub.GITHUB_HOST}/oidc/token"
_ASKS_HUB = f"POST {dockerhub.IDENTITY_HOST}/oauth/token"


@identity("dockerhub", "/oauth/token", "oauth", "oauth code", "text", asks=(_ASKS_JOB, _ASKS_HUB))
def a_job_of_github_actions(machine: Machine, cloud: DockerHub) -> Environment:
    job = cloud.job()
    machine.marks.add(job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return {**job, **cloud.connection()}


@identity("dockerhub", "/oidc/token", "oauth", "text", asks=(_ASKS_JOB, _ASKS_HUB))
def a_job_that_github_refuses(machine: Machine, cloud: DockerHub) -> Environment:
    return a_job_of_github_actions(machine, cloud)


@identity("dockerhub", "/oauth/token", "oauth", asks=(_ASKS_HUB,))
def an_identity_token_in_a_variable(machine: Machine, cloud: DockerHub) -> Environment:
    token = cloud.id_token()
    machine.marks.add(token, "JOB_TOKEN")
    named = {"JOB_TOKEN": token, f"{dockerhub.PREFIX}_ID_TOKEN": "env:JOB_TOKEN"}
    return {**named, **cloud.connection()}
