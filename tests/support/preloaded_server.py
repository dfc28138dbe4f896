"""The process behind ``preloaded``: it loads the SDKs and libraries once, and forks for each run.

A fork begins with the modules of a bare interpreter. The others are on a shelf: the first import of
a module takes it from there, with all modules that its own imports loaded, and runs none of its
code again. An import that the program forgets fails as it does at a real start. The server reports
the variables and files that the modules read while they were loaded: a run in which one of them
differs starts for real. Paths below HOME are an exception: each fork corrects them.

This file is a script and imports nothing of the tests: they would be on the shelf too.
"""

from __future__ import annotations

import builtins
import sys

_BARE = set(sys.modules)
# Module → what its own code imports as it is loaded.
_imports: dict[str, set[str]] = {}
_import = builtins.__import__


def _note(*names: str) -> None:
    """Note that the module that is being loaded has imported these and their packages."""
    frame = sys._getframe(2)
    while frame.f_code.co_name != "<module>" and frame.f_back is not None:
        frame = frame.f_back
    known = _imports.setdefault(frame.f_globals["__name__"], set())
    for name in names:
        parts = name.split(".")
        while parts and ".".join(parts) not in sys.modules:
            parts.pop()  # a name in a module, or a module that is not there
        if parts:
            known.add(".".join(parts))


def _noting_import(
    name: str,
    globals: Any = None,  # noqa: A002
    locals: Any = None,  # noqa: A002
    fromlist: Any = (),
    level: int = 0,
) -> ModuleType:
    try:
        return _import(name, globals, locals, fromlist, level)
    finally:
        if level:
            base = globals["__package__"].rsplit(".", level - 1)[0]
            name = f"{base}.{name}" if name else base
        _note(name, *(f"{name}.{item}" for item in fromlist or ()))


builtins.__import__ = _noting_import  # before anything is imported that the program may import

import gc  # noqa: E402
import importlib  # noqa: E402
import importlib.abc  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import posix  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import struct  # noqa: E402
import threading  # noqa: E402
from types import FunctionType, ModuleType  # noqa: E402
from typing import Any, NoReturn, Self  # noqa: E402

# The part of each SDK that every get imports, and the library of the commands.
MODULES = (
    "azure.identity._internal.pipeline", "azure.identity._internal.utils",
    "azure.identity._persistent_cache", "botocore.session", "click", "google.auth.transport",
    "google.oauth2.service_account", "msal.token_cache", "urllib3",
)  # fmt: skip
# Each fork imports the program itself again, except the module that imports the SDKs.
_DEFERRED = "cred_helper.providers.common.deferred_imports"
# platform runs "uname -p" from PATH as azure.core is loaded.
_SAME_ANSWER = {"PATH"}


