"""The executable for every registry that no cloud answers for: get, store, erase and list."""

from __future__ import annotations

import json
import os
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from time import monotonic, time

import pytest

from cred_helper.fallback.login import system_keychain_helper
from tests.contract.test_helper import ECR_LOGIN, needs_ecr_login, needs_pass, password_store
from tests.support.executable import NOT_FOUND, Completed
from tests.support.machine import Machine
from tests.support.programs import Programs, has_ended

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the children are shell scripts")

HUB = "https://index.docker.io/v1/"
ECR_HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
SECRET = "s3cret"


@pytest.fixture
def machine(home: Path, tmp_path: Path) -> Machine:
    """A machine with a folder of helpers, which is first on PATH."""
    machine = Machine(home)
    machine.scripts = Programs(tmp_path / "bin")
    machine.use({"PATH": machine.scripts.path})
    return machine


def basic(credential: str) -> dict[str, str]:
    return {"auth": b64encode(credential.encode()).decode()}


def assert_silent(done: Completed) -> None:
    assert (done.status, done.stdout, done.stderr) == (0, b"", "")


def assert_not_found(done: Completed) -> None:
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")


# --- get ------------------------------------------------------------------------------------------


def test_the_order_is_credhelpers_credsstore_auths_own_store(machine: Machine) -> None:
    machine.config(credsStore="multi")
    for host in ("a.example", "b.example", "c.example", "d.example"):
        assert_silent(machine.store(host, "own", "4"))
    machine.scripts.answering("one", a_example="one:1")
    machine.scripts.answering("two", a_example="two:2", b_example="two:2")
    three = {host: basic("three:3") for host in ("a.example", "b.example", "c.example")}
    machine.config(credHelpers={"a.example": "one"}, credsStore="two", auths=three)
    assert machine.get("a.example").credential == ("one", "1")
    assert machine.get("b.example").credential == ("two", "2")
    assert machine.get("c.example").credential == ("three", "3")
    assert machine.get("d.example").credential == ("own", "4")
    assert_not_found(machine.get("e.example"))
    assert machine.scripts.runs("one") == ["get"]


def test_the_fallback_helper_answers_in_our_place(machine: Machine) -> None:
    machine.scripts.answering("desktop", a_example="desktop:1", b_example="desktop:1")
    machine.scripts.answering("one", a_example="one:2")
    stale = {"b.example": basic("stale:3"), "c.example": basic("auths:4")}
    machine.config(credsStore="multi", credHelpers={"a.example": "one"}, auths=stale)
    machine.settings('fallback_helper = "desktop"\n')
    assert machine.get("a.example").credential == ("one", "2")
    assert machine.get("b.example").credential == ("desktop", "1")
    assert machine.get("c.example").credential == ("auths", "4")
    assert machine.scripts.runs("desktop") == ["get", "get"]


def test_the_fallback_helper_keeps_and_erases_logins(machine: Machine) -> None:
    machine.scripts.keeping("desktop")
    machine.use({"DOCKER_CREDENTIAL_MULTI_FALLBACK_HELPER": "desktop"})
    for has_config in (False, True):
        if has_config:
            machine.config(credsStore="multi")
        assert_silent(machine.store("a.example"))
        assert SECRET in machine.scripts.kept("desktop")
        assert machine.get("a.example").credential == ("u", SECRET)
        assert_silent(machine.erase("a.example"))
        assert_not_found(machine.get("a.example"))
    assert machine.scripts.runs("desktop") == ["store", "get", "erase", "get"] * 2
    assert machine.logins().document == {}
    assert not machine.own_store.exists()


def test_a_fallback_helper_that_is_ourselves_or_missing_makes_no_loop(machine: Machine) -> None:
    machine.config(credsStore="multi")
    machine.use({"DOCKER_CREDENTIAL_MULTI_FALLBACK_HELPER": "multi"})
    assert_not_found(machine.get("a.example"))
    machine.use({"DOCKER_CREDENTIAL_MULTI_FALLBACK_HELPER": "desktop"})
    done = machine.get("a.example")
    assert done.status == 1
    assert "the setting fallback_helper names it" in done.stderr


def expiring(ends_in_s: int) -> tuple[str, str]:
    """A JSON web token and an ECR password that end at this time."""
    ends_at_s = int(time()) + ends_in_s
    claims = urlsafe_b64encode(json.dumps({"exp": ends_at_s}).encode()).decode().rstrip("=")
    password = b64encode(json.dumps({"payload": "x", "expiration": ends_at_s}).encode()).decode()
    return f"eyJhbGciOiJub25lIn0.{claims}.c2ln", password


