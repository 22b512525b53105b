"""Figures of confidence: written by the engine, read by Blender's side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blender_vfi.engine.confidence import (
    CONFIDENCE_NAME,
    FrameConfidence,
    confidence_of,
    drop_figures,
    most_doubtful,
    read_confidence,
    write_confidence,
)
from blender_vfi.errors import FrameError, OutputError

pytestmark = pytest.mark.plain


def figure(number, expected_error):
    return FrameConfidence(
        number=number,
        name=f"shot_{number:04d}.exr",
        confidence=confidence_of(expected_error),
        expected_error=expected_error,
    )


def make_frames(folder, *numbers):
    for number in numbers:
        (folder / f"shot_{number:04d}.exr").write_bytes(b"x")


def test_folder_without_figures_has_none(tmp_path):
    assert read_confidence(tmp_path) == ()


def test_figures_come_back_as_they_were_written(tmp_path):
    make_frames(tmp_path, 2, 4)
    figures = (figure(2, 0.01), figure(4, 0.2))
    write_confidence(tmp_path, reversed(figures))
    assert read_confidence(tmp_path) == figures


def test_later_figures_replace_those_of_the_same_frame_and_keep_the_others(tmp_path):
    make_frames(tmp_path, 2, 4)
    write_confidence(tmp_path, [figure(2, 0.01), figure(4, 0.2)])
    write_confidence(tmp_path, [figure(4, 0.02)])
    assert read_confidence(tmp_path) == (figure(2, 0.01), figure(4, 0.02))


def test_figures_of_removed_frames_go(tmp_path):
    make_frames(tmp_path, 2)
    write_confidence(tmp_path, [figure(2, 0.01), figure(4, 0.2)])
    assert read_confidence(tmp_path) == (figure(2, 0.01),)


def test_figures_that_are_dropped_leave_the_others(tmp_path):
    make_frames(tmp_path, 2, 4)
    write_confidence(tmp_path, [figure(2, 0.01), figure(4, 0.2)])
    drop_figures(tmp_path, {"shot_0004.exr", "shot_0006.exr"})
    assert read_confidence(tmp_path) == (figure(2, 0.01),)


def test_figures_that_cannot_be_written_leave_those_of_before(tmp_path, monkeypatch):
    def full(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    make_frames(tmp_path, 2, 4)
    write_confidence(tmp_path, [figure(2, 0.01)])
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write_confidence(tmp_path, [figure(4, 0.2)])
    assert read_confidence(tmp_path) == (figure(2, 0.01),)
    assert not list(tmp_path.glob("*partial*")), "the unfinished file goes"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        json.dumps({"version": 99, "frames": []}),
        json.dumps({"version": 1, "frames": [{"number": 1}]}),
        json.dumps(
            {
                "version": 1,
                "frames": [{"number": 1, "name": "a", "confidence": 2.0, "expected_error": 0.1}],
            }
        ),
    ],
)
def test_damaged_figures_are_named_and_replaced_by_new_ones(tmp_path, content):
    (tmp_path / CONFIDENCE_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(FrameError, match="vfi_confidence"):
        read_confidence(tmp_path)
    make_frames(tmp_path, 2)
    write_confidence(tmp_path, [figure(2, 0.01)])
    assert read_confidence(tmp_path) == (figure(2, 0.01),)


def test_folder_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(OutputError, match="missing"):
        write_confidence(tmp_path / "missing", [])


def test_confidence_falls_from_one_as_the_expected_error_rises():
    values = [confidence_of(error) for error in (0, 0.01, 0.05, 0.3, 1)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert confidence_of(0.05) == pytest.approx(0.5)


def test_most_doubtful_frames_come_worst_first():
    figures = [figure(2, 0.01), figure(4, 0.2), figure(6, 0.1)]
    assert [each.number for each in most_doubtful(figures, 2)] == [4, 6]
