"""Makes the fixtures of several test files known."""

from .served_worker import engine, service  # noqa: F401
