"""The configuration of the AWS SDK, read without it: variables, files, the profile in use.

Reads each file once, and only when something asks for it. Never changes a file, and never quotes a
value in a message unless it is the name of a profile, a section or an option.

Sources:
  https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
  https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import Misconfigured
from cred_helper.hosts import EcrRoute
from cred_helper.providers.common.ini_file import IniFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.common.interface import TokenRequest
    from cred_helper.providers.common.trust import CaFile

# The older variable wins: that is the order of this SDK, not of Go's.
PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
# The APIs that an identity can come from, by the SDK's names.
_IDENTITY_APIS = ("sts", "sso", "sso-oidc", "signin")
# Settings of endpoints that are a variable, or an option of a profile.
_ENDPOINT_SETTINGS = (
    *("ignore_configured_endpoint_urls", "use_fips_endpoint", "use_dualstack_endpoint"),
)


class Configuration:
    """The variables, the files, the profile in use, and the options of one request.

    ``api`` is the SDK's name of the API that issues tokens for the host, ``title`` its name for a
    person. ``renewal_status`` is the HTTP status of the SDK's last request to renew an SSO session;
    0 before that.
    """

    def __init__(self, request: TokenRequest) -> None:
        assert isinstance(request.route, EcrRoute)
        self.request = request
        self.route = request.route
        self.environ: Mapping[str, str] = request.environ
        self.wrong = request.wrong
        self.role_arn = request.options.get("role_arn", "")
        # People put keys there: another text than an ARN is not shown.
        self.shown_role = self.role_arn if self.role_arn.startswith("arn:") else "…"
        self.chosen_profile = request.options.get("profile") or None
        self.api = "ecr-public" if self.route.public else "ecr"
        self.title = "ECR Public" if self.route.public else "ECR"
        self.renewal_status = 0
        self.config_file = self._file("AWS_CONFIG_FILE", "~/.aws/config")
        self.credentials_file = self._file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
        self.files = (self.config_file, self.credentials_file)
        self.profile, self.profile_setting = self._profile_in_use()
        self._profiles: dict[str, dict[str, str]] | None = None

    def _file(self, variable: str, default: str) -> IniFile:
        return IniFile(expanded(self.environ.get(variable) or default), variable)

    def _profile_in_use(self) -> tuple[str, str | None]:
        """The name of the profile in use, and what names it; nothing names the default profile."""
        if self.chosen_profile:
            return self.chosen_profile, "the option profile"
        for variable in PROFILE_VARIABLES:
            if name := self.environ.get(variable):
                return name, variable
        return "default", None

    @property
    def profiles(self) -> dict[str, dict[str, str]]:
        """Every profile's options; where both files have a profile, the credentials file's win.

        Raises:
            Misconfigured: the SDK refuses one of the files. Its content is not quoted.
        """
        if self._profiles is None:
            profiles = self.in_config_file
            for name, options in sections(self.credentials_file).items():
                profiles[name] = profiles.get(name, {}) | options
            self._profiles = profiles
        return self._profiles

    @property
    def in_config_file(self) -> dict[str, dict[str, str]]:
        found = {}
        for section, options in sections(self.config_file).items():
            name = "default" if section == "default" else section_name(section, "profile")
            if name is not None:
                found[name] = options
        return found

    def sections_of(self, kind: str) -> dict[str, dict[str, str]]:
        """The sections of a kind (``sso-session``, ``services``) by their names."""
        return {
            name: options
            for section, options in sections(self.config_file).items()
            if (name := section_name(section, kind)) is not None
        }

    @property
    def options(self) -> dict[str, str]:
        """The options of the profile in use.

        Raises:
            Misconfigured: a profile is named that does not exist. The SDK then refuses to work at
                all, even with a key in the environment.
        """
        found = self.profiles.get(self.profile)
        if found is None and self.profile_setting is not None:
            raise _missing_profile(self, self.profile_setting)
        return found or {}

    @property
    def unreadable(self) -> Misconfigured | None:
        """The error for a file that exists and cannot be read; the SDK does without the file."""
        for file in reversed(self.files):
            if problem := file.unreadable:
                ((_, values),) = problem.parts
                return Misconfigured("ecr.file-unreadable", hint=None, **values)
        return None

    def setting(self, option: str) -> str:
        """A setting that is a variable (``AWS_`` and the option), or an option of the profile."""
        return self.environ.get(f"AWS_{option.upper()}") or self.options.get(option, "")

    @property
    def ca_file(self) -> CaFile | None:
        """The CA bundle in use: the SDK's own setting comes first."""
        from cred_helper.providers.common.trust import CaFile

        if own := self.environ.get("AWS_CA_BUNDLE"):
            return CaFile("AWS_CA_BUNDLE", own)
        if own := self.options.get("ca_bundle"):
            return CaFile(f"ca_bundle in {self.config_file.shown}", own)
        return CaFile.of(self.environ)

    def endpoints(self) -> list[str]:
        """Everything that says which APIs the SDK asks: another cloud's token is another token."""
        apis = (self.api, *_IDENTITY_APIS)
        values = [self.environ.get(endpoint_variable(api), "") for api in ("", *apis)]
        for option in _ENDPOINT_SETTINGS:
            values += [self.environ.get(f"AWS_{option.upper()}", ""), self.options.get(option, "")]
        services = self.options.get("services", "")
        values += [self.options.get("endpoint_url", ""), services]
        own = self.sections_of("services").get(services, {}) if services else {}
        return [*values, *(f"{name}={own[name]}" for name in sorted(own))]

    @property
    def scope(self) -> str:
        """All that one token opens: every registry of a region.

        A token from a FIPS API is kept apart: a user who names a FIPS host wants such a token.
        """
        where = "" if self.route.public else f" in {self.route.region}"
        return f"{self.title}{where}{' by FIPS' if self.route.fips else ''}"


