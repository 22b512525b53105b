"""Movie strips: what they show, what a job gets of them, and what stands in their place."""

import itertools
from fractions import Fraction
from pathlib import Path

import bpy
import pytest

from blender_vfi import vse, vse_movies
from blender_vfi.engine import movie_frames
from blender_vfi.errors import FrameError, StripError

from .fixtures import CopyingClient, shown
from .frame_files import write_clicks, write_png, write_sequence

pytestmark = pytest.mark.blender

COUNT = 10
WIDTH, HEIGHT = 64, 48  # Blender writes no smaller movies
FIRST_GREY, GREY_STEP = 10, 5  # of `write_sequence`


@pytest.fixture(scope="module")
def movie(add_on, tmp_path_factory) -> Path:
    """A movie of Blender's own, of frames that grow brighter."""
    folder = tmp_path_factory.mktemp("movie")
    return render_movie(write_sequence(folder, COUNT), folder / "clip.mp4")


def render_movie(files: list[Path], path: Path) -> Path:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.sequence_editor_create()
    vse.new_image_strip(
        vse.root_strips(scene),
        name="frames",
        folder=str(files[0].parent),
        filenames=[file.name for file in files],
        channel=1,
        start=1,
    )
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    render.fps, scene.frame_start, scene.frame_end = 24, 1, len(files)
    scene.view_settings.view_transform = "Standard"
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.use_file_extension, render.filepath = False, str(path)
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    bpy.ops.render.render(animation=True)
    return path


@pytest.fixture
def add_movie(scene, movie):
    """Add the movie to the scene as a strip, selected and active."""

    def add(start=1, channel=1):
        strip = vse.root_strips(scene).new_movie(
            name="clip", filepath=str(movie), channel=channel, frame_start=start
        )
        scene.sequence_editor.active_strip = strip
        return strip

    return add


class MovieClient(CopyingClient):
    """Writes gray frames in the place of those that the engine would decode."""

    def make_frames(self, job):
        folder = Path(job.output_dir).parent / "decoded"
        files = [str(write_png(folder / f"f{index}.png", 9)) for index in range(len(job.sources))]
        original, self.source_names = job.sources, job.sources
        assert all(Path(name).suffix == ".movieframe" for name in original)
        object.__setattr__(job, "sources", tuple(files))
        try:
            return super().make_frames(job)
        finally:
            object.__setattr__(job, "sources", original)


@pytest.fixture
def engine(monkeypatch):
    client = MovieClient()
    monkeypatch.setattr("blender_vfi.engine_session.EngineClient", client)
    return client


def indices(source) -> list[int]:
    return [movie_frames.index_of(Path(file)) for file in source.files]


def test_every_frame_of_the_movie_is_listed(scene, add_movie, movie):
    source = vse_movies.read_movie_strip(scene, add_movie())
    assert indices(source) == list(range(COUNT))
    assert vse_movies.movie_of_source(source) == movie
    assert (source.lead, source.held_before, source.held_after, source.is_part) == (0, 0, 0, False)


def test_handles_leave_out_and_hold_frames(scene, add_movie):
    strip = add_movie(start=11)
    vse.set_strip_times(strip, vse.StripTimes(11, 14, 24))
    source = vse_movies.read_movie_strip(scene, strip)
    assert indices(source) == list(range(3, COUNT))
    assert (source.lead, source.held_before, source.held_after) == (3, 0, 3)
    assert source.is_part


def test_reversed_strip_lists_its_frames_backwards(scene, add_movie):
    strip = add_movie()
    strip.use_reverse_frames = True
    assert indices(vse_movies.read_movie_strip(scene, strip)) == list(range(COUNT))[::-1]


def test_frames_trimmed_off_the_movie_count(scene, add_movie):
    strip = add_movie(start=20)
    setattr(strip, vse_movies.TRIMMED, 4)
    source = vse_movies.read_movie_strip(scene, strip)
    assert indices(source) == list(range(4, COUNT))
    left = vse.strip_times(strip).left  # from 5.1 on, the strip begins later by what was trimmed
    assert rendered_number(scene, left + source.held_before) == 4


