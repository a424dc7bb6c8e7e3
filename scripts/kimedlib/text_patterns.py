"""Identifiers that their form gives away, with check digits where the form has them."""

import re
from collections.abc import Iterator
from datetime import date

MONTH = (
    r"(?:Jan(?:uar|uary)?|Jänner|Feb(?:ruar|er|ruary)?|März|Mär|Mrz|March|Apr(?:il)?|Mai|May|Jun[ie]?|Jul[iy]?|Aug(?:ust)?"
    r"|Sep(?:t|tember)?|O[kc]t(?:ober)?|Nov(?:ember)?|De[zc](?:ember)?)"
)
DAY, MONTH_NUMBER, YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:(?:19|20)\d{2}|\d{2})"
PATTERNS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("date_full", "DATE", re.compile(rf"(?<![\d.,/]){DAY}\.\s?{MONTH_NUMBER}\.\s?{YEAR}(?![\d/]|[.,]\d)")),
    ("date_iso", "DATE", re.compile(r"(?<![\d-])(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)")),
    ("date_slash", "DATE", re.compile(rf"(?<![\d/]){DAY}/{MONTH_NUMBER}/(?:19|20)\d{{2}}(?!\d)")),
    ("date_words", "DATE", re.compile(rf"(?<!\d){DAY}\.?\s{{0,2}}{MONTH}\.?\s+(?:19|20)\d{{2}}(?!\d)")),
    ("month_year", "DATE", re.compile(rf"\b{MONTH}\.?\s+(?:(?:19|20)\d{{2}}|'\d{{2}})(?!\d)")),
    ("month_slash", "DATE", re.compile(rf"(?<![\d/.,-]){MONTH_NUMBER}/(?:(?:19|20)\d{{2}}|\d{{2}})(?![\d/.,%]|\s*(?:mmHg|mg))")),
    ("day_month", "DATE", re.compile(rf"(?<![\d.,/]){DAY}\.\s?{MONTH_NUMBER}\.(?!\s?\d)")),
    ("year", "DATE", re.compile(r"(?<![\d.,/-])(?:19[2-9]\d|20[0-6]\d)(?![\d/]|[.,]\d|\s?(?:ml|mg|g|cm|mm|IE|µg|kcal)\b)")),
    ("email", "CONTACT_EMAIL", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("url", "CONTACT_URL", re.compile(r"(?:https?://|www\.)[^\s<>()]+[^\s<>().,;]")),
    ("phone", "CONTACT_PHONE", re.compile(
        r"(?<![\d.,/-])(?:\+\d{2}[\s/()-]*(?:\(0\)\s*)?|\(?0)\d{1,5}\)?[\s/-]{1,3}\d[\d\s/-]{2,14}\d(?![\d.,]\d|/\d)")),
    ("zip_city", "LOCATION_ZIP", re.compile(r"(?<![\d.,/-])(?:(?:D|A|CH)-)?\d{4,5}(?=\s+(?:Bad\s|St\.\s|Sankt\s)?[A-ZÄÖÜ][a-zäöüß]{2})")),
    ("street", "LOCATION_STREET", re.compile(
        r"\b[A-ZÄÖÜ][\w.-]*(?:(?:\s|-)(?:[A-ZÄÖÜ][\w.-]*|der|den|dem|am|an))?(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|ring|ufer|damm"
        r"|[\s-](?:Stra(?:ß|ss)e|Str\.|Gasse|Weg|Platz|Allee|Ring|Ufer|Damm))\s\d{1,3}\s?[a-z]?\b")),
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
    return sum(int(digit) * weight for digit, weight in zip(body, (3, 7, 9, 5, 8, 4, 2, 1, 6), strict=True)) % 11 == int(digits[3])


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
            yield match.start(), match.end(), label, name
    for match in ICD.finditer(text):
        yield match.start(), match.end(), "", "icd"
