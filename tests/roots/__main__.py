"""``python -m tests.roots [ROOT…]``: every step in these roots, then their files in all roots.

A step that went well is not taken again until a commit changes what it depends on; ``--again``
takes it anyway. The exit status is 1 if a step failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence

from cred_helper import __version__
from tests.roots import elsewhere, steps, this_machine
from tests.roots.outcome import Outcome, Verdict, keep, kept
from tests.roots.root import ALL, FOLDER, SUITES, Root, named, neighbours
from tests.roots.steps import Step
from tests.roots.table import Report
from tests.support.executable import PROGRAM, ROOT

PAGE = ROOT / "packaging/docs/platforms.md"
_OLDEST = "debian11"


def main(arguments: Sequence[str]) -> int:
    """Take the steps, print the tables; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.roots", description=__doc__)
    parser.add_argument("roots", nargs="*", metavar="ROOT", default=ALL, help=", ".join(ALL))
    parser.add_argument("--steps", nargs="+", choices=[name for name, *_ in _BODIES])
    parser.add_argument("--again", action="store_true", help="take steps that went well too")
    parser.add_argument("--page", action="store_true", help="write packaging/docs/platforms.md")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        sys.exit("error: roots need mounts and the users of another system\nhint: sudo make roots")
    try:
        roots = [named(name) for name in options.roots or ALL]
        this_machine.install_tools()
        this_machine.mirrors()
    except this_machine.CannotRun as reason:
        sys.exit(f"error: {reason}")
    for root in roots:
        _take_steps(root, options.steps, again=options.again)
    if not options.steps or "elsewhere" in options.steps:
        _try_elsewhere(roots)
    report = _report()
    print("\n\n".join(report.pages()))
    (FOLDER / "table.md").write_text("\n\n".join(report.pages()) + "\n")
    (FOLDER / "table.json").write_text(report.document())
    if options.page:
        PAGE.write_text(steps.page(report))
    ours = {root.name for root in roots}
    failed = [it for it in kept() if not it.verdict.is_right and {it.root, it.built_in} & ours]
    return 1 if failed else 0


# The limits are those of a busy machine with two cores, in seconds.
_BODIES: Sequence[tuple[str, float, Callable[[Step], str], Sequence[str]]] = (
    ("root", 1800, steps.make_root, ()),
    ("demo", 1200, steps.demo, steps.EVERYTHING),
    ("frozen", 3600, steps.frozen, steps.SOURCES),
    ("tests", 7200, steps.suite, steps.EVERYTHING),
    ("deb", 600, elsewhere.build_package, steps.SOURCES),
    ("elsewhere", 0, steps.make_root, ()),
)


def _take_steps(root: Root, only: Iterable[str] | None, *, again: bool) -> None:
    """All steps of a root, or these; those after a root that cannot be made are not taken."""
    _make(root)
    if not root.is_there:
        return
    steps.check_out(root)
    for name, limit_s, body, paths in _BODIES[1:-1]:
        if only and name not in only:
            continue
        commit = steps.commit(*paths)
        done = [it for it in kept() if (it.root, it.step, it.built_in) == (root.name, name, "")]
        if done and done[0].verdict is Verdict.OK and done[0].commit == commit and not again:
            _say(f"{root.name} {name}: {done[0].words} (commit {commit})")
            continue
        _say(f"{root.name} {name} …")
        _keep(steps.taken(root, name, limit_s, body, commit=commit))
        root.keep_facts(root.facts | _versions(root))


def _make(root: Root) -> None:
    if not root.is_there:
        _say(f"{root.name}: making the root …")
        name, limit_s, body, _ = _BODIES[0]
        _keep(steps.taken(root, name, limit_s, body))
    if root.is_there and root.suite and not root.facts:
        root.keep_facts(_versions(root))


def _versions(root: Root) -> dict[str, str]:
    return steps.versions(Step(root, "versions", 120))


def _try_elsewhere(owners: Iterable[Root]) -> None:
    """The files of these roots, in every root of their architecture."""
    with elsewhere.clouds() as clouds:
        for owner in owners:
            for root in neighbours(owner.architecture):
                if not steps.files(owner):
                    continue
                if root.system == _OLDEST and root.is_emulated and not root.is_there:
                    continue  # half an hour, for what the other architecture shows
                if root.suite and root.system != _OLDEST and not root.is_there:
                    continue  # not asked for
                _make(root)
                if not root.is_there:
                    continue
                _say(f"files of {owner.name} in {root.name} …")
                commit = _built_from(owner)
                for file in steps.files(owner):
                    _keep(elsewhere.try_file(file, owner, root, clouds, commit))
                if root.suite and list((owner.work / "dist").glob("*.deb")):
                    _keep(_package_tried(owner, root, commit))


def _built_from(owner: Root) -> str:
    """The commit of the files of a root."""
    commits = [it.commit for it in kept() if (it.root, it.step) == (owner.name, "frozen")
               and not it.built_in]  # fmt: skip
    return commits[0] if commits else ""


def _package_tried(owner: Root, root: Root, commit: str) -> Outcome:
    def body(step: Step) -> str:
        return elsewhere.try_package(step, owner)

    return steps.taken(root, "package", 600, body, commit=commit, built_in=owner.name)


def _report() -> Report:
    outcomes = kept()
    names = dict.fromkeys(outcome.root for outcome in outcomes)
    roots = [Root(name) for name in names]
    floors = {}
    for root in roots:
        for file in steps.files(root):
            if not file.suffix:
                floors[root.name] = steps.floor(file)
    heading = (
        f"{PROGRAM} {__version__}, on {this_machine.architecture()}; the other architecture is "
        "emulated by qemu-user. A commit is the last one that changes what the row depends on."
    )
    facts = {root.name: root.facts for root in roots}
    order = [
        f"{system}-{arch}" for arch in ("amd64", "arm64") for system in (*SUITES, "empty", "musl")
    ]
    outcomes.sort(key=lambda it: (order.index(it.built_in or it.root), order.index(it.root)))
    return Report(heading, outcomes, facts, floors)


def _keep(outcome: Outcome) -> None:
    keep(outcome)
    where = f", built in {outcome.built_in}" if outcome.built_in else ""
    words = f": {outcome.words}" if outcome.words else ""
    _say(f"{outcome.root} {outcome.step}{where}: {outcome.verdict}{words} ({outcome.took_s:.0f} s)")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
