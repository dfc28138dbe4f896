"""The frozen file's first module: imports come from the file alone, then the program runs."""

import sys

import frozen_importer

# Built-in and frozen modules first, then ours. The finder of directories goes: neither PYTHONPATH
# nor the current directory can put a module in front of the file's own.
sys.meta_path[2:] = [frozen_importer.Finder]
sys.path.clear()
sys.frozen = True  # type: ignore[attr-defined]

from cred_helper.cli import main  # noqa: E402

main()
