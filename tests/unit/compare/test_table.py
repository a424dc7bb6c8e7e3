"""Tables: single changes that must be seen, and changes that mean nothing, which must not."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from compare_cases import Case, both_tests, packed, see_damage

TABLE = pd.DataFrame(
    {
        "patient": ["P1", "P2", "P3"],
        "volume": [1.25, 2.5, 1e-8],
        "count": [3, 4, 5],
        "type": ["a", "b", "b"],
        "gap": ["", "1.5", "2"],
    }
)


def table(path: Path, frame: pd.DataFrame = TABLE, **options) -> Path:
    frame.to_csv(path, sep="\t", index=False, **options)
    return path


def frame(change: Callable[[pd.DataFrame], object]) -> pd.DataFrame:
    copied = TABLE.copy()
    result = change(copied)
    return copied if result is None else result


def put(name, row, value):
    def change(data: pd.DataFrame) -> None:
        data[name] = data[name].astype(object)
        data.loc[row, name] = value

    return change


def swap(names: tuple[str, str]):
    def change(data: pd.DataFrame) -> None:
        data[list(names)] = data[list(names)[::-1]].to_numpy()

    return change


SIMPLE = {"relative": 1e-6}


MUTATIONS = {
    "leading zero of a name": Case(
        "table",
        "a.tsv",
        lambda p: table(p, TABLE.assign(id=["007", "008", "009"])),
        lambda p: table(p, TABLE.assign(id=["7", "8", "9"])),
        {},
    ),
    "last digit of a long name": Case(
        "table",
        "a.tsv",
        lambda p: table(p, TABLE.assign(id=["12345678901234567"] * 3)),
        lambda p: table(p, TABLE.assign(id=["12345678901234568"] * 3)),
        {},
    ),
    "one digit": Case("table", "a.tsv", table, lambda p: table(p, frame(put("volume", 1, 2.51))), SIMPLE),
    "one digit of a small number": Case(
        "table", "a.tsv", table, lambda p: table(p, frame(put("volume", 2, 2e-8))), SIMPLE
    ),
    "one row dropped": Case("table", "a.tsv", table, lambda p: table(p, TABLE.iloc[1:]), SIMPLE),
    "one row dropped, by key": Case("table", "a.tsv", table, lambda p: table(p, TABLE.iloc[1:]), {"keys": ["patient"]}),
    "values of two columns swapped": Case(
        "table", "a.tsv", table, lambda p: table(p, frame(swap(("volume", "count")))), SIMPLE
    ),
    "rows swapped": Case("table", "a.tsv", table, lambda p: table(p, TABLE.iloc[::-1]), SIMPLE),
    "values of two rows swapped, by key": Case(
        "table",
        "a.tsv",
        table,
        lambda p: table(p, frame(lambda d: d.assign(volume=d["volume"].to_numpy()[[1, 0, 2]]))),
        {"keys": ["patient"]},
    ),
    "one text": Case("table", "a.tsv", table, lambda p: table(p, frame(put("type", 0, "c"))), SIMPLE),
    "one gap filled": Case("table", "a.tsv", table, lambda p: table(p, frame(put("gap", 0, "0"))), SIMPLE),
    "one value gone": Case("table", "a.tsv", table, lambda p: table(p, frame(put("volume", 0, None))), SIMPLE),
    "one column renamed": Case(
        "table", "a.tsv", table, lambda p: table(p, TABLE.rename(columns={"count": "n"})), SIMPLE
    ),
    "sign": Case("table", "a.tsv", table, lambda p: table(p, frame(put("volume", 0, -1.25))), SIMPLE),
}
BENIGN = {
    "gzip level and time": Case(
        "table", "a.tsv.gz", lambda p: packed(p, table, 1), lambda p: packed(p, table, 9), SIMPLE
    ),
    "order of rows, by key": Case("table", "a.tsv", table, lambda p: table(p, TABLE.iloc[::-1]), {"keys": ["patient"]}),
    "order of rows that means nothing": Case(
        "table", "a.tsv", table, lambda p: table(p, TABLE.iloc[[2, 0, 1]]), {"unordered": True}
    ),
    "order of columns": Case("table", "a.tsv", table, lambda p: table(p, TABLE[TABLE.columns[::-1]]), SIMPLE),
    "1.0 for 1": Case("table", "a.tsv", table, lambda p: table(p, TABLE.astype({"count": float})), {}),
    "other digits": Case("table", "a.tsv", table, lambda p: table(p, float_format="%.10e"), SIMPLE),
    "within tolerance": Case("table", "a.tsv", table, lambda p: table(p, frame(put("volume", 1, 2.5000001))), SIMPLE),
}

test_one_change_is_seen, test_what_means_nothing_is_no_alarm = both_tests(MUTATIONS, BENIGN)


def test_a_truncated_file_is_never_a_pass(tmp_path):
    see_damage("table", packed(tmp_path / "a.tsv.gz", table, 6))
