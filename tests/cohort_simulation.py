"""Feature tables as the three workflows would measure them, drawn from the plan of the synthetic cohort.

Measurement noise is at least what the workflows show on the synthetic data; besides the planted features
every modality has some that tell nothing.
"""

import numpy as np
import pandas as pd
import yaml
from conftest import REPOSITORY

from kimedlib.cohort_plan import plan_patients
from kimedlib.seeding import generator

CELL_SHARES = {
    "b_cell": 0.14,
    "cd4_t_cell": 0.32,
    "cd8_t_cell": 0.18,
    "dendritic_cell": 0.04,
    "monocyte": 0.22,
    "nk_cell": 0.1,
}
CELLS = 150


def planned(seed: int, effect_size: float, patients: int = 12) -> pd.DataFrame:
    settings = yaml.safe_load((REPOSITORY / "config/synthetic.yaml").read_text())["cohort"]
    return pd.DataFrame(plan_patients(seed, patients, effect_size, settings))


def measured(plan: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Tables like <domain>_features.tsv, one per modality, column patient_id first."""
    rng = generator(seed, "measurement noise")
    n = len(plan)
    somatic = plan["somatic_count"] + plan["driver_mutated"]
    snv = rng.binomial(somatic, 0.75)
    genomics = pd.DataFrame(
        {
            "patient_id": plan["patient_id"],
            "driver_mutated": plan["driver_mutated"].astype(float),
            "somatic_snv_count": snv.astype(float),
            "somatic_indel_count": rng.binomial(somatic - snv, 0.9).astype(float),
            "median_tumour_vaf": rng.normal(0.25, 0.05, n),
            "germline_snv_count": rng.normal(120, 8, n),
            "germline_indel_count": rng.normal(15, 3, n),
        }
    )
    sequenced = plan["has_tumour_reads"] == "yes"
    genomics.loc[~sequenced, [name for name in genomics if "germline" not in name and name != "patient_id"]] = np.nan
    log_share = np.log(np.tile(list(CELL_SHARES.values()), (n, 1))) + rng.normal(0, 0.25, (n, len(CELL_SHARES)))
    log_share[:, list(CELL_SHARES).index("cd8_t_cell")] += plan["cd8_log_ratio"]
    shares = np.exp(log_share)
    counts = np.array([rng.multinomial(CELLS, row / row.sum()) for row in shares]) + 0.5
    clr = np.log(counts) - np.log(counts).mean(axis=1, keepdims=True)
    singlecell = pd.DataFrame({"patient_id": plan["patient_id"]})
    for index, name in enumerate(CELL_SHARES):
        singlecell[f"fraction_{name}"] = counts[:, index] / counts.sum(axis=1)
        singlecell[f"clr_{name}"] = clr[:, index]
    singlecell["interferon_score"] = 0.4 * plan["interferon_log2fc"] + rng.normal(0, 0.12, n)
    imaging = pd.DataFrame(
        {
            "patient_id": plan["patient_id"],
            "lesion_volume_ml": plan["lesion_volume_ml"] * np.exp(rng.normal(0, 0.06, n)),
            "lesion_mean_hu": rng.normal(60, 5, n),
            "lesion_heterogeneity_hu": plan["lesion_heterogeneity_hu"] + rng.normal(0, 1, n),
            "lesion_sphericity": rng.normal(0.8, 0.04, n),
            "brain_volume_ml": plan["brain_volume_ml"] + rng.normal(0, 20, n),
        }
    )
    return {"genomics": genomics, "singlecell": singlecell, "imaging": imaging[plan["has_images"] == "yes"]}
