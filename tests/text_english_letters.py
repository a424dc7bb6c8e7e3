# ruff: noqa: E501 - tables of sentences are read by line
"""Invented English letters with planted identifiers and trap words.

Names of persons and towns are put together from syllables and are in no list that the workflow uses. `A` are styles that
patterns were developed with, `B` such that were read once, late; `C` and `D` were
written before they were first run; patterns were changed after C was read, and not since D was run.
"""

import random
import re
from datetime import date, timedelta

from kimedlib.text_gazetteers import gazetteers, zipf
from kimedlib.text_model_data import Letter, Span

SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
HEADS = (
    "Tav",
    "Oss",
    "Quen",
    "Mor",
    "Das",
    "Ilv",
    "Brax",
    "Wend",
    "Yar",
    "Zeph",
    "Cald",
    "Fenn",
    "Gris",
    "Hux",
    "Jor",
    "Lund",
    "Nev",
    "Pell",
    "Rusk",
    "Sorv",
    "Thal",
    "Vex",
    "Kest",
    "Dru",
)
TAILS = (
    "rick",
    "ian",
    "nby",
    "wen",
    "htor",
    "era",
    "ley",
    "ovic",
    "amir",
    "esh",
    "ondo",
    "uffe",
    "asko",
    "ingay",
    "ulle",
    "adze",
    "orth",
    "imba",
    "elius",
    "onka",
    "eford",
    "ubin",
)
TOWNS = ("Harrowgate Mill", "Brackenfold", "Ossleton", "Wyndmere Cross", "Tarnholt", "Quillsby", "Fennaway", "Drosket")
STREETS = (
    "Oak Hill Road",
    "Larkspur Lane",
    "Quarry Street",
    "Old Mill Avenue",
    "Fennel Close",
    "Juniper Court",
    "Harbour Terrace",
    "Ridge Blvd",
)
HOSPITALS = (
    "Thornvale General Hospital",
    "St. Agnes Medical Center",
    "Brackenfold Infirmary",
    "Wyndmere Community Clinic",
    "Royal Tarnholt Hospital",
    "Ossleton Valley Health Center",
)
JOBS = ("carpenter", "bus driver", "school teacher", "welder", "librarian", "farmer", "plumber", "nurse")
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
TRAPS = (
    "Parkinson's disease", "Crohn's disease", "Hodgkin lymphoma", "Foley catheter", "Bell's palsy", "Graves' disease",
    "Down syndrome", "Glasgow Coma Scale 15", "Apgar 9", "Murphy's sign", "Babinski", "Marfan syndrome", "Wilson disease",
    "Lyme disease", "Hartmann's procedure", "Cushing syndrome", "Raynaud phenomenon", "Barrett's esophagus", "Addison's disease",
    "aspirin 81 mg", "metoprolol 25 mg", "blood pressure 128/76", "5/5 strength", "hemoglobin 13.2", "Augmentin", "Lasix 40 mg",
    "ejection fraction 55", "creatinine 1.1", "L4-L5", "T2N1M0", "grade 3/6 murmur", "Dupuytren's contracture", "May-Thurner syndrome",
)  # fmt: skip
A = (
    "{hospital:LOCATION_HOSPITAL}\n{street:LOCATION_STREET}, {town:LOCATION_CITY}, {state:LOCATION_OTHER} {zip:LOCATION_ZIP}\nPhone: {usphone:CONTACT_PHONE}  Fax: {usphone:CONTACT_FAX}\n\nDISCHARGE SUMMARY\n\nPatient: {last:NAME_PATIENT}, {first:NAME_PATIENT}\nMRN: {mrn:ID}\nDOB: {usdate:DATE}\nAdmitted: {usdate:DATE}   Discharged: {usdate:DATE}\nAttending: {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}, {md:NAME_TITLE}\n\nHISTORY: Mr. {last:NAME_PATIENT} is a {age:AGE}-year-old retired {job:PROFESSION} who lives in {town:LOCATION_CITY} with his wife {kin:NAME_RELATIVE}. He was admitted on {longdate:DATE} with chest pain and has {trap} and {trap}.\n\nMEDICATIONS: {trap}, {trap}.\n\nFollow up with {drt:NAME_TITLE} {dlast:NAME_DOCTOR} on {monthday:DATE}. Call {usphone:CONTACT_PHONE} with questions.\n\nElectronically signed by: {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}, {md:NAME_TITLE} {usdate:DATE} 14:32\n",
    "{hospital:LOCATION_HOSPITAL}\n{street:LOCATION_STREET}\n{town:LOCATION_CITY} {postcode:LOCATION_ZIP}\nTel {ukphone:CONTACT_PHONE}\n\n{ukdate:DATE}\n\nNHS No: {nhs:ID}\n\nDear {drt:NAME_TITLE} {olast:NAME_DOCTOR},\n\nRe: {first:NAME_PATIENT} {last:NAME_PATIENT}, DOB {slashdate:DATE}\n\nThank you for referring this {age:AGE} year old {job}, whom I saw in clinic on {ukdate:DATE}. {She} has a history of {trap} and {trap}. Mrs {last:NAME_PATIENT} told me that her daughter {kin:NAME_RELATIVE} has {trap}. On examination there was {trap}.\n\nI will see her again in {month:DATE}. \n\nYours sincerely,\n\n\n{dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}\nConsultant Neurologist\n",
    "EMERGENCY DEPARTMENT NOTE\n{last:NAME_PATIENT}, {first:NAME_PATIENT}   {mrn:ID}\nDate of service: {usdate:DATE}\nPCP: {drt:NAME_TITLE} {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}\n\nThe patient is a {age:AGE} y/o who presents after a fall. Patient's SSN {ssn:ID}. She works as a {job:PROFESSION} and was brought in from {town:LOCATION_CITY}. No history of {trap}. {trap}. CT was read by {drt:NAME_TITLE} {olast:NAME_DOCTOR}.\nEmergency contact: {kin:NAME_OTHER} {last:NAME_OTHER}, {usphone:CONTACT_PHONE}, {email:CONTACT_EMAIL}\nDiscussed with {dlast:NAME_DOCTOR}, who agrees.\n",
)
B = (
    "CARDIOLOGY CONSULTATION\n\nName: {first:NAME_PATIENT} {last:NAME_PATIENT}\nAccount #: {mrn:ID}\nBirth date: {longdate:DATE}\nReferring physician: {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}\n\nMs. {last:NAME_PATIENT} is an {age:AGE}-year-old woman from {town:LOCATION_CITY}, known to have {trap}, seen at {hospital:LOCATION_HOSPITAL} since {year:DATE}. Her son {kin:NAME_RELATIVE} accompanied her. She used to work as a {job:PROFESSION}. Father had {trap} at the age of {age:AGE}.\n\nECHO ({usdate:DATE}): {trap}.\n\nPLAN\n1. Continue {trap}.\n2. {last:NAME_PATIENT} will return on {monthday:DATE}.\n\nThank you for the opportunity to see {first:NAME_PATIENT}.\n\nBest regards,\n{dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}, {md:NAME_TITLE}\npager {pager:CONTACT_PHONE}\ncc: {drt:NAME_TITLE} {ofirst:NAME_DOCTOR} {olast:NAME_DOCTOR}\n",
    "{hospital:LOCATION_HOSPITAL} NHS Trust\nWard {ward:ID}\n\nNursing handover, {ukdate:DATE}\n\nPt {first:NAME_PATIENT} {last:NAME_PATIENT}, hospital number {mrn:ID}, aged {age:AGE}, under the care of {proft:NAME_TITLE} {dlast:NAME_DOCTOR}. Admitted from {street:LOCATION_STREET}, {town:LOCATION_CITY}, {postcode:LOCATION_ZIP}. Next of kin: {kin:NAME_RELATIVE} {last:NAME_RELATIVE} (husband) {ukphone:CONTACT_PHONE}. Obs stable, {trap}. {trap} noted. Miss {last:NAME_PATIENT} was reviewed by {drt:NAME_TITLE} {olast:NAME_DOCTOR} and {drt:NAME_TITLE} {dlast:NAME_DOCTOR} this morning. For discharge on {slashdate:DATE}. Known {trap}.\nSigned: {ofirst:NAME_DOCTOR} {olast:NAME_DOCTOR}, {rn:NAME_TITLE}\n",
    "RADIOLOGY REPORT\nPatient name: {last:NAME_PATIENT}, {first:NAME_PATIENT} {initial:NAME_PATIENT}\nMedical Record Number {mrn:ID}    Accession No. {mrn:ID}\nExam date: {dashdate:DATE}\nOrdering provider: {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR} {md:NAME_TITLE}\n\nCLINICAL HISTORY: {age:AGE} yo with {trap}, s/p {trap}.\nCOMPARISON: {monthyear:DATE} and {usdate:DATE}.\nFINDINGS: No fracture. {trap}.\nFindings were discussed with {drt:NAME_TITLE} {dlast:NAME_DOCTOR} by telephone at {usphone:CONTACT_PHONE} on {longdate:DATE}.\n\nDictated by: {drt:NAME_TITLE} {ofirst:NAME_DOCTOR} {olast:NAME_DOCTOR}\n",
    "To whom it may concern,\n\nI am writing on behalf of my patient {first:NAME_PATIENT} {last:NAME_PATIENT} (born {ukdate:DATE}), who has been under my care for {trap} since {monthyear:DATE}. He moved to {town:LOCATION_CITY} in {year:DATE} and is employed as a {job:PROFESSION}. Last winter Mr {last:NAME_PATIENT} developed {trap}; {drt:NAME_TITLE} {ofirst:NAME_DOCTOR} {olast:NAME_DOCTOR} of {hospital:LOCATION_HOSPITAL} saw him. His brother, {kin:NAME_RELATIVE}, can be reached at {email:CONTACT_EMAIL}. I can be reached on {ukphone:CONTACT_PHONE}.\n\nYours faithfully,\n\n{drt:NAME_TITLE} {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}\n{street:LOCATION_STREET}\n{town:LOCATION_CITY}\n{postcode:LOCATION_ZIP}\n",
)
C = (
    "GERIATRIC ASSESSMENT\n\nThis {age:AGE} year old gentleman, {first:NAME_PATIENT} {last:NAME_PATIENT}, was referred by his GP {drt:NAME_TITLE} {dlast:NAME_DOCTOR} because of {trap}. A retired {job:PROFESSION}, he has lived in {town:LOCATION_CITY} since {year:DATE}. His daughter {kin:NAME_RELATIVE} ({ukphone:CONTACT_PHONE}) helps with shopping. Past history includes {trap} in {monthyear:DATE}. On {ukdate:DATE} {last:NAME_PATIENT} fell at home at {street:LOCATION_STREET}, {postcode:LOCATION_ZIP}.\n\nPlan: {trap}; review by {proft:NAME_TITLE} {olast:NAME_DOCTOR} at {hospital:LOCATION_HOSPITAL} on {slashdate:DATE}.\n\nWith best wishes\n\n{dfirst:NAME_DOCTOR} {olast:NAME_DOCTOR}\nSpecialist Registrar to {proft:NAME_TITLE} {olast:NAME_DOCTOR}\n",
    "OPERATIVE REPORT\n\nPATIENT: {last:NAME_PATIENT}, {first:NAME_PATIENT}          MED REC #: {mrn:ID}\nDATE OF OPERATION: {usdate:DATE}\nSURGEON: {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}, {md:NAME_TITLE}\nASSISTANT: {ofirst:NAME_DOCTOR} {olast:NAME_DOCTOR}, PA-C\n\nINDICATIONS: {first:NAME_PATIENT} is a {age:AGE}-year-old {job} with {trap}. Risks were discussed with Mr. {last:NAME_PATIENT} and his wife, {kin:NAME_RELATIVE}.\n\nPROCEDURE: {trap}. Estimated blood loss 50 ml. Specimen {mrn:ID} was sent.\n\nThe patient was transferred to {hospital:LOCATION_HOSPITAL} on {monthday:DATE}. Questions to {drt:NAME_TITLE} {dlast:NAME_DOCTOR}'s office, {usphone:CONTACT_PHONE}.\n",
    "Progress note {dashdate:DATE}\n\nS: Ms {last:NAME_PATIENT} feels better today. She tells me that she grew up in {town:LOCATION_CITY} and worked as a {job:PROFESSION} until {year:DATE}. No {trap}.\nO: {trap}. {trap}.\nA/P: Discussed with {drt:NAME_TITLE} {dlast:NAME_DOCTOR} and with {kin:NAME_RELATIVE}, her husband, who can be reached at {usphone:CONTACT_PHONE} or {email:CONTACT_EMAIL}. Will call {drt:NAME_TITLE} {olast:NAME_DOCTOR} before {longdate:DATE}.\n{dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR} {md:NAME_TITLE}, {usdate:DATE}, 09:15\n",
)
D = (
    "Hospice intake\n\nClient: {first:NAME_PATIENT} {last:NAME_PATIENT}\nIntake date {longdate:DATE}\n\n{first:NAME_PATIENT} was transferred to us from {hospital:LOCATION_HOSPITAL} after a long course with {trap}. Home address is {street:LOCATION_STREET}, {town:LOCATION_CITY}, {state:LOCATION_OTHER} {zip:LOCATION_ZIP}. The family, especially {kin:NAME_RELATIVE}, would like visits in the evening. Before retirement {last:NAME_PATIENT} had been a {job:PROFESSION}. At {age:AGE} years of age, comfort is the goal. {trap} as needed. Our chaplain {ofirst:NAME_OTHER} {olast:NAME_OTHER} will visit on {monthday:DATE}. Orders by {dfirst:NAME_DOCTOR} {dlast:NAME_DOCTOR}, {md:NAME_TITLE}; on-call number {usphone:CONTACT_PHONE}.\n",
    "PHYSIOTHERAPY SUMMARY\n\nName: {last:NAME_PATIENT} {first:NAME_PATIENT}     D.O.B.: {slashdate:DATE}     NHS: {nhs:ID}\n\nI treated {first:NAME_PATIENT} between {month:DATE} and {monthyear:DATE} for {trap}. Sessions were arranged by {drt:NAME_TITLE} {dlast:NAME_DOCTOR}, {hospital:LOCATION_HOSPITAL}. {She} cycles to {town:LOCATION_CITY} twice a week. {trap} on both sides. Discharged {ukdate:DATE}; {first:NAME_PATIENT} may self-refer, telephone {ukphone:CONTACT_PHONE}, {email:CONTACT_EMAIL}.\n\n{ofirst:NAME_DOCTOR} {olast:NAME_DOCTOR}\nSenior Physiotherapist, {town:LOCATION_CITY}\n",
)
GERMAN = "Sehr geehrte Kollegin, sehr geehrter Kollege,\n\nwir berichten über den Patienten, der sich bei uns in der Ambulanz vorstellte und der nach der Behandlung wieder nach Hause entlassen wurde.\n\n"


