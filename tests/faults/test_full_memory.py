"""Memory that runs out at each step of a job: what is tried, what is told, and what comes out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from blender_vfi.engine import host_allocator, images, job_model, main_memory, memory
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Started
from blender_vfi.engine.retreat import Retreat, retreats_from
from blender_vfi.errors import DeviceMemoryError, HostMemoryError
from blender_vfi.models import catalog
from blender_vfi.models.cache import ModelCache

from ..engine.fake_jobs import content, notices_of, run
from ..engine.fake_model import CPU, FakeModel, SmallDeviceModel, fake_cache
from ..engine.sequences import make_job, write_sequence
from .scenes import check_finished_frames

pytestmark = pytest.mark.torch

CUDA = torch.device("cuda", 0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 4)
    return tmp_path / "in"


@pytest.fixture
def expected(source, tmp_path):
    run(make_job(source, tmp_path / "whole", multiplier=3))
    return content(tmp_path / "whole")


@pytest.fixture
def job(source, tmp_path):
    return make_job(source, tmp_path / "out", multiplier=3)


def full(*_arguments):
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.fixture
def places(monkeypatch):
    """Two more places, as a GPU would have, both on the CPU here."""
    steps = [
        Retreat(device=CPU, dtype=torch.float64, notice="went on in half precision"),
        Retreat(device=CPU, dtype=torch.float32, notice="went on on the CPU"),
    ]
    monkeypatch.setattr(job_model, "retreats_from", lambda *_arguments, **_options: list(steps))


class Cards:
    """A cache that gives one model after another, as a full device lets none of the first run."""

    def __init__(self, *models) -> None:
        self.models = list(models)
        self.asked: list[tuple[torch.device, torch.dtype]] = []

    def cache(self) -> ModelCache:
        caches = [fake_cache(model) for model in self.models]

        def load(spec, *, device, dtype, **options):
            self.asked.append((device, dtype))
            return caches[len(self.asked) - 1].get(spec, device=device, dtype=torch.float32)

        return ModelCache(free_memory=lambda _d: 1 << 40, release=lambda _d: None, load=load)


@pytest.mark.parametrize(
    ("device", "dtype", "allowed", "places"),
    [
        (CUDA, torch.float32, (True, True), [(CUDA, torch.float16), (CPU, torch.float32)]),
        (CUDA, torch.float16, (True, True), [(CPU, torch.float32)]),
        (CUDA, torch.float32, (True, False), [(CUDA, torch.float16)]),
        (CUDA, torch.float32, (False, False), []),
        (CPU, torch.float32, (True, True), []),
    ],
)
def test_places_with_more_room_are_those_that_the_user_allows(device, dtype, allowed, places):
    found = retreats_from(device, dtype, half_precision=True, to_half=allowed[0], to_cpu=allowed[1])
    assert [(step.device, step.dtype) for step in found] == places
    assert all("1 of 255 on average" in step.notice for step in found)


def test_model_that_is_not_safe_in_half_precision_is_not_put_there():
    assert not retreats_from(CUDA, torch.float32, half_precision=False, to_half=True, to_cpu=False)


@pytest.mark.parametrize("stage", ["encode", "interpolate"])
@pytest.mark.parametrize("begin", [1, 3])
def test_full_device_is_left_for_the_next_place_in_the_middle_of_a_job(
    job, expected, places, tmp_path, stage, begin
):
    def fail(number, *_batch):
        if number >= begin:
            full()

    hook = {"encode": "before_encode", "interpolate": "before_call"}[stage]
    cards = Cards(FakeModel(**{hook: fail}), FakeModel(before_encode=full), FakeModel())
    events = []
    Engine(cards.cache()).run(job, on_event=events.append)
    assert [dtype for _, dtype in cards.asked] == [torch.float32, torch.float64, torch.float32]
    assert [text for text in notices_of(events) if "went on" in text] == [
        "went on in half precision",
        "went on on the CPU",
    ]
    assert len(set(notices_of(events))) >= 3
    assert content(tmp_path / "out") == expected
    made = [call for model in cards.models for call in model.calls]
    assert len(made) == 6  # none twice


def test_model_that_cannot_be_loaded_is_loaded_elsewhere(job, expected, places, tmp_path):
    class Full(ModelCache):
        asked = 0

        def get(self, *arguments, **options):
            Full.asked += 1
            if Full.asked <= 4:  # each place is tried twice
                full()
            return fake_cache(FakeModel()).get(*arguments, **options)

    events = []
    engine = Engine(Full(free_memory=lambda _d: 0, release=lambda _d: None))
    engine.run(job, on_event=events.append)
    assert content(tmp_path / "out") == expected
    assert next(event for event in events if isinstance(event, Started)).device == "cpu"


def test_device_that_is_full_everywhere_keeps_what_is_finished(job, expected, places, tmp_path):
    def third(number, _batch):
        if number >= 3:
            full()

    cards = Cards(FakeModel(before_call=third), *(FakeModel(before_call=full) for _ in range(2)))
    with pytest.raises(DeviceMemoryError, match="ran out of memory on cpu"):
        Engine(cards.cache()).run(job)
    assert check_finished_frames(tmp_path / "out", expected) >= 3


def test_tiles_come_before_another_place(tmp_path, places):
    write_sequence(tmp_path / "in", 2, size=(320, 320))
    cards = Cards(SmallDeviceModel(256 * 256))
    events = []
    Engine(cards.cache()).run(make_job(tmp_path / "in", tmp_path / "out"), on_event=events.append)
    assert len(cards.asked) == 1
    assert any("in tiles of up to 256×256" in text for text in notices_of(events))


@pytest.mark.parametrize("is_lasting", [False, True])
@pytest.mark.parametrize("stage", ["decode", "encode file"])
def test_full_main_memory_is_waited_for_once_and_then_told(
    job, expected, tmp_path, monkeypatch, stage, is_lasting
):
    name = {"decode": "read_frame", "encode file": "write_frame"}[stage]
    work, calls = getattr(images, name), []

    def fail(path, *arguments):
        calls.append(path)
        if len(calls) == 3 or (is_lasting and len(calls) > 2):
            raise MemoryError
        return work(path, *arguments)

    handed_back = []
    monkeypatch.setattr(host_allocator, "hand_back", lambda: handed_back.append(True))
    monkeypatch.setattr(main_memory, "_PAUSE_S", 0.01)
    monkeypatch.setattr(images, name, fail)
    if not is_lasting:
        run(job)
        assert len(handed_back) == 3  # before the loop, now, and at its end
        assert content(tmp_path / "out") == expected
        return
    with pytest.raises(HostMemoryError, match=r"f é .*: main memory is full\. Close other prog"):
        run(job)
    check_finished_frames(tmp_path / "out", expected)
    monkeypatch.undo()
    run(job)
    assert content(tmp_path / "out") == expected


def test_frames_that_would_fill_main_memory_are_made_in_tiles(tmp_path, monkeypatch):
    write_sequence(tmp_path / "in", 2, size=(320, 448))
    monkeypatch.setattr(memory, "free_memory_bytes", lambda _device: 100 << 20)
    model = FakeModel()
    _, events = run(make_job(tmp_path / "in", tmp_path / "out"), model)
    assert {max(call.shape[-2:]) for call in model.calls} == {256}
    [notice] = [text for text in notices_of(events) if "Whole frames" in text]
    assert "Whole frames of 448×320 would take about 0." in notice
    asked = make_job(tmp_path / "in", tmp_path / "asked", tile_size=320)
    _, events = run(asked)
    assert not [text for text in notices_of(events) if "Whole frames" in text]


def test_container_limits_what_is_free(tmp_path):
    group = tmp_path / "farm" / "job"
    group.mkdir(parents=True)
    (tmp_path / "cgroup").write_text("1:cpu:/x\n0::/farm/job\n")
    (group / "memory.max").write_text("max\n")
    (group.parent / "memory.max").write_text("1000000\n")
    (group.parent / "memory.current").write_text("700000\n")
    (group.parent / "memory.stat").write_text("anon 5\ninactive_file 50000\n")
    assert main_memory._free_in_containers(tmp_path / "cgroup", tmp_path) == [350_000]
    assert main_memory._free_in_containers(tmp_path / "none", tmp_path) == []


def test_real_model_in_tiles_differs_hardly_from_whole_frames(tmp_path, checkpoint_folder):
    """See benchmarks/tiles.py for film."""
    rows, columns = np.mgrid[0:288, 0:320]
    picture = 128 + 60 * np.sin(rows / 17) * np.cos(columns / 23) + 40 * np.sin(columns / 5)
    folder = tmp_path / "in"
    folder.mkdir()
    from ..engine.image_files import encode_png
    from ..engine.sequences import read_png

    for index in range(2):
        shifted = np.roll(picture, 4 * index, axis=1)
        codes = np.repeat(shifted.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
        (folder / f"f_{index}.png").write_bytes(encode_png(codes))
    engine = Engine()
    made = {}
    for tile_size in (0, 256):
        job = make_job(folder, tmp_path / f"out {tile_size}", tile_size=tile_size)
        engine.run(dataclasses.replace(job, name_prefix="o_", first_number=0))
        made[tile_size] = read_png(tmp_path / f"out {tile_size}" / "o_0001.png").astype(float)
    difference = np.abs(made[0] - made[256])
    assert 0 < difference.mean() < 1
    assert catalog.find(job.model).title.startswith("RIFE")
