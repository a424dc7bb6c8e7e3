from pathlib import Path


def read_counts(path):
    lines = (line.split("\t") for line in Path(path).read_text().splitlines())
    return {word: int(count) for word, count in lines}
