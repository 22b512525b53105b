"""GMFSS against the reference's results, its files, and what the model promises beyond them."""

from __future__ import annotations

import hashlib

import pytest
import torch

from blender_vfi.errors import CheckpointError, FrameError, UnknownModelError
from blender_vfi.models import gmflow, gmfss, loading, rife, state_dicts
from blender_vfi.models.catalog_gmfss import GMFSS_MODELS
from blender_vfi.models.interface import Quality

from ..golden_data import (
    as_float,
    golden_names,
    load_arrays,
    load_manifest,
    manifest_shapes,
    recipe_weights,
)

pytestmark = pytest.mark.torch

REAL = golden_names("gmfss_*_real")
RECIPE = [name for name in golden_names("gmfss_*") if name not in REAL]
SPECS = {spec.variant: spec for spec in GMFSS_MODELS}

RECIPE_TOLERANCE = 5e-5
FLOW_TOLERANCE = 2e-3
METRIC_TOLERANCE = 2e-3
# a pixel on the edge of the occlusion test may fall on either side
REAL_TOLERANCE = 5e-3
REAL_MEAN_TOLERANCE = 2e-5


def variant_of(name):
    return name.split("_")[1]


def loaded(weights):
    weights = gmfss.normalise_state_dict(weights)
    model = gmfss.build(gmfss.identify({k: tuple(t.shape) for k, t in weights.items()}))
    model.load_state_dict(weights, strict=True)
    return model.requires_grad_(False)


def golden_model(name):
    return loaded(recipe_weights(load_manifest(name)))


def golden_pair(name):
    arrays = load_arrays(name)
    return [as_float(arrays["img0"]), as_float(arrays["img1"])]


def real_model(name, real_checkpoint):
    folder, manifest, weights = real_checkpoint("gmfss"), load_manifest(name), {}
    for component, filename in manifest["component_files"].items():
        content = (folder / filename).read_bytes()
        assert hashlib.sha256(content).hexdigest() == manifest["weights_sha256"][filename]
        for key, tensor in state_dicts.read_state_dict(folder / filename).items():
            weights[f"{component}.{key}"] = tensor
    return loaded(weights)


def interpolate(model, frames, *timesteps, quality=None):
    with torch.inference_mode():
        features = [model.encode(frame) for frame in frames]
        return model(frames, features, timesteps, quality or Quality())


def motion(model, frames):
    """Return the flows and metrics at half size, as `forward` finds them."""
    with torch.inference_mode():
        halves = [torch.nn.functional.avg_pool2d(frame, 2) for frame in frames]
        flows = model.flownet(*halves)
        return flows, model.metricnet(*halves, flows)


def farthest(result, expected):
    return (result - expected).abs().max().item()


def shapes_of(name):
    published = {
        key: torch.empty(shape, device="meta")
        for key, shape in manifest_shapes(load_manifest(name)).items()
    }
    return {key: tuple(t.shape) for key, t in gmfss.normalise_state_dict(published).items()}


@pytest.mark.parametrize("name", RECIPE)
def test_recipe_weights_give_the_reference_results(name):
    manifest, arrays = load_manifest(name), load_arrays(name)
    model, frames = golden_model(name), golden_pair(name)
    for case in manifest["cases"]:
        result = interpolate(model, frames, case["timestep"])
        assert farthest(result.frames, arrays[case["output"]]) < RECIPE_TOLERANCE, case


@pytest.mark.parametrize("name", RECIPE)
def test_recipe_weights_give_the_reference_flows_metrics_and_features(name):
    arrays, model, frames = load_arrays(name), golden_model(name), golden_pair(name)
    flows, metrics = motion(model, frames)
    assert farthest(flows, torch.cat((arrays["flow01"], arrays["flow10"]))) < FLOW_TOLERANCE
    assert farthest(metrics, torch.cat((arrays["metric0"], arrays["metric1"]))) < METRIC_TOLERANCE
    features = model.encode(frames[0])
    assert farthest(features[2][:, :2], arrays["feat0_3_first2"]) < 1e-5


