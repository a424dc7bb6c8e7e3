"""Governance for any Snakemake workflow. Knows nothing of genomes, cells or images."""
