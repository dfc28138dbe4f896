"""Amazon ECR: whose token is asked for, and of which API.

The identity is boto3's own: the chain of the SDK is followed here with no SDK, to say which source
it would use; ``ecr_login`` has the SDK use that one. Never looks for an instance's role where
anything else is configured, never prompts, and never names an account to the API: a token belongs
to who asks for it, and opens every registry of the region that one may reach.

Sources:
  https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
  https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.fingerprint import digest
from cred_helper.hosts import EcrRoute
from cred_helper.provider import Identity, PassedOver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cred_helper.credential import Credential
    from cred_helper.provider import TokenRequest

# The sources, in the SDK's order.
ENVIRONMENT = "environment"
WEB_IDENTITY = "web-identity"
PROFILE = "profile"
BOTO_CONFIG = "boto-config"
CONTAINER = "container"
INSTANCE = "instance-metadata"

_METADATA_ADDRESS = ("169.254.169.254", 80)
_METADATA_PROBE = (
    b"GET /latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n"
)
# How EC2's own server names itself, also where it refuses a request without a session token. Asking
# for that token instead would tell less: its reply does not reach a container one hop away.
_METADATA_SERVER = b"\r\nserver: ec2ws"

# A configuration file is kilobytes; more than this is not one.
_MAX_FILE_BYTES = 1 << 20


class EcrProvider:
    """Amazon ECR and ECR Public."""

    name = "ecr"
    OPTIONS: tuple[str, ...] = ("profile", "role_arn")

    def identify(self, request: TokenRequest) -> Identity:
        """Say which of the SDK's sources it would use.

        Raises:
            Misconfigured: a profile is named that does not exist, or half a key is set.
        """
        setup = Setup(request)
        source: str | None = None
        found: Found | None = None
        passed_over: list[PassedOver] = []
        for name, look in _CHAIN:
            outcome = f"{source} comes first" if source else look(setup)
            if isinstance(outcome, str):
                passed_over.append(PassedOver(name, outcome))
            else:
                source, found = name, outcome
        if source is None or found is None:
            return Identity(None, passed_over=tuple(passed_over))
        return Identity(
            source,
            found.detail + (f", then {setup.role_arn}" if setup.role_arn else ""),
            passed_over=tuple(passed_over),
            fingerprint=None
            if found.marks is None
            else digest([source, *found.marks, setup.role_arn, *setup.redirections()]),
            certain=found.certain,
            scope=setup.scope,
        )

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Ask the API of the host's region for a token."""
        if identity.source is None:
            raise NotFound("no AWS identity is configured, and this is no machine of AWS")
        if not identity.certain and not _metadata_answers():
            raise NotFound("no AWS identity is configured, and no metadata service answers")
        from cred_helper.providers import ecr_login

        return ecr_login.log_in(Setup(request), identity, request.deadline)


# --- What is set, without the SDK -----------------------------------------------------------------


class IniFile:
    """A configuration file of the SDK's, read for what it names; what it holds is the SDK's."""

    __slots__ = ("_data", "_sections", "path")

    def __init__(self, path: str) -> None:
        self.path = os.path.expanduser(os.path.expandvars(path))
        self._data: bytes | None = None
        self._sections: dict[str, dict[str, str]] | None = None

    @property
    def data(self) -> bytes:
        """The content; what is not there or cannot be read is empty, as it is to the SDK."""
        if self._data is None:
            self._data = b""
            try:
                # A pipe could be read only once, and the SDK does not take one for a file either.
                if os.path.isfile(self.path):
                    with open(self.path, "rb") as file:
                        self._data = file.read(_MAX_FILE_BYTES)
            except OSError:
                pass
        return self._data

    @property
    def sections(self) -> dict[str, dict[str, str]]:
        """Section → option → value.

        Raises:
            Misconfigured: the SDK would refuse the file. Its content is not quoted.
        """
        if self._sections is None:
            sections, wrong_line = _sections(self.data.decode("utf-8", "surrogateescape"))
            if wrong_line:
                raise Misconfigured(f"{self.shown} cannot be parsed: look at line {wrong_line}")
            self._sections = sections
        return self._sections

    @property
    def shown(self) -> str:
        """The path as a person writes it."""
        home = os.path.expanduser("~")
        return self.path.replace(home, "~", 1) if self.path.startswith(home + os.sep) else self.path


