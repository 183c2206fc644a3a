"""Every kind of message is written or counted with its reason, and the behavior in a text comes back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.store import Corpus
from corpus.verbalize.kinds.base import CountedKind
from corpus.verbalize.safe_text import sanitize
from corpus.verbalize.verbalize import KINDS, verbalize
from corpus.withdrawn.tombstones import NAME as WITHDRAWN
from tests.corpus.filters.made import corpus_of, removed

KIND = {kind.name: kind for kind in KINDS}
DAY = datetime(2024, 1, 1, 9, 30)
MARKS = ["\n", "\u2028", " = ", "likes: 5", "; ", "segment: ", "[", "}", "<mask>", "answer:", " | says: ", "scene 1: "]
HOSTILE = st.lists(st.sampled_from(MARKS) | st.characters(codec="utf-8"), max_size=30).map("".join)
TEXTS = st.none() | HOSTILE
COUNTS = st.integers(0, 10**12).map(float)


def effects(message_id: str, receiver: str | None = None, **values: float) -> list[dict[str, Any]]:
    """Effects of a message, observed a day after its publication."""
    seen = {"message_id": message_id, "receiver": receiver, "observed_at": DAY + timedelta(days=1)}
    return [{**seen, "metric": metric, "value": value} for metric, value in values.items()]


def made(root: Path) -> Path:
    """A corpus with messages of every kind, of which some cannot be written."""
    messages = [
        {"message_id": "p1", "kind": "post", "channel": "twitter", "communicator_id": "u", "body": "Hello = <all>"},
        {"message_id": "p2", "kind": "post", "channel": "twitter", "communicator_id": "u", "body": "RT @x: Hi"},
        {"message_id": "p3", "kind": "post", "channel": "twitter", "communicator_id": "u", "body": "no likes"},
        {"message_id": "p4", "kind": "post", "channel": "twitter", "communicator_id": "u", "body": None},
        {"message_id": "p5", "kind": "post", "channel": "twitter", "communicator_id": "u", "body": "  \n "},
        {"message_id": "p6", "kind": "post", "channel": "twitter", "communicator_id": "nobody", "body": "whose?"},
        {"message_id": "p7", "kind": "post", "channel": "facebook", "communicator_id": "u", "body": "elsewhere"},
        {"message_id": "p8", "kind": "post", "channel": "twitter", "communicator_id": "u", "body": "see"},
        {"message_id": "v1", "kind": "video", "channel": "youtube", "communicator_id": "u", "title": "A film"},
        {"message_id": "v2", "kind": "video", "channel": "youtube", "communicator_id": "u", "title": "Unseen"},
        {"message_id": "e1", "kind": "email", "channel": "email", "title": "Sale", "campaign": "c1"},
        {"message_id": "e2", "kind": "email", "title": "Sale", "body": "Come in!", "campaign": "c1"},
        {"message_id": "e3", "kind": "email", "channel": "email", "title": "News", "campaign": "c2"},
        {"message_id": "h1", "kind": "headline", "channel": "web", "title": "You will not believe", "body": "A lede"},
        {"message_id": "h2", "kind": "headline", "channel": "web", "title": "Never shown"},
        {"message_id": "i1", "kind": "image", "channel": "web", "title": None},
        {"message_id": "i2", "kind": "image", "channel": "web", "title": None},
        {"message_id": "s1", "kind": "sound", "channel": "web", "title": "Jingle", "duration_s": 12.0},
        {"message_id": "x1", "kind": "poem", "channel": "web", "title": "Ode"},
        {"message_id": "x2", "kind": "comment", "channel": "web", "title": "no kind of a message"},
    ]
    scene = {"scene": 0, "start_s": 0.0, "end_s": 1.0}
    corpus_of(
        root,
        communicator=[{"communicator_id": "u", "name": "acme", "company": "Acme\nInc", "audience": 1200}],
        message=[{"published_at": DAY, **message} for message in messages],
        scene=[
            {**scene, "message_id": "p8", "captions": ["a red shoe"], "speech": ["buy it"]},
            {**scene, "message_id": "i1", "captions": ["a blue door"], "objects": ["door", "handle"]},
        ],
        effect=[
            *(row for name in ("p1", "p2", "p4", "p5", "p6", "p7", "p8") for row in effects(name, likes=12_345)),
            *effects("v1", views=2_000_000, likes=34_000),
            *effects("e1", "new; customers", sends=1_108, opens=300, clicks=72, click_through_rate=0.065),
            *effects("e1", None, sends=5_000, click_through_rate=0.0123),
            *effects("e3", "all", sends=10),
            *effects("h1", impressions=3_052, clicks=150),
            *effects("h2", impressions=0, clicks=0),
            *effects("i1", likes=7, shares=1_234_567),
            *effects("i2", likes=7),
            *effects("s1", views=99),
        ],
        comment=[
            {"message_id": "v1", "comment_id": "1", "text": "great @you", "likes": 3, "sentiment": "positive"},
            {"message_id": "v1", "comment_id": "2", "text": "bad", "likes": None, "sentiment": "negative"},
            {"message_id": "v1", "comment_id": "3", "text": "hm", "likes": None, "sentiment": None},
            {"message_id": "v1", "comment_id": "4", "text": " ", "likes": 1, "sentiment": None},
            {"message_id": "v1", "comment_id": "5", "text": None, "likes": 0, "sentiment": "positive"},
            {"message_id": "v2", "comment_id": "5", "text": None, "likes": 1, "sentiment": "positive"},
            {"message_id": "v2", "comment_id": "6", "text": None, "likes": 1, "sentiment": "positive"},
            {"message_id": "v2", "comment_id": "7", "text": None, "likes": 1, "sentiment": None},
        ],
    )
    return root


POST_HEAD = """company: Acme Inc
account: acme
followers: 1.2 thousand
published: 2024-01-01 09h Mon
age: 24 hours
"""
WRITTEN = {
    ("p1", "post-text@2"): POST_HEAD + "post: Hello ꞊ ‹all›\nlikes: 12.3 thousand",
    ("p7", "media-post-text@2"): POST_HEAD + "medium: facebook\npost: elsewhere\nlikes: 12.3 thousand",
    ("p8", "media-post-text@2"): POST_HEAD + "post: see\nmedia: a red shoe | says: buy it\nlikes: 12.3 thousand",
    ("v1", "video-text@2"): "channel: Acme Inc\nsubscribers: 1.2 thousand\ntitle: A film\n"
    "published: 2024-01-01 09h Mon\nage: 24 hours\nviews: 2.0 million\nlikes: 1.7 % of views\n",
    ("e1", "email-text@1"): "campaign: c1\nsent: 2024-01-01 09:30\nsubject: Sale\n"
    "sends: 5.0 thousand; segment: everyone = 1.23 %\n"
    "sends: 1.11 thousand; opens: 300; clicks: 72; segment: new; customers = 6.5 %",
    ("e2", "email-text@1"): "campaign: c1\nsent: 2024-01-01 09:30\nsubject: Sale\nbody: Come in!\n"
    "sends: 5.0 thousand; segment: everyone = 1.23 %\n"
    "sends: 1.11 thousand; opens: 300; clicks: 72; segment: new; customers = 6.5 %",
    ("h1", "headline-text@1"): "published: 2024-01-01\nheadline: You will not believe\nlede: A lede\n"
    "impressions: 3.05 thousand\nclicks: 150\nclick rate: 4.91 %",
    ("i1", "image-text@1"): "published: 2024-01-01\nimage: a blue door | objects: door; handle\nlikes: 7\n"
    "shares: 1.23 million",
    ("s1", "sound-text@1"): "published: 2024-01-01\ntitle: Jingle\nlength: 12 s\nsound:\nviews: 99",
    (
        "v1",
        "comment-text@1",
    ): "company: Acme Inc\nabout: A film\ncomment: great (mention)\nlikes: 3\nsentiment: positive",
    ("v2", "comments-text@1"): "company: Acme Inc\nabout: Unseen\ncomments: 3\nsentiment: positive = 2",
}
UNWRITTEN = {
    ("post", "a retweet"): 1,
    ("post", "no behavior"): 1,
    ("post", "no text"): 2,
    ("post", "no communicator"): 1,
    ("video", "no behavior"): 1,
    ("email", "no behavior"): 1,
    ("headline", "no behavior"): 1,
    ("image", "no text"): 1,
    ("poem", "no template"): 1,
    ("comment", "no template"): 1,
    ("comment", "no behavior"): 1,
    ("comment", "no text"): 2,
}


def test_every_kind_is_written_or_counted_with_its_reason(tmp_path):
    result = verbalize(made(tmp_path / "c"), tmp_path / "text.parquet")
    frame = pl.read_parquet(tmp_path / "text.parquet")
    texts = {(row["message_id"], row["template"]): row["text"] for row in frame.rows(named=True)}
    assert texts == WRITTEN | {("v1", "comment-text@1"): texts["v1", "comment-text@1"]}
    comments = frame.filter(pl.col("comment_id").is_not_null())
    assert comments["comment_id"].to_list() == ["1", "2"]
    assert comments["text"][0] == WRITTEN["v1", "comment-text@1"]
    assert dict(result.unwritten) == UNWRITTEN
    of_messages = {name for name in KIND if name not in ("comment", "comments in aggregate")}
    written = sum(count for name, count in result.written.items() if name in of_messages)
    of_comments = {("comment", "no behavior"), ("comment", "no text")}
    unwritten = sum(count for key, count in result.unwritten.items() if key not in of_comments)
    assert written + unwritten == 20


def test_the_command_prints_what_it_wrote_and_what_not(tmp_path, cbc):
    done = cbc("corpus", "verbalize", "--corpus", made(tmp_path / "c"), "--out", tmp_path / "text.parquet")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and lines[0].startswith("12 texts in ")
    assert {"post 3", "email 2", "comments in aggregate 1", "poem no template 1", "post a retweet 1"} <= set(lines)


def test_what_was_filtered_or_withdrawn_is_counted(tmp_path):
    root = made(tmp_path / "c")
    gone = removed(root, {"length": {"kinds": ["post"], "min_words": 2}})
    entry = {"kind": "message", "id": "gone", "at": "2026-01-01T00:00:00Z"}
    (root / WITHDRAWN).write_text(json.dumps(entry) + "\n")
    result = verbalize(root, tmp_path / "text.parquet")
    assert result.unwritten["post", "removed by the filter length"] == len(gone) > 0
    assert result.unwritten["any (message)", "withdrawn"] == 1
    assert not set(gone) & set(pl.read_parquet(tmp_path / "text.parquet")["message_id"])


SORTS: list[dict[str, Any]] = [
    {"text": "great", "likes": 3},
    {"text": "great", "likes": 0, "sentiment": "positive"},
    {"text": "great"},
    {"text": "", "likes": 0},
    {"text": " \n", "sentiment": "negative"},
    {"text": None},
    {"text": None, "likes": 0},
    {"text": None, "sentiment": "positive"},
]
"""Comments of all sorts; in aggregate mode none has a text."""


@pytest.mark.parametrize("mode", ["text", "aggregate"])
@pytest.mark.parametrize("filtered", [False, True])
def test_every_comment_is_in_one_count(tmp_path, mode, filtered):
    posts = [("p1", "one"), ("p2", "two words"), ("p3", "three words here"), ("p4", "four words are here")]
    sorts = {"p1": SORTS, "p2": SORTS, "p3": SORTS[5:], "p4": [], "gone": SORTS[:1] + SORTS[-1:]}
    forgotten = {} if mode == "text" else {"text": None}
    comments = [
        {"message_id": message, "comment_id": f"{message}{number}", **sort, **forgotten}
        for message, ours in sorts.items()
        for number, sort in enumerate(ours)
    ]
    messages = [{"message_id": name, "kind": "post", "channel": "web", "body": body} for name, body in posts]
    root = corpus_of(tmp_path / "c", message=messages, comment=comments)
    if filtered:
        assert removed(root, {"length": {"kinds": ["post"], "min_words": 2}})
    result = verbalize(root, tmp_path / "text.parquet")
    unwritten = {key: count for key, count in result.unwritten.items() if key[0] == "comment"}
    with Corpus.open(root).connect() as connection:
        ((total, of_removed),) = connection.sql(
            "SELECT count(*), count(*) FILTER (message_id IN (SELECT message_id FROM removed)) FROM comment"
        ).fetchall()
    assert result.written["comment"] + result.comments + sum(unwritten.values()) == total == 21
    assert unwritten.get(("comment", "removed by the filter length"), 0) == of_removed == (8 if filtered else 0)
    texts = pl.read_parquet(tmp_path / "text.parquet")
    assert texts["comment_id"].drop_nulls().len() == result.written["comment"]
    assert ("comments in aggregate" in result.written) == (texts["template"] == "comments-text@1").any()


def test_the_same_corpus_gives_the_same_bytes(tmp_path):
    root = made(tmp_path / "c")
    digests = set()
    for name in ("a", "b"):
        verbalize(root, tmp_path / name)
        digests.add(sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_counts_said_and_shown_in_scenes_are_hidden(tmp_path):
    shown = {"speech": ["we hit 1M subscribers"], "screen_text": ["登録者10万人"], "captions": ["a 10,000 km trip"]}
    corpus_of(
        tmp_path / "c",
        message=[{"message_id": "i", "kind": "image", "channel": "web", "published_at": DAY}],
        scene=[{"scene": 0, "start_s": 0.0, "end_s": 1.0, "message_id": "i", **shown}],
        effect=effects("i", likes=7, shares=3),
    )
    verbalize(tmp_path / "c", tmp_path / "text.parquet")
    (text,) = pl.read_parquet(tmp_path / "text.parquet")["text"]
    assert "a 10,000 km trip" in text and text.count("(count)") == 2
    assert "1M" not in text and "10万" not in text


def test_an_empty_corpus_gives_an_empty_file(tmp_path):
    result = verbalize(corpus_of(tmp_path / "c"), tmp_path / "text.parquet")
    assert (result.written.total(), result.unwritten.total()) == (0, 0)
    assert pl.read_parquet(tmp_path / "text.parquet").columns == ["message_id", "comment_id", "template", "text"]


# The behavior in a text comes back, whatever the content says.


def read_back(name: str, **columns: Any) -> dict[str, Any] | None:
    """The behavior read from the text of one message; None where none was written."""
    frame = pl.DataFrame({key: [columns.get(key)] for key in SCHEMA}, SCHEMA, strict=False)
    # as `parts` gives them
    clean = frame.with_columns(sanitize(pl.col(key)) for key in ("company", "account", "media"))
    row = KIND[name].texts(clean).row(0, named=True)
    return KIND[name].read(row["text"]) if row["reason"] is None and row["text"] is not None else None


STRINGS = (
    "message_id",
    "comment_id",
    "company",
    "account",
    "title",
    "body",
    "language",
    "channel",
    "campaign",
    "country",
)
SCHEMA: dict[str, Any] = dict.fromkeys([*STRINGS, "campaign", "media", "text", "sentiment", "reason"], pl.String)
SCHEMA |= {"published_at": pl.Datetime("us"), "duration_s": pl.Float64, "audience": pl.Float64, "age_days": pl.Float64}
METRICS = ("impressions", "views", "clicks", "likes", "dislikes", "shares", "comments", "replies")
SCHEMA |= dict.fromkeys(METRICS, pl.Float64)
RATES = dict.fromkeys(("sends", "opens", "clicks", "click_through_rate"), pl.Float64)
SEGMENT = pl.Struct({"message_id": pl.String, "receiver": pl.String, **RATES})
LABEL = pl.Struct({"label": pl.String, "count": pl.Int64})
SCHEMA |= {"segments": pl.List(SEGMENT), "sentiments": pl.List(LABEL)}
CONTENT = st.fixed_dictionaries(
    dict.fromkeys(("company", "account", "title", "body", "language", "media", "campaign", "channel"), TEXTS)
)


def close(value: float) -> Any:
    return pytest.approx(value, rel=0.00501, abs=0.5)


@pytest.mark.parametrize("name", [name for name, kind in KIND.items() if isinstance(kind, CountedKind)])
@given(CONTENT, st.dictionaries(st.sampled_from(["impressions", "clicks", "likes", "shares", "views"]), COUNTS))
def test_counts_of_a_message_come_back(name, content, counts):
    metrics = {metric: value for metric, value in counts.items() if metric in KIND[name].metrics}
    behavior = read_back(name, message_id="m", published_at=DAY, duration_s=3.0, **(content | metrics))
    if behavior is not None:
        rate = behavior.pop("click_rate", None)
        assert behavior == {metric: close(value) for metric, value in metrics.items()}
        if name == "headline" and metrics["clicks"] <= metrics["impressions"]:
            assert rate == pytest.approx(metrics["clicks"] / metrics["impressions"], rel=0.0051, abs=1e-6)


@given(CONTENT, COUNTS)
def test_likes_of_a_post_come_back(content, likes):
    behavior = read_back("post", message_id="m", published_at=DAY, likes=likes, **content)
    assert behavior is None or behavior == {"likes": pytest.approx(likes, rel=0.05)}


@given(CONTENT, st.lists(st.tuples(TEXTS, COUNTS, st.none() | COUNTS, st.none() | st.floats(0, 1)), max_size=3))
def test_segments_of_an_email_come_back(content, segments):
    names = ("receiver", "sends", "opens", "click_through_rate")
    rows = [dict(zip(names, values, strict=True)) | {"message_id": "m", "clicks": 1.0} for values in segments]
    behavior = read_back("email", message_id="m", published_at=DAY, segments=rows or None, **content)
    if behavior is None:
        return
    assert len(behavior["segments"]) == len(rows)
    for read, row in zip(behavior["segments"], rows, strict=True):
        rate, opens = row["click_through_rate"], row["opens"]
        assert read["sends"] == close(row["sends"]) and read["clicks"] == 1
        assert (read.get("opens") is None) == (opens is None) and (opens is None or read["opens"] == close(opens))
        assert (read.get("click_through_rate") is None) == (rate is None)
        assert rate is None or read["click_through_rate"] == pytest.approx(rate, rel=0.0051, abs=1e-6)


@given(CONTENT, HOSTILE, st.none() | COUNTS, st.sampled_from([None, "positive", "very bad"]))
def test_likes_and_sentiment_of_a_comment_come_back(content, text, likes, sentiment):
    comment = {"message_id": "m", "comment_id": "c", "text": text, "likes": likes, "sentiment": sentiment}
    behavior = read_back("comment", **comment, **content)
    if behavior is not None:
        assert behavior.get("sentiment") == sentiment
        assert behavior.get("likes") == (None if likes is None else close(likes))


@given(CONTENT, COUNTS, st.dictionaries(st.sampled_from(["positive", "negative", "neutral"]), st.integers(1, 10**6)))
def test_sentiments_in_aggregate_come_back(content, comments, labels):
    rows = [{"label": label, "count": count} for label, count in labels.items()]
    behavior = read_back("comments in aggregate", message_id="m", comments=comments, sentiments=rows or None, **content)
    assert behavior is not None and behavior["comments"] == close(comments)
    assert behavior.get("sentiments", {}) == {label: close(count) for label, count in labels.items()}


@settings(max_examples=30)
@given(st.lists(st.tuples(TEXTS, TEXTS, st.floats(0, 1)), min_size=1, max_size=5), COUNTS, st.floats(0, 1))
def test_views_likes_and_replay_of_a_video_come_back(tmp_path_factory, scenes, views, share):
    root = tmp_path_factory.mktemp("c")
    span = [{"message_id": "v", "scene": n, "start_s": n, "end_s": n + 1} for n in range(len(scenes))]
    said = [{"captions": [seen or ""], "speech": [heard] if heard is not None else None} for seen, heard, _ in scenes]
    values = [{"message_id": "v", "metric": "replay", "value": row[2], "scene": n} for n, row in enumerate(scenes)]
    corpus_of(
        root / "c",
        message=[{"message_id": "v", "kind": "video", "channel": "youtube", "title": "t", "published_at": DAY}],
        scene=[row | more for row, more in zip(span, said, strict=True)],
        effect=[*values, *effects("v", views=views, likes=views * share)],
    )
    verbalize(root / "c", root / "text.parquet")
    behavior = KIND["video"].read(pl.read_parquet(root / "text.parquet")["text"][0])
    assert behavior["views"] == pytest.approx(views, rel=0.05)
    assert behavior["replay"] == [pytest.approx(100 * value, abs=0.501) for _, _, value in scenes]
    assert ("likes" in behavior) == (views >= 100)
    assert views < 100 or behavior["likes"] == pytest.approx(100 * share, abs=0.0501)
