"""``configure``: what it writes, what it leaves as it is, and the undo to the byte."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cred_helper.commands.configure.changes import LinkChange
from cred_helper.commands.configure.undo_record import Journal, Plan, Step
from cred_helper.errors import Misconfigured
from cred_helper.messages import find
from tests.clients.clients import SKOPEO
from tests.clients.marks import needs_skopeo
from tests.clouds import aws
from tests.clouds.fixtures import authority, proxy
from tests.mounts import mounted, needs_mounts
from tests.stage import known
from tests.support.executable import Completed, Executable
from tests.support.machine import Machine

__all__ = ["authority", "known", "proxy"]

_SETTINGS = ('fallback_helper = "desktop"\n',)
_SECRET = "aHVudGVyMjpodW50ZXIy"
_CONFIG = f"""{{
\t"auths": {{ "private.example.com": {{"auth": "{_SECRET}"}} }},
\t"HttpHeaders": {{"X": "1"}},
\t"credsStore": "desktop",
\t"credHelpers": {{"gcr.io": "gcloud", "other.example.com": "pass"}},
\t"unknown": [1.00, 1e2, "\\u00e9"]
}}
"""
# credHelpers stay, for clients that read nothing else.
_CHANGED = _CONFIG.replace('"desktop"', '"multi"').replace('"gcloud"', '"multi"')


@pytest.fixture
def person(home: Path) -> Machine:
    person = Machine(home)
    person.helper("desktop")
    return person


@pytest.fixture
def owner(person: Machine) -> Machine:
    """A person with a config.json."""
    person.config_file.parent.mkdir()
    person.config_file.write_bytes(_CONFIG.encode())
    return person


def _configure(person: Machine, *arguments: str) -> Completed:
    done = person.run("configure", *arguments)
    assert _SECRET not in done.stdout.decode() + done.stderr
    return done


def test_the_old_store_becomes_the_fallback_and_all_other_members_stay(owner: Machine) -> None:
    assert _configure(owner, "--yes").status == 0
    assert owner.config_file.read_bytes().decode() == _CHANGED
    settings = owner.settings_file
    assert settings.read_text() == 'fallback_helper = "desktop"\n'


@pytest.mark.parametrize(
    "text",
    [
        _CONFIG,
        _CONFIG.replace("\n", "\r\n"),
        "\ufeff" + _CONFIG,
        json.dumps(json.loads(_CONFIG)),
        "{}",
        "{ }\n",
        "",
    ],
    ids=["tabs", "crlf", "bom", "one line", "empty object", "blank object", "empty file"],
)
def test_undo_restores_the_file_to_the_byte(owner: Machine, text: str) -> None:
    owner.config_file.write_bytes(text.encode())
    owner.config_file.chmod(0o640)
    assert _configure(owner, "--yes", "--links", str(owner.home / "bin")).status == 0
    assert _configure(owner, "--yes", "--registry", "localhost:5000").status == 0
    assert owner.config_file.read_bytes() != text.encode()
    assert json.loads(owner.config_file.read_text("utf-8-sig"))["credsStore"] == "multi"
    assert stat.S_IMODE(owner.config_file.stat().st_mode) == 0o640
    assert _configure(owner, "--undo", "--yes").status == 0
    assert owner.config_file.read_bytes() == text.encode()
    assert stat.S_IMODE(owner.config_file.stat().st_mode) == 0o640
    assert not list((owner.home / "bin").iterdir())
    # What our settings were parsed to is cached like tokens are.
    files = [path for path in owner.home.rglob("*") if path.is_file()]
    left = [path.name for path in files if ".cache" not in path.parts]
    assert sorted(set(left) - set(os.listdir(owner.programs))) == ["config.json"]


def test_undo_removes_a_file_that_configure_created(person: Machine) -> None:
    assert _configure(person, "--yes").status == 0
    config = person.home / ".docker" / "config.json"
    assert json.loads(config.read_text()) == {"credsStore": "multi", "auths": {}}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert _configure(person, "--undo", "--yes").status == 0
    assert not config.exists()


def test_an_empty_auths_is_added_as_docker_login_does_and_removed_while_it_is_empty(
    owner: Machine,
) -> None:
    for before in ({}, {"auths": None}, {"credsStore": "multi"}):
        owner.write(".docker/config.json", before)
        assert _configure(owner, "--yes").status == 0
        written = owner.config_document
        assert written == {"credsStore": "multi", "auths": {}}
        owner.write(".docker/config.json", written | {"auths": {"r.example": {}}})
        assert _configure(owner, "--undo", "--yes").status == 0
        assert owner.config_document["auths"] == {"r.example": {}}
    owner.write(".docker/config.json", {"credsStore": "multi", "Auths": {"r.example": {}}})
    assert b"nothing to do" in _configure(owner, "--yes").stdout


def test_undo_keeps_later_changes_of_other_programs(owner: Machine) -> None:
    _configure(owner, "--yes")
    changed = owner.config_document | {"credsStore": "osxkeychain", "new": 1}
    owner.config_file.write_text(json.dumps(changed))
    assert _configure(owner, "--undo", "--yes").status == 0
    left = owner.config_document
    assert left["credsStore"] == "osxkeychain"
    assert left["new"] == 1
    assert left["credHelpers"]["gcr.io"] == "gcloud"


def test_a_link_stays_a_link(owner: Machine, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    owner.config_file.rename(real)
    owner.config_file.symlink_to(real)
    _configure(owner, "--yes")
    assert owner.config_file.is_symlink()
    assert json.loads(real.read_text())["credsStore"] == "multi"


def test_without_a_yes_no_file_is_written(owner: Machine) -> None:
    shown = _configure(owner, "--dry-run")
    assert shown.status == 0
    assert b'"credsStore": "multi"' in shown.stdout
    refused = _configure(owner)
    assert (refused.status, refused.codes) == (1, ["configure.not-a-terminal"])
    closed = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", str(owner.program), "configure"]
    done = subprocess.run(closed, env=owner.environment, capture_output=True, check=False)
    assert b"[configure.not-a-terminal]" in done.stderr
    assert owner.config_file.read_bytes() == _CONFIG.encode()
    assert not (owner.config_file.parent.parent / ".local/share").exists()


def test_a_config_that_is_not_json_is_named_with_its_line_and_stays(owner: Machine) -> None:
    owner.config_file.write_text('{\n"auths": {"a": "hunter2"\n')
    done = owner.run("configure", "--yes")
    assert (done.status, done.codes) == (1, ["configure.not-json"])
    assert f"{owner.config_file}:3: " in done.stderr
    assert "hunter2" not in done.stderr
    assert owner.config_file.read_text() == '{\n"auths": {"a": "hunter2"\n'


@pytest.mark.parametrize("arguments", [(), ("--registry", "gcr.io")], ids=["all", "one"])
@pytest.mark.parametrize(
    "text",
    [
        '{"credHelpers": null}',
        '{"credsStore": null, "auths": null, "credHelpers": null}',
        '{"credHelpers": {"gcr.io": null}}',
    ],
)
def test_null_counts_as_absent(owner: Machine, text: str, arguments: tuple[str, ...]) -> None:
    owner.config_file.write_text(text)
    done = _configure(owner, "--yes", *arguments)
    assert (done.status, done.stderr) == (0, "")
    written = owner.config_document
    if arguments:
        assert written["credHelpers"]["gcr.io"] == "multi"
    else:
        assert written["credsStore"] == "multi"
    assert b"\nnote " not in done.stdout
    assert not (owner.home / ".config").exists()
    assert b"nothing to do" in _configure(owner, "--yes", *arguments).stdout
    assert _configure(owner, "--undo", "--yes").status == 0
    assert owner.config_file.read_text() == text
    _configure(owner, "--yes", *arguments)
    owner.config_file.write_text(f"{owner.config_file.read_text()}\n")
    assert _configure(owner, "--undo", "--yes").status == 0
    if not arguments:
        assert owner.config_document == json.loads(text)


# Deeper than any Python reads: 3.11 takes a thousand levels, 3.13 ten thousand.
_DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize("arguments", [(), ("--registry", "gcr.io")], ids=["all", "one"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n"credHelpers": []}', ": line 2: "),
        ('{\n"CREDHELPERS": []}', ": line 2: "),
        ('{\n"credHelpers": {\n"a": ["hunter2"]}}', ": line 3: "),
        ('{\n"credsStore": {"hunter2": 1}}', ": line 2: "),
        ('{\n\n"auths": ["hunter2"]}', ": line 3: "),
        (f'{{"x": {_DEEP}}}', ":1: "),
    ],
)
def test_an_invalid_section_is_named_with_its_line_and_stays(
    owner: Machine, text: str, line: str, arguments: tuple[str, ...]
) -> None:
    owner.config_file.write_text(text)
    done = owner.run("configure", "--yes", *arguments)
    assert done.status == 1
    assert done.stderr.startswith(f"docker-credential-multi: error: {owner.config_file}{line}")
    assert "hunter2" not in done.stdout.decode() + done.stderr
    assert len(done.stderr.splitlines()) <= 2  # with its hint
    assert owner.config_file.read_text() == text


def test_an_invalid_record_is_an_error(person: Machine) -> None:
    path = ".local/share/docker-credential-multi/configured.json"
    records = (
        "{}",
        '"x"',
        '{"kind": "other", "path": "/x"}',
        '{"kind": "link", "path": "/x", "target": 5}',
        '{"kind": "json", "path": "/x"}',
        '{"kind": "file", "path": 7}',
        '{"kind": "line", "path": "HOME/precious", "line": 5, "created": true}',
    )
    precious = person.write("precious", "keep")
    for text in ("[]", "{", f'{{"records": {_DEEP}}}', *map('{{"records": [{}]}}'.format, records)):
        person.write(path, text.replace("HOME", str(person.home)))
        done = person.run("configure", "--undo", "--yes")
        expected = (0, []) if '"target"' in text else (1, ["configure.not-a-record"])
        assert (done.status, done.codes) == expected, text
    assert precious.read_text() == "keep"


def test_a_record_that_another_configure_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    plan = Plan()
    plan.steps.append(Step(LinkChange(tmp_path / "link", "x"), {"kind": "link"}))
    first, second = Journal(tmp_path / "record"), Journal(tmp_path / "record")
    first.add(plan)
    with pytest.raises(Misconfigured, match=r"^configure\.changed$"):
        second.add(plan)
    first.add(plan)
    assert len(json.loads((tmp_path / "record").read_text())["records"]) == 2


def test_a_file_that_is_too_large_to_be_read_whole_is_not_replaced(owner: Machine) -> None:
    settings = owner.settings("# " + "x" * (16 << 20) + "\n")
    done = owner.run("configure", "--yes")
    assert done.status == 1
    owner.config_file.write_text('{"x": "' + "x" * (16 << 20) + '"}')
    done = owner.run("configure", "--yes")
    assert (done.status, done.codes) == (1, ["configure.unreadable"])
    assert min(settings.stat().st_size, owner.config_file.stat().st_size) > 16 << 20


def test_every_depth_up_to_the_limit_is_read_and_every_greater_one_refused(owner: Machine) -> None:
    read, refused = 900, 200_000
    while refused - read > 1:
        depth = (read + refused) // 2
        owner.config_file.write_text(f'{{"x": {"[" * depth}{"]" * depth}}}')
        done = owner.run("configure", "--dry-run")
        if done.status == 0:
            read = depth
        else:
            assert done.codes in (["configure.too-deep"], ["file.deep-nesting"])
            refused = depth
    assert 900 < read < refused < 200_000


def test_a_number_of_any_length_stays_as_it_is(owner: Machine) -> None:
    owner.config_file.write_text(text := f'{{"x": {"9" * 5000}}}')
    _configure(owner, "--yes")
    assert '"x": ' + "9" * 5000 in owner.config_file.read_text()
    _configure(owner, "--undo", "--yes")
    assert owner.config_file.read_text() == text


def test_an_entry_that_docker_cannot_read_is_noted(owner: Machine) -> None:
    owner.config_file.write_text('{"auths": {"a": {"auth": "!!!"}}}')
    said = _configure(owner, "--dry-run").stdout.decode()
    assert f"{owner.config_file}: line 1: ".replace(str(owner.home), "~") in said
    assert "refuses the whole file" in said


# --- Names in another case ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CredsStore", "credsstore", "CREDSSTORE"])
@pytest.mark.parametrize("is_touched", [False, True])
def test_a_key_in_another_case_is_edited(owner: Machine, name: str, is_touched: bool) -> None:
    owner.config_file.write_text(f'{{"{name}":"desktop"}}')
    shown = _configure(owner, "--dry-run").stdout.decode()
    assert f'-{{"{name}":"desktop"}}' in shown
    written = f'{{"{name}":"multi", "auths": {{}}}}'
    assert f"+{written}" in shown
    assert _configure(owner, "--yes").status == 0
    assert owner.config_file.read_text() == written
    settings = owner.settings_file
    assert settings.read_text() == 'fallback_helper = "desktop"\n'
    assert b"nothing to do" in _configure(owner, "--yes").stdout
    if is_touched:
        # As docker writes it anew.
        owner.config_file.write_text('{"auths":{"r":{}},"credsStore":"multi"}')
    assert _configure(owner, "--undo", "--yes").status == 0
    left = '{"auths":{"r":{}},"credsStore":"desktop"}' if is_touched else f'{{"{name}":"desktop"}}'
    assert owner.config_file.read_text() == left
    assert not settings.exists()


def test_helpers_under_a_key_in_another_case_are_kept(owner: Machine) -> None:
    before = '{"CredHelpers":{"gcr.io":"gcloud","GCR.io":"pass"}}'
    owner.config_file.write_text(before)
    assert _configure(owner, "--yes").status == 0
    written = owner.config_document
    helpers = {"gcr.io": "multi", "GCR.io": "pass"}
    assert written == {"CredHelpers": helpers, "credsStore": "multi", "auths": {}}
    assert _configure(owner, "--yes", "--registry", "us-docker.pkg.dev").status == 0
    written = owner.config_document
    assert written["CredHelpers"] == helpers | {"us-docker.pkg.dev": "multi"}
    changed = json.dumps({"new": 1} | written)
    owner.config_file.write_text(changed)
    assert _configure(owner, "--undo", "--yes").status == 0
    left = owner.config_document
    assert left == {"new": 1, "CredHelpers": {"gcr.io": "gcloud", "GCR.io": "pass"}}


def test_a_key_in_two_cases_is_edited_where_docker_reads_it(owner: Machine) -> None:
    owner.config_file.write_text('{"credsStore":"pass","CredsStore":"desktop"}')
    assert "credsStore was desktop: " in _configure(owner, "--yes").stdout.decode()
    written = '{"credsStore":"pass","CredsStore":"multi", "auths": {}}'
    assert owner.config_file.read_text() == written


# Dies before the n-th time that a file is put in another's place, as if the power went.
_DYING = """
import os
left = int(os.environ.get("DIES_AT", "0"))
replace = os.replace
def dying(*arguments, **options):
    global left
    left -= 1
    if left == 0:
        os._exit(9)
    return replace(*arguments, **options)
