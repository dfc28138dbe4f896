"""The executable from the outside: one process, bytes in, bytes and an exit status out.

``DOCKER_CREDENTIAL_MULTI_UNDER_TEST`` names another file to run the same tests on (the frozen one).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from tests.support import schemas
from tests.support.preloaded import EndedProcess, is_script_of_ours, started

_UNDER_TEST = os.environ.get("DOCKER_CREDENTIAL_MULTI_UNDER_TEST", "")
COMMAND = [_UNDER_TEST] if _UNDER_TEST else [sys.executable, "-m", "cred_helper"]
ROOT = Path(__file__).parent.parent.parent
PROGRAM = "docker-credential-multi"
# The file of that name: the frozen one, or the script of an installation.
EXECUTABLE = (
    Path(_UNDER_TEST).resolve() if _UNDER_TEST else Path(sysconfig.get_path("scripts"), PROGRAM)
)
NOT_FOUND = b"credentials not found in native keychain\n"
# Longer than any of our deadlines.
_HUNG_S = 90
# A closed loopback port, for every SDK that a test does not redirect.
CLOSED_PORT = "http://127.0.0.1:9"


_EMULATOR = {name: value for name, value in os.environ.items() if name == "QEMU_CPU"}


def pinned_environment(home: Path) -> dict[str, str]:
    """An environment with no identity in it, in which no SDK can reach a real service."""
    return _EMULATOR | {
        "HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true", "NO_GCE_CHECK": "true",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": CLOSED_PORT, "HTTPS_PROXY": CLOSED_PORT,
        "NO_PROXY": "127.0.0.1,localhost",
    }  # fmt: skip


class Completed:
    def __init__(self, status: int, stdout: bytes, stderr: bytes) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr.decode("utf-8")

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)

    @property
    def credential(self) -> tuple[str, str]:
        """The user name and secret of a ``get`` that succeeded with nothing on stderr."""
        assert self.status == 0, (self.stdout, self.stderr)
        assert self.stderr == ""
        document = self.document
        assert set(document) == {"ServerURL", "Username", "Secret"}
        return document["Username"], document["Secret"]

    @property
    def is_not_found(self) -> bool:
        """Whether it is the answer for a registry without a credential, with nothing on stderr."""
        return (self.status, self.stdout, self.stderr) == (1, NOT_FOUND, "")

    @property
    def codes(self) -> list[str]:
        return re.findall(
            r"^[\w-]+: (?:error|warning|note): .* \[([a-z._-]+)\]$", self.stderr, re.MULTILINE
        )

    def __repr__(self) -> str:
        return f"Completed({self.status}, {self.stdout!r}, {self.stderr!r})"


class Executable:
    """Runs the executable under test in a pinned environment.

    With ``starts_for_real``, no run is a fork: see ``preloaded``.
    """

    starts_for_real = bool(_UNDER_TEST or os.environ.get("REAL_EXECUTABLE"))

    def __init__(self, environment: dict[str, str], command: list[str] = COMMAND) -> None:
        self.environment = environment
        self.command = command

    def called(self, name: str, folder: Path) -> Executable:
        """The same executable, started through a link of another name in a folder of PATH."""
        program = Path(_UNDER_TEST or folder / "docker-credential-multi")
        if not _UNDER_TEST and not program.exists():
            # The script that an installation writes for the entry point.
            script = f"#!{sys.executable}\nfrom cred_helper.cli import main\n\nmain()\n"
            program.write_text(script)
            program.chmod(0o755)
        (folder / name).symlink_to(program)
        path = f"{folder}{os.pathsep}{self.environment['PATH']}"
        return Executable({**self.environment, "PATH": path}, [name])

    def run(
        self,
        *arguments: str,
        stdin: bytes | str = b"",
        environment: dict[str, str] | None = None,
        without: tuple[str, ...] = (),
        **options: Any,
    ) -> Completed:
        """Run once. ``environment`` is added to the pinned one, ``without`` is removed from it."""
        variables = self.environment | (environment or {})
        for name in without:
            variables.pop(name, None)
        text = stdin.encode() if isinstance(stdin, str) else stdin
        forked = self.fork(*arguments, stdin=text, environment=variables, **options)
        if forked is not None:
            schemas.check_output(arguments, forked.stdout)
            return Completed(forked.status, forked.stdout, forked.stderr)
        done = subprocess.run(  # noqa: PLW1510 - the exit status is what tests look at
            [*self.command, *arguments],
            input=text,
            env=variables,
            capture_output=True,
            timeout=_HUNG_S,
            **options,
        )
        schemas.check_output(arguments, done.stdout)
        return Completed(done.returncode, done.stdout, done.stderr)

    def fork(
        self, *arguments: str, stdin: bytes, environment: dict[str, str], **options: Any
    ) -> EndedProcess | None:
        """Run in a fork; ``None`` if that would differ from a real start."""
        if Executable.starts_for_real or set(options) - {"cwd"}:
            return None
        folder = str(options.get("cwd", Path.cwd()))
        if self.command == [sys.executable, "-m", "cred_helper"]:
            program, path = f"{ROOT}/cred_helper/__main__.py", folder
        elif len(self.command) == 1:
            program = shutil.which(self.command[0], path=environment.get("PATH", "")) or ""
            path = str(Path(program).resolve().parent)
            if not is_script_of_ours(program):
                return None
        else:
            return None
        process = started(pinned_environment(ROOT))
        if not process.can_run(environment):
            return None
        return process.run([program, *arguments], path, stdin, environment, folder, _HUNG_S)

    def get(self, server_url: str, environment: dict[str, str] | None = None) -> Completed:
        return self.run("get", stdin=server_url, environment=environment)
