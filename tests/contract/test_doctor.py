"""``doctor``: what it finds, how bad that is, and that what it says to run mends it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from base64 import b64encode
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.clients import DOCKER, docker_is_todays
from tests.clouds import aws, azure, faults, google
from tests.clouds.fixtures import authority, proxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.contract.person import PROGRAM, Person, person
from tests.executable import NOBODY, Executable
from tests.mounts import mounted, needs_mounts
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME, known

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clouds.proxy import TerminatingProxy
    from tests.executable import Completed

__all__ = ["authority", "known", "person", "proxy"]

Found = dict[str, Any]
_MULTI = '{"credsStore": "multi"}'
_AUTH = b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
_AUTHS = json.dumps({"credsStore": "multi", "auths": {PRIVATE_HOST: {"auth": _AUTH}}})


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose name has to be quoted wherever it is pasted."""
    folder = home / 'it\'s $HOME; & "mine"'
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def _doctor(person: Person, *arguments: str, **variables: str) -> list[Found]:
    done = person.run("doctor", "--json", *arguments, **variables)
    found: list[Found] = done.document
    assert done.stderr == ""
    assert done.status == (1 if any(f["severity"] == "error" for f in found) else 0)
    assert PASSWORD not in done.stdout.decode()
    return found


def _finding(found: list[Found], words: str) -> Found:
    matching = [finding for finding in found if words in finding["message"]]
    assert len(matching) == 1, (words, found)
    return matching[0]


def _paste(person: Person, command: str, environment: dict[str, str]) -> list[Found]:
    """Run a command as a person pastes it, and the doctor after it in the same shell."""
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


def test_a_machine_that_is_set_up_is_well(known: Person) -> None:
    known.write(".docker/config.json", _MULTI)
    known.environment["NO_PROXY"] += ",169.254.169.254"
    done = known.run("doctor")
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.decode().splitlines()[-1] == "all is well"
    severities = {finding["severity"] for finding in _doctor(known)}
    assert severities == {"ok", "note"}  # the proxy is worth a note


def test_every_finding_has_the_same_fields(person: Person) -> None:
    for finding in _doctor(person):
        assert set(finding) == {"severity", "subject", "message", "command", "hint"}
        assert finding["severity"] in ("ok", "note", "warning", "error")
        assert finding["message"]


def test_a_warning_is_no_reason_to_fail(person: Person) -> None:
    assert _finding(_doctor(person), "docker asks nobody")["severity"] == "warning"
    done = person.run("doctor")
    assert (done.status, done.stdout.decode().splitlines()[-1]) == (0, "0 to mend, 1 to look at")


# --- What it says to run mends it -----------------------------------------------------------------

_MENDABLE = {
    "nobody is configured": ({}, {}, "docker asks nobody"),
    "another store": ({".docker/config.json": '{"credsStore": "gone"}'}, {}, "is no docker-cred"),
    "another helper": (
        {".docker/config.json": '{"credsStore": "multi", "credHelpers": {"gcr.io": "gcloud"}}'},
        {},
        "is no docker-credential-gcloud",
    ),
    "a file that is none": ({".docker/config.json": "{", "fix": _MULTI}, {}, "line 1: it is not"),
    "passwords for all to read": ({".docker/config.json": _AUTHS}, {}, "other users may read it"),
    "a setting": ({}, {"DOCKER_CREDENTIAL_MULTI_CACHE": "maybe"}, "MULTI_CACHE is not"),
    "a misspelt variable": ({}, {"DOCKER_CREDENTIAL_MULTI_DEADLINE": "5"}, "nothing reads it"),
    "an option": ({}, {"DOCKER_CREDENTIAL_MULTI_RULES": "x = 1"}, "unknown setting"),
    "no authorities": ({}, {"AWS_CA_BUNDLE": "/does/not/exist"}, "AWS_CA_BUNDLE names"),
    "authorities that are none": ({"ca.pem": "x"}, {"SSL_CERT_FILE": "~/ca.pem"}, "holds no cert"),
    "two proxies": ({}, {"https_proxy": "http://other:1"}, "differ"),
    "a proxy that is none": ({}, {"HTTPS_PROXY": "http://:x@"}, "no address of a proxy"),
    "metadata by proxy": ({}, {"HTTP_PROXY": NOBODY}, "NO_PROXY lacks"),
}


