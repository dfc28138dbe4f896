"""``kubelet-config``: kubelet's configuration for this program, printed or put on a node.

Writes only with ``--install``, and shows before what it writes.
"""

from __future__ import annotations

import os
import string
from pathlib import Path

import click

from cred_helper import clouds, providers, stdio
from cred_helper.commands.configure.consent import consent
from cred_helper.commands.node import entries, installation, layouts, match_images, yaml_text
from cred_helper.commands.node.entries import ChosenCloud
from cred_helper.commands.node.layouts import Layout
from cred_helper.commands.node.provider_config import Entry, new
from cred_helper.commands.ui.screen import Screen, dim, shown
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.settings.settings import Settings

_WIDTH = 12
# A cloud that is there only for those who set it up has no identity on a node.
_NAMES = tuple(cloud.name for cloud in clouds.CLOUDS if not cloud.only_with)


@click.command("kubelet-config")
@click.option(
    "--cloud",
    "names",
    type=click.Choice(_NAMES),
    multiple=True,
    help="Only for this cloud. Can be repeated.",
)
@click.option(
    "--pod-identity",
    is_flag=True,
    help="Give the pods' service account tokens to the providers: Kubernetes 1.34 and later.",
)
@click.option(
    "--option",
    "options",
    metavar="CLOUD.NAME=VALUE",
    multiple=True,
    help="Set an option of a cloud on the node. Can be repeated.",
)
@click.option(
    "--audience",
    "audiences",
    metavar="CLOUD=AUDIENCE",
    multiple=True,
    help="The audience of the tokens for a cloud, if not the usual one.",
)
@click.option("--rbac", is_flag=True, help="Print the RBAC that --pod-identity needs.")
@click.option(
    "--install",
    "root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Install program and configuration on the node with this root folder, such as /.",
)
@click.option(
    "--layout",
    "layout_name",
    type=click.Choice(layouts.NAMES),
    help="The kind of node, if it is not detected.",
)
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    help="The single file to install instead of this program.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show the changes, write nothing.")
def kubelet_config(
    names: tuple[str, ...],
    pod_identity: bool,
    options: tuple[str, ...],
    audiences: tuple[str, ...],
    rbac: bool,
    root: Path | None,
    layout_name: str | None,
    program: Path | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Make this program a credential provider of kubelet.

    Prints the CredentialProviderConfig, in YAML. --install puts the program, its links and the
    configuration on a node; other providers in the configuration stay as they are.
    """
    if root is None and (program or yes or dry_run):
        raise click.UsageError("--program, --yes and --dry-run go with --install")
    if (rbac or audiences) and not pod_identity:
        raise click.UsageError("--rbac and --audience go with --pod-identity")
    chosen = _chosen(names, options)
    if pod_identity:
        _add_audiences(chosen, audiences)
    screen = Screen()
    if rbac:
        roles = entries.rbac(list(dict.fromkeys(one.audience for one in chosen if one.audience)))
        screen.line("---\n".join(yaml_text.render(role) for role in roles))
    elif root is None:
        document = new(entries.of(chosen))
        if layout_name == layouts.TALOS:
            document = {"machine": {"kubelet": {"credentialProviderConfig": document}}}
        screen.line(yaml_text.render(document))
    else:
        layout = layouts.find(layout_name) if layout_name else layouts.detect(root)
        if layout is None:
            raise Misconfigured("node.unknown-layout", root=root)
        source, found = installation.program(program), entries.of(chosen)
        node = f"{layout.name}: {layout.config}, {layout.folder}"
        screen.labelled(dim("node"), node, width=_WIDTH)
        changes = installation.changes(root, layout, found, source)
        if not changes:
            screen.line()
            screen.line("nothing to do: it is installed already")
        elif consent(screen, changes, yes=yes, dry_run=dry_run):
            for change in changes:
                change.apply()
            screen.line("done")
            _show_what_is_left(screen, layout, found)


def _chosen(names: tuple[str, ...], options: tuple[str, ...]) -> list[ChosenCloud]:
    """The clouds, with the options that are given and the hosts of the rules."""
    of_build = [name for name in _NAMES if providers.load(name)]
    if not of_build or not set(names) <= set(of_build):
        raise Misconfigured("node.left-out", clouds=", ".join(of_build) or "none")
    chosen = {name: ChosenCloud(clouds.find(name)) for name in names or of_build}
    for given in options:
        name, _, value = given.partition("=")
        cloud, _, option = name.partition(".")
        if not (value and cloud in chosen and option in clouds.find(cloud).option_names):
            wrong = f"--option {shown(name)}: not CLOUD.NAME=VALUE of a chosen cloud"
            raise click.UsageError(wrong)
        chosen[cloud].options[option] = value
    for rule in Settings.load(os.environ).rules:
        if rule.target is None or rule.target.cloud not in chosen:
            continue
        if glob := match_images.of_rule(rule.match):
            chosen[rule.target.cloud].hosts.append(glob)
        else:
            place = rule.place.of("match")
            stdio.warning(CredentialError("node.rule-without-glob", place=place))
    return list(chosen.values())


def _add_audiences(chosen: list[ChosenCloud], given: tuple[str, ...]) -> None:
    """Give each cloud that takes tokens the audience of its tokens."""
    audiences = {}
    for text in given:
        name, _, audience = text.partition("=")
        if not audience or name not in [one.cloud.name for one in chosen]:
            raise click.UsageError(
                f"--audience {shown(name)}: not CLOUD=AUDIENCE of a chosen cloud"
            )
        audiences[name] = audience
    for one in chosen:
        cloud = one.cloud
        if not (cloud.annotations and cloud.audience):
            continue
        form = cloud.audience
        for _, option, _, _ in string.Formatter().parse(form):
            if option and option not in one.options:
                raise click.UsageError(
                    f"--pod-identity for {cloud.name} needs --option {cloud.name}.{option}=…;"
                    " --cloud leaves a cloud out"
                )
        one.audience = audiences.get(cloud.name) or form.format(**one.options)


def _show_what_is_left(screen: Screen, layout: Layout, found: list[Entry]) -> None:
    codes = {
        "node.needs-rbac": any("tokenAttributes" in entry for entry in found),
        "node.needs-flags": layout.needs_flags,
        "node.in-machine-config": layout.in_machine_config,
        "node.needs-restart": not layout.in_machine_config,
    }
    for code in (code for code, is_left in codes.items() if is_left):
        note = CredentialError(code, flags=layout.flags, restart=layout.restart)
        screen.labelled(dim("note"), note.reason, width=_WIDTH)
