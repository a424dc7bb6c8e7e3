"""A model of the user's: read from disk with its digest, its spans in all operating points that ask for so little."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import text_steps

from kimedlib.problems import InputProblems
from kimedlib.text_model_data import Letter, read_lines, write_lines
from kimedlib.text_plugin import digest_of

apply_plugin = text_steps.apply_plugin
WORDS = ("Zyxonat", "Quarbel", "Wotvin", "Mulkris", "Pentorv", "Grawesk")
FILLERS = ("der", "Patient", "kam", "heute", "mit", "Schmerzen", "und", "Fieber", "zur", "Aufnahme", ".", ",")


def tags_file(folder: Path, tags: dict[str, str]) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"id2label": tags}))


def apply(folder: Path, model: Path, names: list[str], sha256: str | None = None, least: float = 0.1) -> pd.DataFrame:
    apply_plugin.main(
        documents=folder / "documents.jsonl", folder=model, sha256=sha256 or digest_of(model),
        labels={"PER": "NAME_OTHER"}, least=least, found=folder / "plugin.tsv", names=names,
    )  # fmt: skip
    return pd.read_csv(folder / "plugin.tsv", sep="\t")


def planted(text: str) -> list[tuple[int, int, np.ndarray]]:
    """A scorer that knows one word, and is half sure of it."""
    begin = text.find("Diagnose")
    return [] if begin < 0 else [(begin, begin + 8, np.array([0.5, 0.5]))]


def test_spans_of_the_plugin_count_from_their_threshold_on(chain: Path, tmp_path: Path, monkeypatch):
    for name in ("model", "dial.json", "documents.jsonl", "sheet.tsv"):
        (tmp_path / name).symlink_to(chain / name)
    tags_file(tmp_path / "bert", {"0": "O", "1": "B-PER"})
    monkeypatch.setattr(apply_plugin, "load", lambda folder, tags: planted)
    names = text_steps.names(chain, "test", "new")
    letters = read_lines(chain / "documents.jsonl")
    given = apply(tmp_path, tmp_path / "bert", names)
    expected = [name for name in sorted(names) if "Diagnose" in letters[name].text]
    assert list(given["document"]) == expected and expected
    least = {"precision": 0.9, "balanced": 0.6, "safe": 0.5}
    text_steps.detect(tmp_path, plugin=tmp_path / "plugin.tsv", least=least)
    found, before = (pd.read_csv(path / "found.tsv", sep="\t") for path in (tmp_path, chain))
    for point in least:
        now, then = (set(zip(*[one[one["point"] == point][key] for key in ("document", "begin", "end")], strict=True))
                     for one in (found, before))  # fmt: skip
        added = {letters[name].text[begin:end] for name, begin, end in now - then}
        # whole words: what the scorer saw of `Diagnosen` is part of one
        assert bool(added) == (point == "safe") and added <= {"Diagnose", "Diagnosen"}
        assert not then - now


def test_another_digest_ends_it_before_anything_is_loaded(chain: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(apply_plugin, "load", lambda *_: pytest.fail("loaded a model of another digest"))
    tags_file(tmp_path / "bert", {"0": "O", "1": "PER"})
    (tmp_path / "documents.jsonl").symlink_to(chain / "documents.jsonl")
    with pytest.raises(InputProblems, match="pinned is 0000"):
        apply(tmp_path, tmp_path / "bert", [], "0" * 64)
    assert not (tmp_path / "plugin.tsv").exists()


def tiny_bert(folder: Path) -> None:
    """A BERT of two layers that learned in seconds to tell six invented names from common words."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *FILLERS]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=False)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(pieces), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, id2label={0: "O", 1: "B-PER"}, label2id={"O": 0, "B-PER": 1},
    )  # fmt: skip
    model = transformers.BertForTokenClassification(config)
    chance = np.random.default_rng(5)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        rows = [chance.choice(WORDS + FILLERS, 40) for _ in range(16)]
        ids = torch.tensor([tokenizer.convert_tokens_to_ids(list(row)) for row in rows])
        loss = model(input_ids=ids, labels=torch.tensor([[int(word in WORDS) for word in row] for row in rows])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def test_a_trained_transformer_finds_what_it_learned(tmp_path: Path):
    """Longer than the model's window of 64 pieces, so that windows have to be put together."""
    tiny_bert(tmp_path / "bert")
    chance = np.random.default_rng(8)
    words = list(chance.choice(WORDS + FILLERS[:10], 400))
    text = "".join(word + ("\n" if number % 9 == 8 else " ") for number, word in enumerate(words))
    write_lines([Letter("a", text)], tmp_path / "documents.jsonl")
    found = apply(tmp_path, tmp_path / "bert", ["a"], least=0.5)
    hidden = {place for begin, end in zip(found["begin"], found["end"], strict=True) for place in range(begin, end)}
    hit = miss = false = at = 0
    for word in words:
        inside = set(range(at, at + len(word))) <= hidden
        hit, miss = hit + (word in WORDS and inside), miss + (word in WORDS and not inside)
        false += word not in WORDS and bool(set(range(at, at + len(word))) & hidden)
        at += len(word) + 1
    assert miss == false == 0 and hit > 100
    # a pickled model would run code when it is read
    (tmp_path / "bert/model.safetensors").rename(tmp_path / "bert/pytorch_model.bin")
    with pytest.raises(InputProblems, match="no model for token classification"):
        apply(tmp_path, tmp_path / "bert", ["a"])


def test_it_is_loaded_without_a_network(tmp_path: Path, monkeypatch):
    """A folder without tokenizer must not send the library looking for one elsewhere."""
    pytest.importorskip("transformers")
    import socket

    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *place, **_: asked.append(place))
    tags_file(tmp_path / "bert", {"0": "O", "1": "PER"})
    write_lines([Letter("a", "Herr Ott")], tmp_path / "documents.jsonl")
    with pytest.raises(InputProblems, match="no model for token classification"):
        apply(tmp_path, tmp_path / "bert", ["a"])
    assert not asked and "transformers" in sys.modules
