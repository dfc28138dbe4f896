"""Which modules, libraries and data travel in the file, and in which form."""

import ast
import marshal
from pathlib import Path

# SDKs by provider: what a slim build without the provider must not carry. What several share
# (requests) is found by the analysis or not, and needs no rule; but typing_extensions, which brings
# asyncio, others name for type checkers alone.
SDKS = {
    "ecr": ("boto3", "botocore", "s3transfer", "jmespath"),
    "gcr": ("google.auth", "google.oauth2"),
    "acr": ("azure", "msal", "msal_extensions", "typing_extensions"),
}

# Each cloud's logins sign with it, and the cache, which keeps what clouds give, encrypts with it: a
# build with no cloud has no use for what would be a third of it.
CRYPTOGRAPHY = ("cryptography", "_cffi_backend")

# Never asked for at run time, though some module names them: other systems, other back ends, codecs
# of legacy text, tests and build tools.
EXCLUDED = (
    "IPython", "OpenSSL", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr",
    "_codecs_tw", "_multibytecodec", "_pydecimal", "_uuid", "aiohttp", "asyncio.proactor_events",
    "asyncio.windows_events", "asyncio.windows_utils", "azure.core.pipeline.transport._aiohttp",
    "azure.core.rest._aiohttp", "azure.core.tracing.opentelemetry", "brotli", "brotlicffi", "bz2",
    "chardet", "charset_normalizer.cli", "click._winconsole", "curses", "dateutil.tz.win",
    "dateutil.zoneinfo", "distutils", "doctest", "ensurepip", "grpc", "h2", "lib2to3", "lzma",
    "multiprocessing", "nturl2path", "opentelemetry", "pdb", "pip", "pkg_resources", "pydoc",
    "pydoc_data", "pymsalruntime", "readline", "s3transfer.crt", "setuptools", "simplejson",
    "socks", "sqlite3", "tkinter", "trio", "unittest", "urllib3.contrib.emscripten",
    "urllib3.contrib.pyopenssl", "wheel", "xmlrpc", "zstandard",
)  # fmt: skip

# Of the standard library's 120 codecs, those that a URL, a header, a file or a terminal may name.
ENCODINGS = {
    "aliases", "ascii", "base64_codec", "charmap", "cp1252", "hex_codec", "idna", "iso8859_1",
    "iso8859_15", "latin_1", "punycode", "raw_unicode_escape", "unicode_escape", "utf_16",
    "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7", "utf_8", "utf_8_sig",
}  # fmt: skip

# The frozen-module table beyond our own package: what Python wants before the finder exists, and
# what a cached `get` imports. tests/frozen holds it against what is loaded.
STARTED_WITH = {
    "__future__", "encodings", "encodings.aliases", "encodings.utf_8", "frozen_entry",
    "frozen_importer",
}  # fmt: skip
OWN = "cred_helper"

# Modules whose own way to their data is a directory. certifi's is replaced; botocore's loader gets
# a last line that puts ours in its place.
RUNTIME = Path(__file__).resolve().parent.parent / "runtime"
REPLACED = {"certifi.core": RUNTIME / "certifi_core.py"}
APPENDED = {"botocore.loaders": "\nfrom botocore_loader import Loader\n"}

# People read these at run time: click prints a command's docstring as its help.
DOCSTRINGS_KEPT = (f"{OWN}.commands", "click")


def is_started_with(name: str) -> bool:
    """Whether a module belongs to the frozen-module table."""
    ours = name == OWN or name.startswith(f"{OWN}.")
    return name in STARTED_WITH or (ours and not name.startswith(f"{OWN}.commands"))


def is_kept(name: str) -> bool:
    """Whether a module that the analysis found travels."""
    head, _, rest = name.partition(".")
    return not (head == "encodings" and rest and rest not in ENCODINGS)


def code(name: str, source: Path | None) -> bytes:
    """A module's code: without a path of the building machine, without docstrings nobody reads."""
    source = REPLACED.get(name, source)
    text = source.read_bytes() if source else b""
    tree = ast.parse(text + APPENDED.get(name, "").encode())
    if not name.startswith(DOCSTRINGS_KEPT):
        _drop_docstrings(tree)
    package = source is not None and source.name == "__init__.py"
    filename = name.replace(".", "/") + ("/__init__.py" if package else ".py")
    # Assertions stay: an SDK may mean them. Dumped twice, since the first dump's references
    # depend on what else the process happens to hold.
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