@pytest.mark.parametrize("name", REAL)
def test_real_weights_give_the_reference_results(name, real_checkpoint):
    manifest, arrays, frames = load_manifest(name), load_arrays(name), golden_pair(name)
    model = real_model(name, real_checkpoint)
    flows, _ = motion(model, frames)
    assert farthest(flows[:1], arrays["flow01"]) < FLOW_TOLERANCE
    for case in manifest["cases"]:
        result = interpolate(model, frames, case["timestep"]).frames
        expected = arrays[case["output"]]
        assert farthest(result, expected) < REAL_TOLERANCE, case
        assert (result - expected).abs().mean() < REAL_MEAN_TOLERANCE, case


def test_real_union_beats_the_average_on_a_hidden_frame_in_either_precision(real_checkpoint):
    name = "gmfss_union_real"
    checks, truth = load_manifest(name)["checks"], as_float(load_arrays(name)["truth_mid"])
    model, frames = real_model(name, real_checkpoint), golden_pair(name)
    for dtype in (torch.float32, torch.float16):
        in_dtype = [frame.to(dtype) for frame in frames]
        result = interpolate(model.to(dtype), in_dtype, 0.5).frames.float()
        psnr = -10 * (result - truth).square().mean().log10()
        assert psnr > checks["psnr_average"] + 2.5


@pytest.mark.parametrize("name", RECIPE)
def test_batch_of_timesteps_equals_one_by_one(name):
    model, frames, timesteps = golden_model(name), golden_pair(name), (0.75, 0.1, 0.5)
    together = interpolate(model, frames, *timesteps)
    assert together.frames.shape == (3, *frames[0].shape[1:])
    for index, timestep in enumerate(timesteps):
        alone = interpolate(model, frames, timestep)
        assert farthest(together.frames[index], alone.frames[0]) < RECIPE_TOLERANCE


def test_motion_is_found_once_for_all_timesteps():
    model, frames = golden_model("gmfss_base"), golden_pair("gmfss_base")
    runs = []
    model.flownet.register_forward_hook(lambda *_: runs.append("flow"))
    model.metricnet.register_forward_hook(lambda *_: runs.append("metric"))
    interpolate(model, frames, 0.2, 0.4, 0.6, 0.8)
    assert runs == ["flow", "metric"]


def test_features_of_a_frame_are_those_handed_in():
    model, frames = golden_model("gmfss_base"), golden_pair("gmfss_base")
    runs = []
    model.feat_ext.register_forward_hook(lambda *_: runs.append(1))
    interpolate(model, frames, 0.2, 0.4)
    assert len(runs) == 2


def test_swapped_frames_give_the_mirrored_motion():
    model, frames = golden_model("gmfss_base"), golden_pair("gmfss_base")
    flows, _ = motion(model, frames)
    mirrored, _ = motion(model, frames[::-1])
    assert farthest(mirrored, flows.flip(0)) < FLOW_TOLERANCE


def test_global_attention_in_portions_finds_the_same_motion(monkeypatch):
    model, frames = golden_model("gmfss_base"), golden_pair("gmfss_base")
    flows, _ = motion(model, frames)
    monkeypatch.setattr(gmflow, "_LARGEST_SCORES", 2 * 64 * 5)
    in_portions, _ = motion(model, frames)
    assert farthest(in_portions, flows) < FLOW_TOLERANCE


def test_neither_flow_nor_mask_is_claimed():
    result = interpolate(golden_model("gmfss_base"), golden_pair("gmfss_base"), 0.5)
    assert result.flow_t0 is result.flow_t1 is result.mask is None
    assert not any(spec.yields_flow for spec in GMFSS_MODELS)


def test_values_outside_the_range_are_clamped():
    model, frames = golden_model("gmfss_union"), golden_pair("gmfss_union")
    wild = [frame * 3 - 1 for frame in frames]
    expected = interpolate(model, [frame.clamp(0, 1) for frame in wild], 0.5)
    result = interpolate(model, wild, 0.5)
    assert torch.equal(result.frames, expected.frames)
    assert 0 <= result.frames.min() <= result.frames.max() <= 1


