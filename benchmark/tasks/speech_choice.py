"""Content simulation: which of 25 texts is said in five masked scenes? (paper, content simulation)

The 24 others are the speech of five consecutive scenes of other videos of the same split. An instance whose right text
can be read off the rest of the prompt (title, description, other scenes repeat it) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.answers.choice import Choice
from benchmark.metrics import ACCURACY
from benchmark.references.chance import RANDOM
from benchmark.references.overlap import OVERLAP
from benchmark.splits import MIN_CLUSTERS, by_cluster, capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import Expected
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import speech_text

SCENES = 5
OPTIONS = 25
MIN_SPOKEN = 3
OPTION_CHARACTERS = 240
WIDER = 5


class SpeechChoice(Task):
    """The masked speech of five consecutive scenes, to be chosen from 25 numbered texts."""

    name = "speech_choice"
    table = TableHeading(
        "content_simulation",
        "Content simulation: the masked speech, one of 25",
        "Chance is 4 percent; the overlap row takes the option that shares most of its words with the visible text.",
    )
    condition = "25-way"
    answer = Choice(OPTIONS)
    metrics = (ACCURACY,)
    references = (RANDOM, OVERLAP)
    behavior = ("replay", "views", "like_view_pct")
    shuffle_within = "scene_count"

    def columns(self) -> tuple[str, ...]:
        return ("scene_seen", "scene_speech", "replay", "asked", "option_texts", "views", "like_view_pct")

    def instances(self, connection: duckdb.DuckDBPyConnection, seed: int, sizes: Mapping[str, int]) -> pl.DataFrame:
        wide = {split: WIDER * size for split, size in sizes.items()}  # many have no such run of speech
        frame = with_scenes(capped(by_cluster(videos(connection), seed), wide, seed), connection)
        rng = self.rng(seed)
        frame = masked_runs(frame, rng)
        parts = [with_options(part, rng) for _, part in sorted(frame.partition_by("split", as_dict=True).items())]
        frame = pl.concat(parts) if parts else frame
        if frame.is_empty() or frame["split"].n_unique() < 3 or frame["cluster"].n_unique() < MIN_CLUSTERS:
            raise NotEnough(f"fewer than {OPTIONS} videos a split have speech in {MIN_SPOKEN} of {SCENES} scenes")
        return capped(frame.sort("message_id"), sizes, seed).with_columns(scene_count=pl.col("scene_seen").list.len())

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(scene_count=pl.col("scene_seen").list.len())

    def with_random_behavior(self, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        drawn = [rng.integers(0, 101, scenes).astype(float).tolist() for scenes in frame["scene_count"]]
        return frame.with_columns(pl.Series("replay", drawn, pl.List(pl.Float64)))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return speech_text(frame)

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """The right option, since what is seen names what is said: an upper bound."""
        return Expected(frame["target"].to_list())


def masked_runs(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Adds `asked` (five scenes in a row, at least three of them spoken), `said` and `replay` (the whole curve).

    Videos without such a run, or whose text gives the speech away, are left out.
    """
    asked: list[list[int] | None] = []
    said: list[str | None] = []
    for speech, seen, title, body in frame.select("scene_speech", "scene_seen", "title", "body").iter_rows():
        run, text = one_run(speech, rng)
        rest = " ".join([title or "", body or "", *(s or "" for s in seen)]).lower()
        others = [s for i, s in enumerate(speech) if s and run is not None and i not in run]
        given_away = run is not None and any(
            len(s.split()) >= 3 and (s.lower() in rest or s in others) for s in (speech[i] or "" for i in run)
        )
        asked.append(None if given_away else run)
        said.append(text)
    frame = frame.with_columns(
        pl.Series("asked", asked, pl.List(pl.Int64)),
        pl.Series("said", said, pl.String),
        replay=pl.when(pl.col("curve").list.len() == pl.col("scene_seen").list.len()).then("curve"),
    )
    silent = pl.lit(None, pl.Float64).repeat_by(pl.col("scene_seen").list.len())
    return hidden(frame.with_columns(replay=pl.coalesce("replay", silent)).filter(pl.col("asked").is_not_null()))


def hidden(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the asked scenes' speech in any column."""
    speech, asked = frame["scene_speech"].to_list(), frame["asked"].to_list()
    shown = [
        [None if i in run else said for i, said in enumerate(scenes)] for scenes, run in zip(speech, asked, strict=True)
    ]
    frame = frame.with_columns(pl.Series("scene_speech", shown, pl.List(pl.String)))
    scenes = [pl.col(name).list.join(" ", ignore_nulls=True) for name in ("scene_seen", "scene_speech")]
    parts = ["title", "body", *scenes]
    return frame.with_columns(text=pl.concat_str(parts, separator=" ", ignore_nulls=True))


def one_run(speech: list[str | None], rng: np.random.Generator) -> tuple[list[int] | None, str | None]:
    """Five scenes in a row with speech in three of them, drawn among all such, and what is said in them."""
    starts = [
        start
        for start in range(len(speech) - SCENES + 1)
        if sum(bool(s) for s in speech[start : start + SCENES]) >= MIN_SPOKEN
    ]
    if not starts:
        return None, None
    start = starts[int(rng.integers(len(starts)))]
    run = list(range(start, start + SCENES))
    return run, " / ".join(s for s in (speech[i] for i in run) if s)[:OPTION_CHARACTERS]


def with_options(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Adds option_texts, options (their numbers) and target; a split with fewer than 25 different texts is emptied."""
    texts = frame["said"].unique(maintain_order=True).to_list()
    if len(texts) < OPTIONS:
        frame = frame.clear()
    rows, targets = [], []
    for said in frame["said"]:
        drawn = [texts[i] for i in rng.choice(len(texts), OPTIONS, replace=False)]
        others = [text for text in drawn if text != said][: OPTIONS - 1]
        right = int(rng.integers(OPTIONS))
        rows.append([*others[:right], said, *others[right:]])
        targets.append([float(right)])
    numbers = [str(i + 1) for i in range(OPTIONS)]
    return frame.with_columns(
        pl.Series("option_texts", rows, pl.List(pl.String)),
        pl.Series("target", targets, pl.List(pl.Float64)),
        options=pl.lit(numbers),
    )
