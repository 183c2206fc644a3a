"""Comments in aggregate by default, their scrubbed words on request, and never a mixture."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from cbc import app
from corpus.ingest.comments import VARIABLE, OtherComments
from corpus.ingest.run import ingest
from corpus.sources.registry import source_named
from corpus.store import Corpus
from tests.corpus.sources.infos import comment, video, write

SAID = "mail jo@mail.example or @brand_17 or +49 170 1234567, see brand-17.example/x"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("CBC_HASH_KEY", "salt")


def built(tmp_path, comments=None, into="corpus", **more):
    remarks = [comment(1, text=SAID), comment(2, like_count=None), comment(3, author_id="UCauthor1")]
    write(tmp_path / "videos", video(comments=remarks, **more), name="video")
    return ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / into, comments)


def asked(tmp_path, sql, into="corpus"):
    return Corpus.open(tmp_path / into).connect().execute(sql).fetchall()


def test_by_default_comments_stand_in_aggregate_and_their_words_in_no_table(tmp_path):
    built(tmp_path)
    assert asked(tmp_path, "SELECT DISTINCT text FROM comment") == [(None,)]
    aggregate = "SELECT message_id, comments, authors, mean_likes, sentiments FROM comment_aggregate"
    assert asked(tmp_path, aggregate) == [("youtube:aaaaaaaaaaa", 3, 2, 2.0, None)]
    tables = b"".join(path.read_bytes() for path in (tmp_path / "corpus" / "tables").rglob("*") if path.is_file())
    assert not re.search(rb"nice shoes|jo@mail|brand_17", tables)


@pytest.mark.parametrize("by", ["option", "environment"])
def test_words_are_kept_scrubbed_for_who_asks(tmp_path, monkeypatch, by):
    if by == "environment":
        monkeypatch.setenv(VARIABLE, "text")
    built(tmp_path, "text" if by == "option" else None)
    told = asked(tmp_path, "SELECT text FROM comment ORDER BY comment_id")
    assert told[0] == ("mail (email) or (mention) or (phone), see (link)",)
    assert told[1] == ("nice shoes 2",)


@pytest.mark.parametrize(("first", "then"), [(None, "text"), ("text", None)])
def test_a_corpus_keeps_comments_in_one_way(tmp_path, first, then):
    built(tmp_path, first)
    before = asked(tmp_path, "FROM comment ORDER BY ALL")
    for more in ({}, {"epoch": 1_800_000_000}):  # the same file, and another observation
        with pytest.raises(OtherComments, match="build another corpus from its raw files"):
            built(tmp_path, then, **more)
    assert asked(tmp_path, "FROM comment ORDER BY ALL") == before
    ingest(source_named("ytdlp"), [tmp_path / "corpus" / "raw" / "ytdlp"], tmp_path / "other", then)
    assert asked(tmp_path, "SELECT count(*) FROM comment", "other") == [(3,)]


def test_the_command(tmp_path):
    write(tmp_path / "videos", video(comments=[comment(1, text=SAID)]), name="video")
    command = ["corpus", "ingest", "ytdlp", str(tmp_path / "videos"), "--corpus", str(tmp_path / "corpus")]
    wrong = CliRunner().invoke(app, [*command, "--comments", "all"])
    assert wrong.exit_code != 0
    assert not (tmp_path / "corpus").exists()
    assert CliRunner().invoke(app, [*command, "--comments", "text"]).exit_code == 0
    assert "(email)" in asked(tmp_path, "SELECT text FROM comment")[0][0]


def test_sentiments_are_counted(tmp_path):
    built(tmp_path)
    connection = Corpus.open(tmp_path / "corpus").connect()
    rows = "SELECT * REPLACE (CASE WHEN likes = 1 THEN 'good' ELSE 'bad' END AS sentiment) FROM comment"
    connection.execute(f"CREATE TABLE labelled AS {rows}")
    connection.execute("CREATE OR REPLACE VIEW comment AS FROM labelled")
    assert connection.execute("SELECT sentiments FROM comment_aggregate").fetchall() == [({"bad": 2, "good": 1},)]


def test_what_is_said_in_a_video_is_scrubbed(tmp_path):
    cues = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nask @brand_17 or call +49 170 1234567\n"
    write(tmp_path / "videos", video(), name="video", en_vtt=cues)
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    said = "SELECT DISTINCT unnest(speech) FROM scene"
    assert asked(tmp_path, said) == [("ask (mention) or call (phone)",)]
