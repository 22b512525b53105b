"""The new frames that a render would improve most: which they are, and rendering them after all.

What is rendered takes the place of the made frame once it is whole, and is noted beside the job, so
that no later job makes it again. One frame at a time, so that a window can stay alive in between.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import bpy

from . import vse
from .borrowed_settings import BorrowedSettings
from .engine import durable
from .engine.confidence import (
    CONFIDENCE_NAME,
    FrameConfidence,
    most_doubtful,
    read_confidence,
    write_confidence,
)
from .engine.exr_header import read_exr_header
from .engine.folder_lock import FolderLock
from .engine.folders import plain_path
from .engine.gaps import renumbered_source
from .engine.job_spec import JobSpec
from .engine.rendered_frames import note_rendered, read_job, rendered_names
from .engine.schedule import Between
from .errors import OutputError, RequestError, VfiError
from .job_queue import jobs
from .messages import message, words_of
from .models.catalog_guided import GUIDED
from .remedies import how_to_set_up_render, remedy
from .render_properties import half_render

_MOST_LISTED = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much may be rendered.

    Attributes:
        frames: at most so many, the worst first; 0 for all.
        seconds: no further frame begins after so many; 0 for no limit.
    """

    frames: int
    seconds: float = 0.0


def list_doubtful(scene: bpy.types.Scene, folder: Path, shift: int | None = None) -> None:
    """Let a scene's list show what is known of the frames in a job's folder, the worst first.

    Args:
        scene: whose list.
        folder: the job's output folder.
        shift: from the number of a frame's file to the frame of the timeline that shows it; None
            for that of the list, or 0 where it tells of another folder.

    Raises:
        FrameError: the figures cannot be read.
    """
    rendered = rendered_names(folder)
    half = half_render(scene)
    if shift is None:
        is_same = bool(half.folder) and plain_path(Path(bpy.path.abspath(half.folder))) == folder
        shift = half.shift if is_same else 0
    half.folder, half.shift = str(folder), shift
    half.doubtful.clear()
    half.doubtful_index = -1  # nothing is chosen, and no frame gone to
    for each in most_doubtful(read_confidence(folder), _MOST_LISTED):
        item = half.doubtful.add()
        item.frame, item.file_name = each.number + shift, each.name
        item.confidence, item.expected_error = each.confidence, each.expected_error
        item.is_rendered = each.name in rendered


def note_doubtful(scene: bpy.types.Scene, folder: Path, shift: int = 0) -> list[str]:
    """List the doubtful frames of a job that has just ended, where its model tells of any.

    Returns:
        What went wrong, in words: the frames are there all the same.
    """
    if not (folder / CONFIDENCE_NAME).is_file():
        return []
    try:
        list_doubtful(scene, folder, shift)
    except VfiError as error:
        return [words_of(error)]
    return []


