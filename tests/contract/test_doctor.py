"""``doctor``: its findings, their severity, and the repair by their commands."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.clients.clients import DOCKER, docker_is_todays
from tests.clouds import aws, azure, faults, google
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.mounts import mounted, needs_mounts
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME, known
from tests.support.executable import CLOSED_PORT, PROGRAM, Completed, Executable
from tests.support.machine import Machine, person
from tests.support.requests import jwt

__all__ = ["authority", "known", "person", "proxy"]

Found = dict[str, Any]
# Variables by their names, and files by their paths below the home.
Given = dict[str, Any]
_CONFIG = ".docker/config.json"
_AUTH_JSON = ".config/containers/auth.json"
_REGISTRIES = ".config/containers/registries.conf"
_SETTINGS = ".config/docker-credential-multi/config.toml"
_CACHE = ".cache/docker-credential-multi"
_MULTI = '{"credsStore": "multi"}'
_AUTH = b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
_LOGIN = {"username": USERNAME, "password": PASSWORD}
_AUTHS = json.dumps({"credsStore": "multi", "auths": {PRIVATE_HOST: {"auth": _AUTH}}})


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose name has to be quoted wherever it is pasted."""
    folder = home / 'it\'s $HOME; & "mine"'
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def _doctor(person: Machine, *arguments: str, **variables: str) -> list[Found]:
    done = person.run("doctor", "--json", *arguments, **variables)
    found: list[Found] = done.document
    assert done.stderr == ""
    assert done.status == (1 if any(f["severity"] == "error" for f in found) else 0)
    assert PASSWORD not in done.stdout.decode()
    return found


def _set_up(person: Machine, given: Given) -> dict[str, str]:
    """Write the files, for the user alone; the variables. A ~ in a value stands for the home."""
    for path in (name for name in given if "." in name):
        person.write(path, given[path], 0o600)
    return {
        name: value[1:] if value[0] == "\\" else value.replace("~", str(person.home))
        for name, value in given.items()
        if "." not in name
    }


def _logins(person: Machine, *hosts: str) -> None:
    """Keep a login for these hosts in config.json."""
    _set_up(person, {_CONFIG: {"auths": dict.fromkeys(hosts, _LOGIN)}})


def _add(person: Machine, name: str, folder: Path | None = None) -> Path:
    """Put a program on PATH, or into a folder; it does nothing."""
    program = (folder or person.programs) / name
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\necho another\n")
    program.chmod(0o755)
    return program


def _finding(found: list[Found], code: str, *words: str, severity: str = "") -> Found:
    """The one finding with this code whose message has these words."""
    matching = [
        finding
        for finding in found
        if finding["code"] == code and all(word in finding["message"] for word in words)
    ]
    assert len(matching) == 1, (code, words, found)
    assert matching[0]["severity"] == (severity or matching[0]["severity"])
    return matching[0]


def _codes(found: list[Found]) -> list[str]:
    return [finding["code"] for finding in found]


def _of(found: list[Found], subject: str) -> list[Found]:
    return [finding for finding in found if finding["subject"] == subject]


def _paste(person: Machine, command: str, environment: dict[str, str]) -> list[Found]:
    """Run a command as it is pasted into a shell, and then doctor in the same shell."""
    path = os.pathsep.join([environment["PATH"], *os.defpath.split(os.pathsep)])
    script = f"{command}\n{PROGRAM} doctor --json"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env=environment | {"PATH": path},
        cwd=person.home,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    found: list[Found] = json.loads(done.stdout[done.stdout.index("[\n") :])
    return found


# --- What is well, and what the exit status says --------------------------------------------------


def test_warnings_alone_exit_with_0_and_every_finding_has_the_same_fields(person: Machine) -> None:
    found = _doctor(person)
    _finding(found, "doctor.docker-config-missing", severity="warning")
    for finding in found:
        assert set(finding) == {"severity", "subject", "code", "message", "command", "hint"}
        assert finding["severity"] in ("ok", "note", "warning", "error")
        assert finding["message"]
    done = person.run("doctor")
    assert (done.status, done.stdout.decode().splitlines()[-1]) == (0, "0 errors, 1 warning")


# --- What it says to run mends it -----------------------------------------------------------------

_CREDENTIAL_HELPERS = '{"credsStore": "multi", "credHelpers": {"gcr.io": "gcloud"}}'


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "doctor.docker-config-missing"),
        ({_CONFIG: '{"credsStore": "gone"}'}, "doctor.helper-not-on-path"),
        ({_CONFIG: _CREDENTIAL_HELPERS}, "doctor.helper-not-on-path"),
        ({_CONFIG: _AUTHS}, "doctor.passwords-readable"),
        ({_CONFIG: "\ufeff" + _MULTI}, "doctor.byte-order-mark"),
        ({_CONFIG: _MULTI, "DOCKER_CONFIG": f"~/{_CONFIG}"}, "fallback.folder-is-file"),
        ({_CONFIG: _MULTI, "DOCKER_CONFIG": "\\~/.docker"}, "doctor.variable-with-tilde"),
        ({_CONFIG: _MULTI, "DOCKER_CONFIG": '"/nowhere"'}, "doctor.variable-in-quotes"),
        (
            {"auth.json": _AUTHS, "DOCKER_AUTH_CONFIG": "~/auth.json"},
            "fallback.auth-config-is-path",
        ),
        (
            {"DOCKER_AUTH_CONFIG": '{"auths": {"gcr.io": {"auth": "dTpw"}}}'},
            "doctor.auth-config-of-cloud",
        ),
        ({_AUTH_JSON: ""}, "doctor.auth-file-empty"),
        ({"DOCKER_CREDENTIAL_MULTI_DEADLINE": "5"}, "doctor.variable-misspelt"),
        ({"AWS_CA_BUNDLE": "/does/not/exist"}, "network.ca-file-missing"),
        ({"ca.pem": "x", "SSL_CERT_FILE": "~/ca.pem"}, "network.ca-file-empty"),
        ({"https_proxy": "http://other:1"}, "doctor.proxies-differ"),
        ({"HTTPS_PROXY": "http://:x@"}, "doctor.proxy-invalid"),
        ({"HTTP_PROXY": CLOSED_PORT}, "doctor.metadata-through-proxy"),
    ],
)
def test_the_command_of_a_finding_repairs_it(person: Machine, given: Given, code: str) -> None:
    environment = person.environment | _set_up(person, given)
    for path in (name for name in given if "." in name):
        (person.home / path).chmod(0o644)
    command = _finding(_doctor(person, **environment), code)["command"]
    if command.endswith("configure"):
        command += " --yes"
    mended = _paste(person, command, environment)
    assert code not in _codes(mended), mended


