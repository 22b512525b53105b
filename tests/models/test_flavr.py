"""FLAVR against the reference's results, and what the model promises beyond them."""

from __future__ import annotations

import functools

import pytest
import torch

from blender_vfi.errors import CheckpointError, FrameError, RequestError, UnknownModelError
from blender_vfi.models import flavr, recognition
from blender_vfi.models.catalog_flavr import FLAVR_MODELS
from blender_vfi.models.interface import Quality

from ..golden_data import as_float, load_arrays, load_manifest, manifest_shapes, recipe_weights

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5
NAMES = ["flavr_2x", "flavr_4x", "flavr_8x"]


def shapes_of(weights):
    return {key: tuple(tensor.shape) for key, tensor in weights.items()}


@functools.lru_cache(maxsize=1)  # 170 MB each
def golden_model(name):
    weights = flavr.normalise_state_dict(recipe_weights(load_manifest(name)))
    return recognition.build("flavr", flavr.identify(shapes_of(weights)), weights, f"{name}.json")


def golden_frames(name):
    return list(as_float(load_arrays(name)["frames"]).split(1))


def interpolate(model, frames, *timesteps):
    with torch.inference_mode():
        return model(frames, [model.encode(frame) for frame in frames], timesteps, Quality())


def farthest(result, expected):
    return (result - expected).abs().max().item()


@pytest.mark.parametrize("name", NAMES)
def test_recipe_weights_give_the_reference_results(name):
    manifest, arrays, frames = load_manifest(name), load_arrays(name), golden_frames(name)
    (case,) = manifest["cases"]
    model = golden_model(name)
    with torch.inference_mode():
        unclamped = model.make_all(torch.stack(frames, dim=2))
    assert farthest(unclamped, arrays[case["output"]]) < TOLERANCE
    result = interpolate(model, frames, *case["timesteps"])
    assert farthest(result.frames, arrays[case["output"]].clamp(0, 1)) < TOLERANCE
    assert list(model.variant.timesteps) == case["timesteps"]


@pytest.mark.parametrize("name", NAMES)
def test_encoder_gives_the_reference_tensors(name):
    arrays = load_arrays(name)
    volume = torch.stack(golden_frames(name), dim=2)
    with torch.inference_mode():
        outputs = golden_model(name).encoder(volume - volume.mean(dim=(2, 3, 4), keepdim=True))
    assert len(outputs) == 5
    for index, output in enumerate(outputs):
        assert farthest(output[:, :2], arrays[f"enc{index}_first2"]) < 5e-5


def test_timesteps_are_selected_in_the_order_asked_for():
    model, frames = golden_model("flavr_8x"), golden_frames("flavr_8x")
    every = interpolate(model, frames, *model.variant.timesteps).frames
    chosen = interpolate(model, frames, 0.875, 0.125, 0.5)
    assert torch.equal(chosen.frames, every[[6, 0, 3]])
    assert chosen.flow_t0 is chosen.flow_t1 is chosen.mask is None


@pytest.mark.parametrize(
    ("variant", "timestep", "made"), [("2x", 0.25, "0.5"), ("4x", 0.3, "0.25, 0.5, 0.75")]
)
def test_moment_that_is_not_made_is_refused_with_those_that_are(variant, timestep, made):
    with pytest.raises(RequestError, match=rf"{timestep} .*FLAVR {variant}.*makes {made};"):
        interpolate(flavr.build(variant), [torch.zeros(1, 3, 8, 8)] * 4, timestep)


def test_two_frames_are_refused_with_the_number_needed():
    with pytest.raises(RequestError, match="2 frames and needs 4"):
        interpolate(flavr.build("2x"), [torch.zeros(1, 3, 8, 8)] * 2, 0.5)


def test_unpadded_frame_is_refused_with_the_multiple():
    with pytest.raises(FrameError, match=r"20×16.*multiples of 8"):
        interpolate(flavr.build("2x"), [torch.zeros(1, 3, 16, 20)] * 4, 0.5)


def test_smallest_padded_frame_works():
    noise = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    result = interpolate(golden_model("flavr_8x"), noise.split(1), 0.5)
    assert result.frames.shape == (1, 3, 8, 8)
    assert torch.isfinite(result.frames).all()


def test_values_outside_the_range_are_clamped():
    model, wild = golden_model("flavr_8x"), [f * 3 - 1 for f in golden_frames("flavr_8x")]
    expected = interpolate(model, [frame.clamp(0, 1) for frame in wild], 0.5).frames
    result = interpolate(model, wild, 0.5).frames
    assert torch.equal(result, expected)
    assert 0 <= result.min() <= result.max() <= 1


def test_order_of_frames_matters():
    model, frames = golden_model("flavr_8x"), golden_frames("flavr_8x")
    swapped = [frames[index] for index in (0, 2, 1, 3)]
    difference = farthest(
        interpolate(model, frames, 0.5).frames, interpolate(model, swapped, 0.5).frames
    )
    assert difference > 0.05


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions_stay_close(dtype):
    frames = golden_frames("flavr_8x")
    exact = interpolate(golden_model("flavr_8x"), frames, 0.5).frames
    model = flavr.build("8x")
    model.load_state_dict(golden_model("flavr_8x").state_dict())
    result = interpolate(model.to(dtype), [frame.to(dtype) for frame in frames], 0.5).frames
    assert result.dtype == dtype
    limit = {torch.bfloat16: 2e-2, torch.float64: 1e-6}[dtype]
    assert (result.float() - exact).abs().mean() < limit


@pytest.mark.parametrize("name", NAMES)
def test_shapes_tell_the_variants_apart_with_or_without_the_training_prefix(name):
    with torch.device("meta"):
        weights = {key: torch.empty(s) for key, s in manifest_shapes(load_manifest(name)).items()}
    wrapped = {f"module.{key}": tensor for key, tensor in weights.items()}
    for published in (weights, wrapped):
        normalised = flavr.normalise_state_dict(published)
        assert flavr.identify(shapes_of(normalised)) == name.removeprefix("flavr_")


def test_missing_tensor_is_refused_by_name():
    shapes = manifest_shapes(load_manifest("flavr_4x"))
    del shapes["decoder.3.conv.0.bias"]
    with pytest.raises(CheckpointError, match=r"FLAVR 4x, but decoder\.3\.conv\.0\.bias is missi"):
        flavr.identify(shapes)


@pytest.mark.parametrize("name", ["film", "rife_4.25"])
def test_checkpoint_of_another_architecture_is_not_ours(name):
    assert flavr.identify(manifest_shapes(load_manifest(name))) is None


def test_unknown_variant_is_refused_with_the_valid_ones():
    with pytest.raises(UnknownModelError, match=r"'3x' is not known; choose one of 2x, 4x, 8x"):
        flavr.build("3x")


def test_catalog_counts_every_weight_and_lists_every_variant():
    counts = [load_manifest(name)["params"]["elements"] for name in NAMES]
    assert [spec.parameters for spec in FLAVR_MODELS] == counts
    assert [spec.variant for spec in FLAVR_MODELS] == list(flavr.VARIANTS)
    assert {(spec.context, spec.timesteps) for spec in FLAVR_MODELS} == {(4, "fixed")}
