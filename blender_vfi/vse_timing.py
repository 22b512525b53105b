"""Places a finished job's frames as a strip, in the time that the user chose."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from . import vse, vse_carry, vse_movies, vse_placement, vse_rate
from .engine.protocol import JobSpec
from .engine.rates import nearest_frame, rate_text
from .errors import RequestError
from .messages import message
from .paths import path_like
from .remedies import how_to_have_a_new_scene, slow_motion
from .strip_values import ImageSource, StripTimes


class Timing(enum.Enum):
    """What becomes of the time when a strip gets more frames."""

    NEW_SCENE = "NEW_SCENE"
    SLOW_MOTION = "SLOW_MOTION"
    RAISE_RATE = "RAISE_RATE"
    SPEED_RAMP = "SPEED_RAMP"
    BAKE_RETIMING = "BAKE_RETIMING"

    @property
    def keeps_time(self) -> bool:
        """Whether a frame stays at its second, so that pairs left alone have to be held."""
        return self in (Timing.NEW_SCENE, Timing.RAISE_RATE)

    @property
    def has_own_times(self) -> bool:
        """Whether every frame has a moment of its own: neither multiplier nor rate count."""
        return self in (Timing.SPEED_RAMP, Timing.BAKE_RETIMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the result is.

    Attributes:
        scene_name: scene of the new strip.
        strip_name: the new strip.
        notices: what the user should know, in words.
    """

    scene_name: str
    strip_name: str
    notices: tuple[str, ...]


def check_timing(timing: Timing, source: ImageSource, job: JobSpec) -> None:
    """Find out before the work whether its result can be placed.

    Raises:
        StripError: the scene does not fit the timing; the message says what to do.
        RequestError: the frame rate or the frame numbers would leave Blender's range, or the
            multiplier is not one number although the time is to stay, or Raise Frame Rate would
            lower it.
    """
    scene = vse.find_scene(source.scene_name)
    strip = vse.find_strip(scene, source.strip_name)
    if not timing.keeps_time:
        last = vse_placement.slow_motion_times(vse.strip_times(strip), source, job).right
    else:
        factor = vse_placement.rate_factor(job)
        _check_rate(scene, factor)
        last = nearest_frame(max(scene.frame_end + 1, vse.strip_times(strip).right) * factor)
    if last > vse.LARGEST_FRAME:
        raise RequestError(
            "The result would end at frame {last}: Blender's last frame is {largest}; choose a "
            "smaller multiplier or rate, or move the strip to the front.",
            last=last,
            largest=vse.LARGEST_FRAME,
        )
    if timing is Timing.RAISE_RATE:
        if factor < 1:
            raise RequestError(
                "Raise Frame Rate cannot lower that of scene {scene!r} to {rate}: cuts of the "
                "whole edit would fall onto one frame; {new_scene}, or a higher rate.",
                scene=scene.name,
                new_scene=how_to_have_a_new_scene(),
                rate=_rate_at(scene, factor),
            )
        vse_rate.check_others_keep_speed(scene, strip)


def place(timing: Timing, source: ImageSource, job: JobSpec) -> Placed:
    """Add the strip of a finished job; look the source strip up anew, since it may have moved.

    Raises:
        StripError: scene or strip are gone, or no longer fit.
        RequestError: as for `check_timing`.
    """
    check_timing(timing, source, job)
    scene = vse.find_scene(source.scene_name)
    if timing is Timing.NEW_SCENE:
        return _place_in_new_scene(scene, source, job)
    with vse.editing(scene):
        if not timing.keeps_time:
            return _place_as_slow_motion(scene, source, job, timing)
        return _place_at_raised_rate(scene, source, job)


def result_name(source: ImageSource, job: JobSpec) -> str:
    """Return the name of the result: that of the strip, and what became of its time.

    Raises:
        StripError: the scene is gone.
    """
    if job.times is not None:
        return f"{source.strip_name}_retimed"
    if job.ratio is None:
        return f"{source.strip_name}_x{vse_placement.largest(job)}"
    return f"{source.strip_name}_{_rate_at(vse.find_scene(source.scene_name), job.ratio)}fps"


