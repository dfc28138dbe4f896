"""The files of one root in the other roots: a credential of every cloud, and the Debian package."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from tests.clients.hosted import NAMES, Hosted, hosted
from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.roots.inside import CANNOT_MOUNT, NOT_EXECUTABLE
from tests.roots.namespaces import OUT_OF_TIME, Inside, run
from tests.roots.outcome import Outcome, Verdict
from tests.roots.root import FOLDER, WORK, Root
from tests.roots.steps import Failed, Step, floor
from tests.support.executable import NOT_FOUND, PROGRAM, pinned_environment

_IN_ROOT = f"/usr/bin/{PROGRAM}"
_LIMIT_S = 300


class Clouds:
    """Every cloud on loopback, with an identity there."""

    def __init__(self, folder: Path, running: Sequence[Hosted]) -> None:
        self.folder = folder
        self.running = running

    @property
    def files(self) -> dict[str, str]:
        """The files of the identities, at the same path in a root."""
        return {str(self.folder): str(self.folder)}


@contextmanager
def clouds() -> Iterator[Clouds]:
    """Run the clouds inside the context."""
    with ExitStack() as stack:
        # In every root, /tmp is in memory.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        authority = Authority(folder)
        proxy = stack.enter_context(TerminatingProxy(authority))
        running = []
        for name in NAMES:
            files = folder / name
            files.mkdir()
            running.append(stack.enter_context(hosted(name, authority, proxy, files)))
        yield Clouds(folder, running)


def try_file(file: Path, built_in: Root, root: Root, clouds: Clouds, commit: str) -> Outcome:
    """Run a file in a root: no identity first, then one of each cloud."""
    started_at_s = perf_counter()
    step = "static" if file.suffix else "frozen"
    log = FOLDER / f"{root.name}.{step}-of-{built_in.name}.log"
    try:
        verdict, words = _tried(file, root, clouds, log)
    except Failed as reason:
        verdict, words = reason.verdict, str(reason)
    took_s = round(perf_counter() - started_at_s, 1)
    return Outcome(root.name, step, verdict, words, took_s, commit, built_in.name)


def _tried(file: Path, root: Root, clouds: Clouds, log: Path) -> tuple[Verdict, str]:
    files = {str(file): _IN_ROOT, **clouds.files}
    nothing = {**pinned_environment(Path("/")), "DOCKER_CREDENTIAL_MULTI_CACHE": "off"}
    done = _get(root.bare(files, nothing), "registry.example.com", log)
    if done.returncode != 1 or done.stdout != NOT_FOUND:
        said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()
        words = said.splitlines()[-1] if said else f"status {done.returncode}"
        # Without the loader of its glibc, or with an older glibc.
        if done.returncode == NOT_EXECUTABLE or re.search(r"GLIBC_|/ld-linux", words):
            return (Verdict.REFUSED if _is_too_old(file, root) else Verdict.FAILED), words
        raise Failed(words)
    started_at_s = perf_counter()
    for cloud in clouds.running:
        done = _get(root.bare(files, {**nothing, **cloud.identity}), cloud.host, log)
        if done.returncode != 0:
            raise Failed(done.stderr.decode("utf-8", "replace").strip() or done.stdout.decode())
        if not _is_of(cloud, done.stdout):
            raise Failed(f"{cloud.host} did not issue this credential, or there is more output")
    mean_s = (perf_counter() - started_at_s) / len(clouds.running)
    return Verdict.OK, f"{len(clouds.running)} clouds, {mean_s:.1f} s each"


def _is_of(cloud: Hosted, output: bytes) -> bool:
    """Whether the output is a credential that the cloud issued, and nothing else."""
    try:
        reply = json.loads(output)
    except ValueError:
        return False
    return cloud.cloud.issued(reply["Username"], reply["Secret"], cloud.host)


def _get(inside: Inside, host: str, log: Path) -> subprocess.CompletedProcess[bytes]:
    done = run(inside, [_IN_ROOT, "get"], _LIMIT_S, stdin=host.encode(), errors=subprocess.PIPE)
    with log.open("ab") as file:
        # The reply of a success contains a secret, although of a loopback cloud.
        shown = done.stdout if done.returncode else b""
        file.write(f"{host}: {done.returncode}\n".encode() + done.stderr + shown)
    if done.returncode == OUT_OF_TIME:
        raise Failed(f"ended after {_LIMIT_S} s", Verdict.OUT_OF_TIME)
    if done.returncode == CANNOT_MOUNT:
        raise Failed(done.stderr.decode("utf-8", "replace").strip())
    return done


def _is_too_old(file: Path, root: Root) -> bool:
    """Whether the glibc of a root is older than what the file needs, or there is none."""
    needed = floor(file)
    if not needed:
        return False
    if not root.suite:
        return True
    return _numbers(root.facts.get("glibc", "0")) < _numbers(needed)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


# --- The Debian package ---------------------------------------------------------------------------

_PACKAGE = f"/run/{PROGRAM}.deb"
_TRIAL = f"""
all() {{
    find / -xdev \\( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache \\
        -o -path /var/log -o -path /tmp -o -path /run -o -path '{WORK}' \\) -prune -o -print | sort
}}
apt-get update -qq
apt-get install -y -qq man-db groff-base
all > /tmp/before
apt-get install -y {_PACKAGE}
export HOME=/tmp  # a package leaves the users' files alone
{PROGRAM} version
printf registry.example.com | {PROGRAM} get > /tmp/answer && exit 1
printf '{NOT_FOUND.decode().strip()}\\n' | cmp - /tmp/answer
MANWIDTH=80 man --warnings {PROGRAM} 2> /tmp/warnings | grep -q 'SYNOPSIS'
test ! -s /tmp/warnings || {{ cat /tmp/warnings; exit 1; }}
bash -c '. /usr/share/bash-completion/completions/{PROGRAM} && complete -p {PROGRAM}'
test -s /usr/share/zsh/vendor-completions/_{PROGRAM}
test -s /usr/share/fish/vendor_completions.d/{PROGRAM}.fish
apt-get purge -y {PROGRAM}
all > /tmp/after
diff /tmp/before /tmp/after
"""


def build_package(step: Step) -> str:
    """The package of the file that is there; it is not built again."""
    step.shell(f"cd {WORK}; make -o frozen frozen/deb")
    return f"{package(step.root).stat().st_size / 1e6:.1f} MB"


def package(root: Root) -> Path:
    """The package that was built in a root."""
    found = sorted((root.work / "dist").glob("*.deb"))
    if not found:
        raise Failed("no package was built")
    return found[-1]


def try_package(step: Step, built_in: Root) -> str:
    """Install the package with apt, use it, remove it: no file is left."""
    inside = step.root.inside(network=True, discard=True)
    binds = {**inside.binds, str(package(built_in)): _PACKAGE}
    try:
        step.shell(_TRIAL, replace(inside, binds=binds))
    except Failed as failure:
        found = re.findall(r"Depends: libc6 .*", step.log.read_text())
        if found and _is_too_old(built_in.work / "dist" / PROGRAM, step.root):
            raise Failed(found[0], Verdict.REFUSED) from failure
        raise
    return "installed, used, removed"
