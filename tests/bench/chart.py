"""The results as one picture: bars for this program, the Go helpers and the plain scripts.

The text is readable on a light and on a dark page: its colour is that of the reader's scheme.
"""

from __future__ import annotations

from html import escape

from tests.bench.report import Document
from tests.bench.subjects import GO_HELPERS, ONEFILE, PLAIN_SCRIPT
from tests.bench.tables import CLOUDS, good, total

Row = tuple[str, list[tuple[str, float]]]
"""A label, and the bars beside it: a kind with its value."""

_WIDTH, _PANEL, _LABEL, _BARS = 860, 430, 118, 220
_BAR, _GAP = 12, 9
_OURS, _GO, _PLAIN = "ours", "go", "plain"
_LEGEND = {
    _OURS: "docker-credential-multi, one file",
    _GO: "the Go helpers",
    _PLAIN: "the shortest Python script with the SDK",
}
_STYLE = """\
<style>
text{font:13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#1f2328}
.h{font-weight:600}.n{font-size:12px}
.ours{fill:#0969da}.go{fill:#9a6700}.plain{fill:#8c959f}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.ours{fill:#4493f8}.go{fill:#d29922}}
</style>
"""


def chart(document: Document) -> str:
    gets = max(
        (sum(it["gets"] for it in day["ours"].values()) for day in document["days"]), default=0
    )
    panels = [
        ("A warm get, ms", _gets(document, "warm")),
        ("A cold get, ms", _gets(document, "cold")),
        (f"A day's work: {gets} gets over three clouds, s", _days(document)),
        ("On disk, MB", _sizes(document)),
    ]
    parts, said, height = [], [], 0
    for number, (title, rows) in enumerate(panels):
        left = _PANEL * (number % 2)
        if not left:
            top = height + 34 if number else 44
        drawn, below = _panel(left, top, title, rows)
        parts.append(drawn)
        height = max(height, below)
        said += [f"{title}: {_said(rows)}."]
    legend, at = [], 0
    for kind, text in _LEGEND.items():
        legend.append(f'<rect class="{kind}" x="{at}" y="6" width="12" height="12" rx="2"/>')
        legend.append(f'<text x="{at + 18}" y="17">{escape(text)}</text>')
        at += 60 + 7 * len(text)
    size = f'viewBox="0 0 {_WIDTH} {height + 4}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">',
        '<title id="title">Time and size of a get: shorter is better</title>',
        f'<desc id="desc">{escape(" ".join(said))}</desc>',
        f"{_STYLE}{''.join(legend)}",
        *parts,
    ]
    return "\n".join([*lines, "</svg>\n"])


def _panel(left: int, top: int, title: str, rows: list[Row]) -> tuple[str, int]:
    longest = max((value for _, bars in rows for _, value in bars), default=1.0)
    drawn = [f'<text class="h" x="{left}" y="{top}">{escape(title)}</text>']
    y = top + 12
    for label, bars in rows:
        middle = y + len(bars) * _BAR // 2 + 5
        drawn.append(f'<text x="{left}" y="{middle}">{escape(label)}</text>')
        for kind, value in bars:
            width = max(1.0, value / longest * _BARS)
            x = left + _LABEL
            drawn += [
                (
                    f'<rect class="{kind}" x="{x}" y="{y}" width="{width:.1f}" height="{_BAR - 2}" '
                    'rx="2"/>'
                ),
                f'<text class="n" x="{x + width + 6:.1f}" y="{y + 9}">{_number(value)}</text>',
            ]
            y += _BAR
        y += _GAP
    return "\n".join(drawn), y


def _said(rows: list[Row]) -> str:
    return "; ".join(
        f"{label}: " + ", ".join(f"{_LEGEND[kind]} {_number(value)}" for kind, value in bars)
        for label, bars in rows
    )


def _gets(document: Document, kind: str) -> list[Row]:
    rows = []
    for cloud, title in CLOUDS.items():
        scenario = f"{kind} {cloud}"
        names = {_OURS: ONEFILE, _GO: GO_HELPERS[cloud], _PLAIN: PLAIN_SCRIPT}
        found = {it: good(document, scenario, name) for it, name in names.items()}
        rows.append((title, [(it, one["median_ms"]) for it, one in found.items() if one]))
    return rows


def _days(document: Document) -> list[Row]:
    rows = []
    for day in document["days"]:
        shared = [cloud for cloud in day["ours"] if cloud in day["peers"]]
        bars = [(_OURS, total(day["ours"], shared or day["ours"])["seconds"])]
        bars += [(_GO, total(day["peers"], shared)["seconds"])] if shared else []
        rows.append((day["title"].removesuffix(" that rotate"), bars))
    return rows


def _sizes(document: Document) -> list[Row]:
    subjects = document["subjects"]
    ours = [subjects[name]["bytes"] for name in (ONEFILE,) if name in subjects]
    go = [subjects[name]["bytes"] for name in GO_HELPERS.values() if name in subjects]
    return [
        ("all clouds", [(kind, sum(it) / 1e6) for kind, it in ((_OURS, ours), (_GO, go)) if it])
    ]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
