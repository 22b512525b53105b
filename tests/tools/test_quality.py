import numpy as np
import pytest

from tools.quality import psnr, ssim

pytestmark = pytest.mark.torch

TRUTH = np.random.default_rng(0).random((32, 48, 3)).astype(np.float32)


def test_psnr_of_a_known_error():
    assert psnr(TRUTH + np.float32(0.1), TRUTH) == pytest.approx(20, abs=1e-4)
    assert psnr(TRUTH, TRUTH) == float("inf")


def test_ssim_is_one_for_equal_pictures_and_near_zero_for_unrelated_ones():
    other = np.random.default_rng(1).random(TRUTH.shape).astype(np.float32)
    assert ssim(TRUTH, TRUTH) == pytest.approx(1)
    assert abs(ssim(other, TRUTH)) < 0.1


def test_ssim_forgives_a_shift_of_brightness_but_not_of_structure():
    brighter = np.clip(TRUTH * 0.9 + 0.05, 0, 1)
    assert ssim(brighter, TRUTH) > 0.95
    assert ssim(np.roll(TRUTH, 1, axis=1), TRUTH) < 0.5
