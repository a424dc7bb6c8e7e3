# ruff: noqa: E501 - tables of sentences, words and expressions are read by line
"""Identifiers that their form gives away, with check digits where the form has them."""

import re
from collections.abc import Iterator
from datetime import date

MONTH = (
    r"(?:Jan(?:uar|uary)?|Jänner|Feb(?:ruar|er|ruary)?|März|Mär|Mrz|March|Apr(?:il)?|Mai|May|Jun[ie]?|Jul[iy]?|Aug(?:ust)?"
    r"|Sep(?:t|tember)?|O[kc]t(?:ober)?|Nov(?:ember)?|De[zc](?:ember)?)"
)
DAY, MONTH_NUMBER, YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:(?:19|20)\d{2}|\d{2})"
UPPER = r"[^\W\d_a-zß-öø-ÿ]"
PARTICLE = r"(?:von|van|de|der|den|dem|zu|zur|zum|dos|da|di|la|al|el)"
WORD_NAME = rf"{UPPER}[^\W\d_]+(?:[-'’]{UPPER}[^\W\d_]+)*"
FULL_NAME = rf"(?:{UPPER}\.[ \t]?){{0,2}}(?:{PARTICLE}[ \t])*{WORD_NAME}(?:[ \t](?:{UPPER}\.[ \t])?(?:{PARTICLE}[ \t])*{WORD_NAME}){{0,2}}"
TITLE = (
    r"\b(?:(?:o\.[ \t]?)?(?:Univ\.?[ \t-]*|Priv\.?[ \t-]*)?(?:Prof|DDr|Dr|Drs|Dra|Drª|Doz|Mag|Prim|PD|(?:Universitäts)?[Pp]rofessor(?:in)?)\b\.?(?:in\b)?"
    r"(?:[ \t-]?(?:med|univ|univer|univers|habil|h\.c|rer|nat|mult|phil|dent)\b\.?)*[ \t]*){1,8}"
)
NO_NAME = r"(?!(?:Ltd|O[AÄ]\b|Ass|Fach|Kolleg|Dr\b|Prof|Doktor|Patient|Mag\b|PD\b|Priv|Univ|Doz|OA\b|Ober|Prim))"
UNITS = r"(?:mg|ml|g|cm|mm|IE|µg|kg|%|mmHg|kcal|Uhr|x|Tage?n?|Wochen?|Monate?n?|Stunden?|h|min)"
PATTERNS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("date_full", "DATE", re.compile(rf"(?<![\d.,/]){DAY}\.\s?{MONTH_NUMBER}\.\s?{YEAR}(?![\d/]|[.,]\d)")),
    ("date_iso", "DATE", re.compile(r"(?<![\d-])(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)")),
    ("date_slash", "DATE", re.compile(rf"(?<![\d/]){DAY}/{MONTH_NUMBER}/(?:19|20)\d{{2}}(?!\d)")),
    ("date_words", "DATE", re.compile(rf"(?<!\d){DAY}\.?\s{{0,2}}{MONTH}\.?\s{{0,2}}(?:19|20)\d{{2}}(?!\d)")),
    ("month_year", "DATE", re.compile(rf"\b{MONTH}\.?\s+(?:(?:19|20)\d{{2}}|'\d{{2}})(?!\d)")),
    ("month_slash", "DATE", re.compile(rf"(?<![\d/.,]){MONTH_NUMBER}/(?:(?:19|20)\d{{2}}|\d{{2}})(?![\d/%]|[.,]\d|\s*(?:mmHg|mg))")),
    ("day_month", "DATE", re.compile(rf"(?<![\d.,/]){DAY}\.\s?{MONTH_NUMBER}\.(?!\s?\d)")),
    ("year", "DATE", re.compile(r"(?<![\d.,/-])(?:19[2-9]\d|20[0-6]\d)(?![\d/]|[.,]\d|\s?(?:ml|mg|g|cm|mm|IE|µg|kcal)\b)")),
    ("email", "CONTACT_EMAIL", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("url", "CONTACT_URL", re.compile(r"(?:https?://|www\.)[^\s<>()]+[^\s<>().,;]")),
    ("phone", "CONTACT_PHONE", re.compile(
        r"(?<![\d.,/-])(?:\+\d{2}[ \t/()-]*(?:\(?0\)[ \t]*)?|\(?0)\d{1,5}\)?[ \t/-]{1,3}\d[\d \t/-]{2,14}\d(?![\d.,]\d|/\d)")),
    ("zip_city", "LOCATION_ZIP", re.compile(r"(?<![\d.,/-])(?:(?:D|A|CH)-)?\d{4,5}(?=\s+(?:Bad\s|St\.\s|Sankt\s)?[A-ZÄÖÜ][a-zäöüß]{2})")),
    ("street", "LOCATION_STREET", re.compile(
        r"\b[A-ZÄÖÜ][\w.]*(?:[ -](?:[A-ZÄÖÜ][\w.]*|der|den|dem|am|an)){0,2}?(?:stra(?:ß|ss|s|ß)e|strße|str\.|gasse|weg|platz|allee|ring|ufer|damm|pfad"
        r"|[ -](?:Stra(?:ß|ss)e|Str\.|Gasse|Weg|Platz|Allee|Ring|Ufer|Damm))\.?[ \t]\d{1,3}[ \t]?[a-z]?\b")),
    ("month_short_year", "DATE", re.compile(rf"\b{MONTH}\.?\s+\d{{2}}(?![\d.,:])")),
    ("month_name", "DATE", re.compile(r"\b(?:Januar|Jänner|Februar|März|April|Juni|Juli|August|September|Oktober|November|Dezember)\b")),
    ("month_range", "DATE", re.compile(rf"(?<![\d/.,-]){MONTH_NUMBER}(?=\s?[-–]\s?{MONTH_NUMBER}/(?:20)?\d{{2}}(?!\d))")),
    ("day_range", "DATE", re.compile(rf"(?<![\d.,]){DAY}\.(?=\s*(?:[-–]|bis(?:\szum)?|und|/)\s*{DAY}\.\s?(?:{MONTH_NUMBER}\.|{MONTH}))")),
    ("title", "NAME_TITLE", re.compile(TITLE)),
    ("title_name", "NAME_DOCTOR", re.compile(rf"{TITLE}{NO_NAME}(?P<hit>{FULL_NAME})")),
    ("salutation_name", "NAME_PATIENT", re.compile(
        rf"\b(?:Herrn?|Frau|Hr\.|Fr\.|Hrn\.)[ \t]+(?:(?:Kollegin|Kollege|Kollegen)[ \t]+)?(?:{TITLE})?{NO_NAME}(?P<hit>{FULL_NAME}|{UPPER}\.)")),
    ("signature_name", "NAME_DOCTOR", re.compile(
        rf"(?:Grü(?:ß|ss)en?|gez\.?|MfG)[^\n]{{0,40}}\n(?:[^\n]{{0,20}}\n){{0,3}}?[ \t]*(?P<hit>{UPPER}[\w.-]+[ \t]{FULL_NAME})[ \t]*(?=\n|$|\()")),
    ("street_prefix", "LOCATION_STREET", re.compile(
        rf"\b(?:Am|Im|An der|An den|Auf der|Auf dem|Zum|Zur)[ \t](?!{MONTH}){UPPER}[\w-]+[ \t]\d{{1,3}}[ \t]?[a-z]?\b(?![.,:]\d|[ \t]?{UNITS}\b|\.)")),
    ("street_word", "LOCATION_STREET", re.compile(rf"\b{UPPER}[\w-]*(?:straße|strasse|gasse|allee)\b(?![ \t]\d)")),
    ("id_after", "ID", re.compile(
        r"(?:[Nn]ummer|\b\w*-?[Nn][rR]|\bID|\bPID|\bPIZ|\bFN|\bMRN|[Zz]ahl|Zeichen|Histologie)\b\.?[ \t]*[:(]?[ \t]*(?P<hit>[A-Z]{0,3}[-.]?\d[\w/.-]{2,}\w)")),
    ("ward", "ID", re.compile(
        r"\b(?:Station|Stat\.|Zimmer|Zi\.?|Bett|Ambulanz)[ \t]*:?[ \t]*(?P<hit>(?:[A-Z]{1,4}[ -]?)?\d{1,4}[A-Za-z]?|[A-Z]{2,5}-?\d{1,2})(?![\w.,]\d|\d)")),
    ("age", "AGE", re.compile(r"(?<![\d.,/-])(?P<hit>[1-9]\d{0,2})[ \t-]{0,2}(?:jährig\w*|jähr\.|j\.|J\.|[Jj]ahre?n?[ \t]alt|a\.?[ \t]alt|year)")),
    ("age_of", "AGE", re.compile(r"Alter[ \t]von[ \t](?:ca\.[ \t])?(?P<hit>\d{1,3})|(?<![\d.,])(?P<hit2>\d{1,3})\.?[ \t]{0,2}(?:Lj|LJ|Lebensj)")),
    ("ward_code", "ID", re.compile(
        r"\b(?:[Aa]uf(?: der| die)?|Station|Stat\.)[ \t]+(?!BWK|LWK|HWK|SWK)(?P<hit>[A-ZÄÖÜ]{2,5}-?\d{1,2}[A-Z]?)(?![\w.,]\d|\d)")),
    ("ward_side", "LOCATION_HOSPITAL", re.compile(r"\b(?:Station|Stat\.|[Dd]er|[Dd]ie|[Aa]uf)[ \t]+(?P<hit>\d{1,2}[ \t]?(?:Nord|Süd|Ost|West)\b)")),
    ("department_code", "ID", re.compile(
        r"(?:logie|chirurgie|pädie|iatrie|Innere|Ambulanz)[ \t]+(?P<hit>[A-Z]{1,3}-?\d{1,3})(?![\w.,]\d|\d)")),
    ("age_word", "AGE", re.compile(
        r"\b(?P<hit>(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun|elf|zwölf|[^\W\d_]*zehn|[^\W\d_]*[zßf]ig))(?=[ -]?jährig)", re.IGNORECASE)),
    ("age_died", "AGE", re.compile(r"\bmit[ \t]+(?P<hit>\d{2,3})(?=[ \t]+(?:an|verstorben|gestorben)\b)")),
    ("vocative", "NAME_DOCTOR", re.compile(rf"\b(?:[Ll]iebe[rs]?|[Ww]erte[rs]?|[Hh]allo)[ \t]+{NO_NAME}(?!Herr|Frau)(?P<hit>{FULL_NAME})(?=[ \t]*[!,])")),
    ("teaching", "LOCATION_HOSPITAL", re.compile(
        rf"(?:[Aa]kademisches[ \t]+)?Lehrkrankenhaus\s+(?:der|des)[ \t]+{UPPER}[^\n,;:]{{3,60}}")),
    ("hospital_short", "LOCATION_HOSPITAL", re.compile(
        rf"\b(?:[A-ZÄÖÜ]{{0,3}}KH|UK[A-ZÄÖÜ]{{0,2}}|MVZ)[ \t]{UPPER}[^\W\d_]+(?:-{UPPER}\w+)*|\bKlinikum[ \t][A-ZÄÖÜ]{{2,3}}\b")),
    ("university", "LOCATION_ORGANIZATION", re.compile(
        rf"\b(?:{UPPER}\w+-)*(?:Universität|Hochschule|Gymnasium)[ \t]{UPPER}[\w-]+|\b(?:{UPPER}\w+-)+(?:Universität|Hochschule|Gymnasium)\b")),
    ("profession_after", "PROFESSION", re.compile(
        rf"\b(?:[Gg]elernte[rn]?|von[ \t]Beruf|Beruf:|(?:arbeite\w*|tätig)[ \t]als)[ \t]+(?P<hit>{UPPER}[\w-]+)")),
    ("hospital", "LOCATION_HOSPITAL", re.compile(
        rf"\b(?:(?:{UPPER}\w+(?:isches|ischen|ische)|Städt\.|St\.|Sankt)[ \t-])*(?:{UPPER}[\w.]*-)*\w*(?:[Kk]linikum|[Kk]linik|KLINIK(?:UM)?|[Kk]rankenhaus|[Ss]pital|LKH|AKH"
        rf"|\bKH|[Zz]entrum|[Pp]raxis|[Hh]ospital)(?:e?s)?(?:[ \t](?:(?:der|des|für|am|im|zu|in|an der|und|St\.|Sankt)[ \t])*{UPPER}[\w-]+){{0,4}}")),
)  # fmt: skip
KVNR = re.compile(r"(?<![A-Za-z0-9])[A-Z]\d{9}(?!\d)")
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,4})?(?![A-Za-z0-9])")
TAX = re.compile(r"(?<![\d.,])\d{2}\s?\d{3}\s?\d{3}\s?\d{3}(?![\d.,]\d|\d)")
LANR = re.compile(r"(?<![\d.,])\d{9}(?!\d)")
AUSTRIAN = re.compile(r"(?<![\d.,])\d{4}[\s/-]?\d{6}(?!\d)")
ICD = re.compile(r"(?<![A-Za-z0-9])[A-TV-Z]\d{2}(?:\.\d{1,2})?[+*!]?(?:\s?[GVZA])?(?![A-Za-z0-9-])")


