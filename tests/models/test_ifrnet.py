"""IFRNet against the reference's results, its files, and what the model promises beyond them."""

from __future__ import annotations

import re

import pytest
import torch

from blender_vfi.errors import CheckpointError, FrameError, UnknownModelError
from blender_vfi.models import ifrnet
from blender_vfi.models.catalog_ifrnet import IFRNET_MODELS
from blender_vfi.models.ifrnet_blocks import resize_flow, working_size
from blender_vfi.models.interface import Quality
from blender_vfi.models.warp import warp

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
# flows of up to 30 px steer what is fetched, and the reference itself is that far from float64
DECODER_TOLERANCE = 5e-5
FLOW_TOLERANCE = 1e-3
GOLDEN = golden_names("ifrnet*")
VARIANT = {"ifrnet": "base", "ifrnet_s": "s", "ifrnet_l": "l"}


@pytest.mark.parametrize("name", GOLDEN)
def test_recipe_weights_give_the_reference_results(name):
    manifest, arrays, frames = load_manifest(name), load_arrays(name), golden_pair(name)
    model = golden_model(ifrnet, name)
    for case in manifest["cases"]:
        quality = Quality(flow_scale=case["scale_factor"])
        result = interpolate(model, frames, case["timestep"], quality=quality)
        assert farthest(result.frames, arrays[case["output"]]) < TOLERANCE, case


@pytest.mark.parametrize("name", GOLDEN)
def test_every_decoder_gives_the_reference_tensors(name):
    arrays, model, outputs = load_arrays(name), golden_model(ifrnet, name), {}
    for level in range(1, 5):
        model.get_submodule(f"decoder{level}").register_forward_hook(
            lambda _, __, output, level=level: outputs.update({level: output})
        )
    interpolate(model, golden_pair(name), 0.5)
    for level, output in outputs.items():
        assert farthest(output[:, :8], arrays[f"decoder{level}_first8"]) < DECODER_TOLERANCE, level
    assert sorted(outputs) == [1, 2, 3, 4]


def test_batch_of_timesteps_equals_one_by_one():
    model, frames = golden_model(ifrnet, "ifrnet_s"), golden_pair("ifrnet_s")
    assert_batch_equals_one_by_one(
        model, frames, (0.8, 0.1, 0.5), picture=TOLERANCE, flow=FLOW_TOLERANCE
    )


def test_encoder_runs_once_however_many_timesteps():
    model, frames, runs = golden_model(ifrnet, "ifrnet_s"), golden_pair("ifrnet_s"), []
    model.encoder.register_forward_hook(lambda *_: runs.append(1))
    interpolate(model, frames, 0.2, 0.4, 0.6)
    assert runs == [1]


def test_brightness_of_both_frames_only_shifts_the_result():
    model = golden_model(ifrnet, "ifrnet_s")
    frames = [frame * 0.2 + 0.3 for frame in golden_pair("ifrnet_s")]
    dim = interpolate(model, frames, 0.5)
    bright = interpolate(model, [frame + 0.25 for frame in frames], 0.5)
    unclamped = (dim.frames > 0) & (bright.frames < 1)
    assert unclamped.float().mean() > 0.9
    assert farthest(bright.frames[unclamped], dim.frames[unclamped] + 0.25) < TOLERANCE
    assert farthest(bright.flow_t0, dim.flow_t0) < FLOW_TOLERANCE


def test_picture_is_the_blend_of_what_flows_and_mask_say_and_the_residual():
    model, frames = golden_model(ifrnet, "ifrnet_s"), golden_pair("ifrnet_s")
    last = model.decoder1.convblock[2]
    for parameter in (last.weight.transpose(0, 1), last.bias):
        parameter[5:] = 0
    result = interpolate(model, frames, 0.3)
    assert 0 <= result.mask.min() <= result.mask.max() <= 1
    blend = warp(frames[0], result.flow_t0) * result.mask
    blend += warp(frames[1], result.flow_t1) * (1 - result.mask)
    assert farthest(result.frames, blend) < TOLERANCE


