"""Small movies, written with PyAV, whose pictures tell their own number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from blender_vfi.engine import images
from blender_vfi.engine.movie_frames import movie_frame
from blender_vfi.engine.movie_jobs import job_for_movie

SIZE = (48, 64)
STEP = 7
SAMPLE_RATE = 48_000


def picture(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """One colour that no other index below 30 has: (H, W, 3) codes."""
    return np.broadcast_to(np.uint8([20 + STEP * index, 230 - STEP * index, 100]), (*size, 3))


def number_of(pixels: np.ndarray) -> float:
    """Which index a picture shows; a blend of two lies between theirs."""
    return (pixels[..., 0].mean() * 255 - 20) / STEP


def write_movie(
    path: Path,
    count: int = 12,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: Fraction = Fraction(24),
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 1000),
    options: dict[str, str] | None = None,
    frames: Iterable[av.VideoFrame] | None = None,
    matrix: int = 5,
    color_range: int = 1,
    sound: str | None = None,
    rotation: int = 0,
    size: tuple[int, int] = SIZE,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a movie of `picture`s, or of `frames`, at a rate or at times of its own.

    Args:
        sound: codec of a sound stream as long as the picture, a tone; None for none.
    """
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = color_range
        if times is not None:
            stream.time_base = stream.codec_context.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        audio = (
            None if sound is None else container.add_stream(sound, rate=SAMPLE_RATE, layout="mono")
        )
        for index, frame in enumerate(
            frames or _pictures(count, pix_fmt, matrix, color_range, size)
        ):
            frame.pts = index if times is None else times[index]
            frame.time_base = 1 / rate if times is None else time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            _write_tone(container, audio, float(count / rate))
    return path


def _pictures(count, pix_fmt, matrix, color_range, size):
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture(index, size)), "rgb24")
        frame = frame.reformat(format=pix_fmt, dst_colorspace=matrix, dst_color_range=color_range)
        frame.colorspace, frame.color_range = matrix, color_range
        yield frame


def _write_tone(container, stream, seconds: float) -> None:
    codes = (np.sin(np.arange(int(seconds * SAMPLE_RATE)) * 0.05) * 8000).astype(np.int16)
    resampler = av.AudioResampler(stream.codec_context.format, "mono", SAMPLE_RATE)
    for start in range(0, len(codes), 1024):
        frame = av.AudioFrame.from_ndarray(codes[None, start : start + 1024], "s16", "mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        frame.time_base = Fraction(1, SAMPLE_RATE)
        for part in resampler.resample(frame):
            container.mux(stream.encode(part))
    container.mux(stream.encode())


def read(movie: Path, index: int) -> np.ndarray:
    """Read a frame with the code under test: (H, W, C) float32."""
    return images.read_frame(movie_frame(movie, index)).pixels


def make_movie_job(clip: Path, frame_count: int, output: Path, **settings: object):
    """Describe a job on the CPU."""
    return job_for_movie(clip, frame_count, output, job_id="m", device="cpu", **settings)
