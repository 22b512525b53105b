"""Answers that are no pictures: noticed, asked again in fp32, told by name, and stood in for."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from blender_vfi.engine import images
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.soundness import mended, sound_moments
from blender_vfi.errors import ModelError, RequestError
from blender_vfi.models.interface import Interpolation

from . import fake_jobs
from .fake_jobs import notices_of
from .fake_model import CPU, FakeModel, PictureModel, fake_spec
from .image_files import save
from .sequences import make_job, read_png, visible_names, write_sequence

pytestmark = pytest.mark.torch

NAN, INF = float("nan"), float("inf")


class BrokenModel(FakeModel):
    """A fake model whose answers are spoilt: in which calls, at which moments, in which part."""

    def __init__(
        self,
        spoils: Callable[[int, Tensor], bool] = lambda _call, _frame: True,
        *,
        part: str = "frames",
        moment: int = 0,
        **options,
    ) -> None:
        super().__init__(**options)
        self._spoils, self._part, self._moment = spoils, part, moment
        self.count = 0

    def forward(self, frames, features, timesteps, quality):
        made = super().forward([frame.float() for frame in frames], features, timesteps, quality)
        self.count += 1
        if self._spoils(self.count, frames[0]):
            part = getattr(made, self._part).clone()
            part[self._moment, 0, 2, 3] = NAN
            made = dataclasses.replace(made, **{self._part: part})
        return made


def in_half(_call, frame):
    return frame.dtype == torch.bfloat16


class Frames:
    def __init__(self, frames: list[Tensor]) -> None:
        self.frames = frames
        self.made: dict[int, Tensor] = {}

    def load(self, index: int) -> Tensor:
        return self.frames[index]

    def store(self, output_index: int, frame: Tensor) -> None:
        self.made[output_index] = frame


def flat(*values: float, channels: int = 3) -> list[Tensor]:
    return [torch.full((16, 16, channels), value) for value in values]


def loop(model, frames, multiplier=2, *, layout=None, spec=None, **options):
    """Run the loop over frames in memory: what was made, bad frames, and notices."""
    policy = {"device": CPU, "largest_batch": 8} | options
    bad: list[int] = []
    notices: list[str] = []
    ends = Frames(frames)
    FrameLoop(
        model,
        spec or fake_spec(),
        layout or ChannelLayout(count=3),
        LoopPolicy(**policy),
        on_notice=notices.append,
        on_bad=bad.append,
    ).run(plan(len(frames), multiplier), ends, ends)
    return ends.made, bad, notices


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("part", ["frames", "flow_t0", "flow_t1", "mask"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_one_value_anywhere_in_an_answer_spoils_its_moment_alone(part, value, dtype):
    largest = min(torch.finfo(dtype).max, 1e30)  # of a half, the sum would be no half
    made = {
        name: torch.full((3, count, 8, 8), largest, dtype=dtype)
        for name, count in {"frames": 3, "flow_t0": 2, "flow_t1": 2, "mask": 1}.items()
    }
    assert sound_moments(Interpolation(**made)).tolist() == [True] * 3
    made[part][1, 0, 4, 5] = value
    assert sound_moments(Interpolation(**made)).tolist() == [True, False, True]


def test_overflow_in_half_precision_is_made_again_in_full_and_told_once():
    made, bad, notices = loop(BrokenModel(in_half), flat(0.0, 0.5, 1.0), dtype=torch.bfloat16)
    assert [float(made[at].mean()) for at in (1, 3)] == [0.25, 0.75]
    assert bad == []
    [notice] = notices
    assert notice.startswith("Frame 2: the answer of RIFE 4.25 is infinite or no number in bf16;")


def test_weights_are_turned_to_full_precision_on_a_copy():
    class Weighted(BrokenModel):
        def __init__(self):
            super().__init__(in_half)
            self.weight = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))

        def encode(self, frame):
            assert frame.dtype == self.weight.dtype
            return super().encode(frame)

    model = Weighted()
    made, _, _ = loop(model, flat(0.0, 1.0), dtype=torch.bfloat16)
    assert float(made[1].mean()) == 0.5
    assert model.weight.dtype == torch.bfloat16


def test_good_answers_are_asked_for_once():
    model = FakeModel()
    _, bad, notices = loop(model, flat(0.0, 1.0), 4, dtype=torch.bfloat16)
    assert (len(model.calls), bad, notices) == (1, [], [])


def test_by_default_the_job_fails_with_the_frame_s_name():
    with pytest.raises(ModelError, match=r"Frame 4: .* in fp32 too.* \(bad_frames=.hold.\)"):
        loop(BrokenModel(lambda call, _frame: call == 2), flat(0.0, 0.5, 1.0))


@pytest.mark.parametrize(("policy", "expected"), [("hold", 0.2), ("blend", 0.4)])
@pytest.mark.parametrize("part", ["frames", "flow_t0"])
def test_only_the_bad_moment_is_stood_in_for(policy, expected, part):
    model = BrokenModel(part=part, moment=1)
    made, bad, notices = loop(model, flat(0.2, 0.6), 4, bad_frames=policy)
    values = [float(made[at].mean()) for at in (1, 2, 3)]
    assert values == pytest.approx([0.3, expected, 0.5])
    assert bad == [2]
    assert notices[0].startswith("Frame 3: the answer")


@pytest.mark.parametrize(("policy", "share"), [("hold", 0.0), ("blend", 0.5)])
def test_alpha_and_light_stand_in_too(policy, share):
    layout = ChannelLayout(count=4, is_linear=True, alpha_mode="premultiplied")
    earlier, later = flat(0.5, 2.0, channels=4)
    earlier[..., 3], later[..., 3] = 0.25, 0.75
    made, bad, _ = loop(BrokenModel(), [earlier, later], layout=layout, bad_frames=policy)
    assert bad == [1]
    assert torch.allclose(made[1], torch.lerp(earlier, later, share))


def test_light_and_alpha_of_a_model_that_yields_pictures_are_held():
    layout = ChannelLayout(count=4, is_linear=True, alpha_mode="premultiplied")
    earlier, later = flat(0.5, 2.0, channels=4)
    earlier[..., 3], later[..., 3] = 0.25, 0.75
    made, bad, _ = loop(
        BrokenModel(yields_flow=False),
        [earlier, later],
        layout=layout,
        spec=fake_spec(yields_flow=False),
        bad_frames="hold",
    )
    assert bad == [1]
    assert torch.allclose(made[1], earlier, atol=2e-3)


def test_a_model_led_by_recursion_names_the_frame_that_is_bad():
    spec = fake_spec(timesteps="middle")
    model = BrokenModel(lambda call, _frame: call == 2)
    made, bad, _ = loop(model, flat(0.0, 1.0), 4, spec=spec, bad_frames="hold")
    assert bad == [1]
    assert [float(made[at].mean()) for at in (1, 2, 3)] == [0.0, 0.5, 0.75]


def test_frames_made_again_keep_to_the_tiles_that_fit():
    model = BrokenModel(in_half)
    frames = [torch.rand(256, 384, 3) for _ in range(2)]
    made, bad, _ = loop(model, frames, dtype=torch.bfloat16, tile_size=128)
    assert torch.allclose(made[1], (frames[0] + frames[1]) / 2, atol=1e-5)
    assert bad == []


def test_stand_in_has_no_motion_and_leaves_sound_moments_alone():
    frames = torch.rand(2, 3, 4, 4)
    flow = torch.ones(2, 2, 4, 4)
    answer = Interpolation(frames=frames, flow_t0=flow, flow_t1=flow, mask=torch.zeros(2, 1, 4, 4))
    pictures = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    sound = torch.tensor([True, False])
    made = mended(answer, sound, pictures, [Fraction(1, 4), Fraction(3, 4)], blends=True)
    assert made.flow_t0 is not None
    assert made.mask is not None
    assert torch.equal(made.frames[0], frames[0])
    parts = (made.frames, made.flow_t0, made.mask)
    assert [float(part[1].mean()) for part in parts] == [0.75, 0.0, 0.25]
    assert [float(part[0].mean()) for part in parts[1:]] == [1.0, 0.0]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 3)
    return tmp_path / "in"


def run(job, model):
    finished, events = fake_jobs.run(job, model)
    return finished, notices_of(events)


def second_pair(call, _frame):
    return call == 2


def record(output: Path) -> dict:
    return json.loads((output / "vfi_job.json").read_text(encoding="utf-8"))


def test_bad_frames_stand_in_report_and_record_by_name(source, tmp_path):
    job = make_job(source, tmp_path / "out", bad_frames="hold")
    finished, notices = run(job, BrokenModel(second_pair))
    assert finished.bad_frames == ("f é 0004.png",)
    assert record(tmp_path / "out")["bad_frames"] == ["f é 0004.png"]
    assert notices[-1].endswith("should be looked at: f é 0004.png.")
    held, before = (read_png(tmp_path / "out" / f"f é {number:04d}.png") for number in (4, 3))
    assert np.array_equal(held, before)
    again, _ = run(job, FakeModel())
    assert (again.frames_made, again.bad_frames) == (0, ("f é 0004.png",))


def test_a_job_that_failed_at_a_bad_frame_goes_on_when_it_may_be_held(source, tmp_path):
    job = make_job(source, tmp_path / "out")
    with pytest.raises(ModelError, match=r"f é 0004\.png: the answer"):
        run(job, BrokenModel(second_pair))
    assert "bad_frames" not in record(tmp_path / "out")
    finished, _ = run(dataclasses.replace(job, bad_frames="hold"), BrokenModel())
    assert (finished.frames_made, finished.bad_frames) == (1, ("f é 0004.png",))


def test_bad_frames_alone_are_made_again_when_they_are_to_be_treated_otherwise(source, tmp_path):
    job = make_job(source, tmp_path / "out", bad_frames="hold")
    run(job, BrokenModel(second_pair))
    finished, _ = run(dataclasses.replace(job, bad_frames="blend"), FakeModel())
    assert (finished.frames_made, finished.bad_frames) == (1, ())
    assert "bad_frames" not in record(tmp_path / "out")


FIREFLIES = ((4, 4, NAN), (9, 9, INF), (12, 3, -INF))


def with_fireflies() -> tuple[np.ndarray, np.ndarray]:
    """Return a linear picture of fireflies on grey, and where they are not near."""
    pixels = np.full((16, 16, 3), 0.5, np.float32)
    elsewhere = np.ones((16, 16), bool)
    for row, column, value in FIREFLIES:
        pixels[row, column] = value
        elsewhere[row - 1 : row + 2, column - 1 : column + 2] = False
    return pixels, elsewhere


def test_fireflies_of_the_source_are_not_the_model_s_fault(tmp_path):
    clean = np.full((16, 16, 3), 0.5, np.float32)
    spoilt, elsewhere = with_fireflies()
    (tmp_path / "in").mkdir()
    for number, pixels in enumerate((clean, spoilt, clean), start=1):
        save(tmp_path / "in" / f"f_{number}.exr", pixels)
    model = FakeModel()
    job = make_job(tmp_path / "in", tmp_path / "out", cuts="off")
    finished, _ = run(job, model)
    assert finished.bad_frames == ()
    assert len(visible_names(tmp_path / "out")) == 5
    assert all(np.isfinite(mean) for call in model.calls for mean in call.means)
    between = images.read_frame(tmp_path / "out" / "f_0002.exr").pixels
    assert np.abs(between[elsewhere] - 0.5).max() < 0.01
    assert not np.isfinite(between[4, 4]).any()


def test_fireflies_shown_to_a_model_that_yields_pictures_are_within_what_it_takes():
    spoilt, elsewhere = with_fireflies()
    model = PictureModel()
    made, bad, _ = loop(
        model,
        [torch.full((16, 16, 3), 0.5), torch.from_numpy(spoilt)],
        layout=ChannelLayout(count=3, is_linear=True, alpha_mode="none"),
        spec=fake_spec(yields_flow=False),
    )
    assert bad == []
    assert bool(torch.isfinite(made[1]).all())
    assert np.abs(made[1].numpy()[elsewhere] - 0.5).max() < 0.01


def test_an_unknown_way_to_treat_bad_frames_is_refused(source, tmp_path):
    with pytest.raises(RequestError, match="Bad frames skip: must be one of fail, hold, blend"):
        make_job(source, tmp_path / "out", bad_frames="skip")
