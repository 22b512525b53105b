"""Options of the command lines for rate and time: which frames are made, and for which moments."""

from __future__ import annotations

import argparse
from pathlib import Path

from .cli_values import frame_rate, whole_number
from .engine import schedule
from .engine.protocol import DEFAULT_MULTIPLIER, DUPLICATES
from .engine.times import SpeedCurve, parse_speed_curve, read_times, times_at_speed
from .errors import RequestError


def add_rate_options(what: argparse._ArgumentGroup) -> None:
    """Add the options that decide how many frames are made, and for which moments."""
    rates = what.add_mutually_exclusive_group()
    rates.add_argument(
        "--multiplier",
        type=whole_number,
        metavar="N",
        help=f"frames for each source frame, 2 to {schedule.LARGEST_MULTIPLIER} "
        f"(default: {DEFAULT_MULTIPLIER})",
    )
    rates.add_argument(
        "--rate",
        type=frame_rate,
        metavar="FPS",
        help="in place of a multiplier: the frame rate of the result, such as 60, 59.94 or "
        "60000/1001; time always stays",
    )
    _add_time_options(what, rates)
    what.add_argument(
        "--loop",
        action="store_true",
        help="for cyclic animation: frames between the last and the first too",
    )
    what.add_argument(
        "--duplicates",
        choices=DUPLICATES,
        default="keep",
        help="frames like the one before, as in animation on twos: keep them, or retime, which "
        "spreads the drawings evenly over the same time (default: keep)",
    )
    states = what.add_mutually_exclusive_group()
    states.add_argument(
        "--skip",
        metavar="LIST",
        help='pairs that get no new frames, such as "0,10-14": 0 is the pair of the first file and '
        "the second, whatever numbers their names have",
    )
    states.add_argument("--keep", metavar="LIST", help="the only pairs that get new frames")


def _add_time_options(
    what: argparse._ArgumentGroup, rates: argparse._MutuallyExclusiveGroup
) -> None:
    rates.add_argument(
        "--times",
        type=Path,
        metavar="FILE",
        help="in place of a multiplier: a text file with the moment of each output frame, one a "
        "line, in source frames counted from 0, such as 12, 12.5 or 25/2; they may halt and run "
        "backwards",
    )
    rates.add_argument(
        "--speed",
        metavar="KEYS",
        help='in place of a multiplier: a speed ramp, as output frames and speeds "0:1, 48:0.25, '
        '96:1"; 0.25 is a quarter of the speed, below 0 runs backwards',
    )
    what.add_argument(
        "--speed-easing",
        choices=("smooth", "linear"),
        default="smooth",
        help="how speed changes from key to key (default: smooth)",
    )


def multiplier(options: argparse.Namespace) -> int:
    """Return the multiplier that the options ask for, or else the usual one."""
    # None stands for the default: argparse overlooks a conflict where a value equals its default
    return DEFAULT_MULTIPLIER if options.multiplier is None else int(options.multiplier)


def output_times(options: argparse.Namespace, source_count: int) -> tuple[str, ...] | None:
    """Return the times that the options ask for, as a `JobSpec` has them; None where they do not.

    Args:
        options: parsed.
        source_count: frames of the source, which a speed ramp goes to the end of.

    Raises:
        RequestError: the file cannot be read, or a key of the ramp, or a ramp has no end.
    """
    if options.times is not None:
        return tuple(map(str, read_times(options.times)))
    if options.speed is None:
        return None
    curve: SpeedCurve = parse_speed_curve(options.speed, is_smooth=options.speed_easing == "smooth")
    if options.loop:
        raise RequestError(
            "Both --speed and --loop are given: a speed ramp ends where the frames do; give "
            "--times with --loop for a ramp that goes round."
        )
    return tuple(map(str, times_at_speed(curve, source_count, last_key=curve.frames[-1])))
