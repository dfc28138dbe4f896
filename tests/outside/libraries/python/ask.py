"""Prints the credential that a library finds for a registry, as a credential helper does."""

from __future__ import annotations

import base64
import json
import sys


def _docker(key: str) -> dict[str, str]:
    from docker import auth

    return auth.resolve_authconfig(auth.load_config(), key) or {}


def _oras(image: str) -> dict[str, str]:
    from oras.client import OrasClient  # type: ignore[import-not-found]
    from oras.container import Container  # type: ignore[import-not-found]

    backend = OrasClient(auth_backend="basic").auth
    backend.load_configs(Container(image))
    basic = base64.b64decode(getattr(backend, "_basic_auth", "")).decode()
    username, _, password = basic.partition(":")
    return {"Username": username, "Password": password} if basic else {}


found = {"docker-py": _docker, "oras": _oras}[sys.argv[1]](sys.argv[2])
login = {"Username": found.get("Username"), "Secret": found.get("Password")}
sys.stdout.write(f"{json.dumps(login if found else {})}\n")
