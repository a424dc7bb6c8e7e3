"""De-identify one DICOM series, or refuse it; the audit table says what was done, never what was there."""

import json
from collections import Counter
from pathlib import Path

from pydicom import Dataset, dcmwrite

from kimedlib.atomic import atomic_path
from kimedlib.dicom_deidentify import Audit, deidentify, load_key, of_linkage, of_project
from kimedlib.dicom_pixels import pixel_reasons, refusal_reasons
from kimedlib.dicom_profile import load_profile
from kimedlib.dicom_series import read_all, series_problems, silent
from kimedlib.logs import log_to
from kimedlib.problems import Problem, raise_if
from kimedlib.pseudonyms import read_linkage


def order(dataset: Dataset) -> tuple[int, str]:
    """Sort key of an object within its series."""
    return int(dataset.get("InstanceNumber") or 0), str(dataset.get("SOPInstanceUID", ""))


@silent()
def main(
    *, series: Path, key_file: Path, linkage: Path | None, profile: Path, folder: Path, audit: Path, decision: Path,
    sample: str, patient_id: str, options: list[str],
) -> None:  # fmt: skip
    """De-identify a series.

    Parameters
    ----------
    series
        Folder with the files of one series, or one file.
    key_file, profile
        Secret of the project, used without `linkage`; Table E.1-1.
    linkage
        The trust centre's linkage file: the patient number in the files must be in it, with the sheet's pseudonym.
    folder
        Gets 0001.dcm, ... in the order of instance numbers; empty if the series is refused.
    audit
        One row per attribute and action: sample, place, attribute, action, objects.
    decision
        JSON: sample, accepted, reasons, objects.
    patient_id
        The pseudonym.

    Raises
    ------
    InputProblems
        Files are no DICOM or cut off, series or patients are mixed, slices are missing or there twice; the linkage file
        lacks the patient or has another pseudonym.
    """
    found, problems = read_all(series, pixels=True)
    if not found and not problems:
        problems = [Problem(str(series), "", "holds no file", "export the series again")]
    raise_if(problems + series_problems(str(series), found))
    objects = sorted((dataset for _, dataset in found), key=order)
    reasons = Counter(reason for dataset in objects for reason in refusal_reasons(dataset) + pixel_reasons(dataset))
    actions: Audit = Counter()
    folder.mkdir(parents=True, exist_ok=True)
    if not reasons:
        table = load_profile(profile, options)
        if linkage:
            with linkage.open(encoding="utf-8") as lines:
                issued = read_linkage(lines, str(linkage))
            deidentifier = of_linkage(issued, str(objects[0].get("PatientID", "")), patient_id, str(series), table)
        else:
            deidentifier = of_project(load_key(key_file.read_text(encoding="utf-8")), patient_id, table)
        for number, dataset in enumerate(objects, 1):
            if dataset.file_meta.TransferSyntaxUID.is_compressed:
                dataset.decompress(generate_instance_uid=False)
            clean = deidentify(dataset, deidentifier, actions)
            dcmwrite(
                folder / f"{number:04d}.dcm", clean, enforce_file_format=True, implicit_vr=False, little_endian=True
            )
    rows = [(sample, *where, count) for where, count in sorted(actions.items())]
    rows += [(sample, "", "", f"refused: {reason}", count) for reason, count in sorted(reasons.items())]
    with atomic_path(audit) as temporary:
        text = ["sample\tplace\tattribute\taction\tobjects", *("\t".join(map(str, row)) for row in rows)]
        temporary.write_text("\n".join(text) + "\n", encoding="utf-8")
    with atomic_path(decision) as temporary:
        said = {"sample": sample, "accepted": not reasons, "reasons": sorted(reasons), "objects": len(objects)}
        temporary.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            series=Path(snakemake.input.series),
            key_file=Path(snakemake.input.key_file),
            linkage=Path(snakemake.input.linkage) if snakemake.input.linkage else None,
            profile=Path(snakemake.input.profile),
            folder=Path(snakemake.output.folder),
            audit=Path(snakemake.output.audit),
            decision=Path(snakemake.output.decision),
            sample=snakemake.wildcards.sample,
            patient_id=snakemake.params.patient_id,
            options=list(snakemake.params.options),
        )
