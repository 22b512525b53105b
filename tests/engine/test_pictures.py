"""What an eye would look for, in figures: light, gradients and hair, made by the default model."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from tools import pictures

pytestmark = pytest.mark.torch


def distance_from_light():
    rows, columns = pictures._grid()
    return torch.hypot(columns - pictures.WIDTH / 2, rows - pictures.HEIGHT / 2)


@pytest.mark.parametrize("background", [0.0, 0.18])
def test_a_light_of_a_hundred_stays_one_without_a_halo(checkpoint_folder, background):
    scene = pictures.moving_light(background)
    made, distance = scene.made(), distance_from_light()
    inside = made[distance < pictures.LIGHT_RADIUS - 3]
    assert (inside.min(), inside.max()) == pytest.approx((100, 100), rel=0.02)
    outside = made[distance > pictures.LIGHT_RADIUS + 4]
    assert (outside - background).abs().max() <= 0.01
    assert float((made - background).sum() / (scene.truth - background).sum()) == pytest.approx(
        1, abs=0.03
    )


def test_a_gradient_of_sixteen_bits_has_no_bands(checkpoint_folder):
    scene = pictures.panning_gradient()
    middle = (slice(16, -16), slice(16, -16))
    codes = (scene.made() * 65535).round()
    steps = (codes[:, 1:] - codes[:, :-1])[middle]
    # neighbours are 86 codes apart; in eight bits they would be 0 or 257
    assert 20 < steps.min() <= steps.max() < 160
    assert (codes - scene.truth * 65535)[middle].abs().max() < 200


def test_hair_has_its_colour_on_every_ground(checkpoint_folder):
    scene = pictures.waving_hair()
    made = scene.made()
    shown = made[made[..., 3] > 0.02][:, :3]
    assert (shown - torch.tensor(pictures.HAIR)).abs().max() < 0.005, "neither green nor gray"
    for ground in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
        error = pictures.over(made, ground) - pictures.over(scene.truth, ground)
        assert float(error.square().mean().sqrt()) < 0.03
    assert float(made[..., 3].sum() / scene.truth[..., 3].sum()) == pytest.approx(1, abs=0.08)


def test_the_pictures_are_made(checkpoint_folder, tmp_path, capsys):
    assert pictures.main([str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    with Image.open(tmp_path / "hair.png") as picture:
        assert picture.size == (4 * pictures.WIDTH, 3 * pictures.HEIGHT)
