"""A plugin for kubelet that this program stands in for: its arguments, and what they set.

``read`` in ``providers/NAME/node_plugin.py`` gets the program's name, its arguments and the
environment. Defects of the plugins (a token for any host, the node's identity where the pod's
fails, a client secret as a password) are not imitated.
"""

from __future__ import annotations

from cred_helper.errors import ProtocolError
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# All that klog and its relatives have is accepted and has no effect: kubelet's log has what fails,
# and DOCKER_CREDENTIAL_MULTI_LOG the rest.
_OF_KLOG = (
    *("v", "vmodule", "stderrthreshold", "logging-format", "log-flush-frequency"),
    *("log-backtrace-at", "log-dir", "log-file", "log-file-max-size"),
)
_FLAGS_OF_KLOG = (
    *("logtostderr", "alsologtostderr", "legacy-stderr-threshold-behavior", "one-output"),
    *("add-dir-header", "skip-headers", "skip-log-headers"),
)


class NodeSettings(Record):
    """The settings that a plugin's arguments make.

    ``pod_options`` are options for a pod's own identity, ``node_options`` for the node's.
    ``answers_as_node`` is whether a pod whose service account has no annotation gets the node's
    credential; otherwise it gets one only where the options say all that its own identity needs.
    ``aliases`` are hosts with the registries that they stand for, and the argument that says so.
    ``variables`` are for the SDK, where the node's identity is asked.
    """

    pod_options: Mapping[str, str] = {}
    node_options: Mapping[str, str] = {}
    answers_as_node: bool = False
    aliases: Sequence[tuple[str, str, str]] = ()
    variables: Mapping[str, str] = {}


class Arguments:
    """The arguments of a program: values by their names, and words.

    ``named`` are those that have a value, ``short`` their letters. A plugin of a cloud accepts
    klog's arguments too.

    Raises:
        ProtocolError: an argument is unknown, or has no value.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        named: Sequence[str] = (),
        short: Mapping[str, str] = {},
        *,
        has_klog: bool = True,
    ) -> None:
        self._program = program
        self.words: list[str] = []
        self._values: dict[str, str] = {}
        left = list(arguments)
        while left:
            argument = left.pop(0)
            if argument == "--":
                self.words += left
                break
            if not argument.startswith("-") or argument == "-":
                self.words.append(argument)
                continue
            given, equals, value = argument.lstrip("-").partition("=")
            is_short = not argument.startswith("--") and given not in _OF_KLOG
            if is_short and given[:1] in short:
                given, rest = given[:1], given[1:]
                value, equals = (rest + equals + value, "=") if rest else (value, equals)
            given = short.get(given, given)
            if has_klog and given.replace("_", "-") in _FLAGS_OF_KLOG:
                continue
            is_klog = has_klog and given.replace("_", "-") in _OF_KLOG
            if given not in named and not is_klog:
                self.expect_no([argument])
            if not equals:
                if not left:
                    raise ProtocolError("kubelet.no-value", argument=_shown(argument))
                value = left.pop(0)
            self._values[given] = value

    def get(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def expect_no(self, words: Sequence[str]) -> None:
        """Raise ``ProtocolError`` for the first of words that the program does not know."""
        if words:
            known = {"argument": _shown(words[0]), "name": self._program}
            raise ProtocolError("kubelet.unknown-argument", **known)


def _shown(argument: str) -> str:
    """The name of an argument; its value may be anything."""
    name = argument.partition("=")[0]
    letters = name.replace("-", "").replace("_", "")
    return name if len(name) <= 40 and letters.isascii() and letters.isalnum() else "…"
