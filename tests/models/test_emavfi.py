"""EMA-VFI against the reference's results, its files, and what the model promises beyond them.

The reference network was called directly, so that its golden frames stand for BGR.
"""

from __future__ import annotations

import functools
import re

import pytest
import torch

from blender_vfi.errors import CheckpointError, FrameError, UnknownModelError
from blender_vfi.models import catalog, emavfi, loading
from blender_vfi.models.catalog_emavfi import EMAVFI_MODELS
from blender_vfi.models.emavfi_attention import AttentionStage, Windows
from blender_vfi.models.interface import Quality
from blender_vfi.models.warp import warp

from ..engine.test_loop_models import run
from ..golden_data import golden_names, load_arrays, load_manifest, recipe_weights
from . import golden_models
from .golden_models import (
    assert_batch_equals_one_by_one,
    assert_precision_stays_close,
    farthest,
    golden_shapes,
    interpolate,
    small_pair,
)

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5
FLOW_TOLERANCE = 1e-4
GOLDEN = golden_names("emavfi*")
VARIANT = {"emavfi": "base", "emavfi_small": "small"}
SMALL = "emavfi_small"


@functools.cache  # 260 MB, and seconds to draw
def golden_model(name):
    return golden_models.golden_model(emavfi, name)


def small_model():
    """Build one that a test may change."""
    return golden_models.golden_model(emavfi, SMALL)


