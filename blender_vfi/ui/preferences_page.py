"""The add-on's page in Blender's preferences: engine, set-up, models, memory. Draws only."""

from __future__ import annotations

import textwrap

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from .. import engine_session
from ..engine import torch_builds
from ..engine.protocol import Described
from ..engine_tasks import Outcome, tasks
from ..messages import translated
from ..operators.engine_setup import (
    PREFERENCES_OT_vfi_cancel_setup,
    PREFERENCES_OT_vfi_remove_engine,
    PREFERENCES_OT_vfi_set_up_engine,
    PREFERENCES_OT_vfi_test_engine,
)
from ..operators.engine_storage import (
    PREFERENCES_OT_vfi_free_memory,
    PREFERENCES_OT_vfi_remove_checkpoint,
)
from ..preferences import MY_PYTHON, OWN_ENVIRONMENT, VfiPreferences
from . import inventory
from .inventory import Inventory
from .texts import size

_ICONS = {"INFO": "CHECKMARK", "WARNING": "INFO", "ERROR": "ERROR"}
_LETTER_WIDTH = 7.0  # of Blender's own font, on the average, at a scale of 1
_MARGIN = 90.0


def draw(page: VfiPreferences, context: bpy.types.Context) -> None:
    """Draw the whole page, the most used first."""
    layout = page.layout
    layout.use_property_split = True
    layout.use_property_decorate = False
    disk = inventory.latest()
    _draw_engine(layout, page, disk)
    for name, title, is_closed, section in (
        ("vfi_setup", n_("Set Up Engine"), False, _draw_setup),
        ("vfi_models", n_("Models on This Computer"), True, _draw_models),
        ("vfi_memory", n_("Memory"), True, _draw_memory),
    ):
        header, body = layout.panel(name, default_closed=is_closed)
        header.label(text=title)
        if body is not None:
            section(body, page, disk, context)


def _draw_engine(layout: bpy.types.UILayout, page: VfiPreferences, disk: Inventory | None) -> None:
    layout.row().prop(page, "engine_source", expand=True)
    if page.engine_source == MY_PYTHON:
        placeholder = iface_("$BLENDER_VFI_PYTHON, or Blender's")
        layout.prop(page, "engine_python", placeholder=placeholder)
    if page.engine_source == OWN_ENVIRONMENT and disk is not None:
        _draw_environment(_right_half(layout), disk)
    layout.prop(page, "log_level")
    row = _right_half(layout).row()
    row.operator(
        PREFERENCES_OT_vfi_test_engine.bl_idname,
        text="Testing…" if tasks.is_checking else "Test",
        icon="PLAY",
    )
    outcome = tasks.check_outcome
    if outcome is not None:
        if outcome.described is not None:
            _draw_described(_right_half(layout), outcome.described)
        else:
            _draw_outcome(layout, outcome)


def _draw_environment(layout: bpy.types.UILayout, disk: Inventory) -> None:
    record = disk.environment
    if record is None:
        layout.label(text="There is none yet: press Set Up Engine below", icon="INFO")
        return
    torch = next((name for name in record.packages if name.startswith("torch ")), "torch")
    layout.label(text=f"{torch}, Python {record.python_version}")
    if record.is_outdated:
        layout.label(text="Made for an older version: set it up again", icon="INFO")


def _draw_described(layout: bpy.types.UILayout, described: Described) -> None:
    layout = layout.column(align=True)
    layout.label(text="The engine runs", icon="CHECKMARK")
    for device in described.devices:
        memory = f", {size(device.memory_bytes)}" if device.memory_bytes else ""
        layout.label(text=f"{device.name}: {device.title}{memory}", icon="BLANK1")
    for package in described.packages:
        layout.label(text=package, icon="BLANK1")


