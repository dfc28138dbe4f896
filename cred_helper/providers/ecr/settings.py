"""The AWS SDK's settings whose value is not any text, and which of them has a wrong value.

The SDK's error for most of them names its own class alone. Looked at after it has refused to work,
and by ``doctor``. Never quotes a value.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

from functools import partial

from cred_helper.errors import Misconfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.providers.ecr.configuration import Configuration

_CHECKSUMS = ("when_supported", "when_required")
# The option of a profile → its variable is the option in capitals, after "AWS_".
_CHOICES = {
    "account_id_endpoint_mode": ("preferred", "disabled", "required"),
    "defaults_mode": ("legacy", "standard", "in-region", "cross-region", "mobile", "auto"),
    "ec2_metadata_service_endpoint_mode": ("ipv4", "ipv6"),
    "request_checksum_calculation": _CHECKSUMS,
    "response_checksum_validation": _CHECKSUMS,
    "retry_mode": ("legacy", "standard", "adaptive"),
    "sts_regional_endpoints": ("legacy", "regional"),
}
_NUMBERS = (
    "max_attempts",
    "metadata_service_num_attempts",
    "metadata_service_timeout",
    "request_min_compression_size_bytes",
)
# Options whose settings stand below them, indented.
_NESTED = ("s3", "dynamodb", "api_versions")


def wrong_setting(config: Configuration) -> Misconfigured | None:
    """The error for the first setting that has a wrong value."""
    for option, choices in _CHOICES.items():
        wanted = f"one of {', '.join(choices)}"
        if problem := _checked(config, option, wanted, partial(_is_one_of, choices)):
            return problem
    for option in _NUMBERS:
        if problem := _checked(config, option, "a whole number", str.isdecimal):
            return problem
    if problem := _expiration(config):
        return problem
    for option in _NESTED:
        value = config.options.get(option)
        if value is not None and not value.startswith("\n"):
            return _of_option(config, option, "followed by indented settings")
    return None


def _is_one_of(choices: tuple[str, ...], value: str) -> bool:
    return value.lower() in choices


def _checked(
    config: Configuration, option: str, wanted: str, is_right: Callable[[str], bool]
) -> Misconfigured | None:
    variable = f"AWS_{option.upper()}"
    if value := config.environ.get(variable):
        if is_right(value):
            return None
        return Misconfigured("ecr.setting-wrong", name=variable, wanted=wanted)
    value = config.options.get(option, "")
    return _of_option(config, option, wanted) if value and not is_right(value) else None


def _of_option(config: Configuration, option: str, wanted: str) -> Misconfigured:
    name = f'{option} of profile "{config.profile}" in {config.config_file.shown}'
    return Misconfigured("ecr.setting-wrong", name=name, wanted=wanted)


def _expiration(config: Configuration) -> Misconfigured | None:
    from datetime import datetime

    variable = "AWS_CREDENTIAL_EXPIRATION"
    value = config.environ.get(variable)
    try:
        if value:
            datetime.fromisoformat(value)
    except ValueError:
        wanted = "a time such as 2030-01-31T12:00:00Z"
        return Misconfigured("ecr.setting-wrong", name=variable, wanted=wanted)
    return None
