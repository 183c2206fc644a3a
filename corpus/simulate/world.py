"""Draw a simulated world: brands, videos, posts and emails whose behavior follows corpus/simulate/law.py.

    cbc corpus simulate --corpus CORPUS [--world clear]

Everything follows from the seed. The tables are written as an ordinary ingest. The expected behavior of each message is
stored as the annotation `law@2`, from which the bench computes the best possible answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.errors import CbcError
from corpus.files.written_once import refuse_other
from corpus.ids import global_id
from corpus.ingest.run import Report, ingest
from corpus.replay_curve import multiplier, scene_spans
from corpus.simulate import law as rules
from corpus.simulate.curves import MARKERS, Array, Scene, covariance, draw_curves, draw_scenes, expected_attention
from corpus.simulate.law import LIFELIKE, WORLDS, Sizes, World
from corpus.simulate.phrases import company_names, pick, post_of, speech_of, stock_titles, title_of
from corpus.sources.base import BATCH_ROWS, Received, Source, Staging
from corpus.sources.registry import SIMULATED
from corpus.store import Corpus

LICENCE = "CC0-1.0"
NUMBERS = (
    "replay_slow_sd",
    "replay_slow_markers",
    "replay_fast_sd",
    "replay_fast_markers",
    "replay_opening_sd",
    "like_view_ln",
    "like_view_sd",
    "views_ln",
    "views_sd",
    "post_ln",
    "post_sd",
)
"""Columns of the law beside message_id and replay_mean (attention of each scene): expected logarithms (of 100
likes/views, of views, of likes), and standard deviations around what is expected."""
FIRST_DAY = datetime(2019, 1, 1)
DAYS = 5 * 365
CHANNEL_TAIL, SINGLES_BELOW, LARGEST = 0.8, 2.0, 60.0
"""Weights of channels: (share of larger ones)^(-1 / tail) less what only singles have, at most LARGEST. So, as in the
real files, half of the channels have a single video and a tenth more than ten."""
Row = dict[str, Any]


class BadSize(CbcError):
    """The requested sizes give no world that can be split."""


class UnknownWorld(CbcError):
    """There is no world of that name."""


@dataclass(frozen=True)
class Brand:
    """A company with a YouTube channel, a Twitter account and an email sender, and its hidden effects."""

    company: str
    slug: str
    audience: int
    product: str
    like_effect: float
    views_effect: float
    videos: int
    posts: int


def draw_brands(rng: np.random.Generator, world: World) -> list[Brand]:
    """Draw the brands of a world."""
    brands = []
    names, videos = company_names(world.sizes.brands), draw_videos(rng, world)
    for number, company in enumerate(names):
        brands.append(
            Brand(
                company=company,
                slug=company.lower().replace(" ", "-"),
                audience=max(1, int(np.exp(rng.normal(rules.AUDIENCE_LN, rules.AUDIENCE_LN_SD)))),
                product=pick(rng, tuple(rules.NICHES)),
                like_effect=float(rng.normal(0, world.like_channel_sd)),
                views_effect=float(rng.normal(0, world.views_channel_sd)),
                videos=videos[number],
                posts=posts_of(number, world),
            )
        )
    return brands


def draw_videos(rng: np.random.Generator, world: World) -> list[int]:
    """Draw the number of videos of each brand; together brands times videos."""
    brands, videos = world.sizes.brands, world.sizes.videos
    if world.alike_channels or videos < 2:
        return [videos] * brands
    larger = rng.permutation((np.arange(brands) + 0.5) / brands)
    weights = np.clip(larger ** (-1 / CHANNEL_TAIL) - SINGLES_BELOW, 0, LARGEST)
    exact = (videos - 1) * brands * weights / weights.sum()
    counts = np.floor(exact).astype(int)
    missing = (videos - 1) * brands - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return [1 + int(count) for count in counts]


def posts_of(brand: int, world: World) -> int:
    """Number of posts of a brand: all alike, or a quarter of the brands hold all posts; together brands times posts."""
    brands, posts = world.sizes.brands, world.sizes.posts
    if world.alike_channels:
        return posts
    accounts = max(3, brands // 4)
    return (brands * posts + accounts - 1 - brand) // accounts if brand < accounts else 0


def draw_time(rng: np.random.Generator) -> datetime:
    """Draw a minute within the five years of the world."""
    return FIRST_DAY + timedelta(minutes=int(rng.integers(DAYS * 24 * 60)))


def draw_duration_s(rng: np.random.Generator, world: World) -> float:
    """Draw the length of a video: a short, or one of some minutes."""
    if rng.random() < world.shorts:
        return float(rng.integers(world.shortest_s, world.longest_short_s + 1))
    return float(round(max(100.0, np.exp(rng.normal(np.log(420), 0.9)))))


def draw_title(
    rng: np.random.Generator, world: World, brand: Brand, stock: Sequence[tuple[str, str, str, str]]
) -> tuple[str, str, str, str]:
    """Draw tone, occasion, product and the title that names them; some titles stand at many channels."""
    if rng.random() < world.repeated_titles:
        return stock[int(rng.integers(len(stock)))]
    tone, occasion = pick(rng, tuple(rules.TONES)), pick(rng, tuple(rules.OCCASIONS))
    product = brand.product if rng.random() < 0.8 else pick(rng, tuple(rules.NICHES))
    return tone, occasion, product, title_of(rng, tone, occasion, product, world.plain_texts)


class Drawing:
    """Draws the messages of a world, brand by brand."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.stock = stock_titles(np.random.default_rng([seed, 2]), world.plain_texts)

    def video(self, rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
        """Draw the rows of a video: message, scenes, effects and law."""
        message_id, published = global_id("youtube", f"sim-v-{brand.slug}-{number}"), draw_time(rng)
        tone, occasion, product, title = draw_title(rng, self.world, brand, self.stock)
        duration_s = draw_duration_s(rng, self.world)
        age_days = self.world.age_days * float(np.exp(rng.normal(0, self.world.age_ln_sd)))
        message = {
            "message_id": message_id,
            "communicator_id": speaker_id("youtube", brand),
            "channel": "youtube",
            "kind": "video",
            "title": title,
            "published_at": published,
            "duration_s": duration_s,
            "language": "en",
            "licence": LICENCE,
        }
        scenes, curve, law = self.curve(rng, tone, duration_s)
        totals, response_law = self.response(rng, brand, (tone, occasion, product), age_days)
        shared = {"message_id": message_id, "observed_at": published + timedelta(days=age_days)}
        return {
            "message": [message],
            "scene": [{"message_id": message_id, **scene} for scene in scenes],
            "effect": [{**shared, "metric": metric, "value": float(value)} for metric, value in totals.items()]
            + [{**shared, "metric": "replay", "value": float(value), "scene": i} for i, value in enumerate(curve)],
            "law": [{"message_id": message_id, **law, **response_law}],
        }

    def curve(self, rng: np.random.Generator, tone: str, duration_s: float) -> tuple[list[Row], Array, Row]:
        """Draw scenes, their replay values, and the law of both."""
        law, count = self.world.curve, MARKERS // multiplier(MARKERS, duration_s)
        scenes = draw_scenes(rng, count, law.shot_markers)
        mean = expected_attention(scenes, tone, law)
        noise = covariance(count, law.slow_sd, law.slow_markers, law.fast_sd, law.fast_markers, law.opening_sd)
        spans = scene_spans(MARKERS, duration_s)
        rows = [self.scene(rng, i, scene, span) for i, (scene, span) in enumerate(zip(scenes, spans, strict=True))]
        sizes = {
            "replay_slow_sd": law.slow_sd,
            "replay_slow_markers": law.slow_markers,
            "replay_fast_sd": law.fast_sd,
            "replay_fast_markers": law.fast_markers,
            "replay_opening_sd": law.opening_sd,
        }
        return rows, draw_curves(rng, mean, noise, 1)[0], {"replay_mean": mean.tolist(), **sizes}

    def scene(self, rng: np.random.Generator, number: int, scene: Scene, span: tuple[float, float]) -> Row:
        """Row of a scene: a caption, and by chance speech and on-screen text."""
        return {
            "scene": number,
            "start_s": span[0],
            "end_s": span[1],
            "speech": [speech_of(rng, scene.shot, self.world.plain_texts)] if rng.random() < 0.4 else [],
            "screen_text": [scene.text] if scene.text else [],
            "captions": [scene.shot],
            "objects": [],
            "actions": [],
        }

    def response(
        self, rng: np.random.Generator, brand: Brand, named: tuple[str, str, str], age_days: float
    ) -> tuple[dict[str, int], Row]:
        """Draw views and likes of a video; gives them with the audience, and their law."""
        world, (tone, occasion, product) = self.world, named
        like_ln = world.like_ln + world.niches * rules.NICHES[product]
        like_ln += world.titles * (rules.TONES[tone] + rules.OCCASIONS[occasion])
        views_ln = world.views_ln + world.per_audience * float(np.log(brand.audience))
        views_ln += rules.VIEWS_PER_OCCASION * rules.OCCASIONS[occasion]
        if world.age_ln_sd:
            views_ln += float(np.log(-np.expm1(-age_days / rules.GROWTH_DAYS)))
        views = round(float(np.exp(views_ln + brand.views_effect + rng.normal(0, world.views_noise_sd))))
        percent = min(float(np.exp(like_ln + brand.like_effect + rng.normal(0, world.like_noise_sd))), 100.0)
        return {"views": views, "likes": round(views * percent / 100), "audience": brand.audience}, {
            "like_view_ln": like_ln,
            "like_view_sd": float(np.hypot(world.like_channel_sd, world.like_noise_sd)),
            "views_ln": views_ln,
            "views_sd": float(np.hypot(world.views_channel_sd, world.views_noise_sd)),
        }

    def post(self, rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
        """Draw the rows of a post."""
        message_id, published = global_id("twitter", f"sim-p-{brand.slug}-{number}"), draw_time(rng)
        topic, style = pick(rng, tuple(rules.POST_TOPICS)), pick(rng, tuple(rules.POST_STYLES))
        content_ln = rules.POST_TOPICS[topic] + rules.POST_STYLES[style]
        years = (published - FIRST_DAY).days / 365
        likes_ln = rules.POST_PER_AUDIENCE * np.log(brand.audience) + content_ln + rules.POST_DRIFT_PER_YEAR * years
        likes = round(float(np.exp(likes_ln + rng.normal(0, self.world.post_noise_sd))))
        message = {
            "message_id": message_id,
            "communicator_id": speaker_id("twitter", brand),
            "channel": "twitter",
            "kind": "post",
            "body": post_of(rng, topic, style, self.world.plain_texts)
            + (" https://example.org/" if rng.random() < 0.3 else ""),
            "published_at": published,
            "language": "en",
            "licence": LICENCE,
        }
        effect = {
            "message_id": message_id,
            "metric": "likes",
            "value": float(likes),
            "exposure": float(brand.audience),
            "observed_at": published + timedelta(days=30),
        }
        law = {"message_id": message_id, "post_ln": float(likes_ln), "post_sd": self.world.post_noise_sd}
        return {"message": [message], "effect": [effect], "law": [law]}


def draw_email(rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
    """Draw the rows of an email that is sent to each segment."""
    message_id, published = global_id("email", f"sim-e-{brand.slug}-{number}"), draw_time(rng)
    offer, product = pick(rng, tuple(rules.OFFERS)), pick(rng, tuple(rules.NICHES))
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
    """A simulated world as a source: it reads no files, and its label holds its name, seed and sizes."""

    name = SIMULATED
    version = 2
    generated = True

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed

    @property
    def label(self) -> str:
        sizes = self.world.sizes
        counts = f"{sizes.brands}x{sizes.videos}-{sizes.posts}-{sizes.emails}"
        return f"{self.name}@{self.version}:{self.world.name},seed={self.seed},{counts}"

    def files(self, paths: Sequence[Path]) -> list[Path]:
        return []

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Draw brand by brand, each with a generator of its own."""
        columns = ", ".join(f"{name} DOUBLE" for name in NUMBERS)
        staging.connection.execute(
            f"CREATE TABLE law (message_id VARCHAR, replay_mean DOUBLE[], {columns}, _record BIGINT)"
        )
        staging.annotate(rules.LAW, "law")
        drawing, sizes = Drawing(self.world, self.seed), self.world.sizes
        law: list[Row] = []
        for i, brand in enumerate(draw_brands(np.random.default_rng([self.seed, 0]), self.world)):
            rng = np.random.default_rng([self.seed, 1, i])
            speakers = [{**row, "_record": staging.rows_read + 1} for row in communicators(brand)]
            staging.add("communicator", speakers)
            staging.add(
                "provenance",
                [{**self.provenance("communicator", r["communicator_id"]), "_record": r["_record"]} for r in speakers],
            )
            kinds = ((drawing.video, brand.videos), (drawing.post, brand.posts), (draw_email, sizes.emails))
            for draw, count in kinds:
                for number in range(count):
                    law += self.stage_message(staging, draw(rng, brand, number))
            if len(law) >= BATCH_ROWS:
                stage_law(staging, law)
                law = []
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
    """Stage rows of the law: the expected behavior of each message."""
    if not law:
        return
    types = {"replay_mean": pa.list_(pa.float64()), "message_id": pa.string(), "_record": pa.int64()}
    names = ("message_id", "replay_mean", *NUMBERS, "_record")
    batch = pa.table({name: pa.array([row.get(name) for row in law], types.get(name, pa.float64())) for name in names})
    staging.connection.register("_law", batch)
    staging.connection.execute("INSERT INTO law FROM _law")
    staging.connection.unregister("_law")


def check_world(root: Path, world: SimulatedWorld) -> None:
    """Check that a corpus is empty or holds this world. Raises NoSuchPath, WrongVersion, HoldsOther."""
    labels = [str(ingest.get("source")) for ingest in Corpus.open(root).ingests()]
    if labels and world.label not in labels:
        refuse_other(root, "corpus", {"source": ", ".join(labels)}, {"source": world.label})


def simulate(root: Path, seed: int = 0, world: str = LIFELIKE.name, **sizes: int | None) -> Report:
    """Write a simulated corpus at `root`; `sizes` (brands, and a brand's videos, posts, emails) change the world's own.

    A corpus of the same world is left as it is. Raises BadSize, UnknownWorld, NoSuchPath, WrongVersion, HoldsOther.
    """
    if world not in WORLDS:
        raise UnknownWorld(f"there is no world called {world!r}", f"name one of {', '.join(WORLDS)}")
    chosen = replace(WORLDS[world].sizes, **{name: size for name, size in sizes.items() if size is not None})
    check_sizes(chosen)
    source = SimulatedWorld(replace(WORLDS[world], sizes=chosen), seed)
    if (root / "corpus.json").is_file():
        check_world(root, source)
    return ingest(source, [], root)


def check_sizes(sizes: Sizes) -> None:
    """Raises BadSize."""
    videos, posts, emails = sizes.videos, sizes.posts, sizes.emails
    if sizes.brands < 3 or min(videos, posts, emails) < 0 or not videos + posts + emails:
        raise BadSize(
            f"{sizes.brands} brands with {videos} videos, {posts} posts and {emails} emails each make no world",
            "ask for at least 3 brands (a bench has three parts), no negative sizes, and some messages",
        )
