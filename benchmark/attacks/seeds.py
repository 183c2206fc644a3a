"""Trying seeds: of the bench, and of a simulated world, which is then made again with all its behavior."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import mannwhitneyu

from benchmark.attacks.base import Attack, Found
from benchmark.attacks.facts import Rows
from benchmark.attacks.files import TELLING, entries
from benchmark.attacks.joins import columns_key, equal_keys
from benchmark.attacks.order import LUCK
from benchmark.attacks.public_part import LEARNED, TEST, PublicPart
from benchmark.attacks.read_pairs import ELSEWHERE, read_pairs
from benchmark.sizes import PanelSize, hashed, panel_ranks
from benchmark.tasks.registry import task_named
from benchmark.tasks.replay import Replay
from corpus.simulate.brands import Brand, draw_brands
from corpus.simulate.law import WORLDS
from corpus.simulate.messages import Drawing

FIRST_BRANDS, FEWEST_HITS = 60, 3
"""Brands whose first video is looked for, and how many must be found."""
MISSES = 20
"""Videos in a row that stand nowhere, after which a brand has no more."""
FEWEST_RANKS, MASKS = 12, 60
"""Questions from which a panel's order is no chance, and those whose masks are compared."""
OTHER_SEEDS, COMMON = (1 << 64, 1 << 65, 1 << 66), 0.5
"""Seeds that nobody chose, and the share of masks that they may give all the same: short videos have few."""


def seeds_to_try(part: PublicPart, count: int) -> list[int]:
    """0 and so on, seeds that the manifest shows, and the times of files, which are popular as seeds."""
    shown = [value for name, value in entries(part.manifest) if TELLING[0] in name.lower() and isinstance(value, int)]
    times = sorted({int(path.stat().st_mtime) for path in part.files()})
    return list(dict.fromkeys([*range(count), *shown, *times]))


def run_bench_seeds(part: PublicPart, seeds: int) -> Found:
    """Look for a seed that draws the bench's panel, masks or split."""
    signs = [f"seed {seed} draws its {what}" for seed in seeds_to_try(part, seeds) for what in drawn_by(part, seed)]
    return Found(signs=tuple(signs))


def drawn_by(part: PublicPart, seed: int) -> Iterator[str]:
    """Yield what of a bench a seed draws."""
    if any(draws_panel(part, task, seed) for task in part.tasks):
        yield "panel"
    if any(draws_masks(part, task, seed) for task in part.tasks):
        yield "masks"
    if draws_split(part, seed):
        yield "split"


def draws_panel(part: PublicPart, task: str, seed: int) -> bool:
    """Whether a seed gives the panel of a task's validation part."""
    frame = part.frame(task, LEARNED[1])
    if not {"panel_rank", "message_id", "group"} <= set(frame.columns) or "panel" not in part.manifest:
        return False
    ranks = panel_ranks(frame, PanelSize(**part.manifest["panel"]), seed)
    return ranks.count() >= FEWEST_RANKS and ranks.equals(frame["panel_rank"])


def draws_masks(part: PublicPart, task: str, seed: int) -> bool:
    """Whether a seed gives the masks of a replay task's first training questions, and others do not."""
    definition, frame = task_named(task), part.frame(task, LEARNED[0]).head(MASKS)
    if not isinstance(definition, Replay) or "message_id" not in frame.columns or frame.height < FEWEST_RANKS:
        return False
    videos = list(zip(frame["message_id"], frame["replay"].list.len(), strict=True))
    asked = frame["asked"].to_list()

    def share_drawn(tried: int) -> float:
        drawn = (definition.ask(scenes, definition.rng(tried, message)) for message, scenes in videos)
        return float(np.mean([masked == run for masked, run in zip(drawn, asked, strict=True)]))

    return share_drawn(seed) == 1 and max(share_drawn(seed + other) for other in OTHER_SEEDS) <= COMMON


def draws_split(part: PublicPart, seed: int) -> bool:
    """Whether the test groups stand before the training groups by a seed's hash, beyond chance."""
    groups = part.groups()
    places = groups.with_columns(place=hashed(groups["group"], seed).rank("ordinal"))
    test, train = (places.filter(pl.col("split") == name)["place"].to_numpy() for name in (TEST, LEARNED[0]))
    if not len(test) or not len(train):
        return False
    return bool(mannwhitneyu(test, train, alternative="less").pvalue < LUCK)


def run_world_seeds(part: PublicPart, seeds: int) -> Found:
    """Look for a world and seed with the videos of the bench, and read the answers in it."""
    known = known_videos(part)
    brands = part.groups().height
    if len(known) < FEWEST_HITS or not brands:
        return Found()
    for seed in seeds_to_try(part, seeds):
        for world in WORLDS.values():
            sized = replace(world, sizes=replace(world.sizes, brands=brands))
            drawn = draw_brands(np.random.default_rng([seed, 0]), sized)
            drawing = Drawing(sized, seed)
            first = [next(videos_of(drawing, seed, number, brand)) for number, brand in enumerate(drawn[:FIRST_BRANDS])]
            if sum((row["published_at"], row["duration_s"]) in known for row in first) >= FEWEST_HITS:
                frame = rebuilt(drawing, seed, drawn, known)
                pairs = read_pairs(part, BY_TITLE, Rows("", ELSEWHERE, frame))
                sign = f"world {world.name}, seed {seed}: {frame.height} of its videos are those of the bench"
                return Found(pairs.answers, (sign,))
    return Found()


BY_TITLE = equal_keys(columns_key("title", "published_at"))


def known_videos(part: PublicPart) -> set[tuple[Any, Any]]:
    """Time and length of the videos that the bench shows."""
    frames = [part.frame(task, split) for task in part.tasks for split in (TEST, *LEARNED)]
    with_length = [frame for frame in frames if {"published_at", "duration_s"} <= set(frame.columns)]
    return {row for frame in with_length for row in frame.select("published_at", "duration_s").drop_nulls().iter_rows()}


def videos_of(drawing: Drawing, seed: int, number: int, brand: Brand) -> Iterator[dict[str, Any]]:
    """Yield the videos of a brand, in the world's order and without end, as the bench shows them."""
    rng = np.random.default_rng([seed, 1, number])
    count = 0
    while True:
        tables = drawing.video(rng, brand, count)
        message, count = tables["message"][0], count + 1
        totals = {row["metric"]: row["value"] for row in tables["effect"] if "scene" not in row}
        curve = [round(100 * row["value"]) for row in tables["effect"] if "scene" in row]
        spoken = [" ".join(scene["speech"]) for scene in tables["scene"]]
        yield {
            **{name: message[name] for name in ("title", "published_at", "duration_s")},
            "views": totals["views"],
            "like_view_pct": 100 * totals["likes"] / totals["views"] if totals["views"] else None,
            "replay": [float(value) for value in curve],
            "speech": " ".join(line for line in spoken if line),
        }


def rebuilt(drawing: Drawing, seed: int, brands: Iterable[Brand], known: set[tuple[Any, Any]]) -> pl.DataFrame:
    """The videos of a world that the bench shows."""
    rows = []
    for number, brand in enumerate(brands):
        misses = 0
        for row in videos_of(drawing, seed, number, brand):
            is_known = (row["published_at"], row["duration_s"]) in known
            misses = 0 if is_known else misses + 1
            rows += [row] * is_known
            if misses == MISSES:
                break
    return pl.DataFrame(rows)


SEEDS = (
    Attack("bench seeds", "small or shown seeds, file times: panel, masks, split", run_bench_seeds),
    Attack("world seeds", "the same seeds for simulated worlds of so many brands", run_world_seeds),
)
