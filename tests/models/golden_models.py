"""Builds any architecture with a golden file's weights, and runs it on the file's frames."""

from __future__ import annotations

import torch

from blender_vfi.models.interface import Quality

from ..golden_data import as_float, load_arrays, load_manifest, manifest_shapes, recipe_weights


def golden_model(architecture, name):
    """Build `architecture`, a module, with the recipe weights of the golden file `name`."""
    weights = architecture.normalise_state_dict(recipe_weights(load_manifest(name)))
    variant = architecture.identify({key: tuple(t.shape) for key, t in weights.items()})
    model = architecture.build(variant)
    model.load_state_dict(weights, strict=True)
    return model.requires_grad_(False)


def golden_pair(name):
    arrays = load_arrays(name)
    return [as_float(arrays["img0"]), as_float(arrays["img1"])]


def golden_shapes(name):
    return dict(manifest_shapes(load_manifest(name)))


def interpolate(model, frames, *timesteps, quality=None):
    with torch.inference_mode():
        features = [model.encode(frame) for frame in frames]
        return model(frames, features, timesteps, quality or Quality())


def small_pair(height, width):
    """Make two smooth frames of the same noise, the second moved and a little changed."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(2, 3, 8, 8, generator=generator)
    coarse[1] = 0.8 * coarse[0].roll(1, -1) + 0.2 * coarse[1]
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return list(smooth.split(1))


def farthest(result, expected):
    return (result - expected).abs().max().item()


def assert_batch_equals_one_by_one(model, frames, timesteps, *, picture, flow):
    """Check all that a batch yields against single calls, within two tolerances."""
    together = interpolate(model, frames, *timesteps)
    for index, timestep in enumerate(timesteps):
        alone = interpolate(model, frames, timestep)
        for field in ("frames", "flow_t0", "flow_t1", "mask"):
            whole, single = getattr(together, field), getattr(alone, field)
            assert len(whole) == len(timesteps)
            tolerance = flow if field.startswith("flow") else picture
            assert farthest(whole[index], single[0]) < tolerance, (field, timestep)


def assert_precision_stays_close(model, frames, dtype, *, mean_difference):
    """Check that `model` runs in `dtype`, that its pictures stay close and its flows exact."""
    exact = interpolate(model, frames, 0.5, 0.2)
    result = interpolate(model.to(dtype), [frame.to(dtype) for frame in frames], 0.5, 0.2)
    assert result.frames.dtype == result.mask.dtype == dtype
    flow_dtype = torch.promote_types(dtype, torch.float32)
    assert result.flow_t0.dtype == result.flow_t1.dtype == flow_dtype
    assert (result.frames.float() - exact.frames).abs().mean() < mean_difference
