"""Google's registries, Container Registry and Artifact Registry: whose access token to log in with.

This module looks at the environment and at files, before every cached answer; ``login`` loads
google-auth and has it make the token.

The order is that of Application Default Credentials, then gcloud's own login. One identity is
chosen: a file that was named is used or fails, and never gives way to whatever the machine happens
to have. Only a metadata service may turn out to have nothing to give, and then gcloud is asked.

Sources:
  https://cloud.google.com/docs/authentication/application-default-credentials
  https://cloud.google.com/sdk/docs/configurations (where gcloud keeps what)
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files import fingerprints, user_folders
from cred_helper.hosts import GCR, GOOGLE_UNIVERSE, GcrRoute
from cred_helper.providers.common import cloud_detection
from cred_helper.providers.common.interface import Identity, Skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cred_helper.credential import Credential
    from cred_helper.providers.common.interface import TokenRequest

# An identity's sources, in the order in which they are looked for.
CREDENTIALS_FILE = "credentials-file"
ENVIRONMENT = "environment"
APPLICATION_DEFAULT = "application-default"
METADATA = "instance-metadata"
GCLOUD = "gcloud"

# Google's own helper, whose logins are its own.
_FORMER_HELPER = "docker-credential-gcr"

# The metadata service, by the address that needs no name look-up.
# Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
_METADATA_ADDRESS = "169.254.169.254"
# Set by run-times that have a metadata service and hide the firmware. Other platforms set some of
# them too, so they only have the service asked.
_SERVERLESS = ("K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_RUN_WORKER_POOL", "GAE_SERVICE")

_MAX_FILE_BYTES = 1 << 20
# What an account's e-mail address is made of; it becomes part of a URL.
_ACCOUNT_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@"
)


class GcrProvider:
    """Google, for gcr.io, pkg.dev and the partner clouds."""

    name = GCR

    def identify(self, request: TokenRequest) -> Identity:
        """Choose the identity, by environment and files."""
        impersonated_accounts(request)  # a setting that cannot be meant is told in any case
        found: Identity | None = None
        skipped: list[Skipped] = []
        for source, look in _LOOKS:
            seen = f"{found.source} comes first" if found else look(request)
            if isinstance(seen, Identity):
                found = seen
            else:
                skipped.append(Skipped(source, seen))
        if (found is None or not found.certain) and (login := _former_login(request.environ)):
            skipped.append(Skipped(_FORMER_HELPER, f"it alone can renew the login in {login}"))
        identity = found or Identity(None, problem=_missed(request))
        identity.skipped = tuple(skipped)
        identity.scope = f"the Google registries of {universe_domain_of(request)}"
        return identity

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Have google-auth make a token; see ``login`` for what it raises."""
        try:
            return self._get(request, identity)
        except NotFound as nobody:
            raise _missed(request) or nobody from None

    def _get(self, request: TokenRequest, identity: Identity) -> Credential:
        if identity.source is None:
            raise NotFound("no Google identity is configured or detected here")
        if not identity.certain:
            identity = _certain(request, identity)
        from cred_helper.providers.gcr.login import log_in

        return log_in(request, identity)


PROVIDER = GcrProvider()


def _missed(request: TokenRequest) -> Misconfigured | None:
    """What is wrong where there is no identity although one is set to be used, or was before."""
    accounts = impersonated_accounts(request)
    if accounts:
        return request.wrong(
            "impersonate",
            f"there is no Google identity to impersonate {accounts[-1]} with",
            hint="run gcloud auth application-default login",
        )
    login = _former_login(request.environ)
    if login and request.options.get("stands_for") == _FORMER_HELPER:
        return Misconfigured(
            f"the login in {login} can be renewed by {_FORMER_HELPER} of Google's alone",
            hint="run gcloud auth application-default login",
        )
    return None


