"""A machine with registry clients on it: a HOME, and nothing on PATH but our executable.

Everything a client reaches goes through the loopback proxy; there is no engine and no keychain.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clouds.proxy import TerminatingProxy
from tests.support.executable import pinned_environment

_UNDER_TEST = os.environ.get("DOCKER_CREDENTIAL_MULTI_UNDER_TEST", "")
_INSTALLED = Path(sysconfig.get_path("scripts")) / "docker-credential-multi"
EXECUTABLE = Path(_UNDER_TEST).resolve() if _UNDER_TEST else _INSTALLED


class Machine:
    """Runs registry clients, and sees what they leave behind."""

    def __init__(self, proxy: TerminatingProxy, home: Path) -> None:
        self.home = home
        self.programs = home / "programs"
        runtime = home / "runtime"
        for folder in (self.programs, runtime):
            folder.mkdir()
        (self.programs / "docker-credential-multi").symlink_to(EXECUTABLE)
        self.environment = {
            **pinned_environment(home),
            **proxy.environment(),
            "PATH": str(self.programs),
            # Where podman's family keeps its own logins; root would use a folder of the machine's.
            "XDG_RUNTIME_DIR": str(runtime),
            # docker logs in by itself where no engine answers.
            "DOCKER_HOST": f"unix://{home}/no-engine.sock",
        }

    def use(self, identity: Mapping[str, str]) -> None:
        """Give the machine the identity that these variables are."""
        self.environment |= identity

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a client to its end, whatever that is."""
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.home,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=90,
            check=False,
        )

    def succeed(self, *command: str, stdin: str = "") -> str:
        """Run a client that has to succeed; what it printed."""
        done = self.run(*command, stdin=stdin)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def fail(self, *command: str, stdin: str = "") -> str:
        """Run a client that has to be turned away; what it said about that."""
        done = self.run(*command, stdin=stdin)
        assert done.returncode != 0, (command, done.stdout, done.stderr)
        return done.stderr

    @property
    def config_file(self) -> Path:
        """docker's config.json."""
        return self.home / ".docker" / "config.json"

    @property
    def config(self) -> Any:
        """What config.json holds now."""
        return json.loads(self.config_file.read_text())

    def configure(self, **config: object) -> None:
        """Write config.json as a person does."""
        self.config_file.parent.mkdir(exist_ok=True)
        self.config_file.write_text(json.dumps(config))

    def name_multi(self, place: str, *hosts: str) -> None:
        """Name us: as `credsStore`, as `credHelpers` of these hosts, or in `registries.conf`."""
        match place:
            case "credsStore":
                self.configure(credsStore="multi")
            case "credHelpers":
                self.configure(credHelpers=dict.fromkeys(hosts, "multi"))
                # podman's family reads docker's file unasked, and logs in there where told to.
                self.environment["REGISTRY_AUTH_FILE"] = str(self.config_file)
            case "registries.conf":
                self.name_in_registries_conf("multi")
            case _:
                raise ValueError(place)

    def name_in_registries_conf(self, *helpers: str) -> None:
        """Name helpers to podman, skopeo and buildah, for every registry."""
        folder = self.home / ".config" / "containers"
        folder.mkdir(parents=True)
        (folder / "registries.conf").write_text(f"credential-helpers = {json.dumps(helpers)}\n")

    def get(self, server_url: str) -> tuple[str, str] | None:
        """What our executable on PATH answers for a server URL: user name and secret, or nothing.

        Any other failure than the not-found answer is an error.
        """
        done = self.run(str(self.programs / "docker-credential-multi"), "get", stdin=server_url)
        if done.stdout == "credentials not found in native keychain\n":
            return None
        assert done.returncode == 0, (done.stdout, done.stderr)
        document = json.loads(done.stdout)
        return document["Username"], document["Secret"]
