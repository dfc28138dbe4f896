"""A day's work: a hundred gets from three clouds, with network delay.

Each get runs with our program and then with the helper of its cloud, under the same load. The
network is a delay before every reply; the time to connect is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from random import Random

from tests.bench.stage import Stage
from tests.bench.stopwatch import Stopwatch
from tests.bench.subjects import Subject

DELAY_S = 0.05
# The number of gets that a workload's token is valid for. It stands for an hour.
RENEWED_EVERY = 10


@dataclass
class Tally:
    gets: int = 0
    seconds: float = 0.0
    requests: int = 0
    wrong: str | None = None


@dataclass
class Day:
    title: str
    ours: dict[str, Tally] = field(default_factory=dict)
    peers: dict[str, Tally] = field(default_factory=dict)


def days(
    stage: Stage, stopwatch: Stopwatch, ours: Subject, peers: Sequence[Subject], gets: int
) -> list[Day]:
    """Do a day's work with static keys, then with sessions that rotate."""
    by_cloud = {cloud: peer for peer in peers for cloud in peer.clouds}
    kinds: list[tuple[str, Callable[[], Mapping[str, str]], bool]] = [
        ("static keys", stage.static_identity, False),
        ("sessions that rotate", stage.session_identity, True),
    ]
    worked = []
    with stage.network(DELAY_S):
        for title, identity, rotating in kinds:
            stage.identity = identity()
            for subject in (ours, *peers):
                stage.forget(subject)
            day = Day(title)
            worked.append(day)
            sequence = list(islice(cycle(stage.clouds), gets))
            Random(gets).shuffle(sequence)
            for number, cloud in enumerate(sequence):
                if rotating and number % RENEWED_EVERY == RENEWED_EVERY - 1:
                    stage.renew_workload_token()
                _get(stage, stopwatch, ours, cloud, day.ours.setdefault(cloud, Tally()))
                if cloud in by_cloud:
                    tally = day.peers.setdefault(cloud, Tally())
                    _get(stage, stopwatch, by_cloud[cloud], cloud, tally)
    stage.identity = stage.static_identity()
    return worked


def _get(stage: Stage, stopwatch: Stopwatch, subject: Subject, cloud: str, tally: Tally) -> None:
    before = stage.requests(cloud)
    sample = stopwatch.run(stage.command(subject, cloud))
    tally.gets += 1
    tally.seconds += sample.wall_s
    tally.requests += stage.requests(cloud) - before
    tally.wrong = tally.wrong or stage.wrong(subject, cloud, sample)
