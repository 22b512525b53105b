"""Frames that are fetched late, as on CUDA: all is as where they are fetched at once."""

from __future__ import annotations

import dataclasses
import weakref
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blender_vfi.engine import memory
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.courtesy import Courtesy
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.network import Network
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.sharing import DealtPairs, PairDealer
from blender_vfi.engine.times import plan_at
from blender_vfi.errors import FrameError, ModelError, OutputError, VfiError

from .fake_model import CPU, FakeModel, fake_spec
from .image_files import save
from .late_staging import LateStaging, installed, late  # noqa: F401 - a fixture
from .sequences import make_job
from .test_sharing import content, meeting_models, run

pytestmark = pytest.mark.torch

NAN = float("nan")
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"


@dataclasses.dataclass(frozen=True)
class Story:
    """What is made, and what befalls it.

    Attributes:
        values: of the flat source frames: where two in turn are the same, nothing is asked.
        times: in parts of 32 of the whole time, the moments to show in any order, if there are any.
        spoilt: tenths of moments at which the model's answers are no number, whatever the pair.
        heals: whether they are numbers in full precision.
        most: moments that fit into memory at once; 0 where not even one does, in some pair.
        fault: what ends it, and when: at this call, store or frame.
    """

    values: tuple[int, ...]
    multiplier: int
    times: tuple[int, ...]
    timesteps: str
    context: int
    batch: int
    finished: frozenset[int]
    spoilt: frozenset[int]
    heals: bool
    bad_frames: str
    most: int
    full_once_at: int
    fault: str
    at: int


STORIES = st.builds(
    Story,
    values=st.lists(st.integers(0, 6), min_size=2, max_size=6).map(tuple),
    multiplier=st.integers(2, 6),
    times=st.one_of(st.just(()), st.lists(st.integers(0, 32), max_size=12).map(tuple)),
    timesteps=st.sampled_from(["any", "any", "any", "fixed", "middle"]),
    context=st.sampled_from([2, 2, 4]),
    batch=st.integers(1, 4),
    finished=st.frozensets(st.integers(0, 30), max_size=8),
    spoilt=st.one_of(st.just(frozenset()), st.frozensets(st.integers(1, 9), max_size=3)),
    heals=st.booleans(),
    bad_frames=st.sampled_from(["fail", "hold", "blend"]),
    most=st.sampled_from([9, 9, 9, 2, 1, 0]),
    full_once_at=st.sampled_from([0, 0, 0, 1, 2, 3, 4]),
    fault=st.sampled_from(["none", "none", "cancel", "store", "frame", "pair"]),
    at=st.integers(1, 8),
)


class Model(FakeModel):
    """A fake model of which some answers are spoilt, by what is asked and not by when."""

    def __init__(self, story: Story) -> None:
        super().__init__(before_call=self._befall)
        self._story = story

    def _befall(self, number, batch):
        if batch > self._story.most or number == self._story.full_once_at:
            raise RuntimeError(FULL)

    def forward(self, frames, features, timesteps, quality):
        is_half = frames[0].dtype is torch.bfloat16
        made = super().forward([frame.float() for frame in frames], features, timesteps, quality)
        answer = made.frames.clone()
        for place, moment in enumerate(timesteps):
            if int(moment * 10) in self._story.spoilt and (is_half or not self._story.heals):
                answer[place, 0, 2, 3] = NAN
        return dataclasses.replace(made, frames=answer)


