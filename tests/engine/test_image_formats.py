import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from blender_vfi.engine.image_comparison import check_same_format
from blender_vfi.engine.image_formats import (
    FrameFormat,
    channel_roles,
    container_of_suffix,
    encoding_for,
)
from blender_vfi.engine.protocol import OUTPUT_SUFFIXES
from blender_vfi.errors import FrameError, RequestError

pytestmark = pytest.mark.plain

NAMES = {"Y": ("Y",), "YA": ("Y", "A"), "RGB": ("R", "G", "B"), "RGBA": ("R", "G", "B", "A")}


def make_format(layout="RGB", pixel_type="uint8", **changes):
    names = NAMES[layout]
    base = FrameFormat(
        width=1920,
        height=1080,
        channel_names=names,
        alpha_channel=names.index("A") if "A" in names else None,
        alpha_mode="straight" if "A" in names else "none",
        pixel_type=pixel_type,
        colour_space="",
        container="png" if pixel_type.startswith("uint") else "openexr",
        data_window=(0, 0, 1920, 1080),
        display_window=(0, 0, 1920, 1080),
    )
    return dataclasses.replace(base, **changes)


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_every_output_suffix_of_a_job_has_a_container(suffix):
    assert container_of_suffix(suffix.upper()) == container_of_suffix(suffix)


def test_unknown_suffix_lists_the_known_ones():
    with pytest.raises(RequestError, match=r"'.gif'.*\.png.*\.tga"):
        container_of_suffix(".gif")


@pytest.mark.parametrize(
    ("pixel_type", "suffix", "stored"),
    [
        ("uint8", ".png", "uint8"),
        ("uint16", ".png", "uint16"),
        ("uint10", ".png", "uint16"),
        ("uint10", ".dpx", "uint10"),
        ("uint12", ".dpx", "uint12"),
        ("uint16", ".dpx", "uint16"),
        ("uint12", ".tif", "uint12"),
        ("half", ".tif", "float"),
        ("float", ".tif", "float"),
        ("half", ".exr", "half"),
        ("float", ".exr", "float"),
        ("uint8", ".jpg", "uint8"),
        ("uint8", ".webp", "uint8"),
        ("uint8", ".tga", "uint8"),
    ],
)
def test_depth_is_kept_or_the_next_deeper(pixel_type, suffix, stored):
    assert encoding_for(make_format(pixel_type=pixel_type), suffix).pixel_type == stored


@pytest.mark.parametrize(
    ("changes", "suffix", "loss"),
    [
        ({"pixel_type": "uint16"}, ".jpg", "no more than uint8; choose .png or .tif or .dpx"),
        ({"pixel_type": "uint10"}, ".webp", "no more than uint8"),
        ({"pixel_type": "uint16"}, ".tga", "no more than uint8"),
        ({"layout": "RGBA"}, ".jpg", "alpha would be lost; choose .png or .tif or .webp"),
        ({"layout": "Y"}, ".webp", "cannot store gray pictures"),
        ({"layout": "YA"}, ".tga", "cannot store gray with alpha pictures; choose .png or .tif"),
        ({"layout": "YA"}, ".dpx", "cannot store gray with alpha pictures"),
        ({"pixel_type": "half"}, ".png", "view transform; choose .tif or .exr"),
        ({"pixel_type": "float"}, ".jpg", "view transform"),
        ({"pixel_type": "float"}, ".dpx", "view transform"),
        ({"pixel_type": "uint16"}, ".exr", "display-encoded, and EXR is scene-linear"),
        ({"pixel_type": "uint10", "layout": "RGBA"}, ".dpx", "10-bit DPX with alpha"),
        ({"colour_space": "KodakLog", "container": "dpx"}, ".png", "encoded as KodakLog"),
        ({"colour_space": "ICC profile Display P3"}, ".tga", "profile Display P3 would be lost"),
        (
            {"pixel_type": "half", "data_window": (-8, -8, 1936, 1096)},
            ".tif",
            "overscan or crop .* choose .exr",
        ),
    ],
)
def test_what_a_format_would_lose_is_refused_with_the_fitting_ones(changes, suffix, loss):
    with pytest.raises(RequestError, match=loss) as caught:
        encoding_for(make_format(**changes), suffix)
    assert suffix in str(caught.value)
    assert f" or {suffix}" not in str(caught.value)


def test_frames_that_no_other_format_holds_ask_for_conversion():
    frame_format = make_format(
        pixel_type="half", container="hdr", data_window=(1, 1, 4, 4), display_window=(0, 0, 9, 9)
    )
    with pytest.raises(RequestError, match="convert the frames first"):
        encoding_for(frame_format, ".tif")


@pytest.mark.parametrize(
    ("stored", "pixel_type", "suffix", "wanted"),
    [
        ("premultiplied", "uint16", ".png", "straight"),
        ("premultiplied", "uint16", ".tif", "premultiplied"),
        ("straight", "float", ".exr", "premultiplied"),
        ("premultiplied", "half", ".exr", "premultiplied"),
        ("straight", "uint8", ".tif", "straight"),
    ],
)
def test_alpha_is_kept_as_stored_unless_the_format_knows_only_the_other(
    stored, pixel_type, suffix, wanted
):
    frame_format = make_format("RGBA", pixel_type, alpha_mode=stored)
    assert encoding_for(frame_format, suffix).alpha_mode == wanted


def test_layer_prefix_shared_by_all_channels_is_no_obstacle():
    assert channel_roles(("View.Combined.R", "View.Combined.G", "View.Combined.B")) == NAMES["RGB"]
    assert channel_roles(("r", "g", "b", "a")) == NAMES["RGBA"]
    assert channel_roles(("A.R", "B.G")) == ("A.R", "B.G")


def test_equal_formats_pass_whatever_their_container():
    first = make_format()
    check_same_format(
        first, Path("a.png"), dataclasses.replace(first, container="jpeg"), Path("b.jpg")
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 1919}, "b.png is 1919×1080, a.png is 1920×1080: .* one size; re-render or crop"),
        (
            {"channel_names": NAMES["Y"], "alpha_channel": None, "alpha_mode": "none"},
            "b.png is Y, a.png is R, G, B, A: .* the same channels",
        ),
        ({"pixel_type": "uint16"}, "b.png is uint16, a.png is uint8: .* one depth"),
        ({"alpha_mode": "premultiplied"}, "b.png is premultiplied alpha, a.png is straight alpha"),
        ({"data_window": (1, 0, 1920, 1080)}, r"at \(1, 0\) of .* data and display window"),
        ({"colour_space": "lin_srgb"}, "in colour space lin_srgb, a.png is in colour space sRGB"),
    ],
)
def test_frames_that_differ_are_named_with_the_difference(changes, message):
    first = make_format("RGBA", colour_space="sRGB")
    with pytest.raises(FrameError, match=message):
        check_same_format(
            first, Path("a.png"), dataclasses.replace(first, **changes), Path("b.png")
        )


def test_unknown_colour_space_matches_any():
    first = make_format(colour_space="sRGB")
    check_same_format(
        first, Path("a.png"), dataclasses.replace(first, colour_space=""), Path("b.tif")
    )


def test_module_needs_only_the_standard_library():
    code = (
        "import sys, blender_vfi.engine.image_formats\n"
        "sys.exit(bool({'numpy', 'OpenImageIO', 'torch', 'bpy'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
