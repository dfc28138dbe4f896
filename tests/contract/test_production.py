"""The statements of the page "In production": exit statuses, schemas, precedence, removal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cred_helper import clouds
from cred_helper.cli import VERBS
from cred_helper.commands.configure.ci import REPOSITORY
from cred_helper.providers.common.trust import CA_VARIABLES, CaFile
from tests.clouds.aws import EXAMPLE_HOST
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME
from tests.support import schemas
from tests.support.executable import PROGRAM, ROOT, Completed
from tests.support.machine import Machine, person

__all__ = ["person"]

_PAGE = (ROOT / "packaging/docs/production.md").read_text("utf-8")
_LOGIN = {"ServerURL": PRIVATE_HOST, "Username": USERNAME, "Secret": PASSWORD}


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", _PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def _rows(title: str) -> list[list[str]]:
    lines = [line for line in _section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _stored(person: Machine) -> Machine:
    assert person.run("store", stdin=json.dumps(_LOGIN)).status == 0
    return person


def _damaged(person: Machine) -> Machine:
    person.write(".docker/config.json", "{")
    return person


def _kubelet(person: Machine, host: str) -> Completed:
    request = {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": f"{host}/team/app",
    }
    return person.run("kubelet", stdin=json.dumps(request), AWS_EC2_METADATA_DISABLED="true")


def _command(words: str, variables: dict[str, str], person: Machine) -> Completed:
    return person.run(*words.split(), **variables)


_MISTAKE = {"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "soon"}
_LOG_IN = ("login", "--unchecked", "--username", USERNAME, "--password-stdin", PRIVATE_HOST)
# How each cell of the table comes about.
_CALLS: dict[tuple[str, int], Callable[[Machine], Completed]] = {
    ("get", 0): lambda person: _stored(person).run("get", stdin=PRIVATE_HOST),
    ("get", 1): lambda person: person.run("get", stdin=EXAMPLE_HOST),
    ("store", 0): lambda person: person.run("store", stdin=json.dumps(_LOGIN)),
    ("store", 1): lambda person: person.run("store", stdin="{}"),
    ("erase", 0): lambda person: person.run("erase", stdin=PRIVATE_HOST),
    ("erase", 1): lambda person: _damaged(person).run("erase", stdin=PRIVATE_HOST),
    ("list", 0): lambda person: person.run("list", **_MISTAKE),
    ("version", 0): lambda person: person.run("version", **_MISTAKE),
    ("another verb, or none", 1): lambda person: person.run("unknown"),
    ("bazel get", 0): lambda person: _stored(person).headers(f"https://{PRIVATE_HOST}"),
    ("bazel get", 1): lambda person: person.headers(f"http://{PRIVATE_HOST}"),
    ("kubelet", 0): lambda person: _kubelet(person, PRIVATE_HOST),
    ("kubelet", 1): lambda person: _kubelet(person, EXAMPLE_HOST),
    ("explain HOST", 0): lambda person: person.run("explain", "missing.example"),
    ("explain HOST", 1): lambda person: person.run("explain", "missing.example", **_MISTAKE),
    ("explain --check HOST", 0): lambda p: _stored(p).run("explain", "--check", PRIVATE_HOST),
    ("explain --check HOST", 1): lambda p: p.run("explain", "--check", "missing.example"),
    ("token HOST", 0): lambda person: _stored(person).run("token", PRIVATE_HOST),
    ("token HOST", 1): lambda person: person.run("token", "missing.example"),
    ("doctor", 0): lambda person: person.run("doctor"),
    ("doctor", 1): lambda person: person.run("doctor", REQUESTS_CA_BUNDLE="/missing"),
    ("self-check", 0): lambda person: person.run("self-check"),
    ("self-check", 1): lambda person: person.run("self-check", SSL_CERT_FILE="/missing"),
    ("login HOST", 0): lambda person: person.run(*_LOG_IN, stdin=PASSWORD),
    ("login HOST", 1): lambda person: _damaged(person).run(*_LOG_IN, stdin=PASSWORD),
    ("logout HOST", 0): lambda person: person.run("logout", PRIVATE_HOST),
    ("logout HOST", 1): lambda person: _damaged(person).run("logout", PRIVATE_HOST),
    ("configure", 0): lambda person: person.run("configure", "--docker-only", "--yes"),
    ("configure", 1): lambda person: person.run("configure", "--docker-only"),
    ("kubelet-config", 0): lambda person: person.run("kubelet-config"),
    ("kubelet-config", 1): lambda p: p.run("kubelet-config", "--install", str(p.home)),
    **{
        (words, status): partial(_command, words, mistake)
        for words in ("config show", "cache list", "cache clear", "providers")
        for status, mistake in ((0, {}), (1, _MISTAKE))
    },
    ("completion SHELL", 0): lambda person: person.run("completion", "bash", **_MISTAKE),
}


def test_every_exit_status_is_as_the_table_has_it(person: Machine) -> None:
    named = {
        (call, status)
        for calls, *cells in _rows("Exit statuses")
        for call in re.findall(r"`([^`]+)`", calls) or [calls]
        for status, cell in enumerate(cells)
        if cell
    }
    assert named == {*_CALLS}
    for (call, status), run in _CALLS.items():
        person.config_file.unlink(missing_ok=True)
        done = run(person)
        assert done.status == status, (call, done)
        person.erase(PRIVATE_HOST)
        if status and call in ("bazel get", "kubelet"):
            assert (done.stdout, bool(done.stderr)) == (b"", True)
        elif status and (call in VERBS or " verb" in call):
            assert done.stdout.strip()
    assert person.run("explain").status == 2


def test_every_schema_is_listed_and_is_the_one_of_its_command() -> None:
    listed = {
        command: schema
        for outputs, link in _rows("JSON")
        for command in outputs.split(", ")
        for schema in re.findall(r"\[([\w-]+)\.json\]\(schemas/\1\.json\)", link)
    }
    commands = {f"`{' '.join(words)} --json`": name for words, name in schemas.OF_COMMAND.items()}
    assert listed == {**commands, "a line of the log": schemas.LOG}
    assert {path.stem for path in schemas.FOLDER.iterdir()} == {*listed.values()}
    for path in schemas.FOLDER.iterdir():
        released = f"releases/latest/download/{PROGRAM}-schema-{path.name}"
        address = f"https://github.com/{REPOSITORY}/{released}"
        assert json.loads(path.read_text("utf-8"))["$id"] == address


def test_the_line_of_the_log_is_as_its_schema_has_it() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", _section("The log"), re.DOTALL)
    schemas.check(schemas.LOG, json.loads(example))


def test_the_precedence_of_settings_and_options_is_as_the_table_has_it(person: Machine) -> None:
    person.write(
        ".config/docker-credential-multi/config.toml",
        'deadline_s = 7\n[dockerhub]\nexpires_in = 400\nusername = "table"\n',
    )
    strongest_last = [
        ({}, "7", "400"),
        ({"DOCKERHUB_OIDC_EXPIREIN": "500", "DOCKERHUB_OIDC_CONNECTIONID": "x"}, "7", "500"),
        ({"DOCKER_CREDENTIAL_MULTI_DOCKERHUB_EXPIRES_IN": "600"}, "7", "600"),
        ({"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "8"}, "8", "600"),
        ({"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": ""}, "7", "600"),
    ]
    for variables, deadline, expires_in in strongest_last:
        person.use(variables)
        document = person.run("config", "show", "--json").document
        rows = {row["name"]: row["value"] for row in (*document["settings"], *document["options"])}
        assert f"{rows['deadline_s']:g}" == deadline
        assert rows["dockerhub.expires_in"] == expires_in


def test_the_variables_for_certificates_are_tried_in_the_order_of_the_table() -> None:
    named = re.findall(r"`(\w+)`", _rows("Certificates")[0][1])
    assert tuple(named) == CA_VARIABLES
    for at, name in enumerate(named):
        found = CaFile.of({later: f"/{later}" for later in named[at:]})
        assert found is not None
        assert found.named_by == name


def test_every_cloud_has_a_row_of_permissions() -> None:
    titles = [row[0] for row in _rows("Permissions")]
    for cloud in clouds.CLOUDS:
        assert any(cloud.title.startswith(title.split()[0]) for title in titles), cloud.title


def test_the_documented_removal_leaves_no_file(person: Machine) -> None:
    person.write(".docker/config.json", {"auths": {}})
    person.run("configure", "--docker-only", "--yes")
    _stored(person)
    (script,) = re.findall(r"```sh\n(.*?)```", _section("Remove it"), re.DOTALL)
    for line in script.splitlines():
        words = line.split()
        assert words[0] == PROGRAM
        done = person.run(*words[1:])
        assert done.status == 0, done
    assert list(done.document) == [PRIVATE_HOST]
    assert person.config_document == {"auths": {}}
    assert person.run("erase", stdin=PRIVATE_HOST).status == 0
    left = {path.relative_to(person.home) for path in person.home.rglob("*") if path.is_file()}
    folders = re.findall(r"`~/([^`]+)`", _section("Remove it"))
    program = person.program.relative_to(person.home)
    for path in left - {Path(".docker/config.json"), program}:
        assert any(path.is_relative_to(folder) for folder in folders), path
