"""TLB-VFI against the reference's results, its file, and what the model promises beyond them."""

from __future__ import annotations

import functools
import re

import pytest
import torch
from torch import nn

from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.padding import padded_side
from blender_vfi.engine.schedule import plan
from blender_vfi.errors import CheckpointError, FrameError, RequestError, UnknownModelError
from blender_vfi.models import loading, recognition, tlbvfi, tlbvfi_strips
from blender_vfi.models.catalog_tlbvfi import TLBVFI_MODELS
from blender_vfi.models.interface import Quality
from blender_vfi.models.warp import warp

from ..engine.test_loop import Sink
from ..engine.test_loop_models import run
from ..golden_data import load_arrays, load_manifest, manifest_shapes, recipe_weights
from .golden_models import farthest, golden_pair, golden_shapes, interpolate

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
TOLERANCE = 5e-5
(SPEC,) = TLBVFI_MODELS


@functools.cache  # 180 MB, and seconds to draw
def golden_weights() -> dict[str, torch.Tensor]:
    return recipe_weights(load_manifest("tlbvfi"))


@functools.cache
def golden_model() -> tlbvfi.TlbVfi:
    weights = tlbvfi.normalise_state_dict(golden_weights())
    return recognition.build("tlbvfi", "tlbvfi", weights, "tlbvfi.json")


@functools.cache
def golden_features() -> tuple[tuple[torch.Tensor, ...], ...]:
    with torch.inference_mode():
        return tuple(golden_model().encode(frame) for frame in golden_pair("tlbvfi"))


@functools.cache
def plain_result():
    """Return what the model makes of the golden pair with seed 0."""
    return interpolate(golden_model(), golden_pair("tlbvfi"), 0.5)


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def normalised_shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        weights = {key: torch.empty(shape) for key, shape in golden_shapes("tlbvfi").items()}
    return {key: tuple(t.shape) for key, t in tlbvfi.normalise_state_dict(weights).items()}


