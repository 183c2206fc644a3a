"""Draw the simulated world: brands, videos, posts and emails whose behavior follows corpus/simulate/law.py.

    cbc corpus simulate --corpus CORPUS

Everything follows from the seed. The tables are written as an ordinary ingest. The expected behavior of each message is
stored as the annotation `law@1`, from which the bench computes the best possible answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.errors import CbcError
from corpus.files.written_once import refuse_other
from corpus.ids import global_id
from corpus.ingest.run import Report, ingest
from corpus.replay_curve import merge_markers, multiplier, scene_spans
from corpus.simulate import law as rules
from corpus.sources.base import Received, Source, Staging
from corpus.sources.registry import SIMULATED
from corpus.store import Corpus

MARKERS = 100
LICENCE = "CC0-1.0"
LAW_COLUMNS = """message_id VARCHAR, replay_mean DOUBLE[], like_view_ln DOUBLE, views_ln DOUBLE, post_ln DOUBLE,
                 _record BIGINT"""
FIRST_DAY = datetime(2019, 1, 1)
DAYS = 5 * 365
Row = dict[str, Any]
Array = npt.NDArray[np.float64]


class BadSize(CbcError):
    """The requested sizes give no world that can be split."""


class Scene(NamedTuple):
    """Content of a scene."""

    shot: str
    text: str | None


@dataclass(frozen=True)
class Brand:
    """A company with a YouTube channel, a Twitter account and an email sender, and its hidden effects."""

    company: str
    slug: str
    audience: int
    replay_effect: float
    like_effect: float


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Draw an option uniformly."""
    return options[int(rng.integers(len(options)))]


def draw_brands(rng: np.random.Generator, count: int) -> list[Brand]:
    """Draw brands with made-up names; beyond the combinations of syllables, names get a number."""
    heads, tails = ("Alvo", "Brint", "Cerra", "Dovel", "Emmo", "Fanta", "Grell", "Hulo"), ("ra", "nix", "dale", "po")
    names = [head + tail for head in heads for tail in tails]
    brands = []
    for i in range(count):
        company = names[i % len(names)] + ("" if i < len(names) else f" {i // len(names) + 1}")
        brands.append(
            Brand(
                company=company,
                slug=company.lower().replace(" ", "-"),
                audience=int(np.exp(rng.normal(11, 1.2))),
                replay_effect=float(rng.normal(0, rules.REPLAY_CHANNEL_SD)),
                like_effect=float(rng.normal(0, rules.LIKE_VIEW_CHANNEL_SD)),
            )
        )
    return brands


def draw_time(rng: np.random.Generator) -> datetime:
    """Draw a minute within the five years of the world."""
    return FIRST_DAY + timedelta(minutes=int(rng.integers(DAYS * 24 * 60)))


def draw_scene(rng: np.random.Generator) -> Scene:
    """Draw the content of a scene."""
    text = pick(rng, tuple(rules.SCREEN_TEXTS)) if rng.random() < 0.2 else None
    return Scene(pick(rng, tuple(rules.SHOTS)), text)


def scene_means(scenes: Sequence[Scene], tone: str) -> Array:
    """Expected attention of each scene under the law, before channel effect and noise."""
    content, means = 0.0, []
    for number, scene in enumerate(scenes):
        content = (
            rules.REPLAY_CARRY * content
            + rules.SHOTS[scene.shot]
            + (rules.SCREEN_TEXTS[scene.text] if scene.text else 0.0)
        )
        trend = rules.REPLAY_TREND * number / (len(scenes) - 1)
        means.append(content + trend + rules.REPLAY_OPENING * float(np.exp(-number / 1.5)))
    return rules.REPLAY_LEVEL + rules.REPLAY_TONES[tone] + np.array(means)


def autoregressive(rng: np.random.Generator, count: int) -> Array:
    """Draw stationary AR(1) noise, a value for each scene."""
    noise = rng.normal(0, rules.REPLAY_NOISE_SD, count)
    for i in range(1, count):
        noise[i] = rules.REPLAY_NOISE_AR * noise[i - 1] + np.sqrt(1 - rules.REPLAY_NOISE_AR**2) * noise[i]
    return noise


