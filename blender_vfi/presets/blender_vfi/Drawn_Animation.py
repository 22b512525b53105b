import bpy

context = bpy.context
scene = getattr(context, "sequencer_scene", None) or context.scene
settings = scene.blender_vfi

settings.model = "gmfss-union"
settings.flow_scale = "1"
