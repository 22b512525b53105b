"""The models: a catalog that needs no torch, and one file for each architecture that does.

Nothing here imports bpy. Only `catalog` may be imported inside Blender's own process.
"""
