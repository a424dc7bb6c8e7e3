"""What the sequence model sees of each token: itself, its neighbours, its line, its section and its document."""

import re
from collections import defaultdict
from collections.abc import Sequence

from kimedlib.text_gazetteers import gazetteers, is_profession, name_likeness, zipf
from kimedlib.text_lexicon import BIRTH, ROLES, SALUTATIONS, TITLES, word_classes
from kimedlib.text_patterns import pattern_hits
from kimedlib.text_tokens import Token, chunk_shapes, sections, shape, tokenize

NAMED = re.compile(
    r"(?:Name|Patient(?:in)?|Pat\.|Nachname|Vorname|Familienname|Betr(?:eff|ifft)?\.?)\s*:?\s*$", re.IGNORECASE
)


def _own(token: Token, chunk: str) -> list[str]:
    """Features of one token by itself, without its surroundings."""
    form, word = token.form, token.form.casefold()
    found = [
        f"w={word}" if not word.isdecimal() or len(word) < 3 else f"w=#{len(word)}",
        f"s={shape(form)}",
        f"c={chunk}",
    ]
    if form.isalpha() and len(form) > 1:
        lists = gazetteers()
        found += [
            f"p2={word[:2]}",
            f"p3={word[:3]}",
            f"p4={word[:4]}",
            f"f2={word[-2:]}",
            f"f3={word[-3:]}",
            f"f4={word[-4:]}",
        ]
        frequency = zipf(word)
        found.append(f"z={int(frequency * 1.5)}")
        flags = "".join(
            letter for letter, words in (("F", lists.first), ("L", lists.last), ("P", lists.places)) if word in words
        )
        if flags:
            found += [f"g={flags}", f"gs={flags}{shape(form)}", f"gz={flags}{int(frequency)}"]
        elif form[0].isupper() and frequency < 3.5 and len(form) > 2:
            found.append(f"nl={_likeness(word)}")
        if word in lists.countries:
            found.append("k=country")
        if form[0].isupper() and is_profession(word):
            found.append("k=profession")
        found += [f"k={name}" for name in word_classes(word)]
        if word.endswith(
            ("burg", "dorf", "heim", "berg", "stadt", "hausen", "ingen", "kirchen", "bach", "feld", "furt")
        ):
            found.append("town-like")
    elif form.isdecimal():
        number = int(form)
        found.append(f"n={'day' if 0 < number <= 31 else 'year' if 1900 <= number <= 2070 else 'other'}{len(form)}")
        if 0 < number <= 12:
            found.append("month-like")
    return found


def _likeness(word: str) -> int:
    """Steps of half a unit of likeness to a name."""
    return max(-4, min(6, int(name_likeness(word) * 4)))


def _brief(token: Token) -> list[str]:
    """The part of a token's features that its neighbours see."""
    form, word = token.form, token.form.casefold()
    found = [f"w={word}" if not word.isdecimal() else f"w=#{len(word)}", f"s={shape(form)}"]
    if form.isalpha() and len(form) > 1:
        lists = gazetteers()
        flags = "".join(
            letter for letter, words in (("F", lists.first), ("L", lists.last), ("P", lists.places)) if word in words
        )
        if flags:
            found.append(f"g={flags}")
        elif form[0].isupper() and len(form) > 2 and zipf(word) < 3.5:
            found.append(f"nl={_likeness(word) > 0}")
        found += [f"k={name}" for name in word_classes(word)]
        found.append(f"z={int(zipf(word))}")
        found.append(f"f3={word[-3:]}")
    return found


def _patterns(text: str, tokens: Sequence[Token]) -> list[list[str]]:
    starts = {token.begin: index for index, token in enumerate(tokens)}
    result: list[list[str]] = [[] for _ in tokens]
    for begin, end, _, name in pattern_hits(text):
        index = starts.get(begin)
        place = "B"
        while index is not None and index < len(tokens) and tokens[index].begin < end:
            result[index].append(f"r={place}-{name}")
            index += 1
            place = "I"
    return result


def _lines(tokens: Sequence[Token]) -> tuple[list[str], list[list[int]]]:
    """For each token where in its line it stands; and the token numbers of every line that has any."""
    groups: dict[int, list[int]] = defaultdict(list)
    for index, token in enumerate(tokens):
        if not token.is_break:
            groups[token.line].append(index)
    where = ["break"] * len(tokens)
    for members in groups.values():
        for place, index in enumerate(members):
            where[index] = (
                "only"
                if len(members) == 1
                else "first"
                if place == 0
                else "last"
                if place == len(members) - 1
                else "in"
            )
    return where, [groups[line] for line in sorted(groups)]


