import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses
import pytest

from blender_vfi.engine import images
from blender_vfi.engine.images import read_format, read_frame, write_frame
from blender_vfi.errors import FrameError, OutputError, RequestError

from .image_files import animated_webp, random_codes, random_floats, save

pytestmark = pytest.mark.plain

SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".exr", ".dpx", ".tga")
ROOT = Path(__file__).parents[2]


def save_noise(path):
    """A file of a few kilobytes that does not compress away."""
    if path.suffix == ".exr":
        return save(path, random_floats(3, np.float16, (40, 40)))
    attributes = {".webp": {"compression": "lossless"}, ".tga": {"compression": "rle"}}
    return save(path, random_codes(8, 3, (40, 40)), attributes.get(path.suffix))


@pytest.mark.parametrize("read", [read_format, read_frame])
def test_missing_empty_and_foreign_files_are_named(tmp_path, read):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "folder.png").mkdir()
    messages = {
        "missing.png": "cannot be read .*No such file.* restore",
        "empty.png": r"empty \(0 bytes\): render",
        "text.png": "damaged or not a picture .* render",
        "folder.png": "cannot be read",
    }
    for name, message in messages.items():
        with pytest.raises(FrameError, match=message) as caught:
            read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    assert oiio.geterror() == ""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_cut_inside_the_picture_are_refused(tmp_path, suffix):
    path = save_noise(tmp_path / f"whole{suffix}")
    data, whole = path.read_bytes(), read_frame(path).pixels
    cut = tmp_path / f"cut{suffix}"
    for percent in (*range(1, 100, 6), 99):
        cut.write_bytes(data[: len(data) * percent // 100])
        if suffix == ".tga" and percent > 85:
            # What ends a Targa file is a footer and a thumbnail; the picture comes before.
            np.testing.assert_array_equal(read_frame(cut).pixels, whole)
            continue
        with pytest.raises(FrameError, match="again") as caught:
            read_frame(cut)
        assert str(cut) in str(caught.value)
    assert oiio.geterror() == ""


def test_jpeg_without_its_last_bytes_is_refused_although_pixels_come(tmp_path):
    path = save_noise(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(FrameError, match=r"damaged or incomplete .*Premature end.* again"):
        read_frame(path)


def test_several_pictures_in_a_file_are_refused(tmp_path):
    values = random_floats(3)
    spec = oiio.ImageSpec(22, 18, 3, "float")
    target = oiio.ImageOutput.create("tif")
    assert target.open(str(tmp_path / "a.tif"), spec)
    assert target.write_image(values)
    assert target.open(str(tmp_path / "a.tif"), spec, "AppendSubimage")
    assert target.write_image(values)
    assert target.close()
    target.geterror()
    animated_webp(tmp_path / "a.webp")
    for suffix in (".tif", ".webp"):
        for read in (read_format, read_frame):
            with pytest.raises(FrameError, match=r"more than one picture .* files of their own"):
                read(tmp_path / f"a{suffix}")


def test_channels_beyond_a_picture_are_refused(tmp_path):
    values = np.zeros((4, 4, 5), np.float32)
    names = ("R", "G", "B", "A", "Z")
    path = save(tmp_path / "a.tif", values, channelnames=names, alpha_channel=-1)
    with pytest.raises(FrameError, match=r"has the channels .* passes in EXR; save the frames"):
        read_format(path)


def test_types_that_cannot_be_interpolated_are_refused(tmp_path):
    spec = oiio.ImageSpec(4, 4, 1, "uint")
    spec.channelnames = ("Y",)
    target = oiio.ImageOutput.create("exr")
    assert target.open(str(tmp_path / "a.exr"), spec)
    assert target.write_image(np.zeros((4, 4, 1), np.uint32))
    assert target.close()
    with pytest.raises(FrameError, match=r"pixels as uint.* save the frames as 8- or 16-bit"):
        read_format(tmp_path / "a.exr")


def test_cmyk_is_refused(tmp_path):
    names = ("C", "M", "Y", "K")
    path = save(
        tmp_path / "a.tif",
        random_codes(8, 4),
        {"tiff:ColorSpace": "CMYK", "oiio:UnassociatedAlpha": 0},
        channelnames=names,
        alpha_channel=-1,
    )
    with pytest.raises(FrameError, match="stored as CMYK: convert the frames to RGB"):
        read_frame(path)


def test_other_kinds_of_file_are_refused(tmp_path):
    path = save(tmp_path / "a.sgi", random_codes(8, 3))
    with pytest.raises(FrameError, match="sgi file, which is not supported: convert"):
        read_frame(path)


def test_what_the_suffix_cannot_hold_is_refused_before_a_file_appears(tmp_path):
    frame = read_frame(save(tmp_path / "a.png", random_codes(16, 4)))
    with pytest.raises(RequestError, match=r"alpha would be lost|no more than uint8"):
        write_frame(tmp_path / "b.jpg", frame.pixels, frame.header, ".jpg")
    assert not (tmp_path / "b.jpg").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unwritable_places_are_named(tmp_path, suffix):
    frame = read_frame(save_noise(tmp_path / f"a{suffix}"))
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    for path in (tmp_path / "missing" / f"b{suffix}", folder):
        with pytest.raises(OutputError, match=r"cannot be written .*: check that") as caught:
            write_frame(path, frame.pixels, frame.header, suffix)
        assert str(path) in str(caught.value)


def test_file_is_replaced_whole_when_the_new_one_is_shorter(tmp_path):
    frame = read_frame(save_noise(tmp_path / "a.tga"))
    path = tmp_path / "b.tga"
    path.write_bytes(bytes(100_000))
    write_frame(path, frame.pixels, frame.header, ".tga")
    assert path.stat().st_size < 10_000
    np.testing.assert_array_equal(read_frame(path).pixels, frame.pixels)


DISK_FULL = """
import resource, sys
from pathlib import Path
from blender_vfi.engine.images import read_frame, write_frame
from blender_vfi.errors import OutputError

source, target = Path(sys.argv[1]), Path(sys.argv[2])
frame = read_frame(source)
write_frame(target, frame.pixels, frame.header, target.suffix)
whole = target.read_bytes()
silent = []
for size in sorted({*range(0, len(whole), len(whole) // 12), len(whole) - 40, len(whole) - 1}):
    target.unlink(missing_ok=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        write_frame(target, frame.pixels, frame.header, target.suffix)
    except OutputError as error:
        assert str(target) in str(error)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        if (read_frame(target).pixels != frame.pixels).any():
            silent.append(size)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
print("silent:", silent, "of", len(whole))
"""


if sys.platform != "win32":  # The limit on a file's size, which stands in for the full disk.

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_full_disk_is_an_error_and_never_a_short_file_or_a_dead_process(tmp_path, suffix):
        source = save_noise(tmp_path / f"a{suffix}")
        result = subprocess.run(
            [sys.executable, "-c", DISK_FULL, str(source), str(tmp_path / f"b{suffix}")],
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("silent: [] of"), result.stdout


def test_pixels_of_another_size_are_a_bug_of_the_caller(tmp_path):
    frame = read_frame(save_noise(tmp_path / "a.png"))
    with pytest.raises(AssertionError):
        write_frame(tmp_path / "b.png", frame.pixels[1:], frame.header, ".png")


@pytest.mark.parametrize("read", [read_format, read_frame])
def test_file_with_a_channel_name_that_is_no_text_is_damaged(tmp_path, read):
    path = tmp_path / "f.exr"
    save(path, random_floats(3))
    content = path.read_bytes()
    at = content.index(b"channels\0chlist\0") + 20
    assert content[at : at + 2] == b"B\0"
    path.write_bytes(content[:at] + b"\xc2" + content[at + 1 :])
    with pytest.raises(FrameError, match=r"f\.exr is damaged or incomplete \(a name in it is no"):
        read(path)


def test_frame_that_memory_has_no_room_for_is_told_with_its_size(tmp_path, monkeypatch):
    path = tmp_path / "f.png"
    save(path, random_codes(8, 3, size=(18, 22)))
    monkeypatch.setattr(images, "_SURELY_FITS_BYTES", 0)
    monkeypatch.setattr(images, "free_bytes", lambda: 22 * 18 * 3 * 8)
    read_frame(path)
    monkeypatch.setattr(images, "free_bytes", lambda: 22 * 18 * 3 * 8 - 1)
    with pytest.raises(
        FrameError, match=r"f\.png is 22×18 with 3 channels, which takes .* to decod"
    ):
        read_frame(path)
