"""Random machines: identities of the catalogue and settings, each value changed by itself.

A machine is a table of parts: "host", "link", variables ("$NAME") and files, by their path below
HOME. Its neighbours differ from it in one value, mutated ones in several. Machines of one cloud
live in the same HOME, one after the other: no path distinguishes them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from cred_helper import clouds
from tests.clouds.authority import Authority
from tests.clouds.loopback import loopbacks
from tests.clouds.tokens import from_base64url
from tests.differential.witness import Witness
from tests.support.identities import of_cloud
from tests.support.identity import Environment, Identity
from tests.support.machine import Machine
from tests.support.requests import jwt

Parts = dict[str, str]
# A part and its other value; None: without it.
Change = tuple[str, str | None]

_BIN = ".local/bin"
# The AWS CLI's sessions of a role and of ``aws login``. A digest of the role, or of the user's ARN,
# is the name of the file: other keys in it are a renewal.
_KEPT = (".aws/cli/cache", ".aws/login/cache")
# The last part of a program's token that can differ; the first part is its type.
_OF_PROGRAM = re.compile(r"\b(ya29|ey[\w-]+)\.[\w-]+")
_JWT = re.compile(r"\bey[\w-]+\.[\w-]+\.[\w-]*")
# The values in an INI file, in JSON, and in a script that prints JSON.
_VALUES = re.compile(r'^[ \t]*\w+ = (?P<ini>\S.*)$|"\w+": "(?P<json>[^"\\]+)"', re.MULTILINE)


class _Home(Machine):
    """A machine whose secret identity tokens say who bears them."""

    def secret(self, place: str) -> str:
        return (
            jwt(iss="https://a.example", sub=place, iat=1)
            if place.endswith("identity token")
            else place
        )


@dataclass
class Machines:
    """The machines of one cloud. ``servers`` are where its loopback cloud would be."""

    cloud: str
    home: Path
    authority: Authority
    servers: tuple[Witness, Witness]

    @property
    def witness(self) -> Witness:
        return self.servers[0]

    @property
    def links(self) -> list[str]:
        """The names of helpers by which the executable may be called."""
        return [f"docker-credential-{name}" for name in clouds.find(self.cloud).replaces]

    @property
    def identities(self) -> list[Identity]:
        """Those of the catalogue that a second ``get`` finds as the first one found them.

        A ``get`` renews a sign-in that is over. The same sign-ins before their end are here too.
        """
        return [one for one in of_cloud(self.cloud) if "to renew" not in one.name]

    def drawn(self, identities: list[Identity], random: Random) -> Parts:
        """A machine with these identities; of two variables of one name, the first counts."""
        self._emptied()
        cloud, _ = loopbacks()[self.cloud].start(self.authority)
        token = {"iss": "https://a.example", "iat": 1}
        cloud.federated_token = jwt(**token, sub="federated")
        cloud.container_token = jwt(**token, sub="container")
        cloud.subject_token = lambda: jwt(**token, sub="workload")
        machine = _Home(self.home, cloud=cloud)
        variables: Environment = {}
        for identity in reversed(identities):
            variables |= identity.make(machine, cloud)
        files = {str(path.relative_to(self.home)): path.read_text() for path in self._files()}
        parts = {f"${name}": value for name, value in variables.items()} | files
        address, ours = f"127.0.0.1:{cloud.port}", f"127.0.0.1:{self.servers[0].port}"
        cloud.close()
        parts = {name: value.replace(address, ours) for name, value in parts.items()}
        for name, folder in self.witness.logins.items():
            if script := parts.get(f"{_BIN}/{name}"):
                parts[f"{_BIN}/{name}"] = _by_login(script, folder)
        link = random.choice(["", "", "", *self.links])
        return parts | {"host": random.choice(self.witness.asked_for), "link": link}

    def changes(self, parts: Parts) -> list[Change]:
        """Every change of one value: of a variable, in a file, of a setting, the host or link."""
        found: list[Change] = [("host", host) for host in self.witness.asked_for]
        found += [("link", link) for link in ("", *self.links)]
        for name, values in self.witness.settings.items():
            found += [(f"${name}", value) for value in values]
        for name, text in parts.items():
            if name.startswith("$"):
                found.append((name, None))
            # Another token that a program prints for the same login is a renewal.
            if (
                name in ("host", "link")
                or Path(name).name in self.witness.logins
                or name.startswith(_KEPT)
            ):
                continue
            found += [(name, other) for other in self._others(text)]
        return [
            (name, value) for name, value in dict.fromkeys(found) if parts.get(name, "") != value
        ]

    def of_all(self, change: Change) -> bool:
        """Whether machines of every identity of the cloud have the change."""
        name = change[0].removeprefix("$")
        endpoint = name.startswith("AWS_ENDPOINT_URL_")
        return endpoint or name in ("host", "link", *self.witness.settings)

    def _others(self, text: str) -> Iterator[str]:
        """The text with one of its values changed."""
        spans = [match.span(match.lastgroup or 0) for match in _VALUES.finditer(text)]
        for start, end in spans or [(0, len(text))]:
            for other in self._other_values(text[start:end]):
                yield text[:start] + other + text[end:]

    def _other_values(self, value: str) -> Iterator[str]:
        if token := _JWT.search(value):
            claims = _claims(token[0])
            for name in ("iss", "sub"):
                changed = {**claims, name: f"{claims.get(name)}-2"}
                yield value.replace(token[0], jwt(**changed))
            return
        first, second = (f"127.0.0.1:{server.port}" for server in self.servers)
        if first in value:
            yield value.replace(first, second)
        elif "BEGIN CERTIFICATE" in value:
            yield self.authority.client_identity_file("another").read_text()
        elif not value.startswith((str(self.home), "-----")):
            last = max((at for at, letter in enumerate(value) if letter.isalnum()), default=0)
            yield f"{value[:last]}{'2' if value[last:][:1] == '1' else '1'}{value[last + 1 :]}"

    def renewed(self, parts: Parts) -> Parts:
        """The machine with renewed identity tokens of the same identities."""

        def later(match: re.Match[str]) -> str:
            claims = _claims(match[0])
            return jwt(**{**claims, "iat": claims["iat"] + 100}) if "iat" in claims else match[0]

        return {name: _JWT.sub(later, text) for name, text in parts.items()}

    def set_up(self, parts: Parts) -> Environment:
        """Write the files of a machine, and give its variables."""
        self._emptied()
        for name, text in parts.items():
            if name in ("host", "link") or name.startswith("$"):
                continue
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o700 if text.startswith("#!") else 0o600)
        variables = {name[1:]: text for name, text in parts.items() if name.startswith("$")}
        return {"PATH": f"{self.home}/{_BIN}{os.pathsep}{os.defpath}", **variables}

    def _emptied(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.home.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path


def changed(parts: Parts, changes: list[Change]) -> Parts:
    found = parts | {name: value or "" for name, value in changes}
    for name, value in changes:
        if value is None:
            del found[name]
    return found


def _by_login(script: str, folder: str) -> str:
    """The script of a program, with a token that differs between the logins in a folder."""
    first, _, rest = script.partition("\n")
    known = f" (env | grep ^CLOUDSDK_; grep -rasH '' \"{folder}\") | sort | cksum"
    claims = f"""printf '{{"who": "%s"}}' "$({known})" | base64 | tr -d '=\\n' | tr /+ _-"""
    return f"{first}\nwho=$({claims})\n" + _OF_PROGRAM.sub(r"\1.'$who'", rest)


def _claims(token: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = json.loads(from_base64url(token.split(".")[1]))
    except ValueError:
        return {}
    return claims