def test_an_expired_login_is_not_an_answer_wherever_it_is_stored(machine: Machine) -> None:
    for ended, password in enumerate(expiring(60) + expiring(-3600)):
        machine.marks.add(password, "a password that expires")
        for kept_in in ("auths", "own store", "helper"):
            host = f"{kept_in.partition(' ')[0]}.example"
            machine.config(auths={host: basic(f"u:{password}")} if kept_in == "auths" else {})
            if kept_in == "helper":
                machine.scripts.answering("old", helper_example=f"u:{password}")
                machine.config(credsStore="old")
            elif kept_in == "own store":
                assert_silent(machine.store(host, "u", password))
            done = machine.get(host)
            if ended < 2:
                assert done.credential == ("u", password)
            else:
                assert (done.status, done.codes) == (1, ["fallback.login-expired"]), kept_in
                assert f"hint: docker login {host}\n" in done.stderr


def test_after_an_expired_login_the_next_source_is_asked(machine: Machine) -> None:
    assert_silent(machine.store("a.example", "fresh", "1"))
    machine.config(auths={"a.example": basic(f"old:{expiring(-3600)[0]}")})
    done = machine.get("a.example")
    assert (done.document["Username"], done.codes) == ("fresh", ["fallback.login-expired"])


def test_a_helper_named_twice_is_asked_once(machine: Machine) -> None:
    machine.scripts.answering("one")
    machine.config(credHelpers={"a.example": "one"}, credsStore="one")
    assert_not_found(machine.get("a.example"))
    assert machine.scripts.runs("one") == ["get"]


@pytest.mark.parametrize(
    "asked",
    [HUB, "https://index.docker.io/v1", "docker.io", "index.docker.io", "registry-1.docker.io"],
)
@pytest.mark.parametrize("written", [HUB, "docker.io"])
def test_docker_hub_is_one_registry_by_any_name(machine: Machine, asked: str, written: str) -> None:
    machine.config(auths={written: basic("u:p")})
    assert machine.get(asked).credential == ("u", "p")
    machine.scripts.answering("hub", **{asked.removeprefix("https://").replace(".", "_"): "h:q"})
    machine.config(credHelpers={written: "hub"})
    assert machine.get(asked).credential == ("h", "q")


def test_the_tokens_of_a_web_login_are_not_docker_hub_s_password(machine: Machine) -> None:
    machine.config(auths={HUB: basic("u:p")})
    assert_not_found(machine.get(f"{HUB}refresh-token"))
    assert_not_found(machine.get(f"{HUB}access-token"))
    machine.store(HUB, "own")
    assert_not_found(machine.get(f"{HUB}refresh-token"))
    machine.store(f"{HUB}refresh-token", "refresh", "1")
    machine.store(f"{HUB}access-token", "access", "2")
    assert machine.get(f"{HUB}refresh-token").credential == ("refresh", "1")
    assert machine.get(f"{HUB}access-token").credential == ("access", "2")
    assert_silent(machine.erase(HUB))
    assert machine.get(f"{HUB}refresh-token").credential == ("refresh", "1")


@pytest.mark.parametrize(
    "content",
    [
        "",
        # https://github.com/docker/hub-tool/issues/155
        {
            "credSstore": "multi",
            "auths": {HUB: {}, "hub-tool": {}, "hub-tool-token": {}, "hub-tool-refresh-token": {}},
            "plugins": {"-x-cli-hints": {"enabled": "true"}},
        },
    ],
)
def test_an_empty_file_and_empty_entries_are_no_logins(
    machine: Machine, content: str | dict[str, object]
) -> None:
    machine.write(".docker/config.json", content)
    assert machine.logins().document == {}
    assert_not_found(machine.get(HUB))


# A helper that keeps logins by their exact keys, as a keychain does.
_KEEPING = """
keys=$(dirname "$0")/keys; mkdir -p "$keys"; request=$(cat); name=$(echo "$request" | tr / _)
case "$1" in
get) cat "$keys/$name" 2>/dev/null || { echo "credentials not found"; exit 1; } ;;
store) url=$(echo "$request" | sed 's/.*"ServerURL": *"\\([^"]*\\)".*/\\1/')
    echo "$request" >"$keys/$(echo "$url" | tr / _)" ;;
erase) rm -f "$keys/$name" ;;
list) for key in "$keys"/*; do
        printf '%s"%s":"x"' "${sep-{}" "$(basename "$key" | tr _ /)"; sep=,
    done; echo '}' ;;
esac
"""


