"""The menus and panels: they draw, and do no work."""