def _former_login(environ: Mapping[str, str]) -> str:
    """The file with a login that Google's own helper has made, or ``""``.

    Its refresh token is good only with the client id and secret of that program. They are that
    program's, so the login is its own as well.

    Source: https://github.com/GoogleCloudPlatform/docker-credential-gcr/blob/master/store/store.go
    """
    usual = os.path.join(_usual_gcloud_folder(environ), "docker_credentials.json")
    path = environ.get("DOCKER_CREDENTIAL_GCR_STORE") or usual
    if not os.path.isfile(path):
        return ""
    from cred_helper.files import json_file

    try:
        read = json_file.load(path)
    except Misconfigured:
        return path  # whatever became of it, a login was there
    logins = read.value if read else None
    return path if isinstance(logins, dict) and logins.get("gcrCreds") else ""


def universe_domain_of(request: TokenRequest) -> str:
    """The universe of the host that is asked about."""
    assert isinstance(request.route, GcrRoute)
    return request.route.universe_domain


# --- Files ----------------------------------------------------------------------------------------


class FileIdentity(Identity):
    """The identity in a credential file."""

    __slots__ = ("path",)
    path: str


def _named_by_option(request: TokenRequest) -> Identity | str:
    path = request.options.get("credentials_file", "")
    if not path:
        return "no credentials_file is set for this host"
    return _file(request, CREDENTIALS_FILE, os.path.expanduser(path), "credentials_file")


def _named_by_environment(request: TokenRequest) -> Identity | str:
    path = request.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    if not path:
        return "GOOGLE_APPLICATION_CREDENTIALS is not set"
    return _file(request, ENVIRONMENT, path, "GOOGLE_APPLICATION_CREDENTIALS")


def _well_known(request: TokenRequest) -> Identity | str:
    path = os.path.join(_gcloud_folder(request.environ), "application_default_credentials.json")
    if not os.path.isfile(path):
        return f"{path} does not exist"
    return _file(request, APPLICATION_DEFAULT, path, "")


def _file(request: TokenRequest, source: str, path: str, named_by: str) -> Identity:
    """Take the credential file for an identity.

    Raises:
        Misconfigured: it is not there, or not for us to read. The SDK goes no further either.
    """
    subject = f"{path}, named by {named_by}," if named_by else path
    try:
        content = None if fingerprints.is_pipe(path) else file_content(path)
    except FileNotFoundError:
        raise request.wrong(named_by, f"{subject} does not exist") from None
    except OSError as error:
        from cred_helper.files.json_file import trouble

        raise request.wrong(named_by, f"{subject} cannot be read: {trouble(error)}") from None

    def describe() -> str:
        from cred_helper.providers.gcr.credential_file import description

        named = f"{path}, named by {named_by}" if named_by else path
        told = "what a pipe has for a get alone" if content is None else description(path)
        return _impersonating(request, f"{told}, from {named}")

    identity = FileIdentity(source, describe, cache_key=_file_fingerprint(request, path, content))
    identity.path = path
    return identity


def _file_fingerprint(request: TokenRequest, path: str, content: bytes | None) -> str | None:
    """Name the identity in a file by the file; where that is not all of it, by the rest too.

    The subject token of a federated identity is known by its path, which is in the file: a renewed
    one is the same identity. What a program would answer, nobody knows.
    """
    if content is None or b'"executable"' in content:
        return None
    parts = [b"file", os.path.abspath(path).encode("utf-8", "surrogateescape"), content]
    rest = [_impersonate(request)]
    if b"external_account" in content:
        rest.append(_machine_name(request.environ))
    if b"aws4_request" in content:
        rest.append(request.environ.get("AWS_ACCESS_KEY_ID", ""))
    return fingerprints.digest([*parts, *rest])


def file_content(path: str) -> bytes:
    """Read a file that is kilobytes, if it is what it should be."""
    with open(path, "rb") as file:
        return file.read(_MAX_FILE_BYTES)


# --- The machine ----------------------------------------------------------------------------------


