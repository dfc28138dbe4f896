"""Which modules are in the file, and in which form."""

import ast
import marshal
import pkgutil
import re
import sys
from collections.abc import Collection
from pathlib import Path

import cred_helper
from cred_helper import clouds

# The SDKs sign and the cache encrypts tokens with it. A build without a cloud does neither.
CRYPTOGRAPHY = ("cryptography", "_cffi_backend")

# Some module imports these, and none of our code paths does: other systems, other back ends, codecs
# of legacy text, tests, build tools.
EXCLUDED = (
    "IPython", "OpenSSL", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr",
    "_codecs_tw", "_multibytecodec", "_pydecimal", "_uuid", "aiohttp",
    "azure.core.pipeline.transport._aiohttp", "azure.core.rest._aiohttp",
    "azure.core.tracing.opentelemetry", "brotli", "brotlicffi", "bz2", "chardet",
    "charset_normalizer.cli", "curses", "dateutil.zoneinfo", "distutils", "doctest", "ensurepip",
    "grpc", "h2", "lib2to3", "lzma", "multiprocessing", "opentelemetry", "pdb", "pip",
    "pkg_resources", "pydoc",
    "pydoc_data", "pymsalruntime", "readline", "s3transfer.crt", "setuptools", "simplejson",
    "socks", "sqlite3", "tkinter", "trio", "unittest", "urllib3.contrib.emscripten",
    "urllib3.contrib.pyopenssl", "wheel", "xmlrpc", "zstandard",
)  # fmt: skip
OF_WINDOWS = (
    "asyncio.proactor_events", "asyncio.windows_events", "asyncio.windows_utils",
    "click._winconsole", "dateutil.tz.win", "nturl2path",
)  # fmt: skip
if sys.platform != "win32":
    EXCLUDED += OF_WINDOWS

# The codecs that a URL, a header, a file or a terminal may name, of the standard library's 120.
ENCODINGS = {
    "aliases", "ascii", "base64_codec", "charmap", "cp1252", "hex_codec", "idna", "iso8859_1",
    "iso8859_15", "latin_1", "punycode", "raw_unicode_escape", "unicode_escape", "utf_16",
    "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7", "utf_8", "utf_8_sig",
}  # fmt: skip
if sys.platform == "win32":
    ENCODINGS |= {"cp437", "cp850", "mbcs", "oem"}

# The modules of every start, uncompressed, in Python's frozen-module table: these, and those of our
# own package that are not COMPRESSED. A cached `get` imports no compressed module.
STARTED_WITH = {
    "__future__", "encodings", "encodings.aliases", "encodings.utf_8", "frozen_entry",
    "frozen_importer",
}  # fmt: skip
OWN = "cred_helper"
COMPRESSED = re.compile(
    rf"{OWN}\.(commands|messages|call_log|log|watcher|files\.log_file)\b"
    rf"|{OWN}\.providers\..*\.(botocore_session|checks|deferred_imports|errors|gcloud_token"
    r"|http_client|id_token_check|id_token_issuer|local_checks|loopback|messages|network_errors"
    r"|problems|program_token|run_program|sdk_\w+|self_check|service_fabric"
    r"|token|transport|wire)$"
)
# The message of a damaged payload: it cannot be read from that payload.
STARTED_WITH |= {f"{OWN}.messages", f"{OWN}.messages.internal"}

# Modules that read their data from a folder. certifi's is replaced; a line at the end of botocore's
# replaces its loader. Lines at the end of re replace its cache of compiled patterns.
RUNTIME = Path(__file__).resolve().parent.parent / "runtime"
REPLACED = {"certifi.core": RUNTIME / "certifi_core.py"}
APPENDED = {
    "botocore.loaders": "\nfrom botocore_loader import Loader\n",
    # Python 3.12 looks into a second cache first.
    "re": "\nfrom compiled_patterns import Patterns\n_cache = _cache2 = Patterns()\n",
    # Before glibc 2.34 posix_spawn cannot close descriptors, and Python 3.13 relies on it.
    "subprocess": "\n_USE_POSIX_SPAWN = False\n",
}

# click prints the docstring of a command as its help.
DOCSTRINGS_KEPT = (f"{OWN}.commands", "click")


def is_started_with(name: str) -> bool:
    """Whether a module is in the frozen-module table."""
    ours = name == OWN or name.startswith(f"{OWN}.")
    return name in STARTED_WITH or (ours and not COMPRESSED.match(name))


def own_modules(providers: Collection[str]) -> list[str]:
    """All modules of our package in a build with these providers.

    Providers and messages are imported by name, which PyInstaller's analysis does not see.
    """
    without = tuple(f"{OWN}.providers.{cloud.name}." for cloud in _left_out(providers))
    found = pkgutil.walk_packages(cred_helper.__path__, f"{OWN}.")
    return [module.name for module in found if not f"{module.name}.".startswith(without)]


def excluded(providers: Collection[str]) -> list[str]:
    """The modules that PyInstaller leaves out of a build with these providers."""
    names = [*EXCLUDED] if providers else [*EXCLUDED, *CRYPTOGRAPHY]
    for cloud in _left_out(providers):
        names += [f"{OWN}.providers.{cloud.name}", *cloud.sdk]
    return names


def _left_out(providers: Collection[str]) -> list[clouds.Cloud]:
    return [cloud for cloud in clouds.CLOUDS if cloud.name not in providers]


def is_kept(name: str) -> bool:
    """Whether a module that the analysis found is in the file."""
    head, _, rest = name.partition(".")
    return not (head == "encodings" and rest and rest not in ENCODINGS)


def code(name: str, source: Path | None, appended: str = "") -> bytes:
    """The code of a module, without paths of the building machine and without unused docstrings."""
    source = REPLACED.get(name, source)
    text = source.read_bytes() if source else b""
    tree = ast.parse(text + (appended or APPENDED.get(name, "")).encode())
    if not name.startswith(DOCSTRINGS_KEPT):
        _drop_docstrings(tree)
    package = source is not None and source.name == "__init__.py"
    filename = name.replace(".", "/") + ("/__init__.py" if package else ".py")
    # Assertions stay: an SDK may depend on them. Dumped twice, because the references of the first
    # dump depend on other objects of the process.
    compiled = compile(tree, filename, "exec", dont_inherit=True, optimize=0)
    return marshal.dumps(marshal.loads(marshal.dumps(compiled)))


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                if len(node.body) == 1 and not isinstance(node, ast.Module):
                    node.body[0] = ast.copy_location(ast.Pass(), first)
                else:
                    del node.body[0]
