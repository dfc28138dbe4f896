"""Prints the path of a Python to build with: 3.11 or newer, with a libpython.

The Python that was named by a path, if it has a libpython at all. Else one that can be linked into
the launcher, with a static libpython and headers, before one with a shared libpython, which
PyInstaller's bootloader needs. Runs under any Python and imports none of our modules.
"""

import glob
import os
import subprocess
import sys

QUESTION = """
import os, sys, sysconfig
at = sysconfig.get_config_var
version = sys.version_info[:2]
names = ["libpython%d.%d.so", "libpython%d.%d.dylib", "python%d%d.dll"]
names = [name % version for name in names] + [at("INSTSONAME"), at("LDLIBRARY")]
folders = [at("LIBDIR"), at("PYTHONFRAMEWORKPREFIX"), sys.base_prefix, sys.base_prefix + "/lib"]
def exists(folders, names):
    paths = [os.path.join(f, n) for f in folders for n in names if f and n]
    return any(os.path.isfile(p) and not p.endswith(".a") for p in paths)
static = os.path.join(at("LIBPL") or "", "libpython%s.a" % at("LDVERSION"))
headers = os.path.join(sysconfig.get_path("include"), "Python.h")
lacks = [what for what, path in (("a static libpython", static), ("headers", headers))
         if not os.path.isfile(path)]
if sys.version_info < (3, 11):
    print("old"); print("version 3.11 or newer")
elif not lacks:
    print("linked"); print()
elif exists(folders, names):
    print("shared"); print(", ".join(lacks))
else:
    print("neither"); print(", ".join(lacks + ["a shared libpython"]))
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
    reasons, shared = [], []
    named = sys.argv[1] if len(sys.argv) > 1 else "python3"
    for path in candidates(named):
        try:
            result = subprocess.run(
                [path, "-I", "-c", QUESTION], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        kind, lacks, executable = result.stdout.splitlines()
        if kind == "linked" or (kind == "shared" and path == named and os.path.dirname(path)):
            print(executable)
            return
        if kind == "shared":
            shared.append(executable)
        reasons.append(f"  {executable} lacks {lacks}")
    if shared:
        print(shared[0])
        return
    sys.exit(
        "error: no python3 here can build the frozen file:\n"
        + "\n".join(dict.fromkeys(reasons))
        + "\nhint: install Debian's python3-dev, or a Python with a shared libpython,"
        " then run make frozen FREEZE_PYTHON=/path/to/python3"
    )


if __name__ == "__main__":
    main()
