"""What one ``get`` asks whom: the steps that can fail, cloud by cloud.

A step is reached by the identity that needs it, on a cloud that does everything else right. Those
of the clouds' own APIs are asked under their real names through a proxy, those of the machine's own
services on loopback.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.clouds import aws, azure, ci, dockerhub, google
from tests.clouds.aws import ACCOUNT, START_URL, AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.ci import CiSystem
from tests.clouds.dockerhub import DockerHub
from tests.clouds.google import GoogleCloud

Cloud = AwsCloud | GoogleCloud | AzureCloud | DockerHub
Environment = dict[str, str]
Ending = Callable[[str, datetime | None], str]
"""Gives the text of a reply another end of its token's life; ``None`` leaves it out."""


@dataclass(frozen=True)
class Step:
    """One request on the way to a token, and the identity that makes it.

    ``server`` is the host it goes to; a service of the machine's own has none, and is on loopback.
    ``at_most`` bounds how often it may be asked in one ``get``. ``headers`` are what its server
    says with everything, ``ending`` is where its answer says how long the token lives. ``main`` of
    its kind are those that stand for the others in a short run; ``first`` is the first that a
    proxy is asked for; ``signed`` requests are refused where the clocks differ.
    """

    name: str
    registry: str
    identity: Callable[[Any, Path], Environment]
    path: str
    server: str = ""
    at_most: int = 3
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending | None = None
    main: bool = False
    first: bool = False
    signed: bool = False


def _json_ending(field: str, form: Callable[[datetime], object]) -> Ending:
    """The end of a token's life that stands in a field of a JSON object, however deep."""
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
    """The end of a registry's token is in the token, whose signature only the registry verifies."""
    header, _, signature = json.loads(text)["refresh_token"].split(".")
    claims = {"aud": azure.EXAMPLE_HOST} | ({"exp": ends_at.timestamp()} if ends_at else {})
    payload = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return json.dumps({"refresh_token": f"{header}.{payload}.{signature}"})


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _seconds_left(moment: datetime) -> int:
    return int((moment - datetime.now(UTC)).total_seconds())


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


# --- AWS ------------------------------------------------------------------------------------------


def _profile(home: Path, text: str) -> Environment:
    folder = home / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(text)
    return {}


def _key(cloud: AwsCloud, _home: Path) -> Environment:
    return cloud.user("someone").environment()


_STS = {"AWS_ENDPOINT_URL_STS": "https://sts.us-east-1.amazonaws.com/sts"}


def _role(cloud: AwsCloud, home: Path) -> Environment:
    user = cloud.user("someone")
    arn = cloud.role("puller", user)
    keys = f"aws_access_key_id = {user.id}\naws_secret_access_key = {user.secret}\n"
    profile = f"[default]\nrole_arn = {arn}\nsource_profile = user\n"
    return _STS | _profile(home, f"{profile}[profile user]\n{keys}")


def _web_identity(cloud: AwsCloud, home: Path) -> Environment:
    token = cloud.secret("web identity token")
    path = home / "token"
    path.write_text(token)
    return {
        **_STS,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(path),
        "AWS_ROLE_ARN": cloud.role("puller", token),
    }


def _github_job(cloud: AwsCloud, _home: Path) -> Environment:
    cloud.ci = CiSystem(cloud)
    return {
        **_STS,
        **cloud.ci.github("job"),
        "DOCKER_CREDENTIAL_MULTI_ECR_ID_TOKEN": "ci",
        "DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN": cloud.role("ci", "job"),
    }


_SSO_ROLE = f"sso_account_id = {ACCOUNT}\nsso_role_name = Puller\n"
_SSO_SESSION = f"""[default]
sso_session = work
{_SSO_ROLE}
[sso-session work]
sso_start_url = {START_URL}
sso_region = us-east-1
sso_registration_scopes = sso:account:access
"""


def _sso(cloud: AwsCloud, home: Path) -> Environment:
    renewal: dict[str, Any] = cloud.sso_renewal()
    cloud.start_sso(home, "work", **renewal)
    return _profile(home, _SSO_SESSION)


