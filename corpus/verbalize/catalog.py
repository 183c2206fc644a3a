"""Every template by name and version, and the wordings that stand the same in every text made from them."""

from __future__ import annotations

import re

from corpus.verbalize import post, video
from corpus.verbalize.kinds.post import POST
from corpus.verbalize.kinds.video import VIDEO
from corpus.verbalize.number_words import UNITS
from corpus.verbalize.template import Template
from corpus.verbalize.verbalize import KINDS

NUMBERED = ("subscribers", "followers", "length", "age", "tags", "views", "likes")
"""Heads of lines that hold a number."""
COUNT_UNITS = tuple(UNITS)[:3]  # no message has trillions of views
YEARS = range(2005, 2031)  # since YouTube exists


def templates() -> dict[str, Template]:
    """All templates by NAME@VERSION."""
    return task_templates() | {template.label: template for kind in KINDS for template in kind.templates}


def task_templates() -> dict[str, Template]:
    """The templates of what tasks ask about, questions and plain texts."""
    named = [value for module in (video, post) for value in vars(module).values()]
    forms = [form for form in named if isinstance(form, video.VideoForm)]
    parts = [part for form in forms for part in (form.prompt, form.scene, form.answer)]
    return {template.label: template for template in (*named, *parts, POST, VIDEO) if isinstance(template, Template)}


def frames(shortest: int = 4) -> list[str]:
    """The fixed wordings of the tasks' templates, without the space before a field, and heads of scenes 1 to 100.

    The head of a line stands there also with the line end before it.
    """
    plain = {
        text.rstrip(" ")
        for template in task_templates().values()
        for text in re.split(r"\{\w+\}|(?<!\\)[\[\]]", template.text)
    }
    heads = [head for number in range(1, 101) for head in (f"scene {number}:", f" <mask {number}>")]
    line_heads = {f"\n{text}" for text in plain if re.fullmatch(r"\w+:", text)}
    wordings = {text for text in plain if len(text.strip()) >= shortest and text.strip() not in ("scene", "<mask")}
    return sorted(wordings | line_heads) + heads


def number_wordings() -> list[str]:
    """Parts of the numbers and times that the tasks' templates write, each of which says what it measures.

    The head of a line with the first one or two digits; other digits with their unit, which says how large the number
    is; the year and month, the day and the hour of a time.
    """
    first_digits = [f"\n{head}: {digits}" for head in NUMBERED for digits in range(1, 100)]
    decimals = [f".{digits}" for digits in (*range(10), *(f"{number:02}" for number in range(100)))]
    last_digits = [*map(str, range(10)), *(f"{number:02}" for number in range(100))]
    units = [f"{digits} {unit}" for digits in ("", *last_digits[:10], *decimals) for unit in COUNT_UNITS]
    months = [f"\npublished: {year}-{month:02}" for year in YEARS for month in range(1, 13)]
    times = [*(f"-{day:02}" for day in range(1, 32)), *(f" {hour:02}h" for hour in range(24))]
    return [*first_digits, *units, *(f"{digits} s" for digits in last_digits), *months, *times]
