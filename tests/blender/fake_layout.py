"""A layout that takes what is drawn, and checks that it exists."""

from types import SimpleNamespace

import bpy


class FakeLayout:
    """Takes what is drawn, and keeps its texts, properties and operators."""

    def __init__(self, seen: list[str] | None = None) -> None:
        self.seen = seen if seen is not None else []

    def row(self, **_options) -> "FakeLayout":
        return FakeLayout(self.seen)

    column = split = row

    def panel(self, _name: str, *, default_closed: bool) -> tuple["FakeLayout", "FakeLayout"]:
        return FakeLayout(self.seen), FakeLayout(self.seen)

    def label(self, *, text: str = "", icon: str = "NONE") -> None:
        self.seen.append(text)

    def prop(self, data, name: str, *, expand: bool = False, placeholder: str = "") -> None:
        assert hasattr(data, name)
        self.seen.append(name)

    def operator(self, idname: str, *, text: str | None = None, icon: str = "NONE"):
        module, _, name = idname.partition(".")
        assert hasattr(getattr(bpy.ops, module), name)
        self.seen.append(idname)
        return SimpleNamespace()

    def progress(self, *, factor: float, text: str, type: str) -> None:
        assert 0.0 <= factor <= 1.0
        self.seen.append(text)
