"""CAIN against the reference's results, its file, and what the model promises beyond them."""

from __future__ import annotations

import functools
import re

import pytest
import torch
from torch.nn.functional import pad

from blender_vfi.errors import CheckpointError, FrameError, RequestError, UnknownModelError
from blender_vfi.models import cain, loading, recognition
from blender_vfi.models.catalog_cain import CAIN_MODELS
from blender_vfi.models.interface import InterpolationModel

from ..engine.test_loop_models import run
from ..golden_data import load_arrays, load_manifest, manifest_shapes, recipe_weights
from .golden_models import farthest, golden_pair, golden_shapes, interpolate

pytestmark = pytest.mark.torch

TOLERANCE = 1e-5
REFERENCE_MULTIPLE = 128
(SPEC,) = CAIN_MODELS


@functools.cache  # 170 MB, and a second to draw
def golden_model() -> InterpolationModel:
    weights = cain.normalise_state_dict(recipe_weights(load_manifest("cain")))
    return recognition.build("cain", "cain", weights, "cain.json")


def normalised_shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        weights = {key: torch.empty(shape) for key, shape in golden_shapes("cain").items()}
    return {key: tuple(t.shape) for key, t in cain.normalise_state_dict(weights).items()}


def noise(height: int, width: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return list(torch.rand(2, 3, height, width, generator=generator).split(1))


def reference_middle(frames: list[torch.Tensor]) -> torch.Tensor:
    """Pad as the reference does: inside the network, on all sides, by mirroring."""
    height, width = frames[0].shape[-2:]
    extra = (-width % REFERENCE_MULTIPLE, -height % REFERENCE_MULTIPLE)
    left, top = extra[0] // 2, extra[1] // 2
    edges = (left, extra[0] - left, top, extra[1] - top)
    means = [frame.mean(dim=(2, 3), keepdim=True) for frame in frames]
    padded = [pad(f - mean, edges, mode="reflect") for f, mean in zip(frames, means, strict=True)]
    with torch.inference_mode():
        middle = golden_model().make_middle(*padded)
    return middle[..., top : top + height, left : left + width] + sum(means) / 2


def test_recipe_weights_give_the_reference_result():
    (case,) = load_manifest("cain")["cases"]
    assert case["timestep"] == 0.5
    expected = load_arrays("cain")[case["output"]]
    assert farthest(reference_middle(golden_pair("cain")), expected) < TOLERANCE


def test_frame_that_the_reference_does_not_pad_gives_its_result_clamped():
    frames = [frame.repeat(1, 1, 2, 1) for frame in golden_pair("cain")]
    assert frames[0].shape[-2:] == (128, 128)
    expected = reference_middle(frames)
    result = interpolate(golden_model(), frames, 0.5)
    assert farthest(result.frames, expected.clamp(0, 1)) < TOLERANCE
    assert farthest(result.frames, expected) > 0.1
    assert result.flow_t0 is result.flow_t1 is result.mask is None


def test_result_does_not_depend_on_the_batch_and_is_made_once():
    model, runs = golden_model(), []
    handle = model.head.register_forward_hook(lambda *_: runs.append(1))
    alone = interpolate(model, golden_pair("cain"), 0.5).frames
    together = interpolate(model, golden_pair("cain"), 0.5, 0.5).frames
    handle.remove()
    assert together.shape == (2, 3, 64, 128)
    assert torch.equal(together, alone.expand(2, -1, -1, -1))
    assert len(runs) == 2


def test_frames_that_go_in_stay_as_they_are():
    frames = golden_pair("cain")
    interpolate(golden_model(), frames, 0.5)
    assert all(map(torch.equal, frames, golden_pair("cain")))


def test_gradients_are_off():
    assert not any(parameter.requires_grad for parameter in golden_model().parameters())


def test_brightness_of_a_frame_counts_half():
    frames = [frame * 0.02 + 0.4 for frame in golden_pair("cain")]
    model = golden_model()
    dim = interpolate(model, frames, 0.5).frames
    bright = interpolate(model, [frames[0] + 0.1, frames[1]], 0.5).frames
    unclamped = (dim > 0) & (bright < 1)
    assert unclamped.float().mean() > 0.9
    assert farthest(bright[unclamped], dim[unclamped] + 0.05) < TOLERANCE


@pytest.mark.parametrize("timestep", [0.25, 0.499])
def test_any_other_moment_than_the_middle_is_refused(timestep):
    with pytest.raises(RequestError, match=rf"middle .*timestep {timestep}: ask for 0\.5"):
        interpolate(golden_model(), noise(16, 16), 0.5, timestep)


@pytest.mark.parametrize(("height", "width"), [(20, 16), (16, 20), (8, 16)])
def test_frame_that_does_not_fit_is_refused_with_what_does(height, width):
    with pytest.raises(FrameError, match=rf"{width}×{height}: CAIN.*multiples of 8 and at least 1"):
        interpolate(golden_model(), noise(height, width), 0.5)


def test_smallest_padded_frame_works():
    result = interpolate(golden_model(), noise(16, 16), 0.5)
    assert result.frames.shape == (1, 3, 16, 16)
    assert torch.isfinite(result.frames).all()


@pytest.mark.parametrize("multiplier", [2, 3, 4])
def test_loop_makes_every_frame_of_the_plan(multiplier):
    wanted, sink = run("cain", multiplier)
    assert sorted(sink.frames) == wanted
    assert all(torch.isfinite(frame).all() for frame in sink.frames.values())


def test_file_as_its_authors_save_it_is_recognised_and_loaded(tmp_path):
    recipe = recipe_weights(load_manifest("cain"))
    published = {
        "epoch": 199,
        "state_dict": {f"module.{key}": tensor for key, tensor in recipe.items()},
        "optimizer": {"state": {}, "param_groups": [{"lr": 2e-4}]},
        "best_psnr": 34.6,
    }
    path = tmp_path / "any name.bin"
    torch.save(published, path, _use_new_zipfile_serialization=False)
    loaded = loading.load_model(
        SPEC, device=torch.device("cpu"), dtype=torch.float32, checkpoint=path
    )
    assert isinstance(loaded.model, cain.Cain)
    assert loaded.spec == SPEC
    published_name = "encoder.interpolate.body.4.body.11.body.3.conv_du.2.bias"
    ours = loaded.model.get_parameter("groups.4.body.11.body.3.layers.2.bias")
    assert torch.equal(ours, recipe[published_name])


def test_published_layout_is_identified():
    assert cain.identify(normalised_shapes()) == "cain"


def test_missing_and_misshapen_tensors_are_refused_by_name():
    shapes = normalised_shapes()
    del shapes["tail.bias"]
    shapes["head.weight"] = (192, 192, 3, 3)
    expected = (
        "CAIN cain, but tail.bias is missing; head.weight is (192, 192, 3, 3) instead of "
        "(192, 384, 3, 3)"
    )
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        cain.identify(shapes)


@pytest.mark.parametrize("name", ["flavr_2x", "rife_4.6", "ifrnet"])
def test_checkpoint_of_another_architecture_is_not_ours(name):
    assert cain.identify(manifest_shapes(load_manifest(name))) is None


def test_unknown_variant_is_refused_with_the_valid_ones():
    with pytest.raises(UnknownModelError, match="'noca' is not known; choose one of cain"):
        cain.build("noca")


def test_catalog_entry_agrees_with_the_module():
    assert load_manifest("cain")["params"]["elements"] == SPEC.parameters
    assert (SPEC.pad_multiple, SPEC.smallest_side) == (cain.BLOCK_SIDE, cain.SMALLEST_SIDE)
    assert (SPEC.timesteps, SPEC.context, SPEC.yields_flow) == ("middle", 2, False)
