"""Which file format can hold which frames, and what would be lost where one cannot.

Standard library alone: neither numpy nor OpenImageIO nor bpy is imported here, so that both sides
can ask before a job starts. `images` does the reading and writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import RequestError
from .passes import Pass
from .storage import AS_SOURCE, LOSSY_COMPRESSIONS, Storage

AlphaMode = Literal["none", "straight", "premultiplied"]

LAYOUTS = (("Y",), ("Y", "A"), ("R", "G", "B"), ("R", "G", "B", "A"))
"""Channels that a frame may have, in this order; names may carry a layer as prefix."""

PROFILE_PREFIX = "ICC profile "
"""What `FrameFormat.colour_space` begins with where the file embeds a profile."""

INTEGER_BITS = {"uint8": 8, "uint10": 10, "uint12": 12, "uint16": 16}
FLOAT_BITS = {"rgbe": 8, "half": 16, "float": 32}
"""Types of scene-linear light, and bits of each value. "rgbe" is Radiance HDR's: 8 bits for each of
red, green and blue, and one exponent for the three."""

_TYPE_OF_DEPTH = {
    "8": "uint8", "10": "uint10", "12": "uint12", "16": "uint16", "half": "half", "float": "float",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFormat:
    """One part of a multilayer file.

    Attributes:
        name: "" in files of one part.
        channel_names: with the layer before them, as in `FrameFormat`.
        channel_types: of each channel, "half" or "float".
    """

    name: str
    channel_names: tuple[str, ...]
    channel_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """What must be equal over a strip, and what the output keeps.

    Attributes:
        width: pixels stored in a row.
        height: rows stored.
        channel_names: as stored, such as ("R", "G", "B") or ("Layer.Combined.R", …).
        alpha_channel: index of alpha; None for no alpha.
        alpha_mode: whether colours are stored multiplied by alpha.
        pixel_type: key of `INTEGER_BITS` or `FLOAT_BITS`, as stored.
        colour_space: what the file says, in OpenImageIO's words; "" if nothing.
        container: file format by its content (not by its suffix), in OpenImageIO's words.
        data_window: x, y, width, height of the stored pixels.
        display_window: likewise of the picture; differs in EXR with overscan or crop.
        parts: of a multilayer file, whose channels are those of all parts, one after another; ()
            for frames that are one picture.
        passes: what the channels of a multilayer file mean.
    """

    width: int
    height: int
    channel_names: tuple[str, ...]
    alpha_channel: int | None
    alpha_mode: AlphaMode
    pixel_type: str
    colour_space: str
    container: str
    data_window: tuple[int, int, int, int]
    display_window: tuple[int, int, int, int]
    parts: tuple[PartFormat, ...] = ()
    passes: tuple[Pass, ...] = ()

    @property
    def is_multilayer(self) -> bool:
        """Whether the file holds passes beside the picture."""
        return bool(self.parts)

    @property
    def is_linear(self) -> bool:
        """Scene-linear floating point, values above 1 allowed; otherwise display-encoded in [0, 1].

        By convention of the file formats: half and float files are linear, integer files are not.
        """
        return self.pixel_type in FLOAT_BITS

    @property
    def roles(self) -> tuple[str, ...]:
        """Channel names without a layer's prefix; one of `LAYOUTS`."""
        return channel_roles(self.channel_names)

    @property
    def description(self) -> str:
        """Size and channels for a message: "1920×1080 RGBA uint8"."""
        content = f"{len(self.passes)} passes of" if self.parts else "".join(self.roles)
        return f"{self.width}×{self.height} {content} {self.pixel_type}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How frames of one format are stored in a file of a given suffix."""

    container: str
    pixel_type: str
    alpha_mode: AlphaMode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Container:
    """What a file format can hold: alpha modes in order of preference, an ICC profile or not."""

    name: str
    pixel_types: tuple[str, ...]
    layouts: tuple[tuple[str, ...], ...]
    alpha_modes: tuple[AlphaMode, ...]
    holds_profile: bool


_GRAY, _GRAY_ALPHA, _RGB, _RGBA = LAYOUTS

_LAYOUT_NAMES = {_GRAY: "gray", _GRAY_ALPHA: "gray with alpha", _RGB: "RGB", _RGBA: "RGBA"}

