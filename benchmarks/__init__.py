"""Measurements that docs/performance.md and docs/models.md state, each made by one command."""
