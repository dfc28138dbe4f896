"""What local files show to be wrong with an identity, for ``doctor`` and ``explain``.

``identify`` refuses what the SDK refuses. This is what lets a ``get`` fail later: a program that is
not on PATH, a session that has ended, a CA bundle that is not there. Asks no network, loads no SDK,
runs no program.
"""

from __future__ import annotations

import os

from cred_helper import programs
from cred_helper.errors import Misconfigured
from cred_helper.providers.ecr.configuration import (
    PROFILE_VARIABLES,
    section_name,
    sections,
)
from cred_helper.providers.ecr.credential_process import command_of, name_of
from cred_helper.providers.ecr.identity import PROFILE, WEB_IDENTITY
from cred_helper.providers.ecr.profile_errors import (
    comments_behind_values,
    line_of_section,
    profile_with,
)
from cred_helper.providers.ecr.settings import wrong_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.errors import ProviderError
    from cred_helper.providers.common.interface import Identity
    from cred_helper.providers.ecr.configuration import Configuration


def problems(configuration: Configuration, identity: Identity) -> Iterator[ProviderError]:
    """The errors, the one that stops a pull first."""
    found = getattr(identity, "found", None)
    if found is not None and found.session is not None:
        yield from _session(configuration, found.session.state())
    if identity.id_token is not None:
        from cred_helper.providers.common import id_token_check

        yield from id_token_check.problems(identity.id_token)
    if found is not None and found.program is not None:
        yield from _program(configuration, found.program)
    if (ca_file := configuration.ca_file) and (problem := ca_file.problem()):
        yield problem
    if problem := wrong_setting(configuration):
        yield problem
    yield from comments_behind_values(configuration)
    if identity.source in (PROFILE, WEB_IDENTITY):
        yield from _profile_variables(configuration)
    yield from _misnamed_sections(configuration)
    yield from _role_of_itself(configuration, identity)
    yield from _overridden(configuration, identity)


def _session(configuration: Configuration, state: str) -> Iterator[ProviderError]:
    if state == "good":
        return
    from cred_helper.errors import Denied

    profile = profile_with(
        configuration, "sso_session", "sso_account_id", "sso_role_name", "login_session"
    )
    is_sso = "login_session" not in configuration.profiles.get(profile, {})
    from shlex import quote

    command = f"{'aws sso login' if is_sso else 'aws login'} --profile {quote(profile)}"
    code = {"missing": "ecr.sign-in-missing", "damaged": "ecr.sign-in-damaged"}.get(
        state, "ecr.sso-expired" if is_sso else "ecr.sign-in-expired"
    )
    yield Denied(code, profile=profile, command=command)


def _program(configuration: Configuration, profile: str) -> Iterator[ProviderError]:
    command = command_of(configuration, profile)
    if not command:
        yield Misconfigured("ecr.process-not-set", profile=profile)
        return
    program = command[0]
    if program.startswith(("~", "$")):
        yield Misconfigured("ecr.process-not-expanded", profile=profile)
    elif os.path.basename(program) != program:
        if not os.access(program, os.X_OK):
            reason = (
                "no such file or directory" if not os.path.exists(program) else "not executable"
            )
            yield Misconfigured(
                "provider.program-not-started", program=name_of(profile), reason=reason
            )
    elif programs.find(program, configuration.environ) is None:
        yield Misconfigured("ecr.process-not-on-path", profile=profile)


def _profile_variables(configuration: Configuration) -> Iterator[ProviderError]:
    """Two variables that name different profiles: the user may look at the one without effect."""
    first, second = (configuration.environ.get(variable, "") for variable in PROFILE_VARIABLES)
    if first and second and first != second and not configuration.chosen_profile:
        yield Misconfigured(
            "ecr.two-profile-variables", used=PROFILE_VARIABLES[0], unused=PROFILE_VARIABLES[1]
        )


def _misnamed_sections(configuration: Configuration) -> Iterator[ProviderError]:
    """Sections with keys or a role that are profiles to a person and not to the SDK."""
    config, credentials = configuration.files
    known = configuration.profiles
    for section, options in sections(config).items():
        is_known = section == "default" or section.startswith(
            ("profile", "sso-session", "services")
        )
        if is_known or section in known or not _looks_like_profile(options):
            continue
        right = f"profile {section}"
        yield _misnamed(config.shown, line_of_section(config, section), section, right)
    for section in sections(credentials):
        name = section_name(section, "profile ")
        if name is not None:
            line = line_of_section(credentials, section)
            yield _misnamed(credentials.shown, line, section, name)


def _looks_like_profile(options: dict[str, str]) -> bool:
    return any(name.startswith(("aws_", "sso_", "role_", "credential_")) for name in options)


def _misnamed(path: str, line: int, section: str, right: str) -> Misconfigured:
    return Misconfigured("ecr.section-misnamed", path=path, line=line, section=section, right=right)


def _overridden(configuration: Configuration, identity: Identity) -> Iterator[ProviderError]:
    """What the profile in use says, and something stronger says otherwise."""
    if identity.source not in (PROFILE, WEB_IDENTITY):
        return
    profile, options = configuration.profile, configuration.options
    variable = configuration.environ.get("AWS_ROLE_ARN")
    is_web_identity = "web_identity_token_file" in options and not configuration.chosen_profile
    if is_web_identity and variable and variable != options.get("role_arn", variable):
        yield Misconfigured("ecr.role-variable-first", profile=profile)
    own = sections(configuration.credentials_file).get(profile, {})
    if "credential_process" in options and "aws_access_key_id" in own:
        path = configuration.credentials_file.shown
        yield Misconfigured("ecr.keys-before-process", profile=profile, path=path)


def _role_of_itself(configuration: Configuration, identity: Identity) -> Iterator[ProviderError]:
    """The option role_arn with an identity that is in this role already."""
    role = configuration.role_arn
    if not role or identity.source is None:
        return
    own = configuration.options.get("role_arn") or configuration.environ.get("AWS_ROLE_ARN")
    if own == role and identity.source in (PROFILE, WEB_IDENTITY):
        yield configuration.wrong("role_arn", "ecr.role-of-itself", role=configuration.shown_role)
