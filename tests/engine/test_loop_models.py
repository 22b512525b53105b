"""Every architecture through the loop: the frames asked for, at their moments."""

from __future__ import annotations

import importlib

import pytest
import torch

from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.reach import check_reach
from blender_vfi.engine.schedule import plan
from blender_vfi.errors import RequestError
from blender_vfi.models import catalog

from .fake_model import CPU
from .test_loop import Sink, Source

pytestmark = pytest.mark.torch

ANY_MULTIPLIER = ["rife-4.25.lite", "film", "amt-s", "ifrnet-s", "gmfss-base"]


@pytest.fixture(scope="module", autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def run(
    name: str, multiplier: int, frames: int = 3, size: tuple[int, int] = (40, 56)
) -> tuple[list[int], Sink]:
    """Run an untrained network; its pictures are noise, and their number and places are not."""
    spec = catalog.find(name)
    module = importlib.import_module(f"blender_vfi.models.{spec.architecture}")
    model = module.build(spec.variant).eval().requires_grad_(False)
    planned = plan(frames, multiplier)
    check_reach(planned, spec)
    sink = Sink()
    loop = FrameLoop(model, spec, ChannelLayout(count=3), LoopPolicy(device=CPU))
    loop.run(planned, Source(size), sink)
    return [at for work in planned.pairs() for [at] in work.outputs], sink


@pytest.mark.parametrize("multiplier", [2, 3])
@pytest.mark.parametrize("name", ANY_MULTIPLIER)
def test_each_model_makes_every_frame_of_the_plan(name, multiplier):
    wanted, sink = run(name, multiplier)
    assert sorted(sink.frames) == wanted
    for frame in sink.frames.values():
        assert frame.shape == (40, 56, 3)
        assert torch.isfinite(frame).all()


@pytest.mark.parametrize(
    ("name", "multiplier"), [("flavr-2x", 2), ("flavr-4x", 2), ("flavr-4x", 4)]
)
def test_models_with_fixed_moments_make_those_they_have(name, multiplier):
    wanted, sink = run(name, multiplier)
    assert sorted(sink.frames) == wanted


def test_models_with_fixed_moments_refuse_others_before_work():
    with pytest.raises(RequestError, match=r"FLAVR 4x knows only the multiples of 1/4.*2, 4"):
        run("flavr-4x", 3)
