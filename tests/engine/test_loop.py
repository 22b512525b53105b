"""The frame loop: order, sharing, windows, memory and cancelling, with a model that takes notes."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from blender_vfi.engine import loop as loop_module
from blender_vfi.engine import memory
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan, with_cuts
from blender_vfi.engine.window import window_of
from blender_vfi.errors import DeviceMemoryError, JobCancelledError
from blender_vfi.models.interface import Quality

from .fake_model import CPU, FakeModel, fake_spec

pytestmark = pytest.mark.torch

OUT_OF_MEMORY = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."


class Source:
    """Flat frames: frame i has the value i / 10."""

    def __init__(self, size=(8, 8)):
        self.loaded = []
        self.alive = weakref.WeakSet()
        self.most_alive = 0
        self._size = size

    def load(self, index):
        self.loaded.append(index)
        frame = torch.full((*self._size, 3), index / 10)
        self.alive.add(frame)
        self.most_alive = max(self.most_alive, len(self.alive))
        return frame


class Sink:
    def __init__(self):
        self.frames = {}

    def store(self, output_index, frame):
        self.frames[output_index] = frame.clone()

    def values(self):
        return {index: round(float(frame.mean()), 4) for index, frame in self.frames.items()}


@pytest.fixture
def cleared(monkeypatch):
    """The devices whose cache was cleared, one entry for each time."""
    devices = []
    monkeypatch.setattr(memory, "clear_cache", devices.append)
    return devices


def make_loop(model, *, spec=None, channels=3, hooks=None, **policy):
    return FrameLoop(
        model,
        spec or fake_spec(pad_multiple=8),
        ChannelLayout(count=channels),
        LoopPolicy(device=CPU, **policy),
        **(hooks or {}),
    )


def fail_at(*attempts, message=OUT_OF_MEMORY):
    def hook(number, *_batch):
        if number in attempts:
            raise RuntimeError(message)

    return hook


def test_frames_reach_the_sink_in_order_with_their_moments():
    sink, model = Sink(), FakeModel()
    make_loop(model).run(plan(3, 4), Source(), sink)
    assert list(sink.frames) == [1, 2, 3, 5, 6, 7]
    assert sink.values() == pytest.approx(
        {1: 0.025, 2: 0.05, 3: 0.075, 5: 0.125, 6: 0.15, 7: 0.175}
    )


def test_frames_are_float32_on_the_cpu_with_the_size_of_the_source():
    sink = Sink()
    make_loop(FakeModel()).run(plan(2, 2), Source((7, 5)), sink)
    assert sink.frames[1].shape == (7, 5, 3)
    assert sink.frames[1].dtype == torch.float32
    assert sink.frames[1].device == CPU


def test_shared_frame_is_loaded_and_encoded_once():
    source, model = Source(), FakeModel()
    make_loop(model).run(plan(5, 3), source, Sink())
    assert source.loaded == [0, 1, 2, 3, 4]
    assert model.encoded == [0.0, 0.1, 0.2, 0.3, 0.4]
    for call in model.calls:
        assert call.features == tuple((mean,) for mean in call.means)


def test_frames_of_skipped_pairs_are_not_loaded():
    source = Source()
    make_loop(FakeModel()).run(plan(6, 2, keep={0, 4}), source, Sink())
    assert source.loaded == [0, 1, 4, 5]


def test_finished_frames_are_not_made_again():
    source, sink = Source(), Sink()
    whole = plan(4, 3)
    make_loop(FakeModel()).run(whole, source, sink, works=whole.pairs({1, 2, 4}))
    assert list(sink.frames) == [5, 7, 8]
    assert source.loaded == [1, 2, 3]


def test_plan_without_in_between_frames_loads_nothing():
    source, model = Source(), FakeModel()
    make_loop(model).run(plan(4, 3, keep=()), source, Sink())
    assert (source.loaded, model.calls) == ([], [])


def test_windows_of_four_are_mirrored_at_the_ends():
    model = FakeModel()
    source = Source()
    make_loop(model, spec=fake_spec(pad_multiple=8, context=4)).run(plan(4, 2), source, Sink())
    assert [call.means for call in model.calls] == [
        (0.1, 0.0, 0.1, 0.2),
        (0.0, 0.1, 0.2, 0.3),
        (0.1, 0.2, 0.3, 0.2),
    ]
    assert source.loaded == [0, 1, 2, 3]
    assert len(model.encoded) == 4


@pytest.mark.parametrize(
    ("pair", "count", "context", "expected"),
    [
        (0, 2, 2, [0, 1]),
        (0, 2, 4, [1, 0, 1, 0]),
        (0, 3, 4, [1, 0, 1, 2]),
        (1, 3, 4, [0, 1, 2, 1]),
        (3, 9, 4, [2, 3, 4, 5]),
    ],
)
def test_windows_are_mirrored_at_the_ends(pair, count, context, expected):
    assert window_of(plan(count, 2), pair, context) == expected


@pytest.mark.parametrize(
    ("pair", "expected"),
    [(1, [0, 1, 2, 1]), (2, [1, 2, 3, 4]), (3, [4, 3, 4, 3]), (5, [6, 5, 6, 7])],
)
def test_windows_never_reach_over_a_cut(pair, expected):
    cut = with_cuts(plan(8, 2), {2, 4}, dissolves=False)
    assert window_of(cut, pair, 2) == [pair, pair + 1]
    if pair not in cut.cuts:
        assert window_of(cut, pair, 4) == expected


@pytest.mark.parametrize(
    ("count", "pair", "expected"),
    [(5, 0, [4, 0, 1, 2]), (5, 3, [2, 3, 4, 0]), (5, 4, [3, 4, 0, 1]), (2, 1, [0, 1, 0, 1])],
)
def test_windows_of_a_loop_go_on_at_its_beginning(count, pair, expected):
    looped = plan(count, 2, loop=True)
    assert window_of(looped, pair, 4) == expected
    assert window_of(looped, pair, 2) == expected[1:3]


@pytest.mark.parametrize("context", [2, 4])
def test_no_more_than_one_window_of_frames_is_held(context):
    source = Source()
    model = FakeModel()
    make_loop(model, spec=fake_spec(pad_multiple=8, context=context)).run(
        plan(12, 2), source, Sink()
    )
    assert source.most_alive == context
    gc.collect()
    assert len(source.alive) == 0


def test_cache_is_cleared_every_n_pairs_and_at_the_end(cleared):
    counts = []
    make_loop(FakeModel(), clear_cache_every=2).run(
        plan(6, 2), Source(), Sink(), on_pair=lambda _work: counts.append(len(cleared))
    )
    assert counts == [0, 0, 1, 1, 2]  # as each of the five pairs ends
    assert cleared == [CPU] * 3


def test_cache_is_cleared_after_an_error(cleared):
    with pytest.raises(RuntimeError, match="a bug"):
        make_loop(FakeModel(before_call=fail_at(1, message="a bug"))).run(
            plan(3, 2), Source(), Sink()
        )
    assert cleared == [CPU]


def test_pairs_are_reported_after_their_frames_are_stored():
    sink, seen = Sink(), []
    make_loop(FakeModel()).run(
        plan(3, 3), Source(), sink, on_pair=lambda work: seen.append((work.pair, len(sink.frames)))
    )
    assert seen == [(0, 2), (1, 4)]


def test_timesteps_go_in_batches_of_the_largest_allowed():
    model = FakeModel()
    make_loop(model, largest_batch=3).run(plan(3, 8), Source(), Sink())
    assert [len(call.timesteps) for call in model.calls] == [3, 3, 1, 3, 3, 1]
    assert model.calls[0].timesteps == (0.125, 0.25, 0.375)


def test_batched_frames_equal_single_ones():
    single, batched = Sink(), Sink()
    make_loop(FakeModel()).run(plan(3, 8), Source(), single)
    make_loop(FakeModel(), largest_batch=4).run(plan(3, 8), Source(), batched)
    assert single.frames.keys() == batched.frames.keys()
    for index, frame in single.frames.items():
        assert torch.equal(frame, batched.frames[index])


def test_quality_reaches_the_model():
    model = FakeModel()
    quality = Quality(flow_scale=0.5, ensemble=True)
    make_loop(model, quality=quality).run(plan(2, 2), Source((16, 16)), Sink())
    assert model.calls[0].quality == quality


@pytest.mark.parametrize(("size", "told"), [((8, 16), None), ((8, 12), (8, 12)), ((5, 8), (5, 8))])
def test_model_is_told_the_size_of_the_picture_where_it_is_padded(size, told):
    model = FakeModel()
    make_loop(model).run(plan(2, 2), Source(size), Sink())
    assert model.calls[0].quality == Quality(picture_size=told)


@pytest.mark.parametrize("stage", ["before_encode", "before_call"])
def test_memory_that_runs_out_once_is_cleared_and_the_step_repeated(stage, cleared):
    sink, notices = Sink(), []
    model = FakeModel(**{stage: fail_at(2)})
    make_loop(model, hooks={"on_notice": notices.append}).run(plan(4, 2), Source(), sink)
    assert list(sink.frames) == [1, 3, 5]
    assert len(model.encoded) == 4
    assert notices == ["Memory ran out on cpu: cleared the cache and tried again."]
    assert len(cleared) == 2  # then, and at the end


def test_memory_that_stays_full_halves_the_batch_for_good():
    notices, sink = [], Sink()

    def only_two_fit(_number, batch):
        if batch > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    model = FakeModel(before_call=only_two_fit)
    make_loop(model, largest_batch=8, hooks={"on_notice": notices.append}).run(
        plan(3, 9), Source(), sink
    )
    assert list(sink.frames) == [*range(1, 9), *range(10, 18)]
    assert [len(call.timesteps) for call in model.calls] == [2] * 8
    assert notices[1:] == [
        "Memory ran out on cpu: now making 4 frame(s) at a time.",
        "Memory ran out on cpu: now making 2 frame(s) at a time.",
    ]


@pytest.mark.parametrize("stage", ["before_encode", "before_call"])
def test_single_frame_that_does_not_fit_names_the_remedies(stage):
    sink = Sink()
    model = FakeModel(**{stage: fail_at(*range(2, 99))})
    with pytest.raises(DeviceMemoryError, match=r"RIFE 4\.25 ran out of memory on cpu .* 0\.5"):
        make_loop(model, largest_batch=4).run(plan(3, 5), Source(), sink)


def test_other_runtime_errors_are_not_taken_for_full_memory(cleared):
    model = FakeModel(before_call=fail_at(1, message="expected a 4D tensor"))
    with pytest.raises(RuntimeError, match="4D") as raised:
        make_loop(model).run(plan(2, 2), Source(), Sink())
    assert not isinstance(raised.value, DeviceMemoryError)
    assert cleared == [CPU]


def test_the_failed_attempt_lets_go_of_its_tensors_before_the_cache_is_cleared(monkeypatch):
    held = []

    class Filled:
        pass

    def fill(number, _batch):
        if number == 1:
            filled = Filled()
            held.append(weakref.ref(filled))
            raise RuntimeError(OUT_OF_MEMORY)

    alive = []
    monkeypatch.setattr(memory, "clear_cache", lambda _device: alive.append(held[0]() is not None))
    make_loop(FakeModel(before_call=fill)).run(plan(2, 2), Source(), Sink())
    assert alive == [False, False]


def test_cancel_is_heard_before_the_next_call_of_the_model():
    sink, model = Sink(), FakeModel()
    with pytest.raises(JobCancelledError):
        make_loop(model, hooks={"is_cancelled": lambda: len(model.calls) == 2}).run(
            plan(3, 4), Source(), sink
        )
    assert len(model.calls) == 2
    assert list(sink.frames) == [1, 2]


def test_cancelled_loop_holds_no_frames():
    source = Source()
    with pytest.raises(JobCancelledError):
        make_loop(FakeModel(), hooks={"is_cancelled": lambda: True}).run(plan(3, 2), source, Sink())
    gc.collect()
    assert len(source.alive) == 0


@pytest.mark.parametrize(("size", "padded"), [((7, 5), (64, 64)), ((65, 128), (128, 128))])
def test_odd_sizes_are_padded_for_the_model_and_cropped_again(size, padded):
    sink, model = Sink(), FakeModel()
    make_loop(model, spec=fake_spec(pad_multiple=64)).run(plan(2, 2), Source(size), sink)
    assert model.calls[0].shape[2:] == padded
    assert sink.frames[1].shape[:2] == size
    assert torch.allclose(sink.frames[1], torch.full((*size, 3), 0.05))


def test_padding_is_black_on_the_right_and_below():
    seen = []
    model = FakeModel()
    encode = model.encode
    model.encode = lambda frame: seen.append(frame) or encode(frame)
    make_loop(model, channels=3).run(plan(2, 2), Source((3, 5)), Sink())
    later = seen[1][0, 0]
    assert torch.equal(later[:3, :5], torch.full((3, 5), 0.1))
    assert later.sum().item() == pytest.approx(1.5)


def test_the_loop_leaves_the_source_tensors_alone():
    frames = torch.rand(3, 8, 8, 4)
    before = frames.clone()

    class Tensors:
        def load(self, index):
            return frames[index]

    make_loop(FakeModel(), channels=4).run(plan(3, 2), Tensors(), Sink())
    assert torch.equal(frames, before)
    assert loop_module.LoopPolicy(device=CPU).largest_batch == 1
