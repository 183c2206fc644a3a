"""Detect the language of messages whose source states none, from title and body (corpus/language.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from corpus.annotate.base import MessageAnnotator, Row
from corpus.language import Detector

SURE = 0.5  # score from which a detected language is trusted


class DetectedLanguage(MessageAnnotator):
    """Annotate the detected language, null below a score of SURE, with its score."""

    name = "language"
    version = 1
    columns = {"language": pa.string(), "score": pa.float64()}
    fills = ("message.language",)
    messages = """SELECT message_id, concat_ws(' ', title, body) AS text FROM message_source
        WHERE language IS NULL AND coalesce(title, body) IS NOT NULL"""

    def __init__(self) -> None:
        self.detect = Detector()

    def annotate(self, messages: list[Row]) -> Iterator[Row]:
        """Yield a row for each message with enough letters."""
        for message in messages:
            language, score = self.detect(message["text"])
            if language is not None:
                trusted = language if score >= SURE else None
                yield {"message_id": message["message_id"], "language": trusted, "score": score}