def _sso_over(cloud: AwsCloud, home: Path) -> Environment:
    renewal: dict[str, Any] = cloud.sso_renewal()
    cloud.start_sso(home, "work", expired=True, **renewal)
    return _profile(home, _SSO_SESSION)


def _sign_in_over(cloud: AwsCloud, home: Path) -> Environment:
    cloud.sign_in(home, "work", timedelta(minutes=-1))
    _profile(home, "[default]\nlogin_session = work\nregion = us-east-1\n")
    return {"AWS_ENDPOINT_URL_SIGNIN": "https://signin.us-east-1.amazonaws.com"}


def _container(cloud: AwsCloud, _home: Path) -> Environment:
    return cloud.container()


def _instance(cloud: AwsCloud, _home: Path) -> Environment:
    return cloud.instance()


PUBLIC_STEP = "ECR Public API"
AWS = (
    Step(
        "ECR API",
        aws.EXAMPLE_HOST,
        _key,
        "/",
        "api.ecr.us-east-1.amazonaws.com",
        ending=_json_ending("expiresAt", lambda moment: moment.timestamp()),
        main=True,
        first=True,
        signed=True,
    ),
    Step(
        PUBLIC_STEP,
        aws.PUBLIC_HOST,
        _key,
        "/",
        "api.ecr-public.us-east-1.amazonaws.com",
        ending=_json_ending("expiresAt", lambda moment: moment.timestamp()),
    ),
    Step(
        "STS AssumeRole",
        aws.EXAMPLE_HOST,
        _role,
        "/sts",
        "sts.us-east-1.amazonaws.com",
        ending=_xml_ending,
        signed=True,
    ),
    Step(
        "STS AssumeRoleWithWebIdentity",
        aws.EXAMPLE_HOST,
        _web_identity,
        "/sts",
        "sts.us-east-1.amazonaws.com",
        ending=_xml_ending,
    ),
    Step("identity token of GitHub", aws.EXAMPLE_HOST, _github_job, ci.GITHUB_PATH),
    Step(
        "SSO portal",
        aws.EXAMPLE_HOST,
        _sso,
        "*/federation/credentials",
        "portal.sso.us-east-1.amazonaws.com",
        ending=_json_ending("expiration", _milliseconds),
    ),
    Step(
        "SSO CreateToken",
        aws.EXAMPLE_HOST,
        _sso_over,
        "/token",
        "oidc.us-east-1.amazonaws.com",
        # The refresh token may be spent with the first request, answered or not.
        at_most=1,
        ending=_json_ending("expiresIn", _seconds_left),
        main=True,
    ),
    Step(
        "sign-in CreateOAuth2Token",
        aws.EXAMPLE_HOST,
        _sign_in_over,
        "*/v1/token",
        "signin.us-east-1.amazonaws.com",
        at_most=1,
        ending=_json_ending("expiresIn", _seconds_left),
    ),
    Step(
        "container credentials",
        aws.EXAMPLE_HOST,
        _container,
        "/container",
        ending=_json_ending("Expiration", _iso),
    ),
    Step("instance metadata session", aws.EXAMPLE_HOST, _instance, "/latest/api/token"),
    Step(
        "instance metadata credentials",
        aws.EXAMPLE_HOST,
        _instance,
        f"/latest/meta-data/iam/security-credentials/{aws.INSTANCE_ROLE}",
        ending=_json_ending("Expiration", _iso),
        main=True,
    ),
)


# --- Google ---------------------------------------------------------------------------------------

_GOOGLE_TOKEN = "https://oauth2.googleapis.com/token"
_GOOGLE_STS = "https://sts.googleapis.com/v1/token"
_EXPIRES_IN = _json_ending("expires_in", _seconds_left)


def _service_account(cloud: GoogleCloud, home: Path) -> Environment:
    return cloud.service_account_key(home, token_uri=_GOOGLE_TOKEN)


def _user(cloud: GoogleCloud, home: Path) -> Environment:
    return cloud.named(home, cloud.user_info())


def _federated(cloud: GoogleCloud, home: Path) -> Environment:
    path = home / "subject-token"
    path.write_text(cloud.subject_token())
    return cloud.named(home, cloud.federated_info({"file": str(path)}, token_url=_GOOGLE_STS))


