"""A corpus of one message, so that its media are annotated, and its texts made safe, as those of any corpus."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from baselines.forecast.message import Description, Scene
from corpus.annotate.media import MARKERS
from corpus.annotate.media_run import MediaFile, annotate_media, ask, new_child
from corpus.errors import CbcError
from corpus.ids import global_id
from corpus.ingest.run import ingest
from corpus.media_names import stem_of
from corpus.replay_curve import scene_spans
from corpus.sources.base import Received, Source, Staging
from corpus.store import Corpus
from corpus.verbalize.attributes import list_attributes
from corpus.verbalize.message_frames import list_speakers, video_parts, with_scenes

MEDIUM, NATIVE_ID = "other", "message"
MESSAGE_ID, SPEAKER_ID = global_id(MEDIUM, NATIVE_ID), global_id(MEDIUM, "speaker")


class BadMessageFile(CbcError):
    """Nothing can be made of a media file."""


class OneMessage(Source):
    """A described message as a source, with scenes of its own or those of the replay grid."""

    name = "forecast"
    version = 1
    generated = True

    def __init__(self, description: Description, scenes: Sequence[Scene]) -> None:
        self.description, self.scenes = description, scenes

    def files(self, paths: Sequence[Path]) -> list[Path]:
        return []

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Stage message, communicator and scenes."""
        staging.rows_read = 1
        about_speaker = self.description.model_dump(include={"company", "audience"})
        speaker = {"communicator_id": SPEAKER_ID, "channel": MEDIUM, **about_speaker}
        names = {"title", "body", "category", "country", "language", "duration_s"}
        message = {
            **self.description.model_dump(include=names),
            **{"message_id": MESSAGE_ID, "communicator_id": SPEAKER_ID, "channel": MEDIUM, "kind": "video"},
            "published_at": self.description.published,
        }
        staging.add("communicator", [speaker])
        staging.add("message", [message])
        scenes = [
            {"message_id": MESSAGE_ID, "scene": number, **{name: cell or None for name, cell in scene}}
            for number, scene in enumerate(self.scenes)
        ]  # null where nothing is told: annotations fill what is null
        staging.add("scene", [row | {"start_s": row["start_s"] or 0.0} for row in scenes])
        rows = (("communicator", SPEAKER_ID), ("message", MESSAGE_ID))
        about = {"source": self.label, "tool": self.label}
        staging.add("provenance", [{"table_name": table, "row_key": key, **about} for table, key in rows])


def make_corpus(root: Path, description: Description, annotators: Mapping[str, Any]) -> Path:
    """Write the corpus, with what the annotators make of its media. Raises BadMessageFile, and what annotating raises.

    Scenes that are described are kept, and annotations fill what they lack.
    """
    media = description.media
    if media is not None and description.duration_s is None:
        description = description.model_copy(update={"duration_s": length_of(media)})
    ingest(OneMessage(description, description.scenes or grid(description.duration_s)), [], root)
    if media is not None and annotators:
        folder = root / "media"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(media.resolve(), folder / f"{stem_of(MEDIUM, NATIVE_ID)}{media.suffix.lower()}")
        outcome = annotate_media(root, annotators, workers=1)
        if not outcome.rows.total():
            reasons = "; ".join(outcome.reasons) or "nothing is seen or heard in it"
            raise BadMessageFile(f"{media} cannot be used: {reasons}", "give another file, or describe it in JSON")
    return root


def length_of(media: Path) -> float | None:
    """The length of a media file in seconds, read in a child process; None where it has none, as an image.

    Raises BadMessageFile, NoChild.
    """
    child = new_child({})
    try:
        answer = ask(child, MediaFile(MESSAGE_ID, media.resolve(), media.stat().st_size, ()), only_facts=True)
    finally:
        child.stop()
    if "facts" not in answer:
        reasons = answer.get("reason") or "; ".join(answer.get("reasons", {}).values()) or "it is no media file"
        raise BadMessageFile(f"{media} cannot be read: {reasons}", "give a video, or describe the message in JSON")
    length: float | None = answer["facts"].get("duration_s")
    return length


def grid(duration_s: float | None) -> list[Scene]:
    """The scenes of a replay curve (paper, section 3); none where the length is unknown or too short."""
    spans = scene_spans(MARKERS, duration_s) if duration_s else []
    return [Scene(start_s=start_s, end_s=end_s) for start_s, end_s in spans]


def read_frame_of_one(root: Path, age_days: float) -> pl.DataFrame:
    """The message as tasks read it: a row with its content and scenes, as it will be after `age_days`, no behavior."""
    with Corpus.open(root).connect() as connection:
        list_speakers(connection)
        list_attributes(connection)
        frame = with_scenes(pl.concat(video_parts(connection)).drop("reason"), connection)
    published = frame["published_at"][0]
    observed = None if published is None else published + timedelta(days=age_days)
    return frame.with_columns(
        age_days=pl.lit(float(age_days)),
        observed_at=pl.lit(observed, frame.schema["observed_at"]),
        group=pl.lit(MESSAGE_ID),
        options=pl.lit(None, pl.List(pl.String)),
    )


def scene_times(root: Path) -> list[tuple[float, float]]:
    """Start and end of each scene in seconds."""
    with Corpus.open(root).connect() as connection:
        return connection.sql("SELECT start_s, end_s FROM scene ORDER BY scene").fetchall()
