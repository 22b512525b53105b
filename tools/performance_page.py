"""Puts what the benchmarks found into docs/performance.md, with charts beside it.

    python -m tools.performance_page

The page is written by hand. What stands between `<!-- results: NAME -->` and
`<!-- end of results -->` is made here from benchmarks/results/NAME.json.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from benchmarks import findings, results_file

from . import charts
from .pages import machine_in_words, table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
PICTURES = PAGE.parent / "images"
OTHER_PAGES = ("models", "quality", "rendered")
"""Results that docs/models.md and docs/guided.md have."""

_MARKS = re.compile(r"(?s)(<!-- results: (\w+) -->\n).*?(<!-- end of results -->)")


def main() -> int:
    """Write the page and its charts; return the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(filled(text), encoding="utf-8")
    for name, picture in pictures(text).items():
        (PICTURES / name).write_text(picture, encoding="utf-8")
    print(f"{PAGE.name}: {len(marks(text))} tables")
    return 0


def marks(text: str) -> list[str]:
    """List the results that a page asks for, in its order."""
    return [found[1] for found in _MARKS.findall(text)]


def filled(text: str) -> str:
    """Return a page with what the results files hold."""
    return _MARKS.sub(lambda found: found[1] + _section(found[2]) + found[3], text)


def pictures(text: str) -> dict[str, str]:
    """Return the charts of a page: SVG by file name."""
    results = {name: _read(name) for name in marks(text)}
    return {
        _picture_name(name): charts.chart(values)
        for name, values in results.items()
        if values.get("chart")
    }


def _section(name: str) -> str:
    values = _read(name)
    if not values:
        return f"\nNot measured yet: run `python -m benchmarks.{name} --record`.\n\n"
    lines = [f"\n`{values['command']}`{_where(values['machine'])}:\n"]
    if values.get("chart"):
        lines.append(f"![{values['chart']['title']}](images/{_picture_name(name)})\n")
    lines.append(table(list(values["columns"]), findings.cells(values), numbers=True))
    lines += [f"{remark}  " for remark in values["remarks"][:-1]]
    lines += [*values["remarks"][-1:], ""] if values["remarks"] else []
    return "\n".join(lines) + "\n"


def _where(machine: dict[str, Any] | None) -> str:
    if machine is None:
        return ""
    beside = ", **beside other work**" if results_file.is_disturbed(machine) else ""
    return f", {machine_in_words(machine)}{beside}"


def _read(name: str) -> dict[str, Any]:
    return results_file.read(results_file.FOLDER / f"{name}.json")


def _picture_name(name: str) -> str:
    return f"performance-{name}.svg"


if __name__ == "__main__":
    sys.exit(main())
