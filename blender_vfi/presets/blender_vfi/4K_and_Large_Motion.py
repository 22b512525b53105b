import bpy

context = bpy.context
scene = getattr(context, "sequencer_scene", None) or context.scene
settings = scene.blender_vfi

settings.model = "rife-4.25"
settings.flow_scale = "0.5"
settings.ensemble = False
