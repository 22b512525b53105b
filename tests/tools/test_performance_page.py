"""The page on performance: its tables and charts are those that the results give."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks import findings, results_file
from tools import charts, performance_page

pytestmark = pytest.mark.torch

MACHINE = {"threads": 2, "processor": "Abacus", "torch": "2.0", "date": "2026-01-01", "load": 0.5}
FOUND = findings.Findings(
    command="python -m benchmarks.some",
    columns={"way": 0, "s": 1},
    rows=[("a & b", 1.25), ("c", None)],
    remarks=["first", "second"],
    chart=findings.Bars(title="Seconds", columns=("s",)),
)
PAGE = "# Title\n\n<!-- results: some -->\nold\n<!-- end of results -->\n\nWords.\n"


@pytest.fixture
def results(monkeypatch, tmp_path):
    """A folder of results with one file."""
    monkeypatch.setattr(results_file, "FOLDER", tmp_path)
    results_file.write(tmp_path / "some.json", findings.as_json(FOUND, MACHINE))
    return tmp_path


def test_page_in_the_repository_is_up_to_date():
    text = performance_page.PAGE.read_text(encoding="utf-8")
    assert performance_page.filled(text) == text, "run `make docs`"
    for name, picture in performance_page.pictures(text).items():
        written = (performance_page.PICTURES / name).read_text(encoding="utf-8")
        assert written == picture, f"{name}: run `make docs`"


def test_every_result_has_its_place_on_a_page():
    asked_for = performance_page.marks(performance_page.PAGE.read_text(encoding="utf-8"))
    present = {path.stem for path in results_file.FOLDER.glob("*.json")}
    assert present - set(performance_page.OTHER_PAGES) <= set(asked_for)
    assert len(asked_for) == len(set(asked_for))


def test_table_stands_with_its_command_machine_chart_and_remarks(results):
    page = performance_page.filled(PAGE)
    assert "`python -m benchmarks.some`, 2 threads of an Abacus, torch 2.0, 2026-01-01:\n" in page
    assert "![Seconds](images/performance-some.svg)\n\n| way | s |\n| --- | ---: |\n" in page
    assert "| a & b | 1.2 |\n| c | – |\n\nfirst  \nsecond\n" in page
    assert page.startswith("# Title\n")
    assert page.endswith("\n\nWords.\n")
    assert "old" not in page
    assert performance_page.filled(page) == page


def test_figures_from_a_busy_machine_say_so(results):
    values = findings.as_json(FOUND, {**MACHINE, "load": 9.0})
    results_file.write(results / "some.json", values)
    assert "**beside other work**" in performance_page.filled(PAGE)


def test_what_is_not_measured_says_how_to_measure_it(results):
    page = performance_page.filled(PAGE.replace("some", "other"))
    assert "run `python -m benchmarks.other --record`" in page


def test_bars_are_as_long_as_what_they_show(results):
    [picture] = performance_page.pictures(PAGE).values()
    root = ElementTree.fromstring(picture)
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert texts == ["Seconds", "a & b", "1.2", "c", "–"]
    widths = [float(bar.get("width")) for bar in root.iter(f"{space}rect") if bar.get("x")]
    assert widths[1] == 0 < widths[0]


@pytest.mark.parametrize("highest", [0.3, 7, 96, 1200.0])
def test_lines_stay_inside_their_chart(highest):
    points = {"one": [(50, highest / 2), (300, highest)], "two": [(50, highest)]}
    values = findings.as_json(
        findings.Findings(
            command="",
            columns={},
            rows=[],
            chart=findings.Lines(title="MiB", across="frames", points=points),
        ),
        None,
    )
    picture = charts.chart(values)
    root = ElementTree.fromstring(picture)
    height = float(root.get("height"))
    paths = [path.get("d") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    for path in paths:
        if "h" in path:
            continue
        for point in path.removeprefix("M").split("L"):
            x, y = map(float, point.split())
            assert 0 <= x <= 720
            assert 40 <= y <= height - 20
    assert 3 <= sum("h" in path for path in paths) <= 8
