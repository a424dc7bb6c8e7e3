"""A transformer that the user brings: a folder with its digest in the config, read from disk only.

Any model for token classification that `transformers` reads will do. Weights are read as safetensors, so that nothing
in the folder is executed, and nothing is asked of a network.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from kimedlib.problems import InputProblems, Problem
from kimedlib.text_layers import Found
from kimedlib.text_model_data import LABELS, Span
from kimedlib.text_tokens import Token, tokenize

COMMAND = "(cd FOLDER && find . -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum)"
"""What prints `digest_of` in a shell."""
LONGEST_WINDOW, OVERLAP = 512, 64
Piece = tuple[int, int, np.ndarray]
"""Offsets of a word piece, and the probability of each of the model's tags."""
Score = Callable[[str], list[Piece]]


def _stop(file: str, place: str, found: str, remedy: str) -> InputProblems:
    return InputProblems([Problem(file, place, found, remedy)])


def digest_of(folder: Path) -> str:
    """SHA-256 of the lines that `sha256sum` writes of all files of a folder, sorted by name.

    Raises
    ------
    InputProblems
        No folder, empty, or with links: what they lead to may change.
    """
    if not folder.is_dir():
        raise _stop(str(folder), "", "is no folder with a model", "correct detection.plugin.folder")
    entries = sorted(folder.rglob("*"), key=lambda path: f"./{path.relative_to(folder).as_posix()}".encode())
    links = [path for path in entries if path.is_symlink()]
    if links:
        raise _stop(str(links[0]), "", "is a link", "put the file itself there (cp -rL)")
    total = hashlib.sha256()
    files = [path for path in entries if path.is_file()]
    if not files:
        raise _stop(str(folder), "", "is empty", "put the model there")
    for path in files:
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        total.update(f"{digest}  ./{path.relative_to(folder).as_posix()}\n".encode())
    return total.hexdigest()


def check_digest(folder: Path, pinned: str) -> None:
    """Compare a folder with the digest of the config.

    Raises
    ------
    InputProblems
        As `digest_of`; another digest.
    """
    found = digest_of(folder)
    if found != pinned:
        remedy = f"see what changed, then set detection.plugin.sha256; {COMMAND}"
        raise _stop(str(folder), "", f"has the SHA-256 {found}, pinned is {pinned}", remedy)


def categories(folder: Path, labels: Mapping[str, str | None]) -> list[str]:
    """Our category of each of the model's tags, `` for none, in their order.

    Tags are those of `id2label` in config.json, with or without `B-` and the like before them. `labels` maps them; one
    that is a category itself needs no entry; null means that it is no identifier.

    Raises
    ------
    InputProblems
        No config.json, no label map in it, tags without category, categories that are none.
    """
    file = folder / "config.json"
    try:
        named = json.loads(file.read_text(encoding="utf-8"))["id2label"]
        tags = [str(named[str(number)]) for number in range(len(named))]
    except (OSError, ValueError, KeyError, TypeError):
        remedy = "export the model with its label map (id2label in config.json)"
        raise _stop(str(file), "key id2label", "has no label map that can be read", remedy) from None
    found, problems = [], []
    for tag in tags:
        name = tag[2:] if tag[:2] in ("B-", "I-", "E-", "S-", "L-", "U-") else tag
        category = labels.get(name, "" if name == "O" else name)
        if category and category not in LABELS:
            said, remedy = f"tag '{name}' stands for no category", "give it one, or null, in detection.plugin.labels"
            problems.append(Problem(str(file), "key id2label", said, remedy))
        found.append(category or "")
    if not problems and not any(found):
        problems.append(
            Problem(str(file), "key id2label", "no tag stands for a category", "set detection.plugin.labels")
        )
    if problems:
        raise InputProblems(sorted(set(problems)))
    return found


