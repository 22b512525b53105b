"""The dialog that asks an artist how to interpolate, and then lets the job begin."""

from __future__ import annotations

import bpy

from ..properties import InterpolationProperties

_WIDTH = 400


class SEQUENCER_OT_vfi_interpolate_settings(InterpolationProperties, bpy.types.Operator):
    """Choose how to make the frames between the frames of an image strip, and start"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_interpolate_settings"
    bl_label = "Interpolate Strip"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse when the job itself would."""
        return bpy.ops.sequencer.vfi_interpolate.poll()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Open the dialog."""
        return context.window_manager.invoke_props_dialog(
            self, width=_WIDTH, confirm_text="Interpolate"
        )

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the settings, the most used ones first."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        for group in (
            ("multiplier", "timing"),
            ("model", "checkpoint", "flow_scale", "ensemble"),
            ("skip_pairs", "keep_pairs"),
            ("output_dir", "output_format", "overwrite"),
            ("device", "precision", "clear_cache_every"),
        ):
            column = layout.column()
            for name in group:
                column.prop(self, name)
            column.separator()

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Start the job as it would start from a script, in a window without blocking it."""
        settings = {name: getattr(self, name) for name in InterpolationProperties.__annotations__}
        try:
            bpy.ops.sequencer.vfi_interpolate("INVOKE_DEFAULT", **settings)
        except RuntimeError as error:  # the job's own report
            self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
            return {"CANCELLED"}
        return {"FINISHED"}
