"""What a benchmark found, in one form for the terminal, its results file and docs/performance.md.

A benchmark makes a `Findings` and hands it to `report`. Written with `--record`, it becomes
benchmarks/results/NAME.json, and `make docs` puts it between the marks

    <!-- results: NAME -->
    <!-- end of results -->

of docs/performance.md, as a table, with its chart where it has one. Nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from . import results_file

Cell = str | float | None
"""A word, a number, or nothing where nothing was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A chart of one bar for each row and column, beside each other.

    Attributes:
        title: what is measured, with its unit.
        columns: titles of the columns that are drawn.
    """

    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A chart of what became of something in the course of a run.

    Attributes:
        title: what is measured, with its unit.
        across: what runs from left to right, with its unit.
        points: of each line, by its name: where it stands, and how high.
    """

    title: str
    across: str
    points: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A table, and what belongs to it.

    Attributes:
        command: what makes these figures; the table stands beside it.
        columns: the title of each column, and how many places its numbers have after the point.
        rows: what was found; a row's first cell says of what.
        remarks: sentences or figures below the table.
        chart: what is drawn of it.
    """

    command: str
    columns: Mapping[str, int]
    rows: Sequence[Sequence[Cell]]
    remarks: Sequence[str] = ()
    chart: Bars | Lines | None = None


def report(name: str, found: Findings, *, machine: dict[str, Any] | None, record: bool) -> None:
    """Print what was found and, where it is to be recorded, write its results file.

    Args:
        name: of the file, and of the mark in docs/performance.md.
        found: the figures.
        machine: `results_file.machine()`, asked before the measurement; None where the figures
            are the same on every machine.
        record: whether to write the file.
    """
    print(as_text(found), flush=True)
    if record:
        results_file.write(results_file.FOLDER / f"{name}.json", as_json(found, machine))


def as_text(found: Findings) -> str:
    """Return the table for a terminal, its columns below each other."""
    lines = [list(found.columns), *cells(asdict(found))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(found.columns))]
    aligned = (
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    return "\n".join([*aligned, *found.remarks])


def as_json(found: Findings, machine: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the results file holds."""
    values = asdict(found)
    if found.chart is not None:
        values["chart"]["kind"] = type(found.chart).__name__.lower()
    return {**values, "machine": machine}


def cells(values: dict[str, Any]) -> list[list[str]]:
    """Return the rows of a results file in words: numbers with the places of their column."""
    places = list(values["columns"].values())
    return [
        [_word(cell, digits) for cell, digits in zip(row, places, strict=True)]
        for row in values["rows"]
    ]


def _word(cell: Cell, digits: int) -> str:
    if cell is None:
        return "–"
    return cell if isinstance(cell, str) else f"{cell:.{digits}f}"
