"""Golden cases: what a reference implementation computed, and how this library computes it."""
