import bpy

context = bpy.context
scene = getattr(context, "sequencer_scene", None) or context.scene
settings = scene.blender_vfi

settings.model = "rife-4.25"
settings.frames_by = "MULTIPLIER"
settings.multiplier = 4
settings.timing = "SLOW_MOTION"
settings.flow_scale = "1"
settings.ensemble = False
