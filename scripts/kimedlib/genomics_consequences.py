"""Genes that variants change, from the annotations of `bcftools csq`."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

PROTEIN_CHANGING = frozenset(
    {
        "missense",
        "inframe_deletion",
        "inframe_insertion",
        "inframe_altering",
        "frameshift",
        "stop_gained",
        "stop_lost",
        "start_lost",
        "splice_acceptor",
        "splice_donor",
        "feature_elongation",
        "feature_truncation",
    }
)


def changed_genes(annotations: Mapping[int, Iterable[str]], position: int) -> set[str]:
    """Genes whose protein the variant at `position` changes.

    Parameters
    ----------
    annotations
        Entries of the field BCSQ (`consequence|gene|...`, or `@position` where the consequence of several
        variants together is given at another one), by 1-based position on one contig.
    position
        1-based.
    """
    genes = set()
    for entry in annotations.get(position, ()):
        if entry.startswith("@"):
            elsewhere = int(entry[1:])
            genes |= changed_genes(annotations, elsewhere) if elsewhere != position else set()
            continue
        consequences, gene = [*entry.lstrip("*").split("|"), ""][:2]
        if PROTEIN_CHANGING & set(consequences.split("&")):
            genes.add(gene)
    return genes


class Consequence(NamedTuple):
    """What a variant does to a gene, in the words of `bcftools csq`; empty where there is nothing to say."""

    gene: str = ""
    consequence: str = ""
    amino_acids: str = ""


def main_consequence(annotations: Mapping[int, Iterable[str]], position: int) -> Consequence:
    """The consequence to show for a variant: the first that changes a protein, else the first; parameters as above."""
    found = []
    for entry in annotations.get(position, ()):
        if entry.startswith("@"):
            elsewhere = int(entry[1:])
            found += [main_consequence(annotations, elsewhere)] if elsewhere != position else []
            continue
        cells = [*entry.lstrip("*").split("|"), *[""] * 6]
        found.append(Consequence(cells[1], cells[0], cells[5]))
    changing = [one for one in found if PROTEIN_CHANGING & set(one.consequence.split("&"))]
    return next(iter([*changing, *found]), Consequence())
