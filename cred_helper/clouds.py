"""The built-in clouds, one row each.

Settings and their variables, the words of rules, help, ``explain``, ``doctor``, ``providers``,
completion, the contents of a slim build, the SBOM's groups and the parameters of the tests are
derived from these rows. The hosts of a cloud are in ``hosts``; its provider is the package of the
row's name in ``providers``.
"""

from __future__ import annotations

from cred_helper.record import Record


class Option(Record):
    """A setting of one provider.

    It is a key of the provider's table and of a rule, and a variable. ``purpose`` says what it
    sets. A stronger place that sets one option of a ``group`` replaces the whole group. One that
    ``is_of_machine`` chooses among the machine's identities; it has no meaning for an identity
    token. ``variable`` is the cloud's own variable for it, which is weaker than ours. ``is_number``
    is whether a settings file may have it without quotation marks.
    """

    name: str
    purpose: str
    group: str = ""
    is_of_machine: bool = False
    variable: str = ""
    is_number: bool = False


class Annotation(Record):
    """An annotation of a service account of Kubernetes, by which a pod asks for its own identity.

    Its value sets ``option``; without an option it is a switch, ``true`` or ``false``. The identity
    is incomplete without the option where it is ``needed``.
    """

    name: str
    option: str = ""
    needed: bool = False


class JobIdentity(Record):
    """What a CI job needs to pull from a cloud with its identity token, for recipes.

    ``options`` are the options to set, with placeholders. ``image`` is the path of an example.
    ``systems`` are the CI systems whose tokens the cloud takes, by the words of ``configure --ci``;
    empty: all.
    """

    options: dict[str, str]
    image: str = "team/app:1"
    systems: tuple[str, ...] = ()


class Cloud(Record):
    """A cloud.

    ``replaces`` are the helpers that the executable stands in for when a link to it has their name,
    without ``docker-credential-``; ``plugin`` is the one for kubelet that it stands in for. ``sdk``
    are the top-level packages that only this cloud's provider needs. ``username`` is what its
    registries take together with a token. ``ci_option`` is the option that only an identity token
    makes sense with: it implies ``id_token = "ci"``. With ``annotations`` a pod asks for its own
    identity. ``more_variables`` are looked up only beside others of the cloud, or by its tools;
    ``doctor`` knows their names. ``audience`` is the usual one of identity tokens, ``{name}`` being
    an option; ``job`` is for clouds that take those of CI jobs. Without the first option of
    ``only_with`` the cloud is off: its hosts belong to no cloud. Where only the cloud's own
    variable sets it, all of these options are needed. ``firmware`` is how files of the DMI folder
    begin on the cloud's machines. ``ca_variables`` name a CA bundle for this cloud alone.
    """

    name: str
    title: str
    example_host: str
    username: str
    options: tuple[Option, ...]
    replaces: tuple[str, ...]
    sdk: tuple[str, ...]
    ci_option: str = ""
    plugin: str = ""
    annotations: tuple[Annotation, ...] = ()
    more_variables: tuple[str, ...] = ()
    audience: str = ""
    job: JobIdentity | None = None
    only_with: tuple[str, ...] = ()
    firmware: tuple[tuple[str, str], ...] = ()
    ca_variables: tuple[str, ...] = ()

    @property
    def option_names(self) -> tuple[str, ...]:
        return tuple(option.name for option in self.options)

    @property
    def own_variables(self) -> tuple[str, ...]:
        return tuple(option.variable for option in self.options if option.variable)