def _machine(request: TokenRequest) -> Identity | str:
    environ = request.environ
    if environ.get("NO_GCE_CHECK") == "true":
        return "NO_GCE_CHECK is true"
    configured = configured_metadata_host(environ)
    if configured:
        certain, detail = True, f"the metadata service at {configured}"
    else:
        sign = cloud_detection.machine_sign(cloud_detection.GOOGLE)
        hints = [name for name in (*_SERVERLESS, "GCE_METADATA_IP") if environ.get(name)]
        if sign.is_cloud is False and not hints:
            return sign.reason
        certain = sign.is_cloud is True
        detail = f"the metadata service, since {sign.reason}"
        if not certain:
            reason = f"{hints[0]} is set" if hints else sign.reason
            detail = f"the metadata service, if it answers: {reason}"
    login = gcloud_login(environ)
    parts = [
        "machine",
        _machine_name(environ),
        configured,
        _impersonate(request),
        login.fingerprint if isinstance(login, GcloudLogin) else "",
    ]
    return Identity(
        METADATA,
        _impersonating(request, detail),
        cache_key=_digest_of_known(parts),
        certain=certain,
    )


def _certain(request: TokenRequest, machine: Identity) -> Identity:
    """Probe for the metadata service before the SDK is loaded to ask it; gcloud stands in.

    Raises:
        NotFound: there is neither.
    """
    address = request.environ.get("GCE_METADATA_IP") or _METADATA_ADDRESS
    host, _, port = address.partition(":")
    question = f"GET / HTTP/1.1\r\nHost: {address}\r\nMetadata-Flavor: Google\r\n\r\n"
    if cloud_detection.answers(
        (host, int(port) if port.isdecimal() else 80),
        question.encode("ascii", "replace"),
        lambda reply: b"\r\nmetadata-flavor: google\r\n" in reply.lower(),
    ):
        # Where it answered is where the SDK is to ask, which reads this when it is imported.
        os.environ["GCE_METADATA_HOST"] = address
        return machine
    stand_in = _gcloud(request)
    if isinstance(stand_in, Identity):
        return stand_in
    raise NotFound(f"no metadata service of Google's answers at {address}")


def configured_metadata_host(environ: Mapping[str, str]) -> str:
    """The host (and port) the user named for the metadata service, as the SDK reads it."""
    return environ.get("GCE_METADATA_HOST") or environ.get("GCE_METADATA_ROOT") or ""


def _machine_name(environ: Mapping[str, str]) -> str:
    """Tell apart machines and pods that share a folder of cached tokens but not an identity."""
    return os.uname().nodename if hasattr(os, "uname") else environ.get("COMPUTERNAME", "")


# --- gcloud ---------------------------------------------------------------------------------------


class GcloudLogin:
    """gcloud's own login: whose, of which universe, and what tells it from another.

    ``lasting`` is false where the token is one that somebody put into a file, which gcloud prints
    without knowing for how long it is good; ``fingerprint`` is ``None`` where the file is a pipe.
    """

    __slots__ = ("detail", "fingerprint", "lasting", "universe_domain")

    def __init__(
        self, detail: str, universe_domain: str, *, lasting: bool, fingerprint: str | None
    ) -> None:
        self.detail = detail
        self.universe_domain = universe_domain
        self.lasting = lasting
        self.fingerprint = fingerprint


def _gcloud(request: TokenRequest) -> Identity | str:
    login = gcloud_login(request.environ)
    if isinstance(login, str):
        return login
    return Identity(
        GCLOUD,
        _impersonating(request, login.detail),
        cache_key=_digest_of_known([login.fingerprint, _impersonate(request)]),
    )


