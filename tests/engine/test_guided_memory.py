"""A guided frame on a device that has no room for it as a whole."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.engine.guided import Guidance
from blender_vfi.engine.layered import LayeredLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.passes import PartNames, find_passes
from blender_vfi.engine.schedule import plan

from .fake_model import CPU, SmallDeviceModel, fake_spec

pytestmark = pytest.mark.torch

HEIGHT, WIDTH = 64, 320
LETTERS = {"Combined": "RGBA", "DiffCol": "RGB", "Depth": "Z", "Vector": "XYZW"}
PASSES = find_passes(
    [
        PartNames(name="", channels=tuple(f"ViewLayer.{name}.{letter}" for letter in letters))
        for name, letters in LETTERS.items()
    ]
)


class Frames:
    """Two frames of a surface that stands still while light on it changes."""

    def __init__(self):
        self.made = {}

    def load(self, index):
        frame = torch.full((HEIGHT, WIDTH, 12), 0.5)
        frame[..., :3] *= 1 + index
        frame[..., 7] = 4.0
        frame[..., 8:] = 0.0
        return frame

    def store(self, output_index, frame):
        self.made[output_index] = frame


def test_light_too_is_looked_for_in_tiles_where_whole_frames_do_not_fit():
    model, frames = SmallDeviceModel(256 * HEIGHT), Frames()
    loop = FrameLoop(
        model,
        fake_spec(is_guided=True),
        LayeredLayout(passes=PASSES),
        LoopPolicy(device=CPU),
        guidance=Guidance(steps=(2,)),
    )
    loop.run(plan(2, 2), frames, frames)
    assert model.refused
    assert max(call.shape[-1] for call in model.calls) <= 256
    assert float(frames.made[1][..., :3].mean()) == pytest.approx(0.75, abs=0.02)