def _sections(text: str) -> tuple[dict[str, dict[str, str]], int]:
    """Read an INI file as configparser does, at a tenth of its price.

    What continues a value (nested settings, all indented) is left out: nothing that tells one
    identity source from another is ever there. Also the number of the first line that is wrong.
    """
    sections: dict[str, dict[str, str]] = {}
    options: dict[str, str] | None = None
    indent: int | None = None  # of the option that may go on; none right below a section's name
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.strip()
        depth = len(line) - len(line.lstrip())
        if not entry or entry[0] in "#;" or (indent is not None and depth > indent):
            continue
        end = entry.rfind("]")
        if entry[0] == "[" and end > 1:
            section, indent = entry[1:end], None
            if section in sections and section != "DEFAULT":
                return sections, number
            options = sections.setdefault(section, {})
            continue
        indent = depth
        name, delimiter, value = entry.partition("=")
        if not delimiter or ":" in name:
            name, delimiter, value = entry.partition(":")
        name = name.strip().lower()
        if not name or not delimiter or options is None or name in options:
            return sections, number
        options[name] = value.strip()
    defaults = sections.pop("DEFAULT", {})
    return {name: defaults | options for name, options in sections.items()}, 0


def _profile_name(section: str) -> str | None:
    """The profile that a section of the config file is about, if it is about one."""
    if section == "default":
        return section
    word, _, name = section.partition(" ")
    name = name.strip()
    if not word.startswith("profile") or not name:
        return None
    if name[0] in "'\"" and name[0] == name[-1]:
        return name[1:-1]
    return None if " " in name else name


class Setup:
    """What the user set for the SDK: variables, files, the profile in use, this registry's options.

    Reads each file once, and only when something asks for it.
    """

    def __init__(self, request: TokenRequest) -> None:
        assert isinstance(request.route, EcrRoute)
        self.route = request.route
        self.environ: Mapping[str, str] = request.environ
        self.role_arn = request.options.get("role_arn", "")
        self.chosen_profile = request.options.get("profile") or None
        self.config = IniFile(self.environ.get("AWS_CONFIG_FILE", "~/.aws/config"))
        self.credentials = IniFile(
            self.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
        )
        self.profile, self.profile_setting = self._named_profile()
        self._profiles: dict[str, dict[str, str]] | None = None

    def _named_profile(self) -> tuple[str, str | None]:
        """The name of the profile in use, and what names it; nothing names the default one."""
        if self.chosen_profile:
            return self.chosen_profile, "the profile set for this registry"
        # The older variable wins; that is the SDK's order, and so is that an empty one counts.
        for variable in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"):
            if variable in self.environ:
                return self.environ[variable], variable
        return "default", None

    @property
    def profiles(self) -> dict[str, dict[str, str]]:
        """Every profile's options; where both files have one, the credentials file's win."""
        if self._profiles is None:
            profiles: dict[str, dict[str, str]] = {}
            for section, options in self.config.sections.items():
                name = _profile_name(section)
                if name is not None:
                    profiles[name] = options
            for name, options in self.credentials.sections.items():
                profiles[name] = profiles.get(name, {}) | options
            self._profiles = profiles
        return self._profiles

    @property
    def options(self) -> dict[str, str]:
        """The options of the profile in use.

        Raises:
            Misconfigured: something names a profile that does not exist. The SDK then refuses to
                work at all, even with a key in the environment.
        """
        found = self.profiles.get(self.profile)
        if found is None and self.profile_setting is not None:
            if not self.profile:
                raise Misconfigured(
                    f"{self.profile_setting} is set, but empty",
                    hint=f"unset {self.profile_setting}, or set it to the name of a profile",
                )
            known = ", ".join(sorted(self.profiles))
            raise Misconfigured(
                f'profile "{self.profile}" is neither in {self.config.shown}'
                f" nor in {self.credentials.shown}",
                hint=f"correct {self.profile_setting}; "
                + (f"the profiles there are: {known}" if known else "there are no profiles at all"),
            )
        return found or {}

    def assumes_role(self) -> bool:
        """Whether the profile in use assumes a role with another identity's keys."""
        return "role_arn" in self.options and "web_identity_token_file" not in self.options

    def setting(self, variable: str, option: str) -> str:
        """A setting that may be a variable or an option of the profile in use."""
        return self.environ.get(variable) or self.options.get(option, "")

    @property
    def metadata_endpoint(self) -> str:
        """Where the user says that the instance's metadata service is; empty where it is usual."""
        url = self.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint")
        mode = self.setting(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"
        )
        older_mode = self.setting("AWS_IMDS_USE_IPV6", "imds_use_ipv6")
        ipv6 = (mode or older_mode).lower() in ("ipv6", "true")
        return url or ("http://[fd00:ec2::254]" if ipv6 else "")

    @property
    def authority(self) -> str:
        """The file of a private authority's certificates, by the SDK's two names or OpenSSL's."""
        return (
            self.setting("AWS_CA_BUNDLE", "ca_bundle")
            or self.environ.get("REQUESTS_CA_BUNDLE")
            or self.environ.get("SSL_CERT_FILE", "")
        )

    def profile_with(self, *options: str) -> str:
        """The profile that has one of these options: the one in use, or the source of its role."""
        name, seen = self.profile, set[str]()
        while name in self.profiles and name not in seen:
            if any(option in self.profiles[name] for option in options):
                return name
            seen.add(name)
            name = self.profiles[name].get("source_profile", name)
        return self.profile

    def redirections(self) -> list[str]:
        """Where variables send the SDK: another cloud's token is another token."""
        names = ("AWS_ENDPOINT_URL", endpoint_variable(self.api), endpoint_variable("sts"))
        return [self.environ.get(name, "") for name in names]

    @property
    def api(self) -> str:
        """The SDK's name of the API that issues tokens for this host."""
        return "ecr-public" if self.route.public else "ecr"

    @property
    def title(self) -> str:
        """The API's name for a person."""
        return "ECR Public" if self.route.public else "ECR"

    @property
    def scope(self) -> str:
        """What one token opens: every registry of a region.

        One got from a FIPS API is kept apart: that is what somebody who names such a host wants.
        """
        where = "" if self.route.public else f" in {self.route.region}"
        return f"{self.title}{where}{' by FIPS' if self.route.fips else ''}"


