"""The identity sources of Google."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from hashlib import sha1
from typing import Any

from tests.clouds import google
from tests.clouds.ci import CiSystem
from tests.clouds.google import GoogleCloud
from tests.clouds.server import json_reply
from tests.support.identity import OPTION, Environment, identity
from tests.support.machine import Machine

# By their real names, behind a proxy.
_TOKEN_URI = "https://oauth2.googleapis.com/token"
_STS = "https://sts.googleapis.com/v1/token"
_ASKS_TOKEN = "POST oauth2.googleapis.com/token"
_ASKS_STS = "POST sts.googleapis.com/v1/token"
_ASKS_MTLS = "POST sts.mtls.googleapis.com/v1/token"
_ASKS_IAM = (
    "POST iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    f"{google.TARGET}:generateAccessToken"
)
_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
# An STS of Amazon is not asked: the request to it is the subject token.
_AWS_SOURCE = {
    "environment_id": "aws1",
    "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity",
}


def _named(machine: Machine, info: object) -> Environment:
    text = json.dumps(info)
    path = machine.write(f"adc/{sha1(text.encode()).hexdigest()[:8]}.json", text)
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}


def _key(cloud: GoogleCloud) -> dict[str, Any]:
    return cloud.service_account_info(token_uri=_TOKEN_URI)


def _federated(cloud: GoogleCloud, source: Mapping[str, object], **more: object) -> dict[str, Any]:
    return cloud.federated_info(source, token_url=_STS, **more)


def _token_file(machine: Machine, cloud: GoogleCloud) -> dict[str, object]:
    return {"file": str(machine.write("subject-token", cloud.subject_token()))}


@identity(
    "gcr", "/token", "oauth", "oauth code", "text", principal=google.PUSHER, asks=(_ASKS_TOKEN,)
)
def a_service_account(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, _key(cloud))


@identity("gcr", "/token", "oauth", "oauth code", principal=google.USER, asks=(_ASKS_TOKEN,))
def a_user(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, cloud.user_info())


@identity("gcr", "/token", principal=google.USER, asks=(_ASKS_TOKEN,))
def a_sign_in_for_applications(machine: Machine, cloud: GoogleCloud) -> Environment:
    path = ".config/gcloud/application_default_credentials.json"
    machine.write(path, cloud.user_info())
    return {}


@identity("gcr", "/token", principal=google.PUSHER, asks=(_ASKS_TOKEN,))
def a_key_that_an_option_names(machine: Machine, cloud: GoogleCloud) -> Environment:
    return {f"{OPTION}GCR_CREDENTIALS_FILE": str(machine.write("key.json", _key(cloud)))}


@identity(
    "gcr", "/v1/oauthtoken", "oauth", principal=google.USER,
    asks=("POST sts.googleapis.com/v1/oauthtoken",),
)  # fmt: skip
def a_workforce_user(machine: Machine, cloud: GoogleCloud) -> Environment:
    url = "https://sts.googleapis.com/v1/oauthtoken"
    return _named(machine, cloud.federated_user_info(token_url=url))


@identity("gcr", "/v1/token", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_subject_token_in_a_file(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, _federated(cloud, _token_file(machine, cloud)))


@identity("gcr", "/v1/token", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_subject_token_in_a_field_of_a_file(machine: Machine, cloud: GoogleCloud) -> Environment:
    path = machine.write("subject-token.json", {"id_token": cloud.subject_token()})
    form = {"type": "json", "subject_token_field_name": "id_token"}
    return _named(machine, _federated(cloud, {"file": str(path), "format": form}))


@identity(
    "gcr", "/subject-token", "text", "oauth", principal=google.WORKLOAD,
    asks=("GET /subject-token", _ASKS_STS),
)  # fmt: skip
def a_subject_token_from_a_url(machine: Machine, cloud: GoogleCloud) -> Environment:
    source = cloud.url_source()
    url = f"{source['url']}&t={machine.secret('a URL of a subject token')}"
    answer = json_reply({"value": cloud.subject_token()})
    cloud.on("GET", "/subject-token", lambda _: answer)
    return _named(machine, _federated(cloud, {**source, "url": url}))


@identity("gcr", "/v1/token", "oauth", "text", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_subject_token_from_a_program(machine: Machine, cloud: GoogleCloud) -> Environment:
    answer = google.executable_answer(cloud.subject_token(), int(time.time()) + 3600)
    program = machine.scripts.program("give-subject-token", f"echo '{json.dumps(answer)}'")
    source = {"executable": {"command": f"{program} --for us"}}
    named = _named(machine, _federated(cloud, source))
    return {**named, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}


def _certificate(machine: Machine, cloud: GoogleCloud) -> str:
    """The configuration of a client certificate."""
    path = str(machine.write("client.pem", cloud.certificate))
    workload = {"cert_path": path, "key_path": path}
    config = {"cert_configs": {"workload": workload}}
    return str(machine.write("certificate_config.json", config))


def _by_certificate(machine: Machine, cloud: GoogleCloud, **source: object) -> Environment:
    token_type = "urn:ietf:params:oauth:token-type:mtls"
    url = "https://sts.mtls.googleapis.com/v1/token"
    info = cloud.federated_info(
        {"certificate": source}, subject_token_type=token_type, token_url=url
    )
    return _named(machine, info)


@identity("gcr", "/v1/token", principal=google.MACHINE, asks=(_ASKS_MTLS,))
def a_certificate(machine: Machine, cloud: GoogleCloud) -> Environment:
    location = _certificate(machine, cloud)
    return _by_certificate(machine, cloud, certificate_config_location=location)


@identity("gcr", "/v1/token", principal=google.MACHINE, asks=(_ASKS_MTLS,))
def a_certificate_that_a_variable_names(machine: Machine, cloud: GoogleCloud) -> Environment:
    return {
        **_by_certificate(machine, cloud, use_default_certificate_config=True),
        "GOOGLE_API_CERTIFICATE_CONFIG": _certificate(machine, cloud),
    }


@identity("gcr", "/v1/token", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_key_of_amazon(machine: Machine, cloud: GoogleCloud) -> Environment:
    kind = "urn:ietf:params:aws:token-type:aws4_request"
    return {
        **_named(machine, _federated(cloud, _AWS_SOURCE, subject_token_type=kind)),
        "AWS_ACCESS_KEY_ID": "AKIALOOPBACK",
        "AWS_SECRET_ACCESS_KEY": machine.secret("a key of Amazon"),
        "AWS_REGION": "eu-west-1",
    }


@identity("gcr", "*:generateAccessToken", principal=google.TARGET, asks=(_ASKS_STS, _ASKS_IAM))
def a_workload_that_impersonates(machine: Machine, cloud: GoogleCloud) -> Environment:
    url = cloud.impersonation_url(google.TARGET, host="iamcredentials.googleapis.com")
    source = _token_file(machine, cloud)
    return _named(machine, _federated(cloud, source, service_account_impersonation_url=url))


@identity("gcr", "*:generateAccessToken", principal=google.TARGET, asks=(_ASKS_TOKEN, _ASKS_IAM))
def an_account_that_a_user_impersonates(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, cloud.impersonated_info(cloud.user_info()))


@identity(
    "gcr", "*:generateAccessToken", "google", "text", principal=google.TARGET,
    asks=(_ASKS_TOKEN, _ASKS_IAM),
)  # fmt: skip
def an_impersonated_account(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, cloud.impersonated_info(_key(cloud)))


@identity("gcr", "*:generateAccessToken", principal=google.TARGET, asks=(_ASKS_STS, _ASKS_IAM))
def an_account_that_a_workload_impersonates(machine: Machine, cloud: GoogleCloud) -> Environment:
    source = _federated(cloud, _token_file(machine, cloud))
    return _named(machine, cloud.impersonated_info(source))


@identity("gcr", "/v1/token", "oauth", "oauth code", "text", principal="job", asks=(_ASKS_STS,))
def the_identity_token_of_a_job(machine: Machine, cloud: GoogleCloud) -> Environment:
    cloud.ci = CiSystem(cloud)
    cloud.workloads.add("job")
    token = cloud.ci.token("job", google.POOL)
    machine.marks.add(token, "JOB_TOKEN")
    return {
        "JOB_TOKEN": token,
        f"{OPTION}GCR_ID_TOKEN": "env:JOB_TOKEN",
        f"{OPTION}GCR_WORKLOAD_IDENTITY_PROVIDER": google.POOL,
    }


@identity(
    "gcr", f"{_ACCOUNT}token", "text", principal=google.NODE,
    asks=(
        f"GET {_ACCOUNT}email", "GET /computeMetadata/v1/universe/universe-domain",
        f"GET {_ACCOUNT}", f"GET {_ACCOUNT}token",
    ),
)  # fmt: skip
def a_compute_engine_instance(machine: Machine, cloud: GoogleCloud) -> Environment:
    return cloud.machine()


@identity("gcr", "/nothing", "text", principal=google.USER)
def gcloud(machine: Machine, cloud: GoogleCloud) -> Environment:
    token = cloud.issue(google.USER, google.CLOUD_SCOPE)
    variables = cloud.gcloud(machine.home)
    machine.scripts.program("gcloud", f"echo '{token}'")
    return {"CLOUDSDK_CONFIG": variables["CLOUDSDK_CONFIG"]}


@identity("gcr", "/nothing", principal=google.USER)
def an_access_token_of_gcloud_in_a_file(machine: Machine, cloud: GoogleCloud) -> Environment:
    token = cloud.issue(google.USER, google.CLOUD_SCOPE)
    return {"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(machine.write("access-token", token))}
