"""What operators have in common that queue or run jobs, and those whose strips become jobs."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from .. import engine_session, job_runner, render_courtesy, vse, vse_movies
from ..cli_progress import ProgressPrinter
from ..cli_signals import interruptible
from ..engine.protocol import Event, Notice, Run
from ..errors import EngineError, JobCancelledError, RequestError, VfiError
from ..job_queue import QueuedJob, jobs
from ..messages import translated, words_of
from ..preferences import engine_settings
from ..properties import InterpolationProperties
from ..strip_job import effective_settings, prepare


class Jobs(InterpolationProperties):
    """Queues or runs jobs; settings that are not given come from the scene.

    Mixed into operators, which say in `_prepare` what the jobs are.
    """

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run the jobs to their ends, and place the strips."""
        running = jobs.running
        if running is not None:
            return self._fail(
                RequestError(
                    "{title} is being interpolated: wait, or cancel that job first.",
                    title=running.title,
                )
            )
        prepared = self._prepare(context)
        is_done = bool(prepared)
        for job in prepared:
            try:
                self._run(job, context)
            except JobCancelledError as error:
                # an error, since a script would go on with what is not there
                return self._fail(error)
            except VfiError as error:
                self._fail(error)
                is_done = False
        return {"FINISHED"} if is_done else {"CANCELLED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Queue the jobs, and let the artist go on working."""
        if bpy.app.background:
            return self.execute(context)
        prepared = self._prepare(context)
        if not prepared:
            return {"CANCELLED"}
        jobs.make_way(prepared)
        jobs.add(prepared)
        bpy.ops.sequencer.vfi_run_queue("INVOKE_DEFAULT")
        return {"FINISHED"}

    def _prepare(self, context: bpy.types.Context) -> list[QueuedJob]:
        """Describe the jobs that can be run; report what cannot."""
        raise NotImplementedError

    def _run(self, job: QueuedJob, context: bpy.types.Context) -> None:
        assert isinstance(job.request, Run)
        client = engine_session.get(engine_settings(context))
        # a script's log should show that something happens; a window has the panel
        printing = ProgressPrinter(sys.stderr, quiet=not bpy.app.background)
        interrupts = interruptible() if bpy.app.background else nullcontext()
        with interrupts, render_courtesy.put_off(), printing as printer:
            job.note(client.run(job.request.job, on_event=partial(self._show, printer)))
        placed = job_runner.place(job)
        for notice in placed.notices:
            self.report({"WARNING"}, translated(notice, rpt_))
        self.report({"INFO"}, translated(job_runner.summary(job), rpt_))

    def _show(self, printer: ProgressPrinter, event: Event) -> None:
        if isinstance(event, Notice):
            self.report({"WARNING"}, event.message)
        else:
            printer.show(event)

    def _fail(self, error: VfiError) -> set[str]:
        # for a bug report; what the user can mend by the message alone needs none
        if isinstance(error, EngineError) and error.__cause__ is not None:
            print(f"{type(error).__name__}: {error.__cause__}", file=sys.stderr)
        self.report({"ERROR"}, translated(words_of(error), rpt_))
        return {"CANCELLED"}


class StripJobs(Jobs):
    """Queues or runs the jobs of strips; settings that are not given come from the scene.

    Mixed into operators, which may say in `describe` what the job of a strip is.
    """

    strip_types = ("IMAGE", vse_movies.TYPE)

    scene_name: bpy.props.StringProperty(
        name="Scene",
        description="Scene of the strip. Empty takes the one that the Sequencer edits",
        options={"SKIP_SAVE"},
    )
    strip_name: bpy.props.StringProperty(
        name="Strip",
        description="Name of the strip. Empty takes all that are selected",
        options={"SKIP_SAVE"},
    )

    def describe(
        self, scene: bpy.types.Scene, strip: bpy.types.Strip, settings: Any, **of_folder: Any
    ) -> QueuedJob:
        """Describe the job of one strip, which interpolates it unless an operator says otherwise.

        Args:
            scene: of the strip.
            strip: what the job is of.
            settings: as `effective_settings` returns them.
            **of_folder: what decides the folder of its own, see `output_names.output_folder`.

        Raises:
            VfiError: strip, files or settings do not fit.
        """
        own_pairs = any(map(self.properties.is_property_set, ("skip_pairs", "keep_pairs")))
        return prepare(scene, strip, settings, also_skips=not own_pairs, **of_folder)

    def _prepare(self, context: bpy.types.Context) -> list[QueuedJob]:
        """Describe the job of every strip that fits; report those that do not."""
        prepared: list[QueuedJob] = []
        try:
            scene = vse.find_scene(self.scene_name or vse.scene_of(context).name)
            strips = (
                [vse.find_strip(scene, self.strip_name)]
                if self.strip_name
                else vse.selected_image_strips(scene, *self.strip_types)
            )
        except VfiError as error:
            self._fail(error)
            return prepared
        settings = effective_settings(self, scene)
        is_one_of_many = len(strips) > 1
        for strip in strips:
            others = jobs.specs_to_come(prepared)
            try:
                job = self.describe(
                    scene, strip, settings, is_one_of_many=is_one_of_many, others=others
                )
            except VfiError as error:
                self._fail(error)
                continue
            for notice in job.notices:
                self.report({"WARNING"}, translated(notice, rpt_))
            prepared.append(job)
        return prepared
