"""The language of messages whose source states none, detected in title and body (corpus/language.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from corpus.annotate.base import Annotator, Row
from corpus.language import Detector

SURE = 0.5


class DetectedLanguage(Annotator):
    """A language where the detector gives it a score of at least SURE; the score in any case."""

    name = "language"
    version = 1
    columns = {"language": pa.string(), "score": pa.float64()}
    fills = ("message.language",)
    messages = """SELECT message_id, concat_ws(' ', title, body) AS text FROM message_source
        WHERE language IS NULL AND coalesce(title, body) IS NOT NULL"""

    def __init__(self) -> None:
        self.detect = Detector()

    def annotate(self, messages: list[Row]) -> Iterator[Row]:
        """A row for each message with words enough."""
        for message in messages:
            language, score = self.detect(message["text"])
            if language is not None:
                told = language if score >= SURE else None
                yield {"message_id": message["message_id"], "language": told, "score": score}
