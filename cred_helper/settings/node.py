"""Called by kubelet: the settings that the name of the link and the arguments make.

A link takes the place of a cloud's own plugin: the plugin's arguments and variables count, only
that cloud answers, and a pod without an annotation gets what it gets from the plugin.
"""

from __future__ import annotations

from cred_helper import clouds, providers
from cred_helper.errors import ProtocolError
from cred_helper.providers.common.interface import LinkProfile
from cred_helper.providers.common.node_plugin import Arguments, NodeSettings, Plugin
from cred_helper.record import Record
from cred_helper.settings.places import Place
from cred_helper.settings.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NODE, FAIL = "node", "fail"
WITHOUT_ANNOTATION = "without-annotation"
# How messages call our own arguments.
_OWN = "docker-credential-multi kubelet"


class NodeProfile(Record):
    """The settings that kubelet's link and arguments make.

    ``rules`` come before those of the settings; for the registries that they match, a pod without
    an annotation gets the node's credential.
    """

    profile: LinkProfile = LinkProfile()
    node: NodeSettings = NodeSettings()
    rules: tuple[Rule, ...] = ()


def find(link: str, arguments: Sequence[str], environ: Mapping[str, str]) -> NodeProfile:
    """The profile of a link's name and the arguments."""
    cloud = next((row.name for row in clouds.CLOUDS if link and row.plugin == link), None)
    profile = LinkProfile(cloud=cloud)
    plugin: Plugin | None = _OWN_PLUGIN
    if cloud:
        plugin = providers.find(f"{cloud}.node_plugin", "PLUGIN")
    if plugin is None:
        return NodeProfile(profile)  # a build without this cloud
    found = plugin.read(Arguments.parse(link or _OWN, plugin, arguments), environ)
    rules = (
        Rule.read({"match": host, "alias": registry}, Place(argument, ""))
        for host, registry, argument in found.aliases
    )
    return NodeProfile(profile, found, tuple(rules))


def _read(arguments: Arguments, _environ: Mapping[str, str]) -> NodeSettings:
    arguments.expect_no(arguments.words)
    chosen = arguments.values.get(WITHOUT_ANNOTATION, FAIL)
    if chosen not in (NODE, FAIL):
        argument, expected = f"--{WITHOUT_ANNOTATION}", f"{NODE} or {FAIL}"
        raise ProtocolError("kubelet.bad-value", argument=argument, expected=expected)
    return NodeSettings(answers_as_node=chosen == NODE)


_OWN_PLUGIN = Plugin(_read, (WITHOUT_ANNOTATION,), has_klog=False)
