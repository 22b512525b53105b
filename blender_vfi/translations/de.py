"""German.

Blender's own words where it has them: Streifen, Sequenzer, Bildrate, Markierung. What Blender
leaves in English, such as Network and Allow Online Access, is named as it stands there.
"""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    ("Operator", "Add Interpolation Preset"): "Interpolations-Voreinstellung hinzufügen",
    ("Operator", "Add Skipped Range"): "Ausgelassenen Bereich hinzufügen",
    ("Operator", "Cancel"): "Abbrechen",
    ("Operator", "Cancel All"): "Alle abbrechen",
    ("Operator", "Cancel Interpolation"): "Interpolation abbrechen",
    ("Operator", "Clear Ended"): "Beendete entfernen",
    ("Operator", "Clear Ended Jobs"): "Beendete Aufträge entfernen",
    ("Operator", "Copy Details"): "Details kopieren",
    ("Operator", "Download Model"): "Modell herunterladen",
    ("Operator", "Fill Missing Frames"): "Fehlende Bilder auffüllen",
    ("Operator", "Free Memory"): "Speicher freigeben",
    ("Operator", "Interpolate Strip"): "Streifen interpolieren",
    ("Operator", "Interpolate Strip..."): "Streifen interpolieren...",
    ("Operator", "Interpolate Strips"): "Streifen interpolieren",
    ("Operator", "Interpolated Strip..."): "Interpolierter Streifen...",
    ("Operator", "Move Job"): "Auftrag verschieben",
    ("Operator", "Open Folder"): "Ordner öffnen",
    ("Operator", "Read the License"): "Lizenz lesen",
    ("Operator", "Remove Environment"): "Umgebung entfernen",
    ("Operator", "Remove Job"): "Auftrag entfernen",
    ("Operator", "Remove Model"): "Modell entfernen",
    ("Operator", "Remove Skipped Range"): "Ausgelassenen Bereich entfernen",
    ("Operator", "Run Interpolation Jobs"): "Interpolationsaufträge ausführen",
    ("Operator", "Save Interpolation Job..."): "Interpolationsauftrag speichern...",
    ("Operator", "Save Job..."): "Auftrag speichern...",
    ("Operator", "Save Queue..."): "Warteschlange speichern...",
    ("Operator", "Set Up Engine"): "Engine einrichten",
    ("Operator", "Skip Cuts at Markers"): "Schnitte an Markierungen auslassen",
    ("Operator", "Test"): "Testen",
    ("Operator", "Testing…"): "Wird getestet …",
    ("*", "$BLENDER_VFI_PYTHON, or Blender's"): "$BLENDER_VFI_PYTHON oder das von Blender",
    ("*", "0.25 times the frame"): "0,25-fache Bildgröße",
    ("*", "0.5 times the frame"): "0,5-fache Bildgröße",
    ("*", "1 cut, at frame {frame}"): "1 Schnitt, bei Bild {frame}",
    ("*", "1 times the frame"): "Volle Bildgröße",
    ("*", "16-bit with the range of 32-bit"): "16 Bit mit dem Wertebereich von 32 Bit",
    ("*", "16-bit: twice as fast on most GPUs"): "16 Bit: auf den meisten GPUs doppelt so schnell",
    ("*", "2 times the frame"): "2-fache Bildgröße",
    ("*", "32-bit: the most exact, and the most memory"): (
        "32 Bit: am genauesten, mit dem größten Speicherbedarf"
    ),
    ("*", "4 times the frame"): "4-fache Bildgröße",
    ("*", "4.26 with more features per frame."): "4.26 mit mehr Merkmalen pro Bild.",
    ("*", "4K and Large Motion"): "4K und große Bewegungen",
    ("*", "Bad Frames"): "Fehlerhafte Bilder",
    (
        "*",
        "Begin when the job that has the GPU has ended",
    ): "Beginnen, wenn der Auftrag, der die GPU hat, beendet ist",
    (
        "*",
        "Both frames are blended, and the frame's name told",
    ): "Beide Bilder werden gemischt und der Name des Bildes genannt",
    ("*", "During Renders"): "Während Rendern",
    ("*", "Errors"): "Fehler",
    (
        "*",
        "Errors, and what was odd although the job went on",
    ): "Fehler, und was auffiel, obwohl der Auftrag weiterlief",
    ("*", "Everything"): "Alles",
    ("*", "Fail"): "Fehlschlagen",
    ("*", "File"): "Datei",
    ("*", "Fill Missing Frames"): "Fehlende Bilder auffüllen",
    ("*", "Go On"): "Weiterlaufen",
    ("*", "If Busy"): "Wenn belegt",
    (
        "*",
        "Job file {file} cannot be written ({reason}): choose a folder that exists and that you may write to.",
    ): "Auftragsdatei {file} kann nicht geschrieben werden ({reason}): wähle einen vorhandenen Ordner, in den du schreiben darfst.",
    ("*", "Jobs saved in {file}: {count}"): "Aufträge gespeichert in {file}: {count}",
    (
        "*",
        "Leave the GPU to the render, and go on slowly on the CPU",
    ): "Die GPU dem Rendern überlassen und langsam auf der CPU weiterlaufen",
    (
        "*",
        "Leave the GPU to the render, and go on when it has ended",
    ): "Die GPU dem Rendern überlassen und danach weiterlaufen",
    ("*", "Log"): "Protokoll",
    ("*", "Memory and speed with every pair of frames"): "Speicher und Tempo bei jedem Bildpaar",
    ("*", "No Log"): "Kein Protokoll",
    ("*", "No job waits, runs or was stopped"): "Kein Auftrag wartet, läuft oder wurde angehalten",
    ("*", "Nothing is written"): "Nichts wird geschrieben",
    ("*", "Only how a job failed"): "Nur, woran ein Auftrag gescheitert ist",
    ("*", "Pause"): "Pausieren",
    ("*", "Paused while Blender renders"): "Pausiert, während Blender rendert",
    ("*", "Progress"): "Fortschritt",
    (
        "*",
        "Run beside it: both may run out of memory",
    ): "Daneben laufen: beiden kann der Speicher ausgehen",
    ("*", "Run on the CPU meanwhile"): "Solange auf der CPU laufen",
    (
        "*",
        "Save the job that makes the frames whose numbers are missing",
    ): "Den Auftrag speichern, der die Bilder erzeugt, deren Nummern fehlen",
    ("*", "Share"): "Teilen",
    (
        "*",
        "Stay on the GPU: the render may run out of memory",
    ): "Auf der GPU bleiben: dem Rendern kann der Speicher ausgehen",
    (
        "*",
        "The frame before is held, and the frame's name told",
    ): "Das Bild davor wird gehalten und der Name des Bildes genannt",
    (
        "*",
        "The job fails; finished frames stay",
    ): "Der Auftrag schlägt fehl; fertige Bilder bleiben",
    ("*", "The job file"): "Die Auftragsdatei",
    (
        "*",
        "Their files lie elsewhere too. To run them: {command}",
    ): "Ihre Dateien liegen auch anderswo. Zum Ausführen: {command}",
    ("*", "Use CPU"): "CPU nutzen",
    ("*", "Wait"): "Warten",
    ("*", "Warnings"): "Warnungen",
    (
        "*",
        "Warnings, and memory and speed every tenth pair of frames",
    ): "Warnungen, sowie Speicher und Tempo bei jedem zehnten Bildpaar",
    (
        "*",
        "What a job on a GPU does while this Blender renders. Models of an idle engine are dropped in any case, and a job on the CPU goes on behind the render",
    ): "Was ein Auftrag auf einer GPU tut, während dieses Blender rendert. Modelle einer untätigen Engine werden in jedem Fall entladen, und ein Auftrag auf der CPU läuft hinter dem Rendern weiter",
    (
        "*",
        "What becomes of a frame for which the model's answer is infinite or no number, in full precision too",
    ): "Was aus einem Bild wird, für das die Antwort des Modells unendlich oder keine Zahl ist, auch in voller Genauigkeit",
    (
        "*",
        "What is written into the file .vfi.log beside a job's frames",
    ): "Was in die Datei .vfi.log neben den Bildern eines Auftrags geschrieben wird",
    (
        "*",
        "What to do where a job of another Blender or terminal has the GPU",
    ): "Was zu tun ist, wenn ein Auftrag eines anderen Blender oder Terminals die GPU hat",
    ("*", "Where to write the jobs"): "Wohin die Aufträge geschrieben werden",
    (
        "*",
        "Write the jobs of the selected strips into a file, to run them later or on a farm",
    ): "Die Aufträge der ausgewählten Streifen in eine Datei schreiben, um sie später oder auf einer Farm auszuführen",
    (
        "*",
        "Write the jobs that wait, run or were stopped into a file, to run them later or on a farm",
    ): "Die wartenden, laufenden und angehaltenen Aufträge in eine Datei schreiben, um sie später oder auf einer Farm auszuführen",
    ("*", "a file of yours"): "eine eigene Datei",
    ("*", "A Python of yours that has what the engine needs"): (
        "Ein eigenes Python, das alles enthält, was die Engine braucht"
    ),
    ("*", "A wide 4.25; four times the weights."): (
        "Ein breiteres 4.25 mit viermal so vielen Gewichten."
    ),
    (
        "*",
        "Add a range in which nothing is interpolated, such as a cut, at the current frame",
    ): (
        "Am aktuellen Bild einen Bereich hinzufügen, in dem nichts interpoliert wird, etwa einen "
        "Schnitt"
    ),
    ("*", "Add an image or movie strip to the Sequencer first"): (
        "Zuerst einen Bild- oder Filmstreifen zum Sequenzer hinzufügen"
    ),
    ("*", "After the job that comes after it"): "Hinter den nächsten Auftrag",
    (
        "*",
        "After {before} comes {after}: numbers must rise to tell which are missing; sort the frames, or split the strip there.",
    ): "Auf {before} folgt {after}: die Nummern müssen steigen, damit zu erkennen ist, welche fehlen; die Bilder sortieren oder den Streifen dort teilen.",
    ("*", "Allow Online Access first: Preferences > System > Network"): (
        "Zuerst „Allow Online Access“ einschalten: Einstellungen > System > Network"
    ),
    ("*", "Allowed"): "Erlaubt",
    ("*", "Also At"): "Auch bei",
    ("*", "AMD GPUs that ROCm 7.2 supports"): "AMD-GPUs, die ROCm 7.2 unterstützt",
    ("*", "AMT-S for any moment, from GoPro's motion; not for commercial use."): (
        "AMT-S für beliebige Zeitpunkte, an GoPro-Bewegungen trainiert; nicht für kommerzielle "
        "Nutzung."
    ),
    ("*", "An engine is being tested"): "Eine Engine wird gerade getestet",
    ("*", "An engine runs: process {number}, {python}"): (
        "Eine Engine läuft: Prozess {number}, {python}"
    ),
    ("*", "Apple silicon: the GPU through Metal, and the CPU"): (
        "Apple Silicon: die GPU über Metal, und die CPU"
    ),
    ("*", "As many as a frame rate needs, whole multiple or not"): (
        "So viele, wie eine Bildrate braucht, auch ohne ganzzahliges Vielfaches"
    ),
    ("*", "Automatic"): "Automatisch",
    ("*", "Average the motion found forwards and backwards: better, and half as fast"): (
        "Vorwärts und rückwärts gefundene Bewegung mitteln: besser, aber halb so schnell"
    ),
    ("*", "Before the job that comes before it"): "Vor den vorherigen Auftrag",
    ("*", "Between AMT-S and AMT-G in speed and quality; not for commercial use."): (
        "Bei Tempo und Qualität zwischen AMT-S und AMT-G; nicht für kommerzielle Nutzung."
    ),
    ("*", "Blend"): "Überblenden",
    (
        "*",
        "Blender's own Python, where torch has been installed into it; $BLENDER_VFI_PYTHON comes "
        "first where it is set",
    ): (
        "Das in Blender enthaltene Python, wenn torch darin installiert ist; $BLENDER_VFI_PYTHON "
        "hat Vorrang, falls gesetzt"
    ),
    ("*", "Blender's Python"): "Python von Blender",
    ("*", "Brain (bf16)"): "Brain-Float (bf16)",
    ("*", "CPU When Full"): "CPU bei vollem Speicher",
    ("*", "Cancelled; finished frames stay on disk, and the next run goes on there"): (
        "Abgebrochen; fertige Bilder bleiben erhalten, der nächste Durchlauf macht dort weiter"
    ),
    ("*", "Cancelling…"): "Wird abgebrochen …",
    ("*", "Check Free Space"): "Freien Platz prüfen",
    ("*", "Checkpoint"): "Checkpoint",
    (
        "*",
        "Choose how to make frames for the selected image and movie strips, and start",
    ): "Festlegen, wie die Zwischenbilder der ausgewählten Bild- und Filmstreifen entstehen, und starten",
    ("*", "Choose Its Checkpoint File"): "Die Checkpoint-Datei auswählen",
    ("*", "Clear Cache Every"): "Zwischenspeicher leeren alle",
    ("*", "Close to 4.22 and faster."): "Nahe an 4.22, aber schneller.",
    ("*", "Close to 4.25 and faster; for previews."): (
        "Nahe an 4.25, aber schneller; für Vorschauen."
    ),
    ("*", "Commercial Use"): "Kommerzielle Nutzung",
    (
        "*",
        "Copy versions, settings, the error and the engine's last words, for a bug report",
    ): (
        "Versionen, Einstellungen, den Fehler und die letzten Ausgaben der Engine für einen "
        "Fehlerbericht kopieren"
    ),
    ("*", "Cuts"): "Schnitte",
    ("*", "Cuts and Duplicates"): "Schnitte und Duplikate",
    (
        "*",
        "Cuts and markers lie on the nearest frame of the new rate, up to half a frame beside "
        "their exact moment.",
    ): (
        "Schnitte und Markierungen liegen auf dem nächstgelegenen Bild der neuen Bildrate, bis "
        "zu einem halben Bild neben dem genauen Zeitpunkt."
    ),
    ("*", "Details copied: paste them into your report"): (
        "Details kopiert: in den Fehlerbericht einfügen"
    ),
    ("*", "Device"): "Gerät",
    ("*", "All GPUs"): "Alle GPUs",
    ("*", "Direction"): "Richtung",
    (
        "*",
        "Dissolve from the frame before the cut to the one after it",
    ): "Vom Bild vor dem Schnitt zu dem danach überblenden",
    (
        "*",
        "Do not look for cuts: make frames everywhere",
    ): "Nicht nach Schnitten suchen: überall Bilder erzeugen",
    ("*", "Down"): "Nach unten",
    ("*", "Download"): "Herunterladen",
    ("*", "Downloads up to {download:.1f} GB, needs {disk:.1f} GB of disk"): (
        "Lädt bis zu {download:.1f} GB herunter, braucht {disk:.1f} GB Speicherplatz"
    ),
    ("*", "Drawn Animation"): "Zeichentrick",
    (
        "*",
        "Drivers of strip {source!r} were not carried over: add them to strip {strip!r} by hand.",
    ): (
        "Treiber des Streifens „{source}“ wurden nicht übernommen: bei Bedarf von Hand zum "
        "Streifen „{strip}“ hinzufügen."
    ),
    ("*", "Duplicates"): "Duplikate",
    ("*", "Early, with its second network, which corrects the blended picture; slower."): (
        "Früh, mit dem zweiten Netz, das das überblendete Bild korrigiert; langsamer."
    ),
    ("*", "Early; kept to match older renders."): "Früh; passend zu älteren Ergebnissen.",
    ("*", "Early; searches large motion twice."): "Früh; sucht große Bewegungen zweimal.",
    ("*", "Ended with its file or window; finished frames stay on disk"): (
        "Mit Datei oder Fenster beendet; fertige Bilder bleiben erhalten"
    ),
    ("*", "Engine"): "Engine",
    ("*", "Ensemble"): "Ensemble",
    ("*", "Error"): "Fehler",
    ("*", "Esc over the Sequencer cancels"): "Esc über dem Sequenzer bricht ab",
    ("*", "File format of the frames"): "Dateiformat der Bilder",
    ("*", "File of weights to use in place of the model's own"): (
        "Datei mit Gewichten, die statt der des Modells verwendet wird"
    ),
    ("*", "Files ending in .dpx"): "Dateien mit der Endung .dpx",
    ("*", "Files ending in .exr"): "Dateien mit der Endung .exr",
    ("*", "Files ending in .jpg"): "Dateien mit der Endung .jpg",
    ("*", "Files ending in .png"): "Dateien mit der Endung .png",
    ("*", "Files ending in .tga"): "Dateien mit der Endung .tga",
    ("*", "Files ending in .tif"): "Dateien mit der Endung .tif",
    ("*", "Files ending in .webp"): "Dateien mit der Endung .webp",
    (
        "*",
        "FILM with weights rounded to half precision: half the download, nearly the same frames.",
    ): (
        "FILM mit auf halbe Genauigkeit gerundeten Gewichten: halber Download, fast dieselben "
        "Bilder."
    ),
    ("*", "First"): "Erstes Bild",
    ("*", "Flow Scale"): "Fluss-Auflösung",
    ("*", "Folder"): "Ordner",
    ("*", "For animation and large motion; slow and hungry for memory."): (
        "Für Zeichentrick und große Bewegungen; langsam und speicherhungrig."
    ),
    (
        "*",
        "For cyclic animation: also make the frames between the last frame and the first",
    ): "Für zyklische Animation: auch die Bilder zwischen dem letzten Bild und dem ersten erzeugen",
    ("*", "For very large motion, and between photographs; slower than RIFE."): (
        "Für sehr große Bewegungen und zwischen Fotos; langsamer als RIFE."
    ),
    ("*", "Format"): "Format",
    ("*", "Frame Interpolation"): "Bildinterpolation",
    ("*", "Frame of the timeline after which no frames are made"): (
        "Bild der Zeitleiste, nach dem keine Zwischenbilder entstehen"
    ),
    ("*", "Frame of the timeline from which on frames are made again"): (
        "Bild der Zeitleiste, ab dem wieder Zwischenbilder entstehen"
    ),
    ("*", "Frame Rate"): "Bildrate",
    ("*", "Frame {done} of {total}"): "Bild {done} von {total}",
    (
        "*",
        "Frame {number} of strip {strip!r} (frame {frame} of the timeline) is missing: {path}; "
        "restore or re-render it, {fill}, or trim the strip so that it is left out.",
    ): (
        "Bild {number} des Streifens „{strip}“ (Bild {frame} der Zeitleiste) fehlt: {path}; die "
        "Datei wiederherstellen, neu rendern, {fill} oder sie durch Kürzen des Streifens auslassen."
    ),
    ("*", "Frames a second of the result: 60, 59.94, 23.976, or a fraction 60000/1001"): (
        "Bilder pro Sekunde im Ergebnis: 60, 59.94, 23.976 oder ein Bruch wie 60000/1001"
    ),
    ("*", "Frames By"): "Anzahl nach",
    (
        "*",
        "Frames like the one before, as in animation on twos and threes",
    ): "Bilder, die dem vorigen gleichen, wie in Animation auf Zweien und Dreien",
    (
        "*",
        "Frames like the one before: {count}, at {frames}",
    ): "Bilder, die dem vorigen gleichen: {count}, bei {frames}",
    ("*", "From"): "Quelle",
    (
        "*",
        "From {before} to {after}, {count} frames are missing: at most {most} can be filled in one place; render more of them.",
    ): "Von {before} bis {after} fehlen {count} Bilder: höchstens {most} können an einer Stelle aufgefüllt werden; mehr davon rendern.",
    ("*", "Full (fp32)"): "Voll (fp32)",
    ("*", "GPU memory {size}"): "GPU-Speicher {size}",
    ("*", "Half (fp16)"): "Halb (fp16)",
    ("*", "Half precision where device and model allow it"): (
        "Halbe Genauigkeit, wo Gerät und Modell es erlauben"
    ),
    ("*", "Held drawings stay held"): "Gehaltene Zeichnungen bleiben gehalten",
    ("*", "Hold"): "Halten",
    (
        "*",
        "Hold the frame before the cut, so that the cut stays at its moment",
    ): "Das Bild vor dem Schnitt halten, damit der Schnitt an seinem Zeitpunkt bleibt",
    ("*", "How many frames each source frame becomes: 2 doubles the frame rate"): (
        "Wie viele Bilder aus jedem Quellbild werden: 2 verdoppelt die Bildrate"
    ),
    (
        "*",
        "How much two frames differ that belong to two shots. Lower finds more cuts, 1 finds none",
    ): "Wie sehr sich zwei Bilder unterscheiden, die zu zwei Einstellungen gehören. Kleinere Werte finden mehr Schnitte, 1 findet keine",
    ("*", "How to say how many frames there shall be"): "Wonach sich die Anzahl der Bilder richtet",
    ("*", "I Accept This License"): "Ich akzeptiere diese Lizenz",
    ("*", "Installing {count} packages"): "{count} Pakete werden installiert",
    ("*", "Installing {package}"): "{package} wird installiert",
    ("*", "Interpolate"): "Interpolieren",
    ("*", "Interpolation Presets"): "Interpolations-Voreinstellungen",
    ("*", "Interpolation States"): "Ausgelassene Bereiche",
    ("*", "Its name in the catalog"): "Sein Name im Katalog",
    ("*", "Its name in the catalog. Empty takes the scene's"): (
        "Sein Name im Katalog. Leer: das Modell der Szene"
    ),
    ("*", "Jobs"): "Aufträge",
    ("*", "Jobs that wait, run and have ended."): "Wartende, laufende und beendete Aufträge.",
    ("*", "Keep"): "Beibehalten",
    ("*", "Keep Engine (Minutes)"): "Engine behalten (Minuten)",
    ("*", "Keep these settings under a name, or remove the chosen preset"): (
        "Diese Einstellungen unter einem Namen speichern oder die gewählte Voreinstellung entfernen"
    ),
    ("*", "Kept to match older renders."): "Passend zu älteren Ergebnissen.",
    ("*", "Last"): "Letztes Bild",
    ("*", "Let the engine drop its models, and give memory back to Blender and to the GPU"): (
        "Die Engine ihre Modelle verwerfen lassen, damit Blender und die GPU den Speicher "
        "zurückbekommen"
    ),
    ("*", "Let this job run earlier or later"): "Diesen Auftrag früher oder später ausführen",
    ("*", "License"): "Lizenz",
    ("*", "Light and even; any moment, from GoPro's motion."): (
        "Leicht und gleichmäßig; beliebige Zeitpunkte, an GoPro-Bewegungen trainiert."
    ),
    ("*", "Light and even; trained at the middle of two frames."): (
        "Leicht und gleichmäßig; auf die Mitte zwischen zwei Bildern trainiert."
    ),
    (
        "*",
        "Few weights; widely used for animation.",
    ): "Wenige Gewichte; für Zeichentrick weit verbreitet.",
    ("*", "Longer, in this scene on a free channel, at the frame rate there is"): (
        "Länger, in dieser Szene auf einem freien Kanal, bei unveränderter Bildrate"
    ),
    ("*", "Looking at Python"): "Python wird geprüft",
    (
        "*",
        "Cancelled; what has arrived is kept for the next attempt",
    ): "Abgebrochen; was da ist, bleibt für den nächsten Versuch",
    ("*", "Downloading {package}"): "{package} wird heruntergeladen",
    (
        "*",
        "Stopped by ending the engine; finished frames stay on disk",
    ): "Durch Beenden der Engine gestoppt; fertige Bilder bleiben auf der Platte",
    ("*", "Your File: {name}"): "Deine Datei: {name}",
    ("*", "Looking for {package}"): "{package} wird gesucht",
    (
        "*",
        "Looks at four frames and makes seven between at once without flow, for motion that "
        "curves or overlaps; needs a checkpoint file from its authors.",
    ): (
        "Betrachtet vier Bilder und erzeugt sieben Zwischenbilder auf einmal, ohne optischen "
        "Fluss; für gekrümmte oder sich überlagernde Bewegungen. Braucht eine Checkpoint-Datei "
        "der Autoren."
    ),
    (
        "*",
        "Looks at four frames and makes the middle one without flow, for motion that curves or "
        "overlaps; needs a checkpoint file from its authors.",
    ): (
        "Betrachtet vier Bilder und erzeugt das mittlere, ohne optischen Fluss; für gekrümmte "
        "oder sich überlagernde Bewegungen. Braucht eine Checkpoint-Datei der Autoren."
    ),
    (
        "*",
        "Looks at four frames and makes three between at once without flow, for motion that "
        "curves or overlaps; needs a checkpoint file from its authors.",
    ): (
        "Betrachtet vier Bilder und erzeugt drei Zwischenbilder auf einmal, ohne optischen "
        "Fluss; für gekrümmte oder sich überlagernde Bewegungen. Braucht eine Checkpoint-Datei "
        "der Autoren."
    ),
    ("*", "Loop"): "Schleife",
    ("*", "Made for an older version: set it up again"): (
        "Für eine ältere Version erstellt: neu einrichten"
    ),
    ("*", "Made With"): "Erstellen mit",
    (
        "*",
        "Make an environment with everything that the engine needs, test it, and use it from "
        "then on",
    ): (
        "Eine Umgebung mit allem erstellen, was die Engine braucht, sie testen und von da an "
        "verwenden"
    ),
    ("*", "Make the frames between the frames of the selected image and movie strips"): (
        "Zwischenbilder für die ausgewählten Bild- und Filmstreifen erzeugen"
    ),
    (
        "*",
        "Make the frames whose numbers are missing in the selected image strips, into a folder of their own, and show the whole sequence in the strip",
    ): "Die Bilder, deren Nummern in den ausgewählten Bildstreifen fehlen, in einem eigenen Ordner erzeugen und im Streifen die ganze Sequenz zeigen",
    ("*", "Making the environment"): "Umgebung wird erstellt",
    ("*", "Markers"): "Markierungen",
    ("*", "Memory"): "Speicher",
    ("*", "Memory {size}"): "Speicher {size}",
    ("*", "Minutes that the engine stays ready after a job; then it gives all memory back"): (
        "Wie viele Minuten die Engine nach einem Auftrag bereitbleibt; danach gibt sie allen "
        "Speicher frei"
    ),
    ("*", "Model"): "Modell",
    ("*", "Models on This Computer"): "Modelle auf diesem Computer",
    (
        "*",
        "Modifier {modifier!r} was not carried over: Blender refused to add one of type {type}.",
    ): (
        "Der Modifikator „{modifier}“ wurde nicht übernommen: Blender lässt keinen vom Typ "
        "{type} hinzufügen."
    ),
    ("*", "Multiplier"): "Multiplikator",
    (
        "*",
        "Multipliers {multipliers} differ from pair to pair, so that no frame rate keeps the "
        "time: choose the timing {slow}, or one multiplier.",
    ): (
        "Die Multiplikatoren {multipliers} unterscheiden sich von Paar zu Paar, sodass keine "
        "Bildrate das Tempo erhält: das Zeitverhalten {slow} oder einen einzigen Multiplikator wählen."
    ),
    ("*", "My Python"): "Eigenes Python",
    ("*", "Name of the strip. Empty takes all that are selected"): (
        "Name des Streifens. Leer: alle ausgewählten"
    ),
    ("*", "Needed for models whose license restricts what their frames may be used for"): (
        "Nötig bei Modellen, deren Lizenz die Verwendung der Bilder einschränkt"
    ),
    ("*", "Network that makes the frames between"): (
        "Neuronales Netz, das die Zwischenbilder erzeugt"
    ),
    ("*", "New Scene"): "Neue Szene",
    ("*", "No Commercial Use"): "Keine kommerzielle Nutzung",
    ("*", "No engine runs now"): "Zurzeit läuft keine Engine",
    ("*", "No engine runs, so none holds memory"): (
        "Es läuft keine Engine, also belegt auch keine Speicher"
    ),
    (
        "*",
        "No frame is missing from {first} to {last}: there is nothing to fill.",
    ): "Von {first} bis {last} fehlt kein Bild: es gibt nichts aufzufüllen.",
    ("*", "No job is running"): "Es läuft kein Auftrag",
    ("*", "No job to tell of"): "Es gibt keinen Auftrag, über den zu berichten wäre",
    (
        "*",
        "No strip is selected in scene {scene!r}: select an image strip in the Sequencer.",
    ): (
        "In der Szene „{scene}“ ist kein Streifen ausgewählt: im Sequenzer einen Bildstreifen "
        "auswählen."
    ),
    ("*", "no strips"): "keine",
    ("*", "Not Allowed"): "Nicht erlaubt",
    ("*", "Not Available"): "Nicht verfügbar",
    ("*", "Numbers that the model computes with"): "Zahlenformat, mit dem das Modell rechnet",
    (
        "*",
        "NVIDIA GPUs from the GeForce 16 and RTX 20 series on, with a driver of 580 or later",
    ): "NVIDIA-GPUs ab den Serien GeForce 16 und RTX 20, mit Treiber 580 oder neuer",
    (
        "*",
        "Older NVIDIA GPUs (GeForce 900 and 10 series) or drivers; not for the RTX 50 series",
    ): "Ältere NVIDIA-GPUs (Serien GeForce 900 und 10) oder Treiber; nicht für die Serie RTX 50",
    ("*", "Link Source Frames"): "Quellbilder verlinken",
    (
        "*",
        "Give source frames a second name in the output folder rather than copy them, which takes no time and no space. Careful: editing one of the two edits the other",
    ): "Quellbilder im Ausgabeordner nur unter einem zweiten Namen führen statt sie zu kopieren, was weder Zeit noch Platz kostet. Vorsicht: Wer eines der beiden ändert, ändert auch das andere",
    ("*", "On This Machine"): "Auf diesem Rechner",
    ("*", "On this machine now"): "Jetzt auf diesem Rechner",
    ("*", "Only Pairs"): "Nur diese Paare",
    ("*", "Output"): "Ausgabe",
    ("*", "Output Folder"): "Ausgabeordner",
    ("*", "Overwrite"): "Überschreiben",
    ("*", "Own Environment"): "Eigene Umgebung",
    ("*", "Pairs of frames between two clearings of the device's memory"): (
        "Wie viele Bildpaare verarbeitet werden, bis der Speicher des Geräts wieder geleert wird"
    ),
    (
        "*",
        "Pairs of frames to leave as they are, such as cuts: 3, 7, 10-14. Pair 3 is that of "
        "frames 3 and 4, counted from 0",
    ): (
        "Bildpaare, die bleiben sollen, wie sie sind, etwa Schnitte: 3, 7, 10-14. Paar 3 besteht "
        "aus den Bildern 3 und 4, von 0 an gezählt"
    ),
    ("*", "Precision"): "Genauigkeit",
    ("*", "Presets of the settings below."): "Voreinstellungen für die Einstellungen darunter.",
    ("*", "Python"): "Python",
    (
        "*",
        "Python 3.10 or newer that has torch. Empty takes $BLENDER_VFI_PYTHON, or else Blender's "
        "own Python",
    ): (
        "Python 3.10 oder neuer, das torch enthält. Leer: $BLENDER_VFI_PYTHON oder sonst das "
        "Python von Blender"
    ),
    (
        "*",
        "Python 3.10 to 3.14 to make the environment with. Empty takes Blender's own Python",
    ): "Python 3.10 bis 3.14, mit dem die Umgebung erstellt wird. Leer: das Python von Blender",
    ("*", "Python to make the environment with. Empty takes Blender's own"): (
        "Python, mit dem die Umgebung erstellt wird. Leer: das von Blender"
    ),
    ("*", "Quality"): "Qualität",
    ("*", "Raise Frame Rate"): "Bildrate erhöhen",
    (
        "*",
        "Raise Frame Rate cannot lower that of scene {scene!r} to {rate}: cuts of the whole edit "
        "would fall onto one frame; {new_scene}, or a higher rate.",
    ): (
        "„Bildrate erhöhen“ kann die Bildrate der Szene „{scene}“ nicht auf {rate} senken: "
        "Schnitte des ganzen Films würden auf dasselbe Bild fallen; {new_scene} oder eine höhere "
        "Bildrate."
    ),
    (
        "*",
        "Raising the frame rate of scene {scene!r} would change the speed of {strips}: "
        "{new_scene}, or delete these strips first.",
    ): (
        "Eine höhere Bildrate der Szene „{scene}“ würde das Tempo von {strips} ändern: "
        "{new_scene} oder diese Streifen zuerst löschen."
    ),
    ("*", "Range that the buttons beside the list work on"): (
        "Bereich, auf den die Schaltflächen neben der Liste wirken"
    ),
    ("*", "Remove the chosen range: frames are made there again"): (
        "Den gewählten Bereich entfernen: dort entstehen wieder Zwischenbilder"
    ),
    ("*", "Remove the environment that Set Up Engine has made. Models stay"): (
        "Die Umgebung entfernen, die „Engine einrichten“ erstellt hat. Modelle bleiben erhalten"
    ),
    ("*", "Remove this model from the disk. It is fetched again when a job needs it"): (
        "Dieses Modell vom Datenträger entfernen. Braucht ein Auftrag es, wird es neu "
        "heruntergeladen"
    ),
    ("*", "Removing what an earlier attempt has left"): (
        "Reste eines früheren Versuchs werden entfernt"
    ),
    ("*", "Removing what is no longer needed"): "Nicht mehr Benötigtes wird entfernt",
    ("*", "Replace files that have the names of output frames"): (
        "Dateien ersetzen, die so heißen wie Bilder des Ergebnisses"
    ),
    ("*", "Resolution at which motion is searched: 0.5 suits 4K, 2 suits small frames"): (
        "Auflösung, in der Bewegung gesucht wird: 0,5 passt zu 4K, 2 zu kleinen Bildern"
    ),
    ("*", "Retime"): "Neu verteilen",
    ("*", "Run On"): "Ausführen auf",
    ("*", "Run the jobs that wait, one after another, while Blender stays usable"): (
        "Die wartenden Aufträge nacheinander ausführen, während Blender benutzbar bleibt"
    ),
    ("*", "Runs everywhere, without a GPU: slow, but 1.5 GB instead of 8"): (
        "Läuft überall, ohne GPU: langsam, aber 1,5 GB statt 8"
    ),
    ("*", "Same as Source"): "Wie die Quelle",
    ("*", "Same speed, in a new scene with a higher frame rate, with the sound in sync"): (
        "Gleiches Tempo, in einer neuen Szene mit höherer Bildrate, der Ton bleibt synchron"
    ),
    (
        "*",
        "Same speed, in this scene at a higher frame rate; only where no other strip would "
        "change its speed",
    ): (
        "Gleiches Tempo, in dieser Szene mit höherer Bildrate; nur, wenn kein anderer Streifen "
        "sein Tempo ändern würde"
    ),
    ("*", "Scene"): "Szene",
    ("*", "Scene of the strip. Empty takes the one that the Sequencer edits"): (
        "Szene des Streifens. Leer: die Szene, die der Sequenzer bearbeitet"
    ),
    (
        "*",
        "Scene {name!r} is linked from {file} and cannot be edited: make it local, or open that "
        "file.",
    ): (
        "Die Szene „{name}“ ist aus {file} verknüpft und lässt sich nicht bearbeiten: sie lokal "
        "machen oder jene Datei öffnen."
    ),
    (
        "*",
        "Scene {scene!r} has no free channel from frame {first} to {last}: move or delete strips "
        "there; {largest} channels is all that Blender has.",
    ): (
        "Die Szene „{scene}“ hat von Bild {first} bis {last} keinen freien Kanal: dort Streifen "
        "verschieben oder löschen; mehr als {largest} Kanäle hat Blender nicht."
    ),
    ("*", "Scene {scene!r} has no strip {name!r}: it has {strips}."): (
        "Die Szene „{scene}“ hat keinen Streifen „{name}“; vorhanden: {strips}."
    ),
    (
        "*",
        "Scene {scene!r} now has {rate} frames a second; strip {strip!r}, which would play too "
        "fast, is muted.",
    ): (
        "Die Szene „{scene}“ hat jetzt {rate} Bilder pro Sekunde; der Streifen „{strip}“, der zu "
        "schnell liefe, ist stumm geschaltet."
    ),
    ("*", "Select an Image or Movie Strip"): "Einen Bild- oder Filmstreifen auswählen",
    ("*", "Set Up Engine"): "Engine einrichten",
    (
        "*",
        "Set Up Engine downloads packages: turn on Preferences > System > Network > Allow Online "
        "Access first, or start Blender with --online-mode",
    ): (
        "„Engine einrichten“ lädt Pakete herunter: zuerst Einstellungen > System > Network > "
        "Allow Online Access einschalten oder Blender mit --online-mode starten"
    ),
    ("*", "Set Up Engine was cancelled; nothing was left behind"): (
        "„Engine einrichten“ wurde abgebrochen; es ist nichts zurückgeblieben"
    ),
    ("*", "Set Up Engine was interrupted"): "„Engine einrichten“ wurde unterbrochen",
    ("*", "Settings of its jobs"): "Einstellungen ihrer Aufträge",
    ("*", "Size"): "Größe",
    ("*", "Skip"): "Auslassen",
    ("*", "Skip Pairs"): "Paare auslassen",
    ("*", "Skipped Range"): "Ausgelassener Bereich",
    ("*", "Slow and careful with large motion and occlusion; not for commercial use."): (
        "Langsam, dafür sorgfältig bei großen Bewegungen und Verdeckungen; nicht für "
        "kommerzielle Nutzung."
    ),
    ("*", "Slow Motion"): "Zeitlupe",
    ("*", "Slow Motion 4x"): "Zeitlupe 4×",
    ("*", "Small and fast."): "Klein und schnell.",
    ("*", "Small, with grouped convolutions."): "Klein, mit gruppierten Faltungen.",
    ("*", "Small, yet good at large motion; not for commercial use."): (
        "Klein und doch gut bei großen Bewegungen; nicht für kommerzielle Nutzung."
    ),
    ("*", "Small; kept for older renders."): "Klein; für ältere Ergebnisse.",
    ("*", "So many for each source frame"): "So viele für jedes Quellbild",
    ("*", "Sound {strip!r} is retimed: check that it is in sync in the new scene."): (
        "Der Ton „{strip}“ ist zeitlich verändert (Retiming): prüfen, ob er in der neuen Szene "
        "synchron ist."
    ),
    (
        "*",
        "Spread the drawings evenly over the same time, for even motion",
    ): "Die Zeichnungen gleichmäßig über dieselbe Zeit verteilen, für gleichmäßige Bewegung",
    ("*", "Start an engine with these settings, and show what it runs on"): (
        "Eine Engine mit diesen Einstellungen starten und anzeigen, worauf sie läuft"
    ),
    ("*", "Starting"): "Wird gestartet",
    ("*", "Starting the engine…"): "Engine wird gestartet …",
    ("*", "Stop setting up the engine, and remove what is there of it so far"): (
        "Das Einrichten der Engine abbrechen und alles entfernen, was davon schon da ist"
    ),
    (
        "*",
        "Stop this job within one frame. Finished frames stay, and the next run goes on there",
    ): (
        "Diesen Auftrag innerhalb eines Bildes anhalten. Fertige Bilder bleiben, der nächste "
        "Durchlauf macht dort weiter"
    ),
    ("*", "Stopping…"): "Wird angehalten …",
    (
        "*",
        "Store the model's checkpoint on this machine, so that it works offline from then on",
    ): (
        "Den Checkpoint des Modells auf diesem Rechner speichern, damit es von da an ohne Netz "
        "funktioniert"
    ),
    ("*", "Strip"): "Streifen",
    ("*", "Strip Edges"): "Streifengrenzen",
    (
        "*",
        "Strip {strip!r} goes from {before} to {after}, and motion will jump there. Missing: {missing}. Restore these frames, or first {fill}.",
    ): "Der Streifen „{strip}“ geht von {before} direkt zu {after}, und die Bewegung wird dort springen. Es fehlen: {missing}. Diese Bilder wiederherstellen oder erst {fill}.",
    (
        "*",
        "Strip {strip!r} is of type {type}, not an image strip: render it to an image sequence "
        "and add that with Add > Image/Sequence.",
    ): (
        "Der Streifen „{strip}“ ist vom Typ {type} und kein Bildstreifen: als Bildsequenz "
        "rendern und diese mit Hinzufügen > Bild/Sequenz einfügen."
    ),
    (
        "*",
        "Missing in strip {strip!r}: {missing}",
    ): "Im Streifen „{strip}“ fehlen: {missing}",
    (
        "*",
        "Strip {strip!r} plays {times:g} times as fast as its source: its frame rate is below "
        "the scene's, which Slow Motion leaves as it is.",
    ): (
        "Der Streifen „{strip}“ läuft {times:g}-mal so schnell wie seine Quelle: seine Bildrate "
        "liegt unter der der Szene, die „Zeitlupe“ unverändert lässt."
    ),
    (
        "*",
        "Strip {strip!r} reaches frame {last}, and scene {scene!r} ends at {end}: move its end "
        "to see and render all of it.",
    ): (
        "Der Streifen „{strip}“ reicht bis Bild {last}, die Szene „{scene}“ endet aber bei "
        "{end}: ihr Ende verschieben, um alles zu sehen und zu rendern."
    ),
    (
        "*",
        "Strobe of strip {strip!r} would be {wanted:g} to look as before, and Blender allows "
        "{largest:g}: it is set to that.",
    ): (
        "Der Stroboskop-Wert (Strobe) des Streifens „{strip}“ müsste {wanted:g} sein, um wie "
        "zuvor auszusehen; Blender erlaubt höchstens {largest:g}, also gilt dieser Wert."
    ),
    (
        "*",
        "Take every marker of the timeline for a cut, before the frame that it marks",
    ): "Jede Markierung der Zeitleiste als Schnitt vor dem markierten Bild ansehen",
    (
        "*",
        "Take the beginning and the end of every other strip with a picture for a cut, as far as they lie within this strip",
    ): "Anfang und Ende jedes anderen Streifens mit Bild als Schnitt ansehen, soweit sie innerhalb dieses Streifens liegen",
    ("*", "Take the jobs that have ended out of the list. Their files stay"): (
        "Die beendeten Aufträge aus der Liste nehmen. Ihre Dateien bleiben"
    ),
    (
        "*",
        "Take the timeline's markers for cuts: nothing is made between a marker's frame and the "
        "one before it. Where strips are selected, only markers within them count",
    ): (
        "Die Markierungen der Zeitleiste als Schnitte ansehen: zwischen dem Bild einer "
        "Markierung und dem davor entsteht nichts. Sind Streifen ausgewählt, zählen nur "
        "Markierungen darin"
    ),
    ("*", "Take this job out of the list. Its files stay"): (
        "Diesen Auftrag aus der Liste nehmen. Seine Dateien bleiben"
    ),
    ("*", "Testing the engine"): "Engine wird getestet",
    (
        "*",
        "The 3D animation of scene {scene!r} now plays {times:g} times as fast: set Output > "
        "Frame Rate > Time Stretching if you render it too.",
    ): (
        "Die 3D-Animation der Szene „{scene}“ läuft jetzt {times:g}-mal so schnell: Ausgabe > "
        "Bildrate > Time Stretching anpassen, falls sie mitgerendert wird."
    ),
    (
        "*",
        "The best choice for most material; comes with the add-on.",
    ): "Die beste Wahl für das meiste Material; liegt dem Add-on bei.",
    (
        "*",
        "4.25 with other weights, which have to be given as a file.",
    ): "4.25 mit anderen Gewichten, die als Datei angegeben werden müssen.",
    ("*", "The checkpoint"): "Der Checkpoint",
    ("*", "The engine cannot be set up: {error}"): (
        "Die Engine lässt sich nicht einrichten: {error}"
    ),
    ("*", "The engine frees its memory after the running job"): (
        "Die Engine gibt ihren Speicher nach dem laufenden Auftrag frei"
    ),
    ("*", "The engine has ended, and holds no memory"): (
        "Die Engine ist beendet und belegt keinen Speicher"
    ),
    ("*", "The engine has freed its memory: 1 model dropped"): (
        "Die Engine hat ihren Speicher freigegeben: 1 Modell verworfen"
    ),
    ("*", "The engine has freed its memory: {count} models dropped"): (
        "Die Engine hat ihren Speicher freigegeben: {count} Modelle verworfen"
    ),
    ("*", "The engine has not answered; it may be busy"): (
        "Die Engine hat nicht geantwortet; vielleicht ist sie beschäftigt"
    ),
    ("*", "The engine is being set up already"): "Die Engine wird schon eingerichtet",
    ("*", "The engine is being set up already: wait, or press Cancel."): (
        "Die Engine wird schon eingerichtet: warten oder „Abbrechen“ drücken."
    ),
    ("*", "The engine is set up, but: {notice}"): "Die Engine ist eingerichtet, aber: {notice}",
    ("*", "The engine is set up: {what}"): "Die Engine ist eingerichtet: {what}",
    ("*", "The engine runs"): "Die Engine läuft",
    ("*", "The engine runs: {what}, in {python}"): "Die Engine läuft: {what}, mit {python}",
    ("*", "The engine was ended. Start the job again to go on."): (
        "Die Engine wurde beendet. Den Auftrag neu starten, um weiterzumachen."
    ),
    ("*", "The engine's environment was removed"): "Die Umgebung der Engine wurde entfernt",
    ("*", "The engine's torch does not exist for this computer"): (
        "Das torch der Engine gibt es für diesen Computer nicht"
    ),
    ("*", "The environment that Set Up Engine makes, apart from every other Python"): (
        "Die Umgebung, die „Engine einrichten“ erstellt, getrennt von jedem anderen Python"
    ),
    (
        "*",
        "The F-curve modifiers of {property} were not carried over: add them to strip {strip!r} "
        "by hand.",
    ): (
        "Die F-Kurven-Modifikatoren von {property} wurden nicht übernommen: bei Bedarf von Hand "
        "zum Streifen „{strip}“ hinzufügen."
    ),
    (
        "*",
        "The filled strip would end at frame {last}: Blender's last frame is {largest}; move the strip to the front, or split it.",
    ): "Der aufgefüllte Streifen würde bei Bild {last} enden: Blenders letztes Bild ist {largest}; den Streifen nach vorn schieben oder teilen.",
    ("*", "The first with features per frame."): "Das erste mit Merkmalen pro Bild.",
    ("*", "The format of the strip's first file"): "Das Format der ersten Datei des Streifens",
    ("*", "The generation before 4.25."): "Die Generation vor 4.25.",
    ("*", "The main panel."): "Das Hauptbedienfeld.",
    (
        "*",
        "The mask strip of modifier {modifier!r} was not carried over, since its time is the old "
        "strip's: choose one for strip {strip!r}.",
    ): (
        "Der Maskenstreifen des Modifikators „{modifier}“ wurde nicht übernommen, da er zur Zeit "
        "des alten Streifens gehört: einen für den Streifen „{strip}“ wählen."
    ),
    ("*", "The most careful of its family; any moment, from GoPro's motion."): (
        "Das sorgfältigste seiner Familie; beliebige Zeitpunkte, an GoPro-Bewegungen trainiert."
    ),
    ("*", "The most careful of its family; trained at the middle of two frames."): (
        "Das sorgfältigste seiner Familie; auf die Mitte zwischen zwei Bildern trainiert."
    ),
    (
        "*",
        "The new scene has the interpolated strip and its sound alone; left out: {strips}.",
    ): (
        "Die neue Szene enthält nur den interpolierten Streifen und seinen Ton; weggelassen: "
        "{strips}."
    ),
    ("*", "The only pairs to interpolate, written like those to skip"): (
        "Nur diese Paare interpolieren; geschrieben wie die auszulassenden"
    ),
    ("*", "The output folder"): "Der Ausgabeordner",
    (
        "*",
        "The result would end at frame {last}: Blender's last frame is {largest}; choose a "
        "smaller multiplier or rate, or move the strip to the front.",
    ): (
        "Das Ergebnis würde bei Bild {last} enden, das letzte Bild in Blender ist {largest}: "
        "einen kleineren Multiplikator oder eine kleinere Bildrate wählen oder den Streifen nach "
        "vorn verschieben."
    ),
    ("*", "The smallest of its family; any moment, from GoPro's motion."): (
        "Das kleinste seiner Familie; beliebige Zeitpunkte, an GoPro-Bewegungen trainiert."
    ),
    ("*", "The smallest of its family; trained at the middle of two frames."): (
        "Das kleinste seiner Familie; auf die Mitte zwischen zwei Bildern trainiert."
    ),
    ("*", "The union without its RIFE; blends worse where the motion is hard to find."): (
        "Wie „union“, aber ohne RIFE; überblendet schlechter, wo Bewegung schwer zu finden ist."
    ),
    ("*", "There is no scene {name!r}: choose among {scenes}."): (
        "Es gibt keine Szene „{name}“: zur Auswahl stehen {scenes}."
    ),
    ("*", "There is none yet: press Set Up Engine below"): (
        "Es gibt noch keine: unten „Engine einrichten“ drücken"
    ),
    ("*", "Threshold"): "Schwelle",
    ("*", "Timing"): "Zeitverhalten",
    (
        "*",
        "torch finds no AMD GPU that ROCm supports: the engine will run on the CPU. Check that "
        "the amdgpu driver is loaded and that you may use /dev/kfd, then test the engine again",
    ): (
        "torch findet keine AMD-GPU, die ROCm unterstützt: die Engine wird auf der CPU laufen. "
        "Prüfen, ob der amdgpu-Treiber geladen ist und der Zugriff auf /dev/kfd erlaubt ist, "
        "dann die Engine erneut testen"
    ),
    ("*", "torch finds no Metal device: the engine will run on the CPU"): (
        "torch findet kein Metal-Gerät: die Engine wird auf der CPU laufen"
    ),
    (
        "*",
        "torch finds no NVIDIA GPU, or its driver is too old: the engine will run on the CPU. "
        "Update the driver, then test the engine again",
    ): (
        "torch findet keine NVIDIA-GPU, oder ihr Treiber ist zu alt: die Engine wird auf der CPU "
        "laufen. Den Treiber aktualisieren, dann die Engine erneut testen"
    ),
    ("*", "Twice the Frame Rate"): "Doppelte Bildrate",
    ("*", "Unpacking {package}"): "{package} wird entpackt",
    ("*", "Up"): "Nach oben",
    ("*", "Wait until the jobs and the set-up have ended"): (
        "Warten, bis die Aufträge und das Einrichten beendet sind"
    ),
    ("*", "Wait until the jobs have ended"): "Warten, bis die Aufträge beendet sind",
    ("*", "What becomes of time and frame rate"): "Was aus Tempo und Bildrate wird",
    (
        "*",
        "What happens between shots and in held drawings.",
    ): "Was zwischen Einstellungen und in gehaltenen Zeichnungen geschieht.",
    ("*", "What keeps memory in bounds."): "Was den Speicherbedarf begrenzt.",
    (
        "*",
        "What stands between two shots. Cuts are found in the frames",
    ): "Was zwischen zwei Einstellungen steht. Schnitte werden in den Bildern gefunden",
    ("*", "What the engine is set up for"): "Wofür die Engine eingerichtet wird",
    ("*", "What the engine is set up for. Left out, the preferences decide"): (
        "Wofür die Engine eingerichtet wird. Ohne Angabe entscheiden die Einstellungen"
    ),
    ("*", "What trades speed for quality."): "Qualität gegen Tempo abwägen.",
    ("*", "Where files go."): "Wohin die Dateien kommen.",
    ("*", "Where frames are written. Empty makes a folder beside the source's files"): (
        "Wohin die Bilder geschrieben werden. Leer: ein neuer Ordner neben den Quelldateien"
    ),
    ("*", "Where models are kept. Empty takes $BLENDER_VFI_CHECKPOINTS, or your cache"): (
        "Wo Modelle liegen. Leer: $BLENDER_VFI_CHECKPOINTS oder der eigene Cache-Ordner"
    ),
    ("*", "Where the model runs."): "Wo das Modell läuft.",
    (
        "*",
        'Where the model runs: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu". Several GPUs share a job: "cuda:0,cuda:1", or "all-gpus"',
    ): (
        'Wo das Modell läuft: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu". Mehrere GPUs teilen sich einen Auftrag: "cuda:0,cuda:1" oder "all-gpus"'
    ),
    ("*", "Where to move it"): "Wohin er verschoben wird",
    ("*", "Which frames are left alone."): "Welche Bilder bleiben, wie sie sind.",
    ("*", "Which Python runs the engine, beside Blender"): (
        "Welches Python die Engine neben Blender ausführt"
    ),
    ("*", "Wide and slow, of the generation before 4.21."): (
        "Breit und langsam, aus der Generation vor 4.21."
    ),
    ("*", "Your cache"): "Eigener Cache-Ordner",
    ("*", "{added} cuts added from {markers} markers"): (
        "{added} Schnitte aus {markers} Markierungen hinzugefügt"
    ),
    ("*", "{count} cuts, at frames {frames}"): "{count} Schnitte, bei den Bildern {frames}",
    (
        "*",
        "{count} frame(s): at least 2 are needed to fill what is missing between them; choose a longer sequence.",
    ): "{count} Bild(er): mindestens 2 sind nötig, um aufzufüllen, was dazwischen fehlt; eine längere Sequenz wählen.",
    ("*", "{count} more waiting"): "{count} weitere warten",
    ("*", "{model} was not downloaded: its license, {license}, has to be accepted first"): (
        "{model} wurde nicht heruntergeladen: zuerst muss die Lizenz {license} akzeptiert werden"
    ),
    ("*", "{model} was removed: {size:.1f} MB given back"): (
        "{model} wurde entfernt: {size:.1f} MB frei geworden"
    ),
    (
        "*",
        "{name} has no number at the end of its name: missing frames are told by numbers, as in frame_0001.png; rename the frames.",
    ): "{name} hat keine Nummer am Ende des Namens: fehlende Bilder werden an Nummern erkannt, wie in frame_0001.png; die Bilder umbenennen.",
    ("*", "{rate:.1f} frames/s"): "{rate:.1f} Bilder/s",
    (
        "*",
        "{rate} frames a second, {times:g} times scene {scene!r}'s {fps}: Blender's limit is "
        "{largest}; choose a smaller multiplier or rate, or the timing {slow}.",
    ): (
        "{rate} Bilder pro Sekunde, das {times:g}-Fache der {fps} der Szene „{scene}“, "
        "übersteigen die Grenze von Blender, {largest}: einen kleineren Multiplikator, eine "
        "kleinere Bildrate oder das Zeitverhalten {slow} wählen."
    ),
    ("*", "{seconds:.1f} s per frame"): "{seconds:.1f} s pro Bild",
    ("*", "{size} in all, in {folder}"): "{size} insgesamt, in {folder}",
    ("*", "{strip!r} is in scene {scene!r}"): "„{strip}“ ist in der Szene „{scene}“",
    ("*", "choose Strip > Fill Missing Frames"): "Streifen > Fehlende Bilder auffüllen wählen",
    ("*", "choose the timing New Scene"): "das Zeitverhalten „Neue Szene“ wählen",
    ("*", "{text}. Frames in {folder}"): "{text}. Bilder in {folder}",
    ("*", "{text}. {total} frames ({made} new, {seconds:.0f} s) in {folder}"): (
        "{text}. {total} Bilder ({made} neu, {seconds:.0f} s) in {folder}"
    ),
    ("*", "{time} left"): "noch {time}",
    ("*", "{title} is being interpolated: wait, or cancel that job first."): (
        "{title} wird gerade interpoliert: warten oder jenen Auftrag zuerst abbrechen."
    ),
    ("*", "{title}: on this machine now"): "{title}: jetzt auf diesem Rechner",
    ("*", "{title}: {text}"): "{title}: {text}",
    ("*", "{torch} on {devices}"): "{torch} auf {devices}",
    ("*", "{total} frames on {device}"): "{total} Bilder auf {device}",
    ("*", "{total} frames, {made} new, {time}"): "{total} Bilder, {made} neu, {time}",
    (
        "*",
        "{what} is {path!r}, relative to a .blend that was never saved: save it first, or give "
        "an absolute path.",
    ): (
        "{what} ist „{path}“, relativ zu einer noch nie gespeicherten .blend-Datei: diese zuerst "
        "speichern oder einen absoluten Pfad angeben."
    ),
    (
        "*",
        "A heavy relative of RIFE that rebuilds each picture a second time; needs a checkpoint file or folder from its author.",
    ): "Ein schwerer Verwandter von RIFE, der jedes Bild ein zweites Mal aufbaut; braucht eine Checkpoint-Datei oder einen Ordner von seinem Autor.",
    (
        "*",
        "Careful and heavy; any moment; needs the authors' ours_t.pkl.",
    ): "Sorgfältig und schwer; jeder Zeitpunkt; braucht die Datei ours_t.pkl der Autoren.",
    (
        "*",
        "Careful and heavy; trained at the middle of two frames; needs the authors' ours.pkl.",
    ): "Sorgfältig und schwer; auf die Mitte zweier Bilder trainiert; braucht die Datei ours.pkl der Autoren.",
    (
        "*",
        "Do not begin a job whose frames will not fit on the disk, and stop one before the disk is full",
    ): (
        "Keinen Auftrag beginnen, dessen Bilder nicht auf den Datenträger passen, und einen anhalten, bevor dieser voll ist"
    ),
    ("*", "Half Precision When Full"): "Halbe Genauigkeit bei vollem Speicher",
    (
        "*",
        "Where the device's memory runs out although frames are made in small tiles, go on in half precision. Frames differ by less than one step of 255 on average",
    ): (
        "Wo der Speicher des Geräts nicht reicht, obwohl Bilder in kleinen Kacheln entstehen, mit halber Genauigkeit weitermachen. Bilder unterscheiden sich im Mittel um weniger als eine von 255 Stufen"
    ),
    (
        "*",
        "Where the device's memory runs out and nothing else helps, go on on the CPU, which is slower",
    ): (
        "Wo der Speicher des Geräts nicht reicht und nichts anderes hilft, auf der CPU weitermachen, die langsamer ist"
    ),
    ("*", "Keep Free (GB)"): "Frei halten (GB)",
    (
        "*",
        "Lighter, and nearly as careful; any moment; needs the authors' ours_small_t.pkl.",
    ): "Leichter und fast so sorgfältig; jeder Zeitpunkt; braucht die Datei ours_small_t.pkl der Autoren.",
    (
        "*",
        "Lighter, and nearly as careful; trained at the middle of two frames; needs the authors' ours_small.pkl.",
    ): "Leichter und fast so sorgfältig; auf die Mitte zweier Bilder trainiert; braucht die Datei ours_small.pkl der Autoren.",
    (
        "*",
        "Make frames in overlapping tiles of so many pixels, at least 128, to save memory. 0 makes whole frames, and tiles only where memory runs out",
    ): "Bilder in überlappenden Kacheln von so vielen Pixeln berechnen, mindestens 128, um Speicher zu sparen. 0 berechnet ganze Bilder und Kacheln nur, wo der Speicher ausgeht",
    (
        "*",
        "Makes the middle of two frames without flow, by attention over channels; needs a checkpoint file from its authors.",
    ): "Berechnet die Mitte zweier Bilder ohne Bewegungsfeld, mit Aufmerksamkeit über Kanäle; braucht eine Checkpoint-Datei der Autoren.",
    (
        "*",
        "Makes up by diffusion what no motion leads to, from a seed; very slow, and best for single frames.",
    ): "Erfindet durch Diffusion, wohin keine Bewegung führt, von einem Startwert aus; sehr langsam, am besten für einzelne Bilder.",
    (
        "*",
        "Memory of the device to keep free when models stay loaded: the one not used for the longest time leaves first",
    ): "Speicher des Geräts, der frei bleiben soll, während Modelle geladen bleiben: das am längsten unbenutzte wird zuerst entladen",
    ("*", "Compile"): "Kompilieren",
    (
        "*",
        "Compile the model for the size of the frames, meant for NVIDIA GPUs: minutes before the first new frame, which long jobs may win back. Needs a C++ compiler",
    ): "Das Modell für die Größe der Bilder kompilieren, gedacht für NVIDIA-GPUs: Minuten vor dem ersten neuen Bild, die lange Aufträge wieder hereinholen können. Braucht einen C++-Compiler",
    ("*", "Seed"): "Startwert",
    ("*", "Tile Size"): "Kachelgröße",
    (
        "*",
        "What models that draw noise start from: the same seed, the same frames",
    ): "Wovon Modelle ausgehen, die Rauschen ziehen: gleicher Startwert, gleiche Bilder",
    ("*", "The folder of strip {strip!r}"): "Der Ordner des Streifens „{strip}“",
}
