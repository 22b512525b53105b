"""Decode and encode EXR files with passes, of one part or of many, as they are.

Blender writes one part with every channel up to 4.5, and a part for each pass from 5.0 on. Parts,
channel names, types, compression and metadata all stay; `images` decides when this is used. Never
import torch or bpy here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses

from ..errors import FrameError
from .image_formats import LAYOUTS, FrameFormat, PartFormat, channel_roles
from .image_output import set_compression, write_file
from .passes import PartNames, find_passes, full_names, leading_pass
from .quantisation import Pixels, from_float

_TOLD_NOT_STORED = ("openexr:chunkCount", "ResolutionUnit")
"""What OpenImageIO tells of a file beside its attributes, and would store as if it were one."""

_CRYPTOMATTE = re.compile(r"cryptomatte/[^/]+/")


def read_specs(source: oiio.ImageInput) -> tuple[oiio.ImageSpec, ...]:
    """Read the headers of all parts of an EXR file, and go back to the first."""
    specs = [oiio.ImageSpec(source.spec())]
    while source.seek_subimage(len(specs), 0):
        specs.append(oiio.ImageSpec(source.spec()))
    source.geterror()
    source.seek_subimage(0, 0)
    return tuple(specs)


def is_multilayer(specs: Sequence[oiio.ImageSpec]) -> bool:
    """Tell a file of passes from one that is a picture and nothing more."""
    return len(specs) > 1 or channel_roles(tuple(specs[0].channelnames)) not in LAYOUTS


def multilayer_format(specs: Sequence[oiio.ImageSpec], path: Path) -> FrameFormat:
    """Tell what a file of passes holds.

    Args:
        specs: of all parts.
        path: for messages.

    Raises:
        FrameError: it has no colour to look for motion in, or parts that cannot be kept whole.
    """
    for spec in specs:
        _check_part(spec, specs[0], path)
    names = _names_of(specs)
    parts = tuple(
        PartFormat(name=part.name, channel_names=full_names(part), channel_types=_types(spec, path))
        for part, spec in zip(names, specs, strict=True)
    )
    passes = find_passes(names, views=_views(specs), cryptomattes=_cryptomattes(specs))
    leading = leading_pass(passes)
    channel_names = tuple(name for part in parts for name in part.channel_names)
    if leading is None:
        raise FrameError(
            f"{path} has the channels {', '.join(channel_names[:12])}: motion is looked for in "
            "colour (R, G, B, or gray as Y), and there is none; render the frames with a "
            "combined pass."
        )
    types = {kind for part in parts for kind in part.channel_types}
    spec = specs[0]
    return FrameFormat(
        width=spec.width,
        height=spec.height,
        channel_names=channel_names,
        alpha_channel=None,
        alpha_mode="premultiplied" if "A" in leading.letters else "none",
        pixel_type="float" if "float" in types else "half",
        colour_space=_spec_of(specs, leading.channels[0]).get_string_attribute("oiio:ColorSpace"),
        container="openexr",
        data_window=(spec.x, spec.y, spec.width, spec.height),
        display_window=(spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        parts=parts,
        passes=passes,
    )


def read_parts(source: oiio.ImageInput, frame_format: FrameFormat) -> Pixels | None:
    """Decode all parts: (height, width, channels) float32; None where the file is damaged.

    In memory one channel lies behind the other, since passes are made one by one.
    """
    shape = (len(frame_format.channel_names), frame_format.height, frame_format.width)
    planes = np.empty(shape, np.float32)
    first = 0
    for index, part in enumerate(frame_format.parts):
        count = len(part.channel_names)
        # half and float alike: every half is a float
        native = source.read_image(index, 0, 0, count, "float")
        if native is None:
            return None
        planes[first : first + count] = native.transpose(2, 0, 1)
        first += count
    return planes.transpose(1, 2, 0)


def write_parts(
    path: Path,
    pixels: Pixels,
    frame_format: FrameFormat,
    specs: Sequence[oiio.ImageSpec],
    compression: str = "auto",
) -> None:
    """Encode a frame of passes to exactly `path`, stored like the file that `specs` come from.

    Args:
        path: replaced when it exists.
        pixels: (height, width, channels) float32; half channels are clipped to ±65504.
        frame_format: what `specs` say.
        specs: of all parts, metadata included.
        compression: of all parts; "auto" for that of each.

    Raises:
        OutputError: the file cannot be written.
    """
    write_file(
        path,
        [_output_spec(spec, compression) for spec in specs],
        _parts_of(pixels, frame_format),
        "openexr",
    )


def with_manifests(
    specs: Sequence[oiio.ImageSpec], others: Sequence[oiio.ImageSpec]
) -> tuple[oiio.ImageSpec, ...]:
    """Add to each Cryptomatte's manifest the names that only the other frame's knows.

    A new frame takes ids from both of its source frames, and an object may be in one of them only.

    Args:
        specs: of all parts of one frame.
        others: likewise of the other.

    Returns:
        `specs`, with copies of those that change.
    """
    elsewhere = {name: text for spec in others for name, text in _manifests(spec).items()}
    return tuple(_with_names(spec, elsewhere) for spec in specs)


def _with_names(spec: oiio.ImageSpec, elsewhere: dict[str, str]) -> oiio.ImageSpec:
    merged: dict[str, str] = {}
    for name, text in _manifests(spec).items():
        other = elsewhere.get(name, text)
        if other == text:
            continue
        try:
            own_ids, other_ids = json.loads(text), json.loads(other)
        except ValueError:
            continue  # not what the specification says: left as it is
        if isinstance(own_ids, dict) and isinstance(other_ids, dict):
            whole = {**other_ids, **own_ids}
            merged[name] = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    if not merged:
        return spec
    spec = oiio.ImageSpec(spec)
    for name, text in merged.items():
        spec.attribute(name, text)
    return spec


def _manifests(spec: oiio.ImageSpec) -> dict[str, str]:
    names = [item.name for item in spec.extra_attribs if _CRYPTOMATTE.match(item.name)]
    return {name: spec.get_string_attribute(name) for name in names if name.endswith("/manifest")}


def _check_part(spec: oiio.ImageSpec, first: oiio.ImageSpec, path: Path) -> None:
    if spec.deep or spec.depth > 1:
        raise FrameError(
            f"{path} is a deep or volume image: flatten the frames, and save them as plain EXR."
        )
    windows = [
        (each.x, each.y, each.width, each.height, each.full_width, each.full_height)
        for each in (spec, first)
    ]
    if windows[0] != windows[1]:
        name = spec.get_string_attribute("oiio:subimagename")
        raise FrameError(
            f"{path}: its part {name!r} is {spec.width}×{spec.height} at ({spec.x}, {spec.y}), the "
            f"first {first.width}×{first.height} at ({first.x}, {first.y}): all parts must cover "
            "the same pixels; save the frames without cropping parts to their content."
        )


def _types(spec: oiio.ImageSpec, path: Path) -> tuple[str, ...]:
    types = tuple(str(kind) for kind in spec.channelformats) or (str(spec.format),) * spec.nchannels
    odd = [name for name, kind in zip(spec.channelnames, types, strict=True) if kind == "uint"]
    if odd:
        raise FrameError(
            f"{path} stores the channel {odd[0]} as whole numbers of 32 bits: save the frames with "
            "half or float channels, as Blender does."
        )
    return types


def _names_of(specs: Sequence[oiio.ImageSpec]) -> list[PartNames]:
    is_several = len(specs) > 1
    return [
        PartNames(
            name=spec.get_string_attribute("oiio:subimagename") if is_several else "",
            channels=tuple(spec.channelnames),
            view=spec.get_string_attribute("view"),
        )
        for spec in specs
    ]


def _views(specs: Sequence[oiio.ImageSpec]) -> set[str]:
    views = {spec.get_string_attribute("view") for spec in specs} - {""}
    several = specs[0].getattribute("multiView")
    return views.union(several if isinstance(several, tuple | list) else ())


def _cryptomattes(specs: Sequence[oiio.ImageSpec]) -> set[str]:
    return {
        spec.get_string_attribute(item.name)
        for spec in specs
        for item in spec.extra_attribs
        if _CRYPTOMATTE.match(item.name) and item.name.endswith("/name")
    }


def _spec_of(specs: Sequence[oiio.ImageSpec], channel: int) -> oiio.ImageSpec:
    """Return the part that holds a channel of the frame."""
    for spec in specs:
        if channel < spec.nchannels:
            return spec
        channel -= spec.nchannels
    raise AssertionError("a channel of no part")


def _output_spec(source: oiio.ImageSpec, compression: str) -> oiio.ImageSpec:
    spec = oiio.ImageSpec(source)
    for name in _TOLD_NOT_STORED:
        spec.erase_attribute(name)
    set_compression(spec, compression)
    return spec


def _parts_of(pixels: Pixels, frame_format: FrameFormat) -> Iterator[Pixels]:
    """Cut out one part's channels after another, with what a half can hold."""
    first = 0
    for part in frame_format.parts:
        end = first + len(part.channel_names)
        own = np.array(pixels[..., first:end], np.float32, order="C")
        halves = [at for at, kind in enumerate(part.channel_types) if kind == "half"]
        if halves:
            own[..., halves] = from_float(own[..., halves], "half")
        yield own
        first = end
