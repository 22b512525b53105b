"""What can be chosen in settings that have a list, in the words of the panel."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from .engine.movie_codecs import CODECS
from .engine.protocol import (
    BAD_FRAMES,
    BUSY_DEVICE,
    CUTS,
    DUPLICATES,
    FLOW_SCALES,
    GUIDED_FILLS,
    OUTPUT_SUFFIXES,
    PRECISIONS,
    Device,
)
from .engine.storage import COMPRESSIONS, DEPTHS
from .models import catalog
from .vse_timing import Timing

USUAL_CRF = -1
AS_SEQUENCE, AS_MOVIE = "SEQUENCE", "MOVIE"
SAME_AS_SOURCE = "SOURCE"
_PRECISION_NAMES = {
    "auto": ("Automatic", "Half precision where device and model allow it"),
    "fp32": ("Full (fp32)", "32-bit: the most exact, and the most memory"),
    "fp16": ("Half (fp16)", "16-bit: twice as fast on most GPUs"),
    "bf16": ("Brain (bf16)", "16-bit with the range of 32-bit"),
}

_CUT_NAMES = {
    "hold": ("Hold", "Hold the frame before the cut, so that the cut stays at its moment"),
    "blend": ("Blend", "Dissolve from the frame before the cut to the one after it"),
    "off": ("Interpolate", "Do not look for cuts: make frames everywhere"),
}
_DUPLICATE_NAMES = {
    "keep": ("Keep", "Held drawings stay held"),
    "retime": ("Retime", "Spread the drawings evenly over the same time, for even motion"),
}

_GUIDED_FILL_NAMES = {
    "model": ("Ask Network", "RIFE finds what is there, and how light changes"),
    "mix": ("Mix Frames", "The two frames are mixed, which needs no weights"),
}
_BUSY_DEVICE_NAMES = {
    "wait": ("Wait", "Begin when the job that has the GPU has ended"),
    "cpu": ("Use CPU", "Run on the CPU meanwhile"),
    "share": ("Share", "Run beside it: both may run out of memory"),
}
_BAD_FRAME_NAMES = {
    "fail": ("Fail", "The job fails; finished frames stay"),
    "hold": ("Hold", "The frame before is held, and the frame's name told"),
    "blend": ("Blend", "Both frames are blended, and the frame's name told"),
}

_DEPTH_NAMES = {
    "source": ("Same as Source", "The source's, or the next deeper one that the format has"),
    "8": ("8-bit", "256 steps; of Radiance HDR, 8 bits and an exponent"),
    "10": ("10-bit", "1,024 steps: DPX and TIFF"),
    "12": ("12-bit", "4,096 steps: DPX and TIFF"),
    "16": ("16-bit", "65,536 steps: PNG, TIFF and DPX"),
    "half": ("Half Float", "16-bit floating point: EXR"),
    "float": ("Full Float", "32-bit floating point: EXR and TIFF"),
}
_COMPRESSION_NAMES = {
    "auto": ("Automatic", "The source's, or the usual one of the format"),
    "none": ("None", "PNG, TIFF, EXR and TGA: the largest files, and the fastest"),
    "best": ("Best", "PNG: the smallest files, and slow"),
    "rle": ("RLE", "EXR and TGA: runs of equal values"),
    "zip": ("ZIP", "EXR and TIFF: lossless"),
    "zips": ("ZIPS", "EXR: lossless, each row by itself"),
    "piz": ("PIZ", "EXR: lossless, good for grain"),
    "pxr24": ("Pxr24", "EXR: loses 8 bits of full floats"),
    "b44": ("B44", "EXR: lossy, of a fixed size"),
    "b44a": ("B44A", "EXR: lossy, less for even areas"),
    "dwaa": ("DWAA", "EXR: lossy and small, in blocks of 32 rows"),
    "dwab": ("DWAB", "EXR: lossy and small, in blocks of 256 rows"),
    "lzw": ("LZW", "TIFF: lossless"),
    "packbits": ("PackBits", "TIFF: runs of equal values"),
    "lossless": ("Lossless", "WebP: every value stays"),
    "lossy": ("Lossy", "WebP: as small as Quality says"),
}


def _numbered(items: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str, int]]:
    """Give each item a number of its own: files keep that, and by default it is the place."""
    return [(*item, zlib.crc32(item[0].encode()) & 0x7FFFFFFF) for item in items]


# Out here, since Blender evaluates annotations where comprehensions see no names of this module
MODEL_ITEMS = _numbered((spec.name, spec.title, spec.summary) for spec in catalog.CATALOG)
FORMAT_ITEMS = _numbered(
    [
        (SAME_AS_SOURCE, "Same as Source", "The format of the strip's first file"),
        *(
            (suffix[1:].upper(), suffix[1:].upper(), f"Files ending in {suffix}")
            for suffix in OUTPUT_SUFFIXES
        ),
    ]
)
DEPTH_ITEMS = _numbered((name.upper(), *_DEPTH_NAMES[name]) for name in DEPTHS)
COMPRESSION_ITEMS = _numbered((name.upper(), *_COMPRESSION_NAMES[name]) for name in COMPRESSIONS)
OUTPUT_ITEMS = _numbered(
    [
        (AS_SEQUENCE, "Image Sequence", "A file for each frame"),
        (AS_MOVIE, "Movie", "One file with all frames, made when the last of them is there"),
    ]
)
CODEC_ITEMS = _numbered((codec.name, codec.title, codec.summary) for codec in CODECS)
PRECISION_ITEMS = _numbered((name, *_PRECISION_NAMES[name]) for name in PRECISIONS)
CUT_ITEMS = _numbered((name.upper(), *_CUT_NAMES[name]) for name in CUTS)
DUPLICATE_ITEMS = _numbered((name.upper(), *_DUPLICATE_NAMES[name]) for name in DUPLICATES)
BUSY_DEVICE_ITEMS = _numbered((name.upper(), *_BUSY_DEVICE_NAMES[name]) for name in BUSY_DEVICE)
BAD_FRAME_ITEMS = _numbered((name.upper(), *_BAD_FRAME_NAMES[name]) for name in BAD_FRAMES)
GUIDED_FILL_ITEMS = _numbered((name.upper(), *_GUIDED_FILL_NAMES[name]) for name in GUIDED_FILLS)
FLOW_SCALE_ITEMS = _numbered(
    (f"{scale:g}", f"{scale:g}×", f"{scale:g} times the frame") for scale in FLOW_SCALES
)
TIMING_ITEMS = [
    (
        Timing.NEW_SCENE.value,
        "New Scene",
        "Same speed, in a new scene with a higher frame rate, with the sound in sync",
    ),
    (
        Timing.SLOW_MOTION.value,
        "Slow Motion",
        "Longer, in this scene on a free channel, at the frame rate there is",
    ),
    (
        Timing.RAISE_RATE.value,
        "Raise Frame Rate",
        "Same speed, in this scene at a higher frame rate; only where no other strip would "
        "change its speed",
    ),
    (
        Timing.SPEED_RAMP.value,
        "Speed Ramp",
        "In this scene on a free channel, at the speed that the setting Speed has at each frame "
        "of the timeline; animate it",
    ),
    (
        Timing.BAKE_RETIMING.value,
        "Bake Retiming",
        "In this scene on a free channel, as the strip's retiming keys or its Speed Control effect "
        "have it, with frames made wherever it is slower",
    ),
]


def has_several_gpus(devices: Sequence[Device]) -> bool:
    """Tell whether a job can be shared by all GPUs of an engine.

    Args:
        devices: the one that "auto" takes first.
    """
    kinds = [device.name.partition(":")[0] for device in devices]
    return kinds[:1] != ["cpu"] and kinds.count(kinds[0]) > 1