def is_kvnr(value: str) -> bool:
    """Check digit of a German health insurance number (§ 290 SGB V): letter as two digits, weights 1 2, cross sums mod 10."""
    if not re.fullmatch(r"[A-Z]\d{9}", value):
        return False
    digits = f"{ord(value[0]) - 64:02d}{value[1:9]}"
    total = sum(sum(divmod(int(digit) * (1 + index % 2), 10)) for index, digit in enumerate(digits))
    return total % 10 == int(value[9])


def is_iban(value: str) -> bool:
    """ISO 13616: the rearranged number modulo 97 is 1."""
    compact = re.sub(r"\s", "", value)
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", compact):
        return False
    return int("".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4])) % 97 == 1


def is_tax_id(value: str) -> bool:
    """German tax identification number: ISO 7064 MOD 11,10 over ten digits, the first not 0, one digit there twice or thrice."""
    digits = re.sub(r"\s", "", value)
    if not re.fullmatch(r"[1-9]\d{10}", digits):
        return False
    counts = sorted((digits[:10].count(digit) for digit in set(digits[:10])), reverse=True)
    if counts[0] not in (2, 3) or counts[1:2] == [2] or counts[1:2] == [3]:
        return False
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_lanr(value: str) -> bool:
    """Physician number of the KBV: weights 4 and 9 over six digits, the seventh is the check digit."""
    if not re.fullmatch(r"\d{9}", value):
        return False
    total = sum(int(digit) * (4, 9)[index % 2] for index, digit in enumerate(value[:6]))
    return (10 - total % 10) % 10 == int(value[6])


