"""Other helpers as children: every unusual answer, silence and exit has a code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from time import monotonic, sleep

import pytest

from cred_helper import programs
from cred_helper.credential import Credential, Secret
from cred_helper.errors import (
    BadReply,
    CredentialError,
    Denied,
    Misconfigured,
    NotFound,
    ProviderError,
    Unreachable,
)
from cred_helper.fallback.helper import Helper, Unsupported, is_name, program_name, quotable
from cred_helper.fallback.loop_guard import LoopGuard
from cred_helper.programs.running import user_environment
from cred_helper.server_url import ServerURL
from tests.support.executable import ROOT
from tests.support.programs import Programs, has_ended, is_running

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the children are shell scripts")

URL = ServerURL.parse("https://h.example:5000/v1/")
ANSWER = '{"ServerURL":"x","Username":"u","Secret":"s"}'


@pytest.fixture
def children(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "bin")


def helper(path: Path, timeout_s: float = 20.0, environ: dict[str, str] | None = None) -> Helper:
    environ = {"PATH": os.defpath} | (environ or {})
    return Helper(
        path.name, str(path), environ=environ, guard=LoopGuard(environ), timeout_s=lambda: timeout_s
    )


def said(text: str, status: int = 1) -> str:
    """A script that says just this."""
    return f"cat >/dev/null\nprintf %s {quote(text)}\nexit {status}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ANSWER, ("u", "s")),
        (f"\n\n{ANSWER}\n\n", ("u", "s")),
        (f"\ufeff{ANSWER}", ("u", "s")),
        (json.dumps(json.loads(ANSWER), indent=4), ("u", "s")),
        ('{"username":"u","SECRET":"s"}', ("u", "s")),
        ('{"Username":"u","Secret":"s","Expires":1,"ServerURL":null}', ("u", "s")),
        ('{"Username":"<token>","Secret":"s"}', ("<token>", "s")),
        ('{"Username":"\\u003ctoken\\u003e","Secret":"\\ud83d\\ude00"}', ("<token>", "\U0001f600")),
        ('{"Username":"ü","Secret":"→"}', ("ü", "→")),
        ('{"Username":"u","Secret":""}', ("u", "")),
        (f"warning: your version is old\nnotice {{}}\n{ANSWER}", ("u", "s")),
        (f'{{"level":"warn","msg":"x"}}\n{ANSWER}', ("u", "s")),
        (f"{{not json\n{ANSWER}", ("u", "s")),
        (f"{ANSWER}\nthank you for using this helper", ("u", "s")),
        (
            '{"Username":"u","Secret":"credentials not found in native keychain"}',
            ("u", "credentials not found in native keychain"),
        ),
    ],
)
def test_an_answer_has_a_credential(
    children: Programs, answer: str, expected: tuple[str, str]
) -> None:
    credential = helper(children.helper("x", said(answer, 0))).get(URL)
    assert (credential.username, credential.secret.expose()) == expected


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("credentials not found in native keychain\n", 1),
        ("credentials not found in native keychain", 2),
        ("error getting credentials - err: x, out: `credentials not found in native keychain`", 1),
        ("No stored credential for https://h.example", 1),
        ("The specified item could not be found in the keychain.", 1),
        ("Element not found.", 1),
        ("no usernames for https://h.example", 1),
        ('level=error {"a":1}\ncredentials not found in native keychain', 1),
        ("credentials not found in native keychain", 0),
        ("", 0),
        ("\n", 0),
        ("{}", 0),
        ('{"ServerURL":"h.example","Username":"","Secret":""}', 0),
        ('{"Username":"","Secret":""}', 0),
    ],
)
def test_each_not_found_text_of_helpers_is_recognised(
    children: Programs, answer: str, status: int
) -> None:
    with pytest.raises(NotFound):
        helper(children.helper("x", said(answer, status))).get(URL)


LATIN_1 = 'cat >/dev/null; printf \'{"Username":"u","Secret":"\\344"}\''


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (said("no such account", 3), Denied, "helper.says"),
        (said("one\ntwo"), Denied, "helper.says"),
        (said(""), Denied, "helper.failed"),
        ("echo pass not initialized >&2; exit 1", Denied, "helper.says"),
        # https://github.com/docker/cli/issues/7148
        (
            said("The name org.freedesktop.secrets was not provided by any .service files"),
            *(Denied, "helper.no-keyring"),
        ),
        (said("Cannot autolaunch D-Bus without X11 $DISPLAY"), Denied, "helper.no-keyring"),
        (said(ANSWER), Denied, "helper.failed"),
        (said("command not found", 127), Denied, "helper.says"),
        (said("not implemented"), Unsupported, "helper.unsupported"),
        (said("hello", 0), BadReply, "helper.not-a-credential"),
        (said("[]", 0), BadReply, "helper.not-a-credential"),
        (said('"x"', 0), BadReply, "helper.not-a-credential"),
        (said('{"Username":"u","Secret":"s"', 0), BadReply, "helper.not-a-credential"),
        (said('{"ServerURL":"h"}', 0), BadReply, "helper.not-a-credential"),
        (said('{"Secret":"s"}', 0), BadReply, "helper.no-username"),
        (said('{"Username":"","Secret":"s"}', 0), BadReply, "helper.no-username"),
        (said('{"Username":"u"}', 0), BadReply, "helper.no-secret"),
        (said('{"Username":"u","Secret":null}', 0), BadReply, "helper.not-text"),
        (said('{"Username":1,"Secret":"s"}', 0), BadReply, "helper.not-text"),
        ("printf 'gesch\\374tzt'; exit 1", Denied, "helper.says"),
        (LATIN_1, BadReply, "helper.not-utf"),
        ("kill -KILL $$", BadReply, "helper.killed"),
        (f"echo '{ANSWER}'; kill -SEGV $$", BadReply, "helper.killed"),
        ("cat >/dev/null; head -c 10000000 /dev/zero", BadReply, "helper.too-long"),
        ("exec yes", BadReply, "helper.too-long"),
        ("cat >/dev/null; yes '{' | head -c 7000000", BadReply, "helper.not-a-credential"),
        ("head -c 7000000 /dev/zero | tr '\\0' '{'", BadReply, "helper.not-a-credential"),
        ("yes '{\"a\":' | head -c 7000000", BadReply, "helper.not-a-credential"),
        (said('{"Secret":"s","n":' + "1" * 5000 + "}", 0), BadReply, "helper.not-a-credential"),
    ],
)
def test_each_failure_has_a_code(
    children: Programs, body: str, error: type[CredentialError], code: str
) -> None:
    begun_s = monotonic()
    with pytest.raises(error) as raised:
        helper(children.helper("x", body)).get(URL)
    assert type(raised.value) is error
    assert raised.value.code == code
    assert monotonic() - begun_s < 8


def test_the_text_of_a_helper_that_fails_is_part_of_the_error(children: Programs) -> None:
    for body, status, words in (
        (said("no such account", 3), 3, "no such account"),
        (said("one\ntwo"), 1, "one"),
        ("printf 'gesch\\374tzt'; exit 1", 1, "gesch\ufffdtzt"),
        ("echo 1; echo pass not initialized >&2; exit 1", 1, "1"),
        ("echo gpg: 1 >&2; echo pass not initialized >&2; exit 1", 1, "pass not initialized"),
    ):
        with pytest.raises(Denied) as raised:
            helper(children.helper("x", body)).get(URL)
        assert raised.value.parts[0][1] == {"status": status, "said": words}


def test_a_program_that_cannot_be_started_is_an_error_with_the_reason(children: Programs) -> None:
    path = children.helper("x", "")
    for content, problem in (
        (b"\x7fELF but not quite", "exec format error"),
        (b"#!/nonexistent/interpreter\n", "no such file or directory"),
    ):
        path.write_bytes(content)
        with pytest.raises(Misconfigured) as raised:
            helper(path).get(URL)
        assert raised.value.parts == (("helper.not-started", {"problem": problem}),)


def test_the_server_url_is_passed_on_unchanged(children: Programs, tmp_path: Path) -> None:
    got = tmp_path / "got"
    odd = children.helper("x", f'cat >{got}; echo "$#" >>"$log"; echo \'{ANSWER}\'')
    for text in ("https://H.Example:5000/v1/", "host/path?x#y", "höst", "a b", "-x"):
        helper(odd).get(ServerURL.parse(text))
        assert got.read_text("utf-8") == text
    assert set(children.runs("x")) == {"get", "1"}


def test_a_helper_may_leave_its_input_unread(children: Programs) -> None:
    deaf = children.helper("x", f"exec <&-; echo '{ANSWER}'")
    helper(deaf).get(URL)
    helper(deaf).store(URL, Credential("u", Secret("s" * 1_000_000)))
    slow = children.helper("slow", f"sleep 0.2; echo '{ANSWER}'")
    helper(slow).store(URL, Credential("u", Secret("s" * 1_000_000)))


def test_a_helper_that_hangs_is_ended_with_its_group(children: Programs, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"trap '' TERM\nsleep 600 &\necho $$ $! >{pids}\nwhile :; do sleep 600; done"
    started_at_s = monotonic()
    with pytest.raises(Unreachable) as raised:
        helper(children.helper("x", script), timeout_s=0.5).get(URL)
    assert monotonic() - started_at_s < 10
    assert raised.value.parts == (("helper.timeout", {"seconds": "0.5"}),)
    for pid in map(int, pids.read_text().split()):
        assert has_ended(pid)


def test_a_helper_may_clean_up_at_the_deadline(children: Programs, tmp_path: Path) -> None:
    tidy = tmp_path / "tidy"
    script = f"trap 'echo tidied >{tidy}; exit' TERM\nsleep 600 & wait"
    with pytest.raises(Unreachable):
        helper(children.helper("x", script), timeout_s=0.3).get(URL)
    assert tidy.read_text() == "tidied\n"


def test_an_agent_that_a_helper_leaves_running_is_not_waited_for(
    children: Programs, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    leaving = f"sleep 600 &\necho $! >{pid_file}\necho '{ANSWER}'"
    started_at_s = monotonic()
    assert helper(children.helper("x", leaving)).get(URL).username == "u"
    assert monotonic() - started_at_s < 10
    agent = int(pid_file.read_text())
    try:
        assert is_running(agent)
    finally:
        os.kill(agent, signal.SIGKILL)


# The ways in which a client, a user or the system ends us.
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGKILL"])
def test_a_signal_that_ends_the_program_ends_the_helper(
    children: Programs, tmp_path: Path, name: str
) -> None:
    pids = tmp_path / "pids"
    children.helper("x", f"sleep 600 &\necho $$ $! >{pids}.new && mv {pids}.new {pids}\nwait")
    code = (
        # A shell that runs the tests in the background ignores it.
        "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from cred_helper.programs.running import run;"
        f"run([{str(children.folder / 'docker-credential-x')!r}, 'get'], os.environ, 60, 99)"
    )
    ours = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE)
    ends_at_s = monotonic() + 20
    while not pids.exists():
        assert monotonic() < ends_at_s
    ours.send_signal(signal.Signals[name])
    _, stderr = ours.communicate(timeout=20)
    assert ours.returncode == -signal.Signals[name]
    assert stderr == b""
    for pid in map(int, pids.read_text().split()):
        assert has_ended(pid)


@pytest.mark.parametrize("treated", ["signal(SIGCHLD, SIG_IGN)", "pthread_sigmask(2, {SIGCHLD})"])
def test_a_helper_answers_where_sigchld_is_ignored_or_blocked(
    children: Programs, treated: str
) -> None:
    path = children.helper("x", f"sleep 0.2; echo '{ANSWER}'")
    code = (
        f"from signal import *; {treated}; import os; from cred_helper.programs.running import run;"
        f"done = run([{str(path)!r}, 'get'], os.environ, 20, 99);"
        "print(done.status, done.output.decode(), end='')"
    )
    begun_s = monotonic()
    ours = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30, stdout=subprocess.PIPE
    )
    assert ours.stdout.decode() == f"0 {ANSWER}\n"
    assert monotonic() - begun_s < 10


def test_a_signal_at_the_start_of_a_helper_ends_it_too(children: Programs, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"echo $$ >{pid_file}.new && mv {pid_file}.new {pid_file}\nsleep 600"
    path = children.helper("x", script)
    code = f"""
