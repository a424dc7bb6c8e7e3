"""Typed functions that the step scripts share. No Snakemake, no argparse, no I/O at import."""