def noise(height: int, width: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return list(torch.rand(2, 3, height, width, generator=generator).split(1))


def as_stored(latent):
    """Put the frames of a latent on the batch axis, as the golden arrays have them."""
    return latent[0].transpose(0, 1)


def as_signed(picture):
    """Bring [0, 1] to the reference's [-1, 1]."""
    return picture * 2 - 1


@torch.inference_mode()
def test_every_stage_gives_the_reference_result():
    model, frames, features = golden_model(), golden_pair("tlbvfi"), golden_features()
    arrays = load_arrays("tlbvfi")
    known = model.make_latent(frames, [maps[-1] for maps in features])
    assert farthest(as_stored(known), arrays["latent"]) < TOLERANCE
    step = model.denoise_fn(torch.cat((known, known), dim=1), 999)
    assert farthest(step, arrays["unet_step0"]) < TOLERANCE
    latent = tlbvfi.walk(model.denoise_fn, known, arrays["noise"])
    assert farthest(as_stored(latent), arrays["latent_sampled"]) < TOLERANCE
    codes = tlbvfi.nearest_code(latent, model.get_parameter("quantize.embedding.weight"))
    assert farthest(as_stored(codes), arrays["latent_quantised"]) < 1e-6
    for case, flow_scale in zip(load_manifest("tlbvfi")["cases"], (1, 2), strict=True):
        assert case["scale"] == flow_scale / 2
        flow = model.find_motion(frames, features, Quality(flow_scale=flow_scale))
        if flow_scale == 1:
            assert farthest(flow[:, :, ::4, ::4], arrays["flow"]) < TOLERANCE
        made = model.decode(latent, frames, features, flow)
        stride = case.get("stride", 1)
        shown = as_signed(made.frames)[:, :, ::stride, ::stride]
        assert farthest(shown, arrays[case["output"]]) < TOLERANCE, case


def test_padded_frames_through_the_loop_give_the_reference_result(monkeypatch):
    arrays = load_arrays("tlbvfi_padded")
    monkeypatch.setattr(tlbvfi, "noise_for", lambda _latent, _seed: arrays["noise"])
    # strips of a few rows, which a frame of this size would not need
    monkeypatch.setattr(tlbvfi_strips, "LARGEST_STRIP_BYTES", 8 << 20)
    (case,) = load_manifest("tlbvfi_padded")["cases"]
    pair = [frame[0].permute(1, 2, 0) for frame in golden_pair("tlbvfi_padded")]

    class Source:
        def load(self, index):
            return pair[index]

    sink = Sink()
    loop = FrameLoop(golden_model(), SPEC, ChannelLayout(count=3), LoopPolicy(device=CPU))
    loop.run(plan(2, 2), Source(), sink)
    assert list(sink.frames) == [1]
    shown = as_signed(
        sink.frames[1].permute(2, 0, 1)[None, :, :: case["stride"], :: case["stride"]]
    )
    assert farthest(shown, arrays[case["output"]]) < TOLERANCE


@torch.inference_mode()
def test_motion_is_not_searched_in_padding():
    model, frames = golden_model(), golden_pair("tlbvfi")
    quality = Quality(flow_scale=0.5, picture_size=(200, 180))
    found = model.find_motion(frames, (), quality)
    for frame in frames:
        frame[:, :, 200:] = torch.rand(1, 3, 56, 256)
        frame[:, :, :, 180:] = torch.rand(1, 3, 256, 76)
    assert torch.equal(model.find_motion(frames, (), quality), found)
    everywhere = model.find_motion(frames, (), Quality(flow_scale=0.5))
    assert farthest(everywhere, found) > 0.1


@torch.inference_mode()
def test_motion_of_a_tiny_picture_is_finite_at_any_flow_scale():
    quality = Quality(flow_scale=0.25, picture_size=(1, 7))
    assert torch.isfinite(golden_model().find_motion(golden_pair("tlbvfi"), (), quality)).all()


@torch.inference_mode()
def test_motion_is_searched_in_a_smaller_picture_at_a_smaller_flow_scale():
    model, sizes = golden_model(), []
    guess = model.decoder.flownet.register_forward_hook(
        lambda _module, pictures, _flow: sizes.append(tuple(pictures[0].shape[-2:]))
    )
    for flow_scale in (1, 0.5, 0.25):
        quality = Quality(flow_scale=flow_scale)
        flow = model.find_motion(golden_pair("tlbvfi"), (), quality)
        assert flow.shape == (1, 4, 256, 256)
        assert torch.isfinite(flow).all()
    guess.remove()
    assert sizes == [(128, 128), (64, 64), (32, 32)]


def test_batch_gives_what_a_single_call_gives_and_is_made_once():
    model, runs, frames = golden_model(), [], golden_pair("tlbvfi")
    handle = model.decoder.register_forward_hook(lambda *_: runs.append(1))
    together = interpolate(model, frames, 0.5, 0.5)
    handle.remove()
    assert len(runs) == 1
    for field in ("frames", "flow_t0", "flow_t1", "mask"):
        alone = getattr(plain_result(), field)
        assert torch.equal(getattr(together, field), alone.expand(2, -1, -1, -1)), field
    assert all(map(torch.equal, frames, golden_pair("tlbvfi")))


@torch.inference_mode()
def test_frame_depends_on_the_seed_and_motion_does_not(monkeypatch):
    seeds = []
    original = tlbvfi.noise_for
    monkeypatch.setattr(
        tlbvfi, "noise_for", lambda latent, seed: seeds.append(seed) or original(latent, seed)
    )
    other = golden_model()(golden_pair("tlbvfi"), golden_features(), [0.5], Quality(seed=7))
    assert seeds == [7]
    assert farthest(other.frames, plain_result().frames) > 0.1
    assert torch.equal(other.flow_t0, plain_result().flow_t0)


@torch.inference_mode()
def test_picture_is_the_blend_of_what_flows_and_mask_say_and_the_residual(monkeypatch):
    model, frames = golden_model(), golden_pair("tlbvfi")
    last = model.decoder.moduleout[-1]
    bias = torch.tensor((0.0, 0.0, 0.0, 1.0))
    monkeypatch.setattr(last, "weight", nn.Parameter(torch.zeros_like(last.weight), False))
    monkeypatch.setattr(last, "bias", nn.Parameter(bias, False))
    result = model(frames, golden_features(), [0.5], Quality())
    assert farthest(result.mask, torch.sigmoid(torch.tensor(1.0))) < 1e-6
    blend = warp(frames[0], result.flow_t0) * result.mask
    blend += warp(frames[1], result.flow_t1) * (1 - result.mask)
    assert result.flow_t0.abs().max() > 1
    assert farthest(result.frames, blend) < 1e-6


def test_gradients_are_off():
    assert not any(parameter.requires_grad for parameter in golden_model().parameters())


@pytest.mark.parametrize("timestep", [0.25, 0.499])
def test_any_other_moment_than_the_middle_is_refused(timestep):
    model = tlbvfi.build("tlbvfi")
    with pytest.raises(RequestError, match=rf"middle .*timestep {timestep}: ask for 0\.5"):
        model(noise(256, 256), ((), ()), [0.5, timestep], Quality())


@pytest.mark.parametrize(("height", "width"), [(256, 384), (128, 256)])
def test_frame_that_does_not_fit_is_refused_with_what_does(height, width):
    model, frames = tlbvfi.build("tlbvfi"), noise(height, width)
    message = rf"{width}×{height}: TLB-VFI.*multiples of 256; pad"
    with pytest.raises(FrameError, match=message):
        model.encode(frames[0])
    with pytest.raises(FrameError, match=message):
        model(frames, ((), ()), [0.5], Quality())


@pytest.mark.parametrize(
    ("side", "expected"), [(100, 512), (255, 512), (256, 256), (257, 512), (513, 1024)]
)
def test_sides_are_padded_as_the_reference_does(side, expected):
    assert padded_side(side, SPEC, 1) == expected


@pytest.mark.parametrize("multiplier", [3, 4])  # the padded golden pair goes through it at 2
def test_loop_makes_every_frame_of_the_plan(multiplier):
    wanted, sink = run("tlbvfi", multiplier, frames=2, size=(256, 256))
    assert sorted(sink.frames) == wanted
    assert all(torch.isfinite(frame).all() for frame in sink.frames.values())


def test_file_as_its_authors_save_it_is_recognised_and_loaded(tmp_path):
    manifest, recipe = load_manifest("tlbvfi"), golden_weights()
    entries = {entry["key"]: entry for entry in manifest["state_dict"]}
    # the autoencoder stands in it under two names, as one in memory, and so does the schedule
    tensors = {
        key: torch.rand(entry["shape"])
        if entry["init"] == "derived"
        else recipe[entry.get("alias_of", key)]
        for key, entry in entries.items()
    }
    assert len(tensors) == manifest["params"]["tensors"] == 1776
    path = tmp_path / "any name.bin"
    torch.save({"epoch": 3, "step": 9, "model": tensors}, path)
    loaded = loading.load_model(SPEC, device=CPU, dtype=torch.float32, checkpoint=path)
    assert isinstance(loaded.model, tlbvfi.TlbVfi)
    assert loaded.spec == SPEC
    published_name = "vqgan.decoder.up.2.cross_attn.ff_grid.fn.net.3.bias"
    ours = loaded.model.get_parameter("decoder.up.2.cross_attn.ff_grid.fn.net.3.bias")
    assert torch.equal(ours, recipe[published_name])


def test_file_without_the_second_names_is_identified_too():
    shapes = golden_shapes("tlbvfi")
    assert any(key.startswith("cond_stage_model.") for key in shapes)
    assert tlbvfi.identify(normalised_shapes()) == "tlbvfi"
    with torch.device("meta"):
        once = {
            key: torch.empty(shape)
            for key, shape in shapes.items()
            if not key.startswith("cond_stage_model.")
        }
    normalised = {key: tuple(t.shape) for key, t in tlbvfi.normalise_state_dict(once).items()}
    assert tlbvfi.identify(normalised) == "tlbvfi"


def test_missing_and_misshapen_tensors_are_refused_by_name():
    shapes = normalised_shapes()
    del shapes["encoder.conv_in.bias"]
    shapes["quantize.embedding.weight"] = (4096, 3)
    expected = (
        "TLB-VFI tlbvfi, but encoder.conv_in.bias is missing; quantize.embedding.weight is "
        "(4096, 3) instead of (8192, 3)"
    )
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        tlbvfi.identify(shapes)


@pytest.mark.parametrize("name", ["flavr_2x", "rife_4.6", "ifunet"])
def test_checkpoint_of_another_architecture_is_not_ours(name):
    assert tlbvfi.identify(manifest_shapes(load_manifest(name))) is None


def test_unknown_variant_is_refused_with_the_valid_ones():
    with pytest.raises(UnknownModelError, match="'vfitlb' is not known; choose one of tlbvfi"):
        tlbvfi.build("vfitlb")


def test_catalog_entry_agrees_with_the_module():
    with torch.device("meta"):
        parameters = sum(p.numel() for p in tlbvfi.build("tlbvfi").parameters())
    assert parameters == SPEC.parameters
    assert SPEC.smallest_side == SPEC.kept_side == tlbvfi.SIDE_MULTIPLE
    assert SPEC.pad_multiple % tlbvfi.SIDE_MULTIPLE == 0
    assert SPEC.draws_noise
    assert (SPEC.timesteps, SPEC.context, SPEC.yields_flow) == ("middle", 2, True)
