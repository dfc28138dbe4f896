"""A build of Bazel: thousands of gets for the same few URIs, one process each.

Bazel asks by URI. Each get starts the real executable.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.bench.stage import Stage
from tests.bench.stopwatch import Command, Stopwatch
from tests.bench.subjects import Subject


@dataclass
class Build:
    name: str
    gets: int = 0
    seconds: float = 0.0
    requests: int = 0
    wrong: str | None = None


def build_of(stage: Stage, stopwatch: Stopwatch, subject: Subject, gets: int) -> Build:
    """Do the gets with a program of ours."""
    build = Build(subject.name)
    stage.forget(subject)
    before = sum(map(stage.requests, stage.clouds))
    commands = [_command(stage, subject, uri) for uri in _uris(stage)]
    for number in range(gets):
        sample = stopwatch.run(commands[number % len(commands)])
        build.gets += 1
        build.seconds += sample.wall_s
        build.wrong = build.wrong or _wrong(*sample.replies[0])
    build.requests = sum(map(stage.requests, stage.clouds)) - before
    return build


def _uris(stage: Stage) -> list[str]:
    """Five blobs of an image on each cloud's registry, in turn."""
    return [
        f"https://{it.host}/v2/team/app/blobs/sha256:{number:064}"
        for number in range(5)
        for it in stage.clouds.values()
    ]


def _command(stage: Stage, subject: Subject, uri: str) -> Command:
    plain = stage.command(subject, "ecr")
    stdin = stage.request_file(uri, json.dumps({"uri": uri}))
    return Command((plain.arguments[0], "bazel", "get"), plain.environment, stdin)


def _wrong(status: int, printed: bytes) -> str | None:
    """Why a reply is wrong, if it is."""
    try:
        has_header = bool(json.loads(printed)["headers"]["Authorization"])
    except (ValueError, KeyError):
        # What is printed may be a credential.
        said = printed.decode(errors="replace").strip().partition("\n")[0] if status else ""
        return said or f"no headers, and status {status}"
    return None if has_header and status == 0 else f"status {status}"
