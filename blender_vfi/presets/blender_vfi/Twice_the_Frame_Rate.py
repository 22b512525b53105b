import bpy

context = bpy.context
scene = getattr(context, "sequencer_scene", None) or context.scene
settings = scene.blender_vfi

settings.model = "rife-4.25"
settings.frames_by = "MULTIPLIER"
settings.multiplier = 2
settings.timing = "NEW_SCENE"
settings.flow_scale = "1"
settings.ensemble = False
