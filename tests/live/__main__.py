"""``make live``: for each cloud, one ``get`` and one manifest pulled with its answer.

The repository of a cloud is named by a variable: ``LIVE_ECR=HOST/REPOSITORY:TAG``, and the same
with the name of each other cloud. A cloud without a variable or an identity is skipped, with the
reason. Nothing is pushed, kept or changed; no secret is printed. ``LIVE_PROGRAM`` is the file to
try, by default the source.

Sources:
  https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
  https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from time import monotonic
from typing import Any

import requests

from cred_helper import clouds
from cred_helper.clouds import Cloud
from cred_helper.hosts import OPTIONAL_ZONES, ZONES, route
from cred_helper.server_url import ServerURL

_NAME = re.compile(r"(?P<host>[\w.:-]+)/(?P<repository>[\w./-]+):(?P<tag>[\w.-]+)")
_TIMEOUT_S = 30
_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# Docker Hub's name for users is not the host of its API.
_API_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
# The user name of a refresh token, for the OAuth form of the token request.
_IDENTITY_TOKEN = "<token>"


class Skipped(Exception):
    """A variable or an identity is missing."""


class Failed(Exception):
    """The get or the pull failed."""


def main() -> int:
    statuses = {}
    for cloud in clouds.CLOUDS:
        begun_s = monotonic()
        try:
            said, statuses[cloud.name] = _tried(cloud), True
        except Skipped as reason:
            said = f"skipped: {reason}"
        except Failed as reason:
            said, statuses[cloud.name] = f"FAILED: {reason}", False
        took = f"  ({monotonic() - begun_s:.1f} s)" if cloud.name in statuses else ""
        print(f"{cloud.name:<11}{said}{took}", flush=True)
    print(f"{sum(statuses.values())} of {len(statuses)} work, of {len(clouds.CLOUDS)} clouds")
    return 0 if all(statuses.values()) else 1


def _tried(cloud: Cloud) -> str:
    variable = f"LIVE_{cloud.name.upper()}"
    image = os.environ.get(variable, "")
    if not image:
        raise Skipped(f"set {variable}=HOST/REPOSITORY:TAG to an image that this identity may pull")
    name = _NAME.fullmatch(image)
    if name is None:
        raise Failed(f"{variable} is not HOST/REPOSITORY:TAG")
    host, repository, tag = name.groups()
    found = route(ServerURL.parse(host), (*ZONES, *OPTIONAL_ZONES))
    if found is None or found.cloud != cloud.name:
        raise Failed(f"the host of {variable} is not one of {cloud.title}")
    identity = _run("explain", "--json", host)["identity"] or {}
    if identity.get("source") is None:
        raise Skipped(f"no identity here: {_reason(identity)}")
    credential = _run("get", stdin=host)
    digest = _pulled(_API_HOSTS.get(host, host), repository, tag, credential)
    doubt = "" if identity["certain"] else ", found by asking"
    return f"pulled {image} ({digest[:19]}…) as {identity['source']}{doubt}"


def _reason(identity: dict[str, Any]) -> str:
    skipped = [f"{other['source']}: {other['reason']}" for other in identity.get("skipped", ())]
    return identity.get("error") or "; ".join(skipped) or "the provider is not set up"


def _run(*arguments: str, stdin: str = "") -> Any:
    """The JSON document that the program prints; no token is kept."""
    program = os.environ.get("LIVE_PROGRAM")
    done = subprocess.run(
        [*([program] if program else [sys.executable, "-m", "cred_helper"]), *arguments],
        input=stdin.encode(),
        env=os.environ | {"DOCKER_CREDENTIAL_MULTI_CACHE": "off"},
        capture_output=True,
        check=False,
        timeout=2 * _TIMEOUT_S,
    )
    if done.returncode:
        raise Failed(done.stderr.decode().strip() or done.stdout.decode().strip())
    return json.loads(done.stdout)


def _pulled(host: str, repository: str, tag: str, credential: dict[str, str]) -> str:
    """The digest of a manifest, as a client pulls it with a credential."""
    url = f"https://{host}/v2/{repository}/manifests/{tag}"
    login = (credential["Username"], credential["Secret"])
    with requests.Session() as session:
        session.headers["Accept"] = ", ".join(_TYPES)
        reply = session.get(url, timeout=_TIMEOUT_S, allow_redirects=False)
        if reply.status_code == 401:
            scheme, _, rest = reply.headers.get("WWW-Authenticate", "").partition(" ")
            parameters = dict(re.findall(r'(\w+)="([^"]*)"', rest))
            if scheme.lower() == "bearer":
                token = _token(session, parameters, repository, login)
                headers = {"Authorization": f"Bearer {token}"}
                reply = session.get(url, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False)
            else:
                reply = session.get(url, auth=login, timeout=_TIMEOUT_S, allow_redirects=False)
    if reply.status_code != 200:
        raise Failed(f"{host} answers the pull with status {reply.status_code}")
    return reply.headers.get("Docker-Content-Digest", "no digest")


def _token(
    session: requests.Session, parameters: dict[str, str], repository: str, login: tuple[str, str]
) -> str:
    """The registry's own token, by its token endpoint."""
    realm = parameters.get("realm", "")
    if not realm.startswith("https://"):
        raise Failed("the registry names no token endpoint over https")
    asked = {"service": parameters.get("service", ""), "scope": f"repository:{repository}:pull"}
    username, secret = login
    if username == _IDENTITY_TOKEN:
        form = {**asked, "grant_type": "refresh_token", "refresh_token": secret}
        reply = session.post(
            realm, data={**form, "client_id": "docker-credential-multi"}, timeout=_TIMEOUT_S
        )
    else:
        reply = session.get(realm, params=asked, auth=login, timeout=_TIMEOUT_S)
    if reply.status_code != 200:
        raise Failed(f"the token endpoint answers with status {reply.status_code}")
    document = reply.json()
    return str(document.get("token") or document.get("access_token"))


if __name__ == "__main__":
    sys.exit(main())
