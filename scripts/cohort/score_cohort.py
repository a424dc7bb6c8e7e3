"""Score discovered subtypes against the planted ones."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.table_files import write_table


def main(*, subtypes: Path, truth: Path, scores: Path, permutations: int, seed: int) -> None:
    """Write sample, metric, value.

    Parameters
    ----------
    subtypes
        Output of `discover_subtypes`.
    truth
        Table with the columns patient_id and subtype.
    scores
        Table to write: subtype_ari, subtype_nmi, subtype_ari_p (chance that shuffled labels agree as
        well), subtypes_found, subtypes_planted, patients.
    permutations, seed
        Of the chance p-value.

    Raises
    ------
    ValueError
        Truth and result share no patient.
    """
    found = pd.read_csv(subtypes, sep="\t", dtype=str)
    known = pd.read_csv(truth, sep="\t", dtype=str)
    both = found.merge(known[["patient_id", "subtype"]], on="patient_id", suffixes=("", "_planted"))
    if both.empty:
        raise ValueError(f"{truth} shares no patient with the cohort")
    labels, planted = both["subtype"].to_numpy(), both["subtype_planted"].to_numpy()
    ari = adjusted_rand_score(planted, labels)
    rng = generator(seed, "chance agreement")
    shuffled = np.array([adjusted_rand_score(planted, rng.permutation(labels)) for _ in range(permutations)])
    values = {
        "subtype_ari": ari,
        "subtype_nmi": normalized_mutual_info_score(planted, labels),
        "subtype_ari_p": (1 + (shuffled >= ari - 1e-12).sum()) / (1 + permutations),
        "subtypes_found": len(set(labels)),
        "subtypes_planted": len(set(planted)),
        "patients": len(both),
    }
    frame = pd.DataFrame({"sample": "cohort", "metric": list(values), "value": list(values.values())})
    write_table(frame, scores, "%.4g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            subtypes=Path(snakemake.input.subtypes),
            truth=Path(snakemake.input.truth),
            scores=Path(snakemake.output.scores),
            permutations=snakemake.params.permutations,
            seed=snakemake.params.seed,
        )
