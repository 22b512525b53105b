"""The options that every command line takes for a job, and what they become in a `JobSpec`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .cli_times import add_rate_options, multiplier
from .cli_values import model_name, suffix
from .engine import schedule
from .engine.limits import LOG_LEVEL_VARIABLE, LOG_LEVELS, LOG_NAME, SMALLEST_TILE
from .engine.protocol import (
    BAD_FRAMES,
    BUSY_DEVICE,
    CUTS,
    DEFAULT_CUT_THRESHOLD,
    FLOW_SCALES,
    GUIDED_FILLS,
    OUTPUT_SUFFIXES,
    PRECISIONS,
)
from .engine.storage import COMPRESSIONS, DEPTHS
from .models import catalog


def add_job_options(parser: argparse.ArgumentParser, *, fills_gaps: bool = False) -> None:
    """Add the options that decide what a job makes and how.

    Args:
        parser: of a command.
        fills_gaps: whether the numbers of the source's files say how many frames are made.
    """
    what = parser.add_argument_group("what to make")
    if not fills_gaps:
        add_rate_options(what)
    _add_cut_options(what)
    _add_file_options(what)
    _add_model_options(parser)
    _add_engine_options(parser)


def _add_cut_options(what: argparse._ArgumentGroup) -> None:
    what.add_argument(
        "--cuts",
        choices=CUTS,
        default="hold",
        help="where the frames cut to another shot: hold the frame before, blend both, or off, "
        "which interpolates across (default: hold)",
    )
    what.add_argument(
        "--cut-threshold",
        type=float,
        default=DEFAULT_CUT_THRESHOLD,
        metavar="X",
        help="difference from which on two frames belong to two shots, above 0; 1 finds no cuts "
        f"(default: {DEFAULT_CUT_THRESHOLD})",
    )
    what.add_argument(
        "--cut-pairs",
        metavar="LIST",
        help='pairs that are cuts too, such as "0,10-14": 0 is the pair of the first file and the '
        "second",
    )
    what.add_argument(
        "--bad-frames",
        choices=BAD_FRAMES,
        default="fail",
        help="where the model's answer is infinite or no number, in fp32 too: fail, hold the frame "
        "before, or blend both (default: fail)",
    )


def _add_file_options(what: argparse._ArgumentGroup) -> None:
    what.add_argument(
        "--format",
        dest="suffix",
        type=suffix,
        choices=OUTPUT_SUFFIXES,
        help="output format (default: the source's)",
    )
    what.add_argument(
        "--depth",
        choices=DEPTHS,
        default="source",
        help="bits of each value, half or float; 8 for Radiance HDR (default: the source's, or the "
        "next deeper one that the format has)",
    )
    what.add_argument(
        "--compression",
        choices=COMPRESSIONS,
        default="auto",
        help="of the files, as far as the format has it (default: the source's, or a usual one)",
    )
    what.add_argument(
        "--quality",
        type=int,
        default=0,
        metavar="N",
        help="of JPEG and of WebP with compression lossy, 1 to 100 (default: 95)",
    )
    what.add_argument(
        "--overwrite",
        action="store_true",
        help="replace frames that are in the output folder already",
    )
    what.add_argument(
        "--link",
        action="store_true",
        help="link source frames into the output folder in place of copies; editing one edits both",
    )
    what.add_argument(
        "--no-space-check",
        dest="check_free_space",
        action="store_false",
        help="begin and go on although the disk seems too small for the frames",
    )
    instead = what.add_mutually_exclusive_group()
    instead.add_argument(
        "--save-job",
        type=Path,
        metavar="FILE",
        help="run nothing: write the job into a file for the run command, beside those in it",
    )
    add_dry_run_option(instead)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        type=model_name,
        default=catalog.DEFAULT_MODEL,
        metavar="NAME",
        help=f"see the models command (default: {catalog.DEFAULT_MODEL})",
    )
    model.add_argument(
        "--checkpoint", metavar="FILE", help="weights to use in place of the model's own"
    )
    model.add_argument(
        "--flow-scale",
        type=float,
        choices=FLOW_SCALES,
        default=1.0,
        help="resolution of the motion search; 0.5 for 4K or large motion (default: 1)",
    )
    model.add_argument(
        "--ensemble",
        action="store_true",
        help="average forward and backward motion: slower, for models that have it",
    )
    model.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="what models that draw noise start from; the same one makes the same frames "
        "(default: 0)",
    )
    model.add_argument(
        "--guided-fill",
        choices=GUIDED_FILLS,
        default="model",
        help="what a guided model does where rendered vectors know nothing: ask its network, or "
        "mix the frames, which needs no weights (default: model)",
    )
    model.add_argument(
        "--vector-step",
        type=int,
        default=0,
        metavar="N",
        help="for guided models, the frame step that the frames were rendered with (default: by "
        "the numbers in their names)",
    )
    model.add_argument(
        "--doubt-masks",
        action="store_true",
        help="for guided models, a picture of the error to expect beside each new frame",
    )


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    engine = parser.add_argument_group("engine")
    engine.add_argument(
        "--device",
        default="auto",
        help="auto, cpu, cuda, cuda:1, mps, xpu; several GPUs share a job: cuda:0,cuda:1, or "
        "all-gpus (default: auto)",
    )
    engine.add_argument(
        "--busy-device",
        choices=BUSY_DEVICE,
        default="wait",
        help="where another job has the GPU: wait for it, run on the cpu, or share it, which may "
        "run out of memory (default: wait)",
    )
    engine.add_argument("--precision", choices=PRECISIONS, default="auto", help="(default: auto)")
    engine.add_argument(
        "--compile",
        dest="compiles",
        action="store_true",
        help="compile the model, meant for GPUs: minutes at first, which long jobs may win back",
    )
    engine.add_argument(
        "--clear-cache-every",
        type=int,
        default=10,
        metavar="N",
        help="pairs between two clearings of the device's cache, 1 to 1000 (default: 10)",
    )
    engine.add_argument(
        "--tile",
        dest="tile_size",
        type=int,
        default=0,
        metavar="N",
        help=f"make frames in overlapping tiles of N pixels, at least {SMALLEST_TILE}, to save "
        "memory (default: 0, whole frames until memory runs out)",
    )
    engine.add_argument(
        "--keep-free",
        dest="free_memory_limit_gb",
        type=float,
        default=4.0,
        metavar="GB",
        help="device memory to have free before another model is loaded; models of earlier jobs "
        "are dropped until it is (default: 4)",
    )
    add_log_option(engine)
    engine.add_argument(
        "--half-when-full",
        action="store_true",
        help="go on in half precision where the device's memory runs out even in small tiles",
    )
    elsewhere = "go on on the CPU where that does not help either"
    engine.add_argument("--cpu-when-full", action="store_true", help=elsewhere)
    add_process_options(engine)


def add_process_options(group: argparse._ActionsContainer) -> None:
    """Add the options of everything that runs an engine: which Python, and how much is told."""
    group.add_argument(
        "--engine-python",
        metavar="PATH",
        help="Python that has torch (default: $BLENDER_VFI_PYTHON, or this one)",
    )
    group.add_argument("--quiet", action="store_true", help="no progress, only the result")


def add_dry_run_option(group: argparse._ActionsContainer) -> None:
    """Add the option of everything that runs jobs: only say what they would do."""
    group.add_argument(
        "--dry-run",
        action="store_true",
        help="make nothing: check all that a job checks, and say what it would make, where, and "
        "what is kept",
    )


def add_log_option(group: argparse._ActionsContainer) -> None:
    """Add the option of everything that runs jobs: what is written beside their frames."""
    group.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        help=f"what is written into {LOG_NAME} beside the frames (default: ${LOG_LEVEL_VARIABLE}, "
        "or info: memory and speed every tenth pair)",
    )


def job_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the `JobSpec` fields that the options set; the format only where one was chosen.

    Raises:
        RequestError: a list of pairs cannot be read.
    """
    settings: dict[str, Any] = {
        "cuts": options.cuts,
        "cut_threshold": options.cut_threshold,
        "bad_frames": options.bad_frames,
        "half_when_full": options.half_when_full,
        "cpu_when_full": options.cpu_when_full,
        "check_free_space": options.check_free_space,
        "overwrite": options.overwrite,
        "link_sources": options.link,
        "model": options.model,
        "checkpoint": options.checkpoint,
        "flow_scale": options.flow_scale,
        "ensemble": options.ensemble,
        "device": options.device,
        "busy_device": options.busy_device,
        "precision": options.precision,
        "compiles": options.compiles,
        "clear_cache_every": options.clear_cache_every,
        "tile_size": options.tile_size,
        "free_memory_limit_gb": options.free_memory_limit_gb,
        "seed": options.seed,
        "guided_fill": options.guided_fill,
        "vector_step": options.vector_step,
        "doubt_masks": options.doubt_masks,
        "depth": options.depth,
        "compression": options.compression,
        "quality": options.quality,
    }
    fields = {"skip": "skip_pairs", "keep": "keep_pairs", "cut_pairs": "cut_pairs"}
    for option, field in fields.items():
        text = getattr(options, option, None)
        if text is not None:
            settings[field] = tuple(sorted(schedule.parse_pairs(text)))
    if "multiplier" in options:
        settings |= {
            "multiplier": multiplier(options),
            "loop": options.loop,
            "duplicates": options.duplicates,
        }
    if options.suffix is not None:
        settings["suffix"] = options.suffix
    return settings
