"""What is wrong with the profiles in the AWS SDK's files, and which profile it is wrong in.

A cached answer loads none of this. Never quotes a value in a message unless it is the name of a
profile, a section or an option.
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.providers.ecr.configuration import PROFILE_VARIABLES, section_name, sections
from cred_helper.secret_shapes import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.providers.common.ini_file import IniFile
    from cred_helper.providers.ecr.configuration import Configuration

# Options in whose values a "#" or ";" after a blank cannot be meant: the SDK takes it as a part of
# the value.
_NO_COMMENT = (
    *("aws_access_key_id", "aws_secret_access_key", "ca_bundle", "credential_source"),
    *("ec2_metadata_service_endpoint", "endpoint_url", "external_id", "login_session"),
    *("mfa_serial", "region", "role_arn", "role_session_name", "services", "source_profile"),
    *("sso_account_id", "sso_region", "sso_role_name", "sso_session", "sso_start_url"),
    *("sts_regional_endpoints", "web_identity_token_file"),
)


def profiles_in_use(configuration: Configuration) -> Iterator[str]:
    """The profile in use, the source of its role, and so on."""
    name, seen = configuration.profile, set[str]()
    while name in configuration.profiles and name not in seen:
        seen.add(name)
        yield name
        name = configuration.profiles[name].get("source_profile", name)


def profile_with(configuration: Configuration, *options: str) -> str:
    """The first profile in use that has one of these options."""
    for name in profiles_in_use(configuration):
        if any(option in configuration.profiles[name] for option in options):
            return name
    return configuration.profile


def missing_profile(configuration: Configuration, setting: str) -> Misconfigured:
    """The error for a profile that a setting names and that does not exist."""
    if unreadable := configuration.unreadable:
        return unreadable
    misnamed = _misnamed_section(configuration)
    if misnamed is not None:
        return misnamed
    known = ", ".join(sorted(configuration.profiles))
    other = next(
        (v for v in PROFILE_VARIABLES if v != setting and configuration.environ.get(v)), None
    )
    return configuration.wrong(
        "profile",
        "ecr.profile-missing",
        profile=shown(configuration.profile),
        config=configuration.config_file.shown,
        credentials=configuration.credentials_file.shown,
        setting=setting,
        known=f"the profiles there are: {known}" if known else "there are no profiles at all",
        # Both variables are set, and the user may look at the one that does not count.
        order=f" ({setting} comes before {other})"
        if other and setting in PROFILE_VARIABLES
        else "",
    )


def _misnamed_section(configuration: Configuration) -> Misconfigured | None:
    """The error for a section that is meant to be the profile in use and is not named so."""
    quoted = f'"{configuration.profile}"' if " " in configuration.profile else configuration.profile
    for file, right in (
        (configuration.config_file, f"profile {quoted}"),
        (configuration.credentials_file, configuration.profile),
    ):
        for section in sections(file):
            if _meant_profile(section) == configuration.profile:
                return Misconfigured(
                    "ecr.section-misnamed",
                    path=file.shown,
                    line=line_of_section(file, section),
                    section=section,
                    right=right,
                )
    return None


def nothing_found(configuration: Configuration) -> Misconfigured | None:
    """Why there has to be an identity, where none is found: what is set needs one."""
    if unreadable := configuration.unreadable:
        return unreadable
    if configuration.role_arn:
        return configuration.wrong(
            "role_arn", "ecr.nothing-assumes-role", role=configuration.shown_role
        )
    if configuration.chosen_profile:
        from shlex import quote

        return configuration.wrong(
            "profile",
            "ecr.profile-empty",
            profile=shown(configuration.profile),
            command=f"aws configure --profile {quote(shown(configuration.profile))}",
        )
    return None


def comments_behind_values(configuration: Configuration) -> Iterator[Misconfigured]:
    """The options in use whose value goes on with what looks like a comment."""
    used = set(profiles_in_use(configuration)) | {configuration.profile}
    sessions = {configuration.profiles.get(name, {}).get("sso_session") for name in used}
    for file in configuration.files:
        for section, options in sections(file).items():
            name = section_name(section, "profile")
            session = section_name(section, "sso-session")
            if not (name in used or section in used or (session and session in sessions)):
                continue
            for option, value in options.items():
                if option in _NO_COMMENT and (" #" in value or " ;" in value):
                    yield Misconfigured(
                        "ecr.comment-behind-value",
                        path=file.shown,
                        line=file.line_of(section, option),
                        option=option,
                    )


def _meant_profile(section: str) -> str:
    """The profile that a person means by a section's header, however it is written."""
    name = section.strip(" \t'\"")
    return name.removeprefix("profile").strip(" \t'\"")


def line_of_section(file: IniFile, section: str) -> int:
    """The number of the line with a section's header; 0 where there is none."""
    for number, line in enumerate(file.data.decode("utf-8", "surrogateescape").split("\n"), 1):
        if line.strip().startswith(f"[{section}]"):
            return number
    return 0
