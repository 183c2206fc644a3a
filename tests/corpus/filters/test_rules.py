"""Language, interactions and length: what each removes, with reason and value."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.corpus.filters.made import corpus_of, removed

ENGLISH = "The new collection of running shoes is here and we would love to hear what you think about it"
GERMAN = "Die neuen Laufschuhe sind endlich da und wir freuen uns sehr darauf, eure Meinung dazu zu hören"


def in_languages(folder, *stated_and_text, **settings):
    rows = [
        {"message_id": f"m{n}", "language": stated, "body": text} for n, (stated, text) in enumerate(stated_and_text)
    ]
    return removed(corpus_of(folder / "c", message=rows), {"language": {"languages": ["en"], **settings}})


def test_the_stated_language_goes_before_the_detector(tmp_path):
    gone = in_languages(tmp_path, ("de", ENGLISH), ("en-GB", GERMAN), ("en_US", GERMAN), ("EN", GERMAN))
    assert gone == {"m0": ("stated in another language", "de", None)}


@pytest.mark.parametrize("stated", [None, "", "und"])
def test_without_a_stated_language_the_text_decides(tmp_path, stated):
    gone = in_languages(tmp_path, (stated, ENGLISH), (stated, GERMAN), (stated, ENGLISH.upper()))
    assert gone == {"m1": ("detected in another language", "de", None)}


def test_short_texts_are_kept_or_removed_as_the_recipe_says(tmp_path):
    texts = [
        (None, "Schuhe!"),
        (None, "https://example.com/lauf #laufschuhe @synthetic_handle"),
        (None, None),
        (None, ENGLISH),
    ]
    assert in_languages(tmp_path / "keep", *texts) == {}
    gone = in_languages(tmp_path / "remove", *texts, unsure="remove")
    assert gone == {f"m{n}": ("language not sure", None, None) for n in range(3)}


def test_a_bar_that_nothing_reaches_leaves_all_unsure(tmp_path):
    gone = in_languages(tmp_path, (None, ENGLISH + " " + GERMAN), sureness=1, unsure="remove")
    assert gone["m0"][0] == "language not sure" and gone["m0"][1] in ("en", "de")


@pytest.mark.parametrize("text", ["\x00" * 40, "\u202e" + "ab" * 5_000_000, "ﷺ" * 9_000, "\u0301" * 500, "🙂" * 200])
def test_hostile_texts_have_some_language_or_none(tmp_path, text):
    gone = in_languages(tmp_path, (None, text), (None, ENGLISH), unsure="remove")
    assert "m1" not in gone and set(gone) <= {"m0"}


def effect(message_id, metric, value, day=1, receiver=None):
    observed = None if day is None else datetime(2024, 2, day)
    return {"message_id": message_id, "metric": metric, "value": value, "observed_at": observed, "receiver": receiver}


MESSAGES = [
    *({"message_id": f"v{n}", "kind": "video"} for n in range(4)),
    *({"message_id": f"e{n}", "kind": "email"} for n in range(2)),
    {"message_id": "p", "kind": "post"},
]
EFFECTS = [
    effect("v0", "views", 99),
    effect("v1", "views", 100),
    *(effect("v2", "views", value, day) for value, day in [(5, None), (99, 2), (1000, 3)]),
    *(effect("e0", "sends", 60, receiver=segment) for segment in ("new", "loyal")),
    *(effect("e1", "sends", 40, receiver=segment) for segment in ("new", "loyal")),
    effect("e1", "sends", 1000, day=2, receiver="loyal"),
    effect("p", "views", 1),
]
LEAST = {"least": {"video": {"views": 100}, "email": {"sends": 100}}}


def test_the_newest_count_of_the_whole_decides(tmp_path):
    root = corpus_of(tmp_path / "c", message=MESSAGES, effect=EFFECTS)
    assert removed(root, {"interactions": LEAST}) == {"v0": ("fewer than 100 views", "99", None)}


def test_an_unknown_count_is_small_only_if_the_recipe_says_so(tmp_path):
    root = corpus_of(tmp_path / "c", message=MESSAGES, effect=EFFECTS)
    gone = removed(root, {"interactions": {**LEAST, "unknown": "remove"}})
    assert gone == {"v0": ("fewer than 100 views", "99", None), "v3": ("views unknown", None, None)}


def test_one_reason_a_message_the_first_of_the_recipe(tmp_path):
    effects = [effect("v", metric, 1) for metric in ("views", "likes")]
    root = corpus_of(tmp_path / "c", message=[{"message_id": "v", "kind": "video"}], effect=effects)
    gone = removed(root, {"interactions": {"least": {"video": {"likes": 10, "views": 100}}}})
    assert gone == {"v": ("fewer than 10 likes", "1", None)}


@pytest.mark.parametrize(
    ("settings", "gone"),
    [
        ({"min_duration_s": 10}, {"short": ("shorter than 10 s", "9.5", None)}),
        ({"max_duration_s": 300}, {"long": ("longer than 300 s", "301", None)}),
        (
            {"min_words": 2},
            {"short": ("shorter than 2 words", "1", None), "silent": ("shorter than 2 words", "0", None)},
        ),
        ({"max_words": 3}, {"long": ("longer than 3 words", "4", None)}),
        ({"max_characters": 12}, {"long": ("longer than 12 characters", "18", None)}),
        (
            {"min_duration_s": 10, "min_words": 1},
            {"short": ("shorter than 10 s", "9.5", None), "silent": ("shorter than 1 words", "0", None)},
        ),
    ],
)
def test_bounds_of_length(tmp_path, settings, gone):
    rows = [
        {"message_id": "short", "title": "Hi", "duration_s": 9.5},
        {"message_id": "long", "title": "one two", "body": "three  four", "duration_s": 301.0},
        {"message_id": "silent", "duration_s": None},
        {"message_id": "fine", "title": "one two", "duration_s": 10.0},
    ]
    assert removed(corpus_of(tmp_path / "c", message=rows), {"length": settings}) == gone