def expand_to_markers(values: Array, k: int) -> list[float]:
    """Expand scene values to 100 markers that merge back to exactly these values.

    Each scene peaks in its middle and falls off to both sides; the markers left at the end repeat the last marker.
    """
    rise = 1 - 0.02 * np.abs(np.arange(k) - k // 2)
    markers = np.repeat(values, k) * np.tile(rise, len(values))
    padding = np.full(MARKERS - len(markers), markers[-1])
    return [float(x) for x in np.concatenate([markers, padding])]


def draw_speech(rng: np.random.Generator, scene: Scene) -> str:
    """Draw a sentence spoken in a scene; it names the shot."""
    return pick(rng, (f"look at the {scene.shot}", f"the {scene.shot} again", f"here the {scene.shot}"))


def draw_video(rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
    """Draw the rows of a video: message, scenes, effects and law."""
    message_id, published = global_id("youtube", f"sim-v-{brand.slug}-{number}"), draw_time(rng)
    tone, occasion, product = (pick(rng, tuple(options)) for options in (rules.TONES, rules.OCCASIONS, rules.PRODUCTS))
    duration_s = float(rng.integers(6, 14))
    message = {
        "message_id": message_id,
        "communicator_id": speaker_id("youtube", brand),
        "channel": "youtube",
        "kind": "video",
        "title": f"{tone} {occasion} {product}",
        "published_at": published,
        "duration_s": duration_s,
        "language": "en",
        "licence": LICENCE,
    }
    scenes, merged, mean = draw_curve(rng, brand, tone, duration_s)
    totals, law = draw_response(rng, brand, tone, occasion)
    shared = {"message_id": message_id, "observed_at": published + timedelta(days=30)}
    return {
        "message": [message],
        "scene": [{"message_id": message_id, **scene} for scene in scenes],
        "effect": [{**shared, "metric": metric, "value": float(value)} for metric, value in totals.items()]
        + [{**shared, "metric": "replay", "value": value, "scene": i} for i, value in enumerate(merged)],
        "law": [{"message_id": message_id, "replay_mean": mean, **law}],
    }


def draw_curve(
    rng: np.random.Generator, brand: Brand, tone: str, duration_s: float
) -> tuple[list[Row], list[float], list[float]]:
    """Draw scenes, their replay values after merging, and their expected attention under the law."""
    k = multiplier(MARKERS, duration_s)
    count = MARKERS // k
    scenes = [draw_scene(rng) for _ in range(count)]
    mean = scene_means(scenes, tone)
    curve = 1 / (1 + np.exp(-(mean + brand.replay_effect + autoregressive(rng, count))))
    curve[0] = 1.0
    spans = scene_spans(MARKERS, duration_s)
    rows = [scene_row(rng, i, scene, span) for i, (scene, span) in enumerate(zip(scenes, spans, strict=True))]
    return rows, merge_markers(expand_to_markers(curve, k), duration_s), mean.tolist()


def scene_row(rng: np.random.Generator, number: int, scene: Scene, span: tuple[float, float]) -> Row:
    """Row of a scene: a caption, and by chance speech and on-screen text."""
    return {
        "scene": number,
        "start_s": span[0],
        "end_s": span[1],
        "speech": [draw_speech(rng, scene)] if rng.random() < 0.4 else [],
        "screen_text": [scene.text] if scene.text else [],
        "captions": [scene.shot],
        "objects": [],
        "actions": [],
    }


def draw_response(
    rng: np.random.Generator, brand: Brand, tone: str, occasion: str
) -> tuple[dict[str, int], dict[str, float]]:
    """Draw views and likes of a video; returns them with the audience, and the expected logarithms."""
    like_view_ln = rules.LIKE_VIEW_LN + rules.TONES[tone] + rules.OCCASIONS[occasion]
    views_ln = rules.VIEWS_LN + rules.VIEWS_PER_AUDIENCE * float(np.log(brand.audience))
    views_ln += rules.VIEWS_PER_OCCASION * rules.OCCASIONS[occasion]
    views = round(float(np.exp(views_ln + rng.normal(0, rules.VIEWS_NOISE_SD))))
    percent = float(np.exp(like_view_ln + brand.like_effect + rng.normal(0, rules.LIKE_VIEW_NOISE_SD)))
    likes = round(views * percent / 100)
    return {"views": views, "likes": likes, "audience": brand.audience}, {
        "like_view_ln": like_view_ln,
        "views_ln": views_ln,
    }


def draw_post(rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
    """Draw the rows of a post."""
    message_id, published = global_id("twitter", f"sim-p-{brand.slug}-{number}"), draw_time(rng)
    topic, style = pick(rng, tuple(rules.POST_TOPICS)), pick(rng, tuple(rules.POST_STYLES))
    content_ln = rules.POST_TOPICS[topic] + rules.POST_STYLES[style]
    years = (published - FIRST_DAY).days / 365
    likes_ln = rules.POST_PER_AUDIENCE * np.log(brand.audience) + content_ln + rules.POST_DRIFT_PER_YEAR * years
    likes = round(float(np.exp(likes_ln + rng.normal(0, rules.POST_NOISE_SD))))
    return {
        "message": [
            {
                "message_id": message_id,
                "communicator_id": speaker_id("twitter", brand),
                "channel": "twitter",
                "kind": "post",
                "body": style.format(topic=topic) + (" https://example.org/" if rng.random() < 0.3 else ""),
                "published_at": published,
                "language": "en",
                "licence": LICENCE,
            }
        ],
        "effect": [
            {
                "message_id": message_id,
                "metric": "likes",
                "value": float(likes),
                "exposure": float(brand.audience),
                "observed_at": published + timedelta(days=30),
            }
        ],
        "law": [{"message_id": message_id, "post_ln": float(likes_ln)}],
    }


def draw_email(rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
    """Draw the rows of an email that is sent to each segment."""
    message_id, published = global_id("email", f"sim-e-{brand.slug}-{number}"), draw_time(rng)
    offer, product = pick(rng, tuple(rules.OFFERS)), pick(rng, rules.PRODUCTS)
    effects: list[Row] = []
    for segment, effect in rules.SEGMENTS.items():
        logit = rules.CLICK_LOGIT + rules.OFFERS[offer] + effect + rng.normal(0, rules.CLICK_NOISE_SD)
        sends = int(rng.integers(1_000, 50_000))
        rate = rng.binomial(sends, 1 / (1 + np.exp(-logit))) / sends
        shared = {"message_id": message_id, "receiver": segment, "observed_at": published + timedelta(days=7)}
        effects.append({**shared, "metric": "click_through_rate", "value": float(rate), "exposure": float(sends)})
        effects.append({**shared, "metric": "sends", "value": float(sends)})
    message = {
        "message_id": message_id,
        "communicator_id": speaker_id("email", brand),
        "channel": "email",
        "kind": "email",
        "title": f"{offer} on {product}",
        "body": f"Dear customer, {offer} on all {product} from {brand.company}.",
        "published_at": published,
        "language": "en",
        "licence": LICENCE,
        "campaign": f"{brand.slug}-{offer}",
    }
    return {"message": [message], "effect": effects}


def speaker_id(channel: str, brand: Brand) -> str:
    """Id of a brand in a medium."""
    return global_id(channel, f"sim-{brand.slug}")


def communicators(brand: Brand) -> list[Row]:
    """Communicator rows of a brand, a row for each medium."""
    return [
        {
            "communicator_id": speaker_id(channel, brand),
            "channel": channel,
            "name": brand.company,
            "company": brand.company,
            "audience": brand.audience,
            "as_of": FIRST_DAY,
        }
        for channel in ("youtube", "twitter", "email")
    ]


class SimulatedWorld(Source):
    """The simulated world as a source: it reads no files, and its label holds seed and sizes."""

    name = SIMULATED
    version = 1
    generated = True

    def __init__(self, seed: int, brands: int, videos: int, posts: int, emails: int) -> None:
        self.seed, self.brands = seed, brands
        self.per_brand = {draw_video: videos, draw_post: posts, draw_email: emails}

    @property
    def label(self) -> str:
        sizes = "-".join(str(count) for count in self.per_brand.values())
        return f"{self.name}@{self.version}:seed={self.seed},{self.brands}x{sizes}"

    def files(self, paths: Sequence[Path]) -> list[Path]:
        return []

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Draw brand by brand; each has its own generator, so it does not depend on the number of brands."""
        staging.connection.execute(f"CREATE TABLE law ({LAW_COLUMNS})")
        staging.annotate(rules.LAW, "law")
        brands = draw_brands(np.random.default_rng([self.seed, 0]), self.brands)
        for i, brand in enumerate(brands):
            rng = np.random.default_rng([self.seed, 1, i])
            law: list[Row] = []
            speakers = [{**row, "_record": staging.rows_read + 1} for row in communicators(brand)]
            staging.add("communicator", speakers)
            staging.add(
                "provenance",
                [{**self.provenance("communicator", r["communicator_id"]), "_record": r["_record"]} for r in speakers],
            )
            for draw, count in self.per_brand.items():
                for number in range(count):
                    law += self.stage_message(staging, draw(rng, brand, number))
            stage_law(staging, law)

    def stage_message(self, staging: Staging, rows: dict[str, list[Row]]) -> list[Row]:
        """Stage the rows of a message; returns its law rows."""
        staging.rows_read += 1
        law = rows.pop("law", [])
        for table, table_rows in rows.items():
            staging.add(table, table_rows)
        staging.add("provenance", [self.provenance("message", rows["message"][0]["message_id"])])
        return [{"_record": staging.rows_read, **row} for row in law]

    def provenance(self, table: str, key: str) -> Row:
        """Provenance of a row: the world itself."""
        return {"table_name": table, "row_key": key, "source": self.label, "tool": self.label, "licence": LICENCE}


def stage_law(staging: Staging, law: list[Row]) -> None:
    """Stage rows of the annotation law@1: the expected behavior of each message."""
    if not law:
        return
    types = {"replay_mean": pa.list_(pa.float64()), "message_id": pa.string(), "_record": pa.int64()}
    names = ("message_id", "replay_mean", "like_view_ln", "views_ln", "post_ln", "_record")
    batch = pa.table({name: pa.array([row.get(name) for row in law], types.get(name, pa.float64())) for name in names})
    staging.connection.register("_law", batch)
    staging.connection.execute("INSERT INTO law FROM _law")
    staging.connection.unregister("_law")


def check_world(root: Path, world: SimulatedWorld) -> None:
    """Check that a corpus is empty or holds this world. Raises NoSuchPath, WrongVersion, HoldsOther."""
    labels = [str(ingest.get("source")) for ingest in Corpus.open(root).ingests()]
    if labels and world.label not in labels:
        refuse_other(root, "corpus", {"source": ", ".join(labels)}, {"source": world.label})


def simulate(
    root: Path, seed: int = 0, brands: int = 72, videos: int = 40, posts: int = 100, emails: int = 8
) -> Report:
    """Write a simulated corpus at `root`; sizes are per brand. A corpus of the same world is left as it is.

    Raises BadSize, NoSuchPath, WrongVersion, HoldsOther.
    """
    if brands < 3 or min(videos, posts, emails) < 0 or not videos + posts + emails:
        raise BadSize(
            f"{brands} brands with {videos} videos, {posts} posts and {emails} emails each make no world",
            "ask for at least 3 brands (a bench has three parts), no negative sizes, and some messages",
        )
    world = SimulatedWorld(seed, brands, videos, posts, emails)
    if (root / "corpus.json").is_file():
        check_world(root, world)
    return ingest(world, [], root)
