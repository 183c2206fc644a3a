"""Language: what the source states goes first; where it states none, a detector looks at the text."""

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
    """Remove what is in none of `languages` (ISO 639, as `en`).

    A text is `unsure` with fewer than `min_letters` letters beside links, tags and handles, or when the detector gives
    its language less than `sureness` (0..1); it is kept unless said otherwise.
    """

    name = "language"

    languages: tuple[Language, ...] = Field(min_length=1)
    sureness: float = Field(default=0.5, ge=0, le=1)
    min_letters: int = Field(default=20, ge=1)
    unsure: Literal["keep", "remove"] = "keep"

    def find(self, pool: Pool) -> str:
        """Messages in other languages, stated or detected, and unsure ones where they are not wanted."""
        self._detect(pool)
        unsure = "UNION ALL SELECT place, 'language not sure', told FROM detected WHERE NOT sure"
        wanted = ", ".join(f"'{language}'" for language in self.languages)
        return f"""SELECT message_id, reason, value, NULL AS duplicate_of FROM looked JOIN (
            SELECT place, 'stated in another language' AS reason, stated AS value FROM stated
            WHERE stated NOT IN ({wanted})
            UNION ALL SELECT place, 'detected in another language', told FROM detected
            WHERE sure AND told NOT IN ({wanted}) {unsure if self.unsure == "remove" else ""}) USING (place)"""

    def _detect(self, pool: Pool) -> None:
        """Fill `stated` (place, stated) and, for those without, `detected` (place, told, sure)."""
        pool.connection.execute(
            f"""CREATE OR REPLACE TABLE stated AS SELECT place, {STATED} AS stated
            FROM message JOIN looked USING (message_id)"""
        )
        pool.connection.execute("CREATE OR REPLACE TABLE silent AS SELECT place FROM stated WHERE stated IS NULL")
        pool.connection.execute("CREATE OR REPLACE TABLE detected (place BIGINT, told VARCHAR, sure BOOLEAN)")
        detect = Detector(self.min_letters)
        for batch in pool.rows(f"SELECT place, text FROM {pool.text} SEMI JOIN silent USING (place)"):
            found = [detect(text) for text in batch["text"]]
            languages = pa.array([language for language, _ in found])
            sure = pa.array([language is not None and score >= self.sureness for language, score in found])
            pool.insert("detected", {"place": batch["place"], "told": languages.cast(pa.string()), "sure": sure})
