"""Blender set to German: labels, tooltips, the panel and errors come out in it, and back again."""

import bpy
from bpy.app import translations
from harness import editor, window
from harness.stage import Stage, Steps

_GERMAN = "de_DE"


def steps(stage: Stage) -> Steps:
    editor.add_shot(stage.folder / "shot")
    view = bpy.context.preferences.view
    before = view.language
    stage.check(_GERMAN in translations.locales, "this Blender has no German")
    view.language = _GERMAN
    view.use_translate_interface = view.use_translate_tooltips = view.use_translate_reports = True
    yield 1.0
    _compare(
        stage,
        (translations.pgettext_iface("Interpolate Strip", "Operator"), "Streifen interpolieren"),
        (translations.pgettext_iface("Slow Motion"), "Zeitlupe"),
        (
            translations.pgettext_tip("What becomes of time and frame rate"),
            "Was aus Tempo und Bildrate wird",
        ),
        (translations.pgettext_rpt("{time} left"), "noch {time}"),
    )
    yield from window.open_tab()
    stage.picture("german")
    for strip in editor.strips():
        strip.select = False
    try:
        with window.in_sequencer():
            bpy.ops.sequencer.vfi_interpolate_settings("EXEC_DEFAULT")
        said = "nothing"
    except RuntimeError as error:
        said = str(error).strip()
    stage.check(
        said.startswith("Fehler: In der Szene") and said.count("Fehler") == 1,
        f"an error says {said!r}",
    )
    view.language = before
    yield 1.0
    _compare(stage, (translations.pgettext_iface("Slow Motion"), "Slow Motion"))


def _compare(stage: Stage, *pairs: tuple[str, str]) -> None:
    for found, wanted in pairs:
        stage.check(found == wanted, f"it says {found!r}, not {wanted!r}")
