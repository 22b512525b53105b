"""A compiler that is played in the place of PyTorch's, and a network for it."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn

from blender_vfi.models import catalog, compiling
from blender_vfi.models.compiling import CompiledModel
from blender_vfi.models.interface import Interpolation, InterpolationModel

CPU = torch.device("cpu")


class Small(InterpolationModel):
    """Features and a blend, as a network would have them."""

    def __init__(self, strength: float = 0.1) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.strength = strength
        self.features = nn.Conv2d(3, 3, 3, padding=1)

    def encode(self, frame):
        return (self.strength * self.features(frame),)

    def forward(self, frames, features, timesteps, quality):
        moment = frames[0].new_tensor(timesteps).view(-1, 1, 1, 1)
        middle = len(frames) // 2 - 1
        parts = [frames[at] + self.strength * features[at][0] for at in (middle, middle + 1)]
        made = parts[0] * (1 - moment) + parts[1] * moment
        return Interpolation(frames=made.clamp(0, 1), mask=(1 - moment).expand_as(made[:, :1]))


class Compiler:
    """Stands in for PyTorch's: counts what it is given, and runs it as it is."""

    def __init__(self, *, error: BaseException | None = None) -> None:
        self.graphs = 0
        self.error = error
        self.made = []

    def __call__(self, graph, _inputs):
        self.graphs += 1
        self.made.append(weakref.ref(graph))
        if self.error is not None:
            raise self.error
        return graph.forward

    @property
    def kept(self) -> int:
        """How many graphs are still in memory."""
        gc.collect()
        return sum(graph() is not None for graph in self.made)


@pytest.fixture(autouse=True)
def nothing_compiled():
    compiling.forget()
    yield
    compiling.forget()


def compiled_with(backend, model=None, name="ifrnet-gopro"):
    model = model or Small()
    spec = catalog.find(name)
    return CompiledModel(model, spec, CPU, backend=backend)


def told(model) -> list[str]:
    words: list[str] = []
    model.attend(on_compile=words.append, on_failure=words.append)
    return words
