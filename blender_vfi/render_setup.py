"""Sets a scene up to render every second, third or fourth frame with what guides the others.

The vectors of a render say where everything moves, and its depth what is in front: with both, the
frames between need not be rendered. Everything that is changed is kept with the scene, so that
`restore` puts back exactly what was there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import bpy

from . import vse
from .engine.folders import FRAME_SUFFIXES, plain_path
from .errors import RequestError
from .messages import message
from .output_names import file_name
from .remedies import remedy
from .render_properties import forget_doubtful, half_render

STEPS = (2, 3, 4)
FILL_MARK = "vfi_filled_render"
"""Property of a strip: it shows what was filled of its own scene's render."""
NO_ALBEDO, COLORS, DENOISING_ALBEDO = "NONE", "COLORS", "DENOISING"

_ENGINES = ("CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
_UNCHOSEN_FOLDERS = ("", "/tmp/", "/tmp\\")  # before one is chosen
# these would blur vectors and depth, or cut their precision
_LOSSLESS_CODECS = ("NONE", "ZIP", "ZIPS", "PIZ", "RLE")


@dataclass(frozen=True, slots=True)
class _Change:
    """One setting of a scene.

    Attributes:
        path: from the scene, as `path_resolve` takes it.
        value: what it is, or is to be.
    """

    path: str
    value: Any


def is_set_up(scene: bpy.types.Scene) -> bool:
    """Tell whether there is something to restore."""
    return bool(half_render(scene).setup_record)


def set_up(scene: bpy.types.Scene, *, step: int, albedo: str = COLORS) -> list[str]:
    """Let a scene render every `step`-th frame, with vectors and depth, to multilayer EXR.

    Where it is set up already, that is undone first.

    Args:
        scene: whose render settings.
        step: one of `STEPS`.
        albedo: one of the names above; passes of surfaces' own colours.

    Returns:
        What the user should know: of changes that are easily overlooked.

    Raises:
        RequestError: the scene cannot be rendered so; nothing is changed then.
    """
    _check(scene, step)
    if is_set_up(scene):
        _put_back(scene)
    wanted = list(_wanted(scene, step, albedo))
    before = [_Change(change.path, _get(scene, change.path)) for change in wanted]
    half_render(scene).setup_record = json.dumps([[each.path, each.value] for each in before])
    for change in wanted:
        _set(scene, change.path, change.value)
    # set up again as before, the scene can still render what was in doubt
    if (
        plain_path(Path(bpy.path.abspath(scene.render.filepath))).parent
        not in _listed_folder(scene).parents
    ):
        forget_doubtful(scene)
    notices: list[str] = [
        message(
            "Scene {scene!r} renders frames {first} to {last} with a frame step of {step}, to "
            "{path}.",
            first=scene.frame_start,
            last=scene.frame_end,
            scene=scene.name,
            step=step,
            path=scene.render.filepath,
        )
    ]
    end = next(each.value for each in before if each.path == "frame_end")
    if scene.frame_end != end:
        notices.append(
            message(
                "The scene ends at frame {end} now, and not at {before}: the last frame has to be "
                "a rendered one.",
                end=scene.frame_end,
                before=end,
            )
        )
    return notices


def restore(scene: bpy.types.Scene) -> list[str]:
    """Put back what `set_up` has changed.

    Where a strip shows the filled frames, Post Processing > Sequencer is not switched on again: the
    next render would take the strip in place of the objects.

    Returns:
        What was not put back, in words: that, and settings of view layers that are gone.

    Raises:
        RequestError: nothing was set up.
    """
    if not is_set_up(scene):
        raise RequestError(
            "Scene {scene!r} has nothing to restore: {set_up} has not changed it.",
            set_up=remedy(panel=message("Set Up Render"), terminal="render-setup"),
            scene=scene.name,
        )
    was_off = not scene.render.use_sequencer
    lost = _put_back(scene)
    notices: list[str] = []
    if lost:
        notices.append(
            message(
                "Gone from scene {scene!r} since, and not put back: {settings}.",
                scene=scene.name,
                settings=", ".join(lost),
            )
        )
    strip = _shown_fill(scene)
    if strip and was_off and scene.render.use_sequencer:
        scene.render.use_sequencer = False
        notices.append(
            message(
                "Output > Post Processing > Sequencer stays off in scene {scene!r}: the next "
                "render would take strip {strip!r}, which shows the filled frames, in place of "
                "the objects. Mute or remove that strip before you switch it on.",
                scene=scene.name,
                strip=strip,
            )
        )
    return notices


def _put_back(scene: bpy.types.Scene) -> list[str]:
    """Set everything as it was; return the settings of what is gone."""
    half = half_render(scene)
    lost = []
    for path, value in json.loads(half.setup_record):
        try:
            _set(scene, path, value)
        except (AttributeError, ValueError, TypeError):
            lost.append(path)
    half.setup_record = ""
    return lost


def _shown_fill(scene: bpy.types.Scene) -> str:
    """Return the name of a strip that shows what was filled of this scene; empty for none."""
    strips = vse.all_strips(scene) if scene.sequence_editor else ()
    return next((strip.name for strip in strips if strip.get(FILL_MARK) and not strip.mute), "")


def _listed_folder(scene: bpy.types.Scene) -> Path:
    return plain_path(Path(bpy.path.abspath(half_render(scene).folder)))


def half_path(scene: bpy.types.Scene, step: int) -> str:
    """Return an output path in a folder of its own, beside where the scene's frames went so far.

    Whole renders may lie there: their frames would pass for those that are to be made.
    """
    path = scene.render.filepath
    if path in _UNCHOSEN_FOLDERS and bpy.data.filepath:
        path = "//"
    # two backslashes are a server's share; two slashes would be the folder of the .blend
    share = "\\\\" if path.startswith("\\\\") else ""
    path = share + path.removeprefix(share).replace("\\", "/")
    folder, _, name = path.rpartition("/")
    suffix = PurePosixPath(name).suffix
    if suffix.lower() in FRAME_SUFFIXES:
        name = name.removesuffix(suffix)
    name = name.replace("#", "").rstrip("_-. ") or file_name(scene.name)
    separator = "/" if "/" in path else ""
    return f"{folder}{separator}{name}_step{step}/{name}_####"


def _check(scene: bpy.types.Scene, step: int) -> None:
    if step not in STEPS:
        raise RequestError(
            "Frame step {step}: must be one of {steps}.",
            step=step,
            steps=", ".join(map(str, STEPS)),
        )
    if scene.render.engine not in _ENGINES:
        raise RequestError(
            "Render engine {engine} gives no vectors, which frames between are made with: choose "
            "Cycles or EEVEE.",
            engine=scene.render.engine,
        )
    if scene.render.use_multiview:
        raise RequestError(
            "Scene {scene!r} renders several views: frames are filled for one; switch off "
            "Stereoscopy, or render each eye by itself.",
            scene=scene.name,
        )
    if not any(layer.use for layer in scene.view_layers):
        raise RequestError(
            "Scene {scene!r} renders none of its view layers: switch on Use for Rendering.",
            scene=scene.name,
        )


def _wanted(scene: bpy.types.Scene, step: int, albedo: str) -> Iterator[_Change]:
    """Say what is to be set, in an order in which Blender takes it, forth and back."""
    yield _Change("frame_step", step)
    yield _Change("frame_end", scene.frame_end + (scene.frame_start - scene.frame_end) % step)
    for layer in scene.view_layers:
        if layer.use:
            yield from _wanted_passes(scene, layer, albedo)
    settings = scene.render.image_settings
    image = "render.image_settings"
    if hasattr(settings, "media_type"):  # from 5.0 on, it decides which formats there are
        yield _Change(f"{image}.media_type", "MULTI_LAYER_IMAGE")
    yield _Change(f"{image}.file_format", "OPEN_EXR_MULTILAYER")
    # Blender writes vectors and depth in full precision all the same
    depth = settings.color_depth if settings.color_depth in {"16", "32"} else "16"
    yield _Change(f"{image}.color_mode", "RGBA")
    yield _Change(f"{image}.color_depth", depth)
    is_lossless = settings.exr_codec in _LOSSLESS_CODECS
    yield _Change(f"{image}.exr_codec", settings.exr_codec if is_lossless else "ZIP")
    yield _Change("render.filepath", half_path(scene, step))
    yield _Change("render.use_file_extension", True)
    yield _Change("render.use_placeholder", False)  # empty files are no frames
    yield _Change("render.use_sequencer", False)  # the result of it has no passes


def _wanted_passes(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, albedo: str
) -> Iterator[_Change]:
    path = f'view_layers["{bpy.utils.escape_identifier(layer.name)}"]'
    yield _Change(f"{path}.use_pass_vector", True)
    yield _Change(f"{path}.use_pass_z", True)
    if albedo == COLORS:
        yield _Change(f"{path}.use_pass_diffuse_color", True)
        yield _Change(f"{path}.use_pass_glossy_color", True)
        if scene.render.engine == "CYCLES":
            yield _Change(f"{path}.use_pass_transmission_color", True)
    elif albedo == DENOISING_ALBEDO and scene.render.engine == "CYCLES":
        yield _Change(f"{path}.cycles.denoising_store_passes", True)


def _get(scene: bpy.types.Scene, path: str) -> Any:
    return scene.path_resolve(path)


def _set(scene: bpy.types.Scene, path: str, value: Any) -> None:
    owner, _, name = path.rpartition(".")
    setattr(scene.path_resolve(owner) if owner else scene, name, value)
