"""Defers the execution of SDK modules until something in them is used.

For one token, an SDK imports many more modules than it uses: every credential class, help
texts, X.509, asyncio. A module that is in a table here is imported empty. Its body runs at the
first use of a name without an entry in the table: a missing entry costs time, and changes nothing
else. A table is for one version of its package; other versions are imported as usual. There are
no locks: a process in which several threads import the SDKs calls ``switch_off`` first.

Source: importlib.util.LazyLoader, which defers whole modules alone, and loads importlib.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.machinery import ModuleSpec
    from typing import Any

    # Module → name in it → the module that defines the name, or LATER, or UNUSED.
    Table = Mapping[str, Mapping[str, str]]

LATER = "()"
"""A name that importers bind, and use later or never."""
UNUSED = "-"
"""A function or class whose results are not used, or an exception that is not raised."""

_UNUSED_OF_PYTHON = (
    *("array", "asyncio", "inspect", "ipaddress", "locale", "mimetypes", "selectors"),
    *("subprocess", "tempfile", "traceback", "zipfile"),
    *("email.base64mime", "email.header", "email.quoprimime"),
    *("xml.etree.ElementTree", "xml.etree.cElementTree"),
    "stringprep",  # the codec of host names does not use it for names in ASCII
)
# Package and version, up to its second number (the start of its .dist-info folder) → its modules.
COMMON: Mapping[str, Table] = {
    "python": {
        **{name: {} for name in _UNUSED_OF_PYTHON},
        "calendar": {"timegm": LATER},
        "email._encoded_words": {"decode_b": LATER},
        "email.policy": {"HTTP": LATER},
        "random": {"Random": LATER},
        "unicodedata": {"ucd_3_2_0": LATER},
        "urllib.request": {"getproxies": LATER, "proxy_bypass": LATER},
    },
    "charset_normalizer-3.5": {"charset_normalizer": {"__version__": "charset_normalizer.version"}},
    "cryptography-50.0": {
        # The functions with this parameter ignore it.
        "cryptography.hazmat.backends": {"default_backend": UNUSED},
        "cryptography.x509": {},
        "cryptography.hazmat.primitives.serialization": {
            "load_der_private_key": "cryptography.hazmat.primitives.serialization.base",
            "load_pem_private_key": "cryptography.hazmat.primitives.serialization.base",
        },
    },
    "urllib3-2.8": {
        "urllib3.filepost": {"_TYPE_FIELDS": LATER, "encode_multipart_formdata": LATER},
        "urllib3.http2": {},
        # TLS in TLS, for a proxy with an https URL.
        "urllib3.util.ssltransport": {"SSLTransport": LATER},
    },
}

_table: dict[str, Mapping[str, str]] = {}
_is_off = False


def use(*tables: Mapping[str, Table]) -> None:
    """Defer the modules of the tables whose version is installed.

    A module that is already loaded is not changed.
    """
    if _is_off:
        return
    known = None if getattr(sys, "frozen", False) else set(_installed())
    for package, table in (entry for each in (COMMON, *tables) for entry in each.items()):
        if package == "python" or known is None or package in known:
            _table.update(table)
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)


def _installed() -> Iterable[str]:
    """Name and version, up to its second number, of each package on the import path."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                yield ".".join(name.split(".")[:2])


def names() -> list[str]:
    """The imported modules whose body has not run."""
    return [name for name, module in sys.modules.items() if module.__class__ is _DeferredModule]


def run(name: str) -> None:
    """Run the body of a module, if it is deferred."""
    module = sys.modules[name]
    if module.__class__ is _DeferredModule:
        _run(module)


def switch_off() -> None:
    """Run the bodies that are deferred, and defer none from now on.

    A second thread would otherwise see a module while its body runs.
    """
    global _is_off  # noqa: PLW0603 - as the import system, whose part it is, it is one for all
    _is_off = True
    if Finder in sys.meta_path:
        sys.meta_path.remove(Finder)
    for name in names():
        try:
            run(name)
        except Exception:  # noqa: BLE001,S112 - it fails again for what uses it
            continue


class Finder:
    """Finds the modules of the tables with the other finders, and defers their bodies."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in _table:
            return None
        for finder in sys.meta_path:
            spec = None if finder is Finder else finder.find_spec(name, path, target)
            if spec is not None:
                loader: Any = spec.loader and _Loader(spec.loader)
                spec.loader = loader
                return spec
        return None


class _Loader:
    """Creates a module without running its body."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    @staticmethod
    def create_module(_spec: ModuleSpec) -> ModuleType | None:
        return None  # a plain module

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        module.__class__ = _DeferredModule


class _DeferredModule(ModuleType):
    """A module whose body has not run."""

    def __getattr__(self, name: str) -> Any:
        place = _table[self.__name__].get(name)
        if place is None:
            if name == "__path__":  # the import system tests every module for it
                raise AttributeError(name)
            if not _is_submodule(self, name):
                _run(self)
                return getattr(self, name)
            place = f"{self.__name__}.{name}"
        found = _find(self, name, place)
        setattr(self, name, found)
        return found


def _find(module: ModuleType, name: str, place: str) -> Any:
    if place == UNUSED:
        return _Inert
    if place == LATER:
        return _DeferredName(module, name)
    try:
        found: Any = __import__(place, fromlist=("",))
    except ImportError:
        if module.__class__ is not _DeferredModule:
            raise
        # Two modules import each other: their bodies have to run in the usual order.
        _run(module)
        return getattr(module, name)
    return found if place == f"{module.__name__}.{name}" else getattr(found, name)


def _is_submodule(module: ModuleType, name: str) -> bool:
    assert module.__spec__ is not None
    path = module.__spec__.submodule_search_locations
    if path is None or name.startswith("__"):
        return False
    full = f"{module.__name__}.{name}"
    return any(finder.find_spec(full, path) is not None for finder in sys.meta_path)


def _run(module: ModuleType) -> None:
    spec = module.__spec__
    assert spec is not None
    deferring: Any = spec.loader
    loader = deferring.loader
    module.__class__ = ModuleType
    spec.loader = module.__loader__ = loader
    try:
        made = loader.create_module(spec) or module
        made.__spec__ = spec  # as the import system does; the frozen file's loader reads it
        loader.exec_module(made)
        if made is not module:  # a shared library makes its own
            module.__dict__.update(made.__dict__)
    except BaseException:
        module.__class__ = _DeferredModule
        spec.loader = deferring
        raise


class _DeferredName:
    """A proxy for a name of a module whose body has not run."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self.__module = module
        self.__name = name

    def __real(self) -> Any:
        if self.__module.__class__ is _DeferredModule:
            self.__module.__dict__.pop(self.__name, None)
            _run(self.__module)
        return getattr(self.__module, self.__name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.__real()(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__real(), name)

    def __getitem__(self, key: Any) -> Any:
        return self.__real()[key]

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self.__real())

    def __mro_entries__(self, _bases: tuple[object, ...]) -> tuple[Any]:
        return (self.__real(),)


class _Inert(Exception):
    """Accepts any arguments and does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass
