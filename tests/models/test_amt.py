"""AMT against the reference's results, its files, and what the model promises beyond them."""

from __future__ import annotations

import re

import pytest
import torch

from blender_vfi.errors import CheckpointError, FrameError, UnknownModelError
from blender_vfi.models import amt
from blender_vfi.models.catalog_amt import AMT_MODELS
from blender_vfi.models.interface import Quality
from blender_vfi.models.warp import warp, warp_each

from ..golden_data import golden_names, load_arrays, load_manifest
from .golden_models import (
    assert_batch_equals_one_by_one,
    assert_precision_stays_close,
    farthest,
    golden_model,
    golden_pair,
    golden_shapes,
    interpolate,
    small_pair,
)

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5
# flows of up to 20 px, whose own rounding is 1e-6, pass through three updates
LEVEL_FLOW_TOLERANCE = 5e-5
FLOW_TOLERANCE = 1e-3
GOLDEN = golden_names("amt_*")


@pytest.mark.parametrize("name", GOLDEN)
def test_recipe_weights_give_the_reference_results(name):
    manifest, arrays, frames = load_manifest(name), load_arrays(name), golden_pair(name)
    model = golden_model(amt, name)
    for case in manifest["cases"]:
        result = interpolate(model, frames, case["timestep"])
        stride = case.get("stride", 1)
        stored = result.frames[..., ::stride, ::stride]
        assert farthest(stored, arrays[case["output"]]) < TOLERANCE, case


@pytest.mark.parametrize("name", GOLDEN)
def test_updated_flows_of_every_level_are_the_references(name):
    arrays, model, flows = load_arrays(name), golden_model(amt, name), {}
    for level in (4, 3, 2):
        # what a level's updates end with is what the next decoder is given
        model.get_submodule(f"decoder{level - 1}").register_forward_pre_hook(
            lambda _, inputs, level=level: flows.update({level: inputs[0][-1]})
        )
    interpolate(model, golden_pair(name), 0.5)
    for level, flow in flows.items():
        expected = torch.cat((arrays[f"flow0_level{level}"], arrays[f"flow1_level{level}"]), 1)
        assert farthest(flow, expected) < LEVEL_FLOW_TOLERANCE, level
    assert sorted(flows) == [2, 3, 4]


@pytest.mark.parametrize("name", ["amt_s", "amt_g"])
def test_batch_of_timesteps_equals_one_by_one(name):
    model, frames = golden_model(amt, name), golden_pair(name)
    assert_batch_equals_one_by_one(
        model, frames, (0.8, 0.25), picture=TOLERANCE, flow=FLOW_TOLERANCE
    )


def test_encoders_run_once_however_many_timesteps():
    model, frames, runs = golden_model(amt, "amt_s"), golden_pair("amt_s"), []
    for encoder in (model.encoder, model.feat_encoder):
        encoder.register_forward_hook(lambda *_: runs.append(1))
    interpolate(model, frames, 0.2, 0.4, 0.6)
    assert runs == [1, 1]


def test_merged_motion_blends_a_gradient_as_all_candidates_together_do():
    """Where brightness rises evenly, a sample at the mean position is the mean of samples."""
    generator = torch.Generator().manual_seed(5)
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(40.0), indexing="ij")
    gradients = torch.stack((3 * columns + rows, 50 - columns + 2 * rows))[:, None].double()
    flow = torch.rand(2, 12, 32, 40, generator=generator, dtype=torch.float64) * 6 - 3
    masks = torch.rand(2, 3, 32, 40, generator=generator, dtype=torch.float64)
    flow_t0, flow_t1, mask = amt._merged_motion(flow, masks)
    merged = warp(gradients[:1].expand(2, -1, -1, -1), flow_t0) * mask
    merged += warp(gradients[1:].expand(2, -1, -1, -1), flow_t1) * (1 - mask)
    fields = flow.view(2, 2, 3, 2, 32, 40).transpose(0, 1).flatten(1, 2)
    warped0, warped1 = warp_each(gradients, fields).reshape(2, 2, 3, 32, 40)
    expected = (warped0 * masks + warped1 * (1 - masks)).mean(dim=1, keepdim=True)
    inside = (..., slice(4, -4), slice(4, -4))
    assert farthest(merged[inside], expected[inside]) < 1e-4


