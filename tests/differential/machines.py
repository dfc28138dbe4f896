"""Random machines: every source of an identity that an SDK reads, each part drawn by itself.

A machine is a table of draws. Its ``neighbours`` differ from it in one part, ``mutated`` ones in
several. Machines of one cloud live in the same HOME, one after the other: no path distinguishes
them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from hashlib import sha1
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from tests.clouds.google import executable_answer
from tests.differential.witness import ENDS_AT, WitnessAws, WitnessGoogle
from tests.support.requests import jwt

_HUB = "DOCKER_CREDENTIAL_MULTI_DOCKERHUB"

Draws = dict[str, Any]
Choices = Mapping[str, tuple[Any, ...]]

USERS = ("u1", "u2")
# The identity token of a job, which no SDK looks for.
ID_TOKENS = ("id-token variable", "id-token file", "id-token of GitHub")
SUBJECTS = (
    ("https://a.example", "one"),
    ("https://a.example", "two"),
    ("https://b.example", "one"),
)


class Kind:
    """The machines of one cloud: what can be drawn, and how it is set up.

    ``renewable`` are the sources of which the draw ``renewal`` renews a session or token, and
    changes nothing else.
    """

    choices: ClassVar[Choices]
    renewable: tuple[str, ...] = ()

    def __init__(self, home: Path, clouds: tuple[Any, ...] = ()) -> None:
        self.home = home
        self._clouds = clouds

    def drawn(self, random: Random) -> Draws:
        """A machine of which every part is drawn."""
        return {name: random.choice(values) for name, values in self.choices.items()}

    def neighbours(self, draws: Draws) -> list[Draws]:
        """Every machine that differs in one part alone, the source of the identity excepted."""
        return [
            draws | {name: value}
            for name, values in self.choices.items()
            for value in dict.fromkeys(values)
            if name != "source" and value != draws[name]
        ]

    def mutated(self, draws: Draws, random: Random) -> Draws:
        names = random.sample(sorted(self.choices), random.choice((2, 3, 4)))
        return draws | {name: random.choice(self.choices[name]) for name in names}

    def environment(self, draws: Draws) -> dict[str, str]:
        """Set the machine up in HOME, and give its variables."""
        raise NotImplementedError

    def emptied(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()

    def write(self, path: str, content: object, mode: int = 0o600) -> str:
        """Write a file below HOME, text as it is and anything else as JSON; its path."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        file.chmod(mode)
        return str(file)

    def use_id_token(self, draws: Draws, cloud: str, url: str, audience: str) -> dict[str, str]:
        """The variables of a CI job: its identity token, or the endpoint that gives it."""
        issuer, subject = draws["subject"]
        token = jwt(iss=issuer, sub=subject, aud=audience, iat=draws["renewal"])
        option = f"DOCKER_CREDENTIAL_MULTI_{cloud.upper()}_ID_TOKEN"
        match draws["source"]:
            case "id-token variable":
                return {option: "env:JOB_TOKEN", "JOB_TOKEN": token}
            case "id-token file":
                return {option: f"file:{self.write('job-token', token)}"}
        return {
            option: "ci",
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/github/{issuer[8:]}?v=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": subject,
        }

    def program(self, name: str, script: str) -> str:
        return self.write(f"bin/{name}", f"#!/bin/sh\n{script}\n", 0o755)