@pytest.mark.parametrize("kept", ["own", "helper"])
def test_logins_to_namespaces_of_one_registry_are_kept_apart(machine: Machine, kept: str) -> None:
    if kept == "helper":
        machine.helper("keeping", _KEEPING)
        machine.config(credsStore="keeping")
    urls = ("h.example", "h.example/team", "h.example/team/sub", "h.example:5000/team")
    for url in urls:
        assert_silent(machine.store(url, url, "s"))
    assert {*machine.logins().document} == {*urls}
    answers = {
        "h.example": "h.example",
        "h.example/team": "h.example/team",
        "h.example/team/app": "h.example/team",
        "h.example/team/sub/app": "h.example/team/sub",
        "https://h.example/team/app": "h.example/team",
        "h.example/teams/app": "h.example",
        "h.example/other": "h.example",
        "h.example:5000/team/app": "h.example:5000/team",
    }
    for asked, username in answers.items():
        assert machine.get(asked).credential == (username, "s"), asked
    for asked in ("h.example:5000", "h.example:5000/other", "other.example/team/app"):
        assert_not_found(machine.get(asked))
    assert_silent(machine.erase("h.example/team/app"))
    assert_silent(machine.erase("h.example/team"))
    assert machine.get("h.example/team/app").credential == ("h.example", "s")
    assert machine.get("h.example/team/sub").credential == ("h.example/team/sub", "s")
    assert_silent(machine.erase("h.example"))
    assert_not_found(machine.get("h.example/team/app"))


def test_a_namespaces_login_answers_before_its_registrys_from_anywhere(machine: Machine) -> None:
    assert_silent(machine.store("h.example/team", "own", "1"))
    machine.config(auths={"h.example": basic("file:2")})
    assert machine.get("h.example/team/app").credential == ("own", "1")
    assert machine.get("h.example/app").credential == ("file", "2")
    names = [
        one["source"]
        for one in machine.run("explain", "--json", "h.example/app").document["sources"]
    ]
    assert len({*names}) == len(names)


def test_a_credential_for_a_path_is_for_that_path_and_a_hosts_for_all(machine: Machine) -> None:
    machine.config(auths={"h.example/team": basic("team:1"), "g.example": basic("host:2")})
    assert machine.get("h.example/team/image").credential == ("team", "1")
    assert_not_found(machine.get("h.example/other/image"))
    assert_not_found(machine.get("h.example"))
    assert machine.get("g.example/team/image").credential == ("host", "2")


PLACES: list[tuple[str, str, dict[str, str]]] = [
    ("elsewhere/config.json", "docker", {"DOCKER_CONFIG": "elsewhere"}),
    (".docker/config.json", "docker", {}),
    ("auth.json", "podman", {"REGISTRY_AUTH_FILE": "auth.json"}),
    ("run/containers/auth.json", "podman", {"XDG_RUNTIME_DIR": "run"}),
    ("xdg/containers/auth.json", "podman", {"XDG_CONFIG_HOME": "xdg"}),
    (".config/containers/auth.json", "podman", {}),
    (".dockercfg", "old", {}),
]


@pytest.mark.parametrize(("path", "kind", "variables"), PLACES, ids=[p[0] for p in PLACES])
def test_every_place_of_docker_and_podman_is_read(
    machine: Machine, path: str, kind: str, variables: dict[str, str]
) -> None:
    for name, folder in variables.items():
        machine.use({name: str(machine.home / folder)})
    auths = {"https://h.example/v1/": basic("u:p")}
    machine.write(path, auths if kind == "old" else {"auths": auths})
    assert machine.get("h.example").credential == ("u", "p")
    assert machine.logins().document == {"https://h.example/v1/": "u"}
    if kind != "old":
        machine.scripts.answering("one", h_example="one:1")
        machine.write(path, {"auths": auths, "credHelpers": {"h.example": "one"}})
        assert machine.get("h.example").credential == ("one", "1")
        machine.write(path, {"credsStore": "one"})
        if kind == "docker":
            assert machine.get("h.example").credential == ("one", "1")
        else:
            assert_not_found(machine.get("h.example"))


def test_the_first_place_in_the_order_wins(machine: Machine) -> None:
    """Our own store comes after docker's files and before podman's."""
    paths = [".config/containers/auth.json", None, ".docker/config.json", "DOCKER_AUTH_CONFIG"]
    for number, path in enumerate(paths):
        config = {"auths": {"h.example": basic(f"u:{number}")}}
        if path is None:
            assert_silent(machine.store("h.example", "u", str(number)))
        elif "/" in path:
            machine.write(path, config)
        else:
            machine.use({path: json.dumps(config)})
        assert machine.get("h.example").credential == ("u", str(number))


