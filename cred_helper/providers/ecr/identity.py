"""The identity that the AWS SDK would use: its chain of sources, followed by looking alone.

What makes one identity differ from another goes into its ``parts``: the content of the files that
it is read from, the keys, the issuer and subject of its token, the identity that its role is
assumed with. A renewed session is the same identity.
Loads no SDK, asks no network, runs no program.

Source: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files.fingerprints import digest, is_pipe
from cred_helper.providers.common.ini_file import IniFile
from cred_helper.providers.ecr.configuration import expanded, section_name, sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.providers.ecr.configuration import Configuration
    from cred_helper.providers.ecr.sign_in import Session

# The sources, by the names that explain shows.
ENVIRONMENT = "environment"
WEB_IDENTITY = "web-identity"
PROFILE = "profile"
BOTO_CONFIG = "boto-config"
CONTAINER = "container"
INSTANCE = "instance-metadata"

# A token is a few KiB; more than this is read by nothing here.
_MAX_TOKEN_BYTES = 1 << 20
# What an access key id looks like.
# Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html
_MAX_KEY_ID_CHARACTERS = 32


class Found:
    """The identity of a source.

    ``parts`` differ between the identities of a source; ``None`` where nothing local shows whose
    the identity is.
    ``program`` is the profile whose ``credential_process`` has to run to say whose it is.
    ``session`` is the sign-in session whose renewal gives its keys. ``uses_cli_sessions`` is true
    where a role session that the AWS CLI keeps may be used in its place.
    """

    __slots__ = ("certain", "detail", "parts", "program", "session", "uses_cli_sessions")

    def __init__(
        self,
        detail: str,
        parts: list[str | bytes] | None,
        *,
        certain: bool = True,
        program: str | None = None,
        session: Session | None = None,
        uses_cli_sessions: bool = False,
    ) -> None:
        self.detail = detail
        self.parts = parts
        self.certain = certain
        self.program = program
        self.session = session
        self.uses_cli_sessions = uses_cli_sessions


def sources(configuration: Configuration) -> list[tuple[str, Callable[[], Found | NotFound]]]:
    """The sources in the SDK's order, each with the function that looks for its identity."""
    return [
        (ENVIRONMENT, lambda: _environment(configuration)),
        (WEB_IDENTITY, lambda: _web_identity(configuration)),
        (PROFILE, lambda: _profile(configuration)),
        (BOTO_CONFIG, lambda: _boto_config(configuration)),
        (CONTAINER, lambda: _container(configuration)),
        (INSTANCE, lambda: _instance_metadata(configuration)),
    ]


def _environment(configuration: Configuration) -> Found | NotFound:
    if configuration.chosen_profile:
        return NotFound("ecr.chosen-profile-first")
    environ = configuration.environ
    key_id = environ.get("AWS_ACCESS_KEY_ID", "")
    secret = environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not key_id:
        return NotFound("ecr.key-id-not-set" if secret else "ecr.key-not-set")
    if not secret:
        raise Misconfigured("ecr.secret-not-set")
    _ = configuration.options  # the SDK insists that a profile which is named exists
    return _keys_in_environment(configuration)


def _keys_in_environment(configuration: Configuration) -> Found:
    """The keys in the variables, as a source of their own or as the source of a role."""
    environ = configuration.environ
    key_id = environ["AWS_ACCESS_KEY_ID"]
    parts: list[str | bytes] = []
    token = ""
    for variable in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
    ):
        value = environ.get(variable, "")
        if problem := key_problem(value):
            raise Misconfigured("ecr.key-not-usable", name=variable, problem=problem)
        parts.append(digest([value]))
        token = value
    name = f"AWS_ACCESS_KEY_ID …{key_id[-4:]}" if is_key_id(key_id) else "AWS_ACCESS_KEY_ID"
    return Found(f"{name} with a session token" if token else name, parts)


def key_problem(value: str) -> str:
    """What a key cannot hold: what came along with it from a file or a shell; else nothing."""
    if "\n" in value or "\r" in value:
        return "a line break"
    if any(character.isspace() for character in value):
        return "a blank"
    if value[:1] in ("'", '"') or value[-1:] in ("'", '"'):
        return "quotation marks"
    return "" if value.isprintable() else "a character that is not printable"