_CONTAINERS = {
    item.name: item
    for item in (
        _Container(
            name="png",
            pixel_types=("uint8", "uint16"),
            layouts=LAYOUTS,
            alpha_modes=("straight",),
            holds_profile=True,
        ),
        _Container(
            name="jpeg",
            pixel_types=("uint8",),
            layouts=(_GRAY, _RGB),
            alpha_modes=(),
            holds_profile=True,
        ),
        _Container(
            name="tiff",
            pixel_types=("uint8", "uint10", "uint12", "uint16", "float"),
            layouts=LAYOUTS,
            alpha_modes=("straight", "premultiplied"),
            holds_profile=True,
        ),
        _Container(
            name="webp",
            pixel_types=("uint8",),
            layouts=(_RGB, _RGBA),
            alpha_modes=("straight",),
            holds_profile=True,
        ),
        _Container(
            name="openexr",
            pixel_types=("half", "float"),
            layouts=LAYOUTS,
            alpha_modes=("premultiplied",),
            holds_profile=False,
        ),
        _Container(
            name="dpx",
            pixel_types=("uint8", "uint10", "uint12", "uint16"),
            layouts=(_GRAY, _RGB, _RGBA),
            alpha_modes=("straight",),
            holds_profile=False,
        ),
        _Container(
            name="targa",
            pixel_types=("uint8",),
            layouts=(_GRAY, _RGB, _RGBA),
            alpha_modes=("straight",),
            holds_profile=False,
        ),
        # many programs take a fourth channel of BMP for padding
        _Container(
            name="bmp",
            pixel_types=("uint8",),
            layouts=(_GRAY, _RGB),
            alpha_modes=(),
            holds_profile=False,
        ),
        _Container(
            name="hdr",
            pixel_types=("rgbe",),
            layouts=(_RGB,),
            alpha_modes=(),
            holds_profile=False,
        ),
    )
}

_LINEAR_TITLES = {"openexr": "EXR", "hdr": "Radiance HDR"}

_CONTAINER_OF_SUFFIX = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".exr": "openexr",
    ".dpx": "dpx",
    ".tga": "targa",
    ".bmp": "bmp",
    ".hdr": "hdr",
}

_OFFERED_SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".exr", ".dpx", ".tga", ".bmp", ".hdr")


def channel_roles(channel_names: tuple[str, ...]) -> tuple[str, ...]:
    """Strip the layer that all names share: ("L.R", "L.G", "L.B") gives ("R", "G", "B").

    Names of more than one layer come back as they are, and so belong to none of `LAYOUTS`.
    """
    parts = [name.rpartition(".") for name in channel_names]
    if len({layer for layer, _, _ in parts}) > 1:
        return channel_names
    return tuple(role.upper() for _, _, role in parts)


def container_of_suffix(suffix: str) -> str:
    """Name the file format that `suffix` (".png", in any case) stands for.

    Raises:
        RequestError: we do not write such files.
    """
    container = _CONTAINER_OF_SUFFIX.get(suffix.lower())
    if container is None:
        raise RequestError(
            f"Output format {suffix!r}: must be one of {', '.join(_OFFERED_SUFFIXES)}."
        )
    return container


def encoding_for(frame_format: FrameFormat, suffix: str, storage: Storage = AS_SOURCE) -> Encoding:
    """Decide how frames are stored, at their own depth or the next deeper one the format has.

    No depth is cut unless that very depth is asked for, no channel dropped and no colour converted;
    what would need that is refused. Straight and premultiplied alpha are converted where the format
    knows only the other.

    Args:
        frame_format: of the source.
        suffix: of the files.
        storage: depth and compression, where these shall not be the source's.

    Raises:
        RequestError: a file of that suffix cannot hold the frames; names what would be lost, and
            the suffixes that can.
    """
    container = container_of_suffix(suffix)
    loss = _loss(frame_format, container, storage)
    if loss:
        fitting = [
            other
            for other in _OFFERED_SUFFIXES
            if not _loss(frame_format, _CONTAINER_OF_SUFFIX[other], storage)
        ]
        remedy = f"choose {' or '.join(fitting)}" if fitting else "convert the frames first"
        raise RequestError(
            f"Output format {suffix} for {frame_format.description} frames: {loss}; {remedy}."
        )
    target = _CONTAINERS[container]
    pixel_type = _stored_type(frame_format, target, storage.depth)
    assert pixel_type is not None
    alpha_mode = frame_format.alpha_mode
    if alpha_mode != "none" and alpha_mode not in target.alpha_modes:
        alpha_mode = target.alpha_modes[0]
    return Encoding(container=container, pixel_type=pixel_type, alpha_mode=alpha_mode)


