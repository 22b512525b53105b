"""Draws a scene's settings, for the panel and for the dialog of the menus."""

from __future__ import annotations

import bpy

from .. import vse
from ..engine.movie_codecs import find_codec
from ..models import catalog
from ..properties import BY_RATE, SceneSettings, scene_settings
from ..property_items import AS_MOVIE, SAME_AS_SOURCE
from ..vse_timing import Timing
from . import model_info

Layout = bpy.types.UILayout


def draw_main(layout: Layout, context: bpy.types.Context) -> None:
    """Draw what every job needs: the model, how many frames, and what becomes of time."""
    settings = _settings(context)
    column = layout.column()
    column.prop(settings, "model")
    if settings.model:  # saved by a newer version, it may be one that is not known here
        spec = catalog.find(settings.model)
        model_info.draw_row(column, context, spec, settings.checkpoint)
        if not spec.checkpoint.sources:
            column.prop(settings, "checkpoint")
    column.separator()
    if settings.timing == Timing.SPEED_RAMP.value:
        row = column.row()
        row.use_property_decorate = True
        row.prop(settings, "speed")
    elif settings.timing != Timing.BAKE_RETIMING.value:
        column.row().prop(settings, "frames_by", expand=True)
        column.prop(settings, "target_rate" if settings.frames_by == BY_RATE else "multiplier")
    column.prop(settings, "timing")
    column.prop(settings, "loop")


def draw_output(layout: Layout, context: bpy.types.Context) -> None:
    """Draw where files go and in which format."""
    settings = _settings(context)
    column = layout.column()
    column.prop(settings, "output_dir", text="Folder")
    column.prop(settings, "output_format")
    column.prop(settings, "depth")
    column.prop(settings, "compression")
    row = column.row()
    row.active = settings.output_format in {"JPG", "WEBP", SAME_AS_SOURCE}
    row.prop(settings, "quality")
    column.prop(settings, "output_as")
    of_movie = column.column()
    of_movie.active = settings.output_as == AS_MOVIE
    of_movie.prop(settings, "codec")
    row = of_movie.row()
    row.active = bool(settings.codec) and find_codec(settings.codec).crf is not None
    row.prop(settings, "movie_crf")
    of_movie.prop(settings, "movie_sound")
    column.prop(settings, "overwrite")
    column.prop(settings, "link_sources")
    column.prop(settings, "check_free_space")


def draw_cuts(layout: Layout, context: bpy.types.Context) -> None:
    """Draw what is done where the frames cut and where they are held."""
    settings = _settings(context)
    column = layout.column()
    column.prop(settings, "cuts")
    column = layout.column()
    column.active = settings.cuts != "OFF"
    column.prop(settings, "cut_threshold")
    column = column.column(heading="Also At")
    column.prop(settings, "cuts_at_markers")
    column.prop(settings, "cuts_at_strip_edges")
    layout.column().prop(settings, "duplicates")


def draw_quality(layout: Layout, context: bpy.types.Context) -> None:
    """Draw what trades speed for quality."""
    settings = _settings(context)
    spec = catalog.find(settings.model or catalog.DEFAULT_MODEL)
    column = layout.column()
    row = column.row()
    row.active = spec.flow_scale
    row.prop(settings, "flow_scale")
    row = column.row()
    row.active = spec.ensemble
    row.prop(settings, "ensemble")
    if spec.is_guided:
        column.prop(settings, "guided_fill")
        column.prop(settings, "vector_step")
        column.prop(settings, "doubt_masks")
    if spec.draws_noise:
        column.prop(settings, "seed")
    if spec.checkpoint.sources:
        column.prop(settings, "checkpoint")
    column.prop(settings, "bad_frames")


def draw_device(layout: Layout, context: bpy.types.Context) -> None:
    """Draw where the model runs, and in which numbers."""
    settings = _settings(context)
    column = layout.column()
    column.prop(settings, "device")
    column.prop(settings, "busy_device")
    column.prop(settings, "precision")
    column.prop(settings, "compiles")


def draw_memory(layout: Layout, context: bpy.types.Context) -> None:
    """Draw what keeps memory in bounds."""
    settings = _settings(context)
    column = layout.column()
    column.prop(settings, "clear_cache_every")
    column.prop(settings, "tile_size")
    column.prop(settings, "free_memory_limit_gb")
    column.prop(settings, "half_when_full")
    column.prop(settings, "cpu_when_full")


def draw_skipped(layout: Layout, context: bpy.types.Context) -> None:
    """Draw the list of ranges in which nothing is made."""
    settings = _settings(context)
    row = layout.row()
    row.template_list(
        "SEQUENCER_UL_vfi_skipped", "", settings, "skipped", settings, "skipped_index", rows=3
    )
    buttons = row.column(align=True)
    buttons.operator("sequencer.vfi_skip_add", text="", icon="ADD")
    buttons.operator("sequencer.vfi_skip_remove", text="", icon="REMOVE")
    buttons.separator()
    buttons.operator("sequencer.vfi_skip_from_markers", text="", icon="MARKER_HLT")
    column = layout.column()
    column.prop(settings, "skip_pairs", text="Skip Pairs")
    column.prop(settings, "keep_pairs", text="Only Pairs")


def _settings(context: bpy.types.Context) -> SceneSettings:
    return scene_settings(vse.scene_of(context))
