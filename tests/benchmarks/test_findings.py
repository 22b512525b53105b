"""What benchmarks found: in words, in a file, and all of them in one run."""

from __future__ import annotations

import importlib

import pytest

import benchmarks.__main__ as everything
from benchmarks import command_line, findings, results_file

pytestmark = pytest.mark.torch

FOUND = findings.Findings(
    command="python -m benchmarks.some",
    columns={"format": 0, "ms": 1, "ratio": 2},
    rows=[("png", 12.34, 2.0), ("exr", None, 10.456)],
    remarks=["the rest: nothing"],
    chart=findings.Bars(title="Milliseconds", columns=("ms",)),
)


def test_table_has_the_places_of_its_columns():
    assert findings.as_text(FOUND).splitlines() == [
        "format    ms  ratio",
        "png     12.3   2.00",
        "exr        –  10.46",
        "the rest: nothing",
    ]


def test_file_is_written_only_where_that_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results_file, "FOLDER", tmp_path)
    findings.report("some", FOUND, machine=None, record=False)
    assert not list(tmp_path.iterdir())
    findings.report("some", FOUND, machine={"cores": 2}, record=True)
    written = results_file.read(tmp_path / "some.json")
    assert written["machine"] == {"cores": 2}
    assert written["chart"] == {"title": "Milliseconds", "columns": ["ms"], "kind": "bars"}
    assert findings.cells(written) == [["png", "12.3", "2.00"], ["exr", "–", "10.46"]]
    assert capsys.readouterr().out.count("the rest") == 2


def test_size_is_width_and_height_and_nothing_else(capsys):
    assert command_line.size("1280x720") == (1280, 720)
    parser = command_line.parser("What it is.\n\nAnd more.")
    parser.add_argument("--size", type=command_line.size, default="64x32")
    assert vars(parser.parse_args([])) == {"record": False, "size": (64, 32)}
    for words in ("1280", "1280x", "wide x high", "1x2x3"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--size", words])
        assert f"invalid size value: {words!r}" in capsys.readouterr().err


def test_all_benchmarks_run_and_record_until_one_fails(monkeypatch):
    calls = []

    class Played:
        def __init__(self, name):
            self.name = name.removeprefix("benchmarks.")

        def main(self, arguments):
            calls.append((self.name, *arguments))
            return 3 if self.name == "passes" else 0

    monkeypatch.setattr(importlib, "import_module", Played)
    assert everything.main(["tiles", "models"]) == 0
    assert calls == [("tiles", "--record"), ("models",)]
    calls.clear()
    assert everything.main([]) == 0
    assert calls == [(name, "--record") for name in everything.RECORDED]
    calls.clear()
    assert everything.main(["--all"]) == 3
    assert [name for name, *_ in calls] == [*everything.RECORDED, "passes"]


@pytest.mark.parametrize("name", everything.ALL)
def test_every_named_benchmark_tells_its_options(name, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"benchmarks.{name}").main(["--help"])
    assert ended.value.code == 0
    assert ("--record" in capsys.readouterr().out) == (name in everything.RECORDED)
