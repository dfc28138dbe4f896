"""Settings: where each is written, its values, and the mistakes that are reported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cred_helper import clouds
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.server_url import ServerURL
from cred_helper.settings import settings as settings_module
from cred_helper.settings.rules import Rule
from cred_helper.settings.settings import (
    CONFIG,
    RULES,
    SETTINGS,
    Settings,
    machine_file,
    user_files,
)
from tests.support.executable import ROOT

_SECRET = "hunter2-hunter2"  # a value that no message may show


@pytest.fixture
def user_file(home: Path) -> Path:
    path = home / ".config/docker-credential-multi/config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of the whole machine, at a place where a test may write."""
    path = tmp_path / "etc/config.toml"
    path.parent.mkdir()
    monkeypatch.setattr(settings_module, "machine_file", lambda _: str(path))
    return path


def _load(home: Path, variable: str = "", text: str = "", **environ: str) -> Settings:
    """The settings of this home, and with this variable of ours."""
    named = {f"DOCKER_CREDENTIAL_MULTI_{variable.upper()}": text} if variable else {}
    return Settings.load({"HOME": str(home), **named, **environ})


def _mistakes(home: Path, **environ: str) -> list[CredentialError]:
    """All mistakes of the settings; none of them shows a value."""
    try:
        loaded = _load(home, **environ)
    except Misconfigured as error:
        found: list[CredentialError] = [error, *error.others]
    else:
        found = [mistake for rule in loaded.rules for mistake in rule.mistakes]
    assert _SECRET not in "".join(f"{error.reason}{error.hint}" for error in found)
    return found


def _wrong(home: Path, **environ: str) -> CredentialError:
    return _mistakes(home, **environ)[0]


def _line(error: CredentialError, place: object) -> int:
    """The line that a mistake is reported at."""
    before, _, _ = error.reason.removeprefix(f"{place}:").partition(": ")
    assert error.reason.startswith(f"{place}:")
    return int(before)


# --- Where a setting is written -------------------------------------------------------------------


def test_a_setting_says_where_it_was_written(home: Path, user_file: Path, machine: Path) -> None:
    user_file.write_text("# mine\ndeadline_s = 5\n")
    machine.write_text('deadline_s = 9\n\ncache = false\non_error = "anonymous"\n')
    settings = _load(home, DOCKER_CREDENTIAL_MULTI_ON_ERROR="fail")
    assert {s.name: settings.origin(s.name) for s in SETTINGS if settings.origin(s.name)} == {
        "deadline_s": f"{user_file}:2",
        "cache": f"{machine}:3",
        "on_error": "DOCKER_CREDENTIAL_MULTI_ON_ERROR",
    }
    assert (settings.deadline_s, settings.cache, settings.on_error) == (5.0, False, "fail")


def test_without_a_file_or_variable_every_setting_has_its_default(home: Path) -> None:
    settings = _load(home)
    assert {s.name: getattr(settings, s.name) for s in SETTINGS} == {
        "deadline_s": 30.0,
        "helper_timeout_s": 10.0,
        "on_error": "fail",
        "order": ("environment", "cloud", "config", "ci"),
        "disabled_providers": (),
        "store_for_clouds": "ignore",
        "fallback_helper": "",
        "cache": True,
        "cache_folder": "",
        "min_remaining_life": 0.0,
        "cache_keychain": "",
        "memo": True,
        "log": "",
        "log_format": "text",
    }
    assert (settings.rules, settings.files) == ((), ())


@pytest.mark.parametrize(
    ("name", "toml", "value", "text", "value_of_text"),
    [
        ("deadline_s", "5", 5.0, "7.5", 7.5),
        ("helper_timeout_s", "0.5", 0.5, "2", 2.0),
        ("on_error", '"anonymous"', "anonymous", "anonymous", "anonymous"),
        ("order", '["config", "cloud"]', ("config", "cloud"), "ci, config", ("ci", "config")),
        ("disabled_providers", '["gcr"]', ("gcr",), "acr ecr", ("acr", "ecr")),
        ("store_for_clouds", '"error"', "error", "error", "error"),
        ("cache", "false", False, "off", False),
        ("cache_folder", '"/srv/tokens"', "/srv/tokens", "/run/tokens", "/run/tokens"),
        ("min_remaining_life", "90", 90.0, "45m", 2700.0),
        ("min_remaining_life", '"2h"', 7200.0, "30s", 30.0),
        ("min_remaining_life", '"600"', 600.0, "0", 0.0),
    ],
)
def test_a_setting_is_read_from_the_variable_the_users_or_the_machines_file(
    home: Path,
    user_file: Path,
    machine: Path,
    name: str,
    toml: str,
    value: object,
    text: str,
    value_of_text: object,
) -> None:
    machine.write_text(f"{name} = {toml}\n")
    assert getattr(_load(home), name) == value
    user_file.write_text("")
    assert getattr(_load(home), name) == value
    assert getattr(_load(home, name, text), name) == value_of_text
    assert getattr(_load(home, name, ""), name) == value


