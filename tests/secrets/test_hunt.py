"""No secret is printed, logged, given to a child process, or written to a file open to others."""

from __future__ import annotations

import json
import os
import pty
import resource
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from time import monotonic, sleep

import pytest

from cred_helper import clouds
from tests.clouds import aws, azure, dockerhub, google
from tests.clouds.google import PUSHER
from tests.clouds.loopback import loopbacks
from tests.figures import FIGURES, Record
from tests.secrets.hunt import FORMS, Hunt, Leak, hunt
from tests.support.core_dumps import core_dumps
from tests.support.executable import COMMAND, pinned_environment
from tests.support.identities import IDENTITIES, of_cloud
from tests.support.identity import Environment, Identity
from tests.support.marks import MarkedSecrets
from tests.support.programs import ran

__all__ = ["core_dumps", "hunt"]

CACHE_OFF = {"DOCKER_CREDENTIAL_MULTI_CACHE": "off"}
_EVERY_CLOUD = ("CONTAINERS", "DOCKER", "HTTPS", "REGISTRY", "REQUESTS", "SSL", "XDG")
_PREFIXES = {
    aws.EXAMPLE_HOST: ("AWS", *_EVERY_CLOUD),
    google.EXAMPLE_HOST: ("G", "CLOUDSDK", *_EVERY_CLOUD),
    azure.EXAMPLE_HOST: ("AZURE", "IDENTITY", *_EVERY_CLOUD),
    dockerhub.EXAMPLE_HOST: ("ACTIONS", "JOB", *_EVERY_CLOUD),
}
REGISTRIES = tuple(loopback.host for loopback in loopbacks().values())


def _record(hunt: Hunt, record_property: Record, what: str) -> None:
    runs = f"{hunt.runs} runs with {len(hunt.marks)} kinds of secrets"
    figures = f"secrets hunt, {what}: {runs}; {hunt.scanned >> 10} KiB checked"
    record_property(FIGURES, figures)


# --- Clouds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cloud", clouds.NAMES)
def test_no_run_with_any_identity_shows_a_secret(
    cloud: str, hunt: Hunt, record_property: Record
) -> None:
    if not of_cloud(cloud):
        pytest.skip(f"tests/support/identities.py has no identity of {cloud}")
    common = hunt.environment()
    children = 0
    for identity in filter(lambda identity: identity.forms, of_cloud(cloud)):
        environment = common | identity.make(hunt.machine, hunt.clouds[cloud])
        hunt.plant()
        _succeed(hunt, identity, environment)
        _fail(hunt, identity, environment)
        children += hunt.check_children(environment)
        hunt.check_files()
        hunt.check_requests()
    assert bool(children) == hunt.clouds[cloud].runs_programs
    assert hunt.elsewhere.received == []
    _record(hunt, record_property, cloud)


def _succeed(hunt: Hunt, identity: Identity, environment: Environment) -> None:
    """Get a credential from the cloud and from the cache, and explain it."""
    registry = identity.registry
    first = hunt.run("get", stdin=registry, environment=environment, debug=True)
    assert first.status == 0, (identity.name, first)
    username, secret = first.document["Username"], first.document["Secret"]
    assert hunt.clouds[identity.cloud].issued(username, secret, registry), identity.name
    hunt.marks.add(secret, "the answer")
    hunt.run("get", stdin=registry, environment=environment)
    hunt.run("explain", registry, environment=environment)


def _fail(hunt: Hunt, identity: Identity, environment: Environment) -> None:
    """Let the cloud quote every request in its errors, in several error formats."""
    cloud = hunt.clouds[identity.cloud]
    for number, form in enumerate(identity.forms):
        if identity.name.endswith("to renew"):  # the last run has renewed it
            environment |= identity.make(hunt.machine, cloud)
        hunt.echo(cloud, identity.path, form, status=400 if "oauth" in form else 403)
        done = hunt.run(
            "get", stdin=identity.registry, environment=environment | CACHE_OFF, debug=number == 0
        )
        cloud.behave()
        if identity.path != "/nothing":
            assert done.status == 1, (identity.name, form, done)


# --- Damaged files -------------------------------------------------------------------------------

