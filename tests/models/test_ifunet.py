"""IFUNet against the reference's results, its files, and what the model promises beyond them."""

from __future__ import annotations

import functools
import math
import re

import pytest
import torch

from blender_vfi.errors import CheckpointError, FrameError, UnknownModelError
from blender_vfi.models import ifunet, loading, recognition
from blender_vfi.models.catalog_ifunet import IFUNET_MODELS
from blender_vfi.models.ifunet_blocks import MotionBlock, RefineNet
from blender_vfi.models.interface import InterpolationModel, Quality
from blender_vfi.models.warp import warp

from ..engine.test_loop_models import run
from ..golden_data import load_arrays, load_manifest, manifest_shapes, recipe_weights
from .golden_models import (
    assert_batch_equals_one_by_one,
    assert_precision_stays_close,
    farthest,
    golden_pair,
    golden_shapes,
    interpolate,
    small_pair,
)

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5
FLOW_TOLERANCE = 1e-4
CPU = torch.device("cpu")
(SPEC,) = IFUNET_MODELS


def fresh_model() -> InterpolationModel:
    weights = ifunet.normalise_state_dict(recipe_weights(load_manifest("ifunet")))
    return recognition.build("ifunet", "ifunet", weights, "ifunet.json")


golden_model = functools.cache(fresh_model)


def normalised_shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        weights = {key: torch.empty(shape) for key, shape in golden_shapes("ifunet").items()}
    return {key: tuple(t.shape) for key, t in ifunet.normalise_state_dict(weights).items()}


@pytest.mark.parametrize("case", load_manifest("ifunet")["cases"], ids=lambda c: c["output"])
def test_recipe_weights_give_the_reference_results(case):
    result = interpolate(golden_model(), golden_pair("ifunet"), case["timestep"])
    assert farthest(result.frames, load_arrays("ifunet")[case["output"]]) < TOLERANCE


def test_batch_of_timesteps_equals_one_by_one():
    assert_batch_equals_one_by_one(
        golden_model(),
        golden_pair("ifunet"),
        (0.8, 0.1, 0.5),
        picture=TOLERANCE,
        flow=FLOW_TOLERANCE,
    )


def test_features_of_a_frame_are_computed_by_encode_alone():
    model, runs = golden_model(), []
    handle = model.refinenet.context0.register_forward_hook(lambda *_: runs.append(1))
    interpolate(model, golden_pair("ifunet"), 0.2, 0.4, 0.6)
    handle.remove()
    assert len(runs) == 2


def test_gradients_are_off():
    assert not any(parameter.requires_grad for parameter in golden_model().parameters())


def test_first_picture_is_the_blend_that_flows_and_mask_say():
    model, frames, seen = golden_model(), golden_pair("ifunet"), []
    handle = model.refinenet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    result = interpolate(model, frames, 0.3)
    handle.remove()
    ((_, _, first),) = seen
    assert 0 <= result.mask.min() <= result.mask.max() <= 1
    blend = warp(frames[0], result.flow_t0) * result.mask
    blend += warp(frames[1], result.flow_t1) * (1 - result.mask)
    assert farthest(first, blend) < TOLERANCE
    assert farthest(result.frames, blend) > 0.01


def test_ensemble_finds_the_same_motion_backwards_in_time():
    model, (frame0, frame1), both = golden_model(), golden_pair("ifunet"), Quality(ensemble=True)
    forwards = interpolate(model, [frame0, frame1], 0.3, quality=both)
    backwards = interpolate(model, [frame1, frame0], 0.7, quality=both)
    assert farthest(forwards.flow_t0, backwards.flow_t1) < FLOW_TOLERANCE
    assert farthest(forwards.flow_t1, backwards.flow_t0) < FLOW_TOLERANCE
    assert farthest(forwards.flow_t0, interpolate(model, [frame0, frame1], 0.3).flow_t0) > 0.1


def test_enlarged_flow_inside_a_steady_motion_is_that_motion():
    block = MotionBlock(channels=64, enlargement=4).requires_grad_(False)
    for parameter in (*block.convblock.parameters(), *block.flowconv.parameters()):
        parameter.zero_()
    block.flowconv.bias[:] = torch.tensor([1.0, -2.0, 3.0, 0.5])
    flow = block(torch.rand(1, 64, 6, 6, generator=torch.Generator().manual_seed(1)))
    assert flow.shape == (1, 4, 24, 24)
    # outside the frame there is no motion, which the outermost places mix in
    inside = flow[0, :, 4:-4, 4:-4].flatten(1)
    expected = 4 * block.flowconv.bias[:, None].expand_as(inside)
    assert farthest(inside, expected) < TOLERANCE
    assert (flow[0, 0, 0] < 4).all()


