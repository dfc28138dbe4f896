"""The host tables: which cloud, if any, a server URL belongs to.

Every host that can get a cloud's token is in a ``Zone`` below. A zone is a pattern, compared label
by label over the whole host. No network, no environment, no regular expression. A host outside
every zone has no route, and a host without a route never gets a cloud token. Every pattern ends in
a domain of the cloud that it is listed under. ``artifact_zones`` are hosts of a cloud that are not
registries: they have a route only for a client that asks by URI, and only where a rule names them.

In a pattern, a label is literal or one of these:

``{account}``   twelve digits
``{region}``    a label; in a zone of AWS, one that begins as the partition's regions do
``{name}``      any label
``{location}``  letters and digits
``*``           any label; ``*-docker`` is a label that ends so
``**``          one label or more, at the beginning only

``{acr_registry}`` is a name of Azure's: letters and digits, with at most one ``-hash``.

Sources:
  ECR: botocore's ``partitions.json`` (suffix and dual-stack suffix of each partition);
  https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html (the registries' names).
  Google: https://cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling and
  GoogleCloudPlatform/buildpacks (the partner clouds').
  Azure: https://learn.microsoft.com/azure/container-registry/container-registry-geo-replication
  and the Azure CLI's cloud definitions (suffix and authority of each cloud).
  Docker Hub: https://github.com/docker/login-action/blob/master/src/dockerhub.ts and docker_hub.
"""

from __future__ import annotations

from cred_helper.record import Record
from cred_helper.server_url import ServerURL, is_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self


ECR = "ecr"
GCR = "gcr"
ACR = "acr"
DOCKERHUB = "dockerhub"

# Public registries. A login that fails must not stop a pull from them.
ANONYMOUS_HOSTS = frozenset(
    (
        *("ecr-public.aws.com", "public.ecr.aws"),
        *("k8s.gcr.io", "launcher.gcr.io", "marketplace.gcr.io", "mirror.gcr.io"),
    )
)


class Route(Record):
    """The cloud that a host belongs to, and what the host's own name says about it.

    ``cloud`` is its name. ``region`` and ``fips`` are ``None`` where the names of that cloud do not
    say them. ``private`` is whether the registry lets in only those who log in. ``names`` are the
    other labels that the pattern names. ``uri`` is the one that a credential is for, where the host
    is not a registry. ``auth_host`` is the host of the cloud's token endpoint, if it is another.
    """

    auth_host = ""
    # Whether a host that is not a registry takes the secret as a bearer token.
    takes_bearer = False

    cloud: str
    host: str
    region: str | None = None
    fips: bool | None = None
    private: bool = False
    names: Mapping[str, str] = {}
    uri: str = ""

    @classmethod
    def of(cls, cloud: str, host: str, **given: Any) -> Self:
        fields = {name: given.pop(name) for name in cls._fields if name in given}
        return cls(cloud, host, names=given, **fields)

    @property
    def asks_basic(self) -> bool:
        """Whether the registry is known to take the user name and secret as they are."""
        return False

    @property
    def anonymous(self) -> bool:
        return self.host in ANONYMOUS_HOSTS

    def facts(self) -> dict[str, str]:
        """What the host's name says, by labels, for ``explain``."""
        return {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.host!r})"


_NAMED_LABELS = ("{account}", "{region}", "{name}", "{location}", "{acr_registry}")


class Zone:
    """The hosts of one pattern, all of one cloud.

    ``make`` is the class of its routes. It gets the cloud, the host, what the named labels of the
    pattern stand for, and ``facts``.

    Raises:
        ValueError: the pattern has an unknown label in braces.
    """

    def __init__(
        self,
        cloud: str,
        pattern: str,
        make: type[Route] = Route,
        /,
        *,
        region_prefix: str = "",
        **facts: Any,
    ) -> None:
        for label in pattern.split(".") if "{" in pattern else ():
            if "{" in label and label not in _NAMED_LABELS:
                raise ValueError(f"{pattern}: {label} is unknown; known are {_NAMED_LABELS}")
        self.cloud = cloud
        self.pattern = pattern
        self.make = make
        self.region_prefix = region_prefix
        self.facts = facts

    def route(self, host: str, labels: tuple[str, ...]) -> Route | None:
        """Make the route of a host; ``None`` where the pattern does not match it."""
        patterns = self.pattern.split(".")
        if patterns[-1] != labels[-1]:
            return None
        if patterns[0] == "**":
            beyond = len(labels) - len(patterns)
            if beyond < 0:
                return None
            labels = labels[beyond:]
        if len(labels) != len(patterns) or not all(map(self._fits, patterns, labels)):
            return None
        pairs = zip(patterns, labels, strict=True)
        named = {pattern[1:-1]: label for pattern, label in pairs if pattern.startswith("{")}
        return self.make.of(self.cloud, host, **named, **self.facts)

    def _fits(self, pattern: str, label: str) -> bool:
        if pattern == label:
            return True
        match pattern:
            case "{name}" | "*" | "**":
                return True
            case "{account}":
                return len(label) == _ACCOUNT_DIGITS and label.isdigit()
            case "{region}":
                return _region_prefix(label) == self.region_prefix
            case "{acr_registry}":
                return _is_registry_name(label)
            case "{location}":
                return label.isalnum()
            case _ if pattern.startswith("*"):
                end = pattern[1:]
                return label.endswith(end) and is_label(label[: -len(end)])
        return False


