"""What a job with a guided model needs beside frames: their distances, and figures of confidence.

Never import bpy here.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses
import torch
from torch import Tensor

from ..errors import OutputError
from ..models.catalog_types import ModelSpec
from ..models.loading import LoadedModel
from ..models.still import Still
from .confidence import (
    FrameConfidence,
    confidence_of,
    figures_by_name,
    most_doubtful,
    store_figures,
)
from .folders import frame_number, split_number
from .guided import Guidance
from .image_output import write_file
from .job_spec import JobSpec

MASKS_NAME = "vfi_doubt"
"""Folder of masks in the folder of a job."""

_WHITE = 0.25
_MOST_LISTED = 5
_DOUBTFUL = 0.5
_SAVED_EVERY_S = 2.0
_SHARE_OF_TIME = 0.02
"""Of a job's time, for writing figures: the file grows with each frame."""


class GuidedJob:
    """Tells a guided model what it must know of a job, and keeps what it says of its frames.

    Args:
        job: the job.
        folder: where its frames go.
        notify: told in words what the user should know although the job goes on.
    """

    def __init__(
        self, job: JobSpec, folder: Path, notify: Callable[[str], None] = lambda _message: None
    ) -> None:
        self._job = job
        self._folder = folder
        self._notify = notify
        self._has_told_blur = False
        self._new: list[FrameConfidence] = []
        self._names: set[str] = set()
        self._bad: Collection[str] = ()
        self._figures: dict[str, FrameConfidence] | None = None
        self._next_save_s = 0.0
        self._noting = threading.Lock()

    @contextlib.contextmanager
    def kept(self, bad_frames: Collection[str]) -> Iterator[None]:
        """Keep figures while frames are made, and all of them at the end, however that comes.

        Args:
            bad_frames: names of frames that stand in for others, as they are found: these get no
                figure, and lose one of before.

        Raises:
            OutputError: figures cannot be written; where frames fail, that is told instead.
        """
        self._bad = bad_frames
        try:
            yield
        except BaseException:
            with contextlib.suppress(OutputError):
                self._save_now()
            raise
        self._save_now()

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """For each pair, how many frames of their scene its frames are apart."""
        return scene_steps([Path(source) for source in self._job.sources], self._job)

    @property
    def guidance(self) -> Guidance:
        """What the model is told."""
        return Guidance(
            steps=self.steps,
            is_set=self._job.vector_step > 0,
            on_error=self._note,
            on_blur=self._tell_blur,
        )

    def _tell_blur(self, outputs: Sequence[int]) -> None:
        """Say once that there is nothing to be guided by, from which frame on."""
        with self._noting:
            if self._has_told_blur:
                return
            self._has_told_blur = True
        mixes = self._job.guided_fill == "mix"
        instead = "both frames are mixed" if mixes else "RIFE makes these frames alone"
        self._notify(
            f"{self._job.frame_name(outputs[0])}: all vectors of the frames around it are zero "
            f"though the picture changes: was Motion Blur on? Here, and wherever it is so, "
            f"{instead}. Render without motion blur, and add it afterwards with Vector Blur."
        )

    def _note(self, output_index: int, expected_error: float, pixels: Tensor | None) -> None:
        name = self._job.frame_name(output_index)
        if self._job.doubt_masks and pixels is not None:
            write_mask(self._folder / MASKS_NAME / f"{Path(name).stem}.png", pixels)
        error = min(max(expected_error, 0.0), 1.0)
        figure = FrameConfidence(
            number=frame_number(Path(name), output_index + 1),
            name=name,
            confidence=confidence_of(error),
            expected_error=error,
        )
        with self._noting:
            self._names.add(name)
            self._new.append(figure)

    def save(self) -> None:
        """Write the figures of frames that are on disk by now, every few seconds.

        Raises:
            OutputError: they cannot be written.
        """
        began_s = time.monotonic()
        if self._new and began_s >= self._next_save_s:
            self._save_now()
            now_s = time.monotonic()
            self._next_save_s = now_s + max(_SAVED_EVERY_S, (now_s - began_s) / _SHARE_OF_TIME)

    def _save_now(self) -> None:
        with self._noting:  # of several devices, each notes its frames
            self._save_all()

    def _save_all(self) -> None:
        bad = frozenset(self._bad)
        new = [each for each in self._new if each.name not in bad]
        written = [each for each in new if (self._folder / each.name).exists()]
        if not written and not bad:
            return
        if self._figures is None:
            self._figures = {
                name: each
                for name, each in figures_by_name(self._folder).items()
                if (self._folder / name).exists()
            }
        dropped = [self._figures.pop(name, None) for name in bad]
        self._figures.update((each.name, each) for each in written)
        if written or any(dropped):
            store_figures(self._folder, self._figures)
        names = {each.name for each in written}
        self._new = [each for each in new if each.name not in names]

    def summary(self) -> str | None:
        """Name the frames that are most likely to look wrong; None where none is in doubt."""
        figures = self._figures or {}
        made = [figures[name] for name in sorted(self._names & figures.keys())]
        doubtful = [each for each in made if each.confidence < _DOUBTFUL]
        if not doubtful:
            return None
        listed = ", ".join(
            f"{each.name} ({each.confidence:.2f})" for each in most_doubtful(doubtful, _MOST_LISTED)
        )
        return (
            f"{len(doubtful)} of {len(made)} new frames are in doubt, the worst with their "
            f"confidence from 0 to 1: {listed}. Look at them, or render them."
        )


def scene_steps(sources: Sequence[Path], job: JobSpec) -> tuple[int, ...]:
    """Tell for each pair how many frames of their scene its frames are apart.

    By the numbers in their names, where they rise, since Blender names frames by their numbers;
    the pair of the last frame and the first is as far apart as the last two.

    Args:
        sources: in order.
        job: may set the distance.
    """
    if job.vector_step:
        return (job.vector_step,) * len(sources)
    numbers = [split_number(source)[1] for source in sources]
    steps = [
        later - earlier if earlier is not None and later is not None and later > earlier else 1
        for earlier, later in itertools.pairwise(numbers)
    ]
    return (*steps, steps[-1] if steps else 1)


def write_mask(path: Path, pixels: Tensor) -> None:
    """Write the expected errors of a frame's pixels as a grey picture.

    Args:
        path: of a PNG; its folder is made.
        pixels: (1, 1, H, W) squared errors; white is an error of a quarter or more.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path.parent} cannot be made ({error.strerror}): check free space and permissions "
            "of the output folder, or switch off the masks of doubt."
        ) from error
    codes = (pixels.sqrt() / _WHITE).clamp(0, 1).mul(255).round().to(torch.uint8)
    height, width = codes.shape[-2:]
    native = codes.cpu().numpy().reshape(height, width, 1)
    write_file(path, [oiio.ImageSpec(width, height, 1, "uint8")], [native], "png")


def mixing_model(spec: ModelSpec, device: torch.device, dtype: torch.dtype) -> LoadedModel:
    """Return what makes the rest of guided frames where no network is wanted."""
    return LoadedModel(
        model=Still().eval(),
        spec=spec,
        checkpoint=Path(),
        sha256="",
        device=device,
        dtype=dtype,
        memory_bytes=0,
    )
