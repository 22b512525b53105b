"""Carries settings, modifiers and animation over from a strip to the one made of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import bpy

from . import vse, vse_curves
from .messages import message

FrameMap = Callable[[float], float]
"""Where a moment of the old timeline lies on the new one, in frames."""

_LARGEST_STROBE = 30.0

# What says which strip it is, where it lies and what it shows. Reversal is left out because the
# files are listed in the order shown; fades are what 4.x keeps of strips long before.
_OWN_TO_A_STRIP = frozenset({
    "rna_type", "name", "select", "select_left_handle", "select_right_handle", "mute", "lock",
    "channel", "directory", "use_reverse_frames", "effect_fader", "use_default_fade", "use_proxy",
    "proxy", "filepath", "stream_index", "show_retiming_keys", "strobe", "alpha_mode",
})  # fmt: skip
_OWN_TO_A_MODIFIER = frozenset({"rna_type", "name", "type", "is_active"})


def carry_settings(
    source: bpy.types.Strip, target: bpy.types.Strip, *, factor: float, keep_alpha_mode: bool
) -> list[str]:
    """Make `target` look like `source`: transform, crop, blending, colour, modifiers and so on.

    Every setting that this Blender has is carried over, but for those that say what the strip is.

    Args:
        source: an image or movie strip.
        target: the new one.
        factor: frames that a source frame has become, for the settings counted in frames.
        keep_alpha_mode: whether the files store alpha as the source's do.

    Returns:
        What could not be carried over, in words for the user.
    """
    skipped = {
        prop.identifier
        for prop in source.bl_rna.properties
        if prop.identifier in _OWN_TO_A_STRIP
        or vse.TIME_PROPERTIES.match(prop.identifier)
        or not hasattr(target, prop.identifier)  # of a movie, such as its stream
    }
    if target.type == "MOVIE" and source.type != "MOVIE":
        skipped.add("colorspace_settings")  # Blender chooses it by what the movie says
    _copy_values(source, target, skipped)
    if keep_alpha_mode:
        target.alpha_mode = source.alpha_mode
    for key, value in source.items():
        target[key] = value.to_dict() if hasattr(value, "to_dict") else value
    notices = _carry_strobe(source, target, factor)
    for modifier in source.modifiers:
        notices += _carry_modifier(modifier, target)
    return notices


def carry_animation(
    scene: bpy.types.Scene, source_name: str, target: bpy.types.Strip, frame_map: FrameMap
) -> list[str]:
    """Animate `target` as the strip `source_name` is, at the moments that `frame_map` gives.

    Returns:
        What could not be carried over, in words for the user.
    """
    curves = vse_curves.curves_of(scene)
    notices = []
    base = target.path_from_id()
    for curve in list(curves):
        if vse_curves.animated_strip_name(curve.data_path) != source_name:
            continue
        within = vse_curves.path_within_strip(curve.data_path)
        _copy_curve(curve, curves.new(base + within, index=curve.array_index), frame_map)
        if len(curve.modifiers):
            notices.append(
                message(
                    "The F-curve modifiers of {property} were not carried over: add them to strip "
                    "{strip!r} by hand.",
                    property=within.lstrip("."),
                    strip=target.name,
                )
            )
    drivers = scene.animation_data.drivers if scene.animation_data else ()
    if any(vse_curves.animated_strip_name(driver.data_path) == source_name for driver in drivers):
        notices.append(
            message(
                "Drivers of strip {source!r} were not carried over: add them to strip {strip!r} "
                "by hand.",
                source=source_name,
                strip=target.name,
            )
        )
    return notices


@contextlib.contextmanager
def scaling_animation(scene: bpy.types.Scene, factor: float) -> Iterator[None]:
    """Leave every key of the scene at its second, at `factor` times the rate, whatever is moved.

    Blender takes keys along with a strip that is moved, by as many frames. Therefore keys are noted
    before, and set after. Other scenes that share the action keep theirs.
    """
    data = scene.animation_data
    if data is None or data.action is None:
        yield
        return
    if data.action.users > 1:
        data.action = data.action.copy()
    noted = [
        [_place_of(point) for point in curve.keyframe_points]
        for curve in vse_curves.curves_of(scene)
    ]
    yield
    for curve, places in zip(vse_curves.curves_of(scene), noted, strict=True):
        for point, place in zip(curve.keyframe_points, places, strict=True):
            _put(point, place, lambda frame: frame * factor)
        curve.update()


def remove_curves_without_strip(scene: bpy.types.Scene) -> None:
    """Remove the animation of strips that the scene does not have; its action must be its own."""
    curves = vse_curves.curves_of(scene)
    strips = vse.all_strips(scene)
    for curve in list(curves):
        name = vse_curves.animated_strip_name(curve.data_path)
        if name is not None and name not in strips:
            curves.remove(curve)


def _carry_strobe(source: bpy.types.Strip, target: bpy.types.Strip, factor: float) -> list[str]:
    if source.strobe <= 1.0:
        return []
    wanted = source.strobe * factor
    target.strobe = min(wanted, _LARGEST_STROBE)
    if wanted <= _LARGEST_STROBE:
        return []
    return [
        message(
            "Strobe of strip {strip!r} would be {wanted:g} to look as before, and Blender allows "
            "{largest:g}: it is set to that.",
            strip=target.name,
            wanted=wanted,
            largest=_LARGEST_STROBE,
        )
    ]


def _carry_modifier(modifier: Any, target: bpy.types.Strip) -> list[str]:
    copy = target.modifiers.new(modifier.name, modifier.type)
    if copy is None:
        return [
            message(
                "Modifier {modifier!r} was not carried over: Blender refused to add one of type "
                "{type}.",
                modifier=modifier.name,
                type=modifier.type,
            )
        ]
    _copy_values(modifier, copy, _OWN_TO_A_MODIFIER)
    if getattr(modifier, "input_mask_strip", None) is None:
        return []
    return [
        message(
            "The mask strip of modifier {modifier!r} was not carried over, since its time is the "
            "old strip's: choose one for strip {strip!r}.",
            modifier=modifier.name,
            strip=target.name,
        )
    ]


def _copy_values(source: Any, target: Any, skipped: frozenset[str] | set[str]) -> None:
    """Copy every writable value from one Blender struct to another of its kind, into its parts."""
    for prop in source.bl_rna.properties:
        name = prop.identifier
        if name in skipped or name == "rna_type" or prop.type == "COLLECTION":
            continue
        value = getattr(source, name)
        if prop.type != "POINTER":
            if not prop.is_readonly and (prop.type != "ENUM" or value != ""):
                setattr(target, name, value)
        elif isinstance(value, bpy.types.ID):
            if not prop.is_readonly:
                setattr(target, name, value)
        elif value is not None and prop.is_readonly:
            _copy_values(value, getattr(target, name), frozenset())
            if isinstance(value, bpy.types.CurveMapping):
                _copy_mapping(value, getattr(target, name))


def _copy_mapping(source: bpy.types.CurveMapping, target: bpy.types.CurveMapping) -> None:
    for curve, copy in zip(source.curves, target.curves, strict=True):
        while len(copy.points) > len(curve.points):
            copy.points.remove(copy.points[-1])
        while len(copy.points) < len(curve.points):
            copy.points.new(1.0, 1.0)
        for point, point_copy in zip(curve.points, copy.points, strict=True):
            point_copy.location = point.location
            point_copy.handle_type = point.handle_type
    target.update()


def _copy_curve(source: Any, target: Any, frame_map: FrameMap) -> None:
    for name in ("extrapolation", "auto_smoothing", "color_mode", "color", "mute", "lock"):
        setattr(target, name, getattr(source, name))
    target.keyframe_points.add(len(source.keyframe_points))
    for point, copy in zip(source.keyframe_points, target.keyframe_points, strict=True):
        for name in (
            "interpolation", "easing", "back", "amplitude", "period", "type", "handle_left_type",
            "handle_right_type",
        ):  # fmt: skip
            setattr(copy, name, getattr(point, name))
        _put(copy, _place_of(point), frame_map)
    target.update()


_Place = dict[str, tuple[float, float]]


def _place_of(point: Any) -> _Place:
    return {name: tuple(getattr(point, name)) for name in ("co", "handle_left", "handle_right")}


def _put(point: Any, place: _Place, frame_map: FrameMap) -> None:
    # in the order of `_place_of`: setting `co` takes the handles along
    for name, (frame, value) in place.items():
        setattr(point, name, (frame_map(frame), value))
