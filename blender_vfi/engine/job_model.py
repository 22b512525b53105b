"""The model of one job: loaded where there is room for it, and moved where that has run out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ..errors import DeviceMemoryError
from ..models.cache import ModelCache
from ..models.catalog_types import ModelSpec
from ..models.loading import LoadedModel
from . import footprint, memory
from .guided_job import mixing_model
from .image_formats import FrameFormat
from .protocol import JobSpec
from .retreat import retreats_from

ReportStage = Callable[[str, int, int], None]
"""Called with words, bytes done and the total, 0 where there is none."""

TakeDevice = Callable[[torch.device, torch.dtype], tuple[torch.device, torch.dtype]]


class JobModel:
    """Loads a job's model.

    Attributes:
        device: where the model runs now.

    Args:
        models: keeps loaded models between jobs.
        job: whose model.
        spec: the model's catalog entry.
        device: where it shall run.
        dtype: in which number format.
        report: told what is loaded; what it raises ends the job.
        notify: told in words what the user should know, in some words again at each load.
        take_device: called before a device is used, to wait for others; says where to run, and in
            which number format. What it raises ends the job.
    """

    def __init__(
        self,
        models: ModelCache,
        job: JobSpec,
        spec: ModelSpec,
        device: torch.device,
        dtype: torch.dtype,
        *,
        report: ReportStage,
        notify: Callable[[str], None],
        take_device: TakeDevice,
    ) -> None:
        self._models = models
        self._job = job
        self._spec = spec
        self.device = device
        self._dtype = dtype
        self._report = report
        self._notify = notify
        self._take_device = take_device
        self._taken: torch.device | None = None
        self._retreats = retreats_from(
            device,
            dtype,
            half_precision=spec.half_precision,
            to_half=job.half_when_full,
            to_cpu=job.cpu_when_full,
        )

    def load(self) -> LoadedModel:
        """Load the model; where its device is full, wherever else the user allows.

        Raises:
            DeviceMemoryError: it fits nowhere.
            VfiError: it cannot be loaded.
        """
        while True:
            try:
                return self._load()
            except DeviceMemoryError:
                if not self.can_move:
                    raise
            self._retreat()

    @property
    def can_move(self) -> bool:
        """Whether there is a place with more room that the user allows."""
        return bool(self._retreats)

    def move(self, loaded: LoadedModel) -> LoadedModel:
        """Load the model in the next place, in the place of `loaded`.

        Raises:
            DeviceMemoryError: it fits nowhere.
            VfiError: it cannot be loaded.
        """
        self._retreat()
        loaded.model.cpu()  # who still holds it does not keep the full device's memory
        return self.load()

    def tile_size(self, frame_format: FrameFormat) -> int:
        """Return the tiles that frames are made in; 0 for whole frames.

        On the CPU they are chosen beforehand: the system ends a process that takes too much.
        """
        if self._job.tile_size or self.device.type != "cpu":
            return self._job.tile_size
        size = frame_format.width, frame_format.height
        memory.clear_cache(self.device)  # what loading has left behind is free as well
        free_bytes = memory.free_memory_bytes(self.device)
        needed = footprint.footprint(
            self._spec,
            *size,
            len(frame_format.channel_names),
            flow_scale=self._job.flow_scale,
            free_bytes=free_bytes,
        )
        if needed.tile_size:
            self._notify(footprint.describe(needed, *size, free_bytes))
        return needed.tile_size

    def drop_kept(self) -> None:
        """Let go of the models that are kept between jobs."""
        self._models.clear()

    def _retreat(self) -> None:
        """Leave a full device for the next place."""
        retreat = self._retreats.pop(0)
        self._notify(retreat.notice)
        self._models.clear()
        memory.clear_cache(self.device)
        self.device, self._dtype = retreat.device, retreat.dtype

    def _load(self) -> LoadedModel:
        if self._taken != self.device:
            wanted = self.device
            self.device, self._dtype = self._take_device(wanted, self._dtype)
            self._taken = self.device
            if self.device != wanted:
                self._retreats.clear()  # others have the device: it is on the CPU already
        if self._spec.is_guided and self._job.guided_fill == "mix":
            return mixing_model(self._spec, self.device, self._dtype)

        def relieve() -> None:
            self._models.clear()
            memory.clear_cache(self.device)

        spec = self._spec
        licence = spec.checkpoint.licence
        self._report(f"Loading {spec.title} (weights: {licence.title}, {licence.holder})", 0, 0)
        if not licence.commercial:
            self._notify(
                f"{spec.title}: its weights are {licence.terms}, not for commercial use; "
                f"see {licence.url}."
            )
        loaded = memory.with_relief(
            partial(
                self._models.get,
                spec,
                device=self.device,
                dtype=self._dtype,
                checkpoint=Path(self._job.checkpoint) if self._job.checkpoint else None,
                progress=partial(self._report, f"Downloading {spec.title}"),
                limit_bytes=int(self._job.free_memory_limit_gb * 2**30),
            ),
            relieve=relieve,
            message=f"{spec.title} does not fit into the memory of {self.device}: choose a smaller "
            "model or the CPU, allow the CPU (Memory > CPU When Full, --cpu-when-full), or close "
            "other programs that use the device.",
        )
        if loaded.spec.variant != spec.variant:
            self._notify(
                f"{self._job.checkpoint} is a checkpoint of {loaded.spec.title}: that is used, in "
                f"place of {spec.title}."
            )
        return loaded
