"""Benchmarks on distributions with known modes: ring, grid, and stacks of labelled images."""
