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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.providers.common.interface import FoundToken
    from cred_helper.providers.ecr.configuration import Configuration
    from cred_helper.providers.ecr.sign_in import Session

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


class Found:
    """The identity of a source.

    ``parts`` differ between the identities of a source; ``None`` where nothing local shows whose
    the identity is.
    ``program`` is the profile whose ``credential_process`` has to run to say whose it is.
    ``session`` is the sign-in session whose renewal gives its keys. ``uses_cli_sessions`` is true
    where a role session that the AWS CLI keeps may be used in its place. ``id_token`` is where the
    identity token comes from that the role is assumed by.
    """

    __slots__ = (
        "certain",
        "detail",
        "id_token",
        "parts",
        "program",
        "session",
        "uses_cli_sessions",
    )

    def __init__(
        self,
        detail: str,
        parts: list[str | bytes] | None,
        *,
        certain: bool = True,
        program: str | None = None,
        session: Session | None = None,
        uses_cli_sessions: bool = False,
        id_token: FoundToken | None = None,
    ) -> None:
        self.detail = detail
        self.parts = parts
        self.certain = certain
        self.program = program
        self.session = session
        self.uses_cli_sessions = uses_cli_sessions
        self.id_token = id_token


def sources(configuration: Configuration) -> list[tuple[str, Callable[[], Found | NotFound]]]:
    """The sources in the SDK's order, each with the function that looks for its identity.

    Before them all is the identity token of the request, if it has one.
    """
    return [
        *([(ID_TOKEN, lambda: _id_token(configuration))] if configuration.request.id_token else ()),
        (ENVIRONMENT, lambda: _environment(configuration)),
        (WEB_IDENTITY, lambda: _web_identity(configuration)),
        (PROFILE, lambda: _profile(configuration)),
        (BOTO_CONFIG, lambda: _boto_config(configuration)),
        (CONTAINER, lambda: _container(configuration)),
        (INSTANCE, lambda: _instance_metadata(configuration)),
    ]


def _id_token(configuration: Configuration) -> Found | NotFound:
    from cred_helper.providers.ecr.web_identity import by_id_token

    return by_id_token(configuration)


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
    return keys_in_environment(configuration)


def keys_in_environment(configuration: Configuration) -> Found:
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
    if assumes_role(configuration.options):
        return NotFound("ecr.role-first", profile=configuration.profile)
    from cred_helper.providers.ecr import web_identity

    return web_identity.by_variables(configuration, path)


def assumes_role(options: dict[str, str]) -> bool:
    """Whether a profile assumes its role with another identity's keys."""
    return "role_arn" in options and "web_identity_token_file" not in options


def _profile(configuration: Configuration) -> Found | NotFound:
    from cred_helper.providers.ecr.profile_identity import of_profile

    return of_profile(configuration)


def _boto_config(configuration: Configuration) -> Found | NotFound:
    from cred_helper.providers.ecr.machine_identity import boto_config

    return boto_config(configuration)


def _container(configuration: Configuration) -> Found | NotFound:
    from cred_helper.providers.ecr.machine_identity import container

    return container(configuration)


def _instance_metadata(configuration: Configuration) -> Found | NotFound:
    from cred_helper.providers.ecr.machine_identity import instance_metadata

    return instance_metadata(configuration)
