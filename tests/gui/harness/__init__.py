"""What scenarios do in Blender's window, and what they look at."""
