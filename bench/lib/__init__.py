"""Shared by the benchmarks: measuring, media, quality and reports. Standard library only."""
