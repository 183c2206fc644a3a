"""Boosting without words: other words of the same lengths change nothing, and the words are missed where they count."""

from __future__ import annotations

import shutil

import polars as pl

from baselines.base import Settings
from baselines.predict import predict_run
from baselines.wordless import LISTS_OF_WORDS, WORDS, BoostedWithoutWords, without_words
from benchmark.run import Run
from benchmark.score import score

ASKED = ("replay_all_masked", "like_view_ratio", "tweet_likes_brand")


def in_other_words(root, out):
    """The same bench with every text written backwards, upper case, with other letters."""
    shutil.copytree(root, out)
    other = str.maketrans("aeiou nrst", "uoiea tsrn")
    for path in out.glob("public/*/[tv]*.parquet"):
        frame = pl.read_parquet(path)

        def told(text):
            return None if text is None else text[::-1].translate(other)

        cells = [pl.col(n).map_elements(told, pl.String) for n in WORDS if n in frame.columns]
        for name in LISTS_OF_WORDS:
            if frame.schema.get(name) == pl.List(pl.String):
                values = [None if row is None else [told(text) for text in row] for row in frame[name]]
                cells.append(pl.Series(name, values, dtype=pl.List(pl.String)))
        frame.with_columns(cells).write_parquet(path)
    return out


def test_other_words_of_the_same_lengths_change_nothing(small_bench, tmp_path):
    other = in_other_words(small_bench.root, tmp_path / "other")
    differs = {}
    for name in ("boosted_without_words", "boosted"):
        runs = []
        for number, root in enumerate((small_bench.root, other)):
            predict_run(name, root, tmp_path / f"{name}{number}", Settings(tasks=ASKED))
            runs.append(Run.open(tmp_path / f"{name}{number}", small_bench))
        differs[name] = [task for task in ASKED if not runs[0].predictions(task).equals(runs[1].predictions(task))]
    assert differs["boosted_without_words"] == []
    assert "replay_all_masked" in differs["boosted"], "the one that reads them does change"


def test_words_are_missed_where_they_count(small_bench, tmp_path):
    errors = {}
    for name in ("boosted", "boosted_without_words"):
        predict_run(name, small_bench.root, tmp_path / name, Settings(tasks=("replay_all_masked",)))
        rows = score(tmp_path / name, small_bench.root)
        errors[name] = next(row["value"] for row in rows if row["metric"] == "rmse")
    assert errors["boosted"] < 0.97 * errors["boosted_without_words"]


def test_lengths_stay_and_nothing_else_of_a_text():
    frame = pl.DataFrame(
        {"title": ["a b\ncé", None], "text": ["", "x"], "scene_text": [["ab", None], []], "views": [1, 2]}
    )
    assert without_words(frame).to_dict(as_series=False) == {
        "title": ["xxxxxx", None],
        "text": ["", "x"],
        "scene_text": [["xx", None], []],
        "views": [1, 2],
    }


def test_choices_among_texts_are_left_out(small_bench):
    answered = [task for task in small_bench.tasks if BoostedWithoutWords().applies(small_bench, task)]
    assert set(small_bench.tasks) - set(answered) == {"speech_choice"}