class LoadTimeReads:
    """Records the variables and the files below HOME that modules read while they are loaded."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._is_watching = False
        self.names: set[str] = set()
        self.files: set[str] = set()

    def __enter__(self) -> Self:
        names, files = self.names, self.files

        class WatchedEnviron(type(os.environ)):  # type: ignore[misc]
            def __getitem__(self, name: Any) -> Any:
                names.add(os.fsdecode(name))
                return super().__getitem__(name)

            def __iter__(self) -> NoReturn:
                raise NotImplementedError("a module reads the whole environment as it is loaded")

        def getcwd() -> NoReturn:
            raise NotImplementedError("a module reads the working folder as it is loaded")

        def stat(path: Any, *arguments: Any, **options: Any) -> Any:
            if isinstance(path, str | os.PathLike):
                files.add(os.fspath(path))
            return self._stat(path, *arguments, **options)

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if self._is_watching and event in ("open", "os.listdir", "os.scandir"):
                files.add(str(arguments[0]))

        sys.addaudithook(hook)
        self._getcwd, self._stat = os.getcwd, os.stat
        os.environ.__class__ = WatchedEnviron
        os.getcwd, os.stat = getcwd, stat
        self._is_watching = True
        return self

    def __exit__(self, *_: object) -> None:
        self._is_watching = False
        os.environ.__class__ = os._Environ
        os.getcwd, os.stat = self._getcwd, self._stat

    def report(self) -> str:
        """Variables, and files below HOME by their path from there, as JSON."""
        below = [os.path.relpath(path, self._home) for path in self.files if self._home in path]
        self.files.clear()
        self._home = ""
        return json.dumps([sorted(self.names - {"HOME"} - _SAME_ANSWER), sorted(below)])


class ModuleShelf(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loaded modules: an import by the program takes its module from here."""

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}
        self._specs: dict[str, Any] = {}
        # (package, attribute) → the module that is this attribute once it is imported.
        self._attributes: dict[tuple[str, str], ModuleType] = {}

    def load(self, names: tuple[str, ...]) -> None:
        """Load modules, and note what each of them imports."""
        import_module = importlib.import_module

        def noting_import_module(name: str, package: str | None = None) -> Any:
            found = import_module(name, package)
            _note(importlib.util.resolve_name(name, package))
            return found

        importlib.import_module = noting_import_module
        for name in names:
            import_module(name)
        importlib.import_module = import_module
        builtins.__import__ = _import

    def put_away(self) -> None:
        """Remove every module from ``sys.modules`` that a bare interpreter does not have."""
        for name in [name for name in sys.modules if name.startswith("cred_helper")]:
            if name != _DEFERRED:
                del sys.modules[name]
        self.modules = {name: m for name, m in sys.modules.items() if name not in _BARE}
        for name, module in self.modules.items():
            spec = self._specs[name] = getattr(module, "__spec__", None)
            parent, _, child = name.rpartition(".")
            is_of_import = parent in sys.modules and spec is not None and spec.name == name
            if is_of_import and sys.modules[parent].__dict__.get(child) is module:
                self._attributes[parent, child] = module
        for parent, child in self._attributes:
            self._known(parent).__dict__.pop(child, None)  # a package may have two names
        for name in self.modules:
            del sys.modules[name]
        sys.meta_path.insert(0, self)

    def _known(self, name: str) -> ModuleType:
        return self.modules.get(name) or sys.modules[name]

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in self.modules:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec: Any) -> ModuleType:
        return self.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Import what the module's own code has imported."""
        spec = module.__spec__
        assert spec is not None
        name = spec.name
        module.__spec__ = self._specs[name]
        if self._specs[name] is not None:
            module.__loader__ = self._specs[name].loader
        wanted = [*_imports.get(module.__name__, ())]
        while wanted:
            each = wanted.pop()
            parent, _, child = each.rpartition(".")
            if parent and parent not in sys.modules:
                wanted.append(parent)
            if each in sys.modules or each not in self.modules:
                continue
            taken = self.modules[each]
            sys.modules[each] = taken
            if (parent, child) in self._attributes:
                setattr(self._known(parent), child, taken)
            wanted += _imports.get(taken.__name__, ())


def paths_below(home: str, before: list[Any]) -> list[tuple[Any, str, Any]]:
    """Owner, attribute and value of every object that contains the path of HOME.

    ``before`` are the objects that an interpreter, or a measurement of coverage, starts with.

    Raises: NotImplementedError: an object with the path cannot be corrected.
    """
    found: list[tuple[Any, str, Any]] = []
    known = {id(vars(os.environ)["_data"]), id(os.environ.__dict__), id(posix.environ)}
    everything = gc.get_objects()
    for each in everything:
        if isinstance(each, ModuleType | type):
            for name, value in vars(each).items():
                if _has(value, home):
                    found.append((each, name, value))
            known |= {id(part) for part in gc.get_referents(each)}
        elif isinstance(each, FunctionType) and _has(each.__defaults__, home):
            found.append((each, "__defaults__", each.__defaults__))
    known |= {id(value) for _, _, value in found} | {id(each) for each in before}
    for each in everything:
        if id(each) not in known and not isinstance(each, ModuleType | type):
            for part in gc.get_referents(each):
                if isinstance(part, str) and home in part:
                    raise NotImplementedError(f"{type(each)} {each} has the path of HOME")
    return found


