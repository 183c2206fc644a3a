"""Sentiment of comments whose words the corpus keeps: by lexicon, or by a regression learnt from labelled texts.

cbc corpus annotate --with comment_tone --corpus CORPUS
cbc corpus annotate --with comment_tone --set comment_tone.labels=labels.csv --corpus CORPUS
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import Field

from corpus.annotate.base import MessageAnnotator, Row
from corpus.annotate.learned_sentiment import Regression, learn, read_manifest, write_manifest
from corpus.annotate.minilm import MODEL, MiniLM, minilm_folder
from corpus.annotate.model_folders import model_hash
from corpus.annotate.sentiment import LABELS, LONGEST, Lexicon, lexicon_models
from corpus.errors import NoSuchPath
from corpus.files.hashes import file_sha256
from corpus.strict_model import StrictModel

AGREEMENT = """SELECT count(*), avg((a.sentiment = {other})::INT) FROM "{label}" a
JOIN comment_source c USING (message_id, comment_id) WHERE a.sentiment IS NOT NULL AND {other} IS NOT NULL"""


class CommentToneSettings(StrictModel):
    """The file of labelled texts (null: the lexicon answers), how many are read, and the model that embeds texts."""

    labels: str | None = None
    most_labels: int = Field(default=5_000, ge=100, le=1_000_000)
    model: str = MODEL


class CommentTone(MessageAnnotator):
    """Annotate the sentiment of comments, negative, neutral or positive; null if a text is not known to be English.

    `score`: VADER's score, -1 to 1, or the probability that the regression gives; `lexicon`: VADER's label, so that
    the two can be compared.
    """

    name = "comment_tone"
    version = 1
    columns = {"sentiment": pa.string(), "score": pa.float64(), "lexicon": pa.string()}
    fills = ("comment.sentiment",)
    key = ("message_id", "comment_id")
    packages = ("vaderSentiment",)
    extra = "tone"
    messages = "SELECT message_id, comment_id, text FROM comment_source WHERE text IS NOT NULL"
    at_once = 2_000
    settings_class = CommentToneSettings
    regression: Regression | None = None

    @cached_property
    def lexicon(self) -> Lexicon:
        """VADER, loaded on first use."""
        return Lexicon()

    @cached_property
    def embedder(self) -> MiniLM:
        """MiniLM, loaded on first use. Raises NoMiniLM, NoModelFolder, NoMediaPackages."""
        return MiniLM(minilm_folder(self.settings.model))

    def models(self) -> list[str]:
        if self.settings.labels is None:
            return lexicon_models()
        labels = Path(self.settings.labels)
        if not labels.is_file():
            raise NoSuchPath(f"there is no {labels}", "name a file of labelled texts: comment_tone.labels=FILE")
        weights = model_hash(minilm_folder(self.settings.model))
        return [*lexicon_models(), f"scikit-learn {version('scikit-learn')}", file_sha256(labels), weights]

    def prepare(self, folder: Path) -> None:
        """Learn from the labelled texts, if a file is named and an earlier run has not. Raises BadLabels."""
        if self.settings.labels is not None:
            learnt = read_manifest(folder)
            if learnt is None:
                path, most = Path(self.settings.labels), self.settings.most_labels
                learnt = learn(path, most, self.lexicon, self.embedder)
                write_manifest(folder, *learnt)
            self.regression = learnt[0]

    def annotate(self, messages: list[Row]) -> Iterator[Row]:
        """Yield a row for each comment that is known to be English."""
        read = [(row, of_lexicon) for row in messages if (of_lexicon := self.lexicon.sentiment(row["text"]))]
        predicted = [of_lexicon for _, of_lexicon in read]
        if self.regression is not None and read:
            embeddings = self.embedder.embed([row["text"][:LONGEST] for row, _ in read])
            predicted = self.regression.predict(embeddings)
        for (row, (lexicon, _)), (sentiment, score) in zip(read, predicted, strict=True):
            key = {name: row[name] for name in self.key}
            yield {**key, "sentiment": sentiment, "score": round(score, 4), "lexicon": lexicon}

    def figures(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        """Comments by sentiment, agreement with the labels of the source and the lexicon, and what labels showed."""
        counts = dict(connection.sql(f'SELECT sentiment, count(*) FROM "{self.label}" GROUP BY 1').fetchall())
        figures: dict[str, Any] = {name: counts.get(name, 0) for name in LABELS}
        figures["not_known_to_be_english"] = counts.get(None, 0)
        of_lexicon = {"lexicon": "a.lexicon"} if self.settings.labels is not None else {}
        for name, other in {"source": "c.sentiment", **of_lexicon}.items():
            sql = AGREEMENT.format(label=self.label, other=other)
            comments, agreement = connection.sql(sql).fetchall()[0]
            if comments:
                figures |= {f"compared_with_{name}": comments, f"agree_with_{name}": round(agreement, 4)}
        if self.settings.labels is not None and (learnt := read_manifest(folder)):
            figures |= {f"held_out_{name}": value for name, value in asdict(learnt[1]).items()}
        return figures
