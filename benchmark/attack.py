"""`cbc benchmark attack BENCH`: try to find test answers in the public part of a bench, in every way known here.

An attack is a small function in benchmark/attacks/ with its line in ATTACKS. It reads manifest.json and public/ alone;
the private part, where it is at hand, only tells how many of the answers found are right. Answers count as found if
more are right than luck explains, without a private part if there are any; so do signs: what a bench should not show
though no answer was read from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.attacks.base import Attack
from benchmark.attacks.draws import DRAWS
from benchmark.attacks.eliminate import ELIMINATE
from benchmark.attacks.files import FILES
from benchmark.attacks.grade import LUCK, grade
from benchmark.attacks.joins import JOINS
from benchmark.attacks.names import NAMES
from benchmark.attacks.near_texts import NEAR
from benchmark.attacks.order import ORDER
from benchmark.attacks.public_part import TEST, PublicPart
from benchmark.attacks.seeds import SEEDS
from benchmark.bench import Bench
from corpus.printing import number_of, table_text
from corpus.progress import progress

ATTACKS: tuple[Attack, ...] = (*JOINS, DRAWS, NEAR, ELIMINATE, ORDER, NAMES, FILES, *SEEDS)
SIGNS_SHOWN = 5


def attack(root: Path, seeds: int, attacks: Sequence[Attack] = ATTACKS) -> dict[str, Any]:
    """Run attacks on a bench; gives a row for each. Raises NoSuchPath, WrongVersion."""
    part, bench = PublicPart.open(root), Bench.open(root)
    asked = sum(part.frame(task, TEST).height for task in part.tasks)
    has_answers = all((root / "private" / task / "test.parquet").is_file() for task in part.tasks)
    rows = []
    with progress("attacking", "attacks", len(attacks)) as shown:
        for attempt in attacks:
            shown.detail = attempt.name
            rows.append(attacked(attempt, part, bench if has_answers else None, seeds) | {"of": asked})
            shown.advance()
    return {"bench": root, "found": sum(row["found"] for row in rows), "attacks": rows}


def attacked(attempt: Attack, part: PublicPart, bench: Bench | None, seeds: int) -> dict[str, Any]:
    """Run an attack, and grade what it found if the answers are at hand."""
    result = attempt.run(part, seeds)
    by_task = dict(result.answers.group_by("task", maintain_order=True).len().iter_rows())
    row: dict[str, Any] = {"attack": attempt.name, "tries": attempt.tries, "answers": result.answers.height}
    row |= {"tasks": by_task, "right": None, "by_luck": None, "signs": list(result.signs)}
    has_found = result.answers.height > 0
    if bench is not None:
        graded = grade(bench, result.answers)
        row |= {"right": graded.right, "by_luck": round(graded.by_luck, 1)}
        has_found = has_found and graded.luck < LUCK
    return row | {"found": has_found or bool(result.signs)}


def attack_text(rows: dict[str, Any]) -> str:
    """The attacks as a table, a line each, and the signs that they found."""
    head = ["attack", "tries", "test answers got", "right", "by luck", "found"]
    lines = [
        [
            row["attack"],
            row["tries"],
            f"{row['answers']} of {row['of']}",
            "not known" if row["right"] is None else row["right"],
            row["by_luck"],
            "yes" if row["found"] else "no",
        ]
        for row in rows["attacks"]
    ]
    signs = [f"{row['attack']}: {sign}" for row in rows["attacks"] for sign in shortened(row["signs"])]
    return "\n\n".join([table_text(head, lines), *(["\n".join(signs)] if signs else []), verdict(rows)])


def shortened(signs: list[str]) -> list[str]:
    """The first signs, and the number of the others."""
    return signs[:SIGNS_SHOWN] + ([f"and {len(signs) - SIGNS_SHOWN} more"] if len(signs) > SIGNS_SHOWN else [])


def verdict(rows: dict[str, Any]) -> str:
    """How many attacks found something."""
    return f"{rows['found']} of {number_of(len(rows['attacks']), 'attack')} found something"
