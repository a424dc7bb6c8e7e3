"""De-identify one DICOM series, or refuse it; the audit table says what was done, never what was there."""

import json
from collections import Counter
from pathlib import Path

from pydicom import Dataset, dcmwrite

from kimedlib.atomic import atomic_path
from kimedlib.dicom_deidentify import Audit, Deidentifier, deidentify, load_key, method_code, of_linkage, of_project
from kimedlib.dicom_masking import Treated, load_regions, treat_pixels
from kimedlib.dicom_profile import Profile, load_profile
from kimedlib.dicom_series import read_all, series_problems, silent
from kimedlib.logs import log_to
from kimedlib.problems import Problem, raise_if
from kimedlib.pseudonyms import read_linkage


def order(dataset: Dataset) -> tuple[int, str]:
    """Sort key of an object within its series."""
    return int(dataset.get("InstanceNumber") or 0), str(dataset.get("SOPInstanceUID", ""))


def file_ranges(numbers: list[int]) -> str:
    """Numbers of files in short: 1-3,7."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def say_what_pixels_show(dataset: Dataset, treated: Treated, actions: Audit) -> None:
    """Note masking, and let BurnedInAnnotation and the method say no more than is known."""
    for action in treated.actions:
        actions["(7FE0,0010)", "PixelData", action] += 1
    if treated.burned_in == "NO":
        dataset.BurnedInAnnotation = "NO"
        dataset.DeidentificationMethodCodeSequence.append(method_code("clean_pixel_data"))
        actions["(0028,0301)", "BurnedInAnnotation", "replaced: NO, all places of the device are masked"] += 1
    elif treated.burned_in == "" and "BurnedInAnnotation" in dataset:
        del dataset.BurnedInAnnotation
        actions["(0028,0301)", "BurnedInAnnotation", "removed: not known after masking"] += 1


def review_list(logs: list[Audit], reasons: Counter[str]) -> list[dict[str, str]]:
    """What a person has to look at: files, place, reason; of a refused series the reasons alone."""
    if reasons:
        return [{"files": "all", "place": "series", "reason": f"refused: {reason}"} for reason in sorted(reasons)]
    found: dict[tuple[str, str], list[int]] = {}
    for number, log in enumerate(logs, 1):
        for place, name, action in log:
            if action.startswith("masked") or action.endswith("for review"):
                found.setdefault((f"{place} {name}", action), []).append(number)
    return [
        {"files": file_ranges(files), "place": place, "reason": why} for (place, why), files in sorted(found.items())
    ]


def audit_rows(sample: str, logs: list[Audit], reasons: Counter[str]) -> list[tuple[object, ...]]:
    """Rows of the audit table."""
    by_action: dict[tuple[str, str, str], dict[int, int]] = {}
    for number, log in enumerate(logs, 1):
        for where, times in log.items():
            by_action.setdefault(where, {})[number] = times
    rows: list[tuple[object, ...]] = [
        (sample, *where, len(found), sum(found.values()), file_ranges(list(found)))
        for where, found in sorted(by_action.items())
    ]
    return rows + [
        (sample, "", "", f"refused: {reason}", count, count, "") for reason, count in sorted(reasons.items())
    ]


@silent()
def main(
    *, series: Path, key_file: Path, linkage: Path | None, profile: Path, regions: Path, folder: Path, audit: Path,
    decision: Path, sample: str, patient_id: str, options: list[str], pixels: str,
) -> None:  # fmt: skip
    """De-identify a series.

    Parameters
    ----------
    series
        Folder with the files of one series, or one file.
    key_file, profile, regions
        Secret of the project, used without `linkage`; Table E.1-1; where devices write into their pictures.
    linkage
        The trust centre's linkage file: the patient number in the files must be in it, with the sheet's pseudonym.
    folder
        Gets 0001.dcm, ... in the order of instance numbers; empty if the series is refused.
    audit
        One row per attribute and action: sample, place, attribute, action, objects, times, files (their numbers).
    decision
        JSON: sample, accepted, reasons, objects, review (files, place and reason of what a person has to look at).
    patient_id
        The pseudonym.
    pixels
        `refuse` or `mask`, see `dicom_masking.treat_pixels`.

    Raises
    ------
    InputProblems
        Files are no DICOM or cut off, series or patients are mixed, slices are missing or there twice; the linkage file
        lacks the patient or has another pseudonym; a row of `regions` is wrong.
    """
    devices = load_regions(regions)
    found, problems = read_all(series, pixels=True)
    if not found and not problems:
        problems = [Problem(str(series), "", "holds no file", "export the series again")]
    raise_if(problems + series_problems(str(series), found))
    objects = sorted((dataset for _, dataset in found), key=order)
    reasons, treated = treat_pixels(objects, pixels, devices)
    logs: list[Audit] = []
    folder.mkdir(parents=True, exist_ok=True)
    if not reasons:
        deidentifier = mapping(
            objects[0], series=series, key_file=key_file, linkage=linkage, patient_id=patient_id,
            table=load_profile(profile, options),
        )  # fmt: skip
        for number, (dataset, done) in enumerate(zip(objects, treated, strict=True), 1):
            actions: Audit = Counter()
            clean = deidentify(dataset, deidentifier, actions)
            say_what_pixels_show(clean, done, actions)
            logs.append(actions)
            dcmwrite(
                folder / f"{number:04d}.dcm", clean, enforce_file_format=True, implicit_vr=False, little_endian=True
            )
    with atomic_path(audit) as temporary:
        rows = audit_rows(sample, logs, reasons)
        text = ["sample\tplace\tattribute\taction\tobjects\ttimes\tfiles", *("\t".join(map(str, row)) for row in rows)]
        temporary.write_text("\n".join(text) + "\n", encoding="utf-8")
    with atomic_path(decision) as temporary:
        said = {
            "sample": sample, "accepted": not reasons, "reasons": sorted(reasons), "objects": len(objects),
            "review": review_list(logs, reasons),
        }  # fmt: skip
        temporary.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def mapping(
    first: Dataset, *, series: Path, key_file: Path, linkage: Path | None, patient_id: str, table: Profile
) -> Deidentifier:
    """The patient's mapping, from the trust centre or the project's key; raises like `main`."""
    if linkage is None:
        return of_project(load_key(key_file.read_text(encoding="utf-8")), patient_id, table)
    with linkage.open(encoding="utf-8") as lines:
        issued = read_linkage(lines, str(linkage))
    return of_linkage(issued, str(first.get("PatientID", "")), patient_id, str(series), table)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            series=Path(snakemake.input.series),
            key_file=Path(snakemake.input.key_file),
            linkage=Path(snakemake.input.linkage) if snakemake.input.linkage else None,
            profile=Path(snakemake.input.profile),
            regions=Path(snakemake.input.regions),
            folder=Path(snakemake.output.folder),
            audit=Path(snakemake.output.audit),
            decision=Path(snakemake.output.decision),
            sample=snakemake.wildcards.sample,
            patient_id=snakemake.params.patient_id,
            options=list(snakemake.params.options),
            pixels=snakemake.params.pixels,
        )
