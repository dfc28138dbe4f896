"""Called by kubelet: the settings that the name of the link and the arguments make.

A link takes the place of a cloud's own plugin: the plugin's arguments and variables count, only
that cloud answers, and a pod without an annotation gets what it gets from the plugin. Defects of
the plugins (a token for any host, the node's identity where the pod's fails, a client secret as a
password) are not imitated.

Sources:
  https://github.com/kubernetes/cloud-provider-aws/tree/master/cmd/ecr-credential-provider
  https://github.com/kubernetes/cloud-provider-gcp/tree/master/cmd/auth-provider-gcp
  https://github.com/kubernetes-sigs/cloud-provider-azure/tree/master/cmd/acr-credential-provider
"""

from __future__ import annotations

from cred_helper import clouds
from cred_helper.errors import Misconfigured, ProtocolError
from cred_helper.files import json_file
from cred_helper.files.os_errors import os_reason
from cred_helper.files.path_values import quotable
from cred_helper.hosts import ACR, ECR, GCR, route
from cred_helper.server_url import ServerURL
from cred_helper.settings.link_profile import LinkProfile
from cred_helper.settings.places import Place
from cred_helper.settings.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NODE, FAIL = "node", "fail"
WITHOUT_ANNOTATION = "without-annotation"
# How messages call our own arguments.
_OWN = "docker-credential-multi kubelet"
# The arguments of each plugin that have a value. All that klog and its relatives have are accepted
# and have no effect: kubelet's log has what fails, and DOCKER_CREDENTIAL_MULTI_LOG the rest.
_AUTH_FLOW, _IDENTITY_PROVIDER, _PROJECT = "authFlow", "identity-provider", "project-id"
_MIRROR = "registry-mirror"
_BINDING = ("ib-sni-name", "ib-default-client-id", "ib-default-tenant-id", "ib-apiserver-ip")
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "": (WITHOUT_ANNOTATION,),
    ECR: (),
    GCR: (_AUTH_FLOW, _IDENTITY_PROVIDER, _PROJECT),
    ACR: (_MIRROR, *_BINDING),
}
_SHORT = {"a": _AUTH_FLOW, "r": _MIRROR}
_OF_KLOG = (
    *("v", "vmodule", "stderrthreshold", "logging-format", "log-flush-frequency"),
    *("log-backtrace-at", "log-dir", "log-file", "log-file-max-size"),
)
_FLAGS_OF_KLOG = (
    *("logtostderr", "alsologtostderr", "legacy-stderr-threshold-behavior", "one-output"),
    *("add-dir-header", "skip-headers", "skip-log-headers"),
)
_ROLE_VARIABLE = "AWS_ECR_ROLE_ARN"
# The variables of Azure's SDK, and the keys of the cloud provider's file that mean the same.
_AZURE_KEYS = (
    ("AZURE_TENANT_ID", "tenantId"),
    ("AZURE_CLIENT_ID", "aadClientId"),
    ("AZURE_CLIENT_SECRET", "aadClientSecret"),
    ("AZURE_CLIENT_CERTIFICATE_PATH", "aadClientCertPath"),
    ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "aadClientCertPassword"),
)


class NodeProfile:
    """The settings that kubelet's link and arguments make.

    ``pod_options`` are options for a pod's own identity, ``node_options`` for the node's.
    ``without_annotation`` is ``node`` where a pod whose service account has no annotation gets the
    node's credential; with ``fail`` it gets one only where the options say all that its own
    identity needs. ``rules`` come before those of the settings; for the registries that they match,
    such a pod gets the node's. ``variables`` are for the SDK, where the node's identity is asked.
    """

    def __init__(self, cloud: str = "") -> None:
        self.profile = LinkProfile(cloud=cloud or None)
        self.pod_options: dict[str, str] = {}
        self.node_options: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.rules: tuple[Rule, ...] = ()
        self.without_annotation = FAIL


def find(link: str, arguments: Sequence[str], environ: Mapping[str, str]) -> NodeProfile:
    """The profile of a link's name and the arguments."""
    cloud = next((row.name for row in clouds.CLOUDS if link and row.plugin == link), "")
    values, rest = _parse(link or _OWN, cloud, arguments)
    profile = NodeProfile(cloud)
    if cloud == ECR:
        _ecr(profile, environ)  # the plugin ignores its arguments
    elif cloud == GCR:
        _expect_no([word for word in rest if word != "get-credentials"], link)
        _gcr(profile, values)
    elif cloud == ACR:
        _expect_no(rest[1:], link)
        _acr(profile, values, rest)
    else:
        _expect_no(rest, link or _OWN)
        _own(profile, values)
    return profile


