"""German: what is said about rendering half of the frames, beside `de`."""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    (
        "*",
        "{folder} has no record of a job that this version can read ({name}): give the folder that a job has written.",
    ): "{folder} enthält keine Aufzeichnung eines Auftrags, die diese Version lesen kann ({name}): den Ordner angeben, den ein Auftrag geschrieben hat.",
    (
        "*",
        "{path} cannot be written ({reason}): check free space and permissions of the folder.",
    ): "{path} kann nicht geschrieben werden ({reason}): freien Platz und Rechte des Ordners prüfen.",
}