@pytest.mark.parametrize("variant", gmfss.VARIANTS)
@pytest.mark.parametrize("size", [(64, 64), (64, 192)])
def test_smallest_padded_frame_works(variant, size):
    frames = [torch.rand(1, 3, *size), torch.rand(1, 3, *size)]
    result = interpolate(gmfss.build(variant), frames, 0.4)
    assert result.frames.shape == (1, 3, *size)
    assert torch.isfinite(result.frames).all()


def test_unpadded_frame_is_refused_with_the_multiple():
    frames = [torch.rand(1, 3, 64, 96), torch.rand(1, 3, 64, 96)]
    with pytest.raises(FrameError, match=r"96×64.*multiples of 64"):
        interpolate(gmfss.build("base"), frames, 0.5)


@pytest.mark.parametrize("flow_scale", [0.25, 0.5, 0.75, 2])
def test_flow_is_sought_at_the_scale_asked_for_and_in_pixels_of_the_frame(flow_scale):
    model, frames = gmfss.build("base"), [torch.rand(1, 3, 128, 256) for _ in range(2)]
    seen = []

    class Fixed(gmflow.GmFlow):
        def forward(self, image0, image1):
            seen.append(tuple(image0.shape[-2:]))
            # a motion of a tenth of each side
            flows = torch.ones(2, 2, *image0.shape[-2:])
            return flows * torch.tensor([image0.shape[-1], image0.shape[-2]]).view(1, 2, 1, 1) / 10

    model.flownet = Fixed()
    received = []
    model.metricnet.register_forward_pre_hook(lambda _, inputs: received.append(inputs[2]))
    interpolate(model, frames, 0.5, quality=Quality(flow_scale=flow_scale))
    height, width = seen[0]
    assert height % 32 == width % 32 == 0
    assert height == max(32, 32 * round(2 * flow_scale))
    assert received[0].shape == (2, 2, 64, 128)
    assert farthest(received[0], torch.tensor([12.8, 6.4]).view(1, 2, 1, 1)) < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_stay_close(dtype):
    model = golden_model("gmfss_base")
    frames = [frame[..., :64, :64] for frame in golden_pair("gmfss_base")]
    exact = interpolate(model, frames, 0.5).frames
    result = interpolate(model.to(dtype), [frame.to(dtype) for frame in frames], 0.5).frames
    assert result.dtype == dtype
    difference = (result.float() - exact).abs().mean()
    assert difference < {torch.float16: 2e-3, torch.bfloat16: 1e-2, torch.float64: 1e-6}[dtype]


@pytest.mark.parametrize("name", [*RECIPE, *REAL])
def test_every_published_layout_is_identified(name):
    weights = manifest_shapes_with_components(name)
    published = {key: torch.empty(shape, device="meta") for key, shape in weights.items()}
    shapes = {key: tuple(t.shape) for key, t in gmfss.normalise_state_dict(published).items()}
    assert gmfss.identify(shapes) == variant_of(name)


def manifest_shapes_with_components(name):
    manifest = load_manifest(name)
    if "state_dict" in manifest:
        return manifest_shapes(manifest)
    return {
        f"{component}.{key}": tuple(shape)
        for component, filename in manifest["component_files"].items()
        for key, shape in manifest["checkpoint_keys"][filename].items()
    }


@pytest.mark.parametrize("variant", gmfss.VARIANTS)
def test_normalising_own_weights_changes_nothing(variant):
    with torch.device("meta"):
        weights = gmfss.build(variant).state_dict()
    normalised = gmfss.normalise_state_dict(weights)
    assert set(normalised) == set(weights)
    assert gmfss.identify({key: tuple(t.shape) for key, t in normalised.items()}) == variant


