"""Says where vectors will not tell the truth about a render, before time is spent on one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from .messages import message

# these pass a picture on, or put it somewhere else
_PASSING_NODES = frozenset(
    {
        *("CompositorNodeRLayers", "CompositorNodeComposite", "CompositorNodeViewer"),
        *("CompositorNodeOutputFile", "NodeGroupInput", "NodeGroupOutput"),
        *("NodeReroute", "NodeFrame"),
    }
)
_MOST_NAMED = 3


def describe_doubts(scene: bpy.types.Scene) -> list[str]:
    """Say what in a scene moves otherwise than its vectors tell; nothing where all is well."""
    return [
        *_of_motion_blur(scene),
        *_of_compositor(scene),
        *_of_depth_of_field(scene),
        *_of_volumes(scene),
        *_of_film(scene),
        *_of_holdouts(scene),
        *_of_cuts(scene),
    ]


def camera_changes(scene: bpy.types.Scene) -> list[int]:
    """List the frames of the timeline from which on another camera looks, in order.

    As Blender has it: a marker's camera looks until the next one's, the first one's from the start
    on, and one that is hidden in renders does not count.
    """
    bound = sorted(
        (marker for marker in scene.timeline_markers if _switches(marker)),
        key=lambda marker: marker.frame,
    )
    return [
        later.frame
        for earlier, later in itertools.pairwise(bound)
        if later.camera != earlier.camera and later.frame != earlier.frame
    ]


def _switches(marker: bpy.types.TimelineMarker) -> bool:
    return marker.camera is not None and not marker.camera.hide_render


def _of_motion_blur(scene: bpy.types.Scene) -> Iterator[str]:
    if scene.render.use_motion_blur:
        yield message(
            "Motion Blur is on: Cycles and EEVEE then write vectors of zero, which guide nothing. "
            "Switch it off, and blur afterwards with Vector Blur."
        )


def _of_compositor(scene: bpy.types.Scene) -> Iterator[str]:
    tree = _compositor_tree(scene)
    if tree is None or not scene.render.use_compositing:
        return
    names = [node.name for node in tree.nodes if node.bl_idname not in _PASSING_NODES]
    if names:
        yield message(
            "The compositor changes the picture ({nodes}), and vectors tell of what was rendered: "
            "composite the whole sequence afterwards.",
            nodes=_listed(names),
        )


def _of_depth_of_field(scene: bpy.types.Scene) -> Iterator[str]:
    markers = (marker.camera for marker in scene.timeline_markers)
    names = sorted(
        {
            camera.name
            for camera in (scene.camera, *markers)
            if camera is not None and camera.type == "CAMERA" and camera.data.dof.use_dof
        }
    )
    if names:
        yield message(
            "Depth of Field is on ({cameras}): where it blurs, one pixel has several vectors, and "
            "one of them is told.",
            cameras=_listed(names),
        )


def _of_volumes(scene: bpy.types.Scene) -> Iterator[str]:
    names = [thing.name for thing in scene.objects if not thing.hide_render and _is_volume(thing)]
    if scene.world is not None and _has_volume(scene.world, "OUTPUT_WORLD"):
        names.append(scene.world.name)
    if names:
        yield message(
            "Volumes have no vectors ({volumes}): they follow what is behind them.",
            volumes=_listed(sorted(names)),
        )


def _of_film(scene: bpy.types.Scene) -> Iterator[str]:
    if scene.render.film_transparent:
        yield message(
            "The film is transparent: at soft edges, vectors and depth are of one side alone, and "
            "alpha follows them."
        )


def _of_holdouts(scene: bpy.types.Scene) -> Iterator[str]:
    names = [thing.name for thing in scene.objects if thing.is_holdout and not thing.hide_render]
    for layer in scene.view_layers:
        if layer.use:
            names += [each.name for each in _collections(layer.layer_collection) if each.holdout]
    if names:
        yield message(
            "Holdouts ({names}): vectors there are of what holds out, and not of what is seen.",
            names=_listed(sorted(set(names))),
        )


def _of_cuts(scene: bpy.types.Scene) -> Iterator[str]:
    frames = [
        frame for frame in camera_changes(scene) if scene.frame_start < frame <= scene.frame_end
    ]
    if frames:
        yield message(
            "The camera changes at frame {frames}: the frames between two shots show the earlier "
            "one; render those beside the change if they matter.",
            frames=_listed(map(str, frames)),
        )


def _compositor_tree(scene: bpy.types.Scene) -> Any:
    if hasattr(scene, "compositing_node_group"):  # from 5.0 on
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def _is_volume(thing: bpy.types.Object) -> bool:
    return thing.type == "VOLUME" or any(
        slot.material is not None and _has_volume(slot.material, "OUTPUT_MATERIAL")
        for slot in thing.material_slots
    )


def _has_volume(owner: Any, output_type: str) -> bool:
    tree = owner.node_tree
    return tree is not None and any(
        node.type == output_type and node.inputs["Volume"].is_linked for node in tree.nodes
    )


def _collections(root: Any) -> Iterator[Any]:
    yield root
    for child in root.children:
        yield from _collections(child)


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    shown = ", ".join(listed[:_MOST_NAMED])
    return f"{shown}, …" if len(listed) > _MOST_NAMED else shown