def _has(value: object, home: str) -> bool:
    if isinstance(value, tuple):
        return any(_has(each, home) for each in value)
    return isinstance(value, str) and home in value


def moved(value: Any, old: str, new: str) -> Any:
    """The same path or paths below another HOME."""
    if isinstance(value, tuple):
        return tuple(moved(each, old, new) for each in value)
    return value.replace(old, new) if isinstance(value, str) else value


class Server:
    def __init__(
        self, listening: socket.socket, home: str, homes: list[tuple[Any, str, Any]]
    ) -> None:
        self._listening = listening
        self._home = home
        self._homes = homes
        self._running: dict[int, socket.socket] = {}

    def serve(self) -> None:
        ended, waker = os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(ended, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._inherited = (ended, waker)
        while True:
            watched: list[Any] = [0, ended, self._listening]
            ready, _, _ = select.select(watched, [], [])
            if ended in ready:
                os.read(ended, 1 << 12)
                self._reap()
            if self._listening in ready:
                self._start(self._listening.accept()[0])
            if 0 in ready:
                os._exit(0)

    def _reap(self) -> None:
        for pid in [*self._running]:
            ended, status, used = os.wait4(pid, os.WNOHANG)
            if ended:
                connection = self._running.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                answer = {"status": code, "memory_mib": used.ru_maxrss >> 10}
                try:
                    connection.sendall(json.dumps(answer).encode() + b"\n")
                except OSError:
                    pass  # the test has stopped waiting
                connection.close()

    def _start(self, connection: socket.socket) -> None:
        first, streams, _, _ = socket.recv_fds(connection, 4, 3)
        size = struct.unpack("!I", first)[0]
        text = b""
        while len(text) < size:
            chunk = connection.recv(size - len(text))
            if not chunk:
                return
            text += chunk
        request = json.loads(text)
        pid = os.fork()
        if pid == 0:
            try:
                self._listening.close()
                connection.close()
                for other in self._running.values():
                    other.close()
                self._become(request, streams)
            finally:
                os._exit(99)
        for fd in streams:
            os.close(fd)
        self._running[pid] = connection
        connection.sendall(json.dumps({"pid": pid}).encode() + b"\n")

    def _become(self, request: dict[str, Any], streams: list[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in self._inherited:
            os.close(fd)
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
        for fd in streams:
            os.close(fd)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv[:] = request["argv"]
        sys.path[0] = request["path"]
        home = os.environ["HOME"]
        for owner, name, value in self._homes:
            setattr(owner, name, moved(value, self._home, home))
        gc.enable()
        from cred_helper.cli import main

        main()


def defer() -> None:
    """Import SDKs as providers do, by the tables of all of them."""
    clouds = importlib.import_module("cred_helper.clouds")
    tables = []
    for name in clouds.NAMES:
        module = f"cred_helper.providers.{name}.sdk_imports"
        if importlib.util.find_spec(module):
            tables.append(importlib.import_module(module).TABLES)
    importlib.import_module(_DEFERRED).use(*tables)


def filled_shelf() -> ModuleShelf:
    """Load all modules, and put them away."""
    defer()
    shelf = ModuleShelf()
    shelf.load(MODULES)
    shelf.put_away()
    return shelf


def main() -> None:
    home = os.environ["HOME"]
    sys.path[0] = os.environ["PYTHONPATH"]
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(sys.argv[1])
    listening.listen(64)
    gc.disable()
    before = gc.get_objects()
    with LoadTimeReads(home) as read:
        filled_shelf()
    report = read.report()
    del read
    homes = paths_below(home, before)
    del before
    assert threading.active_count() == 1
    gc.freeze()
    sys.stdout.write(report + "\n")
    sys.stdout.flush()
    Server(listening, home, homes).serve()


if __name__ == "__main__":
    main()