def _draw_setup(
    layout: bpy.types.UILayout,
    page: VfiPreferences,
    disk: Inventory | None,
    context: bpy.types.Context,
) -> None:
    progress = tasks.setup_progress
    if progress is not None:
        text = iface_("Cancelling…") if tasks.is_cancelling else translated(progress.stage, iface_)
        if progress.total_bytes:
            text += f": {size(progress.done_bytes)} / {size(progress.total_bytes)}"
        row = layout.split(factor=0.85, align=True)
        row.progress(factor=progress.factor, text=text, type="BAR")
        row.operator(PREFERENCES_OT_vfi_cancel_setup.bl_idname, icon="X")
        return
    layout.prop(page, "setup_build")
    build = next((b for b in torch_builds.builds_for() if b.name == page.setup_build), None)
    if build is not None:
        column = _right_half(layout).column(align=True)
        column.label(text=build.summary)
        column.label(
            text=iface_("Downloads up to {download:.1f} GB, needs {disk:.1f} GB of disk").format(
                download=build.download_bytes / 1e9, disk=build.disk_bytes / 1e9
            )
        )
    layout.prop(page, "setup_python", placeholder=iface_("Blender's Python"))
    if not bpy.app.online_access:
        layout.prop(context.preferences.system, "use_online_access")
    row = _right_half(layout).row()
    row.operator(PREFERENCES_OT_vfi_set_up_engine.bl_idname, icon="IMPORT")
    if disk is not None and disk.environment is not None:
        row.operator(PREFERENCES_OT_vfi_remove_engine.bl_idname, icon="TRASH")
    if tasks.setup_outcome is not None:
        _draw_outcome(layout, tasks.setup_outcome)


def _draw_models(
    layout: bpy.types.UILayout,
    page: VfiPreferences,
    disk: Inventory | None,
    _context: bpy.types.Context,
) -> None:
    layout.prop(page, "checkpoint_folder", placeholder=iface_("Your cache"))
    if disk is None:
        return
    column = _right_half(layout).column(align=True)
    for checkpoint in disk.checkpoints:
        row = column.row()
        row.label(text=checkpoint.title)
        right = row.row()
        right.alignment = "RIGHT"
        right.label(text=size(checkpoint.size_bytes))
        if checkpoint.is_shipped:
            right.label(text="", icon="LOCKED")
        else:
            operator = right.operator(
                PREFERENCES_OT_vfi_remove_checkpoint.bl_idname, text="", icon="TRASH"
            )
            operator.model = checkpoint.model
    total = size(sum(checkpoint.size_bytes for checkpoint in disk.checkpoints))
    row = column.row()
    text = iface_("{size} in all, in {folder}")
    row.label(text=text.format(size=total, folder=disk.checkpoint_folder))


def _draw_memory(
    layout: bpy.types.UILayout,
    page: VfiPreferences,
    _disk: Inventory | None,
    _context: bpy.types.Context,
) -> None:
    layout.prop(page, "idle_minutes")
    layout.prop(page, "while_rendering")
    column = _right_half(layout).column()
    client = engine_session.running_client()
    process_id = client.process_id if client is not None else None
    if client is None or process_id is None:
        column.label(text="No engine runs now")
    else:
        text = iface_("An engine runs: process {number}, {python}")
        column.label(text=text.format(number=process_id, python=client.python))
    column.operator(PREFERENCES_OT_vfi_free_memory.bl_idname)
    if tasks.memory_outcome is not None:
        _draw_outcome(layout, tasks.memory_outcome)


def _right_half(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """Return a part of the layout that begins where properties have their values."""
    split = layout.split(factor=0.4)
    split.column()
    part = split.column()
    part.use_property_split = False
    return part


def _draw_outcome(layout: bpy.types.UILayout, outcome: Outcome) -> None:
    """Draw a text of any length, in lines that fit the page."""
    width = bpy.context.region.width if bpy.context.region is not None else 600
    scale = bpy.context.preferences.system.ui_scale or 1.0  # 0 without a window
    letters = max(int((width / scale - _MARGIN) / _LETTER_WIDTH), 30)
    column = layout.column(align=True)
    column.scale_y = 0.8
    icon = _ICONS[outcome.level]
    for line in translated(outcome.text, iface_).splitlines():
        for part in textwrap.wrap(line, letters) or [""]:
            column.label(text=part, icon=icon)
            icon = "BLANK1"