def is_key_id(value: str) -> bool:
    """Whether a value has the shape of an access key id, so that it may be shown in part."""
    return value.isalnum() and value.isupper() and len(value) <= _MAX_KEY_ID_CHARACTERS


def _web_identity(configuration: Configuration) -> Found | NotFound:
    if configuration.chosen_profile:
        return NotFound("ecr.chosen-profile-first")
    environ = configuration.environ
    path = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if not path:
        return NotFound("provider.variable-not-set", variable="AWS_WEB_IDENTITY_TOKEN_FILE")
    if _assumes_role(configuration.options):
        return NotFound("ecr.role-first", profile=configuration.profile)
    role = environ.get("AWS_ROLE_ARN", configuration.options.get("role_arn", ""))
    if not role:
        raise Misconfigured("ecr.web-identity-without-role")
    from cred_helper.files.path_values import shown

    token = _token_in(path, "AWS_WEB_IDENTITY_TOKEN_FILE")
    parts = [role, _session_name(configuration, configuration.options, by_variables=True)]
    return Found(
        f"{role} by the token in {shown('AWS_WEB_IDENTITY_TOKEN_FILE', path)}",
        None if token is None else [*parts, token],
    )


def _session_name(
    configuration: Configuration, options: dict[str, str], *, by_variables: bool
) -> str:
    variable = configuration.environ.get("AWS_ROLE_SESSION_NAME") if by_variables else None
    return options.get("role_session_name", "") if variable is None else variable


def _token_in(path: str, named_by: str) -> str | None:
    """Whose the token in a file is; ``None`` for a pipe, which only the SDK may read.

    Raises:
        Misconfigured: there is no token in the file.
    """
    from cred_helper.files.path_values import shown
    from cred_helper.providers.common import token_identity

    values = {"named_by": named_by, "path": shown(named_by, path)}
    try:
        if is_pipe(path):
            return None
        with open(path, "rb") as file:
            token = file.read(_MAX_TOKEN_BYTES)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise Misconfigured("ecr.token-file-unreadable", reason=reason, **values) from None
    if not token.strip():
        raise Misconfigured("ecr.token-file-empty", **values)
    return token_identity.of_token(token)


def _profile(configuration: Configuration) -> Found | NotFound:
    profile, options = configuration.profile, configuration.options
    found = _role(configuration, profile) if _assumes_role(options) else None
    found = found or _leaf(configuration, profile, by_variables=not configuration.chosen_profile)
    if found is None:
        if unreadable := configuration.unreadable:
            return NotFound("ecr.source-skipped", reason=unreadable.reason)
        if profile in configuration.profiles:
            return NotFound("ecr.profile-without-keys", profile=profile)
        return NotFound(
            "ecr.no-default-profile",
            config=configuration.config_file.shown,
            credentials=configuration.credentials_file.shown,
        )
    in_config = [
        "default" if section == "default" else section_name(section, "profile")
        for section in sections(configuration.config_file)
    ]
    files = [configuration.config_file.shown] if profile in in_config else []
    if profile in sections(configuration.credentials_file):
        files.append(configuration.credentials_file.shown)
    found.detail = f'profile "{profile}" in {" and ".join(files)} ({found.detail})'
    if found.parts is not None:
        found.parts += [profile, *(digest([file.data]) for file in configuration.files)]
    return found


def _assumes_role(options: dict[str, str]) -> bool:
    """Whether a profile assumes its role with another identity's keys."""
    return "role_arn" in options and "web_identity_token_file" not in options


def _role(configuration: Configuration, profile: str) -> Found:
    """The identity of a profile that assumes a role, by way of the profile's source.

    Raises:
        Misconfigured: the source is missing, or is the role itself. The SDK refuses it as well.
    """
    visited = [profile]
    uses_cli_sessions = False
    while True:
        options = configuration.profiles[profile]
        uses_cli_sessions = uses_cli_sessions or "mfa_serial" in options
        source, credential_source = options.get("source_profile"), options.get("credential_source")
        if source is not None and credential_source is not None:
            raise Misconfigured("ecr.two-role-sources", profile=profile)
        if credential_source is not None:
            found = _credential_source(configuration, profile, credential_source)
            break
        if source is None:
            raise Misconfigured("ecr.role-without-source", profile=profile)
        if source not in configuration.profiles:
            raise Misconfigured("ecr.source-profile-missing", profile=profile, source=source)
        keys = _has_keys(configuration.profiles[source])
        if source in visited and (source != profile or not keys):
            raise Misconfigured("ecr.source-profile-loop", profile=source)
        if keys or not _assumes_role(configuration.profiles[source]):
            leaf = _leaf(configuration, source, by_variables=False)
            if leaf is None:
                raise Misconfigured("ecr.source-profile-empty", profile=source)
            found = leaf
            break
        visited.append(source)
        profile = source
    found.detail = f"assumes {configuration.options['role_arn']}"
    found.uses_cli_sessions = found.uses_cli_sessions or uses_cli_sessions
    return found


