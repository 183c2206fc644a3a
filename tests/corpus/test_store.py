"""A corpus on disk: opening, refusing, views, and one writer at a time."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import duckdb
import pytest

from corpus.errors import BrokenTable, Busy, NoSuchPath, WrongVersion
from corpus.files.atomic import replace_folder, write_json
from corpus.files.sql import quote
from corpus.ingest.run import ingest
from corpus.schema import METRICS, TABLES
from corpus.sources.registry import source_named
from corpus.store import Corpus
from tests.corpus.sources.infos import EPOCH, video, write


def crawled(folder: Path, *infos: dict) -> Corpus:
    for n, info in enumerate(infos):
        write(folder / "videos", info, name=f"{n}")
    ingest(source_named("ytdlp"), [folder / "videos"], folder / "corpus")
    return Corpus.open(folder / "corpus")


def test_an_empty_corpus_has_every_view(tmp_path):
    connection = Corpus.create(tmp_path / "corpus").connect()
    for name, table in TABLES.items():
        found = connection.execute(f"DESCRIBE {name}").fetchall()
        columns = [row[:2] for row in found if not row[0].endswith("_from")]
        assert columns == [(column.name, column.type) for column in table.columns]
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


def test_written_files_have_the_columns_of_the_schema(tmp_path):
    corpus = crawled(tmp_path, video())
    for path in corpus.root.glob("tables/*/*.parquet"):
        found = duckdb.sql(f"DESCRIBE FROM {quote(path)}").fetchall()
        assert [row[:2] for row in found] == [(c.name, c.type) for c in TABLES[path.stem].columns], path.name


def test_communicator_is_the_newest_observation(tmp_path):
    later = video("bbbbbbbbbbb", channel_follower_count=99_000, channel="Alvora Inc", epoch=EPOCH + 60)
    connection = crawled(tmp_path, later, video()).connect()
    assert connection.execute("SELECT name, audience FROM communicator").fetchall() == [("Alvora Inc", 99_000)]
    assert connection.execute("SELECT count(*) FROM communicator_observation").fetchone() == (2,)


def test_the_database_file_opens_for_anyone(tmp_path, monkeypatch):
    corpus = crawled(tmp_path, video())
    monkeypatch.chdir(corpus.root)
    with duckdb.connect(str(corpus.root / "corpus.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT title FROM message").fetchone() == ("New shoes for the spring",)
        assert connection.execute('SELECT tags FROM "ytdlp@1"').fetchone() == (["shoes"],)


def test_names_with_quotes(tmp_path):
    corpus = crawled(tmp_path / "it's a 'folder'", video())
    assert corpus.connect().execute("SELECT count(*) FROM message").fetchone() == (1,)


def test_what_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(NoSuchPath, match="no corpus at"):
        Corpus.open(tmp_path / "absent")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NoSuchPath, match="is no corpus"):
        Corpus.create(tmp_path)
    with pytest.raises(NoSuchPath, match="is no corpus"):
        Corpus.create(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("content", ['{"format": "cbc-corpus", "version": 3}', '{"format": "x"}', "[1]", "{", ""])
def test_another_version_is_refused(tmp_path, content):
    (tmp_path / "corpus.json").write_text(content)
    for opened in (Corpus.open, Corpus.create):
        with pytest.raises(WrongVersion, match="rebuild it from its raw files"):
            opened(tmp_path)


def test_a_damaged_table_is_named(tmp_path):
    corpus = crawled(tmp_path, video())
    next(corpus.root.glob("tables/*/message.parquet")).write_bytes(b"cut")
    with pytest.raises(BrokenTable, match=r"message\.parquet"):
        corpus.connect()


def test_one_writer_at_a_time(tmp_path):
    corpus = Corpus.create(tmp_path / "corpus")
    seen: list[str] = []

    def second() -> None:
        try:
            with corpus.lock():
                seen.append("in")
        except Busy as error:
            seen.append(error.mend)

    with corpus.lock():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert seen == ["wait for it to end"]
    with corpus.lock():
        pass


def test_parts_are_put_in_place_whole(tmp_path):
    write_json(tmp_path / "a" / "b.json", {"ä": [1]})
    assert json.loads((tmp_path / "a" / "b.json").read_text(encoding="utf-8")) == {"ä": [1]}
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "x").write_text("x")
    replace_folder(tmp_path / "new", tmp_path / "a")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x"]
    assert not (tmp_path / "new").exists()


def test_every_metric_has_a_unit_and_a_range():
    for name, metric in METRICS.items():
        assert metric.unit and metric.doc, name
        assert metric.high is None or metric.low < metric.high, name