def is_austrian_insurance_number(value: str) -> bool:
    """Austrian social insurance number: weights 3 7 9 5 8 4 2 1 6 modulo 11 is the fourth digit; then a birth date."""
    digits = re.sub(r"[\s/-]", "", value)
    if not re.fullmatch(r"[1-9]\d{9}", digits) or not 1 <= int(digits[4:6]) <= 31 or not 1 <= int(digits[6:8]) <= 15:
        return False
    body = digits[:3] + digits[4:]
    return sum(
        int(digit) * weight for digit, weight in zip(body, (3, 7, 9, 5, 8, 4, 2, 1, 6), strict=True)
    ) % 11 == int(digits[3])


CHECKED = ((KVNR, is_kvnr, "kvnr"), (IBAN, is_iban, "iban"), (TAX, is_tax_id, "tax"), (LANR, is_lanr, "lanr"),
           (AUSTRIAN, is_austrian_insurance_number, "svnr"))  # fmt: skip


def valid_date(year: int, month: int, day: int) -> bool:
    """Whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def pattern_hits(text: str) -> Iterator[tuple[int, int, str, str]]:
    """(begin, end, label, name) of every hit, patterns in their order; hits of different patterns may overlap.

    Numbers with a valid check digit come as label `ID`; what looks like an ICD-10 code as label `` (no identifier).
    """
    for pattern, check, name in CHECKED:
        for match in pattern.finditer(text):
            if check(match[0]):
                yield match.start(), match.end(), "ID", name
    for name, label, pattern in PATTERNS:
        for match in pattern.finditer(text):
            group = next((one for one in ("hit", "hit2") if one in pattern.groupindex and match[one]), 0)
            end = match.start(group) + len(match[group].rstrip())
            yield match.start(group), end, label, name
    for match in ICD.finditer(text):
        yield match.start(), match.end(), "", "icd"
