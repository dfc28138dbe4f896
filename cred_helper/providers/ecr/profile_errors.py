"""What is wrong in the AWS SDK's files and settings, and which profile it is wrong in.

A cached answer loads none of this. Never quotes a value in a message unless it is the name of a
profile, a section or an option.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

from cred_helper.errors import Denied, Misconfigured
from cred_helper.providers.ecr.configuration import section_name, sections
from cred_helper.secret_shapes import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.providers.ecr.configuration import Configuration
    from cred_helper.providers.ecr.sign_in import Session

# Options in whose values a "#" or ";" after a blank cannot be meant: the SDK takes it as a part of
# the value.
_NO_COMMENT = (
    *("aws_access_key_id", "aws_secret_access_key", "ca_bundle", "credential_source"),
    *("ec2_metadata_service_endpoint", "endpoint_url", "external_id", "login_session"),
    *("mfa_serial", "region", "role_arn", "role_session_name", "services", "source_profile"),
    *("sso_account_id", "sso_region", "sso_role_name", "sso_session", "sso_start_url"),
    *("sts_regional_endpoints", "web_identity_token_file"),
)
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


def profiles_in_use(config: Configuration) -> list[str]:
    """The profile in use, the source of its role, and so on."""
    name, found = config.profile, list[str]()
    while name in config.profiles and name not in found:
        found.append(name)
        name = config.profiles[name].get("source_profile", name)
    return found


def profile_with(config: Configuration, *options: str) -> str:
    """The first profile in use that has one of these options."""
    named = (name for name in profiles_in_use(config) if config.profiles[name].keys() & {*options})
    return next(named, config.profile)


def sign_in_error(config: Configuration, state: str, session: Session | None = None) -> Denied:
    """The error for a sign-in session in a ``Session.state`` that gives no keys; or ``read-only``.

    A session that is ``read-only`` has to be renewed, in a folder that cannot be written.
    """
    from shlex import quote

    options = ("sso_session", "sso_account_id", "sso_role_name", "login_session")
    profile = profile_with(config, *options)
    is_sso = "login_session" not in config.profiles.get(profile, {})
    command = f"{'aws sso login' if is_sso else 'aws login'} --profile {quote(profile)}"
    codes = {
        "missing": "ecr.sign-in-missing",
        "damaged": "ecr.sign-in-damaged",
        "read-only": "ecr.sign-in-not-writable",
    }
    code = codes.get(state, "ecr.sso-expired" if is_sso else "ecr.sign-in-expired")
    values = {"profile": profile, "command": command}
    if session is not None:
        values |= {"path": session.path, "folder": session.folder}
        values["field"] = session.wrong_field() or "expiresAt"
    return Denied(code, **values)


def nothing_found(config: Configuration) -> Misconfigured | None:
    """The error for an option that needs an identity, where none was found."""
    if unreadable := config.unreadable:
        return unreadable
    if config.role_arn:
        return config.wrong("role_arn", "ecr.nothing-assumes-role", role=config.shown_role)
    if config.chosen_profile:
        from shlex import quote

        profile = shown(config.profile)
        command = f"aws configure --profile {quote(profile)}"
        return config.wrong("profile", "ecr.profile-empty", profile=profile, command=command)
    return None


def comments_behind_values(config: Configuration) -> Iterator[Misconfigured]:
    """The options in use whose value goes on with what looks like a comment."""
    used = {*profiles_in_use(config), config.profile}
    sessions = {config.profiles.get(name, {}).get("sso_session") for name in used}
    for file in config.files:
        for section, options in sections(file).items():
            name = section_name(section, "profile")
            session = section_name(section, "sso-session")
            if not (name in used or section in used or (session and session in sessions)):
                continue
            for option, value in options.items():
                if option in _NO_COMMENT and (" #" in value or " ;" in value):
                    line = file.line_of(section, option)
                    values = {"path": file.shown, "line": f"{line}", "option": option}
                    yield Misconfigured("ecr.comment-behind-value", **values)


def wrong_setting(config: Configuration) -> Misconfigured | None:
    """The error for the first setting with a wrong value; the SDK names its own class alone."""
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