_BROKEN = {
    "an ADC file": (google.EXAMPLE_HOST, "adc.json", '{"type": "service_account", "x": "%s'),
    "an ADC file of no type": (google.EXAMPLE_HOST, "adc.json", '{"type": "%s"}'),
    "an ADC file with a broken key": (
        google.EXAMPLE_HOST, "adc.json",
        json.dumps(
            {
                "type": "service_account", "client_email": PUSHER,
                "private_key": "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----",
                "token_uri": "https://oauth2.googleapis.com/token",
            },
        ),
    ),
    "an ADC file with a http token endpoint": (
        google.EXAMPLE_HOST, "adc.json",
        json.dumps(
            {
                "type": "authorized_user", "client_id": "x", "client_secret": "%s",
                "refresh_token": "%s", "token_uri": "http://elsewhere.example/%s",
            },
        ),
    ),
    "an AWS configuration": (
        aws.EXAMPLE_HOST, ".aws/config", "[default]\naws_secret_access_key %s\n",
    ),
    "AWS credentials with half a key": (
        aws.EXAMPLE_HOST, ".aws/credentials",
        "[default]\naws_access_key_id = AKIA\naws_secret = %s\n",
    ),
    "an AWS configuration with a role of half a user": (
        aws.EXAMPLE_HOST, ".aws/config",
        "[default]\nrole_arn = x\nsource_profile = u\n[profile u]\naws_secret_access_key = %s\n",
    ),
    "an SSO session": (aws.EXAMPLE_HOST, ".aws/sso/cache/x.json", '{"accessToken": "%s"'),
    "a certificate": (azure.EXAMPLE_HOST, "client.pem", "-----BEGIN PRIVATE KEY-----\n%s\n"),
    "a profile of az": (azure.EXAMPLE_HOST, ".azure/azureProfile.json", '{"user": "%s"'),
    "config.json": ("config.example", ".docker/config.json", '{"auths": {"x": {"auth": "%s'),
    "config.json with an odd auth": (
        "config.example", ".docker/config.json",
        '{"auths": {"config.example": {"auth": "%s"}}, "credsStore": ["%s"]}',
    ),
    "config.json with an odd helper": (
        "config.example", ".docker/config.json",
        '{"credHelpers": {"config.example": ["%s"]}, "auths": {"config.example": "%s"}}',
    ),
    "our own store": (
        "kept.example", ".local/share/docker-credential-multi/credentials.json",
        '{"version": 1, "credentials": {"kept.example": {"secret": "%s"',
    ),
    "settings": ("x.example", ".config/docker-credential-multi/config.toml", 'deadline_s = "%s'),
    "settings with an odd value": (
        "x.example", ".config/docker-credential-multi/config.toml", 'deadline_s = "%s"\n',
    ),
    "settings with an odd rule": (
        "x.example", ".config/docker-credential-multi/config.toml",
        '[[rule]]\nmatch = "%s/**"\nprovider = "%s"\n',
    ),
}  # fmt: skip


def test_no_message_quotes_a_damaged_file(hunt: Hunt, record_property: Record) -> None:
    common = hunt.environment()
    hunt.plant()

    def look(number: int) -> None:
        what, (registry, path, text) = list(_BROKEN.items())[number]
        home = hunt.folder / f"home-{number}"
        secret = hunt.marks.new(what)
        file = hunt.machine.write(f"../home-{number}/{path}", text.replace("%s", secret), 0o600)
        environment = common | CACHE_OFF | _naming(path, file) | {"HOME": str(home)}
        hunt.run("get", stdin=registry, environment=environment, debug=number % 2 == 0)
        hunt.run("explain", registry, environment=environment)
        checked = hunt.run("doctor", environment=environment)
        assert b"docker" in checked.stdout

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(len(_BROKEN))))
    hunt.check_files()
    hunt.check_requests()
    assert hunt.elsewhere.received == []
    _record(hunt, record_property, "broken files")


def _naming(path: str, file: Path) -> Environment:
    if path == "adc.json":
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    if path == "client.pem":
        ids = {"AZURE_TENANT_ID": azure.TENANT_ID, "AZURE_CLIENT_ID": azure.CLIENT_ID}
        return {**ids, "AZURE_CLIENT_CERTIFICATE_PATH": str(file)}
    return {}


# --- Variables ------------------------------------------------------------------------------------

