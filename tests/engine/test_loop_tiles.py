"""Frames made in tiles: when asked for, and when memory runs out."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch.nn import functional

from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.errors import DeviceMemoryError, JobCancelledError, RequestError
from blender_vfi.models.interface import Interpolation

from .fake_model import CPU, FakeModel, SmallDeviceModel, fake_spec
from .test_loop import Sink

pytestmark = pytest.mark.torch


class Pictures:
    """Frames of smooth noise, (H, W, C), so that every pixel differs from its neighbours."""

    def __init__(self, height, width, channels=3, *, scale=1.0):
        generator = torch.Generator().manual_seed(3)
        small = torch.rand(4, channels, height // 4, width // 4, generator=generator)
        frames = functional.interpolate(small, (height, width), mode="bilinear")
        self._frames = frames.permute(0, 2, 3, 1) * scale

    def load(self, index):
        return self._frames[index]


class Blurring(FakeModel):
    """Looks at its neighbourhood, 8 pixels each way, and sees nothing beyond its tile."""

    def forward(self, frames, features, timesteps, quality):
        made = super().forward(frames, features, timesteps, quality)
        blurred = functional.avg_pool2d(made.frames, 17, stride=1, padding=8)
        return Interpolation(
            frames=blurred, flow_t0=made.flow_t0, flow_t1=made.flow_t1, mask=made.mask
        )


def run(model, source, *, frames=2, multiplier=2, spec=None, layout=None, hooks=None, **policy):
    sink = Sink()
    FrameLoop(
        model,
        spec or fake_spec(),
        layout or ChannelLayout(count=3),
        LoopPolicy(device=CPU, **policy),
        **(hooks or {}),
    ).run(plan(frames, multiplier), source, sink)
    return sink.frames


def most_different(made, expected):
    assert made.keys() == expected.keys()
    return max(float((frame - expected[index]).abs().max()) for index, frame in made.items())


@pytest.mark.parametrize("tile_size", [-1, 1, 127, 256.0, True])
def test_tiles_too_small_for_motion_are_refused(tile_size):
    with pytest.raises(RequestError, match=rf"Tile size {tile_size}: .* at least 128 pixels; choo"):
        LoopPolicy(device=CPU, tile_size=tile_size)


@pytest.mark.parametrize("layout", [ChannelLayout(count=3), ChannelLayout(count=4)], ids=str)
def test_frames_in_tiles_are_those_made_whole(layout):
    source, model = Pictures(200, 300, layout.count), FakeModel()
    whole = run(FakeModel(), source, layout=layout, multiplier=3)
    tiled = run(model, source, layout=layout, multiplier=3, tile_size=128)
    assert most_different(tiled, whole) < 1e-5
    # 256×320 padded: 3 rows of 4 tiles
    assert [call.shape for call in model.calls] == [(1, 3, 128, 128)] * (2 * 3 * 4)


def test_scene_linear_light_keeps_its_brightness_in_tiles():
    layout = ChannelLayout(count=3, is_linear=True)
    source = Pictures(192, 192, scale=50.0)
    whole = run(FakeModel(), source, layout=layout)
    assert most_different(run(FakeModel(), source, layout=layout, tile_size=128), whole) < 1e-3
    assert whole[1].max() > 10


def test_seams_do_not_show_where_tiles_know_less_at_their_borders():
    source = Pictures(256, 320)
    whole = run(Blurring(), source)[1]
    tiled = run(Blurring(), source, tile_size=128)[1]
    inside = (slice(8, -8), slice(8, -8))
    difference = (tiled - whole)[inside].abs()
    assert difference.max() < 0.02
    assert difference.mean() < 0.001


def test_frames_smaller_than_a_tile_are_made_whole():
    source, model = Pictures(96, 96), FakeModel()
    whole = run(FakeModel(), source)
    assert torch.equal(run(model, source, tile_size=128)[1], whole[1])
    assert len(model.calls) == 1
    assert len(model.encoded) == 2


def test_each_tile_is_encoded_once_a_frame_even_where_a_window_shows_a_frame_twice():
    model = FakeModel()
    run(model, Pictures(64, 192), spec=fake_spec(context=4), tile_size=128)  # 1, 0, 1, 0
    assert len(model.calls) == 2
    assert len(model.encoded) == 2 * 2
    for call in model.calls:
        assert call.features == tuple((mean,) for mean in call.means)


@pytest.mark.parametrize("timesteps", ["middle", "recursive"])
def test_recursion_goes_on_in_tiles(timesteps):
    spec = fake_spec(timesteps=timesteps)
    source = Pictures(192, 192)
    whole = run(FakeModel(), source, spec=spec, multiplier=8)
    assert (
        most_different(run(FakeModel(), source, spec=spec, multiplier=8, tile_size=128), whole)
        < 1e-5
    )


def test_sides_of_tiles_are_what_the_model_takes():
    model = FakeModel()
    run(
        model, Pictures(100, 500), spec=fake_spec(pad_multiple=24, smallest_side=130), tile_size=128
    )
    for call in model.calls:
        assert call.shape == (1, 3, 144, 144)


def test_model_is_told_how_much_of_a_tile_is_picture():
    model = FakeModel()
    spec = fake_spec(pad_multiple=24, smallest_side=130)
    run(model, Pictures(100, 500), spec=spec, tile_size=128)
    *others, last = [call.quality.picture_size for call in model.calls]
    assert len(others) > 2
    assert set(others) == {(100, 144)}
    assert last == (100, 140)


def test_cancel_is_heard_between_tiles():
    model = FakeModel()
    with pytest.raises(JobCancelledError):
        run(
            model,
            Pictures(192, 192),
            tile_size=128,
            hooks={"is_cancelled": lambda: len(model.calls) == 3},
        )
    assert len(model.calls) == 3


def test_full_memory_leads_to_half_the_frame_and_on_to_smaller_tiles():
    notices = []
    source, model = Pictures(640, 1280), SmallDeviceModel(400 * 400)
    made = run(model, source, frames=3, multiplier=3, hooks={"on_notice": notices.append})
    assert most_different(made, run(FakeModel(), source, frames=3, multiplier=3)) < 1e-5
    assert notices == [
        "Memory ran out on cpu: cleared the cache and tried again.",
        "Memory ran out on cpu: now making frames in tiles of up to 640×640 pixels.",
        "Memory ran out on cpu: now making frames in tiles of up to 320×320 pixels.",
    ]
    assert len(model.refused) == 4, "each size is tried twice, and never again for later frames"


def test_batches_shrink_before_tiles_do():
    notices = []
    model = SmallDeviceModel(256 * 256, most_to_encode=640 * 640)
    run(
        model,
        Pictures(512, 512),
        multiplier=5,
        largest_batch=4,
        hooks={"on_notice": notices.append},
    )
    assert [notice.rpartition("now ")[2] for notice in notices[1:]] == [
        "making 2 frame(s) at a time.",
        "making 1 frame(s) at a time.",
        "making frames in tiles of up to 256×256 pixels.",
    ]


def test_moments_that_come_all_at_once_shrink_tiles_alone():
    notices = []
    spec = fake_spec(timesteps="fixed", fixed_multiplier=4)
    model = SmallDeviceModel(3 * 320 * 320)
    made = run(
        model,
        Pictures(512, 512),
        spec=spec,
        multiplier=4,
        largest_batch=8,
        hooks={"on_notice": notices.append},
    )
    assert sorted(made) == [1, 2, 3]
    assert notices[1:] == [
        "Memory ran out on cpu: now making frames in tiles of up to 256×256 pixels."
    ]


def test_recursion_shrinks_tiles_too():
    spec = fake_spec(timesteps="middle")
    source = Pictures(512, 512)
    made = run(SmallDeviceModel(300 * 300), source, spec=spec, multiplier=4)
    assert most_different(made, run(FakeModel(), source, spec=spec, multiplier=4)) < 1e-5


@pytest.mark.parametrize("tile_size", [0, 128, 512])
def test_memory_too_small_for_the_smallest_tiles_ends_the_job(tile_size):
    model = SmallDeviceModel(100 * 100)
    with pytest.raises(
        DeviceMemoryError, match=r"one frame at a time, in the smallest tiles .*0\.5"
    ):
        run(model, Pictures(640, 1280), tile_size=tile_size)
    assert min(height for height, _width, _count in model.refused) >= 128


def test_features_of_whole_frames_go_before_tiles_are_made():
    features, alive = [], []

    class Remembered(SmallDeviceModel):
        def encode(self, frame):
            feature = frame.mean(dim=(0, 1))
            features.append(weakref.ref(feature))
            return (feature,)

        def forward(self, frames, encoded, timesteps, quality):
            alive.append([reference() is not None for reference in features[:2]])
            return super().forward(frames, encoded, timesteps, quality)

    run(Remembered(300 * 300), Pictures(512, 512))
    assert alive[0] == [True, True]
    assert alive[-1] == [False, False]
