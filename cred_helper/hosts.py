"""The host tables: which built-in provider, if any, a server URL belongs to.

The tables are data; the matching is label by label from the right and anchored at both ends. No
network, no environment, no regular expression. A host on no table has no route, and a host without
a route never meets a cloud token. Every zone in a table is owned by the cloud it is listed under.

Sources:
  ECR: botocore's ``partitions.json`` (suffix and dual-stack suffix of each partition);
  https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html (the registries' names).
  Google: https://cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling and
  GoogleCloudPlatform/buildpacks (the partner clouds').
  Azure: https://learn.microsoft.com/azure/container-registry/container-registry-geo-replication
  and the Azure CLI's cloud definitions (suffix and authority of each cloud).
"""

from __future__ import annotations

from cred_helper.server_url import is_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.server_url import ServerURL

ECR = "ecr"
GCR = "gcr"
ACR = "acr"


class Route:
    """The built-in provider for a host, and what the host's own name says about it.

    ``region`` and ``fips`` are ``None`` where names of that cloud say nothing of the kind.
    """

    __slots__ = ("fips", "host", "provider", "region")

    def __init__(
        self, provider: str, host: str, region: str | None = None, fips: bool | None = None
    ) -> None:
        self.provider = provider
        self.host = host
        self.region = region
        self.fips = fips

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.host!r})"


# --- Amazon ECR -----------------------------------------------------------------------------------


class Partition:
    """One AWS partition: where its registries live and how its regions' names begin."""

    __slots__ = ("dual_stack_suffix", "name", "region_prefix", "suffix")

    def __init__(self, name: str, suffix: str, dual_stack_suffix: str, region_prefix: str) -> None:
        self.name = name
        self.suffix = suffix
        self.dual_stack_suffix = dual_stack_suffix
        self.region_prefix = region_prefix


# Registries of the dual-stack kind live under the partition's dual-stack API zone with "on" in
# place of "api". AWS documents that for aws and cn; for the others it is inferred from the zone.
# The aws partition claims no prefix: it has every region no other claims, and a new one needs no
# release.
PARTITIONS = (
    Partition("aws-cn", "amazonaws.com.cn", "on.amazonwebservices.com.cn", "cn-"),
    Partition("aws-us-gov", "amazonaws.com", "on.aws", "us-gov-"),
    Partition("aws-iso", "c2s.ic.gov", "on.aws.ic.gov", "us-iso-"),
    Partition("aws-iso-b", "sc2s.sgov.gov", "on.aws.scloud", "us-isob-"),
    Partition("aws-iso-e", "cloud.adc-e.uk", "on.cloud-aws.adc-e.uk", "eu-isoe-"),
    Partition("aws-iso-f", "csp.hci.ic.gov", "on.aws.hci.ic.gov", "us-isof-"),
    Partition("aws-eusc", "amazonaws.eu", "on.amazonwebservices.eu", "eusc-"),
    Partition("aws", "amazonaws.com", "on.aws", ""),
)
ECR_PUBLIC_HOSTS = ("public.ecr.aws", "ecr-public.aws.com")
# The public registry's API answers in this region only.
# Source: https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/Welcome.html
ECR_PUBLIC_REGION = "us-east-1"
_ACCOUNT_DIGITS = 12


class EcrRoute(Route):
    """A host of Amazon ECR. ``account`` is ``None`` for the public registry."""

    __slots__ = ("account", "dual_stack", "partition")
    region: str
    fips: bool

    def __init__(
        self,
        host: str,
        region: str,
        *,
        account: str | None,
        partition: str,
        fips: bool = False,
        dual_stack: bool = False,
    ) -> None:
        super().__init__(ECR, host, region, fips)
        self.account = account
        self.partition = partition
        self.dual_stack = dual_stack

    @property
    def public(self) -> bool:
        """Whether this is ECR Public, which has an API of its own."""
        return self.account is None


def _ecr(host: str, labels: tuple[str, ...]) -> EcrRoute | None:
    """``ACCOUNT.dkr.ecr[-fips].REGION.SUFFIX`` or ``ACCOUNT.dkr-ecr[-fips].REGION.DUALSUFFIX``."""
    if host in ECR_PUBLIC_HOSTS:
        return EcrRoute(
            host,
            ECR_PUBLIC_REGION,
            account=None,
            partition="aws",
            dual_stack=host == "ecr-public.aws.com",
        )
    account, *rest = labels
    if len(account) != _ACCOUNT_DIGITS or not account.isdigit():
        return None
    match rest:
        case ["dkr", "ecr" | "ecr-fips" as service, region, *suffix]:
            dual_stack = False
        case ["dkr-ecr" | "dkr-ecr-fips" as service, region, *suffix]:
            dual_stack = True
        case _:
            return None
    partition = _partition(region, ".".join(suffix), dual_stack)
    if partition is None:
        return None
    return EcrRoute(
        host,
        region,
        account=account,
        partition=partition.name,
        fips=service.endswith("-fips"),
        dual_stack=dual_stack,
    )


def _partition(region: str, suffix: str, dual_stack: bool) -> Partition | None:
    """Find the partition a region belongs to, if its registries live under this suffix.

    A region of one partition under the suffix of another is nobody's: a token of the one would
    be shown across a border to the other.
    """
    owner = next(p for p in PARTITIONS if region.startswith(p.region_prefix))
    return owner if suffix == (owner.dual_stack_suffix if dual_stack else owner.suffix) else None


