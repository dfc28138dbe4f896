"""The requests of one ``get`` to AWS: the steps that can fail."""

from __future__ import annotations

import base64
import re
from datetime import datetime

from tests.clouds import aws, ci
from tests.clouds.aws import AwsCloud, identities
from tests.faults.step import Step, iso, json_ending, reply, seconds_left
from tests.fuzz.target import SECRET
from tests.support.identity import Environment, Make
from tests.support.machine import Machine


def _at_aws(make: Make, **variables: str) -> Make:
    """The identity at the APIs' real names, without the variables that name other endpoints."""

    def made(machine: Machine, cloud: AwsCloud) -> Environment:
        found = make(machine, cloud)
        return {n: v for n, v in found.items() if not n.startswith("AWS_ENDPOINT_URL")} | variables

    return made


def _at_sts(make: Make) -> Make:
    """The same, with a path for STS that the other APIs do not have."""
    return _at_aws(make, AWS_ENDPOINT_URL_STS="https://sts.us-east-1.amazonaws.com/sts")


def _xml_ending(text: str, ends_at: datetime | None) -> str:
    element = "" if ends_at is None else f"<Expiration>{iso(ends_at)}</Expiration>"
    return re.sub("<Expiration>.*?</Expiration>", element, text)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


_BASIC = base64.b64encode(f"AWS:{SECRET}".encode()).decode()
_STS = (
    "<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult>"
    f"<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>"
    f"<SessionToken>{SECRET}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
_KEYS = {
    "Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": SECRET, "Token": SECRET,
    "Expiration": "2099-01-01T00:00:00Z",
}  # fmt: skip
_REFUSAL = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{SECRET}</Message></Error>"
_NO = "400 Bad Request"
_KEY = _at_aws(identities.a_key_without_end)
_INSTANCE = _at_aws(identities.an_ec2_instance)

PUBLIC_STEP = "ECR Public API"
# A refresh token may be spent with the first request, answered or not.
STEPS = (
    Step(
        "ECR API", aws.EXAMPLE_HOST, _KEY, "/", "api.ecr.us-east-1.amazonaws.com",
        ending=json_ending("expiresAt", lambda moment: moment.timestamp()), main=True, first=True,
        signed=True,
        replies=(
            reply({"authorizationData": [{"authorizationToken": _BASIC, "expiresAt": 1.9e9}]}),
            reply({"__type": "x#AccessDeniedException", "message": f"User: {SECRET}"}, _NO),
        ),
    ),
    Step(
        PUBLIC_STEP, aws.PUBLIC_HOST, _KEY, "/", "api.ecr-public.us-east-1.amazonaws.com",
        ending=json_ending("expiresAt", lambda moment: moment.timestamp()),
    ),
    Step(
        "STS AssumeRole", aws.EXAMPLE_HOST, _at_sts(identities.an_assumed_role), "/sts",
        "sts.us-east-1.amazonaws.com", ending=_xml_ending, signed=True,
        replies=(reply(_STS), reply(f"{_REFUSAL}</ErrorResponse>", "403 Forbidden")),
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
        ending=json_ending("expiration", _milliseconds),
    ),
    Step(
        "SSO CreateToken", aws.EXAMPLE_HOST, _at_aws(identities.an_sso_session_to_renew), "/token",
        "oidc.us-east-1.amazonaws.com", at_most=1, ending=json_ending("expiresIn", seconds_left),
        main=True,
    ),
    Step(
        "sign-in CreateOAuth2Token", aws.EXAMPLE_HOST,
        _at_aws(
            identities.a_sign_in_to_renew,
            AWS_ENDPOINT_URL_SIGNIN="https://signin.us-east-1.amazonaws.com",
        ),
        "*/v1/token", "signin.us-east-1.amazonaws.com", at_most=1,
        ending=json_ending("expiresIn", seconds_left),
    ),
    Step(
        "container credentials", aws.EXAMPLE_HOST, _at_aws(identities.a_container_role),
        "/container", ending=json_ending("Expiration", iso),
        replies=(reply(_KEYS), reply({"message": SECRET}, _NO)),
    ),
    Step("instance metadata session", aws.EXAMPLE_HOST, _INSTANCE, "/latest/api/token"),
    Step(
        "instance metadata credentials", aws.EXAMPLE_HOST, _INSTANCE,
        f"/latest/meta-data/iam/security-credentials/{aws.INSTANCE_ROLE}",
        ending=json_ending("Expiration", iso), main=True,
    ),
)  # fmt: skip
