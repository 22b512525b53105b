"""Bands shared out to threads."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from blender_vfi.models.crew import in_bands

pytestmark = pytest.mark.torch

BANDS = [(top, top + 2) for top in range(0, 40, 2)]


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_every_band_is_done_once_by_several_threads():
    done = []
    everyone = threading.Barrier(3)

    def work(first, last):
        if first < 6:  # the first three bands are begun at the same time, or this never ends
            everyone.wait(timeout=30)
        done.append((first, last))

    in_bands(work, BANDS)
    assert sorted(done) == BANDS


def test_one_thread_does_them_in_order():
    torch.set_num_threads(1)
    done = []
    in_bands(lambda first, last: done.append((first, last, threading.get_ident())), BANDS)
    assert done == [(*band, threading.get_ident()) for band in BANDS]


def test_a_slow_thread_leaves_the_bands_to_the_others():
    done = {}
    is_rest_done = threading.Event()

    def work(first, _last):
        if first == 0:
            is_rest_done.wait(timeout=30)
        done.setdefault(threading.get_ident(), []).append(first)
        if sum(map(len, done.values())) == len(BANDS) - 1:
            is_rest_done.set()

    in_bands(work, BANDS)
    assert [0] in done.values()
    assert sum(map(len, done.values())) == len(BANDS)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_helpers_compute_alone_and_in_the_same_mode(mode):
    everyone = threading.Barrier(3)

    def work(first, _last):
        if first < 6:  # the first three bands are begun at the same time
            everyone.wait(timeout=30)
        modes = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        threads.add(threading.get_ident())
        seen.add((torch.get_num_threads(), *modes))

    threads: set[int] = set()
    seen: set[tuple[int, bool, bool]] = set()
    with mode():
        in_bands(work, BANDS)
    assert len(threads) == 3
    assert seen == {(1, False, mode is torch.inference_mode)}


def test_the_number_of_threads_is_as_before():
    in_bands(lambda *_: None, BANDS)
    assert torch.get_num_threads() == 3
    found = []
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert found == [3]


@pytest.mark.parametrize("raises_in_helper", [False, True])
def test_an_error_ends_the_work_and_is_raised(raises_in_helper):
    caller = threading.get_ident()
    has_failed = threading.Event()
    done = []

    def work(first, _last):
        is_helper = threading.get_ident() != caller
        if is_helper == raises_in_helper:
            has_failed.set()
            raise RuntimeError("out of memory")
        has_failed.wait(timeout=30)
        time.sleep(0.05)
        done.append(first)

    with pytest.raises(RuntimeError, match="out of memory"):
        in_bands(work, BANDS)
    assert len(done) < len(BANDS) - 1
    assert torch.get_num_threads() == 3
    in_bands(lambda first, _last: done.append(first), BANDS)  # the helpers are still there


def test_an_error_is_raised_when_nobody_works_any_more():
    caller = threading.get_ident()
    everyone = threading.Barrier(3)
    has_failed = threading.Event()
    ended = []

    def work(_first, _last):
        is_first_helper = everyone.wait(timeout=30) == 0
        if threading.get_ident() != caller and (is_first_helper or not ended):
            ended.append("failed")
            has_failed.set()
            raise RuntimeError("out of memory")
        has_failed.wait(timeout=30)
        time.sleep(0.2)
        ended.append("done")

    with pytest.raises(RuntimeError, match="out of memory"):
        in_bands(work, BANDS[:3])
    assert len(ended) == 3


def test_another_number_of_threads_is_taken_up():
    for count in (2, 3, 2):
        torch.set_num_threads(count)
        everyone = threading.Barrier(count)
        in_bands(lambda *_, everyone=everyone: everyone.wait(timeout=30), BANDS[:count])