class AwsMachines(Kind):
    """Every source of botocore's chain, the options of the provider, and three link names."""

    renewable = ("web", "web profile", "sso", "container file", *ID_TOKENS[:2])
    choices: ClassVar[Choices] = {
        "source": (
            *("keys", "session", "config", "credentials", "role", "role of environment"),
            *("role of container", "role of instance", "web", "web profile", "sso", "old sso"),
            *("process", "container", "container file", "instance", "boto file"), *ID_TOKENS,
        ),
        "user": USERS, "other user": USERS, "role": ("r1", "r2"), "role option": ("", "", "", "r3"),
        "external id": ("", "external"), "session name": ("", "", "named"), "subject": SUBJECTS,
        "profile": ("default", "work"),
        "chosen by": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "option", "rule"),
        "endpoint": ("all", "ecr", "profile", "services"), "ignored": ("", "", "", "true"),
        "cloud": (0, 0, 1), "sso account": ("111111111111", "222222222222"),
        "host": (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "210987654321.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "public.ecr.aws",
        ),
        "link": ("", "", "", "docker-credential-ecr-login", "docker-credential-env"),
        "renewal": (1, 2, 3),
    }  # fmt: skip

    def environment(self, draws: Draws) -> dict[str, str]:
        self.emptied()
        cloud = self._clouds[draws["cloud"]]
        found = {
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_STS": f"{cloud.url}/sts",
            "AWS_ENDPOINT_URL_SSO": f"{cloud.url}/sso",
        }
        profile, other = self._profiles(draws, cloud, found)
        self._endpoint(draws, cloud, found, profile)
        name = draws["profile"]
        if draws["source"] not in ID_TOKENS:  # a token and an option would be two identities
            self._choose(name, draws["chosen by"], found)
        if draws["ignored"]:
            found["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = draws["ignored"]
            found.pop("AWS_ENDPOINT_URL_STS")
            found.pop("AWS_ENDPOINT_URL_SSO")
        if draws["role option"]:
            found["DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN"] = _arn(draws["role option"])
        sections = (
            {"default": other, "user": other, name: profile}
            if name != "default"
            else {"default": profile, "user": other}
        )
        in_config = draws["source"] != "credentials"
        config = "".join(
            _section("default" if at == "default" else f"profile {at}", options)
            for at, options in sections.items()
            if in_config or at != name
        )
        if not in_config:
            self.write(".aws/credentials", _section(name, profile))
        services = f"[services loopback]\necr =\n  endpoint_url = {cloud.url}\n"
        services += f"ecr_public =\n  endpoint_url = {cloud.url}\n"
        session = (
            "[sso-session work]\nsso_start_url = https://work.awsapps.com/start\n"
            "sso_region = us-east-1\nsso_registration_scopes = sso:account:access\n"
        )
        self.write(".aws/config", config + services + session)
        return found

    def _choose(self, name: str, by: str, found: dict[str, str]) -> None:
        if by == "option":
            found["DOCKER_CREDENTIAL_MULTI_ECR_PROFILE"] = name
        elif by == "rule":
            match = "**.amazonaws.com" if name == "default" else "**.com"
            rule = f'[[rule]]\nmatch = "{match}"\nprofile = "{name}"\n'
            found["DOCKER_CREDENTIAL_MULTI_RULES"] = rule
        elif name != "default":
            found[by] = name

    def _profiles(
        self, draws: Draws, cloud: WitnessAws, found: dict[str, str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The options of the profile in use and of the profile of another user."""
        source, user = draws["source"], draws["user"]
        other = _keys(draws["other user"])
        issuer, subject = draws["subject"]
        token = jwt(iss=issuer, sub=subject, aud="sts.amazonaws.com", iat=draws["renewal"])
        role = {"role_arn": _arn(draws["role"])}
        if draws["external id"]:
            role["external_id"] = draws["external id"]
        if draws["session name"]:
            role["role_session_name"] = draws["session name"]
        profile: dict[str, str] = {}
        if source in ("keys", "session", "role of environment"):
            keys = _keys(user)
            found["AWS_ACCESS_KEY_ID"] = keys["aws_access_key_id"]
            found["AWS_SECRET_ACCESS_KEY"] = keys["aws_secret_access_key"]
            if source == "session":
                found["AWS_SESSION_TOKEN"] = f"session-{draws['renewal']}"
        if source == "role of container" or source.startswith("container"):
            found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{cloud.url}/container/{user}"
            if source == "container file":
                file = self.write("container-token", token)
                found["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = file
            else:
                found["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = f"bearer-of-{draws['other user']}"
        if "instance" in source:
            found["AWS_EC2_METADATA_DISABLED"] = "false"
            found["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = cloud.url
        if source in ("web", *ID_TOKENS):
            found["AWS_ROLE_ARN"] = role["role_arn"]
            if draws["session name"]:
                found["AWS_ROLE_SESSION_NAME"] = draws["session name"]
        match source:
            case "config" | "credentials":
                profile = _keys(user)
            case "role":
                profile = {**role, "source_profile": "user"}
            case "role of environment":
                profile = {**role, "credential_source": "Environment"}
            case "role of container":
                profile = {**role, "credential_source": "EcsContainer"}
            case "role of instance":
                profile = {**role, "credential_source": "Ec2InstanceMetadata"}
            case "web":
                found["AWS_WEB_IDENTITY_TOKEN_FILE"] = self.write("web-token", token)
            case "id-token variable" | "id-token file" | "id-token of GitHub":
                found |= self.use_id_token(draws, "ecr", cloud.url, "sts.amazonaws.com")
            case "web profile":
                profile = {**role, "web_identity_token_file": self.write("web-token", token)}
                profile.pop("external_id", None)
            case "sso" | "old sso":
                profile = self._sso(draws)
            case "boto file":
                keys = _keys(user)
                found["BOTO_CONFIG"] = self.write("boto.cfg", _section("Credentials", keys))
            case "process":
                # What it prints stands in no file that a configuration names.
                answer = {"Version": 1, "AccessKeyId": _keys(user)["aws_access_key_id"]}
                answer["SecretAccessKey"] = "secret"
                self.write("bin/answer", answer)
                program = self.program("give-keys", 'cat "$HOME/bin/answer"')
                profile = {"credential_process": program}
        return profile, other

    def _sso(self, draws: Draws) -> dict[str, str]:
        roles = {"sso_account_id": draws["sso account"], "sso_role_name": draws["role"]}
        start = "https://work.awsapps.com/start"
        document = {
            "startUrl": start,
            "region": "us-east-1",
            "accessToken": f"{draws['user']}.{draws['renewal']}",
            "expiresAt": f"{ENDS_AT:%Y-%m-%dT%H:%M:%SZ}",
        }
        has_session = draws["source"] == "sso"
        if has_session:
            # A sign-in after a sign-out uses a newly registered client.
            document |= {"refreshToken": "r", "clientId": draws["user"], "clientSecret": "s"}
            document["registrationExpiresAt"] = document["expiresAt"]
        name = "work" if has_session else start
        self.write(f".aws/sso/cache/{sha1(name.encode()).hexdigest()}.json", document)
        if has_session:
            return {**roles, "sso_session": "work"}
        return {**roles, "sso_start_url": start, "sso_region": "us-east-1"}

    @staticmethod
    def _endpoint(
        draws: Draws, cloud: WitnessAws, found: dict[str, str], profile: dict[str, str]
    ) -> None:
        match draws["endpoint"]:
            case "all":
                found["AWS_ENDPOINT_URL"] = cloud.url
            case "ecr":
                found["AWS_ENDPOINT_URL_ECR"] = cloud.url
                found["AWS_ENDPOINT_URL_ECR_PUBLIC"] = cloud.url
            case "profile":
                profile["endpoint_url"] = cloud.url
            case "services":
                profile["services"] = "loopback"


def _arn(role: str) -> str:
    return f"arn:aws:iam::123456789012:role/{role}"


def _keys(user: str) -> dict[str, str]:
    key_id = f"AKIA{user.upper():0>16}"
    return {"aws_access_key_id": key_id, "aws_secret_access_key": f"secret-of-{user}"}


def _section(name: str, options: Mapping[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{k} = {v}" for k, v in options.items()), ""])


class GoogleMachines(Kind):
    """Every type of credential file and source that google-auth reads, gcloud and metadata."""

    renewable = ("file", "json file", "program", *ID_TOKENS[:2])
    choices: ClassVar[Choices] = {
        "source": (
            *("key", "user", "workforce", "file", "json file", "url", "program", "aws"),
            *("certificate", "impersonated", "gcloud", "gcloud federated", "metadata"),
            *("access token", "access token file"), *ID_TOKENS,
        ),
        "where": ("variable", "option", "well known", "table"),
        "account": ("a@p.iam.gserviceaccount.com", "b@p.iam.gserviceaccount.com"),
        "key id": ("1", "2"), "user": USERS, "subject": SUBJECTS,
        "audience": ("pool-one", "pool-two"),
        "target": ("", "", "t1@p.iam.gserviceaccount.com", "t2@p.iam.gserviceaccount.com"),
        "delegates": ((), (), ("d@p.iam.gserviceaccount.com",)), "cloud": (0, 0, 1),
        "gcloud account": ("one@example.com", "two@example.com"),
        "gcloud by": ("config", "variable", "configuration"),
        "gcloud impersonates": ("", "", "g@p.iam.gserviceaccount.com"),
        "certificate by": ("file", "variable", "other variable", "gcloud folder"),
        "impersonate": ("", "", "", "i@p.iam.gserviceaccount.com"),
        "host": ("us-docker.pkg.dev", "gcr.io", "eu.gcr.io"),
        "link": ("", "", "", "docker-credential-gcloud", "docker-credential-gcr"),
        "renewal": (1, 2, 3),
    }  # fmt: skip

    def __init__(
        self, home: Path, clouds: tuple[Any, ...], private_key: str, certificates: Mapping[str, str]
    ) -> None:
        super().__init__(home, clouds)
        self._private_key = private_key
        self._certificates = certificates

    def environment(self, draws: Draws) -> dict[str, str]:
        self.emptied()
        cloud = self._clouds[draws["cloud"]]
        found = {"NO_GCE_CHECK": "true", "PATH": f"{self.home}/bin:/usr/bin:/bin"}
        source = draws["source"]
        if draws["impersonate"]:
            found["DOCKER_CREDENTIAL_MULTI_GCR_IMPERSONATE"] = draws["impersonate"]
        if source.startswith(("gcloud", "access token")):
            token = self._clouds[0].token(draws["user"])
            if source == "access token":
                found["CLOUDSDK_AUTH_ACCESS_TOKEN"] = token
            elif source == "access token file":
                found["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"] = self.write("access-token", token)
            self._gcloud(draws, found)
        elif source in ID_TOKENS:
            provider = f"projects/1/locations/global/workloadIdentityPools/{draws['audience']}"
            provider += "/providers/ci"
            found["DOCKER_CREDENTIAL_MULTI_GCR_WORKLOAD_IDENTITY_PROVIDER"] = provider
            audience = f"//iam.googleapis.com/{provider}"
            found |= self.use_id_token(draws, "gcr", cloud.url, audience)
        elif source == "metadata":
            address = cloud.url.removeprefix("http://")
            found |= {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address}
            found["NO_GCE_CHECK"] = "false"
        else:
            self._file(draws, self._info(draws, cloud, found), found)
        return found

    def _file(self, draws: Draws, info: object, found: dict[str, str]) -> None:
        if draws["where"] == "well known":
            self.write(".config/gcloud/application_default_credentials.json", info)
            return
        path = self.write("credential.json", info)
        match draws["where"]:
            case "variable":
                found["GOOGLE_APPLICATION_CREDENTIALS"] = path
            case "option":
                found["DOCKER_CREDENTIAL_MULTI_GCR_CREDENTIALS_FILE"] = path
            case "table":
                found["DOCKER_CREDENTIAL_MULTI_RULES"] = f'[gcr]\ncredentials_file = "{path}"\n'

    def _info(self, draws: Draws, cloud: WitnessGoogle, found: dict[str, str]) -> dict[str, Any]:
        issuer, subject = draws["subject"]
        token = jwt(iss=issuer, sub=subject, aud=draws["audience"], iat=draws["renewal"])
        user = {"client_id": "c", "client_secret": "s"}
        user["refresh_token"] = f"{draws['user']}.refresh"
        key = {
            "type": "service_account",
            "private_key_id": draws["key id"],
            "private_key": self._private_key,
            "client_email": draws["account"],
            "token_uri": f"{cloud.url}/token",
        }
        federated = {
            "type": "external_account",
            "audience": f"//iam.googleapis.com/{draws['audience']}",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{cloud.url}/v1/token",
        }
        if draws["target"]:
            federated["service_account_impersonation_url"] = _impersonation(cloud, draws["target"])
        match draws["source"]:
            case "key":
                return key
            case "user":
                return {**user, "type": "authorized_user", "token_uri": f"{cloud.url}/token"}
            case "workforce":
                audience = f"//iam.googleapis.com/{draws['audience']}"
                return {
                    **user,
                    "type": "external_account_authorized_user",
                    "audience": audience,
                    "token_url": f"{cloud.url}/v1/oauthtoken",
                }
            case "file":
                return {**federated, "credential_source": {"file": self.write("subject", token)}}
            case "json file":
                file = self.write("subject", {"value": token})
                fields = {"type": "json", "subject_token_field_name": "value"}
                return {**federated, "credential_source": {"file": file, "format": fields}}
            case "url":
                fields = {"type": "json", "subject_token_field_name": "value"}
                url = f"{cloud.url}/subject-token/{issuer[8:]}"
                source = {"url": url, "headers": {"X-Who": subject}, "format": fields}
                return {**federated, "credential_source": source}
            case "program":
                self.write("bin/answer", executable_answer(token, int(ENDS_AT.timestamp())))
                program = self.program("give-token", 'cat "$HOME/bin/answer"')
                found["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"] = "1"
                return {**federated, "credential_source": {"executable": {"command": program}}}
            case "certificate":
                source = {"certificate": self._certificate(draws, found)}
                token_type = "urn:ietf:params:oauth:token-type:mtls"
                return {**federated, "subject_token_type": token_type, "credential_source": source}
            case "aws":
                keys = _keys(draws["user"])
                found["AWS_ACCESS_KEY_ID"] = keys["aws_access_key_id"]
                found["AWS_SECRET_ACCESS_KEY"] = keys["aws_secret_access_key"]
                found["AWS_REGION"] = "us-east-1"
                source = {
                    "environment_id": "aws1",
                    "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action="
                    "GetCallerIdentity&Version=2011-06-15",
                }
                token_type = "urn:ietf:params:aws:token-type:aws4_request"
                return {**federated, "subject_token_type": token_type, "credential_source": source}
        target = draws["target"] or "t1@p.iam.gserviceaccount.com"
        return {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": _impersonation(cloud, target),
            "delegates": list(draws["delegates"]),
            "source_credentials": key,
        }

    def _certificate(self, draws: Draws, found: dict[str, str]) -> dict[str, object]:
        """The certificate, or the file that names it, identifies the owner."""
        files = {who: self.write(f"{who}.pem", pem) for who, pem in self._certificates.items()}
        path = files[draws["user"]]
        if draws["key id"] == "2":
            path = self.write("workload.pem", self._certificates[draws["user"]])
        by = draws["certificate by"]
        folder = ".config/gcloud" if by == "gcloud folder" else f"certificate-{by[:1]}"
        workload = {"cert_path": path, "key_path": path}
        config = {"cert_configs": {"workload": workload}}
        location = self.write(f"{folder}/certificate_config.json", config)
        if by == "file":
            return {"certificate_config_location": location}
        if by == "variable":
            found["GOOGLE_API_CERTIFICATE_CONFIG"] = location
        elif by == "other variable":
            found["CLOUDSDK_CONTEXT_AWARE_CERTIFICATE_CONFIG_FILE_PATH"] = location
        return {"use_default_certificate_config": True}

    def _gcloud(self, draws: Draws, found: dict[str, str]) -> None:
        account, by = draws["gcloud account"], draws["gcloud by"]
        name = "other" if by == "configuration" else "default"
        folder = ".config/gcloud"
        core = "" if by == "variable" else f"account = {account}\n"
        impersonated = draws["gcloud impersonates"]
        auth = f"[auth]\nimpersonate_service_account = {impersonated}\n" if impersonated else ""
        self.write(f"{folder}/configurations/config_{name}", f"[core]\n{core}{auth}")
        # A login by a subject token in a file: only that file identifies the user.
        info = {"type": "external_account"} if draws["source"] == "gcloud federated" else {}
        self.write(f"{folder}/credentials.db", f"SQLite format 3\0{json.dumps(info)}")
        self.write("gcloud-subject", draws["user"] if info else "")
        if by == "variable":
            found["CLOUDSDK_CORE_ACCOUNT"] = account
        if by == "configuration":
            found["CLOUDSDK_ACTIVE_CONFIG_NAME"] = name
        # The program knows what gcloud knows: the variable, else the configuration in use.
        cloud = self._clouds[0]
        tokens = {
            f"{who}*{account}*{user}": cloud.token(f"{account or who} of {user}")
            for who in ("one@example.com", "two@example.com")
            for account in ("g@p.iam.gserviceaccount.com", "")
            for user in (*USERS, "")
        }
        cases = "\n".join(f"*{known}*) echo {token} ;;" for known, token in tokens.items())
        file = f"$HOME/{folder}/configurations/config_${{CLOUDSDK_ACTIVE_CONFIG_NAME:-default}}"
        known = f'"$CLOUDSDK_CORE_ACCOUNT$(cat "{file}" "$HOME/gcloud-subject")"'
        self.program("gcloud", f"case {known} in\n{cases}\nesac")


def _impersonation(cloud: WitnessGoogle, account: str) -> str:
    return f"{cloud.url}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"


class AzureMachines(Kind):
    """Every source of azure-identity's chain that works without a person, and the options."""

    renewable = ("federated file", "federated inline", *ID_TOKENS[:2])
    choices: ClassVar[Choices] = {
        "source": (
            *("secret", "password", "federated file", "federated inline", "workload"),
            *("managed", "app service", "az"), *ID_TOKENS,
        ),
        "authority": ("", "", "", "login.microsoftonline.us"),
        "tenant": ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"),
        "client": ("33333333-3333-3333-3333-333333333333", "44444444-4444-4444-4444-444444444444"),
        "secret": ("s1", "s2"), "subject": SUBJECTS,
        "managed client": ("", "55555555-5555-5555-5555-555555555555"), "user": USERS,
        "az folder": ("usual", "other", "none"), "cloud": (0, 0, 1),
        "tenant option": ("", "", "22222222-2222-2222-2222-222222222222"),
        "host": ("myregistry.azurecr.io", "other.azurecr.io"),
        "link": ("", "", "", "docker-credential-acr-env"), "renewal": (1, 2, 3),
    }  # fmt: skip

    def environment(self, draws: Draws) -> dict[str, str]:
        self.emptied()
        cloud = self._clouds[draws["cloud"]]
        found = {"PATH": f"{self.home}/bin:/usr/bin:/bin"}
        found["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:9"
        principal = {"AZURE_TENANT_ID": draws["tenant"], "AZURE_CLIENT_ID": draws["client"]}
        issuer, subject = draws["subject"]
        token = jwt(iss=issuer, sub=subject, aud="api://AzureADTokenExchange", iat=draws["renewal"])
        if draws["authority"]:
            found["AZURE_AUTHORITY_HOST"] = draws["authority"]
        if draws["tenant option"]:
            found["DOCKER_CREDENTIAL_MULTI_ACR_TENANT_ID"] = draws["tenant option"]
        match draws["source"]:
            case "secret":
                found |= {**principal, "AZURE_CLIENT_SECRET": draws["secret"]}
            case "password":
                found |= {**principal, "AZURE_USERNAME": draws["user"], "AZURE_PASSWORD": "p"}
            case "workload" | "federated file":
                file = self.write("federated", token)
                found |= {**principal, "AZURE_FEDERATED_TOKEN_FILE": file}
                if draws["source"] == "workload":
                    found["AZURE_TOKEN_CREDENTIALS"] = "WorkloadIdentityCredential"
            case "federated inline":
                found |= {**principal, "AZURE_FEDERATED_TOKEN": token}
            case "id-token variable" | "id-token file" | "id-token of GitHub":
                found |= principal
                found |= self.use_id_token(draws, "acr", cloud.url, "api://AzureADTokenExchange")
            case "managed":
                found["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = cloud.url
                if draws["managed client"]:
                    found["AZURE_CLIENT_ID"] = draws["managed client"]
            case "app service":
                found["IDENTITY_ENDPOINT"] = f"{cloud.url}/app-service/token"
                found["IDENTITY_HEADER"] = f"header-{draws['secret']}"
                if draws["managed client"]:
                    found["AZURE_CLIENT_ID"] = draws["managed client"]
            case "az":
                self._az(draws, found)
        return found

    def _az(self, draws: Draws, found: dict[str, str]) -> None:
        user, tenant = draws["user"], draws["tenant"]
        subscription = {"id": "s", "isDefault": True, "environmentName": "AzureCloud"}
        subscription |= {"tenantId": tenant}
        subscription["user"] = {"name": f"{user}@example.com", "type": "user"}
        profile = {"installationId": "i", "subscriptions": [subscription]}
        if draws["az folder"] != "none":
            folder = ".azure" if draws["az folder"] == "usual" else "azure-of-another"
            self.write(f"{folder}/azureProfile.json", profile)
            if folder != ".azure":
                found["AZURE_CONFIG_DIR"] = f"{self.home}/{folder}"
        answer = {
            "accessToken": self._clouds[0].access(f"{user} in {tenant}", tenant),
            "expiresOn": "2099-01-01 00:00:00.000000",
            "expires_on": int(ENDS_AT.timestamp()),
            "tenant": tenant,
            "tokenType": "Bearer",
        }
        self.write("bin/answer", answer)
        self.program("az", 'cat "$HOME/bin/answer"')


class HubMachines(Kind):
    """Where the identity token of a job comes from, and the options."""

    renewable = ("variable", "file")
    choices: ClassVar[Choices] = {
        "source": ("github", "variable", "file"), "subject": SUBJECTS,
        "connection": (
            "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222",
        ),
        "connection by": ("docker", "variable", "rule"), "organization": ("acme", "other"),
        "expires in": ("", "", "600"),
        "host": ("dhi.io", "docker.io", "https://index.docker.io/v1/"), "link": ("",),
        "renewal": (1, 2, 3),
    }  # fmt: skip

    def environment(self, draws: Draws) -> dict[str, str]:
        self.emptied()
        issuer, subject = draws["subject"]
        audience = "https://identity.docker.com"
        token = jwt(iss=issuer, sub=subject, aud=audience, iat=draws["renewal"])
        found = {f"{_HUB}_USERNAME": draws["organization"]}
        if draws["expires in"]:
            found["DOCKERHUB_OIDC_EXPIREIN"] = draws["expires in"]
        match draws["connection by"]:
            case "docker":
                found["DOCKERHUB_OIDC_CONNECTIONID"] = draws["connection"]
            case "variable":
                found[f"{_HUB}_CONNECTION_ID"] = draws["connection"]
            case "rule":
                rule = f'[[rule]]\nmatch = "*.io"\nconnection_id = "{draws["connection"]}"\n'
                found["DOCKER_CREDENTIAL_MULTI_RULES"] = rule
        match draws["source"]:
            case "github":
                found["GITHUB_ACTIONS"] = "true"
                found["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://run.actions.example/oidc/token?v=1"
                found["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = f"{issuer} {subject}".replace(" ", "-")
            case "variable":
                found |= {"JOB_TOKEN": token, f"{_HUB}_ID_TOKEN": "env:JOB_TOKEN"}
            case "file":
                found[f"{_HUB}_ID_TOKEN"] = f"file:{self.write('token', token)}"
        return found
