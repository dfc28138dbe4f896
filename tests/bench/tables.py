"""The results as Markdown: for the terminal, and for the page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tests.bench.report import Document

CLOUDS = {"ecr": "ECR", "gcr": "Google", "acr": "Azure"}
_WHICH = "program"
_BEGIN, _END = "<!-- measured -->\n", "<!-- measured end -->"


def filled(page: str, document: Document) -> str:
    before, _, rest = page.partition(_BEGIN)
    after = rest.partition(_END)[2]
    return f"{before}{_BEGIN}\n" + "\n\n".join(tables(document)) + f"\n\n{_END}{after}"


def tables(document: Document) -> Iterator[str]:
    yield _machine(document)
    warm, cold = "Warm get: the answer is in the cache", "Cold get: nothing is cached"
    yield _by_cloud(document, f"{warm}. Median in ms (quickest), × bare Python")
    yield _by_cloud(document, f"{cold}. Median in ms (quickest), × the plain script")
    yield _others(document)
    yield _sizes(document)
    yield _days(document)
    yield _builds(document)
    yield _figures(document)
    wrong = list(_wrong_answers(document))
    if wrong:
        yield "\n".join(wrong)


def good(document: Document, scenario: str, name: str) -> Document | None:
    """The measured times of a program, if all its answers were right."""
    series: Document = document["scenarios"][scenario]["subjects"].get(name, {})
    return series if "median_ms" in series else None


def _machine(document: Document) -> str:
    machine = document["machine"]
    date = document["date"].replace("T", " ")[:16]
    python = machine["python"].partition(" ")[0]
    return (
        f"docker-credential-multi {document['version']}, {date} UTC, {machine['processor']}, "
        f"{machine['cores']} cores, load {machine['load_before']:.1f} before and "
        f"{machine['load_after']:.1f} after, Python {python}, {machine['kernel']}, "
        f"{document['rounds']} rounds in {document['took_s']:.0f} s"
    )


def _by_cloud(document: Document, title: str) -> str:
    scenarios = [f"{title.partition(' ')[0].lower()} {cloud}" for cloud in CLOUDS]
    rows = []
    for name in _in(document, scenarios):
        cells = [_cell(document, scenario, name) for scenario in scenarios]
        rows.append([name, *cells, _requests(document, scenarios, name)])
    return _table(title, ["", *CLOUDS.values(), "requests upstream"], rows)


def _others(document: Document) -> str:
    scenarios = ["other", "parallel ecr"]
    rows = [
        [name, *(_cell(document, scenario, name) for scenario in scenarios)]
        for name in _in(document, scenarios)
    ]
    title = (
        "A host without a credential; 20 warm gets at once, for ECR or the helper's own cloud."
        " Median in ms (quickest), × bare Python"
    )
    return _table(title, ["", "not found", "20 at once"], rows)


def _sizes(document: Document) -> str:
    rows = []
    for name, subject in document["subjects"].items():
        sizes = (_megabytes(subject[kind]) for kind in ("bytes", "bytes_gzipped"))
        peaks = (_peak(document, kind, name) for kind in ("warm", "cold"))
        rows += [[name, *sizes, *peaks, subject["what"]]]
    heads = ["", "on disk", "gzipped", "peak, warm", "peak, cold", _WHICH]
    return _table("Size and peak memory in MB", heads, rows)


def _peak(document: Document, kind: str, name: str) -> str:
    found = [good(document, it, name) for it in document["scenarios"] if it.startswith(kind)]
    peak = max((series["peak_bytes"] for series in found if series), default=0)
    # Smaller peaks cannot be measured; 1 % is a page or two.
    bound = "≤ " if 0 < peak < document["machine"]["least_peak_bytes"] * 1.01 else ""
    return bound + _megabytes(peak or None)


def _days(document: Document) -> str:
    rows = []
    for day in document["days"]:
        shared = [cloud for cloud in day["ours"] if cloud in day["peers"]]
        for cloud in (*shared, *(it for it in day["ours"] if it not in shared)):
            tallies = _tallies(day["ours"][cloud], day["peers"].get(cloud))
            rows.append([day["title"], CLOUDS[cloud], str(day["ours"][cloud]["gets"]), *tallies])
        ours, theirs = total(day["ours"], shared), total(day["peers"], shared)
        rows.append([day["title"], "together", str(ours["gets"]), *_tallies(ours, theirs)])
    heads = ["", "", "gets", "ours, s", "requests", "Go helpers, s", "requests"]
    return _table("A day's work, 50 ms before every reply", heads, rows)


def _builds(document: Document) -> str:
    rows = []
    for build in document["builds"]:
        gets, took_s = build["gets"], build["seconds"]
        times = f"{took_s:.2f}", f"{took_s / gets * 1e3:.1f}"
        rows += [[build["name"], str(gets), *times, str(build["requests"])]]
    title = "A build of Bazel: `bazel get` for 15 URIs on three registries, again and again"
    return _table(title, ["", "gets", "s", "ms each", "requests upstream in all"], rows)


def _figures(document: Document) -> str:
    verdicts = {None: "not measured", True: "yes", False: "NO"}
    rows = []
    for figure in document["figures"]:
        target = f"at most {figure['limit']:g} {figure['unit']}"
        found = (_number(figure[name]) for name in ("measured", "of_quickest"))
        rows += [[figure["what"], target, *found, verdicts[figure["reached"]]]]
    heads = ["", "target", "measured", "quickest runs", "reached"]
    return _table("Targets", heads, rows)


def _wrong_answers(document: Document) -> Iterator[str]:
    for name, scenario in document["scenarios"].items():
        for subject, series in scenario["subjects"].items():
            if series.get("wrong"):
                yield f"{name}: {subject} is left out: {series['wrong']}"
    for day in document["days"]:
        for who, tallies in (("ours", day["ours"]), ("the Go helper", day["peers"])):
            for cloud, tally in tallies.items():
                if tally["wrong"]:
                    yield f"{day['title']}, {CLOUDS[cloud]}: {who} was wrong: {tally['wrong']}"
    for build in document["builds"]:
        if build["wrong"]:
            yield f"bazel: {build['name']} was wrong: {build['wrong']}"


def _in(document: Document, scenarios: Iterable[str]) -> list[str]:
    """The programs that take part in one of these."""
    names = {name for it in scenarios for name in document["scenarios"][it]["subjects"]}
    return [name for name in document["subjects"] if name in names]


def _cell(document: Document, scenario: str, name: str) -> str:
    if name not in document["scenarios"][scenario]["subjects"]:
        return ""
    series = good(document, scenario, name)
    if series is None:
        return "(left out)"
    times = series["times_reference"]
    found = f"{series['median_ms']:.1f} ({series['min_ms']:.1f})"
    return found + (f" ×{times:.2f}" if times else "")


def _requests(document: Document, scenarios: Iterable[str], name: str) -> str:
    """The upstream requests of one get, by cloud."""
    found = [
        good(document, it, name)
        for it in scenarios
        if name in document["scenarios"][it]["subjects"]
    ]
    return ", ".join(str(series["requests_per_get"]) if series else "?" for series in found)


def total(tallies: Mapping[str, Document], clouds: Iterable[str]) -> Document:
    found = [tallies[cloud] for cloud in clouds]
    return {key: sum(it[key] for it in found) for key in ("gets", "seconds", "requests")}


def _tallies(*tallies: Document | None) -> list[str]:
    cells = []
    for it in tallies:
        cells += ["", ""] if it is None else [f"{it['seconds']:.2f}", str(it["requests"])]
    return cells


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:.1f}"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    are_text = [head in ("", _WHICH) for head in heads]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if is_text else cell.rjust(width)
            for cell, is_text, width in zip(cells, are_text, widths, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rules = [
        "-" * width if is_text else "-" * (width - 1) + ":"
        for is_text, width in zip(are_text, widths, strict=True)
    ]
    return "\n".join([f"{title}\n", line(heads), line(rules), *map(line, rows)])
