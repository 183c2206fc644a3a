"""Sentiment learnt from labelled texts: a logistic regression over embeddings by MiniLM.

No labelled texts come with this package, since those that are known state no licence. The user names a file: CSV in
UTF-8 with a header, or parquet, with the columns `text` and `sentiment` (negative, neutral, positive).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from corpus.annotate.minilm import Embeddings
from corpus.annotate.sentiment import LABELS, LONGEST, Lexicon
from corpus.errors import CbcError, NoSuchPath, first_line
from corpus.files.atomic import write_json

COLUMNS = ("text", "sentiment")
MOST_ROWS = 1_000_000
FEWEST = 20  # texts of a label
FOLDS = 5
REGRESSION = {"C": 1.0, "max_iter": 1_000}
"""Of C from 1 to 30, with labels weighed alike or not, this did best on YouTube comments (accuracy and macro F1)."""
MANIFEST = "manifest.json"
FORMAT = {"format": "cbc-learned-sentiment", "version": 1}
MEND = "give CSV or parquet with the columns text and sentiment (negative, neutral, positive)"


class BadLabels(CbcError):
    """A file of labelled texts cannot be used."""


@dataclass(frozen=True)
class HeldOut:
    """How the regression and the lexicon do on labelled texts that the regression has not seen.

    `texts`: those known to be English; `accuracy`, `macro_f1`: of the regression; `agreement` and `kappa`: of the two
    with each other.
    """

    texts: int
    accuracy: float
    macro_f1: float
    lexicon_accuracy: float
    lexicon_macro_f1: float
    agreement: float
    kappa: float


@dataclass(frozen=True)
class Regression:
    """A fitted logistic regression: weights [labels, width] and intercepts [labels]."""

    labels: list[str]
    weights: list[list[float]]
    intercepts: list[float]

    def predict(self, embeddings: Embeddings) -> list[tuple[str, float]]:
        """The most probable label of each text, and its probability."""
        logits = embeddings.astype(np.float64) @ np.array(self.weights).T + np.array(self.intercepts)
        odds = np.exp(logits - logits.max(1, keepdims=True))
        probabilities = odds / odds.sum(1, keepdims=True)
        best = probabilities.argmax(1)
        return [(self.labels[place], float(row[place])) for place, row in zip(best, probabilities, strict=True)]


def read_labels(path: Path, most: int) -> pl.DataFrame:
    """Labelled texts, each once, without those of several labels: at most `most`, an arbitrary but fixed choice.

    Raises NoSuchPath, BadLabels.
    """
    if not path.is_file():
        raise NoSuchPath(f"there is no {path}", MEND)
    try:
        if path.suffix == ".parquet":
            rows = pl.read_parquet(path, columns=list(COLUMNS), n_rows=MOST_ROWS)
        else:
            rows = pl.read_csv(path, columns=list(COLUMNS), n_rows=MOST_ROWS, infer_schema=False)
        rows = rows.with_columns(pl.col(COLUMNS).cast(pl.String).str.strip_chars())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadLabels(f"{path} cannot be read ({first_line(error)[:120]})", MEND) from None
    rows = rows.with_columns(pl.col("text").str.head(LONGEST)).filter(pl.col("text") != "").drop_nulls().unique()
    if unknown := rows.filter(~pl.col("sentiment").is_in(LABELS))["sentiment"].head(1).to_list():
        raise BadLabels(f"{path} has the sentiment {unknown[0][:40]!r}", MEND)
    digests = pl.col("text").map_elements(lambda text: hashlib.sha256(text.encode()).hexdigest(), pl.String)
    rows = rows.filter(pl.col("text").is_unique()).with_columns(digest=digests).sort("digest").head(most)
    counts = dict(rows.group_by("sentiment").len().iter_rows())
    if len(counts) < 2 or min(counts.values()) < FEWEST:
        raise BadLabels(f"{path} has too few texts of a label ({counts})", f"give {FEWEST} or more of at least two")
    return rows.select(COLUMNS)


def fit(embeddings: Embeddings, labels: Sequence[str], of_lexicon: Sequence[str]) -> tuple[Regression, HeldOut]:
    """Fit a regression, and measure it by cross-validation beside the labels of the lexicon."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import cohen_kappa_score, f1_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    predicted = cross_val_predict(LogisticRegression(**REGRESSION), embeddings, labels, cv=folds)
    fitted = LogisticRegression(**REGRESSION).fit(embeddings, labels)
    weights, intercepts = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # of two labels it keeps the weights of one
        weights, intercepts = np.concatenate([0 * weights, weights]), np.concatenate([0 * intercepts, intercepts])
    right, lexicon = np.array(labels), np.array(of_lexicon)
    measures = {
        "accuracy": (predicted == right).mean(),
        "macro_f1": f1_score(right, predicted, average="macro"),
        "lexicon_accuracy": (lexicon == right).mean(),
        "lexicon_macro_f1": f1_score(right, lexicon, average="macro"),
        "agreement": (predicted == lexicon).mean(),
        "kappa": cohen_kappa_score(predicted, lexicon),
    }
    held_out = HeldOut(len(right), **{name: round(float(value), 4) for name, value in measures.items()})
    return Regression([str(label) for label in fitted.classes_], weights.tolist(), intercepts.tolist()), held_out


def learn(path: Path, most: int, lexicon: Lexicon, embedder: Any) -> tuple[Regression, HeldOut]:
    """Fit a regression to the English texts of a file. Raises NoSuchPath, BadLabels."""
    rows = read_labels(path, most)
    read = [lexicon.sentiment(text) for text in rows["text"]]
    english = rows.with_columns(lexicon=pl.Series([each and each[0] for each in read], dtype=pl.String)).drop_nulls()
    counts = dict(english.group_by("sentiment").len().iter_rows())
    if len(counts) < 2 or min(counts.values()) < FEWEST:
        raise BadLabels(f"{path} has too few English texts of a label ({counts})", f"give {FEWEST} or more")
    texts, labels, of_lexicon = (english[name].to_list() for name in ("text", "sentiment", "lexicon"))
    return fit(embedder.embed(texts), labels, of_lexicon)


def write_manifest(folder: Path, regression: Regression, held_out: HeldOut) -> None:
    """Write what was learnt, and how good it is, into the folder of an annotation."""
    write_json(folder / MANIFEST, {**FORMAT, "held_out": asdict(held_out), "regression": asdict(regression)})


def read_manifest(folder: Path) -> tuple[Regression, HeldOut] | None:
    """What `write_manifest` wrote; None if there is nothing of this version."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if content.items() >= FORMAT.items():
            return Regression(**content["regression"]), HeldOut(**content["held_out"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return None