def test_the_users_file_beats_the_machines(home: Path, user_file: Path, machine: Path) -> None:
    machine.write_text('deadline_s = 5\non_error = "anonymous"\n')
    user_file.write_text("deadline_s = 6\n")
    settings = _load(home)
    assert (settings.deadline_s, settings.on_error) == (6.0, "anonymous")
    assert settings.files == (str(user_file), str(machine))


def test_rules_are_tried_variables_first_then_the_users_then_the_machines(
    home: Path, user_file: Path, machine: Path
) -> None:
    rule = '[[rule]]\nmatch = "{}"\nhelper = "{}"\n'
    machine.write_text(rule.format("**", "machine"))
    user_file.write_text(rule.format("*.b.test", "user-1") + rule.format("*.c.test", "user-2"))
    settings = _load(home, **{RULES: 'rule = [{match = "x.b.test", helper = "variable"}]'})

    def helper_for(host: str) -> str | None:
        rule = settings.rule(ServerURL.parse(host))
        return rule.helper if rule else None

    assert helper_for("x.b.test") == "variable"
    assert helper_for("y.b.test") == "user-1"
    assert helper_for("y.c.test") == "user-2"
    assert helper_for("y.d.test") == "machine"
    assert helper_for("y.d.test:5000") is None


def test_a_named_file_replaces_all_others(
    home: Path, user_file: Path, machine: Path, tmp_path: Path
) -> None:
    machine.write_text("deadline_s = 5\n")
    user_file.write_text('on_error = "anonymous"\n')
    named = tmp_path / "named.toml"
    named.write_text("cache = false\n")
    settings = _load(home, **{CONFIG: str(named)})
    assert (settings.deadline_s, settings.on_error, settings.cache) == (30.0, "fail", False)
    assert settings.files == (str(named),)
    (home / "named.toml").write_text("deadline_s = 7\n")
    assert _load(home, **{CONFIG: "~/named.toml"}).deadline_s == 7


def test_a_named_file_that_is_missing_and_a_folder_are_errors(home: Path, user_file: Path) -> None:
    for value in (str(home / "missing.toml"), _SECRET):
        assert _wrong(home, **{CONFIG: value}).code == "settings.missing-file"
    user_file.mkdir()
    assert _wrong(home).code == "settings.cannot-read"


def test_the_users_folder_is_xdg_config_home_if_absolute(home: Path, tmp_path: Path) -> None:
    moved = tmp_path / "xdg"
    (moved / "docker-credential-multi").mkdir(parents=True)
    (moved / "docker-credential-multi/config.toml").write_text("deadline_s = 3\n")
    assert _load(home, XDG_CONFIG_HOME=str(moved)).deadline_s == 3
    assert _load(home, XDG_CONFIG_HOME="xdg").deadline_s == 30


def test_each_platform_has_its_usual_settings_folder() -> None:
    file = "docker-credential-multi/config.toml"
    home = f"/h/.config/{file}"
    windows = {"HOME": "/h", "APPDATA": "C:/Roaming", "PROGRAMDATA": "C:/Data"}
    for platform, environ, files, machine_wide in (
        ("linux", {"HOME": "/h"}, (home,), f"/etc/{file}"),
        (
            *("darwin", {"HOME": "/h"}),
            *((home, f"/h/Library/Application Support/{file}"), f"/etc/{file}"),
        ),
        ("win32", windows, (f"C:/Roaming/{file}", home), f"C:/Data/{file}"),
    ):
        assert user_files(environ, platform) == files
        assert machine_file(environ, platform) == machine_wide


def test_an_unreadable_home_folder_counts_as_one_without_settings(tmp_path: Path) -> None:
    # A file in the place of a folder is refused to root as well, which the mode of a folder is not.
    (tmp_path / "file").write_text("")
    assert _load(tmp_path / "file").files == ()


