"""Take stock of trees of DICOM files: one row per series, what it is, and whether it can be measured."""

from pathlib import Path

from kimedlib.dicom_deidentify import load_key
from kimedlib.dicom_inventory import COLUMNS, inventory, read_tree
from kimedlib.dicom_series import silent
from kimedlib.logs import log_to
from kimedlib.pseudonyms import read_linkage
from kimedlib.table_files import write_rows


def main(*, trees: dict[str, Path], key_file: Path, linkage: Path | None, table: Path) -> None:
    """List the series.

    Parameters
    ----------
    trees
        Folder by name; files may lie at any depth and have any name.
    key_file
        Secret of the project, for identifiers.
    linkage
        The trust centre's linkage file, for patients and their identifiers; None: keyed hashes.
    table
        One row per series, and per tree and reason one for files that belong to none. Columns as `COLUMNS` names them.

    Raises
    ------
    ValueError
        The key is too short.
    InputProblems
        The linkage file is wrong.
    """
    key = load_key(key_file.read_text(encoding="utf-8"))
    issued = None
    if linkage:
        with linkage.open(encoding="utf-8") as lines:
            issued = read_linkage(lines, str(linkage))
    rows = []
    for name, folder in sorted(trees.items()):
        with silent():
            found = inventory(name, read_tree(folder), key, issued)
        print(f"{name}: {len(found)} rows, {sum(row['decision'] == 'accepted' for row in found)} series accepted")
        rows += found
    write_rows(rows, table, COLUMNS)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            trees=dict(zip(snakemake.params.names, map(Path, snakemake.input.trees), strict=True)),
            key_file=Path(snakemake.input.key_file),
            linkage=Path(snakemake.input.linkage) if snakemake.input.linkage else None,
            table=Path(snakemake.output.table),
        )