def _evidence(text: str, tokens: Sequence[Token]) -> dict[str, set[str]]:
    """Words for which somewhere in the document something says that they name a person, a patient or a doctor."""
    found: dict[str, set[str]] = defaultdict(set)
    words = list(tokens)
    for index, token in enumerate(words):
        if not token.form.isalpha() or len(token.form) < 3 or not token.form[0].isupper():
            continue
        before = [other.form.casefold() for other in words[max(0, index - 3) : index]]
        after = [other.form.casefold() for other in words[index + 1 : index + 5]]
        word = token.form.casefold()
        if word in TITLES or word in SALUTATIONS or word in ROLES:
            continue
        if any(other in SALUTATIONS for other in before[-2:]):
            found[word].add("salutation")
        if any(other in TITLES for other in before[-2:]):
            found[word].add("title")
        if any(other in BIRTH for other in after):
            found[word].add("birth")
        if NAMED.search(text[max(0, token.begin - 24) : token.begin]):
            found[word].add("named")
        if before and before[-1].startswith("<") and index > len(words) * 0.8:
            found[word].add("signature")
    return found


def _window(index: int, brief: list[list[str]], hits: list[list[str]]) -> list[str]:
    """What up to four neighbours on both sides are like; the farther, the less is told."""
    row = []
    for distance in (-4, -3, -2, -1, 1, 2, 3, 4):
        other = index + distance
        if not 0 <= other < len(brief):
            row.append(f"{distance}=edge")
        elif abs(distance) <= 2:
            row += [f"{distance}{name}" for name in (*brief[other], *hits[other][:2])]
        else:
            row += [f"{distance}{name}" for name in brief[other] if name[:2] in ("w=", "k=", "g=")]
    return row


def features(text: str, tokens: Sequence[Token] | None = None) -> list[list[str]]:
    """Feature names per token.

    Returns
    -------
    list of lists of str
        One list per token of `tokenize(text)`.
    """
    tokens = tokenize(text) if tokens is None else tokens
    chunks = chunk_shapes(list(tokens))
    own = [_own(token, chunk) for token, chunk in zip(tokens, chunks, strict=True)]
    brief = [_brief(token) for token in tokens]
    hits = _patterns(text, tokens)
    where, lines = _lines(tokens)
    heads = sections(text)
    evidence = _evidence(text, tokens)
    counts: dict[str, int] = defaultdict(int)
    for token in tokens:
        counts[token.form.casefold()] += 1
    line_features = _line_features(tokens, lines, own, hits)
    total = max(1, len(tokens))
    result = []
    for index, token in enumerate(tokens):
        row = ["bias", *own[index], *hits[index], f"at={where[index]}", *line_features.get(token.line, ())]
        place = index / total
        row.append(
            f"doc={'head' if index < 60 else 'top' if place < 0.25 else 'foot' if total - index < 60 else 'body'}"
        )
        if token.line < len(heads) and heads[token.line]:
            row.append(f"sec={heads[token.line][:24]}")
        row += _window(index, brief, hits)
        if index:
            row.append(f"-1|0={brief[index - 1][0]}|{own[index][1]}")
            gap = text[tokens[index - 1].end : token.begin]
            row.append("glued-1" if not gap else "far-1" if "\t" in gap or len(gap) > 2 else "apart-1")
        if index + 1 < len(tokens):
            row.append(f"0|1={own[index][1]}|{brief[index + 1][0]}")
            row.append("glued+1" if tokens[index + 1].begin == token.end else "apart+1")
        if index > 1 and index + 1 < len(tokens):
            row.append(f"sss={shape(tokens[index - 1].form)}|{shape(token.form)}|{shape(tokens[index + 1].form)}")
            row.append(f"ss-2={shape(tokens[index - 2].form)}|{shape(tokens[index - 1].form)}|{shape(token.form)}")
        word = token.form.casefold()
        if token.form.isalpha() and len(token.form) > 2:
            row += [f"e={name}" for name in sorted(evidence.get(word, ()))]
            row.append(f"rep={min(counts[word], 3)}")
        result.append(row)
    return result


def _line_features(
    tokens: Sequence[Token], lines: list[list[int]], own: list[list[str]], hits: list[list[str]]
) -> dict[int, list[str]]:
    """What a line as a whole is like: its length and what it and its neighbours hold."""
    kinds = []
    for members in lines:
        held = {name for index in members for name in own[index] if name.startswith("k=")}
        held |= {f"r={name[4:]}" for index in members for name in hits[index] if name[2] == "B"}
        names = sum(any(name.startswith("g=") for name in own[index]) for index in members)
        kinds.append((len(members), held, names))
    result = {}
    for number, members in enumerate(lines):
        size, held, names = kinds[number]
        found = [f"len={min(size, 12) if size < 12 else 'long'}"]
        if size < 25:
            found += [f"line:{name}" for name in sorted(held)]
            found.append(f"line:names={min(names, 4)}")
        if number and kinds[number - 1][0] < 15:
            found += [f"above:{name}" for name in sorted(kinds[number - 1][1])]
        if number + 1 < len(lines) and kinds[number + 1][0] < 15:
            found += [f"below:{name}" for name in sorted(kinds[number + 1][1])]
        result[tokens[members[0]].line] = found
    return result
