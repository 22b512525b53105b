"""The main job: a click on the panel's button, editing meanwhile, one undo step at the end."""

from pathlib import Path

import bpy
from harness import addon, editor, window
from harness.stage import Stage, Steps

_STATUS_BAR = (0, 1050, 1920, 30)


def steps(stage: Stage) -> Steps:
    shot = stage.folder / "shot"
    name = editor.add_shot(shot)
    sources = editor.prints(shot)
    settings = editor.scene().blender_vfi
    settings.multiplier, settings.timing = addon.LONG, "SLOW_MOTION"
    yield from addon.start_job(stage, frames=1)
    job = addon.last_job()
    stage.picture("running")

    done, status = job.frames_done, stage.pixels(_STATUS_BAR)
    yield from _scrub(stage)
    yield from _add_color_strip(stage)
    yield from stage.until(lambda: job.frames_done > done + 3, "more frames are done", limit_s=60)
    yield 0.3
    stage.check(stage.pixels(_STATUS_BAR) != status, "the status bar shows no progress")
    stage.check(job.state.name == "RUNNING", "the job ended before there was something to see")
    before = editor.places()
    yield from addon.finish_job(stage)
    yield 0.5
    stage.picture("finished")

    after = editor.places()
    placed = after - before
    stage.check(before < after and len(placed) == 1, f"placed is not one strip: {placed}")
    _check_strip(stage, next(iter(placed))[1], name, Path(job.output_dir))
    stage.check(editor.prints(shot) == sources, "the source files are not what they were")
    spot = window.middle(window.region())
    yield from window.press("Z", spot, ctrl=True)
    yield 0.5
    stage.check(editor.places() == before, f"one undo leaves {editor.places() ^ before}")
    stage.picture("undone")
    yield from window.press("Z", spot, ctrl=True, shift=True)
    yield 0.5
    stage.check(editor.places() == after, f"redo leaves {editor.places() ^ after}")
    stage.check(editor.prints(shot) == sources, "the source files are not what they were")


def _scrub(stage: Stage) -> Steps:
    """Drag the mouse along the ruler of the timeline."""
    ruler = window.region()
    y = ruler.y + ruler.height - 12
    seen = set()
    spots = [(ruler.x + int(ruler.width * part), y) for part in (0.3, 0.4, 0.5, 0.6)]
    yield from window.move(spots[0])
    yield from window.send("LEFTMOUSE", "PRESS", spots[0])
    for spot in spots:
        yield from window.move(spot)
        seen.add(editor.scene().frame_current)
    yield from window.send("LEFTMOUSE", "RELEASE", spots[-1])
    stage.check(len(seen) >= 3, f"scrubbing showed frames {seen} only")


def _add_color_strip(stage: Stage) -> Steps:
    """Add a strip of one color, as an undo step."""
    before = len(editor.strips())
    length = {"length": 10} if bpy.app.version >= (5, 0, 0) else {"frame_end": 11}
    add = bpy.ops.sequencer.effect_strip_add
    with window.in_sequencer():
        add(
            *("EXEC_DEFAULT", True),
            **(editor.stay_put(add) | length | {"type": "COLOR", "channel": 3, "frame_start": 1}),
        )
    yield 0.3
    stage.check(len(editor.strips()) == before + 1, "a strip could not be added meanwhile")


def _check_strip(stage: Stage, placed: str, source: str, folder: Path) -> None:
    strip = editor.strip_called(placed)
    source_count = len(editor.strip_called(source).elements)
    expected = (source_count - 1) * addon.LONG + 1
    frames = addon.check_files(stage, folder)
    named = [element.filename for element in strip.elements]
    stage.check(named == [frame.name for frame in frames], "the strip shows other files")
    begin, end = editor.span(strip)
    stage.check(
        len(frames) == end - begin and len(frames) in (expected, source_count * addon.LONG),
        f"{len(frames)} files, {end - begin:g} frames in the strip, and not {expected}",
    )
    stage.note(f"{len(frames)} frames from {source_count}")
