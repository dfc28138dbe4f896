"""``config show``: the settings in force, and where each is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cred_helper.settings.settings import SETTINGS
from tests.support.machine import Machine, person

__all__ = ["person"]

_FILE = ".config/docker-credential-multi/config.toml"
_TOML = """\
# mine
deadline_s = 12
order = ["config", "cloud"]
cache = false

[acr]
audience = "https://containerregistry.azure.net"

[[rule]]
match = "*.dkr.ecr.*.amazonaws.com"
profile = "work"

[[rule]]
match = "mirror.example"
alias = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
"""


def _shown(person: Machine, **variables: str) -> dict[str, Any]:
    done = person.run("config", "show", "--json", **variables)
    assert (done.status, done.stderr) == (0, "")
    document: dict[str, Any] = done.document
    return document


def test_without_a_file_everything_is_a_default(person: Machine) -> None:
    document = _shown(person)
    assert [setting["name"] for setting in document["settings"]] == [s.name for s in SETTINGS]
    assert {setting["origin"] for setting in document["settings"]} == {None}
    assert (document["options"], document["rules"]) == ([], [])
    assert not any(file["read"] for file in document["files"] if str(person.home) in file["path"])
    assert all(setting["purpose"] for setting in document["settings"])
    alone = person.run("config")
    assert (alone.status, alone.stdout) == (0, person.run("config", "show").stdout)


def test_each_setting_has_the_place_where_it_is_written(person: Machine) -> None:
    path = person.write(_FILE, _TOML)
    document = _shown(person, DOCKER_CREDENTIAL_MULTI_CACHE="on")
    written = {
        setting["name"]: (setting["value"], setting["origin"])
        for setting in document["settings"]
        if setting["origin"]
    }
    assert written == {
        "deadline_s": (12.0, f"{path}:2"),
        "order": (["config", "cloud"], f"{path}:3"),
        "cache": (True, "DOCKER_CREDENTIAL_MULTI_CACHE"),
    }
    assert {"path": str(path), "read": True} in document["files"]


def test_options_and_rules_are_shown_with_their_lines(person: Machine) -> None:
    path = person.write(_FILE, _TOML)
    document = _shown(person, DOCKER_CREDENTIAL_MULTI_ECR_PROFILE="other")
    assert [(o["name"], o["value"], o["origin"]) for o in document["options"]] == [
        ("ecr.profile", "other", "DOCKER_CREDENTIAL_MULTI_ECR_PROFILE"),
        ("acr.audience", "https://containerregistry.azure.net", f"{path}:7"),
    ]
    assert document["rules"] == [
        {"match": "*.dkr.ecr.*.amazonaws.com", "origin": f"{path}:10", "profile": "work"},
        {
            "match": "mirror.example",
            "origin": f"{path}:14",
            "alias": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        },
    ]


def test_a_file_that_is_named_takes_the_place_of_both(person: Machine, tmp_path: Path) -> None:
    person.write(_FILE, _TOML)
    named = tmp_path / "named.toml"
    named.write_text("helper_timeout_s = 3\n")
    document = _shown(person, DOCKER_CREDENTIAL_MULTI_CONFIG=str(named))
    assert document["files"] == [{"path": str(named), "read": True}]
    assert not document["rules"]


def test_secrets_that_stand_where_names_belong_are_not_shown(person: Machine) -> None:
    token = "ghp_hunter2klmnopqrstuvwxyz0123456789"
    person.write(
        _FILE,
        f"""
fallback_helper = "{token}"
log = "/{token}"

[acr]
audience = "https://u:hunter2@x.example/"
client_id = "{token}"

[[rule]]
match = "https://u:hunter2@r.example.com"
helper = "{token}"
""",
    )
    for arguments in (["--json"], []):
        done = person.run("config", "show", *arguments)
        assert "hunter2" not in done.stdout.decode() + done.stderr
        assert "…@x.example" in done.stdout.decode().replace("\\u2026", "…")


def test_an_unknown_key_of_a_rule_is_a_warning(person: Machine) -> None:
    person.write(_FILE, '[[rule]]\nmatch = "r.example.com"\nprofil = "x"\n')
    done = person.run("config", "show")
    assert (done.status, done.codes) == (0, ["settings.unknown-option"])
    assert b"r.example.com" in done.stdout


def test_a_misspelt_variable_is_a_warning_with_the_name_that_was_meant(person: Machine) -> None:
    done = person.run("config", "show", "--json", **{**_READ, **_UNREAD})
    assert done.status == 0
    assert done.document["settings"]
    unread, misspelt = "doctor.variable-unread", "doctor.variable-misspelt"
    assert done.codes == [unread, misspelt, misspelt, unread, misspelt]
    assert f"{_PREFIX}\\x1b[31m " in done.stderr
    hints = [line for line in done.stderr.splitlines() if ": hint: " in line]
    meant = ("ACR_AUDIENCE", "DEADLINE_S", "CACHE")
    assert all(f"{_PREFIX}{name}?" in hint for name, hint in zip(meant, hints, strict=True))


_PREFIX = "DOCKER_CREDENTIAL_MULTI_"
_READ = {
    f"{_PREFIX}VISITED": "docker-credential-pass",
    f"{_PREFIX}UNDER_TEST": "x",
    f"{_PREFIX}CONFIG": "",
    f"{_PREFIX}RULES": "",
    f"{_PREFIX}LOG": "stderr",
    f"{_PREFIX}ECR_PROFILE": "x",
    f"_{_PREFIX}COMPLETE": "",
    f"{_PREFIX}EMPTY": "",
}
_UNREAD = {
    f"{_PREFIX}DEADLINE": "5",
    f"{_PREFIX}ACR_AUDIENCES": "hunter2",
    f"{_PREFIX}FROBNICATE": "1",
    f"{_PREFIX}\x1b[31m": "1",
    "docker_credential_multi_cache": "off",
}


def test_control_characters_from_a_file_are_written_out(person: Machine) -> None:
    rule = '[[rule]]\nmatch = "a.example"\nprofile = "\\u001b[31m"\n'
    done = person.run("config", "show", DOCKER_CREDENTIAL_MULTI_RULES=rule.replace("profile", "x"))
    assert "\x1b" not in done.stdout.decode() + done.stderr
    aws = rule.replace("a.example", "*.dkr.ecr.*.amazonaws.com")
    done = person.run("config", "show", DOCKER_CREDENTIAL_MULTI_RULES=aws)
    assert done.status == 0
    assert "  profile = \\x1b[31m" in done.stdout.decode()
    assert "\\u001b" in json.dumps(_shown(person, DOCKER_CREDENTIAL_MULTI_RULES=aws))
