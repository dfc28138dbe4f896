"""Google's plugin for kubelet.

Source: https://github.com/kubernetes/cloud-provider-gcp/tree/master/cmd/auth-provider-gcp
"""

from __future__ import annotations

from cred_helper.errors import ProtocolError
from cred_helper.providers.common.node_plugin import Arguments, NodeSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_AUTH_FLOW, _IDENTITY_PROVIDER, _PROJECT = "authFlow", "identity-provider", "project-id"


def read(program: str, arguments: Sequence[str], _environ: Mapping[str, str]) -> NodeSettings:
    names = (_AUTH_FLOW, _IDENTITY_PROVIDER, _PROJECT)
    given = Arguments(program, arguments, names, {"a": _AUTH_FLOW})
    given.expect_no([word for word in given.words if word != "get-credentials"])
    if given.get(_AUTH_FLOW, "gcr") != "gcr":
        # The others read a .dockercfg from the machine's metadata.
        what, instead = "an authFlow other than gcr", "--authFlow=gcr"
        raise ProtocolError("kubelet.not-supported", what=what, instead=instead)
    issuer, project = given.get(_IDENTITY_PROVIDER), given.get(_PROJECT)
    if not issuer:
        return NodeSettings(answers_as_node=True)
    if not project:
        argument, other = f"--{_IDENTITY_PROVIDER}", f"--{_PROJECT}"
        raise ProtocolError("kubelet.needs-argument", argument=argument, other=other)
    # The pool of a GKE cluster's project has every cluster as a provider, by its issuer.
    provider = f"identitynamespace:{project}.svc.id.goog:{issuer}"
    return NodeSettings({"workload_identity_provider": provider}, answers_as_node=True)
