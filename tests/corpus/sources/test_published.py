"""The published corpus: read, written back, and read again to the same tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import NoSuchPath
from corpus.ingest.run import Report, ingest
from corpus.published_shape import PUBLISHED
from corpus.release.export import export_published
from corpus.schema import TABLES
from corpus.sources.registry import source_named
from corpus.store import Corpus
from tests.corpus.sources.infos import video, write

SCHEMA = (
    duckdb.sql("SELECT " + ", ".join(f"NULL::{type_} AS {name}" for name, type_ in PUBLISHED.items()))
    .to_arrow_table()
    .schema
)

SEEN = "speech, screen_text, captions, objects, actions"


def save(path: Path, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


def taken_in(root: Path, *paths: Path) -> Report:
    report = ingest(source_named("published"), list(paths), root)
    assert report.rows_read == report.rows_counted
    return report


def tables(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table's rows but for provenance, which names the file read."""
    connection = Corpus.open(root).connect()
    names = [name for name in TABLES if name not in ("provenance", "rejects")]
    return {name: sorted(connection.execute(f"FROM {name}").fetchall(), key=repr) for name in names}


ROW = {
    "video_id": "v1",
    "asr_raw": [
        {
            "start": 0.0,
            "end": 1.0,
            "text": "hi you",
            "words": [{"confidence": 0.5, "start": 0.0, "end": 1, "text": "hi"}],
        }
    ],
    "asr_grouped": [["hi", "you"], []],
    "ocr": [["SALE"], None],
    "blip2_annotations": {"actions": ["runs"], "captions": ["a dog", "a cat", "a car", "a bus"], "objects": ["x", "y"]},
    "replay_graphs": {
        "original_marker_duration": 0.5,
        "processed_marker_duration": 1.0,
        "multiplier": 2.0,
        "markers": [{"start": 0.0, "end": 1.0, "replay_score": 1.0}, {"start": 1.0, "end": 2.0, "replay_score": None}],
    },
    "likes": 3.0,
    "views": 100.0,
    "metadata": {"title": "Dog", "description": "A dog.", "length": 50.0, "date": "2020-02-03"},
    "channel_data": {"channel_id": "UC1", "company_name": "Alvora", "subscribers": 9.0},
}


def test_a_row_becomes_scenes_effects_and_a_channel(tmp_path):
    report = taken_in(tmp_path / "corpus", save(tmp_path / "train.parquet", [ROW]))
    assert (report.rows_read, report.rows_kept, report.rejected) == (1, 1, {})
    corpus = Corpus.open(tmp_path / "corpus").connect()
    assert corpus.execute(f"SELECT scene, start_s, end_s, {SEEN} FROM scene ORDER BY scene").fetchall() == [
        (0, 0.0, 1.0, ["hi", "you"], ["SALE"], ["a dog", "a cat"], ["x"], None),
        (1, 1.0, 2.0, [], None, ["a car", "a bus"], ["y"], None),
    ]
    assert corpus.execute("SELECT metric, value, scene FROM effect ORDER BY metric").fetchall() == [
        ("audience", 9.0, None),
        ("likes", 3.0, None),
        ("replay", 1.0, 0),
        ("views", 100.0, None),
    ]
    assert corpus.execute("SELECT communicator_id, company, audience FROM communicator").fetchall() == [
        ("youtube:UC1", "Alvora", 9)
    ]
    assert corpus.execute('SELECT verbatim, actions FROM "published@1"').fetchone() == (
        ["asr_raw", "actions", "company_name", "subscribers"],
        ["runs"],
    )
    assert corpus.execute("SELECT raw_line, source FROM provenance WHERE table_name = 'message'").fetchall() == [
        (1, "published@1")
    ]


def test_the_export_has_the_columns_of_the_release(tmp_path):
    taken_in(tmp_path / "corpus", save(tmp_path / "train.parquet", [ROW]))
    assert export_published(tmp_path / "corpus", tmp_path / "out.parquet") == 1
    assert read(tmp_path / "out.parquet") == [ROW]
    found = duckdb.sql(f"DESCRIBE FROM '{tmp_path}/out.parquet'").fetchall()
    expected = duckdb.sql(f"DESCRIBE FROM '{tmp_path}/train.parquet'").fetchall()
    assert [row[:2] for row in found] == [row[:2] for row in expected]


