"""Genes of the cell cycle: their table, and which of them were measured."""

from collections.abc import Container
from pathlib import Path
from typing import Any

import yaml

from kimedlib.problems import Problem

NAMED = ("s", "g2m")


def set_problems(sets: Any, place: str) -> list[Problem]:
    """What is wrong with the content of a table of genes of the cell cycle."""
    if not isinstance(sets, dict):
        return [Problem(place, "", "is no mapping", "give the keys s and g2m (lists of genes), see config/markers")]
    problems = [
        Problem(place, f"key {phase}", "is no list of gene names", "list the genes, as config/markers/cell_cycle.yaml")
        for phase in NAMED
        if not (isinstance(sets.get(phase), list) and all(isinstance(name, str) for name in sets[phase]))
    ]
    if not isinstance(sets.get("renamed", {}), dict):
        problems.append(Problem(place, "key renamed", "is no mapping", "give old names with their present ones"))
    return problems


def measured(sets: dict[str, Any], known: Container[str]) -> dict[str, list[str]]:
    """Genes of S and of G2/M among the `known` ones, by their old or present names."""
    renamed = sets.get("renamed", {})
    names = {phase: [name if name in known else renamed.get(name, name) for name in sets[phase]] for phase in NAMED}
    return {phase: [name for name in found if name in known] for phase, found in names.items()}


def gene_problems(sets: dict[str, Any], known: Container[str], minimum: int, place: str) -> list[Problem]:
    """Fewer than `minimum` genes of a phase among the `known` ones: other species, or identifiers for names."""
    remedy = "leave out `cell_cycle`, or name a table with the genes of your species"
    return [
        Problem(
            place, "genes",
            f"{len(found)} of the {len(sets[phase])} genes of phase {phase} were measured, {minimum} are needed",
            remedy,
        )
        for phase, found in measured(sets, known).items()
        if len(found) < minimum
    ]  # fmt: skip


def cycle_problems(settings: dict[str, Any], samples: list[set[str]]) -> list[Problem]:
    """What is wrong with the section before any job.

    Parameters
    ----------
    settings
        Section `cell_cycle` of the config.
    samples
        Gene names of each sample whose genes must be in all; empty: not known yet.
    """
    path = Path(settings["genes"])
    if not path.is_file():
        return []  # told with other absent files
    try:
        sets = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = f"is no YAML ({' '.join(str(error).split())[:120]})"
        return [Problem(str(path), "", found, "see config/markers/cell_cycle.yaml")]
    problems = set_problems(sets, str(path))
    if problems or not samples:
        return problems
    return gene_problems(sets, set.intersection(*samples), settings["minimum_genes"], str(path))
