"""``cache``: it lists the cached tokens without their secrets, and removes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clouds import aws
from tests.clouds.fixtures import authority, proxy
from tests.stage import known
from tests.support.machine import Machine, person

__all__ = ["authority", "known", "person", "proxy"]


def test_what_is_cleared_is_asked_for_anew(known: Machine) -> None:
    before = known.run("token", aws.EXAMPLE_HOST).stdout
    assert known.run("cache", "clear").stdout == b"1 token removed\n"
    assert known.run("cache", "clear").stdout == b"0 tokens removed\n"
    assert known.run("token", aws.EXAMPLE_HOST).stdout != before


def test_the_folder_of_the_settings_is_looked_at(known: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    known.environment["DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER"] = str(folder)
    known.run("token", aws.EXAMPLE_HOST)
    assert known.run("cache", "list", "--json").document[0]["folder"] == str(folder)
    assert known.run("cache", "clear").stdout == b"1 token removed\n"


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("clear",)])
def test_a_folder_that_others_can_read_is_an_error(person: Machine, words: tuple[str, ...]) -> None:
    folder = person.home / ".cache/docker-credential-multi"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    done = person.run("cache", *words)
    assert (done.status, done.stdout) == (1, b"")
    assert done.codes == ["cache.folder-refused"]
    assert str(folder) in done.stderr


def test_the_tokens_in_another_folder_are_listed_and_removed_as_well(known: Machine) -> None:
    known.run("token", aws.EXAMPLE_HOST)
    other = known.home / "other"
    other.mkdir(0o755)
    known.environment["DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER"] = str(other)
    listed = known.run("cache", "list")
    assert (listed.status, listed.stdout[:5]) == (1, b"ecr  ")
    documents = known.run("cache", "list", "--json")
    assert (documents.status, len(documents.document)) == (1, 1)
    cleared = known.run("cache", "clear")
    assert (cleared.status, cleared.stdout) == (1, b"1 token removed\n")
    for done in (listed, documents, cleared):
        assert done.codes == ["cache.folder-refused"]
        assert str(other) in done.stderr
