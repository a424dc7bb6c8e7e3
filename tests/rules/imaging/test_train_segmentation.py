"""Same weights on rerun, disjoint validation cases, best epoch kept, wrong labels refused."""

import json

import imaging_steps
import pandas as pd
import pytest
import train_segmentation


def test_rerun_gives_the_same_weights(chain, tmp_path):
    imaging_steps.train(chain, tmp_path)
    for name in ("weights.pt", "model.json", "history.tsv"):
        assert (tmp_path / name).read_bytes() == (chain / "model" / name).read_bytes(), name


def test_model_says_what_it_is(chain):
    said = json.loads((chain / "model/model.json").read_text())
    assert not set(said["training_cases"]) & set(said["validation_cases"])
    assert len(said["training_cases"]) + len(said["validation_cases"]) == 4
    history = pd.read_csv(chain / "model/history.tsv", sep="\t").set_index("epoch")["dice_lesion"]
    assert history[said["best_epoch"]] == history.max()


def test_card_says_what_the_model_is(chain):
    text, said = (chain / "model/card.md").read_text(), json.loads((chain / "model/model.json").read_text())
    history = pd.read_csv(chain / "model/history.tsv", sep="\t").set_index("epoch")["dice_lesion"]
    assert said["weights_sha256"] in text
    assert f"| lesion | {history[said['best_epoch']]:.3f} |" in text
    assert f"{len(said['training_cases'])} cases" in text and "not for decisions about a patient" in text


def test_labels_without_a_name(chain, tmp_path, monkeypatch):
    monkeypatch.setitem(imaging_steps.NETWORK, "label_names", {"1": "lesion", "2": "other"})
    with pytest.raises(ValueError, match=r"network.label_names has \[1, 2\]"):
        imaging_steps.train(chain, tmp_path)


def test_split_needs_both_parts():
    with pytest.raises(ValueError, match="leave no training or no validation case"):
        train_segmentation.split_cases(["a", "b"], 0.1, 1)
