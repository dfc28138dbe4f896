"""The built-in clouds, one row each.

Settings and their variables, the words of rules, help, ``explain``, ``doctor``, ``providers``,
completion, the contents of a slim build, the SBOM's groups and the parameters of the tests are
derived from these rows. The hosts of a cloud are in ``hosts``; its provider is the package of the
row's name in ``providers``.
"""

from __future__ import annotations


class Option:
    """A setting of one provider.

    It is a key of the provider's table and of a rule, and a variable. ``purpose`` says what it
    sets. Of the options in one ``group`` only those of the strongest place that sets any of them
    are in force.
    """

    __slots__ = ("group", "name", "purpose")

    def __init__(self, name: str, purpose: str, group: str = "") -> None:
        self.name = name
        self.purpose = purpose
        self.group = group


class Cloud:
    """A cloud.

    ``replaces`` are the helpers that the executable stands in for when a link to it has their
    name, without ``docker-credential-``. ``sdk`` are the top-level packages that only this cloud's
    provider needs. ``username`` is what its registries take together with a token. ``ci_option`` is
    the option that only an identity token makes sense with: it implies ``id_token = "ci"``.
    """

    __slots__ = (
        "ci_option",
        "example_host",
        "name",
        "options",
        "replaces",
        "sdk",
        "title",
        "username",
    )

    def __init__(
        self,
        name: str,
        title: str,
        *,
        example_host: str,
        username: str,
        options: tuple[Option, ...],
        replaces: tuple[str, ...],
        sdk: tuple[str, ...],
        ci_option: str = "",
    ) -> None:
        self.name = name
        self.title = title
        self.example_host = example_host
        self.username = username
        self.options = options
        self.replaces = replaces
        self.sdk = sdk
        self.ci_option = ci_option

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of the options, in the order of the table."""
        return tuple(option.name for option in self.options)


# For a provider that exchanges identity tokens (providers/common/id_token).
ID_TOKEN_OPTIONS = (
    Option("id_token", "the identity token to use: ci, env:NAME or file:PATH"),
    Option("id_token_audience", "the audience of the identity token"),
)
_MANAGED_IDENTITY = "managed identity"

CLOUDS = (
    Cloud(
        "ecr",
        "Amazon ECR",
        example_host="123456789012.dkr.ecr.us-east-1.amazonaws.com",
        username="AWS",
        options=(
            Option("profile", "the AWS profile to use"),
            Option("role_arn", "the role to assume with that identity"),
        ),
        replaces=("ecr-login", "env"),
        sdk=("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six"),
    ),
    Cloud(
        "gcr",
        "Google Container Registry and Artifact Registry",
        example_host="us-docker.pkg.dev",
        username="oauth2accesstoken",
        options=(
            Option("credentials_file", "the credential file to use"),
            Option("impersonate", "the service account to impersonate"),
            Option("pull_only", "whether the token may pull and not push"),
        ),
        replaces=("gcr", "gcloud"),
        sdk=("google", "pyasn1", "pyasn1_modules"),
    ),
    Cloud(
        "acr",
        "Azure Container Registry",
        example_host="myregistry.azurecr.io",
        username="00000000-0000-0000-0000-000000000000",
        options=(
            Option("tenant_id", "the Entra tenant to sign in to"),
            Option("client_id", "the client id of the identity to use", _MANAGED_IDENTITY),
            Option("resource_id", "the resource id of the managed identity", _MANAGED_IDENTITY),
            Option("object_id", "the object id of the managed identity", _MANAGED_IDENTITY),
            Option("token_credentials", "which of the SDK's credential types to use"),
            Option("audience", "the audience of the Entra token"),
            Option("instance_discovery", "whether Entra is asked if the authority exists"),
            Option("identity_token", "whether the registry's refresh token is given out"),
        ),
        replaces=("acr-env", "acr"),
        sdk=("azure", "jwt", "msal", "msal_extensions", "typing_extensions"),
    ),
)
NAMES = tuple(cloud.name for cloud in CLOUDS)


def find(name: str) -> Cloud:
    """Look up a cloud by its name.

    Raises:
        KeyError: no row has this name.
    """
    for cloud in CLOUDS:
        if cloud.name == name:
            return cloud
    raise KeyError(name)