@pytest.mark.parametrize(
    ("dtype", "mean_difference"),
    [(torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.float64, 1e-6)],
)
def test_other_precisions_stay_close(dtype, mean_difference):
    model, frames = golden_model(ifrnet, "ifrnet_s"), golden_pair("ifrnet_s")
    assert_precision_stays_close(model, frames, dtype, mean_difference=mean_difference)


def test_memory_format_does_not_change_the_result():
    model, frames = golden_model(ifrnet, "ifrnet_s"), golden_pair("ifrnet_s")
    expected = interpolate(model, frames, 0.5, 0.2)
    frames = [frame.to(memory_format=torch.channels_last) for frame in frames]
    result = interpolate(model.to(memory_format=torch.channels_last), frames, 0.5, 0.2)
    assert farthest(result.frames, expected.frames) < TOLERANCE


@pytest.mark.parametrize("flow_scale", [0.25, 0.5, 0.75, 1, 2, 4])
def test_smallest_padded_frame_works_at_every_flow_scale(flow_scale):
    frames, quality = small_pair(16, 16), Quality(flow_scale=flow_scale)
    result = interpolate(golden_model(ifrnet, "ifrnet_s"), frames, 0.4, quality=quality)
    assert result.frames.shape == (1, 3, 16, 16)
    assert torch.isfinite(result.frames).all()


def test_unpadded_frame_is_refused_with_the_multiple():
    with pytest.raises(FrameError, match=r"40×32.*IFRNet.*multiples of 16"):
        interpolate(ifrnet.build("s"), small_pair(32, 40), 0.5)


@pytest.mark.parametrize(
    ("flow_scale", "size"), [(1, (48, 96)), (0.5, (32, 48)), (0.25, (16, 32)), (2, (96, 192))]
)
def test_motion_is_searched_at_a_size_that_divides(flow_scale, size):
    assert working_size((48, 96), flow_scale, multiple=16) == size


def test_flow_is_scaled_along_each_axis_by_itself():
    flow = torch.tensor([1.0, 10.0, 2.0, 20.0]).view(1, 4, 1, 1).expand(-1, -1, 4, 8)
    resized = resize_flow(flow, (2, 24))
    assert resized.shape == (1, 4, 2, 24)
    assert resized[0, :, 0, 0].tolist() == [3, 5, 6, 10]


@pytest.mark.parametrize("name", GOLDEN)
def test_published_layout_is_identified(name):
    assert ifrnet.identify(golden_shapes(name)) == VARIANT[name]


def test_wrapper_prefix_is_dropped():
    published = {"module.decoder1.convblock.2.bias": torch.zeros(8)}
    assert list(ifrnet.normalise_state_dict(published)) == ["decoder1.convblock.2.bias"]


@pytest.mark.parametrize("name", ["amt_s", "amt_l", "rife_4.6"])
def test_foreign_layout_is_not_claimed(name):
    assert ifrnet.identify(golden_shapes(name)) is None


def test_changed_layout_is_refused_and_the_tensors_are_named():
    shapes = golden_shapes("ifrnet_l")
    del shapes["decoder2.convblock.1.prelu.weight"]
    shapes["encoder.pyramid1.0.0.weight"] = (64, 3, 3, 3)
    expected = (
        "IFRNet l, but decoder2.convblock.1.prelu.weight is missing; "
        "encoder.pyramid1.0.0.weight is (64, 3, 3, 3) instead of (64, 3, 7, 7)"
    )
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        ifrnet.identify(shapes)


def test_unknown_variant_lists_the_known_ones():
    with pytest.raises(UnknownModelError, match="'xl' is not known; choose one of s, base, l"):
        ifrnet.build("xl")


@pytest.mark.parametrize("spec", IFRNET_MODELS, ids=lambda spec: spec.name)
def test_catalog_entry_agrees_with_the_module(spec):
    model = ifrnet.build(spec.variant)
    assert sum(parameter.numel() for parameter in model.parameters()) == spec.parameters
    assert spec.pad_multiple == ifrnet.PAD_MULTIPLE
    assert spec.timesteps == ("any" if spec.name.endswith("-gopro") else "middle")
