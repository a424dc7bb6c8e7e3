"""The plan of the synthetic cohort: who the invented patients are and what each simulator plants in them.

Patients come in blocks: 4 in a row hold both subtypes, each treated and untreated (permuted-block
allocation), and of 12 in a row one has no images and another no tumour reads. Every number depends on
the seed and the patient only, so a larger cohort begins with the smaller one.
"""

import datetime as dt
import math
from typing import Any

import numpy as np

from kimedlib.seeding import generator

# Family names are put together from parts that exist, into names that hardly do.
NAME_HEADS = (
    "Quell",
    "Tann",
    "Birken",
    "Öhl",
    "Möhren",
    "Jäsch",
    "Wald",
    "Schilf",
    "Erlen",
    "Grieß",
    "Krähen",
    "Linden",
)
NAME_TAILS = (
    "wiesner",
    "bacher",
    "enkamp",
    "mühler",
    "horster",
    "probst",
    "stedter",
    "furtner",
    "auer-Nordhaus",
    "gruber",
)
FEMALE_NAMES = ("Anneliese", "Bärbel", "Frauke", "Grete", "Hildegard", "Käthe", "Mareike", "Rosalie", "Swantje", "Ute")
MALE_NAMES = ("Albrecht", "Björn", "Detlef", "Eberhard", "Götz", "Henning", "Jürgen", "Malte", "Tjark", "Wendelin")
ALLOCATION = (("A", "treated"), ("A", "untreated"), ("B", "treated"), ("B", "untreated"))
GAP_BLOCK = 12
GAPS = ("images", "tumour_reads")
FAMILY_SIZES = (1, 2, 3)
# A prime and a multiplier spread consecutive patients over 8-digit record numbers without repetition.
RECORD_PRIME, RECORD_STEP = 89_999_999, 31_415_927


def patient_ids(count: int) -> list[str]:
    """P001, P002, ... with as many digits as the cohort needs, at least three."""
    width = max(3, len(str(count)))
    return [f"P{number:0{width}d}" for number in range(1, count + 1)]


def patients_with(modality: str, seed: int, count: int) -> list[str]:
    """List the patients who have `modality` ("images" or "tumour_reads").

    Of every 12 consecutive patients one lacks images and another one tumour reads.
    """
    gap = GAPS.index(modality)
    missing = set()
    for block in range(0, count, GAP_BLOCK):
        positions = generator(seed, "gaps", str(block)).permutation(GAP_BLOCK)
        missing.add(block + int(positions[gap]))
    return [patient for index, patient in enumerate(patient_ids(count)) if index not in missing]


def families(seed: int, count: int) -> list[tuple[int, int]]:
    """Family number and place in the family of each patient; families have 1 to 3 members in a row."""
    members: list[tuple[int, int]] = []
    family = 0
    while len(members) < count:
        family += 1
        size = int(generator(seed, "family size", str(family)).choice(FAMILY_SIZES))
        members += [(family, place) for place in range(size)]
    return members[:count]


def shifted(setting: dict[str, float], side: int, effect_size: float) -> float:
    """Midpoint plus this subtype's share of the effect; `side` is -1 for A and 1 for B."""
    return float(setting["mean"] + side * effect_size * setting.get("effect", 0.0))


def log_shifted(setting: dict[str, float], side: int, effect_size: float) -> float:
    """Log-normal counterpart of `shifted`: natural log of the median."""
    return math.log(setting["mean"]) + side * effect_size * setting.get("effect", 0.0)


def person(seed: int, index: int, family: tuple[int, int], settings: dict[str, Any]) -> dict[str, Any]:
    """Invented identity: siblings share the family name and lie one to five years apart.

    Returns
    -------
    dict
        sex, age_years (whole years at the reference date), birth_date, family_name, given_name and
        medical_record_number (8 digits, never repeated).
    """
    number, place = family
    shared = generator(seed, "family", str(number))
    own = generator(seed, "person", str(index))
    heads, tails = shared.choice(NAME_HEADS), shared.choice(NAME_TAILS)
    youngest, oldest = settings["age_years"]
    eldest_age = shared.uniform(min(youngest + 10, oldest), oldest + 1)
    age_days = max((eldest_age - place * shared.uniform(1.5, 5)) * 365.25, youngest * 365.25 + 30)
    reference = dt.date.fromisoformat(settings["reference_date"])
    birth = reference - dt.timedelta(days=int(age_days))
    had_birthday = (birth.month, birth.day) <= (reference.month, reference.day)
    sex = str(own.choice(["female", "male"]))
    given = generator(seed, "given names", str(number), sex).permutation(
        FEMALE_NAMES if sex == "female" else MALE_NAMES
    )
    return {
        "sex": sex,
        "age_years": reference.year - birth.year - (not had_birthday),
        "birth_date": birth.isoformat(),
        "family_name": f"{heads}{tails}",
        "given_name": str(given[place]),
        "medical_record_number": str(10_000_000 + (seed + (index + 1) * RECORD_STEP) % RECORD_PRIME),
    }


