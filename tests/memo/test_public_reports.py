"""Bug reports of other caches that remember what a result depended on, tried on the memo.

In each report, a cache did not notice a change.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memo.driver import ask, built, needs_cc
from tests.memo.frozen import Frozen
from tests.support.executable import Completed, pinned_environment

pytestmark = needs_cc

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
GOOGLE = "us-docker.pkg.dev"
NAME = "docker-credential-multi"


class Machine:
    """A machine with keys in a file, and its answers both ways."""

    def __init__(self, folder: Path, whole: Frozen, driver: Path) -> None:
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.first = folder / "first"
        for place in (self.home / ".aws", self.bin, self.first):
            place.mkdir(parents=True)
        self._whole, self._driver = whole, driver
        self.environ = pinned_environment(self.home) | {"PATH": f"{self.first}:{self.bin}"}
        self.keys("one")

    def keys(self, user: str) -> None:
        text = f"[default]\naws_access_key_id = AK{user}\naws_secret_access_key = s\n"
        (self.home / ".aws/credentials").write_text(text)

    def by_launcher(self, host: str = HOST) -> Completed | None:
        return ask(self._driver, "get", stdin=host.encode(), environ=self.environ, argv0=NAME)

    def whole(self, host: str = HOST) -> Completed:
        return self._whole.get(host, self.environ, NAME)

    def learnt(self, host: str = HOST) -> bytes:
        """Write a memo; the answer, which the launcher repeats."""
        stdout = self.whole(host).stdout
        repeated = self.by_launcher(host)
        assert repeated is not None
        assert repeated.stdout == stdout
        return stdout


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Frozen, Path]]:
    folder = tmp_path_factory.mktemp("tools")
    with Frozen(folder) as whole:
        yield whole, built(folder)


@pytest.fixture
def machine(tmp_path: Path, tools: tuple[Frozen, Path]) -> Machine:
    return Machine(tmp_path, *tools)


def test_a_file_that_appears_earlier_on_a_search_path_is_noticed(machine: Machine) -> None:
    """Source: ccache#504, ccache#811, genode#4256, sccache#2766."""
    program = machine.bin / "gcloud"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    folder = machine.home / ".config/gcloud/configurations"
    folder.mkdir(parents=True)
    (folder / "config_default").write_text("[core]\naccount = a@b.example\n")
    (folder.parent / "credentials.db").write_text("login")
    before = machine.learnt(GOOGLE)
    shutil.copy(program, machine.first / "gcloud")
    assert machine.by_launcher(GOOGLE) is None
    assert machine.whole(GOOGLE).stdout != before


def test_an_optional_file_that_appears_is_noticed(machine: Machine) -> None:
    """Source: ccache#811."""
    machine.learnt()
    (machine.home / ".aws/config").write_text("[default]\nendpoint_url = https://a.example\n")
    assert machine.by_launcher() is None


def test_two_alternating_states_each_get_their_own_answer(machine: Machine) -> None:
    """Source: ccache#1443, ccache#493, ccache#361."""
    answers = set()
    for user in ("one", "two") * 3:
        machine.keys(user)
        by_launcher = machine.by_launcher()
        whole = machine.whole()
        assert by_launcher is None or by_launcher.stdout == whole.stdout
        answers.add((user, whole.stdout))
    assert len(answers) == 2


def test_a_file_that_is_gone_is_noticed(machine: Machine) -> None:
    """Source: ccache#599."""
    machine.learnt()
    (machine.home / ".aws/credentials").unlink()
    assert machine.by_launcher() is None


def test_a_variable_that_is_set_or_removed_is_noticed(machine: Machine) -> None:
    """Source: sccache#2798."""
    machine.learnt()
    machine.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(machine.first)
    assert machine.by_launcher() is None
    machine.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(machine.home / ".aws/credentials")
    machine.learnt()
    del machine.environ["AWS_SHARED_CREDENTIALS_FILE"]
    assert machine.by_launcher() is None


def test_two_requests_with_one_token_are_each_answered_by_name(machine: Machine) -> None:
    """Source: sccache#2321."""
    other = HOST.replace("123456789012", "210987654321")
    answers = [machine.learnt(host) for host in (HOST, f"https://{HOST}", other)]
    assert len(set(answers)) == 3
    assert other.encode() in answers[2]


def test_other_content_with_the_size_and_times_of_before_is_noticed(machine: Machine) -> None:
    """Source: libgit2#3219, libgit2#5515, msysgit#312, worktrunk#3014, ccache#935."""
    machine.learnt()
    file = machine.home / ".aws/credentials"
    status = file.stat()
    machine.keys("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert machine.by_launcher() is None


def test_the_same_content_with_other_times_and_inode_is_the_same(machine: Machine) -> None:
    """Source: buildah#6291, distrobox#2223: a file that is put there anew."""
    before = machine.learnt()
    file = machine.home / ".aws/credentials"
    content, mode = file.read_bytes(), file.stat().st_mode
    file.unlink()
    file.write_bytes(content)
    file.chmod(mode)
    again = machine.by_launcher()
    assert again is not None
    assert again.stdout == before
