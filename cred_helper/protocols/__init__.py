"""Wire formats: bytes in, a request out; an answer in, bytes out. No sources, no settings."""

from __future__ import annotations

DOCKER, KUBELET, BAZEL = "docker", "kubelet", "bazel"
# What docker's clients call: no name of another protocol begins so.
_DOCKER_HELPER = "docker-credential-"


def links() -> dict[str, str]:
    """The names of links under which another protocol than docker's is spoken → that protocol."""
    from cred_helper import clouds

    plugins = [cloud.plugin for cloud in clouds.CLOUDS if cloud.plugin]
    kubelet = ["multi-credential-provider", *plugins]
    return {"bazel-credential-multi": BAZEL, **dict.fromkeys(kubelet, KUBELET)}


def linked_name(program: str) -> str:
    """Which of the names in ``links`` a program is called by; ``""`` for none.

    A link may add to the name after a hyphen: kubelet takes one executable for several providers
    only under several names.
    """
    name = program.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    if name.startswith(_DOCKER_HELPER):
        return ""
    found = [link for link in links() if name == link or name.startswith(f"{link}-")]
    return max(found, key=len, default="")