def _has_keys(options: dict[str, str]) -> bool:
    return "aws_access_key_id" in options or "aws_secret_access_key" in options


def _credential_source(configuration: Configuration, profile: str, name: str) -> Found:
    """The identity that ``credential_source`` names.

    Raises:
        Misconfigured: the SDK does not know it, or it has no credentials.
    """
    found: Found | NotFound
    if name == "Environment":
        environ = configuration.environ
        if not environ.get("AWS_ACCESS_KEY_ID"):
            if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
                raise Misconfigured("ecr.credential-source-not-web-identity", profile=profile)
            found = NotFound("ecr.key-not-set")
        elif not environ.get("AWS_SECRET_ACCESS_KEY"):
            raise Misconfigured("ecr.secret-not-set")
        else:
            found = _keys_in_environment(configuration)
    elif name == "EcsContainer":
        found = _container(configuration)
    elif name == "Ec2InstanceMetadata":
        found = _instance_metadata(configuration)
        if isinstance(found, Found):
            found.certain = True  # the user names it
        elif found.code == "ecr.other-machine":
            found = Found("", _machine())
    else:
        raise Misconfigured("ecr.credential-source-unknown", profile=profile)
    if isinstance(found, NotFound):
        raise Misconfigured(
            "ecr.credential-source-empty", profile=profile, source=name, reason=found.reason
        )
    return found


def _leaf(configuration: Configuration, profile: str, *, by_variables: bool) -> Found | None:
    """The identity that a profile has by itself, tried in the SDK's order; ``None`` without one."""
    options = configuration.profiles.get(profile, {})
    path = options.get("web_identity_token_file")
    # An empty variable hides the option from the SDK.
    hidden = by_variables and "AWS_WEB_IDENTITY_TOKEN_FILE" in configuration.environ
    if path and not hidden:
        variable = configuration.environ.get("AWS_ROLE_ARN") if by_variables else None
        role = options.get("role_arn") if variable is None else variable
        if not role:
            raise Misconfigured("ecr.profile-web-identity-without-role", profile=profile)
        token = _token_in(path, f'web_identity_token_file of profile "{profile}"')
        name = _session_name(configuration, options, by_variables=by_variables)
        parts: list[str | bytes] | None = None if token is None else [role, name, token]
        return Found(f"assumes {role} by web identity", parts)
    if "sso_role_name" in options or "sso_account_id" in options:
        session = _sso_session(configuration, profile, options)
        return Found("sso", [session.mark()], session=session, uses_cli_sessions=True)
    own = sections(configuration.credentials_file).get(profile, {})
    if "aws_access_key_id" in own:
        return _keys_of(configuration.credentials_file, profile, own)
    if "login_session" in options:
        from cred_helper.providers.ecr.sign_in import Session

        session = Session.login(options["login_session"], configuration.environ)
        return Found("aws login", [session.mark()], session=session)
    if "credential_process" in options:
        return Found("credential_process", [], program=profile)
    if "aws_access_key_id" in options:
        return _keys_of(configuration.config_file, profile, options)
    return None


def _keys_of(file: IniFile, profile: str, options: dict[str, str]) -> Found:
    """The keys that are written in a profile.

    Raises:
        Misconfigured: half of them is missing, or they cannot be keys.
    """
    if "aws_secret_access_key" not in options:
        raise Misconfigured("ecr.profile-half-key", path=file.shown, profile=profile)
    for option in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"):
        if problem := key_problem(options.get(option, "")):
            name = f'{option} of profile "{profile}" in {file.shown}'
            raise Misconfigured("ecr.key-not-usable", name=name, problem=problem)
    return Found("static keys", [])