# --- Amazon ECR -----------------------------------------------------------------------------------


class Partition(Record):
    """One AWS partition: where its registries are and how the names of its regions begin."""

    name: str
    suffix: str
    dual_stack_suffix: str
    region_prefix: str


# Registries of the dual-stack kind are under the partition's dual-stack API zone with "on" in place
# of "api". AWS documents that for aws and cn; for the others it is inferred from the zone. The aws
# partition has every region whose prefix is not listed, so that a new region needs no release.
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
# The public registry's API is in this region only.
# Source: https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/Welcome.html
ECR_PUBLIC_REGION = "us-east-1"
# The network of the services on each machine, such as ``fd00:ec2::254``: no proxy is used for them.
# Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
MACHINE_SERVICES = "fd00:ec2::/32"
_ACCOUNT_DIGITS = 12


class EcrRoute(Route, kw_only=True):
    """A host of Amazon ECR. ``account`` is ``None`` for the public registry."""

    region: str
    fips: bool = False
    account: str | None
    partition: str
    dual_stack: bool = False

    @property
    def asks_basic(self) -> bool:
        return not self.public

    @property
    def public(self) -> bool:
        return self.account is None

    def facts(self) -> dict[str, str]:
        kinds = ["FIPS"] * self.fips + ["dual-stack"] * self.dual_stack + ["public"] * self.public
        return {
            "region": f"{self.region} in partition {self.partition}",
            "endpoint": ", ".join(kinds) or "standard",
        }


class S3Route(EcrRoute):
    """A host of Amazon S3, where each request is signed by the keys that ECR's token is from."""


def _region_prefix(region: str) -> str:
    """The prefix of the partition that a region belongs to.

    A region of one partition under the suffix of another has no route: a token of the one would be
    sent across a border to the other.
    """
    return next(p.region_prefix for p in PARTITIONS if region.startswith(p.region_prefix))


def _ecr_zones(partition: Partition) -> tuple[Zone, ...]:
    return tuple(
        Zone(
            ECR,
            f"{{account}}.{service}.{{region}}.{suffix}",
            EcrRoute,
            region_prefix=partition.region_prefix,
            partition=partition.name,
            fips=service.endswith("-fips"),
            dual_stack=dual_stack,
            private=True,
        )
        for dual_stack, suffix, services in (
            (False, partition.suffix, ("dkr.ecr", "dkr.ecr-fips")),
            (True, partition.dual_stack_suffix, ("dkr-ecr", "dkr-ecr-fips")),
        )
        for service in services
    )


def _ecr_public(host: str, *, dual_stack: bool) -> Zone:
    facts: dict[str, Any] = {"region": ECR_PUBLIC_REGION, "account": None, "partition": "aws"}
    return Zone(ECR, host, EcrRoute, dual_stack=dual_stack, **facts)


def _s3_zones(partition: Partition) -> tuple[Zone, ...]:
    """The buckets of a partition, in the path and as a part of the host.

    Source: https://docs.aws.amazon.com/general/latest/gr/s3.html
    """
    return tuple(
        Zone(
            ECR,
            f"{bucket}{service}.{{region}}.{partition.suffix}",
            S3Route,
            region_prefix=partition.region_prefix,
            partition=partition.name,
            account="",
        )
        for service in ("s3", "s3-fips", "s3.dualstack", "s3-fips.dualstack")
        for bucket in ("", "**.")
    )


def _s3_global(pattern: str) -> Zone:
    return Zone(ECR, pattern, S3Route, region=ECR_PUBLIC_REGION, partition="aws", account="")


# --- Google Container Registry and Artifact Registry ----------------------------------------------


class GcrRoute(Route, kw_only=True):
    """A host of a Google registry. It takes credentials of its own universe only."""

    takes_bearer = True

    universe_domain: str

    def facts(self) -> dict[str, str]:
        return {"universe": self.universe_domain}


GOOGLE_UNIVERSE = "googleapis.com"
# Registry suffix of each partner cloud → its universe domain. A general "*.goog" is not listed:
# other names there serve content of third parties.
PARTNER_UNIVERSES = {
    "s3nsregistry.fr": "s3nsapis.fr",
    "qs3nsregistry.fr": "qs3nsapis.fr",
    "pkg-berlin-build0.goog": "apis-berlin-build0.goog",
    "pkg-tpczero.goog": "apis-tpczero.goog",
    "pkg-tpcone.goog": "apis-tpcone.goog",
}


# --- Azure Container Registry ---------------------------------------------------------------------


