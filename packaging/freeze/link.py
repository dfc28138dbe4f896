"""The C compiler, Python's own library and the launcher, put together."""

import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from freeze import elf

LAUNCHER = Path(__file__).resolve().parent.parent / "launcher"

# Parts of glibc stay shared: they are the floor. Anything else that Python was built with is taken
# from its static library, since the target may not have the shared one.
OF_GLIBC = {"-lm", "-ldl", "-lutil", "-lpthread", "-lrt", "-lc", "-lcrypt"}


def python_library() -> Path | None:
    """Python's static library, where this Python's installation has one."""
    version = sysconfig.get_config_var("LDVERSION")
    # Debian's plain one cannot go into a position-independent executable.
    names = (f"libpython{version}-pic.a", f"libpython{version}.a")
    paths = [Path(sysconfig.get_config_var("LIBPL") or "", name) for name in names]
    return next(filter(Path.is_file, paths), None)


def libraries() -> list[str]:
    """What Python's library needs from others."""
    words: list[str] = []
    for variable in ("LIBS", "SYSLIBS", "MODLIBS"):
        words += shlex.split(sysconfig.get_config_var(variable) or "")
    names = dict.fromkeys(word for word in words if word.startswith("-l"))
    return [word if word in OF_GLIBC else f"-l:lib{word[2:]}.a" for word in names]


def _inflater(zstd: Path, work: Path) -> Path:
    """zstd's decoder: one source file, of which the linker keeps what is called.

    That is, as long as no symbol of its is visible: the linker exports all that are.
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


def link(work: Path, zstd: Path, out: Path, *, outside: bool = False) -> None:
    """Compile the launcher in ``work``, where the payload was written, to ``out``.

    With the payload in it, or ``outside``: in the static launcher that starts it.
    """
    library = python_library()
    includes = (LAUNCHER, zstd, sysconfig.get_path("include"))
    command = [
        "cc", "-O2", "-g0", "-fPIE", "-pie", "-Wall", "-Werror", "-fstack-protector-strong",
        f"-ffile-prefix-map={LAUNCHER}=.", "-frandom-seed=0",
        "-include", "contents.h", "-I.", *(f"-I{path}" for path in includes),
        str(LAUNCHER / "launcher.c"),
        "-DPAYLOAD_OUTSIDE" if outside else str(LAUNCHER / "payload.S"),
        str(_inflater(zstd, work)), str(library), *libraries(),
        "-Wl,--export-dynamic", "-Wl,--gc-sections",
        "-Wl,--wrap=hypot", "-Wl,-z,relro", "-Wl,-z,now",
        "-Wl,--build-id=none", "-Wl,-O1", "-s", "-o", str(out),
    ]  # fmt: skip
    _run(command, work)


def of_glibc(paths: Iterable[str]) -> dict[str, Path]:
    """Find glibc's libraries that these need, and those that they need in turn; the loader first.

    None may be missing: where there is no libc, nobody else has it when an import asks for it.
    """
    found: dict[str, Path] = {}
    wanted = [name for path in paths for name in elf.needed_of_glibc(path)]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = _of_compiler(name)
            wanted += elf.needed_of_glibc(str(found[name]))
    return dict(sorted(found.items(), key=lambda item: (not item[0].startswith("ld-"), item[0])))


def link_static(work: Path, program: Path, glibc: dict[str, Path], out: Path) -> None:
    """Compile the static launcher around ``program``, with glibc's loader and these libraries."""
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
        f"-ffile-prefix-map={LAUNCHER}=.", "-frandom-seed=0", "-I.", f"-I{LAUNCHER}",
        str(LAUNCHER / "static.c"), "parts.S", str(LAUNCHER / "payload.S"),
        "-Wl,--build-id=none", "-s", "-o", str(out),
    ]  # fmt: skip
    _run(command, work)


def _of_compiler(name: str) -> Path:
    """The file of a glibc library that the compiler links with."""
    result = subprocess.run(
        ["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True
    )
    return Path(result.stdout.strip()).resolve(strict=True)


def stripped(path: str, work: Path) -> bytes:
    """A library's bytes without symbols for debuggers."""
    out = work / "stripped.so"
    _run(["strip", "--strip-unneeded", "-o", str(out), path], work)
    return out.read_bytes()


def _run(command: list[str], directory: Path) -> None:
    result = subprocess.run(command, cwd=directory, check=False, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{shlex.join(command)}\n{result.stderr}")