def _federated_by_url(cloud: GoogleCloud, home: Path) -> Environment:
    return cloud.named(home, cloud.federated_info(cloud.url_source(), token_url=_GOOGLE_STS))


def _impersonating(cloud: GoogleCloud, home: Path) -> Environment:
    source = cloud.service_account_info(token_uri=_GOOGLE_TOKEN)
    return cloud.named(home, cloud.impersonated_info(source))


def _google_machine(cloud: GoogleCloud, _home: Path) -> Environment:
    return cloud.machine()


GOOGLE = (
    Step(
        "token endpoint, assertion",
        google.EXAMPLE_HOST,
        _service_account,
        "/token",
        "oauth2.googleapis.com",
        ending=_EXPIRES_IN,
        main=True,
        first=True,
    ),
    Step(
        "token endpoint, refresh token",
        google.EXAMPLE_HOST,
        _user,
        "/token",
        "oauth2.googleapis.com",
        ending=_EXPIRES_IN,
    ),
    Step(
        "STS",
        google.EXAMPLE_HOST,
        _federated,
        "/v1/token",
        "sts.googleapis.com",
        ending=_EXPIRES_IN,
    ),
    Step("subject token", google.EXAMPLE_HOST, _federated_by_url, "/subject-token"),
    Step(
        "IAM credentials",
        google.EXAMPLE_HOST,
        _impersonating,
        "*:generateAccessToken",
        "iamcredentials.googleapis.com",
        ending=_json_ending("expireTime", _iso),
    ),
    Step(
        "metadata token",
        google.EXAMPLE_HOST,
        _google_machine,
        "/computeMetadata/v1/instance/service-accounts/default/token",
        ending=_EXPIRES_IN,
        headers={"Metadata-Flavor": "Google"},
        main=True,
    ),
)


# --- Azure ----------------------------------------------------------------------------------------


def _principal(cloud: AzureCloud, home: Path) -> Environment:
    return cloud.identity(home)


def _managed(cloud: AzureCloud, _home: Path) -> Environment:
    # Named, so that the answer is kept, and with it the failure.
    named = {"AZURE_CLIENT_ID": azure.MANAGED_CLIENT_ID}
    return {**cloud.redirection(), **named, "AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.url}


AZURE = (
    Step(
        "Entra discovery",
        azure.EXAMPLE_HOST,
        _principal,
        "*/openid-configuration",
        azure.PUBLIC.authority,
        first=True,
    ),
    Step(
        "Entra token",
        azure.EXAMPLE_HOST,
        _principal,
        "*/oauth2/v2.0/token",
        azure.PUBLIC.authority,
        ending=_EXPIRES_IN,
        main=True,
    ),
    Step(
        "ACR exchange",
        azure.EXAMPLE_HOST,
        _principal,
        "/oauth2/exchange",
        azure.EXAMPLE_HOST,
        at_most=1,
        ending=_jwt_ending,
        main=True,
    ),
    Step(
        "Azure instance metadata",
        azure.EXAMPLE_HOST,
        _managed,
        "/metadata/identity/oauth2/token",
        ending=_json_ending("expires_in", lambda moment: str(_seconds_left(moment))),
    ),
)

# --- Docker Hub -----------------------------------------------------------------------------------


def _job(cloud: DockerHub, home: Path) -> Environment:
    cloud.says_expiry = False  # but the reply does
    return cloud.identity(home)


HUB = (
    Step(
        "GitHub identity token",
        dockerhub.EXAMPLE_HOST,
        _job,
        "/oidc/token",
        dockerhub.GITHUB_HOST,
        first=True,
    ),
    Step(
        "Docker identity service",
        dockerhub.EXAMPLE_HOST,
        _job,
        "/oauth/token",
        dockerhub.IDENTITY_HOST,
        ending=_EXPIRES_IN,
        main=True,
    ),
)

# By the names of the rows.
STEPS = {"ecr": AWS, "gcr": GOOGLE, "acr": AZURE, "dockerhub": HUB}
