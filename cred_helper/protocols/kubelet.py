"""The protocol of kubelet's image credential providers, in its three versions.

Parses one request and renders one response of the same version. As strict as kubelet is with a
response: unknown and repeated keys, another kind or version and wrong types are errors. Never asks
a source, never prints.

Source: https://github.com/kubernetes/kubelet/blob/master/pkg/apis/credentialprovider/v1/types.go
"""

from __future__ import annotations

import json

from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, ProtocolError
from cred_helper.protocols import decoded, json_object, text_of
from cred_helper.record import Record
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


GROUP = "credentialprovider.kubelet.k8s.io"
REQUEST, RESPONSE = "CredentialProviderRequest", "CredentialProviderResponse"
IMAGE, REGISTRY = "Image", "Registry"
_TOKEN, _ANNOTATIONS = "serviceAccountToken", "serviceAccountAnnotations"
_KEYS = ("kind", "apiVersion", "image")
# The versions, and the keys that each has.
VERSIONS = {
    f"{GROUP}/v1": (*_KEYS, _TOKEN, _ANNOTATIONS),
    f"{GROUP}/v1beta1": _KEYS,
    f"{GROUP}/v1alpha1": _KEYS,
}
# A longer key, or one with other characters, could be a secret in the wrong place.
_MAX_KEY_LENGTH = 40

# What a reference consists of. Tags and digests are checked as loosely as they are used.
# Source: https://github.com/distribution/reference/blob/main/reference.go
_ADDRESS = frozenset("0123456789abcdefABCDEF.:[]")
_PATH = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_TAG = _PATH | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MAX_REFERENCE_LENGTH = 1024
# The registry of images whose names have none; kubelet looks for its credentials under this name.
HUB = "index.docker.io"


class Image(Record):
    """An image: the registry as the reference has it, and the segments of the repository."""

    registry: str
    segments: tuple[str, ...]

    @classmethod
    def parse(cls, reference: str) -> Image:
        """Parse a reference, with or without a tag and a digest.

        Raises:
            ProtocolError: it is not a reference. It is not quoted.
        """
        name, _, digest = reference.partition("@")
        first, slash, rest = name.partition("/")
        is_domain = bool(slash) and (bool({".", ":"} & set(first)) or first == "localhost")
        registry, repository = (first, rest) if is_domain else (HUB, name)
        repository, colon, tag = repository.partition(":")
        segments = tuple(repository.split("/"))
        if (
            len(reference) > _MAX_REFERENCE_LENGTH
            or not _is_registry(registry)
            or not all(_is_segment(segment) for segment in segments)
            or not _TAG.issuperset(tag)
            or bool(colon) != bool(tag)
            or not (_TAG | {":"}).issuperset(digest)
            or ("@" in reference) != (":" in digest)
        ):
            raise ProtocolError("kubelet.not-reference")
        return cls(registry, segments)

    def __str__(self) -> str:
        return "/".join((self.registry, *self.segments))


def _is_registry(text: str) -> bool:
    url = ServerURL.parse(text)
    is_address = url.host[:1] + url.host[-1:] == "[]" and set(url.host) <= _ADDRESS
    has_port = url.port.isdigit() or url.address == url.host
    return url.raw == text and not url.path and has_port and (url.is_host or is_address)


def _is_segment(text: str) -> bool:
    return bool(text) and _PATH.issuperset(text) and text[0].isalnum() and text[-1].isalnum()


class Request(Record):
    """A request. ``token`` is the service account's token; ``None`` where kubelet sends none."""

    api_version: str
    image: Image
    token: Secret | None = None
    annotations: Mapping[str, str] = {}


def parse(standard_input: bytes) -> Request:
    """Parse a request.

    Raises:
        ProtocolError: it is not a request of one of the versions.
    """
    text = decoded(standard_input)
    if not text.strip():
        raise ProtocolError("kubelet.no-request", kind=REQUEST)
    document = json_object(text, object_pairs_hook=_without_repeats)
    if document.get("kind") != REQUEST:
        raise ProtocolError("kubelet.other-kind", kind=REQUEST)
    api_version = document.get("apiVersion")
    if not isinstance(api_version, str) or api_version not in VERSIONS:
        raise ProtocolError("kubelet.other-version", versions=", ".join(VERSIONS))
    for key in document:
        if key not in VERSIONS[api_version]:
            raise ProtocolError("kubelet.unknown-key", key=_shown(key), version=api_version)
    image, token = (text_of(document.get(key), key) for key in ("image", _TOKEN))
    if not image:
        raise ProtocolError("kubelet.no-image")
    given = document.get(_ANNOTATIONS)
    annotations = {} if given is None else given
    is_object = isinstance(annotations, dict)
    if not is_object or not all(isinstance(value, str) for value in annotations.values()):
        raise ProtocolError("kubelet.annotations")
    return Request(api_version, Image.parse(image), Secret(token) if token else None, annotations)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ProtocolError("kubelet.repeated-key", key=_shown(key))
        found[key] = value
    return found


def _shown(key: str) -> str:
    return key if len(key) <= _MAX_KEY_LENGTH and key.isascii() and key.isalnum() else "…"


def render(
    request: Request, credential: Credential | None, *, pattern: str, key_type: str, seconds: float
) -> bytes:
    """Render the response; without a credential it has an empty ``auth``.

    ``pattern`` is what kubelet compares with an image, ``key_type`` for which images it keeps the
    response, and ``seconds`` how long.
    """
    auth = {}
    if credential is not None:
        auth[pattern] = {"username": credential.username, "password": credential.secret.expose()}
    response = {
        "kind": RESPONSE,
        "apiVersion": request.api_version,
        "cacheKeyType": key_type,
        "cacheDuration": f"{int(seconds)}s",
        "auth": auth,
    }
    return f"{json.dumps(response, separators=(',', ':'))}\n".encode("ascii")


def render_error(error: CredentialError) -> str:
    """Render a failure as one line of kubelet's log: the reason, and what to try."""
    return "; ".join(filter(None, (*(e.line for e in (error, *error.others)), error.hint)))
