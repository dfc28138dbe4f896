"""The steps in a root, each with a time limit and a log."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter

from tests.roots.namespaces import OUT_OF_TIME, Inside, run
from tests.roots.outcome import Outcome, Verdict
from tests.roots.root import FOLDER, WORK, Root
from tests.roots.table import Report
from tests.roots.this_machine import KEYRING, CannotRun, mirrors
from tests.support.executable import PROGRAM, ROOT

CONTRIBUTING = ROOT / ".github/CONTRIBUTING.md"
_PACKAGES = re.compile(r"^apt-get install ([\w. +-]+?) +# (.*)$", re.MULTILINE)
_TOTALS = re.compile(r"^(?:=+ )?((?:\d+ \w+(?:, )?)+) in [\d.]+s", re.MULTILINE)
# Emulation makes programs that long, measured with the demo; a busy machine is slower again.
_EMULATED = 4
# The tests that depend on the processor, and take minutes; the page describes them.
_UNITS = ("bazel_protocol", "cache", "docker_protocol", "hosts", "locks", "programs", "sealing")
SELECTED = (
    *(f"tests/unit/test_{name}.py" for name in _UNITS),
    "tests/contract/test_cached_get.py",
    "tests/contract/test_every_provider.py::test_a_get_is_answered_with_what_the_cloud_issued",
    "tests/contract/test_every_provider.py::test_every_spelling_of_one_host_shares_one_token",
    "tests/contract/test_signals.py::test_a_signal_ends_a_get_that_asks_a_cloud",
    "tests/memo/test_launcher.py",
    "tests/frozen/test_frozen.py",
)
# Fifty processes at once need longer than the time limit of a get. The last of these is of a
# program with a sanitizer of memory, which emulation does not run.
_NOT_EMULATED = (
    "fifty_registries or twenty_processes or killed_at_any_moment"
    " or makes_the_launcher_read_outside"
)
SOURCES = ("cred_helper", "packaging", "Makefile", "pyproject.toml", ":!packaging/docs")
EVERYTHING: Sequence[str] = ()


class Failed(Exception):
    """A step did not end well."""

    def __init__(self, words: str, verdict: Verdict = Verdict.FAILED) -> None:
        super().__init__(words)
        self.verdict = verdict


class Step:
    """One step in one root; it writes its log."""

    def __init__(self, root: Root, name: str, limit_s: float) -> None:
        self.root = root
        self.name = name
        self._limit_s = limit_s * (_EMULATED if root.is_emulated else 1)
        self.log = FOLDER / f"{root.name}.{name}.log"

    def shell(self, script: str, inside: Inside | None = None, *, network: bool = False) -> str:
        """Run a script in the root to its end; its output."""
        return self.run(["sh", "-euc", script], inside or self.root.inside(network=network))

    def run(self, command: Sequence[str], inside: Inside) -> str:
        """Run a command to its end; its output."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            begins_at = log.tell()
            done = run(inside, command, self._limit_s, log.fileno())
        printed = self.log.read_bytes()[begins_at:].decode("utf-8", "replace")
        if done.returncode == OUT_OF_TIME:
            raise Failed(f"ended after {self._limit_s / 60:.0f} minutes", Verdict.OUT_OF_TIME)
        if done.returncode != 0:
            raise Failed(_last_words(printed) or f"status {done.returncode}")
        return printed


