"""Strips and frame lists: what a strip shows, and where a new one can go.

The only file that knows how the Sequencer's API differs between versions; `vse_timing` and
`vse_carry` reach strips through it. It takes an explicit scene everywhere, since `context` has
none for the Sequencer where there is no window.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import bpy

from .errors import FrameError, StripError
from .messages import message
from .paths import absolute_path
from .remedies import how_to_bake, how_to_fill
from .strip_values import ImageSource, StripTimes

LARGEST_FRAME = 1_048_574
LARGEST_FRAME_RATE = 32_767
LARGEST_CHANNEL = 128

# 5.1 renamed the times of strips, and warns on the old names, which go in 6.0
_HAS_NEW_TIMES = bpy.app.version >= (5, 1, 0)
_CONTENT_START = "content_start" if _HAS_NEW_TIMES else "frame_start"
_LEFT = "left_handle" if _HAS_NEW_TIMES else "frame_final_start"
_RIGHT = "right_handle" if _HAS_NEW_TIMES else "frame_final_end"
_LEFT_OFFSET = "left_handle_offset" if _HAS_NEW_TIMES else "frame_offset_start"
_RIGHT_OFFSET = "right_handle_offset" if _HAS_NEW_TIMES else "frame_offset_end"

TIME_PROPERTIES = re.compile(
    r"frame_(start|final_|offset_|duration)|animation_offset_|content_|(left|right)_handle|duration$"
)
"""Names of strip properties that say when, in every version."""


def scene_of(context: bpy.types.Context) -> bpy.types.Scene:
    """Return the scene that the Sequencer edits, or else the current one."""
    return getattr(context, "sequencer_scene", None) or context.scene


def find_scene(name: str) -> bpy.types.Scene:
    """Return the scene called `name`.

    Raises:
        StripError: there is none, or it may not be edited.
    """
    scene = bpy.data.scenes.get(name)
    if scene is None:
        listed = ", ".join(repr(known.name) for known in bpy.data.scenes)
        raise StripError(
            "There is no scene {name!r}: choose among {scenes}.", name=name, scenes=listed
        )
    if scene.library is not None:
        raise StripError(
            "Scene {name!r} is linked from {file} and cannot be edited: make it local, or open "
            "that file.",
            name=name,
            file=scene.library.filepath,
        )
    return scene


def find_strip(scene: bpy.types.Scene, name: str) -> bpy.types.Strip:
    """Return the strip called `name`, inside meta strips too.

    Raises:
        StripError: the scene has none of that name.
    """
    strip = all_strips(scene).get(name) if scene.sequence_editor else None
    if strip is None:
        names = [repr(known.name) for known in all_strips(scene)] if scene.sequence_editor else []
        raise StripError(
            "Scene {scene!r} has no strip {name!r}: it has {strips}.",
            scene=scene.name,
            name=name,
            strips=", ".join(names) or message("no strips"),
        )
    return strip


def selected_image_strips(scene: bpy.types.Scene, *types: str) -> list[bpy.types.Strip]:
    """Return the selected image strips, or those of `types`, in the order of the timeline.

    Raises `StripError` where no strip is selected, or none of those is such a strip.
    """
    chosen = [strip for strip in _shown_strips(scene) if strip.select]
    fitting = [strip for strip in chosen if strip.type in (types or ("IMAGE",))]
    if fitting:
        return sorted(fitting, key=lambda strip: (strip_times(strip).left, strip.channel))
    if chosen:
        raise _not_an_image_strip(chosen[0])
    raise StripError(
        "No strip is selected in scene {scene!r}: select an image strip in the Sequencer.",
        scene=scene.name,
    )


def read_image_strip(
    scene: bpy.types.Scene, strip: bpy.types.Strip, *, leaves_out_missing: bool = False
) -> ImageSource:
    """List the files that `strip` shows over its visible range, as its handles leave it.

    Frames that a pulled-out handle holds before the first or after the last file are counted, not
    listed: there is nothing to interpolate.

    Args:
        scene: of the strip.
        strip: any strip.
        leaves_out_missing: list the files that are there, rather than fail at one that is not.

    Raises:
        StripError: it is no image strip, or its folder depends on a .blend that was never saved.
        FrameError: a file is missing; the message names the frame and the path.
    """
    if strip.type != "IMAGE":
        raise _not_an_image_strip(strip)
    if is_retimed(strip):
        raise StripError(
            "Strip {strip!r} is retimed, so that it shows some frames twice or not at all: "
            "{bake}, or clear its retiming (Strip > Retiming > Reset Retiming) and interpolate "
            "that.",
            strip=strip.name,
            bake=how_to_bake(),
        )
    times = strip_times(strip)
    held_before = max(0, round(-getattr(strip, _LEFT_OFFSET)))
    held_after = max(0, round(-getattr(strip, _RIGHT_OFFSET)))
    folder = absolute_path(
        strip.directory, message("The folder of strip {strip!r}", strip=strip.name)
    )
    shown = range(times.left + held_before, times.right - held_after)
    files = _files_of(strip, folder, shown, leaves_out_missing=leaves_out_missing)
    return ImageSource(
        scene_name=scene.name,
        strip_name=strip.name,
        files=tuple(files),
        lead=round(times.left + held_before - times.content_start),
        held_before=held_before,
        held_after=held_after,
        is_part=len(files) < len(strip.elements),
    )


def _files_of(
    strip: bpy.types.Strip, folder: str, shown: range, *, leaves_out_missing: bool
) -> list[str]:
    """List the files that an image strip shows at these frames of the timeline."""
    files: list[str] = []
    with _without_strobe(strip):
        for frame in shown:
            path = str(Path(folder, strip.strip_elem_from_frame(frame).filename))
            if Path(path).is_file():
                files.append(path)
            elif not leaves_out_missing:
                raise FrameError(
                    "Frame {number} of strip {strip!r} (frame {frame} of the timeline) is "
                    "missing: {path}; restore or re-render it, {fill}, or trim the strip so that "
                    "it is left out.",
                    number=len(files) + 1,
                    strip=strip.name,
                    frame=frame,
                    path=path,
                    fill=how_to_fill(),
                )
    return files


def root_strips(scene: bpy.types.Scene) -> Any:
    """Return the collection of strips outside meta strips; new ones are made with it."""
    return _strips_of(scene.sequence_editor)


def _shown_strips(scene: bpy.types.Scene) -> list[bpy.types.Strip]:
    """Return what the Sequencer shows; in closed meta strips, Blender keeps strips selected."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(_strips_of(editor.meta_stack[-1] if len(editor.meta_stack) else editor))


