"""Whether the draws of masks of a video, read together, show what each of them masks."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from benchmark.attacks.base import Attack, Found, answers_frame
from benchmark.attacks.public_part import TEST, PublicPart

NEEDED = frozenset({"instance_id", "message_id", "replay", "asked", "draw"})


def run_draws(part: PublicPart, seeds: int) -> Found:
    """Answer each question from what other draws of its video show."""
    return Found(answers_frame(row for task in part.tasks for row in answers_of(task, part.frame(task, TEST))))


def answers_of(task: str, frame: pl.DataFrame) -> Iterator[tuple[str, str, list[float]]]:
    """Yield the questions all of whose masked values some draw of the same video shows."""
    if not set(frame.columns) >= NEEDED:
        return
    shown: dict[str, dict[int, float]] = {}
    for message, replay in frame.select("message_id", "replay").iter_rows():
        visible = {scene: value for scene, value in enumerate(replay) if value is not None}
        shown.setdefault(message, {}).update(visible)
    for instance, message, asked in frame.select("instance_id", "message_id", "asked").iter_rows():
        if all(scene in shown[message] for scene in asked):
            yield task, instance, [shown[message][scene] for scene in asked]


DRAWS = Attack("other draws", "what other draws of masks of the same video show", run_draws)
