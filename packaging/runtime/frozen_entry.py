"""The first module of the frozen file: it installs the importer and runs the program."""

import sys

import frozen_importer

from cred_helper.errors import CannotLoad

# Built-in modules, frozen modules, then the payload. Without the finder of folders, neither
# PYTHONPATH nor the current folder can replace a module.
sys.meta_path[-1:] = [frozen_importer.Finder]
sys.path.clear()
sys.frozen = True

try:
    from cred_helper.cli import main

    main()
except CannotLoad as failure:  # before the program could report it
    from cred_helper import stdio

    if sys.stdout is not sys.stderr:  # not guarded: the client reads the reason there
        sys.stdout.write(f"{failure.error.reason}\n")
        sys.stdout.flush()
    stdio.error(failure.error)
    sys.exit(1)
