"""Models that cannot reach every moment by themselves, led there by the loop."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.errors import JobCancelledError

from .fake_model import CPU, FakeModel, fake_spec
from .test_loop import Sink, Source

pytestmark = pytest.mark.torch


def run(
    timesteps, multiplier, *, frames=2, channels=3, finished=(), model=None, source=None, **hooks
):
    sink, model, whole = Sink(), model or FakeModel(), plan(frames, multiplier)
    FrameLoop(
        model,
        fake_spec(pad_multiple=8, timesteps=timesteps),
        ChannelLayout(count=channels),
        LoopPolicy(device=CPU),
        **hooks,
    ).run(whole, source or Source(), sink, works=whole.pairs(finished))
    return sink, model


@pytest.mark.parametrize("timesteps", ["middle", "recursive"])
def test_a_power_of_two_is_exact_and_made_of_middles_alone(timesteps):
    sink, model = run(timesteps, 4)
    assert sink.values() == pytest.approx({1: 0.025, 2: 0.05, 3: 0.075})
    assert [call.timesteps for call in model.calls] == [(0.5,)] * 3
    assert model.calls[1].means == (0.0, 0.05), "the second is made from the first"


def test_recursion_hits_thirds_exactly():
    sink, model = run("recursive", 3)
    assert sink.values() == pytest.approx({1: 0.0333, 2: 0.0667}, abs=1e-4)
    assert model.calls[1].timesteps == (0.5,)


def test_halving_puts_thirds_at_the_nearest_sixteenths_and_says_so_once():
    notices = []
    sink, _model = run("middle", 3, frames=3, on_notice=notices.append)
    assert sink.values() == pytest.approx(
        {1: 0.1 * 5 / 16, 2: 0.1 * 11 / 16, 4: 0.1 + 0.1 * 5 / 16, 5: 0.1 + 0.1 * 11 / 16}, abs=1e-4
    )
    assert len(notices) == 1
    assert "0.021 of a source frame" in notices[0]


@pytest.mark.parametrize(
    ("ratio", "error"), [(Fraction(5, 2), 0.025), (Fraction(6), 0.010), (Fraction(25, 24), 0.030)]
)
def test_a_frame_rate_is_reached_by_halving_in_order_with_one_notice(ratio, error):
    notices = []
    sink, model = run("middle", ratio, frames=9, on_notice=notices.append)
    values = [value for _index, value in sorted(sink.values().items())]
    assert values == sorted(set(values))
    for index, value in sink.values().items():
        assert value == pytest.approx(0.1 * index / float(ratio), abs=0.1 * error + 1e-4)
    assert {call.timesteps for call in model.calls} == {(0.5,)}
    assert len(notices) == 1
    assert f"{error:.3f} of a source frame" in notices[0]


def test_a_model_of_any_moment_gets_the_exact_moments_of_a_frame_rate():
    notices = []
    sink, _model = run("any", Fraction(5, 2), frames=5, on_notice=notices.append)
    assert sink.values() == pytest.approx(
        {index: 0.1 * index * 2 / 5 for index in range(11) if index % 5}, abs=1e-4
    )
    assert notices == []


def test_a_job_that_goes_on_makes_the_same_frames_with_no_step_too_many():
    whole, _model = run("recursive", 5)
    rest, model = run("recursive", 5, finished={1, 2, 3})
    assert list(rest.frames) == [4]
    assert torch.equal(rest.frames[4], whole.frames[4])
    assert len(model.calls) == 3, "two on the way, and the one that was missing; not all four"


def test_frames_on_the_way_are_not_stored():
    sink, model = run("middle", 3)
    assert sorted(sink.frames) == [1, 2]
    assert len(model.calls) > 2


def test_transparent_frames_pass_through_recursion_unchanged():
    class Transparent(Source):
        def load(self, index):
            colour, alpha = torch.full((8, 8, 3), 0.8), torch.full((8, 8, 1), 0.25)
            return torch.cat((colour, alpha), dim=2)

    sink, _model = run("middle", 8, channels=4, source=Transparent())
    for frame in sink.frames.values():
        assert frame[..., :3].sub(0.8).abs().max() < 1e-5
        assert frame[..., 3].sub(0.25).abs().max() < 1e-6


def test_cancel_is_heard_between_two_steps():
    model = FakeModel()
    with pytest.raises(JobCancelledError):
        run("middle", 8, model=model, is_cancelled=lambda: len(model.calls) == 3)
    assert len(model.calls) == 3
