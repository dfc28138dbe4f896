"""Serves gets as the frozen file does, including the memo: each in a fork of a small process.

A line of JSON on standard input is a call, a line on standard output its result. If a call asks for
it, a missing token is put into the cache first. Its text contains the cache key, so that a test
notices an answer for another identity. Started as a program of its own: a memo is written only by a
process that has loaded no network.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
from time import time
from types import ModuleType
from typing import Any

BUILD = "build-of-the-tests"
LIFE_S = 12 * 3600.0


def serve() -> None:
    payload = ModuleType("_payload")
    payload.BUILD = BUILD  # type: ignore[attr-defined]
    sys.modules["_payload"] = payload
    sys.builtin_module_names = (*sys.builtin_module_names, "_payload")
    from cred_helper import cli, wiring
    from cred_helper.cache import cached

    _ = cli, wiring, cached
    for line in sys.stdin:
        print(json.dumps(_served(json.loads(line))), flush=True)


def _served(call: dict[str, Any]) -> dict[str, Any]:
    inputs, outputs, errors = os.pipe(), os.pipe(), os.pipe()
    os.write(inputs[1], call["stdin"].encode())
    os.close(inputs[1])
    child = os.fork()
    if not child:
        for fd, ends in enumerate((inputs, outputs, errors)):
            os.dup2(ends[fd > 0], fd)
        os.closerange(3, 64)
        _run(call)
    os.close(inputs[0])
    result = {}
    for name, (reader, writer) in (("stdout", outputs), ("stderr", errors)):
        os.close(writer)
        with open(reader, "rb") as output:
            result[name] = output.read().decode()
    _, status = os.waitpid(child, 0)
    return {**result, "status": os.waitstatus_to_exitcode(status)}


def _run(call: dict[str, Any]) -> None:
    from cred_helper import cli

    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(call["environ"])
    sys.argv = call["arguments"]
    if call["plant"]:
        _plant()
    if call["looks"]:
        _note_looks(call["looks"])
    cli.main()


def _plant() -> None:
    """Cache a token for the identity of a request, as its cloud would give it."""
    from cred_helper import files
    from cred_helper.cache.cached import CachedProvider
    from cred_helper.cache.entry import Entry
    from cred_helper.credential import Secret

    get = CachedProvider.get

    def planted(self: Any, request: Any, identity: Any) -> Any:
        determined = self._determined(request, identity)
        record, files.record = files.record, None
        if determined.cache_key is not None:
            key = self._key(request, determined)
            if self.cache.token(key) is None:
                entry = Entry(
                    self.name, "planted", username="user", secret=Secret(f"token-{key}"),
                    source=str(determined.source), created_at=time(), expires_at=time() + LIFE_S,
                )  # fmt: skip
                self.cache._folder.write(f"{key}.token", entry.encode(key))
        files.record = record
        return get(self, request, identity)

    CachedProvider.get = planted  # type: ignore[method-assign]


def _note_looks(path: str) -> None:
    """Record every read of a file, a variable or a fact of the machine, until a memo is written."""
    from cred_helper.cache import memo

    looks: set[tuple[str, str]] = set()
    is_over: list[bool] = []

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if not is_over and event in ("open", "os.listdir", "os.scandir", "socket.gethostname"):
            looks.add((event, os.fsdecode(arguments[0]) if arguments[0] != 0 else ""))

    def watched(module: Any, name: str) -> None:
        function = getattr(module, name)

        def look(*arguments: Any, **options: Any) -> Any:
            if not is_over and not isinstance((*arguments, 0)[0], int):
                looks.add((name, os.fsdecode(arguments[0]) if arguments else ""))
            return function(*arguments, **options)

        setattr(module, name, look)

    class WatchedEnviron(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            looks.add(("variable", name))
            return super().__getitem__(name)

        def __contains__(self, name: object) -> bool:
            looks.add(("variable", str(name)))
            return super().__contains__(name)

        def get(self, name: str, default: Any = None) -> Any:
            looks.add(("variable", name))
            return super().get(name, default)

    keep = memo.keep

    def kept(*arguments: Any) -> bool:
        is_over.append(True)
        is_kept = keep(*arguments)
        with builtins.open(path, "w") as file:
            json.dump([sorted(looks), is_kept], file)
        return is_kept

    memo.keep = kept  # type: ignore[assignment]
    for name in ("stat", "lstat", "access", "readlink", "uname"):
        watched(os, name)
    os.environ = WatchedEnviron(os.environ)  # type: ignore[assignment]  # noqa: B003
    sys.addaudithook(audit)


if __name__ == "__main__":
    serve()
