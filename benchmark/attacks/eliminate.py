"""Options of a choice that cannot be right, since another question shows that they belong to another message."""

from __future__ import annotations

from collections import defaultdict

from benchmark.attacks.base import Attack, Found, answers_frame
from benchmark.attacks.facts import PARTED, Question, Rows
from benchmark.attacks.public_part import TEST, PublicPart

Lines = dict[str, list[frozenset[str]]]
"""A spoken line -> the lines of each message in which it is spoken."""
MOST_LEFT = 0.5
"""Share of the options that may be left, so that it tells anything."""


def run_eliminate(part: PublicPart, seeds: int) -> Found:
    """Choose among the options whose lines no other test question shows together."""
    spoken = spoken_lines([part.rows(task, TEST) for task in part.tasks])
    answers: list[tuple[str, str, list[float]]] = []
    for task in part.tasks:
        rows = part.rows(task, TEST)
        for instance, question in zip(rows.frame["instance_id"], rows.questions, strict=True):
            if (left := left_over(question, spoken)) is not None:
                answers.append((task, instance, [float(left)]))
    return Found(answers_frame(answers))


def spoken_lines(files: list[Rows]) -> Lines:
    """The lines that are shown in the scenes of questions."""
    spoken: Lines = defaultdict(list)
    for rows in files:
        for lines in rows.frame["scene_speech"].to_list() if "scene_speech" in rows.frame.columns else []:
            together = frozenset(line for line in lines or [] if line)
            for line in together:
                spoken[line].append(together)
    return spoken


def left_over(question: Question, spoken: Lines) -> int | None:
    """The first option that is not shown elsewhere, if that rules out enough of the others."""
    options = question.options or []
    left = [number for number, option in enumerate(options) if not is_shown(option.split(PARTED), spoken)]
    return left[0] if left and len(left) <= MOST_LEFT * len(options) else None


def is_shown(parts: list[str], spoken: Lines) -> bool:
    """Whether the parts of an option are lines of one message; the last may be cut."""
    whole = set(parts[:-1]) or set(parts)
    return any(
        whole <= lines and any(line.startswith(parts[-1]) for line in lines) for lines in spoken.get(parts[0], [])
    )


ELIMINATE = Attack("eliminate options", "options whose lines another question shows", run_eliminate)
