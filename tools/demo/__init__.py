"""The demonstration behind `make demo`: real footage, real weights, real Blender, no window."""
