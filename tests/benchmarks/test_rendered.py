"""The benchmark of render-guided frames: what it makes of errors that were expected."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import rendered

pytestmark = pytest.mark.torch


def test_errors_that_were_foretold_in_the_right_order_are_judged_as_perfect():
    found = rendered.judged([(0.1, 0.01), (0.2, 0.03), (0.3, 0.04), (0.4, 0.05), (0.5, 0.3)])
    assert found["spearman"] == 1
    assert found["worst_fifth"] == pytest.approx(0.09 / 0.0951, abs=1e-3)


def test_errors_that_were_foretold_the_wrong_way_round_are_judged_as_worst():
    found = rendered.judged([(0.5, 0.01), (0.4, 0.02), (0.3, 0.3), (0.2, 0.4), (0.1, 0.5)])
    assert found["spearman"] == -1
    assert found["worst_fifth"] < 0.01


def test_edges_are_where_objects_meet_and_two_pixels_around():
    index = np.zeros((9, 20), np.float32)
    index[:, 10:] = 3
    edges = rendered._edges(index)
    assert np.flatnonzero(edges[4]).tolist() == [8, 9, 10, 11, 12]


def test_frames_across_the_cut_are_left_out():
    across = [number for number in range(2, 14) if rendered._crosses(number, 3)]
    assert across == [7, 8, 9]