def test_docker_auth_config_is_read_leniently(machine: Machine) -> None:
    machine.scripts.answering("one", g_example="one:1")
    config = {
        "auths": {"h.example": {**basic("u:p"), "email": "e", "x": 1}},
        "credHelpers": {"g.example": "one"},
        "HttpHeaders": {"x": "y"},
    }
    machine.use({"DOCKER_AUTH_CONFIG": json.dumps(config)})
    assert machine.get("h.example").credential == ("u", "p")
    assert machine.get("g.example").credential == ("one", "1")
    machine.use({"DOCKER_AUTH_CONFIG": f'{{\n"auths": {{"h.example": "{SECRET}",}}'})
    done = machine.get("h.example")
    assert done.status == 1
    assert "DOCKER_AUTH_CONFIG: line 2: " in done.stderr
    assert SECRET not in done.stderr + done.stdout.decode()


# --- Broken files ---------------------------------------------------------------------------------


# unit/test_json_file and unit/test_dockerconfig have every other way to be broken.
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('{\n "auths": {\n  "h.example": "s3cret-of-mine"', "line 3: "),
        ('{\n "auths": "s3cret-of-mine"}', "line 2: "),
        ('{\n /* work */ "credsStore": "multi"}', "line 2: "),
        (None, "cannot be read: is a directory"),
    ],
)
def test_a_broken_file_stops_no_other_file(
    machine: Machine, content: str | None, text: str
) -> None:
    path = machine.home / ".docker/config.json"
    if content is None:
        path.mkdir(parents=True)
    else:
        machine.write(".docker/config.json", content)
    machine.write(".config/containers/auth.json", {"auths": {"g.example": basic("u:p")}})

    failed = machine.get("h.example")
    assert failed.status == 1
    (line,) = [text for text in failed.stderr.splitlines() if ": hint: " not in text]
    assert line.startswith("docker-credential-multi: error: no credential for h.example from ")
    assert str(path) in line
    assert text in line

    found = machine.get("g.example")
    assert found.status == 0
    assert found.document["Secret"] == "p"
    assert found.stderr.startswith("docker-credential-multi: warning: ")
    assert text in found.stderr

    listed = machine.logins()
    assert listed.document == {"g.example": "u"}
    assert listed.codes == found.codes
    assert str(path) in listed.stderr

    assert SECRET not in failed.stderr + found.stderr + listed.stderr + failed.stdout.decode()


def test_links_are_followed_and_byte_order_marks_ignored(machine: Machine) -> None:
    real = machine.write("dotfiles/docker.json", {"auths": {"h.example": basic("u:p")}})
    real.write_bytes(b"\xef\xbb\xbf" + real.read_bytes())
    (machine.home / ".docker").mkdir()
    (machine.home / ".docker/config.json").symlink_to(real)
    assert machine.get("h.example").credential == ("u", "p")
    real.unlink()
    assert_not_found(machine.get("h.example"))


def test_an_invalid_entry_is_a_warning_and_the_next_source_answers(machine: Machine) -> None:
    path = machine.config(auths={"g.example": basic("u:p"), "h.example": {"auth": SECRET}})
    assert machine.get("g.example").credential == ("u", "p")
    machine.store("h.example", "own", "1")
    done = machine.get("h.example")
    assert done.document["Username"] == "own"
    assert f"no credential for h.example from {path}: line 6: " in done.stderr
    assert SECRET not in done.stderr


# --- Helpers that do not work ---------------------------------------------------------------------


def test_a_failure_of_a_helper_is_a_warning_where_another_source_answers(machine: Machine) -> None:
    machine.helper("one", "cat >/dev/null; echo the keychain is locked; exit 1")
    machine.config(credsStore="one", auths={"h.example": basic("u:p")})
    done = machine.get("h.example")
    assert done.document["Secret"] == "p"
    assert done.codes == ["helper.says"]
    assert "the keychain is locked" in done.stderr


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nowhere", "helper.not-on-path"),
        ("docker-credential-pass", "helper.full-name"),
        *((name, "helper.bad-name") for name in ("../../bin/sh", "-x", "a b")),
    ],
)
def test_a_missing_or_misnamed_helper_is_an_error_with_its_file(
    machine: Machine, name: str, code: str
) -> None:
    path = machine.config(credsStore=name)
    done = machine.get("h.example")
    assert done.status == 1
    assert str(path) in done.stderr
    assert done.codes == [code]
    assert done.stdout.decode().strip() in done.stderr