def planted_numbers(
    rng: np.random.Generator, side: int, effect_size: float, settings: dict[str, Any]
) -> dict[str, Any]:
    """Draw what the simulators plant.

    Counts and volumes are log-normal, shifts and textures normal (textures not below 20 % of the midpoint).
    """

    def normal(key: str) -> float:
        spread: float = settings[key]["sd"]
        return shifted(settings[key], side, effect_size) + spread * rng.standard_normal()

    def log_normal(key: str) -> float:
        return math.exp(log_shifted(settings[key], side, effect_size) + settings[key]["sd"] * rng.standard_normal())

    def bernoulli(key: str) -> int:
        return int(rng.random() < min(max(shifted(settings[key], side, effect_size), 0.0), 1.0))

    return {
        "driver_mutated": bernoulli("driver_mutated"),
        "somatic_count": max(1, round(log_normal("somatic_count"))),
        "cd8_log_ratio": round(normal("cd8_log_ratio"), 4),
        "interferon_log2fc": round(normal("interferon_log2fc"), 4),
        "lesion_volume_ml": round(log_normal("lesion_volume_ml"), 3),
        "lesion_heterogeneity_hu": round(
            max(normal("lesion_heterogeneity_hu"), 0.2 * settings["lesion_heterogeneity_hu"]["mean"]), 3
        ),
        "brain_volume_ml": round(max(normal("brain_volume_ml"), 0.2 * settings["brain_volume_ml"]["mean"]), 1),
        "response": bernoulli("response"),
    }


def survival(
    rng: np.random.Generator, side: int, treated: bool, effect_size: float, settings: dict[str, Any]
) -> tuple[int, int]:
    """Days to death or to the end of follow-up, and 1 for a death.

    Weibull with proportional hazards: S(t) = exp(-log(2) h (t / median)^shape), with the hazard ratio h
    of the patient against an untreated patient of subtype A.
    """
    log_hazard = effect_size * (
        settings["log_hazard_subtype"] * (side > 0) + settings["log_hazard_treatment"] * treated
    )
    waiting = rng.exponential() / (math.log(2) * math.exp(log_hazard))
    death = settings["median_days"] * waiting ** (1 / settings["shape"])
    follow_up = rng.uniform(*settings["follow_up_days"])
    return max(1, math.ceil(min(death, follow_up))), int(death <= follow_up)


def plan_patients(seed: int, count: int, effect_size: float, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """One dictionary per patient, keys in the order of the columns of truth/patients.tsv.

    Parameters
    ----------
    seed, count, effect_size, settings
        `seed`, `patients`, `effect_size` and `cohort` of config/synthetic.yaml.
    """
    present = {modality: set(patients_with(modality, seed, count)) for modality in GAPS}
    rows = []
    for index, (patient, family) in enumerate(zip(patient_ids(count), families(seed, count), strict=True)):
        order = generator(seed, "allocation", str(index // len(ALLOCATION))).permutation(len(ALLOCATION))
        subtype, treatment = ALLOCATION[int(order[index % len(ALLOCATION)])]
        side = 1 if subtype == "B" else -1
        planted = planted_numbers(generator(seed, "planted", str(index)), side, effect_size, settings)
        days, event = survival(
            generator(seed, "survival", str(index)), side, treatment == "treated", effect_size, settings["survival"]
        )
        response = planted.pop("response")
        rows.append(
            {
                "patient_id": patient,
                "family_id": f"F{family[0]:0{len(patient) - 1}d}",
                "subtype": subtype,
                "treatment": treatment,
                **person(seed, index, family, settings),
                "has_tumour_reads": "yes" if patient in present["tumour_reads"] else "no",
                "has_cells": "yes",
                "has_images": "yes" if patient in present["images"] else "no",
                **planted,
                "survival_days": days,
                "event": event,
                "response": response,
            }
        )
    return rows
