"""German, for movies; see `de`."""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    (
        "*",
        "Movie strip {strip!r} is retimed, so that it shows some frames twice or not at all: clear its retiming (Strip > Retiming > Reset Retiming) and animate Speed with the timing Speed Ramp instead, or render it to an image sequence first.",
    ): "Der Filmstreifen „{strip}“ ist zeitlich verändert und zeigt manche Bilder doppelt oder gar nicht: das Retiming zurücksetzen (Streifen > Retiming > Reset Retiming) und stattdessen mit dem Zeitverhalten „Geschwindigkeitsrampe“ die Geschwindigkeit animieren, oder ihn zuerst als Bildsequenz rendern.",
    (
        "*",
        "Movie strip {strip!r} shows video stream {index} of its file: only the first, 0, can be interpolated; export the other as a movie of its own.",
    ): "Der Filmstreifen „{strip}“ zeigt die Videospur {index} seiner Datei: nur die erste, 0, kann interpoliert werden; die andere als eigenen Film exportieren.",
    (
        "*",
        "The movie of strip {strip!r} is missing: {path}; restore it, or choose where it is in the strip's Source panel.",
    ): "Der Film des Streifens „{strip}“ fehlt: {path}; ihn wiederherstellen, oder im Quelle-Panel des Streifens wählen, wo er liegt.",
    ("*", "Output As"): "Ausgabe als",
    (
        "*",
        "What the new strip shows: a sequence of images, or a movie made of them",
    ): "Was der neue Streifen zeigt: eine Bildsequenz, oder einen daraus gemachten Film",
    ("*", "Image Sequence"): "Bildsequenz",
    ("*", "A file for each frame"): "Eine Datei für jedes Bild",
    ("*", "Movie"): "Film",
    (
        "*",
        "One file with all frames, made when the last of them is there",
    ): "Eine Datei mit allen Bildern, die entsteht, wenn das letzte da ist",
    ("*", "Codec"): "Codec",
    ("*", "How the movie's pictures are stored"): "Wie die Bilder des Films gespeichert werden",
    ("*", "CRF"): "CRF",
    (
        "*",
        "Quality of H.264, H.265 and AV1: lower is better and larger. -1 takes the codec's usual",
    ): "Qualität von H.264, H.265 und AV1: kleiner ist besser und größer auf der Platte. -1 nimmt die übliche",
    ("*", "Include Sound"): "Mit Ton",
    (
        "*",
        "Copy the sound of a movie strip into the new movie, where both play at the same speed",
    ): "Den Ton eines Filmstreifens in den neuen Film übernehmen, wo beide gleich schnell laufen",
    ("*", "ProRes 422 HQ"): "ProRes 422 HQ",
    ("*", "For editing: 10-bit, large, without alpha"): "Für den Schnitt: 10 Bit, groß, ohne Alpha",
    ("*", "ProRes 4444"): "ProRes 4444",
    (
        "*",
        "For editing: 10-bit in every pixel, with alpha",
    ): "Für den Schnitt: 10 Bit in jedem Pixel, mit Alpha",
    ("*", "Small, and plays everywhere: 8-bit"): "Klein, und läuft überall: 8 Bit",
    ("*", "H.264 10-bit"): "H.264 10 Bit",
    ("*", "Small; few devices play it"): "Klein; wenige Geräte spielen es ab",
    ("*", "H.265 10-bit"): "H.265 10 Bit",
    ("*", "Smaller, and slower to make"): "Kleiner, und langsamer zu machen",
    ("*", "AV1 10-bit"): "AV1 10 Bit",
    ("*", "Smallest; free of patents' fees"): "Am kleinsten; ohne Patentgebühren",
    ("*", "FFV1 (Lossless)"): "FFV1 (verlustfrei)",
    (
        "*",
        "Every code of every frame, at 8, 10, 12 or 16 bits, with alpha; for archives",
    ): "Jeder Wert jedes Bildes, mit 8, 10, 12 oder 16 Bit, mit Alpha; für Archive",
    ("*", "The file of strip {strip!r}"): "Die Datei des Streifens „{strip}“",
}
