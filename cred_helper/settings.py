"""Every setting and every environment variable of ours, in one table.

Nothing else reads ``DOCKER_CREDENTIAL_MULTI_*``. The clouds' own variables belong to the providers.
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "DOCKER_CREDENTIAL_MULTI_"


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise ValueError
    return value


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return parse


class Setting:
    """One setting: its name, variable, default, reader, and what it may be in words."""

    __slots__ = ("accepts", "default", "name", "parse", "purpose")

    def __init__(
        self,
        name: str,
        default: float | str,
        parse: Callable[[str], float | str],
        accepts: str,
        purpose: str,
    ) -> None:
        self.name = name
        self.default = default
        self.parse = parse
        self.accepts = accepts
        self.purpose = purpose

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()


SETTINGS = (
    Setting(
        "deadline_s",
        30.0,
        _seconds,
        "a number of seconds up to 3600",
        "how long one get may take in all",
    ),
    Setting(
        "on_error",
        "fail",
        _one_of("fail", "anonymous"),
        "fail or anonymous",
        "what a client is told when a configured identity did not work and no fallback answers",
    ),
)


class Settings:
    """The settings in force."""

    __slots__ = ("deadline_s", "on_error")
    deadline_s: float
    on_error: str

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            Misconfigured: a value is not what its setting accepts. The value is not quoted.
        """
        settings = cls()
        for setting in SETTINGS:
            text = environ.get(setting.variable, "")
            try:
                value = setting.parse(text) if text else setting.default
            except ValueError:
                raise Misconfigured(
                    f"{setting.variable} is not {setting.accepts}",
                    hint=f"set {setting.variable} to {setting.accepts}, or unset it",
                ) from None
            setattr(settings, setting.name, value)
        return settings
