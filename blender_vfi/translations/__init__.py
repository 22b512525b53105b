"""The add-on's texts in other languages, modules of plain data: docs/translating.md.

Imported by `registration` alone: outside Blender, nobody needs them.
"""

from __future__ import annotations

import bpy

from .de import MESSAGES as _DE
from .de_guided import MESSAGES as _DE_GUIDED
from .de_movies import MESSAGES as _DE_MOVIES
from .de_render import MESSAGES as _DE_RENDER
from .de_time import MESSAGES as _DE_TIME

BY_LANGUAGE: dict[str, dict[tuple[str, str], str]] = {
    "de_DE": {**_DE, **_DE_GUIDED, **_DE_MOVIES, **_DE_RENDER, **_DE_TIME}
}
"""What Blender looks texts up in, by the language's name in Blender.

A key is a context, "Operator" for an operator's label and "*" for everything else, and the text in
English. Blender asks its own dictionary first.
"""


def register() -> None:
    """Let Blender find the texts."""
    bpy.app.translations.register(__package__, BY_LANGUAGE)


def unregister() -> None:
    """Let Blender forget them."""
    bpy.app.translations.unregister(__package__)
