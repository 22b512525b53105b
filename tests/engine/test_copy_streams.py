"""Copies on CUDA's own streams: safe in every order that a device may take, and nothing waits."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch
from torch import Tensor

from blender_vfi.engine import memory, network
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.courtesy import Courtesy
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.staging import CopyStreams, InOrder, staging_for
from blender_vfi.models import rife
from blender_vfi.models.interface import Interpolation, InterpolationModel

from ..models.golden_models import golden_model
from .fake_model import CPU, fake_spec
from .stream_races import PlayedDevice, PlayedEvent, PlayedStream

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


def make(frames, multiplier=3, *, model=None, spec=None, layout=None, place=None, **policy):
    ends = Ends(frames)
    FrameLoop(
        model or QuietModel(),
        spec or fake_spec(pad_multiple=8),
        layout or ChannelLayout(count=frames[0].shape[-1]),
        LoopPolicy(device=CPU, **policy),
        place=place,
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


@pytest.mark.parametrize(("golden", "waits"), [("rife_4.25", 0), ("rife_4.6", 0), ("rife_4.0", 2)])
def test_rife_as_on_a_gpu_waits_only_where_motion_is_looked_at_again(monkeypatch, golden, waits):
    frames = [torch.rand(64, 64, 3) for _ in range(3)]
    model = golden_model(rife, golden).to(torch.bfloat16)
    options = {"model": model, "dtype": torch.bfloat16, "largest_batch": 8}
    made, device = play(monkeypatch, frames, 3, **options)
    assert device.waits == waits
    assert device.faults() == []
    expected = make(frames, 3, copies_beside=False, **options)
    assert all(torch.equal(made[at], expected[at]) for at in expected)


class BrokenModel(QuietModel):
    """Overflows in half precision, runs out of memory once, and has the device asked for."""

    def __init__(self, courtesy: Courtesy) -> None:
        super().__init__()
        calls = itertools.count()
        asked = {3: "cpu", 12: "go"}

        def note() -> None:
            call = next(calls)
            if call in asked:
                courtesy.ask(asked[call])
            if call == 16:
                raise RuntimeError("CUDA out of memory.")

        self._note = note  # of a copy of the model, too

    def forward(self, frames, *arguments):
        self._note()
        made = super().forward(frames, *arguments)
        is_half = frames[0].dtype is torch.bfloat16
        return dataclasses.replace(made, frames=made.frames / 0) if is_half else made


def test_streams_keep_their_order_where_frames_are_made_again_and_devices_left(monkeypatch):
    monkeypatch.setattr(memory, "is_gpu", lambda _device: True)
    frames, told = frames_of(9), []

    def options(**policy):
        courtesy = Courtesy(told.append)
        policy |= {"dtype": torch.bfloat16, "largest_batch": 2}
        return {"model": BrokenModel(courtesy), "place": courtesy.place(), **policy}

    made, device = play(monkeypatch, frames, 4, **options())
    assert device.faults() == []
    expected = make(frames, 4, **options(copies_beside=False))
    assert told == ["cpu", "go"] * 2
    assert made.keys() == expected.keys()
    assert all(torch.allclose(made[at], expected[at], atol=0.01) for at in made)


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


@pytest.mark.parametrize("omitted", ["wait_stream", "record_stream", "synchronize"])
def test_played_streams_tell_of_what_is_left_out(monkeypatch, omitted):
    owner, name = {
        "wait_stream": (PlayedStream, "wait_stream"),
        "record_stream": (PlayedDevice, "tell"),
        "synchronize": (PlayedEvent, "synchronize"),
    }[omitted]
    monkeypatch.setattr(owner, name, lambda *_arguments: None)
    _, device = play(monkeypatch, frames_of())
    assert device.faults() != []


def test_only_cuda_copies_beside_what_it_computes():
    assert isinstance(staging_for(CPU), InOrder)
    assert isinstance(staging_for(torch.device("mps", 0)), InOrder)
    assert isinstance(staging_for(CUDA, copies_beside=False), InOrder)
