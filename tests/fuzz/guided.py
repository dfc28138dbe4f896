"""The same fuzzers under the coverage-guided engine, each in a process of its own.

``python -m tests.fuzz.guided TARGET SECONDS SEED CORPUS`` is that process: the engine ends the
process after a run. Inputs with new coverage stay in the corpus for the next run.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import keep
from tests.support.executable import ROOT
from tests.support.programs import ran

CORPORA = ROOT / "build" / "fuzz"
_LONGEST = 1 << 14
# Added to the given time: loading an SDK and reading the corpus.
_SLACK_S = 180


class GuidedRun:
    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.seed = seed
        self.report = ""
        self.crashers: list[str] = []

    def go(self, seconds: float) -> GuidedRun:
        corpus = CORPORA / self.name
        corpus.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as crashes:
            arguments = (self.name, str(max(1, int(seconds))), str(self.seed), str(corpus), crashes)
            command = (sys.executable, "-m", __name__, *arguments)
            done = ran(*command, errors="replace", timeout=seconds + _SLACK_S, cwd=ROOT)
            self.report = done.stderr + done.stdout
            for path in sorted(Path(crashes).iterdir()):
                self.crashers.append(f"{self._error()}: {keep(self.name, path.read_bytes())}")
        if done.returncode and not self.crashers:
            self.crashers.append(f"the engine ended with {done.returncode}: {self.report[-2000:]}")
        return self

    @property
    def tried(self) -> int:
        found = re.findall(r"number_of_executed_units: (\d+)", self.report)
        return int(found[-1]) if found else 0

    def _error(self) -> str:
        found = re.search(r"Uncaught Python exception: ===\s*(.*)", self.report)
        return found[1] if found else "crash"

    def figures(self) -> str:
        cov = re.findall(r"cov: (\d+)", self.report)
        return (
            f"{self.name:<26}{self.tried:>9} inputs, guided by {cov[-1] if cov else 0} edges,"
            f" {len(self.crashers)} findings, seed {self.seed}"
        )


def main(name: str, seconds: str, seed: str, corpus: str, crashes: str) -> None:
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["cred_helper"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]()
    with tempfile.TemporaryDirectory() as seeds:
        for number, data in enumerate(target.seeds()):
            Path(seeds, str(number)).write_bytes(data)
        dictionary = Path(seeds, "words")
        words = ('"' + "".join(f"\\x{b:02x}" for b in word) + '"' for word in target.words)
        dictionary.write_text("".join(f"{word}\n" for word in words))
        atheris.Setup(
            [
                sys.argv[0], corpus, seeds, f"-max_total_time={seconds}", f"-max_len={_LONGEST}",
                f"-seed={seed}", f"-dict={dictionary}", f"-artifact_prefix={crashes}/",
                "-print_final_stats=1", "-rss_limit_mb=4096",
            ],
            target.check,
        )  # fmt: skip
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
