"""Called by kubelet: the settings that the name of the link and the arguments make.

A link takes the place of a cloud's own plugin: the plugin's arguments and variables count, only
that cloud answers, and a pod without an annotation gets what it gets from the plugin.
"""

from __future__ import annotations

from cred_helper import clouds, providers
from cred_helper.errors import ProtocolError
from cred_helper.providers.common.interface import LinkProfile
from cred_helper.providers.common.node_plugin import Arguments, NodeSettings
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
    read = providers.find(f"{cloud}.node_plugin", "read") if cloud else _read
    if read is None:
        return NodeProfile(profile)  # a build without this cloud
    found: NodeSettings = read(link or _OWN, arguments, environ)
    rules = (
        Rule.read({"match": host, "alias": registry}, Place(argument, ""))
        for host, registry, argument in found.aliases
    )
    return NodeProfile(profile, found, tuple(rules))


def _read(program: str, arguments: Sequence[str], _environ: Mapping[str, str]) -> NodeSettings:
    given = Arguments(program, arguments, (WITHOUT_ANNOTATION,), has_klog=False)
    given.expect_no(given.words)
    chosen = given.get(WITHOUT_ANNOTATION, FAIL)
    if chosen not in (NODE, FAIL):
        argument, expected = f"--{WITHOUT_ANNOTATION}", f"{NODE} or {FAIL}"
        raise ProtocolError("kubelet.bad-value", argument=argument, expected=expected)
    return NodeSettings(answers_as_node=chosen == NODE)
