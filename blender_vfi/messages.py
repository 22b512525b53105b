"""Texts in English that remember what they were made of, so that they can be shown translated.

A message is a `str`: logs, the command line and bug reports take it as it stands. What draws it or
reports it in Blender calls `translated`. Plain Python, so that every module can use it; what comes
from the engine's process is plain English.
"""

from __future__ import annotations

from collections.abc import Callable


class Message(str):
    """A text, and the template and values that it was filled from."""

    __slots__ = ("template", "values")

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, values: dict[str, object]) -> Message:
        """Fill `template`, as `str.format` does."""
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __getnewargs__(self) -> tuple[str, dict[str, object]]:  # type: ignore[override]
        """Be copied and pickled as what it is made of."""
        return self.template, self.values


def message(template: str, /, **values: object) -> Message:
    """Fill a template: a literal, so that `tools.messages` finds it.

    Args:
        template: in English, with fields for the values: "Strip {name!r} is gone".
        values: what fills them; messages among them are translated too.
    """
    return Message(template, values)


def translated(text: str, translate: Callable[[str], str]) -> str:
    """Return `text` in the user's language.

    Args:
        text: a message, or a plain text, which may be in the dictionary as it stands.
        translate: one of Blender's `pgettext` functions.
    """
    if not isinstance(text, Message):
        return translate(text) if text else text
    values = {
        name: translated(value, translate) if isinstance(value, Message) else value
        for name, value in text.values.items()
    }
    return translate(text.template).format(**values)


def words_of(error: Exception) -> str:
    """Return what an error says, as the message that it was raised with: `str` would forget it."""
    said = error.args[0] if error.args else ""
    return said if isinstance(said, Message) else str(error)
