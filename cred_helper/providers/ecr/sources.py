"""The AWS SDK's chain of identity sources, followed by looking, in its order."""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured
from cred_helper.files.fingerprints import digest
from cred_helper.providers.ecr.setup import IniFile, profile_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.providers.ecr.setup import Setup

# The sources, in the SDK's order.
ENVIRONMENT = "environment"
WEB_IDENTITY = "web-identity"
PROFILE = "profile"
BOTO_CONFIG = "boto-config"
CONTAINER = "container"
INSTANCE = "instance-metadata"


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
        if setup.unreadable:
            return setup.unreadable.trouble
        if setup.profile in setup.profiles:
            return f'profile "{setup.profile}" names no credentials'
        return f"there is no default profile in {setup.config.shown} or {setup.credentials.shown}"
    files = [
        file.shown
        for file, names in (
            (setup.config, map(profile_name, setup.config.sections)),
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
        # What a pipe holds is for the SDK to read: nothing tells this bearer from another.
        known = not token_file or os.path.isfile(token_file)
        return Found(f"the credentials at {_address(full)}", marks if known else None)
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
    from cred_helper.providers.common import cloud_detection

    sign = cloud_detection.machine_sign(cloud_detection.AWS)
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


CHAIN: tuple[tuple[str, Callable[[Setup], Found | str]], ...] = (
    (ENVIRONMENT, _environment),
    (WEB_IDENTITY, _web_identity),
    (PROFILE, _profile),
    (BOTO_CONFIG, _boto_config),
    (CONTAINER, _container),
    (INSTANCE, _instance_metadata),
)
