"""The model of one job: loaded where there is room for it, and moved where that has run out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ..errors import DeviceMemoryError
from ..models.cache import ModelCache
from ..models.catalog_types import ModelSpec
from ..models.compiling import CompiledModel
from ..models.loading import LoadedModel
from ..remedies import remedy
from . import footprint, memory
from .device_lease import DeviceLease
from .guided_job import mixing_model
from .image_formats import FrameFormat
from .job_reports import JobReports
from .protocol import JobSpec
from .retreat import retreats_from


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
        reports: told what is loaded, and what the user should know.
        lease: the right to the device.
    """

    def __init__(
        self,
        models: ModelCache,
        job: JobSpec,
        spec: ModelSpec,
        device: torch.device,
        dtype: torch.dtype,
        *,
        reports: JobReports,
        lease: DeviceLease,
    ) -> None:
        self._models = models
        self._job = job
        self._spec = spec
        self.device = self._wanted = device
        self._dtype = dtype
        self._report = reports.loading
        self._notify = reports.notify_once
        self._lease = lease
        self._taken: torch.device | None = None
        self._retreats = retreats_from(
            device,
            dtype,
            half_precision=spec.half_precision,
            to_half=job.half_when_full,
            to_cpu=job.cpu_when_full,
        )

    def load(self, stop_if_cancelled: Callable[[], None]) -> LoadedModel:
        """Load the model; where its device is full, wherever else the user allows.

        Args:
            stop_if_cancelled: raises where it shall not wait for others any longer.

        Raises:
            DeviceMemoryError: it fits nowhere.
            VfiError: it cannot be loaded.
        """
        while True:
            try:
                return self._load(stop_if_cancelled)
            except DeviceMemoryError:
                if not self.can_move:
                    raise
            self._retreat()

    @property
    def can_move(self) -> bool:
        """Whether there is a place with more room that the user allows."""
        return bool(self._retreats)

    def move(self, loaded: LoadedModel, stop_if_cancelled: Callable[[], None]) -> LoadedModel:
        """Load the model in the next place, in the place of `loaded`; for the rest see `load`.

        Raises:
            DeviceMemoryError: it fits nowhere.
            VfiError: it cannot be loaded.
        """
        loaded.model.cpu()  # who still holds it does not keep the full device's memory
        self._retreat()
        return self.load(stop_if_cancelled)

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

    def _load(self, stop_if_cancelled: Callable[[], None]) -> LoadedModel:
        if self._taken != self.device:
            wanted = self.device
            self.device, self._dtype = self._lease.take(
                wanted, self._dtype, on_wait=self._report, stop_if_cancelled=stop_if_cancelled
            )
            self._taken = self.device
            if self.device != wanted:
                self._retreats.clear()  # others have the device: it is on the CPU already
        enter = partial(self._lease.enter, self.device, stop_if_cancelled)
        if self._spec.is_guided and self._job.guided_fill == "mix":
            enter()
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
        allowed = remedy(
            panel="Memory > CPU When Full", terminal="--cpu-when-full", python="cpu_when_full=True"
        )
        loaded = memory.with_relief(
            partial(
                self._models.get,
                spec,
                device=self.device,
                dtype=self._dtype,
                checkpoint=Path(self._job.checkpoint) if self._job.checkpoint else None,
                progress=partial(self._report, f"Downloading {spec.title}"),
                before_device=enter,
                limit_bytes=int(self._job.free_memory_limit_gb * 2**30),
                compiles=self._job.compiles and self.device == self._wanted,
            ),
            relieve=relieve,
            message=f"{spec.title} does not fit into the memory of {self.device}: choose a smaller "
            f"model or the CPU, allow the CPU ({allowed}), or close other programs that use the "
            "device.",
        )
        if isinstance(loaded.model, CompiledModel):
            # not by anything of this object, which the cache would keep
            loaded.model.attend(on_compile=self._report, on_failure=self._notify)
        if loaded.spec.variant != spec.variant:
            self._notify(
                f"{self._job.checkpoint} is a checkpoint of {loaded.spec.title}: that is used, in "
                f"place of {spec.title}."
            )
        return loaded