@pytest.mark.parametrize(
    ("text", "variables"),
    [("{", {}), ("", {"DOCKER_CREDENTIAL_MULTI_CACHE": "maybe"}), ("cache = 1\n", {})],
    ids=["config.json", "a setting's variable", "a settings file"],
)
def test_a_broken_file_is_repaired(person: Machine, text: str, variables: dict[str, str]) -> None:
    is_toml = "=" in text
    path = _SETTINGS if is_toml else _CONFIG
    if text:
        person.write(path, text)
    person.write("fix", "" if is_toml else _MULTI)
    environment = person.environment | variables | {"EDITOR": "cp fix"}
    broken = [f for f in _doctor(person, **environment) if f["severity"] == "error"]
    assert len(broken) == 1
    assert broken[0]["code"] not in _codes(_paste(person, broken[0]["command"], environment))


def test_a_program_that_is_not_on_path_is_put_there(person: Machine) -> None:
    environment = person.environment | {"PATH": "/nowhere"}
    finding = _finding(_doctor(person, PATH="/nowhere"), "doctor.program-not-on-path")
    assert finding["severity"] == "error"
    mended = _paste(person, finding["command"], environment)
    assert _finding(mended, "doctor.program-found", str(person.program))
    # Until then, commands name the program by its path.
    missing = "doctor.docker-config-missing"
    configure = _finding(_doctor(person, PATH="/nowhere"), missing)["command"]
    mended = _paste(person, f"{configure} --yes", environment | {"PATH": str(person.programs)})
    assert missing not in _codes(mended)


_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")


def _link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(0o700)
    folder.symlink_to("elsewhere")


def _give_away(folder: Path) -> None:
    folder.mkdir(0o700)
    os.chown(folder, 65534, 65534)


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: folder.mkdir(0o755),
        _link,
        lambda folder: folder.symlink_to("nowhere"),
        Path.touch,
        pytest.param(_give_away, marks=_AS_ROOT),
    ],
    ids=["others may read it", "link", "dangling link", "file", "another user's"],
)
def test_what_is_in_the_place_of_a_private_cache_folder_is_closed_or_moved_away(
    person: Machine, make: Callable[[Path], None]
) -> None:
    folder = person.home / _CACHE
    folder.parent.mkdir()
    make(folder)
    finding = _finding(_doctor(person), "doctor.cache-not-used", str(folder), severity="warning")
    mended = _paste(person, finding["command"], person.environment)
    _finding(mended, "doctor.cache-used", str(folder), severity="ok")


@_AS_ROOT
def test_a_folder_that_cannot_be_moved_stays(person: Machine) -> None:
    folder = person.home / _CACHE
    folder.mkdir(0o700, parents=True)
    for path in (folder, folder.parent):
        os.chown(path, 65534, 65534)
    finding = _finding(_doctor(person), "doctor.cache-not-used")
    example = "/a/folder/of/yours"
    assert finding["command"] == f"export DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER={example}"
    own = person.home / "own"
    command = finding["command"].replace(example, shlex.quote(str(own)))
    mended = _paste(person, command, person.environment)
    assert _finding(mended, "doctor.cache-used", str(own))["severity"] == "ok"


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "not there"])
@pytest.mark.parametrize(
    ("options", "words"), [("ro", "read-only file system"), ("size=4k", "no space left on device")]
)
@needs_mounts
def test_a_cache_in_which_nothing_can_be_kept_is_a_warning(
    person: Machine, tmp_path: Path, options: str, words: str, is_there: bool
) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    made = "mkdir -m 700 docker-credential-multi" if is_there else "true"
    script = f"""
        mount -t tmpfs -o mode=700{"," + options if "size" in options else ""} none {mount}
        cd {mount}; {made}; echo full > full || true
        {"" if "size" in options else f"mount -o remount,{options} {mount}"}
    """
    variables = person.environment | {"XDG_CACHE_HOME": str(mount)}
    command = mounted(script.replace("\n", ";").strip("; "), str(person.program))
    found = Executable(variables, command).run("doctor", "--json").document
    finding = _finding(found, "doctor.cache-not-kept", str(mount), words)
    assert finding["severity"] == "warning"
    assert finding["command"].startswith("export DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER=")
    assert list(mount.iterdir()) == []


