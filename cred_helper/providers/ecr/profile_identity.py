"""The identity of a profile in the AWS SDK's files: its role, its keys, its sign-in session.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.providers.ecr.configuration import sections
from cred_helper.providers.ecr.identity import (
    SourceIdentity,
    assumes_role,
    key_problem,
    keys_in_environment,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.ini_file import IniFile
    from cred_helper.providers.ecr.configuration import Configuration
    from cred_helper.providers.ecr.sign_in import Session

# Each role is a request to STS, and the SDK's recursion ends at Python's limit after some 130.
_MOST_ROLES = 100


def of_profile(config: Configuration) -> SourceIdentity | NotFound:
    profile, options = config.profile, config.options
    found: SourceIdentity | None
    if assumes_role(options):
        found = _source(config, [profile]).but(detail=f"assumes {options['role_arn']}")
    else:
        found = _leaf(config, profile, by_variables=not config.chosen_profile)
    if found is None:
        if unreadable := config.unreadable:
            return NotFound("ecr.source-skipped", reason=unreadable.reason)
        if profile in config.profiles:
            return NotFound("ecr.profile-without-keys", profile=profile)
        shown = {"config": config.config_file.shown, "credentials": config.credentials_file.shown}
        return NotFound("ecr.no-default-profile", **shown)
    names = (config.in_config_file, sections(config.credentials_file))
    files = [
        file.shown for file, known in zip(config.files, names, strict=True) if profile in known
    ]
    found.detail = f'profile "{profile}" in {" and ".join(files)} ({found.detail})'
    if found.parts is not None:
        found.parts += [profile, *(digest([file.data]) for file in config.files)]
    return found


def _source(config: Configuration, visited: list[str]) -> SourceIdentity:
    """The identity that the role of the profile visited last is assumed with."""
    profile = visited[-1]
    options = config.profiles[profile]
    source, credential_source = options.get("source_profile"), options.get("credential_source")
    if source is not None and credential_source is not None:
        raise Misconfigured("ecr.two-role-sources", profile=profile)
    if credential_source is not None:
        found = _credential_source(config, profile, credential_source)
    elif source is None:
        raise Misconfigured("ecr.role-without-source", profile=profile)
    elif source not in config.profiles:
        raise Misconfigured("ecr.source-profile-missing", profile=profile, source=source)
    else:
        of_source = config.profiles[source]
        has_keys = "aws_access_key_id" in of_source or "aws_secret_access_key" in of_source
        if source in visited and (source != profile or not has_keys):
            raise Misconfigured("ecr.source-profile-loop", profile=source)
        if has_keys or not assumes_role(of_source):
            leaf = _leaf(config, source, by_variables=False)
            if leaf is None:
                raise Misconfigured("ecr.source-profile-empty", profile=source)
            found = leaf
        elif len(visited) == _MOST_ROLES:
            code = "ecr.source-profiles-too-many"
            raise Misconfigured(code, profile=visited[0], most=_MOST_ROLES)
        else:
            found = _source(config, [*visited, source])
    found.uses_cli_sessions = found.uses_cli_sessions or "mfa_serial" in options
    return found


def _credential_source(config: Configuration, profile: str, name: str) -> SourceIdentity:
    found: SourceIdentity | NotFound
    if name == "Environment":
        if config.environ.get("AWS_ACCESS_KEY_ID"):
            if not config.environ.get("AWS_SECRET_ACCESS_KEY"):
                raise Misconfigured("ecr.secret-not-set")
            found = keys_in_environment(config)
        elif config.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            raise Misconfigured("ecr.credential-source-not-web-identity", profile=profile)
        else:
            found = NotFound("ecr.key-not-set")
    elif name == "EcsContainer":
        from cred_helper.providers.ecr import machine_identity

        found = machine_identity.container(config)
    elif name == "Ec2InstanceMetadata":
        from cred_helper.providers.ecr import machine_identity

        found = machine_identity.instance_metadata(config)
        if isinstance(found, SourceIdentity):
            found.certain = True  # the user names it
        elif found.code == "ecr.other-machine":
            found = SourceIdentity("", machine_identity.machine())
    else:
        raise Misconfigured("ecr.credential-source-unknown", profile=profile)
    if isinstance(found, NotFound):
        values = {"profile": profile, "source": name, "reason": found.reason}
        raise Misconfigured("ecr.credential-source-empty", **values)
    return found


def _leaf(config: Configuration, profile: str, *, by_variables: bool) -> SourceIdentity | None:
    """The identity that a profile has by itself, tried in the SDK's order; ``None`` without one."""
    options = config.profiles.get(profile, {})
    path = options.get("web_identity_token_file")
    # An empty variable hides the option from the SDK.
    hidden = by_variables and "AWS_WEB_IDENTITY_TOKEN_FILE" in config.environ
    if path and not hidden:
        variable = config.environ.get("AWS_ROLE_ARN") if by_variables else None
        role = options.get("role_arn") if variable is None else variable
        if not role:
            raise Misconfigured("ecr.profile-web-identity-without-role", profile=profile)
        from cred_helper.providers.ecr.web_identity import session_name, token_in

        token = token_in(path, f'web_identity_token_file of profile "{profile}"')
        name = session_name(config, options, by_variables=by_variables)
        parts: list[str | bytes] | None = None if token is None else [role, name, token]
        return SourceIdentity(f"assumes {role} by web identity", parts)
    if "sso_role_name" in options or "sso_account_id" in options:
        session = _sso_session(config, profile, options)
        return SourceIdentity("sso", [session.mark()], session=session, uses_cli_sessions=True)
    own = sections(config.credentials_file).get(profile, {})
    if "aws_access_key_id" in own:
        return _keys_of(config.credentials_file, profile, own)
    if "login_session" in options:
        from cred_helper.providers.ecr import sign_in

        session = sign_in.of_login(options["login_session"], config.environ)
        # The profile has the user's ARN, and a renewal keeps it.
        signed_in = "signed in" if session.read() else ""
        return SourceIdentity("aws login", [signed_in], session=session)
    if "credential_process" in options:
        return SourceIdentity("credential_process", [], program=profile)
    if "aws_access_key_id" in options:
        return _keys_of(config.config_file, profile, options)
    return None


def _keys_of(file: IniFile, profile: str, options: dict[str, str]) -> SourceIdentity:
    if "aws_secret_access_key" not in options:
        raise Misconfigured("ecr.profile-half-key", path=file.shown, profile=profile)
    for option in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"):
        if problem := key_problem(options.get(option, "")):
            name = f'{option} of profile "{profile}" in {file.shown}'
            raise Misconfigured("ecr.key-not-usable", name=name, problem=problem)
    return SourceIdentity("static keys", [])


def _sso_session(config: Configuration, profile: str, options: dict[str, str]) -> Session:
    name = options.get("sso_session")
    settings = options
    needed = ["sso_role_name", "sso_account_id", "sso_start_url", "sso_region"]
    if name is not None:
        known = config.sections_of("sso-session")
        if name not in known:
            raise Misconfigured("ecr.sso-session-missing", profile=profile, session=name)
        for option, value in known[name].items():
            if options.get(option, value) != value:
                raise Misconfigured("ecr.sso-contradiction", profile=profile, option=option)
        settings = options | known[name]
    missing = [option for option in needed if option not in settings]
    if missing:
        raise Misconfigured("ecr.sso-incomplete", profile=profile, options=", ".join(missing))
    from cred_helper.providers.ecr import sign_in

    return sign_in.of_sso(name, settings["sso_start_url"])
