"""Invented letters with planted identifiers: more training material, independent of every document of the sheet."""

from pathlib import Path

from kimedlib.logs import log_to
from kimedlib.text_letters import letters
from kimedlib.text_letters_styled import styled_letters
from kimedlib.text_model_data import write_lines


def main(*, seed: int, number: int, styled: int, written: Path) -> None:
    """Write `number` whole letters and `styled` texts put together from pieces of many styles.

    Parameters
    ----------
    seed
        Same seed, same letters.
    written
        One line of JSON per letter; without letters an empty line, so that the file exists.
    """
    made = letters(seed, number) + styled_letters(seed, styled)
    if made:
        write_lines(made, written)
    else:
        written.write_text("", encoding="utf-8")
    print(f"{len(made)} letters, {sum(len(letter.spans) for letter in made)} planted identifiers")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            seed=snakemake.params.seed,
            number=snakemake.params.number,
            styled=snakemake.params.styled,
            written=Path(snakemake.output.written),
        )
