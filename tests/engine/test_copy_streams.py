"""Copies on CUDA's own streams: safe in every order that a device may take, and nothing waits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from blender_vfi.engine import network
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.staging import CopyStreams, InOrder, staging_for
from blender_vfi.models.interface import Interpolation, InterpolationModel

from .fake_model import CPU, fake_spec
from .stream_races import PlayedDevice

pytestmark = pytest.mark.torch


CUDA = torch.device("cuda", 0)


class QuietModel(InterpolationModel):
    """Blends without asking the device for a single number."""

    def encode(self, frame):
        return (frame * 2,)

    def forward(self, frames, features, timesteps, _quality):
        middle = len(frames) // 2 - 1
        weights = torch.stack([frames[0].new_full((1, 1, 1), moment) for moment in timesteps])
        made = torch.lerp(frames[middle], frames[middle + 1], weights)
        made = made + 0 * features[middle][0]
        flow = made.new_zeros(len(timesteps), 2, *made.shape[-2:])
        return Interpolation(frames=made, flow_t0=flow, flow_t1=flow, mask=made[:, :1] * 0 + 0.5)


class Ends:
    def __init__(self, frames: list[Tensor]) -> None:
        self.frames = frames
        self.made: dict[int, Tensor] = {}

    def load(self, index):
        return self.frames[index]

    def store(self, output_index, frame):
        self.made[output_index] = frame.clone()


def make(frames, multiplier=3, *, spec=None, layout=None, **policy):
    ends = Ends(frames)
    FrameLoop(
        QuietModel(),
        spec or fake_spec(pad_multiple=8),
        layout or ChannelLayout(count=frames[0].shape[-1]),
        LoopPolicy(device=CPU, **policy),
    ).run(plan(len(frames), multiplier), ends, ends)
    return ends.made


def frames_of(count=6, channels=3):
    generator = torch.Generator().manual_seed(count)
    return [torch.rand(9, 7, channels, generator=generator) for _ in range(count)]


def play(monkeypatch, frames, *arguments, **options):
    """Make frames on a played device: what was made, and the device."""
    device = PlayedDevice(monkeypatch, frames)
    with device:
        made = make(frames, *arguments, **options)
    return made, device


LINEAR = ChannelLayout(count=4, is_linear=True, alpha_mode="premultiplied")
STRAIGHT = ChannelLayout(count=4)


@pytest.mark.parametrize("layout", [ChannelLayout(count=3), LINEAR, STRAIGHT])
@pytest.mark.parametrize("timesteps", ["any", "fixed", "middle"])
@pytest.mark.parametrize("batch", [1, 4])
def test_no_stream_is_ahead_of_what_it_needs(monkeypatch, layout, timesteps, batch):
    frames = frames_of(channels=layout.count)
    frames[3] = frames[2].clone()  # a pair that is still
    options = {
        "spec": fake_spec(pad_multiple=8, timesteps=timesteps),
        "layout": layout,
        "largest_batch": batch,
    }
    expected = make(frames, 4, **options)
    made, device = play(monkeypatch, frames, 4, **options)
    assert device.faults() == []
    assert made.keys() == expected.keys()
    assert all(torch.equal(made[at], expected[at]) for at in made)


def test_nothing_waits_for_all_that_is_computed(monkeypatch):
    _, device = play(monkeypatch, frames_of(), 4, largest_batch=2)
    assert device.waits == 0
    _, device = play(monkeypatch, frames_of(), 4, largest_batch=2, copies_beside=False)
    assert device.waits > 0


def test_what_is_computed_with_an_upload_waits_for_it(monkeypatch):
    host = torch.rand(2, 2)
    for hands_over in (True, False):
        device = PlayedDevice(monkeypatch, [host])
        streams = CopyStreams(CUDA)
        with device:
            with streams.beside():
                frame = network.uploaded(host, CUDA)
            if hands_over:
                streams.hand_over(frame)
            frame + 1
        assert bool(device.faults()) != hands_over


def test_only_cuda_copies_beside_what_it_computes():
    assert isinstance(staging_for(CPU), InOrder)
    assert isinstance(staging_for(torch.device("mps", 0)), InOrder)
    assert isinstance(staging_for(CUDA, copies_beside=False), InOrder)