def load(folder: Path, tags: int) -> Score:
    """The model as a function from text to word pieces with probabilities.

    Raises
    ------
    InputProblems
        `transformers` or `torch` is not installed; a folder that they cannot read, or without safetensors.
    """
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    try:
        import torch
        import transformers
    except ImportError as error:
        remedy = (
            "install torch and transformers (envs/text_plugin.yaml names versions), or set detection.plugin to null"
        )
        raise _stop("detection.plugin", "", f"needs the package {error.name}, which is missing", remedy) from None
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    try:
        options = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), use_fast=True, **options)
        model = transformers.AutoModelForTokenClassification.from_pretrained(
            str(folder), use_safetensors=True, **options
        )
    except Exception as error:  # noqa: BLE001 - whatever a wrong folder makes of the library
        said = f"is no model for token classification that can be read ({type(error).__name__})"
        raise _stop(str(folder), "", said, "save it with save_pretrained: config, tokenizer, safetensors") from None
    if not tokenizer.is_fast or model.config.num_labels != tags:
        remedy = "save both with save_pretrained"
        raise _stop(str(folder), "", "has no fast tokenizer, or not one output per tag", remedy)
    model.eval()
    return lambda text: _pieces(text, tokenizer, model)


def _pieces(text: str, tokenizer: Any, model: Any) -> list[Piece]:
    """Windows of a text; where two overlap, each piece is taken from the window that sees more around it."""
    import torch

    longest = min(LONGEST_WINDOW, int(getattr(model.config, "max_position_embeddings", LONGEST_WINDOW)))
    options = {"truncation": True, "max_length": longest, "stride": min(OVERLAP, longest // 4)}
    windows = tokenizer(text, return_overflowing_tokens=True, return_offsets_mapping=True, **options)
    best: dict[tuple[int, int], tuple[int, np.ndarray]] = {}
    for ids, offsets in zip(windows["input_ids"], windows["offset_mapping"], strict=True):
        with torch.no_grad():
            chances = model(input_ids=torch.tensor([ids])).logits[0].softmax(-1).numpy()
        for number, (begin, end) in enumerate(offsets):
            around = min(number, len(offsets) - number)
            if begin < end and around > best.get((begin, end), (-1, chances))[0]:
                best[begin, end] = (around, chances[number])
    return [(begin, end, chances) for (begin, end), (_, chances) in sorted(best.items(), key=lambda one: one[0])]


def spans_over(text: str, pieces: Sequence[Piece], names: Sequence[str], least: float) -> list[Found]:
    """Spans of words whose probability to be any identifier is at least `least`.

    Parameters
    ----------
    pieces
        Word pieces in order; a word is as suspicious as its most suspicious piece.
    names
        Category of each tag, `` for none.
    """
    inside = np.array([bool(name) for name in names])
    words: list[tuple[Token, str, float]] = []
    start = 0
    for token in tokenize(text):
        while start < len(pieces) and pieces[start][1] <= token.begin:
            start += 1
        number, best = start, ("", 0.0)
        while number < len(pieces) and pieces[number][0] < token.end:
            chances = pieces[number][2]
            chance = float(chances[inside].sum())
            if chance > best[1]:
                best = (names[int(np.argmax(np.where(inside, chances, -1.0)))], chance)
            number += 1
        if best[1] >= least and not token.is_break:
            words.append((token, *best))
    return _joined(text, words)


def _joined(text: str, words: Sequence[tuple[Token, str, float]]) -> list[Found]:
    """Words of one category with only blanks between them are one span, but no two lines; without punctuation at its
    ends, confidence is the mean.
    """
    groups = [[word] for word in words[:1]]
    for (left, kind, _), word in pairwise(words):
        between = text[left.end : word[0].begin]
        if kind == word[1] and not between.strip() and "\n" not in between:
            groups[-1].append(word)
        else:
            groups.append([word])
    found = []
    for group in groups:
        solid = [number for number, (token, *_) in enumerate(group) if token.form.isalnum()]
        if solid:
            kept = group[solid[0] : solid[-1] + 1]
            span = Span(kept[0][0].begin, kept[-1][0].end, kept[0][1])
            found.append((span, float(np.mean([chance for *_, chance in kept]))))
    return found
