"""Answers read from other rows about the same message, however these are found.

Which fact of another task's rows is what a task asks is learned from the training parts, whose answers are public: no
attack knows the tasks by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from benchmark.attacks.base import Found, answers_frame
from benchmark.attacks.facts import Rows, read_answer
from benchmark.attacks.grade import right_answers
from benchmark.attacks.public_part import LEARNED, TEST, PublicPart

ELSEWHERE = "elsewhere"
FEWEST_PAIRS, MOST_PAIRS, AGREE = 5, 100, 0.8
"""Training pairs from which a fact is tried and at which it is settled, and the share of them it must answer right."""


Pairing = Callable[[Rows, Rows], Iterable[tuple[int, int]]]
"""Which rows of a file are about the message of which rows of another."""


def read_pairs(part: PublicPart, pairing: Pairing, elsewhere: Rows | None = None) -> Found:
    """Answer the test questions of every task from the rows that are paired with them.

    elsewhere: rows to read answers from; those of all files of the bench if None.
    """
    sources = [elsewhere] if elsewhere else part.all_rows()
    answers: dict[tuple[str, str], list[float]] = {}
    for task in part.tasks:
        asking, learned = (part.rows(task, split) for split in (TEST, LEARNED[0]))
        names_of: dict[str, tuple[str, ...]] = {}
        names: tuple[str, ...]
        for source in sources:
            pairs = list(pairing(asking, source))
            if not pairs:
                continue
            if source.task == task and source.split in LEARNED:
                names = OWN
            else:
                if source.task not in names_of:
                    twins = elsewhere or part.rows(source.task, LEARNED[0])
                    names_of[source.task] = answering_facts(learned, twins, pairing)
                names = names_of[source.task]
            for instance, values in answers_of(asking, source, pairs, names):
                answers.setdefault((task, instance), values)
    return Found(answers_frame((task, instance, values) for (task, instance), values in answers.items()))


OWN = ("whole curve", "target", "answer")
"""What holds the answer in a learned row of the same task."""


def answering_facts(learned: Rows, source: Rows, pairing: Pairing) -> tuple[str, ...]:
    """The facts that answer the training questions of a task where they are paired with them, the best first."""
    target = learned.frame["target"]
    agreement: dict[str, float] = {}
    pairs = spread(list(pairing(learned, source)))
    for name in source.facts if len(pairs) >= FEWEST_PAIRS else ():
        if source.task == learned.task and name in OWN:
            continue
        read = list(answers_of(learned, source, pairs, (name,), by_row=True))
        if len(read) >= FEWEST_PAIRS:
            rows, values = zip(*read, strict=True)
            right = right_answers(learned.task, target[[int(row) for row in rows]], list(values))
            if right.mean() >= AGREE:
                agreement[name] = float(right.mean())
    return tuple(sorted(agreement, key=lambda name: -agreement[name]))


def spread(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most MOST_PAIRS of the pairs, from all over."""
    return pairs[:: max(1, len(pairs) // MOST_PAIRS)]


def answers_of(
    asking: Rows, source: Rows, pairs: list[tuple[int, int]], names: Iterable[str], by_row: bool = False
) -> Iterator[tuple[str, list[float]]]:
    """Yield the id (or, by row, its number) of each paired question with the first answer that a fact gives."""
    ids = asking.frame["instance_id"].to_list()
    known = [source.facts[name] for name in names if name in source.facts]
    for row, other in pairs:
        read = (read_answer(asking.questions[row], facts[other]) for facts in known)
        if (values := next((values for values in read if values is not None), None)) is not None:
            yield str(row) if by_row else ids[row], values
