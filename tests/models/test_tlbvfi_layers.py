"""Layers of TLB-VFI by themselves: strips equal whole maps, and short ways equal the long ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from blender_vfi.models import tlbvfi_strips
from blender_vfi.models.tlbvfi_blocks import (
    ResidualBlock,
    TemporalAttention,
    WindowAttention,
    nearest_code,
)
from blender_vfi.models.tlbvfi_diffusion import STEPS, noise_for, walk
from blender_vfi.models.tlbvfi_motion import _correlation
from blender_vfi.models.tlbvfi_strips import by_rows, normaliser
from blender_vfi.models.warp import warp

from .golden_models import farthest

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(0)
        yield


@pytest.fixture
def small_strips(monkeypatch):
    monkeypatch.setattr(tlbvfi_strips, "LARGEST_STRIP_BYTES", 1 << 14)


LAYERS = {
    "same size": (nn.Conv2d(4, 6, 3, padding=1), 1),
    "half": (nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 6, 3, stride=2)), 0.5),
    "double": (nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 6, 3, padding=1)), 2),
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("height", [8, 72, 90])
def test_strips_together_equal_the_whole_map(kind, height, small_strips):
    layer, ratio = LAYERS[kind]
    inputs, strips = torch.randn(1, 4, height, 20), []

    def compute(rows):
        strips.append(rows)
        return layer(inputs[:, :, rows])

    made = by_rows(compute, inputs, widest=6, halo=2, ratio=ratio)
    assert farthest(made, layer(inputs)) < TOLERANCE
    largest_rows = (1 << 14) // (6 * 20 * 4)
    assert len(strips) == -(-height // (largest_rows // 8 * 8))
    assert max(rows.stop - rows.start for rows in strips) <= largest_rows + 4


def test_strip_has_rows_even_where_one_takes_too_much(small_strips):
    inputs = torch.randn(1, 1, 20, 3000)
    assert torch.equal(by_rows(lambda rows: inputs[:, :, rows], inputs, widest=9), inputs)


def test_norm_of_rows_is_that_of_the_whole_map():
    norm = nn.GroupNorm(4, 8)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    inputs = 3 * torch.randn(1, 8, 12, 5) + 2
    made = normaliser(norm, inputs)(slice(4, 9))
    assert farthest(made, norm(inputs)[:, :, 4:9]) < TOLERANCE


@pytest.mark.parametrize("outputs", [8, 16])
def test_residual_block_in_strips_equals_its_layers(outputs, small_strips):
    block, inputs = ResidualBlock(8, outputs), torch.randn(1, 8, 40, 24)
    before = inputs.clone()
    hidden = block.conv1(functional.silu(block.norm1(inputs)))
    hidden = block.conv2(functional.silu(block.norm2(hidden)))
    skipped = inputs if block.nin_shortcut is None else block.nin_shortcut(inputs)
    assert farthest(block(inputs), skipped + hidden) < TOLERANCE
    assert torch.equal(inputs, before)


def test_attention_of_a_window_in_strips_equals_that_of_the_whole(monkeypatch):
    layer, inputs = WindowAttention(8), torch.randn(1, 8, 32, 48)
    whole = layer(inputs.clone())
    monkeypatch.setattr(tlbvfi_strips, "LARGEST_STRIP_BYTES", 1)
    assert farthest(layer(inputs.clone()), whole) < TOLERANCE
    assert farthest(whole, inputs) > 0.1


def test_attention_does_not_depend_on_the_memory_format():
    layer, inputs = WindowAttention(8), torch.randn(1, 8, 16, 24)
    last = inputs.to(memory_format=torch.channels_last)
    assert farthest(layer(last), layer(inputs.clone())) < TOLERANCE


def differing(made, other):
    """Say for each place whether its features differ."""
    return (made != other).any(dim=1)[0]


def test_attention_reaches_its_window_and_its_grid_and_nothing_else():
    layer, inputs = WindowAttention(4), torch.randn(1, 4, 32, 32)
    changed = inputs.clone()
    changed[0, 2, 9, 18] += 1
    reached = differing(layer(changed.clone()), layer(inputs.clone()))
    # its window, and from there all grids, which take every fourth place
    assert reached.all()
    layer.attn_grid.fn.to_out[0].weight.zero_()
    reached = differing(layer(changed), layer(inputs))
    rows, columns = reached.nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 15, 16, 23)


def test_attention_between_frames_reaches_all_places_of_all_frames():
    layer, inputs = TemporalAttention(8), torch.randn(1, 8, 3, 4, 5)
    query, key, value = (
        part(layer.norm(inputs)).flatten(2) for part in (layer.q, layer.k, layer.v)
    )
    weights = torch.softmax(query.transpose(1, 2) @ key / 8**0.5, dim=-1)
    found = (weights @ value.transpose(1, 2)).transpose(1, 2).view(inputs.shape)
    assert farthest(layer(inputs), inputs + layer.proj_out(found)) < TOLERANCE


def test_code_is_the_nearest_one(monkeypatch):
    codebook, latent = torch.randn(50, 3), torch.randn(1, 3, 3, 4, 6)
    distances = torch.cdist(latent[0].flatten(1).T[None], codebook[None])[0]
    expected = codebook[distances.argmin(1)].T.view(latent.shape)
    assert torch.equal(nearest_code(latent, codebook), expected)
    monkeypatch.setattr(tlbvfi_strips, "LARGEST_STRIP_BYTES", 1000)
    assert torch.equal(nearest_code(latent, codebook), expected)


def test_correlation_equals_that_with_every_shifted_and_warped_map():
    features, middle = torch.randn(1, 6, 12, 9), torch.randn(1, 6, 12, 9)
    flow = 4 * torch.randn(1, 2, 12, 9)
    shifted = functional.unfold(features, 3, padding=1).view(1, 6 * 9, 12, 9)
    around = warp(shifted, flow).view(1, 6, 9, 12, 9)
    expected = functional.cosine_similarity(middle[:, :, None], around, dim=1)
    edged = functional.pad(features, (1, 1, 1, 1))
    assert farthest(_correlation(middle, edged, flow, 0), expected) < TOLERANCE
    part = _correlation(middle[:, :, 5:8], edged, flow[:, :, 5:8], 5)
    assert farthest(part, expected[:, :, 5:8]) < TOLERANCE


class Oracle(nn.Module):
    """Knows the bridge's near end."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.steps = answer, []

    def forward(self, inputs, step):
        self.steps.append(step)
        return inputs[:, :3] - self.answer


def test_walk_ends_where_a_perfect_denoiser_says_whatever_the_noise():
    known, answer = torch.randn(1, 3, 3, 4, 4), torch.randn(1, 3, 3, 4, 4)
    oracle = Oracle(answer)
    assert farthest(walk(oracle, known, noise_for(known, 5)), answer) < TOLERANCE
    assert tuple(oracle.steps) == STEPS


def test_noise_is_the_seeds_and_standard():
    latent = torch.zeros(1, 3, 3, 20, 20)
    noise = noise_for(latent, 1)
    assert noise.shape == (len(STEPS) - 1, *latent.shape)
    assert torch.equal(noise, noise_for(latent, 1))
    assert farthest(noise, noise_for(latent, 2)) > 1
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert noise_for(latent.double(), 1).dtype == torch.float64
