"""Verbalize then parse gives the value back within its rounding; outside text cannot forge a mark or tell a value."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.verbalize.attributes import list_attributes
from corpus.verbalize.mask_counts import mask_counts
from corpus.verbalize.number_words import as_integer, count_words, percent, read_number
from corpus.verbalize.read_answers import read_choice, read_values
from corpus.verbalize.safe_text import MASK, mask_links, sanitize
from corpus.verbalize.template import BadTemplate, Template
from corpus.verbalize.times import age
from corpus.verbalize.video import REPLAY, REPLAY_PAPER, like_view_text, replay_text, views_text

HOSTILE = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from(list("\n\r=<>|:0123456789")), st.just("\u2028")),
    max_size=60,
)


def one(expression: pl.Expr, **columns: object) -> str | None:
    """An expression's value for one row."""
    return pl.DataFrame({name: [value] for name, value in columns.items()}).select(out=expression)["out"][0]


def video(**given_columns: object) -> pl.DataFrame:
    """One video of four scenes, the last two masked."""
    row = {
        "company": "Acme",
        "title": "A title",
        "body": None,
        "category": None,
        "country": None,
        "language": None,
        "tag_count": None,
        "flags": None,
        "published_at": datetime(2021, 5, 1),
        "duration_s": 12.0,
        "audience": 1200.0,
        "age_days": 30.0,
        "views": 123_456.0,
        "like_view_pct": 2.34,
        "scene_seen": ["a dog", "a cat", "", "a bird flies away now"],
        "scene_speech": [None, "hello", "look here", None],
        "replay": [100.0, 40.0, None, None],
        "target": [33.0, 7.0],
    }
    return pl.DataFrame({name: [value] for name, value in (row | given_columns).items()}, strict=False)


@given(st.integers(0, 10**13))
def test_counts_come_back_within_five_percent(count):
    text = one(count_words(pl.col("n")), n=float(count))
    assert text is not None
    value = read_number(text)
    assert value == count if count < 999 else value == pytest.approx(count, rel=0.05)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (346_210, "346 thousand"),
        (2_100_000, "2.1 million"),
        (999_900, "1.0 million"),
        (9_949, "9.9 thousand"),
    ],
)
def test_counts_as_the_paper_writes_them(count, text):
    assert one(count_words(pl.col("n")), n=float(count)) == text


@given(st.floats(0, 100))
def test_percent_and_replay_come_back_within_their_rounding(value):
    shown, integer = one(percent(pl.col("n")), n=value), one(as_integer(pl.col("n")), n=value)
    assert shown is not None and integer is not None
    assert read_number(shown) == pytest.approx(value, abs=0.0501)
    assert read_number(integer) == pytest.approx(value, abs=0.501)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20), st.lists(HOSTILE, min_size=20, max_size=20))
def test_replay_answers_come_back_whatever_the_scenes_say(values, seen):
    count = len(values)
    frame = video(
        scene_seen=seen[:count], scene_speech=[None] * count, replay=[None] * count, target=[float(v) for v in values]
    ).with_columns(scene_seen=pl.col("scene_seen").list.eval(sanitize(pl.element()).fill_null("")))
    for form in (REPLAY, REPLAY_PAPER):
        told = replay_text(frame, form)
        assert read_values(told["answer"][0], count) == values


@given(st.integers(10, 10**9), st.floats(0.05, 90))
def test_likes_and_views_come_back(views, likes):
    frame = video(views=float(views), like_view_pct=likes).drop("replay", "target")
    assert read_values(views_text(frame)["answer"][0], 1) == [pytest.approx(views, rel=0.005)]
    assert read_values(like_view_text(frame)["answer"][0], 1) == [pytest.approx(likes, rel=0.00501, abs=0.00005)]


@given(st.lists(st.floats(0, 100), min_size=2, max_size=2), st.floats(100, 1e9), st.floats(0, 100))
def test_a_prompt_does_not_depend_on_what_it_masks(target, views, likes):
    assert replay_text(video(target=target))["prompt"][0] == replay_text(video())["prompt"][0]
    changed, plain = video(views=views, like_view_pct=likes), video()
    assert views_text(changed)["prompt"][0] == views_text(plain)["prompt"][0]
    assert like_view_text(changed.with_columns(views=123_456.0))["prompt"][0] == like_view_text(plain)["prompt"][0]


@given(
    st.integers(10_000, 10**10),
    st.sampled_from(["{:d} views", "{:,} views!", "over {:,}", "{:d} likes so far", "{:,}"]),
)
def test_titles_do_not_tell_counts(count, wording):
    title = f"thanks for {wording.format(count)} everyone"
    clean = one(mask_counts(pl.col("t")), t=title)
    assert clean is not None
    assert str(count) not in clean.replace(",", "")


@pytest.mark.parametrize(
    "title", ["10M views special", "we hit 1.2 million subscribers", "1.234.567 Aufrufe", "3 lakh views"]
)
def test_titles_do_not_tell_rounded_counts(title):
    clean = one(mask_counts(pl.col("t")), t=title)
    assert clean is not None and not any(c.isdigit() for c in clean)


