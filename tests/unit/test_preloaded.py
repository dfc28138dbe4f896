"""A fork of a process with loaded SDKs behaves as a real start of the executable."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import preloaded
from tests.support.executable import ROOT, Executable, pinned_environment
from tests.support.machine import Machine, person
from tests.support.programs import is_running

__all__ = ["person"]


@pytest.fixture(autouse=True)
def _forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Executable, "starts_for_real", False)


_SERVER = Path(preloaded.__file__).with_name("preloaded_server.py")
# The modules that an import loads, and those that it makes attributes of a package. Names that a
# module adds to the table by itself are left out: a fork gets each when it is imported.
_IMPORTED = """\
import sys
{shelf}
from cred_helper.providers.acr import sdk_imports as acr
from cred_helper.providers.common import deferred_imports
from cred_helper.providers.ecr import sdk_imports as ecr
from cred_helper.providers.gcr import sdk_imports as gcr
deferred_imports.use(acr.TABLES, ecr.TABLES, gcr.TABLES)
before = set(sys.modules)
import {name}
for name in {run!r}:
    if name in deferred_imports.names():
        deferred_imports.run(name)
found = {{}}
for name, module in sorted(sys.modules.items()):
    spec = getattr(module, "__spec__", None)
    if name not in before and spec is not None and spec.name == name:
        found[name] = sorted(n for n, v in vars(module).items() if isinstance(v, type(sys)))
print(__import__("json").dumps(found))
"""
# Deferred at a start. Another SDK has run their bodies on the shelf: here they run on both sides.
_RUN = ("requests", "selectors", "tempfile", "urllib.request", "random")
# One of Amazon's runs it, where Azure's alone would not.
_RUN_FOR_ANOTHER = ("xml.etree", "_elementtree", "copy", "pyexpat")
# The same where all of it is on the shelf.
_SHELF = """\
shelf = {{"__name__": "shelf"}}
exec(open({path!r}).read(), shelf)
shelf["filled_shelf"]()
"""


@pytest.mark.parametrize(
    "name",
    [
        *("json", "click", "google.auth", "google.oauth2.service_account", "botocore.session"),
        *("azure.identity._credentials.managed_identity", "msal.application", "requests"),
    ],
)
def test_an_import_from_the_shelf_loads_the_modules_of_a_real_import(name: str) -> None:
    found = []
    for shelf in ("", _SHELF.format(path=str(_SERVER))):
        command = [sys.executable, "-c", _IMPORTED.format(shelf=shelf, name=name, run=_RUN)]
        done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
        modules = json.loads(done.stdout)
        found.append({n: v for n, v in modules.items() if not n.startswith(_RUN_FOR_ANOTHER)})
    start, forked = found
    if sys.version_info >= (3, 12):  # dataclasses runs inspect, and what inspect looks at
        assert start.keys() <= forked.keys()
    else:
        assert start == forked


# What a process has from its starter, and leaves to its children. Python closes a pipe meanwhile.
_STATE = """\
{ env | grep -v ^_= | sort; pwd; umask; ulimit -a; sleep 0.2; (cd /proc/$PPID/fd; ls)
grep -E "Sig[BIC]|Shd|Cap|Threads|Seccomp" /proc/$PPID/status /proc/$$/status |
  sed "s:/proc/[0-9]*::"
} >"$HOME/state" 2>&1
echo credentials not found in native keychain; exit 1"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_fork_finds_the_same_process_state_as_a_real_start(
    person: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.helper("looking", _STATE)
    person.config(credsStore="looking")
    person.use({"PATH": person.scripts.path})
    states = []
    for is_real in (False, True):
        monkeypatch.setattr(Executable, "starts_for_real", is_real)
        assert person.executable.run("get", stdin="r.example", cwd=tmp_path).status == 1
        states.append((person.home / "state").read_text())
    assert states[0] == states[1]
    assert f"\n{tmp_path}\n" in states[0]


def test_a_fork_has_the_exit_status_of_a_real_start(
    person: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preloaded, "_STARTED", [])
    done = [person.run("version"), person.run("no-such-verb"), person.run("get", stdin="x\0y")]
    assert [each.status for each in done] == [0, 1, 1]
    [process] = preloaded._STARTED
    process.close()
    assert not is_running(process.pid)


@pytest.mark.parametrize(
    "variables", [{"PYTHONDEVMODE": "1"}, {"LC_ALL": "C"}, {"TZ": "UTC"}, {"HOME": "here"}]
)
def test_variables_that_python_reads_need_a_real_start(
    person: Machine, variables: dict[str, str]
) -> None:
    assert person.executable.fork("version", stdin=b"", environment=person.environment)
    environment = person.environment | variables
    assert person.executable.fork("version", stdin=b"", environment=environment) is None


def test_a_variable_that_a_module_reads_while_loading_needs_a_real_start(
    person: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = preloaded.started(pinned_environment(person.home))
    assert process.can_run(person.environment)
    monkeypatch.setattr(process, "_names", {"A_NAME"})
    assert process.can_run(person.environment)
    assert not process.can_run(person.environment | {"A_NAME": "x"})
    monkeypatch.setattr(process, "_files", [".a/file"])
    assert process.can_run(person.environment)
    person.write(".a/file", "")
    assert not process.can_run(person.environment)
