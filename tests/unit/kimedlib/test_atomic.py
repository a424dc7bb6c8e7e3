def test_a_folder_replaces_the_old_one_or_nothing(tmp_path):
    for content in ("old", "new"):
        with atomic_path(tmp_path / "store") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["new"]
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "store") as temporary:
        temporary.mkdir()
        (temporary / "half").write_text("half")
        raise RuntimeError
    with pytest.raises(ValueError, match="wrote nothing"), atomic_path(tmp_path / "other") as temporary:
        temporary.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["store"] and (tmp_path / "store/new").is_file()
