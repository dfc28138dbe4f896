"""What local files show to be wrong with an identity, for ``doctor`` and ``explain``.

``identify`` refuses what the SDK refuses. This is what lets a ``get`` fail later: a program that is
not on PATH, a session that has ended, a CA bundle that is not there. Asks no network, loads no SDK,
runs no program.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from cred_helper import programs
from cred_helper.errors import Misconfigured, ProviderError
from cred_helper.providers.common.interface import Identity
from cred_helper.providers.ecr.configuration import (
    PROFILE_VARIABLES,
    Configuration,
    misnamed,
    section_name,
    sections,
)
from cred_helper.providers.ecr.credential_process import command_of, name_of
from cred_helper.providers.ecr.identity import PROFILE, WEB_IDENTITY
from cred_helper.providers.ecr.profile_errors import (
    comments_behind_values,
    sign_in_error,
    wrong_setting,
)


def problems(config: Configuration, identity: Identity) -> Iterator[ProviderError]:
    found = getattr(identity, "found", None)
    if found is not None and found.session and (state := found.session.state()) != "good":
        yield sign_in_error(config, state, found.session)
    if found is not None and found.program is not None:
        yield from _program(config, found.program)
    if (ca_file := config.ca_file) and (problem := ca_file.problem()):
        yield problem
    if problem := wrong_setting(config):
        yield problem
    yield from comments_behind_values(config)
    is_of_profile = identity.source in (PROFILE, WEB_IDENTITY)
    if is_of_profile:
        yield from _profile_variables(config)
    yield from _misnamed_sections(config)
    if is_of_profile:
        yield from _overridden(config)


def _program(config: Configuration, profile: str) -> Iterator[ProviderError]:
    command = command_of(config, profile)
    program = command[0] if command else ""
    if not program:
        yield Misconfigured("ecr.process-not-set", profile=profile)
    elif program.startswith(("~", "$")):
        yield Misconfigured("ecr.process-not-expanded", profile=profile)
    elif os.path.basename(program) == program:
        if programs.find(program, config.environ) is None:
            yield Misconfigured("ecr.process-not-on-path", profile=profile)
    elif not os.access(program, os.X_OK):
        reason = "not executable" if os.path.exists(program) else "no such file or directory"
        values = {"program": name_of(profile), "reason": reason}
        yield Misconfigured("provider.program-not-started", **values)


def _profile_variables(config: Configuration) -> Iterator[ProviderError]:
    """Two variables that name different profiles: the user may look at the one without effect."""
    first, second = (config.environ.get(variable, "") for variable in PROFILE_VARIABLES)
    if first and second and first != second and not config.chosen_profile:
        used, unused = PROFILE_VARIABLES
        yield Misconfigured("ecr.two-profile-variables", used=used, unused=unused)


def _misnamed_sections(config: Configuration) -> Iterator[ProviderError]:
    """Sections with keys or a role that look like profiles, and are none for the SDK."""
    for section, options in sections(config.config_file).items():
        is_known = section == "default" or section in config.profiles
        is_known = is_known or section.startswith(("profile", "sso-session", "services"))
        beginnings = ("aws_", "sso_", "role_", "credential_")
        if not is_known and any(name.startswith(beginnings) for name in options):
            yield misnamed(config.config_file, section, f"profile {section}")
    for section in sections(config.credentials_file):
        name = section_name(section, "profile ")
        if name is not None:
            yield misnamed(config.credentials_file, section, name)


def _overridden(config: Configuration) -> Iterator[ProviderError]:
    """Options of the profile in use that something stronger overrides."""
    profile, options = config.profile, config.options
    variable = config.environ.get("AWS_ROLE_ARN")
    own_role = options.get("role_arn") or variable
    if config.role_arn and config.role_arn == own_role:
        yield config.wrong("role_arn", "ecr.role-of-itself", role=config.shown_role)
    is_web_identity = "web_identity_token_file" in options and not config.chosen_profile
    if is_web_identity and variable and variable != options.get("role_arn", variable):
        yield Misconfigured("ecr.role-variable-first", profile=profile)
    own = sections(config.credentials_file).get(profile, {})
    if "credential_process" in options and "aws_access_key_id" in own:
        path = config.credentials_file.shown
        yield Misconfigured("ecr.keys-before-process", profile=profile, path=path)


def near_miss(labels: list[str]) -> str | None:
    """The code for a host that is meant to be a registry, by its labels."""
    if "vpce" in labels and {"ecr", "dkr"} & set(labels):
        return "ecr.near-vpc-endpoint"
    if labels[:2] == ["api", "ecr"]:
        return "ecr.near-api"
    account, *service = labels[:3]
    if {*service[:1], "-".join(service)}.isdisjoint(("dkr-ecr", "dkr-ecr-fips")):
        return None
    if not account.isdigit() or len(account) != 12:
        return "ecr.near-account-id"
    if any(label.startswith("cn-") for label in labels) and labels[-1] != "cn":
        return "ecr.near-china"
    return None
