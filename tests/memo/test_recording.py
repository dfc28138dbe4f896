"""Everything that an answer depends on is recorded: by structure, and by watching real calls."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from cred_helper.cache.memo import UNRECORDED
from tests.differential.run import KINDS, machines_of
from tests.memo.frozen import Frozen
from tests.support.executable import ROOT, pinned_environment

_OS = {
    *("access", "environ", "environb", "fstat", "getcwd", "getenv", "getgid", "getgroups"),
    *("getlogin", "getppid", "listdir", "lstat", "open", "readlink", "scandir", "stat", "statvfs"),
    *("uname", "walk"),
}
_PATH = {
    *("exists", "expandvars", "getmtime", "getsize", "isdir", "isfile", "islink", "lexists"),
    *("realpath", "samefile"),
}
_MODULES = {"fcntl", "glob", "pathlib", "platform", "pwd", "random", "select", "shutil", "socket"}
# The calls of a module that are not recorded, with the reason, where a get may write a memo.
_BY_THEMSELVES = {
    # The recording functions themselves, and what writes.
    "files": {"open", "os.access", "os.fstat", "os.path.isfile", "os.path.realpath", "os.stat",
              "os.uname"},
    "files.recording": {"os.path.exists"},
    "files.json_file": {"os.fstat", "os.open", "os.stat"},
    "files.private_folder": {"os.fstat", "os.listdir", "os.open", "os.path.isdir",
                             "os.path.islink", "os.stat"},
    "files.atomic_file": {"os.getcwd", "os.listdir", "os.open", "os.path.isdir", "os.stat"},
    "files.locks": {"fcntl", "os.fstat"},
    # After the reply. Before it: HOME, which every memo has; the descriptors 0, 1 and 2.
    "cache.memo": {"os.environ"},
    "cli": {"os.environ"},
    "stdio": {"open", "os.fstat", "os.open"},
    # Sets variables.
    "settings.settings": {"os.environ"},
    # The whole environment is what is recorded from.
    "wiring": {"os.environ"},
    # A folder for a service, which only kubelet's protocol asks for.
    "cache": {"os.access", "os.path.isdir", "os.stat"},
    # Behind unrecorded().
    "fallback": {"os.path.samefile"},
    "providers.ecr.configuration": {"os.path.expandvars"},
    "providers.ecr.replaced": {"os.environ"},
    # A store, an erase; the file that is open.
    "fallback.store": {"os.fstat", "os.open", "os.path.lexists", "os.stat"},
    # Not of this system; a change of what the SDK reads.
    "providers.acr.managed_identity": {"os.environ"},
    # A renewal, which only a provider that is asked begins.
    "providers.ecr.renewal": {"os.open"},
}  # fmt: skip
# Loaded by a provider that is asked, behind providers.common.timeout; by doctor; or by the log.
_OF_A_QUESTION = {
    *("files.log_file", "providers.common.http_client", "providers.common.proxy"),
    "providers.ecr.sdk_session",
    *("providers.acr.local_checks", "providers.acr.program_token", "providers.common.pipes"),
    *("providers.common.deferred_imports", "providers.common.metadata_probe"),
    *("providers.common.network_errors", "providers.common.trust", "providers.ecr.problems"),
    *("providers.ecr.credential_process", "providers.ecr.token", "providers.gcr.problems"),
    *("providers.gcr.subject_token", "providers.gcr.token"),
}


def looks_in(source: str) -> set[str]:
    """The calls by which a module's code looks at the machine."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in _OS:
                found.add(f"os.{name}")
            case ast.Attribute(value=ast.Attribute(attr="path"), attr=name) if name in _PATH:
                found.add(f"os.path.{name}")
            case ast.Call(func=ast.Name(id="open")):
                found.add("open")
            case ast.Import(names=names):
                found |= {alias.name for alias in names} & _MODULES
            case ast.ImportFrom(module=str(name)) if name in _MODULES or name == "os":
                found.add(name)
    return found


def test_only_listed_modules_look_at_the_machine_unrecorded() -> None:
    found = {}
    for path in sorted((ROOT / "cred_helper").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT / "cred_helper").with_suffix("").parts)
        name = name.removesuffix(".__init__")
        full = f"cred_helper.{name}"
        if not any(full == one or full.startswith(f"{one}.") for one in UNRECORDED):
            found[name] = looks_in(path.read_text())
    unexpected = {
        name: looks - _BY_THEMSELVES.get(name, set())
        for name, looks in found.items()
        if name not in _OF_A_QUESTION
    }
    assert {name: looks for name, looks in unexpected.items() if looks} == {}
    assert _BY_THEMSELVES.keys() | _OF_A_QUESTION <= found.keys()
    assert {name for name in _BY_THEMSELVES if _BY_THEMSELVES[name] - found[name]} == set()


_SYSTEM = (str(ROOT / "cred_helper"), "/usr/", "/lib", os.devnull)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    with Frozen(tmp_path_factory.mktemp("working")) as server:
        yield server


def unrecorded(seen: list[list[str]], questions: set[str], own: str) -> list[list[str]]:
    """What a call looked at without a question in its memo."""
    recorded = {question[2:] for question in questions}
    names = {question[2:] for question in questions if question.startswith("V ")}
    missing = []
    for kind, subject in seen:
        if kind == "variable":
            is_recorded = subject in names
        elif kind == "uname":
            is_recorded = "N " in questions
        else:
            is_python = ".cpython-" in subject or subject.endswith((".so", ".py", ".pyc"))
            is_part_of_link = kind in ("lstat", "readlink")
            is_recorded = (
                subject in recorded
                or is_python
                or is_part_of_link
                or subject.startswith(_SYSTEM)
                or subject in ("", own)
                or any(question.startswith(f"{own}/{subject}") for question in recorded)
            )
        if not is_recorded:
            missing.append([kind, subject])
    return missing


@pytest.mark.parametrize("cloud", KINDS)
def test_a_memo_asks_about_everything_that_the_call_looked_at(
    cloud: str, tmp_path: Path, frozen: Frozen
) -> None:
    random = Random(cloud)
    caches = tmp_path / "caches"
    caches.mkdir()
    own = str(caches / "docker-credential-multi")
    with_memo = 0
    with machines_of(cloud, tmp_path) as (machines, around):
        for identity in machines.identities:
            parts = machines.drawn([identity], random)
            own_variables = {**machines.set_up(parts), "XDG_CACHE_HOME": str(caches)}
            environ = {**pinned_environment(machines.home), **around, **own_variables}
            name = parts["link"] or "docker-credential-multi"
            looks = tmp_path / "looks"
            for _ in range(2):
                looks.unlink(missing_ok=True)
                frozen.get(parts["host"], environ, name, looks=looks)
            if not looks.exists():
                continue
            seen, is_kept = json.loads(looks.read_text())
            if not is_kept:
                continue
            with_memo += 1
            newest = max(Path(own).glob("*.memo"), key=lambda path: path.stat().st_mtime_ns)
            questions = {q for q in newest.read_text().splitlines() if q[1:2] == " "}
            assert unrecorded(seen, questions, own) == [], identity.name
    assert with_memo > len(machines.identities) / 4
