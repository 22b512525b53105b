"""German, for time and file formats; see `de`."""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    ("*", "Bake Retiming"): "Retiming einrechnen",
    (
        "*",
        "In this scene on a free channel, as the strip's retiming keys have it, with frames made wherever it is slower",
    ): "In dieser Szene auf einem freien Kanal, wie es die Retiming-Keys des Streifens vorgeben, mit neuen Bildern, wo er langsamer ist",
    (
        "*",
        "In this scene on a free channel, at the speed that the setting Speed has at each frame of the timeline; animate it",
    ): "In dieser Szene auf einem freien Kanal, mit der Geschwindigkeit, die die Einstellung Geschwindigkeit an jedem Bild der Zeitleiste hat; sie lässt sich animieren",
    ("*", "Speed"): "Geschwindigkeit",
    ("*", "Speed Ramp"): "Geschwindigkeitsrampe",
    (
        "*",
        "Speed of a speed ramp at this frame of the timeline: 0.25 is a quarter, 0 stands still, below 0 runs backwards. Animate it with keyframes",
    ): "Geschwindigkeit einer Geschwindigkeitsrampe an diesem Bild der Zeitleiste: 0,25 ist ein Viertel, 0 steht still, unter 0 läuft rückwärts. Mit Keyframes animieren",
    (
        "*",
        "Strip {strip!r} is no image strip with retiming keys to make frames for: add some (Strip > Retiming), or choose another timing.",
    ): "Der Streifen „{strip}“ ist kein Bildstreifen mit Retiming-Keys, für die Bilder zu berechnen wären: welche hinzufügen (Streifen > Retiming), oder ein anderes Zeitverhalten wählen.",
    (
        "*",
        "Strip {strip!r} is retimed, so that it shows some frames twice or not at all: choose the timing Bake Retiming, or clear its retiming (Strip > Retiming > Reset Retiming) and interpolate that.",
    ): "Der Streifen „{strip}“ ist zeitlich verändert und zeigt manche Bilder doppelt oder gar nicht: wähle als Zeitverhalten „Retiming einrechnen“ wählen, oder das Retiming zurücksetzen (Streifen > Retiming > Reset Retiming) und dann interpolieren.",
    (
        "*",
        "{path}, which strip {strip!r} shows, is missing: restore or re-render it, or trim the strip so that it is left out.",
    ): "{path}, das der Streifen „{strip}“ zeigt, fehlt: wiederherstellen oder neu rendern, oder den Streifen so kürzen, dass es wegfällt.",
}
