"""Set Up Engine, its Cancel and its removal, and the engine's Test.

Without a window these block. In one, a timer of Blender's own looks after them: unlike a modal
operator's, it lives on when the preferences' window is closed or a file is loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
from bpy.app.translations import pgettext_n as n_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from .. import engine_session, preferences
from ..engine import environment, torch_builds
from ..engine_tasks import Outcome, tasks
from ..errors import VfiError
from ..job_queue import jobs
from ..messages import translated
from ..paths import machine_path
from ..preferences import OWN_ENVIRONMENT
from ..ui import inventory, redraw

_POLL_INTERVAL_S = 0.2
_OFFLINE = n_(
    "Set Up Engine downloads packages: turn on Preferences > System > Network > Allow Online "
    "Access first, or start Blender with --online-mode"
)


class PREFERENCES_OT_vfi_set_up_engine(bpy.types.Operator):
    """Make an environment with everything that the engine needs, test it, and use it from then on"""  # noqa: D415, E501 - Blender's tooltip

    bl_idname = "preferences.vfi_set_up_engine"
    bl_label = "Set Up Engine"

    build: bpy.props.EnumProperty(
        name="Run On",
        description="What the engine is set up for. Left out, the preferences decide",
        items=preferences.build_items(),
        options={"SKIP_SAVE"},
    )
    python: bpy.props.StringProperty(
        name="Made With",
        description="Python to make the environment with. Empty takes Blender's own",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse while Blender may not go online, a set-up goes on, or a job runs."""
        if not bpy.app.online_access:
            cls.poll_message_set(tip_(_OFFLINE))
            return False
        if tasks.setup_progress is not None:
            cls.poll_message_set(tip_("The engine is being set up already"))
            return False
        if jobs.is_busy:  # the environment that it runs in would be removed
            cls.poll_message_set(tip_("Wait until the jobs have ended"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set up to the end, with the stages on standard error."""
        if not self._start(context):
            return {"CANCELLED"}
        stage = ""
        try:
            while tasks.setup_progress is not None:
                if tasks.setup_progress.stage != stage:
                    stage = tasks.setup_progress.stage
                    print(f"Set Up Engine: {stage}", file=sys.stderr, flush=True)
                tasks.wait(_POLL_INTERVAL_S)
                _take_in(context)
        except KeyboardInterrupt:
            tasks.close()
            self.report({"ERROR"}, "Set Up Engine was interrupted")
            return {"CANCELLED"}
        return _report(self, tasks.setup_outcome)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start, and let the artist go on working."""
        if bpy.app.background:
            return self.execute(context)
        if not self._start(context):
            return {"CANCELLED"}
        start_watching()
        return {"FINISHED"}

    def _start(self, context: bpy.types.Context) -> bool:
        page = preferences.page(context)
        is_given = self.properties.is_property_set("build")
        name = self.build if is_given or page is None else page.setup_build
        python = self.python or (page.setup_python if page is not None else "")
        try:
            tasks.start_setup(
                preferences.environment_folder(),
                torch_builds.find_build(name),
                machine_path(python) or environment.blender_python(),
            )
        except VfiError as error:
            self.report({"ERROR"}, str(error))
            return False
        return True


class PREFERENCES_OT_vfi_cancel_setup(bpy.types.Operator):
    """Stop setting up the engine, and remove what is there of it so far"""  # noqa: D415 - Blender's tooltip

    bl_idname = "preferences.vfi_cancel_setup"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse where there is nothing to cancel."""
        return tasks.setup_progress is not None and not tasks.is_cancelling

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask the set-up to stop; the timer sees when it has."""
        tasks.cancel_setup()
        return {"FINISHED"}


class PREFERENCES_OT_vfi_test_engine(bpy.types.Operator):
    """Start an engine with these settings, and show what it runs on"""  # noqa: D415 - Blender's tooltip

    bl_idname = "preferences.vfi_test_engine"
    bl_label = "Test"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse while an engine is being tested."""
        cls.poll_message_set(tip_("An engine is being tested"))
        return not tasks.is_checking

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Test to the end."""
        if not self._start(context):
            return {"CANCELLED"}
        while tasks.is_checking:
            tasks.wait(_POLL_INTERVAL_S)
            _take_in(context)
        return _report(self, tasks.check_outcome)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start; the page shows what comes of it."""
        if bpy.app.background:
            return self.execute(context)
        if not self._start(context):
            return {"CANCELLED"}
        start_watching()
        return {"FINISHED"}

    def _start(self, context: bpy.types.Context) -> bool:
        try:
            tasks.start_check(preferences.engine_settings(context).python)
        except VfiError as error:
            tasks.check_outcome = Outcome(level="ERROR", text=str(error))
            self.report({"ERROR"}, str(error))
            return False
        return True


class PREFERENCES_OT_vfi_remove_engine(bpy.types.Operator):
    """Remove the environment that Set Up Engine has made. Models stay"""  # noqa: D415 - Blender's tooltip

    bl_idname = "preferences.vfi_remove_engine"
    bl_label = "Remove Environment"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse while a job or a set-up may need it."""
        if tasks.setup_progress is not None or jobs.is_busy:
            cls.poll_message_set(tip_("Wait until the jobs and the set-up have ended"))
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it, and no longer choose it."""
        folder = preferences.environment_folder()
        _end_engine_below(folder)
        try:
            environment.remove_environment(folder)
        except VfiError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            inventory.forget()
        _choose(context, preferences.BLENDER_PYTHON, instead_of=OWN_ENVIRONMENT)
        tasks.forget_engine()
        self.report({"INFO"}, "The engine's environment was removed")
        return {"FINISHED"}


def start_watching() -> None:
    """Let Blender look after the set-up, the test and Free Memory from now on."""
    if not bpy.app.timers.is_registered(_watch):
        bpy.app.timers.register(_watch, first_interval=_POLL_INTERVAL_S, persistent=True)


def stop() -> None:
    """End everything that goes on here: the add-on is being disabled."""
    if bpy.app.timers.is_registered(_watch):
        bpy.app.timers.unregister(_watch)
    tasks.close()
    inventory.stop()


def _watch() -> float | None:
    """Take in what has ended; be called again as long as something goes on."""
    _take_in(bpy.context)
    redraw.preferences(bpy.context)
    return _POLL_INTERVAL_S if tasks.is_busy else None


def _take_in(context: bpy.types.Context) -> None:
    if jobs.is_busy:
        tasks.forget_freeing()
    for outcome in tasks.poll():
        inventory.forget()
        if outcome.installed is not None:
            _choose(context, OWN_ENVIRONMENT)
        if outcome.level == "ERROR":
            print(f"Frame Interpolation: {outcome.text}", file=sys.stderr)


def _choose(context: bpy.types.Context, source: str, *, instead_of: str | None = None) -> None:
    page = preferences.page(context)
    if page is not None and instead_of in {None, page.engine_source}:
        page.engine_source = source
        context.preferences.is_dirty = True  # so that Blender saves it as if the user had set it


def _end_engine_below(folder: Path) -> None:
    """End the engine if it runs from `folder`: Windows removes no program that runs."""
    client = engine_session.running_client()
    if client is not None and Path(client.python).is_relative_to(folder):
        engine_session.close()


def _report(operator: bpy.types.Operator, outcome: Outcome | None) -> set[str]:
    """Report how something ended, and return what the operator returns."""
    assert outcome is not None
    operator.report({outcome.level}, translated(outcome.text, rpt_))
    is_done = outcome.installed is not None or outcome.described is not None
    return {"FINISHED"} if is_done else {"CANCELLED"}


CLASSES = (
    PREFERENCES_OT_vfi_set_up_engine,
    PREFERENCES_OT_vfi_cancel_setup,
    PREFERENCES_OT_vfi_test_engine,
    PREFERENCES_OT_vfi_remove_engine,
)
