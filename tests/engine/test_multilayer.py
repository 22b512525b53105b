"""EXR files with passes: what is read, written back the same, and refused by name."""

import os
import subprocess
import sys

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses
import pytest

from blender_vfi.engine import images
from blender_vfi.engine.image_comparison import check_same_format
from blender_vfi.engine.image_formats import encoding_for
from blender_vfi.errors import FrameError, RequestError

from .image_files import save
from .pass_files import METADATA, passes_of, read_exr, write_exr
from .test_images_errors import DISK_FULL, ROOT

pytestmark = pytest.mark.plain

TIME_CODE = {"smpte:TimeCode": (oiio.TypeTimeCode, (0x01020304, 0))}
CHROMATICITIES = {
    "chromaticities": (oiio.TypeDesc("float[8]"), (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.31, 0.33))
}


def written_again(path):
    """Read a frame and write it beside itself."""
    frame = images.read_frame(path)
    target = path.with_name("again.exr")
    images.write_frame(target, frame.pixels, frame.header, ".exr")
    return target


@pytest.mark.parametrize("is_multi_part", [True, False])
def test_passes_come_back_bit_for_bit_with_names_types_and_metadata(tmp_path, is_multi_part):
    layers = {"ViewLayer": passes_of(0), "Fore.ground": passes_of(1)}
    path = write_exr(
        tmp_path / "a.exr",
        layers,
        is_multi_part=is_multi_part,
        metadata={**METADATA, **TIME_CODE, **CHROMATICITIES},
    )
    before, metadata_before = read_exr(path)
    after, metadata_after = read_exr(written_again(path))
    assert list(after) == list(before)
    for name, values in before.items():
        assert after[name].dtype == values.dtype
        assert after[name].tobytes() == values.tobytes(), name
    assert before["ViewLayer.Combined.R"].dtype == np.float16
    assert before["ViewLayer.CryptoObject00.r"].dtype == np.float32
    assert metadata_after == metadata_before
    assert len(metadata_after) == (14 if is_multi_part else 1)
    assert metadata_after[0]["cryptomatte/542cafa/name"] == "ViewLayer.CryptoObject"


@pytest.mark.parametrize("is_multi_part", [True, False])
def test_compression_tiles_and_data_window_stay(tmp_path, is_multi_part):
    path = write_exr(
        tmp_path / "a.exr",
        {"L": passes_of(0)},
        is_multi_part=is_multi_part,
        metadata={"compression": "piz"},
        tile_width=32,
        tile_height=16,
        x=3,
        y=-2,
        full_width=70,
    )
    before, after = read_exr(path), read_exr(written_again(path))
    assert after[1] == before[1]
    assert after[1][0]["windows"] == (3, -2, 70, 48, 32)
    assert after[1][0]["compression"] == "piz"
    np.testing.assert_array_equal(after[0]["L.Depth.Z"], before[0]["L.Depth.Z"])


def test_level_of_a_lossy_compression_stays(tmp_path):
    path = write_exr(
        tmp_path / "a.exr",
        {"L": passes_of(0)},
        is_multi_part=False,
        metadata={"compression": "dwaa:80"},
    )
    assert read_exr(written_again(path))[1][0]["openexr:dwaCompressionLevel"] == 80


def test_format_tells_parts_passes_and_the_deepest_type(tmp_path):
    path = write_exr(tmp_path / "a.exr", {"L": passes_of(0)})
    frame_format = images.read_format(path)
    assert frame_format.is_multilayer
    assert frame_format.is_linear
    assert frame_format.pixel_type == "float"
    assert [one.role for one in frame_format.passes] == [
        *("colour", "depth", "normal", "vector", "id", "data", "id")
    ]
    assert frame_format.parts[0].channel_types == ("half",) * 4
    assert frame_format.description == "64×48 7 passes of float"


def test_light_beyond_a_half_is_clipped_where_halves_are_stored(tmp_path):
    frame = images.read_frame(write_exr(tmp_path / "a.exr", {"L": passes_of(0)}))
    frame.pixels[..., 0] = 1e6
    frame.pixels[..., 1] = -1e6
    images.write_frame(tmp_path / "b.exr", frame.pixels, frame.header, ".exr")
    channels, _metadata = read_exr(tmp_path / "b.exr")
    assert channels["L.Combined.R"].max() == 65504
    assert channels["L.Combined.G"].min() == -65504
    assert channels["L.Depth.Z"].max() == np.float32(1e10)


def test_depth_beside_colour_in_a_plain_file_is_read(tmp_path):
    values = np.random.default_rng(0).random((4, 6, 5), np.float32)
    spec = oiio.ImageSpec(6, 4, 5, "float")
    spec.channelnames = ("R", "G", "B", "A", "Z")
    target = oiio.ImageOutput.create("exr")
    assert target.open(str(tmp_path / "a.exr"), spec)
    assert target.write_image(values)
    assert target.close()
    frame = images.read_frame(tmp_path / "a.exr")
    assert [one.role for one in frame.header.format.passes] == ["colour", "depth"]
    np.testing.assert_array_equal(frame.pixels, values)


@pytest.mark.parametrize(
    "names",
    [("Z",), ("R", "G"), ("A.R", "A.G", "B.B"), ("Layer.X", "Layer.Y", "Layer.Z")],
)
def test_passes_without_colour_are_refused(tmp_path, names):
    values = np.zeros((4, 4, len(names)), np.float32)
    path = save(tmp_path / "a.exr", values, channelnames=names, alpha_channel=-1)
    with pytest.raises(FrameError, match=r"motion is looked for in colour .* combined pass"):
        images.read_format(path)


