"""The sources behind the profile: an older SDK's file, a container's service, the instance's role.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

from cred_helper import files
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.hosts import ECR
from cred_helper.providers.common.ini_file import IniFile
from cred_helper.providers.ecr.configuration import expanded, sections
from cred_helper.providers.ecr.identity import SourceIdentity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.ecr.configuration import Configuration

# Older EC2 instances run on Xen, whose firmware does not name Amazon.
_XEN_UUID_FILE = "/sys/hypervisor/uuid"


def boto_config(config: Configuration) -> SourceIdentity | NotFound:
    """The keys in a file of an SDK from before boto3."""
    environ = config.environ
    if "AWS_CREDENTIAL_FILE" in environ:
        file = IniFile(expanded(environ["AWS_CREDENTIAL_FILE"]))
        if not files.is_file(file.path):
            raise Misconfigured("ecr.credential-file-missing")
        if b"AWSAccessKeyId" in file.data:
            return SourceIdentity(file.shown, [digest([file.data])])
    boto_config = environ.get("BOTO_CONFIG")
    for path in [boto_config] if boto_config is not None else ["/etc/boto.cfg", "~/.boto"]:
        file = IniFile(expanded(path))
        if "aws_access_key_id" in sections(file).get("Credentials", {}):
            return SourceIdentity(file.shown, [digest([file.data])])
    return NotFound("ecr.no-boto-file")


def container(config: Configuration) -> SourceIdentity | NotFound:
    """The credentials of a container, from the service that variables name."""
    environ = config.environ
    relative = environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    full = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if relative is None and full is None:
        return NotFound("ecr.no-container-variable")
    bearer = _bearer(config)
    if relative is not None:
        # The path is the task's own, and a secret: it is not shown.
        return SourceIdentity("the task role of this ECS container", [relative, bearer or ""])
    assert full is not None
    # A service that wants no token answers for whatever role it was started with.
    parts: list[str | bytes] | None = [full, bearer] if bearer else None
    return SourceIdentity(f"the credentials at {_address(full)}", parts)


def _bearer(config: Configuration) -> str | None:
    """The owner of the token that the container's service gets; ``None`` without one, or in a pipe.

    All pods of EKS get credentials at one address, and differ only in this token.
    """
    environ = config.environ
    path = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if path is not None:
        from cred_helper.providers.ecr.web_identity import token_in

        return token_in(path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
    token = environ.get(variable)
    if token and ("\n" in token or "\r" in token):
        raise Misconfigured("ecr.key-not-usable", name=variable, problem="a line break")
    from cred_helper.providers.common import token_identity

    return token_identity.of_token(token) if token else None


def instance_metadata(config: Configuration) -> SourceIdentity | NotFound:
    if config.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return NotFound("ecr.metadata-disabled")
    if endpoint := metadata_endpoint(config):
        detail = f"the metadata service at {_address(endpoint)}"
        return SourceIdentity(detail, [endpoint, *(machine() or ())])
    from cred_helper.providers.common import cloud_detection

    signs = cloud_detection.machine_signs(ECR)
    if not signs.is_cloud and cloud_detection.first_line(_XEN_UUID_FILE).lower().startswith("ec2"):
        signs = cloud_detection.CloudSigns(True, "the hypervisor's uuid begins with ec2")
    if signs.is_cloud is False:
        return NotFound("ecr.other-machine", reason=signs.reason)
    detail = f"the role of this instance ({signs.reason})"
    return SourceIdentity(detail, machine(), certain=signs.is_cloud is True)


def metadata_endpoint(config: Configuration) -> str:
    """The address that is set for the instance metadata service; empty for the usual one."""
    mode = config.setting("ec2_metadata_service_endpoint_mode") or config.setting("imds_use_ipv6")
    usual = "http://[fd00:ec2::254]" if mode.lower() in ("ipv6", "true") else ""
    return config.setting("ec2_metadata_service_endpoint") or usual


def machine() -> list[str | bytes] | None:
    """The id of this machine: machines that share a home do not share their roles."""
    data = IniFile("/sys/class/dmi/id/board_asset_tag").data or IniFile("/etc/machine-id").data
    return [data] if data else None


def _address(url: str) -> str:
    """Scheme, host and port of a URL, with nothing in it that could be a secret."""
    scheme, separator, rest = url.partition("://")
    if scheme not in ("http", "https"):
        return "an invalid address"
    for end in "/?#":
        rest = rest.partition(end)[0]
    return scheme + separator + rest.rpartition("@")[2]
