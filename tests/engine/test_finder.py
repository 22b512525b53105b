"""Where a strip cuts and where its frames are held, found from small copies of its frames."""

from __future__ import annotations

import numpy as np
import pytest

from blender_vfi.engine.finder import Finder
from blender_vfi.engine.protocol import DEFAULT_CUT_THRESHOLD

from ..golden_data import load_arrays
from .shots import shot, signatures

pytestmark = pytest.mark.torch  # golden frames are tensors


def find(frames, threshold=DEFAULT_CUT_THRESHOLD):
    finder = Finder(threshold)
    for frame in signatures(frames):
        finder.add(frame)
    return finder.findings()


def scaled(frame, factor):
    return (frame * factor).clip(0, 1)


@pytest.mark.parametrize("seed", range(6))
def test_every_cut_between_shots_is_found_where_it_is(seed):
    frames = shot(3 * seed, 7) + shot(3 * seed + 1, 4) + shot(3 * seed + 2, 9)
    assert find(frames).cuts == (6, 10)


def test_a_cut_to_the_last_frame_and_one_after_the_first_are_found():
    assert find(shot(1, 1) + shot(2, 5) + shot(3, 1)).cuts == (0, 5)


@pytest.mark.parametrize("factor", [0.2, 0.4])
def test_a_cut_in_the_dark_is_found(factor):
    dark = [scaled(frame, factor) for frame in shot(1, 4) + shot(2, 4)]
    assert find(dark).cuts == (3,)


@pytest.mark.parametrize("pan", [0, 1, 6, 12, 18])
def test_a_pan_is_no_cut(pan):
    assert find(shot(4, 8, pan=pan)).cuts == ()


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_flash_is_no_cut(length):
    frames = shot(5, 14)
    for index in range(6, 6 + length):
        frames[index] = np.ones_like(frames[index])
    assert find(frames).cuts == ()


def test_an_overexposed_frame_is_no_cut():
    frames = shot(6, 12)
    frames[6] = scaled(frames[6], 4)
    assert find(frames).cuts == ()


def test_a_frame_of_another_picture_as_bright_is_two_cuts():
    other = shot(8, 1)[0]
    frames = shot(7, 8)
    frames[4] = other * (frames[4].mean() / other.mean())
    assert find(frames).cuts == (3, 4)


@pytest.mark.parametrize("length", [6, 12, 24])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_fades_to_black_and_white_are_no_cuts(length, target):
    frames = shot(9, length + 3)
    for index in range(length + 3):
        share = min(index / length, 1)
        frames[index] = frames[index] * (1 - share) + target * share
    assert find(frames).cuts == ()
    assert find(frames[::-1]).cuts == ()


def test_a_dissolve_of_eight_frames_is_no_cut():
    one, two = shot(10, 10), shot(11, 10)
    frames = [one[k] * (1 - k / 9) + two[k] * (k / 9) for k in range(10)]
    assert find(frames).cuts == ()


def test_a_cut_to_black_is_found():
    assert find(shot(12, 5) + [np.zeros((72, 128, 3))] * 5).cuts == (4,)


def test_grain_is_no_cut():
    random = np.random.default_rng(0)
    frames = [(frame + random.normal(0, 0.1, frame.shape)).clip(0, 1) for frame in shot(13, 8)]
    assert find(frames).cuts == ()


def test_film_is_not_cut_and_two_passages_of_it_are():
    film = load_arrays("rife_4.25_real")
    moving = [film[f"img{index}"][0].permute(1, 2, 0).numpy() / 255 for index in range(2)]
    assert find(moving).cuts == ()
    upside_down = [frame[::-1] for frame in moving]
    assert find(moving + upside_down).cuts == (1,)


def test_a_lower_threshold_finds_what_a_higher_leaves():
    frames = shot(14, 4) + [
        0.5 * a + 0.5 * b for a, b in zip(shot(14, 8)[4:], shot(15, 4), strict=True)
    ]
    found = [find(frames, threshold).cuts for threshold in (0.05, 0.2, 0.9)]
    assert found[0] == (3,)
    assert found[2] == ()
    assert set(found[1]) <= set(found[0])


def test_a_threshold_of_one_finds_no_cuts():
    assert find(shot(1, 4) + shot(2, 4), 1.0).cuts == ()


def test_held_frames_are_found_although_compression_left_noise():
    random = np.random.default_rng(1)
    frames = [frame for frame in shot(16, 5, pan=1) for _ in range(2)]
    large = [frame.repeat(10, axis=0).repeat(10, axis=1) for frame in frames]
    large = [(frame + random.normal(0, 0.02, frame.shape)).clip(0, 1) for frame in large]
    assert find(frames).duplicates == (0, 2, 4, 6, 8)
    assert find(large).duplicates == (0, 2, 4, 6, 8)


def test_held_frames_are_told_from_motion_through_strong_noise():
    random = np.random.default_rng(4)
    frames = [frame for frame in shot(17, 6, pan=12) for _ in range(2)]
    blocks = random.normal(0, 0.01, (len(frames), 9, 16, 3)).repeat(8, axis=1).repeat(8, axis=2)
    assert find([*(frames + blocks).clip(0, 1)]).duplicates == (0, 2, 4, 6, 8, 10)


def test_steady_noise_alone_is_no_duplicate():
    random = np.random.default_rng(5)
    still = shot(18, 1)[0]
    frames = [(still + random.normal(0, 0.05, still.shape)).clip(0, 1) for _ in range(8)]
    assert find(frames).duplicates == ()


def test_a_small_movement_is_no_duplicate():
    frames = [np.full((720, 1280, 3), 0.5) for _ in range(2)]
    for index, frame in enumerate(frames):
        frame[300:308, 600 + 8 * index : 608 + 8 * index] = 0.8
    assert find(frames).duplicates == ()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (40, 7), (36, 64)])
def test_frames_of_any_size_and_channels_are_compared(channels, size):
    random = np.random.default_rng(2)
    one, two = random.random((2, *size, channels))
    found = find([one, one, two])
    assert found.duplicates[0] == 0


def test_alpha_hides_what_is_under_it_and_light_may_be_infinite():
    frames = np.random.default_rng(3).random((2, 36, 64, 4))
    frames[..., 3] = 0
    assert find(list(frames)).duplicates == (0,)
    light = shot(18, 2)
    light[1][0, 0] = np.inf
    light[1][0, 1] = np.nan
    assert len(signatures(light, pixel_type="half")) == 2