def test_whole_numbers_of_32_bits_are_refused(tmp_path):
    spec = oiio.ImageSpec(4, 4, 4, "float")
    spec.channelnames = ("R", "G", "B", "id.X")
    spec.channelformats = tuple(oiio.TypeDesc(kind) for kind in ("half", "half", "half", "uint"))
    target = oiio.ImageOutput.create("exr")
    assert target.open(str(tmp_path / "a.exr"), spec)
    assert target.write_image(np.zeros((4, 4, 4), np.float32))
    assert target.close()
    with pytest.raises(FrameError, match=r"channel id\.X as whole numbers .* half or float"):
        images.read_frame(tmp_path / "a.exr")


def test_parts_of_several_sizes_are_refused(tmp_path):
    specs = []
    for name, width in (("rgb", 8), ("matte", 6)):
        specs.append(oiio.ImageSpec(width, 4, 3, "half"))
        specs[-1].attribute("oiio:subimagename", name)
        specs[-1].full_width = 8
    target = oiio.ImageOutput.create("exr")
    assert target.open(str(tmp_path / "a.exr"), tuple(specs)), target.geterror()
    for index, spec in enumerate(specs):
        assert not index or target.open(str(tmp_path / "a.exr"), spec, "AppendSubimage")
        assert target.write_image(np.zeros((4, spec.width, 3), np.float32))
    assert target.close()
    with pytest.raises(FrameError, match=r"part 'matte' is 6×4 .* without cropping parts"):
        images.read_format(tmp_path / "a.exr")


@pytest.mark.parametrize("is_multi_part", [True, False])
def test_files_cut_short_are_refused(tmp_path, is_multi_part):
    path = write_exr(tmp_path / "a.exr", {"L": passes_of(0)}, is_multi_part=is_multi_part)
    data, cut = path.read_bytes(), tmp_path / "cut.exr"
    for percent in (5, 40, 70, 90, 99):
        cut.write_bytes(data[: len(data) * percent // 100])
        with pytest.raises(FrameError, match=r"cut\.exr is damaged"):
            images.read_frame(cut)


if sys.platform != "win32":  # The limit on a file's size, which stands in for the full disk.

    @pytest.mark.parametrize("is_multi_part", [True, False])
    def test_full_disk_is_an_error_and_never_a_short_file(tmp_path, is_multi_part):
        source = write_exr(tmp_path / "a.exr", {"L": passes_of(0)}, is_multi_part=is_multi_part)
        result = subprocess.run(
            [sys.executable, "-c", DISK_FULL, str(source), str(tmp_path / "b.exr")],
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("silent: [] of"), result.stdout


def test_formats_that_keep_one_picture_are_refused(tmp_path):
    frame_format = images.read_format(write_exr(tmp_path / "a.exr", {"L": passes_of(0)}))
    assert encoding_for(frame_format, ".exr").container == "openexr"
    for suffix in (".png", ".tif", ".jpg"):
        with pytest.raises(RequestError, match=r"several passes, .* choose \.exr\."):
            encoding_for(frame_format, suffix)


def test_a_pass_that_one_frame_lacks_is_named(tmp_path):
    passes = passes_of(0)
    fewer = {name: content for name, content in passes.items() if name not in ("Normal", "Mist")}
    whole = images.read_format(write_exr(tmp_path / "whole.exr", {"L": passes}))
    poor = images.read_format(write_exr(tmp_path / "poor.exr", {"L": fewer}))
    message = r"poor\.exr lacks the channel L\.Normal\.X that whole\.exr has \(and 3 more\)"
    for first, other in ((whole, poor), (poor, whole)):
        paths = {id(whole): tmp_path / "whole.exr", id(poor): tmp_path / "poor.exr"}
        with pytest.raises(FrameError, match=message):
            check_same_format(first, paths[id(first)], other, paths[id(other)])


def test_parts_among_frames_of_one_part_are_named(tmp_path):
    paths = [tmp_path / "many.exr", tmp_path / "one.exr"]
    many, one = (
        images.read_format(write_exr(path, {"L": passes_of(0)}, is_multi_part=path is paths[0]))
        for path in paths
    )
    with pytest.raises(FrameError, match=r"one\.exr stores its passes in 1 part, .* in 7 parts"):
        check_same_format(many, paths[0], one, paths[1])


def test_names_of_both_frames_objects_are_in_the_manifest(tmp_path):
    key = "cryptomatte/542cafa/manifest"
    headers = [
        images.read_frame(
            write_exr(
                tmp_path / f"{index}.exr", {"L": passes_of(0)}, metadata={**METADATA, key: text}
            )
        ).header
        for index, text in enumerate(('{"A":"00000001","é":"2"}', '{"A":"00000001","B":"3"}', "?"))
    ]
    merged = images.with_names_of(headers[1], headers[0])
    assert merged.spec.get_string_attribute(key) == '{"A":"00000001","é":"2","B":"3"}'
    assert headers[1].spec.get_string_attribute(key) == '{"A":"00000001","B":"3"}'
    assert images.with_names_of(headers[1], headers[1]).spec is headers[1].spec
    assert images.with_names_of(headers[2], headers[0]).spec.get_string_attribute(key) == "?"
