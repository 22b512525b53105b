"""Lists every text that the add-on shows in Blender, and compares it with a translation.

    python -m tools.messages          context and text, one a line
    python -m tools.messages de_DE    what a translation lacks, ready to paste, and what is stale

Texts come from two places: what Blender knows of the registered classes, and literals in the source
where Blender, or one of our functions, looks them up. docs/translating.md tells translators more.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "blender_vfi"
EVERYTHING, OPERATOR = "*", "Operator"
_LOOKUPS = frozenset({"iface_", "tip_", "rpt_", "n_", "message"})
# methods whose literals Blender looks up itself, and the argument that has them
_SHOWN = {
    "label": "text",
    "column": "heading",
    "prop": "text",
    "progress": "text",
    "menu": "text",
    "operator": "text",
    "undo_push": "message",
}
_OF_OPERATORS = frozenset({"operator", "undo_push"})
_PLATFORMS = (("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64"))

MessageId = tuple[str, str]


def all_messages() -> set[MessageId]:
    """Return context and text of everything that can be translated; the add-on is registered."""
    found = set(of_source()) | set(of_classes()) | set(of_data())
    return {(context, text) for context, text in found if _is_language(text)}


def of_source(folder: Path = PACKAGE) -> Iterator[MessageId]:
    """Find the literals that are looked up, in every module of a folder."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _of_call(node)


def of_classes() -> Iterator[MessageId]:
    """Ask Blender for the labels, tooltips and properties of the registered classes."""
    import bpy
    from bl_ui.utils import PresetPanel

    from blender_vfi import registration

    for cls in registration._CLASSES:
        is_operator = issubclass(cls, bpy.types.Operator)
        if is_operator or issubclass(cls, bpy.types.Panel):
            if not issubclass(cls, PresetPanel):  # Blender calls it as the preset used last
                yield OPERATOR if is_operator else EVERYTHING, cls.bl_label
            # without a description, Blender shows the docstring
            yield EVERYTHING, getattr(cls, "bl_description", None) or cls.__doc__
            yield EVERYTHING, getattr(cls, "bl_category", "")
        for prop in _own_properties(cls):
            yield from _of_property(prop)
    yield from _of_property(bpy.types.Scene.bl_rna.properties["blender_vfi"])


def of_data() -> Iterator[MessageId]:
    """Return what comes from data: presets, and the builds of torch for every platform."""
    import bpy

    from blender_vfi.engine import torch_builds

    for preset in sorted((PACKAGE / "presets").rglob("*.py")):
        yield EVERYTHING, bpy.path.display_name(preset.name)
    for system, machine in _PLATFORMS:
        for build in torch_builds.builds_for(system, machine):
            yield EVERYTHING, build.summary


def _of_call(call: ast.Call) -> Iterator[MessageId]:
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    if isinstance(call.func, ast.Name):
        name = call.func.id
        if name in _LOOKUPS or (name.endswith("Error") and options and call.args):
            contexts = list(_literals(call.args[1])) if len(call.args) > 1 else []
            for text in _literals(call.args[0]):
                yield contexts[0] if contexts else EVERYTHING, text
    elif isinstance(call.func, ast.Attribute):
        name = call.func.attr
        if name == "report":
            texts = [text for argument in call.args for text in _literals(argument)]
            yield from ((EVERYTHING, text) for text in texts)
        elif name in _SHOWN and _SHOWN[name] in options and "translate" not in options:
            context = OPERATOR if name in _OF_OPERATORS else EVERYTHING
            yield from ((context, text) for text in _literals(options[_SHOWN[name]]))


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def _own_properties(cls: type) -> Iterator[object]:
    """Return what Blender made of the annotations that this package wrote for a class."""
    import bpy

    names = {
        name
        for base in cls.__mro__
        if base.__module__.startswith("blender_vfi")
        for name in vars(base).get("__annotations__", {})
    }
    rna = cls.bl_rna
    if issubclass(cls, bpy.types.Operator):
        module, _, name = cls.bl_idname.partition(".")
        rna = getattr(getattr(bpy.ops, module), name).get_rna_type()
    return (rna.properties[name] for name in sorted(names) if name in rna.properties)


def _of_property(prop: object) -> Iterator[MessageId]:
    if prop.is_hidden or prop.name == prop.identifier:  # nobody sees it
        return
    yield from ((EVERYTHING, text) for text in (prop.name, prop.description))
    if prop.type == "ENUM":
        for item in prop.enum_items:
            yield from ((EVERYTHING, text) for text in (item.name, item.description))


def _is_language(text: str | None) -> bool:
    """Whether a text has words, and not only names of products, formats or numbers."""
    return bool(text) and text not in _names() and re.search(r"[A-Za-z]{2}", text) is not None


def _names() -> set[str]:
    from blender_vfi.engine import torch_builds
    from blender_vfi.engine.protocol import OUTPUT_SUFFIXES
    from blender_vfi.models.catalog import CATALOG

    builds = {build for platform in _PLATFORMS for build in torch_builds.builds_for(*platform)}
    return (
        {spec.title for spec in CATALOG}
        | {build.title for build in builds}
        | {suffix[1:].upper() for suffix in OUTPUT_SUFFIXES}
    )


def _compare(language: str) -> int:
    from blender_vfi import translations

    known, wanted = translations.BY_LANGUAGE.get(language, {}), all_messages()
    for context, text in sorted(wanted - known.keys()):
        print(f"    ({context!r}, {text!r}): {''!r},")
    for context, text in sorted(known.keys() - wanted):
        print(f"stale: ({context!r}, {text!r})")
    return int(known.keys() != wanted)


def main(arguments: list[str]) -> int:
    """Print the texts, or what a translation lacks; return the exit code."""
    import blender_vfi

    blender_vfi.register()
    try:
        if arguments:
            return _compare(arguments[0])
        for context, text in sorted(all_messages()):
            print(f"{context}\t{text}")
        return 0
    finally:
        blender_vfi.unregister()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