@pytest.fixture(scope="module", autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def golden_pair(name):
    return [frame.flip(1) for frame in golden_models.golden_pair(name)]


@pytest.mark.parametrize("name", GOLDEN)
def test_recipe_weights_give_the_reference_results(name):
    arrays, frames = load_arrays(name), golden_pair(name)
    for case in load_manifest(name)["cases"]:
        result = interpolate(golden_model(name), frames, case["timestep"])
        assert farthest(result.frames.flip(1), arrays[case["output"]]) < TOLERANCE, case


def test_colour_channels_keep_their_places():
    model, frames = small_model(), golden_pair(SMALL)
    model.unet.conv.weight.zero_()
    model.unet.conv.bias.zero_()
    for frame in frames:
        frame[:, 0], frame[:, 2] = 0.75, 0.25
    result = interpolate(model, frames, 0.5)
    assert farthest(result.frames[:, 0], torch.tensor(0.75)) < TOLERANCE
    assert farthest(result.frames[:, 2], torch.tensor(0.25)) < TOLERANCE


def test_batch_of_timesteps_equals_one_by_one():
    assert_batch_equals_one_by_one(
        golden_model(SMALL),
        golden_pair(SMALL),
        (0.8, 0.1, 0.5),
        picture=TOLERANCE,
        flow=FLOW_TOLERANCE,
    )


def test_backbone_runs_once_however_many_timesteps():
    model, runs = small_model(), []
    model.feature_bone.register_forward_hook(lambda *_: runs.append(1))
    interpolate(model, golden_pair(SMALL), 0.2, 0.4, 0.6)
    assert runs == [1]


def test_picture_is_the_blend_of_what_flows_and_mask_say_and_the_residual():
    model, frames = small_model(), golden_pair(SMALL)
    model.unet.conv.weight.zero_()
    model.unet.conv.bias.zero_()
    result = interpolate(model, frames, 0.3)
    assert 0 <= result.mask.min() <= result.mask.max() <= 1
    assert result.flow_t0.abs().max() > 1
    blend = warp(frames[0], result.flow_t0) * result.mask
    blend += warp(frames[1], result.flow_t1) * (1 - result.mask)
    assert farthest(result.frames, blend) < TOLERANCE


def test_ensemble_is_the_mean_of_the_frames_as_they_are_and_turned():
    model, frames = golden_model(SMALL), golden_pair(SMALL)
    together = interpolate(model, frames, 0.3, 0.6, quality=Quality(ensemble=True))
    plain = interpolate(model, frames, 0.3, 0.6)
    turned = interpolate(model, [frame.flip(2, 3) for frame in frames], 0.3, 0.6)
    assert farthest(plain.frames, turned.frames.flip(2, 3)) > 100 * TOLERANCE
    for field, sign in (("frames", 1), ("mask", 1), ("flow_t0", -1), ("flow_t1", -1)):
        mean = (getattr(plain, field) + sign * getattr(turned, field).flip(2, 3)) / 2
        assert farthest(getattr(together, field), mean) < TOLERANCE, field


@pytest.mark.parametrize(
    ("dtype", "mean_difference"),
    [(torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.float64, 1e-6)],
)
def test_other_precisions_stay_close(dtype, mean_difference):
    assert_precision_stays_close(
        small_model(), golden_pair(SMALL), dtype, mean_difference=mean_difference
    )


def test_memory_format_does_not_change_the_result():
    model, frames = small_model(), golden_pair(SMALL)
    expected = interpolate(model, frames, 0.5, 0.2)
    frames = [frame.to(memory_format=torch.channels_last) for frame in frames]
    result = interpolate(model.to(memory_format=torch.channels_last), frames, 0.5, 0.2)
    assert farthest(result.frames, expected.frames) < TOLERANCE


@pytest.mark.parametrize("flow_scale", [0.25, 0.5, 0.75, 1, 2, 4])
def test_smallest_padded_frame_works_at_every_flow_scale(flow_scale):
    quality = Quality(flow_scale=flow_scale, ensemble=True)
    result = interpolate(golden_model(SMALL), small_pair(32, 32), 0.4, quality=quality)
    assert result.frames.shape == (1, 3, 32, 32)
    assert torch.isfinite(result.frames).all()


@pytest.mark.parametrize(("flow_scale", "size"), [(1, (64, 96)), (0.5, (32, 48)), (2, (128, 192))])
def test_motion_is_searched_at_the_flow_scale_and_measured_in_the_frame(flow_scale, size):
    model, sizes = small_model(), []
    for head in model.block:
        head.register_forward_hook(lambda _, inputs, __: sizes.append(inputs[1].shape[-2:]))
    result = interpolate(model, golden_pair(SMALL), 0.5, quality=Quality(flow_scale=flow_scale))
    assert sizes == [size, size]
    assert result.flow_t0.shape[-2:] == result.mask.shape[-2:] == (64, 96)


def test_unpadded_frame_is_refused_with_the_multiple():
    with pytest.raises(FrameError, match=r"48×32.*EMA-VFI.*multiples of 32"):
        interpolate(golden_model(SMALL), small_pair(32, 48), 0.5)


@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize("size", [(14, 21), (8, 12), (1, 2)])
def test_windows_cover_the_map_and_go_back_to_where_they_came_from(size, shift):
    tokens = torch.rand(2, *size, 5)
    plan = Windows.of(tokens, shift=shift)
    windows = plan.split(tokens)
    assert windows.shape[1:] == (49, 5)
    assert len(windows) == 2 * len(plan.positions)
    assert torch.equal(plan.join(windows), tokens)


def test_windows_that_fit_need_no_mask_unless_shifted():
    tokens = torch.rand(2, 14, 21, 5)
    assert Windows.of(tokens, shift=0).mask is None
    assert Windows.of(tokens, shift=3).mask is not None
    assert Windows.of(tokens[:, 1:], shift=0).mask is not None


def test_shifted_windows_do_not_join_opposite_edges():
    stage = AttentionStage(width=32, depth=2).requires_grad_(False)
    block = stage[1]
    tokens = torch.rand(2, 14, 14, 32, generator=torch.Generator().manual_seed(5))
    changed = tokens.clone()
    changed[:, :3, :, :] = 0
    plan = Windows.of(tokens, shift=3)
    # after shifting, the last rows and the first share windows
    _, before = block(tokens, plan)
    _, after = block(changed, plan)
    assert farthest(before[:, 3:], after[:, 3:]) < TOLERANCE
    assert farthest(before[:, :3], after[:, :3]) > 100 * TOLERANCE


def test_motion_is_the_distance_to_what_resembles_a_place():
    stage = AttentionStage(width=32, depth=1).requires_grad_(False)
    attention = stage[0].attn
    for linear in (attention.q, attention.kv, attention.cor_embed, attention.motion_proj):
        linear.weight.zero_()
        linear.bias.zero_()
    attention.q.weight.fill_diagonal_(60)
    attention.kv.weight[:32].fill_diagonal_(60)
    attention.cor_embed.weight[:2] = torch.eye(2)
    attention.cor_embed.bias.fill_(3)
    attention.motion_proj.weight.fill_diagonal_(1)
    tokens = torch.randn(1, 14, 14, 32, generator=torch.Generator().manual_seed(5))
    # in the other frame, everything is one column to the right and two rows up
    tokens = torch.cat((tokens, tokens.roll((-2, 1), dims=(1, 2))))
    plan = Windows.of(tokens, shift=0)
    _, motion = attention(plan.split(tokens), plan)
    step = 2 / 13
    inside = plan.join(motion)[0, 2:7, :6, :2]
    assert farthest(inside, torch.tensor([step, -2 * step])) < 1e-3


@pytest.mark.parametrize("multiplier", [2, 3, 4])
@pytest.mark.parametrize("name", ["ema-vfi-small", "ema-vfi-small-t"])
def test_loop_makes_every_frame_of_the_plan(name, multiplier):
    wanted, sink = run(name, multiplier)
    assert sorted(sink.frames) == wanted
    assert all(torch.isfinite(frame).all() for frame in sink.frames.values())


@pytest.mark.parametrize("name", ["ema-vfi-small", "ema-vfi-small-t", "ema-vfi"])
def test_file_as_its_authors_save_it_is_recognised_and_loaded(name, tmp_path):
    recipe = recipe_weights(load_manifest(SMALL))
    published = {f"module.{key}": tensor for key, tensor in recipe.items()}
    published["module.feature_bone.block4.1.attn_mask"] = torch.zeros(20, 49, 49)
    published["module.feature_bone.block4.1.HW"] = torch.tensor([980.0])
    path = tmp_path / "any name.bin"
    torch.save(published, path)
    loaded = loading.load_model(
        catalog.find(name), device=torch.device("cpu"), dtype=torch.float32, checkpoint=path
    )
    # a file of the other size brings that size's limits; the same size keeps the entry's reach
    assert loaded.spec.name == ("ema-vfi-small" if name == "ema-vfi" else name)
    key = "feature_bone.block4.1.attn.cor_embed.weight"
    assert torch.equal(loaded.model.get_parameter(key), recipe[key])
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


@pytest.mark.parametrize("name", GOLDEN)
def test_published_layout_is_identified(name):
    assert emavfi.identify(golden_shapes(name)) == VARIANT[name]


@pytest.mark.parametrize("name", ["amt_s", "ifrnet", "rife_4.6", "rife_4.0_refine"])
def test_foreign_layout_is_not_claimed(name):
    assert emavfi.identify(golden_shapes(name)) is None


def test_changed_layout_is_refused_and_the_tensors_are_named():
    shapes = golden_shapes("emavfi")
    del shapes["feature_bone.norm5.bias"]
    shapes["unet.conv.weight"] = (3, 32, 3, 3)
    expected = (
        "EMA-VFI base, but feature_bone.norm5.bias is missing; "
        "unet.conv.weight is (3, 32, 3, 3) instead of (3, 64, 3, 3)"
    )
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        emavfi.identify(shapes)


def test_unknown_variant_lists_the_known_ones():
    with pytest.raises(UnknownModelError, match="'large' is not known; choose one of base, small"):
        emavfi.build("large")


@pytest.mark.parametrize("spec", EMAVFI_MODELS, ids=lambda spec: spec.name)
def test_catalog_entry_agrees_with_the_module(spec):
    name = {variant: name for name, variant in VARIANT.items()}[spec.variant]
    assert load_manifest(name)["params"]["elements"] == spec.parameters
    assert spec.pad_multiple == spec.smallest_side == emavfi.PAD_MULTIPLE
    assert spec.timesteps == ("any" if spec.name.endswith("-t") else "middle")
