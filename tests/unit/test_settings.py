"""Settings: where each comes from, what each may be, and what is said of one that may not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cred_helper import clouds
from cred_helper.errors import Misconfigured
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

_SECRET = "hunter2-hunter2"  # what must not come out again
_SECONDS = "a number of seconds, more than 0 and up to 3600"


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


def _load(home: Path, **environ: str) -> Settings:
    return Settings.load({"HOME": str(home), **environ})


def _wrong(home: Path, **environ: str) -> Misconfigured:
    with pytest.raises(Misconfigured) as raised:
        _load(home, **environ)
    assert _SECRET not in f"{raised.value.reason}{raised.value.hint}"
    return raised.value


# --- Where a setting comes from -------------------------------------------------------------------


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
        "cache_keychain": "",
        "log": "",
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
    ],
)
def test_a_setting_is_the_variables_or_the_users_or_the_machines(
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
    variable = f"DOCKER_CREDENTIAL_MULTI_{name.upper()}"
    assert getattr(_load(home, **{variable: text}), name) == value_of_text
    assert getattr(_load(home, **{variable: ""}), name) == value


def test_the_users_file_beats_the_machines_setting_by_setting(
    home: Path, user_file: Path, machine: Path
) -> None:
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


def test_a_named_file_takes_the_place_of_the_others(
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


def test_a_named_file_that_is_not_there_is_said(home: Path) -> None:
    error = _wrong(home, **{CONFIG: str(home / "missing.toml")})
    assert error.reason == f"{home}/missing.toml does not exist"
    assert error.hint == f"{CONFIG} names it"


def test_the_users_folder_is_xdgs_when_it_is_absolute(home: Path, tmp_path: Path) -> None:
    moved = tmp_path / "xdg"
    (moved / "docker-credential-multi").mkdir(parents=True)
    (moved / "docker-credential-multi/config.toml").write_text("deadline_s = 3\n")
    assert _load(home, XDG_CONFIG_HOME=str(moved)).deadline_s == 3
    assert _load(home, XDG_CONFIG_HOME="xdg").deadline_s == 30


@pytest.mark.parametrize(
    ("platform", "environ", "files", "machine_wide"),
    [
        (
            "linux",
            {"HOME": "/h"},
            ("/h/.config/docker-credential-multi/config.toml",),
            "/etc/docker-credential-multi/config.toml",
        ),
        (
            "darwin",
            {"HOME": "/h"},
            (
                "/h/.config/docker-credential-multi/config.toml",
                "/h/Library/Application Support/docker-credential-multi/config.toml",
            ),
            "/etc/docker-credential-multi/config.toml",
        ),
        (
            "win32",
            {"HOME": "/h", "APPDATA": "C:/Roaming", "PROGRAMDATA": "C:/Data"},
            (
                "C:/Roaming/docker-credential-multi/config.toml",
                "/h/.config/docker-credential-multi/config.toml",
            ),
            "C:/Data/docker-credential-multi/config.toml",
        ),
    ],
)
def test_each_platform_keeps_settings_where_its_people_look(
    platform: str, environ: dict[str, str], files: tuple[str, ...], machine_wide: str
) -> None:
    assert user_files(environ, platform) == files
    assert machine_file(environ, platform) == machine_wide


def test_a_home_folder_that_may_not_be_looked_into_has_no_settings(tmp_path: Path) -> None:
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


# --- What is said of what is wrong ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("deadline_s", "soon", _SECONDS),
        ("deadline_s", "0", _SECONDS),
        ("deadline_s", "-1", _SECONDS),
        ("deadline_s", "nan", _SECONDS),
        ("deadline_s", "1e9", _SECONDS),
        ("on_error", "ignore", "fail or anonymous"),
        ("order", "cloud,clouds", "a list of environment, cloud, config, ci"),
        ("disabled_providers", "aws", "a list of ecr, gcr, acr, environment"),
        ("store_for_clouds", "keep", "ignore or error"),
        ("cache", "perhaps", "on or off (true or false in a file)"),
        ("cache_folder", "tokens", "the absolute path of a folder (~/ is the home folder)"),
    ],
)
def test_a_variable_that_is_wrong_is_named(home: Path, name: str, text: str, words: str) -> None:
    variable = f"DOCKER_CREDENTIAL_MULTI_{name.upper()}"
    error = _wrong(home, **{variable: text})
    assert error.reason == f"{variable} is not {words}"
    assert error.hint == f"set {variable} to {words}, or unset it"


@pytest.mark.parametrize(
    ("toml", "line", "reason", "hint"),
    [
        ("deadlin_s = 3", 1, "unknown setting 'deadlin_s'", "did you mean deadline_s?"),
        ("\n\n# x\ndeadline = 3", 4, "unknown setting 'deadline'", "did you mean deadline_s?"),
        ('[[rules]]\nmatch = "a"', 1, "unknown setting 'rules'", "did you mean rule?"),
        (
            "[aws]\nx = 1",
            1,
            "unknown setting 'aws'",
            f"known here: {', '.join(s.name for s in SETTINGS)}, ecr, gcr, acr, rule",
        ),
        ('deadline_s = "3"', 1, f"deadline_s is not {_SECONDS}", None),
        ("deadline_s = true", 1, f"deadline_s is not {_SECONDS}", None),
        ("deadline_s = nan", 1, f"deadline_s is not {_SECONDS}", None),
        ("cache = 1", 1, "cache is not on or off (true or false in a file)", None),
        ('cache = "off"', 1, "cache is not on or off (true or false in a file)", None),
        ('order = "cloud"', 1, "order is not a list of environment, cloud, config, ci", None),
        ("order = [[]]", 1, "order is not a list of environment, cloud, config, ci", None),
        ("ecr = 1", 1, "ecr is not a table", "write [ecr] above its options"),
        ("\n[ecr]\na = 1", 3, "a is not a text or true or false", 'write a = "…"'),
        ("rule = 1", 1, "rule is not a list of tables", "write [[rule]] above each"),
        ("[rule]\nx = 1", 1, "rule is not a list of tables", "write [[rule]] above each"),
        ("rule = [1]", 1, "rule is not a list of tables", "write [[rule]] above each"),
        ('[[rule]]\nhelper = "a"', 1, "a rule without match", 'write match = "a host"'),
        ('[[rule]]\nmatsch = "a"', 2, "a rule without match", "did you mean match?"),
        ('[[rule]]\nhelper = "a"\nmtch = "a"', 3, "a rule without match", "did you mean match?"),
        (
            '[[rule]]\nmatch = "a"\nanswer = "anon"',
            3,
            "answer is not anonymous or none",
            "did you mean anonymous?",
        ),
        ("[[rule]]\nmatch = 1", 2, "match is not a text", 'write match = "…"'),
        ('[[rule]]\nmatch = ""', 2, "match is not a text", 'write match = "…"'),
        (
            '[[rule]]\nmatch = "a.**"\nhelper = "x"',
            2,
            "match is no pattern: ** stands for labels at the beginning of a host only",
            None,
        ),
        (
            '[[rule]]\nmatch = "a"',
            2,
            "the rule says nothing but match",
            "give it provider, helper, answer, alias, or an option of its provider",
        ),
        (
            '[[rule]]\nmatch = "a"\nhelper = "x"\n[[rule]]\nmatch = "b"\nanswer = "nobody"',
            6,
            "answer is not anonymous or none",
            None,
        ),
        (
            '[[rule]]\nmatch = "a"\nprovider = "gce"',
            3,
            "provider is not ecr, gcr, acr, environment or none",
            None,
        ),
        (
            '[[rule]]\nmatch = "a"\nhelper = "docker-credential-pass"',
            3,
            "helper is not the name of a helper",
            "docker-credential-pass is written pass, and found on PATH",
        ),
        (
            '[[rule]]\nmatch = "a"\nhelper = "../pass"',
            3,
            "helper is not the name of a helper",
            "docker-credential-pass is written pass, and found on PATH",
        ),
        (
            '[[rule]]\nmatch = "a"\nhelper = "pass"\nanswer = "none"',
            4,
            "answer says nothing beside helper",
            None,
        ),
        (
            '[[rule]]\nmatch = "a"\nhelper = "pass"\nprofile = "work"',
            4,
            "profile says nothing beside helper",
            None,
        ),
        (
            '[[rule]]\nmatch = "a"\nalias = "registry.example.com"',
            3,
            "alias is no registry of a built-in provider",
            "an alias names the registry's own host, as in myregistry.azurecr.io",
        ),
        (
            '[[rule]]\nmatch = "a"\nalias = "gcr.io"\nprovider = "ecr"',
            4,
            "the alias is a registry of gcr",
            None,
        ),
        ("[[rule]]\nmatch = 'a'\nx = [1]", 3, "x is not a text or true or false", 'write x = "…"'),
        ("a = 1\nb = \nc = 3", 2, "this is not TOML", None),
        (f"a = {_SECRET}", 1, "this is not TOML", None),
        (f'a = "{_SECRET}', 1, "this is not TOML", None),
        (f"{_SECRET} = 1\n{_SECRET} = 2", 2, "this is not TOML", None),
        (f'x = {{ "{_SECRET}" = 1, "{_SECRET}" = 1 }}', 1, "this is not TOML", None),
        ("a = [\n1,\n", 3, "this is not TOML", None),
    ],
)
def test_what_is_wrong_in_a_file_is_told_by_file_and_line(
    home: Path, user_file: Path, toml: str, line: int, reason: str, hint: str | None
) -> None:
    user_file.write_text(toml)
    error = _wrong(home)
    assert error.reason == f"{user_file}:{line}: {reason}"
    assert error.hint == hint
    variable = _wrong(home / "elsewhere", **{RULES: toml})
    assert variable.reason == f"{RULES}:{line}: {reason}"


def test_a_file_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does(
    home: Path, user_file: Path
) -> None:
    user_file.write_bytes(b"\xef\xbb\xbfdeadline_s = 3\r\ncache = false\r\n")
    assert (_load(home).deadline_s, _load(home).cache) == (3, False)
    user_file.write_bytes(b"\xef\xbb\xbfdeadline_s = 3\r\ncach = false\r\n")
    assert _wrong(home).reason == f"{user_file}:2: unknown setting 'cach'"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"# \xff\n", ":1: this is not UTF-8"),
        (b"a = 1\n# \xc3(\n", ":2: this is not UTF-8"),
        (b"x" * ((1 << 20) + 1), " is longer than a settings file can be"),
        (b"x = " + b"[" * 100_000, ": this is nested too deeply"),
    ],
)
def test_a_file_that_is_no_text_is_refused_in_words(
    home: Path, user_file: Path, content: bytes, reason: str
) -> None:
    user_file.write_bytes(content)
    assert _wrong(home).reason == f"{user_file}{reason}"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(home: Path, user_file: Path) -> None:
    os.mkfifo(user_file)
    assert _load(home).files == (str(user_file),)


def test_a_folder_in_the_place_of_the_file_is_refused_in_words(home: Path, user_file: Path) -> None:
    user_file.mkdir()
    assert _wrong(home).reason == f"{user_file} cannot be read: is a directory"


# --- Options of providers -------------------------------------------------------------------------

_NAMES = {"ecr": ("profile", "role_arn"), "gcr": ("credentials_file",), "acr": None}


def _checked(home: Path, **environ: str) -> None:
    _load(home, **environ).check_options(lambda provider: _NAMES[provider])


@pytest.mark.parametrize(
    "toml",
    [
        '[ecr]\nprofile = "work"',
        '[acr]\nwhatever = "not in this build"',
        '[[rule]]\nmatch = "*.dkr.ecr.*.amazonaws.com"\nprofile = "work"\nprovider = "ecr"',
        '[[rule]]\nmatch = "docker.io"\nalias = "gcr.io"\ncredentials_file = "key.json"',
    ],
)
def test_options_of_the_provider_that_answers_are_taken(
    home: Path, user_file: Path, toml: str
) -> None:
    user_file.write_text(toml)
    _checked(home)


@pytest.mark.parametrize(
    ("toml", "line", "reason", "hint"),
    [
        ('[ecr]\nprofil = "x"', 2, "'profil' is no option of ecr", "did you mean profile?"),
        (
            '[gcr]\nprofile = "x"',
            2,
            "'profile' is no option of gcr",
            "known here: credentials_file",
        ),
        (
            '[[rule]]\nmatch = "a"\nprovider = "environment"\nprofile = "x"',
            4,
            "'profile' is no key of this rule",
            "known here: match, provider, helper, answer, alias",
        ),
        (
            '[[rule]]\nmatch = "a"\nalias = "gcr.io"\nprofile = "x"',
            4,
            "'profile' is no option of gcr",
            "known here: credentials_file, match, provider, helper, answer, alias",
        ),
        (
            '[[rule]]\nmatch = "a"\nprovider = "ecr"\nhlper = "pass"',
            4,
            "'hlper' is no option of ecr",
            "did you mean helper?",
        ),
    ],
)
def test_an_option_of_nobodys_is_told_by_file_and_line(
    home: Path, user_file: Path, toml: str, line: int, reason: str, hint: str
) -> None:
    user_file.write_text(toml)
    with pytest.raises(Misconfigured) as raised:
        _checked(home)
    assert (raised.value.reason, raised.value.hint) == (f"{user_file}:{line}: {reason}", hint)


def test_an_option_is_the_rules_or_the_variables_or_the_stronger_tables(
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


def test_the_strongest_word_on_one_of_several_alternatives_unsays_the_others(
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


def test_a_path_is_meant_from_its_file_and_a_tilde_from_home(home: Path, user_file: Path) -> None:
    user_file.write_text(
        '[gcr]\ncredentials_file = "~/key.json"\n[ecr]\na_file = "b.json"\nb_file = "/c.json"\n'
        'profile = "~/x"\n[acr]\nsend_chain = true\n'
    )
    tables = {name: options.values for name, options in _load(home).option_tables}
    assert tables == {
        "gcr": {"credentials_file": f"{home}/key.json"},
        "ecr": {"a_file": f"{user_file.parent}/b.json", "b_file": "/c.json", "profile": "~/x"},
        "acr": {"send_chain": "true"},
    }


def test_a_variable_with_rules_is_not_mistaken_for_a_folder(home: Path) -> None:
    settings = _load(home, **{RULES: '[gcr]\ncredentials_file = "key.json"'})
    assert settings.option_tables[0][1].values == {"credentials_file": "key.json"}
    assert settings.files == ()


@pytest.mark.skipif(sys.platform == "win32", reason="the home folder is HOME elsewhere")
def test_a_folder_may_begin_in_the_home_folder(home: Path) -> None:
    variable = "DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER"
    assert _load(home, **{variable: "~/tokens"}).cache_folder == f"{home}/tokens"


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("cache = true\n\nx.dedline = 1", 3),
        ("cache = true\n[x.dedline]", 2),
        ("cache = true\n[x]\ny = 1", 2),
        ('cache = true\n\n[ecr]\n[acr]\n"x" = "1"', 5),
    ],
)
def test_a_dotted_key_is_found_on_its_line(
    home: Path, user_file: Path, toml: str, line: int
) -> None:
    user_file.write_text(toml)
    with pytest.raises(Misconfigured, match=f"^{user_file}:{line}: "):
        _load(home).check_options(lambda _provider: ())


def test_a_dotted_option_is_found_on_its_line(home: Path, user_file: Path) -> None:
    user_file.write_text('cache = true\n\necr.profil = "x"\n')
    with pytest.raises(Misconfigured, match=f"^{user_file}:3: 'profil' is no option of ecr$"):
        _load(home).check_options(lambda _provider: ("profile",))
