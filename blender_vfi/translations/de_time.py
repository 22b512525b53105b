"""German, for time and file formats; see `de`."""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    ("*", "Bake Retiming"): "Retiming einrechnen",
    (
        "*",
        "In this scene on a free channel, as the strip's retiming keys or its Speed Control effect have it, with frames made wherever it is slower",
    ): "In dieser Szene auf einem freien Kanal, wie es die Retiming-Keys oder der Effekt Geschwindigkeitssteuerung vorgeben, mit neuen Bildern, wo der Streifen langsamer ist",
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
        "Strip {strip!r} is no image strip with retiming keys or a Speed Control effect to make frames for: add some (Strip > Retiming), or choose another timing.",
    ): "Der Streifen „{strip}“ ist kein Bildstreifen mit Retiming-Keys oder einem Effekt Geschwindigkeitssteuerung, für die Bilder zu berechnen wären: welche hinzufügen (Streifen > Retiming), oder ein anderes Zeitverhalten wählen.",
    (
        "*",
        "Strip {strip!r} is retimed, so that it shows some frames twice or not at all: {bake}, or clear its retiming (Strip > Retiming > Reset Retiming) and interpolate that.",
    ): "Der Streifen „{strip}“ ist zeitlich verändert und zeigt manche Bilder doppelt oder gar nicht: {bake} oder das Retiming zurücksetzen (Streifen > Retiming > Reset Retiming) und dann interpolieren.",
    ("*", "choose the timing Bake Retiming"): "das Zeitverhalten „Retiming einrechnen“ wählen",
    (
        "*",
        "{path}, which strip {strip!r} shows, is missing: restore or re-render it, or trim the strip so that it is left out.",
    ): "{path}, das der Streifen „{strip}“ zeigt, fehlt: wiederherstellen oder neu rendern, oder den Streifen so kürzen, dass es wegfällt.",
    ("*", "1,024 steps: DPX and TIFF"): "1.024 Stufen: DPX und TIFF",
    ("*", "10-bit"): "10 Bit",
    ("*", "12-bit"): "12 Bit",
    ("*", "16-bit"): "16 Bit",
    ("*", "8-bit"): "8 Bit",
    ("*", "16-bit floating point: EXR"): "16-Bit-Gleitkomma: EXR",
    (
        "*",
        "256 steps; of Radiance HDR, 8 bits and an exponent",
    ): "256 Stufen; bei Radiance HDR 8 Bit und ein Exponent",
    ("*", "32-bit floating point: EXR and TIFF"): "32-Bit-Gleitkomma: EXR und TIFF",
    ("*", "4,096 steps: DPX and TIFF"): "4.096 Stufen: DPX und TIFF",
    ("*", "65,536 steps: PNG, TIFF and DPX"): "65.536 Stufen: PNG, TIFF und DPX",
    ("*", "Best"): "Am besten",
    (
        "*",
        "Bits of each value of the files, as far as their format has them",
    ): "Bits jedes Werts der Dateien, soweit ihr Format sie hat",
    ("*", "Compression"): "Kompression",
    (
        "*",
        "Compression of the files, as far as their format has it",
    ): "Kompression der Dateien, soweit ihr Format sie hat",
    ("*", "DWAA"): "DWAA",
    ("*", "DWAB"): "DWAB",
    ("*", "Depth"): "Tiefe",
    ("*", "EXR and TGA: runs of equal values"): "EXR und TGA: Folgen gleicher Werte",
    ("*", "EXR and TIFF: lossless"): "EXR und TIFF: verlustfrei",
    ("*", "EXR: loses 8 bits of full floats"): "EXR: verliert 8 Bit von vollem Gleitkomma",
    ("*", "EXR: lossless, each row by itself"): "EXR: verlustfrei, jede Zeile für sich",
    ("*", "EXR: lossless, good for grain"): "EXR: verlustfrei, gut für Korn",
    (
        "*",
        "EXR: lossy and small, in blocks of 256 rows",
    ): "EXR: verlustbehaftet und klein, in Blöcken von 256 Zeilen",
    (
        "*",
        "EXR: lossy and small, in blocks of 32 rows",
    ): "EXR: verlustbehaftet und klein, in Blöcken von 32 Zeilen",
    (
        "*",
        "EXR: lossy, less for even areas",
    ): "EXR: verlustbehaftet, kleiner bei gleichmäßigen Flächen",
    ("*", "EXR: lossy, of a fixed size"): "EXR: verlustbehaftet, von fester Größe",
    ("*", "Files ending in .bmp"): "Dateien mit der Endung .bmp",
    ("*", "Files ending in .hdr"): "Dateien mit der Endung .hdr",
    ("*", "Full Float"): "Volles Gleitkomma",
    ("*", "Half Float"): "Halbes Gleitkomma",
    ("*", "LZW"): "LZW",
    ("*", "Lossless"): "Verlustfrei",
    ("*", "Lossy"): "Verlustbehaftet",
    ("*", "PIZ"): "PIZ",
    (
        "*",
        "PNG, TIFF, EXR and TGA: the largest files, and the fastest",
    ): "PNG, TIFF, EXR und TGA: die größten Dateien, am schnellsten geschrieben",
    ("*", "PNG: the smallest files, and slow"): "PNG: die kleinsten Dateien, langsam",
    ("*", "PackBits"): "PackBits",
    ("*", "Pxr24"): "Pxr24",
    (
        "*",
        "Quality of JPEG files, and of lossy WebP files. 0 is the usual one, 95",
    ): "Qualität von JPEG-Dateien und verlustbehafteten WebP-Dateien. 0 ist die übliche, 95",
    ("*", "RLE"): "RLE",
    ("*", "TIFF: lossless"): "TIFF: verlustfrei",
    ("*", "TIFF: runs of equal values"): "TIFF: Folgen gleicher Werte",
    (
        "*",
        "The source's, or the next deeper one that the format has",
    ): "Die der Quelle, oder die nächsttiefere, die das Format hat",
    (
        "*",
        "The source's, or the usual one of the format",
    ): "Die der Quelle, oder die übliche des Formats",
    ("*", "WebP: as small as Quality says"): "WebP: so klein, wie die Qualität es vorgibt",
    ("*", "WebP: every value stays"): "WebP: jeder Wert bleibt",
    ("*", "ZIP"): "ZIP",
    ("*", "ZIPS"): "ZIPS",
}
