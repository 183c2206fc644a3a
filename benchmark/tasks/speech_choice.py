"""Content simulation: which of 25 texts is spoken in five masked scenes? (paper, content simulation)

The other 24 texts are the speech of five consecutive scenes of other videos of the same split. An instance is left out
if the rest of its prompt (title, description, other scenes) repeats the right text.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import polars as pl

from benchmark.answers.choice import Choice
from benchmark.holdout import LEAST_GROUPS, Holdout
from benchmark.metrics import ACCURACY
from benchmark.references.chance import RANDOM
from benchmark.references.overlap import OVERLAP
from benchmark.sizes import capped
from benchmark.tasks.base import NotEnough, TableHeading, Task
from benchmark.tasks.expected import Expected
from corpus.verbalize.message_frames import videos, with_scenes
from corpus.verbalize.video import speech_text

SCENES = 5
OPTIONS = 25
MIN_SPOKEN = 3
OPTION_CHARACTERS = 240
OVERSAMPLING = 5


class SpeechChoice(Task):
    """The masked speech of five consecutive scenes, to be chosen from 25 numbered texts."""

    name = "speech_choice"
    table = TableHeading(
        "content_simulation",
        "Content simulation: the masked speech, one of 25",
        "Chance is 4 percent; the overlap row takes the option that shares most of its words with the visible text.",
        "masked speech",
    )
    condition = "25-way"
    answer = Choice(OPTIONS)
    metrics = (ACCURACY,)
    references = (RANDOM, OVERLAP)
    behavior = ("replay", "views", "like_view_pct")
    shuffle_within = "scene_count"
    fewest_test = OPTIONS * 8 // 5  # the options are texts of the same split, and some videos repeat theirs

    def columns(self) -> tuple[str, ...]:
        return ("scene_seen", "scene_speech", "replay", "asked", "option_texts", "views", "like_view_pct")

    def instances(
        self, connection: duckdb.DuckDBPyConnection, holdout: Holdout, seed: int, sizes: Mapping[str, int]
    ) -> pl.DataFrame:
        wider_sizes = {split: OVERSAMPLING * size for split, size in sizes.items()}  # many have no suitable run
        frame = with_scenes(capped(holdout.split(videos(connection)), wider_sizes, seed), connection)
        rng = self.rng(seed)
        frame = mask_speech(frame, rng)
        parts = [add_options(part, rng) for _, part in sorted(frame.partition_by("split", as_dict=True).items())]
        frame = pl.concat(parts) if parts else frame
        if frame.is_empty() or frame["split"].n_unique() < 3 or frame["group"].n_unique() < LEAST_GROUPS:
            raise NotEnough(f"fewer than {OPTIONS} videos a split have speech in {MIN_SPOKEN} of {SCENES} scenes")
        return capped(frame.sort("message_id"), sizes, seed).with_columns(scene_count=pl.col("scene_seen").list.len())

    def recover_behavior(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(scene_count=pl.col("scene_seen").list.len())

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        return speech_text(frame)

    def expected(self, frame: pl.DataFrame, law: pl.DataFrame) -> Expected:
        """The right options, since the visible captions name the speech: an upper bound."""
        return Expected({ACCURACY.name: frame["target"].to_list()})


def mask_speech(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Add `asked` (five scenes in a row, three or more with speech), `spoken` (their speech) and `replay` (all values).

    Videos without such a run, or whose other text repeats the speech, are left out.
    """
    asked: list[list[int] | None] = []
    spoken: list[str | None] = []
    for speech, seen, title, body in frame.select("scene_speech", "scene_seen", "title", "body").iter_rows():
        run, text = choose_run(speech, rng)
        visible_text = " ".join([title or "", body or "", *(line or "" for line in seen)]).lower()
        other_speech = [line for i, line in enumerate(speech) if line and run is not None and i not in run]
        is_repeated = run is not None and any(
            len(line.split()) >= 3 and (line.lower() in visible_text or line in other_speech)
            for line in (speech[i] or "" for i in run)
        )
        asked.append(None if is_repeated else run)
        spoken.append(text)
    frame = frame.with_columns(
        pl.Series("asked", asked, pl.List(pl.Int64)),
        pl.Series("spoken", spoken, pl.String),
        replay=pl.when(pl.col("curve").list.len() == pl.col("scene_seen").list.len()).then("curve"),
    )
    no_replay = pl.lit(None, pl.Float64).repeat_by(pl.col("scene_seen").list.len())
    return hide_speech(
        frame.with_columns(replay=pl.coalesce("replay", no_replay)).filter(pl.col("asked").is_not_null())
    )


def hide_speech(frame: pl.DataFrame) -> pl.DataFrame:
    """Remove the asked scenes' speech from every column."""
    speech, asked = frame["scene_speech"].to_list(), frame["asked"].to_list()
    shown = [
        [None if i in run else line for i, line in enumerate(scenes)] for scenes, run in zip(speech, asked, strict=True)
    ]
    frame = frame.with_columns(pl.Series("scene_speech", shown, pl.List(pl.String)))
    scenes = [pl.col(name).list.join(" ", ignore_nulls=True) for name in ("scene_seen", "scene_speech")]
    parts = ["title", "body", *scenes]
    return frame.with_columns(text=pl.concat_str(parts, separator=" ", ignore_nulls=True))


def choose_run(speech: list[str | None], rng: np.random.Generator) -> tuple[list[int] | None, str | None]:
    """Draw five scenes in a row, three or more with speech; gives the scenes and their speech, or None for both."""
    starts = [
        start
        for start in range(len(speech) - SCENES + 1)
        if sum(bool(line) for line in speech[start : start + SCENES]) >= MIN_SPOKEN
    ]
    if not starts:
        return None, None
    start = starts[int(rng.integers(len(starts)))]
    run = list(range(start, start + SCENES))
    return run, " / ".join(line for line in (speech[i] for i in run) if line)[:OPTION_CHARACTERS]


def add_options(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Add option_texts, options (their numbers) and target; a split with fewer than 25 different texts is emptied."""
    texts = frame["spoken"].unique(maintain_order=True).to_list()
    if len(texts) < OPTIONS:
        frame = frame.clear()
    rows, targets = [], []
    for spoken in frame["spoken"]:
        sampled = [texts[i] for i in rng.choice(len(texts), OPTIONS, replace=False)]
        distractors = [text for text in sampled if text != spoken][: OPTIONS - 1]
        right = int(rng.integers(OPTIONS))
        rows.append([*distractors[:right], spoken, *distractors[right:]])
        targets.append([float(right)])
    numbers = [str(i + 1) for i in range(OPTIONS)]
    return frame.with_columns(
        pl.Series("option_texts", rows, pl.List(pl.String)),
        pl.Series("target", targets, pl.List(pl.Float64)),
        options=pl.lit(numbers),
    )
