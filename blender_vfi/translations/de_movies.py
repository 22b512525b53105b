"""German, for movies; see `de`."""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    (
        "*",
        "Movie strip {strip!r} is retimed, so that it shows some frames twice or not at all: clear its retiming (Strip > Retiming > Reset Retiming), or render it to an image sequence first.",
    ): "Der Filmstreifen „{strip}“ ist zeitlich verändert und zeigt manche Bilder doppelt oder gar nicht: das Retiming zurücksetzen (Streifen > Retiming > Reset Retiming), oder ihn zuerst als Bildsequenz rendern.",
    (
        "*",
        "Movie strip {strip!r} shows video stream {index} of its file: only the first, 0, can be interpolated; export the other as a movie of its own.",
    ): "Der Filmstreifen „{strip}“ zeigt die Videospur {index} seiner Datei: nur die erste, 0, kann interpoliert werden; die andere als eigenen Film exportieren.",
    (
        "*",
        "The movie of strip {strip!r} is missing: {path}; restore it, or choose where it is in the strip's Source panel.",
    ): "Der Film des Streifens „{strip}“ fehlt: {path}; ihn wiederherstellen, oder im Quelle-Panel des Streifens wählen, wo er liegt.",
    ("*", "The file of strip {strip!r}"): "Die Datei des Streifens „{strip}“",
}
