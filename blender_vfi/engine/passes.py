"""What the channels of a multilayer file mean: which belong together, and how they may be moved.

Colours may be mixed, an object's number may not: half way between object 12 and object 31 there is
no object. Renderers tell what a channel is by its name alone, so that is what decides here.
Standard library alone: neither numpy nor OpenImageIO nor bpy is imported here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["colour", "data", "surface", "depth", "normal", "vector", "id"]
"""How a pass follows the motion.

colour: light, premultiplied by alpha where there is alpha; mixed.
data: numbers that are mixed like light (Mist, Ambient Occlusion, and whatever has no known name).
surface: numbers that belong to the surface that is seen (Position, UV): those of foreground and
    background are never mixed.
depth: likewise; and tells the surfaces of its layer apart.
normal: directions, as long after mixing as the ones that were mixed.
vector: motion from frame to frame, as long as the frames are apart.
id: numbers that name something (object and material index, Cryptomatte): never mixed.
"""

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("depth", "z", "zdepth", "denoisingdepth"), "depth"),
    **dict.fromkeys(("normal", "normals", "n", "denoisingnormal", "worldnormal"), "normal"),
    **dict.fromkeys(
        ("vector", "motion", "motionvector", "motionvectors", "velocity", "speed"), "vector"
    ),
    **dict.fromkeys(("position", "worldposition", "p", "pworld", "pref", "uv", "st"), "surface"),
    **dict.fromkeys(
        (
            *("indexob", "objectindex", "objectid", "indexma", "materialindex", "materialid"),
            *("id", "objid", "matid", "instanceid", "facesetid"),
        ),
        "id",
    ),
}
_PLAIN_DEPTHS = ("depth", "z", "zdepth")
_LEADING = ("combined", "", "rgba", "rgb", "beauty", "image", "color", "colour", "composite")
"""Names of the pass that shows everything, in order of preference."""

_ALBEDO = (
    ("denoisingalbedo", "albedo"),
    ("diffusecolor", "glossycolor", "transmissioncolor"),
    ("diffcol", "glosscol", "transcol"),
)
"""Passes of surfaces' own colours, the better choices first; those of one choice are added up."""

