def read_counts(path):
    with open(path) as handle:
        return {word: int(count) for word, count in (line.split("\t") for line in handle)}