def sibling_strips(scene: bpy.types.Scene, strip: bpy.types.Strip) -> Any:
    """Return the collection that `strip` is in: its meta strip's, or the scene's."""
    return _strips_of(strip.parent_meta() or scene.sequence_editor)


def all_strips(scene: bpy.types.Scene) -> Any:
    """Return the collection of all strips, inside meta strips too."""
    editor = scene.sequence_editor
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def metas_around(strip: bpy.types.Strip) -> list[bpy.types.Strip]:
    """Return the meta strips that `strip` is in, the innermost first."""
    metas = []
    while (meta := strip.parent_meta()) is not None:
        metas.append(meta)
        strip = meta
    return metas


def take_out_of_metas(scene: bpy.types.Scene, name: str) -> None:
    """Dissolve the meta strips around a strip."""
    while metas := metas_around(find_strip(scene, name)):
        metas[-1].separate()


def remove_strips(scene: bpy.types.Scene, *, keep: Collection[str]) -> None:
    """Remove all strips but those named `keep`, which must be outside meta strips."""
    strips = root_strips(scene)
    for name in [strip.name for strip in strips if strip.name not in keep]:
        strip = strips.get(name)  # gone already where it was the effect of a removed strip
        if strip is not None:
            strips.remove(strip)


def strip_times(strip: bpy.types.Strip) -> StripTimes:
    """Return when `strip` is on the timeline."""
    return StripTimes(getattr(strip, _CONTENT_START), getattr(strip, _LEFT), getattr(strip, _RIGHT))