def _last_words(printed: str) -> str:
    """The line to show of a failure."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    totals = _totals(printed)
    if totals:
        return totals
    errors = [line for line in lines if re.search(r"\berror\b|^E:", line, re.IGNORECASE)]
    return (errors or lines or [""])[-1][:200]


def _totals(printed: str) -> str:
    """The closing line of pytest."""
    return "".join(_TOTALS.findall(printed)[-1:])


def taken(
    root: Root,
    name: str,
    limit_s: float,
    body: Callable[[Step], str],
    *,
    commit: str = "",
    built_in: str = "",
) -> Outcome:
    """Take a step; its outcome."""
    started_at_s = perf_counter()
    step = Step(root, f"{name}-of-{built_in}" if built_in else name, limit_s)
    step.log.unlink(missing_ok=True)
    try:
        verdict, words = Verdict.OK, body(step)
    except CannotRun as reason:
        verdict, words = Verdict.SKIPPED, str(reason)
    except Failed as reason:
        verdict, words = reason.verdict, str(reason)
    except OSError as reason:
        verdict, words = Verdict.FAILED, str(reason)
    took_s = round(perf_counter() - started_at_s, 1)
    return Outcome(root.name, name, verdict, words, took_s, commit, built_in)


# --- Packages -------------------------------------------------------------------------------------


def packages(target: str, page: str = "") -> list[str]:
    """What a bare Debian needs for a make target, as CONTRIBUTING says."""
    lines = _PACKAGES.findall(page or CONTRIBUTING.read_text("utf-8"))
    return [name for names, what in lines if f"make {target}" in what for name in names.split()]


def install(step: Step, *targets: str) -> None:
    """Install these packages, if an earlier step has not."""
    wanted = {name for target in targets for name in packages(target)}
    record = FOLDER / step.root.name / "packages"
    there = set(record.read_text().split()) if record.exists() else set()
    if wanted <= there:
        return
    names = " ".join(sorted(wanted))
    step.shell(f"apt-get update -qq; apt-get install -y -qq {names}", network=True)
    record.write_text(" ".join(sorted(there | wanted)))


# --- Roots ----------------------------------------------------------------------------------------


def make_root(step: Step) -> str:
    """Make a minimal Debian by debootstrap, or a root from the packages of another."""
    root = step.root
    if root.suite:
        root.folder.mkdir(parents=True, exist_ok=True)
        if (
            not (root.folder / "debootstrap").exists()
            and (root.folder / "etc/debian_version").exists()
        ):
            root.mark_made()
            return "it is there"
        environment = {
            "PATH": root.inside().environment["PATH"],
            "LANG": "C.UTF-8",
            "container": "lxc",  # debootstrap then makes no device that it is not allowed to
        }
        command = ["debootstrap", "--variant=minbase", f"--arch={root.architecture}"]
        command += [f"--keyring={KEYRING}", root.suite, str(root.folder), mirrors().main]
        if not Path("/usr/share/debootstrap/scripts", root.suite).exists():
            command.append("sid")  # the script of every newer release
        step.run(command, Inside(emulator=root.emulator, network=True, environment=environment))
    elif root.system == "musl":
        _make_musl(step)
    else:
        root.folder.mkdir(parents=True, exist_ok=True)
    root.mark_made()
    return ""


def _make_musl(step: Step) -> None:
    architecture = step.root.architecture
    helpers = [Root(f"{system}-{architecture}") for system in ("debian12", "debian13")]
    helper = next((root for root in helpers if root.is_there), None)
    if helper is None:
        raise CannotRun(
            f"needs a Debian root for {architecture}: make roots ROOTS={helpers[0].name}"
        )
    packages_at = FOLDER / step.root.name / "packages"
    packages_at.mkdir(parents=True, exist_ok=True)
    inside = helper.inside(network=True)
    inside = replace(inside, binds={**inside.binds, str(packages_at): "/run/packages"})
    script = "cd /run/packages; apt-get update -qq; apt-get download busybox-static musl"
    step.shell(script, inside)
    for package in packages_at.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, step.root.folder], check=True)
    for name in ("bin", "lib"):  # newer releases have no such folders
        if not (step.root.folder / name).exists():
            (step.root.folder / name).symlink_to(f"usr/{name}")
    busybox = (step.root.folder / "bin/busybox").resolve(strict=True)
    for name in ("sh", "cat", "ls"):
        (busybox.parent / name).unlink(missing_ok=True)
        (busybox.parent / name).symlink_to("busybox")


# --- The work tree --------------------------------------------------------------------------------


@cache
def commit(*paths: str) -> str:
    """The last commit, or the last one that changes these paths."""
    return _git("log", "-1", "--format=%h", "--", *paths)


def _git(*words: str, at: Path = ROOT) -> str:
    command = ["git", "-C", str(at), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def check_out(root: Root) -> None:
    """The committed state as the root's work tree; what earlier steps built stays."""
    if not (root.work / ".git").exists():
        root.work.parent.mkdir(parents=True, exist_ok=True)
        _git("clone", "-q", str(ROOT), str(root.work), at=root.work.parent)
    # Lint reads the commits since the upstream branch.
    _git("fetch", "-q", str(ROOT), "+HEAD:refs/remotes/origin/main", at=root.work)
    _git("reset", "-q", "--hard", "FETCH_HEAD", at=root.work)


