"""Gradient boosting on simple text and channel features: what a model without language can learn.

Replay curves: baselines/boosted_curves.py. Numbers of whole messages: what the best reference leaves is predicted from
words, labels and numbers.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from baselines.base import Predictor, Settings, WrongSettings, questions
from baselines.boosted_curves import ContentModel, predict_replay
from baselines.choices import Choose, best_options, choice_frame, choose_where_it_helps
from baselines.corrected import correct_reference
from baselines.features import MessageFeatures
from baselines.learned import right_options
from baselines.ranker import rank_options
from baselines.trees import best_trees
from benchmark.answers.values import Values
from benchmark.bench import Bench
from benchmark.tasks.registry import task_named

if TYPE_CHECKING:
    from baselines.seen_numbers import SeenNumbers


def fit_class(
    train: pl.DataFrame, validation: pl.DataFrame, timeless: bool, seed: int, seen: SeenNumbers | None = None
) -> Choose:
    """Trees of the options, which are the classes of training."""
    features = MessageFeatures(train, timeless, seen)
    tried = features.matrix(validation) if len(validation) else None
    model = best_trees(
        features.matrix(train), right_options(train), tried, right_options(validation), seed, classify=True
    )
    return lambda asked: choice_frame(asked, model.classes_, model.predict_proba(features.matrix(asked)))


class Boosted(Predictor):
    """Trains a model for each task, on the bench's training instances, before it predicts."""

    name = "boosted"
    kind = "boosted"
    description = "gradient boosting on word counts, channel and message numbers, and the visible replay values"
    answers = "every task with training instances"
    uses_settings = ("seed",)

    def __init__(self) -> None:
        self.content: dict[tuple[str, int], ContentModel] = {}
        self.seen: SeenNumbers | None = None

    def look_at(self, root: Path) -> None:
        """Read also numbers of what messages show, with their kind in its name."""
        from baselines.seen_numbers import SeenNumbers
        from corpus.seen_store import Store

        store = Store.open(root)
        kind = store.about["seen"]
        if kind in ("frames", "features"):
            raise WrongSettings(f"{root} holds {kind}", "give boosting numbers of each scene")
        self.seen = SeenNumbers(store)
        self.name = f"{type(self).name}-{kind}"
        self.description = f"{type(self).description}, and what is seen ({kind})"

    def about(self) -> dict[str, Any]:
        return {**super().about(), **({"seen": self.seen.store.fingerprint} if self.seen else {})}

    def applies(self, bench: Bench, task: str) -> bool:
        return bool(bench.tasks[task]["train"])

    def content_model(self, bench: Bench, seed: int) -> ContentModel:
        """The content model of all replay tasks, trained once, on the task with the most training videos."""
        key = bench.fingerprint, seed
        if key not in self.content:
            curves = [task for task in bench.tasks if task_named(task).asks_curve]
            largest = max(curves, key=lambda task: bench.tasks[task]["train"])
            self.content[key] = ContentModel(bench.public(largest, "train"), seed, self.seen)
        return self.content[key]

    def predict(self, bench: Bench, task: str, settings: Settings) -> pl.DataFrame:
        """Train on the task's training split and predict the split of the settings."""
        train, test = bench.public(task, "train"), questions(bench, task, settings)
        definition = task_named(task)
        if definition.asks_curve:
            values = predict_replay(bench, task, self.content_model(bench, settings.seed), test, settings.seed)
            return test.select("instance_id", values=pl.Series(values, dtype=pl.List(pl.Float64)))
        if isinstance(definition.answer, Values):
            features = partial(MessageFeatures, seen=self.seen)
            return correct_reference(bench, definition, test, features, partial(best_trees, seed=settings.seed))
        if "option_texts" in train.columns:
            return best_options(test, rank_options(train, test))
        fit = partial(fit_class, timeless=definition.split_by_time is not None, seed=settings.seed, seen=self.seen)
        return choose_where_it_helps(bench, task, test, fit)
