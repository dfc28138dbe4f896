"""The requests of one ``get`` to Google: the steps that can fail."""

from __future__ import annotations

from tests.clouds import google
from tests.clouds.google import identities
from tests.faults.step import EXPIRES_IN, OAUTH, Step, iso, json_ending, reply
from tests.fuzz.target import SECRET

_OAUTH_ERROR = {"error": "invalid_grant", "error_description": SECRET}

STEPS = (
    Step(
        "token endpoint, assertion", google.EXAMPLE_HOST, identities.a_service_account, "/token",
        "oauth2.googleapis.com", ending=EXPIRES_IN, main=True, first=True,
        replies=(reply(OAUTH), reply(_OAUTH_ERROR, "400 Bad Request")),
    ),
    Step(
        "token endpoint, refresh token", google.EXAMPLE_HOST, identities.a_user, "/token",
        "oauth2.googleapis.com", ending=EXPIRES_IN,
    ),
    Step(
        "STS", google.EXAMPLE_HOST, identities.a_subject_token_in_a_file, "/v1/token",
        "sts.googleapis.com", ending=EXPIRES_IN,
    ),
    Step(
        "subject token", google.EXAMPLE_HOST, identities.a_subject_token_from_a_url,
        "/subject-token",
    ),
    Step(
        "IAM credentials", google.EXAMPLE_HOST, identities.an_impersonated_account,
        "*:generateAccessToken", "iamcredentials.googleapis.com",
        ending=json_ending("expireTime", iso),
        replies=(
            reply({"accessToken": SECRET, "expireTime": "2099-01-01T00:00:00Z"}),
            reply(
                {"error": {"status": "PERMISSION_DENIED", "message": SECRET, "details": []}},
                "400 Bad Request",
            ),
        ),
    ),
    Step(
        "metadata token", google.EXAMPLE_HOST, identities.a_compute_engine_instance,
        "/computeMetadata/v1/instance/service-accounts/default/token", ending=EXPIRES_IN,
        headers={"Metadata-Flavor": "Google"}, main=True,
        replies=(reply(OAUTH, **{"Metadata-Flavor": "Google"}),),
    ),
)  # fmt: skip
