"""Segments of API answers as rows: counts as strings, hidden ones as null, and what cannot be a row as a reject."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import NoSuchPath
from corpus.ingest.run import ingest
from corpus.sources.base import RowError
from corpus.sources.youtube_api import SEGMENT, YoutubeApi, parse_duration
from corpus.store import Corpus

AT = datetime(2026, 1, 2, 3, 4, 5)


def video(number: int, **statistics: object) -> dict:
    return {
        "id": f"video{number:06}",
        "snippet": {"title": f"Title {number}", "channelId": "UCa", "publishedAt": "2025-05-06T07:08:09Z"},
        "contentDetails": {"duration": "PT1M5S"},
        "statistics": statistics,
        "status": {"license": "youtube"},
    }


def segment(folder: Path, *pages: tuple[str, object]) -> Path:
    """A segment of answers: (stage, items, or a whole body as text)."""
    bodies = [body if isinstance(body, str) else json.dumps({"items": body}) for _, body in pages]
    count = len(pages)
    columns = [range(count), [stage for stage, _ in pages], [""] * count, [""] * count, [AT] * count, ["tool"] * count]
    arrays = [pa.array(list(column), field.type) for column, field in zip([*columns, bodies], SEGMENT, strict=True)]
    path = folder / "segment.parquet"
    pq.write_table(pa.Table.from_arrays(arrays, schema=SEGMENT), path)
    return path


def rows(root: Path, sql: str) -> list[tuple]:
    return Corpus.open(root).connect().sql(sql).fetchall()


def test_counts_are_numbers_and_hidden_ones_are_missing(tmp_path):
    items = [video(1, viewCount="12345678901", likeCount="7"), video(2, viewCount="0")]
    report = ingest(YoutubeApi(), [segment(tmp_path, ("videos", items))], tmp_path / "corpus")
    assert (report.rows_read, report.rows_kept, report.rejected) == (2, 2, {})
    assert rows(tmp_path / "corpus", "SELECT message_id, metric, value FROM effect ORDER BY ALL") == [
        ("youtube:video000001", "likes", 7.0),
        ("youtube:video000001", "views", 12345678901.0),
        ("youtube:video000002", "views", 0.0),
    ]
    told = rows(tmp_path / "corpus", "SELECT duration_s, published_at, licence FROM message LIMIT 1")
    assert told == [(65.0, datetime(2025, 5, 6, 7, 8, 9), "YouTube standard")]
    assert rows(tmp_path / "corpus", "SELECT observed_at, tool FROM provenance LIMIT 1") == [(AT, "tool")]


def test_a_channel_that_hides_its_subscribers_has_no_audience(tmp_path):
    items = [
        {
            "id": "UCa",
            "snippet": {"title": "A"},
            "statistics": {"subscriberCount": "10", "hiddenSubscriberCount": False},
        },
        {"id": "UCb", "snippet": {"title": "B"}, "statistics": {"subscriberCount": "0", "hiddenSubscriberCount": True}},
    ]
    ingest(YoutubeApi(), [segment(tmp_path, ("channels", items))], tmp_path / "corpus")
    assert rows(tmp_path / "corpus", "SELECT name, audience FROM communicator ORDER BY name") == [
        ("A", 10),
        ("B", None),
    ]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"snippet": {}}, "no id"),
        ("text", "no id"),
        (video(1, viewCount="-5"), "viewCount is no count"),
        (video(1, viewCount="1e9"), "viewCount is no count"),
        (video(1, viewCount=True), "viewCount is no count"),
        (video(1, viewCount="9" * 20), "viewCount is impossibly large"),
        (video(1) | {"statistics": [1]}, "statistics of unexpected type"),
        (video(1) | {"contentDetails": {"duration": "1:05"}}, "unparsable duration"),
        (video(1) | {"snippet": {"publishedAt": "yesterday"}}, "unparsable date"),
        (video(1) | {"snippet": {"title": 5}}, "title is no text"),
        (video(1) | {"snippet": {"tags": "a"}}, "tags of unexpected type"),
    ],
)
def test_an_item_that_makes_no_sense_is_rejected_with_file_line_and_reason(tmp_path, item, reason):
    path = segment(tmp_path, ("playlistItems", []), ("videos", [item, video(2, viewCount="3")]))
    report = ingest(YoutubeApi(), [path], tmp_path / "corpus")
    assert (report.rows_read, report.rows_kept, report.rejected) == (2, 1, {reason: 1})
    assert rows(tmp_path / "corpus", "SELECT file, line, reason FROM rejects") == [("segment.parquet", 2, reason)]


@pytest.mark.parametrize("body", ["[1]", '{"items": [', "null", '{"items": 5}', '{"items": null}'])
def test_a_page_that_is_no_answer_is_one_reject(tmp_path, body):
    path = segment(tmp_path, ("videos", body), ("videos", [video(2, viewCount="3")]))
    report = ingest(YoutubeApi(), [path], tmp_path / "corpus")
    assert report.rows_kept == 1 and report.rejected == {"no JSON object with items": 1}


def test_odd_texts_come_through_as_they_are(tmp_path):
    odd = "\u202eright to left\u202c zero\u200bwidth \x07bell \U0001f600" + "x" * 1_000_000
    item = video(1, viewCount="3")
    item["snippet"]["description"] = odd
    ingest(YoutubeApi(), [segment(tmp_path, ("videos", [item]))], tmp_path / "corpus")
    assert rows(tmp_path / "corpus", "SELECT body FROM message") == [(odd,)]


def test_half_a_character_is_replaced(tmp_path):
    item = video(1, viewCount="3")
    item["snippet"]["title"] = "cut \ud83d here"
    ingest(YoutubeApi(), [segment(tmp_path, ("videos", [item]))], tmp_path / "corpus")
    assert rows(tmp_path / "corpus", "SELECT title FROM message") == [("cut \ufffd here",)]


def test_a_file_of_another_kind_is_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    for path in (tmp_path / "other.parquet", tmp_path / "none.parquet", tmp_path / "empty"):
        with pytest.raises(NoSuchPath, match="no segment of API answers"):
            YoutubeApi().files([path])


@given(st.integers(0, 9), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_lengths_are_read_in_seconds(days, hours, minutes, rest):
    written = f"P{days}DT{hours}H{minutes}M{rest}S"
    total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    assert parse_duration(written) == (total or None)


def test_a_length_of_nothing_is_missing_and_nonsense_is_an_error():
    assert parse_duration("P0D") is None and parse_duration(None) is None
    for text in ("PT1.5S", "-PT5S", "5", "PT5X"):
        with pytest.raises(RowError, match="unparsable duration"):
            parse_duration(text)
