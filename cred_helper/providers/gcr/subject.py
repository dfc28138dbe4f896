"""Whose the subject token of workload identity federation is.

A renewed token of the same workload is the same identity. Runs before every cached answer, and
reads bytes of JSON; ``subject_token`` gets the token itself.

Source: https://google.aip.dev/auth/4117 and the pages it links, one for each source
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.files import fingerprints
from cred_helper.providers.common import token_identity
from cred_helper.providers.gcr.identity import gcloud_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.gcr.identity import Parts

AWS_TOKEN_TYPE = "urn:ietf:params:aws:token-type:aws4_request"  # noqa: S105 - a type, not a token
# The metadata services of AWS's machines. Anything can be behind another address.
_AWS_METADATA = ("http://169.254.169.254/", "http://[fd00:ec2::254]/")
# The keys in variables, and the region whose STS checks them.
# Source: ``_DefaultAwsSecurityCredentialsSupplier`` in google-auth's google/auth/aws.py
_AWS_NAMES = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "DEFAULT_REGION")
_CERTIFICATE_VARIABLES = (
    "GOOGLE_API_CERTIFICATE_CONFIG",
    "CLOUDSDK_CONTEXT_AWARE_CERTIFICATE_CONFIG_FILE_PATH",
)


def cache_parts(content: bytes, environ: Mapping[str, str]) -> Parts:
    """What identifies the owner of the subject token; ``None`` where only a get knows.

    ``content`` is the credential file's. The owner of a token at a URL is identified by the URL and
    the headers in that file.
    """
    is_aws, source = _source(content)
    if is_aws:
        return _aws_parts(token_identity.text(source.get(b'"url"')), environ)
    if b'"executable"' in source:
        return [None]
    if b'"file"' in source:
        return [_file_identity(source)]
    if b'"certificate"' in source:
        return _certificate_parts(token_identity.members(source[b'"certificate"']), environ)
    return [""] if b'"url"' in source else [None]


def _source(content: bytes) -> tuple[bool, dict[bytes, bytes]]:
    """Whether the token is a signed request of AWS, and the credential source, as it is written."""
    info = token_identity.members(content)
    while nested := info.get(b'"source_credentials"'):
        info = token_identity.members(nested)
    is_aws = token_identity.text(info.get(b'"subject_token_type"')) == AWS_TOKEN_TYPE
    return is_aws, token_identity.members(info.get(b'"credential_source"', b""))


def _aws_parts(url: str | None, environ: Mapping[str, str]) -> Parts:
    """The keys, or the machine whose metadata service gives the keys."""
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        return ["aws", *(environ.get(f"AWS_{name}", "") for name in _AWS_NAMES)]
    return ["aws machine"] if url and url.startswith(_AWS_METADATA) else [None]


def _file_identity(source: Mapping[bytes, bytes]) -> str | None:
    path = token_identity.text(source.get(b'"file"'))
    form = token_identity.members(source.get(b'"format"', b""))
    kind = token_identity.text(form.get(b'"type"'))
    if not path or kind not in ("json", "text", "", None):
        return None
    if kind != "json":
        return fingerprints.file_digest(path, token_identity.of_token)
    field = form.get(b'"subject_token_field_name"', b"")
    try:
        if fingerprints.is_pipe(path):
            return None
        content = files.read(path, token_identity.MAX_TOKEN_BYTES)
        token = token_identity.text(token_identity.members(content).get(field))
    except OSError:
        return "unreadable"
    return token_identity.of_token(token) if token else None


def _certificate_parts(certificate: Mapping[bytes, bytes], environ: Mapping[str, str]) -> Parts:
    """The certificate, by its configuration and its own content.

    Source: ``_get_cert_config_path`` in google-auth's google/auth/transport/_mtls_helper.py
    """
    path = token_identity.text(certificate.get(b'"certificate_config_location"')) or ""
    named = (path, *(environ.get(name, "") for name in _CERTIFICATE_VARIABLES))
    usual = os.path.join(gcloud_folder(environ), "certificate_config.json")
    path = os.path.expanduser(next(filter(None, named), usual))
    parts: Parts = [path, fingerprints.file_digest(path)]
    try:
        if fingerprints.is_pipe(path):
            return [None]
        config = token_identity.members(files.read(path, token_identity.MAX_TOKEN_BYTES))
    except OSError:
        return parts
    configs = token_identity.members(config.get(b'"cert_configs"', b""))
    workload = token_identity.members(configs.get(b'"workload"', b""))
    if certificate_file := token_identity.text(workload.get(b'"cert_path"')):
        parts.append(fingerprints.file_digest(certificate_file))
    return parts