def test_first_picture_keeps_a_share_however_sure_the_refinement_is():
    net = RefineNet().eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.zero_()
    for index in range(3):
        net.get_submodule(f"block{index}").lastconv.bias[2] = 100
    white, black = torch.ones(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    with torch.inference_mode():
        refined = net([white, white], [net.context0(white)] * 2, black)
    assert farthest(refined, torch.tensor(2 * math.exp(4) / (2 * math.exp(4) + 1))) < TOLERANCE


@pytest.mark.parametrize("flow_scale", [0.25, 0.5, 0.75, 2, 4])
def test_smallest_padded_frame_works_at_every_flow_scale(flow_scale):
    quality = Quality(flow_scale=flow_scale)
    result = interpolate(golden_model(), small_pair(32, 32), 0.4, quality=quality)
    assert result.frames.shape == (1, 3, 32, 32)
    assert torch.isfinite(result.frames).all()


def test_flow_scale_sets_the_size_that_motion_is_searched_at():
    model, sizes = golden_model(), []
    handle = model.flownet.fmap.register_forward_pre_hook(
        lambda _, inputs: sizes.append(tuple(inputs[0].shape[-2:]))
    )
    interpolate(model, golden_pair("ifunet"), 0.5, quality=Quality(flow_scale=0.5))
    handle.remove()
    assert sizes == [(32, 64)] * 3


@pytest.mark.parametrize(
    ("dtype", "mean_difference"),
    [(torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.float64, 1e-6)],
)
def test_other_precisions_stay_close(dtype, mean_difference):
    assert_precision_stays_close(
        fresh_model(), small_pair(32, 64), dtype, mean_difference=mean_difference
    )


def test_unpadded_frame_is_refused_with_the_multiple():
    with pytest.raises(FrameError, match=r"40×32.*IFUNet.*multiples of 32"):
        interpolate(golden_model(), small_pair(32, 40), 0.5)


@pytest.mark.parametrize("multiplier", [2, 3, 4])
def test_loop_makes_every_frame_of_the_plan(multiplier):
    wanted, sink = run("ifunet", multiplier)
    assert sorted(sink.frames) == wanted
    assert all(torch.isfinite(frame).all() for frame in sink.frames.values())


def as_published() -> dict[str, dict[str, torch.Tensor]]:
    """Split the recipe's weights into the author's files, with the prefix of his training."""
    files: dict[str, dict[str, torch.Tensor]] = {"flownet": {}, "fusionnet": {}, "refinenet": {}}
    for key, tensor in recipe_weights(load_manifest("ifunet")).items():
        component, _, rest = key.partition(".")
        files[component][f"module.{rest}"] = tensor
    return files


@pytest.mark.parametrize("form", ["the author's folder", "one file"])
def test_files_as_they_are_published_are_recognised_and_loaded(tmp_path, form):
    recipe = recipe_weights(load_manifest("ifunet"))
    path = tmp_path
    if form == "one file":
        path = tmp_path / "any name.bin"
        torch.save(recipe, path)
    else:
        for component, weights in as_published().items():
            torch.save(weights, tmp_path / f"{component}.pkl")
    loaded = loading.load_model(SPEC, device=CPU, dtype=torch.float32, checkpoint=path)
    assert isinstance(loaded.model, ifunet.IfUnet)
    ours = loaded.model.get_parameter("flownet.fmap.conv5.attention.channel.0.bias")
    assert torch.equal(ours, recipe["flownet.fmap.conv5.cbam.ChannelGate.mlp.1.bias"])
    ours = loaded.model.get_parameter("flownet.block1.maskconv.weight")
    assert torch.equal(ours, recipe["flownet.block1.maskconvx8.weight"])


def test_published_layout_is_identified_without_what_inference_leaves_out():
    shapes = normalised_shapes()
    assert ifunet.identify(shapes) == "ifunet"
    assert not any("degrad" in key or "maskconvx" in key for key in shapes)


def test_missing_and_misshapen_tensors_are_refused_by_name():
    shapes = normalised_shapes()
    del shapes["flownet.block0.maskconv.bias"]
    shapes["fusionnet.conv_first.weight"] = (64, 12, 3, 3)
    expected = (
        "IFUNet ifunet, but flownet.block0.maskconv.bias is missing; "
        "fusionnet.conv_first.weight is (64, 12, 3, 3) instead of (64, 16, 3, 3)"
    )
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        ifunet.identify(shapes)


def test_first_release_without_refinement_is_refused():
    shapes = {k: v for k, v in normalised_shapes().items() if not k.startswith("refinenet.")}
    with pytest.raises(CheckpointError, match=r"IFUNet ifunet, but refinenet\.\S+ is missing"):
        ifunet.identify(shapes)


@pytest.mark.parametrize("part", ["flownet", "fusionnet", "refinenet"])
def test_one_of_the_three_files_alone_is_refused_with_what_to_give(tmp_path, part):
    path = tmp_path / f"{part}.pkl"
    torch.save(as_published()[part], path)
    with pytest.raises(CheckpointError, match=rf"part '{part}' of IFUNet alone: give the folder"):
        loading.identify_checkpoint(path)


@pytest.mark.parametrize("name", ["rife_4.6", "gmfss_union", "film"])
def test_checkpoint_of_another_architecture_is_not_ours(name):
    assert ifunet.identify(manifest_shapes(load_manifest(name))) is None


def test_unknown_variant_is_refused_with_the_valid_ones():
    with pytest.raises(UnknownModelError, match="'xl' is not known; choose one of ifunet"):
        ifunet.build("xl")


def test_catalog_entry_agrees_with_the_module():
    model = golden_model()
    assert sum(parameter.numel() for parameter in model.parameters()) == SPEC.parameters
    assert SPEC.pad_multiple % ifunet.SIDE_MULTIPLE == 0
    assert (SPEC.timesteps, SPEC.yields_flow, SPEC.ensemble) == ("any", True, True)
