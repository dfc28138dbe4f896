"""The cache of ``re`` in the frozen file: patterns that were compiled when the file was built."""

from __future__ import annotations

import marshal
from _sre import compile as assemble

import frozen_importer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_table: dict[tuple[Any, int], tuple[Any, ...]] = {}


class Patterns(dict):
    """Makes a pattern of the table when it is first looked up."""

    def __missing__(self, key: tuple[type, Any, int]) -> Any:
        """Make it.

        Raises:
            KeyError: it is not in the table; ``re`` compiles it.
        """
        if not _table:
            _table.update(marshal.loads(frozen_importer.data("patterns")))
        _, pattern, flags = key
        found, code, *groups = _table[pattern, flags]
        made = assemble(pattern, found, memoryview(code).cast("I").tolist(), *groups)
        self[key] = made
        return made