def _of_machine(name: str, purpose: str, group: str = "") -> Option:
    return Option(name, purpose, group, is_of_machine=True)


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
            _of_machine("profile", "the AWS profile to use"),
            Option("role_arn", "the role to assume, with the identity or the identity token"),
            *ID_TOKEN_OPTIONS,
        ),
        replaces=("ecr-login", "env"),
        sdk=("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six"),
        plugin="ecr-credential-provider",
        annotations=(Annotation("eks.amazonaws.com/ecr-role-arn", "role_arn", needed=True),),
        more_variables=(
            *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_LOGIN_CACHE_DIRECTORY"),
            *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ),
        ca_variables=("AWS_CA_BUNDLE",),
        audience="sts.amazonaws.com",
        job=JobIdentity({"role_arn": "arn:aws:iam::123456789012:role/ci-pull"}),
        # Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
        firmware=(
            *(("sys_vendor", "Amazon EC2"), ("bios_vendor", "Amazon EC2")),
            ("bios_version", "amazon"),
        ),
    ),
    Cloud(
        "gcr",
        "Google Container Registry and Artifact Registry",
        example_host="us-docker.pkg.dev",
        username="oauth2accesstoken",
        options=(
            _of_machine("credentials_file", "the credential file to use"),
            Option("impersonate", "the service account to impersonate"),
            Option("pull_only", "whether the token may pull and not push"),
            Option(
                "workload_identity_provider", "the provider of the pool, projects/…/providers/…"
            ),
            *ID_TOKEN_OPTIONS,
        ),
        ci_option="workload_identity_provider",
        replaces=("gcr", "gcloud"),
        sdk=("google", "pyasn1", "pyasn1_modules"),
        plugin="auth-provider-gcp",
        annotations=(
            Annotation("iam.gke.io/enable-wi-image-pull"),
            Annotation("iam.gke.io/gcp-service-account", "impersonate"),
        ),
        audience="//iam.googleapis.com/{workload_identity_provider}",
        job=JobIdentity(
            {
                "workload_identity_provider": (
                    "projects/123456789012/locations/global/workloadIdentityPools/ci/providers/ci"
                )
            },
            image="project/team/app:1",
        ),
        # Source: https://cloud.google.com/compute/docs/instances/detect-compute-engine
        firmware=(("product_name", "Google"), ("bios_vendor", "Google")),
    ),
    Cloud(
        "acr",
        "Azure Container Registry",
        example_host="myregistry.azurecr.io",
        username="00000000-0000-0000-0000-000000000000",
        options=(
            Option("tenant_id", "the Entra tenant to sign in to"),
            Option("client_id", "the client id of the identity to use", _MANAGED_IDENTITY),
            _of_machine(
                "resource_id", "the resource id of the managed identity", _MANAGED_IDENTITY
            ),
            _of_machine("object_id", "the object id of the managed identity", _MANAGED_IDENTITY),
            _of_machine("token_credentials", "the credential types of the SDK to use"),
            Option("audience", "the audience of the Entra token"),
            Option("instance_discovery", "whether to check with Entra that the authority exists"),
            Option("identity_token", "whether the answer is the registry's refresh token"),
            *ID_TOKEN_OPTIONS,
        ),
        replaces=("acr-env", "acr"),
        sdk=("azure", "jwt", "msal", "msal_extensions", "typing_extensions"),
        plugin="acr-credential-provider",
        annotations=(
            Annotation("kubernetes.azure.com/acr-client-id", "client_id", needed=True),
            Annotation("kubernetes.azure.com/acr-tenant-id", "tenant_id", needed=True),
        ),
        more_variables=(
            *("AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"),
            "AZURE_CONFIG_DIR",
        ),
        audience="api://AzureADTokenExchange",
        job=JobIdentity(
            {
                "tenant_id": "11111111-1111-1111-1111-111111111111",
                "client_id": "22222222-2222-2222-2222-222222222222",
            },
            # A federated credential names one subject. That of the others is another at each run.
            systems=("github", "gitlab", "buildkite", "azure-pipelines"),
        ),
        # Source: cloud-init's DataSourceAzure.py
        firmware=(("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),),
    ),
    Cloud(
        "dockerhub",
        "Docker Hub",
        example_host="docker.io",
        username="",  # the organization's name, an option
        options=(
            Option(
                "connection_id",
                "the OIDC connection of the organization",
                variable="DOCKERHUB_OIDC_CONNECTIONID",
            ),
            Option("username", "the name of the organization"),
            Option(
                "expires_in",
                "the seconds that a token lives, 300 to 21600",
                variable="DOCKERHUB_OIDC_EXPIREIN",
                is_number=True,
            ),
            *ID_TOKEN_OPTIONS,
        ),
        replaces=(),
        sdk=(),
        ci_option="connection_id",
        only_with=("connection_id", "username"),
        audience="https://identity.docker.com",
        job=JobIdentity(
            {"connection_id": "33333333-3333-4333-8333-333333333333", "username": "ORGANIZATION"},
            systems=("github",),
        ),
    ),
)
NAMES = tuple(cloud.name for cloud in CLOUDS)
REPLACED = tuple(name for cloud in CLOUDS for name in cloud.replaces)
_BY_NAME = dict(zip(NAMES, CLOUDS, strict=True))


def find(name: str) -> Cloud:
    """Look up a cloud by its name. Raises ``KeyError``."""
    return _BY_NAME[name]
