"""The benchmarks of RIFE's speed: all ways make the same frames, and the results are complete."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from benchmarks import beside, results_file, speed

pytestmark = pytest.mark.torch


@pytest.fixture
def pictures(tmp_path):
    """Two smooth files, 60 × 90."""
    coarse = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(4))
    smooth = torch.nn.functional.interpolate(coarse, (60, 90), mode="bilinear")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, pixels in zip(paths, smooth.mul(255).byte().permute(0, 2, 3, 1), strict=True):
        Image.fromarray(pixels.numpy()).save(path)
    return [str(path) for path in paths]


def test_speed_is_told_and_recorded(pictures, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(results_file, "FOLDER", tmp_path / "results")
    options = ["--rounds", "1", "--threads", "1", "--frames", *pictures, "--record"]
    assert speed.main(options) == 0
    assert "peak memory: plain " in capsys.readouterr().out
    recorded = results_file.read(tmp_path / "results" / "speed.json")
    assert [row[0] for row in recorded["rows"]] == ["×2", "×4"]
    assert recorded["machine"]["torch"] == torch.__version__
    for row in recorded["rows"]:
        values = dict(zip(recorded["columns"], row, strict=True))
        assert values["largest difference"] < 1e-4
        assert values["ratio"] == pytest.approx(values["plain s/frame"] / values["rife s/frame"])


def test_nothing_is_recorded_unasked(pictures, monkeypatch, tmp_path):
    monkeypatch.setattr(results_file, "FOLDER", tmp_path / "results")
    assert speed.main(["--rounds", "1", "--threads", "1", "--frames", *pictures]) == 0
    assert not results_file.FOLDER.exists()


def test_a_way_that_ends_early_is_told(monkeypatch, tmp_path):
    missing = [str(tmp_path / name) for name in ("a.png", "b.png")]
    with pytest.raises(RuntimeError, match="has ended"):
        speed.main(["--rounds", "1", "--frames", *missing])


def test_speed_beside_other_programs_has_a_row_for_each_number_of_them(pictures, capsys):
    assert beside.main(["--rounds", "1", "--frames", *pictures]) == 0
    table = capsys.readouterr().out
    assert [line.split("  ")[0] for line in table.splitlines()[1:4]] == [
        "nothing",
        "a program",
        "two programs",
    ]
