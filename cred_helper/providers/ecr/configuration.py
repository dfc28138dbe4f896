"""The configuration of the AWS SDK, read without it: variables, files, the profile in use.

Reads each file once, and only when something asks for it. Never changes a file, and never quotes a
value in a message unless it is the name of a profile, a section or an option.

Sources:
  https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
  https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured
from cred_helper.hosts import EcrRoute
from cred_helper.providers.common.ini_file import IniFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cred_helper.providers.common.interface import TokenRequest
    from cred_helper.providers.common.trust import CaFile

# The older variable wins: that is the order of this SDK, not of Go's.
PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
# The APIs that an identity can come from, by the SDK's names.
_IDENTITY_APIS = ("sts", "sso", "sso-oidc", "signin")
# Settings of endpoints that are a variable, or an option of a profile.
_ENDPOINT_SETTINGS = (
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"),
    ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
    ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
)
# Options in whose values a "#" or ";" after a blank cannot be meant: the SDK takes it as a part of
# the value.
_NO_COMMENT = (
    *("aws_access_key_id", "aws_secret_access_key", "ca_bundle", "credential_source"),
    *("ec2_metadata_service_endpoint", "endpoint_url", "external_id", "login_session"),
    *("mfa_serial", "region", "role_arn", "role_session_name", "services", "source_profile"),
    *("sso_account_id", "sso_region", "sso_role_name", "sso_session", "sso_start_url"),
    *("sts_regional_endpoints", "web_identity_token_file"),
)


class Configuration:
    """The variables, the files, the profile in use, and the options of one request.

    ``renewal_status`` is the HTTP status of the SDK's last request to renew an SSO session; 0
    before that.
    """

    def __init__(self, request: TokenRequest) -> None:
        assert isinstance(request.route, EcrRoute)
        self.route = request.route
        self.environ: Mapping[str, str] = request.environ
        self.wrong = request.wrong
        self.role_arn = request.options.get("role_arn", "")
        self.chosen_profile = request.options.get("profile") or None
        self.renewal_status = 0
        self.config_file = self._file("AWS_CONFIG_FILE", "~/.aws/config")
        self.credentials_file = self._file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
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
    def files(self) -> tuple[IniFile, IniFile]:
        """The config file and the credentials file."""
        return self.config_file, self.credentials_file

    @property
    def profiles(self) -> dict[str, dict[str, str]]:
        """Every profile's options; where both files have a profile, the credentials file's win.

        Raises:
            Misconfigured: the SDK refuses one of the files. Its content is not quoted.
        """
        if self._profiles is None:
            profiles: dict[str, dict[str, str]] = {}
            for section, options in sections(self.config_file).items():
                name = "default" if section == "default" else section_name(section, "profile")
                if name is not None:
                    profiles[name] = options
            for name, options in sections(self.credentials_file).items():
                profiles[name] = profiles.get(name, {}) | options
            self._profiles = profiles
        return self._profiles

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
            raise self._missing_profile(self.profile_setting)
        return found or {}

    def _missing_profile(self, setting: str) -> Misconfigured:
        if unreadable := self.unreadable:
            return unreadable
        misnamed = self._misnamed_section()
        if misnamed is not None:
            return misnamed
        known = ", ".join(sorted(self.profiles))
        other = next((v for v in PROFILE_VARIABLES if v != setting and self.environ.get(v)), None)
        return self.wrong(
            "profile",
            "ecr.profile-missing",
            profile=self.profile,
            config=self.config_file.shown,
            credentials=self.credentials_file.shown,
            setting=setting,
            known=f"the profiles there are: {known}" if known else "there are no profiles at all",
            # Both variables are set, and the user may look at the one that does not count.
            order=f" ({setting} comes before {other})"
            if other and setting in PROFILE_VARIABLES
            else "",
        )

    def _misnamed_section(self) -> Misconfigured | None:
        """The error for a section that is meant to be the profile in use and is not named so."""
        quoted = f'"{self.profile}"' if " " in self.profile else self.profile
        for file, right in (
            (self.config_file, f"profile {quoted}"),
            (self.credentials_file, self.profile),
        ):
            for section in sections(file):
                if _meant_profile(section) == self.profile:
                    return Misconfigured(
                        "ecr.section-misnamed",
                        path=file.shown,
                        line=line_of_section(file, section),
                        section=section,
                        right=right,
                    )
        return None

    @property
    def unreadable(self) -> Misconfigured | None:
        """The error for a file that exists and cannot be read; the SDK does without the file."""
        for file in reversed(self.files):
            if problem := file.unreadable:
                values = problem.parts[0][1]
                return Misconfigured(
                    "ecr.file-unreadable", path=values["path"], reason=values["reason"]
                )
        return None

    def problem(self) -> Misconfigured | None:
        """Why there has to be an identity, where none is found: what is set needs one."""
        if unreadable := self.unreadable:
            return unreadable
        if self.role_arn:
            return self.wrong("role_arn", "ecr.nothing-assumes-role", role=self.role_arn)
        if self.chosen_profile:
            from shlex import quote

            return self.wrong(
                "profile",
                "ecr.profile-empty",
                profile=self.profile,
                command=f"aws configure --profile {quote(self.profile)}",
            )
        return None

    def setting(self, variable: str, option: str) -> str:
        """A setting that is a variable, or an option of the profile in use."""
        return self.environ.get(variable) or self.options.get(option, "")

    @property
    def metadata_endpoint(self) -> str:
        """The address that is set for the instance metadata service; empty for the usual one."""
        url = self.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint")
        mode = self.setting(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"
        )
        older_mode = self.setting("AWS_IMDS_USE_IPV6", "imds_use_ipv6")
        ipv6 = (mode or older_mode).lower() in ("ipv6", "true")
        return url or ("http://[fd00:ec2::254]" if ipv6 else "")

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
        for variable, option in _ENDPOINT_SETTINGS:
            values += [self.environ.get(variable, ""), self.options.get(option, "")]
        services = self.options.get("services", "")
        values += [self.options.get("endpoint_url", ""), services]
        own = self.sections_of("services").get(services, {}) if services else {}
        return [*values, *(f"{name}={own[name]}" for name in sorted(own))]

    def profiles_in_use(self) -> Iterator[str]:
        """The profile in use, the source of its role, and so on."""
        name, seen = self.profile, set[str]()
        while name in self.profiles and name not in seen:
            seen.add(name)
            yield name
            name = self.profiles[name].get("source_profile", name)

    def profile_with(self, *options: str) -> str:
        """The first profile in use that has one of these options."""
        for name in self.profiles_in_use():
            if any(option in self.profiles[name] for option in options):
                return name
        return self.profile

    def comments_behind_values(self) -> Iterator[Misconfigured]:
        """The options in use whose value goes on with what looks like a comment."""
        used = set(self.profiles_in_use()) | {self.profile}
        sessions = {self.profiles.get(name, {}).get("sso_session") for name in used}
        for file in self.files:
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
        """All that one token opens: every registry of a region.

        A token from a FIPS API is kept apart: a user who names a FIPS host wants such a token.
        """
        where = "" if self.route.public else f" in {self.route.region}"
        return f"{self.title}{where}{' by FIPS' if self.route.fips else ''}"


def expanded(path: str) -> str:
    """A path as the SDK expands it; empty where it is below a home folder and there is none."""
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


def endpoint_variable(api: str) -> str:
    """The variable for the endpoint of an API; of all APIs for ``""``."""
    return "AWS_ENDPOINT_URL" + ("_" + api.upper().replace("-", "_") if api else "")
