"""Gives a scene a higher frame rate, and keeps everything in its Sequencer at its second.

Time scales from frame 0, which is second 0 in Blender: frame f at the old rate and frame f·m at m
times the rate are the same second. Strips, sounds, markers, keys and the frame range scale alike.
"""

from __future__ import annotations

import bpy

from . import vse, vse_carry
from .errors import StripError
from .vse import StripTimes

_GENERATORS = frozenset({"COLOR", "TEXT", "ADJUSTMENT"})


def rate_name(render: bpy.types.RenderSettings) -> str:
    """Write a scene's frame rate as people do: "48", "23.976"."""
    return f"{render.fps / render.fps_base:.3f}".rstrip("0").rstrip(".")


def scale_time(scene: bpy.types.Scene, factor: int, moves: dict[str, StripTimes]) -> None:
    """Give the scene `factor` times its rate; move the named strips, and all that counts frames."""
    with vse_carry.scaling_animation(scene, factor):
        scene.render.fps *= factor  # changes the lengths of sounds, so strips are moved afterwards
        vse.move_strips(scene, moves)
    # the end goes first: Blender pushes it along otherwise
    scene.frame_end = (scene.frame_end + 1) * factor - 1
    scene.frame_start *= factor
    if scene.use_preview_range:
        scene.frame_preview_end = (scene.frame_preview_end + 1) * factor - 1
        scene.frame_preview_start *= factor
    for marker in scene.timeline_markers:
        marker.frame *= factor
    scene.frame_current *= factor


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
            f"Raising the frame rate of scene {scene.name!r} would change the speed of "
            f"{', '.join(in_the_way)}: choose the timing New Scene, or delete these strips first."
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
                f"Sound {strip.name!r} is retimed: check that it is in sync in the new scene."
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
