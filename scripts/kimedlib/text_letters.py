# ruff: noqa: E501 - tables of sentences, words and expressions are read by line
"""Invented clinical letters with planted identifiers: training material of the workflow, and truth of its tests.

Numbers with check digits are valid (KVNR, IBAN, Austrian insurance number), names are drawn from package lists, towns exist;
nobody is described.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from kimedlib import text_letters_parts as parts
from kimedlib.seeding import generator
from kimedlib.text_gazetteers import COUNTRIES, GERMAN, gazetteers, people
from kimedlib.text_model_data import Letter, Span
from kimedlib.text_patterns import is_austrian_insurance_number, is_iban, is_kvnr
from kimedlib.text_surrogates import COUNTRY_NAMES, ORGANISATIONS, PROFESSIONS, STREETS

SLOT = re.compile(r"\{(\w+)\}")
MONTHS = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
WEEKDAYS = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]


@dataclass(frozen=True)
class Person:
    """Who a letter is about: `sex` is female or male."""

    first: str
    last: str
    sex: str
    birth: date


class Writer:
    """Writes one letter; every letter has its own patient, doctors, habits of dates, and layout."""

    def __init__(self, seed: int, name: str, person: Person | None = None) -> None:
        self._random = generator(seed, "letters", name)
        self.text = ""
        self.spans: list[Span] = []
        foreign = self._random.random() < 0.25
        names = people(COUNTRIES if foreign else GERMAN)
        self._names = names
        self.sex = self.one(("female", "male"))
        self.first = self.one(names[self.sex])
        self.last = self._surname()
        self._day = date(2012, 1, 1) + timedelta(days=int(self._random.integers(0, 5000)))
        self._birth = self._day - timedelta(days=int(self._random.integers(400, 36000)))
        if person is not None:
            self.first, self.last, self.sex, self._birth = person.first, person.last, person.sex, person.birth
        self._form = self.one(
            (
                "{d:02}.{m:02}.{y}",
                "{d}.{m}.{y}",
                "{d:02}.{m:02}.{s:02}",
                "{d}.{m}.{s:02}",
                "{y}-{m:02}-{d:02}",
                "{d}. {M} {y}",
                "{d:02}/{m:02}/{y}",
            )
        )
        self._phone = self.one(
            ("0{a}/{b}", "0{a} {b}", "(0{a}) {b}", "+43 {a} {b}-{e}", "+49 {a} {b}", "0{a}-{b}", "0{a} / {b} - {e}")
        )
        self._hospital = self._hospital_name()
        self._doctors = [(self.one(names[self.one(("female", "male"))]), self._surname()) for _ in range(4)]

    def one(self, options: tuple[str, ...] | list[str]) -> str:
        """One of several."""
        return options[int(self._random.integers(len(options)))]

    def _surname(self) -> str:
        name = self.one(self._names["last"])
        chance = self._random.random()
        if chance < 0.06:
            return f"{self.one(('von', 'von der', 'zu', 'de', 'van'))} {name}"
        if chance < 0.14:
            return f"{name}-{self.one(self._names['last'])}"
        return self.one(gazetteers().towns).split()[0].split("-")[0] + "er" if chance < 0.2 else name

    def _digits(self, count: int) -> str:
        return "".join(str(int(digit)) for digit in self._random.integers(0, 10, count))

    def _hospital_name(self) -> str:
        form = self.one(parts.HOSPITAL_FORMS)
        town = self.one(gazetteers().towns)
        return form.format(
            town=town, saint=self.one(parts.SAINTS), order=self.one(parts.ORDERS), nature=self.one(parts.NATURES),
            title=self.one(parts.TITLES), doctor_last=self.one(self._names["last"]),
        )  # fmt: skip

    def _date(self, day: date, form: str) -> str:
        return form.format(d=day.day, m=day.month, y=day.year, s=day.year % 100, M=MONTHS[day.month - 1])

    def _some_day(self) -> date:
        return self._day + timedelta(days=int(self._random.integers(-40, 10)))

    def _id(self) -> str:
        kind = int(self._random.integers(6))
        letters = "ABCDEFGHKLMNPRSTUVWXYZ"
        return (
            self._digits(7), self._digits(10), f"{self.one(list(letters))}-{self._digits(8)}", f"{self._digits(5)}/{self._day.year % 100}",
            f"{self.one(list(letters))}{self._digits(5)}/{self._day.year % 100}", f"{self._digits(4)}-{self._digits(6)}",
        )[kind]  # fmt: skip

    def checked(self, kind: str) -> str:
        """A number with a valid check digit."""
        while True:
            if kind == "kvnr":
                number = f"{self.one(list('ABCDEFGHKLMNPRSTUVWXYZ'))}{self._digits(9)}"
                if is_kvnr(number):
                    return number
            elif kind == "iban":
                body = f"{self._digits(18)}"
                number = next(f"DE{check:02d}{body}" for check in range(2, 99) if is_iban(f"DE{check:02d}{body}"))
                return " ".join(number[start : start + 4] for start in range(0, 22, 4))
            else:
                number = f"{self._digits(4)} {self._birth:%d%m%y}"
                if is_austrian_insurance_number(number):
                    return number

    def slot(self, name: str) -> tuple[str, str]:
        """Value and label (`` for none) of a slot."""
        first, last = self._doctors[int(self._random.integers(len(self._doctors)))]
        town = self.one(gazetteers().towns)
        day = self._some_day()
        female = self.sex == "female"
        if name in ("kvnr", "iban", "svnr"):
            return self.checked(name), "ID"
        upper = name.isupper()
        simple = {
            "hospital": (self._hospital if self._random.random() < 0.6 else self._hospital_name(), "LOCATION_HOSPITAL"),
            "title": (self.one(parts.TITLES), "NAME_TITLE"), "title_after": (self.one(parts.TITLE_AFTER), "NAME_TITLE"),
            "doctor": (f"{first if self._random.random() < 0.7 else first[0] + '.'} {last}", "NAME_DOCTOR"),
            "doctor2": (f"{first} {last}", "NAME_DOCTOR"), "doctor_last": (last, "NAME_DOCTOR"),
            "doctor_reversed": (f"{last} {first}", "NAME_DOCTOR"), "doctor_initial": (f"{last[0].upper()}.", "NAME_DOCTOR"),
            "examiner": (last, "NAME_DOCTOR"), "patient": (f"{self.first} {self.last}", "NAME_PATIENT"),
            "patient_reversed": (f"{self.last}, {self.first}" if self._random.random() < 0.7 else f"{self.last} {self.first}", "NAME_PATIENT"),
            "last": (self.last, "NAME_PATIENT"), "first": (self.first, "NAME_PATIENT"), "initial": (f"{self.last[0].upper()}.", "NAME_PATIENT"),
            "relative": (f"{self.one(self._names[self.one(('female', 'male'))])} {self.last}", "NAME_RELATIVE"),
            "relative_first": (self.one(self._names["female"]), "NAME_RELATIVE"), "username": (f"{last[:4]}{first[0]}".lower(), "NAME_USERNAME"),
            "street": (self._street(), "LOCATION_STREET"), "zip": (self.one(("", "", "", "D-", "A-")) + str(int(self._random.integers(1000, 99999))).zfill(4), "LOCATION_ZIP"),
            "city": (town, "LOCATION_CITY"), "country": (self.one(COUNTRY_NAMES), "LOCATION_COUNTRY"),
            "organisation": (self.one(ORGANISATIONS), "LOCATION_ORGANIZATION"), "profession": (self.one(PROFESSIONS), "PROFESSION"),
            "phone": (self._number(), "CONTACT_PHONE"), "fax": (self._number(), "CONTACT_FAX"), "extension": (self._digits(4), "CONTACT_PHONE"),
            "email": (f"{last.split()[-1].lower()}@{self.one(parts.SAINTS).lower()}-klinik.example", "CONTACT_EMAIL"), "url": (f"www.praxis-{last.split()[-1].lower()}.example", "CONTACT_URL"),
            "id": (self._id(), "ID"), "ward": (self.one((self._digits(1) + "A", "B" + self._digits(1), "M" + self._digits(2), "IMC " + self._digits(1), self._digits(2))), "ID"),
            "room": (str(int(self._random.integers(1, 400))), "ID"), "age": (str(int(self._random.integers(2, 99))), "AGE"),
            "date": (self._date(day, self._form), "DATE"), "birth": (self._date(self._birth, self._form), "DATE"),
            "day_month": (self._date(day, self.one(("{d}.{m}.", "{d:02}.{m:02}."))), "DATE"), "month_year": (self._date(day, "{M} {y}"), "DATE"),
            "month_slash": (self._date(day, self.one(("{m}/{y}", "{m:02}/{s:02}", "{m:02}/{y}"))), "DATE"), "year": (str(day.year - int(self._random.integers(0, 25))), "DATE"),
            "weekday": (WEEKDAYS[day.weekday()], ""), "time": (f"{int(self._random.integers(7, 22))}:15", ""), "weeks": (str(int(self._random.integers(2, 9))), ""),
            "salutation": (("Frau" if female else self.one(("Herr", "Herrn", "Hr."))), ""), "die": ("die" if female else "der", ""), "the_patient": ("Die Patientin" if female else "Der Patient", ""),
            "role": (self.one(("Chefarzt", "Ärztlicher Direktor", "Leiter", "Vorstand", "Direktorin")), ""), "role_name": (self.one(("Chefarzt", "Oberärztin", "Stationsarzt", "Assistenzarzt", "Ltd. OA")), ""),
            "department": (self.one(parts.DEPARTMENTS), ""), "field": (self.one(parts.FIELDS), ""), "insurer": (self.one(parts.INSURERS), "LOCATION_ORGANIZATION"),
        }  # fmt: skip
        value, label = simple[name.lower()]
        return (value.upper() if upper else value), label

    def _street(self) -> str:
        stem = self.one(STREETS)
        number = f" {int(self._random.integers(1, 180))}{self.one(('', '', '', 'a', ' b'))}"
        form = self.one(
            (
                "{0}straße",
                "{0}str.",
                "{0}weg",
                "{0}gasse",
                "{0}platz",
                "Am {0}berg",
                "{0}er Straße",
                "{1}-{2}-Str.",
                "{1}-{2}-Platz",
                "An der {0}mühle",
                "{0}allee",
                "Im {0}grund",
            )
        )
        return form.format(stem, self.one(self._names["male"]), self.one(self._names["last"])) + number

    def _number(self) -> str:
        return self._phone.format(a=self._digits(3).replace("0", "7"), b=self._digits(6), e=self._digits(3))

    def write(self, template: str) -> None:
        """Add a template with its slots filled."""
        last = 0
        for match in SLOT.finditer(template):
            self.text += template[last : match.start()]
            value, label = self.slot(match[1])
            if label:
                self.spans.append(Span(len(self.text), len(self.text) + len(value), label))
            self.text += value
            last = match.end()
        self.text += template[last:]

    def some(self, options: tuple[str, ...], low: int, high: int) -> list[str]:
        """Several different ones, in drawn order."""
        count = min(int(self._random.integers(low, high + 1)), len(options))
        return [options[int(index)] for index in self._random.permutation(len(options))[:count]]

    def letter(self) -> None:
        """A whole letter, report or note."""
        chance = self._random.random()
        if chance < 0.04:
            self.write(self.one(parts.ENGLISH))
            return
        if chance < 0.16:
            for note in self.some(parts.NOTES, 2, 4):
                self.write(note)
            for sentence in self.some(parts.COURSES, 2, 4):
                self.write(sentence + "\n")
            return
        for group in (parts.HEADS, parts.ADDRESSEES, parts.SUBJECTS, parts.GREETINGS, parts.OPENINGS):
            self.write(self.one(group))
        self.write(self.one(parts.SECTIONS[:3]) + "\n")
        for number, diagnosis in enumerate(self.some(parts.DIAGNOSES, 2, 6), 1):
            self.write((f"{number}. " if self._random.random() < 0.3 else "") + diagnosis + "\n")
        separator = self.one((" ", "\n", " "))
        for section, options in ((parts.SECTIONS[3:5], parts.FINDINGS), (parts.SECTIONS[5:7], parts.COURSES)):
            self.write("\n" + self.one(section) + "\n")
            self.write(separator.join(self.some(options, 3, 7)) + "\n")
        self.write("\n" + parts.SECTIONS[7] + "\n" + "\n".join(self.some(parts.DRUGS, 2, 6)) + "\n\n")
        self.write(self.one(parts.CLOSINGS))


def letters(seed: int, count: int) -> list[Letter]:
    """Invented letters, each depending on seed and its number only."""
    result = []
    for number in range(1, count + 1):
        writer = Writer(seed, str(number))
        writer.letter()
        result.append(Letter(f"letter{number:04d}", writer.text, tuple(writer.spans)))
    return result