@pytest.mark.parametrize(
    ("date", "published_at"),
    [
        ("2020-02-03", "2020-02-03 00:00:00"),
        ("20200203", "2020-02-03 00:00:00"),
        ("2020-02-03T04:05:06Z", "2020-02-03 04:05:06"),
        ("2020-02-03T04:05:06+02:00", "2020-02-03 02:05:06"),
        ("Feb 3, 2020", "2020-02-03 00:00:00"),
        ("last spring", None),
        ("infinity", None),
        ("2020-02-31", None),
    ],
)
def test_dates(tmp_path, date, published_at):
    row = {**ROW, "metadata": {**ROW["metadata"], "date": date}}
    taken_in(tmp_path / "corpus", save(tmp_path / "train.parquet", [row]))
    corpus = Corpus.open(tmp_path / "corpus").connect()
    assert corpus.execute("SELECT published_at::VARCHAR FROM message").fetchone() == (published_at,)
    export_published(tmp_path / "corpus", tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet") == [row]


# Round trip

number = st.none() | st.floats(0, 1e15, allow_nan=False)
words = st.none() | st.text(st.characters(codec="utf-8"), max_size=6)
listed = st.none() | st.lists(words, max_size=6)
grouped = st.none() | st.lists(st.none() | st.lists(words, max_size=2), max_size=5)
times = st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)).map(sorted)
markers = st.none() | st.lists(
    st.tuples(times, st.none() | st.floats(0, 1)).map(
        lambda made: {"start": made[0][0], "end": made[0][1], "replay_score": made[1]}
    ),
    max_size=5,
)
word = st.fixed_dictionaries({"confidence": number, "start": number, "end": number, "text": words})
rows = st.lists(
    st.fixed_dictionaries(
        {
            "video_id": st.text("abcdef-_'\"", min_size=1, max_size=4),
            "asr_raw": st.none()
            | st.lists(
                st.fixed_dictionaries(
                    {"start": number, "end": number, "text": words, "words": st.none() | st.lists(word, max_size=2)}
                ),
                max_size=2,
            ),
            "asr_grouped": grouped,
            "ocr": grouped,
            "blip2_annotations": st.none()
            | st.fixed_dictionaries({"actions": listed, "captions": listed, "objects": listed}),
            "replay_graphs": st.none()
            | st.fixed_dictionaries(
                {
                    "original_marker_duration": number,
                    "processed_marker_duration": number,
                    "multiplier": number,
                    "markers": markers,
                }
            ),
            "likes": number,
            "views": number,
            "metadata": st.none()
            | st.fixed_dictionaries(
                {
                    "title": words,
                    "description": words,
                    "length": number,
                    "date": words | st.dates().map(str) | st.datetimes().map(lambda when: when.isoformat() + "Z"),
                }
            ),
            "channel_data": st.none()
            | st.fixed_dictionaries(
                {"channel_id": st.sampled_from([None, "", "UC1", "UC2"]), "company_name": words, "subscribers": number}
            ),
        }
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row["video_id"],
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(made=rows)
def test_round_trip(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("trip")
    report = taken_in(folder / "first", save(folder / "a.parquet", made))
    assert (report.rows_kept, report.rejected) == (len(made), {})
    assert export_published(folder / "first", folder / "b.parquet") == len(made)
    assert read(folder / "b.parquet") == sorted(made, key=lambda row: row["video_id"].encode())
    taken_in(folder / "second", folder / "b.parquet")
    assert tables(folder / "second") == tables(folder / "first")
    export_published(folder / "second", folder / "c.parquet")
    assert (folder / "b.parquet").read_bytes() == (folder / "c.parquet").read_bytes()


def test_a_corpus_of_another_source_is_exported_and_read_back(tmp_path):
    write(tmp_path / "videos", video(), en_srt="1\n00:00:10,500 --> 00:00:12,000\nhello there\n")
    write(tmp_path / "videos", video("bbbbbbbbbbb", heatmap=None))
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    assert export_published(tmp_path / "corpus", tmp_path / "out.parquet") == 2
    first, second = read(tmp_path / "out.parquet")
    graph = first["replay_graphs"]
    assert (graph["original_marker_duration"], graph["multiplier"], len(graph["markers"])) == (0.4, 3, 33)
    assert graph["processed_marker_duration"] == pytest.approx(1.2)
    assert first["asr_grouped"][8] == ["hello there"]
    assert (first["views"], first["likes"], first["channel_data"]["subscribers"]) == (1000, 50, 12_300)
    assert first["metadata"]["date"] == "2023-10-01T08:46:40Z"
    assert second["replay_graphs"] is None
    taken_in(tmp_path / "again", tmp_path / "out.parquet")
    old, new = tables(tmp_path / "corpus"), tables(tmp_path / "again")
    assert [row[:4] for row in new["scene"] if row[0] == first["video_id"]] == [
        row[:4] for row in old["scene"] if row[0] == first["video_id"]
    ]
    replay = "SELECT scene, value FROM effect WHERE metric = 'replay' ORDER BY scene"
    assert (
        Corpus.open(tmp_path / "again").connect().execute(replay).fetchall()
        == Corpus.open(tmp_path / "corpus").connect().execute(replay).fetchall()
    )


# Damage

BAD = [
    ("no video_id", {"video_id": None}),
    ("no video_id", {"video_id": " "}),
    ("likes is negative or infinite", {"likes": -1.0}),
    ("views is negative or infinite", {"views": math.inf}),
    ("subscribers is negative or infinite", {"channel_data": {**ROW["channel_data"], "subscribers": -5.0}}),
    ("length is negative or infinite", {"metadata": {**ROW["metadata"], "length": -0.5}}),
    (
        "replay_score outside 0 to 1",
        {"replay_graphs": {**ROW["replay_graphs"], "markers": [{"start": 0, "end": 1, "replay_score": 55.0}]}},
    ),
    (
        "marker with impossible bounds",
        {"replay_graphs": {**ROW["replay_graphs"], "markers": [{"start": 2, "end": 1, "replay_score": 0.5}]}},
    ),
    ("video_id repeated", {"video_id": "v1"}),
]


def test_bad_rows_are_rejected_with_line_and_reason(tmp_path):
    bad = [{**ROW, "video_id": f"bad{n}", **change} for n, (_, change) in enumerate(BAD)]
    report = taken_in(tmp_path / "corpus", save(tmp_path / "train.parquet", [ROW, *bad, {**ROW, "video_id": "last"}]))
    assert (report.rows_read, report.rows_kept) == (len(BAD) + 2, 2)
    corpus = Corpus.open(tmp_path / "corpus").connect()
    assert corpus.execute("SELECT file, line, reason FROM rejects ORDER BY line").fetchall() == [
        ("train.parquet", n + 2, reason) for n, (reason, _) in enumerate(BAD)
    ]
    assert corpus.execute("SELECT message_id FROM message ORDER BY 1").fetchall() == [
        ("youtube:last",),
        ("youtube:v1",),
    ]


def test_a_count_that_is_no_number_is_missing_but_kept(tmp_path):
    taken_in(tmp_path / "corpus", save(tmp_path / "train.parquet", [{**ROW, "likes": math.nan}]))
    corpus = Corpus.open(tmp_path / "corpus").connect()
    assert corpus.execute("SELECT count(*) FROM effect WHERE metric = 'likes'").fetchone() == (0,)
    export_published(tmp_path / "corpus", tmp_path / "out.parquet")
    assert math.isnan(read(tmp_path / "out.parquet")[0]["likes"])


def test_files_that_are_no_parquet_or_of_another_shape(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    good = save(folder / "good.parquet", [ROW]).read_bytes()
    (folder / "cut.parquet").write_bytes(good[: len(good) // 2])
    (folder / "empty.parquet").write_bytes(b"")
    pq.write_table(pa.table({"id": ["a"]}), folder / "other.parquet")
    pq.write_table(pa.table({"video_id": ["x"], "likes": [[1.0]]}), folder / "lists.parquet")
    pq.write_table(pa.table({"video_id": ["y", "z"], "likes": ["many", None]}), folder / "text.parquet")
    report = taken_in(tmp_path / "corpus", folder)
    assert report.rejected == {
        "no readable parquet": 2,
        "no column video_id": 1,
        "column likes of another type": 2,
    }
    corpus = Corpus.open(tmp_path / "corpus").connect()
    assert corpus.execute("SELECT message_id FROM message ORDER BY 1").fetchall() == [("youtube:v1",), ("youtube:z",)]


def test_numbers_of_another_width_and_fewer_columns_are_read(tmp_path):
    table = pa.table({"views": pa.array([7], pa.int32()), "video_id": ["x"], "metadata": [{"title": "T", "length": 3}]})
    pq.write_table(table, tmp_path / "small.parquet")
    assert taken_in(tmp_path / "corpus", tmp_path / "small.parquet").rejected == {}
    export_published(tmp_path / "corpus", tmp_path / "out.parquet")
    (row,) = read(tmp_path / "out.parquet")
    assert (row["views"], row["metadata"]) == (7.0, {"title": "T", "description": None, "length": 3.0, "date": None})


def test_train_and_test_files_share_channels(tmp_path):
    other = {**ROW, "video_id": "v2", "channel_data": {**ROW["channel_data"], "company_name": "Alvora Inc"}}
    train, test = save(tmp_path / "train.parquet", [ROW]), save(tmp_path / "test.parquet", [other])
    taken_in(tmp_path / "corpus", train)
    report = taken_in(tmp_path / "corpus", train, test)
    assert (report.rows_read, report.rows_kept) == (1, 1)
    export_published(tmp_path / "corpus", tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet") == [ROW, other]


def test_wrong_paths(tmp_path):
    with pytest.raises(NoSuchPath, match="no parquet file"):
        source_named("published").files([tmp_path])
    with pytest.raises(NoSuchPath, match="no parquet file"):
        source_named("published").files([tmp_path / "absent.parquet"])
    taken_in(tmp_path / "corpus", save(tmp_path / "train.parquet", [ROW]))
    with pytest.raises(NoSuchPath, match="cannot write"):
        export_published(tmp_path / "corpus", tmp_path / "absent" / "out.parquet")
