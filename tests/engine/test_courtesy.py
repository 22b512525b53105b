"""A job makes way for a render: leaves its GPU between two pairs, waits or goes on, returns."""

from __future__ import annotations

import threading
import weakref

import pytest
import torch

from blender_vfi.engine import memory
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.courtesy import Courtesy
from blender_vfi.engine.device_lease import DeviceLease
from blender_vfi.engine.layered import LayeredLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.network import Network
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Progress, Resume, Stage, Started, SteppedAside
from blender_vfi.engine.schedule import plan
from blender_vfi.errors import JobCancelledError
from blender_vfi.models import locations
from blender_vfi.models.cache import ModelCache

from .fake_model import CPU, FakeModel, fake_cache, fake_spec
from .scripted_engine import events_until, scripted_engines
from .sequences import make_job, write_sequence
from .test_layered import PASSES, Shots

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    """Take the CPU for a GPU."""
    monkeypatch.setattr(memory, "is_gpu", lambda _device: True)


class Weighted(FakeModel):
    """Writes down in which number format its weights were at each call."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([0.3], dtype=torch.bfloat16))
        self.formats = []

    def forward(self, frames, *rest):
        self.formats.append((self.weight.dtype, frames[0].dtype))
        return super().forward([frame.float() for frame in frames], *rest)


class Frames:
    def __init__(self, count):
        self.frames = [torch.full((8, 8, 3), index / 8) for index in range(count)]
        self.made = {}

    def load(self, index):
        return self.frames[index]

    def store(self, output_index, frame):
        self.made[output_index] = frame


def run_loop(courtesy, model, *, after_pair, count=4, layout=None, source=None, **options):
    frames = Frames(count)
    FrameLoop(
        model,
        fake_spec(),
        layout or ChannelLayout(count=3),
        LoopPolicy(device=CPU, dtype=torch.bfloat16, largest_batch=8),
        place=courtesy.place(),
        **options,
    ).run(plan(count, 2), source or frames, frames, on_pair=lambda work: after_pair(work.pair))
    return frames.made


HALF, FULL = (torch.bfloat16, torch.bfloat16), (torch.float32, torch.float32)


def test_on_the_cpu_a_job_goes_on_in_full_precision_and_returns_to_its_own():
    told = []
    courtesy = Courtesy(told.append)
    model = Weighted()
    asks = {0: "cpu", 1: "go"}
    made = run_loop(
        courtesy, model, after_pair=lambda pair: pair in asks and courtesy.ask(asks[pair])
    )
    assert model.formats == [HALF, FULL, HALF]
    assert told == ["cpu", "go"]
    assert [float(made[at].mean()) for at in (1, 3, 5)] == pytest.approx([1 / 16, 3 / 16, 5 / 16])
    assert float(model.weight.detach()) == float(torch.tensor(0.3, dtype=torch.bfloat16))


def test_a_job_that_finds_its_gpu_full_on_its_return_clears_the_cache_and_tries_again(monkeypatch):
    courtesy, notices, moves = Courtesy(), [], []
    move = Network.move

    def moving(network, device, dtype, frames):
        moves.append(dtype)
        if len(moves) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return move(network, device, dtype, frames)

    monkeypatch.setattr(Network, "move", moving)
    asks = {0: "cpu", 1: "go"}
    model = Weighted()
    run_loop(
        courtesy,
        model,
        after_pair=lambda pair: pair in asks and courtesy.ask(asks[pair]),
        on_notice=notices.append,
    )
    assert moves == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert model.formats == [HALF, FULL, HALF]
    assert notices == ["Memory ran out on cpu: cleared the cache and tried again."]


def test_a_pause_holds_the_job_between_two_pairs_until_it_may_go_on():
    told = []
    paused = threading.Event()

    def tell(manner):
        told.append((manner, courtesy.is_on_device))
        if manner == "pause":
            paused.set()

    courtesy = Courtesy(tell)
    model = Weighted()
    calls = []

    def render():
        assert paused.wait(10)
        calls.append(len(model.formats))
        courtesy.ask("go")

    thread = threading.Thread(target=render)
    thread.start()
    made = run_loop(
        courtesy, model, after_pair=lambda pair: courtesy.ask("pause") if pair == 0 else None
    )
    thread.join()
    assert calls == [1]
    assert told == [("pause", False), ("go", True)]
    assert len(made) == 3


def test_a_paused_job_can_be_cancelled():
    is_over = threading.Event()
    courtesy = Courtesy(lambda _manner: is_over.set())
    with pytest.raises(JobCancelledError):
        run_loop(
            courtesy,
            Weighted(),
            after_pair=lambda _pair: courtesy.ask("pause"),
            is_cancelled=is_over.is_set,
        )


def test_a_job_on_the_cpu_pays_no_heed(monkeypatch):
    monkeypatch.setattr(memory, "is_gpu", lambda device: device.type != "cpu")
    courtesy = Courtesy(lambda _manner: pytest.fail("it should not move"))
    assert len(run_loop(courtesy, Weighted(), after_pair=lambda _pair: courtesy.ask("pause"))) == 3


def test_light_is_shown_alike_after_a_move():
    def means(asks):
        courtesy, model = Courtesy(), Weighted()
        run_loop(
            courtesy,
            model,
            count=5,
            after_pair=lambda pair: pair in asks and courtesy.ask(asks[pair]),
            layout=ChannelLayout(count=3, is_linear=True, alpha_mode="none"),
        )
        return [mean for call in model.calls for mean in call.means]

    assert means({1: "cpu", 2: "go"}) == pytest.approx(means({}), rel=0.02)


def test_passes_move_too():
    told = []
    courtesy = Courtesy(told.append)
    asks = {0: "cpu", 1: "go"}
    made = run_loop(
        courtesy,
        FakeModel(),
        after_pair=lambda pair: pair in asks and courtesy.ask(asks[pair]),
        layout=LayeredLayout(passes=PASSES),
        source=Shots(),
        count=4,
    )
    assert (len(made), told) == (3, ["cpu", "go"])


def test_a_job_that_ended_away_from_its_gpu_leaves_no_model_in_the_cache(tmp_path):
    write_sequence(tmp_path / "in", 3)
    courtesy = Courtesy()

    def note(event):
        if isinstance(event, Started):
            courtesy.ask("cpu")

    runner = Engine(fake_cache(FakeModel()))
    runner.run(make_job(tmp_path / "in", tmp_path / "out"), courtesy=courtesy, on_event=note)
    assert runner.free_memory() == 0
    assert not courtesy.is_on_device
    courtesy.ask("go")
    runner.run(make_job(tmp_path / "in", tmp_path / "again"), courtesy=courtesy)
    assert runner.free_memory() == 1


def test_a_render_that_begins_while_a_job_moves_back_to_its_gpu_waits_for_it(monkeypatch):
    courtesy = Courtesy()
    move = Network.move
    was_to_wait = []

    def slow_move(network, *arguments):
        was_to_wait.append(not courtesy.ask(courtesy.manner))
        return move(network, *arguments)

    monkeypatch.setattr(Network, "move", slow_move)
    asks = {0: "cpu", 1: "go"}
    run_loop(
        courtesy, Weighted(), after_pair=lambda pair: pair in asks and courtesy.ask(asks[pair])
    )
    assert was_to_wait[-1]


@pytest.mark.parametrize("manner", ["pause", "cpu"])
def test_a_job_whose_frames_are_made_leaves_its_gpu_before_it_encodes_a_movie(
    tmp_path, monkeypatch, manner
):
    monkeypatch.setattr(locations, "lock_folder", lambda: tmp_path / "locks")
    write_sequence(tmp_path / "in", 3)
    job = make_job(
        tmp_path / "in",
        tmp_path / "out",
        movie=str(tmp_path / "shot.mkv"),
        movie_rate=(24, 1),
        codec="ffv1",
    )
    models, pairs, told = [], [], []

    def load(spec, *, before_device, **_options):
        model = FakeModel()
        models.append(weakref.ref(model))
        cache = fake_cache(model)
        return cache.get(spec, device=CPU, dtype=torch.float32, before_device=before_device)

    runner = Engine(
        ModelCache(load=load, free_memory=lambda _device: 1 << 40, release=memory.clear_cache)
    )

    def leave():
        runner.free_memory()
        told.append(("left", models[0]()))

    courtesy = Courtesy(on_leave=leave)

    def note(event):
        if isinstance(event, Progress):
            pairs.append(event)
        if len(pairs) == 2 and not told:
            assert not courtesy.ask(manner)
        if isinstance(event, Stage) and event.message == "Encoding the movie":
            told.append("encodes")
            with DeviceLease(job, Courtesy()) as other:
                other.take(CPU, torch.float32, on_wait=pytest.fail, stop_if_cancelled=lambda: None)

    runner.run(job, courtesy=courtesy, on_event=note)
    assert told == [("left", None), "encodes"]
    assert courtesy.ask(manner)


@pytest.mark.parametrize("manner", ["pause", "cpu"])
def test_a_job_that_begins_in_a_render_waits_before_it_loads_its_model(tmp_path, manner):
    write_sequence(tmp_path / "in", 3)
    courtesy = Courtesy()
    assert courtesy.ask(manner)  # nothing has to be waited for: so nothing may come after all
    loads = []
    looks = iter([False] * 12)
    with pytest.raises(JobCancelledError):
        Engine(fake_cache(FakeModel(), loads)).run(
            make_job(tmp_path / "in", tmp_path / "out"),
            courtesy=courtesy,
            is_cancelled=lambda: next(looks, True),
        )
    assert loads == []


def test_a_render_that_begins_while_a_model_is_fetched_waits_for_nothing(tmp_path):
    write_sequence(tmp_path / "in", 3)
    courtesy, seen = Courtesy(), []

    def end_render():
        seen.append(("render ends", courtesy.is_on_device))
        courtesy.ask("go")

    def load(spec, *, before_device, **options):
        seen.append(("render may begin", courtesy.ask("pause")))
        timer = threading.Timer(0.3, end_render)
        timer.start()
        before_device()
        timer.join()
        seen.append(("loaded", courtesy.is_on_device))
        return fake_cache(FakeModel()).get(spec, **options)

    cache = ModelCache(load=load, free_memory=lambda _device: 1 << 40, release=lambda _device: None)
    Engine(cache).run(make_job(tmp_path / "in", tmp_path / "out"), courtesy=courtesy)
    assert seen == [("render may begin", True), ("render ends", False), ("loaded", True)]


def test_a_job_that_loads_anew_in_a_render_says_that_it_has_left_and_when_it_is_back():
    told = []
    courtesy = Courtesy(told.append)
    place = courtesy.place()
    place.enter(lambda: None)
    assert not courtesy.ask("pause")

    def look():
        told.append(courtesy.is_on_device)
        courtesy.ask("go")

    place.enter(look)
    assert told == ["pause", False, "go"]
    assert courtesy.is_on_device


@pytest.fixture
def script(tmp_path):
    with scripted_engines(tmp_path) as make:
        yield make


def test_a_thread_can_wait_until_the_engine_has_stepped_aside(script):
    client = script("""
        ready()
        while (request := hear()) is not None:
            if isinstance(request, Pause):
                time.sleep(0.2)
                say(SteppedAside(on_cpu=request.on_cpu))
    """)
    assert client.step_aside(on_cpu=False, wait_s=0.1)  # none runs, and none is started
    assert not client.is_running
    client.free_memory()
    client._send(Resume())
    results = []
    thread = threading.Thread(
        target=lambda: results.append(client.step_aside(on_cpu=True, wait_s=20))
    )
    thread.start()
    [event] = [e for e in events_until(client, SteppedAside) if isinstance(e, SteppedAside)]
    thread.join(20)
    assert (results, event.on_cpu) == ([True], True)


def test_an_engine_that_does_not_answer_is_not_waited_for_longer_than_told(script):
    client = script("ready()\nwhile hear() is not None: pass")
    client._send(Resume())
    assert not client.step_aside(on_cpu=False, wait_s=0.3)


def test_an_engine_that_dies_holds_nothing(script):
    client = script("ready()\nhear(); hear()")
    client._send(Resume())
    assert client.step_aside(on_cpu=False, wait_s=20)