class DoubtfulRender:
    """Renders the most doubtful frames of a job's folder, one after another.

    `begin` sets the scene up for one, the caller renders and calls `finish`; `leave` puts the
    scene's settings back, whatever has happened. From the first frame on until then, no engine
    gets the folder.

    Attributes:
        frames: what is going to be rendered, in order.
        done: how many are.

    Args:
        scene: what the frames are rendered of.
        folder: the job's output folder.
        budget: how many, and how long.

    Raises:
        RequestError: the folder has no record of a job, no figures or no frame in doubt, or a job
            writes into it, or its files' numbers are not frames of the scene, or the scene writes
            another format.
        FrameError: the figures cannot be read.
    """

    def __init__(self, scene: bpy.types.Scene, folder: Path, budget: Budget) -> None:
        self._scene_name = scene.name  # undo makes a reference to it invalid
        self._folder = folder
        self._lock = FolderLock(folder)
        self._budget = budget
        self._job = read_job(folder)
        self._check_numbers()
        self._sources = _sources_around(self._job)
        self.frames = self._choose()
        self.done = 0
        self._began_s = time.monotonic()
        self._borrowed = BorrowedSettings(scene.name)
        self._frame_before: int | None = None
        self._check_format(scene)

    @property
    def current(self) -> FrameConfidence | None:
        """What is to be rendered next; None where all is done, or the time is up."""
        elapsed_s = time.monotonic() - self._began_s
        is_late = 0 < self._budget.seconds <= elapsed_s
        return None if self.done == len(self.frames) or is_late else self.frames[self.done]

    @property
    def partial(self) -> Path:
        """Where the next frame is rendered to, before it gets its name."""
        name = Path(self.frames[self.done].name)
        # another name than an engine's, which clears away what an engine has left
        return self._folder / f".{name.stem}.render{name.suffix}"

    @property
    def scene(self) -> bpy.types.Scene:
        """What the frames are rendered of.

        Raises:
            StripError: it is gone.
        """
        return vse.find_scene(self._scene_name)

    @property
    def folder(self) -> Path:
        """The job's output folder."""
        return self._folder

    def begin(self) -> None:
        """Let the scene render the current frame, as its settings say, to a temporary file."""
        scene = self.scene
        self._lock.acquire("frames in doubt, rendered after all")
        if self._frame_before is None:
            self._frame_before = scene.frame_current
        scene.frame_set(self.frames[self.done].number)
        # the strip of the frames themselves may be there
        self._borrowed.borrow(filepath=str(self.partial), use_sequencer=False)

    def finish(self) -> None:
        """Put what was rendered in the place of the made frame, and note it.

        Raises:
            OutputError: nothing was rendered, or it cannot be put there.
            RequestError: the render has other passes or another size than the source frames.
            FrameError: it cannot be read.
        """
        each = self.frames[self.done]
        partial = self.partial
        if not partial.is_file():
            raise OutputError(
                "Frame {frame} was not rendered to {path}: see Blender's own report, and check "
                "free space and permissions of the folder.",
                frame=each.number,
                path=partial,
            )
        try:
            self._check_alike(partial, each)
            durable.publish(partial, self._folder / each.name)
        except OSError as error:
            raise OutputError(
                "{path} cannot be written ({reason}): check free space and permissions of the "
                "folder.",
                path=self._folder / each.name,
                reason=error.strerror,
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        note_rendered(self._folder, each.name, self._sources[each.name])
        known = FrameConfidence(
            number=each.number, name=each.name, confidence=1.0, expected_error=0.0
        )
        write_confidence(self._folder, [known])
        self.done += 1

    def leave(self) -> None:
        """Put the scene's settings back as they were before the first frame."""
        self.restore()
        frame, self._frame_before = self._frame_before, None
        scene = bpy.data.scenes.get(self._scene_name)
        if frame is not None and scene is not None:
            scene.frame_set(frame)
        if frame is not None and self.done < len(self.frames):
            with contextlib.suppress(OSError):  # the folder may be gone
                self.partial.unlink(missing_ok=True)
        self._lock.release()

    def restore(self) -> None:
        """Put the settings of the render back: once it has begun, Blender goes by its own copy.

        So that nothing depends on what undo makes of them.
        """
        self._borrowed.give_back()

    @property
    def has_begun(self) -> bool:
        """Whether the current frame's render has begun."""
        return self._borrowed.has_begun

    def _choose(self) -> tuple[FrameConfidence, ...]:
        for job in jobs:
            if not job.state.has_ended and job.output_dir == str(self._folder):
                raise RequestError(
                    "{title} is still writing into {folder}, or waits to: wait for it, or cancel "
                    "it.",
                    title=job.title,
                    folder=self._folder,
                )
        rendered = rendered_names(self._folder)
        figures = read_confidence(self._folder)
        if not figures:
            raise RequestError(
                "The frames in {folder} have no figures of confidence: these come where {model} "
                "makes frames of the render's vectors, and Motion Blur, or a render without the "
                "passes Vector and Depth, leaves none. Switch Motion Blur off, {set_up}, render "
                "and fill again.",
                folder=self._folder,
                model=GUIDED.title,
                set_up=how_to_set_up_render(),
            )
        known = [
            each for each in figures if each.name in self._sources and each.name not in rendered
        ]
        if not known:
            raise RequestError(
                "{folder} has no frames in doubt: figures come with frames that the model guided "
                "makes, and all that have some may be rendered already.",
                folder=self._folder,
            )
        return most_doubtful(known, self._budget.frames or len(known))

    def _check_numbers(self) -> None:
        """Refuse a slowed sequence: its numbers are not those of the frames that it shows."""
        found = renumbered_source(self._job)
        if found is not None:
            source, name = found
            raise RequestError(
                "The frames in {folder} are not numbered as the scene's: {source} became {name}, "
                "so that a render of a frame would show another moment. Give a folder that "
                "{fill} has filled.",
                fill=remedy(
                    panel=message("Fill Rendered Frames or Fill Missing Frames"),
                    terminal="fill-rendered or fill",
                ),
                folder=self._folder,
                source=source,
                name=name,
            )

    def _check_format(self, scene: bpy.types.Scene) -> None:
        path = scene.render.frame_path(frame=self.frames[0].number)
        if Path(path).suffix.lower() != self._job.suffix:
            raise RequestError(
                "Scene {scene!r} writes {suffix} files, and the frames in {folder} end in "
                "{expected}: {set_up}, as for the other frames.",
                set_up=how_to_set_up_render(),
                scene=scene.name,
                suffix=Path(path).suffix,
                folder=self._folder,
                expected=self._job.suffix,
            )

    def _check_alike(self, partial: Path, each: FrameConfidence) -> None:
        """Refuse a render with other passes: it would be the one frame that nothing fits to."""
        if partial.suffix.lower() != ".exr":
            return
        header, beside = (
            read_exr_header(path) for path in (partial, Path(self._sources[each.name][0]))
        )
        if header.full_names != beside.full_names or header.size != beside.size:
            raise RequestError(
                "Frame {frame} was rendered with other passes or another size than the frames "
                "beside it, and is not kept: {set_up}, as for them.",
                set_up=how_to_set_up_render(),
                frame=each.number,
            )


def _sources_around(job: JobSpec) -> dict[str, tuple[str, str]]:
    """Return the source frames before and after each frame that a job makes, by its name."""
    return {
        job.frame_name(index): (job.sources[output.pair], job.sources[output.pair + 1])
        for index, output in enumerate(job.plan().outputs)
        if isinstance(output, Between) and output.pair + 1 < len(job.sources)
    }