_COLOURS = (("R", "G", "B", "A"), ("R", "G", "B"), ("Y", "A"), ("Y",))
_LONG_LETTERS = {"RED": "R", "GREEN": "G", "BLUE": "B", "ALPHA": "A"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Channels that mean something together.

    Attributes:
        layer: such as "ViewLayer"; with the eye's name in a stereo file; "" in files without.
        name: such as "Combined", "Depth" or "CryptoObject00"; may be "".
        role: how it follows the motion.
        channels: where its channels stand among the frame's.
        letters: what each of them is, in capitals: ("R", "G", "B", "A"), ("X", "Y", "Z", "W").
    """

    layer: str
    name: str
    role: Role
    channels: tuple[int, ...]
    letters: tuple[str, ...]

    @property
    def title(self) -> str:
        """Layer and name for a message."""
        return ".".join(filter(None, (self.layer, self.name))) or "".join(self.letters)

    @property
    def is_leading(self) -> bool:
        """Whether it shows what the others are passes of."""
        return self.role == "colour" and _plain(self.name) in _LEADING

    @property
    def is_plain_depth(self) -> bool:
        """Whether it is the depth of what is seen, and not one made for a denoiser."""
        return self.role == "depth" and _plain(self.name) in _PLAIN_DEPTHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Guides:
    """The passes by which a renderer says what moves.

    Attributes:
        vectors: to the previous and to the next frame.
        depth: tells what is in front.
        albedo: the colours of surfaces without their light, to be added up; may be none.
    """

    vectors: Pass
    depth: Pass
    albedo: tuple[Pass, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartNames:
    """What one part of a file calls its channels.

    Attributes:
        name: the part's; "" where a file has but one.
        channels: as stored.
        view: which eye it is for, in a stereo file; "" otherwise.
    """

    name: str
    channels: tuple[str, ...]
    view: str = ""


def full_names(part: PartNames) -> tuple[str, ...]:
    """Put the part's name before channels that are called "R" and no more."""
    return tuple(
        name if "." in name or not part.name else f"{part.name}.{name}" for name in part.channels
    )


def find_passes(
    parts: Sequence[PartNames],
    *,
    views: Collection[str] = (),
    cryptomattes: Collection[str] = (),
) -> tuple[Pass, ...]:
    """Group a file's channels into passes, and tell what each is.

    Args:
        parts: in the file's order; a pass never reaches over two parts.
        views: names of a stereo file's eyes.
        cryptomattes: what the file's metadata call its Cryptomattes ("ViewLayer.CryptoObject").

    Returns:
        In the order of their first channels; every channel belongs to exactly one.
    """
    found: list[Pass] = []
    index = 0
    for part in parts:
        stems: dict[str, list[tuple[int, str]]] = {}
        for name in full_names(part):
            stem, _, letter = name.rpartition(".")
            letter = letter.upper()
            stems.setdefault(stem, []).append((index, _LONG_LETTERS.get(letter, letter)))
            index += 1
        for stem, members in stems.items():
            layer, name = _split(stem, part.view, views)
            is_cryptomatte = re.sub(r"\d+$", "", stem) in cryptomattes
            for role, group in _grouped(name, members, is_cryptomatte=is_cryptomatte):
                found.append(
                    Pass(
                        layer=layer,
                        name=name,
                        role=role,
                        channels=tuple(at for at, _letter in group),
                        letters=tuple(letter for _at, letter in group),
                    )
                )
    return tuple(sorted(found, key=lambda item: min(item.channels)))


def leading_pass(passes: Sequence[Pass]) -> Pass | None:
    """Return the pass in which motion is best looked for: the combined, or the first of colour."""
    colours = [item for item in passes if item.role == "colour"]
    by_name = [item for item in colours if item.is_leading]
    if by_name:
        return min(by_name, key=lambda item: _LEADING.index(_plain(item.name)))
    return max(colours, key=lambda item: len(item.letters) >= len("RGB"), default=None)


def find_guides(layer: Sequence[Pass]) -> Guides | None:
    """Return the passes of a layer that say what moves and what is in front; None without both."""
    vectors = [one for one in layer if one.role == "vector" and set(one.letters) == set("XYZW")]
    depths = [one for one in layer if one.role == "depth"]
    depths.sort(key=lambda one: not one.is_plain_depth)
    if not vectors or not depths:
        return None
    coloured = {_plain(one.name): one for one in layer if one.letters[:3] == ("R", "G", "B")}
    albedo = next((names for names in _ALBEDO if coloured.keys() & set(names)), ())
    return Guides(
        vectors=vectors[0],
        depth=depths[0],
        albedo=tuple(coloured[name] for name in albedo if name in coloured),
    )


def in_layers(passes: Sequence[Pass]) -> list[list[Pass]]:
    """Sort passes by their layers; layers stand in the order in which they first appear."""
    order = list(dict.fromkeys(item.layer for item in passes))
    ranked = sorted(passes, key=lambda item: order.index(item.layer))
    return [list(group) for _layer, group in itertools.groupby(ranked, key=lambda item: item.layer)]


def _split(stem: str, view: str, views: Collection[str]) -> tuple[str, str]:
    """Tell the layer of "ViewLayer.Combined", or "ViewLayer.Combined.left", from the pass."""
    path, _, last = stem.rpartition(".")
    if path and last in views:
        view = last
        path, _, last = path.rpartition(".")
    return ".".join(filter(None, (path, view))), last


def _grouped(
    name: str, members: list[tuple[int, str]], *, is_cryptomatte: bool
) -> list[tuple[Role, list[tuple[int, str]]]]:
    """Group the channels of one name: usually all, but "R, G, B, A, Z" are a colour and a depth."""
    plain = _plain(name)
    if is_cryptomatte or "cryptomatte" in plain or re.fullmatch(r"u?crypto.*", plain):
        return [("id", members)]
    if plain in _ROLES:
        return [(_ROLES[plain], members)]
    groups: list[tuple[Role, list[tuple[int, str]]]] = []
    by_letter = {letter: (at, letter) for at, letter in members}
    # Y is gray, but not beside X
    layouts = _COLOURS[:2] if "X" in by_letter else _COLOURS
    colour = next((each for each in layouts if set(each) <= by_letter.keys()), ())
    if colour:
        groups.append(("colour", [by_letter[letter] for letter in colour]))
    taken = groups[0][1] if groups else []
    rest = [item for item in members if item not in taken]
    depths = [item for item in rest if item[1] == "Z" and (colour or not plain)]
    groups += [("depth", [item]) for item in depths]
    others = [item for item in rest if item not in depths]
    return [*groups, ("data", others)] if others else groups


def _plain(name: str) -> str:
    """Write "Object Index" and "object_index" alike."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
