"""RIFE against the reference's results, and what the model promises beyond them."""

from __future__ import annotations

import hashlib

import pytest
import torch
from torch.nn.functional import pad

from blender_vfi.errors import FrameError
from blender_vfi.models import rife
from blender_vfi.models.interface import Quality
from blender_vfi.models.rife_bands import BandedMotion
from blender_vfi.models.rife_plain import PlainMotion
from blender_vfi.models.rife_sparse import SparseMotion
from blender_vfi.models.warp import warp

from ..golden_data import as_float, load_arrays, load_manifest, recipe_weights
from .rife_golden import REAL, RECIPE, expected_variant

pytestmark = pytest.mark.torch

RECIPE_TOLERANCE = 1e-5
REAL_TOLERANCE = 5e-4


def loaded(weights, variant=None):
    weights = rife.normalise_state_dict(weights)
    if variant is None:
        variant = rife.identify({key: tuple(tensor.shape) for key, tensor in weights.items()})
    if not variant.endswith(".refine"):
        weights = rife.drop_refinement(weights)
    model = rife.build(variant)
    model.load_state_dict(weights, strict=True)
    return model.requires_grad_(False)


def golden_model(name, variant=None):
    return loaded(recipe_weights(load_manifest(name)), variant)


def golden_pair(name):
    arrays = load_arrays(name)
    return [as_float(arrays["img0"]), as_float(arrays["img1"])]


def interpolate(model, frames, *timesteps, quality=None):
    with torch.inference_mode():
        features = [model.encode(frame) for frame in frames]
        return model(frames, features, timesteps, quality or Quality())