def _parse(name: str, cloud: str, arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Split the arguments into values by their names, and words.

    As the plugins do it: ``--name value``, ``--name=value``, ``-n value`` and ``-nvalue``.
    """
    known = _ARGUMENTS.get(cloud, ())
    values: dict[str, str] = {}
    words: list[str] = []
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument == "--":
            return values, words + left
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        given, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("--") and given[:1] in _SHORT and given not in _OF_KLOG:
            given, rest = given[:1], given[1:]
            value, equals = (rest + equals + value, "=") if rest else (value, equals)
        given = _SHORT.get(given, given)
        is_klog = given.replace("_", "-") in _OF_KLOG
        if cloud and given.replace("_", "-") in _FLAGS_OF_KLOG:
            continue
        if given not in known and not (cloud and is_klog):
            raise ProtocolError("kubelet.unknown-argument", argument=_shown(argument), name=name)
        if not equals:
            if not left:
                raise ProtocolError("kubelet.no-value", argument=_shown(argument))
            value = left.pop(0)
        values[given] = value
    return values, words


def _shown(argument: str) -> str:
    """The name of an argument; its value may be anything."""
    name = argument.partition("=")[0]
    letters = name.replace("-", "").replace("_", "")
    return name if len(name) <= 40 and letters.isascii() and letters.isalnum() else "…"


def _expect_no(words: Sequence[str], name: str) -> None:
    if words:
        raise ProtocolError("kubelet.unknown-argument", argument=_shown(words[0]), name=name)


def _own(profile: NodeProfile, values: Mapping[str, str]) -> None:
    chosen = values.get(WITHOUT_ANNOTATION, FAIL)
    if chosen not in (NODE, FAIL):
        argument, expected = f"--{WITHOUT_ANNOTATION}", f"{NODE} or {FAIL}"
        raise ProtocolError("kubelet.bad-value", argument=argument, expected=expected)
    profile.without_annotation = chosen


def _ecr(profile: NodeProfile, environ: Mapping[str, str]) -> None:
    if role := environ.get(_ROLE_VARIABLE):
        profile.pod_options = {"role_arn": role}
    else:
        profile.without_annotation = NODE


def _gcr(profile: NodeProfile, values: Mapping[str, str]) -> None:
    profile.without_annotation = NODE
    if values.get(_AUTH_FLOW, "gcr") != "gcr":
        # The others read a .dockercfg from the machine's metadata.
        what, instead = "an authFlow other than gcr", "--authFlow=gcr"
        raise ProtocolError("kubelet.not-supported", what=what, instead=instead)
    issuer, project = values.get(_IDENTITY_PROVIDER, ""), values.get(_PROJECT, "")
    if issuer and not project:
        argument, other = f"--{_IDENTITY_PROVIDER}", f"--{_PROJECT}"
        raise ProtocolError("kubelet.needs-argument", argument=argument, other=other)
    if issuer:
        # The pool of a GKE cluster's project has every cluster as a provider, by its issuer.
        provider = f"identitynamespace:{project}.svc.id.goog:{issuer}"
        profile.pod_options = {"workload_identity_provider": provider}


def _acr(profile: NodeProfile, values: Mapping[str, str], words: Sequence[str]) -> None:
    if any(values.get(name) for name in _BINDING):
        what = "an identity binding (--ib-sni-name)"
        instead = "annotations of the service account, with a federated credential of the identity"
        raise ProtocolError("kubelet.not-supported", what=what, instead=instead)
    if not words:
        raise ProtocolError("kubelet.no-value", argument="configFile")
    pairs = values.get(_MIRROR, "").replace(" ", "")
    profile.rules = tuple(_mirror(pair) for pair in pairs.split(",") if pair)
    _read_azure_json(profile, words[0])


def _mirror(pair: str) -> Rule:
    source, _, target = pair.partition(":")
    found = route(ServerURL.parse(target))
    if not source or found is None or found.cloud != ACR:
        expected = "SOURCE:REGISTRY, with a registry of Azure"
        raise ProtocolError("kubelet.bad-value", argument=f"--{_MIRROR}", expected=expected)
    place = Place(f"--{_MIRROR}", "")
    return Rule.read({"match": source, "alias": found.host}, place)


def _read_azure_json(profile: NodeProfile, path: str) -> None:
    """Take the node's identity from the file that the cloud provider of Azure reads too."""
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
        identity = text("userAssignedIdentityID")
        is_resource = "/subscriptions/" in identity.lower()
        profile.node_options = {"token_credentials": "ManagedIdentityCredential"}
        if identity:
            profile.node_options["resource_id" if is_resource else "client_id"] = identity
    elif text("aadClientId"):
        profile.node_options = {"token_credentials": "EnvironmentCredential"}
        profile.variables = {variable: text(key) for variable, key in _AZURE_KEYS if text(key)}