os.replace = dying
"""


@pytest.mark.skipif(
    bool(os.environ.get("DOCKER_CREDENTIAL_MULTI_UNDER_TEST")),
    reason="the frozen file loads no sitecustomize",
)
def test_an_interruption_at_any_step_can_be_undone(owner: Machine, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(_DYING)
    owner.environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    settings = owner.settings_file
    for step in ("configure", "configure --undo"):
        for dies_at in range(1, 9):
            _configure(owner, "--yes") if "undo" in step else None
            died = owner.run(*step.split(), "--yes", DIES_AT=str(dies_at)).status == 9
            assert owner.config_file.read_bytes().decode() in (_CONFIG, _CHANGED)
            assert not settings.exists() or settings.read_text() in _SETTINGS
            assert _configure(owner, "--undo", "--yes").status == 0
            assert owner.config_file.read_bytes() == _CONFIG.encode()
            assert not settings.exists()
            if not died:
                break
        assert 1 < dies_at < 8


def test_a_kill_at_any_time_leaves_the_old_file_or_the_new_one(owner: Machine) -> None:
    for attempt in range(8):
        child = subprocess.Popen(
            [str(owner.program), "configure", "--yes"],
            env=owner.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.08 * attempt)
        child.kill()
        child.wait()
        assert owner.config_file.read_bytes().decode() in (_CONFIG, _CHANGED)
    owner.run("configure", "--undo", "--yes")
    assert owner.config_file.read_bytes() == _CONFIG.encode()


# --- Nothing of other programs is lost, and nothing secret is shown -------------------------------

# Writes as docker login does, when configure has made its temporary file.
_LOGIN_IN_BETWEEN = """
import os
replace = os.replace
def logging_in(source, target, **options):
    return replace(source, target, **options)
