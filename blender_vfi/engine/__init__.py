"""The engine: from a job description to finished frames on disk.

Nothing here imports bpy. Blender's process imports `protocol`, `schedule` and `client` alone, which
use the standard library; everything else runs in the engine's own process.
"""
