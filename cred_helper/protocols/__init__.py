"""Wire formats: bytes in, a request out; an answer in, bytes out. No sources, no settings."""

from __future__ import annotations

from cred_helper.errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    # The C function behind json.dumps; the json package itself loads re.
    from _json import encode_basestring_ascii as quote
except ImportError:  # another interpreter than CPython
    from json.encoder import encode_basestring_ascii as quote

__all__ = ["quote"]

_BOM = b"\xef\xbb\xbf"
DOCKER, KUBELET, BAZEL = "docker", "kubelet", "bazel"
# The names that docker's clients call: no name of another protocol begins like them.
_DOCKER_HELPER = "docker-credential-"


def links() -> dict[str, str]:
    """The name of each link that selects another protocol than docker's, and that protocol."""
    from cred_helper import clouds

    plugins = [cloud.plugin for cloud in clouds.CLOUDS if cloud.plugin]
    kubelet = ["multi-credential-provider", *plugins]
    return {"bazel-credential-multi": BAZEL, **dict.fromkeys(kubelet, KUBELET)}


def linked_name(program: str) -> str:
    """Which of the names in ``links`` a program is called by; ``""`` for none.

    A link may add to the name after a hyphen: kubelet takes one executable for several providers
    only under several names.
    """
    name = program.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    if name.startswith(_DOCKER_HELPER):
        return ""
    found = [link for link in links() if name == link or name.startswith(f"{link}-")]
    return max(found, key=len, default="")


def decoded(standard_input: bytes) -> str:
    """The text of a request. Raises ``ProtocolError``."""
    try:
        return standard_input.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("client.not-utf") from None


def json_object(text: str, **options: Any) -> dict[str, Any]:
    """The JSON object that a request is. Raises ``ProtocolError``."""
    import json

    try:
        # Python limits the digits of an integer that it parses, and raises where there are more.
        document = json.loads(text, parse_int=float, **options)
    except (ValueError, RecursionError):
        raise ProtocolError("client.not-json") from None
    if not isinstance(document, dict):
        raise ProtocolError("client.not-object")
    return document


def text_of(value: object, field: str) -> str:
    """The text of a field; ``""`` where it is absent or null. Raises ``ProtocolError``."""
    if not isinstance(value, str | None):
        raise ProtocolError("client.not-text", field=field)
    return value or ""
