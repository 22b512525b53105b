"""Frames made by rendered vectors, against planes whose truth at every moment is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from blender_vfi.engine.following import Motion
from blender_vfi.engine.guided_alignment import align
from blender_vfi.engine.guided_background import with_background
from blender_vfi.engine.guided_blend import FOUND, MOVED, Guess, blend, misplacement
from blender_vfi.engine.guided_edges import find_surfaces
from blender_vfi.engine.guided_job import scene_steps
from blender_vfi.engine.guided_paths import measured_step, shift_between
from blender_vfi.engine.guided_projection import Projection
from blender_vfi.engine.guided_vectors import displacements, shift_at
from blender_vfi.engine.job_spec import JobSpec

from .rendered_planes import HEIGHT, WIDTH, Scene

pytestmark = pytest.mark.torch


def surfaces_of(scene, time):
    motion = displacements(scene.vectors(time))
    return find_surfaces(scene.colour(time), scene.depth(time), motion)


def projected(scene, time, moment):
    surfaces = surfaces_of(scene, time)
    shifts = [
        shift_at(motion, moment - time) for motion in (surfaces.motion, surfaces.behind_motion)
    ]
    return Projection(surfaces, *shifts)


def aligned(scene, first=0, last=2, moment=1.0):
    earlier, later = (projected(scene, time, moment) for time in (first, last))
    return align(earlier, later, (moment - first) / (last - first))


def error(picture, truth):
    inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    return (picture - truth)[inner].abs()


def test_vectors_point_to_the_next_frame_and_to_the_previous_in_pixels_downwards():
    # a point that moves by 3 to the right and 2 upwards, and did by 1 to the right before
    vectors = torch.tensor((-1.0, 0.0, -3.0, -2.0)).view(1, 4, 1, 1)
    assert displacements(vectors).flatten().tolist() == [3.0, -2.0, -1.0, 0.0]


def test_shift_goes_through_the_known_places_of_a_point():
    motion = torch.tensor((3.0, -2.0, -1.0, 0.5)).view(1, 4, 1, 1)
    assert shift_at(motion, 1).flatten().tolist() == [3.0, -2.0]
    assert shift_at(motion, -1).flatten().tolist() == [-1.0, 0.5]
    assert shift_at(motion, 0).flatten().tolist() == [0.0, 0.0]


def test_edge_pixels_get_back_the_motions_of_both_surfaces_and_their_cover():
    scene = Scene(square_speed=(4.0, -2.0))
    surfaces = surfaces_of(scene, 0)
    cover = scene.cover(0)
    edge = (cover > 0.1) & (cover < 0.9)
    assert float(surfaces.is_edge[edge].float().mean()) > 0.95
    edge &= surfaces.is_edge
    front = surfaces.motion[0, :, edge[0, 0]]
    behind = surfaces.behind_motion[0, :, edge[0, 0]]
    assert torch.allclose(front, torch.tensor((4.0, -2.0, -4.0, 2.0))[:, None], atol=1e-4)
    assert float(behind.abs().max()) < 1e-4
    assert float((surfaces.cover - cover)[edge].abs().max()) < 0.02


@pytest.mark.parametrize(
    "scene",
    [
        Scene(),
        Scene(square_speed=(3.4, 1.7)),
        Scene(square_speed=(-2.5, 0.8), ground_speed=(1.5, -0.6), left=30.2),
    ],
    ids=["whole pixels", "parts of pixels", "both move"],
)
def test_planes_lie_where_they_belong_at_the_hidden_frame(scene):
    found = aligned(scene)
    truth = scene.colour(1)
    for side in (found.frame0, found.frame1):
        assert float(error(side, truth).mean()) < 0.004
        assert float(error(side, truth).max()) < 0.35
    picture = (found.frame0 + found.frame1) / 2
    assert float(error(picture, truth).max()) < 0.2


def test_what_the_square_hides_in_one_frame_comes_from_the_other():
    scene = Scene(square_speed=(6.0, 0.0))
    found = aligned(scene)
    uncovered = (scene.cover(0) == 1) & (scene.cover(1) == 0)
    uncovered &= scene.cover(2) == 0
    assert bool(uncovered.any())
    assert bool(found.is_known[uncovered].all())
    assert not bool(found.is_shared[uncovered].any())
    assert float(((found.frame0 - scene.colour(1)) * uncovered).abs().max()) < 0.01


def test_what_no_frame_has_seen_is_not_claimed():
    # what comes in from the right is in the later frame only, and what lies behind it in neither
    scene = Scene(ground_speed=(20.0, 0.0), square_speed=(20.0, 0.0))
    found = projected(scene, 0, 1).front()
    unseen = found.found.view(HEIGHT, WIDTH)[:, :18]
    assert not bool(unseen.any())


def test_other_passes_follow_the_surface_that_covers_most_of_a_pixel():
    scene = Scene(square_speed=(4.0, 0.0))
    motion = aligned(scene).motion
    cover = scene.cover(1)
    on, off = cover == 1, cover == 0
    assert float((motion.flow_t0[:, :1] + 4)[on].abs().max()) < 1e-3
    assert float((motion.flow_t1[:, :1] - 4)[on].abs().max()) < 1e-3
    used = off & (motion.mask > 0)
    assert float(motion.flow_t0[:, :1][used].abs().max()) < 1e-3


def job(*names, **settings):
    return JobSpec(
        job_id="a",
        sources=tuple(f"/frames/{name}" for name in names),
        output_dir="/out",
        name_prefix="shot_",
        suffix=".exr",
        **settings,
    )


@pytest.mark.parametrize(
    ("names", "settings", "expected"),
    [
        (("a_1.exr", "a_3.exr", "a_6.exr"), {}, (2, 3, 3)),
        (("a.exr", "b.exr"), {}, (1, 1)),
        (("a_1.exr", "a_2.exr"), {"vector_step": 4}, (4, 4)),
    ],
    ids=["by numbers", "without numbers", "as set"],
)
def test_distance_of_frames_in_their_scene(names, settings, expected):
    found = job(*names, **settings)
    assert scene_steps([Path(source) for source in found.sources], found) == expected


def path_of(time):
    """A point that speeds up ever more; it is the same for all points."""
    return torch.tensor((0.8 * time + 0.3 * time**2 - 0.05 * time**3, -0.5 * time)).view(1, 2, 1, 1)


def motion_at(time):
    here = path_of(time)
    motion = torch.cat((path_of(time + 1) - here, path_of(time - 1) - here), dim=1)
    return motion.expand(1, 4, 24, 24).contiguous()


@pytest.mark.parametrize("gap", [1, 2, 3, 5])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_points_follow_a_curve_that_the_vectors_of_both_frames_agree_with(gap, share):
    near = torch.ones(1, 1, 24, 24)
    for start, end in ((0, gap), (gap, 0)):
        moment = start + share * (end - start)
        shift = shift_between(
            motion_at(start),
            near,
            motion_at(end),
            near,
            moment=moment - start,
            other_moment=end - start,
        )
        assert torch.allclose(shift, (path_of(moment) - path_of(start)).expand_as(shift), atol=1e-4)


def test_points_that_the_other_frame_does_not_show_follow_their_own_vectors():
    near = torch.ones(1, 1, 24, 24)
    shift = shift_between(motion_at(0), near, motion_at(3), near / 4, moment=2.0, other_moment=3.0)
    assert torch.equal(shift, shift_at(motion_at(0), 2.0))


def turned(nearness, angle=0.02, focal=60.0):
    """Motion of a scene before a camera that turns and steps aside, to the next frame and back."""
    height, width = nearness.shape[-2:]
    across = torch.arange(width) - (width - 1) / 2
    along = torch.arange(height)[:, None] - (height - 1) / 2
    right = -angle * (focal + across**2 / focal) - 0.1 * focal * nearness[0, 0]
    down = (-angle * across * along / focal).expand(height, width)
    return torch.stack((right, down, -right, -down))[None]


def test_background_without_vectors_turns_with_the_camera():
    nearness = torch.zeros(1, 1, 48, 64)
    nearness[..., 20:, :] = torch.linspace(0.05, 0.4, 28)[:, None]
    truth = turned(nearness)
    written = truth * (nearness > 0)
    found = with_background(written, nearness)
    assert float((found - truth).abs().max()) < 0.1
    assert torch.equal(found[..., 20:, :], written[..., 20:, :])


def test_background_stays_where_the_camera_does():
    nearness = torch.zeros(1, 1, 48, 64)
    nearness[..., 20:, :] = 0.2
    written = torch.zeros(1, 4, 48, 64)
    written[..., 20:, :12] = 3.0  # something that moves
    assert torch.equal(with_background(written, nearness), written)


PLACED = torch.zeros(1, 1, 24, 24)


def guess(value, apart, trust, **fields):
    picture = torch.full((1, 4, 24, 24), value)
    return Guess(
        picture=picture, sides=(picture - apart / 2, picture + apart / 2), trust=trust, **fields
    )


def test_the_guess_whose_sides_agree_wins():
    everywhere = torch.ones(1, 1, 24, 24, dtype=torch.bool)
    agreeing = guess(0.3, 0.0, MOVED, by_vectors=True)
    picture, _doubt = blend([agreeing, guess(0.6, 0.4, FOUND)], PLACED, everywhere, everywhere)
    assert float((picture - 0.3).abs().max()) < 0.01
    torn = guess(0.3, 0.4, MOVED, by_vectors=True)
    other, _doubt = blend([torn, guess(0.6, 0.0, FOUND)], PLACED, everywhere, everywhere)
    assert float(other.mean()) > 0.5


def test_expected_error_rises_where_guesses_differ_and_where_nobody_has_seen():
    everywhere = torch.ones(1, 1, 24, 24, dtype=torch.bool)
    moved, found = guess(0.3, 0.1, MOVED, by_vectors=True), guess(0.3, 0.0, FOUND)
    _picture, sure = blend([moved, found], PLACED, everywhere, everywhere)
    _picture, less = blend([moved, guess(0.5, 0.0, FOUND)], PLACED, everywhere, everywhere)
    _picture, unseen = blend([moved, found], PLACED, ~everywhere, ~everywhere)
    assert float(sure.max()) < 1e-6
    assert float(less.mean()) > float(sure.mean())
    assert float(unseen.mean()) > float(sure.mean())


def test_what_nobody_has_seen_is_left_to_the_network():
    everywhere = torch.ones(1, 1, 24, 24, dtype=torch.bool)
    moved, found = guess(0.3, 0.0, MOVED, by_vectors=True), guess(0.6, 0.1, FOUND)
    picture, _doubt = blend([moved, found], PLACED, ~everywhere, ~everywhere)
    assert float(picture.mean()) > 0.45


def test_a_network_that_places_things_as_vectors_do_is_trusted_more():
    everywhere = torch.ones(1, 1, 24, 24, dtype=torch.bool)
    guesses = [guess(0.3, 0.15, MOVED, by_vectors=True), guess(0.6, 0.0, FOUND)]
    placed, _doubt = blend(guesses, PLACED, everywhere, everywhere)
    missed, _doubt = blend(guesses, PLACED + 0.1, everywhere, everywhere)
    assert float(placed.mean()) > 0.55
    assert float(missed.mean()) < 0.4


def motion_of(shift, *, size=24):
    flow = torch.zeros(1, 2, size, size)
    flow[:, 0] = shift
    return Motion(flow, -flow, torch.ones(1, 1, size, size))


def test_misplacement_counts_where_what_is_shown_changes_along_a_way_that_is_missed():
    everywhere = torch.ones(1, 1, 24, 24, dtype=torch.bool)
    ramp = torch.linspace(0, 1, 24).expand(1, 3, 24, 24)
    told, off = motion_of(3.0), motion_of(4.0)
    assert float(misplacement(told, told, ramp, everywhere).abs().max()) == 0
    assert float(misplacement(off, told, torch.full_like(ramp, 0.5), everywhere).max()) == 0
    assert float(misplacement(off, told, ramp, ~everywhere).max()) == 0
    near = misplacement(off, told, ramp, everywhere)
    # one pixel off, where a pixel further is a step of the ramp further
    assert float(near[..., 12, 12]) == pytest.approx((1 / 23) ** 2, rel=0.15)
    far, farther = (
        misplacement(motion_of(3.0 + missed), told, ramp, everywhere) for missed in (5.0, 50.0)
    )
    assert float(far.min()) > float(near.max())
    assert torch.equal(far, farther)


@pytest.mark.parametrize("apart", [1, 2, 3])
@pytest.mark.parametrize("expected", [1, 2])
def test_step_of_renumbered_frames_is_told_by_where_vectors_find_the_same_again(apart, expected):
    scene = Scene(square_speed=(3.0, 1.0), ground_speed=(1.5, 0.5))
    motion = displacements(scene.vectors(0))
    found = measured_step(scene.colour(0), motion, scene.colour(apart), expected=expected)
    assert found == apart


def test_step_is_as_expected_where_nothing_moves():
    scene = Scene(square_speed=(0.0, 0.0))
    motion = displacements(scene.vectors(0))
    assert measured_step(scene.colour(0), motion, scene.colour(2), expected=2) == 2


def test_step_is_as_expected_where_surfaces_have_one_colour():
    motion = displacements(Scene(square_speed=(3.0, 1.0)).vectors(0))
    white = torch.ones(1, 3, HEIGHT, WIDTH)
    assert measured_step(white, motion, white - 1e-6, expected=3) == 3
