"""Runs the C compiler: the launcher, libpython and the payload become one file."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from freeze import elf, older_glibc

LAUNCHER = Path(__file__).resolve().parent.parent / "launcher"

# The libraries of glibc stay shared. Python's other libraries are linked statically, because the
# target system may not have them.
OF_GLIBC = {"-lm", "-ldl", "-lutil", "-lpthread", "-lrt", "-lc", "-lcrypt"}

# Modules that OpenSSL replaces: hashlib asks it first. From 3.13 on, Debian's libpython has them
# without what they need.
OF_OPENSSL = {"_md5", "_sha1", "_sha2", "_sha3"}
TRIAL = "#include <Python.h>\nint main(int n, char **a) { return Py_BytesMain(n, a); }\n"


class CannotLink(Exception):
    """Why this Python cannot be linked into the launcher."""


def tools() -> Path:
    """The static libpython of this Python, where there is all that links it.

    Raises:
        CannotLink: the file needs PyInstaller's own bootloader.
    """
    if not sys.platform.startswith("linux"):
        raise CannotLink(f"the launcher is for Linux, this is {sys.platform}")
    absent = [name for name in ("cc", "strip", "readelf") if not shutil.which(name)]
    if absent:
        raise CannotLink(f"there is no C compiler: no {', '.join(absent)} in PATH")
    library = python_library()
    if library is None:
        raise CannotLink("this Python has no static libpython")
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        raise CannotLink("this Python has no headers")
    return library


def check(work: Path) -> None:
    """Link this Python into a trial program.

    It also writes the launcher's table of built-in modules, for a libpython that lacks a part.

    Raises:
        CannotLink: the file needs PyInstaller's own bootloader.
    """
    library = tools()
    table = work / "builtin.c"
    table.write_text("")  # libpython has its own
    (work / "trial.c").write_text(TRIAL)
    problem = _trial(work, library)
    if problem:
        lacking = set(re.findall(r"undefined reference to `(\w+)'", problem))
        left_out = _modules_that_need(lacking, library)
        if left_out and left_out <= OF_OPENSSL:
            table.write_text(_builtin_modules(left_out))
            problem = _trial(work, library)
    if problem:
        errors = re.findall(r"(?:undefined reference|error|recompile)[^\n]*", problem)
        raise CannotLink(f"its static libpython cannot be linked: {[*errors, problem][0]}")


def _trial(work: Path, library: Path) -> str:
    """Link the trial program; the linker's errors."""
    command = [
        "cc", "-fPIE", "-pie", f"-I{sysconfig.get_path('include')}", "trial.c", "builtin.c",
        str(library), *libraries(), "-Wl,--export-dynamic", "-Wl,--gc-sections", "-o", "trial",
    ]  # fmt: skip
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        command, cwd=work, env=environment, check=False, capture_output=True, text=True
    )
    return done.stderr.strip() if done.returncode else ""


def _modules_that_need(symbols: set[str], library: Path) -> set[str]:
    """The built-in modules whose objects in libpython use these symbols."""
    rows = subprocess.run(
        ["nm", "-A", str(library)], check=False, capture_output=True, text=True
    ).stdout
    found = re.findall(r"^[^:]+:([^:]+):.* (\w) (\w+)$", rows, re.MULTILINE)
    users = {member for member, kind, name in found if kind == "U" and name in symbols}
    return {
        name.removeprefix("PyInit_")
        for member, kind, name in found
        if member in users and kind == "T" and name.startswith("PyInit_")
    }


def _builtin_modules(left_out: set[str]) -> str:
    """Python's table of built-in modules, which comes with libpython, without some of them."""
    source = Path(sysconfig.get_config_var("LIBPL"), "config.c").read_text()
    return re.sub(rf".*\bPyInit_({'|'.join(sorted(left_out))})\b.*\n", "", source)


def python_library() -> Path | None:
    """The static libpython of this Python, if it has one."""
    version = sysconfig.get_config_var("LDVERSION")
    # Debian's plain libpython cannot be linked into a position-independent executable.
    names = (f"libpython{version}-pic.a", f"libpython{version}.a")
    paths = [Path(sysconfig.get_config_var("LIBPL") or "", name) for name in names]
    return next(filter(Path.is_file, paths), None)


def libraries() -> list[str]:
    """The libraries that libpython needs."""
    words: list[str] = []
    for variable in ("LIBS", "SYSLIBS", "MODLIBS"):
        words += shlex.split(sysconfig.get_config_var(variable) or "")
    names = dict.fromkeys(word for word in words if word.startswith("-l"))
    return [word if word in OF_GLIBC else f"-l:lib{word[2:]}.a" for word in names]


