# ruff: noqa: E501 - tables of expressions are read by line
"""Invented texts of many styles, put together from pieces: they teach what surrounds an identifier in letters unlike those
that were annotated. Case, umlauts and line ends vary as dictation, forms and scans make them.
"""

import re
from collections.abc import Callable
from datetime import date

from kimedlib import text_letters_parts as parts
from kimedlib import text_letters_styles as styles
from kimedlib.text_gazetteers import COUNTRIES, GERMAN, gazetteers, people
from kimedlib.text_letters import MONTHS, Writer
from kimedlib.text_model_data import Letter, Span, trimmed
from kimedlib.text_surrogates import COUNTRY_NAMES

MACRO = re.compile(r"<(\w+)>")
FORMS = (
    "{d:02}.{m:02}.{y}", "{d:02}.{m:02}.{y}", "{d}.{m}.{y}", "{d:02}.{m:02}.{s:02}", "{d}.{m}.{s:02}", "{y}-{m:02}-{d:02}", "{d}. {M} {y}",
    "{d:02}/{m:02}/{y}", "{d:02}-{m:02}-{y}", "{d}-{m}-{s:02}", "{d:02}. {m:02}. {y}", "{d}. {A} {y}", "{d:02}. {A}. {s:02}", "{y}{m:02}{d:02}", "{d:02}{A}{y}",
)  # fmt: skip
ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
WIDTH, SPLIT = 62, 0.02
"""Signs per line of a narrow letter; share of letters behind which a scan sees a blank."""


