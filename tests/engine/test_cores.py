"""How many threads read and write, by the machine and by where the model runs; how they wait."""

from __future__ import annotations

import pytest

from blender_vfi.engine import cores

pytestmark = pytest.mark.plain


@pytest.mark.parametrize(
    ("count", "readers", "writers"), [(1, 1, 2), (2, 1, 2), (8, 1, 6), (16, 3, 12), (128, 4, 12)]
)
def test_gpu_leaves_the_cores_to_files(monkeypatch, count, readers, writers):
    monkeypatch.setattr(cores, "core_count", lambda: count)
    assert cores.file_threads("cuda") == cores.FileThreads(readers=readers, writers=writers)


def test_several_gpus_are_given_more_threads_of_files(monkeypatch):
    monkeypatch.setattr(cores, "core_count", lambda: 64)
    assert cores.file_threads("cuda", 2) == cores.FileThreads(readers=8, writers=24)


@pytest.mark.parametrize("count", [1, 64])
def test_model_on_the_cpu_keeps_its_cores(monkeypatch, count):
    monkeypatch.setattr(cores, "core_count", lambda: count)
    assert cores.file_threads("cpu") == cores.FileThreads(readers=1, writers=2)


def test_frames_are_looked_through_in_a_few_threads(monkeypatch):
    found = []
    for count in (1, 3, 64):
        monkeypatch.setattr(cores, "core_count", lambda count=count: count)
        found.append(cores.inspecting_threads())
    assert found == [2, 3, 4]
    monkeypatch.undo()
    assert cores.core_count() >= 1


def test_threads_that_wait_soon_sleep():
    variables = {}
    cores.let_threads_sleep(variables)
    assert int(variables["GOMP_SPINCOUNT"]) <= 1000


@pytest.mark.parametrize(
    "chosen", [{"GOMP_SPINCOUNT": "5"}, {"OMP_WAIT_POLICY": "active"}], ids=str
)
def test_how_the_user_lets_threads_wait_stays(chosen):
    variables = dict(chosen)
    cores.let_threads_sleep(variables)
    assert variables == chosen
