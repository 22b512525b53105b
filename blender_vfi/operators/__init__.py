"""The operators: they read properties, build a job, pump its events and place the strip."""
