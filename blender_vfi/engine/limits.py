"""What some settings of a job may be, and how a wrong one is told. Standard library alone."""

from __future__ import annotations

import math

from ..errors import RequestError

SMALLEST_TILE = 128
LARGEST_VECTOR_STEP = 256
LARGEST_SEED = 2**32 - 1

ALL_GPUS = "all-gpus"
"""Device of a job that all GPUs of one kind share."""

LOG_NAME = ".vfi.log"
"""Name of the log beside a job's frames."""
LOG_LEVEL_VARIABLE = "BLENDER_VFI_LOG_LEVEL"
LOG_LEVELS = ("off", "error", "warning", "info", "debug")


def check_cut_threshold(cut_threshold: float) -> None:
    """Raise `RequestError` for a threshold that no two frames could reach, or all would."""
    if not 0 < cut_threshold <= 1:
        raise RequestError(
            f"Cut threshold {cut_threshold}: must be above 0 and at most 1; lower finds more cuts, "
            "1 finds none."
        )


def check_tile_size(tile_size: int) -> None:
    """Raise `RequestError` for tiles that are too small to find motion in."""
    if not _is_whole(tile_size) or (tile_size != 0 and tile_size < SMALLEST_TILE):
        raise RequestError(
            f"Tile size {tile_size}: must be 0, or a whole number of at least {SMALLEST_TILE} "
            "pixels; choose 512 where memory is small, or 0 for whole frames."
        )


def check_free_memory_limit(free_memory_limit_gb: float) -> None:
    """Raise `RequestError` for an amount of memory that cannot be kept free."""
    if not (math.isfinite(free_memory_limit_gb) and free_memory_limit_gb >= 0):
        raise RequestError(
            f"Free memory limit {free_memory_limit_gb} GB: must be 0 or more; choose 0 to keep "
            "every model, or leave it at 4."
        )


def check_seed(seed: int) -> None:
    """Raise `RequestError` for what noise cannot start from."""
    if not _is_whole(seed) or not 0 <= seed <= LARGEST_SEED:
        raise RequestError(f"Seed {seed}: must be a whole number from 0 to {LARGEST_SEED}.")


def check_vector_step(vector_step: int) -> None:
    """Raise `RequestError` for a number of scene frames that rendered frames cannot be apart."""
    if not _is_whole(vector_step) or not 0 <= vector_step <= LARGEST_VECTOR_STEP:
        raise RequestError(
            f"Vector step {vector_step}: must be a whole number from 1 to {LARGEST_VECTOR_STEP}, "
            "the frame step that the frames were rendered with; 0 takes it from their names."
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