def _inflater(zstd: Path, work: Path) -> Path:
    """Compile zstd's decoder from its one source file.

    Its symbols are hidden: the linker exports and keeps visible ones, called or not.
    """
    out = work / "inflater.o"
    if not out.is_file():
        _run(
            ["cc", "-O3", "-g0", "-fPIE", "-ffunction-sections", "-fdata-sections", "-c",
             "-fvisibility=hidden", "-DZSTDLIB_VISIBLE=", "-DZSTDERRORLIB_VISIBLE=",
             "-DZDICTLIB_VISIBLE=",
             f"-ffile-prefix-map={zstd}=.", str(zstd / "zstd.c"), "-o", str(out)],
            work,
        )  # fmt: skip
    return out


@cache
def _older_glibc(work: Path) -> tuple[Path, frozenset[str]]:
    """Compile the functions that an older glibc lacks; the object and their names."""
    out = work / "older_glibc.o"
    source = LAUNCHER / "older_glibc.c"
    command = ["cc", "-O2", "-g0", "-fPIE", "-Wall", "-Werror", "-fstack-protector-strong"]
    _run([*command, f"-ffile-prefix-map={LAUNCHER}=.", "-c", str(source), "-o", str(out)], work)
    table = subprocess.run(["nm", str(out)], check=True, capture_output=True, text=True).stdout
    return out, frozenset(re.findall(r" T (\w+)$", table, re.MULTILINE))


def link(work: Path, zstd: Path, out: Path, *, outside: bool = False) -> None:
    """Compile the launcher to ``out``, with the payload in ``work``.

    ``outside``: the payload is in the static launcher that starts this one.
    """
    library = python_library()
    parts = [LAUNCHER / name for name in ("memo.c", "payload.S")]
    older, provided = _older_glibc(work)
    includes = (LAUNCHER, zstd, sysconfig.get_path("include"))
    command = [
        "cc", "-O2", "-g0", "-fPIE", "-pie", "-Wall", "-Werror", "-fstack-protector-strong",
        f"-ffile-prefix-map={LAUNCHER}=.", "-frandom-seed=0",
        "-include", "contents.h", "-I.", *(f"-I{path}" for path in includes),
        str(LAUNCHER / "launcher.c"), str(older), "builtin.c",
        *(["-DPAYLOAD_OUTSIDE"] if outside else map(str, parts)),
        str(_inflater(zstd, work)), str(library), *libraries(),
        "-Wl,--export-dynamic", "-Wl,--gc-sections", "-Wl,-z,relro", "-Wl,-z,now",
        # An older glibc has the functions of threads and of the loader in these.
        "-Wl,--no-as-needed", "-l:libpthread.so.0", "-l:libdl.so.2",
        "-Wl,--build-id=none", "-Wl,-O1", "-s", "-o", str(out),
    ]  # fmt: skip
    _run(command, work)
    older_glibc.lower(out, provided)


def of_glibc(paths: Iterable[str]) -> dict[str, Path]:
    """Find the libraries of glibc that these files need, directly or not; the loader first.

    All are needed: a system without a libc has none of them.
    """
    found: dict[str, Path] = {}
    wanted = [name for path in paths for name in elf.needed_of_glibc(path)]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = elf.of_compiler(name)
            wanted += elf.needed_of_glibc(str(found[name]))
    return dict(sorted(found.items(), key=lambda item: (not item[0].startswith("ld-"), item[0])))


def link_static(work: Path, program: Path, glibc: dict[str, Path], out: Path) -> None:
    """Compile the static launcher with ``program`` and these libraries of glibc in it."""
    paths = glibc | {program.name: program}
    header, assembly = [], []
    for at, (name, path) in enumerate(paths.items()):
        header.append(f'PART(part{at}, "{name}")')
        assembly.append(
            f".section .rodata\n.globl part{at}, part{at}_end\n.balign 4096\n"
            f'part{at}:\n.incbin "{path}"\npart{at}_end:\n.byte 0'
        )
    (work / "parts.h").write_text("\n".join(header) + "\n")
    (work / "parts.S").write_text(
        "\n".join(assembly) + '\n.section .note.GNU-stack, "", @progbits\n'
    )
    command = [
        "cc", "-O2", "-g0", "-static", "-no-pie", "-Wall", "-Werror",
        f"-ffile-prefix-map={LAUNCHER}=.", "-frandom-seed=0",
        "-include", "contents.h", "-I.", f"-I{LAUNCHER}", str(LAUNCHER / "static.c"),
        str(LAUNCHER / "memo.c"), "parts.S", str(LAUNCHER / "payload.S"),
        "-Wl,--build-id=none", "-s", "-o", str(out),
    ]  # fmt: skip
    _run(command, work)


def prepared(path: str, work: Path) -> Path:
    """A copy of a library without debug symbols, for an older glibc."""
    out = work / "libraries" / Path(path).name
    out.parent.mkdir(exist_ok=True)
    _run(["strip", "--strip-unneeded", "-o", str(out), path], work)
    older_glibc.lower(out, _older_glibc(work)[1])
    return out


def _run(command: list[str], directory: Path) -> None:
    result = subprocess.run(command, cwd=directory, check=False, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{shlex.join(command)}\n{result.stderr}")