def test_the_check_of_the_cache_leaves_no_file_and_warns_without_a_cache(person: Machine) -> None:
    for around, code in (
        (person.home / "no/such", "doctor.cache-not-kept"),
        (person.write("file", ""), "doctor.cache-not-used"),
    ):
        _finding(_doctor(person, XDG_CACHE_HOME=str(around)), code, severity="warning")
    _doctor(person)
    folder = person.home / _CACHE
    assert not folder.parent.exists()
    folder.mkdir(0o700, parents=True)
    _finding(_doctor(person), "doctor.cache-used", str(folder), severity="ok")
    assert list(folder.iterdir()) == []


def test_a_dangling_link_is_removed(person: Machine) -> None:
    link = person.programs / "docker-credential-gone"
    link.symlink_to("nowhere")
    finding = _finding(_doctor(person), "doctor.dangling-link")
    _paste(person, finding["command"], person.environment)
    assert not link.is_symlink()


# --- Programs -------------------------------------------------------------------------------------


def test_copies_and_helpers_that_never_start_are_named(person: Machine, tmp_path: Path) -> None:
    later = tmp_path / "later"
    for name in (PROGRAM, "docker-credential-pass", "docker-credential-ecr-login"):
        _add(person, name, later)
    person.helper("pass")
    (person.programs / "docker-credential-ecr-login").symlink_to(person.program)
    found = _doctor(person, PATH=f"{person.programs}{os.pathsep}{later}")
    shadowed = "doctor.shadowed"
    _finding(found, shadowed, f"{later}/{PROGRAM}", severity="warning")
    _finding(found, shadowed, f"{later}/docker-credential-pass")
    _finding(found, "doctor.helper-is-this-program", "docker-credential-ecr-login")
    _finding(found, "doctor.helper-found", f"{person.programs}/docker-credential-pass")
    found = _doctor(person, PATH=f"{later}{os.pathsep}{person.programs}")
    _finding(found, "doctor.program-other-copy", str(later), severity="warning")


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"MZ\x90\x00", "doctor.helper-for-windows"),
        (b"\xcf\xfa\xed\xfe", "doctor.helper-for-macos"),
        (b"#!/bin/sh\r\n", "doctor.helper-windows-line-ends"),
        (b"#!/no/such/shell\n", "doctor.helper-without-interpreter"),
        (b"echo no first line\n", "doctor.helper-without-format"),
        (b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xff\x7f", "doctor.helper-for-other-processor"),
    ],
)
def test_a_helper_that_cannot_start_is_a_warning(person: Machine, head: bytes, code: str) -> None:
    person.helper("other").write_bytes(head)
    assert _finding(_doctor(person), code, "docker-credential-other")["severity"] == "warning"


def test_a_helper_that_this_user_may_not_execute_is_named_with_the_command(person: Machine) -> None:
    helper = person.helper("pass")
    helper.chmod(0o644)
    person.write(_CONFIG, '{"credsStore": "pass"}')
    finding = _finding(_doctor(person), "doctor.helper-not-executable", str(helper))
    assert finding["command"] == shlex.join(["chmod", "+x", str(helper)])


def test_docker_as_a_snap_is_a_warning(person: Machine) -> None:
    (person.home / "snap").touch(0o755)
    (person.programs / "docker").symlink_to(person.home / "snap")
    assert _finding(_doctor(person), "doctor.docker-is-snap")["severity"] == "warning"


# --- docker's files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        '{"auth": "!!!"}',
        '{"auth": "bm9jb2xvbg=="}',
        '{"auth": "Og=="}',
        '{"auth": "dTpwdw"}',
        '{"auth": "!!!", "identitytoken": "t"}',
        "1",
        '{"username": 1}',
    ],
)
def test_an_entry_that_docker_cannot_read_is_named_by_its_line(person: Machine, entry: str) -> None:
    spoilt = (
        f'{{\n"auths": {{\n"a.example": {{}},\n"y.example": {entry}}},\n"credsStore": "multi"}}'
    )
    path = person.write(_CONFIG, spoilt, 0o600)
    found = _doctor(person)
    (finding,) = (f for f in found if f["severity"] == "error")
    assert finding["message"].startswith(f"{path}: line 4: ")
    assert "refuses the whole file" in finding["message"]
    assert _finding(found, "doctor.named-for-all")["severity"] == "ok"
    person.write("fix", _MULTI)
    environment = person.environment | {"EDITOR": "cp fix"}
    mended = _paste(person, finding["command"], environment)
    assert _finding(mended, "doctor.named-for-all")["severity"] == "ok"
    if DOCKER.program and docker_is_todays():
        path.write_text(spoilt)
        command = [DOCKER.program, "logout", "a.example"]
        done = subprocess.run(
            command, env=person.environment, capture_output=True, timeout=90, check=False
        )
        assert b"rror parsing config file" in done.stdout + done.stderr


@pytest.mark.parametrize("auth", ["dTpwdw==", "dTpw\\ndw==\\r\\n", ""])
def test_an_entry_that_docker_can_read_is_not_an_error(person: Machine, auth: str) -> None:
    entry = f'{{"auth": "{auth}", "email": null}}'
    config = f'{{"auths": {{"y.example": {entry}, "n": null}}, "credsStore": "multi"}}'
    person.write(_CONFIG, config).chmod(0o600)
    found = _doctor(person)
    assert _finding(found, "doctor.named-for-all")["severity"] == "ok"
    assert not [f for f in found if f["severity"] == "error"]


