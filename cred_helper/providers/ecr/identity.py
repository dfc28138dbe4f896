"""The identity that the AWS SDK would use: its chain of sources, followed by looking alone.

What makes one identity differ from another goes into its ``parts``: the content of the files that
it is read from, the keys, the issuer and subject of its token, the identity that its role is
assumed with. A renewed session is the same identity.
Loads no SDK, asks no network, runs no program.

Source: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.providers.common.interface import ID_TOKEN
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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

# What an access key id looks like.
# Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html
_MAX_KEY_ID_CHARACTERS = 32


class Found(Record):
    """The identity of a source.

    ``parts`` differ between the identities of a source; ``None`` where nothing local shows whose
    the identity is.
    ``program`` is the profile whose ``credential_process`` has to run to say whose it is.
    ``session`` is the sign-in session whose renewal gives its keys. ``uses_cli_sessions`` is true
    where a role session that the AWS CLI keeps may be used in its place. ``id_token`` is where the
    identity token comes from that the role is assumed by.
    """

    detail: str
    parts: Parts | None
    certain: bool = True
    program: str | None = None
    session: Session | None = None
    uses_cli_sessions: bool = False
    id_token: FoundToken | None = None


def sources(config: Configuration) -> list[tuple[str, Callable[[], Found | NotFound]]]:
    """The sources in the SDK's order, each with the function that looks for its identity.

    Before them all is the identity token of the request, if it has one.
    """
    names = [ENVIRONMENT, WEB_IDENTITY, PROFILE, BOTO_CONFIG, CONTAINER, INSTANCE]
    if config.request.id_token:
        names.insert(0, ID_TOKEN)
    return [(name, _later(config, name)) for name in names]


def _later(config: Configuration, source: str) -> Callable[[], Found | NotFound]:
    return lambda: _look(config, source)


def _look(config: Configuration, source: str) -> Found | NotFound:
    """Look for the identity of a source; its module is loaded where the walk comes to it."""
    if source == ENVIRONMENT:
        return _environment(config)
    if source == WEB_IDENTITY:
        return _web_identity(config)
    if source == PROFILE:
        from cred_helper.providers.ecr import profile_identity

        return profile_identity.of_profile(config)
    if source == ID_TOKEN:
        from cred_helper.providers.ecr import web_identity

        return web_identity.by_id_token(config)
    from cred_helper.providers.ecr import machine_identity

    if source == BOTO_CONFIG:
        return machine_identity.boto_config(config)
    look = machine_identity.container if source == CONTAINER else machine_identity.instance_metadata
    return look(config)


def _environment(config: Configuration) -> Found | NotFound:
    if config.chosen_profile:
        return NotFound("ecr.chosen-profile-first")
    secret = config.environ.get("AWS_SECRET_ACCESS_KEY")
    if not config.environ.get("AWS_ACCESS_KEY_ID"):
        return NotFound("ecr.key-id-not-set" if secret else "ecr.key-not-set")
    if not secret:
        raise Misconfigured("ecr.secret-not-set")
    _ = config.options  # the SDK insists that a profile which is named exists
    return keys_in_environment(config)


def keys_in_environment(config: Configuration) -> Found:
    """The keys in the variables, as a source of their own or as the source of a role."""
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SECURITY_TOKEN", "SESSION_TOKEN")
    values = {f"AWS_{name}": config.environ.get(f"AWS_{name}", "") for name in names}
    for name, value in values.items():
        if problem := key_problem(value):
            raise Misconfigured("ecr.key-not-usable", name=name, problem=problem)
    detail, key_id = "AWS_ACCESS_KEY_ID", values["AWS_ACCESS_KEY_ID"]
    if key_id.isalnum() and key_id.isupper() and len(key_id) <= _MAX_KEY_ID_CHARACTERS:
        detail += f" …{key_id[-4:]}"  # it has the shape of a key id, and may be shown in part
    detail += " with a session token" if values["AWS_SESSION_TOKEN"] else ""
    return Found(detail, [digest([value]) for value in values.values()])


def key_problem(value: str) -> str:
    """What a key cannot hold: what came along with it from a file or a shell; else nothing."""
    if "\n" in value or "\r" in value:
        return "a line break"
    if any(character.isspace() for character in value):
        return "a blank"
    if value[:1] in ("'", '"') or value[-1:] in ("'", '"'):
        return "quotation marks"
    return "" if value.isprintable() else "a character that is not printable"


def _web_identity(config: Configuration) -> Found | NotFound:
    if config.chosen_profile:
        return NotFound("ecr.chosen-profile-first")
    path = config.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if not path:
        return NotFound("provider.variable-not-set", variable="AWS_WEB_IDENTITY_TOKEN_FILE")
    if assumes_role(config.options):
        return NotFound("ecr.role-first", profile=config.profile)
    from cred_helper.providers.ecr import web_identity

    return web_identity.by_variables(config, path)


def assumes_role(options: dict[str, str]) -> bool:
    """Whether a profile assumes its role with another identity's keys."""
    return "role_arn" in options and "web_identity_token_file" not in options
