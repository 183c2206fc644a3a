"""Constants and formulas of the simulated world: how content determines the behavior of receivers.

All effects that a predictor can learn are in this file, so the best possible score of each task is known.

Replay. A scene shows a shot, and may carry on-screen text. Its attention is
    z = LEVEL + content + REPLAY_TONES[tone] + OPENING * exp(-scene / 1.5) + TREND * position + channel + noise
    content = CARRY * (content of the previous scene) + SHOTS[shot] + SCREEN_TEXTS[text]
with position from 0 to 1, the tone from the title, a normal channel effect, and noise that is AR(1) over scenes. Its
replay value is 1 / (1 + exp(-z)); the first scene is the most replayed and has value 1. Attention carries over to the
next scene and the noise is smooth, so that neighboring scenes are similar, as in real curves.
Likes. ln(100 likes/views) = LIKE_VIEW_LN + TONES[tone] + OCCASIONS[occasion] + channel + noise; the title names both.
Views. ln(views) = VIEWS_LN + 0.8 ln(audience) + 0.5 OCCASIONS[occasion] + noise.
Posts. ln(likes) = 0.7 ln(audience) + POST_TOPICS[topic] + POST_STYLES[style] + drift over the years + noise.
Emails. logit(click rate) = -3.5 + OFFERS[offer] + segment + noise.
"""

from __future__ import annotations

LAW = "law@1"  # the annotation that holds what is expected of each message

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
PRODUCTS = ("shoes", "coffee", "bikes", "soap", "lamps", "tea", "boots", "games", "pans", "coats", "pens", "tents")
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
REPLAY_LEVEL = 0.1
REPLAY_CARRY = 0.5
REPLAY_OPENING = 1.5
REPLAY_TREND = -0.8
REPLAY_CHANNEL_SD = 0.2
REPLAY_NOISE_SD = 0.45
REPLAY_NOISE_AR = 0.8

LIKE_VIEW_LN = 1.1  # logarithm of a percentage: 3 % for a video without effects
LIKE_VIEW_CHANNEL_SD = 0.08
LIKE_VIEW_NOISE_SD = 0.12

VIEWS_LN = 1.0
VIEWS_PER_AUDIENCE = 0.8
VIEWS_PER_OCCASION = 0.5
VIEWS_NOISE_SD = 0.25

POST_PER_AUDIENCE = 0.7
POST_DRIFT_PER_YEAR = 0.25
POST_NOISE_SD = 0.45

CLICK_LOGIT = -3.5
CLICK_NOISE_SD = 0.3
