"""Gives a scene a higher frame rate, and keeps everything in its Sequencer at its second.

Time scales from frame 0, which is second 0 in Blender: frame f at the old rate and frame f·m at m
times the rate are the same second. Strips, sounds, markers, keys and the frame range scale alike.
Where m is a fraction, each goes to the nearest frame of its exact moment, so that nothing drifts.
"""

from __future__ import annotations

import struct
from fractions import Fraction

import bpy

from . import vse, vse_carry
from .engine.rates import nearest_frame, rate_text, ratio_between
from .errors import StripError
from .messages import message
from .remedies import how_to_have_a_new_scene
from .strip_values import StripTimes

_GENERATORS = frozenset({"COLOR", "TEXT", "ADJUSTMENT"})


def rate_of(render: bpy.types.RenderSettings) -> Fraction:
    """Return a scene's frame rate as it is meant: 24 by 1.001 is 24000/1001.

    Blender keeps the divisor as a 32-bit float, so it is the simplest fraction that this can mean.
    """
    base = Fraction(render.fps_base)
    for digits in range(1, 8):
        simple = base.limit_denominator(10**digits)
        if _as_float32(simple) == render.fps_base:
            return render.fps / simple
    return render.fps / base


def set_rate(render: bpy.types.RenderSettings, rate: Fraction) -> None:
    """Give a scene a frame rate, written as Blender's presets are: 60000/1001 is 60 by 1.001."""
    ntsc = rate * Fraction(1001, 1000)
    if rate.denominator != 1 and ntsc.denominator == 1:
        render.fps, render.fps_base = int(ntsc), 1.001
    elif max(rate.numerator, rate.denominator) <= vse.LARGEST_FRAME_RATE:
        render.fps, render.fps_base = rate.numerator, rate.denominator
    else:
        render.fps = max(1, nearest_frame(rate))
        render.fps_base = float(render.fps / rate)


def rate_name(render: bpy.types.RenderSettings) -> str:
    """Write a scene's frame rate as people do: "48", "23.976"."""
    return rate_text(rate_of(render))


def ratio_to(scene: bpy.types.Scene, rate: Fraction) -> Fraction:
    """Return how many frames of `rate` there are for each frame of the scene.

    Raises:
        RequestError: it is out of a job's range; the message names both rates.
    """
    return ratio_between(rate_of(scene.render), rate)


def scale_time(
    scene: bpy.types.Scene, factor: int | Fraction, moves: dict[str, StripTimes]
) -> None:
    """Give the scene `factor` times its rate; move the named strips, and all that counts frames."""
    with vse_carry.scaling_animation(scene, float(factor)):
        # changes the lengths of sounds, so strips are moved afterwards
        if isinstance(factor, int):
            scene.render.fps *= factor
        else:
            set_rate(scene.render, rate_of(scene.render) * factor)
        vse.move_strips(scene, moves)
    # the end goes first, and the start is computed before: Blender pushes the other one along
    start, end = _scaled_range(scene.frame_start, scene.frame_end, factor)
    scene.frame_end, scene.frame_start = end, start
    if scene.use_preview_range:
        start, end = _scaled_range(scene.frame_preview_start, scene.frame_preview_end, factor)
        scene.frame_preview_end, scene.frame_preview_start = end, start
    for marker in scene.timeline_markers:
        marker.frame = nearest_frame(marker.frame * factor)
    for skipped in scene.blender_vfi.skipped:
        # the pair that ends at `last` is one of many now, and the frames before it are held
        skipped.first = nearest_frame((skipped.first + 1) * factor) - 1
        skipped.last = nearest_frame(skipped.last * factor)
    scene.frame_current = nearest_frame(scene.frame_current * factor)


def check_others_keep_speed(scene: bpy.types.Scene, source_strip: bpy.types.Strip) -> None:
    """Make sure that a higher rate speeds up no strip but `source_strip`.

    Single images, sounds, and strips of one colour or text last as long as their handles say.
    Everything else plays frame by frame, or follows a strip that does.

    Raises:
        StripError: the message lists the strips that are in the way.
    """
    in_the_way = [
        f"{strip.name!r} ({strip.type})"
        for strip in vse.root_strips(scene)
        if strip != source_strip and not _keeps_speed(strip)
    ]
    if in_the_way:
        raise StripError(
            "Raising the frame rate of scene {scene!r} would change the speed of {strips}: "
            "{new_scene}, or delete these strips first.",
            new_scene=how_to_have_a_new_scene(),
            scene=scene.name,
            strips=", ".join(in_the_way),
        )


def free_sounds(
    scene: bpy.types.Scene, window: StripTimes
) -> tuple[dict[str, StripTimes], list[str]]:
    """Take the sounds heard during `window` out of their meta strips.

    Returns:
        When each of them plays, by name, and what the user should know.
    """
    heard, muted, notices = {}, set(), []
    for strip in vse.all_strips(scene):
        if strip.type != "SOUND":
            continue
        metas = vse.metas_around(strip)
        times = _clipped(vse.strip_times(strip), metas)
        if max(times.left, window.left) >= min(times.right, window.right):
            continue
        heard[strip.name] = times
        if any(meta.mute for meta in metas):
            muted.add(strip.name)
        if vse.is_retimed(strip):
            notices.append(
                message(
                    "Sound {strip!r} is retimed: check that it is in sync in the new scene.",
                    strip=strip.name,
                )
            )
    for name in heard:
        vse.take_out_of_metas(scene, name)
    for name in muted:
        vse.find_strip(scene, name).mute = True
    return heard, notices


def drop_objects(scene: bpy.types.Scene) -> None:
    """Leave 3D objects out of a scene that only edits: they would be evaluated twice."""
    for collection in list(scene.collection.children):
        scene.collection.children.unlink(collection)
    for thing in list(scene.collection.objects):
        scene.collection.objects.unlink(thing)


def _scaled_range(first: int, last: int, factor: int | Fraction) -> tuple[int, int]:
    """Return the first and last frame of the same seconds at `factor` times the rate."""
    return nearest_frame(first * factor), nearest_frame((last + 1) * factor) - 1


def _as_float32(value: Fraction) -> float:
    return float(struct.unpack("f", struct.pack("f", float(value)))[0])


def _keeps_speed(strip: bpy.types.Strip) -> bool:
    if vse.is_retimed(strip):
        return False
    is_still = strip.type == "IMAGE" and len(strip.elements) == 1
    return is_still or strip.type == "SOUND" or strip.type in _GENERATORS


def _clipped(times: StripTimes, metas: list[bpy.types.Strip]) -> StripTimes:
    """Return the part of a strip that the meta strips around it let through."""
    bounds = [times, *map(vse.strip_times, metas)]
    return StripTimes(
        times.content_start,
        max(bound.left for bound in bounds),
        min(bound.right for bound in bounds),
    )