def _stored_type(frame_format: FrameFormat, target: _Container, depth: str) -> str | None:
    """Type in which `target` stores the frames; None where it has none."""
    if depth == "source":
        return _pixel_type_in(target, frame_format.pixel_type)
    wanted = "rgbe" if depth == "8" and frame_format.is_linear else _TYPE_OF_DEPTH[depth]
    is_light = wanted in FLOAT_BITS
    return wanted if wanted in target.pixel_types and is_light == frame_format.is_linear else None


def _pixel_type_in(target: _Container, pixel_type: str) -> str | None:
    """Smallest type of `target` that holds every value of `pixel_type`; None for none."""
    bits = INTEGER_BITS if pixel_type in INTEGER_BITS else FLOAT_BITS
    fitting = [
        name for name in target.pixel_types if name in bits and bits[name] >= bits[pixel_type]
    ]
    if pixel_type == "rgbe":  # its light may be brighter than a half can tell
        fitting = [name for name in fitting if name != "half"]
    return min(fitting, key=lambda name: bits[name], default=None)


def _loss(frame_format: FrameFormat, container: str, storage: Storage) -> str:
    """What keeps `container` from holding the frames; "" for nothing."""
    target = _CONTAINERS[container]
    if frame_format.is_multilayer and target.name != "openexr":
        return "they hold several passes, of which this format could keep but one"
    return (
        _loss_of_colour(frame_format, target)
        or _loss_of_ids(frame_format, storage)
        or _loss_of_depth(frame_format, target, storage.depth)
        or _loss_of_channels(frame_format, target)
        or _loss_of_place(frame_format, target)
    )


def _loss_of_colour(frame_format: FrameFormat, target: _Container) -> str:
    if frame_format.is_linear and not any(name in FLOAT_BITS for name in target.pixel_types):
        return (
            "they are scene-linear, and this format is display-encoded, which would need a view "
            "transform"
        )
    if not frame_format.is_linear and not any(name in INTEGER_BITS for name in target.pixel_types):
        return (
            f"they are display-encoded, and {_LINEAR_TITLES[target.name]} is scene-linear, which "
            "would need a conversion"
        )
    is_log = frame_format.container == "dpx" and "log" in frame_format.colour_space.lower()
    if is_log and target.name != "dpx":
        return f"they are encoded as {frame_format.colour_space}, which this format cannot tell"
    if frame_format.colour_space.startswith(PROFILE_PREFIX) and not target.holds_profile:
        return f"their {frame_format.colour_space} would be lost"
    return ""


def _loss_of_ids(frame_format: FrameFormat, storage: Storage) -> str:
    if frame_format.is_multilayer and storage.compression in LOSSY_COMPRESSIONS:
        return f"the compression {storage.compression} would alter passes of ids and numbers"
    return ""


def _loss_of_depth(frame_format: FrameFormat, target: _Container, depth: str) -> str:
    if depth != "source" and frame_format.is_multilayer:
        return f"each pass keeps its own depth, and {depth} is asked for"
    stored = _stored_type(frame_format, target, depth)
    if stored is None and depth != "source":
        return f"this format has no depth {depth} for them"
    if stored is None and target.name == "hdr":
        return "this format has 8 bits and an exponent, which the depth 8 asks for"
    if stored is None:
        return f"this format has no more than {target.pixel_types[-1]}"
    # OpenImageIO 3.0.21 packs four 10-bit channels wrongly: what it writes, it reads back altered.
    if target.name == "dpx" and stored == "uint10" and frame_format.roles == _RGBA:
        return "10-bit DPX with alpha cannot be written reliably"
    return ""


def _loss_of_channels(frame_format: FrameFormat, target: _Container) -> str:
    if frame_format.is_multilayer or frame_format.roles in target.layouts:
        return ""
    if frame_format.alpha_channel is not None and not target.alpha_modes:
        return "alpha would be lost"
    return f"this format cannot store {_LAYOUT_NAMES[frame_format.roles]} pictures"


def _loss_of_place(frame_format: FrameFormat, target: _Container) -> str:
    has_window = frame_format.data_window != frame_format.display_window
    if has_window and target.name != frame_format.container:
        return "the overscan or crop (data window unlike display window) would be lost"
    return ""