def test_an_entry_that_docker_accepts_is_not_reported_as_refused(person: Machine) -> None:
    path = person.write(_CONFIG, '{"auths": {"y.example": {"password": "p"}}}', 0o600)
    podmans = person.write(_AUTH_JSON, '{"auths": {"y": {"auth": "!!!"}}}')
    found = _doctor(person)
    for file in (path, podmans):
        (finding,) = (f for f in found if f["message"].startswith(f"{file}: line 1: "))
        assert finding["severity"] == "error"
        assert "docker refuses" not in finding["message"]


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("*.dkr.ecr.*.amazonaws.com", None),
        (f"https://{aws.EXAMPLE_HOST}", aws.EXAMPLE_HOST),
        (f"{aws.EXAMPLE_HOST}/", aws.EXAMPLE_HOST),
        (f"{aws.EXAMPLE_HOST}/team/app", aws.EXAMPLE_HOST),
        (f"{aws.EXAMPLE_HOST}:*", aws.EXAMPLE_HOST),
        ("GHCR.io", "ghcr.io"),
        ("http://registry.example:5000/v2/", "registry.example:5000"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("registry-1.docker.io", "https://index.docker.io/v1/"),
        ("https://index.docker.io/v1", "https://index.docker.io/v1/"),
    ],
)
def test_a_key_that_docker_never_asks_is_named(
    person: Machine, key: str, right: str | None
) -> None:
    person.write(_CONFIG, {"credHelpers": {key: "multi"}})
    found = _doctor(person)
    code = "doctor.key-not-matched" if right else "doctor.key-with-wildcard"
    finding = _finding(found, code, repr(key))
    assert right is None or repr(right) in finding["hint"]
    assert "doctor.named-for-some" not in _codes(found)
    if right:
        person.write(_CONFIG, {"credHelpers": {right: "multi"}})
        assert _finding(_doctor(person), "doctor.named-for-some", right)["severity"] == "ok"


def test_members_of_the_right_types_are_not_named(person: Machine) -> None:
    config = {
        "credsStore": "multi",
        "proxies": {"default": {"httpProxy": "http://proxy:1"}},
        "experimental": "enabled",
        "plugins": {"-x-cli-hints": {"enabled": "true"}},
        "unknown": [1],
    }
    person.write(_CONFIG, config)
    assert "doctor.member-of-wrong-type" not in _codes(_doctor(person))


@pytest.mark.parametrize("path", [".docker/config.json", _AUTH_JSON])
@pytest.mark.parametrize(
    ("make", "code"), [(Path.mkdir, "doctor.file-is-folder"), (os.mkfifo, "doctor.file-is-special")]
)
def test_a_folder_or_pipe_in_the_place_of_a_file_is_named_and_not_edited(
    person: Machine, path: str, make: Callable[[Path], None], code: str
) -> None:
    file = person.home / path
    file.parent.mkdir(parents=True)
    make(file)
    assert "EDITOR" not in (_finding(_doctor(person), code, str(file))["command"] or "")


@pytest.mark.parametrize(
    "path",
    [
        *(_SETTINGS, _REGISTRIES, ".local/share/docker-credential-multi/credentials.json"),
        *(".aws/config", ".aws/credentials", ".dockercfg", ".azure/azureProfile.json"),
        *(".config/gcloud/application_default_credentials.json", "ca.pem"),
    ],
)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(person: Machine, path: str) -> None:
    file = person.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file)
    variables = {"SSL_CERT_FILE": str(file)} if path == "ca.pem" else {}
    for command in (("doctor",), ("explain", aws.EXAMPLE_HOST)):
        begun_s = time.monotonic()
        assert person.run(*command, **variables).status in (0, 1)
        assert time.monotonic() - begun_s < 20