def gcloud_login(environ: Mapping[str, str]) -> GcloudLogin | str:
    """Read who is logged in to gcloud, or say why it would not be asked."""
    folder = _gcloud_folder(environ)
    name = environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or _text(f"{folder}/active_config").strip()
    name = name or "default"
    configuration = _text(f"{folder}/configurations/config_{name}")
    properties = _properties(configuration)

    def chosen(section: str, key: str) -> str:
        variable = f"CLOUDSDK_{section}_{key}".upper()
        return environ.get(variable) or properties.get(f"{section}/{key}", "")

    token_file = chosen("auth", "access_token_file")
    file = token_file or chosen("auth", "credential_file_override")
    account = chosen("core", "account")
    if not file:
        file = f"{folder}/credentials.db"
        if not os.path.isfile(file):
            return f"nobody is logged in: {file} does not exist"
        if not account:
            return f"gcloud's configuration {name} has no active account"
        detail = f"account {account} of gcloud's configuration {name}"
    else:
        detail = f"{file}, named in gcloud's configuration {name}"
    program = _gcloud_program(environ)
    if not os.path.isabs(program):
        return program
    variables = (f"{k}={v}" for k, v in sorted(environ.items()) if k.startswith("CLOUDSDK_"))
    state = ("gcloud", program, folder, configuration, fingerprints.file_digest(file))
    return GcloudLogin(
        detail,
        chosen("core", "universe_domain") or GOOGLE_UNIVERSE,
        lasting=not token_file,
        fingerprint=_digest_of_known([*state, *variables]),
    )


def _gcloud_folder(environ: Mapping[str, str]) -> str:
    """Where gcloud keeps its state; imitates google.auth._cloud_sdk.get_config_path()."""
    return environ.get("CLOUDSDK_CONFIG") or _usual_gcloud_folder(environ)


def _usual_gcloud_folder(environ: Mapping[str, str]) -> str:
    if os.name == "nt" and environ.get("APPDATA"):
        return f"{environ['APPDATA']}\\gcloud"
    return os.path.join(user_folders.home(environ), ".config", "gcloud")


def _gcloud_program(environ: Mapping[str, str]) -> str:
    """The path of the gcloud that the SDK would run, or why that is none to run."""
    name = "gcloud.cmd" if os.name == "nt" else "gcloud"
    folders = environ.get("PATH", "").split(os.pathsep)
    if os.name == "nt":
        folders.insert(0, "")  # CreateProcess looks in the current folder before all others
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path if os.path.isabs(path) else "the first gcloud is on no absolute PATH entry"
    return "gcloud is not on the PATH"


def _properties(configuration: str) -> dict[str, str]:
    """Read an ini file; configparser takes longer to load than a cached answer may take."""
    properties: dict[str, str] = {}
    section = ""
    for line in configuration.splitlines():
        key, equals, value = line.partition("=")
        if line.startswith("["):
            section = line.strip().strip("[]").strip()
        elif equals and not line.startswith(("#", ";")):
            properties[f"{section}/{key.strip()}"] = value.strip()
    return properties


def _text(path: str) -> str:
    try:
        return "" if fingerprints.is_pipe(path) else file_content(path).decode("utf-8", "replace")
    except OSError:
        return ""


def _digest_of_known(parts: Sequence[str | None]) -> str | None:
    """Digest what names an identity; ``None`` where a part of it can only be had by a get."""
    known = [part for part in parts if part is not None]
    return fingerprints.digest(known) if len(known) == len(parts) else None


# --- Impersonation --------------------------------------------------------------------------------


def impersonated_accounts(request: TokenRequest) -> list[str]:
    """The service accounts that ``impersonate`` names: delegates first, the one meant last.

    Raises:
        Misconfigured: one of them is no account's e-mail address.
    """
    text = _impersonate(request)
    accounts = [account.strip() for account in text.split(",")] if text else []
    for account in accounts:
        if not _ACCOUNT_CHARACTERS.issuperset(account) or account.count("@") != 1:
            raise request.wrong(
                "impersonate",
                "impersonate does not name a service account",
                hint="set impersonate to a service account's e-mail address",
            )
    return accounts


def _impersonate(request: TokenRequest) -> str:
    return request.options.get("impersonate", "")


def _impersonating(request: TokenRequest, detail: str) -> str:
    accounts = impersonated_accounts(request)
    return f"{detail}, impersonating {accounts[-1]}" if accounts else detail


_LOOKS: tuple[tuple[str, Callable[[TokenRequest], Identity | str]], ...] = (
    (CREDENTIALS_FILE, _named_by_option),
    (ENVIRONMENT, _named_by_environment),
    (APPLICATION_DEFAULT, _well_known),
    (METADATA, _machine),
    (GCLOUD, _gcloud),
)
