"""Frames on their way to a device and back: the same values, whatever memory they lie in."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.engine import staging

pytestmark = pytest.mark.torch

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def test_the_cpu_takes_and_gives_frames_as_they_are():
    frame = torch.rand(3, 4, 3)
    assert staging.staged(frame, CPU) is frame
    assert staging.uploaded(frame, CPU) is frame
    download = staging.staging_for(CPU).download(frame)
    assert download.is_there
    assert download.wait().data_ptr() == frame.data_ptr()


def test_frame_for_cuda_is_locked(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda frame: frame + 1)
    assert torch.equal(staging.staged(torch.zeros(2, 2), CUDA), torch.ones(2, 2))


def test_frame_stays_as_it_is_where_no_more_memory_can_be_locked(monkeypatch):
    def refuse(_frame):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.Tensor, "pin_memory", refuse)
    frame = torch.rand(2, 2)
    assert staging.staged(frame, CUDA) is frame
