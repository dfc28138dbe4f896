"""The command line clients without an engine. Each copies an image to a folder and back."""

from __future__ import annotations

from tests.outside.client import Client, Run

_CHART = "apiVersion: v2\nname: built\nversion: 1.0.0-{way}\n"


def _client(
    name: str, login: str, pull: str, push: str, logout: str, version: str = "version"
) -> Client:
    return Client(
        {name: f"{name} {version}"},
        {
            "login": (),
            "pull": (f"{name} {pull}",),
            "push": (f"{name} {push}",),
            "logout": (f"{name} {logout}",),
        },
        login=(f"{name} {login}",),
    )


def _helm(run: Run) -> None:
    (run.context / "Chart.yaml").write_text(_CHART.format(way=run.tag))
    run.call(
        "helm package --destination {folder} {context}",
        f"helm push {{folder}}/built-1.0.0-{run.tag}.tgz oci://{{host}}/team",
    )


CLIENTS = (
    Client(
        {"skopeo": "skopeo --version"},
        {
            "login": ("skopeo login {server}",),
            "pull": ("skopeo copy docker://{image} oci:{folder}/image:1",),
            "push": ("skopeo copy oci:{folder}/image:1 docker://{built}",),
            "logout": ("skopeo logout {server}",),
        },
        login=("skopeo login --username {username} --password-stdin {server}",),
    ),
    _client(
        "crane",
        "auth login --username {username} --password-stdin {server}",
        "pull --format oci {image} {folder}/image",
        "push {folder}/image {built}",
        "auth logout {server}",
    ),
    _client(
        "oras",
        "login --username {username} --password-stdin {server}",
        "copy {image} --to-oci-layout {folder}/image:1",
        "copy --from-oci-layout {folder}/image:1 {built}",
        "logout {server}",
    ),
    _client(
        "regctl",
        "registry login --user {username} --pass-stdin {server}",
        "image copy {image} ocidir://{folder}/image:1",
        "image copy ocidir://{folder}/image:1 {built}",
        "registry logout {server}",
    ),
    Client(
        {"helm": "helm version"},
        {
            "login": (),
            "push": _helm,
            "logout": ("helm registry logout {server}",),
        },
        login=("helm registry login --username {username} --password-stdin {server}",),
    ),
)
