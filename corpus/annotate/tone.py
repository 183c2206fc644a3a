"""Tone of a message's own words: sentiment, keywords and emotion words. English alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import yaml
from pydantic import Field

from corpus.annotate.base import MessageAnnotator, Row
from corpus.annotate.sentiment import Lexicon, lexicon_models
from corpus.files.hashes import file_sha256
from corpus.strict_model import StrictModel

EMOTION_WORDS = Path(__file__).with_name("emotion_words.yaml")
LONGEST = 5_000  # characters of a title and body in which keywords and emotion words are sought
LONGEST_WORD = 40
NO_WORDS = re.compile(r"https?://\S+|www\.\S+|@\w+|\((?:link|mention|email|phone)\)")
WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
CLAUSE_END = re.compile(r"[.!?;:,\n]")
BEFORE = 3  # words in which a negation takes an emotion word back, as VADER counts them


class ToneSettings(StrictModel):
    """How many keywords a message may have, and how many words each."""

    most_keywords: int = Field(default=8, ge=1, le=50)
    longest_keyword: int = Field(default=3, ge=1, le=10)


class Tone(MessageAnnotator):
    """Annotate the tone of titles and bodies that are known to be English.

    `sentiment`: negative, neutral or positive by VADER's `score`, -1 to 1; `keywords`: by RAKE (Rose et al. 2010), best
    first; `emotions`: those of Plutchik's eight that words name (emotion_words.yaml), most words first;
    `emotion_words`: these words in their order.
    """

    name = "tone"
    version = 1
    columns = {
        **{"sentiment": pa.string(), "score": pa.float64()},
        **dict.fromkeys(("keywords", "emotions", "emotion_words"), pa.list_(pa.string())),
    }
    packages = ("vaderSentiment",)
    extra = "tone"
    messages = """SELECT message_id, concat_ws(chr(10), title, body) AS text, language FROM message
        WHERE coalesce(title, body) IS NOT NULL"""
    settings_class = ToneSettings

    @cached_property
    def lexicon(self) -> Lexicon:
        """VADER, loaded on first use."""
        return Lexicon()

    @cached_property
    def emotions(self) -> dict[str, str]:
        """Word -> emotion."""
        return read_emotions(EMOTION_WORDS)

    def models(self) -> list[str]:
        return [*lexicon_models(), f"scikit-learn {version('scikit-learn')}", file_sha256(EMOTION_WORDS)]

    def annotate(self, messages: list[Row]) -> Iterator[Row]:
        """Yield a row for each message that is known to be English."""
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        for message in messages:
            text = NO_WORDS.sub(" ", message["text"][:LONGEST])
            if not self.lexicon.is_english(text, message["language"]):
                continue
            sentiment = self.lexicon.sentiment(text, "en")
            phrases = phrases_of(text, ENGLISH_STOP_WORDS, self.settings.longest_keyword)
            emotion_words = find_emotions(text, self.emotions)
            counts = Counter(self.emotions[word] for word in emotion_words)
            yield {
                "message_id": message["message_id"],
                **({"sentiment": sentiment[0], "score": sentiment[1]} if sentiment else {}),
                "keywords": rank_phrases(phrases)[: self.settings.most_keywords],
                "emotions": [emotion for emotion, _ in counts.most_common()],
                "emotion_words": list(dict.fromkeys(emotion_words)),
            }


def read_emotions(path: Path) -> dict[str, str]:
    """Word -> emotion, from a file that lists words by emotion."""
    words: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {word: emotion for emotion, listed in words.items() for word in listed.split()}


def find_emotions(text: str, emotions: Mapping[str, str]) -> list[str]:
    """The emotion words of a text, in their order, without those that a negation shortly before takes back."""
    from vaderSentiment.vaderSentiment import negated

    emotion_words: list[str] = []
    for clause in CLAUSE_END.split(text.lower().replace("’", "'")):
        words = WORD.findall(clause)
        places = (place for place, word in enumerate(words) if word in emotions)
        emotion_words += [words[place] for place in places if not negated(words[max(0, place - BEFORE) : place])]
    return emotion_words


def phrases_of(text: str, stop_words: frozenset[str], longest: int) -> list[tuple[str, ...]]:
    """The runs of words between stop words and marks, cut into phrases of at most `longest` words, in lower case."""
    phrases: list[list[str]] = [[]]
    text, end = text.lower().replace("’", "'"), 0
    for match in WORD.finditer(text):
        word = match.group().removesuffix("'s")
        if text[end : match.start()].strip(" \t"):
            phrases.append([])
        if word.partition("'")[0] in stop_words or word.endswith("n't") or not 1 < len(word) <= LONGEST_WORD:
            phrases.append([])
        elif len(phrases[-1]) == longest:
            phrases.append([word])
        else:
            phrases[-1].append(word)
        end = match.end()
    return [tuple(phrase) for phrase in phrases if phrase]


def rank_phrases(phrases: Sequence[tuple[str, ...]]) -> list[str]:
    """Phrases by RAKE's score, each once, the earlier first where two have the same.

    A phrase's score is the sum over its words of degree / frequency; a word's degree is the number of words in all
    phrases that it stands in.
    """
    frequency: Counter[str] = Counter()
    degree: Counter[str] = Counter()
    for phrase in phrases:
        for word in phrase:
            frequency[word] += 1
            degree[word] += len(phrase)
    scores = {phrase: sum(degree[word] / frequency[word] for word in phrase) for phrase in phrases}
    return [" ".join(phrase) for phrase in sorted(scores, key=lambda phrase: -scores[phrase])]