def test_each_frame_of_the_timeline_shows_the_frame_that_is_listed(scene, add_movie):
    """Blender's own picture of a frame is compared with the number that the job is told."""
    strip = add_movie(start=3)
    vse.set_strip_times(strip, vse.StripTimes(3, 5, 12))
    scene.render.fps = 30  # one frame of the movie for each of the scene, all the same
    source = vse_movies.read_movie_strip(scene, strip)
    assert [rendered_number(scene, frame) for frame in (5, 8, 11)] == [
        indices(source)[frame - 5] for frame in (5, 8, 11)
    ]


def rendered_number(scene, frame: int) -> int:
    return round((rendered_grey(scene, frame) - FIRST_GREY) / GREY_STEP)


def rendered_grey(scene, frame: int) -> float:
    path = Path(bpy.app.tempdir or "/tmp", "vfi_frame.png")
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    render.filepath, scene.view_settings.view_transform = str(path), "Standard"
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "PNG"
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    grey = image.pixels[4 * (HEIGHT // 2 * WIDTH + WIDTH // 2)] * 255
    bpy.data.images.remove(image)
    path.unlink()
    return grey


def test_engine_decodes_what_blender_shows(scene, add_movie, weights, tmp_path):
    """The real engine and model: source frames look as the movie strip does, new ones between."""
    add_movie()
    before = [rendered_grey(scene, frame) for frame in range(1, COUNT + 1)]
    bpy.ops.sequencer.vfi_interpolate(
        multiplier=2, timing="SLOW_MOTION", device="cpu", output_dir=str(tmp_path / "out")
    )
    vse.find_strip(scene, "clip").mute = True
    after = [rendered_grey(scene, frame) for frame in range(1, 2 * COUNT)]
    assert after[::2] == pytest.approx(before, abs=1.01)
    between = [(one + other) / 2 for one, other in itertools.pairwise(before)]
    assert after[1::2] == pytest.approx(between, abs=2)


def test_movie_becomes_a_sequence_in_a_new_scene_with_its_sound(
    scene, add_movie, interpolate, movie, tmp_path
):
    add_movie()
    has_sound = bpy.app.build_options.audaspace
    if has_sound:
        sound = write_clicks(tmp_path / "sound.wav", 1)
        vse.root_strips(scene).new_sound("sound", str(sound), 2, 1)
    job = interpolate(multiplier=2, strip_name="clip", output_dir=str(tmp_path / "out"))
    assert (job.suffix, job.name_prefix) == (".png", "clip_")
    assert len(job.sources) == COUNT
    (new_scene,) = (each for each in bpy.data.scenes if each != scene)
    assert new_scene.render.fps == 48
    assert {strip.type for strip in vse.all_strips(new_scene)} == (
        {"IMAGE", "SOUND"} if has_sound else {"IMAGE"}
    )
    look = shown(next(strip for strip in vse.all_strips(new_scene) if strip.type == "IMAGE"))
    assert (look.left, look.right) == (2, 2 + 2 * COUNT)
    assert look.files[:3] == ["clip_0001.png", "clip_0002.png", "clip_0003.png"]
    assert vse.find_strip(scene, "clip").type == "MOVIE"


def test_look_of_the_movie_strip_is_carried_over(scene, add_movie, interpolate, tmp_path):
    strip = add_movie()
    strip.transform.scale_x, strip.blend_alpha = 0.5, 0.25
    with vse.editing(scene):
        strip.modifiers.new("bright", "BRIGHT_CONTRAST").bright = 0.3
    interpolate(timing="SLOW_MOTION", output_dir=str(tmp_path / "out"))
    (new,) = vse.selected_image_strips(scene)
    assert (new.transform.scale_x, new.blend_alpha) == (0.5, 0.25)
    assert new.modifiers["bright"].bright == pytest.approx(0.3)


def test_frames_go_beside_the_movie_by_default(scene, add_movie, interpolate, movie):
    add_movie()
    job = interpolate(timing="SLOW_MOTION")
    assert Path(job.output_dir) == movie.parent / "clip_x2"


def test_movie_rate_counts_for_nothing_where_the_scenes_is_known(
    scene, add_movie, interpolate, tmp_path
):
    add_movie()
    scene.render.fps = 30
    job = interpolate(frames_by="RATE", target_rate="60", output_dir=str(tmp_path / "out"))
    assert job.ratio == Fraction(2)


def test_speed_ramp_takes_the_frames_of_a_movie(scene, add_movie, interpolate, tmp_path):
    add_movie()
    scene.blender_vfi.speed = 0.5
    job = interpolate(timing="SPEED_RAMP", output_dir=str(tmp_path / "out"))
    assert job.times[:3] == ("0", "1/2", "1")
    assert len(job.sources) == COUNT


def test_missing_movie_is_named(scene, add_movie):
    strip = add_movie()
    strip.filepath = "/nowhere/clip.mp4"
    with pytest.raises(FrameError, match="is missing: /nowhere/clip"):
        vse_movies.read_movie_strip(scene, strip)


@pytest.mark.skipif(bpy.app.version < (5, 1), reason="adding a retiming key crashes before 5.1")
def test_retimed_movie_is_refused(scene, add_movie):
    strip = add_movie()
    strip.retiming_keys.add(timeline_frame=5)
    with pytest.raises(StripError, match="is retimed"):
        vse_movies.read_movie_strip(scene, strip)


def test_missing_frames_are_filled_in_image_strips_alone(scene, add_movie):
    add_movie()
    with pytest.raises(RuntimeError, match="not an image strip"):
        bpy.ops.sequencer.vfi_fill_gaps()


def test_movie_of_the_frames_stands_in_the_new_scene(scene, add_movie, weights, tmp_path):
    """The real engine again: Blender reads back what was encoded, frame by frame."""
    add_movie()
    before = [rendered_grey(scene, frame) for frame in range(1, COUNT + 1)]
    bpy.ops.sequencer.vfi_interpolate(
        device="cpu", output_dir=str(tmp_path / "out"), output_as="MOVIE", codec="prores-hq"
    )
    (new_scene,) = (each for each in bpy.data.scenes if each != scene)
    (strip,) = (each for each in vse.all_strips(new_scene) if each.type == "MOVIE")
    assert Path(bpy.path.abspath(strip.filepath)) == tmp_path / "out" / "clip_x2.mov"
    assert getattr(strip, vse_movies._LENGTH) == 2 * COUNT
    times = vse.strip_times(strip)
    assert (times.left, times.right) == (2, 2 + 2 * COUNT)
    assert strip.fps == pytest.approx(48)
    bpy.context.window.scene = new_scene
    after = [rendered_grey(new_scene, frame) for frame in range(2, 2 + 2 * COUNT)]
    assert after[::2] == pytest.approx(before, abs=2.01)
    assert after[1:-1:2] == pytest.approx(
        [(one + other) / 2 for one, other in itertools.pairwise(before)], abs=2.5
    )


def test_movie_of_an_image_strip_has_the_scenes_rate(scene, add_strip, weights, tmp_path):
    add_strip(3, folder=tmp_path / "shot")
    scene.render.fps, scene.render.fps_base = 24, 1.001
    bpy.ops.sequencer.vfi_interpolate(
        device="cpu",
        output_dir=str(tmp_path / "out"),
        output_as="MOVIE",
        codec="ffv1",
        timing="SLOW_MOTION",
    )
    (strip,) = vse.selected_image_strips(scene, "MOVIE")
    times = vse.strip_times(strip)
    assert times.right - times.left == 5
    assert strip.fps == pytest.approx(24 / 1.001, abs=0.001)
    assert [rendered_number(scene, times.left + frame) for frame in (0, 2, 4)] == [0, 1, 2]


def test_settings_of_a_movie_become_those_of_the_job(
    scene, add_movie, engine, interpolate, tmp_path
):
    add_movie()
    folder = str(tmp_path / "out")
    interpolate(
        output_dir=folder,
        output_as="MOVIE",
        codec="h264",
        movie_crf=21,
        movie_sound=False,
        frames_by="RATE",
        target_rate="59.94",
    )
    (job,) = engine.jobs
    assert job.movie == f"{folder}/clip_59.94fps.mp4"
    assert (job.codec, job.movie_crf, job.movie_sound) == ("h264", 21, False)
    assert job.movie_rate == (60000, 1001)
