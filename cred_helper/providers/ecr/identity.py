"""What a source of the AWS SDK's chain says of its identity, and the source of the variables.

The ``parts`` of an identity differ from those of every other: the content of its files, its keys,
issuer and subject of its token, the identity that assumes its role. A renewed session has the same
parts, except of SSO. Reads variables and files. Opens no connection, runs no program.

Source: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.providers.common.interface import Identity
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import FoundToken
    from cred_helper.providers.ecr.configuration import Configuration
    from cred_helper.providers.ecr.sign_in import Session

    Parts = list[str | bytes]

# The sources, by the names that explain shows.
ENVIRONMENT = "environment"
WEB_IDENTITY = "web-identity"
PROFILE = "profile"
BOTO_CONFIG = "boto-config"
CONTAINER = "container"
INSTANCE = "instance-metadata"

# The longest access key id.
# Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html
_MAX_KEY_ID_CHARACTERS = 32


class SourceIdentity(Record):
    """The identity of a source.

    ``parts`` differ between the identities of a source; ``None`` if no variable or file shows whose
    the identity is. ``program`` is the profile whose ``credential_process`` has to run to show it.
    ``session`` is the sign-in session that is renewed for the keys. ``uses_cli_sessions`` is true
    if a role session that the AWS CLI keeps can be used instead. ``id_token`` is the identity token
    that assumes the role.
    """

    detail: str
    parts: Parts | None
    certain: bool = True
    program: str | None = None
    session: Session | None = None
    uses_cli_sessions: bool = False
    id_token: FoundToken | None = None


class Output(Record):
    """What a credential_process printed, and the access key id in it."""

    data: bytes
    key_id: str


class AwsIdentity(Identity, kw_only=True):
    """An identity of the AWS SDK; ``output`` has its keys if only running a program gave them."""

    found: SourceIdentity
    output: Output | None


def of_environment(config: Configuration) -> SourceIdentity | NotFound:
    if config.chosen_profile:
        return NotFound("ecr.chosen-profile-first")
    secret = config.environ.get("AWS_SECRET_ACCESS_KEY")
    if not config.environ.get("AWS_ACCESS_KEY_ID"):
        return NotFound("ecr.key-id-not-set" if secret else "ecr.key-not-set")
    if not secret:
        raise Misconfigured("ecr.secret-not-set")
    _ = config.options  # raises if a named profile is missing, as the SDK does
    return keys_in_environment(config)


def keys_in_environment(config: Configuration) -> SourceIdentity:
    """The keys in variables: as an identity, or as the one that assumes a role."""
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SECURITY_TOKEN", "SESSION_TOKEN")
    values = {f"AWS_{name}": config.environ.get(f"AWS_{name}", "") for name in names}
    for name, value in values.items():
        if problem := key_problem(value):
            raise Misconfigured("ecr.key-not-usable", name=name, problem=problem)
    detail, key_id = "AWS_ACCESS_KEY_ID", values["AWS_ACCESS_KEY_ID"]
    if key_id.isalnum() and key_id.isupper() and len(key_id) <= _MAX_KEY_ID_CHARACTERS:
        detail += f" …{key_id[-4:]}"  # a key id and not a secret key: its end can be shown
    detail += " with a session token" if values["AWS_SESSION_TOKEN"] else ""
    return SourceIdentity(detail, [digest([value]) for value in values.values()])


def key_problem(value: str) -> str:
    """The kind of character in a key that a copy from a file or shell added; else empty."""
    if "\n" in value or "\r" in value:
        return "a line break"
    if any(character.isspace() for character in value):
        return "a blank"
    if value[:1] in ("'", '"') or value[-1:] in ("'", '"'):
        return "quotation marks"
    return "" if value.isprintable() else "a character that is not printable"


def assumes_role(options: dict[str, str]) -> bool:
    """Whether a profile assumes its role with keys, and not with an identity token."""
    return "role_arn" in options and "web_identity_token_file" not in options