@pytest.mark.parametrize("name", _MENDABLE)
def test_what_it_says_to_run_mends_it(person: Person, name: str) -> None:
    files, variables, words = _MENDABLE[name]
    for path, text in files.items():
        person.write(path, text).chmod(0o644)
    environment = person.environment | {
        variable: value.replace("~", str(person.home)) for variable, value in variables.items()
    }
    # Whoever is to edit a file finds an editor that puts the right text in.
    environment["EDITOR"] = "cp fix"
    command = _finding(_doctor(person, **environment), words)["command"]
    if command.endswith("configure"):
        command += " --yes"
    mended = _paste(person, command, environment)
    assert not [finding for finding in mended if words in finding["message"]], mended


def test_a_program_that_is_not_on_path_is_put_there(person: Person) -> None:
    environment = person.environment | {"PATH": "/nowhere"}
    finding = _finding(_doctor(person, PATH="/nowhere"), "is not on PATH")
    assert finding["severity"] == "error"
    mended = _paste(person, finding["command"], environment)
    assert f"clients find {person.program}" in [found["message"] for found in mended]
    # And until then, what is to be run is called by where it is.
    configure = _finding(_doctor(person, PATH="/nowhere"), "docker asks nobody")["command"]
    mended = _paste(person, f"{configure} --yes", environment | {"PATH": str(person.programs)})
    assert "docker asks nobody" not in str(mended)


def test_a_cache_folder_that_others_may_read_is_closed(person: Person) -> None:
    folder = person.home / ".cache/docker-credential-multi"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    finding = _finding(_doctor(person), "is not used: it is open to other users")
    mended = _paste(person, finding["command"], person.environment)
    assert _finding(mended, str(folder))["severity"] == "ok"


_CACHE = ".cache/docker-credential-multi"
_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")


def _link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(0o700)
    folder.symlink_to("elsewhere")


def _give_away(folder: Path) -> None:
    folder.mkdir(0o700)
    os.chown(folder, 65534, 65534)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "it is a link"),
        (lambda folder: folder.symlink_to("nowhere"), "it is a link"),
        (Path.touch, "not a directory"),
        pytest.param(_give_away, "it belongs to another user", marks=_AS_ROOT),
    ],
    ids=["link", "dangling link", "file", "another user's"],
)
def test_what_stands_in_the_cache_folders_place_is_put_out_of_the_way(
    person: Person, make: Callable[[Path], None], words: str
) -> None:
    folder = person.home / _CACHE
    folder.parent.mkdir()
    make(folder)
    finding = _finding(_doctor(person), f"{folder} is not used: {words}")
    assert finding["severity"] == "warning"
    mended = _paste(person, finding["command"], person.environment)
    assert _finding(mended, f"{folder}: 0 tokens")["severity"] == "ok"


