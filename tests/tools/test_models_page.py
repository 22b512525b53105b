"""The page on models: that it is the one that the catalog and the results give, and complete."""

from __future__ import annotations

import re

import pytest

from benchmarks import results_file
from blender_vfi.models import catalog
from tools import models_page

pytestmark = pytest.mark.torch

RESULT = {
    "stands_for": ["film", "film-fp16"],
    "weights": "drawn",
    "seconds_per_frame": 12.34,
    "frames_per_run": 1,
    "is_warmed_up": False,
    "peak_memory_bytes": 3_210_000_000,
    "processor": "Abacus",
    "cores": 4,
    "threads": 4,
    "load": 0.5,
    "torch": "2.0",
    "python": "3.11",
    "date": "2026-01-01",
}


@pytest.fixture
def results(monkeypatch):
    """Play what the benchmarks have found; what the test puts in is read."""
    files = {results_file.MODELS: {"film": dict(RESULT)}, results_file.QUALITY: {}}
    monkeypatch.setattr(results_file, "read", lambda path: files[path])
    return files


def lines_of(name: str) -> list[str]:
    return [line for line in models_page.page().splitlines() if f"`{name}`" in line]


def test_page_in_the_repository_is_up_to_date():
    assert models_page.PAGE.read_text(encoding="utf-8") == models_page.page(), "run `make docs`"


def test_results_are_of_models_that_exist():
    for name, found in results_file.read(results_file.MODELS).items():
        assert name in found["stands_for"]
        networks = {
            (catalog.find(member).architecture, catalog.find(member).variant)
            for member in found["stands_for"]
        }
        assert len(networks) == 1


@pytest.mark.parametrize("spec", catalog.CATALOG, ids=lambda spec: spec.name)
def test_every_model_has_its_terms_on_its_line(spec):
    licence = spec.checkpoint.licence
    [line, *_] = [line for line in lines_of(spec.name) if licence.url in line]
    assert f"[{licence.title}]({licence.url})" in line
    assert ("| **no** |" in line) is not licence.commercial


def test_restricted_choice_says_so_before_the_table_of_its_architecture(results):
    choice = lines_of("amt-g")[0]
    assert "no commercial use" in choice


def test_choices_lead_to_sections_that_exist(results):
    page = models_page.page()
    headings = {
        heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", page, re.M)
    }
    links = re.findall(r"\]\(#([\w-]+)\)", page)
    assert links
    assert set(links) <= headings


def test_every_row_has_as_many_cells_as_its_heading(results):
    columns = 0
    for line in models_page.page().splitlines():
        if not line.startswith("|"):
            columns = 0
            continue
        columns = columns or line.count("|")
        assert line.count("|") == columns, line


def test_measurement_stands_for_every_model_with_the_network(results):
    for name in ("film", "film-fp16"):
        assert any("| 12.3 | 3.2 GB |" in line for line in lines_of(name))
    assert any("| – | – |" in line for line in lines_of("rife-4.6"))
    assert "4 threads of an Abacus, torch 2.0, 2026-01-01" in models_page.page()


def test_time_that_was_taken_beside_other_work_is_marked(results):
    assert "beside other work" not in models_page.page()
    results[results_file.MODELS]["film"]["load"] = 9.0
    assert any("| 12.3\\* |" in line for line in lines_of("film"))
    assert "\\* beside other work" in models_page.page()


def test_page_without_measurements_says_how_to_make_them(results):
    results[results_file.MODELS] = {}
    assert "run `python -m benchmarks.models`" in models_page.page()


def test_quality_is_told_with_its_gain_over_blending(results):
    assert "## Against the truth" not in models_page.page()
    results[results_file.QUALITY] = {
        "footage": "A Film",
        "frames": [9, 13],
        "date": "2026-01-01",
        "results": {
            "blending": {"psnr_db": 30.0, "ssim": 0.9},
            "rife-4.6": {"psnr_db": 33.25, "ssim": 0.95},
        },
    }
    page = models_page.page()
    assert "Means over 2 hidden frames" in page
    assert "| blending the two frames | 30.00 dB |  | 0.9000 |" in page
    assert "| `rife-4.6` | 33.25 dB | +3.25 dB | 0.9500 |" in page


def test_published_figures_stand_with_their_source(results):
    [line] = [line for line in lines_of("amt-g") if "36.53" in line]
    assert "36.53 / 0.982 | 35.45 / 0.970" in line
    assert "IQ-VFI (CVPR 2024), table 1" in line
    [line] = [line for line in lines_of("film") if "36.06" in line]
    assert "these weights are the Style training" in line