@pytest.mark.parametrize("ends_in_s", [-3600, 3600])
@pytest.mark.parametrize("kind", ["ecr", "acr", "any"])
def test_a_login_that_has_expired_is_named(person: Machine, kind: str, ends_in_s: int) -> None:
    ends_at_s = int(time.time()) + ends_in_s
    password = b64encode(json.dumps({"payload": "x", "expiration": ends_at_s}).encode()).decode()
    auth = b64encode(f"AWS:{password}".encode()).decode()
    host, entry = {
        "ecr": (aws.EXAMPLE_HOST, {"auth": auth}),
        "acr": (azure.EXAMPLE_HOST, {"identitytoken": jwt(exp=ends_at_s)}),
        "any": (PRIVATE_HOST, {"username": "u", "password": jwt(exp=ends_at_s)}),
    }[kind]
    person.write(_CONFIG, {"auths": {host: entry}}, 0o600)
    assert _codes(_doctor(person)).count("doctor.login-expired") == (ends_in_s < 0)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"auths": {"r.example": {"auth": PASSWORD}}}),
        f"-----BEGIN PRIVATE KEY-----\n{PASSWORD}\n-----END PRIVATE KEY-----",
        f"eyJhbGciOiJub25lIn0.{PASSWORD}.c2ln",
        PASSWORD * 40,
    ],
    ids=["JSON", "PEM", "token", "long text"],
)
@pytest.mark.parametrize(
    "variable",
    [
        *("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "CONTAINERS_REGISTRIES_CONF"),
        *("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    ],
)
def test_content_in_place_of_a_path_is_hidden(person: Machine, variable: str, content: str) -> None:
    # _doctor looks for the password in the output.
    found = _doctor(person, **{variable: content})
    _finding(found, "fallback.variable-holds-content", variable)
    for command in (("explain", PRIVATE_HOST), ("configure", "--dry-run"), ("configure", "--yes")):
        done = person.run(*command, **{variable: content})
        assert PASSWORD not in done.stdout.decode() + done.stderr


# --- podman's files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drop_ins", "severity"),
    [
        ({}, "warning"),
        ({"50.conf": 'credential-helpers = ["containers-auth.json", "multi"]'}, "ok"),
        ({"50.conf": 'credential-helpers = ["multi"]', "60.conf": "credential-helpers = []"}, "w"),
        ({"50.conf": "credential-helpers = ["}, "error"),
        ({"50.conf": 'credential-helpers = ["multi", "gone"]'}, "error"),
    ],
)
def test_podman_is_checked_too(person: Machine, drop_ins: dict[str, str], severity: str) -> None:
    assert _of(_doctor(person), "podman") == []
    _add(person, "podman")
    _set_up(person, {_REGISTRIES: ""})  # nothing of the machine's is read
    _set_up(person, {f"{_REGISTRIES}.d/{name}": text for name, text in drop_ins.items()})
    assert _of(_doctor(person), "podman")[-1]["severity"].startswith(severity)


def test_podmans_remote_client_is_asked_for_in_credhelpers(person: Machine) -> None:
    _add(person, "podman")
    remote = {"CONTAINER_HOST": "ssh://podman@machine"}
    _set_up(person, {_REGISTRIES: 'credential-helpers = ["multi"]'})
    _finding(_doctor(person, **remote), "doctor.podman-remote", severity="warning")
    assert person.run("configure", "--yes", "--registry", aws.EXAMPLE_HOST, **remote).status == 0
    named = _of(_doctor(person, **remote), "podman")
    assert ("doctor.named-for-some", "ok") in [(f["code"], f["severity"]) for f in named]


# --- What files and variables say -----------------------------------------------------------------


def _creds(**members: object) -> Given:
    return {_CONFIG: {"credsStore": "multi", **members}}


def _rule(match: str, rest: str) -> str:
    return f'[[rule]]\nmatch = "{match}"\n{rest}\n'


_FIRST_FORMAT = '[registries.search]\nregistries = ["docker.io"]\n'
_BY_MULTI = 'credential-helpers = ["multi"]\n'
_BY_FILE = 'credential-helpers = ["containers-auth.json", "multi"]'
_EARLIER = {aws.EXAMPLE_HOST: {"auth": _AUTH}, "private.example": {"auth": _AUTH}}
_LINE_END = b64encode(f"{USERNAME}:{PASSWORD}\n".encode()).decode()
_HALF_KEY = {"AWS_ACCESS_KEY_ID": "AKIALOOPBACKEXAMPLE"}
_FULL_NAME = "docker-credential-pass"
_VARIABLE = "DOCKER_CREDENTIAL_MULTI_"
_TWICE = "".join(_rule(match, 'answer = "anonymous"') for match in ("*.io", "quay.io"))


# What is given → the finding's severity and code, and words of its message, hint or command.
@pytest.mark.parametrize(
    ("given", "severity", "code", "words"),
    [
        ({"SUDO_USER": "me"}, "note", "doctor.run-by-sudo", ("me",)),
        (
            {"HTTPS_PROXY": f"http://me:{PASSWORD}@127.0.0.1:9"},
            *("note", "doctor.proxy", ("HTTPS_PROXY: 127.0.0.1:9",)),
        ),
        ({f"{_VARIABLE}X;touch y": "1"}, "warning", "doctor.variable-unread", ("None",)),
        (
            {f"{_VARIABLE}CASHE": "off"},
            *("warning", "doctor.variable-misspelt", (f"{_VARIABLE}CACHE?",)),
        ),
        (_HALF_KEY, "error", "ecr.secret-not-set", (f"{PROGRAM} explain ",)),
        ({}, "ok", "doctor.certificates-built-in", ()),
        # docker's config.json
        (
            _creds(credHelpers={aws.EXAMPLE_HOST: "ecr-login"}),
            *("note", "doctor.cloud-host-of-other-helper"),
            (aws.EXAMPLE_HOST, f"{PROGRAM} configure"),
        ),
        *(
            ({_CONFIG: {member: "multi"}}, "warning", "doctor.member-misspelt", (member,))
            for member in ("credStore", "credsStores", "credHelper", "CredStore")
        ),
        *(
            (
                _creds(credHelpers={"quay.io": helper}),
                *("warning", "doctor.key-without-helper", ("quay.io",)),
            )
            for helper in ("", None)
        ),
        *(
            ({_CONFIG: section}, "error", "doctor.helper-full-name", (_FULL_NAME, "'pass'"))
            for section in ({"credsStore": _FULL_NAME}, {"credHelpers": {"quay.io": _FULL_NAME}})
        ),
        *(
            (_creds(**{member: value}), "warning", "doctor.member-of-wrong-type", (member,))
            for member, value in (
                ("proxies", {"httpProxy": "http://proxy:1"}),
                ("experimental", True),
                ("HttpHeaders", {"a": 1}),
                ("cliPluginsExtraDirs", "/usr/lib"),
                ("plugins", []),
            )
        ),
        (
            {_CONFIG: {"auths": {PRIVATE_HOST: {"auth": _LINE_END}}}},
            *("warning", "doctor.password-ends-in-line-end", (PRIVATE_HOST,)),
        ),
        *(
            ({_CONFIG: {"credHelpers": {host: "multi"}}}, "warning", code, (host,))
            for host, code in (
                ("12345678901.dkr.ecr.eu-west-1.amazonaws.com", "ecr.near-account-id"),
                ("123456789012.dkr.ecr.cn-north-1.amazonaws.com", "ecr.near-china"),
                ("vpce-0a1b.dkr.ecr.eu-west-1.vpce.amazonaws.com", "ecr.near-vpc-endpoint"),
                ("api.ecr.eu-west-1.amazonaws.com", "ecr.near-api"),
                ("myregistry.privatelink.azurecr.io", "acr.near-private-link"),
                ("my.registry.azurecr.io", "doctor.near-registry"),
                ("123456789012.dkr.ecr.us-east-1.amazonaws.com.cn", "doctor.near-registry"),
                ("pkg.dev", "doctor.near-registry"),
            )
        ),
        # podman's files
        (
            {
                _REGISTRIES: _BY_MULTI,
                "other.conf": 'credential-helpers = ["containers-auth.json"]',
                "CONTAINERS_REGISTRIES_CONF": "~/other.conf",
            },
            *("warning", "doctor.podman-other-helpers", ("/other.conf",)),
        ),
        (
            {"CONTAINERS_REGISTRIES_CONF": "/no/such/file"},
            *("error", "doctor.registries-conf-missing", ()),
        ),
        (
            {_REGISTRIES: _FIRST_FORMAT},
            *("warning", "doctor.registries-first-format", (_REGISTRIES,)),
        ),
        (
            {_REGISTRIES: f"{_BY_MULTI}{_FIRST_FORMAT}"},
            *("error", "configure.registries-mixed", (_REGISTRIES,)),
        ),
        (
            {_AUTH_JSON: {"credHelpers": {"quay.io": "secretservice"}}},
            *("error", "doctor.helper-not-on-path", (_AUTH_JSON, "secretservice")),
        ),
        # podman uses this login before it asks multi.
        (
            {_REGISTRIES: _BY_FILE, _AUTH_JSON: {"auths": _EARLIER}},
            *("warning", "doctor.podman-earlier-login", (aws.EXAMPLE_HOST,)),
        ),
        # Settings and rules
        (
            {_SETTINGS: 'fallback_helper = "gone"\n'},
            *("error", "doctor.helper-not-on-path", (f"{_SETTINGS}:1", "gone", "fallback_helper")),
        ),
        (
            {_SETTINGS: _rule("a.example", 'helper = "lost"')},
            *(
                "error",
                "doctor.helper-not-on-path",
                (f"{_SETTINGS}:3", "lost", "the rule for a.example"),
            ),
        ),
        (
            {_SETTINGS: _rule("gcr.io", 'credentials_file = "/no/such/key.json"')},
            *("error", "gcr.file-missing", ()),
        ),
        (
            {_SETTINGS: _rule("quay.io", 'provider = "ecr"')},
            *("error", "settings.host-of-no-cloud", ()),
        ),
        ({_SETTINGS: _TWICE}, "note", "doctor.rule-after-another", ()),
    ],
)
def test_mistakes_in_files_and_variables_are_found(
    person: Machine, given: Given, severity: str, code: str, words: tuple[str, ...]
) -> None:
    person.helper("pass")
    person.helper("ecr-login")
    if any("containers" in name.lower() for name in given):
        _add(person, "podman")
    found = _doctor(person, **_set_up(person, given))
    finding = _finding(found, code, severity=severity)
    shown = f"{finding['message']} {finding['hint']} {finding['command']}"
    assert all(word in shown for word in words)
    assert "private.example" not in shown
    if finding["subject"] == "rules" and severity == "error":
        assert [f["code"] for f in _of(found, "rules")] == [code]


@pytest.mark.parametrize(
    "match",
    [aws.EXAMPLE_HOST, f"{aws.EXAMPLE_HOST}/team", "*.dkr.ecr.*.amazonaws.com", "**.amazonaws.com"],
)
def test_a_rule_with_a_profile_that_is_not_there_is_an_error(person: Machine, match: str) -> None:
    path = person.settings(_rule(match, 'profile = "gone"'))
    [finding] = _of(_doctor(person), "rules")
    assert (finding["severity"], str(path) in finding["message"]) == ("error", True)
    person.write(".aws/credentials", "[gone]\naws_access_key_id=AKIA\naws_secret_access_key=s\n")
    _finding(_doctor(person), "doctor.rules-sound", severity="ok")


@needs_mounts
def test_a_misspelt_variable_of_a_cloud_is_a_warning(person: Machine) -> None:
    found = _doctor(person, AZURE_TENNANT_ID="1", AWS_PAGER="cat", AZURE_CONFIG_DIR="/nowhere")
    misspelt = _finding(found, "doctor.cloud-variable-misspelt", severity="warning")
    assert misspelt["message"].startswith("AZURE_TENNANT_ID ")
    assert "AZURE_TENANT_ID" in misspelt["hint"]


def test_for_a_read_only_home_the_finding_names_what_is_not_kept(person: Machine) -> None:
    script = f"mount --bind {shlex.quote(str(person.home))} {shlex.quote(str(person.home))}"
    script += f" && mount -o remount,bind,ro {shlex.quote(str(person.home))}"
    command = mounted(script, str(person.program), "doctor", "--json")
    found = Executable(person.environment, command).run().document
    assert _finding(found, "doctor.home-read-only", "read-only file system")


def test_the_certificates_of_a_file_are_listed(known: Machine) -> None:
    finding = _finding(_doctor(known), "doctor.certificates-named", "SSL_CERT_FILE")
    assert "1 certificate (" in finding["message"]


# --- Online ---------------------------------------------------------------------------------------


def test_each_credential_is_tried_at_its_registry(known: Machine, proxy: TerminatingProxy) -> None:
    known.write(_CONFIG, _AUTHS).chmod(0o600)
    hosts = (aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST)
    found = _of(_doctor(known, "--online", *hosts), "online")
    assert {f["message"].partition(": ")[0] for f in found} == {*hosts, PRIVATE_HOST}
    for finding in found:
        assert finding["severity"] == "ok"
        assert finding["code"] in ("login.accepted", "login.accepted-by")


def test_a_credential_that_is_not_accepted_or_not_given_is_an_error(known: Machine) -> None:
    config = {"auths": {PRIVATE_HOST: {"username": USERNAME, "password": "wrong"}}}
    known.write(_CONFIG, config, 0o600)
    found = _doctor(known, "--online", aws.EXAMPLE_HOST, AWS_SECRET_ACCESS_KEY="wrong")
    finding = _finding(found, "login.refused-by-endpoint", PRIVATE_HOST, severity="error")
    assert "HTTP 401" in finding["message"]
    assert finding["command"] == f"{PROGRAM} explain --try {PRIVATE_HOST}"
    # A cloud that gives no token.
    [finding] = (f for f in _of(found, "online") if aws.EXAMPLE_HOST in f["message"])
    assert finding["severity"] == "error"
    assert finding["code"]


def test_a_registry_without_a_credential_is_asked_too(
    known: Machine, proxy: TerminatingProxy
) -> None:
    with Registry(lambda *_: False, auth="basic") as other, LoopbackServer() as open_to_all:
        open_to_all.on("GET", "/v2/", lambda _: Reply(200))
        proxy.route("other.example", other)
        proxy.route("open.example", open_to_all)
        found = _doctor(known, "other.example", "open.example")
    assert _finding(found, "login.registry-asks", "other.example")["severity"] == "note"
    assert _finding(found, "login.registry-open", "open.example")


def test_a_redirect_is_not_followed_and_a_token_endpoint_without_tls_not_asked(
    known: Machine, proxy: TerminatingProxy
) -> None:
    hosts = ("redirects.example", "plain.example")
    _logins(known, *hosts)

    def challenge(request: Received) -> Reply:
        if request.host == "redirects.example":
            return Reply(307, {"Location": "https://elsewhere.example/v2/"})
        return Reply(401, {"WWW-Authenticate": 'Bearer realm="http://elsewhere.example/token"'})

    with LoopbackServer() as server:
        server.on("GET", "/v2/", challenge)
        for host in hosts:
            proxy.route(host, server)
        found = _doctor(known, "--online")
        assert all("authorization" not in received.headers for received in server.received)
    assert "HTTP 307" in _finding(found, "login.http-status", "redirects.example")["message"]
    assert _finding(found, "login.endpoint-without-tls", "plain.example")


_LOCAL, _PLAIN = "login.endpoint-on-this-machine", "login.endpoint-without-tls"


@pytest.mark.parametrize(
    ("realm", "code"),
    [
        ("file://localhost{file}", _PLAIN),
        ("file:{file}", _PLAIN),
        ("http://127.0.0.1:{port}/token", _PLAIN),
        ("https://127.0.0.1:{port}/token", _LOCAL),
        ("https://localhost:{port}/token", _LOCAL),
        ("https://[::1]:{port}/token", _LOCAL),
        ("https://169.254.169.254/token", _LOCAL),
        ("https://me@elsewhere.example/token", _PLAIN),
        ("data:application/json,{{}}", _PLAIN),
        ("https://[", _PLAIN),
    ],
)
def test_a_remote_registry_cannot_redirect_to_this_machine(
    known: Machine, proxy: TerminatingProxy, realm: str, code: str
) -> None:
    _logins(known, "evil.example")
    file = known.write("token.json", '{"token": "a local secret"}')
    with LoopbackServer() as server:
        named = realm.format(file=str(file).replace(" ", "%20"), port=server.port)
        challenge = {"WWW-Authenticate": f'Bearer realm="{named}"'}
        server.on("GET", "/v2/", lambda _: Reply(401, challenge))
        server.on("GET", "/token", lambda _: json_reply({"token": "of a local service"}))
        proxy.route("evil.example", server)
        finding = _finding(_doctor(known, "--online"), code, "evil.example")
        assert [received.path for received in server.received] == ["/v2/"]
    assert finding["severity"] == "error"


def test_the_finding_of_an_unreachable_registry_has_no_command(person: Machine) -> None:
    [finding] = _of(_doctor(person, "gone.example"), "online")
    assert (finding["severity"], finding["command"]) == ("error", None)


@pytest.mark.parametrize("credentials", ["", f"me:{PASSWORD}@", f"me:{PASSWORD}/x@"])
@pytest.mark.parametrize(
    ("status", "code"), [(403, "network.proxy-forbids"), (407, "network.proxy-login")]
)
def test_a_proxy_that_does_not_connect_is_named_without_its_password(
    person: Machine, status: int, code: str, credentials: str
) -> None:
    with LoopbackServer() as server:
        server.on("CONNECT", "*", lambda _: Reply(status))
        url = f"http://{credentials}127.0.0.1:{server.port}/"
        finding = _finding(_doctor(person, "asked.example", HTTPS_PROXY=url), code)
        assert [received.method for received in server.received] == ["CONNECT"]
    assert finding["severity"] == "error"
    if "/" not in credentials:
        assert f"127.0.0.1:{server.port} " in finding["message"]


def test_an_unreachable_proxy_is_named_and_not_the_registry(person: Machine) -> None:
    found = _doctor(person, "asked.example", HTTPS_PROXY=f"http://me:{PASSWORD}@127.0.0.1:9")
    _finding(found, "network.refused", "proxy 127.0.0.1:9")
    found = _doctor(person, "127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:8")
    assert "proxy" not in _finding(found, "network.refused")["message"]


def test_a_failure_behind_a_proxy_names_it(known: Machine, proxy: TerminatingProxy) -> None:
    with LoopbackServer() as server:
        proxy.route("signed.example", server)
        found = _doctor(known, "signed.example", SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt")
    _finding(found, "network.certificate-untrusted", f"proxy 127.0.0.1:{proxy.port}")


def test_a_password_for_a_registry_on_this_machine_goes_through_no_proxy(person: Machine) -> None:
    def lets_in(*login: str) -> bool:
        return login[:2] == (USERNAME, PASSWORD)

    with Registry(lets_in, auth="basic") as registry, LoopbackServer() as proxy:
        host = f"localhost:{registry.port}"
        _logins(person, host)
        address = f"http://127.0.0.1:{proxy.port}"
        found = _doctor(person, host, HTTP_PROXY=address, HTTPS_PROXY=address, NO_PROXY="")
        _finding(found, "login.accepted", host, severity="ok")  # without TLS
        assert proxy.received == []


def test_a_login_is_tried_at_its_registrys_token_endpoint(
    known: Machine, proxy: TerminatingProxy
) -> None:
    _logins(known, "images.example")
    challenge = 'Bearer realm="https://tokens.example/token",service="images.example"'

    def images(request: Received) -> Reply:
        if request.bearer == "for-images":
            return Reply(200)
        return Reply(401, {"WWW-Authenticate": challenge})

    def tokens(request: Received) -> Reply:
        assert request.query == {"service": "images.example"}
        let_in = request.basic == (USERNAME, PASSWORD)
        return json_reply({"token": "for-images"}) if let_in else Reply(401)

    with LoopbackServer() as server:
        server.on("GET", "/v2/", images, host="images.example")
        server.on("GET", "/token", tokens, host="tokens.example")
        for host in ("images.example", "tokens.example"):
            proxy.route(host, server)
        finding = _finding(_doctor(known, "--online"), "login.accepted-by", "images.example")
    assert "tokens.example" in finding["message"]


@pytest.mark.parametrize(
    ("ahead_s", "severity", "code", "words"),
    [
        (0, "ok", "doctor.clock-agrees", ""),
        (120, "warning", "doctor.clock-behind", "2 min"),
        (-4000, "error", "doctor.clock-ahead", "67 min"),
    ],
)
def test_the_clock_is_compared_with_the_registrys(
    known: Machine, proxy: TerminatingProxy, ahead_s: float, severity: str, code: str, words: str
) -> None:
    with LoopbackServer() as server:
        date = {"Date": formatdate(time.time() + ahead_s, usegmt=True)}
        server.on("GET", "/v2/", lambda _: Reply(200, date))
        proxy.route("clock.example", server)
        found = _doctor(known, "clock.example")
    assert _finding(found, code, words, "clock.example")["severity"] == severity


def test_progress_is_shown_on_a_terminal_only(known: Machine, proxy: TerminatingProxy) -> None:
    with LoopbackServer(delay_s=0.5) as slow:
        slow.on("GET", "/v2/", lambda _: Reply(200))
        proxy.route("slow.example", slow)
        _, seen = known.at_terminal("doctor", "slow.example")
        assert "asking registries: 0 of 1, " in seen
        file = known.home / "file"
        _, seen = known.at_terminal("doctor", "slow.example", stdout=str(file))
        assert "asking registries: 0 of 1, " in seen
        assert "slow.example" not in seen
        assert "slow.example: no credential" in file.read_text()
        assert "\x1b" not in file.read_text()
        _, seen = known.at_terminal("doctor", "--json", "slow.example")
        assert "\r\x1b[K[\n" in seen  # the document has its lines to itself
        done: Completed = known.run("doctor", "slow.example")
        assert (done.stderr, b"asking" in done.stdout) == ("", False)


def test_ctrl_c_ends_doctor_without_waiting_for_a_registry(
    known: Machine, proxy: TerminatingProxy
) -> None:
    with LoopbackServer() as silent:
        silent.on("GET", "/v2/", lambda _: Reply(200))
        silent.fail("/v2/", faults.never_answer)
        proxy.route("silent.example", silent)
        command = [str(known.program), "doctor", "silent.example"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=known.environment, stdout=pipe, stderr=pipe)
        while not silent.received:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=8)  # a request takes ten seconds to give up
        assert process.returncode == 130


@pytest.mark.parametrize("member", ["store", "host"])
def test_a_value_that_cannot_be_a_helpers_name_is_not_shown(person: Machine, member: str) -> None:
    bad = "https://u:hunter2@vault.corp"
    config = {"credsStore": bad} if member == "store" else {"credHelpers": {"r.example": bad}}
    person.write(_CONFIG, config)
    done = person.run("doctor")
    assert "is not a helper's name" in done.stdout.decode()
    for each in (done, person.run("configure", "--dry-run")):
        assert "hunter2" not in each.stdout.decode() + each.stderr
