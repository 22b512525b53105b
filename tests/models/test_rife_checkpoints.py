"""RIFE's files: renamed, told apart, refused; and the table of released versions."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import torch

from blender_vfi.errors import CheckpointError, UnknownModelError
from blender_vfi.models import rife

from ..golden_data import load_manifest, manifest_shapes, recipe_weights
from .rife_golden import GOLDEN, RECIPE, expected_variant

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", GOLDEN)
def test_every_published_layout_is_identified(name):
    assert rife.identify(shapes_of(name)) == expected_variant(name)


def shapes_of(name):
    published = {
        key: torch.empty(shape, device="meta")
        for key, shape in manifest_shapes(load_manifest(name)).items()
    }
    normalised = rife.normalise_state_dict(published)
    return {key: tuple(tensor.shape) for key, tensor in normalised.items()}


def test_no_two_variants_share_their_shapes():
    layouts = []
    for variant in rife.VARIANTS:
        with torch.device("meta"):
            weights = rife.build(variant).state_dict()
        layouts.append(frozenset((key, tuple(tensor.shape)) for key, tensor in weights.items()))
    assert len(set(layouts)) == len(rife.VARIANTS)


@pytest.mark.parametrize("variant", rife.VARIANTS)
def test_normalising_own_weights_changes_nothing(variant):
    with torch.device("meta"):
        weights = rife.build(variant).state_dict()
    normalised = rife.normalise_state_dict(weights)
    assert list(normalised) == list(weights)
    assert rife.identify({key: tuple(t.shape) for key, t in normalised.items()}) == variant


def test_training_tensors_and_wrapper_prefix_are_dropped():
    tensor = torch.zeros(1)
    published = {
        "module.block0.conv0.0.0.bias": tensor,
        "module.block_tea.conv0.0.0.bias": tensor,
        "teacher.block0.conv0.0.0.bias": tensor,
        "caltime.0.weight": tensor,
        "module.encode.2.bias": tensor,
        "encode.cnn0.bias": tensor,
    }
    assert sorted(rife.normalise_state_dict(published)) == [
        "blocks.0.conv0.0.0.bias",
        "head.cnn0.bias",
        "head.cnn1.bias",
    ]


def test_two_tensors_for_one_layer_are_reported():
    shapes = shapes_of("rife_4.10")
    weights = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    weights["encode.1.weight"] = torch.empty(16, 4, 4, 4, device="meta")
    normalised = rife.normalise_state_dict(weights)
    with pytest.raises(CheckpointError, match=r"encode\.1\.weight is left over"):
        rife.identify({key: tuple(tensor.shape) for key, tensor in normalised.items()})


def test_missing_tensor_is_named():
    shapes = shapes_of("rife_4.25")
    del shapes["blocks.3.convblock.5.beta"]
    with pytest.raises(
        CheckpointError, match=r"RIFE 4\.25, but blocks\.3\.convblock\.5\.beta is mis"
    ):
        rife.identify(shapes)


def test_wrong_shape_is_named_with_the_right_one():
    shapes = shapes_of("rife_4.6")
    shapes["blocks.1.lastconv.0.weight"] = (128, 20, 4, 4)
    expected = "blocks.1.lastconv.0.weight is (128, 20, 4, 4) instead of (128, 24, 4, 4)"
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        rife.identify(shapes)


def test_mixture_of_two_versions_is_refused():
    shapes = shapes_of("rife_4.6")
    later = {key: shape for key, shape in shapes_of("rife_4.5").items() if "blocks.3." in key}
    with pytest.raises(CheckpointError, match="blocks"):
        rife.identify(shapes | later)


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"encoder.pyramid1.0.0.weight": (24, 3, 3, 3), "decoder1.convblock.0.0.weight": (1, 1)},
        {f"unet.down{i}.conv1.0.weight": (32, 17, 3, 3) for i in range(4)}
        | {f"feature_bone.block{i}.conv.0.weight": (32, 3, 3, 3) for i in range(9)},
    ],
    ids=["empty", "ifrnet", "emavfi"],
)
def test_foreign_layout_is_not_claimed(shapes):
    assert rife.identify(shapes) is None


def test_refined_file_also_serves_without_refinement():
    weights = recipe_weights(load_manifest("rife_4.3_refine"))
    plain = rife.drop_refinement(rife.normalise_state_dict(weights))
    assert rife.identify({key: tuple(t.shape) for key, t in plain.items()}) == "4.2"


@pytest.mark.parametrize(
    ("version", "variant"),
    [
        ("4.1", "4.0"),
        ("4.4", "4.2"),
        ("4.9", "4.7"),
        ("4.24", "4.10"),
        ("4.13.lite", "4.12.lite"),
        ("4.17.lite", "4.15.lite"),
        ("4.23", "4.21"),
        ("4.26", "4.25"),
        ("4.3.refine", "4.2.refine"),
    ],
)
def test_released_version_has_its_variant(version, variant):
    assert rife.variant_of_version(version) == variant


def test_manifests_and_table_agree_on_versions():
    for name in RECIPE:
        variant = expected_variant(name).removesuffix(".refine")
        for version in load_manifest(name)["versions"]:
            assert rife.variant_of_version(version.split()[0]) == variant


def test_every_version_is_listed_once_and_first_names_its_variant():
    versions = Counter(v for variant in rife.VARIANTS.values() for v in variant.versions)
    assert set(versions.values()) == {1}
    assert [variant.versions[0] for variant in rife.VARIANTS.values()] == list(rife.VARIANTS)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UnknownModelError, match=r"'5\.0'.*4\.26"):
        rife.variant_of_version("5.0")
    with pytest.raises(UnknownModelError, match=r"'4\.26'.*4\.25"):
        rife.build("4.26")
    with pytest.raises(UnknownModelError, match=r"'v4'.*4\.25"):
        rife.pad_multiple("v4")