def test_wrapper_prefixes_of_parts_are_dropped():
    tensor = torch.zeros(1)
    published = {
        "feat_ext.module.block1.0.weight": tensor,
        "fusionnet.residual_model_head.0.weight": tensor,
        "ifnet.module.block0.conv0.0.0.bias": tensor,
    }
    assert sorted(gmfss.normalise_state_dict(published)) == [
        "feat_ext.block1.0.weight",
        "fusionnet.residual_model_head0.0.weight",
        "ifnet.blocks.0.conv0.0.0.bias",
    ]


def test_missing_tensor_is_named():
    shapes = shapes_of("gmfss_union")
    del shapes["metricnet.metric_in.bias"]
    with pytest.raises(CheckpointError, match=r"GMFSS union, but metricnet\.metric_in\.bias is mi"):
        gmfss.identify(shapes)


def test_fusion_of_the_other_variant_is_named():
    shapes = shapes_of("gmfss_base")
    shapes["fusionnet.residual_model_head0.1.weight"] = (64, 9, 3, 3)
    with pytest.raises(CheckpointError, match=r"head0\.1\.weight is \(64, 9, 3, 3\) instead of"):
        gmfss.identify(shapes)


@pytest.mark.parametrize("component", ["flownet", "metricnet", "feat_ext", "fusionnet"])
def test_one_part_alone_is_refused_with_the_remedy(component):
    published = {
        key.removeprefix(f"{component}."): torch.empty(shape, device="meta")
        for key, shape in manifest_shapes_with_components("gmfss_base").items()
        if key.startswith(f"{component}.")
    }
    normalised = gmfss.normalise_state_dict(published)
    shapes = {key: tuple(tensor.shape) for key, tensor in normalised.items()}
    with pytest.raises(CheckpointError, match=f"part '{component}'.*give the folder"):
        gmfss.identify(shapes)


def test_foreign_layouts_are_not_claimed_by_either():
    with torch.device("meta"):
        of_rife = rife.build("4.6").state_dict()
    assert gmfss.identify({key: tuple(t.shape) for key, t in of_rife.items()}) is None
    assert gmfss.identify({}) is None
    assert rife.identify(shapes_of("gmfss_union")) is None


def test_unknown_variant_lists_the_known_ones():
    with pytest.raises(UnknownModelError, match=r"'pg104'.*base, union"):
        gmfss.build("pg104")


@pytest.mark.parametrize("variant", gmfss.VARIANTS)
def test_catalog_entry_agrees_with_architecture_and_manifest(variant):
    spec, manifest = SPECS[variant], load_manifest(f"gmfss_{variant}_real")
    with torch.device("meta"):
        model = gmfss.build(variant)
    assert sum(parameter.numel() for parameter in model.parameters()) == spec.parameters
    assert spec.parameters == load_manifest(f"gmfss_{variant}")["params"]["elements"]
    by_component = {part.component: part for part in spec.checkpoint.parts}
    assert {c: part.filename for c, part in by_component.items()} == manifest["component_files"]
    for part in by_component.values():
        assert part.sha256 == manifest["weights_sha256"][part.filename]


@pytest.mark.parametrize("variant", gmfss.VARIANTS)
def test_published_parts_are_stored_as_one_file_that_loads_offline(
    variant, real_checkpoint, tmp_path, monkeypatch
):
    spec = SPECS[variant]
    path = loading.import_checkpoint(spec, real_checkpoint("gmfss"), tmp_path)
    assert path == tmp_path / "gmfss" / f"gmfss-{variant}.safetensors"
    monkeypatch.setenv("BLENDER_VFI_CHECKPOINTS", str(tmp_path))
    options = {"device": torch.device("cpu"), "dtype": torch.float32, "offline": True}
    model = loading.load_model(spec, **options)
    assert model.sha256 == spec.checkpoint.sha256
    published = state_dicts.read_state_dict(real_checkpoint("gmfss") / "flownet.pkl")
    for key, tensor in published.items():
        assert torch.equal(model.model.flownet.state_dict()[key], tensor)