def set_strip_times(strip: bpy.types.Strip, times: StripTimes) -> None:
    """Move `strip` and its handles; Blender changes its channel where that makes strips overlap."""
    setattr(strip, _CONTENT_START, times.content_start)
    # the right handle goes first: the left one cannot pass it
    setattr(strip, _RIGHT, times.right)
    setattr(strip, _LEFT, times.left)


def move_strips(scene: bpy.types.Scene, moves: Mapping[str, StripTimes]) -> None:
    """Move the named strips apart, away from frame 0, and leave them on their channels."""
    strips = all_strips(scene)
    channels = {name: strips[name].channel for name in moves}
    # the outermost go first: on the way none then lies over another, which would lift it
    for name in sorted(moves, key=lambda name: abs(moves[name].left), reverse=True):
        set_strip_times(strips[name], moves[name])
    restore_channels(scene, channels)


def restore_channels(scene: bpy.types.Scene, channels: Mapping[str, int]) -> None:
    """Put strips back on their channels, in this order; Blender lifts one that finds it taken."""
    for name, channel in channels.items():
        find_strip(scene, name).channel = channel


def is_retimed(strip: bpy.types.Strip) -> bool:
    """Tell whether the strip's speed was changed by retiming keys."""
    return len(getattr(strip, "retiming_keys", ())) > 0


def new_image_strip(
    strips: Any, *, name: str, folder: str, filenames: Iterable[str], channel: int, start: int
) -> bpy.types.Strip:
    """Add an image strip of `filenames`; frame `start` shows the first of them."""
    first, *others = filenames
    strip = strips.new_image(
        name=name,
        filepath=f"{folder.rstrip('/')}/{first}",
        channel=channel,
        frame_start=start,
        fit_method="ORIGINAL",
    )
    for filename in others:
        strip.elements.append(filename)
    return strip


def free_channel(
    scene: bpy.types.Scene,
    strips: Any,
    *,
    left: int,
    right: int,
    preferred: int,
) -> int:
    """Return the first channel from `preferred` upwards, or else downwards, that is free.

    Free means: none of `strips` in [left, right), and neither muted nor locked.

    Raises:
        StripError: all channels are taken.
    """
    taken = {
        strip.channel
        for strip in strips
        if strip_times(strip).left < right and strip_times(strip).right > left
    }
    closed = {
        number
        for number, channel in enumerate(scene.sequence_editor.channels)
        if channel.mute or channel.lock
    }
    for channel in (*range(preferred, LARGEST_CHANNEL + 1), *range(preferred - 1, 0, -1)):
        if channel not in taken | closed:
            return channel
    raise StripError(
        "Scene {scene!r} has no free channel from frame {first} to {last}: move or delete "
        "strips there; {largest} channels is all that Blender has.",
        scene=scene.name,
        first=left,
        last=right - 1,
        largest=LARGEST_CHANNEL,
    )


@contextlib.contextmanager
def editing(scene: bpy.types.Scene) -> Iterator[None]:
    """Make it safe to change the list of `scene`'s strips: no prefetch, and a known scene."""
    editor = scene.sequence_editor_create()
    prefetch = editor.use_prefetch
    editor.use_prefetch = False
    # 5.0 crashes on modifiers.new() where the workspace has no scene for its Sequencer
    workspace = bpy.context.workspace
    lacks_scene = hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None
    if lacks_scene:
        workspace.sequencer_scene = scene
    try:
        yield
    finally:
        if lacks_scene:
            workspace.sequencer_scene = None
        editor.use_prefetch = prefetch


def _not_an_image_strip(strip: bpy.types.Strip) -> StripError:
    return StripError(
        "Strip {strip!r} is of type {type}, not an image strip: render it to an image sequence "
        "and add that with Add > Image/Sequence.",
        strip=strip.name,
        type=strip.type,
    )


@contextlib.contextmanager
def _without_strobe(strip: bpy.types.Strip) -> Iterator[None]:
    """Show every frame of the strip: strobe repeats frames, and is carried over by itself."""
    strobe = strip.strobe
    if strobe <= 1.0:
        yield
        return
    strip.strobe = 1.0
    try:
        yield
    finally:
        strip.strobe = strobe


def _strips_of(owner: Any) -> Any:
    return owner.strips if hasattr(owner, "strips") else owner.sequences