def demo(step: Step) -> str:
    """``make demo``; the packages come from the network, and then there is none."""
    install(step, "demo")
    step.shell(f"cd {WORK}; make venv", network=True)
    printed = step.shell(f"cd {WORK}; make demo")
    return "".join(re.findall(r"everything is right, in (.*)", printed)[-1:])


def frozen(step: Step) -> str:
    """``make frozen/static``; pip downloads packages and, once, a source."""
    install(step, "demo", "frozen")
    step.shell(f"cd {WORK}; rm -rf dist; make frozen/static", network=True)
    return ", ".join(
        f"{megabytes(path)} MB" + (f" (glibc {floor(path)})" if floor(path) else "")
        for path in files(step.root)
    )


def suite(step: Step) -> str:
    """``make test``; the tests of ``SELECTED`` on an emulated processor."""
    install(step, "demo", "test")
    step.shell(f"cd {WORK}; make venv", network=True)
    # Lint runs after the tests: a long line must not hide a failing test.
    script = "make -o lint test; make lint"
    if step.root.is_emulated:
        script = f".venv/bin/python -m pytest -n 2 -k 'not ({_NOT_EMULATED})' {' '.join(SELECTED)}"
    inside = step.root.inside()
    inside = replace(inside, environment={**inside.environment, "PYTEST_ADDOPTS": "-rfEs"})
    return _totals(step.shell(f"cd {WORK}; {script}", inside))


def versions(step: Step) -> dict[str, str]:
    """Debian, glibc and Python of a root."""
    script = "cat /etc/debian_version; dpkg-query -Wf '${Version}\\n' libc6; python3 --version || :"
    debian, glibc, *python = step.shell(script).splitlines()
    found = {"debian": debian, "glibc": glibc.partition("-")[0]}
    if python and python[0].startswith("Python "):
        found["python"] = python[0].removeprefix("Python ")
    return found


# --- The files ------------------------------------------------------------------------------------


def files(root: Root) -> list[Path]:
    """The frozen and the static file that were built in a root."""
    dist = root.work / "dist"
    return [path for path in (dist / PROGRAM, dist / f"{PROGRAM}.static") if path.exists()]


def megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f}"


def floor(file: Path) -> str:
    """The oldest glibc that a file runs with; empty if it needs none."""
    found = re.findall(r"^needs glibc ([\d.]+)", Path(f"{file}.txt").read_text(), re.MULTILINE)
    return found[0] if found else ""


# --- The documentation ----------------------------------------------------------------------------

_PAGE = """\
# Platforms

The static file runs on every Linux. The frozen file and the package need the glibc in the table:
if yours is older, or there is none, take the static file.

`make roots` wrote this page. It ran the steps `demo`, `frozen`, `tests` and `deb` in Debian
releases with the packages that CONTRIBUTING names; on an emulated processor with a part of the
tests. Then it tried each file in each release, in a root that has only the file and /tmp (empty),
and in one with musl and busybox: it gets a credential of each cloud, or is refused. The package
was installed, used and purged, and left no file. Each row is of the commit that it names.

Nothing here is of macOS or Windows: only the workflows build and test those files.

"""


def page(report: Report) -> str:
    """The page of the documentation."""
    return _PAGE + "\n\n".join(report.pages()) + "\n"
