# ruff: noqa: E501 - tables of expressions are read by line
"""Identifiers of English letters (United States, United Kingdom) that their form or the words around them give away.

A layer of its own (`text_layers`): the tagger learns from German letters and does not see these patterns. Sources of
forms: NANP (numbers), Ofcom and Royal Mail PAF (UK numbers, postcodes), SSA (SSN), NHS Data Dictionary (NHS number,
modulus 11), 45 CFR 162.406 (NPI, Luhn with prefix 80840).
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from kimedlib.text_gazetteers import gazetteers, zipf
from kimedlib.text_language import English
from kimedlib.text_layers import Found, add
from kimedlib.text_lexicon import TRAPS
from kimedlib.text_model_data import Span, trimmed

SURE, LIKELY, POSSIBLE = 0.98, 0.9, 0.5
LEAST = {"precision": 0.95, "balanced": 0.8, "safe": 0.0}
"""Confidence from which on a span counts, per operating point."""
MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
DAY, YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:19|20)\d{2}"
NTH = r"(?:st|nd|rd|th)"
CAP = r"[A-ZÀ-ÖØ-Þ](?:[a-zß-öø-ÿ]+|['’][A-Z][a-z]+)(?:[A-Z][a-z]+)?(?:[-'’][A-Z][a-z]+)*"
PARTICLE = r"(?:van|von|de|der|den|la|le|da|di|del|al|el|bin|ter|ten|St\.)"
LOWEST = r"(?:The|This|That|He|She|His|Her|They|It|We|You|Thank|Please|Dear|Re|Date|Patient|Review|Reviewed|Clinic|Unit|Ward|Room|Department|Hospital|On|In|At|And|Or|Of|To|With|From|For|Is|Was|Has|Seen|Discharge|Admission|Office|Medical|History|Diagnosis|Assessment|Plan|No|Not|Name|DOB|MRN|Age|Sex|Phone|Tel|Fax|Address|Consultant|Surgeon|Physician|Attending|Resident|Signed|Dictated|Electronically)\b"
ONE = rf"(?!{LOWEST}){CAP}"
NAME = rf"(?:(?:[A-Z]\.?[ \t]){{0,2}}(?:{PARTICLE}[ \t]){{0,2}}{ONE})(?:[ \t]+(?:[A-Z]\.?[ \t]+)?(?:{PARTICLE}[ \t]){{0,2}}{ONE}){{0,2}}"
FULL = rf"(?:(?:[A-Z]\.?[ \t]+){{1,2}}(?:{PARTICLE}[ \t]){{0,2}}{ONE}|{ONE}(?:[ \t]+[A-Z]\.?)?(?:[ \t]+(?:{PARTICLE}[ \t]){{0,2}}{ONE}){{1,2}})"
LISTED = rf"{CAP},[ \t]*{CAP}(?:[ \t]+(?:[A-Z]\b\.?|{CAP}))?|{NAME}"
SHOUTED = r"[A-Z][A-Z'’-]{2,}(?:,[ \t]*|[ \t]+)[A-Z][A-Z'’-]{2,}(?:[ \t]+[A-Z]\b\.?)?"
DEGREE = r"(?:M\.?D\.?|D\.?O\.?|MBBS|MBChB|MRCP|FRCP|FRCS|MRCGP|FRCR|R\.?N\.?|N\.?P\.?|PA-C|Ph\.?D\.?|DPM|PharmD|CRNP|LCSW|FACS|FACP)(?![A-Za-z])"
STREET_END = r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Close|Crescent|Gardens|Square|Sq|Row|Hill|Parkway|Pkwy|Highway|Hwy|Grove|Mews|Walk|Rise|Circle|Trail)\b\.?"
STATE = r"(?:A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[TA]|W[AVIY])"
POSTCODE = r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y]) ?\d[ABD-HJLNP-UW-Z]{2})\b"
HOSPITAL_END = r"(?:Hospitals?|Medical Cent(?:er|re)|Health (?:Cent(?:er|re)|System|Board)|Infirmary|Clinic|Hospice|Surgery|Medical Practice|Nursing Home|Care Home|Rehabilitation Cent(?:er|re)|NHS (?:Foundation )?Trust|Healthcare|Cancer Cent(?:er|re)|Medical Group)"
PLACE = rf"(?!{MONTH})(?!{LOWEST}){CAP}(?:[ \t](?:{CAP}|upon|on|under|of)(?=[ \t]?))?"
KIN = r"(?:wife|husband|spouse|partner|son|daughter|mother|father|sister|brother|niece|nephew|aunt|uncle|cousin|grandson|granddaughter|grandmother|grandfather|boyfriend|girlfriend|fianc[eé]e?|roommate|carer|caregiver|guardian|next of kin)"
TENS = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
TITLED = r"\b(?:Dr|Drs|Prof|Professor|Doctor)\b\.?[ \t]+(?:(?:Dr|Prof)\.?[ \t]+)?"
NUMBERED = r"(?:Number|No|Num|ID|#)\b\.?"

PATTERNS: tuple[tuple[str, float, re.Pattern[str]], ...] = tuple((label, sure, re.compile(text)) for label, sure, text in (
    ("DATE", SURE, rf"\b{MONTH}[ \t]*{DAY}{NTH}?,?[ \t]+{YEAR}(?!\d)|(?<!\d){DAY}{NTH}?[ \t]+(?:of[ \t]+)?{MONTH},?[ \t]+{YEAR}(?!\d)"),
    ("DATE", SURE, rf"(?<!\d){DAY}[-/.]{MONTH}[-/.](?:{YEAR}|\d{{2}})(?!\d)|(?<![\d-]){YEAR}-(?:0[1-9]|1[0-2])-{DAY}(?!\d)"),
    ("DATE", SURE, rf"(?<![\d/.-])(?:(?:0?[1-9]|1[0-2])([/.-]){DAY}|{DAY}([/.-])(?:0?[1-9]|1[0-2]))(?:(?:/|-|\.)(?:{YEAR}|\d{{2}}))(?![\d/-]|\.\d)"),
    ("DATE", SURE, rf"\b{MONTH},?[ \t]+(?:of[ \t]+)?{YEAR}(?!\d)"),
    ("DATE", LIKELY, rf"\b(?!May[ \t]\d+(?:[ \t]?%|[ \t]mg)){MONTH}[ \t]+{DAY}{NTH}?(?![\d:%/]|[.,]\d|[ \t]?(?:mg|ml|mm|%))|(?<![\d./]){DAY}{NTH}?[ \t]+(?:of[ \t]+)?{MONTH}(?![a-z])"),
    ("DATE", LIKELY, rf"\b(?i:in|since|until|till|from|by|before|after|during|circa|of|year|for|to|and|early|late|mid)[ \t-]+(?P<hit>{YEAR})(?![\d/-]|\.\d|[ \t]?(?:m[gl]|ml|kcal|units|steps|g|IU)\b)"),
    ("DATE", LIKELY, r"\b(?:on|On|until|since|by|from|of)[ \t]+(?P<hit>(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01]))(?![\d/]|[ \t]?(?:strength|power|mm|edema|murmur))"),
    ("DATE", LIKELY, rf"\b(?i:in|last|since|until|early|late|by|this|from|of|mid)[ \t]+(?P<hit>(?!Ma(?:y|r)[ \t](?:be|have)\b){MONTH})(?![ \t]*\d|-)"),
    ("DATE", POSSIBLE, rf"(?<![\d.,/-]){YEAR}(?![\d/-]|[.,]\d|[ \t]?(?:m[gl]|ml|kcal|units|steps|g|IU)\b)"),
    ("CONTACT_EMAIL", SURE, r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"),
    ("CONTACT_URL", SURE, r"(?:https?://|www\.)[^\s<>()]+[^\s<>().,;]"),
    ("CONTACT_FAX", SURE, r"\b(?i:fax|facsimile)\b(?:[ \t](?:no|number))?\.?[ \t]*[:#]?[ \t]*(?P<hit>\+?[\d(][\d \t().-]{6,18}\d)"),
    ("CONTACT_PHONE", SURE, r"(?<![\d.-])(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\)[ .-]?|[2-9]\d{2}[.-])[2-9]\d{2}[ .-]\d{4}(?:[ \t]*(?:x|ext\.?)[ \t]*\d{1,5})?(?![\d-])"),
    ("CONTACT_PHONE", SURE, r"(?<![\d.-])(?:\+44[ \t]?(?:\(0\)[ \t]?)?|\(?0)(?:[127]\d{1,4}|20|3\d{2}|800)\)?[ \t-]?\d{3,4}[ \t-]?\d{3,6}(?![\d-]|\.\d)"),
    ("CONTACT_PHONE", LIKELY, r"\b(?i:phone|tel(?:ephone)?|cell|mobile|pager|beeper|bleep|ext(?:ension)?|contact(?: number)?|call)\b\.?[ \t]*(?:no\.?|number)?[ \t]*[:#]?[ \t]*(?:at[ \t]+|on[ \t]+)?(?P<hit>\+?[\d(][\d \t().-]{2,18}\d)(?![.,]\d|[ \t]?(?:mg|%|ml|days|times|hours))"),
    ("ID", SURE, r"\b(?i:MRN|medical record|hospital|NHS|SSN|social security|account|acct|accession|patient|case|chart|unit|policy|member|insurance|licen[cs]e|DEA|NPI|GMC|NMC|specimen|encounter|visit|CHI|CRN|device serial|serial|record|file|lab|report|study|sample|MPI|registration|passport)[ \t]*(?:(?i:number|no|num|id|record number)\b\.?|#)?[ \t]*[:#]?[ \t]*(?P<hit>(?=[\w/-]*\d)[A-Z]{0,4}[-/]?\d[\w/-]{2,}(?:[ \t]\d{3,4}){0,2})(?![.,]\d)"),
    ("ID", LIKELY, rf"\b(?:{NUMBERED}|ID|Ref|Reference)[ \t]*[:#]?[ \t]*(?P<hit>(?=[\w/-]*\d)[A-Z]{{0,4}}[-/]?\d[\w/-]{{3,}})(?![.,]\d)"),
    ("ID", LIKELY, r"\b(?:Room|Rm|Bed|Bay|Ward)\b\.?[ \t]*[:#]?[ \t]*(?P<hit>[A-Z]{0,2}-?\d{1,4}[A-Z]?\b)(?![.,]\d|[ \t]?%)"),
    ("AGE", SURE, r"(?<![\d.,/-])(?P<hit>\d{1,3})[ \t-]*(?i:year|yr)s?[ \t-]*(?i:old\b|of[ \t]age\b)|(?<![\d.,/-])(?P<hit2>\d{1,3})[ \t-]?(?:y/?o\b|y\.o\.)"),
    ("AGE", SURE, r"\b(?i:aged?)[ \t]*(?:of|is|was|:)?[ \t]*(?P<hit>\d{1,3})(?![\d.,/-]\d|\d|[ \t]*(?:mg|ml|%|-))|(?i:at the age of|age at \w+)[ \t:]+(?P<hit2>\d{1,3})\b"),
    ("AGE", LIKELY, rf"\b(?P<hit>(?i:(?:{TENS}(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one[ -])?hundred(?:[ -](?:and[ -])?\w+)?)))(?=[ -]years?[ -]old)"),
    ("LOCATION_STREET", SURE, rf"(?<![\d.,/-])(?:(?:Flat|Apt\.?|Apartment|Unit|Suite)[ \t]\w+,[ \t])?\d{{1,5}}[A-Za-z]?,?[ \t](?:(?:[NSEW]\.?|North|South|East|West|Old|New)[ \t])?(?:{CAP}[ \t]){{1,3}}{STREET_END}(?:,?[ \t](?:Apt|Apartment|Suite|Ste|Unit|Flat|\#)\.?[ \t]?\#?\w+)?"),
    ("LOCATION_STREET", SURE, r"\bP\.?[ \t]?O\.?[ \t]Box[ \t]\d+"),
    ("LOCATION_CITY", SURE, rf"(?P<hit>{CAP}(?:[ \t](?:{CAP}|upon|on|under)){{0,2}}),[ \t]*(?={STATE}[ \t,]+\d{{5}}\b)"),
    ("LOCATION_OTHER", SURE, rf"(?<=, )(?P<hit>{STATE})(?=[ \t,]+\d{{5}}\b)"),
    ("LOCATION_ZIP", SURE, rf"\b{STATE}[ \t,]+(?P<hit>\d{{5}}(?:-\d{{4}})?)(?!\d)|\b(?P<hit2>{POSTCODE})"),
    ("LOCATION_CITY", LIKELY, rf"(?P<hit>(?!{STREET_END}){CAP}(?:[ \t](?:{CAP}|upon|on|under)){{0,2}}),?[ \t\n]+(?={POSTCODE})"),
    ("LOCATION_CITY", LIKELY, rf"\b(?i:lives|lived|living|resides|residing|resident|residence|moved|relocated|brought in|came|comes|arrived|presents|presented|drove|woman|man|gentleman|lady|male|female|student|born|raised|grew up|native|travel(?:l?ed|ling)?|trip|visit(?:ed|ing)?|vacation|works|originally|brought up|transferred)\b[ \t]+(?:alone[ \t]+|with[ \t][\w \t]{{2,20}}[ \t])?(?:in|of|to|from|near|at|outside)[ \t]+(?P<hit>{PLACE})(?![ \t]*(?:Street|Road|Avenue|Lane|Hospital|Clinic|Infirmary|Medical|Nursing|Care|House))"),
    ("LOCATION_HOSPITAL", LIKELY, rf"\b(?:(?:{CAP}|St\.?|Royal)(?:['’]s)?[ \t](?:and[ \t]|of[ \t](?:the[ \t])?|[&][ \t])?){{1,5}}{HOSPITAL_END}(?:[ \t]of[ \t]{CAP}(?:[ \t]{CAP})?)?|\bHospital of [A-Z]\w+(?:[ \t]{CAP})?"),
    ("LOCATION_ORGANIZATION", LIKELY, rf"\b(?:University|College|School|Church|City|County) of {CAP}(?:[ \t]{CAP})?|\b(?:{CAP}[ \t]){{1,3}}(?:University|College|High School|Elementary School|Primary School|Academy|Inc|LLC|Ltd|Corporation|Council)\b\.?"),
    ("PROFESSION", LIKELY, r"\b(?i:works?|worked|working|employed|trained)[ \t]as[ \t](?:an?|the)[ \t](?P<hit>[a-z]+(?:[ -][a-z]+)?(?<!for)(?<!in)(?<!at)(?<!and)(?<!until)(?<!with))(?=[ \t.,;\n]|$)|\b(?i:occupation|profession)[ \t]*:[ \t]*(?:[Rr]etired[ \t])?(?P<hit2>[A-Za-z]+(?:[ -][a-z]+)?)"),
    ("PROFESSION", LIKELY, r"\b[Rr]etired[ \t](?P<hit>(?!in|from|and|at|on|due|early|since|after|but|because|last|with|to|for|now|who|he|she|when|person|patient|gentleman|man|woman|lady|as\b)[a-z]{3,}(?:[ -](?:driver|worker|officer|engineer|teacher|nurse|manager|operator|clerk|assistant|dealer|owner|keeper))?)"),
    ("NAME_TITLE", SURE, r"\b(?:Dr|Drs|Prof|Professor|Doctor)\b\.?(?=[ \t]+[A-Z])"),
    ("NAME_DOCTOR", SURE, rf"{TITLED}(?P<hit>{NAME})"),
    ("NAME_DOCTOR", LIKELY, rf"{TITLED}{NAME}(?:,?[ \t]and[ \t]|,[ \t]|/)(?:Drs?\.?[ \t])?(?P<hit>{NAME})(?![ \t]*(?:Hospital|Clinic|disease))"),
    ("NAME_PATIENT", SURE, rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Master|Messrs)\b\.?[ \t]+(?P<hit>{NAME}|[A-Z]\.(?![A-Za-z])|[A-Z]{{3,}}(?:[ \t][A-Z]{{3,}})?)"),
    ("NAME_DOCTOR", SURE, rf"\b(?P<hit>{FULL}|{SHOUTED}),?[ \t]+{DEGREE}"),
    ("NAME_TITLE", LIKELY, rf"\b(?:{FULL}|{SHOUTED}),?[ \t]+(?P<hit>{DEGREE}(?:,[ \t]+{DEGREE})*)"),
    ("NAME_DOCTOR", SURE, rf"\b(?i:dictated by|transcribed by|electronically signed by|signed by|signed|authenticated by|reported by|read by|attending(?: physician)?|resident(?: physician)?|surgeon|assistant surgeon|anesthesiologist|anaesthetist|referring (?:physician|doctor)|primary care (?:physician|provider)|PCP|GP|consultant|named nurse|nurse|pathologist|radiologist|physiotherapist|social worker|provider|cc|copy to)[ \t]*:[ \t]*(?:{TITLED})?(?P<hit>{LISTED}|{SHOUTED})"),
    ("NAME_DOCTOR", LIKELY, rf"(?i:sincerely|regards|faithfully|truly|wishes),?[ \t]*\n(?:[^\n]{{0,30}}\n){{0,3}}?[ \t]*(?:{TITLED})?(?P<hit>{FULL})[ \t]*(?=\n|$|,|\()"),
    ("NAME_PATIENT", SURE, rf"(?m:^|[;|\t])[ \t]*(?i:patient(?:'s)?(?: name)?|name(?: of patient)?|re|regarding|client|full name|surname|forename|first name|last name|known as)[ \t]*:[ \t]*(?:(?:Mr|Mrs|Ms|Miss)\.?[ \t]+)?(?P<hit>{LISTED}|{SHOUTED})"),
    ("NAME_RELATIVE", LIKELY, rf"\b(?i:{KIN})(?:[ \t](?:is|was|called|named))?[ \t]*[,:(]?[ \t]*(?:(?:Mr|Mrs|Ms|Miss|Dr)\.?[ \t]+)?(?P<hit>{NAME})(?!['’]s[ \t](?:disease|syndrome))"),
    ("NAME_RELATIVE", LIKELY, rf"(?P<hit>{NAME})(?=,[ \t](?:her|his|their|my|the patient['’]s)[ \t](?:\w+[ \t])?{KIN}\b)"),
    ("NAME_PATIENT", LIKELY, rf"\b(?:gentleman|lady|man|woman|male|female|boy|girl|baby|infant|child)\b,?[ \t]+(?:named[ \t]+|called[ \t]+)?(?P<hit>{FULL})"),
    ("NAME_OTHER", LIKELY, rf"\b(?i:emergency contact|contact|interpreter|informant|witness|friend|neighbou?r|pastor|lawyer|caretaker)[ \t]*[:,]?[ \t]+(?:is[ \t]+)?(?:(?:Mr|Mrs|Ms|Miss)\.?[ \t]+)?(?P<hit>{FULL})"),
    ("NAME_PATIENT", LIKELY, rf"\bDear[ \t](?!Dr|Prof|Colleague|Sir|Madam|Mr|Ms|Miss|Doctor|Team|All|Patient)(?P<hit>{NAME})(?=[ \t]*[,:\n])"),
    ("NAME_PATIENT", LIKELY, rf"(?P<hit>{FULL})[ \t]*(?=[,(][ \t]*(?i:DOB|born|date of birth|aged?[ \t]\d|a[ \t]\d{{1,3}}[ -]year|MRN|NHS))"),
    ("NAME_PATIENT", LIKELY, rf"(?m:^)[ \t]*(?P<hit>{CAP},[ \t]+{CAP}(?:[ \t]+[A-Z]\b\.?)?)(?=[ \t]{{2,}}|\t|[ \t]+[A-Z]?\d{{5,}}|[ \t]*\n[ \t]*(?:DOB|MRN))"),
    ("NAME_PATIENT", LIKELY, rf"\b(?:Pt|[Pp]atient)\b\.?:?[ \t]+(?P<hit>{FULL})"),
    ("ID", POSSIBLE, r"(?<![\w.,/-])(?:[A-Z]{1,3}-?\d{5,}|\d{6,})(?:-\d{1,4})?(?![\w/-]|[.,]\d)"),
    ("NAME_PATIENT", POSSIBLE, rf"(?m:^)(?P<hit>{FULL})(?=[ \t]+(?:is|was)[ \t]an?[ \t](?:\w+[ \t])?\d{{1,3}}[ -]year)"),
))  # fmt: skip
NUMBER_10 = re.compile(r"(?<![\d.+-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d-]|\.\d)")
SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
UNUSUAL = 2.0
"""Zipf frequency below which a word is hardly one."""
DRUG = re.compile(
    r"(?:ine|ol|ide|ate|one|pril|m[ai]b|nib|cin|lin|zole|vir|tan|[pz]am|statin|ium|xin|tin|lix|gliptin|parin|oxaban|azide|caine|phen|dil|mycin|cillin)$"
)
EPONYM_TAIL = re.compile(
    r"(?:['’]s?)?[ \t]+(?:disease|syndrome|lymphoma|palsy|sign|signs|test|tests|score|scale|criteria|catheter|procedure|phenomenon|reflex|classification|grade|stage|esophagus|oesophagus|contracture|fracture|hernia|ulcer|tumou?r|sarcoma|thyroiditis|ophthalmopathy|cells?|bodies|law|triad|method|line|drain|tube|clamp|forceps|manoeuvre|maneuver|position|index|formula|coma|neuroma|chorea|encephalopathy|duct|gland|node|nodes|virus)\b"
)


def is_nhs_number(value: str) -> bool:
    """Modulus 11: weights 10 to 2 over nine digits; 11 minus the remainder is the tenth, 11 stands for 0, 10 for none."""
    digits = re.sub(r"\D", "", value)
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    check = (11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11) % 11
    return check == int(digits[9])


def is_npi(value: str) -> bool:
    """US National Provider Identifier: 10 digits, the first 1 or 2, Luhn with 80840 before them."""
    if not re.fullmatch(r"[12]\d{9}", value):
        return False
    doubled = [sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed("80840" + value))]
    return sum(doubled) % 10 == 0


CHECKS: tuple[Callable[[str], bool], ...] = (is_nhs_number, is_npi)


def _hits(text: str) -> Iterator[Found]:
    for match in SSN.finditer(text):
        yield Span(match.start(), match.end(), "ID"), SURE
    for match in NUMBER_10.finditer(text):
        if any(check(match[0]) for check in CHECKS):
            yield Span(match.start(), match.end(), "ID"), SURE
    for label, sure, pattern in PATTERNS:
        for match in pattern.finditer(text):
            group = next((one for one in ("hit", "hit2") if one in pattern.groupindex and match[one]), 0)
            span = trimmed(Span(match.start(group), match.end(group), label), text)
            if span and not (label.startswith("NAME_") and EPONYM_TAIL.match(text, span.end)):
                yield span, sure


@cache
def _common(word: str) -> bool:
    return zipf(word, "en") >= 4.3


def _pairs(text: str) -> Iterator[Found]:
    """A given name of a list before a capitalised word that is not common: somebody who was not introduced."""
    first = gazetteers().first
    for match in re.finditer(rf"(?P<a>{CAP})[ \t]+(?:[A-Z]\.?[ \t]+)?(?P<b>{ONE})", text):
        given, family = match["a"].casefold(), match["b"].casefold()
        if given in first and not _common(family) and not EPONYM_TAIL.match(text, match.end()):
            yield Span(match.start(), match.end(), "NAME_OTHER"), POSSIBLE if _common(given) else LIKELY


def _unusual(text: str) -> Iterator[Found]:
    """Capitalised words within sentences that are in lists of names and not common, or in no dictionary and no drug."""
    lists = gazetteers()
    for match in re.finditer(rf"(?<=[a-z,;] )(?P<hit>{CAP})\b(?![ \t]+\d+[ \t]?(?:mg|mcg|g|ml|units)\b)", text):
        word = match[0].casefold().removesuffix("'s").removesuffix("’s")
        named = word in lists.first or word in lists.last
        strange = zipf(word, "en") < UNUSUAL and not DRUG.search(word)
        if (
            (strange or (named and not _common(word)))
            and word not in TRAPS
            and not EPONYM_TAIL.match(text, match.end())
        ):
            yield Span(match.start(), match.end(), "NAME_OTHER"), POSSIBLE


def _again(text: str, found: list[Found]) -> Iterator[Found]:
    """Other places of the words of a name: `Mr. Tavrick`, then `Tavrick` or `TAVRICK` alone."""
    known: dict[str, tuple[str, float]] = {}
    for span, sure in found:
        if span.label.startswith("NAME_") and span.label != "NAME_TITLE":
            for word in re.findall(r"[^\W\d_]{3,}", text[span.begin : span.end]):
                if word[0].isupper() and not (_common(word.casefold()) and sure < SURE):
                    known.setdefault(word.casefold(), (span.label, min(sure, LIKELY)))
    for match in re.finditer(r"\b[A-Z][^\W\d_]{2,}(?=\b|['’]s)", text):
        if match[0].casefold() in known and not EPONYM_TAIL.match(text, match.end()):
            label, sure = known[match[0].casefold()]
            yield Span(match.start(), match.end(), label), POSSIBLE if _common(match[0].casefold()) else sure


def english_spans(text: str, where: English) -> list[Found]:
    """Identifiers within the English parts of a text, in order, without overlaps; surest first where they compete."""
    found: list[Found] = []
    parts = where.parts(text)
    for begin, end in parts:
        part = text[begin:end]
        hits = [*_hits(part), *_pairs(part), *_unusual(part)]
        for span, sure in sorted(hits, key=lambda one: (-one[1], one[0].begin, -one[0].end)):
            add(found, Span(span.begin + begin, span.end + begin, span.label), sure, text)
    for span, sure in list(_again(text, found)):
        if any(begin <= span.begin and span.end <= end for begin, end in parts):
            add(found, span, sure, text)
    return found