_PATHS = (
    "AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CONFIG_DIR", "AZURE_FEDERATED_TOKEN_FILE", "CLOUDSDK_CONFIG",
    "CONTAINERS_REGISTRIES_CONF", "DOCKER_CONFIG", "DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER",
    "DOCKER_CREDENTIAL_MULTI_CONFIG", "GOOGLE_API_CERTIFICATE_CONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS", "REGISTRY_AUTH_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
    "XDG_CONFIG_HOME",
)  # fmt: skip
_URLS = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AZURE_AUTHORITY_HOST",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST", "GCE_METADATA_HOST", "HTTPS_PROXY", "IDENTITY_ENDPOINT",
)  # fmt: skip
# What a variable needs beside it, for an SDK to read it.
_BESIDE = {
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/"
    },
    "AWS_WEB_IDENTITY_TOKEN_FILE": {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web"},
    "IDENTITY_ENDPOINT": {"IDENTITY_HEADER": azure.IDENTITY_HEADER},
    "GCE_METADATA_HOST": {"NO_GCE_CHECK": ""},
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": {"AWS_EC2_METADATA_DISABLED": ""},
}
_FORMS_OF_CONTENT = {
    "a key": "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n",
    "JSON": '{"type": "service_account", "private_key": "%s"}',
    "a token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.%s",
}
_FORMS_OF_URL = (
    "http://%s@elsewhere.example/",
    "https://user:%s@elsewhere.example/token",
    "https://elsewhere.example/%s",
    "https://elsewhere.example/#%s",
    "https://elsewhere.example/?sig=%s",
)
_NAMES = (
    "AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AZURE_TENANT_ID",
    "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_ACCOUNT", "DOCKER_CONFIG",
    "DOCKER_CREDENTIAL_MULTI_ECR_ID_TOKEN", "DOCKER_CREDENTIAL_MULTI_FALLBACK_HELPER",
)  # fmt: skip
# The shapes of Google's, Entra's and AWS's secrets; the last one has 40 characters.
_FORMS_OF_KEY = ("GOCSPX-%s", "~bc8Q~%s", "env:ghp_%s", "%sA1/b+C2d3E4f")


@pytest.mark.parametrize("form", _FORMS_OF_CONTENT)
def test_a_secret_in_place_of_a_path_is_not_shown(
    form: str, hunt: Hunt, record_property: Record
) -> None:
    _try_variables(hunt, _PATHS, (_FORMS_OF_CONTENT[form],))
    _record(hunt, record_property, f"{form} in place of a path")


def test_a_key_in_place_of_a_name_is_not_shown(hunt: Hunt, record_property: Record) -> None:
    _try_variables(hunt, _NAMES, _FORMS_OF_KEY)
    _record(hunt, record_property, "keys in place of names")


def test_a_secret_in_a_url_is_not_shown(hunt: Hunt, record_property: Record) -> None:
    _try_variables(hunt, _URLS, _FORMS_OF_URL)
    _record(hunt, record_property, "secrets in URLs")


def _try_variables(hunt: Hunt, names: Sequence[str], forms: Sequence[str]) -> None:
    environment = (
        hunt.environment()
        | CACHE_OFF
        | {"AZURE_TENANT_ID": azure.TENANT_ID, "AZURE_CLIENT_ID": azure.CLIENT_ID}
    )
    environment["DOCKER_CREDENTIAL_MULTI_DEADLINE_S"] = "3"

    def secret(name: str, form: str) -> str:
        return form.replace("%s", hunt.marks.new(f"{form} in {name}"))

    def look(name: str, form: str) -> None:
        wrong = environment | _BESIDE.get(name, {}) | {name: secret(name, form)}
        registry = next(host for host in REGISTRIES if name.startswith(_PREFIXES.get(host, ())))
        hunt.run("get", stdin=registry, environment=wrong)

    def look_at_all(form: str) -> None:
        wrong = environment | {name: secret(name, form) for name in names}
        hunt.run("doctor", environment=wrong)
        for registry in REGISTRIES:
            hunt.run("explain", registry, environment=wrong)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, *zip(*product(names, forms), strict=True)))
        list(pool.map(look_at_all, forms))


_OF_ACCOUNT = f"/v1/projects/-/serviceAccounts/{PUSHER}:generateAccessToken"


def _google(**members: object) -> str:
    federated = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://127.0.0.1:9/token",
        "credential_source": {"url": "https://127.0.0.1:9/subject"},
    }
    return json.dumps(federated | members)


