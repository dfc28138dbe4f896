"""Random machines with a memo, one random change, and two answers compared.

The launcher may give no answer. If it gives one, a ``get`` by Python on the same machine gives the
same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.differential.machines import Machines, Parts, changed
from tests.differential.run import machines_of
from tests.memo.driver import ask
from tests.memo.frozen import Frozen
from tests.support.executable import NOT_FOUND, Completed, pinned_environment
from tests.support.identity import Identity
from tests.support.programs import ran

# The launcher: standard input, environment, argv[0] → its answer; ``None`` if it has none.
Launcher = Callable[[str, dict[str, str], str], Completed | None]

_VALUES = ("", "0", "1", "true", "off", "default", "work", "/", "/dev/null", "~/x", "relative", "é")
_NAMES = (
    *("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL"),
    *("AZURE_CLIENT_ID", "AZURE_CONFIG_DIR", "CLOUDSDK_CONFIG", "CLOUDSDK_CORE_ACCOUNT"),
    *("DOCKER_CONFIG", "DOCKER_CREDENTIAL_MULTI_CACHE", "DOCKER_CREDENTIAL_MULTI_CONFIG"),
    *("DOCKER_CREDENTIAL_MULTI_LOG", "DOCKER_CREDENTIAL_MULTI_MEMO", "DOCKER_amazonaws_com_USR"),
    *("GITHUB_ACTIONS", "GITHUB_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "HOME", "LANG"),
    *("NO_GCE_CHECK", "SHLVL", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
)
_HOSTS = ("registry.example.com", "docker.io", "localhost:5000", "quay.io/team/app")


@dataclass
class Tally:
    changes: int = 0
    with_memo: int = 0
    answered: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.changes += other.changes
        self.with_memo += other.with_memo
        self.answered += other.answered
        self.wrong += other.wrong


@dataclass
class Trial:
    """One machine as it is now."""

    machines: Machines
    parts: Parts
    environ: dict[str, str]
    caches: Path
    host: str = ""
    argv0: str = ""

    def set_up(self) -> None:
        self.environ |= self.machines.set_up(self.parts)
        self.host = self.parts["host"]
        self.argv0 = self.parts["link"] or "docker-credential-multi"

    @property
    def home(self) -> Path:
        return self.machines.home

    @property
    def own(self) -> Path:
        return self.caches / "docker-credential-multi"


def _variable(trial: Trial, random: Random) -> str:
    name = random.choice([*trial.environ, *_NAMES])
    if random.random() < 0.3:
        trial.environ.pop(name, None)
        return f"without {name}"
    value = trial.environ.get(name, "")
    others = [*_VALUES, value + "x", value[:-1], value.swapcase(), *trial.environ.values()]
    trial.environ[name] = random.choice(others)
    return f"{name}={trial.environ[name]!r}"


def _asked_variable(trial: Trial, random: Random) -> str:
    """A variable that the memo asks about."""
    names = [line[2:] for line in _questions(trial) if line[:1] == "V"]
    if not names:
        return _variable(trial, random)
    name = random.choice(names)
    trial.environ[name] = random.choice(_VALUES)
    return f"{name}={trial.environ[name]!r}"


def _file(trial: Trial, random: Random) -> str:
    paths = sorted(path for path in trial.home.rglob("*") if path.is_file())
    return _changed(random.choice(paths), random) if paths else "nothing"


def _asked_file(trial: Trial, random: Random) -> str:
    """A path that the memo asks about."""
    paths = [Path(line[2:]) for line in _questions(trial) if line[:1] in "SFETXR"]
    paths = [path for path in paths if path.is_relative_to(trial.home.parent)]
    return _changed(random.choice(paths), random) if paths else "nothing"


def _changed(path: Path, random: Random) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_symlink():
            path.write_text(random.choice(("", "{}", "[default]\nregion = x\n", "x")))
        return f"{path} is new"
    if path.is_dir():
        path.chmod(random.choice((0o700, 0o750, 0o500)))
        return f"mode of {path}"
    status = path.stat()
    content = path.read_bytes()
    kind = random.randrange(9)
    if kind == 0 and content:
        at = random.randrange(len(content))
        with path.open("r+b") as file:  # the same size, time and inode
            file.seek(at)
            file.write(bytes([content[at] ^ 1 << random.randrange(7)]))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif kind == 1:
        path.write_bytes(content + b"\n")
    elif kind == 2:
        path.write_bytes(content[: len(content) // 2])
    elif kind == 3:
        path.unlink()
    elif kind == 4:
        path.chmod(random.choice((0o600, 0o644, 0o666, 0o400, 0o755)))
    elif kind == 5:
        path.rename(path.with_name("moved"))
        path.symlink_to("moved")
    elif kind == 6:
        path.unlink()
        path.mkdir()
    elif kind == 7:
        path.unlink()
        path.write_bytes(content)  # another inode
        path.chmod(status.st_mode)
    else:
        others = sorted(p for p in path.parent.iterdir() if p.is_file())
        path.write_bytes(random.choice(others).read_bytes())
    return f"{path} in the way {kind}"


def _entry(trial: Trial, random: Random) -> str:
    return _kept(sorted(trial.own.glob("*.token")), random)


def _memo(trial: Trial, random: Random) -> str:
    return _kept(sorted(trial.own.glob("*.memo")), random)


def _kept(paths: list[Path], random: Random) -> str:
    """Change one of the files in the cache, or put another in its place."""
    if not paths:
        return "nothing"
    if random.random() < 0.3 and len(paths) > 1:
        one, two = random.sample(paths, 2)
        shutil.copy(one, two)
        return f"{one.name} in the place of {two.name}"
    return _changed(random.choice(paths), random)


def _call(trial: Trial, random: Random) -> str:
    if random.random() < 0.5:
        trial.argv0 = random.choice(
            ("docker-credential-multi", "docker-credential-ecr-login", "docker-credential-gcr", "x")
        )
        return f"called {trial.argv0}"
    trial.host = random.choice((*_HOSTS, trial.host + "/x", f"https://{trial.host}", trial.host))
    return f"for {trial.host}"


def _link_above(trial: Trial, random: Random) -> str:
    """A folder of the machine, moved and replaced by a link or by a copy."""
    folders = sorted(path for path in trial.home.rglob("*") if path.is_dir())
    if not folders:
        return "nothing"
    folder = random.choice(folders)
    moved = trial.home.parent / "moved-folder"
    shutil.rmtree(moved, ignore_errors=True)
    shutil.move(folder, moved)
    if random.random() < 0.5:
        folder.symlink_to(moved)
    else:
        shutil.copytree(moved, folder)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and random.random() < 0.3:
                return f"{folder} copied, {_changed(path, random)}"
    return f"{folder} moved"


def _part(trial: Trial, random: Random) -> str:
    """Change one value of the machine: of a user, a role, a profile, an endpoint."""
    change = random.choice(trial.machines.changes(trial.parts))
    for name in trial.parts:
        trial.environ.pop(name.removeprefix("$"), None)
    trial.parts = changed(trial.parts, [change])
    trial.set_up()
    return f"{change[0]} is {change[1]}"


def _nothing(_trial: Trial, _random: Random) -> str:
    return "nothing"


_CHANGES = (
    *(_part, _part, _part, _part, _part, _variable, _asked_variable, _asked_variable),
    *(_file, _file, _asked_file, _asked_file),
    *(_entry, _memo, _call, _link_above, _nothing),
)


def _questions(trial: Trial) -> list[str]:
    memos = sorted(trial.own.glob("*.memo"), key=lambda path: path.stat().st_mtime_ns)
    lines = memos[-1].read_text().splitlines() if memos else []
    return [line for line in lines if line[1:2] == " "]


def by_driver(driver: Path) -> Launcher:
    def launch(host: str, environ: dict[str, str], argv0: str) -> Completed | None:
        return ask(driver, "get", stdin=host.encode(), environ=environ, argv0=argv0)

    return launch


def _machine(
    machines: Machines, identity: Identity, around: dict[str, str], random: Random, folder: Path
) -> Trial:
    caches = folder / "caches"
    shutil.rmtree(caches, ignore_errors=True)
    caches.mkdir()
    parts = machines.drawn([identity], random)
    environ = {**pinned_environment(machines.home), **around, "XDG_CACHE_HOME": str(caches)}
    trial = Trial(machines, parts, environ, caches)
    trial.set_up()
    if random.random() < 0.15:
        trial.host = random.choice(_HOSTS)
    return trial


def by_file(file: Path) -> Launcher:
    """By the frozen file, which starts Python if its launcher has no answer."""

    def launch(host: str, environ: dict[str, str], argv0: str) -> Completed:
        stdin: dict[str, Any] = {"input": host.encode(), "encoding": None}
        done = ran(argv0, "get", executable=file, env=environ, **stdin)
        return Completed(done.returncode, done.stdout, done.stderr)

    return launch


def run(
    cloud: str, folder: Path, launch: Launcher, seed: int, rounds: int, *, is_file: bool = False
) -> Tally:
    """Make random machines of a cloud; change each a few times, one change at a time.

    ``is_file``: the launcher is the frozen file, whose memos are its own.
    """
    random = Random(f"memo {cloud} {seed}")
    tally = Tally()
    with machines_of(cloud, folder) as (machines, around), Frozen(folder) as whole:
        for number in range(rounds):
            identity = machines.identities[number % len(machines.identities)]
            trial = _machine(machines, identity, around, random, folder)
            first = whole.get(trial.host, trial.environ, trial.argv0)
            before = launch(trial.host, trial.environ, trial.argv0)
            tally.with_memo += before is not None
            differs = before and (before.status, before.stdout) != (first.status, first.stdout)
            if before and differs and _may_be_of_memo(before):
                tally.wrong.append(f"{identity.name}: {first} before, {before} by the launcher")
            for _ in range(4):
                change = _change(trial, random)
                tally.changes += 1
                # A file without a token of this identity would ask the cloud.
                answer = whole.get(trial.host, trial.environ, trial.argv0) if is_file else None
                by_launcher = launch(trial.host, trial.environ, trial.argv0)
                answer = answer or whole.get(trial.host, trial.environ, trial.argv0)
                if by_launcher is None or not _may_be_of_memo(by_launcher):
                    continue
                tally.answered += 1
                expected = (answer.status, answer.stdout, answer.stderr)
                if (by_launcher.status, by_launcher.stdout, by_launcher.stderr) != expected:
                    wrong = f"{identity.name}, {change}: {by_launcher}\n  the whole way: {answer}"
                    tally.wrong.append(wrong)
    return tally


def _change(trial: Trial, random: Random) -> str:
    try:
        return random.choice(_CHANGES)(trial, random)
    except (OSError, ValueError, shutil.Error, subprocess.SubprocessError) as error:
        return f"none: {error}"  # left by an earlier change


def _may_be_of_memo(answer: Completed) -> bool:
    """Whether an answer can come from a memo: without a planted token, the file asks the cloud."""
    return b"token-" in answer.stdout or answer.stdout == NOT_FOUND
