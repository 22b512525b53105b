"""Runs the scenarios of tests/gui in windowed Blenders; nothing of it is part of the add-on."""
