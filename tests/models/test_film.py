"""FILM against the reference's results, and what the model promises beyond them."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from torch import nn

from blender_vfi.errors import CheckpointError, FrameError, UnknownModelError
from blender_vfi.models import film, recognition, state_dicts
from blender_vfi.models.catalog_film import FILM_MODELS
from blender_vfi.models.interface import Quality

from ..golden_data import as_float, load_arrays, load_manifest, manifest_shapes, recipe_weights

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5
FLOW_TOLERANCE_PX = 1e-4


def shapes_of(weights):
    return {key: tuple(tensor.shape) for key, tensor in weights.items()}


def normalised_shapes(name):
    with torch.device("meta"):
        weights = {key: torch.empty(s) for key, s in manifest_shapes(load_manifest(name)).items()}
    return shapes_of(film.normalise_state_dict(weights))


@pytest.fixture(scope="module")
def published():
    return recipe_weights(load_manifest("film"))


@pytest.fixture(scope="module")
def model(published):
    weights = film.normalise_state_dict(published)
    return recognition.build("film", film.identify(shapes_of(weights)), weights, "film.json")


@pytest.fixture(scope="module")
def frames():
    arrays = load_arrays("film")
    return [as_float(arrays["img0"]), as_float(arrays["img1"])]


def interpolate(model, frames, *timesteps):
    with torch.inference_mode():
        return model(frames, [model.encode(frame) for frame in frames], timesteps, Quality())


def farthest(result, expected):
    return (result - expected).abs().max().item()


@pytest.mark.parametrize("case", load_manifest("film")["cases"], ids=lambda case: case["output"])
def test_recipe_weights_give_the_reference_results(model, frames, case):
    expected = load_arrays("film")[case["output"]]
    assert farthest(interpolate(model, frames, case["timestep"]).frames, expected) < TOLERANCE


def test_flow_pyramids_are_the_reference_ones(model, frames):
    arrays = load_arrays("film")
    with torch.inference_mode():
        flows = model.motion([model.encode(frame) for frame in frames])
    assert [tuple(flow.shape[-2:]) for flow in flows[-2:]] == [(2, 3), (1, 1)]
    for level, flow in enumerate(flows[:5]):
        assert farthest(flow[:1], arrays[f"forward_flow_{level}"]) < FLOW_TOLERANCE_PX
        assert farthest(flow[1:], arrays[f"backward_flow_{level}"]) < FLOW_TOLERANCE_PX


def test_batch_of_timesteps_equals_one_by_one(model, frames):
    timesteps = (0.8, 0.25, 0.5)
    together = interpolate(model, frames, *timesteps)
    for index, timestep in enumerate(timesteps):
        alone = interpolate(model, frames, timestep)
        assert farthest(together.frames[index], alone.frames[0]) < TOLERANCE
        assert farthest(together.flow_t0[index], alone.flow_t0[0]) < FLOW_TOLERANCE_PX
        assert farthest(together.flow_t1[index], alone.flow_t1[0]) < FLOW_TOLERANCE_PX


def test_flows_are_the_finest_ones_for_their_part_of_the_way_and_have_no_mask(model, frames):
    arrays = load_arrays("film")
    result = interpolate(model, frames, 0.25)
    assert farthest(result.flow_t0, arrays["backward_flow_0"] * 0.25) < FLOW_TOLERANCE_PX
    assert farthest(result.flow_t1, arrays["forward_flow_0"] * 0.75) < FLOW_TOLERANCE_PX
    assert result.mask is None
    assert not any(spec.yields_flow for spec in FILM_MODELS)


def test_features_run_once_per_frame_however_many_timesteps(model, frames):
    runs = []
    handle = model.features.register_forward_hook(lambda *_: runs.append(1))
    interpolate(model, frames, 0.2, 0.4)
    handle.remove()
    assert len(runs) == 2


def test_values_outside_the_range_are_clamped_on_both_ends(model, frames):
    wild = [frame * 3 - 1 for frame in frames]
    expected = interpolate(model, [frame.clamp(0, 1) for frame in wild], 0.5)
    assert torch.equal(interpolate(model, wild, 0.5).frames, expected.frames)
    bias = model.fusion.output.bias
    bias.add_(0.5)
    bright = interpolate(model, frames, 0.5).frames
    bias.sub_(0.5)
    assert bright.max() == 1


@pytest.mark.parametrize("size", [(64, 64), (67, 65)])
def test_smallest_and_odd_sides_work(model, size):
    noise = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    result = interpolate(model, noise.split(1), 0.5)
    assert result.frames.shape == (1, 3, *size)
    assert torch.isfinite(result.frames).all()


def test_side_below_64_is_refused_with_the_requirement(model):
    with pytest.raises(FrameError, match=r"96×63.*64 or more"):
        model.encode(torch.zeros(1, 3, 63, 96))


@pytest.mark.parametrize(
    ("dtype", "limit"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.float64, 1e-6)]
)
def test_other_precisions_stay_close_and_keep_exact_flows(model, frames, dtype, limit):
    frames = [frame[..., :64] for frame in frames]  # a CPU is slow in half precision
    exact = interpolate(model, frames, 0.2)
    other = film.build("film").requires_grad_(False)
    other.load_state_dict(model.state_dict())
    result = interpolate(other.to(dtype), [frame.to(dtype) for frame in frames], 0.2)
    assert result.frames.dtype == dtype
    assert result.flow_t0.dtype == torch.promote_types(dtype, torch.float32)
    assert (result.frames.float() - exact.frames).abs().mean() < limit


def test_prefix_of_data_parallel_training_is_dropped(published):
    wrapped = {f"module.{key}": tensor for key, tensor in published.items()}
    assert film.normalise_state_dict(wrapped).keys() == film.build("film").state_dict().keys()


def test_unknown_names_are_kept_for_the_report(published):
    weights = film.normalise_state_dict({**published, "vgg.0.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"FILM film, but vgg\.0\.weight is left over"):
        film.identify(shapes_of(weights))


def test_other_width_is_refused_with_the_shapes():
    shapes = normalised_shapes("film") | {"fusion.output.weight": (3, 32, 1, 1)}
    expected = "fusion.output.weight is (3, 32, 1, 1) instead of (3, 64, 1, 1)"
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        film.identify(shapes)


@pytest.mark.parametrize("name", ["flavr_2x", "rife_4.25"])
def test_checkpoint_of_another_architecture_is_not_ours(name):
    assert film.identify(normalised_shapes(name)) is None


def test_unknown_variant_is_refused_with_the_valid_one():
    with pytest.raises(UnknownModelError, match=r"'vgg' is not known; choose one of film"):
        film.build("vgg")


def test_catalog_counts_every_weight_and_names_hashed_sources():
    count = load_manifest("film")["params"]["elements"]
    assert [spec.parameters for spec in FILM_MODELS] == [count, count]
    assert {spec.variant for spec in FILM_MODELS} <= set(film.VARIANTS)
    for spec in FILM_MODELS:
        (source,) = spec.checkpoint.sources
        assert source.filename.endswith(".pt")
        assert len(spec.checkpoint.sha256) == 64


def test_half_precision_torchscript_archive_gives_nearly_the_reference_result(
    tmp_path, published, frames
):
    """The form in which FILM is published."""
    archive = tmp_path / "film_net_fp16.pt"
    save_as_torchscript({key: tensor.half() for key, tensor in published.items()}, archive)
    weights = film.normalise_state_dict(state_dicts.read_state_dict(archive))
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    model = recognition.build("film", film.identify(shapes_of(weights)), weights, archive)
    result = interpolate(model, frames, 0.5)
    assert result.frames.dtype == torch.float32
    assert farthest(result.frames, load_arrays("film")["out_t0.5"]) < 5e-3


def save_as_torchscript(weights, path):
    """Save `weights` as the parameters of nested modules, in TorchScript's form."""
    root = nn.Module()
    for key, tensor in weights.items():
        *parents, name = key.split(".")
        module = root
        for parent in parents:
            if parent not in module._modules:
                module.add_module(parent, nn.Module())
            module = module._modules[parent]
        module.register_parameter(name, nn.Parameter(tensor))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its writer is; its files are not
        torch.jit.script(root).save(path)
