"""Prints the path of a Python to build with: 3.11 or newer, with libpython and its headers.

PyInstaller's analysis needs the shared libpython, the launcher the static one and the headers.
Runs under any Python and imports none of our modules.
"""

import glob
import os
import subprocess
import sys

QUESTION = """
import os, sys, sysconfig
at = sysconfig.get_config_var
wanted = {
    "a static libpython": os.path.join(at("LIBPL") or "", "libpython%s.a" % at("LDVERSION")),
    "a shared libpython": os.path.join(at("LIBDIR") or "", at("INSTSONAME") or "none"),
    "its headers": os.path.join(sysconfig.get_path("include"), "Python.h"),
}
missing = [what for what, path in wanted.items() if not os.path.isfile(path)]
if sys.version_info < (3, 11):
    missing = ["version 3.11 or newer"]
print(", ".join(missing) or "good")
print(sys.executable)
"""


def candidates(first: str) -> list[str]:
    names = [first, "python3", *(f"python3.{minor}" for minor in (11, 12, 13, 14))]
    found = [
        os.path.join(directory, name)
        for name in names
        for directory in os.environ.get("PATH", "").split(os.pathsep)
    ]
    found += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.1[1-9]*/bin/python3")))
    return [first, *filter(os.path.isfile, dict.fromkeys(found))]


def main() -> None:
    reasons = []
    for path in candidates(sys.argv[1] if len(sys.argv) > 1 else "python3"):
        try:
            result = subprocess.run(
                [path, "-I", "-c", QUESTION], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        verdict, executable = result.stdout.splitlines()
        if verdict == "good":
            print(executable)
            return
        reasons.append(f"  {executable} lacks {verdict}")
    sys.exit(
        "error: no python3 here can build the frozen file:\n"
        + "\n".join(dict.fromkeys(reasons))
        + "\nhint: install Debian's python3-dev, or build a Python with --enable-shared,"
        " then run make frozen FREEZE_PYTHON=/path/to/python3"
    )


if __name__ == "__main__":
    main()