@_AS_ROOT
def test_what_cannot_be_put_out_of_the_way_is_left_there(person: Person) -> None:
    folder = person.home / _CACHE
    folder.mkdir(0o700, parents=True)
    for path in (folder, folder.parent):
        os.chown(path, 65534, 65534)
    finding = _finding(_doctor(person), "is not used: it belongs to another user")
    example = "/a/folder/of/yours"
    assert finding["command"] == f"export DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER={example}"
    own = person.home / "own"
    command = finding["command"].replace(example, shlex.quote(str(own)))
    mended = _paste(person, command, person.environment)
    assert _finding(mended, f"{own}: 0 tokens")["severity"] == "ok"


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "not there"])
@pytest.mark.parametrize(
    ("options", "words"),
    [("ro", "read-only file system"), ("size=4k", "no space left on device")],
)
@needs_mounts
def test_a_cache_in_which_nothing_can_be_kept_is_told(
    person: Person, tmp_path: Path, options: str, words: str, is_there: bool
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
    finding = _finding(Executable(variables, command).run("doctor", "--json").document, str(mount))
    assert finding["severity"] == "warning"
    assert finding["message"].endswith(f": 0 tokens, and none can be kept: {words}")
    assert finding["command"].startswith("export DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER=")
    assert list(mount.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_told_and_none_is_made(person: Person) -> None:
    for around, words in (
        (person.home / "no/such", f"there is no {person.home}/no"),
        (person.write("file", ""), "not used: not a directory"),
    ):
        finding = _finding(_doctor(person, XDG_CACHE_HOME=str(around)), words)
        assert finding["severity"] == "warning"
    _doctor(person)
    assert not (person.home / ".cache").exists()


def test_trying_the_cache_leaves_nothing_there(person: Person) -> None:
    folder = person.home / _CACHE
    folder.mkdir(0o700, parents=True)
    assert _finding(_doctor(person), f"{folder}: 0 tokens")["severity"] == "ok"
    assert list(folder.iterdir()) == []


def test_a_link_to_nothing_is_removed(person: Person) -> None:
    link = person.programs / "docker-credential-gone"
    link.symlink_to("nowhere")
    finding = _finding(_doctor(person), "is a link to nothing")
    _paste(person, finding["command"], person.environment)
    assert not link.is_symlink()


# --- Who is found, and who is not -----------------------------------------------------------------


def test_copies_and_helpers_that_are_never_found_are_named(person: Person, tmp_path: Path) -> None:
    later = tmp_path / "later"
    later.mkdir()
    for name in ("multi", "pass", "ecr-login"):
        (later / f"docker-credential-{name}").write_text("#!/bin/sh\necho another\n")
        (later / f"docker-credential-{name}").chmod(0o755)
    person.helper("pass")
    (person.programs / "docker-credential-ecr-login").symlink_to(person.program)
    found = _doctor(person, PATH=f"{person.programs}{os.pathsep}{later}")
    copy = _finding(found, f"{later}/{PROGRAM} is never found")
    assert copy["severity"] == "warning"
    assert _finding(found, f"{later}/docker-credential-pass is never found")
    own = _finding(found, f"{person.programs}/docker-credential-ecr-login is")
    assert own["message"].endswith("is this program by another name")
    assert _finding(found, f"{person.programs}/docker-credential-pass is another helper")


def test_another_copy_that_clients_find_first_is_told(person: Person, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (first / PROGRAM).write_text("#!/bin/sh\n")
    (first / PROGRAM).chmod(0o755)
    found = _doctor(person, PATH=f"{first}{os.pathsep}{person.programs}")
    finding = _finding(found, f"clients find {first / PROGRAM}, which is another copy")
    assert finding["severity"] == "warning"


def test_a_helper_that_answers_for_a_cloud_in_our_place_is_told(person: Person) -> None:
    person.helper("ecr-login")
    helpers = {aws.EXAMPLE_HOST: "ecr-login"}
    config = json.dumps({"credsStore": "multi", "credHelpers": helpers})
    person.write(".docker/config.json", config)
    finding = _finding(_doctor(person), f"{aws.EXAMPLE_HOST} is answered by 'ecr-login'")
    assert (finding["severity"], finding["command"]) == ("note", f"{PROGRAM} configure")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('{"auth": "!!!"}', "not USER:PASSWORD in base64"),
        ('{"auth": "bm9jb2xvbg=="}', "not USER:PASSWORD in base64"),
        ('{"auth": "Og=="}', "not USER:PASSWORD in base64"),
        ('{"auth": "dTpwdw"}', "base64 that docker does not read"),
        ('{"auth": "!!!", "identitytoken": "t"}', "not USER:PASSWORD in base64"),
        ("1", "not an object"),
        ('{"username": 1}', "not a string"),
    ],
)
def test_one_entry_for_which_docker_refuses_the_file_is_told_by_its_line(
    person: Person, entry: str, words: str
) -> None:
    spoilt = (
        f'{{\n"auths": {{\n"a.example": {{}},\n"y.example": {entry}}},\n"credsStore": "multi"}}'
    )
    path = person.write(".docker/config.json", spoilt)
    path.chmod(0o600)
    found = _doctor(person)
    finding = _finding(found, words)
    assert finding["severity"] == "error"
    assert finding["message"].startswith(f"{path}: line 4: auths has ")
    assert finding["message"].endswith(": docker refuses the whole file")
    assert not [f for f in found if "names multi" in f["message"]]
    person.write("fix", _MULTI)
    environment = person.environment | {"EDITOR": "cp fix"}
    mended = _paste(person, finding["command"], environment)
    assert _finding(mended, "names multi for every registry")["severity"] == "ok"
    if DOCKER.program and docker_is_todays():
        path.write_text(spoilt)
        command = [DOCKER.program, "logout", "a.example"]
        done = subprocess.run(
            command, env=person.environment, capture_output=True, timeout=90, check=False
        )
        assert b"rror parsing config file" in done.stdout + done.stderr


@pytest.mark.parametrize("auth", ["dTpwdw==", "dTpw\\ndw==\\r\\n", ""])
def test_an_entry_that_docker_reads_is_no_reason_to_mend(person: Person, auth: str) -> None:
    entry = f'{{"auth": "{auth}", "email": null}}'
    config = f'{{"auths": {{"y.example": {entry}, "n": null}}, "credsStore": "multi"}}'
    person.write(".docker/config.json", config).chmod(0o600)
    found = _doctor(person)
    assert _finding(found, "names multi for every registry")["severity"] == "ok"
    assert not [f for f in found if f["severity"] == "error"]


def test_an_entry_that_only_we_refuse_does_not_speak_for_docker(person: Person) -> None:
    entry = '{"auths": {"y.example": {"password": "p"}}}'
    path = person.write(".docker/config.json", entry)
    path.chmod(0o600)
    podmans = person.write(".config/containers/auth.json", '{"auths": {"y": {"auth": "!!!"}}}')
    found = _doctor(person)
    for file in (path, podmans):
        finding = _finding(found, f"{file}: line 1: auths has ")
        assert finding["severity"] == "error"
        assert "docker refuses" not in finding["message"]


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
def test_podman_is_looked_at_where_it_is(
    person: Person, drop_ins: dict[str, str], severity: str
) -> None:
    assert not [finding for finding in _doctor(person) if finding["subject"] == "podman"]
    (person.programs / "podman").symlink_to("/bin/true")
    person.write(".config/containers/registries.conf", "")  # nothing of the machine's is read
    for name, text in drop_ins.items():
        person.write(f".config/containers/registries.conf.d/{name}", text)
    found = [finding for finding in _doctor(person) if finding["subject"] == "podman"]
    assert found[-1]["severity"].startswith(severity)


def test_settings_that_name_a_helper_that_is_not_there_are_told(person: Person) -> None:
    path = person.write(
        ".config/docker-credential-multi/config.toml",
        'fallback_helper = "gone"\n[[rule]]\nmatch = "a.example"\nhelper = "lost"\n',
    )
    found = _doctor(person)
    assert _finding(found, f"{path}:1 names 'gone'")["severity"] == "error"
    assert _finding(found, f"{path}:4 names 'lost'")["severity"] == "error"


def test_a_variable_of_an_odd_name_is_nothing_to_paste(person: Person) -> None:
    name = "DOCKER_CREDENTIAL_MULTI_X;touch y"
    finding = _finding(_doctor(person, **{name: "1"}), "nothing reads it")
    assert (finding["severity"], finding["command"]) == ("warning", None)
    meant = _finding(_doctor(person, DOCKER_CREDENTIAL_MULTI_CASHE="off"), "nothing reads it")
    assert meant["hint"] == "did you mean DOCKER_CREDENTIAL_MULTI_CACHE?"


def test_half_an_identity_is_to_be_mended(person: Person) -> None:
    found = _doctor(person, AWS_ACCESS_KEY_ID="AKIALOOPBACKEXAMPLE")
    finding = next(finding for finding in found if finding["subject"] == "ecr")
    assert finding["severity"] == "error"
    assert finding["command"].startswith(f"{PROGRAM} explain ")


def test_a_password_in_a_proxy_variable_is_not_shown(person: Person) -> None:
    proxy_url = f"http://me:{PASSWORD}@127.0.0.1:9"
    finding = _finding(_doctor(person, HTTPS_PROXY=proxy_url), "HTTPS_PROXY: ")
    assert finding["message"] == "HTTPS_PROXY: 127.0.0.1:9"


# --- Online ---------------------------------------------------------------------------------------


def test_every_registry_gives_a_token_and_is_shown_it(
    known: Person, proxy: TerminatingProxy
) -> None:
    known.write(".docker/config.json", _AUTHS).chmod(0o600)
    hosts = (aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST)
    found = [f for f in _doctor(known, "--online", *hosts) if f["subject"] == "online"]
    assert {f["message"].partition(": ")[0] for f in found} == {*hosts, PRIVATE_HOST}
    for finding in found:
        assert finding["severity"] == "ok"
        assert "it lets this credential in (" in finding["message"]


def test_a_credential_that_is_not_let_in_is_to_be_mended(known: Person) -> None:
    config = {"auths": {PRIVATE_HOST: {"username": USERNAME, "password": "wrong"}}}
    known.write(".docker/config.json", json.dumps(config)).chmod(0o600)
    finding = _finding(_doctor(known, "--online"), f"{PRIVATE_HOST}: a credential in ")
    assert finding["severity"] == "error"
    assert "HTTP 401" in finding["message"]
    assert finding["command"] == f"{PROGRAM} explain --try {PRIVATE_HOST}"


def test_a_cloud_that_gives_no_token_is_told_with_its_reason(known: Person) -> None:
    found = _doctor(known, aws.EXAMPLE_HOST, AWS_SECRET_ACCESS_KEY="wrong")
    finding = _finding(found, f"{aws.EXAMPLE_HOST}: no credential from ecr: ")
    assert finding["severity"] == "error"


def test_a_registry_without_a_credential_is_still_asked_whether_it_is_there(
    known: Person, proxy: TerminatingProxy
) -> None:
    with Registry(lambda *_: False, auth="basic") as other, LoopbackServer() as open_to_all:
        open_to_all.on("GET", "/v2/", lambda _: Reply(200))
        proxy.route("other.example", other)
        proxy.route("open.example", open_to_all)
        found = _doctor(known, "other.example", "open.example")
    other_said = _finding(found, "other.example: no credential; it asks for credentials")
    assert other_said["severity"] == "note"
    assert _finding(found, "open.example: no credential; it lets anybody in")


def test_a_redirect_is_not_followed_and_a_token_endpoint_without_tls_not_asked(
    known: Person, proxy: TerminatingProxy
) -> None:
    hosts = ("redirects.example", "plain.example")
    config = {"auths": {host: {"username": USERNAME, "password": PASSWORD} for host in hosts}}
    known.write(".docker/config.json", json.dumps(config)).chmod(0o600)

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
    assert "HTTP 307" in _finding(found, "redirects.example: ")["message"].partition(";")[2]
    assert "asked over TLS" in _finding(found, "plain.example: a cred")["message"]


@pytest.mark.parametrize("credentials", ["", f"me:{PASSWORD}@", f"me:{PASSWORD}/x@"])
@pytest.mark.parametrize(
    ("status", "words"), [(403, "does not connect"), (407, "wants a password")]
)
def test_a_proxy_that_does_not_connect_is_named_without_its_password(
    person: Person, status: int, words: str, credentials: str
) -> None:
    with LoopbackServer() as server:
        server.on("CONNECT", "*", lambda _: Reply(status))
        address = f"127.0.0.1:{server.port}"
        url = f"http://{credentials}{address}/"
        finding = _finding(_doctor(person, "asked.example", HTTPS_PROXY=url), "asked.example: ")
        assert [received.method for received in server.received] == ["CONNECT"]
    assert finding["severity"] == "error"
    assert f"; no answer: the proxy {address} {words} ({status}) (" in finding["message"]


def test_a_proxy_that_is_not_there_is_not_taken_for_the_registry(person: Person) -> None:
    found = _doctor(person, "asked.example", HTTPS_PROXY=f"http://me:{PASSWORD}@127.0.0.1:9")
    said = _finding(found, "asked.example: ")["message"]
    assert "; no answer from the proxy 127.0.0.1:9: connection refused (" in said
    found = _doctor(person, "127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:8")
    assert "; no answer: connection refused (" in _finding(found, "127.0.0.1:9: ")["message"]


def test_what_goes_wrong_behind_a_proxy_names_it(known: Person, proxy: TerminatingProxy) -> None:
    with LoopbackServer() as server:
        proxy.route("signed.example", server)
        found = _doctor(known, "signed.example", SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt")
    words = f"no answer through the proxy 127.0.0.1:{proxy.port}: its certificate is not trusted ("
    assert words in _finding(found, "signed.example: ")["message"]


def test_a_registry_on_this_machine_may_do_without_tls(person: Person) -> None:
    with Registry(lambda *login: login[:2] == (USERNAME, PASSWORD), auth="basic") as registry:
        host = f"localhost:{registry.port}"
        config = {"auths": {host: {"username": USERNAME, "password": PASSWORD}}}
        person.write(".docker/config.json", json.dumps(config)).chmod(0o600)
        finding = _finding(_doctor(person, "--online"), f"{host}: a credential in ")
    assert "it lets this credential in (" in finding["message"]


def test_a_login_is_shown_to_the_token_endpoint_that_its_registry_names(
    known: Person, proxy: TerminatingProxy
) -> None:
    config = {"auths": {"images.example": {"username": USERNAME, "password": PASSWORD}}}
    known.write(".docker/config.json", json.dumps(config)).chmod(0o600)
    challenge = 'Bearer realm="https://tokens.example/token",service="images.example"'

    def images(request: Received) -> Reply:
        if request.bearer == "for images":
            return Reply(200)
        return Reply(401, {"WWW-Authenticate": challenge})

    def tokens(request: Received) -> Reply:
        assert request.query == {"service": "images.example"}
        let_in = request.basic == (USERNAME, PASSWORD)
        return json_reply({"token": "for images"}) if let_in else Reply(401)

    with LoopbackServer() as server:
        server.on("GET", "/v2/", images, host="images.example")
        server.on("GET", "/token", tokens, host="tokens.example")
        for host in ("images.example", "tokens.example"):
            proxy.route(host, server)
        finding = _finding(_doctor(known, "--online"), "images.example: a credential in ")
    assert "it lets this credential in, by tokens.example (" in finding["message"]


@pytest.mark.parametrize(
    ("ahead_s", "severity", "words"),
    [(0, "ok", "agrees"), (120, "warning", "2 min behind"), (-4000, "error", "67 min ahead of")],
)
def test_the_clock_is_compared_with_the_registrys(
    known: Person, proxy: TerminatingProxy, ahead_s: float, severity: str, words: str
) -> None:
    with LoopbackServer() as server:
        date = {"Date": formatdate(time.time() + ahead_s, usegmt=True)}
        server.on("GET", "/v2/", lambda _: Reply(200, date))
        proxy.route("clock.example", server)
        found = _doctor(known, "clock.example")
    finding = [finding for finding in found if finding["subject"] == "clock"][-1]
    assert finding["severity"] == severity
    assert finding["message"].startswith(f"it {words}" if severity == "ok" else f"it is {words}")
    assert "clock.example" in finding["message"]


def test_progress_is_shown_on_a_terminal_and_nowhere_else(
    known: Person, proxy: TerminatingProxy
) -> None:
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
        done: Completed = known.run("doctor", "slow.example")
        assert (done.stderr, b"asking" in done.stdout) == ("", False)


def test_ctrl_c_does_not_wait_for_a_registry(known: Person, proxy: TerminatingProxy) -> None:
    with LoopbackServer() as silent:
        silent.on("GET", "/v2/", lambda _: Reply(200))
        silent.fail("/v2/", faults.never_answer)
        proxy.route("silent.example", silent)
        process = subprocess.Popen(
            [known.program, "doctor", "silent.example"],
            env=known.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        while not silent.received:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=8)  # a ping would take ten seconds to give up
        assert process.returncode == 130
