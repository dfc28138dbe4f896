"""Where kubelet looks for its credential providers: its own flags, and what distributions set.

Reads folders below a root and the command lines of processes; writes nothing.

Sources:
  https://docs.k3s.io/cli/agent and https://docs.rke2.io/reference/linux_agent_config
  https://github.com/siderolabs/talos/blob/main/pkg/machinery/constants/constants.go
  https://github.com/awslabs/amazon-eks-ami (nodeadm/internal/kubelet/image-credential-provider.go)
  https://github.com/Azure/AgentBaker and GKE's configure-helper.sh, in kube_env
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from cred_helper.commands.node import yaml_text

CONFIG_FLAG = "image-credential-provider-config"
FOLDER_FLAG = "image-credential-provider-bin-dir"
_PROC = "/proc"
# More than kubelet's arguments ever take.
_MOST_BYTES = 1 << 20


class Layout(NamedTuple):
    """The folder of executables and the configuration, as kubelet names them.

    ``marks`` are what only such a node has: one is enough. ``restart`` makes kubelet read the
    configuration. ``needs_flags`` is whether kubelet has to be given both paths by hand.
    ``in_machine_config`` is whether the distribution writes the configuration itself.
    """

    name: str
    folder: str
    config: str
    marks: tuple[str, ...]
    restart: str = "systemctl restart kubelet"
    needs_flags: bool = False
    in_machine_config: bool = False

    @property
    def flags(self) -> str:
        return f"--{CONFIG_FLAG}={self.config} --{FOLDER_FLAG}={self.folder}"


_RANCHER = (
    "/var/lib/rancher/credentialprovider/bin",
    "/var/lib/rancher/credentialprovider/config.yaml",
)
_KUBELET = (
    "/var/lib/kubelet/credential-provider",
    "/var/lib/kubelet/credential-provider-config.yaml",
)
_EKS = "/etc/eks/image-credential-provider"
TALOS = "talos"
LAYOUTS = (
    # An agent has the first folder only where it has a configuration or a mirror.
    # Source: https://github.com/k3s-io/k3s/issues/1802
    Layout(
        "rke2",
        *_RANCHER,
        ("/etc/rancher/rke2", "/var/lib/rancher/rke2"),
        "systemctl restart rke2-server, or rke2-agent",
    ),
    Layout(
        "k3s",
        *_RANCHER,
        ("/etc/rancher/k3s", "/var/lib/rancher/k3s"),
        "systemctl restart k3s, or k3s-agent",
    ),
    Layout(
        TALOS,
        folder="/usr/local/lib/kubelet/credentialproviders",
        config="/etc/kubernetes/kubelet-credentialproviderconfig.yaml",
        marks=("/usr/local/lib/kubelet/credentialproviders",),
        in_machine_config=True,
    ),
    Layout("eks", _EKS, f"{_EKS}/config.json", ("/etc/eks",)),
    Layout(
        "gke",
        folder="/home/kubernetes/bin",
        config="/etc/srv/kubernetes/cri_auth_config.yaml",
        marks=("/etc/srv/kubernetes",),
    ),
    Layout("aks", *_KUBELET, (_KUBELET[1],)),
    # The folder is writable on every system that runs kubelet.
    Layout("kubelet", *_KUBELET, ("/var/lib/kubelet",), needs_flags=True),
)
NAMES = tuple(layout.name for layout in LAYOUTS)


class Kubelet(NamedTuple):
    """A kubelet that runs: its process, and the two paths as its flags have them, or ``""``."""

    process: str
    config: str
    folder: str

    def environment(self) -> dict[str, str]:
        """Its environment, which its plugins get; empty where that may not be read."""
        try:
            data = Path(_PROC, self.process, "environ").read_bytes()
        except OSError:
            return {}
        pairs = (os.fsdecode(item).partition("=") for item in data.split(b"\0") if b"=" in item)
        return {name: value for name, _, value in pairs}


def running(root: Path, proc: str = _PROC) -> Kubelet | None:
    """The kubelet that runs on the node of a root folder; ``None`` if none is visible.

    A kubelet with another root folder belongs to a node in a container, such as kind's nodes.
    """
    try:
        processes = sorted((name for name in os.listdir(proc) if name.isdigit()), key=int)
    except OSError:
        return None
    for process in processes:
        try:
            with open(os.path.join(proc, process, "cmdline"), "rb") as file:
                words = os.fsdecode(file.read(_MOST_BYTES)).split("\0")
            program = os.path.basename(words[0])
            is_kubelet = program == "kubelet" or (program, *words[1:2]) == ("hyperkube", "kubelet")
            if is_kubelet and os.path.samefile(os.path.join(proc, process, "root"), root):
                return Kubelet(process, _flag(words, CONFIG_FLAG), _flag(words, FOLDER_FLAG))
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return None


def _flag(words: list[str], name: str) -> str:
    """The value of a flag, as Go's pflag reads it: the last one counts."""
    found = ""
    for at, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in (f"--{name}", f"-{name}"):
            found = value if equals else "".join(words[at + 1 : at + 2])
    return found


def find(name: str) -> Layout:
    return next(layout for layout in LAYOUTS if layout.name == name)


def detect(root: Path, proc: str = _PROC) -> Layout | None:
    """The layout of the node: what kubelet's flags say, or what is below the root."""
    marked = (row for row in LAYOUTS if any(os.path.lexists(below(root, m)) for m in row.marks))
    by_mark = next(marked, None)
    kubelet = running(root, proc)
    if kubelet and kubelet.config and kubelet.folder:
        config, folder = kubelet.config, kubelet.folder
    else:
        config, folder = _rancher_flags(root)
    if not (config and folder):
        return by_mark
    for layout in LAYOUTS:
        if (layout.config, layout.folder) == (config, folder) and not layout.needs_flags:
            return layout
    restart = by_mark.restart if by_mark else "systemctl restart kubelet"
    return Layout("flags", folder, config, (), restart)


def _rancher_flags(root: Path) -> tuple[str, str]:
    """The two paths as the configuration of k3s or RKE2 has them, or ``""``.

    Their kubelet runs in another process, or hides its arguments.
    """
    found = {CONFIG_FLAG: "", FOLDER_FLAG: ""}
    for name in ("rke2", "k3s"):
        place = root / "etc/rancher" / name
        for path in (place / "config.yaml", *sorted((place / "config.yaml.d").glob("*.yaml"))):
            try:
                document = yaml_text.parse(path.read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(document, dict):
                given = document.get("kubelet-arg")
                words = [given] if isinstance(given, str) else given or []
                found |= {
                    flag: value
                    for flag in found
                    if (value := document.get(flag) or _flag([f"--{w}" for w in words], flag))
                }
    return found[CONFIG_FLAG], found[FOLDER_FLAG]


def allows_programs(folder: Path) -> bool:
    """Whether the file system of a folder, or of the first one above it, lets programs run."""
    while not folder.exists():
        folder = folder.parent
    # Other systems have no such flag, and no kubelet.
    return sys.platform != "linux" or not os.statvfs(folder).f_flag & os.ST_NOEXEC


def below(root: Path, path: str) -> Path:
    """A path of the node, as it is called from here."""
    return root / path.lstrip("/")
