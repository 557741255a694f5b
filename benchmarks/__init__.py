"""Benchmark of the engine against the published description; see `benchmarks.compare`."""