def test_without_a_file_nothing_is_loaded_to_read_one(home: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from cred_helper.settings.settings import Settings\n"
        "Settings.load({'HOME': sys.argv[2], 'DOCKER_CREDENTIAL_MULTI_ORDER': 'cloud'})\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(ROOT), str(home)]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert "cred_helper.settings.settings" in loaded
    assert not {"tomllib", "re", "difflib", "cred_helper.settings.rules", "typing"} & set(loaded)


# --- Mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("deadline_s", ("soon", "0", "-1", "nan", "1e9", "1" * 5000)),
        ("on_error", ("ignore",)),
        ("order", ("cloud,clouds",)),
        ("disabled_providers", ("aws",)),
        ("store_for_clouds", ("keep",)),
        ("cache", ("perhaps",)),
        ("cache_folder", ("tokens",)),
        ("min_remaining_life", ("m", "-1m", "1.5h", "13h", "1d")),
    ],
)
def test_an_invalid_variable_is_named(home: Path, name: str, texts: tuple[str, ...]) -> None:
    variable = f"DOCKER_CREDENTIAL_MULTI_{name.upper()}"
    for text in texts:
        error = _wrong(home, **{variable: text})
        assert error.code == "settings.invalid-variable", text
        assert variable in error.reason
        assert variable in (error.hint or "")


_A = '[[rule]]\nmatch = "a"\n'
_SETTING, _OPTION = "settings.unknown-setting", "settings.unknown-option"
_VALUE, _WORD = "settings.invalid-value", "settings.invalid-word"


@pytest.mark.parametrize(
    ("toml", "line", "code", "suggestion"),
    [
        ("deadlin_s = 3", 1, _SETTING, "deadline_s"),
        ("\n\n# x\ndeadline = 3", 4, _SETTING, "deadline_s"),
        ('[[rules]]\nmatch = "a"', 1, _SETTING, "rule"),
        ("[aws]\nx = 1", 1, _SETTING, ", ".join((*clouds.NAMES, "rule"))),
        *(
            (toml, 1, _VALUE, None)
            for toml in (
                *('deadline_s = "3"', "deadline_s = true", "deadline_s = nan", "cache = 1"),
                *('cache = "off"', 'order = "cloud"', "order = [[]]"),
            )
        ),
        ("ecr = 1", 1, "settings.not-table", "[ecr]"),
        ("\n[ecr]\nprofile = 1", 3, "settings.invalid-option", "profile = "),
        ('[ecr]\nprofil = "x"', 2, _OPTION, "profile"),
        ('[gcr]\nprofile = "x"', 2, _OPTION, "credentials_file"),
        ('[acr]\nwhatever = "x"', 2, _OPTION, "tenant_id"),
        ("rule = 1", 1, "settings.rules-not-tables", "[[rule]]"),
        ("[rule]\nx = 1", 1, "settings.rules-not-tables", "[[rule]]"),
        ("rule = [1]", 1, "settings.rules-not-tables", "[[rule]]"),
        ('[[rule]]\nhelper = "a"', 1, "settings.rule-without-match", "match = "),
        ('[[rule]]\nmatsch = "a"', 2, "settings.rule-without-match", "match"),
        ('[[rule]]\nhelper = "a"\nmtch = "a"', 3, "settings.rule-without-match", "match"),
        (f'{_A}answer = "anon"', 3, _WORD, "anonymous"),
        ("[[rule]]\nmatch = 1", 2, "settings.not-text", "match = "),
        ('[[rule]]\nmatch = ""', 2, "settings.not-text", "match = "),
        ('[[rule]]\nmatch = "a.**"\nhelper = "x"', 2, "settings.pattern-stars", None),
        (_A, 2, "settings.empty-rule", "provider"),
        (f'{_A}helper = "x"\n[[rule]]\nmatch = "b"\nanswer = "never"', 6, _WORD, None),
        (f'{_A}provider = "gce"', 3, _WORD, None),
        (f'{_A}helper = "docker-credential-pass"', 3, "settings.helper-name", "pass"),
        (f'{_A}helper = "../pass"', 3, "settings.helper-name", "pass"),
        (f'{_A}helper = "pass"\nanswer = "none"', 4, "settings.rule-conflict", None),
        (f'{_A}helper = "pass"\nprofile = "work"', 4, "settings.rule-conflict", None),
        (
            f'{_A}alias = "registry.example.com"',
            *(3, "settings.alias-unknown", clouds.CLOUDS[0].example_host),
        ),
        (f'{_A}alias = "gcr.io"\nprovider = "ecr"', 4, "settings.alias-provider", None),
        (f"{_A}min_remaining_life = '1d'", 3, _VALUE, None),
        (f"{_A}min_remaining_life = true", 3, _VALUE, None),
        (f"{_A}profile = [1]", 3, "settings.invalid-option", "profile = "),
        (
            f'{_A}provider = "environment"\nprofile = "x"',
            *(4, "settings.unknown-rule-key", "match, provider, helper, answer, alias, list"),
        ),
        (f'{_A}alias = "gcr.io"\nprofile = "x"', 4, _OPTION, "credentials_file"),
        (f'{_A}provider = "ecr"\nhlper = "pass"', 4, _OPTION, "helper"),
        ('[[rule]]\nmatch = "gcr.io"\nlist = 1', 3, "settings.not-switch", "list = "),
        ('[[rule]]\nmatch = "*.gcr.io"\nlist = true', 3, "settings.list-pattern", None),
        ('[[rule]]\nmatch = "a.test"\nlist = true', 3, "settings.list-provider", None),
        *(
            (toml, line, "settings.not-toml", None)
            for toml, line in (
                *(("a = 1\nb = \nc = 3", 2), (f"a = {_SECRET}", 1), (f'a = "{_SECRET}', 1)),
                *((f"{_SECRET} = 1\n{_SECRET} = 2", 2), ("a = [\n1,\n", 3)),
                (f'x = {{ "{_SECRET}" = 1, "{_SECRET}" = 1 }}', 1),
                ("x = 1979-99-99T07:32:00Z", 1),
            )
        ),
        (f'"{_SECRET} {_SECRET}" = 1', 1, _SETTING, None),
        # Dotted keys.
        ("cache = true\n\nx.dedline = 1", 3, _SETTING, None),
        ("cache = true\n[x.dedline]", 2, _SETTING, None),
        ("cache = true\n[x]\ny = 1", 2, _SETTING, None),
        ('cache = true\n\n[ecr]\n[acr]\n"x" = "1"', 5, _OPTION, None),
        ('cache = true\n\necr.profil = "x"\n', 3, _OPTION, None),
    ],
)
def test_a_mistake_in_a_file_is_reported_by_file_and_line(
    home: Path, user_file: Path, toml: str, line: int, code: str, suggestion: str | None
) -> None:
    user_file.write_text(toml)
    error = _wrong(home)
    assert (error.code, _line(error, user_file)) == (code, line)
    assert (suggestion or "") in (error.hint or "")
    variable = _wrong(home / "elsewhere", **{RULES: toml})
    assert (variable.code, _line(variable, RULES)) == (code, line)


