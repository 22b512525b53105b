"""The benchmarks of models: what they measure, with which weights, and what they keep."""

from __future__ import annotations

import gc
import itertools
import json
import os
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import (
    allocator,
    cache_clearing,
    compile,
    cuts,
    duplicates,
    models,
    quality,
    results_file,
    soundness,
    weights,
)
from blender_vfi.errors import UnknownModelError
from blender_vfi.models import catalog, locations

pytestmark = pytest.mark.torch

FOUND = {"seconds_per_frame": 1.5, "peak_memory_bytes": 1 << 30, "weights": "drawn", "threads": 2}


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """A machine without any published weights."""
    monkeypatch.setattr(locations, "find_file", lambda _spec: None)
    monkeypatch.setattr(weights, "_FETCHED", tmp_path)


@pytest.fixture
def measured(monkeypatch):
    """Play the measurements; the names of the models that were measured."""
    names = []

    def measure(name):
        names.append(name)
        return None if name == "film" else {**FOUND, "load": 0.1}

    monkeypatch.setattr(models, "_in_own_process", measure)
    return names


def test_each_network_is_measured_once_and_no_model_is_left_out():
    groups = models.representatives()
    assert sorted(name for members in groups.values() for name in members) == sorted(
        spec.name for spec in catalog.CATALOG
    )
    assert groups["film"] == ["film", "film-fp16"]
    assert groups["rife-4.25"] == ["rife-4.25", "rife-4.26", "guided"]


def test_named_model_is_measured_under_the_name_of_its_network():
    assert models.representatives(["film-fp16"]) == {"film": ["film", "film-fp16"]}
    with pytest.raises(UnknownModelError):
        models.representatives(["film", "rife-9"])


def test_stopped_run_goes_on_with_what_is_missing(measured, tmp_path):
    output = tmp_path / "models.json"
    assert models.main(["--models", "ifrnet-s", "--output", str(output)]) == 0
    arguments = ["--models", "ifrnet-s,rife-4.26", "--output", str(output)]
    assert models.main([*arguments, "--only-missing"]) == 0
    assert measured == ["ifrnet-s", "rife-4.25"]
    results = json.loads(output.read_text())
    assert list(results) == ["rife-4.25", "ifrnet-s"]
    assert results["rife-4.25"]["stands_for"] == ["rife-4.25", "rife-4.26", "guided"]
    models.main(arguments)
    assert measured[2:] == ["rife-4.25", "ifrnet-s"]


def test_model_that_fails_is_left_out_and_the_rest_go_on(measured, tmp_path):
    output = tmp_path / "models.json"
    assert models.main(["--models", "film,ifrnet-s", "--output", str(output)]) == 1
    assert list(json.loads(output.read_text())) == ["ifrnet-s"]


def test_small_model_is_measured_with_drawn_weights(nothing_here, monkeypatch):
    monkeypatch.setattr(models, "_HEIGHT", 64)
    monkeypatch.setattr(models, "_WIDTH", 96)
    found = models.measure(catalog.find("rife-4.15.lite"))
    assert found["weights"] == "drawn"
    assert found["is_warmed_up"]
    assert found["frames_per_run"] == 1
    assert 0 < found["seconds_per_frame"] < 10
    assert found["peak_memory_bytes"] > 1 << 26
    assert found["torch"] == torch.__version__
    json.dumps(found)


@pytest.mark.parametrize("name", models.representatives())
def test_every_network_has_weights_to_draw(name):
    spec = catalog.find(name)
    module = weights.module_of(spec)
    assert weights.manifest_of(spec, module)


def test_published_weights_come_first_and_are_told_by_their_hash(monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "shipped_folder", lambda: tmp_path)
    monkeypatch.setenv(locations.FOLDER_VARIABLE, str(tmp_path))
    fetched = Path(os.environ.get("BLENDER_VFI_TEST_WEIGHTS", weights._FETCHED))
    monkeypatch.setattr(weights, "_FETCHED", fetched)
    spec = catalog.find("rife-4.6")
    built = weights.build(spec)
    assert (built.weights, built.sha256) == ("published", spec.checkpoint.sha256)


def test_absent_weights_are_not_published_ones(nothing_here):
    for name in ("rife-4.6", "gmfss-base"):
        assert weights.build_published(catalog.find(name)) is None


@pytest.mark.parametrize("triplets", [1, 5, 12, 23])
def test_hidden_frames_are_spread_evenly_over_every_second_one(triplets):
    frames = quality.hidden_frames(triplets)
    assert len(set(frames)) == triplets
    assert {frame % 2 for frame in frames} == {1}
    steps = {later - earlier for earlier, later in itertools.pairwise(frames)}
    assert not steps or max(steps) - min(steps) <= 2


@pytest.mark.parametrize("triplets", [0, 24, -1])
def test_more_hidden_frames_than_there_are_is_an_error(triplets):
    with pytest.raises(ValueError, match="from 1 to 23"):
        quality.hidden_frames(triplets)


def test_machine_with_more_work_than_threads_is_disturbed():
    assert not results_file.is_disturbed({"load": 2.4, "threads": 2})
    assert results_file.is_disturbed({"load": 5.0, "threads": 2})
    assert results_file.machine()["threads"] == torch.get_num_threads()


def test_results_survive_a_write_and_a_read(tmp_path):
    assert results_file.read(tmp_path / "none.json") == {}
    results_file.write(tmp_path / "new" / "file.json", {"a": {"b": "é"}})
    assert results_file.read(tmp_path / "new" / "file.json") == {"a": {"b": "é"}}


