"""A machine to run the executable on: a home, a folder of programs, and an environment."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cred_helper.cache.entry import TOKEN, Entry
from tests.support.executable import (
    EXECUTABLE,
    NOT_FOUND,
    PROGRAM,
    Completed,
    Executable,
    pinned_environment,
)
from tests.support.marks import MarkedSecrets
from tests.support.programs import Programs, ran
from tests.support.terminal import at_terminal

_ERROR, _HINT = f"{PROGRAM}: error: ", f"{PROGRAM}: hint: "


class Machine:
    """A home, a folder of programs that is all of PATH, and the executable in that folder.

    ``host`` is the registry that ``get`` asks for if a test names none, and ``cloud`` its loopback
    cloud. ``marks`` are the secrets of this machine and this cloud: no run may print one of them,
    except as the answer of ``get`` and ``token``. ``issues`` are functions that return the secrets
    of other clouds.
    """

    def __init__(self, home: Path, *, host: str = "", cloud: Any = None, **variables: str) -> None:
        self.home = home
        self.host = host
        self.cloud = cloud
        self.scripts = Programs(home / ".local/bin")
        self.config_file = home / ".docker/config.json"
        self.settings_file = home / ".config/docker-credential-multi/config.toml"
        self.own_store = home / ".local/share/docker-credential-multi/credentials.json"
        """The store of the logins that no other helper takes."""
        self.cache = home / ".cache/docker-credential-multi"
        self.programs = self.scripts.folder
        self.program = self.scripts.link(PROGRAM, EXECUTABLE)
        self.environment = {**pinned_environment(home), "PATH": str(self.programs), **variables}
        self.executable = Executable(self.environment, [str(self.program)])
        self.marks = MarkedSecrets()
        self.issues: list[Callable[[], Iterable[str]]] = [cloud.confidential] if cloud else []
        self._lock = threading.Lock()

    def use(self, variables: Mapping[str, str]) -> None:
        self.environment.update(variables)

    def write(self, path: str, content: Any, mode: int = 0o644) -> Path:
        """Write a file below the home: text as it is, anything else as JSON."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        file.chmod(mode)
        return file

    @property
    def config_document(self) -> Any:
        return json.loads(self.config_file.read_text())

    def config(self, **sections: Any) -> Path:
        return self.write(".docker/config.json", sections)

    def settings(self, toml: str) -> Path:
        return self.write(str(self.settings_file), toml)

    def aws_config(self, text: str) -> Path:
        return self.write(".aws/config", text)

    def helper(self, name: str, body: str = "exit 1") -> Path:
        return self.scripts.helper(name, body)

    def secret(self, place: str) -> str:
        """Make up a secret that no run may print."""
        return self.marks.new(place)

    def run(self, *arguments: str, stdin: str = "", **variables: str) -> Completed:
        """Run the executable without a terminal, and check that it prints no secret."""
        done = self.executable.run(*arguments, stdin=stdin, environment=variables)
        printed = done.stderr.encode()
        if done.status != 0 or arguments[:1] not in (("get",), ("token",), ("bazel",)):
            printed += done.stdout
        with self._lock:
            for value in set[str]().union(*[issued() for issued in self.issues]):
                self.marks.add(value, "a secret of a cloud")
            assert self.marks.found_in(printed) == set(), printed
        assert "Traceback" not in done.stderr, done
        return done

    def get(self, server_url: str = "", **variables: str) -> Completed:
        return self.run("get", stdin=server_url or self.host, **variables)

    def fail(self, server_url: str, **variables: str) -> Completed:
        """Ask for a credential where there has to be an error, in the form that clients show."""
        done = self.get(server_url, **variables)
        first, *others = done.stderr.splitlines()
        assert (done.status, done.stdout != NOT_FOUND) == (1, True), done
        assert first.startswith(_ERROR), done
        text, _, _ = first.removeprefix(_ERROR).rpartition(" [")
        assert done.stdout.decode() == f"{text}\n", done
        assert all(line.startswith(_HINT) for line in others), done
        return done

    def headers(self, uri: str = "", **variables: str) -> Completed:
        uri = uri or f"https://{self.host}/v2/team/app/manifests/1"
        return self.run("bazel", "get", stdin=json.dumps({"uri": uri}), **variables)

    def store(
        self, server_url: str, username: str = "u", secret: str = "s3cret", **variables: str
    ) -> Completed:
        login = {"ServerURL": server_url, "Username": username, "Secret": secret}
        return self.run("store", stdin=json.dumps(login), **variables)

    def erase(self, server_url: str, **variables: str) -> Completed:
        return self.run("erase", stdin=server_url, **variables)

    def logins(self) -> Completed:
        return self.run("list", stdin="unused")

    def get_at_once(self, *server_urls: str) -> list[Completed]:
        with ThreadPoolExecutor(len(server_urls)) as pool:
            return list(pool.map(self.get, server_urls))

    def start(self, verb: str = "get") -> subprocess.Popen[bytes]:
        """Start a process that asks for the machine's host, and do not wait for it."""
        process = subprocess.Popen(
            [str(self.program), verb],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(self.host.encode())
        process.stdin.close()
        process.stdin = None
        return process

    def wait_for_request(self) -> None:
        wait_until(lambda: self.cloud.received)

    def age(self, by_s: float) -> None:
        for path in self.cache.glob(f"*.{TOKEN}"):
            entry = Entry.decode(path.stem, path.read_bytes())
            assert entry is not None
            entry.created_at -= by_s
            entry.expires_at -= by_s
            path.write_bytes(entry.encode(path.stem))

    def at_terminal(
        self, *arguments: str, answers: tuple[tuple[str, str], ...] = (), stdout: str | None = None
    ) -> tuple[int, str]:
        """Run the executable at a terminal; its exit status, and everything the terminal showed.

        ``answers`` are pairs of a question to wait for and the text to type then. With ``stdout``,
        standard output goes to this file and the terminal shows the rest.
        """
        command = [str(self.program), *arguments]
        return at_terminal(command, self.environment, answers, stdout)

    def call(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return ran(*command, env=self.environment, cwd=self.home, input=stdin)

    def succeed(self, *command: str, stdin: str = "") -> str:
        """Run another program, which has to succeed; its standard output."""
        done = self.call(*command, stdin=stdin)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


def wait_until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait until a condition holds; a process on a busy machine takes a while."""
    ends_at_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends_at_s
        time.sleep(0.005)


@pytest.fixture
def person(home: Path) -> Machine:
    return Machine(home)