# Files that name a server, with URL in the place of its address: registry, path and text.
_URLS_IN_FILES = {
    "the token endpoint of a federation": (
        google.EXAMPLE_HOST, "adc.json",
        _google(token_url="URL", credential_source={"file": "/etc/hostname"}),
    ),
    "the URL of a subject token": (
        google.EXAMPLE_HOST, "adc.json", _google(credential_source={"url": "URL"}),
    ),
    "the introspection endpoint": (
        google.EXAMPLE_HOST, "adc.json",
        _google(token_info_url="URL", credential_source={"file": "/etc/hostname"}),
    ),
    "the impersonation endpoint of a federation": (
        google.EXAMPLE_HOST, "adc.json",
        _google(
            service_account_impersonation_url=f"URL{_OF_ACCOUNT}",
            credential_source={"file": "/etc/hostname"},
        ),
    ),
    "the impersonation endpoint of a file": (
        google.EXAMPLE_HOST, "adc.json",
        json.dumps(
            {
                "type": "impersonated_service_account",
                "service_account_impersonation_url": f"URL{_OF_ACCOUNT}",
                "source_credentials": {
                    "type": "authorized_user", "client_id": "c", "client_secret": "s",
                    "refresh_token": "r",
                },
            },
        ),
    ),
    "the token endpoint of a user": (
        google.EXAMPLE_HOST, "adc.json",
        json.dumps(
            {
                "type": "external_account_authorized_user",
                "audience": "//iam.googleapis.com/locations/global/workforcePools/p/providers/x",
                "client_id": "c", "client_secret": "s", "refresh_token": "r", "token_url": "URL",
            },
        ),
    ),
    "the endpoint of a profile": (
        aws.EXAMPLE_HOST, ".aws/config",
        "[default]\naws_access_key_id = k\naws_secret_access_key = s\nendpoint_url = URL\n",
    ),
    "the endpoint of a service": (
        aws.EXAMPLE_HOST, ".aws/config",
        ("[default]\naws_access_key_id = k\naws_secret_access_key = s\nservices = here\n"
         "[services here]\necr =\n  endpoint_url = URL\n"),
    ),
    "the start URL of an SSO session": (
        aws.EXAMPLE_HOST, ".aws/config",
        ("[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"
         "[sso-session s]\nsso_region = us-east-1\nsso_start_url = URL\n"),
    ),
}  # fmt: skip
_FORMS_IN_FILES = (
    "http://%s@127.0.0.1:9/",
    "https://user:%s@127.0.0.1:9/token",
    "https://127.0.0.1:9/%s?sig=%s#%s",
)


@pytest.mark.parametrize("what", _URLS_IN_FILES)
def test_a_secret_in_a_url_of_a_file_is_not_shown(what: str, hunt: Hunt) -> None:
    registry, path, text = _URLS_IN_FILES[what]
    for form in _FORMS_IN_FILES:
        url = form.replace("%s", hunt.marks.new(f"{form} for {what}"))
        file = hunt.machine.write(path, text.replace("URL", url), 0o600)
        environment = hunt.environment() | CACHE_OFF | _naming(path, file)
        environment["DOCKER_CREDENTIAL_MULTI_DEADLINE_S"] = "3"
        hunt.run("get", stdin=registry, environment=environment)
        hunt.run("explain", "--json", registry, environment=environment)
        hunt.run("doctor", environment=environment)


# Files of AWS with a token in each place where a name belongs.
_NAMES_IN_FILES = (
    "[default]\nsource_profile = TOKEN\nrole_arn = arn:aws:iam::123456789012:role/r\n",
    "[profile TOKEN]\nregion = x\n[default]\nregion = x\n",
    "[TOKEN]\naws_access_key_id = x\n",
    "[default]\nsso_session = TOKEN\nsso_account_id = 1\nsso_role_name = r\n",
    "[default]\nrole_arn = TOKEN\nsource_profile = default\naws_access_key_id = x\n",
    "[default]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = TOKEN\n",
    "[default]\ncredential_process = TOKEN\n",
    "[profile TOKEN]\ncredential_process = /bin/false\n",
    "[profile TOKEN]\naws_access_key_id = x\n",
    "[profile TOKEN]\nsource_profile = TOKEN\nrole_arn = TOKEN\n",
    "[sso-session TOKEN]\nsso_region = x\n[profile a]\nsso_session = TOKEN\n",
)


