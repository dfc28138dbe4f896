"""kaniko's executor, in a root folder with the executor and this program only.

Between stages and at its end it deletes every file of the root it runs in but those in ``/kaniko``:
it only ever runs in a chroot, in mount and process namespaces of its own. Everything that a later
push needs stands in ``/kaniko``, as ``packaging/docs/recipes.md`` says.

Source: https://github.com/GoogleContainerTools/kaniko/issues/2764
"""

from __future__ import annotations

import json
import shlex
import shutil
from functools import partial
from pathlib import Path

from tests.outside.client import PROGRAMS, Client, Run
from tests.support.executable import EXECUTABLE, PROGRAM

_STATIC = EXECUTABLE.with_suffix(".static")
_OWN = Path("/kaniko")
# A new process namespace ends what the build leaves running; the root is the folder.
_ALONE = (
    "/usr/bin/unshare --mount --pid --fork --kill-child /bin/sh -ec "
    '\'/bin/mount -t proc proc "$0/proc"; /bin/mount --bind /dev/null "$0/dev/null"; '
    'exec /usr/sbin/chroot "$0" /kaniko/executor "$@"\''
)
_STAGES = """\
FROM {base} AS first
RUN ["/bin/busybox", "touch", "/first"]
FROM {base}
COPY --from=first /first /first
RUN ["/bin/busybox", "touch", "/second"]
"""


def _build(run: Run, ours: Path) -> None:
    dockerfile = (run.context / "Dockerfile").read_text()
    _execute(run, "build", ours, dockerfile, "--no-push")


def _push(run: Run, ours: Path) -> None:
    """Build in two stages, then push: by then all files outside of /kaniko are gone."""
    dockerfile = _STAGES.format(base=run.place.base)
    _execute(run, "push", ours, dockerfile, "--destination", "{built}")


def _execute(run: Run, name: str, ours: Path, dockerfile: str, *arguments: str) -> None:
    root = run.machine.home / f"root-{name}"
    own = root / _OWN.relative_to("/")
    for folder in (own, root / "proc", root / "etc", root / "dev"):
        folder.mkdir(parents=True)
    (root / "dev/null").touch()
    shutil.copy(PROGRAMS / "kaniko", own / "executor")
    program = root / ours.relative_to("/") / PROGRAM
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_STATIC, program)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/\n")
    (own / "Dockerfile").write_text(dockerfile)
    (own / ".docker").mkdir()
    # Jobs have logins as auths, which docker login writes where no helper is named.
    config = run.machine.config_document
    if run.place.password:
        config["auths"] = {run.place.host: {"auth": run.place.basic}}
    (own / ".docker/config.json").write_text(json.dumps(config))
    variables = {**run.machine.environment, "DOCKER_CONFIG": "/kaniko/.docker"}
    variables |= {"PATH": str(ours), "HOME": "/root", "XDG_CACHE_HOME": "/kaniko/.cache"}
    for variable, value in variables.items():
        # The files of the identity, and the certificate authority.
        if Path(value).is_file():
            shutil.copy(value, own / Path(value).name)
            variables[variable] = str(_OWN / Path(value).name)
    words = shlex.join(f"{name}={value}" for name, value in variables.items())
    run.call(
        f"/usr/bin/env -i {words} {_ALONE} {root} --force --context dir:///kaniko "
        f"--dockerfile /kaniko/Dockerfile {' '.join(arguments)}"
    )


def _client(ours: Path, variant: str = "") -> Client:
    return Client(
        {"kaniko": "kaniko"},
        {"build": partial(_build, ours=ours), "push": partial(_push, ours=ours)},
        variant=variant,
        files=(_STATIC,),
    )


CLIENTS = (_client(_OWN), _client(Path("/usr/local/bin"), "helper in /usr/local/bin"))