def test_all_mistakes_are_reported_at_once(home: Path, user_file: Path, machine: Path) -> None:
    user_file.write_text('deadlin_s = 3\ncache = "on"\n[ecr]\nprofil = "x"\n[acr]\nx = 1\n')
    machine.write_text("order = 1\n")
    found = _mistakes(home, DOCKER_CREDENTIAL_MULTI_LOG="log")
    assert [error.code for error in found] == [
        "settings.unknown-setting",
        "settings.unknown-option",
        "settings.unknown-option",
        "settings.invalid-value",
        "settings.invalid-value",
        "settings.invalid-variable",
    ]


def test_all_mistakes_of_a_rule_are_reported(home: Path, user_file: Path) -> None:
    user_file.write_text(
        '[[rule]]\nmatch = "a.**"\nprovider = "gce"\nalias = "b.test"\nprofil = "x"\n'
    )
    assert [error.code for error in _mistakes(home)] == [
        "settings.invalid-word",
        "settings.pattern-stars",
        "settings.alias-unknown",
        "settings.unknown-option",
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_read(home: Path, user_file: Path) -> None:
    user_file.write_bytes(b"\xef\xbb\xbfdeadline_s = 3\r\ncache = false\r\n")
    assert (_load(home).deadline_s, _load(home).cache) == (3, False)
    user_file.write_bytes(b"\xef\xbb\xbfdeadline_s = 3\r\ncach = false\r\n")
    error = _wrong(home)
    assert (error.code, _line(error, user_file)) == ("settings.unknown-setting", 2)


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        (b"# \xff\n", "settings.not-utf", ":1: "),
        (b"a = 1\n# \xc3(\n", "settings.not-utf", ":2: "),
        (b"x" * ((1 << 20) + 1), "settings.too-long", " "),
        (b"a = 1\n" + b"a." * 100_000 + b"b = 1", "settings.deep-key", ":2: "),
        (b"x = " + b"[" * 100_000, "settings.too-deep", ": "),
        (b"deadline_s = " + b"1" * 5000, "settings.number-too-long", ": "),
    ],
)
def test_a_bad_file_is_reported(
    home: Path, user_file: Path, content: bytes, code: str, place: str
) -> None:
    user_file.write_bytes(content)
    error = _wrong(home)
    assert error.code == code
    assert error.reason.startswith(f"{user_file}{place}")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_without_a_writer_is_not_waited_for(home: Path, user_file: Path) -> None:
    os.mkfifo(user_file)
    assert _load(home).files == (str(user_file),)


