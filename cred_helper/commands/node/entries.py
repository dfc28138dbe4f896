"""The providers that this program is configured as, and the RBAC that pod identity needs.

Without pod identity one provider answers for all clouds with the node's identity. With it each
cloud has its own entry, by another name of the same executable: the audience of the service
account's token is different at each cloud. Such a provider also answers for the pods that ask for
no identity of their own, static ones included. A second provider beside it would do so too, and
would give the node's credential to a pod whose own identity is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cred_helper import clouds
from cred_helper.commands.node import match_images
from cred_helper.commands.node.provider_config import PLUGIN_VERSION, PROGRAM, TOKENS, Entry
from cred_helper.settings.node import NODE, WITHOUT_ANNOTATION
from cred_helper.settings.settings import option_variable

_ROLE = "docker-credential-multi-audience"
_RBAC = "rbac.authorization.k8s.io"


@dataclass
class ChosenCloud:
    """A cloud to configure: its options, the hosts that rules add, and the audience of its tokens.

    ``audience`` is empty without pod identity.
    """

    cloud: clouds.Cloud
    options: dict[str, str] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    audience: str = ""

    def globs(self) -> list[str]:
        return [*match_images.of_cloud(self.cloud.name), *self.hosts]


def of(chosen: list[ChosenCloud]) -> list[Entry]:
    """The providers for these clouds: one for all without an audience, and one for each other."""
    of_node = [one for one in chosen if not one.audience]
    found = [_entry(PROGRAM, of_node)] if of_node else []
    for one in chosen:
        if one.audience:
            entry = _entry(f"{PROGRAM}-{one.cloud.name}", [one])
            entry["args"] = [f"--{WITHOUT_ANNOTATION}={NODE}"]
            entry[TOKENS] = {
                "serviceAccountTokenAudience": one.audience,
                "cacheType": "ServiceAccount",
                "requireServiceAccount": False,
                "optionalServiceAccountAnnotationKeys": [a.name for a in one.cloud.annotations],
            }
            found.append(entry)
    return found


def _entry(name: str, chosen: list[ChosenCloud]) -> Entry:
    entry: Entry = {
        "name": name,
        "apiVersion": PLUGIN_VERSION,
        "matchImages": match_images.narrowed(glob for one in chosen for glob in one.globs()),
        # For an answer without a lifetime; each of ours has one.
        "defaultCacheDuration": "0s",
    }
    variables = [
        {"name": option_variable(one.cloud.name, option), "value": value}
        for one in chosen
        for option, value in one.options.items()
    ]
    return entry | ({"env": variables} if variables else {})


def rbac(audiences: list[str]) -> list[dict[str, Any]]:
    """The role that lets nodes ask for tokens with these audiences, and its binding."""
    verbs = ["request-serviceaccounts-token-audience"]
    role = {"rules": [{"apiGroups": [""], "resources": audiences, "verbs": verbs}]}
    binding = {
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": _ROLE},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": "system:nodes"}],
    }
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": {"name": _ROLE}, **members}
        for kind, members in (("ClusterRole", role), ("ClusterRoleBinding", binding))
    ]