def _sso_session(configuration: Configuration, profile: str, options: dict[str, str]) -> Session:
    """The sign-in session of a profile that uses SSO.

    Raises:
        Misconfigured: the SDK refuses the profile.
    """
    name = options.get("sso_session")
    settings = options
    needed = ["sso_role_name", "sso_account_id", "sso_start_url", "sso_region"]
    if name is not None:
        known = configuration.sections_of("sso-session")
        if name not in known:
            raise Misconfigured("ecr.sso-session-missing", profile=profile, session=name)
        for option, value in known[name].items():
            if options.get(option, value) != value:
                raise Misconfigured("ecr.sso-contradiction", profile=profile, option=option)
        settings = options | known[name]
    missing = [option for option in needed if option not in settings]
    if missing:
        raise Misconfigured("ecr.sso-incomplete", profile=profile, options=", ".join(missing))
    from cred_helper.providers.ecr.sign_in import Session

    return Session.sso(name, settings["sso_start_url"])


def _boto_config(configuration: Configuration) -> Found | NotFound:
    """The keys in a file of an SDK from before boto3."""
    environ = configuration.environ
    if "AWS_CREDENTIAL_FILE" in environ:
        file = IniFile(expanded(environ["AWS_CREDENTIAL_FILE"]))
        if not os.path.isfile(file.path):
            raise Misconfigured("ecr.credential-file-missing")
        if b"AWSAccessKeyId" in file.data:
            return Found(file.shown, [digest([file.data])])
    boto_config = environ.get("BOTO_CONFIG")
    for path in [boto_config] if boto_config is not None else ["/etc/boto.cfg", "~/.boto"]:
        file = IniFile(expanded(path))
        if "aws_access_key_id" in sections(file).get("Credentials", {}):
            return Found(file.shown, [digest([file.data])])
    return NotFound("ecr.no-boto-file")


def _container(configuration: Configuration) -> Found | NotFound:
    environ = configuration.environ
    relative = environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    full = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if relative is None and full is None:
        return NotFound("ecr.no-container-variable")
    bearer = _bearer(configuration)
    if relative is not None:
        # The path is the task's own, and a secret: it is not shown.
        return Found("the task role of this ECS container", [relative, bearer or ""])
    assert full is not None
    # A service that wants no token answers for whatever role it was started with.
    parts: list[str | bytes] | None = [full, bearer] if bearer else None
    return Found(f"the credentials at {_address(full)}", parts)


def _bearer(configuration: Configuration) -> str | None:
    """Whose token the container's service is shown; ``None`` where there is none, or in a pipe.

    All pods of EKS share one address for their credentials, and differ in this alone.

    Raises:
        Misconfigured: there is no token in the file, or it cannot be one.
    """
    environ = configuration.environ
    path = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if path is not None:
        return _token_in(path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    token = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if token and ("\n" in token or "\r" in token):
        raise Misconfigured(
            "ecr.key-not-usable", name="AWS_CONTAINER_AUTHORIZATION_TOKEN", problem="a line break"
        )
    from cred_helper.providers.common import token_identity

    return token_identity.of_token(token) if token else None


def _instance_metadata(configuration: Configuration) -> Found | NotFound:
    if configuration.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return NotFound("ecr.metadata-disabled")
    if endpoint := configuration.metadata_endpoint:
        detail = f"the metadata service at {_address(endpoint)}"
        return Found(detail, [endpoint, *(_machine() or ())])
    from cred_helper.providers.common import cloud_detection

    sign = cloud_detection.machine_sign(cloud_detection.AWS)
    if sign.is_cloud is False:
        return NotFound("ecr.other-machine", reason=sign.reason)
    detail = f"the role of this instance ({sign.reason})"
    return Found(detail, _machine(), certain=sign.is_cloud is True)


def _machine() -> list[str | bytes] | None:
    """The id of this machine: machines that share a home do not share their roles."""
    data = IniFile("/sys/class/dmi/id/board_asset_tag").data or IniFile("/etc/machine-id").data
    return [data] if data else None


def _address(url: str) -> str:
    """Scheme, host and port of a URL, with nothing in it that could be a secret."""
    scheme, separator, rest = url.rpartition("://")
    for end in "/?#":
        rest = rest.partition(end)[0]
    return scheme + separator + rest.rpartition("@")[2]