# --- Options of providers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "toml",
    [
        '[ecr]\nprofile = "work"',
        '[[rule]]\nmatch = "*.dkr.ecr.*.amazonaws.com"\nprofile = "work"\nprovider = "ecr"',
        '[[rule]]\nmatch = "docker.io"\nalias = "gcr.io"\ncredentials_file = "key.json"',
        '[[rule]]\nmatch = "gcr.io"\nlist = true',
        '[[rule]]\nmatch = "a.test:5000"\nalias = "gcr.io"\nlist = true',
    ],
)
def test_options_of_the_answering_cloud_are_taken(home: Path, user_file: Path, toml: str) -> None:
    user_file.write_text(toml)
    assert _mistakes(home) == []


def test_an_option_is_taken_from_the_rule_or_a_variable_or_the_stronger_table(
    home: Path, user_file: Path, machine: Path
) -> None:
    machine.write_text('[ecr]\nprofile = "machine"\nrole_arn = "machine"\n')
    user_file.write_text(
        '[ecr]\nprofile = "user"\n[[rule]]\nmatch = "a"\nprovider = "ecr"\nprofile = "rule"\n'
    )
    environ = {"DOCKER_CREDENTIAL_MULTI_ECR_PROFILE": "variable", "HOME": str(home)}
    settings = _load(home)
    ecr, gcr = clouds.find("ecr"), clouds.find("gcr")
    assert settings.options(ecr, None, {}) == {"profile": "user", "role_arn": "machine"}
    assert settings.options(ecr, None, environ)["profile"] == "variable"
    assert settings.options(ecr, settings.rules[0], environ)["profile"] == "rule"
    assert settings.options(gcr, None, environ) == {}


def test_the_strongest_place_that_sets_an_option_of_a_group_replaces_the_group(
    home: Path, user_file: Path, machine: Path
) -> None:
    machine.write_text('[acr]\nclient_id = "m"\naudience = "m"\n')
    user_file.write_text(
        '[acr]\ntenant_id = "u"\n[[rule]]\nmatch = "a"\nprovider = "acr"\nresource_id = "r"\n'
    )
    settings = _load(home)

    def options(rule: Rule | None, **environ: str) -> dict[str, str]:
        return settings.options(clouds.find("acr"), rule, environ)

    rest = {"tenant_id": "u", "audience": "m"}
    assert options(None) == {**rest, "client_id": "m"}
    assert options(settings.rules[0]) == {**rest, "resource_id": "r"}
    variable = {"DOCKER_CREDENTIAL_MULTI_ACR_OBJECT_ID": "v"}
    assert options(None, **variable) == {**rest, "object_id": "v"}
    assert options(settings.rules[0], **variable) == {**rest, "resource_id": "r"}


def test_a_path_is_relative_to_its_file_and_a_tilde_is_home(home: Path, user_file: Path) -> None:
    user_file.write_text(
        '[gcr]\ncredentials_file = "~/key.json"\n[ecr]\nprofile = "~/x"\n'
        "[acr]\nidentity_token = true\n"
        '[[rule]]\nmatch = "gcr.io"\ncredentials_file = "b.json"\n'
        '[[rule]]\nmatch = "eu.gcr.io"\ncredentials_file = "/c.json"\n'
    )
    settings = _load(home)
    tables = {name: options.values for name, options in settings.option_tables}
    assert tables == {
        "gcr": {"credentials_file": f"{home}/key.json"},
        "ecr": {"profile": "~/x"},
        "acr": {"identity_token": "true"},
    }
    assert [rule.options.values["credentials_file"] for rule in settings.rules] == [
        f"{user_file.parent}/b.json",
        "/c.json",
    ]


def test_a_path_in_the_variable_with_rules_stays_relative(home: Path) -> None:
    settings = _load(home, **{RULES: '[gcr]\ncredentials_file = "key.json"'})
    assert settings.option_tables[0][1].values == {"credentials_file": "key.json"}
    assert settings.files == ()


@pytest.mark.skipif(sys.platform == "win32", reason="the home folder is HOME elsewhere")
def test_a_folder_may_begin_in_the_home_folder(home: Path) -> None:
    assert _load(home, "cache_folder", "~/tokens").cache_folder == f"{home}/tokens"