class Styled(Writer):
    """Writes one text of a style of its own; half of the family names are in no list."""

    def __init__(self, seed: int, name: str) -> None:
        super().__init__(seed, f"styled {name}")
        self.first, self.last = self._given(self.sex), self._family()
        self._form = self.one(FORMS)
        self._staff = [(self._given(self.one(("female", "male"))), self._family()) for _ in range(8)]

    def _given(self, sex: str) -> str:
        names = people(COUNTRIES if self._random.random() < 0.3 else GERMAN)
        given = self.one(names[sex])
        return f"{given}{self.one(('-', ' '))}{self.one(names[sex])}" if self._random.random() < 0.08 else given

    def _family(self) -> str:
        chance = self._random.random()
        names = people(COUNTRIES if chance < 0.4 else GERMAN)["last"]
        name = self.one(names)
        if self._random.random() < 0.5:
            head, tail = self.one(names), self.one(names)
            made = (head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :].casefold()).replace(" ", "").capitalize()
            name = made if len(made) > 3 else name
        if chance < 0.1:
            other = self.one(people(GERMAN)["last"])
            return self.one((f"{name}-{other}", f"{other}-{name}"))
        if chance < 0.16:
            return f"{self.one(('von', 'von der', 'van', 'de', 'El', 'Al', 'zu', 'v.', 'ter', 'di', 'van den'))} {name}"
        return name

    def _fill(self, form: str) -> str:
        town = self.one(gazetteers().towns)
        return form.format(
            town=town, T=town[0], last=self._family(), first=self.one(people()["male"]), saint=self.one(parts.SAINTS),
            nature=self.one(parts.NATURES),
        )  # fmt: skip

    def _date(self, day: date, form: str) -> str:
        month = MONTHS[day.month - 1]
        return form.format(d=day.day, m=day.month, y=day.year, s=day.year % 100, M=month, A=month[:3])

    def _ident(self) -> str:
        kind, capital = int(self._random.integers(9)), self.one(list("ABCDEFGHKLMNPRST"))
        year = self._day.year
        return (
            self._digits(6), self._digits(8), self._digits(10), f"{capital}{self._digits(9)}", f"{year}/{self._digits(5)}", f"{capital}/{year}/{self._digits(6)}",
            f"{capital}{self.one(list('ABCDEFG'))}-{year % 100}-{self._digits(5)}", f"{capital} {self._digits(3)}/{year % 100}", f"{self._digits(2)}/{self._digits(5)}/{self._digits(3)}-{capital}",
        )[kind]  # fmt: skip

    def _number(self) -> str:
        form = self.one(
            ("0{a}/{b}", "0{a} {b}", "(0{a}) {b}", "+43 {a} {b}-{e}", "+49 {a} {b}", "0{a}-{b}", "0{a} / {c} {c} {c}", "0{a} {c} {c} {c}",
             "01{e}/{b}{a}", "01{e} {b}{a}", "+41 {c} {e} {c} {c}", "00{c} {e} {b}", "0{a}.{b}-{e}")
        )  # fmt: skip
        return form.format(a=self._digits(3).replace("0", "7"), b=self._digits(6), c=self._digits(2), e=self._digits(3))

    def slot(self, name: str) -> tuple[str, str]:  # noqa: D102 - as in the base class
        first, last = self._staff[int(self._random.integers(len(self._staff)))]
        day = self._some_day()
        random = self._random
        own: dict[str, tuple[Callable[[], str], str]] = {
            "hospital": (lambda: self._fill(self.one(styles.HOSPITALS)) if random.random() < 0.7 else self._hospital_name(), "LOCATION_HOSPITAL"),
            "organisation": (lambda: self._fill(self.one(styles.ORGANISATIONS)), "LOCATION_ORGANIZATION"),
            "insurer": (lambda: self.one(styles.INSURERS), "LOCATION_ORGANIZATION"),
            "profession": (lambda: self.one(styles.PROFESSIONS), "PROFESSION"),
            "country": (lambda: self.one(sorted(c.title() for c in gazetteers().countries) if random.random() < 0.6 else COUNTRY_NAMES), "LOCATION_COUNTRY"),
            "doctor": (lambda: f"{first} {last}", "NAME_DOCTOR"), "doctor2": (lambda: f"{first} {last}", "NAME_DOCTOR"),
            "doctor_last": (lambda: last, "NAME_DOCTOR"), "doctor_first": (lambda: first, "NAME_DOCTOR"),
            "doctor_dotted": (lambda: f"{first[0]}. {last}", "NAME_DOCTOR"), "doctor_comma": (lambda: f"{last}, {first}", "NAME_DOCTOR"),
            "doctor_initial": (lambda: f"{last[0].upper()}.", "NAME_DOCTOR"), "patient": (lambda: f"{self.first} {self.last}", "NAME_PATIENT"),
            "patient_comma": (lambda: f"{self.last}, {self.first}", "NAME_PATIENT"), "maiden": (self._family, "NAME_PATIENT"),
            "relative": (lambda: f"{self._given(self.one(('female', 'male')))} {self.last if random.random() < 0.5 else self._family()}", "NAME_RELATIVE"),
            "relative_first": (lambda: self._given(self.one(("female", "male"))), "NAME_RELATIVE"), "relative_other": (lambda: f"{self._given('male')} {self._family()}", "NAME_RELATIVE"),
            "other": (lambda: f"{self._given('female')} {self._family()}", "NAME_OTHER"), "other_last": (self._family, "NAME_OTHER"), "other_first": (lambda: self._given("male"), "NAME_OTHER"),
            "id": (lambda: self._ident() if random.random() < 0.8 else self._id(), "ID"), "mark": (lambda: self.one(styles.MARKS), "ID"),
            "pension": (lambda: f"{self._digits(2)} {self._birth:%d%m%y} {self.last[0].upper()} {self._digits(3)}", "ID"), "ahv": (lambda: f"756.{self._digits(4)}.{self._digits(4)}.{self._digits(2)}", "ID"),
            "extension": (lambda: self.one((self._digits(4), f"-{self._digits(3)}", f"{self._digits(2)} {self._digits(2)}", self._digits(5))), "CONTACT_PHONE"),
            "date": (lambda: self._date(day, self._form if random.random() < 0.8 else self.one(FORMS)), "DATE"),
            "month": (lambda: MONTHS[day.month - 1], "DATE"), "week": (lambda: f"KW {day.isocalendar().week}", "DATE"),
            "part_month": (lambda: f"{self.one(('Anfang', 'Mitte', 'Ende'))} {MONTHS[day.month - 1]}{self.one(('', f' {day.year}'))}", "DATE"),
            "season": (lambda: f"{self.one(styles.SEASONS)} {day.year}", "DATE"), "feast": (lambda: f"{self.one(styles.FEASTS)}{self.one(('', f' {day.year}'))}", "DATE"),
            "field": (lambda: self.one(parts.FIELDS), ""),
        }  # fmt: skip
        key = name.lower()
        if key not in own:
            return super().slot(name)
        value, label = own[key][0](), own[key][1]
        return (value.upper() if name.isupper() else value), label

    def write(self, template: str) -> None:
        """Add a template: first its alternatives are drawn, then its slots filled."""
        while (match := MACRO.search(template)) and match[1] in styles.MACROS:
            template = template[: match.start()] + self.one(styles.MACROS[match[1]]) + template[match.end() :]
        super().write(template)

    def letter(self) -> None:
        """A whole text, then what dictation, an old program or a scan makes of it."""
        for group in (styles.HEADS, styles.SUBJECTS):
            self.write(self.one(group))
        if self._random.random() < 0.4:
            self.write(self.one(styles.SUBJECTS))
        between = self.one((" ", "\n", " ", "; "))
        told = self.some(styles.SENTENCES, 3, 8) + self.some(styles.PLAIN, 2, 7)
        for index in self._random.permutation(len(told)):
            self.write(told[int(index)] + between)
        self.write("\n" + self.one(styles.FEET))
        chance = self._random.random()
        if chance < 0.06:
            self._replace(lambda sign: sign.translate(ASCII))
        elif chance < 0.2:
            self._wrap()
        elif chance < 0.3:
            self._replace(lambda sign: sign.lower() if len(sign.lower()) == 1 else sign)
        elif chance < 0.35:
            self._replace(lambda sign: sign.upper() if len(sign.upper()) == 1 else sign)
        elif chance < 0.4:
            self._replace(lambda sign: f"{sign} " if sign.isalnum() and self._random.random() < SPLIT else sign)

    def _replace(self, change: Callable[[str], str]) -> None:
        """Other letters, of other length too; offsets follow."""
        places, length = [], 0
        changed = [change(sign) for sign in self.text]
        for piece in changed:
            places.append(length)
            length += len(piece)
        places.append(length)
        self.text = "".join(changed)
        self.spans = [Span(places[span.begin], places[span.end], span.label) for span in self.spans]

    def _wrap(self) -> None:
        """Lines end after some sixty characters, also within words, then with a hyphen."""
        column, breaks = 0, {}
        for place in range(1, len(self.text) - 2):
            column = 0 if self.text[place] == "\n" else column + 1
            around = self.text[place - 2 : place + 2]
            if column > WIDTH and (self.text[place] == " " or (len(around) == 4 and around.isalpha())):
                breaks[place], column = "\n" if self.text[place] == " " else f"-\n{self.text[place]}", 0
        signs = iter(range(len(self.text)))
        self._replace(lambda sign: breaks.get(next(signs), sign))


def styled_letters(seed: int, count: int) -> list[Letter]:
    """Invented texts of many styles, each depending on seed and its number only."""
    result = []
    for number in range(1, count + 1):
        writer = Styled(seed, str(number))
        writer.letter()
        spans = (trimmed(span, writer.text) for span in writer.spans)
        result.append(Letter(f"styled{number:04d}", writer.text, tuple(span for span in spans if span)))
    return result
