"""Interpolation from Python: tensor to tensor, and folder to folder.

from blender_vfi.engine.api import interpolate
video = interpolate(frames, multiplier=4)          # (N, H, W, C) -> ((N - 1) * 4 + 1, H, W, C)
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import RequestError
from ..models import catalog
from ..models.cache import ModelCache
from ..models.interface import Quality
from . import memory, movies, schedule
from .composition import ChannelLayout
from .folders import job_for_folder, plain_path
from .limits import check_seed
from .loop import FrameLoop, LoopPolicy
from .movie_jobs import job_for_movie
from .pipeline import Engine
from .protocol import Event, Finished, Precision, check_engine_settings
from .reach import check_reach
from .times import parse_time, plan_at

_MODELS = ModelCache(free_memory=memory.free_memory_bytes, release=memory.clear_cache)


def interpolate(
    frames: Tensor,
    *,
    multiplier: int | Fraction | Sequence[int] = 2,
    model: str = catalog.DEFAULT_MODEL,
    checkpoint: Path | None = None,
    times: Sequence[Fraction | float | str] | None = None,
    skip_pairs: Collection[int] | None = None,
    keep_pairs: Collection[int] | None = None,
    loop: bool = False,
    device: str = "auto",
    precision: Precision = "auto",
    flow_scale: float = 1.0,
    ensemble: bool = False,
    clear_cache_every: int = 10,
    tile_size: int = 0,
    seed: int = 0,
    is_linear: bool = False,
    out: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Make a frame sequence smoother, in memory.

    Args:
        frames: (N, H, W, C) float on any device, N at least 2, C from 1 to 4: grey, grey and alpha,
            RGB, or RGB and straight alpha, in [0, 1]; or scene-linear light, see `is_linear`.
        multiplier: as for `schedule.plan`; without effect where `times` are given.
        times: the moment that each output frame shows, as for `times.plan_at`.
        model: name in the catalog.
        checkpoint: a file of weights to use in place of the catalog's.
        skip_pairs: pairs that get no in-between frames.
        keep_pairs: the only pairs that get them.
        loop: make frames between the last and the first too.
        device: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu".
        precision: "auto", "fp32", "fp16", "bf16".
        flow_scale: resolution of the motion search, 0.25 to 4.
        ensemble: average forward and backward motion, for models that have it.
        clear_cache_every: pairs between two clearings of the device's cache.
        tile_size: side of the tiles that frames are made in; 0 for whole frames until memory runs
            out.
        seed: what models that draw noise start from.
        is_linear: frames are scene-linear light with premultiplied alpha; values above 1 are kept.
        out: CPU tensor of the result's shape to fill, float32 or float16; None for a new one.
        dtype: of a new output tensor, float32 or float16.

    Returns:
        (sum(m_i) + 1, H, W, C) on the CPU, with a ratio (floor((N - 1) * ratio) + 1, H, W, C); in a
        loop, those of N + 1 frames without the last; with times, one frame for each.
        Source frames stand in it unchanged.

    Raises:
        RequestError: an argument is out of range.
        ModelError: the model or its checkpoint cannot be used.
        EngineError: the device is not there, or its memory is too small.
    """
    _check_frames(frames)
    frames = frames.detach()
    limits: dict[str, Any] = {"skip": skip_pairs, "keep": keep_pairs, "loop": loop}
    plan = _plan(len(frames), multiplier, times, limits)
    shape = (len(plan.outputs), *frames.shape[1:])
    out = _output_tensor(shape, dtype) if out is None else out
    _check_output(out, shape)
    quality = Quality(flow_scale=flow_scale, ensemble=ensemble, seed=seed)
    policy = _policy(device, precision, model, quality, clear_cache_every, tile_size)
    # the arguments are checked before a model is loaded
    layout = ChannelLayout(
        count=frames.shape[3],
        is_linear=is_linear,
        alpha_mode="premultiplied" if is_linear else "straight",
    )
    spec = catalog.find(model)
    check_reach(plan, spec)
    if plan.between_count:
        loaded = _MODELS.get(spec, device=policy.device, dtype=policy.dtype, checkpoint=checkpoint)
        frame_loop = FrameLoop(loaded.model, loaded.spec, layout, policy)
        frame_loop.run(plan, _TensorSource(frames), _TensorSink(out))
    for position, output in enumerate(plan.outputs):
        if isinstance(output, schedule.Source | schedule.Hold):
            out[position] = frames[output.index]
    return out


