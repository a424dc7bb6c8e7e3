"""Several tables as one."""

from kimedlib.table_files import read_tables


def test_tables_without_rows_change_no_type(tmp_path):
    for name, rows in (("a", "07\t1.5\n"), ("b", ""), ("c", "8\t2\n")):
        (tmp_path / name).write_text("sample\tvalue\n" + rows)
    found = read_tables([tmp_path / name for name in "abc"], ["sample"])
    assert found["sample"].tolist() == ["07", "8"] and found["value"].sum() == 3.5
    assert read_tables([tmp_path / "b"], ["sample"]).columns.tolist() == ["sample", "value"]
