"""Draws small charts as SVG, for the documentation: bars beside each other, and lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.findings import cells

_WIDTH = 720
_LEFT = 170
_RIGHT = 60
_BAR = 16
_GAP = 14
_PLOT_HEIGHT = 220
_COLOURS = ("#2f6fb3", "#e07b39", "#4a9a6a", "#8a63b5", "#b5495b")
_INK = "#333333"
_FAINT = "#dddddd"


def chart(values: dict[str, Any]) -> str:
    """Return the SVG file of a results file that has a chart; see `benchmarks.findings`."""
    drawn = values["chart"]
    return _bars(values) if drawn["kind"] == "bars" else _lines(drawn)


def _bars(values: dict[str, Any]) -> str:
    drawn = values["chart"]
    titles = list(values["columns"])
    columns = [titles.index(title) for title in drawn["columns"]]
    rows = [
        (str(row[0]), [(row[column] or 0.0, words[column]) for column in columns])
        for row, words in zip(values["rows"], cells(values), strict=True)
    ]
    longest = max((number for _, bars in rows for number, _ in bars), default=0.0) or 1.0
    parts, top = _heading(drawn["title"], drawn["columns"] if len(columns) > 1 else ())
    for name, bars in rows:
        middle = top + len(bars) * _BAR / 2 + 4
        parts.append(_text(_LEFT - 8, middle, name, anchor="end"))
        for place, (number, word) in enumerate(bars):
            width = (_WIDTH - _LEFT - _RIGHT) * number / longest
            parts.append(
                f'<rect x="{_LEFT}" y="{top:g}" width="{width:.1f}" height="{_BAR - 2}" '
                f'fill="{_COLOURS[place % len(_COLOURS)]}"/>'
            )
            parts.append(_text(_LEFT + width + 5, top + _BAR - 4, word))
            top += _BAR
        top += _GAP
    return _document(parts, top)


def _lines(drawn: dict[str, Any]) -> str:
    points = drawn["points"]
    furthest = max(x for line in points.values() for x, _ in line)
    step = _step(max(y for line in points.values() for _, y in line))
    highest = step * math.ceil(max(y for line in points.values() for _, y in line) / step)
    parts, top = _heading(drawn["title"], list(points))
    left, width = 70, _WIDTH - 70 - _RIGHT

    def place(x: float, y: float) -> tuple[float, float]:
        return left + width * x / furthest, top + _PLOT_HEIGHT * (1 - y / highest)

    for mark in range(round(highest / step) + 1):
        _, y = place(0, mark * step)
        parts.append(f'<path d="M{left} {y:.1f}h{width}" stroke="{_FAINT}"/>')
        parts.append(_text(left - 8, y + 4, f"{mark * step:g}", anchor="end"))
    for number, line in enumerate(points.values()):
        path = "L".join("{:.1f} {:.1f}".format(*place(x, y)) for x, y in line)
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    bottom = top + _PLOT_HEIGHT
    parts.append(_text(left, bottom + 18, "0"))
    parts.append(_text(left + width, bottom + 18, f"{furthest:g} {drawn['across']}", anchor="end"))
    return _document(parts, bottom + 30)


def _step(highest: float) -> float:
    """Return the distance of round marks, of which about five reach the highest."""
    power = 10.0 ** math.floor(math.log10(highest or 1.0))
    return next(power * share for share in (0.2, 0.5, 1, 2) if highest / (power * share) <= 6)


def _heading(title: str, names: Sequence[str]) -> tuple[list[str], float]:
    """Return the title with the names of the colours below it, and where the chart begins."""
    parts = [_text(16, 26, title, weight="bold")]
    x = 16.0
    for number, name in enumerate(names):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<rect x="{x:g}" y="38" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(x + 17, 49, name))
        x += 40 + 7.2 * len(name)
    return parts, 66.0 if names else 44.0


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )


def _document(parts: Sequence[str], height: float) -> str:
    """Return the file; its own ground, since a page may be dark."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {_WIDTH} {height:g}" font-family="sans-serif" font-size="13" '
        f'fill="{_INK}">\n<rect width="100%" height="100%" rx="6" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
