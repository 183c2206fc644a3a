"""What is said in a simulated world and what it does: videos, posts and emails with their behavior and its law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from corpus.ids import global_id
from corpus.replay_curve import multiplier, scene_spans
from corpus.simulate import law as rules
from corpus.simulate.brands import FIRST_DAY, Brand, Row, speaker_id
from corpus.simulate.curves import MARKERS, Array, Scene, covariance, draw_curves, draw_scenes, expected_attention
from corpus.simulate.law import CurveLaw, World
from corpus.simulate.phrases import pick, post_of, speech_of, stock_titles, title_of

LICENCE = "CC0-1.0"
DAYS = 5 * 365


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
        scenes, curve, law = self.curve(rng, tone, duration_s)
        totals, response_law = self.response(rng, brand, (tone, occasion, product), age_days)
        observed = published + timedelta(days=age_days)
        return {
            "message": [video_row(message_id, brand, title, published, duration_s)],
            "scene": [{"message_id": message_id, **scene} for scene in scenes],
            "effect": effect_rows(message_id, observed, totals, curve),
            "law": [{"message_id": message_id, **law, **response_law}],
        }

    def curve(self, rng: np.random.Generator, tone: str, duration_s: float) -> tuple[list[Row], Array, Row]:
        """Draw scenes, their replay values, and the law of both."""
        law, count = self.world.curve, MARKERS // multiplier(MARKERS, duration_s)
        scenes = draw_scenes(rng, count, law.shot_markers)
        mean = expected_attention(scenes, tone, law)
        spans = scene_spans(MARKERS, duration_s)
        rows = [self.scene(rng, i, scene, span) for i, (scene, span) in enumerate(zip(scenes, spans, strict=True))]
        return rows, *draw_replay(rng, mean, law)

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
        views_ln += world.per_occasion * rules.OCCASIONS[occasion]
        if world.age_ln_sd:
            views_ln += float(np.log(-np.expm1(-age_days / rules.GROWTH_DAYS)))
        return draw_totals(rng, world, brand, like_ln, views_ln)

    def post(self, rng: np.random.Generator, brand: Brand, number: int) -> dict[str, list[Row]]:
        """Draw the rows of a post."""
        message_id, published = global_id("twitter", f"sim-p-{brand.slug}-{number}"), draw_time(rng)
        topic, style = pick(rng, tuple(rules.POST_TOPICS)), pick(rng, tuple(rules.POST_STYLES))
        content_ln = self.world.posts * (rules.POST_TOPICS[topic] + rules.POST_STYLES[style])
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


def video_row(message_id: str, brand: Brand, title: str, published: datetime, duration_s: float) -> Row:
    """The message row of a video."""
    return {
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


def effect_rows(message_id: str, observed: datetime, totals: Mapping[str, float], curve: Array) -> list[Row]:
    """The effect rows of a video: those of the whole, and the replay value of each scene."""
    shared = {"message_id": message_id, "observed_at": observed}
    return [
        *({**shared, "metric": metric, "value": float(value)} for metric, value in totals.items()),
        *({**shared, "metric": "replay", "value": float(value), "scene": i} for i, value in enumerate(curve)),
    ]


def draw_replay(rng: np.random.Generator, mean: Array, law: CurveLaw) -> tuple[Array, Row]:
    """Draw a replay curve around expected attention; gives it with its law."""
    sizes = {name: getattr(law, name) for name in ("slow_sd", "slow_markers", "fast_sd", "fast_markers", "opening_sd")}
    curve = draw_curves(rng, mean, covariance(len(mean), **sizes), 1)[0]
    return curve, {"replay_mean": mean.tolist(), **{f"replay_{name}": size for name, size in sizes.items()}}


def draw_totals(
    rng: np.random.Generator, world: World, brand: Brand, like_ln: float, views_ln: float
) -> tuple[dict[str, int], Row]:
    """Draw views and likes of a video around their expected logarithms; gives them with the audience, and their law."""
    views = round(float(np.exp(views_ln + brand.views_effect + rng.normal(0, world.views_noise_sd))))
    percent = min(float(np.exp(like_ln + brand.like_effect + rng.normal(0, world.like_noise_sd))), 100.0)
    return {"views": views, "likes": round(views * percent / 100), "audience": brand.audience}, {
        "like_view_ln": like_ln,
        "like_view_sd": float(np.hypot(world.like_channel_sd, world.like_noise_sd)),
        "views_ln": views_ln,
        "views_sd": float(np.hypot(world.views_channel_sd, world.views_noise_sd)),
    }


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
