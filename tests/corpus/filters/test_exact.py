"""Exact duplicates: what counts as the same text, and which one is kept."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.corpus.filters.made import DAY, corpus_of, posts, removed


def duplicates(root, *settings):
    return {name: row[2] for name, row in removed(root, {"exact_duplicates": settings[0] if settings else {}}).items()}


@pytest.mark.parametrize(
    "other",
    [
        "new SHOES for spring",
        "  New\tshoes\n for  spring ",
        "Ｎｅｗ shoes for spring",  # full width
        "New sho\u200bes for spring\ufeff",  # what cannot be seen
    ],
)
def test_what_makes_no_difference(tmp_path, other):
    root = corpus_of(tmp_path / "c", message=posts("New shoes for spring", other, "New shoes for autumn"))
    assert duplicates(root) == {"p001": "p000"}


def test_the_earliest_published_is_kept_and_ids_break_ties(tmp_path):
    days = {"a": None, "b": datetime(2024, 5, 2), "c": datetime(2024, 5, 1), "d": datetime(2024, 5, 1)}
    rows = [{"message_id": name, "body": "hello", "published_at": day} for name, day in days.items()]
    root = corpus_of(tmp_path / "c", message=reversed(rows))
    assert duplicates(root) == dict.fromkeys("abd", "c")


def test_kinds_are_apart_and_silence_is_no_duplicate(tmp_path):
    rows = [
        {"message_id": "a", "body": "hello"},
        {"message_id": "b", "kind": "email", "title": "hello"},
        *({"message_id": name, "body": text} for name, text in [("c", None), ("d", ""), ("e", " \u200b ")]),
    ]
    assert duplicates(corpus_of(tmp_path / "c", message=rows)) == {}


def test_speech_is_part_of_what_a_video_says(tmp_path):
    rows = [{"message_id": name, "kind": "video", "title": "Trailer"} for name in "abc"]
    said = {"a": [["one"], ["two", "three"]], "b": [["one", "two"], ["three"]], "c": [["two", "three"], ["one"]]}
    scenes = [
        {"message_id": name, "scene": n, "speech": speech} for name in said for n, speech in enumerate(said[name])
    ]
    assert duplicates(corpus_of(tmp_path / "c", message=rows, scene=reversed(scenes))) == {"b": "a"}


def test_texts_that_differ_only_far_behind_are_two(tmp_path):
    long = "word " * 20_000
    root = corpus_of(tmp_path / "c", message=posts(long + "one", long + "two", long + "one"))
    assert duplicates(root) == {"p002": "p000"}


def test_with_same_duration_two_videos_of_one_title_stay(tmp_path):
    lengths = {"a": 61.0, "b": 61.3, "c": 240.0, "d": None, "e": None}
    rows = [
        {"message_id": name, "kind": "video", "title": "Live", "duration_s": length, "published_at": DAY}
        for name, length in lengths.items()
    ]
    root = corpus_of(tmp_path / "c", message=rows)
    assert duplicates(root, {"same_duration": True}) == {"b": "a", "e": "d"}
    assert duplicates(root) == dict.fromkeys("bcde", "a")


def test_only_the_kinds_named_are_looked_at(tmp_path):
    rows = [
        {"message_id": f"{kind}{n}", "kind": kind, "body": "hello"} for kind in ("post", "headline") for n in (1, 2)
    ]
    assert duplicates(corpus_of(tmp_path / "c", message=rows), {"kinds": ["post"]}) == {"post2": "post1"}
