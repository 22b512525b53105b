"""Which source frames a model sees for a pair. Standard library alone."""

from __future__ import annotations

from .schedule import Plan


def window_of(plan: Plan, pair: int, context: int) -> list[int]:
    """List the source frames that a model sees for `pair`, mirrored at the ends of its shot.

    Where the plan loops, the first frame comes after the last.

    Args:
        plan: what is made.
        pair: index of the earlier of the two frames in the middle.
        context: 2 or 4.
    """
    count = plan.source_count
    later = (pair + 1) % count
    if context == 2:
        return [pair, later]
    is_first = (pair == 0 and not plan.loops) or (pair - 1) % count in plan.cuts
    is_last = (later == count - 1 and not plan.loops) or later in plan.cuts
    outer = later if is_first else (pair - 1) % count, pair if is_last else (later + 1) % count
    return [outer[0], pair, later, outer[1]]
