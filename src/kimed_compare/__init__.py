"""Comparison of results file by file: what matched, how far apart, within which tolerance.

A package of its own, so that the SPE layer (`kimed_spe`) stays ignorant of genomes, cells and images: it names a
comparator and gets a verdict (docs/decisions/0011-comparators.md).
"""
