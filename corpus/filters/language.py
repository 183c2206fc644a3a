"""Language: the one that the source states; where it states none, a detector reads the text."""

from __future__ import annotations

from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field, StringConstraints

from corpus.filters.base import Filter
from corpus.filters.pool import Pool
from corpus.language import Detector

Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]
STATED = "nullif(nullif(lower(split_part(replace(language, '_', '-'), '-', 1)), 'und'), '')"


class DetectedLanguage(Filter):
    """Remove messages in none of `languages` (ISO 639, as `en`).

    A text is `unsure` with fewer than `min_letters` letters beside links, tags and handles, or when the detector gives
    its language less than `sureness` (0..1); it is kept unless said otherwise.
    """

    name = "language"

    languages: tuple[Language, ...] = Field(min_length=1)
    sureness: float = Field(default=0.5, ge=0, le=1)
    min_letters: int = Field(default=20, ge=1)
    unsure: Literal["keep", "remove"] = "keep"

    def find(self, pool: Pool) -> str:
        """SQL of messages in other languages, stated or detected, and of unsure ones where they are to be removed."""
        self._detect(pool)
        unsure = "UNION ALL SELECT place, 'language not sure', language FROM detected WHERE NOT sure"
        wanted = ", ".join(f"'{language}'" for language in self.languages)
        return f"""SELECT message_id, reason, value, NULL AS duplicate_of FROM selected JOIN (
            SELECT place, 'stated in another language' AS reason, stated AS value FROM stated
            WHERE stated NOT IN ({wanted})
            UNION ALL SELECT place, 'detected in another language', language FROM detected
            WHERE sure AND language NOT IN ({wanted}) {unsure if self.unsure == "remove" else ""}) USING (place)"""

    def _detect(self, pool: Pool) -> None:
        """Fill `stated` (place, stated) and, for messages without, `detected` (place, language, sure)."""
        pool.connection.execute(
            f"""CREATE OR REPLACE TABLE stated AS SELECT place, {STATED} AS stated
            FROM message JOIN selected USING (message_id)"""
        )
        pool.connection.execute("CREATE OR REPLACE TABLE unstated AS SELECT place FROM stated WHERE stated IS NULL")
        pool.connection.execute("CREATE OR REPLACE TABLE detected (place BIGINT, language VARCHAR, sure BOOLEAN)")
        detect = Detector(self.min_letters)
        for batch in pool.rows(f"SELECT place, text FROM {pool.text} SEMI JOIN unstated USING (place)"):
            guesses = [detect(text) for text in batch["text"]]
            languages = pa.array([language for language, _ in guesses], pa.string())
            sure = pa.array([language is not None and score >= self.sureness for language, score in guesses])
            pool.insert("detected", {"place": batch["place"], "language": languages, "sure": sure})
