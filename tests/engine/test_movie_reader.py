"""Movies in: any frame by its index, whatever the order of its packets, and at the right time."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from blender_vfi.engine import images, movie_pixels, movies
from blender_vfi.engine.movie_frames import file_of, movie_frame, movie_of
from blender_vfi.errors import EngineError, FrameError

from .movie_files import number_of, picture, read, write_movie

pytestmark = pytest.mark.torch

NTSC_FILM = Fraction(24000, 1001)


@pytest.fixture(autouse=True)
def closed_in_the_end():
    with movies.closing():
        yield


def shown(movie: Path, order=None) -> list[int]:
    """The number of the picture at each frame, read in the given order."""
    count = movies.index_of_movie(movie).frame_count
    numbers = {index: number_of(read(movie, index)) for index in order or range(count)}
    return [round(numbers[index]) for index in sorted(numbers)]


LONG_GOPS = {
    "h264_b_frames": ("a.mp4", {"codec": "libx264", "options": {"bf": "3", "g": "250"}}),
    "h264_open_gop": (
        "b.mkv",
        {"codec": "libx264", "options": {"x264-params": "open-gop=1:keyint=6:bframes=3:b-adapt=0"}},
    ),
    "h265": ("c.mp4", {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=8"}}),
    "mpeg2": ("d.mpg", {"codec": "mpeg2video", "rate": Fraction(25), "options": {"bf": "2"}}),
    "mpeg4_avi": ("e.avi", {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}}),
    "transport_stream": ("f.ts", {"codec": "libx264", "options": {"bf": "2", "g": "10"}}),
    "vp9": ("g.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime"}}),
    "av1": ("h.mp4", {"codec": "libsvtav1", "options": {"preset": "12"}}),
    "mjpeg": ("i.mov", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "color_range": 2}),
}


@pytest.mark.parametrize("name", LONG_GOPS)
def test_any_frame_is_found_in_any_order(tmp_path, name):
    file, settings = LONG_GOPS[name]
    movie = write_movie(tmp_path / file, 24, **settings)
    with av.open(str(movie)) as container:  # one after the other, as a player does
        expected = [movie_pixels.to_pixels(frame) for frame in container.decode(video=0)]
    order = list(range(24))
    random.Random(1).shuffle(order)
    assert len(expected) == movies.index_of_movie(movie).frame_count == 24
    for index in (*order, *range(24)):
        assert np.array_equal(read(movie, index), expected[index]), index
    assert abs(number_of(expected[9]) - 9) < 1
    assert movies.index_of_movie(movie).rate == settings.get("rate", 24)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_television_rate_is_an_exact_fraction_in_every_container(tmp_path, suffix):
    movie = write_movie(tmp_path / f"clip{suffix}", 12, rate=NTSC_FILM)
    index = movies.index_of_movie(movie)
    assert index.rate == NTSC_FILM
    assert (index.frame_count, index.shown) == (12, None)


def test_edit_list_leaves_out_what_is_before_its_beginning(tmp_path):
    whole = write_movie(tmp_path / "whole.mp4", 24, options={"g": "250", "bf": "2"})
    cut = tmp_path / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        shift = round(Fraction(5, 24) / stream.time_base)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = copy
                target.mux(packet)
    assert shown(cut) == list(range(5, 24))
    assert shown(cut, [12, 3, 18, 0]) == [5, 8, 17, 23]


def test_varying_rate_shows_at_each_frame_what_is_on_screen_then(tmp_path):
    times = [0, 40, 80, 160, 200, 240, 260, 280, 320, 440]
    movie = write_movie(tmp_path / "vfr.mkv", 10, rate=Fraction(25), times=times)
    index = movies.index_of_movie(movie)
    assert index.rate == 25
    assert index.shown == (0, 1, 2, 2, 3, 4, 5, 7, 8, 8, 8, 9)
    assert shown(movie) == list(index.shown)
    assert index.moments()[3] == 4


def test_rounded_times_are_no_varying_rate(tmp_path):
    times = [round(index * 1001 / 60) for index in range(20)]
    movie = write_movie(tmp_path / "ms.mkv", 20, rate=Fraction(60000, 1001), times=times)
    index = movies.index_of_movie(movie)
    assert (index.rate, index.shown) == (Fraction(60000, 1001), None)


def test_reading_goes_on_where_the_last_frame_was(tmp_path, monkeypatch):
    movie = write_movie(tmp_path / "clip.mp4", 24, options={"g": "250"})
    reader = movies.reader_of(movie_frame(movie, 0))
    jumps = []
    seek = reader._seek
    monkeypatch.setattr(reader, "_seek", lambda start: (jumps.append(start), seek(start)))
    assert shown(movie) == list(range(24))
    assert [round(number_of(read(movie, index))) for index in (23, 20, 22)] == [23, 20, 22]
    assert jumps == []
    read(movie, 0)
    assert len(jumps) <= 1


def test_pictures_kept_are_bounded(tmp_path):
    movie = write_movie(tmp_path / "clip.mkv", 30, codec="ffv1", pix_fmt="yuv420p")
    reader = movies.reader_of(movie_frame(movie, 0))
    for index in range(30):
        read(movie, index)
    assert len(reader._kept) <= 24


def test_rotation_is_applied(tmp_path):
    def lit_at_the_top(count):
        for _ in range(count):
            codes = np.zeros((48, 64, 3), np.uint8)
            codes[:16] = 255
            yield av.VideoFrame.from_ndarray(codes, "rgb24").reformat(format="yuv420p")

    movie = write_movie(tmp_path / "phone.mp4", frames=lit_at_the_top(3), rotation=90)
    pixels = read(movie, 1)
    assert images.read_format(movie_frame(movie, 0)).description.startswith("48×64")
    assert pixels.shape == (64, 48, 3)
    assert pixels[:, :12].mean() > 0.9, "turned by a quarter anticlockwise, the top is at the left"
    assert pixels[:, 20:].mean() < 0.1


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (
            "a.mov",
            {"codec": "prores_ks", "pix_fmt": "yuva444p10le", "options": {"profile": "4444"}},
        ),
        ("b.mov", {"codec": "qtrle", "pix_fmt": "argb"}),
        ("c.mkv", {"codec": "ffv1", "pix_fmt": "bgra"}),
        ("d.webm", {"codec": "libvpx-vp9", "pix_fmt": "yuva420p"}),
        ("e.mov", {"codec": "png", "pix_fmt": "rgba"}),
    ],
)
def test_alpha_is_read(tmp_path, name, settings):
    codes = np.full((64, 64, 4), 120, np.uint8)
    codes[..., 3] = np.arange(64) * 4
    frame = av.VideoFrame.from_ndarray(codes, "rgba")
    frames = (
        frame.reformat(format=settings["pix_fmt"], dst_colorspace=5, dst_color_range=1)
        for _ in range(3)
    )
    movie = write_movie(tmp_path / name, frames=frames, size=(64, 64), **settings)
    pixels = read(movie, 2)
    assert images.read_format(movie_frame(movie, 2)).alpha_mode == "straight"
    assert np.abs(pixels[..., 3] * 255 - codes[..., 3]).max() < 1.5
    assert np.abs(pixels[..., :3] * 255 - 120).max() < 2.5


def test_frame_behind_the_end_shows_the_last_picture_as_in_blender(tmp_path):
    movie = write_movie(tmp_path / "clip.mp4", 5)
    assert round(number_of(read(movie, 7))) == 4


@pytest.mark.parametrize("content", [b"", b"no movie at all" * 100])
def test_file_that_is_no_movie_is_named(tmp_path, content):
    (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(FrameError, match=r"clip\.mp4 is damaged or not a movie"):
        read(tmp_path / "clip.mp4", 0)


def test_missing_movie_is_named(tmp_path):
    with pytest.raises(FrameError, match=r"none\.mp4 cannot be read"):
        read(tmp_path / "none.mp4", 0)


def test_movie_cut_short_is_told_at_the_frame_that_is_missing(tmp_path):
    movie = write_movie(tmp_path / "clip.avi", 24, codec="mjpeg", pix_fmt="yuvj420p")
    data = movie.read_bytes()
    damaged = tmp_path / "damaged.avi"
    damaged.write_bytes(data[: len(data) // 2])
    count = movies.index_of_movie(damaged).frame_count
    assert 0 < count < 24
    assert round(number_of(read(damaged, count - 2))) == count - 2


def test_sound_alone_is_no_movie(tmp_path):
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(FrameError, match="no video stream"):
        read(path, 0)


def test_engine_without_pyav_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "blender_vfi.engine.movie_reader", None)
    with pytest.raises(EngineError, match="Movies need PyAV"):
        movies.index_of_movie(tmp_path / "clip.mp4")


def test_names_of_frames_tell_their_movie():
    frame = movie_frame(Path("/shots/a.b.mp4"), 41)
    assert movie_of(frame) == Path("/shots/a.b.mp4")
    assert frame.name == "frame_00000042.movieframe"
    assert file_of(str(frame)) == "/shots/a.b.mp4"
    assert file_of("/shots/f_0001.png") == "/shots/f_0001.png"
    assert movie_of(Path("/shots/f_0001.png")) is None


def test_picture_is_what_was_written(tmp_path):
    movie = write_movie(tmp_path / "clip.mkv", 3, codec="ffv1", pix_fmt="bgr0")
    codes = np.rint(read(movie, 2) * 255).astype(np.uint8)
    assert np.array_equal(codes, picture(2))