def test_a_token_in_place_of_a_name_is_not_shown(hunt: Hunt, record_property: Record) -> None:
    token = f"ghp_{hunt.marks.new('a token in place of a name')}"
    runs: list[tuple[tuple[str, ...], Environment]] = [
        (("get",), {}),
        (("explain", aws.EXAMPLE_HOST), {"AWS_PROFILE": token}),
        (("doctor", aws.EXAMPLE_HOST), {"DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN": token}),
    ]

    def run(file: Path, arguments: tuple[str, ...], variables: Environment) -> None:
        environment = hunt.environment() | CACHE_OFF | variables | {"AWS_CONFIG_FILE": str(file)}
        hunt.run(*arguments, stdin=aws.EXAMPLE_HOST, environment=environment)

    with ThreadPoolExecutor(2) as pool:
        done = []
        for number, text in enumerate(_NAMES_IN_FILES):
            file = hunt.machine.write(f"aws-{number}", text.replace("TOKEN", token), 0o600)
            done += [pool.submit(run, file, *each) for each in runs]
        for each in done:
            each.result()
    _record(hunt, record_property, "tokens in place of names")


# --- Verbs and commands ---------------------------------------------------------------------------

_COMMANDS = (
    ("list",), ("version",), ("unknown-verb",), ("get", "surplus"), ("explain", "config.example"),
    ("explain", "--json", "failing.example"), ("explain", aws.EXAMPLE_HOST),
    ("explain", "--json", google.EXAMPLE_HOST), ("explain", azure.EXAMPLE_HOST), ("doctor",),
    ("doctor", "--json"),
    ("doctor", "--online", aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST),
    ("providers",), ("cache", "list"), ("cache", "list", "--json"), ("config", "show"),
    ("config", "show", "--json"), ("configure", "--dry-run"), ("token", "unknown.example"),
    ("token", "failing.example"), ("token", "--format", "nonsense", "config.example"), ("--help",),
    ("cache", "clear"),
)  # fmt: skip


def test_no_command_shows_a_secret(hunt: Hunt, record_property: Record) -> None:
    environment = hunt.with_every_cloud()
    hunt.plant()
    for registry in REGISTRIES:
        talkative = environment | {"PYTHONDEVMODE": "1"}
        done = hunt.run("get", stdin=registry, environment=talkative, debug=True)
        hunt.marks.add(done.document["Secret"], "an answer")
    for arguments in _COMMANDS:
        hunt.run(*arguments, environment=environment)
    for arguments in _COMMANDS[3:9]:
        hunt.run("--debug" if arguments[0] != "get" else "get", *arguments, environment=environment)
    hunt.check_files()
    hunt.check_children(environment)
    _record(hunt, record_property, "verbs and commands")


def test_token_does_not_print_to_a_terminal(hunt: Hunt) -> None:
    environment = hunt.with_every_cloud()
    for registry in (*REGISTRIES, "config.example"):
        screen, terminal = pty.openpty()
        done = subprocess.run(
            [*COMMAND, "token", registry], env=environment, stdin=subprocess.DEVNULL,
            stdout=terminal, stderr=terminal, check=False, timeout=60,
        )  # fmt: skip
        os.close(terminal)
        shown = os.read(screen, 1 << 16)
        os.close(screen)
        assert done.returncode == 2
        assert b"--show" in shown
        assert hunt.marks.found_in(shown) == set()


