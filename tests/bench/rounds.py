"""Subjects one after another, round by round: the machine drifts, so only neighbours compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median

from tests.bench.stage import NOBODY, Stage
from tests.bench.stopwatch import Sample, Stopwatch
from tests.bench.subjects import BARE, PLAIN_SCRIPT, Subject


@dataclass(frozen=True)
class Scenario:
    """What is done, and what it is compared with."""

    kind: str
    cloud: str
    reference: str
    rounds: int
    at_once: int = 1

    @property
    def name(self) -> str:
        return self.kind if self.cloud == NOBODY else f"{self.kind} {self.cloud}"

    def takes(self, subject: Subject) -> bool:
        """Whether a subject has a part in this."""
        own = self.cloud == NOBODY or self.kind == "parallel" or self.cloud in subject.clouds
        return self.kind in subject.scenarios and own

    def cloud_of(self, subject: Subject) -> str:
        """Where this subject goes: a helper of one cloud goes there, when others go elsewhere."""
        elsewhere = self.kind == "parallel" and self.cloud not in subject.clouds
        return subject.clouds[0] if elsewhere else self.cloud


@dataclass
class Series:
    """The runs of one subject, by the round they were in."""

    samples: dict[int, Sample] = field(default_factory=dict)
    requests: int = 0
    """How often one get asks upstream."""
    wrong: str | None = None
    """Why there is nothing to tell."""

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
        """How many times the reference's time it takes: the median over the rounds of both."""
        both = self.samples.keys() & reference.samples.keys()
        return median(self.samples[at].wall_s / reference.samples[at].wall_s for at in both)

    def min_times(self, reference: Series) -> float:
        """The same of the quickest runs, which noise only ever spoils less."""
        return self.min_ms / reference.min_ms


@dataclass(frozen=True)
class Measured:
    """What came of a scenario."""

    scenario: Scenario
    series: Mapping[str, Series]

    def good(self, name: str) -> Series | None:
        """A subject's runs, if it is here and was right in all."""
        series = self.series.get(name)
        return series if series is not None and series.samples and not series.wrong else None

    def times(self, name: str, reference: str = "") -> float | None:
        """How many times a reference's time a subject takes."""
        one, other = self.good(name), self.good(reference or self.scenario.reference)
        return one.times(other) if one is not None and other is not None else None

    def min_times(self, name: str, reference: str = "") -> float | None:
        """The same of the quickest runs."""
        one, other = self.good(name), self.good(reference or self.scenario.reference)
        return one.min_times(other) if one is not None and other is not None else None


def scenarios(clouds: Iterable[str], rounds: int) -> list[Scenario]:
    """Everything that is done; what takes long, in a third of the rounds."""
    clouds, fewer = list(clouds), -(-rounds // 3)
    return [
        *(Scenario("warm", cloud, BARE, rounds) for cloud in clouds),
        *(Scenario("cold", cloud, PLAIN_SCRIPT, fewer) for cloud in clouds),
        Scenario("nobody", NOBODY, BARE, rounds),
        Scenario("parallel", "ecr", BARE, fewer, at_once=20),
    ]


def measure(
    scenario: Scenario, subjects: Sequence[Subject], stage: Stage, stopwatch: Stopwatch
) -> Measured:
    """Try each subject out, then time those that do as they should."""
    bench = _Bench(scenario, stage, stopwatch)
    taking = [subject for subject in subjects if scenario.takes(subject)]
    for subject in taking:
        bench.try_out(subject)
    for number in range(scenario.rounds):
        order = [subject for subject in taking if number % subject.rests == 0]
        Random(number).shuffle(order)  # so that nobody always comes after the same one
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
        """Warm the subject up: its files are in memory then, and its answer in its cache."""
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
        """One run that counts, unless the subject was wrong already."""
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
