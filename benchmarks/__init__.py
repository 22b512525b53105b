"""Measurements that docs/performance.md states, each made by one command."""