def interpolate_folder(
    source_dir: Path,
    output_dir: Path,
    *,
    on_event: Callable[[Event], None] = lambda _event: None,
    **settings: object,
) -> Finished:
    """Make the image sequence in a folder smoother, folder to folder, in this process.

    Args:
        source_dir: the frames, in the order of the numbers in their names.
        output_dir: made when missing; never the source folder.
        on_event: told about progress.
        **settings: fields of `protocol.JobSpec`, such as multiplier=4 or suffix=".exr".

    Raises:
        VfiError: what is wrong, in words.
    """
    job = job_for_folder(source_dir, output_dir, job_id=uuid.uuid4().hex, **settings)
    return Engine(_MODELS).run(job, on_event=on_event)


def interpolate_movie(
    source: Path,
    output_dir: Path,
    *,
    on_event: Callable[[Event], None] = lambda _event: None,
    **settings: object,
) -> Finished:
    """Make a movie smoother, into a folder of frames and, where asked for, a movie of them.

    Args:
        source: any movie that FFmpeg reads.
        output_dir: where the frames go; made when missing.
        on_event: told about progress.
        **settings: fields of `protocol.JobSpec`, such as multiplier=4, or for a movie
            movie="/absolute/out.mov", codec="prores-hq" and movie_rate=(48, 1).

    Raises:
        VfiError: what is wrong, in words.
    """
    count = movies.index_of_movie(plain_path(source)).frame_count
    job = job_for_movie(source, count, output_dir, job_id=uuid.uuid4().hex, **settings)
    return Engine(_MODELS).run(job, on_event=on_event)


class _TensorSource:
    def __init__(self, frames: Tensor) -> None:
        self._frames = frames

    def load(self, index: int) -> Tensor:
        return self._frames[index].to("cpu", torch.float32)


class _TensorSink:
    def __init__(self, out: Tensor) -> None:
        self._out = out

    def store(self, output_index: int, frame: Tensor) -> None:
        self._out[output_index] = frame


def _check_frames(frames: Tensor) -> None:
    if not isinstance(frames, Tensor):
        raise RequestError(
            f"Frames of type {type(frames).__name__}: expected a torch tensor; make one with "
            "torch.from_numpy(frames)."
        )
    if frames.ndim != 4 or 0 in frames.shape or not frames.is_floating_point():
        raise RequestError(
            f"Frames of shape {tuple(frames.shape)} and type {frames.dtype}: expected float "
            "(N, H, W, C), no side 0; divide 8-bit values by 255."
        )


def _plan(
    count: int,
    multiplier: int | Fraction | Sequence[int],
    times: Sequence[Fraction | float | str] | None,
    limits: dict[str, Any],
) -> schedule.Plan:
    if times is None:
        return schedule.plan(count, multiplier, **limits)
    return plan_at(count, [parse_time(moment) for moment in times], **limits)


def _policy(
    device: str,
    precision: str,
    model: str,
    quality: Quality,
    clear_cache_every: int,
    tile_size: int,
) -> LoopPolicy:
    check_engine_settings(precision, quality.flow_scale, clear_cache_every)
    check_seed(quality.seed)
    spec = catalog.find(model)
    chosen = memory.choose_device(device)
    return LoopPolicy(
        device=chosen,
        dtype=memory.choose_dtype(precision, chosen, half_precision=spec.half_precision),
        quality=quality,
        clear_cache_every=clear_cache_every,
        largest_batch=memory.largest_batch(chosen),
        tile_size=tile_size,
    )


def _output_tensor(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    if dtype not in (torch.float32, torch.float16):
        raise RequestError(f"Output type {dtype}: must be torch.float32 or torch.float16.")
    return torch.empty(shape, dtype=dtype)


def _check_output(out: Tensor, shape: tuple[int, ...]) -> None:
    is_right_type = out.dtype in (torch.float32, torch.float16) and out.device.type == "cpu"
    if tuple(out.shape) != shape or not is_right_type:
        raise RequestError(
            f"Output tensor of shape {tuple(out.shape)}, {out.dtype} on {out.device}: expected "
            f"{shape}, float32 or float16, on the CPU."
        )
