"""Clinical terms that de-identification must leave alone: what looks like a name, a date or a number and is none."""

import re

from kimedlib.text_lexicon import TRAPS
from kimedlib.text_model_data import Letter
from kimedlib.text_patterns import ICD
from kimedlib.text_tokens import tokenize

DOSE = re.compile(
    r"\b\d+(?:[.,]\d+)?\s?(?:mg|µg|mcg|g|ml|IE|I\.E\.|mmol|mg/dl|g/dl|g/l|mg/l|mmHg|mm|cm|%|/min)(?![\w])"
)
REGIMEN = re.compile(r"(?<![\d/.-])[0-4½](?:[-/][0-4½]){2,3}(?![\d/-])")


def clinical_terms(letter: Letter) -> list[tuple[int, int]]:
    """Eponyms, ICD-10 codes, doses, measurements and regimens that no annotation touches, as (begin, end)."""
    found = {
        (match.start(), match.end()) for pattern in (ICD, DOSE, REGIMEN) for match in pattern.finditer(letter.text)
    }
    found |= {
        (token.begin, token.end)
        for token in tokenize(letter.text)
        if token.form.casefold() in TRAPS and token.form[0].isupper() and len(token.form) > 2
    }
    return sorted(
        (begin, end) for begin, end in found if not any(span.begin < end and span.end > begin for span in letter.spans)
    )
