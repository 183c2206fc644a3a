"""Read a task's values from what a model wrote.

An answer gives one line a value: a few words on what it speaks of, the sign =, the value. The paper's form, bare values
in order, is read too. What cannot be read so is None: it is counted as unread, never guessed.
"""

from __future__ import annotations

import re

from corpus.verbalize.number_words import NUMBER, SHORT, UNITS, read_number

AFTER_EQUALS = re.compile(r"=[ \t]*([^=\n]*)")
LIST_ITEM = re.compile(r"(?i)\bscene\s+\d+\s*[:.)-]?")


def read_values(raw: str, count: int) -> list[float] | None:
    """The first `count` values of an answer; None when there are fewer, or bare numbers in another count."""
    numbers = [read_number(part) for part in AFTER_EQUALS.findall(raw)]
    if numbers:
        values = [number for number in numbers[:count] if number is not None]
        return values if len(values) == count else None
    bare = [
        float(number.replace(",", "")) * (UNITS.get(unit.lower()) or SHORT.get(unit.lower()) or 1.0)
        for number, unit in NUMBER.findall(LIST_ITEM.sub(" ", raw))
    ]
    return bare if len(bare) == count else None


def read_choice(raw: str, options: list[str]) -> list[float] | None:
    """The index of the option named first: by its number from 1 when options are numbered, else by its words."""
    text = raw.strip().lower()
    for index, option in enumerate(options):
        label = option.strip().lower()
        if re.match(rf"{re.escape(label)}(?!\w)", text):
            return [float(index)]
    return None