def test_merged_motion_stays_finite_where_no_candidate_shows_a_frame():
    flow = torch.arange(8.0).view(1, 8, 1, 1)
    flow_t0, flow_t1, mask = amt._merged_motion(flow, torch.zeros(1, 2, 1, 1))
    assert mask.item() == 0
    torch.testing.assert_close(flow_t0.flatten(), torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(flow_t1.flatten(), torch.tensor([5.0, 6.0]))


def test_mask_and_flows_describe_the_picture():
    model, frames = golden_model(amt, "amt_s"), golden_pair("amt_s")
    result = interpolate(model, frames, 0.3)
    assert result.flow_t0.shape == result.flow_t1.shape == (1, 2, 128, 160)
    assert result.mask.shape == (1, 1, 128, 160)
    assert 0 <= result.mask.min() < result.mask.max() <= 1


@pytest.mark.parametrize(
    ("dtype", "mean_difference"),
    [(torch.float16, 4e-3), (torch.bfloat16, 4e-2), (torch.float64, 1e-6)],
)
def test_other_precisions_stay_close(dtype, mean_difference):
    model, frames = golden_model(amt, "amt_s"), golden_pair("amt_s")
    assert_precision_stays_close(model, frames, dtype, mean_difference=mean_difference)


def test_memory_format_does_not_change_the_result():
    model, frames = golden_model(amt, "amt_s"), golden_pair("amt_s")
    expected = interpolate(model, frames, 0.5, 0.2)
    frames = [frame.to(memory_format=torch.channels_last) for frame in frames]
    result = interpolate(model.to(memory_format=torch.channels_last), frames, 0.5, 0.2)
    assert farthest(result.frames, expected.frames) < TOLERANCE


def test_smallest_frame_is_never_searched_below_its_size():
    model, frames = golden_model(amt, "amt_s"), small_pair(128, 128)
    plain = interpolate(model, frames, 0.5)
    coarse = interpolate(model, frames, 0.5, quality=Quality(flow_scale=0.25))
    assert torch.isfinite(plain.frames).all()
    assert torch.equal(plain.frames, coarse.frames)


@pytest.mark.parametrize(("flow_scale", "searched"), [(0.5, (128, 160)), (2, (256, 640))])
def test_motion_is_searched_at_the_flow_scale(flow_scale, searched):
    model, seen = golden_model(amt, "amt_s"), []
    model.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[-2:]))
    quality = Quality(flow_scale=flow_scale)
    result = interpolate(model, small_pair(128, 320), 0.5, quality=quality)
    assert seen == [searched]
    assert result.frames.shape == (1, 3, 128, 320)
    assert torch.isfinite(result.frames).all()


@pytest.mark.parametrize("size", [(112, 160), (128, 136)])
def test_small_or_unpadded_frame_is_refused_with_the_limits(size):
    with pytest.raises(FrameError, match=rf"{size[1]}×{size[0]}.*AMT.*of 16 and at least 128"):
        interpolate(amt.build("s"), small_pair(*size), 0.5)


@pytest.mark.parametrize("name", GOLDEN)
def test_published_layout_is_identified(name):
    assert amt.identify(golden_shapes(name)) == name.removeprefix("amt_")


def test_wrapper_prefix_is_dropped():
    published = {"module.update4.convc1.bias": torch.zeros(64)}
    assert list(amt.normalise_state_dict(published)) == ["update4.convc1.bias"]


@pytest.mark.parametrize("name", ["ifrnet", "ifrnet_s", "ifrnet_l", "rife_4.25"])
def test_foreign_layout_is_not_claimed(name):
    assert amt.identify(golden_shapes(name)) is None


def test_changed_layout_is_refused_and_the_tensors_are_named():
    shapes = golden_shapes("amt_g")
    del shapes["update2_high.conv.bias"]
    shapes["comb_block.2.weight"] = (3, 30, 3, 3)
    expected = (
        "AMT g, but update2_high.conv.bias is missing; "
        "comb_block.2.weight is (3, 30, 3, 3) instead of (3, 30, 7, 7)"
    )
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        amt.identify(shapes)


def test_unknown_variant_lists_the_known_ones():
    with pytest.raises(UnknownModelError, match="'m' is not known; choose one of s, l, g"):
        amt.build("m")


@pytest.mark.parametrize("spec", AMT_MODELS, ids=lambda spec: spec.name)
def test_catalog_entry_agrees_with_the_module(spec):
    model = amt.build(spec.variant)
    assert sum(parameter.numel() for parameter in model.parameters()) == spec.parameters
    assert (spec.pad_multiple, spec.smallest_side) == (amt.PAD_MULTIPLE, amt.SMALLEST_SIDE)
    assert spec.timesteps == ("any" if spec.name.endswith("-gopro") else "middle")
    assert not spec.checkpoint.licence.commercial
