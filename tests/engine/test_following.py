"""What a known motion does to passes of each role, pixel by pixel."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.engine.following import Follower, Motion, scale_vectors
from blender_vfi.engine.passes import PartNames, find_passes
from blender_vfi.engine.sampling import Sampler
from blender_vfi.models.interface import Interpolation

pytestmark = pytest.mark.torch

FAR, NEAR = 1e10, 4.0


def row(*values):
    """A (1, 1, 1, W) frame of one row."""
    return torch.tensor(values, dtype=torch.float32)[None, None, None]


def rows(*channels):
    return torch.cat([row(*values) for values in channels], dim=1)


def named(name, letters="Z"):
    [one] = find_passes([PartNames(name="", channels=tuple(f"L.{name}.{x}" for x in letters))])
    return one


def motion(width, *, x0=0.0, x1=0.0, mask=0.5):
    """Everything moves alike, along the row."""

    def flow(x):
        return torch.tensor([x, 0.0])[None, :, None, None].expand(1, 2, 1, width).clone()

    weights = torch.as_tensor(mask, dtype=torch.float32).expand(width).reshape(1, 1, 1, width)
    return Motion(flow(x0), flow(x1), weights)


def follow(name, frame0, frame1, *, letters="Z", depths=(), **options):
    one = named(name, letters)
    follower = Follower(motion(frame0.shape[-1], **options), *depths)
    return follower.follow(one, frame0, frame1)[0].squeeze(1).squeeze(0).tolist()


def test_light_and_data_are_mixed_between_pixels_and_frames():
    made = follow("Mist", row(0, 0, 8, 8), row(4, 4, 4, 4), x0=0.5, mask=0.75)
    assert made == pytest.approx([1.0, 4.0, 7.0, 7.0])
    light = follow("Emit", row(-50, -50), row(150, 150), mask=0.5, letters="Y")
    assert light == pytest.approx([50.0, 50.0])


def test_ids_are_those_of_the_chosen_frames_nearest_pixels():
    made = follow("IndexOB", row(3, 3, 12, 12), row(7, 7, 7, 31), x0=0.4, mask=[1, 0.6, 0.5, 0.4])
    assert made == [3, 3, 12, 31]
    assert follow("IndexOB", row(3, 3, 12, 12), row(0, 0, 0, 0), x0=0.6, mask=1.0) == [
        3,
        12,
        12,
        12,
    ]


def test_rank_and_coverage_of_a_cryptomatte_come_from_one_pixel():
    torch.manual_seed(0)
    frame0, frame1 = torch.rand(1, 4, 1, 30), torch.rand(1, 4, 1, 30)
    one = named("CryptoObject00", "rgba")
    mask = torch.rand(30)
    made = Follower(motion(30, x0=-1.3, x1=2.2, mask=mask)).follow(one, frame0, frame1)
    sources = {tuple(pixel) for frame in (frame0, frame1) for pixel in frame[0, :, 0].T.tolist()}
    assert {tuple(pixel) for pixel in made[0, :, 0].T.tolist()} <= sources


def test_bits_of_ids_survive_even_where_they_are_no_numbers():
    bits = torch.tensor([0x7F800001, 0x7FC12345, 1, -1, 0x00000100, -0x00800000], dtype=torch.int32)
    frame = bits.view(torch.float32)[None, None, None]
    made = Follower(motion(6)).follow(named("CryptoObject00", "r"), frame, frame)
    assert torch.equal(made.view(torch.int32).flatten(), bits)


def test_depth_is_never_between_foreground_and_background():
    frame0 = row(FAR, FAR, NEAR, NEAR, FAR, FAR)
    frame1 = row(FAR, FAR, FAR, FAR, NEAR, NEAR)
    for x0 in (0.0, 0.3, 0.5, 0.7):
        made = follow("Depth", frame0, frame1, x0=x0, x1=-x0, depths=(frame0, frame1), mask=0.6)
        assert set(made) <= {FAR, NEAR}


def test_depth_of_one_surface_is_exact_between_pixels_and_frames():
    frame0, frame1 = row(10, 10.1, 10.2, 10.3), row(10.4, 10.5, 10.6, 10.7)
    made = follow("Depth", frame0, frame1, x0=0.5, depths=(frame0, frame1), mask=0.5)
    assert made[:3] == pytest.approx([10.225, 10.325, 10.425])


def test_infinite_depth_stays_infinite_and_spoils_nothing():
    infinity = float("inf")
    frame = row(infinity, infinity, 5, 5)
    made = follow("Depth", frame, frame, x0=0.25, x1=-0.25, depths=(frame, frame))
    assert made == [infinity, infinity, 5, 5]


def test_positions_are_mixed_only_where_depth_shows_one_surface():
    depth = row(4, 4, 9, 9)
    frame = row(100, 102, -7, -7)
    options = {"letters": "X", "depths": (depth, depth), "mask": 1.0}
    assert follow("Position", frame, frame, x0=0.25, **options) == [100.5, 102, -7, -7]
    assert follow("Position", frame, frame, x0=0.25, letters="X", mask=1.0)[1] == 74.75


def test_normals_keep_their_length():
    frame0 = rows((1, 0, 0.6), (0, 0, 0), (0, 0, 0.8))
    frame1 = rows((0, 0, -0.6), (1, 0, 0), (0, 0, -0.8))
    made = torch.tensor(follow("Normal", frame0, frame1, letters="XYZ"))
    assert made.shape == (3, 3)
    assert made.square().sum(0).sqrt().tolist() == pytest.approx([1, 0, 1])
    assert made[:, 0].tolist() == pytest.approx([0.5**0.5, 0.5**0.5, 0])
    assert made[:, 2].tolist() == pytest.approx([0.6, 0, 0.8]), "opposite ones: frame0's"


def test_normals_that_a_renderer_averaged_at_an_edge_stay_short():
    short = rows((0.5,), (0,), (0,))
    long = rows((0,), (1,), (0,))
    made = torch.tensor(follow("Normal", short, long, letters="XYZ"))
    assert made.square().sum().sqrt().item() == pytest.approx(0.75)


def test_vectors_of_a_pair_are_frame0s_next_and_frame1s_previous():
    # X, Y: previous minus now; Z, W: now minus next. It moved by 3, then by 6, then by 1.
    frame0, frame1 = rows((-3,), (30,), (-6,), (60,)), rows((-6,), (60,), (-1,), (10,))
    made = follow("Vector", frame0, frame1, letters="XYZW")
    assert torch.tensor(made).flatten().tolist() == [-6, 60, -6, 60]
    other_order = follow("Vector", frame0[:, [3, 2, 1, 0]], frame1[:, [3, 2, 1, 0]], letters="WZYX")
    assert torch.tensor(other_order).flatten().tolist() == [60, -6, 60, -6]


def test_vectors_are_scaled_to_the_distances_before_and_after():
    frame = torch.full((1, 1, 8), 8.0)
    channels = (*(f"Vector.{x}" for x in "XYZW"), *(f"motion.{x}" for x in "RGA"), "Depth.Z")
    passes = find_passes([PartNames(name="", channels=channels)])
    scale_vectors(frame, passes, 0.25, 0.5)
    assert frame.flatten().tolist() == [2, 2, 4, 4, 4, 4, 8, 8]


def test_answer_without_a_mask_tells_no_motion():
    flow = torch.zeros(2, 2, 3, 3)
    assert Motion.at(Interpolation(frames=torch.zeros(2, 3, 3, 3)), 0) is None
    mask = torch.tensor([0.25, 0.75])[:, None, None, None].expand(2, 1, 3, 3)
    answer = Interpolation(frames=flow, flow_t0=flow.half(), flow_t1=flow.half(), mask=mask.half())
    found = Motion.at(answer, 1)
    assert found.mask.shape == (1, 1, 3, 3)
    assert found.mask.unique().tolist() == [0.75]
    assert found.flow_t0.dtype == torch.float32


def test_beyond_the_frame_its_edge_goes_on():
    frame = torch.arange(12, dtype=torch.float32).reshape(1, 1, 3, 4)
    for offset, expected in (((99.0, 99.0), 11), ((-99.0, -99.0), 0), ((0.6, -5.0), 1)):
        flow = torch.tensor(offset)[None, :, None, None].expand(1, 2, 3, 4).clone()
        sampler = Sampler(flow, frame + 1)
        assert sampler.nearest(frame)[0, 0, 0, 0] == expected
        if abs(offset[0]) > 1:
            assert sampler.of_surface(frame).unique().tolist() == [expected]


def test_sampling_on_one_surface_agrees_with_linear_sampling():
    torch.manual_seed(1)
    frame, flow = torch.rand(1, 3, 20, 30), torch.randn(1, 2, 20, 30) * 4
    sampler = Sampler(flow, torch.ones(1, 1, 20, 30))
    torch.testing.assert_close(sampler.of_surface(frame), sampler.smooth(frame))