class Ends:
    """Source and sink; writes down what it is given, and when."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.log: list[tuple[object, ...]] = []

    def load(self, index):
        if self._story.fault == "frame" and index >= self._story.at:
            raise FrameError(f"frame {index} is damaged")
        return torch.full((8, 8, 3), self._story.values[index] / 8)

    def store(self, output_index, frame):
        if self._story.fault == "store" and len(self.log) >= self._story.at:
            raise OutputError("the disk is full")
        self.log.append(("frame", output_index, frame.clone().flatten().tolist()))

    def end_pair(self, work):
        if self._story.fault == "pair" and len(self.log) >= self._story.at:
            raise OutputError("the disk is nearly full")
        self.log.append(("pair", work.pair))


def tell(story: Story) -> tuple[list[tuple[object, ...]], list[int], str]:
    """Make the frames of a story: what came out in order, what is bad, and how it ended."""
    model, ends, bad = Model(story), Ends(story), []
    count = len(story.values)
    whole = plan(count, story.multiplier)
    if story.times:
        whole = plan_at(count, [Fraction(time * (count - 1), 32) for time in story.times])
    loop = FrameLoop(
        model,
        fake_spec(pad_multiple=8, timesteps=story.timesteps, context=story.context),
        ChannelLayout(count=3),
        LoopPolicy(
            device=CPU,
            dtype=torch.bfloat16,
            largest_batch=story.batch,
            bad_frames=story.bad_frames,
            clear_cache_every=2,
        ),
        is_cancelled=lambda: story.fault == "cancel" and len(model.calls) >= story.at,
        on_bad=bad.append,
    )
    try:
        loop.run(whole, ends, ends, works=whole.pairs(story.finished), on_pair=ends.end_pair)
    except VfiError as error:
        return ends.log, bad, f"{type(error).__name__}: {error}"
    return ends.log, bad, ""


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STORIES)
def test_late_frames_are_those_of_a_loop_that_waits_in_the_same_order(story):
    staging = LateStaging()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "clear_cache", lambda _device: None)  # which takes its time
        log, bad, ending = tell(story)
        installed(patch, staging)
        late_log, late_bad, late_ending = tell(story)
    assert staging.most_under_way <= 1
    assert staging.most_held <= 2 * story.context
    # what is asked for again counts as a call: there, such a story goes on or ends elsewhere
    is_told_by_calls = story.full_once_at or story.fault == "cancel"
    if story.spoilt and story.timesteps != "middle" and is_told_by_calls:
        assert all(late == one for late, one in zip(late_log, log, strict=False))
    else:
        assert (late_log, late_ending) == (log, ending)
        # by recursion, the next frame is judged before the one before it is stored
        is_ahead = story.timesteps == "middle" and bool(ending)
        assert late_bad[: len(bad)] == bad
        assert len(late_bad) <= len(bad) + is_ahead


class Flat:
    """Flat frames, and in which order they were asked for, made and stored."""

    def __init__(self, count: int = 4) -> None:
        self.log: list[str] = []
        self.count = count

    def load(self, index):
        self.log.append(f"load {index}")
        return torch.full((8, 8, 3), index / 10)

    def store(self, output_index, _frame):
        self.log.append(f"store {output_index}")

    def fit_two(self, _number, batch):
        self.log.append(f"call of {batch}")
        if batch > 2:
            raise RuntimeError(FULL)

    def loop(self, model=None, multiplier=2, **options):
        policy = {"device": CPU} | options.pop("policy", {})
        frame_loop = FrameLoop(
            model
            or FakeModel(before_call=lambda number, _batch: self.log.append(f"call {number}")),
            fake_spec(pad_multiple=8),
            ChannelLayout(count=3),
            LoopPolicy(**policy),
            **options,
        )
        pairs = plan(self.count, multiplier)
        frame_loop.run(pairs, self, self, on_pair=lambda work: self.log.append(f"end {work.pair}"))


def test_the_next_pair_is_asked_for_before_frames_are_waited_for(late):  # noqa: F811
    flat = Flat()
    flat.loop()
    assert flat.log == [
        *("load 0", "load 1", "call 1", "load 2", "call 2", "store 1", "end 0"),
        *("load 3", "call 3", "store 3", "end 1", "store 5", "end 2"),
    ]
    assert late.under_way == 0


def test_one_frame_more_is_held_where_pairs_follow_each_other(late):  # noqa: F811
    Flat(8).loop()
    assert late.most_held == 3


def test_without_copies_beside_frames_are_waited_for(late):  # noqa: F811
    flat = Flat(3)
    flat.loop(policy={"copies_beside": False})
    assert flat.log[2:5] == ["call 1", "store 1", "end 0"]


def test_where_memory_was_full_nothing_is_under_way_from_then_on(late, monkeypatch):  # noqa: F811
    under_way = []
    monkeypatch.setattr(memory, "clear_cache", lambda _device: under_way.append(late.under_way))
    flat = Flat(5)

    def fill(number, _batch):
        flat.log.append(f"call {number}")
        if number == 2:
            raise RuntimeError(FULL)

    flat.loop(FakeModel(before_call=fill))
    assert under_way == [0, 0]
    assert flat.log[3:9] == ["load 2", "call 2", "call 3", "store 1", "end 0", "store 3"]
    assert flat.log[9:13] == ["end 1", "load 3", "call 4", "store 5"]


def test_in_batches_that_fit_frames_come_late_again(late):  # noqa: F811
    flat = Flat(4)
    model = FakeModel(before_call=flat.fit_two)
    flat.loop(model, multiplier=5, policy={"largest_batch": 4})
    assert flat.log[2:10] == [
        *("call of 4", "call of 4", "call of 2", "call of 2", "store 1", "store 2"),
        *("load 2", "call of 2"),
    ]


@pytest.mark.parametrize("manner", ["pause", "cpu"])
def test_nothing_is_under_way_when_a_device_is_left(late, monkeypatch, manner):  # noqa: F811
    monkeypatch.setattr(memory, "is_gpu", lambda _device: True)
    moves, courtesy, flat = [], Courtesy(), Flat(6)
    move = Network.move

    def moving(network, *where):
        moves.append((late.under_way, flat.log[-1]))
        if len(moves) == 1 and manner == "pause":
            courtesy.ask("go")
        return move(network, *where)

    def ask(number, _batch):
        flat.log.append(f"call {number}")
        if number in (2, 4):
            courtesy.ask(manner if number == 2 else "go")

    monkeypatch.setattr(Network, "move", moving)
    flat.loop(FakeModel(before_call=ask), place=courtesy.place())
    assert [under_way for under_way, _ in moves] == [0, 0]
    assert moves[0][1] == "end 1"
    assert [line for line in flat.log if line.startswith("store")] == [
        f"store {index}" for index in (1, 3, 5, 7, 9)
    ]


def test_broken_answers_that_come_to_light_late_name_their_own_frame(late):  # noqa: F811
    story = Story(
        values=(0, 1, 2, 3),
        multiplier=2,
        times=(),
        timesteps="any",
        context=2,
        batch=4,
        finished=frozenset(),
        spoilt=frozenset({5}),
        heals=False,
        bad_frames="fail",
        most=9,
        full_once_at=0,
        fault="none",
        at=1,
    )
    assert tell(story)[2].startswith(f"{ModelError.__name__}: Frame 2: ")
    assert tell(dataclasses.replace(story, bad_frames="hold"))[1] == [1, 3, 5]


@pytest.mark.parametrize("devices", [1, 2])
def test_late_frames_have_the_metadata_of_their_own_sources(tmp_path, monkeypatch, devices):
    (tmp_path / "in").mkdir()
    for number in range(8):
        pixels = np.full((16, 16, 3), number / 8, np.float32)
        save(tmp_path / "in" / f"f_{number}.exr", pixels, {"scene": f"shot {number}"})
    jobs = [make_job(tmp_path / "in", tmp_path / name, cuts="off") for name in ("at_once", "late")]
    run(jobs[0], FakeModel())
    installed(monkeypatch, LateStaging())
    run(jobs[1], *(meeting_models() if devices == 2 else [FakeModel()]))
    assert content(jobs[1].output_dir) == content(jobs[0].output_dir)


class Numbered:
    """A reader that gives numbers for frames and headers."""

    def load(self, index):
        return torch.tensor(index)

    def headers_of_pair(self, pair):
        return f"header {pair}", f"header {pair + 1}"


def test_a_pair_that_was_stopped_before_it_was_stored_is_made_first_when_its_device_goes_on():
    whole = plan(7, 2)
    dealer = PairDealer(
        whole,
        Numbered(),
        whole.pairs(),
        pair_count=6,
        context=2,
        device_count=1,
        frames_that_fit=100,
    )
    stored: set[int] = set()
    dealt = DealtPairs(dealer, lambda: None)
    works = dealt.works(stored)
    assert [next(works).pair, next(works).pair] == [0, 1]
    stored.add(1)
    assert next(works).pair == 2  # the first is stored, the second is not
    assert dealt.headers_of_pair(1) == ("header 1", "header 2")
    works = dealt.works(stored)
    assert [next(works).pair, int(dealt.load(1))] == [1, 1]
    works = dealt.works(stored)
    left = []
    for work in works:
        left.append(work.pair)
        stored.update(at for outputs in work.outputs for at in outputs)
    assert left == [1, 2, 3, 4, 5]


def test_of_the_pair_before_only_the_frames_are_held(late):  # noqa: F811
    features: list[weakref.ref[torch.Tensor]] = []
    held = []

    class Encoding(FakeModel):
        def encode(self, frame):
            (made,) = super().encode(frame)
            features.append(weakref.ref(made))
            held.append(sum(one() is not None for one in features))
            return (made,)

    Flat(8).loop(Encoding())
    assert max(held) == 2
