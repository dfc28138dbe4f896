"""Messages of the provider for Docker Hub."""

from __future__ import annotations

from cred_helper.messages import IN_BETWEEN, Message

_CONNECTIONS = "app.docker.com, Identity & auth, OIDC connections"

MESSAGES: dict[str, Message] = {
    "dockerhub.no-connection": Message(
        "the option connection_id is not set",
        f"set connection_id to the id of the connection: {_CONNECTIONS}",
    ),
    "dockerhub.bad-connection": Message(
        "connection_id is not a UUID", f"copy the id of the connection: {_CONNECTIONS}"
    ),
    "dockerhub.no-username": Message(
        "connection_id is set without the option username, the name of the organization",
        "set username, or DOCKER_CREDENTIAL_MULTI_DOCKERHUB_USERNAME",
        cause="An access token is the password for the name of the organization that has the"
        " connection. Docker's own action takes that name as its input username.",
    ),
    "dockerhub.bad-username": Message(
        "username is not the name of an organization of Docker Hub",
        "write the name as it is in the names of its images",
    ),
    "dockerhub.bad-expiry": Message(
        "expires_in is not a number of seconds from {least} to {most}", "write expires_in = {least}"
    ),
    "dockerhub.other-job": Message(
        "Docker Hub accepts identity tokens of GitHub Actions only, and this is a job of {system}",
        "remove connection_id here, and log in with an access token of the organization",
    ),
    "dockerhub.not-docker": Message(
        "{upstream} answered with something other than JSON (status {status})", IN_BETWEEN
    ),
    "dockerhub.no-token": Message("{upstream} answered without an access token", IN_BETWEEN),
    "dockerhub.refused": Message(
        "{upstream} gives no access token by connection {connection}: status {status}, {said}",
        f"compare the subject with the rules of the connection: {_CONNECTIONS}",
        cause="No rule of the connection has this subject, or the connection is deactivated or"
        " deleted, or belongs to another organization. The connection's page has a table of"
        " failures. GitHub has two forms of the subject: with and without the numbers of owner and"
        " repository.",
    ),
}