import os, signal
from cred_helper.programs.running import run

fork = os.fork

def forked():
    pid = fork()
    if pid:
        os.kill(os.getpid(), signal.SIGTERM)
    return pid

os.fork = forked
run([{str(path)!r}, "get"], os.environ, 60, 99)
"""
    ours = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=20)
    assert ours.returncode == -signal.SIGTERM
    sleep(1)
    assert not pid_file.exists() or has_ended(int(pid_file.read_text()))


def test_a_helper_s_standard_error_is_ours_without_the_secret_that_it_gets_or_gives(
    children: Programs, capfd: pytest.CaptureFixture[str]
) -> None:
    says = "echo 'touch your key' >&2; echo 'DEBUG it is hunter2' >&2; printf bye >&2; sleep 0.1"
    answer = ANSWER.replace('"s"', '"hunter2"')
    chatty = helper(children.helper("x", f"{says}; echo '{answer}'"))
    assert chatty.get(URL).secret.expose() == "hunter2"
    assert capfd.readouterr() == ("", "touch your key\nbye")
    chatty.store(URL, Credential("u", Secret("hunter2")))
    assert capfd.readouterr() == ("", "touch your key\nbye")


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        (
            "plain words: see https://h.example/docs\nmore",
            "plain words: see https://h.example/docs",
        ),
        ('{"Secret":"x"}', ""),
        ("the secret is hunter2", ""),
        ("bad token ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8, sorry", "bad token …, sorry"),
        ("key 0123456789abcdef0123456789abcdef", "key …"),
        ("\x1b[31mred\x07\tand  blue", "[31mred and blue"),
        ('run "security -v unlock ~/Library/login.keychain-db"', None),
        ('exec: "docker-credential-wincred.exe": not found in %PATH%, out: ``', None),
        ("password \"x\" and 'swordfish' are wrong", "password \"…\" and '…' are wrong"),
        ("https://u:hunter3@vault.corp/v1 failed: 401", "https://…@vault.corp/v1 failed: 401"),
        ("Authorization: Bearer hunter3 rejected", "Authorization: Bearer … rejected"),
        ("", ""),
    ],
)
def test_words_of_a_helper_are_quoted_without_secrets(words: str, quoted: str | None) -> None:
    assert quotable(words, "hunter2") == (words if quoted is None else quoted)
    assert len(quotable("x " * 400)) <= 300
    assert is_name("secretservice")
    assert not is_name("dckr_pat_hunter2hunter2hunter2")


def test_an_error_never_holds_the_secret_that_was_stored(children: Programs) -> None:
    echo = children.helper("x", "cat; exit 1")
    words = children.helper("y", "sed 's/.*Secret//; s/[^a-z]/ /g'; exit 1")
    for path in (echo, words):
        with pytest.raises(Denied) as raised:
            helper(path).store(URL, Credential("u", Secret("hunterxyz")))
        assert "hunterxyz" not in raised.value.reason


def test_a_stored_credential_arrives_whole(children: Programs) -> None:
    keeping = children.keeping("x")
    secret = 'ä\n"\\\0' + "x" * 100_000
    helper(keeping).store(URL, Credential("u", Secret(secret)))
    assert json.loads(children.kept("x")) == {
        "ServerURL": URL.raw,
        "Username": "u",
        "Secret": secret,
    }
    assert helper(keeping).get(URL).secret.expose() == secret
    helper(keeping).erase(URL)
    with pytest.raises(NotFound):
        helper(keeping).get(URL)


def test_a_login_that_meets_another_in_the_keychain_is_tried_again(children: Programs) -> None:
    busy = children.helper(
        "x",
        'cat >/dev/null; [ "$(wc -l <"$log")" -ge 2 ] && exit 0\n'
        "echo The specified item already exists in the keychain.; exit 1",
    )
    helper(busy).store(URL, Credential("u", Secret("s")))
    assert children.runs("x") == ["store", "store"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [("", 0), ("credentials not found in native keychain", 1), ("not implemented", 1)],
)
def test_erasing_an_absent_login_succeeds(children: Programs, answer: str, status: int) -> None:
    helper(children.helper("x", said(answer, status))).erase(URL)


def test_a_failure_to_store_or_erase_is_an_error(children: Programs) -> None:
    # https://github.com/orbstack/orbstack/issues/2457
    taken = said("The specified item already exists in the keychain. (-25299)")
    with pytest.raises(Denied, match=r"^helper\.item-taken$"):
        helper(children.helper("z", taken)).store(URL, Credential("u", Secret("s")))
    failing = helper(children.helper("x", said("the keychain is locked")))
    with pytest.raises(Denied, match=r"^helper\.says$"):
        failing.erase(URL)
    with pytest.raises(Denied, match=r"^helper\.says$"):
        failing.store(URL, Credential("u", Secret("s")))
    read_only = helper(children.helper("y", said("not implemented")))
    with pytest.raises(Unsupported):
        read_only.store(URL, Credential("u", Secret("s")))


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ('{"h.example":"u","g.example":"v"}', 0, {"h.example": "u", "g.example": "v"}),
        ('warning: x\n{"h.example":"u"}\n', 0, {"h.example": "u"}),
        ('{"h.example":"u","g.example":{"Secret":"s"}}', 0, {"h.example": "u"}),
        ('{"level":"warn"}\n{"h.example":"u"}', 0, {"h.example": "u"}),
        ("{}", 0, {}),
        ("null", 0, {}),
        ("", 0, {}),
        ("not implemented", 1, {}),
        ("list is unimplemented", 1, {}),
        ("credentials not found in native keychain", 1, {}),
    ],
)
def test_a_list_is_server_urls_and_user_names(
    children: Programs, answer: str, status: int, expected: dict[str, str]
) -> None:
    assert helper(children.helper("x", said(answer, status))).list() == expected


@pytest.mark.parametrize(
    ("answer", "status"),
    [("hello", 0), ("[1]", 0), ("no usernames for https://h.example", 1), ("locked", 1)],
)
def test_an_invalid_list_is_an_error(children: Programs, answer: str, status: int) -> None:
    with pytest.raises(ProviderError):
        helper(children.helper("x", said(answer, status))).list()


@pytest.mark.parametrize("name", ["pass", "desktop.exe", "ecr-login", "a", "A_b", "1password"])
def test_usual_names_of_helpers_are_accepted(name: str) -> None:
    assert program_name(name) == f"docker-credential-{name}"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-x", "../x", "a/b", "/bin/sh", "a\\b", "a b", "a\0", "ä", "a\n", "$x"]
)
def test_a_path_an_option_or_a_mistake_is_refused_as_a_name(name: str) -> None:
    with pytest.raises(Misconfigured, match=r"^helper\.bad-name$"):
        program_name(name)


def test_programs_are_found_only_in_absolute_folders_of_path(
    children: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = children.helper("x", "")
    monkeypatch.chdir(children.folder)
    for path in ("", ".", "bin", ":", f"{tmp_path}/nowhere:."):
        assert programs.find(program.name, {"PATH": path}) is None
    first = tmp_path / "first"
    first.mkdir()
    (first / program.name).write_text("not executable")
    (first / "docker-credential-y").mkdir()
    path = f"{first}:{children.folder}"
    assert programs.find(program.name, {"PATH": path}) == str(program)
    assert programs.find("docker-credential-y", {"PATH": path}) is None


def test_traces_of_packing_are_removed_from_the_users_environment() -> None:
    user = {"PATH": "/bin", "LD_LIBRARY_PATH": "/lib/a:/lib/b", "LD_LIBRARY_PATH_ORIG": "mine"}
    assert user_environment(user) == user
    packed = {"_PYI_APPLICATION_HOME_DIR": "/tmp/_MEI12", "_MEIPASS2": "/tmp/_MEI12"}
    assert user_environment(packed | {"LD_LIBRARY_PATH": "/tmp/_MEI12", "A": "b"}) == {"A": "b"}
    assert user_environment(
        packed | {"LD_LIBRARY_PATH": "/tmp/_MEI12:/lib/a", "LD_LIBRARY_PATH_ORIG": "/lib/a"}
    ) == {"LD_LIBRARY_PATH": "/lib/a"}
    assert user_environment(packed | {"LD_LIBRARY_PATH": "/tmp/_MEI12/:/lib/a"}) == {
        "LD_LIBRARY_PATH": "/lib/a"
    }
    assert user_environment(packed | {"LD_LIBRARY_PATH": "/x", "LD_LIBRARY_PATH_ORIG": ""}) == {}


# --- Real ones ------------------------------------------------------------------------------------

# Found now: tests run with another PATH.
_PATH = os.environ["PATH"]
ECR_LOGIN = shutil.which("docker-credential-ecr-login") or ""
needs_ecr_login = pytest.mark.skipif(not ECR_LOGIN, reason="amazon-ecr-credential-helper is absent")
needs_pass = pytest.mark.skipif(
    not all(map(shutil.which, ("docker-credential-pass", "pass", "gpg"))),
    reason="pass, gpg or docker-credential-pass is absent",
)


@needs_ecr_login
def test_amazons_helper_in_go_answers_not_found_for_an_unknown_host(home: Path) -> None:
    amazon = helper(Path(ECR_LOGIN), environ=dict(os.environ))
    with pytest.raises(NotFound):
        amazon.get(ServerURL.parse("h.example"))
    amazon.erase(ServerURL.parse("h.example"))
    with pytest.raises(Unsupported):
        amazon.store(ServerURL.parse("h.example"), Credential("u", Secret("s")))


@contextmanager
def password_store(home: Path) -> Iterator[dict[str, str]]:
    """The environment of a ``pass`` with a key of its own."""
    # gpg-agent's socket is in it, and a socket's path has to be short.
    with tempfile.TemporaryDirectory() as gnupg:
        environ = os.environ | {"GNUPGHOME": gnupg, "HOME": str(home), "PATH": _PATH}
        key = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "t@h.example"]
        key += ["future-default", "default", "never"]
        try:
            for command in (key, ["pass", "init", "t@h.example"]):
                subprocess.run(command, env=environ, check=True, capture_output=True, timeout=60)
            yield environ
        finally:
            kill = ["gpgconf", "--kill", "all"]
            subprocess.run(kill, env=environ, check=True, capture_output=True, timeout=60)


@needs_pass
def test_pass_keeps_and_forgets(home: Path) -> None:
    with password_store(home) as environ:
        program = Path(programs.find("docker-credential-pass", environ) or "")
        real = helper(program, environ=dict(environ))
        with pytest.raises(NotFound):
            real.get(URL)
        real.store(URL, Credential("ü", Secret("ä:→")))
        credential = real.get(URL)
        assert (credential.username, credential.secret.expose()) == ("ü", "ä:→")
        assert real.list() == {URL.raw: "ü"}
        real.erase(URL)
        real.erase(URL)
        with pytest.raises(NotFound):
            real.get(URL)
        assert real.list() == {}
