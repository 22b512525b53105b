"""Draws what an artist should know of a model before using it: terms, and whether it is here."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..models import locations
from ..models.catalog_types import HubSource, ModelSpec
from ..preferences import checkpoint_folder
from . import texts


def is_here(context: bpy.types.Context, spec: ModelSpec) -> bool:
    """Whether the model's checkpoint lies on this machine."""
    return any(
        locations.stored_path(folder, spec).is_file()
        for folder in (locations.shipped_folder(), checkpoint_folder(context))
    )


def draw_row(
    layout: bpy.types.UILayout, context: bpy.types.Context, spec: ModelSpec, checkpoint: str
) -> None:
    """Draw licence and whereabouts of the model in use, with a button where one can help.

    Args:
        layout: where.
        context: whose preferences.
        spec: the model.
        checkpoint: path of a file to use in place of the model's own; the user knows its terms.
    """
    licence = spec.checkpoint.licence
    column = layout.column(align=True)
    if checkpoint:
        text = iface_("Your File: {name}").format(name=bpy.path.basename(checkpoint))
        column.label(text=text, icon="FILE", translate=False)
        return
    row = column.row()
    row.label(text=licence.title, icon="CHECKMARK" if licence.commercial else "ERROR")
    row.label(text=iface_("Commercial Use") if licence.commercial else iface_("No Commercial Use"))
    if is_here(context, spec):
        column.label(text="On This Machine", icon="DISK_DRIVE")
    elif spec.checkpoint.sources:
        text = iface_("Download")
        if spec.checkpoint.size_bytes:
            text = f"{text} ({texts.size(spec.checkpoint.size_bytes)})"
        button = column.operator(
            "sequencer.vfi_download_model", text=text, icon="IMPORT", translate=False
        )
        button.model = spec.name
    else:
        column.label(text="Choose Its Checkpoint File", icon="FILE_FOLDER")


def draw_terms(layout: bpy.types.UILayout, spec: ModelSpec) -> None:
    """Draw where a checkpoint comes from, how large it is, and what it may be used for."""
    checkpoint = spec.checkpoint
    licence = checkpoint.licence
    layout.label(text=f"{spec.title} – {spec.paper}", translate=False)
    column = layout.column(align=True)
    for name, value in (
        (iface_("From"), _origin(spec)),
        (iface_("Size"), texts.size(checkpoint.size_bytes) if checkpoint.size_bytes else "?"),
        (iface_("License"), f"{licence.title}, {licence.holder}"),
        (
            iface_("Commercial Use"),
            iface_("Allowed") if licence.commercial else iface_("Not Allowed"),
        ),
    ):
        split = column.split(factor=0.3)
        split.label(text=name, translate=False)
        split.label(text=value, translate=False)
    layout.operator("wm.url_open", text="Read the License", icon="URL").url = licence.url


def _origin(spec: ModelSpec) -> str:
    source = spec.checkpoint.sources[0] if spec.checkpoint.sources else None
    if source is None:
        return iface_("a file of yours")
    if isinstance(source, HubSource):
        return f"Hugging Face, {source.repo_id}"
    return f"Python Package Index, {source.distribution}"