def test_cuts_that_were_found_are_told_from_others():
    random = np.random.default_rng(0)
    one, two = (np.repeat(random.random((1, 36, 64, 3)), 4, axis=0) for _ in range(2))
    clip = np.concatenate([one, two]).astype(np.float32)
    assert cuts._counted(clip, [3], 0.2) == (1, 1, 0)
    assert cuts._counted(clip, [5], 0.2) == (1, 0, 1)


def test_clips_without_a_cut_have_none_that_is_drawn_into_them():
    shots = {"bikes": np.random.default_rng(1).random((1, 180, 320, 3), dtype=np.float32)}
    film = {"one": np.repeat(shots["bikes"], 12, axis=0), "two": np.zeros((9, 180, 320, 3), "f4")}
    rows = dict(cuts._cases(film))
    assert all(not listed for _clip, listed in rows["grain"])
    assert [listed for _clip, listed in rows["joined shots"]] == [[3], [3]]
    assert len(rows["film"]) == 2


def test_held_frames_of_the_benchmark_survive_its_compression():
    random = np.random.default_rng(2)
    blocks = random.integers(0, 256, (4, 9, 16, 3), dtype=np.uint8)
    drawings = [block.repeat(8, axis=0).repeat(8, axis=1) for block in blocks]
    twos = [drawing for drawing in drawings for _ in range(2)]
    film = duplicates._decoded(duplicates._compressed(twos, 18))
    assert len(film) == 8
    assert duplicates.held_pairs(film) == {0, 2, 4, 6}


def test_the_look_at_an_answer_is_timed_beside_the_answer(capsys, checkpoint_folder):
    assert soundness.main(["--size", "64x64", "--repeats", "2"]) == 0
    told = capsys.readouterr().out
    assert told.split()[:6] == ["model", "answer", "ms", "look", "ms", "share"]
    assert "64×64, fp32, CPU" in told


@pytest.mark.parametrize(
    ("name", "title"), [("ifrnet-s-gopro", "IFRNet S (GoPro)"), ("flavr-2x", "FLAVR 2x")]
)
def test_compiled_models_are_timed_beside_what_they_were(
    capsys, checkpoint_folder, monkeypatch, name, title
):
    monkeypatch.setattr(compile.compiling, "BACKEND", "eager")
    assert compile.main(["--models", name, "--size", "60x64", "--rounds", "1"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.startswith(f"{title}, 60×64, fp32")
    as_it_is, compiled, ratio, first, difference = map(float, row.split()[-5:])
    assert ratio == pytest.approx(as_it_is / compiled, abs=0.1)
    assert first > 0
    assert difference < 0.01


def test_model_that_cannot_be_compiled_is_timed_as_it_is(capsys, checkpoint_folder, monkeypatch):
    def fail(_graph, _inputs):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(compile.compiling, "BACKEND", fail)
    told = ["--models", "ifrnet-s-gopro", "--size", "60x64", "--rounds", "1"]
    assert compile.main(told) == 0
    notice, _, row = capsys.readouterr().out.splitlines()[:3]
    assert "no compiler" in notice
    assert row.split()[-4:] == ["–"] * 4


def test_clearings_of_the_cache_are_measured_for_each_number_of_pairs(
    capsys, checkpoint_folder, monkeypatch
):
    # this process goes on, and its allocator could not be set back
    monkeypatch.setattr(cache_clearing.host_allocator, "keep_freed", lambda: False)
    sizes = ["--pairs", "3", "--size", "64x48", "--device", "cpu"]
    assert cache_clearing.main(["--every", "1", "1000", *sizes]) == 0
    gc.unfreeze()
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[1:3]] == ["1", "1000"]
    assert all(float(figure) > 0 for row in rows[1:3] for figure in row.split())
    assert rows[3].startswith("RIFE 4.25, 64×48, fp32, CPU")


def test_memory_that_is_freed_and_that_is_kept_are_measured_beside_each_other(capsys):
    sizes = ["--size", "192x128", "--frames", "1", "--rounds", "1"]
    assert allocator.main(["--models", "plain-rife", *sizes]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.startswith("RIFE 4.25, plain ")
    freed_s, kept_s, _, freed_pages, _, freed_mib, kept_mib, left_mib = row.split()[-8:]
    assert min(map(float, (freed_s, kept_s, freed_pages))) > 0
    assert 0 < float(left_mib) < float(kept_mib) < 2 * float(freed_mib)


@pytest.mark.parametrize("name", ["flavr-4x", "gmfss-union"])
def test_every_kind_of_model_is_shown_what_it_takes(name, monkeypatch):
    calls = []

    def play(frames, features, timesteps, quality):
        calls.append((len(frames), len(features), tuple(frames[0].shape), len(timesteps)))
        return types.SimpleNamespace(frames=torch.zeros(1))

    play.encode = lambda frame: frame
    monkeypatch.setattr(allocator.weights, "build", lambda _spec: types.SimpleNamespace(model=play))
    found = allocator.measure(name, (60, 100), frames=2)
    spec = catalog.find(name)
    sides = tuple(allocator.padded_side(side, spec, 1.0) for side in (60, 100))
    count = (spec.fixed_multiplier or 2) - 1
    assert calls == [(spec.context, spec.context, (1, 3, *sides), count)] * 3
    assert found.seconds >= 0 <= found.faults


@pytest.mark.parametrize(("every", "clearings"), [(1, 4), (2, 2), (1000, 1)])
def test_cache_is_cleared_as_often_as_is_measured(monkeypatch, checkpoint_folder, every, clearings):
    model = cache_clearing.load_model(
        catalog.find("rife-4.25"), device=torch.device("cpu"), dtype=torch.float32
    )
    cleared = []
    monkeypatch.setattr(cache_clearing.memory, "clear_cache", cleared.append)
    cache_clearing.measure(model, torch.device("cpu"), (32, 32), pairs=3, every=every)
    assert len(cleared) == clearings + 1  # one before the beginning