def endpoint_variable(service: str) -> str:
    return "AWS_ENDPOINT_URL_" + service.upper().replace("-", "_")


# --- The SDK's chain, followed by looking ---------------------------------------------------------


class Found:
    """A source the SDK would use.

    ``marks`` tell this identity from others of the same source; none where nothing does.
    """

    __slots__ = ("certain", "detail", "marks")

    def __init__(
        self, detail: str, marks: list[str | bytes] | None, *, certain: bool = True
    ) -> None:
        self.detail = detail
        self.marks = marks
        self.certain = certain


# The SDK takes a profile that was chosen in its program, as ours is, for more than any variable.
_CHOSEN = "the profile set for this registry comes first"


def _environment(setup: Setup) -> Found | str:
    if setup.chosen_profile:
        return _CHOSEN
    key_id = setup.environ.get("AWS_ACCESS_KEY_ID", "")
    secret = setup.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not key_id:
        return "AWS_ACCESS_KEY_ID is not set" + (
            ", although AWS_SECRET_ACCESS_KEY is" if secret else ""
        )
    if not secret:
        raise Misconfigured(
            "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
            hint="set both, or unset AWS_ACCESS_KEY_ID",
        )
    if setup.profile_setting:
        _ = setup.options  # the SDK insists that a profile which is named exists
    shown = f"AWS_ACCESS_KEY_ID …{key_id[-4:]}"
    if setup.environ.get("AWS_SECURITY_TOKEN") or setup.environ.get("AWS_SESSION_TOKEN"):
        # Nothing here says whose session it is: another session may be somebody else's.
        return Found(f"{shown} with a session token", [key_id])
    return Found(shown, [key_id, digest([secret])])


def _web_identity(setup: Setup) -> Found | str:
    if setup.chosen_profile:
        return _CHOSEN
    token_file = setup.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if not token_file:
        return "AWS_WEB_IDENTITY_TOKEN_FILE is not set"
    if setup.assumes_role():
        return f'the role of profile "{setup.profile}" comes first'
    role = setup.setting("AWS_ROLE_ARN", "role_arn")
    if not role:
        raise Misconfigured(
            "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not",
            hint="set AWS_ROLE_ARN to the role that the token is for",
        )
    session_name = setup.environ.get("AWS_ROLE_SESSION_NAME", "")
    return Found(f"{role} by the token in {token_file}", [role, token_file, session_name])


def _profile(setup: Setup) -> Found | str:
    kind = _kind(setup)
    if kind is None:
        if setup.profile in setup.profiles:
            return f'profile "{setup.profile}" names no credentials'
        return f"there is no default profile in {setup.config.shown} or {setup.credentials.shown}"
    files = [
        file.shown
        for file, names in (
            (setup.config, map(_profile_name, setup.config.sections)),
            (setup.credentials, setup.credentials.sections),
        )
        if setup.profile in names
    ]
    marks: list[str | bytes] = [
        setup.profile,
        digest([setup.config.data]),
        digest([setup.credentials.data]),
        setup.environ.get("AWS_ROLE_ARN", ""),
    ]
    return Found(f'profile "{setup.profile}" in {" and ".join(files)} ({kind})', marks)


