"""The benchmarks of whole jobs: what they compare is the same work, and a rehearsal is complete."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import copies, disk, gpu, loop, png, weights
from benchmarks.footage import long_sequence, padded
from blender_vfi.engine.staging import Download
from blender_vfi.models import catalog, locations

from ..engine.late_staging import LateStaging, installed

pytestmark = pytest.mark.torch


@pytest.fixture
def clip(monkeypatch, tmp_path):
    """Three smooth files, 60 × 90, and no published weights."""
    monkeypatch.setattr(locations, "find_file", lambda _spec: None)
    monkeypatch.setattr(weights, "_FETCHED", tmp_path)
    coarse = torch.rand(3, 3, 5, 7, generator=torch.Generator().manual_seed(4))
    smooth = torch.nn.functional.interpolate(coarse, (60, 90), mode="bilinear")
    (tmp_path / "in").mkdir()
    paths = [tmp_path / "in" / f"frame_{index}.png" for index in range(3)]
    for path, pixels in zip(paths, smooth.mul(255).byte().permute(0, 2, 3, 1), strict=True):
        Image.fromarray(pixels.numpy()).save(path)
    return paths


def test_plain_loop_saves_every_frame_in_order(clip, tmp_path):
    model = weights.build(catalog.find(catalog.DEFAULT_MODEL)).model
    with torch.inference_mode():
        paths = disk.run_plain(model, clip, 2, tmp_path / "plain")
    assert len(paths) == 5
    for saved, source in zip(paths[::2], clip, strict=True):
        np.testing.assert_array_equal(disk._read(saved), disk._read(source))
    assert disk._read(paths[1]).shape == (60, 90, 3)


def test_ratio_is_of_the_plain_loop_and_the_overhead_of_the_model():
    best_s = {"plain": 1.0, "engine": 0.5, "engine, cuts off": 0.4, "alone": 0.4}
    whole, without = disk._rows(best_s, 2)
    assert whole == ("×2", 1.0, 0.5, 2.0, 0.4, pytest.approx(25))
    assert without[3:] == (2.5, 0.4, pytest.approx(0))


def test_loop_is_compared_with_the_model_by_the_clock_and_by_the_processor(clip):
    rows = loop.measure(clip[0].parent, rounds=1)
    assert [row[0] for row in rows] == ["×2", "×4"]
    for _, alone_s, loop_s, over, alone_cpu_s, loop_cpu_s, over_cpu in rows:
        assert over == pytest.approx(100 * (loop_s / alone_s - 1))
        assert over_cpu == pytest.approx(100 * (loop_cpu_s / alone_cpu_s - 1))


def test_loop_and_model_make_the_same_frames(clip):
    class Kept(dict):
        store = dict.__setitem__

    model = weights.build(catalog.find(catalog.DEFAULT_MODEL)).model
    frames = [torch.from_numpy(disk._read(path)) / 255 for path in clip]
    alone, by_loop = Kept(), Kept()
    with torch.inference_mode():
        loop.run_alone(model, [padded(frame) for frame in frames], 4, alone)
        loop.run_loop(model, frames, 4, by_loop)
    assert list(alone) == list(by_loop) == [1, 2, 3, 5, 6, 7]
    for index, frame in by_loop.items():
        assert (alone[index][:60, :90] - frame).abs().max() < 1e-5


def test_long_sequence_goes_there_and_back(clip, tmp_path):
    folder = long_sequence(clip, 7, tmp_path / "long")
    frames = sorted(folder.iterdir())
    order = [next(i for i, path in enumerate(clip) if path.samefile(frame)) for frame in frames]
    assert order == [0, 1, 2, 1, 0, 1, 2]


def test_rehearsal_on_the_cpu_measures_all_that_is_there(clip, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "_footage", lambda _folder, _size, _count: clip)
    monkeypatch.setattr(gpu, "_job_speed", lambda *_arguments: (2.0, None))
    monkeypatch.setattr(gpu, "_ROUNDS", 1)
    assert gpu.main(["--device", "cpu", "--sizes", "90x60", "--frames", "3"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("90×60")]
    assert [row.split()[1:3] for row in rows] == [["fp32", "×2"], ["fp32", "×4"]]
    assert all(row.split()[6:8] == ["2.0", "–"] for row in rows)
    ends = [" ".join(row.split()[14:]) for row in rows]
    assert ends == ["same frames – – 2.0 1.00 –"] * 2


def test_rehearsed_jobs_are_shared_by_two_devices(clip, monkeypatch):
    with Image.open(clip[0]) as picture:
        pixels = np.array(picture)
    for index, path in enumerate(clip):  # one shot, which pans
        Image.fromarray(np.roll(pixels, index, axis=1)).save(path)
    monkeypatch.setattr(gpu, "_footage", lambda _folder, _size, _count: clip)
    used = []

    class Noted(gpu.Engine):
        def run(self, job, **options):
            return super().run(
                job, on_event=lambda event: used.append(getattr(event, "device", "")), **options
            )

    monkeypatch.setattr(gpu, "Engine", Noted)
    monkeypatch.setattr(gpu, "_MULTIPLIERS", (2,))
    monkeypatch.setattr(gpu, "_speeds", lambda *_arguments: (1.0, 1.0))
    [row] = gpu.measure(gpu._devices("cpu"), (90, 60), frames=3, bus=None, within=1e9)
    assert row[15] > 0
    assert row[16] == row[15] / row[4]
    assert [name for name in used if name] == ["cpu", "cpu", "cpu, cpu:0", "cpu, cpu:0"]


def test_check_tells_copies_that_come_too_early(clip, monkeypatch):
    model = weights.build(catalog.find(catalog.DEFAULT_MODEL)).model
    frames = [torch.from_numpy(disk._read(path)) / 255 for path in clip]
    cpu = torch.device("cpu")
    late = installed(monkeypatch, LateStaging())
    beside = copies.Loop(model, frames, 2, device=cpu, dtype=torch.float32)
    assert beside.check() == copies.SAME
    assert late.most_under_way == 1
    monkeypatch.setattr(Download, "wait", lambda download: download._frames)
    assert beside.check() == copies.DIFFERENT


def test_compiled_model_is_measured_against_itself_on_gpus(clip, monkeypatch, checkpoint_folder):
    monkeypatch.setattr(gpu.memory, "is_gpu", lambda _device: True)  # what stands for one here
    monkeypatch.setattr(gpu, "BACKEND", "eager")
    monkeypatch.setattr(gpu, "_ROUNDS", 1)
    speed, ratio = gpu._compiled_speed(torch.device("cpu"), clip[:2], "fp32", 3)
    assert speed > 0
    assert ratio > 0


def test_benchmark_takes_all_gpus_or_those_that_it_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert [device.index for device in gpu._devices("auto")] == [0, 1, 2]
    assert [device.index for device in gpu._devices("cuda:2,cuda:0")] == [0, 2]
    assert [device.index for device in gpu._devices("cuda:1")] == [1]


def test_machine_without_a_gpu_is_told_how_to_rehearse(monkeypatch, capsys):
    monkeypatch.setattr(gpu.memory, "choose_device", lambda _name: torch.device("cpu"))
    assert gpu.main([]) == 1
    assert "--device cpu --sizes 256x144" in capsys.readouterr().out


def test_ways_to_compress_are_compared_with_blenders(tmp_path):
    picture = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    rows = {row[0]: row[1:] for row in png.compare({"noise": picture}, tmp_path / "a.png")}
    assert rows["1, all (Blender)"][1::2] == (1.0, 1.0)
    assert sum("(this engine)" in name for name in rows) == 1
    assert all(cell > 0 for row in rows.values() for cell in row)
