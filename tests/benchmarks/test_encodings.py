"""The benchmark of light's codes: codes that a network can be shown, and a truth that is one."""

from __future__ import annotations

import pytest
import torch

from benchmarks import encodings
from blender_vfi.errors import CheckpointError

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", encodings.ENCODINGS)
@pytest.mark.parametrize("exposure", [0.01, 1.0, 50.0])
def test_every_encoding_gives_codes_that_rise_with_light(name, exposure):
    light = (torch.linspace(0.01, 1, 64) * exposure).expand(1, 3, 4, 64)
    for codes in encodings.ENCODINGS[name](light, light):
        assert codes.shape == light.shape
        assert 0 <= codes.min() < codes.max() <= 1 + 1e-5
        assert (codes.diff(dim=-1) >= -1e-6).all()


@pytest.mark.parametrize("window", [False, True])
def test_drawn_scenes_lie_halfway_and_are_the_same_each_time(window):
    [(before, truth, after)] = encodings.drawn(1, window=window)
    assert before.shape == truth.shape == after.shape == (1, 3, 320, 640)
    assert float(truth.max()) > 1
    # the background, where no light crosses it, has moved by 12 pixels for each half
    moved = torch.isclose(before[..., 12:], truth[..., :-12]).float().mean()
    assert float(moved) > 0.8
    [(again, *_)] = encodings.drawn(1, window=window)
    assert torch.equal(again, before)


def test_weights_that_are_not_here_are_named(monkeypatch):
    monkeypatch.setattr(encodings.weights, "build_published", lambda _spec: None)
    with pytest.raises(CheckpointError, match="run `make weights`"):
        encodings.main(["--triplets", "1"])
