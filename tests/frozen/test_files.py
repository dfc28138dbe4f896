"""A slim file, or a file built from other sources, is not tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from cred_helper import clouds
from tests.frozen.files import reason_to_skip, sources_digest

_ALL = ", ".join(clouds.NAMES)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (f"providers: {_ALL}\nsources: abc\n", ""),
        ("providers: gcr\nsources: abc\n", "slim build (gcr)"),
        ("providers: none\nsources: abc\n", "slim build (none)"),
        (f"providers: {_ALL}\nsources: abd\n", "other sources"),
        (f"providers: {_ALL}\n", "other sources"),
        (None, "there is no "),
    ],
)
def test_only_a_whole_file_of_these_sources_is_tested(
    tmp_path: Path, table: str | None, reason: str
) -> None:
    file = tmp_path / "multi"
    file.touch()
    if table is not None:
        Path(f"{file}.txt").write_text(table)
    found = reason_to_skip(file, "abc")
    assert (reason in found) if reason else not found


def test_the_digest_of_the_sources_stays_the_same() -> None:
    assert sources_digest() == sources_digest()
