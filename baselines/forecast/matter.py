"""Which scenes matter: what a forecast loses when a scene is there but shows and says nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from baselines.forecast.ask import Answer, ask
from baselines.reader import Reader
from corpus.seen_store import Piece, Store

GREY = 128  # of 255
MARK = "#without-"
SMALLEST = 1e-3  # below it a value counts as this one on the logarithmic scale


@dataclass(frozen=True)
class Loss:
    """A scene (from 0), and what a task's forecast is without it; `decades` is how much higher it is with it."""

    scene: int
    task: str
    whole: float
    without: float
    decades: float


class StoreWithoutScenes(Store):
    """A store of frames that also has each message without one of its scenes, which is grey in it."""

    def __contains__(self, message_id: str) -> bool:
        return super().__contains__(message_id.partition(MARK)[0])

    def piece(self, message_id: str) -> Piece:
        name, _, scene = message_id.partition(MARK)
        piece = super().piece(name)
        if not scene:
            return piece
        seen = np.array(piece.seen)
        seen[piece.scenes == int(scene)] = GREY
        return replace(piece, message_id=message_id, seen=seen)

    def scenes(self, message_id: str) -> list[int]:
        return super().scenes(message_id.partition(MARK)[0])


def open_without_scenes(root: Path) -> StoreWithoutScenes:
    """Open a store of frames so. Raises NothingSeen."""
    return StoreWithoutScenes(Store.open(root).root)


def without_each_scene(frame: pl.DataFrame) -> pl.DataFrame:
    """A row for each scene of the message of a frame of one row, in which that scene shows and says nothing."""
    (row,) = frame.iter_rows(named=True)
    rows = []
    for scene in range(len(row["scene_seen"])):
        emptied = {name: list(row[name]) for name in ("scene_seen", "scene_speech", "scene_text")}
        emptied["scene_seen"][scene], emptied["scene_speech"][scene], emptied["scene_text"][scene] = "", None, ""
        rows.append({**row, **emptied, "message_id": f"{row['message_id']}{MARK}{scene}"})
    return pl.DataFrame(rows, schema=frame.schema)


def empty_scenes(frame: pl.DataFrame, shown: Collection[int] = ()) -> list[int]:
    """The scenes of a frame of one row that say nothing and of which a model is shown no frames.

    Without one of them the question is the same.
    """
    scenes = enumerate(zip(frame["scene_seen"][0], frame["scene_speech"][0], strict=True))
    return [scene for scene, (seen, speech) in scenes if not seen and speech is None and scene not in shown]


def ask_without_each_scene(
    reader: Reader, task: str, frame: pl.DataFrame, whole: Answer, empty: Collection[int]
) -> list[Answer]:
    """The model's answer without each scene; empty scenes are not asked, and the answer is the whole's.

    The last scene is asked first, so that each question has most in common with the one before.
    """
    emptied = without_each_scene(frame)
    asked = [scene for scene in reversed(range(len(emptied))) if scene not in empty]
    answers = dict(zip(asked, ask(reader, task, emptied[asked]), strict=True)) if asked else {}
    return [answers.get(scene, whole) for scene in range(len(emptied))]


def losses(task: str, whole: Answer, without: Sequence[Answer]) -> list[Loss]:
    """What a forecast of one value loses without each scene.

    Left out are those that cannot be compared: unread ones, those of questions that were cut, and means with values.
    """
    first = whole.values[0]
    return [
        Loss(scene, task, first, answer.values[0], decades(first, answer.values[0]))
        for scene, answer in enumerate(without)
        if answer.values and not (whole.cut or answer.cut) and bool(answer.low) == bool(whole.low)
    ]


def decades(whole: float, without: float) -> float:
    """How much higher the first is than the second, as a difference of decimal logarithms."""
    return float(np.log10(max(whole, SMALLEST)) - np.log10(max(without, SMALLEST)))