def invented(chance: random.Random) -> str:
    """A name in no list and no dictionary."""
    lists = gazetteers()
    while True:
        word = chance.choice(HEADS) + chance.choice(TAILS)
        low = word.casefold()
        if low not in lists.first and low not in lists.last and not zipf(low, "en"):
            return word


def _nhs(chance: random.Random) -> str:
    """A valid NHS number: the check digit is searched, not computed as the workflow does."""
    while True:
        digits = f"{chance.randrange(400_000_000, 799_999_999)}{chance.randrange(10)}"
        if sum(int(digit) * weight for digit, weight in zip(digits, range(10, 0, -1), strict=True)) % 11 == 0:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}"


def _values(chance: random.Random) -> dict[str, str]:
    """The patient, doctors and numbers that stay the same within a letter."""
    values = {name: invented(chance) for name in ("first", "last", "dfirst", "dlast", "ofirst", "olast", "kin")}
    return values | {"initial": chance.choice("ABCJKLMRT"), "She": "She"}


def _fresh(kind: str, chance: random.Random) -> str:
    day = date(1935, 1, 1) + timedelta(chance.randrange(32_000))
    month = MONTHS[day.month - 1]
    return {
        "usdate": f"{day.month:02d}/{day.day:02d}/{day.year}", "slashdate": f"{day.day:02d}/{day.month:02d}/{day.year}",
        "dashdate": f"{day.month}-{day.day}-{day.year}", "longdate": f"{month} {day.day}, {day.year}",
        "ukdate": f"{day.day} {month} {day.year}", "monthday": f"{month} {day.day}", "monthyear": f"{month} {day.year}",
        "month": month, "year": str(day.year), "age": str(chance.randrange(18, 99)),
        "mrn": chance.choice(("{}", "H{}", "{}-4")).format(chance.randrange(100_000, 9_999_999)), "nhs": _nhs(chance),
        "ssn": f"{chance.randrange(100, 665)}-{chance.randrange(10, 99)}-{chance.randrange(1000, 9999)}",
        "usphone": chance.choice(("({}) 555-{}", "{}-555-{}", "{}.555.{}")).format(chance.randrange(201, 989), f"01{chance.randrange(10, 99)}"),
        "ukphone": chance.choice(("020 7946 0{}", "01632 960{}", "07700 900{}", "+44 1632 960{}")).format(chance.randrange(100, 999)),
        "pager": str(chance.randrange(10_000, 99_999)), "zip": str(chance.randrange(10_000, 99_999)),
        "state": chance.choice(("IL", "OH", "TX", "MA", "CA")), "postcode": chance.choice(("LS1 4AP", "M14 5TQ", "SW1A 2AA", "EH3 9QG")),
        "street": f"{chance.randrange(1, 2000)} {chance.choice(STREETS)}", "town": chance.choice(TOWNS),
        "hospital": chance.choice(HOSPITALS), "job": chance.choice(JOBS), "trap": chance.choice(TRAPS), "md": chance.choice(("MD", "M.D.", "DO")),
        "rn": "RN", "drt": chance.choice(("Dr.", "Dr")), "proft": "Professor", "ward": f"{chance.randrange(1, 30)}{chance.choice('AB')}",
        "email": f"{invented(chance).lower()}@mail.example",
    }[kind]  # fmt: skip


def letter(seed: int, style: str) -> tuple[Letter, list[tuple[int, int]]]:
    """A letter of a template with its identifiers, and where its trap words stand."""
    chance = random.Random(f"{seed}{style[:40]}")
    values, text, spans, traps, last = _values(chance), "", [], [], 0
    for slot in SLOT.finditer(style):
        text += style[last : slot.start()]
        value = values.get(slot[1]) or _fresh(slot[1], chance)
        if slot[2]:
            spans.append(Span(len(text), len(text) + len(value), slot[2]))
        elif slot[1] == "trap":
            traps.append((len(text), len(text) + len(value)))
        text += value
        last = slot.end()
    return Letter(f"{seed}", text + style[last:], tuple(spans)), traps