def test_no_message_quotes_a_request_or_a_helper(hunt: Hunt, record_property: Record) -> None:
    environment = hunt.environment()
    hunt.plant()
    mark = hunt.marks.new
    login = json.dumps({"ServerURL": "x.example", "Username": "u", "Secret": mark("a login")})
    requests = (
        ("store", login[:-3]), ("store", login.replace('"u"', "1")),
        ("store", json.dumps([mark("a login of no form")])),
        ("store", mark("a request that is not JSON")),
        ("get", f"https://user:{mark('a password in a server URL')}@registry.example/v2/"),
        ("get", f"https://registry.example/v2/?token={mark('a query in a server URL')}"),
        ("get", f"http://{mark('a password')}@failing.example"), ("get", "failing.example"),
        ("get", "dying.example"), ("get", "other.example"), ("erase", "failing.example"),
        ("list", ""),
    )  # fmt: skip
    for verb, request in requests:
        for debug in (False, True):
            hunt.run(verb, stdin=request, environment=environment, debug=debug)
    by_stdin = ("login", "--username", "u", "--password-stdin")
    logins = (
        (*by_stdin, "unknown.example"), (*by_stdin, "--unchecked", "second.example"),
        (*by_stdin, "--unchecked", "failing.example"), (*by_stdin, REGISTRIES[0]),
        (*by_stdin, f"https://u:{mark('a password in a registry')}@unknown.example"),
        ("login", "--username", "u", "unknown.example"),
        ("explain", f"https://u:{mark('one to explain')}@unknown.example/?{mark('a query')}"),
        ("explain", "--json", f"u:{mark('another password to explain')}@unknown.example"),
        ("token", f"https://u:{mark('a password to get a token with')}@unknown.example"),
        ("doctor", "--online", f"https://{mark('a password to ask doctor with')}@unknown.example"),
        ("logout", "second.example"), ("logout", "config.example"),
    )  # fmt: skip
    for arguments in logins:
        password = mark("a password to log in with")
        for debug in (False, True):
            hunt.run(*arguments, stdin=password, environment=environment, debug=debug)
    for host in ("config", "plain", "token", "helper", "kept", "named", "ci"):
        for debug in (False, True):
            done = hunt.run("get", stdin=f"{host}.example", environment=environment, debug=debug)
            assert done.status == 0, done
    for host in ("helper", "failing", "dying"):
        stored = json.dumps(
            {"ServerURL": f"{host}.example", "Username": "u", "Secret": mark("a login to a helper")}
        )
        hunt.run("store", stdin=stored, environment=environment)
    hunt.run("store", stdin=login, environment=environment)
    hunt.check_files()
    assert hunt.check_children(environment) > 0
    _record(hunt, record_property, "requests and helpers")


def test_an_internal_error_shows_its_place_and_not_the_text_of_its_exception(home: Path) -> None:
    script = (
        "import sys; from cred_helper import cli\n"
        "def fault(): raise ValueError('hunter2hunter2')\n"
        "cli.VERBS['get'] = fault; sys.argv = ['x', 'get']; cli.main()\n"
    )
    done = ran(sys.executable, "-c", script, env=pinned_environment(home), stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "ValueError at <string>:2" in done.stdout
    assert "[internal.fault]" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# --- Core dumps -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("core_dumps")
def test_a_process_with_a_token_leaves_no_core_dump(hunt: Hunt) -> None:
    program = hunt.machine.scripts.program("give-keys", 'ulimit -c > "$HOME/limit"; exit 1')
    hunt.machine.write(".aws/config", f"[default]\ncredential_process = {program}\n")
    environment = hunt.environment() | hunt.clouds["ecr"].redirection()
    hunt.run("get", stdin=aws.EXAMPLE_HOST, environment=environment)
    assert (hunt.machine.home / "limit").read_text().strip() == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="reads another process's limit")
@pytest.mark.usefixtures("core_dumps")
def test_a_get_that_the_cache_answers_leaves_no_core_dump(hunt: Hunt) -> None:
    environment = hunt.with_every_cloud()
    for registry in REGISTRIES:
        assert hunt.run("get", stdin=registry, environment=environment).status == 0
    asked = [len(cloud.received) for cloud in hunt.clouds.values()]
    for registry in REGISTRIES:
        with subprocess.Popen(
            [*COMMAND, "get"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as running:
            assert running.stdin is not None
            # It waits for the server URL, and has not read the cache yet.
            _expect_no_core_dump(running.pid)
            answer, _ = running.communicate(registry.encode(), timeout=30)
        assert json.loads(answer)["Secret"]
    assert [len(cloud.received) for cloud in hunt.clouds.values()] == asked


def _expect_no_core_dump(pid: int) -> None:
    ends_at = monotonic() + 20
    while sys.platform == "linux" and resource.prlimit(pid, resource.RLIMIT_CORE)[0] != 0:
        assert monotonic() < ends_at, "it allows core dumps while it reads its input"
        sleep(0.02)


# --- The hunt itself -----------------------------------------------------------------------------


def test_a_secret_is_found_in_every_encoding(hunt: Hunt) -> None:
    marks = MarkedSecrets()
    secret = marks.new("somewhere")
    for encoded in (
        secret.encode(),
        b64encode(secret.encode()),
        urlsafe_b64encode(f"user:{secret}".encode()),
        b64encode(f"u:{secret}:more".encode()),
        secret.encode().hex().encode(),
    ):
        assert marks.found_in(b"before " + encoded + b" after") == {"somewhere"}
    assert marks.found_in(b"nothing of the kind") == set()
    with pytest.raises(Leak):
        hunt.check(hunt.marks.new("x").encode(), "here")
    assert set(FORMS) >= {form for identity in IDENTITIES for form in identity.forms}
