"""Amazon ECR: the identity that asks for a token, and the API that is asked.

The identity is the AWS SDK's: ``identify`` follows the SDK's chain without loading it, and
``token`` has the SDK use the source that was found. Never looks for an instance's role where
anything else is configured, never prompts, and never names an account to the API: a token belongs
to its identity, and opens every registry of the region that this identity may reach.

Sources:
  https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
  https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.hosts import S3Route
from cred_helper.providers.common.interface import ID_TOKEN, Identity, walk
from cred_helper.providers.ecr.configuration import Configuration
from cred_helper.providers.ecr.identity import (
    BOTO_CONFIG,
    CONTAINER,
    ENVIRONMENT,
    INSTANCE,
    PROFILE,
    WEB_IDENTITY,
    AwsIdentity,
    assumes_role,
    of_environment,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cred_helper.credential import Credential
    from cred_helper.errors import Misconfigured, ProviderError
    from cred_helper.providers.common.interface import SkippedSource, TokenRequest
    from cred_helper.providers.common.protocols import BuiltInProvider
    from cred_helper.providers.ecr.identity import Output, SourceIdentity


class EcrProvider:
    """Amazon ECR and ECR Public."""

    name = "ecr"

    def identify(self, request: TokenRequest) -> Identity:
        config = Configuration(request)
        found, skipped = walk(_sources(config))
        if found:
            return _identity(config, *found[0], tuple(skipped))
        return Identity(None, skipped=tuple(skipped), problem_if_absent=lambda: _problem(config))

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        identity = identity.determined(request)
        if not isinstance(identity, AwsIdentity):
            raise NotFound("ecr.no-identity")
        if not identity.certain:
            from cred_helper.providers.ecr import metadata

            if not metadata.answers():
                raise NotFound("ecr.no-metadata-service")
        from cred_helper.providers.common import deferred_imports
        from cred_helper.providers.ecr import sdk_imports

        deferred_imports.use(sdk_imports.TABLES)
        from cred_helper.providers.ecr import token

        return token.token(Configuration(request), identity, request.deadline)

    def near_miss(self, labels: list[str]) -> str | None:
        from cred_helper.providers.ecr.problems import near_miss

        return near_miss(labels)

    def problems(self, request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
        from cred_helper.providers.ecr.problems import problems

        return problems(Configuration(request), identity)


PROVIDER: BuiltInProvider = EcrProvider()


def _sources(config: Configuration) -> list[tuple[str, Callable[[], SourceIdentity | NotFound]]]:
    """The sources in the SDK's order, each with a function that returns its identity.

    The identity token of the request, if it has one, is the first source.
    """
    names = [ENVIRONMENT, WEB_IDENTITY, PROFILE, BOTO_CONFIG, CONTAINER, INSTANCE]
    if config.request.id_token:
        names.insert(0, ID_TOKEN)

    def look_at(source: str) -> Callable[[], SourceIdentity | NotFound]:
        return lambda: _look(config, source)

    return [(name, look_at(name)) for name in names]


def _look(config: Configuration, source: str) -> SourceIdentity | NotFound:
    """Return the identity of a source. Its module is loaded only when the walk asks it."""
    if source == ENVIRONMENT:
        return of_environment(config)
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


def _web_identity(config: Configuration) -> SourceIdentity | NotFound:
    if config.chosen_profile:
        return NotFound("ecr.chosen-profile-first")
    path = config.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if not path:
        return NotFound("provider.variable-not-set", variable="AWS_WEB_IDENTITY_TOKEN_FILE")
    if assumes_role(config.options):
        return NotFound("ecr.role-first", profile=config.profile)
    from cred_helper.providers.ecr import web_identity

    return web_identity.by_variables(config, path)


def _identity(
    config: Configuration,
    source: str,
    found: SourceIdentity,
    skipped: tuple[SkippedSource, ...],
    output: Output | None = None,
) -> AwsIdentity:
    parts = found.parts
    if found.program is not None:
        # Without the program's answer, nothing says whose keys it gives.
        parts = None if output is None or parts is None else [*parts, output.key_id]
    key = None
    if parts is not None and not isinstance(config.route, S3Route):
        key = digest([source, *parts, config.role_arn, *config.endpoints()])

    def run(request: TokenRequest) -> Identity:
        from cred_helper.providers.ecr import credential_process

        assert found.program is not None
        config = Configuration(request)
        output = credential_process.run(config, found.program, request.deadline)
        return _identity(config, source, found, skipped, output)

    # The role of an identity token is the identity itself.
    assumes = bool(config.role_arn) and found.id_token is None
    return AwsIdentity(
        source,
        found.detail + (f", then {config.shown_role}" if assumes else ""),
        skipped,
        key,
        found.certain,
        config.scope,
        problem_if_absent=lambda: _problem(config),
        determine=None if found.program is None or output is not None else run,
        id_token=found.id_token,
        found=found,
        output=output,
    )


def _problem(config: Configuration) -> Misconfigured | None:
    from cred_helper.providers.ecr.profile_errors import nothing_found

    return nothing_found(config)
