"""No secret is in what we say, in what we log, in what our children get, or open to others."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clouds import aws, azure, google
from tests.clouds.google import PUSHER
from tests.figures import FIGURES, Record
from tests.secrets.identities import IDENTITIES, Environment, Identity, everybody
from tests.secrets.machine import FORMS, Leak, Machine
from tests.support.executable import COMMAND, pinned_environment
from tests.support.marks import Marks

CACHE_OFF = {"DOCKER_CREDENTIAL_MULTI_CACHE": "off"}
REGISTRIES = (aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Machine(tmp_path) as running:
        yield running


def _tell(machine: Machine, record_property: Record, what: str) -> None:
    record_property(
        FIGURES,
        f"secrets hunt, {what}: {machine.runs} runs with {len(machine.marks)} kinds of secrets;"
        f" {machine.scanned >> 10} KiB looked through",
    )


# --- Clouds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("registry", REGISTRIES, ids=("ecr", "gcr", "acr"))
def test_no_identity_is_told_by_what_becomes_of_it(
    registry: str, machine: Machine, record_property: Record
) -> None:
    common = machine.environment()
    children = 0
    for identity in IDENTITIES:
        if identity.registry == registry:
            environment = common | identity.make(machine)
            machine.plant()
            _succeed(machine, identity, environment)
            _fail(machine, identity, environment)
            children += machine.look_at_children(environment)
            machine.look_at_files()
            machine.look_at_requests()
    assert children > 0
    assert machine.elsewhere.received == []
    _tell(machine, record_property, registry)


def _succeed(machine: Machine, identity: Identity, environment: Environment) -> None:
    """Get a credential, again from the cache, and show it to nobody but who asked."""
    first = machine.run("get", stdin=identity.registry, environment=environment, debug=True)
    assert first.status == 0, (identity.name, first)
    secret = first.document["Secret"]
    assert identity.cloud(machine).issued(first.document["Username"], secret, identity.registry), (
        identity.name
    )
    machine.marks.add(secret, "the answer")
    machine.run("get", stdin=identity.registry, environment=environment)
    machine.run("explain", identity.registry, environment=environment)


def _fail(machine: Machine, identity: Identity, environment: Environment) -> None:
    """Have the cloud quote what it was sent, as an error in its own form and in others."""
    cloud = identity.cloud(machine)
    for number, form in enumerate(identity.forms):
        if identity.name.endswith("to_be_renewed"):
            environment |= identity.make(machine)  # that it was is on disk now
        machine.echoing(cloud, identity.path, form, status=400 if "oauth" in form else 403)
        done = machine.run(
            "get",
            stdin=identity.registry,
            environment=environment | CACHE_OFF,
            debug=number == 0,
        )
        machine.behave(cloud)
        if identity.path != "/nothing":
            assert done.status == 1, (identity.name, form, done)


# --- Files that are not what they should be -------------------------------------------------------

_BROKEN = {
    "an ADC file": (google.EXAMPLE_HOST, "adc.json", '{"type": "service_account", "x": "%s'),
    "an ADC file of no type": (google.EXAMPLE_HOST, "adc.json", '{"type": "%s"}'),
    "an ADC file with a broken key": (
        google.EXAMPLE_HOST,
        "adc.json",
        json.dumps(
            {
                "type": "service_account",
                "client_email": PUSHER,
                "private_key": "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        ),
    ),
    "an ADC file with a http token endpoint": (
        google.EXAMPLE_HOST,
        "adc.json",
        json.dumps(
            {
                "type": "authorized_user",
                "client_id": "x",
                "client_secret": "%s",
                "refresh_token": "%s",
                "token_uri": "http://elsewhere.example/%s",
            }
        ),
    ),
    "an AWS configuration": (
        aws.EXAMPLE_HOST,
        ".aws/config",
        "[default]\naws_secret_access_key %s\n",
    ),
    "AWS credentials with half a key": (
        aws.EXAMPLE_HOST,
        ".aws/credentials",
        "[default]\naws_access_key_id = AKIA\naws_secret = %s\n",
    ),
    "an AWS configuration with a role of half a user": (
        aws.EXAMPLE_HOST,
        ".aws/config",
        "[default]\nrole_arn = x\nsource_profile = u\n[profile u]\naws_secret_access_key = %s\n",
    ),
    "an SSO session": (aws.EXAMPLE_HOST, ".aws/sso/cache/x.json", '{"accessToken": "%s"'),
    "a certificate": (azure.EXAMPLE_HOST, "client.pem", "-----BEGIN PRIVATE KEY-----\n%s\n"),
    "a profile of az": (azure.EXAMPLE_HOST, ".azure/azureProfile.json", '{"user": "%s"'),
    "config.json": ("config.example", ".docker/config.json", '{"auths": {"x": {"auth": "%s'),
    "config.json with an odd auth": (
        "config.example",
        ".docker/config.json",
        '{"auths": {"config.example": {"auth": "%s"}}, "credsStore": ["%s"]}',
    ),
    "config.json with an odd helper": (
        "config.example",
        ".docker/config.json",
        '{"credHelpers": {"config.example": ["%s"]}, "auths": {"config.example": "%s"}}',
    ),
    "our own store": (
        "kept.example",
        ".local/share/docker-credential-multi/credentials.json",
        '{"version": 1, "credentials": {"kept.example": {"secret": "%s"',
    ),
    "settings": ("x.example", ".config/docker-credential-multi/config.toml", 'deadline_s = "%s'),
    "settings with an odd value": (
        "x.example",
        ".config/docker-credential-multi/config.toml",
        'deadline_s = "%s"\n',
    ),
    "settings with an odd rule": (
        "x.example",
        ".config/docker-credential-multi/config.toml",
        '[[rule]]\nmatch = "%s/**"\nprovider = "%s"\n',
    ),
}  # fmt: skip


def test_no_file_is_quoted_because_it_is_broken(machine: Machine, record_property: Record) -> None:
    common = machine.environment()

    def look(number: int) -> None:
        what, (registry, path, text) = list(_BROKEN.items())[number]
        home = machine.folder / f"home-{number}"
        secret = machine.marks.new(what)
        file = machine.write(f"../home-{number}/{path}", text.replace("%s", secret))
        environment = common | CACHE_OFF | _naming(path, file) | {"HOME": str(home)}
        machine.run("get", stdin=registry, environment=environment, debug=number % 2 == 0)
        machine.run("explain", registry, environment=environment)
        told = machine.run("doctor", environment=environment)
        assert b"docker" in told.stdout

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(len(_BROKEN))))
    machine.look_at_files()
    machine.look_at_requests()
    assert machine.elsewhere.received == []
    _tell(machine, record_property, "broken files")


def _naming(path: str, file: Path) -> Environment:
    if path == "adc.json":
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    if path == "client.pem":
        ids = {"AZURE_TENANT_ID": azure.TENANT_ID, "AZURE_CLIENT_ID": azure.CLIENT_ID}
        return {**ids, "AZURE_CLIENT_CERTIFICATE_PATH": str(file)}
    return {}


# --- Verbs and commands ---------------------------------------------------------------------------

_COMMANDS = (
    ("list",),
    ("version",),
    ("unknown-verb",),
    ("get", "surplus"),
    ("explain", "config.example"),
    ("explain", "--json", "failing.example"),
    ("explain", aws.EXAMPLE_HOST),
    ("explain", "--json", google.EXAMPLE_HOST),
    ("explain", azure.EXAMPLE_HOST),
    ("doctor",),
    ("doctor", "--json"),
    ("doctor", "--online", aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST),
    ("providers",),
    ("cache", "list"),
    ("cache", "list", "--json"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("configure", "--dry-run"),
    ("token", "nobody.example"),
    ("token", "failing.example"),
    ("token", "--format", "nonsense", "config.example"),
    ("--help",),
    ("cache", "clear"),
)


def test_no_command_shows_a_secret(machine: Machine, record_property: Record) -> None:
    environment = everybody(machine)
    machine.plant()
    for registry in REGISTRIES:
        talkative = environment | {"PYTHONDEVMODE": "1"}
        done = machine.run("get", stdin=registry, environment=talkative, debug=True)
        machine.marks.add(done.document["Secret"], "an answer")
    for arguments in _COMMANDS:
        machine.run(*arguments, environment=environment)
    for arguments in _COMMANDS[3:9]:
        machine.run(
            "--debug" if arguments[0] != "get" else "get", *arguments, environment=environment
        )
    machine.look_at_files()
    machine.look_at_children(environment)
    _tell(machine, record_property, "verbs and commands")


def test_a_terminal_is_refused_a_token(machine: Machine) -> None:
    environment = everybody(machine)
    for registry in (*REGISTRIES, "config.example"):
        screen, terminal = pty.openpty()
        done = subprocess.run(
            [*COMMAND, "token", registry],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            check=False,
            timeout=60,
        )
        os.close(terminal)
        shown = os.read(screen, 1 << 16)
        os.close(screen)
        assert done.returncode == 2
        assert b"--show" in shown
        assert machine.marks.found_in(shown) == set()


def test_no_request_and_no_helper_is_quoted(machine: Machine, record_property: Record) -> None:
    environment = machine.environment()
    machine.plant()
    mark = machine.marks.new
    login = json.dumps({"ServerURL": "x.example", "Username": "u", "Secret": mark("a login")})
    requests = (
        ("store", login[:-3]),
        ("store", login.replace('"u"', "1")),
        ("store", json.dumps([mark("a login of no form")])),
        ("store", mark("a request that is no JSON")),
        ("get", f"https://user:{mark('a password in a server URL')}@registry.example/v2/"),
        ("get", f"https://registry.example/v2/?token={mark('a query in a server URL')}"),
        ("get", f"http://{mark('a password')}@failing.example"),
        ("get", "failing.example"),
        ("get", "dying.example"),
        ("get", "other.example"),
        ("erase", "failing.example"),
        ("list", ""),
    )
    for verb, request in requests:
        for debug in (False, True):
            machine.run(verb, stdin=request, environment=environment, debug=debug)
    by_stdin = ("login", "--username", "u", "--password-stdin")
    logins = (
        (*by_stdin, "nobody.example"),
        (*by_stdin, "--unchecked", "second.example"),
        (*by_stdin, "--unchecked", "failing.example"),
        (*by_stdin, REGISTRIES[0]),
        (*by_stdin, f"https://u:{mark('a password in a registry to log in to')}@nobody.example"),
        ("login", "--username", "u", "nobody.example"),
        ("explain", f"https://u:{mark('a password to explain')}@nobody.example/?{mark('a query')}"),
        ("explain", "--json", f"u:{mark('another password to explain')}@nobody.example"),
        ("token", f"https://u:{mark('a password to get a token with')}@nobody.example"),
        ("doctor", "--online", f"https://{mark('a password to ask doctor with')}@nobody.example"),
        ("logout", "second.example"),
        ("logout", "config.example"),
    )
    for arguments in logins:
        password = mark("a password to log in with")
        for debug in (False, True):
            machine.run(*arguments, stdin=password, environment=environment, debug=debug)
    for host in ("config", "plain", "token", "helper", "kept", "named", "ci"):
        for debug in (False, True):
            done = machine.run("get", stdin=f"{host}.example", environment=environment, debug=debug)
            assert done.status == 0, done
    for host in ("helper", "failing", "dying"):
        stored = json.dumps(
            {"ServerURL": f"{host}.example", "Username": "u", "Secret": mark("a login to a helper")}
        )
        machine.run("store", stdin=stored, environment=environment)
    machine.run("store", stdin=login, environment=environment)
    machine.look_at_files()
    assert machine.look_at_children(environment) > 0
    _tell(machine, record_property, "requests and helpers")


def test_a_fault_of_ours_is_told_by_its_place_and_not_by_its_words(home: Path) -> None:
    script = (
        "import sys; from cred_helper import cli\n"
        "def fault(): raise ValueError('hunter2hunter2')\n"
        "cli.VERBS['get'] = fault; sys.argv = ['x', 'get']; cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=pinned_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    reason = "this should not have happened: ValueError at <string>:2"
    assert (done.returncode, done.stdout) == (1, f"{reason}\n")
    assert done.stderr.splitlines()[0] == f"docker-credential-multi: error: {reason}"
    assert "Traceback" not in done.stderr


# --- Core dumps -----------------------------------------------------------------------------------


def test_a_process_with_a_token_leaves_no_core_dump(machine: Machine) -> None:
    program = machine.program("give-keys", 'ulimit -c > "$HOME/limit"; exit 1')
    machine.write(".aws/config", f"[default]\ncredential_process = {program}\n")
    environment = machine.environment() | machine.aws.redirection()
    machine.run("get", stdin=aws.EXAMPLE_HOST, environment=environment)
    assert (machine.home / "limit").read_text().strip() == "0"


# --- Would it notice? -----------------------------------------------------------------------------


def test_a_secret_is_known_in_every_dress(machine: Machine) -> None:
    marks = Marks()
    secret = marks.new("somewhere")
    for dress in (
        secret.encode(),
        b64encode(secret.encode()),
        urlsafe_b64encode(f"user:{secret}".encode()),
        b64encode(f"u:{secret}:more".encode()),
        secret.encode().hex().encode(),
    ):
        assert marks.found_in(b"before " + dress + b" after") == {"somewhere"}
    assert marks.found_in(b"nothing of the kind") == set()
    with pytest.raises(Leak):
        machine._look(machine.marks.new("x").encode(), "here")
    assert set(FORMS) >= {form for identity in IDENTITIES for form in identity.forms}
