"""The benchmark of RIFE's speed: both ways make the same frames, and the result is complete."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from benchmarks import results_file, speed
from blender_vfi.models import locations

pytestmark = pytest.mark.torch


@pytest.fixture
def pictures(monkeypatch, tmp_path):
    """Two smooth files, 60 × 90, and no published weights."""

    monkeypatch.setattr(locations, "find_file", lambda _spec: None)
    monkeypatch.setattr(speed.weights, "_FETCHED", tmp_path)
    coarse = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(4))
    smooth = torch.nn.functional.interpolate(coarse, (60, 90), mode="bilinear")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, pixels in zip(paths, smooth.mul(255).byte().permute(0, 2, 3, 1), strict=True):
        Image.fromarray(pixels.numpy()).save(path)
    return paths


def test_both_ways_make_the_same_frames(pictures):
    with torch.inference_mode():
        found = speed.measure(speed._read(pictures), rounds=1)
    for multiplier in ("x2", "x4"):
        assert found[multiplier]["largest_difference"] < 1e-4
        assert found[multiplier]["ratio"] > 0


def test_result_is_printed_and_recorded_where_that_is_asked_for(
    pictures, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(speed, "_peak_in_own_process", lambda _name, _options: 3 << 20)
    monkeypatch.setattr(results_file, "FOLDER", tmp_path / "results")
    arguments = ["--rounds", "1", "--threads", "1", "--frames", *map(str, pictures)]
    threads = torch.get_num_threads()
    try:
        assert speed.main(arguments) == 0
        assert not results_file.FOLDER.exists()
        assert speed.main([*arguments, "--record"]) == 0
    finally:
        torch.set_num_threads(threads)
    table = capsys.readouterr().out
    assert "×4" in table
    assert "peak memory: plain 3 MiB, rife 3 MiB" in table
    recorded = results_file.read(tmp_path / "results" / "speed.json")
    assert [row[0] for row in recorded["rows"]] == ["×2", "×4"]
    assert recorded["machine"]["torch"] == torch.__version__


@pytest.mark.parametrize("way", ["plain", "rife"])
def test_one_way_alone_tells_its_peak(way, pictures, capsys):
    assert speed.main(["--peak-of", way, "--frames", *map(str, pictures)]) == 0
    assert int(capsys.readouterr().out) > 1 << 20
