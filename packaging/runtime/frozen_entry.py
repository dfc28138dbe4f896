"""The frozen file's first module: imports come from the file alone, then the program runs."""

import sys

import frozen_importer

from cred_helper.errors import CannotLoad

# Built-in and frozen modules first, then ours. The finder of directories goes: neither PYTHONPATH
# nor the current directory can put a module in front of the file's own.
sys.meta_path[2:] = [frozen_importer.Finder]
sys.path.clear()
sys.frozen = True

try:
    from cred_helper.cli import main

    main()
except CannotLoad as error:
    name = "docker-credential-multi"
    if sys.stdout is not sys.stderr:  # the client reads the reason there, unless it is guarded
        sys.stdout.write(f"{error}\n")
    sys.stderr.write(f"{name}: error: {error}\n{name}: hint: {error.hint}\n")
    sys.exit(1)