def _place_in_new_scene(scene: bpy.types.Scene, source: ImageSource, job: JobSpec) -> Placed:
    copy = scene.copy()  # takes along every setting that this Blender has
    copy.use_extra_user = True  # as every other scene: without a user it would not be saved
    try:
        with vse.editing(copy):
            strip_name, notices = _fill_new_scene(copy, source, job)
    except BaseException:
        bpy.data.scenes.remove(copy)
        raise
    # 4.2 leaves this behind when it copies
    copy.sequence_editor.use_prefetch = scene.sequence_editor.use_prefetch
    copy.name = f"{scene.name} {vse_rate.rate_name(copy.render)} fps"
    return Placed(scene_name=copy.name, strip_name=strip_name, notices=tuple(notices))


def _fill_new_scene(
    copy: bpy.types.Scene, source: ImageSource, job: JobSpec
) -> tuple[str, list[str]]:
    """Turn the copy of a scene into one with the new strip and its sounds, at the higher rate."""
    factor = vse_placement.rate_factor(job)
    old_strip = vse.find_strip(copy, source.strip_name)
    old_times, old_end = vse.strip_times(old_strip), copy.frame_end
    vse_rate.drop_objects(copy)
    sounds, notices = vse_rate.free_sounds(copy, old_times)
    # meta strips are gone, and references to strips from before with them
    old_strip = vse.find_strip(copy, source.strip_name)
    channels = {name: vse.find_strip(copy, name).channel for name in sounds}
    moves = {name: times.scaled(factor) for name, times in sounds.items()}
    vse_rate.scale_time(copy, factor, moves)
    times = vse_placement.steady_times(old_times, source, job)
    name = result_name(source, job)
    if old_times.right <= old_end + 1:  # rounding leaves no frame outside that was inside
        copy.frame_end = max(copy.frame_end, times.right - 1)
    strip = _add_strip(old_strip, name, job, vse.root_strips(copy), times, old_strip.channel)
    notices += vse_carry.carry_settings(
        old_strip, strip, factor=float(factor), keep_alpha_mode=_keeps_alpha_mode(source, job)
    )
    notices += vse_carry.carry_animation(copy, source.strip_name, strip, lambda frame: frame)
    strip_name = strip.name
    channels = {strip_name: old_strip.channel, **channels}
    left_out = [
        other.name
        for other in vse.root_strips(copy)
        if other.name not in {strip_name, old_strip.name, *sounds} and other.type != "SOUND"
    ]
    if left_out:
        notices.append(
            message(
                "The new scene has the interpolated strip and its sound alone; left out: {strips}.",
                strips=", ".join(sorted(left_out)),
            )
        )
    vse.remove_strips(copy, keep={strip_name, *sounds})
    vse_carry.remove_curves_without_strip(copy)
    vse.restore_channels(copy, channels)  # what was in the way there is gone
    _select_only(copy, vse.find_strip(copy, strip_name))
    return strip_name, notices


def _place_as_slow_motion(
    scene: bpy.types.Scene, source: ImageSource, job: JobSpec, timing: Timing
) -> Placed:
    old_strip = vse.find_strip(scene, source.strip_name)
    old_times = vse.strip_times(old_strip)
    times = vse_placement.slow_motion_times(old_times, source, job)
    strips = vse.sibling_strips(scene, old_strip)
    strip = _add_strip_above(scene, old_strip, result_name(source, job), job, strips, times)
    factor = float(vse_placement.stretch(job))
    notices = vse_carry.carry_settings(
        old_strip, strip, factor=factor, keep_alpha_mode=_keeps_alpha_mode(source, job)
    )
    frame_map = (
        vse_placement.place_map(old_times, times)
        if timing is Timing.BAKE_RETIMING
        else vse_placement.slow_motion_map(old_times, times, source, job)
    )
    notices += vse_carry.carry_animation(scene, source.strip_name, strip, frame_map)
    if factor < 1:
        notices.append(
            message(
                "Strip {strip!r} plays {times:g} times as fast as its source: its frame rate is "
                "below the scene's, which Slow Motion leaves as it is.",
                strip=strip.name,
                times=1 / factor,
            )
        )
    notices += vse_placement.beyond_end(scene, strip.name, times)
    _select_only(scene, strip)
    return Placed(scene_name=scene.name, strip_name=strip.name, notices=tuple(notices))


