"""The requests of one ``get``, cloud by cloud: the steps that can fail.

A step is reached by the identity that needs it, on a cloud that does everything else right. The
clouds' APIs have their real names behind a proxy; the machine's own services are on loopback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.clouds import aws, azure, ci, dockerhub, google
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.dockerhub import DockerHub
from tests.clouds.google import GoogleCloud
from tests.clouds.tokens import base64url
from tests.support import identities
from tests.support.identities import Environment, Make
from tests.support.machine import Machine

Cloud = AwsCloud | GoogleCloud | AzureCloud | DockerHub
Ending = Callable[[str, datetime | None], str]
"""Gives the text of a reply another end of its token's life; ``None`` leaves it out."""


@dataclass(frozen=True)
class Step:
    """One request on the way to a token, and the identity that makes it.

    ``server`` is the host of the request; empty for a service of the machine, on loopback.
    ``at_most`` is the largest number of requests in one ``get``. ``headers`` are in every reply of
    the server. ``ending`` changes the expiry in the reply. A short run takes the ``main`` steps for
    the others of their kind. ``first`` is the first step through a proxy. The server refuses a
    ``signed`` request if the clocks differ.
    """

    name: str
    registry: str
    identity: Make
    path: str
    server: str = ""
    at_most: int = 3
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending | None = None
    main: bool = False
    first: bool = False
    signed: bool = False


def _json_ending(field: str, form: Callable[[datetime], object]) -> Ending:
    """The expiry of a token, in a field of a JSON object at any depth."""
    member = re.compile(rf',?\s*"{field}":\s*("[^"]*"|[0-9.]+)')

    def change(text: str, ends_at: datetime | None) -> str:
        assert member.search(text), text
        if ends_at is None:
            return member.sub("", text).replace("{,", "{")
        value = json.dumps(form(ends_at))
        return member.sub(lambda found: found[0].replace(found[1], value), text)

    return change


def _xml_ending(text: str, ends_at: datetime | None) -> str:
    element = "" if ends_at is None else f"<Expiration>{_iso(ends_at)}</Expiration>"
    return re.sub("<Expiration>.*?</Expiration>", element, text)


def _jwt_ending(text: str, ends_at: datetime | None) -> str:
    """The expiry of a registry's token, in the token: only the registry verifies its signature."""
    header, _, signature = json.loads(text)["refresh_token"].split(".")
    claims = {"aud": azure.EXAMPLE_HOST} | ({"exp": ends_at.timestamp()} if ends_at else {})
    payload = base64url(json.dumps(claims).encode())
    return json.dumps({"refresh_token": f"{header}.{payload}.{signature}"})


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _seconds_left(moment: datetime) -> int:
    return int((moment - datetime.now(UTC)).total_seconds())


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


# --- AWS ------------------------------------------------------------------------------------------


def _at_aws(make: Make, **variables: str) -> Make:
    """The identity at the APIs' real names, without the variables that name other endpoints."""

    def made(machine: Machine, cloud: AwsCloud) -> Environment:
        found = make(machine, cloud)
        return {n: v for n, v in found.items() if not n.startswith("AWS_ENDPOINT_URL")} | variables

    return made


def _at_sts(make: Make) -> Make:
    """The same, with a path for STS that the other APIs do not have."""
    return _at_aws(make, AWS_ENDPOINT_URL_STS="https://sts.us-east-1.amazonaws.com/sts")


_KEY = _at_aws(identities.a_key_without_end)
_INSTANCE = _at_aws(identities.an_ec2_instance)

