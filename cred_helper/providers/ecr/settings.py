"""The AWS SDK's settings whose value is not any text, and which of them has a wrong value.

The SDK's error for most of them names its own class alone. Looked at after it has refused to work,
and by ``doctor``. Never quotes a value.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

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
    *("max_attempts", "metadata_service_num_attempts", "metadata_service_timeout"),
    "request_min_compression_size_bytes",
)
# Options whose settings stand below them, indented.
_NESTED = ("s3", "dynamodb", "api_versions")


def wrong_setting(config: Configuration) -> Misconfigured | None:
    """The error for the first setting that has a wrong value."""
    return next(_wrong_settings(config), None)


def _wrong_settings(config: Configuration) -> Iterator[Misconfigured]:
    for option, choices in _CHOICES.items():
        if config.setting(option).lower() not in ("", *choices):
            yield _wrong(config, option, f"one of {', '.join(choices)}")
    for option in _NUMBERS:
        value = config.setting(option)
        if value and not value.isdecimal():
            yield _wrong(config, option, "a whole number")
    from datetime import datetime

    try:
        if expiration := config.environ.get("AWS_CREDENTIAL_EXPIRATION"):
            datetime.fromisoformat(expiration)
    except ValueError:
        yield _wrong(config, "credential_expiration", "a time such as 2030-01-31T12:00:00Z")
    for option in _NESTED:
        if not config.options.get(option, "\n").startswith("\n"):
            yield _wrong(config, option, "followed by indented settings")


def _wrong(config: Configuration, option: str, wanted: str) -> Misconfigured:
    variable = f"AWS_{option.upper()}"
    of_profile = f'{option} of profile "{config.profile}" in {config.config_file.shown}'
    name = variable if config.environ.get(variable) else of_profile
    return Misconfigured("ecr.setting-wrong", name=name, wanted=wanted)
