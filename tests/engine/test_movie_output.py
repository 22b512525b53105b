"""Movies out: every codec read back, exact counts and rates, sound, and never half a file."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation's name
import pytest

from blender_vfi.engine import images, movie_writer
from blender_vfi.engine.folders import checked_job
from blender_vfi.engine.movie_codecs import CODECS, check_movie, find_codec, usual_codec
from blender_vfi.engine.movie_encoding import ColourTags, picture_format, shrink_chroma, to_picture
from blender_vfi.engine.movie_frames import movie_frame
from blender_vfi.engine.movie_pixels import enlarge_chroma, to_pixels
from blender_vfi.engine.protocol import Stage
from blender_vfi.errors import JobCancelledError, OutputError, RequestError

from .fake_jobs import notices_of, run
from .image_files import encode_png
from .movie_files import make_movie_job, number_of, write_movie
from .sequences import make_job, read_png, write_sequence

pytestmark = pytest.mark.torch

NTSC = Fraction(24000, 1001)
ENCODING = "Encoding the movie"
SIZE = (64, 64)  # the least that all encoders take


@pytest.fixture
def source(tmp_path):
    write_sequence(tmp_path / "in", 3, size=SIZE)
    return tmp_path / "in"


def movie_job(source, movie, codec=None, rate=Fraction(48), **settings):
    return make_job(
        source,
        movie.with_name("frames"),
        movie=str(movie),
        codec=codec or usual_codec(movie),
        movie_rate=rate.as_integer_ratio(),
        **settings,
    )


def stages(events) -> set[str]:
    return {event.message for event in events if isinstance(event, Stage)}


def decoded(movie: Path) -> list[av.VideoFrame]:
    with av.open(str(movie)) as container:
        return list(container.decode(video=0))


def packets_of(container, stream):
    return [packet for packet in container.demux(stream) if packet.size]


def sound_of(movie: Path) -> tuple[str, list[tuple[float, bytes]]]:
    """Codec, and time and content of each packet that is heard."""
    with av.open(str(movie)) as container:
        (stream,) = container.streams.audio
        packets = packets_of(container, stream)
        heard = [(float(packet.pts * packet.time_base), bytes(packet)) for packet in packets]
        return stream.codec_context.name, heard


def frames_of(folder: Path) -> list[np.ndarray]:
    return [images.read_frame(path).pixels for path in sorted(folder.glob("*.png"))]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_every_codec_gives_back_the_frames_in_their_number_at_the_exact_rate(
    source, tmp_path, codec
):
    movie = tmp_path / f"out{codec.suffixes[0]}"
    run(movie_job(source, movie, codec.name, NTSC * 2))
    pictures = decoded(movie)
    assert len(pictures) == 6, "five, and the last one held for as long as in the source"
    for picture, frame in zip(pictures, frames_of(tmp_path / "frames"), strict=False):
        off = np.abs(to_pixels(picture) - frame).mean()
        assert off < (1e-9 if codec.is_lossless else 0.02)
    with av.open(str(movie)) as container:
        stream = container.streams.video[0]
        assert abs(stream.guessed_rate - NTSC * 2) < 0.001
        times = [packet.pts * packet.time_base for packet in packets_of(container, stream)]
    assert max(times) == pytest.approx(5 / (NTSC * 2), abs=0.0011)


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_rate_is_an_exact_fraction(source, tmp_path, suffix):
    movie = tmp_path / f"out{suffix}"
    run(movie_job(source, movie, rate=NTSC))
    with av.open(str(movie)) as container:
        stream = container.streams.video[0]
        assert stream.guessed_rate == NTSC
        assert {
            packet.duration * packet.time_base for packet in container.demux(stream) if packet.size
        } == {1 / NTSC}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_keeps_every_code_and_alpha(tmp_path, dtype, channels):
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(1)
    for index in range(2):
        codes = rng.integers(0, np.iinfo(dtype).max, (16, 24, channels), dtype, endpoint=True)
        (tmp_path / "in" / f"f{index}.png").write_bytes(encode_png(codes))
    run(movie_job(tmp_path / "in", tmp_path / "out.mkv"))
    frames = [read_png(path) for path in sorted((tmp_path / "frames").glob("*.png"))]
    for picture, codes in zip(decoded(tmp_path / "out.mkv"), frames, strict=False):
        back = np.rint(to_pixels(picture) * np.iinfo(dtype).max).astype(dtype)
        assert np.array_equal(back, codes)


def test_alpha_of_prores_comes_back(tmp_path):
    (tmp_path / "in").mkdir()
    codes = np.zeros((32, 32, 4), np.uint8)
    codes[..., 0], codes[..., 3] = 200, np.arange(32)[None, :] * 8
    for index in range(2):
        (tmp_path / "in" / f"f{index}.png").write_bytes(encode_png(codes))
    run(movie_job(tmp_path / "in", tmp_path / "out.mov", "prores-4444"))
    pixels = to_pixels(decoded(tmp_path / "out.mov")[0])
    assert np.abs(pixels[..., 3] * 255 - codes[..., 3]).max() < 0.6


@pytest.mark.parametrize("codec", ["h264", "prores-hq", "h265-10bit", "av1-10bit"])
def test_alpha_is_refused_where_it_would_be_lost(tmp_path, codec):
    write_sequence(tmp_path / "in", 2, channels=4, size=SIZE)
    movie = tmp_path / f"out{find_codec(codec).suffixes[0]}"
    with pytest.raises(RequestError, match="alpha would be lost; choose prores-4444 or ffv1"):
        run(movie_job(tmp_path / "in", movie, codec))
    assert not (tmp_path / "frames").exists()


def test_odd_sizes_are_refused_before_any_frame_is_made(tmp_path):
    write_sequence(tmp_path / "in", 2, size=(33, 64))
    with pytest.raises(RequestError, match="height of 2"):
        run(movie_job(tmp_path / "in", tmp_path / "out.mp4"))


@pytest.mark.parametrize("movie", ["a.mov", "b.mp4", "c.mkv"])
def test_colours_are_tagged_as_they_were_converted(source, tmp_path, movie):
    run(movie_job(source, tmp_path / movie))
    first = decoded(tmp_path / movie)[0]
    is_rgb = first.format.is_rgb
    assert (first.color_primaries, first.color_trc) == (1, 1)
    assert first.colorspace == (0 if is_rgb else 1)
    assert first.color_range == (2 if is_rgb else 1)


def test_sound_of_the_source_is_copied_packet_by_packet(tmp_path):
    clip = write_movie(tmp_path / "clip.mp4", 24, sound="aac", size=SIZE)
    run(clip_job(clip, range(24), tmp_path / "out.mp4"))
    assert sound_of(tmp_path / "out.mp4") == sound_of(clip)


def clip_job(clip, frames, movie, **settings):
    settings = {"movie_rate": (48, 1), "codec": usual_codec(movie), **settings}
    return checked_job(
        [movie_frame(clip, index) for index in frames],
        movie.with_name("frames"),
        job_id="m",
        device="cpu",
        name_prefix="f_",
        suffix=".png",
        movie=str(movie),
        **settings,
    )


def test_sound_of_a_trimmed_part_stays_in_sync(tmp_path):
    clip = write_movie(tmp_path / "clip.mkv", 24, sound="pcm_s16le", size=SIZE)
    run(clip_job(clip, range(6, 18), tmp_path / "out.mkv"))
    name, heard = sound_of(tmp_path / "out.mkv")
    whole = {content: moment for moment, content in sound_of(clip)[1]}
    assert name == "pcm_s16le"
    assert all(
        moment == pytest.approx(whole[content] - 0.25, abs=0.002) for moment, content in heard
    )
    assert 0 <= heard[0][0] < 0.025
    assert 0.45 < heard[-1][0] < 0.5


@pytest.mark.parametrize(
    "settings",
    [{"movie_rate": (24, 1)}, {"skip_pairs": [1]}, {"movie_sound": False}, {"loop": True}],
)
def test_sound_is_left_out_where_the_time_changes_and_that_is_told(tmp_path, settings):
    clip = write_movie(tmp_path / "clip.mp4", 12, sound="aac", size=SIZE)
    _, events = run(clip_job(clip, range(12), tmp_path / "out.mp4", **settings))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio
    told = any("gets no sound" in told for told in notices_of(events))
    assert told == ("movie_sound" not in settings)


def test_sound_that_the_container_cannot_hold_is_refused_at_once(tmp_path):
    clip = write_movie(tmp_path / "clip.mp4", 12, sound="aac", size=SIZE)
    with pytest.raises(RequestError, match="cannot hold the source's sound, aac"):
        run(clip_job(clip, range(12), tmp_path / "out.webm"))


def test_movie_looks_like_the_movie_that_it_was_made_of(tmp_path):
    clip = write_movie(tmp_path / "clip.mkv", 6, codec="ffv1", pix_fmt="yuv444p", size=SIZE)
    run(clip_job(clip, range(6), tmp_path / "out.mov", codec="prores-4444"))
    pictures = decoded(tmp_path / "out.mov")
    assert [round(number_of(to_pixels(picture))) for picture in pictures[::2]] == list(range(6))
    assert pictures[0].colorspace in (5, 6), "the source's own matrix"


def test_stopped_job_leaves_no_movie_and_goes_on_with_its_frames(source, tmp_path):
    movie = tmp_path / "out.mkv"
    job = movie_job(source, movie)
    partial = movie.with_name(f".{movie.stem}.partial{movie.suffix}")
    with pytest.raises(JobCancelledError):
        run(job, is_cancelled=partial.exists)
    assert not movie.exists()
    assert not list(tmp_path.glob(".*partial*"))
    finished, _ = run(job)
    assert finished.frames_made == 0
    assert len(decoded(movie)) == 6


def test_movie_that_is_there_is_not_made_again(source, tmp_path):
    movie = tmp_path / "out.mkv"
    run(movie_job(source, movie))
    before = movie.stat()
    _, events = run(movie_job(source, movie))
    assert movie.stat().st_mtime_ns == before.st_mtime_ns
    assert ENCODING not in stages(events)


def test_other_codec_makes_the_movie_again_of_the_same_frames(source, tmp_path):
    movie = tmp_path / "out.mkv"
    run(movie_job(source, movie))
    finished, _ = run(movie_job(source, movie, "h264"))
    assert finished.frames_made == 0
    assert decoded(movie)[0].format.name == "yuv420p"


def test_movie_of_somebody_else_is_not_replaced(source, tmp_path):
    movie = tmp_path / "out.mkv"
    movie.write_bytes(b"theirs")
    with pytest.raises(OutputError, match="was not made by this very job"):
        run(movie_job(source, movie))
    assert movie.read_bytes() == b"theirs"
    run(movie_job(source, movie, overwrite=True))
    assert len(decoded(movie)) == 6


def test_source_is_never_the_output(tmp_path):
    clip = write_movie(tmp_path / "clip.mkv", 6, size=SIZE)
    with pytest.raises(OutputError, match="is the source itself"):
        run(clip_job(clip, range(6), clip, overwrite=True))


def test_encoder_that_fails_leaves_nothing_under_the_name(source, tmp_path, monkeypatch):
    movie = tmp_path / "out.mov"
    monkeypatch.setitem(movie_writer._ENCODERS, "prores-hq", ("prores_ks", {"profile": "nope"}))
    with pytest.raises(OutputError, match="cannot be written"):
        run(movie_job(source, movie))
    assert not movie.exists()
    assert not list(tmp_path.glob(".*partial*"))


def test_scene_linear_frames_become_what_a_screen_shows(tmp_path):
    (tmp_path / "in").mkdir()
    light = np.full((16, 16, 3), 0.214, np.float32)
    light[0, 0] = 7
    for index in range(2):
        exr = oiio.ImageOutput.create("openexr")
        exr.open(str(tmp_path / "in" / f"f{index}.exr"), oiio.ImageSpec(16, 16, 3, "half"))
        exr.write_image(light)
        exr.close()
    _, events = run(movie_job(tmp_path / "in", tmp_path / "out.mkv"))
    pixels = to_pixels(decoded(tmp_path / "out.mkv")[0])
    assert pixels[8, 8, 0] == pytest.approx(0.5, abs=0.001)
    assert pixels[0, 0, 0] == 1
    assert any("sRGB's curve" in told for told in notices_of(events))


def test_deeper_frames_than_the_codec_are_told(tmp_path):
    (tmp_path / "in").mkdir()
    for index in range(2):
        codes = np.full((*SIZE, 3), 1000 * index, np.uint16)
        (tmp_path / "in" / f"f{index}.png").write_bytes(encode_png(codes))
    _, events = run(movie_job(tmp_path / "in", tmp_path / "out.mp4"))
    assert any("stores 8 bits" in told for told in notices_of(events))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("/a/out.mp4", "prores-hq", None, Fraction(24)), "must end with .mov or .mkv"),
        (("out.mov", "prores-hq", None, Fraction(24)), "absolute path"),
        (("/a/out.mov", "prores-hq", 18, Fraction(24)), "this codec has none"),
        (("/a/out.mp4", "h264", 60, Fraction(24)), "from 0, the best, to 51; 18 is usual"),
        (("/a/out.mp4", "h264", None, None), "frame rate is not known"),
        (("/a/out.mp4", "h264", None, Fraction(2000)), "at most 1000"),
        (("/a/out.mp4", "cinepak", None, Fraction(24)), "must be one of prores-hq"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, message):
    with pytest.raises(RequestError, match=message):
        check_movie(*settings)


@pytest.mark.parametrize("chroma", [(1, 1), (2, 1), (2, 2)])
def test_chroma_comes_back_where_it_changes_evenly(chroma):
    plane = (np.arange(32)[None, :] * 2 + np.arange(16)[:, None]).astype(np.float32)
    small = shrink_chroma(plane, chroma)
    shifts = tuple(factor.bit_length() - 1 for factor in chroma)
    back = enlarge_chroma(small, shifts, plane.shape)
    assert small.shape == (16 // chroma[1], 32 // chroma[0])
    assert np.abs(back - plane)[1:-1, 2:-2].max() < 1e-4


def test_pictures_of_yuv_are_the_inverse_of_reading(source):
    frame = images.read_frame(next(source.iterdir()))
    wanted = picture_format(find_codec("prores-4444"), frame.header.format)
    for matrix in (1, 5, 9, 2):
        picture = to_picture(frame.pixels, wanted, ColourTags(matrix=matrix))
        assert np.abs(to_pixels(picture) - frame.pixels).max() < 1.5 / 876


def test_record_of_the_movie_lies_hidden_with_the_frames(source, tmp_path):
    run(movie_job(source, tmp_path / "out.mkv"))
    record = json.loads((tmp_path / "frames" / ".vfi_movie.json").read_text())
    assert [each["made_from"]["codec"] for each in record.values()] == ["ffv1"]


def test_whole_movie_goes_the_whole_way(tmp_path):
    clip = write_movie(tmp_path / "clip.mp4", 6, rate=NTSC, size=SIZE)
    job = make_movie_job(
        clip,
        6,
        tmp_path / "frames",
        movie=str(tmp_path / "out.mov"),
        codec="prores-hq",
        movie_rate=(60000, 1001),
        rate_ratio=Fraction(5, 2),
    )
    run(job)
    assert len(decoded(tmp_path / "out.mov")) == 15


def test_jobs_that_share_a_folder_each_keep_their_movie(source, tmp_path):
    jobs = [
        movie_job(source, tmp_path / f"{suffix[1:]}.mkv", suffix=suffix)
        for suffix in (".png", ".tif")
    ]
    for job in jobs:
        run(job)
    for job in jobs:
        _, events = run(job)
        assert ENCODING not in stages(events), "it is there, and not made"