def expanded(path: str) -> str:
    """A path as the SDK expands it; empty where it is below a home folder and there is none."""
    if "$" in path:
        files.unrecorded()  # a variable of any name
    path = os.path.expanduser(os.path.expandvars(path))
    return "" if path.startswith("~") else path


def sections(file: IniFile) -> dict[str, dict[str, str]]:
    """Section → option → value.

    Raises:
        Misconfigured: the SDK refuses the file.
    """
    if file.data.startswith(b"\xef\xbb\xbf"):
        raise Misconfigured("ecr.byte-order-mark", path=file.shown)
    if file.data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Misconfigured("ecr.file-encoding", path=file.shown)
    return file.sections


def section_name(section: str, kind: str) -> str | None:
    """The name in a section's header of this kind (``profile NAME``), or ``None``."""
    if not section.startswith(kind):
        return None
    if any(character in section for character in "'\"\\"):
        from shlex import split

        try:
            words = split(section)
        except ValueError:
            return None
    else:
        words = section.split()
    return words[1] if len(words) == 2 else None


def endpoint_variable(api: str) -> str:
    """The variable for the endpoint of an API; of all APIs for ``""``."""
    return "AWS_ENDPOINT_URL" + ("_" + api.upper().replace("-", "_") if api else "")


def _missing_profile(config: Configuration, setting: str) -> Misconfigured:
    if problem := config.unreadable or _misnamed_section(config):
        return problem
    from cred_helper.secret_shapes import shown

    known = ", ".join(sorted(config.profiles))
    # Both variables are set, and the user may look at the one that does not count.
    others = [v for v in PROFILE_VARIABLES if v != setting and config.environ.get(v)]
    is_ordered = others and setting in PROFILE_VARIABLES
    return config.wrong(
        "profile",
        "ecr.profile-missing",
        profile=shown(config.profile),
        config=config.config_file.shown,
        credentials=config.credentials_file.shown,
        setting=setting,
        known=f"the profiles there are: {known}" if known else "there are no profiles at all",
        order=f" ({setting} comes before {others[0]})" if is_ordered else "",
    )


def _misnamed_section(config: Configuration) -> Misconfigured | None:
    profile = config.profile
    right = f'profile "{profile}"' if " " in profile else f"profile {profile}"
    for file, name in ((config.config_file, right), (config.credentials_file, profile)):
        for section in sections(file):
            meant = section.strip(" \t'\"").removeprefix("profile").strip(" \t'\"")
            if meant == profile:
                return misnamed(file, section, name)
    return None


def misnamed(file: IniFile, section: str, right: str) -> Misconfigured:
    lines = file.data.decode("utf-8", "surrogateescape").split("\n")
    numbers = (n for n, line in enumerate(lines, 1) if line.strip().startswith(f"[{section}]"))
    return Misconfigured(
        "ecr.section-misnamed", path=file.shown, line=next(numbers, 0), section=section, right=right
    )
