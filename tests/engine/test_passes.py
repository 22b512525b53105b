"""Channel names to passes, as Blender and others write them."""

import pytest

from blender_vfi.engine.passes import PartNames, find_passes, in_layers, leading_pass

pytestmark = pytest.mark.plain


def one_part(*channels, **options):
    return find_passes([PartNames(name="", channels=channels)], **options)


def told(passes):
    """What is told of each pass, by its title."""
    return {one.title: (one.role, "".join(one.letters)) for one in passes}


BLENDER_4 = {
    "AO": ("RGB", "colour"),
    "Combined": ("RGBA", "colour"),
    "CryptoMaterial00": ("rgba", "id"),
    "CryptoObject00": ("rgba", "id"),
    "Depth": ("Z", "depth"),
    "Denoising Normal": ("XYZ", "normal"),
    "DiffDir": ("RGB", "colour"),
    "IndexMA": ("X", "id"),
    "IndexOB": ("X", "id"),
    "Mist": ("Z", "data"),
    "Normal": ("XYZ", "normal"),
    "Position": ("XYZ", "surface"),
    "UV": ("AUV", "surface"),
    "Vector": ("XYZW", "vector"),
}
BLENDER_5 = {
    "Combined": ("RGBA", "colour"),
    "Depth": ("V", "depth"),
    "Ambient Occlusion": ("RGB", "colour"),
    "Object Index": ("X", "id"),
    "Material Index": ("X", "id"),
    "CryptoAsset01": ("rgba", "id"),
    "my_value": ("X", "data"),
    "Combined_key": ("RGB", "colour"),
}


def test_single_part_files_of_blender_are_understood():
    names = [f"View.Layer.{name}.{x}" for name, (each, _) in BLENDER_4.items() for x in each]
    passes = one_part(*names)
    assert {one.layer for one in passes} == {"View.Layer"}
    assert {one.name: one.role for one in passes} == {
        name: role for name, (_letters, role) in BLENDER_4.items()
    }
    assert sorted(at for one in passes for at in one.channels) == list(range(len(names)))
    assert leading_pass(passes).name == "Combined"


def test_multi_part_files_of_blender_are_understood():
    passes = find_passes(
        [
            PartNames(name=f"L.{name}", channels=tuple(f"L.{name}.{x}" for x in letters))
            for name, (letters, _role) in BLENDER_5.items()
        ]
    )
    assert [(one.layer, one.name, one.role) for one in passes] == [
        ("L", name, role) for name, (_letters, role) in BLENDER_5.items()
    ]


def test_parts_name_channels_that_have_no_name_of_their_own():
    passes = find_passes(
        [
            PartNames(name="rgba", channels=("R", "G", "B", "A")),
            PartNames(name="depth", channels=("Z",)),
        ]
    )
    assert told(passes) == {"rgba": ("colour", "RGBA"), "depth": ("depth", "Z")}
    assert [one.channels for one in passes] == [(0, 1, 2, 3), (4,)]


def test_depth_beside_bare_colour_is_a_pass_of_its_own():
    passes = one_part("B", "G", "R", "A", "Z", "ZBack")
    assert [(one.role, one.channels) for one in passes] == [
        ("colour", (2, 1, 0, 3)),
        ("depth", (4,)),
        ("data", (5,)),
    ]


@pytest.mark.parametrize(
    ("name", "letters", "role"),
    [
        ("N", "XYZ", "normal"),
        ("P", "XYZ", "surface"),
        ("motion_vector", "XY", "vector"),
        ("objectID", "X", "id"),
        ("crypto_material01", ("red", "green", "blue", "alpha"), "id"),
        ("uCryptoAsset", "RGB", "id"),
        ("beauty", ("red", "green", "blue"), "colour"),
        ("gray", "Y", "colour"),
        ("fog", "A", "data"),
        ("heat", "XYZ", "data"),
    ],
)
def test_names_of_other_renderers_are_known(name, letters, role):
    [one] = one_part(*(f"{name}.{letter}" for letter in letters))
    assert one.role == role


def test_metadata_name_cryptomattes_that_their_names_do_not_give_away():
    channels = ("L.Who00.r", "L.Who00.g", "L.Who00.b", "L.Who00.a")
    assert one_part(*channels)[0].role == "colour"
    assert one_part(*channels, cryptomattes={"L.Who"})[0].role == "id"


def test_the_eyes_of_a_stereo_file_are_layers_of_their_own():
    channels = [f"L.{name}" for name in ("Combined.left.R", "Combined.right.R", "Depth.right.Z")]
    passes = one_part(*channels, views=("left", "right"))
    assert [(one.layer, one.name, one.role) for one in passes] == [
        ("L.left", "Combined", "data"),
        ("L.right", "Combined", "data"),
        ("L.right", "Depth", "depth"),
    ]
    by_attribute = find_passes(
        [
            PartNames(name=f"colour {eye}", channels=("L.Combined.R",), view=eye)
            for eye in ("left", "right")
        ]
    )
    assert [one.layer for one in by_attribute] == ["L.left", "L.right"]


def test_layers_keep_their_order_and_have_a_leading_pass_each():
    names = ("Fog.AO", "Fog.Combined", "Key.Combined", "Fog.Emit", "Matte.IndexOB")
    passes = one_part(*(f"{name}.{x}" for name in names for x in "RGB"))
    layers = in_layers(passes)
    assert [[one.name for one in layer] for layer in layers] == [
        ["AO", "Combined", "Emit"],
        ["Combined"],
        ["IndexOB"],
    ]
    assert [leading and leading.title for leading in map(leading_pass, layers)] == [
        "Fog.Combined",
        "Key.Combined",
        None,
    ]


def test_first_colour_leads_where_none_has_the_name_for_it():
    passes = one_part("mask.Y", "key.R", "key.G", "key.B", "fill.R", "fill.G", "fill.B")
    assert leading_pass(passes).name == "key"
    assert leading_pass(one_part("mask.Y", "Z")).name == "mask"