# --- Google Container Registry and Artifact Registry ----------------------------------------------


class GcrRoute(Route):
    """A host of a Google registry; a credential of another universe must not be shown to it."""

    __slots__ = ("universe_domain",)

    def __init__(self, host: str, universe_domain: str) -> None:
        super().__init__(GCR, host)
        self.universe_domain = universe_domain


GOOGLE_UNIVERSE = "googleapis.com"
# Registry suffix of each partner cloud → its universe domain. A general "*.goog" is never matched:
# other names there serve third parties' content.
PARTNER_UNIVERSES = {
    "s3nsregistry.fr": "s3nsapis.fr",
    "qs3nsregistry.fr": "qs3nsapis.fr",
    "pkg-berlin-build0.goog": "apis-berlin-build0.goog",
    "pkg-tpczero.goog": "apis-tpczero.goog",
    "pkg-tpcone.goog": "apis-tpcone.goog",
}


def _gcr(host: str, labels: tuple[str, ...]) -> GcrRoute | None:
    """``gcr.io``, ``X.gcr.io``, ``….pkg.dev``, ``[LOCATION-]docker.PARTNER``."""
    match labels:
        case ["gcr", "io"] | [_, "gcr", "io"] | [_, *_, "pkg", "dev"]:
            return GcrRoute(host, GOOGLE_UNIVERSE)
        case [service, *suffix] if _is_docker_service(service):
            universe_domain = PARTNER_UNIVERSES.get(".".join(suffix))
            return GcrRoute(host, universe_domain) if universe_domain else None
    return None


def _is_docker_service(label: str) -> bool:
    return label == "docker" or (label.endswith("-docker") and is_label(label[: -len("-docker")]))


# --- Azure Container Registry ---------------------------------------------------------------------


class AcrCloud:
    """One Azure cloud: its registries' suffix and the authority that signs its people in.

    ``closed`` is the date the cloud ended, for the one that did: it is explained, never called.
    """

    __slots__ = ("authorities", "closed", "suffix")

    def __init__(
        self, suffix: str, authorities: tuple[str, ...], *, closed: str | None = None
    ) -> None:
        self.suffix = suffix
        self.authorities = authorities
        self.closed = closed


# The first authority is the one used; the others are accepted names of the same cloud.
ACR_CLOUDS = (
    AcrCloud(
        "azurecr.io",
        (
            "login.microsoftonline.com",
            "login.microsoft.com",
            "login.windows.net",
            "sts.windows.net",
        ),
    ),
    AcrCloud("azurecr.cn", ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn")),
    AcrCloud("azurecr.us", ("login.microsoftonline.us", "login.usgovcloudapi.net")),
    AcrCloud("azurecr.de", ("login.microsoftonline.de",), closed="October 2021"),
    AcrCloud("azurecr.sovcloud-azure.de", ("login.sovcloud-identity.de",)),
    AcrCloud("azurecr.sovcloud-azure.fr", ("login.sovcloud-identity.fr",)),
)
# Zones below the suffix that are no registry's name.
_ACR_RESERVED_NAMES = ("privatelink",)


class AcrRoute(Route):
    """A login server of Azure Container Registry."""

    __slots__ = ("cloud",)

    def __init__(self, host: str, cloud: AcrCloud) -> None:
        super().__init__(ACR, host)
        self.cloud = cloud


def _acr(host: str, labels: tuple[str, ...]) -> AcrRoute | None:
    """``NAME[-HASH].SUFFIX`` or ``NAME[-HASH].REGION.geo.SUFFIX``."""
    for cloud in ACR_CLOUDS:
        if not host.endswith(f".{cloud.suffix}"):
            continue
        below = labels[: -cloud.suffix.count(".") - 1]
        match below:
            case [name]:
                pass
            case [name, region, "geo"] if region.isalnum():
                pass
            case _:
                return None
        return AcrRoute(host, cloud) if _is_registry_name(name) else None
    return None


def _is_registry_name(name: str) -> bool:
    """Letters and digits, with at most one ``-hash`` that a domain name label adds."""
    parts = name.split("-")
    return (
        len(parts) <= 2
        and all(part.isalnum() for part in parts)
        and name not in _ACR_RESERVED_NAMES
    )


# --- The way in -----------------------------------------------------------------------------------

_TABLES: tuple[Callable[[str, tuple[str, ...]], Route | None], ...] = (_ecr, _gcr, _acr)


def route(server_url: ServerURL) -> Route | None:
    """Name the built-in provider a server URL belongs to, or ``None``. At most one matches."""
    labels = server_url.labels
    if not labels or not all(map(is_label, labels)):
        return None
    return next(
        (found for table in _TABLES if (found := table(server_url.host, labels)) is not None), None
    )


__all__ = [
    "ACR",
    "ACR_CLOUDS",
    "ECR",
    "ECR_PUBLIC_HOSTS",
    "ECR_PUBLIC_REGION",
    "GCR",
    "GOOGLE_UNIVERSE",
    "PARTITIONS",
    "PARTNER_UNIVERSES",
    "AcrCloud",
    "AcrRoute",
    "EcrRoute",
    "GcrRoute",
    "Partition",
    "Route",
    "route",
]
