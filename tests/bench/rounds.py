"""Runs the subjects in turn: the speed of the machine drifts, so only one round is comparable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median

from tests.bench.stage import OTHER, Stage
from tests.bench.stopwatch import Sample, Stopwatch
from tests.bench.subjects import BARE, PLAIN_SCRIPT, Subject


@dataclass(frozen=True)
class Scenario:
    """One kind of run and its reference."""

    kind: str
    cloud: str
    reference: str
    rounds: int
    at_once: int = 1

    @property
    def name(self) -> str:
        return self.kind if self.cloud == OTHER else f"{self.kind} {self.cloud}"

    def takes(self, subject: Subject) -> bool:
        own = self.cloud == OTHER or self.kind == "parallel" or self.cloud in subject.clouds
        return self.kind in subject.scenarios and own

    def cloud_of(self, subject: Subject) -> str:
        """The cloud that a subject asks: a helper of one cloud asks that one."""
        elsewhere = self.kind == "parallel" and self.cloud not in subject.clouds
        return subject.clouds[0] if elsewhere else self.cloud


@dataclass
class Series:
    samples: dict[int, Sample] = field(default_factory=dict)
    requests: int = 0
    """The number of upstream requests of one get."""
    wrong: str | None = None
    """Why the subject is left out."""

    @property
    def ms(self) -> list[float]:
        return [sample.wall_s * 1e3 for sample in self.samples.values()]

    @property
    def median_ms(self) -> float:
        return median(self.ms)

    @property
    def min_ms(self) -> float:
        return min(self.ms)

    @property
    def cpu_ms(self) -> float:
        return median(sample.cpu_s * 1e3 for sample in self.samples.values())

    @property
    def peak_bytes(self) -> float:
        return median(sample.peak_bytes for sample in self.samples.values())

    def times(self, reference: Series) -> float:
        both = self.samples.keys() & reference.samples.keys()
        return median(self.samples[at].wall_s / reference.samples[at].wall_s for at in both)

    def min_times(self, reference: Series) -> float:
        """The ratio of the quickest runs, which noise affects least."""
        return self.min_ms / reference.min_ms


Ratio = Callable[[Series, Series], float]


@dataclass(frozen=True)
class Measured:
    scenario: Scenario
    series: Mapping[str, Series]

    def good(self, name: str) -> Series | None:
        """The runs of a subject, if all were right."""
        series = self.series.get(name)
        return series if series is not None and series.samples and not series.wrong else None

    def times(
        self,
        name: str,
        reference: str = "",
        ratio: Callable[[Series, Series], float] = Series.times,
    ) -> float | None:
        one, other = self.good(name), self.good(reference or self.scenario.reference)
        return ratio(one, other) if one is not None and other is not None else None


def scenarios(clouds: Iterable[str], rounds: int) -> list[Scenario]:
    """All scenarios; the slow ones run in a third of the rounds."""
    clouds, fewer = list(clouds), -(-rounds // 3)
    return [
        *(Scenario("warm", cloud, BARE, rounds) for cloud in clouds),
        *(Scenario("cold", cloud, PLAIN_SCRIPT, fewer) for cloud in clouds),
        Scenario("other", OTHER, BARE, rounds),
        Scenario("parallel", "ecr", BARE, fewer, at_once=20),
    ]


def measure(
    scenario: Scenario, subjects: Sequence[Subject], stage: Stage, stopwatch: Stopwatch
) -> Measured:
    """Run each subject once, then measure those that answer correctly."""
    bench = _Bench(scenario, stage, stopwatch)
    taking = [subject for subject in subjects if scenario.takes(subject)]
    for subject in taking:
        bench.try_out(subject)
    for number in range(scenario.rounds):
        order = [subject for subject in taking if number % subject.rests == 0]
        Random(number).shuffle(order)  # so that no subject always runs after the same one
        for subject in order:
            bench.run(subject, number)
    return Measured(scenario, bench.series)


class _Bench:
    def __init__(self, scenario: Scenario, stage: Stage, stopwatch: Stopwatch) -> None:
        self.series: dict[str, Series] = {}
        self._scenario = scenario
        self._stage = stage
        self._stopwatch = stopwatch

    def try_out(self, subject: Subject) -> None:
        """Load the subject's files into memory and its answer into its cache."""
        series = self.series[subject.name] = Series()
        cloud = self._scenario.cloud_of(subject)
        self._stage.forget(subject)
        for _ in range(1 if self._scenario.kind == "cold" else 2):
            before = self._requests(cloud)
            sample = self._timed(subject, cloud, 1)
            series.requests = self._requests(cloud) - before
            series.wrong = self._stage.wrong(subject, cloud, sample)
        if series.wrong and cloud in self._stage.clouds:
            series.wrong = self._stage.objections(cloud) or series.wrong

    def run(self, subject: Subject, number: int) -> None:
        series = self.series[subject.name]
        if series.wrong:
            return
        if self._scenario.kind == "cold":
            self._stage.forget(subject)
        cloud = self._scenario.cloud_of(subject)
        series.samples[number] = sample = self._timed(subject, cloud, self._scenario.at_once)
        series.wrong = self._stage.wrong(subject, cloud, sample)

    def _timed(self, subject: Subject, cloud: str, at_once: int) -> Sample:
        return self._stopwatch.run(*[self._stage.command(subject, cloud)] * at_once)

    def _requests(self, cloud: str) -> int:
        return self._stage.requests(cloud) if cloud in self._stage.clouds else 0
