"""Multilayer jobs from files to files, with a motion that is known exactly."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import torch

from blender_vfi.engine.frame_files import ReadAhead, WriteBehind
from blender_vfi.engine.images import read_format
from blender_vfi.engine.layered import LayeredLayout, LayeredNetwork
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.network import Network
from blender_vfi.engine.passes import PartNames, find_passes
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.schedule import plan
from blender_vfi.errors import DeviceMemoryError, FrameError, RequestError
from blender_vfi.models.interface import Quality

from . import fake_jobs
from .fake_jobs import notices_of
from .fake_model import CPU, PictureModel, SmallDeviceModel, fake_cache, fake_spec
from .moving_model import MovingModel
from .pass_files import (
    CRYPTO,
    DEPTH,
    GROUND,
    INDEX,
    LIGHT,
    METADATA,
    SQUARE,
    STEP,
    passes_of,
    read_exr,
    square_mask,
    write_exr,
    write_shots,
)
from .sequences import make_job, visible_names

pytestmark = pytest.mark.torch

LAYER = "ViewLayer"


def run(source, output, model=None, **settings):
    """Run a job; return the notices."""
    _, events = fake_jobs.run(make_job(source, output, **settings), model or MovingModel())
    return notices_of(events)


def passes_in(path, layer=LAYER):
    """Every pass of a layer: (H, W, C) float32."""
    channels, _metadata = read_exr(path)
    stems = dict.fromkeys(name.rpartition(".")[0] for name in channels)
    return {
        stem.removeprefix(f"{layer}."): np.stack(
            [
                values.astype(np.float32)
                for name, values in channels.items()
                if name.rpartition(".")[0] == stem
            ],
            -1,
        )
        for stem in stems
        if stem.startswith(f"{layer}.")
    }


def expected(index, step=STEP):
    return {name: values for name, (_letters, _kind, values) in passes_of(index, step).items()}


def check_frame(path, index, *, vector_scale, layer=LAYER, step=STEP):
    """The frame must show what a render of that moment would."""
    made, truth = passes_in(path, layer), expected(index, step)
    assert made.keys() == truth.keys()
    truth["Vector"] = truth["Vector"] * np.float32(vector_scale)
    for name in truth:
        if name.startswith("Crypto") or name in ("Depth", "Object Index"):
            assert made[name].tobytes() == truth[name].tobytes(), name
        else:
            np.testing.assert_allclose(made[name], truth[name], rtol=1e-3, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("is_multi_part", [True, False])
def test_every_pass_of_a_new_frame_is_what_a_render_would_show(tmp_path, is_multi_part):
    paths = write_shots(tmp_path / "in", 3, is_multi_part=is_multi_part)
    run(tmp_path / "in", tmp_path / "out", multiplier=2)
    assert visible_names(tmp_path / "out") == [f"shot_000{number}.exr" for number in range(1, 6)]
    for number, path in zip((1, 3, 5), paths, strict=True):
        assert (tmp_path / "out" / f"shot_000{number}.exr").read_bytes() == path.read_bytes()
    check_frame(tmp_path / "out" / "shot_0002.exr", 0.5, vector_scale=0.5)
    check_frame(tmp_path / "out" / "shot_0004.exr", 1.5, vector_scale=0.5)


@pytest.mark.parametrize("is_multi_part", [True, False])
def test_types_names_parts_and_metadata_of_the_source_stay(tmp_path, is_multi_part):
    [first, _] = write_shots(tmp_path / "in", 2, is_multi_part=is_multi_part)
    run(tmp_path / "in", tmp_path / "out")
    before, metadata_before = read_exr(first)
    after, metadata_after = read_exr(tmp_path / "out" / "shot_0002.exr")
    assert {name: values.dtype for name, values in after.items()} == {
        name: values.dtype for name, values in before.items()
    }
    assert metadata_after == metadata_before
    for key, value in METADATA.items():
        assert metadata_after[0][key] == value


def test_light_of_fifty_stays_fifty_and_below_zero_stays_there(tmp_path):
    write_shots(tmp_path / "in", 2)
    run(tmp_path / "in", tmp_path / "out", multiplier=4)
    for number, index in ((2, 0.25), (3, 0.5), (4, 0.75)):
        combined = passes_in(tmp_path / "out" / f"shot_000{number}.exr")["Combined"]
        on = square_mask(index)
        assert np.all(combined[on] == LIGHT[SQUARE])
        assert np.all(combined[~on] == LIGHT[GROUND])


def test_vectors_are_as_long_as_the_new_frames_are_apart(tmp_path):
    write_shots(tmp_path / "in", 2)
    run(tmp_path / "in", tmp_path / "out", multiplier=4)
    for number, index in ((2, 0.25), (3, 0.5), (4, 0.75)):
        check_frame(tmp_path / "out" / f"shot_000{number}.exr", index, vector_scale=0.25)


def test_no_id_appears_that_the_sources_lack(tmp_path):
    write_shots(tmp_path / "in", 3)
    # masks and flows of a model without weights: everything is blended wherever it may be
    run(tmp_path / "in", tmp_path / "out", NoisyModel(), multiplier=3)
    for number in (2, 3, 5, 6):
        made = passes_in(tmp_path / "out" / f"shot_000{number}.exr")
        assert set(made["CryptoObject00"][..., [0, 2]].flat) <= {*map(np.float32, CRYPTO), 0.0}
        assert set(made["Object Index"].flat) == set(INDEX)
        assert set(made["Depth"].flat) <= set(map(np.float32, DEPTH))
        pairs = {tuple(pixel) for pixel in made["CryptoObject00"].reshape(-1, 4).tolist()}
        assert pairs == {
            tuple(pixel) for pixel in expected(0)["CryptoObject00"].reshape(-1, 4).tolist()
        }
        assert len(np.unique(made["Mist"])) > 2, "data is blended, or the test shows nothing"


class NoisyModel(MovingModel):
    """Finds motion and masks that are noise."""

    def forward(self, frames, features, timesteps, quality):
        answer = super().forward(frames, features, timesteps, quality)
        noise = torch.Generator().manual_seed(0)
        shape = answer.flow_t0.shape
        return dataclasses.replace(
            answer,
            flow_t0=torch.randn(shape, generator=noise) * 3,
            flow_t1=torch.randn(shape, generator=noise) * 3,
            mask=torch.rand(answer.mask.shape, generator=noise),
        )


def test_each_view_layer_follows_its_own_motion(tmp_path):
    for index in range(2):
        layers = {"Back": passes_of(index, 4), "Fore.ground": passes_of(index, 12)}
        write_exr(tmp_path / "in" / f"a{index}.exr", layers)
    model = MovingModel()
    run(tmp_path / "in", tmp_path / "out", model)
    [path] = [tmp_path / "out" / visible_names(tmp_path / "out")[1]]
    check_frame(path, 0.5, layer="Back", step=4, vector_scale=0.5)
    check_frame(path, 0.5, layer="Fore.ground", step=12, vector_scale=0.5)
    assert model.calls == 2


def test_a_layer_without_colour_follows_the_first_that_has_some(tmp_path):
    for index in range(2):
        passes = passes_of(index)
        layers = {"Ids": {"IndexOB": passes["Object Index"]}, "Main": passes}
        write_exr(tmp_path / "in" / f"a{index}.exr", layers, is_multi_part=False)
    run(tmp_path / "in", tmp_path / "out")
    made = passes_in(tmp_path / "out" / visible_names(tmp_path / "out")[1], "Ids")
    np.testing.assert_array_equal(made["IndexOB"], expected(0.5)["Object Index"])


class Shots:
    """Frames of the square, as the loop reads them."""

    def load(self, index):
        values = [content for _letters, _kind, content in passes_of(index).values()]
        return torch.from_numpy(np.concatenate(values, 2))


class Kept:
    def __init__(self):
        self.frames = {}

    def store(self, output_index, frame):
        self.frames[output_index] = frame


PASSES = find_passes(
    [
        PartNames(name="", channels=tuple(f"L.{name}.{x}" for x in letters))
        for name, (letters, _kind, _values) in passes_of(0).items()
    ]
)


def loop_frames(model, *, multiplier=2, policy=(), **spec):
    sink = Kept()
    loop = FrameLoop(
        model,
        fake_spec(**spec),
        LayeredLayout(passes=PASSES),
        LoopPolicy(device=CPU, **dict(policy)),
    )
    loop.run(plan(2, multiplier), Shots(), sink)
    return sink.frames


def test_recursion_keeps_ids_and_vectors_of_the_whole_interval():
    frames = loop_frames(MovingModel(), multiplier=4, timesteps="middle")
    for position, index in ((1, 0.25), (2, 0.5), (3, 0.75)):
        truth = np.concatenate(list(expected(index).values()), 2)
        # vectors are scaled where the file is written
        np.testing.assert_allclose(frames[position].numpy(), truth, rtol=1e-3, atol=1e-6)


def test_tiles_are_asked_for_and_passes_stay_whole():
    model = SmallDeviceModel(64 * 128)
    with pytest.raises(DeviceMemoryError):
        loop_frames(SmallDeviceModel(32 * 32), pad_multiple=32)
    frames = loop_frames(model, pad_multiple=64, policy={"tile_size": 128})
    assert frames[1].shape == (48, 64, 18)


def test_a_batch_of_moments_is_made_like_one_after_another():
    single = loop_frames(MovingModel(), multiplier=4)
    batched = loop_frames(MovingModel(), multiplier=4, policy={"largest_batch": 3})
    for position, frame in single.items():
        assert torch.equal(batched[position], frame)


def test_models_of_pictures_make_colour_and_hold_the_rest(tmp_path):
    write_shots(tmp_path / "in", 2)
    cache = fake_cache(PictureModel())
    get = cache.get
    spec = fake_spec(yields_flow=False, title="FILM")
    cache.get = lambda _spec, **options: dataclasses.replace(get(_spec, **options), spec=spec)
    events = []
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=4)
    Engine(cache).run(job, on_event=events.append)
    [held, vectors] = notices_of(events)
    assert held.startswith(
        "FILM tells no motion for other passes to follow: ViewLayer.Depth, ViewLayer.Normal, "
        "ViewLayer.Vector, ViewLayer.Object Index, ViewLayer.Mist, ViewLayer.CryptoObject00 of new "
        "frames are those of the nearer source frame."
    )
    assert vectors.startswith("ViewLayer.Vector: vectors of new frames are as long as")
    for number, source in ((2, 0), (3, 0), (4, 1)):
        made, nearest = passes_in(tmp_path / "out" / f"shot_000{number}.exr"), expected(source)
        for name in ("Depth", "Normal", "Object Index", "Mist", "CryptoObject00"):
            np.testing.assert_allclose(made[name], nearest[name], atol=1e-3)
        np.testing.assert_array_equal(made["Vector"], nearest["Vector"] / 4)
        ground = ~(square_mask(0) | square_mask(1))
        np.testing.assert_allclose(made["Combined"][ground], [LIGHT[0]] * ground.sum(), rtol=5e-3)
        both = square_mask(0) & square_mask(1)
        np.testing.assert_allclose(made["Combined"][both], [LIGHT[1]] * both.sum(), rtol=5e-3)


def test_job_that_goes_on_makes_the_same_files(tmp_path):
    write_shots(tmp_path / "in", 3)
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=3)
    Engine(fake_cache(MovingModel())).run(job)
    path = tmp_path / "out" / "shot_0005.exr"
    before = read_exr(path)
    path.unlink()
    Engine(fake_cache(MovingModel())).run(job)
    after = read_exr(path)
    assert after[1] == before[1]
    assert all(after[0][name].tobytes() == values.tobytes() for name, values in before[0].items())


def test_manifest_of_a_new_frame_names_the_objects_of_both(tmp_path):
    key = "cryptomatte/542cafa/manifest"
    for index, name in enumerate(("Old", "New")):
        write_exr(
            tmp_path / "in" / f"a{index}.exr",
            {LAYER: passes_of(index)},
            metadata={**METADATA, key: f'{{"{name}":"0000000{index}"}}'},
        )
    run(tmp_path / "in", tmp_path / "out")
    _channels, metadata = read_exr(tmp_path / "out" / visible_names(tmp_path / "out")[1])
    assert metadata[0][key] == '{"Old":"00000000","New":"00000001"}'


def test_frames_with_other_passes_and_formats_of_one_picture_stop_the_job(tmp_path):
    write_shots(tmp_path / "in", 2)
    with pytest.raises(RequestError, match=r"several passes, .* choose \.exr"):
        run(tmp_path / "in", tmp_path / "out", suffix=".png")
    fewer = {name: content for name, content in passes_of(2).items() if name != "Mist"}
    write_exr(tmp_path / "in" / "shot_0003.exr", {LAYER: fewer})
    with pytest.raises(FrameError, match=r"shot_0003\.exr lacks the channel ViewLayer\.Mist\.Z"):
        run(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_passes_visit_the_device_one_at_a_time(monkeypatch):
    def network_for(layout):
        return Network(
            MovingModel(),
            fake_spec(),
            layout,
            device=CPU,
            dtype=torch.float32,
            quality=Quality(),
            tile_size=0,
            before_call=lambda: None,
            on_unsound=lambda _moments, _again: False,
        )

    layout = LayeredLayout(passes=PASSES)
    network = LayeredNetwork(network_for, fake_spec(), layout, device=CPU)
    visits = []
    real = network._on_device
    monkeypatch.setattr(
        network, "_on_device", lambda frame, one: visits.append(one.name) or real(frame, one)
    )
    window = [network.upload(Shots().load(index)) for index in (0, 1)]
    network.make(window, [Fraction(1, 2)])
    network.make(window, [Fraction(1, 4)])
    assert visits.count("Combined") == 2, "the leading picture stays"
    assert visits.count("CryptoObject00") == 4


def test_large_frames_wait_in_smaller_numbers(tmp_path):
    path = write_exr(tmp_path / "a.exr", {LAYER: passes_of(0)})
    large = dataclasses.replace(read_format(path), width=8192, height=4096)
    with WriteBehind(large) as writer:
        writer.submit(lambda: None)
        assert writer._slot_count == 1
    with ReadAhead([path] * 4, range(4), large) as reader:
        assert len(reader._coming) == 1
    with WriteBehind(read_format(path)) as writer:
        assert writer._slot_count == 4
