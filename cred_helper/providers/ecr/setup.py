"""What the user set for the AWS SDK, read without it: variables, files, the profile in use."""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import is_pipe
from cred_helper.hosts import EcrRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.common.interface import TokenRequest
    from cred_helper.providers.common.trust import CaFile

# A configuration file is kilobytes; more than this is not one.
_MAX_FILE_BYTES = 1 << 20


class IniFile:
    """A configuration file of the SDK's, read for what it names; what it holds is the SDK's."""

    __slots__ = ("_data", "_error", "_sections", "path")

    def __init__(self, path: str) -> None:
        self.path = os.path.expanduser(os.path.expandvars(path))
        self._data: bytes | None = None
        self._error: OSError | None = None
        self._sections: dict[str, dict[str, str]] | None = None

    @property
    def data(self) -> bytes:
        """The content; what is not there or cannot be read is empty, as it is to the SDK."""
        if self._data is None:
            self._data = b""
            try:
                # The SDK does not take a pipe for a file either.
                if not is_pipe(self.path):
                    with open(self.path, "rb") as file:
                        self._data = file.read(_MAX_FILE_BYTES)
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError as error:
                # In a home that may not be looked into, as after sudo, nobody knows of a file.
                if os.path.exists(os.path.dirname(self.path)):
                    self._error = error
        return self._data

    @property
    def trouble(self) -> str:
        """Why the file cannot be read although something is there, or ``""``."""
        if self.data or self._error is None:
            return ""
        from cred_helper.files.json_file import trouble

        return f"{self.shown} cannot be read: {trouble(self._error)}"

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


def profile_name(section: str) -> str | None:
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

    Reads each file once, and only when something asks for it. ``renewal_status`` is what AWS
    answered when the SDK had it renew an SSO session; 0 before that.
    """

    def __init__(self, request: TokenRequest) -> None:
        assert isinstance(request.route, EcrRoute)
        self.route = request.route
        self.environ: Mapping[str, str] = request.environ
        self.wrong = request.wrong
        self.role_arn = request.options.get("role_arn", "")
        self.chosen_profile = request.options.get("profile") or None
        self.renewal_status = 0
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
                name = profile_name(section)
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
            if unreadable := self._unreadable():
                raise unreadable
            known = ", ".join(sorted(self.profiles))
            raise self.wrong(
                "profile",
                f'profile "{self.profile}" is neither in {self.config.shown}'
                f" nor in {self.credentials.shown}",
                hint=f"correct {self.profile_setting}; "
                + (f"the profiles there are: {known}" if known else "there are no profiles at all"),
            )
        return found or {}

    @property
    def unreadable(self) -> IniFile | None:
        """The file that may hold what is missed, and cannot be read; the SDK does without it."""
        return next((file for file in (self.credentials, self.config) if file.trouble), None)

    def _unreadable(self) -> Misconfigured | None:
        file = self.unreadable
        if file is None:
            return None
        hint = f'is it another user\'s? sudo chown "$(id -u)" {file.shown} makes it yours'
        return Misconfigured(file.trouble, hint=hint)

    def missed(self) -> Misconfigured | None:
        """What is wrong where there is no identity although something that is set takes one."""
        if unreadable := self._unreadable():
            return unreadable
        if self.role_arn:
            return self.wrong(
                "role_arn",
                f"there is no AWS identity to assume {self.role_arn} with",
                hint="log in as who may assume it: aws configure, or aws sso login",
            )
        if self.chosen_profile:
            from shlex import quote

            return self.wrong(
                "profile",
                f'profile "{self.profile}" names no credentials, and there are none elsewhere',
                hint=f"aws configure --profile {quote(self.profile)}",
            )
        return None

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
    def trusted(self) -> CaFile | None:
        """The file of authorities to trust: the SDK's own setting first."""
        from cred_helper.providers.common.trust import CaFile

        if own := self.environ.get("AWS_CA_BUNDLE"):
            return CaFile("AWS_CA_BUNDLE", own)
        if own := self.setting("AWS_CA_BUNDLE", "ca_bundle"):
            return CaFile("ca_bundle in ~/.aws/config", own)
        return CaFile.of(self.environ)

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
