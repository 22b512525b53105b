"""What the generated parts of the documentation have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> str:
    """Return a table in Markdown.

    Args:
        header: titles of the columns.
        rows: cells as they are to stand there.
        numbers: all columns but the first hold numbers, and stand at the right.
    """
    rule = ["---", *["---:" if numbers else "---"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, rule, *rows))


def machine_in_words(found: dict[str, Any]) -> str:
    """Say on what figures were taken, and when; see `benchmarks.results_file.machine`."""
    threads = "thread" if found["threads"] == 1 else "threads"
    return (
        f"{found['threads']} {threads} of {_article(found['processor'])}, torch {found['torch']}, "
        f"{found['date']}"
    )


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'AEIOU' else 'a'} {noun}"