class AzureCloud(Record):
    """One Azure cloud: the suffix of its registries and the authorities where identities sign in.

    ``closed`` is when the cloud was closed: ``explain`` names it, and it is never called.
    """

    suffix: str
    authorities: tuple[str, ...]
    closed: str | None = None


# The first authority is the one used; the others are accepted names of the same cloud.
AZURE_CLOUDS = (
    AzureCloud(
        "azurecr.io",
        (
            *("login.microsoftonline.com", "login.microsoft.com"),
            *("login.windows.net", "sts.windows.net"),
        ),
    ),
    AzureCloud("azurecr.cn", ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn")),
    AzureCloud("azurecr.us", ("login.microsoftonline.us", "login.usgovcloudapi.net")),
    AzureCloud("azurecr.de", ("login.microsoftonline.de",), closed="October 2021"),
    AzureCloud("azurecr.sovcloud-azure.de", ("login.sovcloud-identity.de",)),
    AzureCloud("azurecr.sovcloud-azure.fr", ("login.sovcloud-identity.fr",)),
)
# Names below the suffix that Azure uses for itself.
_ACR_RESERVED_NAMES = ("privatelink",)


class AcrRoute(Route, kw_only=True):
    """A login server of Azure Container Registry."""

    azure: AzureCloud

    def facts(self) -> dict[str, str]:
        if self.azure.closed:
            return {"cloud": f"closed in {self.azure.closed}; it is never called"}
        return {"authority": self.azure.authorities[0]}


def _is_registry_name(name: str) -> bool:
    """Letters and digits, with at most one ``-hash`` that a domain name label adds."""
    parts = name.split("-")
    return (
        len(parts) <= 2
        and all(part.isalnum() for part in parts)
        and name not in _ACR_RESERVED_NAMES
    )


# --- All zones ------------------------------------------------------------------------------------

ZONES: tuple[Zone, ...] = (
    *(zone for partition in PARTITIONS for zone in _ecr_zones(partition)),
    _ecr_public("public.ecr.aws", dual_stack=False),
    _ecr_public("ecr-public.aws.com", dual_stack=True),
    *(
        Zone(GCR, pattern, GcrRoute, universe_domain=GOOGLE_UNIVERSE)
        for pattern in ("gcr.io", "*.gcr.io", "**.pkg.dev")
    ),
    *(
        Zone(GCR, f"{docker}.{suffix}", GcrRoute, universe_domain=universe_domain)
        for suffix, universe_domain in PARTNER_UNIVERSES.items()
        for docker in ("docker", "*-docker")
    ),
    *(
        Zone(ACR, f"{shape}.{azure.suffix}", AcrRoute, azure=azure)
        for azure in AZURE_CLOUDS
        for shape in ("{acr_registry}", "{acr_registry}.{location}.geo")
    ),
)


class HubRoute(Route):
    """A host of Docker Hub, whose token endpoint is on a host of its own."""

    auth_host = "auth.docker.io"


# The zones of clouds that are there only where the user has set them up (``only_with`` in clouds).
OPTIONAL_ZONES: tuple[Zone, ...] = tuple(
    Zone(DOCKERHUB, host, HubRoute)
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io", "dhi.io")
)


def artifact_zones() -> tuple[Zone, ...]:
    """The hosts of a cloud that are not registries, for rules to name: S3, and Google's APIs.

    Those are storage.googleapis.com, BUCKET.storage.googleapis.com, remotebuildexecution and their
    like; Artifact Registry's hosts for packages are in ``ZONES``. Made when they are asked for.
    """
    return (
        _s3_global("s3.amazonaws.com"),
        _s3_global("**.s3.amazonaws.com"),
        *(zone for partition in PARTITIONS for zone in _s3_zones(partition)),
        Zone(GCR, f"**.{GOOGLE_UNIVERSE}", GcrRoute, universe_domain=GOOGLE_UNIVERSE),
    )


# The parameters in which S3, Google and Azure have the signature of a URI.
_SIGNATURES = frozenset({"x-amz-signature", "x-goog-signature", "sig"})
# Where Artifact Registry redirects a download to, on the same host.
_SIGNED_PATH = "/artifacts-downloads/"


def is_signed(found: Route | None, path: str, query: str) -> bool:
    """Whether a URI contains its own permission, as those that registries redirect to.

    Some servers refuse a request that has both.
    """
    names = {parameter.partition("=")[0].lower() for parameter in query.split("&")}
    by_path = isinstance(found, GcrRoute) and path.startswith(_SIGNED_PATH)
    return by_path or not _SIGNATURES.isdisjoint(names)


def route(server_url: ServerURL, zones: tuple[Zone, ...] = ZONES) -> Route | None:
    """Find the cloud that a server URL belongs to; ``None`` where it is in no zone."""
    labels = server_url.labels
    if not labels or not all(map(is_label, labels)):
        return None
    for zone in zones:
        found = zone.route(server_url.host, labels)
        if found is not None:
            return found
    return None
