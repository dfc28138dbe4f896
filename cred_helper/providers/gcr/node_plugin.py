"""Google's plugin for kubelet.

Source: https://github.com/kubernetes/cloud-provider-gcp/tree/master/cmd/auth-provider-gcp
"""

from __future__ import annotations

from cred_helper.errors import ProtocolError
from cred_helper.providers.common.node_plugin import NodeSettings, Plugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.common.node_plugin import Arguments

_AUTH_FLOW, _IDENTITY_PROVIDER, _PROJECT = "authFlow", "identity-provider", "project-id"


def _read(arguments: Arguments, _environ: Mapping[str, str]) -> NodeSettings:
    arguments.expect_no([word for word in arguments.words if word != "get-credentials"])
    if arguments.values.get(_AUTH_FLOW, "gcr") != "gcr":
        # The others read a .dockercfg from the machine's metadata.
        what, instead = "an authFlow other than gcr", "--authFlow=gcr"
        raise ProtocolError("kubelet.not-supported", what=what, instead=instead)
    issuer, project = arguments.get(_IDENTITY_PROVIDER), arguments.get(_PROJECT)
    if not issuer:
        return NodeSettings(answers_as_node=True)
    if not project:
        argument, other = f"--{_IDENTITY_PROVIDER}", f"--{_PROJECT}"
        raise ProtocolError("kubelet.needs-argument", argument=argument, other=other)
    # The pool of a GKE cluster's project has every cluster as a provider, by its issuer.
    provider = f"identitynamespace:{project}.svc.id.goog:{issuer}"
    return NodeSettings({"workload_identity_provider": provider}, answers_as_node=True)


PLUGIN = Plugin(_read, (_AUTH_FLOW, _IDENTITY_PROVIDER, _PROJECT), {"a": _AUTH_FLOW})
