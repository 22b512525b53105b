"""German: what is said about models that rendered passes guide, beside `de`."""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    ("*", "Ask Network"): "Netz fragen",
    ("*", "Doubt Masks"): "Zweifelsmasken",
    (
        "*",
        "For multilayer EXR with Vector and Depth: moves what is seen as the renderer says.",
    ): "Für Multilayer-EXR mit Vector und Depth: bewegt, was zu sehen ist, wie der Renderer es sagt.",
    (
        "*",
        "Frame step that the frames were rendered with, since their vectors reach from one frame of the scene to the next. 0 takes it from the numbers in their names",
    ): "Bildschritt, mit dem die Bilder gerendert wurden, da ihre Vektoren von einem Bild der Szene zum nächsten reichen. 0 entnimmt ihn den Nummern in ihren Namen",
    ("*", "Mix Frames"): "Bilder mischen",
    (
        "*",
        "RIFE finds what is there, and how light changes",
    ): "RIFE findet, was dort ist und wie sich das Licht ändert",
    ("*", "Rendered Step"): "Gerenderter Schritt",
    (
        "*",
        "The two frames are mixed, which needs no weights",
    ): "Die beiden Bilder werden gemischt, was keine Gewichte braucht",
    (
        "*",
        "Write a picture of the error to expect for each new frame, into the folder vfi_doubt beside the frames: white where a render would look different",
    ): "Für jedes neue Bild ein Bild des zu erwartenden Fehlers schreiben, in den Ordner vfi_doubt neben den Bildern: weiß, wo ein gerendertes anders aussähe",
    ("*", "Unseen Parts"): "Ungesehenes",
    (
        "*",
        "What is made of places that rendered vectors know nothing of",
    ): "Was aus Stellen wird, von denen gerenderte Vektoren nichts wissen",
}
