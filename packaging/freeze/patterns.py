"""The compiled form of the regular expressions that an uncached ``get`` compiles when it imports.

Compiling them takes a third of the instructions of such a ``get``. What the compiler gives
to ``_sre.compile`` is recorded here, and given to it again by ``runtime/compiled_patterns.py``.

``python patterns.py MODULE...`` imports the modules and writes the table to standard output.
"""

import ast
import marshal
import subprocess
import sys
from array import array
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any


def table(own: Collection[str], root: Path) -> bytes:
    """The patterns of these modules of ours and of what they import, also inside functions."""
    modules = sorted({name for module in own for name in _imported(module, root)})
    done = subprocess.run(
        [sys.executable, __file__, *modules], cwd=root, stdout=subprocess.PIPE, check=True
    )
    return done.stdout


def _imported(module: str, root: Path) -> Iterator[str]:
    path = root / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


class _Recorder:
    """Stands in for ``_sre`` in the compiler of patterns."""

    def __init__(self) -> None:
        self.flags = 0
        self.table: dict[tuple, tuple] = {}

    def __getattr__(self, name: str) -> Any:
        import _sre

        return getattr(_sre, name)

    def compile(  # the signature of _sre.compile
        self, pattern: Any, flags: int, code: list[int], groups: int, names: dict, order: tuple
    ) -> Any:
        import _sre

        packed = array("I", code).tobytes()
        self.table[pattern, self.flags] = (flags, packed, groups, dict(names), order)
        return _sre.compile(pattern, flags, code, groups, names, order)


def _record(modules: list[str]) -> bytes:
    import re
    from importlib import import_module

    recorder = _Recorder()
    compiler: Any = re._compiler  # type: ignore[attr-defined]
    compile_ = compiler.compile

    def compile_noted(pattern: Any, flags: int = 0) -> Any:
        recorder.flags = int(flags)
        return compile_(pattern, flags)

    compiler._sre, compiler.compile = recorder, compile_noted
    re.purge()
    for name in modules:
        try:
            import_module(name)
        except ImportError:
            pass  # a name in a module, or a module of another system
    # The standard library's first modules were imported before this.
    kept = {key: entry for key, entry in recorder.table.items() if not entry[0] & int(re.LOCALE)}
    return marshal.dumps(dict(sorted(kept.items(), key=repr)), 2)


if __name__ == "__main__":
    written = sys.stdout.buffer
    sys.stdout = sys.stderr
    written.write(_record(sys.argv[1:]))
