"""Constants and formulas of the simulated worlds: how content determines the behavior of receivers.

All effects that a predictor can learn are in this file, so the best possible score of each task is known.

Replay. Markers are a hundredth of a video; a scene is one or several of them. A shot is on for some scenes, with or
without on-screen text. With `position` from 0 to 1 and the tone from the title, the attention of a scene is
    z = content + tilt * REPLAY_TONES[tone] * (position - 0.5) + opening of the first scene
        + rise * (1 - exp(-position / RISE_SHARE)) - fall * position^8 + noise
    content = carry * (content of the previous scene) + (1 - carry) * shots * (SHOTS[shot] + SCREEN_TEXTS[text])
Attention carries over to the next scene. The noise has a slow, smooth part (Matern 3/2) and a fast, rough one
(exponential), and more in the first scene. As on YouTube, the values shown run from a curve's own lowest (0) to its
highest (1).
Likes. ln(100 likes/views) = like_ln + niches * NICHES[product] + titles * (TONES[tone] + OCCASIONS[occasion]) + channel
+ noise; the title names all three.
Views. ln(views) = views_ln + per_audience ln(audience) + per_occasion * OCCASIONS[occasion] + growth + channel + noise,
where growth = ln(1 - exp(-age / 3 days)) if a world lets views grow with age.
Posts. ln(likes) = 0.7 ln(audience) + posts * (POST_TOPICS[topic] + POST_STYLES[style]) + drift over the years + noise.
Emails. logit(click rate) = -3.5 + OFFERS[offer] + segment + noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LAW = "law@2"
"""The annotation that holds what is expected of each message, and how far behavior is spread around it."""

SHOTS = {
    "puppy": 1.3,
    "baby": 1.15,
    "dancer": 1.0,
    "robot": 0.9,
    "chef": 0.75,
    "singer": 0.6,
    "runner": 0.5,
    "kite": 0.35,
    "cat": 0.25,
    "surfer": 0.15,
    "farmer": 0.05,
    "train": -0.05,
    "teacher": -0.15,
    "car": -0.25,
    "bottle": -0.35,
    "phone": -0.45,
    "crowd": -0.55,
    "doctor": -0.65,
    "lamp": -0.75,
    "office": -0.85,
    "map": -0.95,
    "chart": -1.05,
    "logo": -1.2,
    "credits": -1.3,
}
SCREEN_TEXTS = {
    "terms apply": -0.63,
    "buy now": -0.36,
    "watch this": 0.40,
    "free today": 0.23,
}
TONES = {
    "funny": 0.55,
    "moving": 0.40,
    "surprising": 0.20,
    "helpful": 0.05,
    "honest": -0.10,
    "loud": -0.35,
    "official": -0.55,
    "legal": -0.80,
}
OCCASIONS = {
    "holiday": 0.30,
    "gameday": 0.20,
    "summer": 0.05,
    "everyday": -0.10,
    "partner": -0.30,
    "archive": -0.40,
}
NICHES = {
    "games": 1.1,
    "tea": 0.9,
    "bikes": 0.7,
    "pens": 0.5,
    "boots": 0.3,
    "coffee": 0.1,
    "lamps": -0.1,
    "coats": -0.3,
    "pans": -0.5,
    "tents": -0.7,
    "shoes": -0.9,
    "soap": -1.1,
}
"""Products, each with the effect of its niche on likes per view."""
POST_TOPICS = {
    "our first store in space": 1.3,
    "a rescued dog named after us": 1.1,
    "the goal of the season": 0.8,
    "a thank you to our drivers": 0.5,
    "a new flavour": 0.2,
    "longer opening hours": -0.2,
    "a change to our terms": -0.8,
    "our quarterly results": -1.0,
    "a planned outage tonight": -1.2,
    "an update on parking": -0.9,
}
POST_STYLES = {
    "you will not believe {topic}": 0.5,
    "we are so happy about {topic}": 0.3,
    "today: {topic}": 0.0,
    "read more about {topic}": -0.4,
    "please note {topic}": -0.6,
    "in case you missed it, {topic}": -0.2,
}
OFFERS = {"half price": 0.9, "a free gift": 0.6, "early access": 0.4, "a survey": -0.5, "our newsletter": -0.3}
SEGMENTS = {"new customers": 0.3, "loyal customers": 0.7, "students": 0.1, "lapsed customers": -0.6}

REPLAY_TONES = {
    "funny": 0.54,
    "moving": 0.36,
    "surprising": 0.45,
    "helpful": 0.00,
    "honest": -0.09,
    "loud": -0.27,
    "official": -0.45,
    "legal": -0.54,
}

RISE_SHARE = 0.07
FALL_POWER = 8
AUDIENCE_LN, AUDIENCE_LN_SD = 11.0, 1.8
GROWTH_DAYS = 3.0

POST_PER_AUDIENCE = 0.7
POST_DRIFT_PER_YEAR = 0.25

CLICK_LOGIT = -3.5
CLICK_NOISE_SD = 0.3


@dataclass(frozen=True)
class CurveLaw:
    """Replay curves: effects of content, the common shape, and the noise around both."""

    shot_markers: float
    """Mean length of a shot."""
    shots: float
    carry: float
    tilt: float
    opening: float
    opening_sd: float
    rise: float
    fall: float
    slow_sd: float
    slow_markers: float
    fast_sd: float
    fast_markers: float


@dataclass(frozen=True)
class Sizes:
    """How many brands there are, and messages a brand: videos on average, where channels differ."""

    brands: int
    videos: int
    posts: int
    emails: int


@dataclass(frozen=True)
class World:
    """The constants of a world."""

    name: str
    sizes: Sizes
    shorts: float
    """Share of videos below 100 seconds, which have fewer than 100 scenes."""
    shortest_s: int
    longest_short_s: int
    alike_channels: bool
    """Whether channels have equally many videos; else most have one or two and a few very many."""
    repeated_titles: float
    plain_texts: bool
    """Whether what moves behavior is named in fixed places among few other words."""
    age_days: float
    """Median age when behavior is observed."""
    age_ln_sd: float
    curve: CurveLaw
    like_ln: float
    niches: float
    titles: float
    like_channel_sd: float
    like_noise_sd: float
    views_ln: float
    per_audience: float
    per_occasion: float
    views_channel_sd: float
    views_noise_sd: float
    posts: float
    post_noise_sd: float
    rendered: bool = False
    """Whether videos are rendered clips, whose behavior follows from what is to be seen in them alone."""


LIFELIKE = World(
    name="lifelike",
    sizes=Sizes(brands=800, videos=5, posts=24, emails=2),
    shorts=0.5,
    shortest_s=8,
    longest_short_s=60,
    alike_channels=False,
    repeated_titles=0.05,
    plain_texts=False,
    age_days=1.7,
    age_ln_sd=1.2,
    curve=CurveLaw(
        shot_markers=10,
        shots=0.3,
        carry=0.8,
        tilt=0.5,
        opening=0.62,
        opening_sd=0.6,
        rise=0.3,
        fall=0.75,
        slow_sd=0.45,
        slow_markers=60,
        fast_sd=0.08,
        fast_markers=12,
    ),
    like_ln=1.05,
    niches=0.8,
    titles=0.7,
    like_channel_sd=0.65,
    like_noise_sd=0.35,
    views_ln=6.9,
    per_audience=0.5,
    per_occasion=0.5,
    views_channel_sd=0.7,
    views_noise_sd=0.7,
    posts=1.0,
    post_noise_sd=0.8,
)
"""Like the real files in what decides the tasks (docs/results/world.md); effects of content are moderate."""

CLEAR = World(
    name="clear",
    sizes=Sizes(brands=72, videos=40, posts=100, emails=8),
    shorts=1.0,
    shortest_s=6,
    longest_short_s=13,
    alike_channels=True,
    repeated_titles=0.0,
    plain_texts=True,
    age_days=30,
    age_ln_sd=0.0,
    curve=CurveLaw(
        shot_markers=1,
        shots=1.0,
        carry=0.3,
        tilt=0.5,
        opening=0.8,
        opening_sd=0.2,
        rise=0.1,
        fall=0.5,
        slow_sd=0.2,
        slow_markers=30,
        fast_sd=0.1,
        fast_markers=10,
    ),
    like_ln=1.1,
    niches=0.0,
    titles=1.0,
    like_channel_sd=0.08,
    like_noise_sd=0.12,
    views_ln=1.0,
    per_audience=0.8,
    per_occasion=0.5,
    views_channel_sd=0.0,
    views_noise_sd=0.25,
    posts=1.0,
    post_noise_sd=0.45,
)
"""Nearly all behavior follows from content: to see at once whether a model learns."""

NULL = replace(
    LIFELIKE,
    name="null",
    sizes=Sizes(brands=480, videos=5, posts=8, emails=0),
    age_ln_sd=0.0,
    curve=replace(LIFELIKE.curve, shots=0.0, tilt=0.0),
    niches=0.0,
    titles=0.0,
    views_ln=LIFELIKE.views_ln + LIFELIKE.per_audience * AUDIENCE_LN,
    per_audience=0.0,
    per_occasion=0.0,
    posts=0.0,
)
"""No behavior follows from content, audience or age, only scenes from each other: whoever is called better is lucky."""

CLIPS = replace(
    CLEAR,
    name="clips",
    sizes=Sizes(brands=150, videos=20, posts=0, emails=0),
    curve=replace(CLEAR.curve, slow_sd=0.15, fast_sd=0.1, opening_sd=0.1),
    rendered=True,
)
"""Videos whose behavior follows from what they show (corpus/simulate/clips/law.py), and from none of their words."""

WORLDS = {world.name: world for world in (LIFELIKE, CLEAR, NULL, CLIPS)}
