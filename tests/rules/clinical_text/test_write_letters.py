"""Training letters are the same for a seed, others for another, and none is a letter of the cohort."""

import text_steps

from kimedlib.text_model_data import read_lines


def written(path, seed, number, styled=0):
    text_steps.write_letters.main(seed=seed, number=number, styled=styled, written=path)
    return path.read_bytes()


def test_seed_decides(tmp_path):
    first = written(tmp_path / "a", 3, 5)
    assert first == written(tmp_path / "b", 3, 5)
    assert first != written(tmp_path / "c", 4, 5)
    assert written(tmp_path / "d", 3, 9).startswith(first)


def test_styled_letters_come_on_top(tmp_path):
    plain, both = written(tmp_path / "a", 3, 4), written(tmp_path / "b", 3, 4, styled=6)
    assert both.startswith(plain)
    assert both == written(tmp_path / "c", 3, 4, styled=6) != written(tmp_path / "d", 5, 4, styled=6)
    assert len(read_lines(tmp_path / "b")) == 10


def test_none_is_allowed_and_leaves_a_file(tmp_path):
    assert written(tmp_path / "a", 3, 0) == b""
    assert read_lines(tmp_path / "a") == {}


def test_no_letter_of_the_documents_is_among_them(chain):
    texts = {letter.text for letter in read_lines(chain / "documents.jsonl").values()}
    assert not texts & {letter.text for letter in read_lines(chain / "synthetic.jsonl").values()}