def _kind(setup: Setup) -> str | None:
    """How the SDK would use the profile, tried in its order; ``None`` where it names nothing."""
    options = setup.options
    if setup.assumes_role():
        return f"assumes {options['role_arn']}"
    if options.get("web_identity_token_file"):
        role = "" if setup.chosen_profile else setup.environ.get("AWS_ROLE_ARN")
        return f"assumes {role or options.get('role_arn')} by web identity"
    if "sso_role_name" in options or "sso_account_id" in options:
        return "sso"
    if "aws_access_key_id" in setup.credentials.sections.get(setup.profile, {}):
        return "static keys"
    if "login_session" in options:
        return "aws login"
    if "credential_process" in options:
        return "credential_process"
    return "static keys" if "aws_access_key_id" in options else None


def _boto_config(setup: Setup) -> Found | str:
    """The files of SDKs long gone, which this one still reads."""
    if "AWS_CREDENTIAL_FILE" in setup.environ:
        file = IniFile(setup.environ["AWS_CREDENTIAL_FILE"])
        if not os.path.isfile(file.path):
            raise Misconfigured(
                "AWS_CREDENTIAL_FILE names a file that is not there",
                hint="unset AWS_CREDENTIAL_FILE",
            )
        if b"AWSAccessKeyId" in file.data:
            return Found(file.shown, [digest([file.data])])
    boto_config = setup.environ.get("BOTO_CONFIG")
    for path in [boto_config] if boto_config is not None else ["/etc/boto.cfg", "~/.boto"]:
        file = IniFile(path)
        if "aws_access_key_id" in file.sections.get("Credentials", {}):
            return Found(file.shown, [digest([file.data])])
    return "there is no boto configuration file with credentials"


def _container(setup: Setup) -> Found | str:
    relative = setup.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    full = setup.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    token_file = setup.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "")
    if relative is not None:
        # The path holds the task's own id: it is not shown.
        return Found("the task role of this ECS container", [relative])
    if full is not None:
        marks: list[str | bytes] = [
            full,
            digest([setup.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")]),
            token_file and _bearer(IniFile(token_file).data),
        ]
        return Found(f"the credentials at {_address(full)}", marks)
    return (
        "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        " nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set"
    )


def _bearer(token: bytes) -> str:
    """Name who bears a token: the subject of a JSON web token, which outlives each renewal of it.

    All pods of EKS share one address for their credentials, and differ in this alone.
    """
    from binascii import Error, a2b_base64

    payload = token.strip().split(b".")[1:2]
    try:
        claims = a2b_base64(payload[0].translate(bytes.maketrans(b"-_", b"+/")) + b"==")
    except (Error, IndexError):
        return digest([token])
    _, subject, rest = claims.replace(b'"sub": "', b'"sub":"').partition(b'"sub":"')
    return digest([rest.partition(b'"')[0] if subject else token])


def _instance_metadata(setup: Setup) -> Found | str:
    if setup.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return "AWS_EC2_METADATA_DISABLED is true"
    if setup.metadata_endpoint:
        return Found(
            f"the metadata service at {_address(setup.metadata_endpoint)}",
            [setup.metadata_endpoint],
        )
    from cred_helper import ambient

    sign = ambient.machine_sign(ambient.AWS)
    if sign.is_cloud is False:
        return sign.reason
    # A home that several machines share must not share what their roles may do.
    machine = IniFile("/sys/class/dmi/id/board_asset_tag").data or IniFile("/etc/machine-id").data
    return Found(
        f"the role of this instance ({sign.reason})",
        [machine] if machine else None,
        certain=sign.is_cloud is True,
    )


def _address(url: str) -> str:
    """Scheme, host and port of a URL, with nothing in it that could be a secret."""
    scheme, separator, rest = url.rpartition("://")
    for end in "/?#":
        rest = rest.partition(end)[0]
    return scheme + separator + rest.rpartition("@")[2]


_CHAIN: tuple[tuple[str, Callable[[Setup], Found | str]], ...] = (
    (ENVIRONMENT, _environment),
    (WEB_IDENTITY, _web_identity),
    (PROFILE, _profile),
    (BOTO_CONFIG, _boto_config),
    (CONTAINER, _container),
    (INSTANCE, _instance_metadata),
)


def _metadata_answers() -> bool:
    from cred_helper import ambient

    return ambient.answers(
        _METADATA_ADDRESS, _METADATA_PROBE, lambda reply: _METADATA_SERVER in reply.lower()
    )
