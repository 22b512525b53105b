"""Multilayer EXR files of a square that moves over a ground, written with OpenImageIO bare."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses

WIDTH, HEIGHT, SIDE, TOP, STEP = 64, 48, 16, 12, 8
GROUND, SQUARE = 0, 1
DEPTH = (1e10, 4.0)
INDEX = (3.0, 12.0)
LIGHT = ((0.25, -0.5, 0.125, 1.0), (50.0, 2.0, 0.5, 1.0))
NORMAL = ((0.0, 0.0, 0.0), (0.6, 0.0, 0.8))


def crypto_id(number: int) -> float:
    """A Cryptomatte id: 32 bits that happen to be a float."""
    return struct.unpack("<f", struct.pack("<I", number))[0]


CRYPTO = (crypto_id(0x6A2FB16E), crypto_id(0x28FCE865))
MANIFEST = '{"Ground":"6a2fb16e","Square":"28fce865"}'
METADATA = {
    "BlenderMultiChannel": "Blender V2.55.1 and newer",
    "colorInteropID": "lin_rec709_scene",
    "cryptomatte/542cafa/name": "ViewLayer.CryptoObject",
    "cryptomatte/542cafa/hash": "MurmurHash3_32",
    "cryptomatte/542cafa/conversion": "uint32_to_float32",
    "cryptomatte/542cafa/manifest": MANIFEST,
}


def left_of(index: float, step: float = STEP) -> float:
    """Where the square begins in frame `index`."""
    return 8 + step * index


def square_mask(index: float, step: float = STEP) -> np.ndarray:
    """(H, W) bool, True on the square."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    left = round(left_of(index, step))
    mask[TOP : TOP + SIDE, left : left + SIDE] = True
    return mask


def passes_of(index: float, step: float = STEP) -> dict[str, tuple[str, str, np.ndarray]]:
    """Letters, type and (H, W, C) values of each pass of frame `index`."""
    on = square_mask(index, step)[..., None]

    def choose(values):
        ground, square = (np.asarray(each, np.float32).reshape(1, 1, -1) for each in values)
        return np.where(on, square, ground).astype(np.float32)

    crypto = np.where(on, CRYPTO[SQUARE], CRYPTO[GROUND]).astype(np.float32)
    second = np.where(on, CRYPTO[GROUND], 0).astype(np.float32)
    coverage = np.where(on, 0.75, 1.0).astype(np.float32)
    rest = np.where(on, 0.25, 0.0).astype(np.float32)
    return {
        "Combined": ("RGBA", "half", choose(LIGHT)),
        "Depth": ("Z", "float", choose(DEPTH)),
        "Normal": ("XYZ", "float", choose(NORMAL)),
        "Vector": ("XYZW", "float", choose(((0, 0, 0, 0), (-step, 0, -step, 0)))),
        "Object Index": ("X", "float", choose(INDEX)),
        "Mist": ("Z", "half", choose((1.0, 0.25))),
        "CryptoObject00": ("rgba", "float", np.concatenate((crypto, coverage, second, rest), 2)),
    }


def write_exr(
    path: Path,
    layers: dict[str, dict[str, tuple[str, str, np.ndarray]]],
    *,
    is_multi_part: bool = True,
    metadata: dict[str, object] = METADATA,
    **fields: object,
) -> Path:
    """Write passes as Blender 5.0 does, or as Blender 4 does in one part."""
    named = [
        (f"{layer}.{name}", *content)
        for layer, passes in layers.items()
        for name, content in passes.items()
    ]
    height, width = named[0][3].shape[:2]

    def make_spec(names, kinds):
        spec = oiio.ImageSpec(width, height, len(names), "float")
        spec.channelnames = tuple(names)
        if len(set(kinds)) == 1:
            spec.set_format(oiio.TypeDesc(kinds[0]))
        else:
            spec.channelformats = tuple(oiio.TypeDesc(kind) for kind in kinds)
        spec.attribute("compression", "zip")
        for name, value in fields.items():
            setattr(spec, name, value)
        return spec

    if is_multi_part:
        specs = []
        for name, letters, kind, _values in named:
            specs.append(make_spec([f"{name}.{x}" for x in letters], [kind] * len(letters)))
            specs[-1].attribute("oiio:subimagename", name)
        values = [item[3] for item in named]
    else:
        names = [f"{name}.{x}" for name, letters, _kind, _values in named for x in letters]
        kinds = [kind for _name, letters, kind, _values in named for _ in letters]
        specs = [make_spec(names, kinds)]
        values = [np.concatenate([item[3] for item in named], axis=2)]
    for name, value in metadata.items():
        specs[0].attribute(name, *value) if isinstance(value, tuple) else specs[0].attribute(
            name, value
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    target = oiio.ImageOutput.create("exr")
    assert target.open(str(path), specs[0] if len(specs) == 1 else tuple(specs)), target.geterror()
    for index, (spec, native) in enumerate(zip(specs, values, strict=True)):
        assert index == 0 or target.open(str(path), spec, "AppendSubimage"), target.geterror()
        assert target.write_image(np.ascontiguousarray(native)), target.geterror()
    assert target.close(), target.geterror()
    return path


def write_shots(folder: Path, count: int, **options: object) -> list[Path]:
    """Write frames of the moving square, of one view layer."""
    return [
        write_exr(folder / f"shot_{index + 1:04d}.exr", {"ViewLayer": passes_of(index)}, **options)
        for index in range(count)
    ]


def read_exr(path: Path) -> tuple[dict[str, np.ndarray], list[dict[str, object]]]:
    """Every channel by its name, as stored, and the metadata of each part."""
    source = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    channels, metadata, part = {}, [], 0
    while source.seek_subimage(part, 0):
        spec = source.spec()
        kinds = spec.channelformats or (spec.format,) * spec.nchannels
        for at, (name, kind) in enumerate(zip(spec.channelnames, kinds, strict=True)):
            # one by one, since a read of several converts them to one type
            channels[name] = source.read_image(part, 0, at, at + 1, kind)[..., 0]
        items = {item.name: item.value for item in spec.extra_attribs}
        items.pop("DateTime", None)  # when the file was written
        items["windows"] = (spec.x, spec.y, spec.full_width, spec.full_height, spec.tile_width)
        metadata.append(items)
        part += 1
    source.geterror()
    source.close()
    return channels, metadata