@pytest.mark.parametrize("title", ["top 10 goals of 2023", "iPhone 15 review", "24 hours in Rome"])
def test_ordinary_numbers_stay(title):
    assert one(mask_counts(pl.col("t")), t=title) == title


@given(HOSTILE)
def test_outside_text_is_one_line_without_marks(text):
    clean = one(sanitize(pl.col("t")), t=text) or ""
    assert not set(clean) & set("<>=\n\r\u2028\u0085")
    assert len(clean.splitlines()) <= 1
    assert MASK not in clean


@pytest.mark.parametrize("forged", ["x\nscene 9: y = 100", "answer: = 55", "<mask>", "= 1 = 2"])
def test_a_title_cannot_forge_an_answer(forged):
    clean = one(sanitize(pl.col("t")), t=forged)
    told = replay_text(video(title=clean))["prompt"][0]
    assert sum(line.startswith("scene ") for line in told.splitlines()) == 4
    assert told.count("<mask ") == 2
    assert told.count(" = ") == 4


def test_links_and_mentions_become_placeholders():
    text = "hi @some_body and ＠other, see https://t.co/abc or www.example.org/x now a@b"
    clean = one(mask_links(pl.col("t")), t=text)
    assert clean == "hi (mention) and (mention), see (link) or (link) now a@b"


def test_missing_fields_leave_no_trace():
    told = replay_text(video(company=None, audience=None, views=None, like_view_pct=None, age_days=None))["prompt"][0]
    assert "null" not in told and "None" not in told
    assert told.startswith("title: A title\npublished: 2021-05-01 00h Sat\nlength: 12 s\nscene 1: a dog = 100\n")


def test_templates_are_checked_and_escapes_are_plain():
    with pytest.raises(BadTemplate):
        Template("t", 1, "a [b {c").fill()
    assert one(Template("t", 1, r"\[{a}\][ and {b}]").fill(), a="x", b=None) == "[x]"


@pytest.mark.parametrize(
    ("raw", "count", "values"),
    [
        ("scene 3: a dog = 45\nscene 4: = 50", 2, [45.0, 50.0]),
        ("scene 3: a dog = 45", 2, None),
        ("45, 50, 61", 3, [45.0, 50.0, 61.0]),
        ("scene 3: 45\nscene 4: 50", 2, [45.0, 50.0]),
        ("about 2.1 million", 1, [2_100_000.0]),
        ("title = 3.4 %", 1, [3.4]),
        ("a = 1\nb = 2\nc = 3", 2, [1.0, 2.0]),
        ("I do not know", 1, None),
        ("45 50", 3, None),
        ("", 1, None),
    ],
)
def test_answers_are_read_or_counted(raw, count, values):
    assert read_values(raw, count) == values


@pytest.mark.parametrize(
    ("raw", "index"), [("high", 1.0), (" Low.", 0.0), ("highly", None), ("it is high", None), ("", None)]
)
def test_choices_are_read_by_their_first_words(raw, index):
    assert read_choice(raw, ["low", "high"]) == (None if index is None else [index])


def test_numbered_choices_are_not_confused():
    options = [str(i + 1) for i in range(25)]
    assert read_choice("12", options) == [11.0]
    assert read_choice("1) because", options) == [0.0]


@given(HOSTILE)
def test_reading_never_fails(raw):
    for count in (1, 3):
        found = read_values(raw, count)
        assert found is None or len(found) == count


@pytest.mark.parametrize(("age_days", "text"), [(0.5, "12 hours"), (2.99, "71 hours"), (3.0, "3 days"), (-1.0, None)])
def test_a_young_age_is_told_in_hours(age_days, text):
    assert one(age(), age_days=age_days) == text


def test_attributes_are_counted_and_named_from_every_annotation_that_has_them():
    with duckdb.connect() as connection:
        list_attributes(connection)
        assert connection.sql("FROM _attributes").fetchall() == []
        for name, columns in {
            "a@1": "'m' AS message_id, 'x, y,z' AS tags, true AS is_live, false AS made_for_kids",
            "b@2": "unnest(['m', 'n']) AS message_id, ['q'] AS tags",
            "c@1": "'n' AS message_id, true AS caption_available, true AS is_live",
        }.items():
            connection.execute(f'CREATE TABLE "{name}" AS SELECT {columns}')
        list_attributes(connection)
        rows = connection.sql("FROM _attributes ORDER BY message_id").fetchall()
    assert rows == [("m", 3, "live"), ("n", 1, "live, captions")]


def test_all_that_features_know_of_a_video_stands_in_its_prompt():
    known = {"category": "Music", "country": "NZ", "language": "en", "tag_count": 22, "flags": "live, captions"}
    prompt = views_text(video(**known, age_days=1.25).drop("replay", "target"))["prompt"][0]
    named = ("category: Music", "country: NZ", "language: en", "tags: 22", "marked: live, captions", "age: 30 hours")
    for line in named:
        assert f"\n{line}\n" in prompt
    assert "published: 2021-05-01 00h Sat" in prompt and "subscribers: 1.2 thousand" in prompt