def small_pair(height=64, width=64, dtype=torch.float32):
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(2, 3, 8, 8, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return [frame.to(dtype) for frame in smooth.split(1)]


def farthest(result, expected):
    return (result - expected).abs().max().item()


def quality_of(case):
    return Quality(flow_scale=case.get("scale", 1.0), ensemble=case.get("ensemble", False))


@pytest.mark.parametrize("name", RECIPE)
def test_recipe_weights_give_the_reference_results(name):
    manifest, arrays, frames = load_manifest(name), load_arrays(name), golden_pair(name)
    weights = recipe_weights(manifest)
    for case in manifest["cases"]:
        variant = expected_variant(name)
        if case.get("fast_mode"):
            variant = variant.removesuffix(".refine")
        model = loaded(weights, variant)
        result = interpolate(model, frames, case["timestep"], quality=quality_of(case))
        assert farthest(result.frames, arrays[case["output"]]) < RECIPE_TOLERANCE, case


@pytest.mark.parametrize("kind", [PlainMotion, SparseMotion, BandedMotion])
@pytest.mark.parametrize(
    "name", [name for name in RECIPE if "block0_flow_t0.5" in load_manifest(name)["arrays"]]
)
def test_first_block_and_head_give_the_reference_tensors(name, kind):
    arrays, frames, model = load_arrays(name), golden_pair(name), golden_model(name)
    with torch.inference_mode():
        encoded = [source for frame in frames for source in model.encode(frame)]
        motion = kind(encoded or frames, torch.full((1, 1, 1, 1), 0.5), adds_masks=False)
        size = tuple(side // model.variant.scales[0] for side in frames[0].shape[-2:])
        motion.add(motion.correction(model.blocks[0], size, is_last=False))
    flow, mask = motion.result()
    assert farthest(flow, arrays["block0_flow_t0.5"]) < RECIPE_TOLERANCE
    assert farthest(mask, arrays["block0_mask_t0.5"]) < RECIPE_TOLERANCE
    assert len(encoded) == (2 if "encode0_first4" in arrays else 0)
    for source in encoded[:1]:
        assert torch.equal(source[:, :3], frames[0])
        assert farthest(source[:, 3:7], arrays["encode0_first4"]) < RECIPE_TOLERANCE


@pytest.mark.parametrize("name", REAL)
def test_real_weights_give_the_reference_results(name, real_checkpoint):
    manifest, arrays = load_manifest(name), load_arrays(name)
    path = real_checkpoint(name.replace("_", "-").replace("-real", ".pkl"))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest["weights_sha256"]
    weights = torch.load(path, map_location="cpu", weights_only=True)
    variant = expected_variant(name).removesuffix(".refine")
    model = loaded(weights, variant)
    for case in manifest["cases"]:
        frames, (top, left) = golden_pair(name), (0, 0)
        height, width = arrays[case["output"]].shape[-2:]
        if case["crop"]:
            assert case["crop"] == "img[:, :, 5:105, 3:183]"
            top, left = 5, 3
        frames = [frame[..., top : top + height, left : left + width] for frame in frames]
        multiple = rife.pad_multiple(variant)
        padded = [pad(frame, (0, -width % multiple, 0, -height % multiple)) for frame in frames]
        result = interpolate(model, padded, case["timestep"], quality=quality_of(case))
        difference = farthest(result.frames[..., :height, :width], arrays[case["output"]])
        assert difference < REAL_TOLERANCE, case


def test_real_weights_beat_the_average_on_a_hidden_frame(real_checkpoint):
    manifest, arrays = load_manifest("rife_4.25_real"), load_arrays("rife_4.25_real")
    weights = torch.load(real_checkpoint("rife-4.25.pkl"), map_location="cpu", weights_only=True)
    result = interpolate(loaded(weights), golden_pair("rife_4.25_real"), 0.5)
    error = (result.frames - as_float(arrays["truth_mid"])).square().mean()
    assert -10 * error.log10() > manifest["checks"]["psnr_average"] + 4


@pytest.mark.parametrize(
    ("variant", "flow_scale", "multiple"),
    [
        ("4.6", 1, 32),
        ("4.6", 0.25, 128),
        ("4.6", 4, 8),
        ("4.0", 1, 64),
        ("4.0.refine", 4, 16),
        ("4.2.refine", 1, 32),
        ("4.25", 1, 64),
        ("4.25", 0.5, 128),
        ("4.25.lite", 1, 128),
        ("4.25.lite", 0.25, 512),
    ],
)
def test_padding_follows_scales(variant, flow_scale, multiple):
    assert rife.pad_multiple(variant, flow_scale) == multiple


@pytest.mark.parametrize("flow_scale", [0.25, 0.5, 0.75, 1, 2, 4])
def test_smallest_padded_frame_works(flow_scale):
    side = rife.pad_multiple("4.15.lite", flow_scale)
    result = interpolate(
        rife.build("4.15.lite"), small_pair(side, side), 0.4, quality=Quality(flow_scale=flow_scale)
    )
    assert result.frames.shape == (1, 3, side, side)
    assert torch.isfinite(result.frames).all()


def test_unpadded_frame_is_refused_with_the_multiple():
    with pytest.raises(FrameError, match=r"96×64.*4\.25.*flow scale 1.*multiples of 64"):
        interpolate(rife.build("4.25"), small_pair(64, 96), 0.5)


BATCHED = ["rife_4.0", "rife_4.0_bigmotion", "rife_4.0_refine", "rife_4.7", "rife_4.21"]


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("name", [*BATCHED, "rife_4.25"])
def test_batch_of_timesteps_equals_one_by_one(name, ensemble):
    model, frames, quality = golden_model(name), golden_pair(name), Quality(ensemble=ensemble)
    timesteps = (0.75, 0.1, 0.5)
    together = interpolate(model, frames, *timesteps, quality=quality)
    for index, timestep in enumerate(timesteps):
        alone = interpolate(model, frames, timestep, quality=quality)
        for field in ("frames", "flow_t0", "flow_t1", "mask"):
            whole, single = getattr(together, field), getattr(alone, field)
            assert whole.shape[0] == len(timesteps)
            tolerance = 1e-3 if field.startswith("flow") else RECIPE_TOLERANCE
            assert farthest(whole[index], single[0]) < tolerance, field


@pytest.mark.parametrize(("ensemble", "shrinkage"), [(False, 0.62), (True, 0.74)])
def test_large_motion_is_decided_for_each_timestep(ensemble, shrinkage):
    """A block made to report 29 to 37 px, by timestep, around the limit of 32."""
    model, frames = golden_model("rife_4.0_bigmotion"), golden_pair("rife_4.0_bigmotion")
    for parameter in model.blocks[1].lastconv.parameters():
        parameter.mul_(shrinkage)
    batches = []
    model.blocks[2].convblock.register_forward_pre_hook(
        lambda _, inputs: batches.append((len(inputs[0]), tuple(inputs[0].shape[-2:])))
    )
    timesteps, quality = (0.98, 0.02, 0.75, 0.25), Quality(ensemble=ensemble)
    together = interpolate(model, frames, *timesteps, quality=quality)
    calls = 2 if ensemble else 1
    assert batches == [(2, (8, 16))] * calls + [(2, (4, 8))] * calls
    for index, timestep in enumerate(timesteps):
        alone = interpolate(model, frames, timestep, quality=quality)
        assert farthest(together.frames[index], alone.frames[0]) < RECIPE_TOLERANCE
        assert farthest(together.flow_t1[index], alone.flow_t1[0]) < 1e-3


def test_picture_is_the_blend_of_what_flows_and_mask_say():
    model, frames = golden_model("rife_4.25"), golden_pair("rife_4.25")
    result = interpolate(model, frames, 0.3)
    assert 0 <= result.mask.min() <= result.mask.max() <= 1
    blend = warp(frames[0], result.flow_t0) * result.mask
    blend += warp(frames[1], result.flow_t1) * (1 - result.mask)
    assert farthest(result.frames, blend) < 1e-6


def test_ensemble_is_ignored_where_it_was_never_released():
    model, frames = golden_model("rife_4.22.lite"), golden_pair("rife_4.22.lite")
    plain = interpolate(model, frames, 0.5)
    ensemble = interpolate(model, frames, 0.5, quality=Quality(ensemble=True))
    assert torch.equal(plain.frames, ensemble.frames)


def test_values_outside_the_range_are_clamped():
    model, frames = golden_model("rife_4.25"), golden_pair("rife_4.25")
    wild = [frame * 3 - 1 for frame in frames]
    expected = interpolate(model, [frame.clamp(0, 1) for frame in wild], 0.5)
    assert torch.equal(interpolate(model, wild, 0.5).frames, expected.frames)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", ["rife_4.0_bigmotion", "rife_4.3_refine", "rife_4.7", "rife_4.25"])
def test_other_precisions_stay_close(name, dtype):
    model, frames = golden_model(name), golden_pair(name)
    exact = interpolate(model, frames, 0.5, 0.2)
    result = interpolate(model.to(dtype), [frame.to(dtype) for frame in frames], 0.5, 0.2)
    assert result.frames.dtype == dtype
    assert result.mask.dtype == dtype
    assert result.flow_t0.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    difference = (result.frames.float() - exact.frames).abs().mean()
    assert difference < {torch.float16: 2e-3, torch.bfloat16: 2e-2, torch.float64: 1e-6}[dtype]


def test_memory_format_does_not_change_the_result():
    model, frames = golden_model("rife_4.0_bigmotion"), golden_pair("rife_4.0_bigmotion")
    expected = interpolate(model, frames, 0.5, 0.2)
    model = model.to(memory_format=torch.channels_last)
    frames = [frame.to(memory_format=torch.channels_last) for frame in frames]
    result = interpolate(model, frames, 0.5, 0.2)
    assert farthest(result.frames, expected.frames) < RECIPE_TOLERANCE


def test_head_runs_once_per_frame_however_many_timesteps():
    model, frames = golden_model("rife_4.7"), golden_pair("rife_4.7")
    runs = []
    model.head.register_forward_hook(lambda *_: runs.append(1))
    interpolate(model, frames, 0.2, 0.4, 0.6, 0.8)
    assert len(runs) == 2
