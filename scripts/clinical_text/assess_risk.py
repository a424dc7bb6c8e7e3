"""Residual risk: attacks on the de-identified letters, doubtful places for human review, and a page that tells both."""

import base64
import html
import json
from pathlib import Path

import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.figure_style import PALETTE, new_figure, save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.table_files import write_table
from kimedlib.text_attacks import attack_rows
from kimedlib.text_calibration import expected_error
from kimedlib.text_dial import POINTS
from kimedlib.text_documents import read_letter, written_form, written_name
from kimedlib.text_model_data import Span, read_lines
from kimedlib.text_risk import risk_rows

WORDS = {
    "linked_by_names": "letters linked to their patient by somebody who knows all patients' names",
    "linked_by_intervals": "letters recognised by somebody who knows all true dates, from the days between them",
    "smallest_class": "letters in the smallest group of equal sex, decade of age and ICD-10 codes (k)",
    "alone_in_class_pct": "letters alone in their group (%)",
    "k": "smallest group of letters with the same quasi-identifiers, by what the attacker knows",
    "k_below_5_pct": "letters in groups of fewer than five (%)",
    "prosecutor_risk_pct": "chance to pick the right letter, for somebody who knows that a person is among them (%)",
    "hips_missed": "names that were missed, and attacks that look for them among the stand-ins",
    "hips_planted": "the same when one name in ten is left as it is on purpose: how well a missed name would hide",
    "parrot": "a model trained on the apparent names of half of the letters suspects those that it recognises least",
    "lists": "names that are in none of the public lists that stand-ins are drawn from are suspected",
    "chance": "what guessing reaches",
    "auc": "area under the ROC curve: 0.5 tells nothing, far below it the attack turned round succeeds",
    "linked_by_form": "letters linked to their patient by sex, number of words and hyphen of the stand-ins alone",
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Residual risk</title>
<style>body{font:15px sans-serif;max-width:56em;margin:2em auto;color:#111}table{border-collapse:collapse;margin:1em 0}
td,th{border-bottom:1px solid #ddd;padding:.3em .8em;text-align:left}td.n{text-align:right}img{max-width:100%}</style>
<h1>Residual risk of the de-identified letters</h1>"""


def table_of(rows: list[tuple[str, str]], head: tuple[str, str]) -> str:
    """An HTML table of two columns."""
    cells = "".join(
        f'<tr><td>{html.escape(left)}</td><td class="n">{html.escape(right)}</td></tr>' for left, right in rows
    )
    return f"<table><tr><th>{head[0]}</th><th>{head[1]}</th></tr>{cells}</table>"


def review_of(found: list[Path], least: float) -> pd.DataFrame:
    """Spans of `safe` of which the model is less sure than `least`, most doubtful first within each document."""
    table = pd.concat([pd.read_csv(path, sep="\t", dtype={"document": str}) for path in found])
    doubtful = table[(table["point"] == "safe") & (table["confidence"] < least)].drop(columns="point")
    return doubtful.sort_values(["document", "confidence", "begin"])


def replaced_spans(found: list[Path], point: str) -> dict[str, list[Span]]:
    """What is replaced in each document; where several folds judge it, in the last: its text is that one's."""
    spans: dict[str, list[Span]] = {}
    for path in found:
        table = pd.read_csv(path, sep="\t", dtype={"document": str})
        own: dict[str, list[Span]] = {}
        rows = table[table["point"] == point]
        columns = zip(rows["document"], rows["begin"], rows["end"], rows["label"], strict=True)
        for name, begin, end, label in columns:
            own.setdefault(str(name), []).append(Span(int(begin), int(end), str(label)))
        spans |= own
    return spans


def bounds_of(dials: list[Path]) -> str:
    """A sentence on the bound of leaking letters that the training letters give, mean of the folds."""
    bounds = [json.loads(path.read_text(encoding="utf-8"))["leak_bound"] for path in dials]
    return (
        f"<p>Bound from the training letters at safe, before any other was looked at: a direct identifier is missed in "
        f"at most {100 * sum(bounds) / len(bounds):.1f} % of letters like them.</p>"
    )


def draw(points: list[Path], trust: list[Path], picture: Path) -> None:
    """Recall over precision of `safe`, and share of identifiers over probability; one line per fold, cross-fitted."""
    use_style()
    figure, (left, right) = new_figure(1, 2, figsize=(9, 3.8))
    for number, (path, table) in enumerate(zip(points, trust, strict=True)):
        curve, bins = (pd.read_csv(one, sep="\t") for one in (path, table))
        color = PALETTE[number % 7]
        left.plot(curve["char_precision"], curve["span_recall"], marker=".", color=color, label=path.stem)
        for kind, style in (("model", ":"), ("corrected", "-")):
            part = bins[bins["kind"] == kind]
            right.plot(part["mean_probability"], part["identifiers"], style, marker=".", color=color, label=kind)
    right.plot([0, 1], [0, 1], color="0.7", linewidth=1, zorder=0)
    left.set(xlabel="identifiers among hidden characters", ylabel="identifiers hidden", title="The recall dial (safe)")
    right.set(xlabel="probability", ylabel="share of identifiers", title="Reliability")
    left.legend(title="model")
    handles, names = right.get_legend_handles_labels()
    right.legend(handles[:2], names[:2])
    save_figure(figure, picture)


def trust_words(trust: list[Path]) -> str:
    """A sentence on the calibration error without and with correction, mean of the folds."""
    means = {}
    for kind in ("model", "corrected"):
        tables = [table[table["kind"] == kind] for table in (pd.read_csv(path, sep="\t") for path in trust)]
        errors = [
            expected_error([{str(k): v for k, v in row.items()} for row in one.to_dict("records")]) for one in tables
        ]
        means[kind] = sum(errors) / len(errors)
    return (
        f"<p>Expected calibration error of the probabilities, all tokens: {means['model']:.4f} as the model gives "
        f"them, {means['corrected']:.4f} corrected, on letters that neither had seen.</p>"
    )


def main(
    *, documents: Path, sheet: Path, found: list[Path], folders: list[Path], points: list[Path], trust: list[Path],
    dials: list[Path], scores: Path | None, labels: Path | None, risk: Path, review: Path, picture: Path, report: Path,
    folds: list[list[str]], least: float, point: str, mode: str,
) -> None:  # fmt: skip
    """Assess.

    Parameters
    ----------
    documents, sheet, found, folders, points, trust, dials
        Letters, sample sheet, and per fold detections, de-identified letters, curve, reliability and thresholds.
    scores, labels
        Results of `score_detection`, where annotations are known.
    risk, review, picture, report
        Table of measures; doubtful places without text; the dial as figure; the page.
    folds
        Documents of each fold.
    least
        Confidence below which a human should look.
    point, mode
        Operating point whose spans were replaced, and by what: only `surrogate` lets originals hide.
    """
    letters = read_lines(documents)
    rows = pd.read_csv(sheet, sep="\t", dtype=str, keep_default_na=False).set_index("document")
    texts = {}
    for folder, names in zip(folders, folds, strict=True):
        for name in names:
            form = str(rows.loc[name, "format"])
            texts[name] = read_letter(folder / written_name(name, form), written_form(form), name).text
    judged = [name for name in texts if rows.loc[name, "role"] != "new"]
    patients = {str(name): str(patient) for name, patient in rows["patient_id"].items()}
    measures = risk_rows(letters, texts, patients, judged)
    if judged and mode == "surrogate":
        measures += attack_rows({name: letters[name] for name in judged}, replaced_spans(found, point), patients)
    write_table(pd.DataFrame(measures, columns=["metric", "value"]), risk, float_format="%.6g")
    doubtful = review_of(found, least)
    write_table(doubtful, review, float_format="%.6f")
    draw(points, trust, picture)
    page = [PAGE, f"<p>{len(texts)} letters; annotations of {len(judged)} are known.</p>"]
    if scores and labels:
        values = pd.read_csv(scores, sep="\t").set_index(["sample", "metric"])["value"]
        page += ["<h2>Documents in which a direct identifier was missed</h2>", bounds_of(dials)]
        for dial in POINTS:
            share, low, high = (values[dial, f"docs_leaking_pct{end}"] for end in ("", "_low", "_high"))
            page.append(f"<p>{dial}: {share:.1f} % (95 % interval {low:.1f} to {high:.1f} %)</p>")
        lost = pd.read_csv(labels, sep="\t")
        lost = lost[(lost["point"] == "safe") & (lost["leaked"] > 0)]
        page.append(
            table_of(
                [(str(a), str(b)) for a, b in zip(lost["label"], lost["leaked"], strict=True)],
                ("missed at safe", "number"),
            )
        )
    page.append("<h2>Attacks</h2>")
    page.append(table_of([(name.replace("_", " "), f"{value:.1f}") for name, value in measures], ("measure", "value")))
    page += [f"<p>{html.escape(name.replace('_', ' '))}: {html.escape(words)}.</p>" for name, words in WORDS.items()]
    page.append(
        f"<h2>Review</h2><p>{len(doubtful)} places in {doubtful['document'].nunique()} letters are below {least:g}.</p>"
    )
    data = base64.b64encode(picture.read_bytes()).decode("ascii")
    page += ["<h2>The dial, and how far probabilities can be believed</h2>", trust_words(trust)]
    page.append(f'<img alt="Recall over precision; reliability" src="data:image/png;base64,{data}"></html>')
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            sheet=Path(snakemake.input.sheet),
            found=[Path(path) for path in snakemake.input.found],
            folders=[Path(path) for path in snakemake.input.folders],
            points=[Path(path) for path in snakemake.input.points],
            trust=[Path(path) for path in snakemake.input.trust],
            dials=[Path(path) for path in snakemake.input.dials],
            scores=Path(snakemake.input.scores) if snakemake.input.scores else None,
            labels=Path(snakemake.input.labels) if snakemake.input.labels else None,
            risk=Path(snakemake.output.risk),
            review=Path(snakemake.output.review),
            picture=Path(snakemake.output.picture),
            report=Path(snakemake.output.report),
            folds=[list(names) for names in snakemake.params.folds],
            least=snakemake.params.least,
            point=snakemake.params.settings["point"],
            mode=snakemake.params.settings["mode"],
        )