def _place_at_raised_rate(scene: bpy.types.Scene, source: ImageSource, job: JobSpec) -> Placed:
    factor = vse_placement.rate_factor(job)
    name = result_name(source, job)
    old_strip = vse.find_strip(scene, source.strip_name)
    old_times = vse.strip_times(old_strip)
    moves = {
        strip.name: vse.strip_times(strip).scaled(factor)
        for strip in vse.root_strips(scene)
        if strip != old_strip
    }
    # the source cannot be slowed down; it stays at its second, muted, for whoever wants it back
    moves[old_strip.name] = old_times.shifted(old_times.scaled(factor).left - old_times.left)
    vse_rate.scale_time(scene, factor, moves)
    old_strip.mute = True
    times = vse_placement.steady_times(old_times, source, job)
    strip = _add_strip_above(scene, old_strip, name, job, vse.root_strips(scene), times)
    notices = [
        message(
            "Scene {scene!r} now has {rate} frames a second; strip {strip!r}, which would play too "
            "fast, is muted.",
            scene=scene.name,
            rate=vse_rate.rate_name(scene.render),
            strip=old_strip.name,
        )
    ]
    if Fraction(factor).denominator != 1:
        notices.append(
            message(
                "Cuts and markers lie on the nearest frame of the new rate, up to half a frame "
                "beside their exact moment."
            )
        )
    if any(thing.animation_data and thing.animation_data.action for thing in scene.objects):
        notices.append(
            message(
                "The 3D animation of scene {scene!r} now plays {times:g} times as fast: set "
                "Output > Frame Rate > Time Stretching if you render it too.",
                scene=scene.name,
                times=float(factor),
            )
        )
    notices += vse_carry.carry_settings(
        old_strip, strip, factor=float(factor), keep_alpha_mode=_keeps_alpha_mode(source, job)
    )
    notices += vse_carry.carry_animation(scene, source.strip_name, strip, lambda frame: frame)
    _select_only(scene, strip)
    return Placed(scene_name=scene.name, strip_name=strip.name, notices=tuple(notices))


def _add_strip_above(
    scene: bpy.types.Scene,
    old_strip: bpy.types.Strip,
    name: str,
    job: JobSpec,
    strips: Any,
    times: StripTimes,
) -> bpy.types.Strip:
    channel = vse.free_channel(
        scene, strips, left=times.left, right=times.right, preferred=old_strip.channel + 1
    )
    return _add_strip(old_strip, name, job, strips, times, channel)


def _add_strip(
    old_strip: bpy.types.Strip,
    name: str,
    job: JobSpec,
    strips: Any,
    times: StripTimes,
    channel: int,
) -> bpy.types.Strip:
    """Add the strip of the job's frames at `times`, where the content starts with frame 0."""
    if job.movie is not None:
        path = path_like(vse_movies.folder_of(old_strip), job.movie)
        start = round(times.content_start)
        strip = vse_movies.new_movie_strip(
            strips, name=name, path=path, channel=channel, start=start
        )
        vse.set_strip_times(strip, times)
        return strip
    strip = vse.new_image_strip(
        strips,
        name=name,
        folder=path_like(vse_movies.folder_of(old_strip), job.output_dir),
        filenames=[job.frame_name(index) for index in range(len(job.plan().outputs))],
        channel=channel,
        start=round(times.content_start),
    )
    vse.set_strip_times(strip, times)
    return strip


def _keeps_alpha_mode(source: ImageSource, job: JobSpec) -> bool:
    """Whether the new files store alpha as the old; if not, Blender's choice for them is right."""
    if job.movie is not None:
        return False
    suffix = Path(source.files[0]).suffix.lower()
    return {".tiff": ".tif"}.get(suffix, suffix) == job.suffix


def _check_rate(scene: bpy.types.Scene, factor: int | Fraction) -> None:
    """Make sure that Blender can have `factor` times the scene's rate."""
    fps = scene.render.fps
    rate = fps * factor if isinstance(factor, int) else vse_rate.rate_of(scene.render) * factor
    if rate > vse.LARGEST_FRAME_RATE:
        raise RequestError(
            "{rate} frames a second, {times:g} times scene {scene!r}'s {fps}: Blender's limit "
            "is {largest}; choose a smaller multiplier or rate, or the timing {slow}.",
            slow=slow_motion(),
            rate=_rate_at(scene, factor),
            times=float(factor),
            scene=scene.name,
            fps=fps,
            largest=vse.LARGEST_FRAME_RATE,
        )


def _rate_at(scene: bpy.types.Scene, factor: int | Fraction) -> str:
    """Write the frame rate that is `factor` times the scene's."""
    return rate_text(vse_rate.rate_of(scene.render) * factor)


def _select_only(scene: bpy.types.Scene, strip: bpy.types.Strip) -> None:
    for other in vse.all_strips(scene):
        other.select = False
    strip.select = True
    scene.sequence_editor.active_strip = strip
