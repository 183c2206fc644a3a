"""The world of clips: its messages and their law, and the media files, which are rendered on demand.

    cbc corpus simulate --corpus CORPUS --world clips

Titles and scenes' texts say nothing of what is to be seen. What each clip shows stands in the annotation `clip@1`,
which no prompt reads.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from corpus.errors import CbcError
from corpus.files.side_by_side import CORES
from corpus.ids import global_id
from corpus.media_names import stem_of
from corpus.media_packages import need_packages
from corpus.progress import progress
from corpus.replay_curve import scene_spans
from corpus.simulate.brands import Brand, Row
from corpus.simulate.clips.law import LOGOS, expected_attention
from corpus.simulate.clips.render import write_clip
from corpus.simulate.clips.specification import ClipSpecification, draw_clip
from corpus.simulate.curves import MARKERS
from corpus.simulate.law import World
from corpus.simulate.messages import Drawing, draw_replay, draw_time, draw_totals, effect_rows, video_row
from corpus.store import Corpus

SHOWN = "clip@1"
"""The annotation that says what a clip shows, scene by scene."""
SHOWN_SCHEMA = pa.schema(
    {
        "message_id": pa.string(),
        **dict.fromkeys(("shapes", "colours", "motions", "screen_texts"), pa.list_(pa.string())),
        "logo": pa.string(),
        "tone_hz": pa.int64(),
    }
)


class NoClips(CbcError):
    """A corpus holds no world of clips."""


class ClipDrawing(Drawing):
    """Draws the messages of the world of clips, brand by brand; the clips' own generators do not depend on it."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.seed = seed

    def video(self, rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
        """Draw the rows of a video: message, scenes, effects, law, and what is shown."""
        world = self.world
        message_id, published = global_id("youtube", f"sim-v-{brand.slug}-{number}"), draw_time(rng)
        clip = draw_clip(self.seed, message_id)
        curve, law = draw_replay(rng, expected_attention(clip), world.curve)
        views_ln = world.views_ln + world.per_audience * float(np.log(brand.audience))
        totals, totals_law = draw_totals(rng, world, brand, world.like_ln + LOGOS[clip.logo], views_ln)
        observed = published + timedelta(days=world.age_days)
        return {
            "message": [video_row(message_id, brand, f"{brand.company} film {number + 1}", published, clip.duration_s)],
            "scene": empty_scenes(message_id, clip),
            "effect": effect_rows(message_id, observed, totals, curve),
            "law": [{"message_id": message_id, **law, **totals_law}],
            "shown": [shown_row(message_id, clip)],
        }


def empty_scenes(message_id: str, clip: ClipSpecification) -> list[Row]:
    """The scenes of a clip without a word on what they show."""
    nothing: Row = {name: [] for name in ("speech", "screen_text", "captions", "objects", "actions")}
    return [
        {"message_id": message_id, "scene": scene, "start_s": start_s, "end_s": end_s, **nothing}
        for scene, (start_s, end_s) in enumerate(scene_spans(MARKERS, clip.duration_s))
    ]


def shown_row(message_id: str, clip: ClipSpecification) -> Row:
    """What a clip shows."""
    return {
        "message_id": message_id,
        "shapes": [scene.shape for scene in clip.scenes],
        "colours": [scene.colour for scene in clip.scenes],
        "motions": [scene.motion for scene in clip.scenes],
        "screen_texts": [scene.text for scene in clip.scenes],
        "logo": clip.logo,
        "tone_hz": clip.tone_hz,
    }


def render_media(root: Path) -> int:
    """Render the clips of a corpus that have no file yet; gives how many.

    Raises NoSuchPath, WrongVersion, Busy, NoClips, NoMediaPackages.
    """
    need_packages("rendering clips", ("av", "cv2"))
    corpus = Corpus.open(root)
    folder = root / "media"
    with corpus.lock():
        seed = seed_of(corpus)
        with corpus.connect() as connection:
            rows = connection.sql(f'SELECT DISTINCT message_id FROM "{SHOWN}" ORDER BY message_id').fetchall()
        folder.mkdir(exist_ok=True)
        paths = [(message_id, media_path(folder, message_id)) for (message_id,) in rows]
        missing = [(message_id, path) for message_id, path in paths if not path.is_file()]

        def render(of_message: tuple[str, Path]) -> None:
            message_id, path = of_message
            write_clip(path, draw_clip(seed, message_id))

        with (
            progress("rendering", "clips", len(paths), len(paths) - len(missing)) as shown,
            ThreadPoolExecutor(CORES) as pool,
        ):
            for _ in pool.map(render, missing):
                shown.advance(1)
    return len(missing)


def media_path(folder: Path, message_id: str) -> Path:
    """Where the clip of a message lies."""
    medium, _, video_id = message_id.partition(":")
    return folder / f"{stem_of(medium, video_id)}.mp4"


def seed_of(corpus: Corpus) -> int:
    """The seed of the world of clips in a corpus. Raises NoClips."""
    labels = [str(ingest.get("source")) for ingest in corpus.ingests()]
    seeds = [int(match[1]) for label in labels if (match := re.search(r":clips,seed=(\d+)", label))]
    if not seeds:
        raise NoClips(f"{corpus.root} holds no world of clips", "make one with cbc corpus simulate --world clips")
    return seeds[0]
