"""Azure's plugin for kubelet, and the file that it shares with the cloud provider of Kubernetes.

Source: https://github.com/kubernetes-sigs/cloud-provider-azure/tree/master/cmd/acr-credential-provider
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, ProtocolError
from cred_helper.files import json_file
from cred_helper.files.os_errors import os_reason
from cred_helper.files.path_values import quotable
from cred_helper.hosts import ACR, route
from cred_helper.providers.common.node_plugin import Arguments, NodeSettings
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MIRROR = "registry-mirror"
_BINDING = ("ib-sni-name", "ib-default-client-id", "ib-default-tenant-id", "ib-apiserver-ip")
# The variables of Azure's SDK, and the keys of the file that mean the same.
_KEYS = (
    ("AZURE_TENANT_ID", "tenantId"),
    ("AZURE_CLIENT_ID", "aadClientId"),
    ("AZURE_CLIENT_SECRET", "aadClientSecret"),
    ("AZURE_CLIENT_CERTIFICATE_PATH", "aadClientCertPath"),
    ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "aadClientCertPassword"),
)


def read(program: str, arguments: Sequence[str], _environ: Mapping[str, str]) -> NodeSettings:
    given = Arguments(program, arguments, (_MIRROR, *_BINDING), {"r": _MIRROR})
    given.expect_no(given.words[1:])
    if any(given.get(name) for name in _BINDING):
        what = "an identity binding (--ib-sni-name)"
        instead = "annotations of the service account, with a federated credential of the identity"
        raise ProtocolError("kubelet.not-supported", what=what, instead=instead)
    if not given.words:
        raise ProtocolError("kubelet.no-value", argument="configFile")
    pairs = given.get(_MIRROR).replace(" ", "").split(",")
    aliases = [_alias(pair) for pair in pairs if pair]
    return _of_file(given.words[0]).but(aliases=aliases)


def _alias(pair: str) -> tuple[str, str, str]:
    source, _, target = pair.partition(":")
    found = route(ServerURL.parse(target))
    if not source or found is None or found.cloud != ACR:
        expected = "SOURCE:REGISTRY, with a registry of Azure"
        raise ProtocolError("kubelet.bad-value", argument=f"--{_MIRROR}", expected=expected)
    return source, found.host, f"--{_MIRROR}"


def _of_file(path: str) -> NodeSettings:
    """The node's identity, from the file that the cloud provider of Azure reads too."""
    shown = path if quotable(path) else "the file of the arguments"
    try:
        config = json_file.parse_value(json_file.read(path))
    except OSError as error:
        problem = os_reason(error)
        raise Misconfigured("kubelet.cannot-read", path=shown, problem=problem) from None
    except Misconfigured as error:
        raise error.within("file.at", place=shown) from None
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise Misconfigured("kubelet.bad-file", path=shown)

    def text(name: str) -> str:
        value = config.get(name)
        return value if isinstance(value, str) else ""

    if config.get("useManagedIdentityExtension") is True:
        options = {"token_credentials": "ManagedIdentityCredential"}
        if identity := text("userAssignedIdentityID"):
            is_resource = "/subscriptions/" in identity.lower()
            options["resource_id" if is_resource else "client_id"] = identity
        return NodeSettings(node_options=options)
    if text("aadClientId"):
        options = {"token_credentials": "EnvironmentCredential"}
        variables = {variable: text(key) for variable, key in _KEYS if text(key)}
        return NodeSettings(node_options=options, variables=variables)
    return NodeSettings()