def test_a_helper_that_hangs_is_ended_at_its_timeout(machine: Machine, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    machine.helper("one", f"sleep 600 & echo $$ $! >{pids}; wait")
    machine.config(credsStore="one", auths={"h.example": basic("u:p")})
    machine.use({"DOCKER_CREDENTIAL_MULTI_HELPER_TIMEOUT_S": "0.5"})
    started_at_s = monotonic()
    done = machine.get("h.example")
    assert monotonic() - started_at_s < 10
    assert done.document["Secret"] == "p"
    assert "no answer within 0.5 s" in done.stderr
    for pid in map(int, pids.read_text().split()):
        assert has_ended(pid)


def test_a_helper_gets_the_user_s_environment_without_traces_of_packing(machine: Machine) -> None:
    machine.helper("one", 'cat >/dev/null; env >"$log.env"; echo "{}"')
    machine.config(credsStore="one")
    machine.use({"MINE": "set"})
    machine.use({"LD_LIBRARY_PATH": "/nowhere/of/mine"})
    assert_not_found(machine.get("h.example"))
    log = machine.scripts.folder / "docker-credential-one.log.env"
    seen = dict(line.partition("=")[::2] for line in log.read_text().splitlines())
    assert seen["MINE"] == "set"
    assert seen["LD_LIBRARY_PATH"] == "/nowhere/of/mine"
    assert not [name for name in seen if name.startswith("_PYI") or name.endswith("_ORIG")]


# --- Circles --------------------------------------------------------------------------------------


def test_this_program_never_asks_itself(machine: Machine) -> None:
    machine.scripts.add_ourselves("multi")
    machine.config(
        credsStore="multi", credHelpers={"h.example": "multi"}, auths={"h.example": basic("u:p")}
    )
    assert machine.get("h.example").credential == ("u", "p")
    assert_not_found(machine.get("g.example"))
    assert_silent(machine.store("g.example"))
    assert machine.get("g.example").credential == ("u", SECRET)
    assert_silent(machine.erase("g.example"))
    assert machine.logins().document == {"h.example": "u"}
    assert machine.scripts.runs("multi") == []


@pytest.mark.parametrize("kind", ["a symbolic link", "a hard link"])
def test_this_program_recognises_itself_under_another_name(machine: Machine, kind: str) -> None:
    called = machine.executable.called("docker-credential-alias", machine.scripts.folder)
    if kind == "a hard link":
        program = (machine.scripts.folder / "docker-credential-alias").resolve()
        try:
            (machine.scripts.folder / "docker-credential-hard").hardlink_to(program)
        except OSError:
            pytest.skip("the program is on another file system")
    machine.config(credsStore="alias" if kind == "a symbolic link" else "hard")
    assert_not_found(called.get("h.example"))


def test_two_dispatchers_that_ask_each_other_end_at_once_with_a_warning(machine: Machine) -> None:
    ours = machine.scripts.add_ourselves("again")
    machine.helper("magic", f'exec {ours} "$1"')
    path = machine.config(credsStore="magic")
    started_at_s = monotonic()
    done = machine.get("h.example")
    assert monotonic() - started_at_s < 10
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert done.codes == ["helper.loop"]
    assert "docker-credential-magic" in done.stderr
    assert machine.scripts.runs("magic") == ["get"]
    assert machine.scripts.runs("again") == ["get"]

    # What is left to be asked is asked all the same.
    config = {"credsStore": "magic", "auths": {"h.example": basic("u:p")}}
    path.write_text(json.dumps(config))
    assert machine.get("h.example").document["Secret"] == "p"

    # A login ends up somewhere, and is found again.
    stored = machine.store("g.example")
    assert (stored.status, stored.stdout) == (0, b"")
    assert machine.get("g.example").document["Secret"] == SECRET
    assert machine.erase("g.example").status == 0
    assert machine.logins().document == {"h.example": "u"}
    assert machine.get("g.example").stdout == NOT_FOUND


def test_a_loop_of_two_copies_with_a_helper_each_ends(machine: Machine) -> None:
    """The program asks helper one, whose copy of the program asks helper two, and so on."""
    ours = machine.scripts.add_ourselves("again")
    for name, folder in (("one", "b"), ("two", "a")):
        config = machine.home / folder
        machine.helper(name, f'DOCKER_CONFIG={config} exec {ours} "$1"')
        machine.write(f"{'a' if name == 'one' else 'b'}/config.json", {"credsStore": name})
    machine.use({"DOCKER_CONFIG": str(machine.home / "a")})
    done = machine.get("h.example")
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert len(machine.scripts.runs("one")) == 1


def test_a_loop_that_changes_the_server_url_each_time_ends(machine: Machine) -> None:
    ours = machine.scripts.add_ourselves("again")
    machine.helper("more", f'printf "%s/x" "$(cat)" | {ours} "$1"')
    machine.config(credsStore="more")
    done = machine.get("h.example")
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert machine.scripts.runs("more").count("get") == 8


def test_a_helper_may_ask_this_program_about_another_host(machine: Machine) -> None:
    ours = machine.scripts.add_ourselves("again")
    machine.helper("mirror", f'[ "$(cat)" = m.example ] && printf h.example | {ours} "$1"')
    machine.config(credHelpers={"m.example": "mirror"}, auths={"h.example": basic("u:p")})
    assert machine.get("m.example").credential == ("u", "p")


# --- store and erase ------------------------------------------------------------------------------


def test_a_login_goes_to_the_helper_that_owns_the_host(machine: Machine) -> None:
    machine.scripts.keeping("one")
    machine.scripts.keeping("two")
    machine.config(credHelpers={"docker.io": "one"}, credsStore="two")
    assert_silent(machine.store(HUB, "hub"))
    assert_silent(machine.store("h.example", "h"))
    assert json.loads(machine.scripts.kept("one")) == {
        "ServerURL": HUB,
        "Username": "hub",
        "Secret": SECRET,
    }
    assert json.loads(machine.scripts.kept("two"))["ServerURL"] == "h.example"
    assert machine.get("docker.io").credential == ("hub", SECRET)
    assert machine.get("h.example").credential == ("h", SECRET)
    assert not machine.own_store.exists()
    # docker logs out of everything a login may have been kept under.
    for spelling in ("h.example", "h.example", "http://h.example", "https://h.example"):
        assert_silent(machine.erase(spelling))
    assert machine.scripts.kept("two") == ""
    erased = machine.scripts.folder / "docker-credential-two.log.erased"
    assert erased.read_text().split()[1:] == ["h.example", "http://h.example", "https://h.example"]


def test_half_a_surrogate_pair_in_a_request_is_kept(machine: Machine) -> None:
    machine.scripts.keeping("one")
    machine.config(credHelpers={"h.example": "one"})
    request = '{"ServerURL":"h.example/\\ud800","Username":"\\ud800","Secret":"\\udfff"}'
    assert_silent(machine.run("store", stdin=request))
    assert machine.get("h.example").credential == ("\ud800", "\udfff")


def test_a_login_that_its_owner_cannot_keep_is_an_error(machine: Machine) -> None:
    machine.helper("one", f"cat >/dev/null; echo {SECRET} is not accepted; exit 1")
    machine.config(credsStore="one")
    done = machine.store("h.example")
    assert (done.status, done.codes) == (1, ["helper.failed"])
    assert "docker-credential-one" in done.stderr
    assert done.stdout.decode().strip() in done.stderr
    assert SECRET not in done.stderr
    assert not machine.own_store.exists()
    erased = machine.erase("h.example")
    assert (erased.status, erased.codes) == (1, ["helper.says"])
    assert "docker-credential-one" in erased.stderr


def test_a_login_with_a_read_only_owner_is_kept_elsewhere(machine: Machine) -> None:
    machine.scripts.answering("read-only", a_example="one:1")
    machine.config(credHelpers={"h.example": "read-only"})
    assert_silent(machine.store("h.example"))
    assert machine.get("h.example").credential == ("u", SECRET)
    assert_silent(machine.erase("h.example"))
    assert_not_found(machine.get("h.example"))


def test_a_login_whose_owner_cannot_be_determined_is_an_error(machine: Machine) -> None:
    path = machine.write(".docker/config.json", '{"credsStore": "pass",,}')
    done = machine.store("h.example")
    assert done.status == 1
    assert str(path) in done.stderr
    assert "line 1" in done.stderr
    machine.config(credsStore="nowhere")
    missing = machine.store("h.example")
    assert (missing.status, missing.codes) == (1, ["helper.not-on-path"])
    assert not machine.own_store.exists()
    assert SECRET not in done.stderr + missing.stderr


@pytest.mark.parametrize("config", [None, {}, {"credsStore": "multi"}, {"credsStore": ""}])
def test_without_helpers_logins_go_to_our_own_store(
    machine: Machine, config: dict[str, str] | None
) -> None:
    if config is not None:
        machine.config(**config)
    assert_silent(machine.store("h.example:5000", "ü", "ä→"))
    assert_silent(machine.store(HUB, "<token>", "refresh"))
    assert machine.own_store.stat().st_mode & 0o777 == 0o600
    assert machine.get("h.example:5000").credential == ("ü", "ä→")
    assert machine.get("docker.io").credential == ("<token>", "refresh")
    assert machine.logins().document == {"h.example:5000": "ü", HUB: "<token>"}
    assert_silent(machine.erase("h.example:5000"))
    assert_silent(machine.erase("h.example:5000"))
    assert_not_found(machine.get("h.example:5000"))


# --- The system keychain ------------------------------------------------------------------------


def test_the_keychain_is_that_of_dockers_choice(machine: Machine) -> None:
    environ = machine.environment
    assert system_keychain_helper(environ, "darwin") == "osxkeychain"
    assert system_keychain_helper(environ, "win32") == "wincred"
    assert system_keychain_helper(environ, "linux") is None
    machine.use({"XDG_RUNTIME_DIR": str(machine.home)})
    assert system_keychain_helper(environ, "linux") is None
    machine.write("bus", "")
    assert system_keychain_helper(environ, "linux") == "secretservice"
    machine.scripts.program("pass", "")
    assert system_keychain_helper(environ, "linux") == "secretservice"
    machine.write(".password-store/.gpg-id", "")
    assert system_keychain_helper(environ, "linux") == "pass"
    machine.use({"PASSWORD_STORE_DIR": "/nowhere"})
    assert system_keychain_helper(environ, "linux") == "secretservice"


def usable_secretservice(machine: Machine) -> None:
    machine.use({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"})


def test_the_keychain_of_the_machine_keeps_logins_without_an_owner(machine: Machine) -> None:
    machine.scripts.keeping("secretservice")
    machine.config(credsStore="multi")
    assert_silent(machine.store("own.example", "old"))
    assert machine.scripts.runs("secretservice") == []  # no session, no use
    usable_secretservice(machine)
    assert machine.get("own.example").credential == ("old", SECRET)
    assert_silent(machine.store("h.example"))
    assert "h.example" in machine.scripts.kept("secretservice")
    assert "h.example" not in machine.own_store.read_text()
    assert machine.get("h.example").credential == ("u", SECRET)
    assert_silent(machine.erase("h.example"))
    assert_not_found(machine.get("h.example"))
    # A new login takes the place of the one that was kept elsewhere.
    assert_silent(machine.store("own.example", "new"))
    assert machine.get("own.example").credential == ("new", SECRET)


def test_a_store_that_is_named_replaces_the_keychain(machine: Machine) -> None:
    machine.scripts.keeping("secretservice")
    machine.scripts.keeping("one")
    usable_secretservice(machine)
    machine.config(credsStore="one")
    assert_silent(machine.store("h.example"))
    assert_silent(machine.erase("h.example"))
    assert_not_found(machine.get("h.example"))
    assert machine.logins().document == {}
    assert machine.scripts.runs("secretservice") == []


def test_a_broken_keychain_that_no_file_names_is_skipped(machine: Machine) -> None:
    locked = "cat >/dev/null; echo Cannot autolaunch D-Bus without X11; exit 1"
    machine.helper("secretservice", locked)
    usable_secretservice(machine)
    assert_not_found(machine.get("h.example"))
    stored = machine.store("h.example")
    assert (stored.status, stored.stdout) == (0, b"")
    assert stored.codes == ["helper.no-keyring"]
    assert "docker-credential-secretservice" in stored.stderr
    assert str(machine.own_store) in stored.stderr
    assert machine.get("h.example").credential == ("u", SECRET)
    assert machine.erase("h.example").status == 0
    assert_not_found(machine.get("h.example"))


def test_a_hanging_keychain_that_no_file_names_is_tried_once(
    machine: Machine, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    machine.helper("secretservice", f"echo $$ >>{pids}; exec sleep 600")
    usable_secretservice(machine)
    started_at_s = monotonic()
    done = machine.get("h.example")
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert done.codes == ["helper.hangs"]
    assert monotonic() - started_at_s < 8
    started_at_s = monotonic()
    for host in ("h.example", "g.example"):
        assert_not_found(machine.get(host))
    assert machine.logins().document == {}
    assert machine.scripts.runs("secretservice") == ["get"]
    # A login is kept without waiting for it, and found again.
    stored = machine.store("h.example")
    assert (stored.status, stored.codes) == (0, ["helper.hung-before"])
    assert machine.get("h.example").credential == ("u", SECRET)
    assert monotonic() - started_at_s < 8
    for pid in map(int, pids.read_text().split()):
        assert has_ended(pid)


@pytest.mark.parametrize("lists", [True, False])
def test_a_locked_keychain_that_has_the_login_is_an_error(machine: Machine, lists: bool) -> None:
    """Most keychains list their logins while locked; for the others, a record of ours is used."""
    machine.scripts.keeping("secretservice")
    usable_secretservice(machine)
    if not lists:
        assert_silent(machine.store("https://h.example"))
    answer = 'echo \'{"https://h.example/v1/":"u"}\'; exit 0' if lists else "echo locked; exit 1"
    locked = f'cat >/dev/null; [ "$1" = list ] && {{ {answer}; }}; echo locked; exit 1'
    machine.helper("secretservice", locked)
    done = machine.get("h.example")
    assert (done.status, done.codes) == (1, ["helper.locked"])
    assert_not_found(machine.get("g.example"))


@needs_pass
def test_pass_is_the_keychain_if_it_is_set_up(machine: Machine) -> None:
    machine.config(credsStore="multi")
    assert_silent(machine.store("before.example"))
    assert "before.example" in machine.own_store.read_text()
    with password_store(machine.home) as environ:
        path = f"{machine.environment['PATH']}:{environ['PATH']}"
        machine.use({"GNUPGHOME": environ["GNUPGHOME"], "PATH": path})
        assert_silent(machine.store("h.example", "ü", "ä→"))
        assert_silent(machine.store(HUB, "<token>", "t"))
        assert_silent(machine.store(f"{HUB}refresh-token", "refresh", "r"))
        assert "h.example" not in machine.own_store.read_text()
        assert len(list((machine.home / ".password-store").rglob("*.gpg"))) == 3
        assert machine.get("h.example").credential == ("ü", "ä→")
        assert machine.get(HUB).credential == ("<token>", "t")
        assert machine.get(f"{HUB}refresh-token").credential == ("refresh", "r")
        assert_not_found(machine.get(f"{HUB}access-token"))
        assert_not_found(machine.get("g.example"))
        listed = machine.logins()
        assert listed.document["h.example"] == "ü"
        assert listed.document["before.example"] == "u"
        for spelling in ("h.example", "h.example", "http://h.example", "https://h.example"):
            assert_silent(machine.erase(spelling))
        assert_not_found(machine.get("h.example"))
        assert machine.get("before.example").credential == ("u", SECRET)


# --- Clouds ---------------------------------------------------------------------------------------


def test_a_login_to_a_cloud_s_registry_is_kept_by_its_owner(machine: Machine) -> None:
    machine.scripts.keeping("one")
    for sections in ({"credHelpers": {ECR_HOST: "one"}}, {"credsStore": "one"}):
        machine.config(**sections)
        assert_silent(machine.store(ECR_HOST, "AWS"))
        assert ECR_HOST in machine.scripts.kept("one")
        assert_silent(machine.erase(ECR_HOST))
        assert machine.scripts.kept("one") == ""


@needs_ecr_login
def test_amazon_s_helper_in_go_is_a_helper_like_any_other(machine: Machine) -> None:
    machine.scripts.link("docker-credential-ecr-login", ECR_LOGIN)
    machine.config(credHelpers={"h.example": "ecr-login", ECR_HOST: "ecr-login"})
    assert_not_found(machine.get("h.example"))
    assert_silent(machine.store("h.example"))
    assert machine.get("h.example").credential == ("u", SECRET)
    assert_silent(machine.erase("h.example"))
    assert machine.store(ECR_HOST, "AWS").status == 0
    # The helper takes no login, and its own list would be a round of requests to Amazon.
    listed = machine.logins()
    assert (listed.document, listed.stderr) == ({ECR_HOST: "AWS"}, "")


# --- list -----------------------------------------------------------------------------------------


def test_a_list_has_all_of_a_file_but_its_invalid_parts(machine: Machine) -> None:
    machine.helper("one", 'echo \'{"a.example":"one"}\'')
    auths = {"b.example": basic(f"auths:{SECRET}")}
    machine.config(credsStore="one", credHelpers={"r.example": 5}, auths=auths)
    done = machine.logins()
    assert done.document == {"a.example": "one", "b.example": "auths"}
    assert "fallback.not-text" in done.codes
    machine.config(credsStore=5, credHelpers={"a.example": "one"}, auths=auths)
    assert machine.logins().document == {"a.example": "one", "b.example": "auths"}


def test_a_list_merges_all_sources_and_a_failing_one_is_a_warning(machine: Machine) -> None:
    machine.helper("one", 'echo "warning: old"; echo \'{"a.example":"one","b.example":"one"}\'')
    machine.helper("two", 'echo \'{"c.example":"two","x.example":"not routed here"}\'')
    machine.scripts.answering("read-only")
    machine.helper("broken", "echo the keychain is locked; exit 1")
    machine.store("d.example", "own")
    machine.config(
        credsStore="one",
        credHelpers={
            "https://c.example": "two",
            "r.example": "read-only",
            "s.example": "broken",
            "t.example": "nowhere",
            "m.example": "multi",
        },
        auths={"b.example": basic(f"auths:{SECRET}"), "e.example": {"identitytoken": SECRET}},
    )
    machine.write(".config/containers/auth.json", {"auths": {"f.example/team": basic("podman:x")}})
    machine.use({"DOCKER_AUTH_CONFIG": json.dumps({"auths": {"g.example": basic("variable:x")}})})
    done = machine.logins()
    assert done.status == 0
    assert done.document == {
        "a.example": "one",
        "b.example": "one",
        "c.example": "two",
        "d.example": "own",
        "e.example": "<token>",
        "f.example/team": "podman",
        "g.example": "variable",
    }
    warnings = [line for line in done.stderr.splitlines() if ": warning: " in line]
    assert len(warnings) == 2
    assert done.codes == ["helper.says", "helper.not-on-path"]
    assert "docker-credential-broken" in warnings[0]
    assert "docker-credential-nowhere" in warnings[1]
    assert SECRET not in done.stdout.decode() + done.stderr