PUBLIC_STEP = "ECR Public API"
# A refresh token may be spent with the first request, answered or not.
AWS = (
    Step(
        "ECR API", aws.EXAMPLE_HOST, _KEY, "/", "api.ecr.us-east-1.amazonaws.com",
        ending=_json_ending("expiresAt", lambda moment: moment.timestamp()), main=True, first=True,
        signed=True,
    ),
    Step(
        PUBLIC_STEP, aws.PUBLIC_HOST, _KEY, "/", "api.ecr-public.us-east-1.amazonaws.com",
        ending=_json_ending("expiresAt", lambda moment: moment.timestamp()),
    ),
    Step(
        "STS AssumeRole", aws.EXAMPLE_HOST, _at_sts(identities.an_assumed_role), "/sts",
        "sts.us-east-1.amazonaws.com", ending=_xml_ending, signed=True,
    ),
    Step(
        "STS AssumeRoleWithWebIdentity", aws.EXAMPLE_HOST, _at_sts(identities.a_web_identity),
        "/sts", "sts.us-east-1.amazonaws.com", ending=_xml_ending,
    ),
    Step(
        "identity token of GitHub", aws.EXAMPLE_HOST, _at_sts(identities.the_token_of_a_github_job),
        ci.GITHUB_PATH,
    ),
    Step(
        "SSO portal", aws.EXAMPLE_HOST, _at_aws(identities.an_sso_session),
        "*/federation/credentials", "portal.sso.us-east-1.amazonaws.com",
        ending=_json_ending("expiration", _milliseconds),
    ),
    Step(
        "SSO CreateToken", aws.EXAMPLE_HOST, _at_aws(identities.an_sso_session_to_renew), "/token",
        "oidc.us-east-1.amazonaws.com", at_most=1, ending=_json_ending("expiresIn", _seconds_left),
        main=True,
    ),
    Step(
        "sign-in CreateOAuth2Token", aws.EXAMPLE_HOST,
        _at_aws(
            identities.a_sign_in_to_renew,
            AWS_ENDPOINT_URL_SIGNIN="https://signin.us-east-1.amazonaws.com",
        ),
        "*/v1/token", "signin.us-east-1.amazonaws.com", at_most=1,
        ending=_json_ending("expiresIn", _seconds_left),
    ),
    Step(
        "container credentials", aws.EXAMPLE_HOST, _at_aws(identities.a_container_role),
        "/container", ending=_json_ending("Expiration", _iso),
    ),
    Step("instance metadata session", aws.EXAMPLE_HOST, _INSTANCE, "/latest/api/token"),
    Step(
        "instance metadata credentials", aws.EXAMPLE_HOST, _INSTANCE,
        f"/latest/meta-data/iam/security-credentials/{aws.INSTANCE_ROLE}",
        ending=_json_ending("Expiration", _iso), main=True,
    ),
)  # fmt: skip


# --- Google ---------------------------------------------------------------------------------------

_EXPIRES_IN = _json_ending("expires_in", _seconds_left)


GOOGLE = (
    Step(
        "token endpoint, assertion", google.EXAMPLE_HOST, identities.a_service_account, "/token",
        "oauth2.googleapis.com", ending=_EXPIRES_IN, main=True, first=True,
    ),
    Step(
        "token endpoint, refresh token", google.EXAMPLE_HOST, identities.a_user, "/token",
        "oauth2.googleapis.com", ending=_EXPIRES_IN,
    ),
    Step(
        "STS", google.EXAMPLE_HOST, identities.a_subject_token_in_a_file, "/v1/token",
        "sts.googleapis.com", ending=_EXPIRES_IN,
    ),
    Step(
        "subject token", google.EXAMPLE_HOST, identities.a_subject_token_from_a_url,
        "/subject-token",
    ),
    Step(
        "IAM credentials", google.EXAMPLE_HOST, identities.an_impersonated_account,
        "*:generateAccessToken", "iamcredentials.googleapis.com",
        ending=_json_ending("expireTime", _iso),
    ),
    Step(
        "metadata token", google.EXAMPLE_HOST, identities.a_compute_engine_instance,
        "/computeMetadata/v1/instance/service-accounts/default/token", ending=_EXPIRES_IN,
        headers={"Metadata-Flavor": "Google"}, main=True,
    ),
)  # fmt: skip


# --- Azure ----------------------------------------------------------------------------------------


AZURE = (
    Step(
        "Entra discovery", azure.EXAMPLE_HOST, identities.a_client_secret, "*/openid-configuration",
        azure.PUBLIC.authority, first=True,
    ),
    Step(
        "Entra token", azure.EXAMPLE_HOST, identities.a_client_secret, "*/oauth2/v2.0/token",
        azure.PUBLIC.authority, ending=_EXPIRES_IN, main=True,
    ),
    Step(
        "ACR exchange", azure.EXAMPLE_HOST, identities.a_client_secret, "/oauth2/exchange",
        azure.EXAMPLE_HOST, at_most=1, ending=_jwt_ending, main=True,
    ),
    Step(
        "Azure instance metadata", azure.EXAMPLE_HOST,
        identities.a_managed_identity_by_its_client_id, "/metadata/identity/oauth2/token",
        ending=_json_ending("expires_in", lambda moment: str(_seconds_left(moment))),
    ),
)  # fmt: skip

# --- Docker Hub -----------------------------------------------------------------------------------


def _job(machine: Machine, cloud: DockerHub) -> Environment:
    cloud.says_expiry = False  # but the reply does
    return identities.a_job_of_github_actions(machine, cloud)


HUB = (
    Step(
        "GitHub identity token", dockerhub.EXAMPLE_HOST, _job, "/oidc/token", dockerhub.GITHUB_HOST,
        first=True,
    ),
    Step(
        "Docker identity service", dockerhub.EXAMPLE_HOST, _job, "/oauth/token",
        dockerhub.IDENTITY_HOST, ending=_EXPIRES_IN, main=True,
    ),
)  # fmt: skip

# By the names of the rows.
STEPS = {"ecr": AWS, "gcr": GOOGLE, "acr": AZURE, "dockerhub": HUB}
