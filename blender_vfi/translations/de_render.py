"""German: what is said about rendering half of the frames, beside `de`."""

from __future__ import annotations

MESSAGES: dict[tuple[str, str], str] = {
    ("Operator", "Fill Rendered Frames"): "Gerenderte Bilder auffüllen",
    ("Operator", "List Doubtful Frames"): "Zweifelhafte Bilder auflisten",
    ("Operator", "Render Doubtful Frames"): "Zweifelhafte Bilder rendern",
    ("Operator", "Restore Settings"): "Einstellungen wiederherstellen",
    ("Operator", "Set Up Render"): "Render einrichten",
    ("*", "2nd"): "2.",
    ("*", "3rd"): "3.",
    ("*", "4th"): "4.",
    (
        "*",
        "A quarter of the frames is rendered: for slow motion",
    ): "Ein Viertel der Bilder wird gerendert: für langsame Bewegungen",
    ("*", "A render is running"): "Ein Render läuft",
    ("*", "A third of the frames is rendered"): "Ein Drittel der Bilder wird gerendert",
    (
        "*",
        "Add a strip of the whole sequence to the scene, or let the one there show it",
    ): "Einen Streifen der ganzen Sequenz in die Szene einfügen oder sie im vorhandenen zeigen",
    (
        "*",
        "Begin no further frame after so many minutes; 0 for no limit",
    ): "Nach so vielen Minuten kein weiteres Bild beginnen; 0 für keine Grenze",
    ("*", "Color Passes"): "Farb-Passes",
    ("*", "Confidence"): "Vertrauen",
    ("*", "Denoising Albedo"): "Albedo der Entrauschung",
    (
        "*",
        "Depth of Field is on ({cameras}): where it blurs, one pixel has several vectors, and one of them is told.",
    ): "Schärfentiefe ist an ({cameras}): Wo sie unscharf macht, hat ein Pixel mehrere Vektoren, und nur einer davon wird gespeichert.",
    (
        "*",
        "Difference from a render of the same frame that is expected, from 0 to 1",
    ): "Erwarteter Unterschied zu einem Render desselben Bildes, von 0 bis 1",
    (
        "*",
        "Diffuse, glossy and transmission color, added up",
    ): "Diffuse, glänzende und Transmissionsfarbe, zusammengezählt",
    ("*", "Doubtful Frame"): "Zweifelhaftes Bild",
    ("*", "Doubtful Frames"): "Zweifelhafte Bilder",
    ("*", "Expected Error"): "Erwarteter Fehler",
    (
        "*",
        "Folder of filled frames that the list below tells of",
    ): "Ordner der aufgefüllten Bilder, von denen die Liste darunter handelt",
    (
        "*",
        "Folder that a job has filled. Empty takes the one that was filled last",
    ): "Ordner, den ein Auftrag aufgefüllt hat. Leer heißt: der zuletzt aufgefüllte",
    ("*", "Frame"): "Bild",
    ("*", "Frame of the timeline that shows it"): "Bild der Zeitleiste, das es zeigt",
    (
        "*",
        "Frame step {step}: must be one of {steps}.",
    ): "Bildschrittweite {step}: muss eine von {steps} sein.",
    (
        "*",
        "Frame {frame} was not rendered to {path}: see Blender's own report, and check free space and permissions of the folder.",
    ): "Bild {frame} wurde nicht nach {path} gerendert: siehe Blenders eigene Meldung; freien Platz und Rechte des Ordners prüfen.",
    (
        "*",
        "Frame {frame} was rendered with other passes or another size than the frames beside it, and is not kept: {set_up}, as for them.",
    ): "Bild {frame} wurde mit anderen Passes oder in anderer Größe gerendert als die Bilder daneben und wird nicht behalten: {set_up}, wie für diese.",
    ("*", "Frames"): "Bilder",
    ("*", "Frames of scene {scene!r} are whole"): "Die Bilder der Szene {scene!r} sind vollständig",
    (
        "*",
        "Frames {first} to {last} lie between rendered ones; scene {scene!r} goes from {start} to {end}: render its first and its last frame to have all.",
    ): "Die Bilder {first} bis {last} liegen zwischen gerenderten; die Szene {scene!r} geht von {start} bis {end}: ihr erstes und letztes Bild rendern, um alle zu haben.",
    (
        "*",
        "From 0 to 1, where it is just like a render",
    ): "Von 0 bis 1, wo es genau wie ein Render ist",
    (
        "*",
        "Gone from scene {scene!r} since, and not put back: {settings}.",
    ): "Inzwischen aus der Szene {scene!r} verschwunden und nicht wiederhergestellt: {settings}.",
    ("*", "Half of the frames are rendered"): "Die Hälfte der Bilder wird gerendert",
    ("*", "Half the Render"): "Halb gerendert",
    (
        "*",
        "Holdouts ({names}): vectors there are of what holds out, and not of what is seen.",
    ): "Aussparungen ({names}): Vektoren gehören dort zu dem, was ausspart, und nicht zu dem, was zu sehen ist.",
    (
        "*",
        "How many doubtful frames to render at most, the worst first; 0 for all",
    ): "Wie viele zweifelhafte Bilder höchstens gerendert werden, die schlechtesten zuerst; 0 für alle",
    (
        "*",
        "How many frames to render at most, the worst first; 0 for all",
    ): "Wie viele Bilder höchstens gerendert werden, die schlechtesten zuerst; 0 für alle",
    ("*", "Its file in the folder"): "Seine Datei im Ordner",
    (
        "*",
        "Let this scene render every second, third or fourth frame to multilayer EXR with vectors and depth, which guide the frames between. Restore Settings puts everything back",
    ): "Diese Szene jedes zweite, dritte oder vierte Bild als Multilayer-EXR mit Vektoren und Tiefe rendern lassen, die die Bilder dazwischen leiten. Einstellungen wiederherstellen macht alles rückgängig",
    (
        "*",
        "List the new frames in a folder that are most worth a real render, the worst first",
    ): "Die neuen Bilder eines Ordners auflisten, die einen echten Render am meisten lohnen, die schlechtesten zuerst",
    (
        "*",
        "Make the frames between those that this scene has rendered, into a folder of their own: guided by vectors and depth where the frames have them",
    ): "Die Bilder zwischen denen machen, die diese Szene gerendert hat, in einen eigenen Ordner: von Vektoren und Tiefe geleitet, wo die Bilder sie haben",
    ("*", "Minutes"): "Minuten",
    (
        "*",
        "Missing of scene {scene!r}: {missing}",
    ): "Der Szene {scene!r} fehlen: {missing}",
    (
        "*",
        "Motion Blur is on: Cycles and EEVEE then write vectors of zero, which guide nothing. Switch it off, and blur afterwards with Vector Blur.",
    ): "Bewegungsunschärfe ist an: Cycles und EEVEE schreiben dann Vektoren von null, die nichts leiten. Ausschalten und hinterher mit Vektor-Unschärfe arbeiten.",
    (
        "*",
        "New frame, the most doubtful ones first; a click goes to it",
    ): "Neues Bild, die zweifelhaftesten zuerst; ein Klick springt dorthin",
    ("*", "None"): "Keine",
    (
        "*",
        "Passes of the colors of surfaces without light, beside vectors and depth: light and shadows can then move apart from them",
    ): "Passes der Farben von Oberflächen ohne Licht, neben Vektoren und Tiefe: Licht und Schatten können sich dann unabhängig von ihnen bewegen",
    (
        "*",
        "Put back every setting that Set Up Render has changed",
    ): "Jede Einstellung zurücksetzen, die Render einrichten geändert hat",
    ("*", "Render Every"): "Gerendert wird jedes",
    (
        "*",
        "Render engine {engine} gives no vectors, which frames between are made with: choose Cycles or EEVEE.",
    ): "Die Render-Engine {engine} liefert keine Vektoren, mit denen die Bilder dazwischen gemacht werden: Cycles oder EEVEE wählen.",
    (
        "*",
        "Render the new frames that need it most, and put them in the place of the made ones. Esc stops; what is rendered stays",
    ): "Die neuen Bilder rendern, die es am nötigsten haben, und an die Stelle der gemachten setzen. Esc hält an; was gerendert ist, bleibt",
    ("*", "Rendered"): "Gerendert",
    (
        "*",
        "Rendering frame {frame}, {done} of {total}. Esc stops",
    ): "Bild {frame} wird gerendert, {done} von {total}. Esc hält an",
    (
        "*",
        "Scene whose render is filled. Empty takes the current one",
    ): "Szene, deren Render aufgefüllt wird. Leer heißt: die aktuelle",
    (
        "*",
        "Output > Post Processing > Sequencer stays off in scene {scene!r}: the next render would take strip {strip!r}, which shows the filled frames, in place of the objects. Mute or remove that strip before you switch it on.",
    ): "Ausgabe > Nachbearbeitung > Sequenzer bleibt in der Szene {scene!r} aus: Der nächste Render nähme statt der Objekte den Streifen {strip!r}, der die aufgefüllten Bilder zeigt. Vor dem Einschalten diesen Streifen stummschalten oder entfernen.",
    (
        "*",
        "Scene {scene!r} has no filled frames yet: choose Fill Rendered Frames first, or give the folder of a job.",
    ): "Die Szene {scene!r} hat noch keine aufgefüllten Bilder: zuerst Gerenderte Bilder auffüllen wählen oder den Ordner eines Auftrags angeben.",
    (
        "*",
        "Scene {scene!r} has rendered nothing to {path}, but frames lie in {folder}, as Set Up Render had it: {set_up} with a step of {step} again, then fill.",
    ): "Die Szene {scene!r} hat nichts nach {path} gerendert, aber in {folder} liegen Bilder, wie es „Render einrichten“ vorgab: wieder {set_up}, mit einer Schrittweite von {step}, dann auffüllen.",
    (
        "*",
        "Scene {scene!r} has nothing to restore: {set_up} has not changed it.",
    ): "In der Szene {scene!r} gibt es nichts wiederherzustellen: {set_up} hat sie nicht verändert.",
    (
        "*",
        "Scene {scene!r} has rendered nothing yet: the first frame would be {path}. Render the animation first, or set the output path to where its frames are.",
    ): "Die Szene {scene!r} hat noch nichts gerendert: Das erste Bild wäre {path}. Zuerst die Animation rendern oder den Ausgabepfad dorthin setzen, wo ihre Bilder liegen.",
    (
        "*",
        "Scene {scene!r} renders frames {first} to {last} with a frame step of {step}, to {path}.",
    ): "Die Szene {scene!r} rendert die Bilder {first} bis {last} mit einer Schrittweite von {step} nach {path}.",
    (
        "*",
        "Scene {scene!r} renders its Sequencer now, and not its objects: switch off Output > Post Processing > Sequencer to render these.",
    ): "Die Szene {scene!r} rendert jetzt ihren Sequenzer und nicht ihre Objekte: Ausgabe > Nachbearbeitung > Sequenzer ausschalten, um diese zu rendern.",
    (
        "*",
        "Scene {scene!r} renders none of its view layers: switch on Use for Rendering.",
    ): "Die Szene {scene!r} rendert keine ihrer Ansichtsebenen: Für Rendern verwenden einschalten.",
    (
        "*",
        "Scene {scene!r} renders several views: frames are filled for one; switch off Stereoscopy, or render each eye by itself.",
    ): "Die Szene {scene!r} rendert mehrere Ansichten: Bilder werden für eine aufgefüllt; Stereoskopie ausschalten oder jedes Auge für sich rendern.",
    (
        "*",
        "Scene {scene!r} writes {suffix} files, and the frames in {folder} end in {expected}: {set_up}, as for the other frames.",
    ): "Die Szene {scene!r} schreibt {suffix}-Dateien, und die Bilder in {folder} enden auf {expected}: {set_up}, wie für die anderen Bilder.",
    ("*", "Set Up"): "Einrichten",
    (
        "*",
        "Fill Rendered Frames or Fill Missing Frames",
    ): "„Gerenderte Bilder auffüllen“ oder „Fehlende Bilder auffüllen“",
    ("*", "Set Up Render"): "„Render einrichten“",
    ("*", "choose Set Up Render"): "„Render einrichten“ wählen",
    (
        "*",
        "Set Up Render has not changed this scene",
    ): "Render einrichten hat diese Szene nicht verändert",
    ("*", "Show in Sequencer"): "Im Sequenzer zeigen",
    ("*", "Surface Color"): "Oberflächenfarbe",
    (
        "*",
        "The frames in {folder} have no figures of confidence: these come where {model} makes frames of the render's vectors, and Motion Blur, or a render without the passes Vector and Depth, leaves none. Switch Motion Blur off, {set_up}, render and fill again.",
    ): "Die Bilder in {folder} haben keine Angaben zur Verlässlichkeit: Diese gibt es, wo {model} Bilder aus den Vektoren des Renders macht, und Bewegungsunschärfe oder ein Render ohne die Ebenen Vektor und Tiefe lässt keine zu. Bewegungsunschärfe ausschalten, {set_up}, neu rendern und auffüllen.",
    (
        "*",
        "The camera changes at frame {frames}: the frames between two shots show the earlier one; render those beside the change if they matter.",
    ): "Die Kamera wechselt bei Bild {frames}: Die Bilder zwischen zwei Einstellungen zeigen die frühere; die neben dem Wechsel rendern, wenn es darauf ankommt.",
    (
        "*",
        "The compositor changes the picture ({nodes}), and vectors tell of what was rendered: composite the whole sequence afterwards.",
    ): "Der Compositor verändert das Bild ({nodes}), und Vektoren handeln von dem, was gerendert wurde: hinterher die ganze Sequenz im Compositor bearbeiten.",
    (
        "*",
        "The film is transparent: at soft edges, vectors and depth are of one side alone, and alpha follows them.",
    ): "Der Film ist transparent: An weichen Kanten gehören Vektoren und Tiefe nur zu einer Seite, und Alpha folgt ihnen.",
    ("*", "The folder of filled frames"): "Der Ordner der aufgefüllten Bilder",
    (
        "*",
        "The frames of strip {strip!r} have vectors and depth: the model {model} would follow them.",
    ): "Die Bilder des Streifens {strip!r} haben Vektoren und Tiefe: Das Modell {model} würde ihnen folgen.",
    ("*", "The output path of the scene"): "Der Ausgabepfad der Szene",
    (
        "*",
        "The scene ends at frame {end} now, and not at {before}: the last frame has to be a rendered one.",
    ): "Die Szene endet jetzt bei Bild {end} und nicht bei {before}: Das letzte Bild muss ein gerendertes sein.",
    (
        "*",
        "The steps where a render's output is set.",
    ): "Die Schritte dort, wo die Ausgabe eines Renders eingestellt wird.",
    ("*", "Vectors and depth alone"): "Nur Vektoren und Tiefe",
    (
        "*",
        "Volumes have no vectors ({volumes}): they follow what is behind them.",
    ): "Volumen haben keine Vektoren ({volumes}): Sie folgen dem, was hinter ihnen ist.",
    (
        "*",
        "What denoising knows of surfaces, through glass and in mirrors too; Cycles alone",
    ): "Was die Entrauschung von Oberflächen weiß, auch durch Glas und in Spiegeln; nur Cycles",
    ("*", "Whether it has been rendered after all"): "Ob es doch gerendert wurde",
    (
        "*",
        "Which frames are rendered; those between are made of them",
    ): "Welche Bilder gerendert werden; die dazwischen werden aus ihnen gemacht",
    (
        "*",
        "{done} of {total} doubtful frames rendered, {seconds:.0f} s",
    ): "{done} von {total} zweifelhaften Bildern gerendert, {seconds:.0f} s",
    (
        "*",
        "{file} has no vectors and depth that could guide the frames between: {model} makes them. Before the next render, {set_up}.",
    ): "{file} hat keine Vektoren und Tiefe, die die Bilder dazwischen leiten könnten: {model} macht sie. Vor dem nächsten Render {set_up}.",
    (
        "*",
        "The frames in {folder} are not numbered as the scene's: {source} became {name}, so that a render of a frame would show another moment. Give a folder that {fill} has filled.",
    ): "Die Bilder in {folder} sind nicht wie die der Szene nummeriert: Aus {source} wurde {name}, sodass ein gerendertes Bild einen anderen Moment zeigen würde. Einen Ordner angeben, den {fill} gefüllt hat.",
    (
        "*",
        "{folder} has no frames in doubt: figures come with frames that the model guided makes, and all that have some may be rendered already.",
    ): "{folder} enthält keine zweifelhaften Bilder: Angaben gibt es zu Bildern, die das Modell guided macht, und vielleicht sind alle davon schon gerendert.",
    (
        "*",
        "{folder} has no record of a job that this version can read ({name}): give the folder that a job has written.",
    ): "{folder} enthält keine Aufzeichnung eines Auftrags, die diese Version lesen kann ({name}): den Ordner angeben, den ein Auftrag geschrieben hat.",
    (
        "*",
        "{path} cannot be read as an OpenEXR file ({reason}): render it again.",
    ): "{path} kann nicht als OpenEXR-Datei gelesen werden ({reason}): neu rendern.",
    (
        "*",
        "{path} cannot be written ({reason}): check free space and permissions of the folder.",
    ): "{path} kann nicht geschrieben werden ({reason}): freien Platz und Rechte des Ordners prüfen.",
    (
        "*",
        "{title} is still writing into {folder}, or waits to: wait for it, or cancel it.",
    ): "{title} schreibt noch in {folder} oder wartet darauf: abwarten oder abbrechen.",
    (
        "*",
        "Output folder {folder} is being written to by {owner}. Wait for it or cancel it.",
    ): "In den Ausgabeordner {folder} schreibt gerade: {owner}. Abwarten oder abbrechen.",
}