fsync = os.fsync
def slow(fd):
    fsync(fd)
    path = os.path.expanduser("~/.docker/config.json")
    if not os.path.exists(path + ".done"):
        open(path + ".done", "w").close()
        with open(path + "1", "w") as file:
            file.write('{"auths":{"r.example":{"auth":"bmV3OmxvZ2lu"}}}')
        replace(path + "1", path)
os.fsync = slow
"""


@pytest.mark.skipif(
    bool(os.environ.get("DOCKER_CREDENTIAL_MULTI_UNDER_TEST")),
    reason="the frozen file loads no sitecustomize",
)
def test_a_docker_login_during_a_change_is_kept(owner: Machine, tmp_path: Path) -> None:
    owner.config_file.write_text("{}")
    (tmp_path / "sitecustomize.py").write_text(_LOGIN_IN_BETWEEN)
    environment = {"PYTHONPATH": f"{owner.environment['PYTHONPATH']}{os.pathsep}{tmp_path}"}
    data = owner.home / ".local/share/docker-credential-multi"
    data.mkdir(parents=True)
    done = owner.run("configure", "--registry", "gcr.io", "--yes", **environment)
    assert "r.example" in owner.config_file.read_text()
    if done.status:
        assert done.codes == ["configure.changed"]
        assert owner.run("configure", "--registry", "gcr.io", "--yes").status == 0
    written = owner.config_document
    assert written["auths"] == {"r.example": {"auth": "bmV3OmxvZ2lu"}}
    assert written["credHelpers"] == {"gcr.io": "multi"}


def test_temporary_files_of_killed_processes_are_removed(owner: Machine) -> None:
    left = owner.config_file.with_name(".config.json.0123456789abcdef")
    for path in (left, owner.config_file.with_name(".config.json.mine")):
        path.write_text("{}")
        os.utime(path, (0, 0))
    assert _configure(owner, "--yes").status == 0
    assert {path.name for path in owner.config_file.parent.iterdir()} == {
        "config.json",
        ".config.json.mine",
    }


if sys.platform == "linux":

    def test_extended_attributes_are_kept(owner: Machine) -> None:
        try:
            os.setxattr(owner.config_file, "user.comment", b"mine")
        except OSError:
            pytest.skip("this file system has no extended attributes")
        assert _configure(owner, "--yes").status == 0
        assert os.getxattr(owner.config_file, "user.comment") == b"mine"


@pytest.mark.parametrize(
    "path",
    [
        ".docker/config.json",
        ".config/docker-credential-multi/config.toml",
        ".config/containers/registries.conf",
        ".local/share/docker-credential-multi/configured.json",
    ],
)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_a_pipe_or_folder_is_an_error(
    person: Machine, path: str, make: Callable[[Path], None]
) -> None:
    (person.programs / "podman").symlink_to("/bin/true")
    if "toml" in path:
        person.write(".docker/config.json", '{"credsStore": "desktop"}')
    file = person.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    make(file)
    begun_s = time.monotonic()
    done = person.run("configure", "--yes")
    assert time.monotonic() - begun_s < 10
    assert (done.status, done.stderr.count(": error: ")) == (1, 1)
    assert not file.is_file()


_OTHER_SECRET = "c2VjcmV0LW9mLWFub3RoZXI="


@pytest.mark.parametrize(
    "text",
    [
        '{"auths":{"a.example":{"auth":"SECRET"}},"credsStore":"desktop"}',
        '{"auths":{"a.example":{"auth":"SECRET"}},"auths":{},"credsStore":"desktop"}',
        '{"credHelpers":{"a.example":{"auth":"SECRET"}},"credHelpers":{},"credsStore":"desktop"}',
        '{"credHelpers":{"me:SECRET@a.example":"desktop"}}',
        '{"credHelpers":{"a.example":"desktop","a.example":"desktop"},"HttpHeaders":{"X":"SECRET"}}',
        '{"credsStore":"desktop","x":["SECRET"],"X":"SECRET"}',
        '{"proxies":{"default":{"httpProxy":"http://me:SECRET@proxy:1"}}}',
    ],
)
def test_the_difference_shows_no_secret(owner: Machine, text: str) -> None:
    owner.config_file.write_text(text.replace("SECRET", _OTHER_SECRET))
    for arguments in (("--dry-run",), ("--yes",), ("--undo", "--dry-run"), ("--undo", "--yes")):
        done = _configure(owner, *arguments)
        assert _OTHER_SECRET not in done.stdout.decode() + done.stderr
        assert done.status == 0
    assert owner.config_file.read_text() == text.replace("SECRET", _OTHER_SECRET)


@pytest.mark.parametrize("value", ["~/.docker", "CONFIG", '{"auths": {}}'])
def test_docker_config_has_to_be_a_folder(owner: Machine, tmp_path: Path, value: str) -> None:
    variables = {"DOCKER_CONFIG": value.replace("CONFIG", str(owner.config_file))}
    done = owner.run("configure", "--yes", **variables)
    assert (done.status, len(done.codes)) == (1, 1)
    assert "DOCKER_CONFIG" in done.stderr
    assert owner.config_file.read_text() == _CONFIG


def test_podmans_remote_client_is_set_up_for_the_hosts_that_are_named(person: Machine) -> None:
    (person.programs / "podman").symlink_to("/bin/true")
    person.environment["CONTAINER_HOST"] = "ssh://podman@machine"
    person.write(".docker/config.json", {"credHelpers": {aws.EXAMPLE_HOST: "multi"}})
    person.write(
        ".config/docker-credential-multi/config.toml",
        '[[rule]]\nmatch = "mirror.example"\nalias = "gcr.io"\n',
    )
    assert _configure(person, "--yes").status == 0
    path = person.home / ".config/containers/auth.json"
    helpers = {aws.EXAMPLE_HOST: "multi", "mirror.example": "multi"}
    assert json.loads(path.read_text()) == {"credHelpers": helpers, "auths": {}}
    assert _configure(person, "--undo", "--yes").status == 0
    assert not path.exists()


# --- What it shows, and what it proposes ----------------------------------------------------------


def test_the_findings_on_the_machine_are_shown_first(owner: Machine) -> None:
    (owner.programs / "docker").symlink_to("/bin/true")
    key = {"AWS_ACCESS_KEY_ID": "AKIALOOPBACKEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hunter2"}
    said = owner.run("configure", "--dry-run", **key).stdout.decode()
    assert "clients     docker (~/.local/bin/docker)\n" in said
    named = "desktop for every registry, gcloud for gcr.io, pass for other.example.com"
    assert f"docker      ~/.docker/config.json names {named}\n" in said
    assert "ecr         environment: AWS_ACCESS_KEY_ID …MPLE\n" in said
    assert "hunter2" not in said


def test_after_a_no_at_the_prompt_no_file_is_written(owner: Machine) -> None:
    status, seen = owner.at_terminal("configure", answers=(("[y/N]", "n\n"),))
    assert status == 1
    assert "Write this? [y/N]" in seen
    assert owner.config_file.read_bytes() == _CONFIG.encode()
    status, seen = owner.at_terminal("configure", answers=(("[y/N]", "y\n"),))
    assert status == 0
    assert "\x1b[32m+" in seen
    assert owner.config_document["credsStore"] == "multi"


def test_a_program_that_clients_will_not_find_is_named(person: Machine) -> None:
    for path, is_named in ((str(person.programs), False), ("/nowhere", True)):
        done = person.run("configure", "--yes", "--docker-only", PATH=path)
        assert done.status == 0
        text = find("doctor.program-not-on-path").text
        assert (text in done.stdout.decode()) == is_named


def test_a_store_that_is_not_on_path_does_not_become_the_fallback(owner: Machine) -> None:
    (owner.programs / "docker-credential-desktop").unlink()
    assert b"docker-credential-desktop is not on PATH" in _configure(owner, "--yes").stdout
    assert not (owner.home / ".config").exists()


def test_a_fallback_that_is_set_already_stays(owner: Machine) -> None:
    path = owner.write(".config/docker-credential-multi/config.toml", 'fallback_helper = "pass"\n')
    said = _configure(owner, "--yes").stdout.decode()
    assert "remains the fallback_helper of ~/.config/docker-credential-multi/config.toml:1" in said
    assert path.read_text() == 'fallback_helper = "pass"\n'


def test_the_fallback_is_written_into_the_settings_in_use(owner: Machine, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('# mine\ncache = false\n[acr]\ntenant_id = "t"\n')
    owner.environment["DOCKER_CREDENTIAL_MULTI_CONFIG"] = str(path)
    _configure(owner, "--yes")
    shown = owner.run("config", "show", "--json").document
    fallback = next(s for s in shown["settings"] if s["name"] == "fallback_helper")
    assert (fallback["value"], fallback["origin"]) == ("desktop", f"{path}:1")
    # A line that is added since then stays after the undo.
    path.write_text(path.read_text() + 'audience = "a"\n')
    _configure(owner, "--undo", "--yes")
    assert path.read_text() == ('# mine\ncache = false\n[acr]\ntenant_id = "t"\naudience = "a"\n')


@pytest.mark.parametrize(
    ("registry", "key"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
        ("HTTPS://US-docker.pkg.dev/v2/", "us-docker.pkg.dev"),
        ("localhost:5000", "localhost:5000"),
        ("gcr.io:443", "gcr.io:443"),
    ],
)
def test_a_registry_is_named_as_docker_knows_it(person: Machine, registry: str, key: str) -> None:
    assert _configure(person, "--yes", "--registry", registry).status == 0
    config = person.config_document
    assert config == {"credHelpers": {key: "multi"}, "auths": {}}


@pytest.mark.parametrize("registry", ["", "http://gcr.io", "me@gcr.io", "gcr.io\n"])
def test_an_invalid_registry_is_refused(person: Machine, registry: str) -> None:
    done = _configure(person, "--yes", "--registry", registry)
    if registry.strip() == "gcr.io":
        assert done.status == 0  # a line end is not part of the host
        return
    assert done.status == 2
    assert not (person.home / ".docker").exists()


def test_docker_hub_is_named_as_podman_looks_it_up_too(person: Machine) -> None:
    person.scripts.program("podman", "")
    assert _configure(person, "--yes", "--registry", "docker.io").status == 0
    both = {"https://index.docker.io/v1/": "multi", "docker.io": "multi"}
    assert person.config_document == {"credHelpers": both, "auths": {}}


def test_a_single_registry_is_written_to_the_file_that_podman_reads(person: Machine) -> None:
    person.environment["REGISTRY_AUTH_FILE"] = str(person.home / "auth.json")
    _configure(person, "--yes", "--registry", "gcr.io")
    assert json.loads((person.home / "auth.json").read_text()) == {
        "credHelpers": {"gcr.io": "multi"},
        "auths": {},
    }
    _configure(person, "--undo", "--yes")
    assert not (person.home / "auth.json").exists()


def test_links_are_made_where_no_file_exists(person: Machine) -> None:
    taken = person.home / "bin/docker-credential-gcr"
    taken.parent.mkdir()
    taken.write_text("mine")
    done = _configure(person, "--yes", "--links", str(person.home / "bin"))
    assert "~/bin/docker-credential-gcr exists already: it is left as it is" in done.stdout.decode()
    assert "~/bin is not on PATH" in done.stdout.decode()
    links = [path for path in (person.home / "bin").iterdir() if path.is_symlink()]
    assert {path.resolve() for path in links} == {person.program.resolve()}
    assert len(links) == 5
    _configure(person, "--undo", "--yes")
    assert list((person.home / "bin").iterdir()) == [taken]


def test_after_a_change_that_fails_the_others_can_be_undone(owner: Machine) -> None:
    (owner.home / "file").touch()
    done = _configure(owner, "--yes", "--links", str(owner.home / "file/bin"))
    assert (done.status, done.codes) == (1, ["configure.link"])
    assert f"{owner.home}/file" in done.stderr
    _configure(owner, "--undo", "--yes")
    assert owner.config_file.read_bytes() == _CONFIG.encode()


@needs_mounts
@pytest.mark.parametrize(
    ("mount", "code"),
    [
        ("--bind {outside} {config}", "configure.mounted"),
        ("--bind -o ro {folder} {folder}", "configure.mounted-read-only"),
    ],
    ids=["one file", "for reading"],
)
def test_a_mounted_file_stays(owner: Machine, tmp_path: Path, mount: str, code: str) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(_CONFIG)
    config = owner.config_file
    script = f"mount {mount.format(outside=outside, config=config, folder=config.parent)}"
    command = mounted(script, str(owner.program), "configure", "--yes")
    done = Executable(owner.environment, command).run()
    assert (done.status, done.codes) == (1, [code])
    error, hint = done.stderr.splitlines()
    assert str(owner.config_file) in error
    assert hint.startswith("docker-credential-multi: hint: ")
    assert outside.read_text() == owner.config_file.read_text() == _CONFIG
    assert _configure(owner, "--undo", "--yes").status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--global", "--registry", "gcr.io"),
        ("--undo", "--global"),
        ("--undo", "--ci", "gitlab"),
        ("--ci", "github", "--registry", "gcr.io"),
        ("--undo", "--registry", "gcr.io"),
        ("--frobnicate",),
    ],
)
def test_contradictory_options_are_usage_errors(
    person: Machine, arguments: tuple[str, ...]
) -> None:
    done = _configure(person, "--yes", *arguments)
    assert (done.status, done.stdout) == (2, b"")
    assert "hint: docker-credential-multi configure --help" in done.stderr


# --- podman and its relatives ---------------------------------------------------------------------


def test_podman_without_a_helper_is_in_the_overview(person: Machine) -> None:
    (person.programs / "podman").symlink_to("/bin/true")
    person.write(".config/containers/registries.conf", "")  # nothing of the machine's is read
    said = person.run("configure", "--dry-run").stdout.decode()
    assert "podman      no registries.conf names a helper\n" in said


_DROP_IN = ".config/containers/registries.conf.d/99-docker-credential-multi.conf"


def test_the_helpers_that_podman_asked_before_come_first(person: Machine) -> None:
    (person.programs / "podman").symlink_to("/bin/true")
    person.write(".config/containers/registries.conf", 'credential-helpers = ["secretservice"]\n')
    # They look below HOME, whatever XDG_CONFIG_HOME is.
    person.environment["XDG_CONFIG_HOME"] = str(person.home / "elsewhere")
    _configure(person, "--yes")
    assert '["secretservice", "multi"]' in (person.home / _DROP_IN).read_text()
    assert b"nothing to do" in _configure(person, "--yes").stdout
    _configure(person, "--undo", "--yes")
    assert not (person.home / _DROP_IN).exists()


@needs_skopeo
@pytest.mark.parametrize(
    "arguments", [(), ("--registry", aws.EXAMPLE_HOST)], ids=["every registry", "one registry"]
)
def test_skopeo_asks_multi_afterwards(known: Machine, arguments: tuple[str, ...]) -> None:
    (known.programs / "skopeo").symlink_to(SKOPEO.program)
    known.environment["XDG_RUNTIME_DIR"] = str(known.home)
    assert _inspect(known).returncode != 0
    assert known.run("configure", "--yes", *arguments).status == 0
    inspected = _inspect(known)
    assert inspected.returncode == 0, inspected.stderr
    assert json.loads(inspected.stdout)["Digest"].startswith("sha256:")
    assert known.run("configure", "--undo", "--yes").status == 0
    assert _inspect(known).returncode != 0


def _inspect(person: Machine) -> subprocess.CompletedProcess[bytes]:
    command = [SKOPEO.program, "inspect", f"docker://{aws.EXAMPLE_HOST}/team/app:1"]
    return subprocess.run(
        command, env=person.environment, capture_output=True, timeout=90, check=False
    )
