"""Every record read has one outcome; a later payload adds what was missing and takes nothing away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from corpus.ingest.outcomes import BrokenSource
from corpus.ingest.run import Report, ingest
from corpus.inspect.validate import validate
from corpus.sources.base import Source
from corpus.sources.registry import source_named
from corpus.store import Corpus
from tests.corpus.sources.infos import EPOCH, heatmap, video, write
from tests.corpus.sources.mapped import POSTS, rows, run

VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello there\n\n00:00:21.000 --> 00:00:22.000\nGoodbye\n"
VIEWS = {**POSTS, "message": {**POSTS["message"], "body": {"column": "body", "optional": True}}}


def csv(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def seen(tmp_path: Path, info: dict[str, Any], **captions: str) -> Report:
    """One more payload of a video, which leaves a corpus without faults."""
    number = len(list(tmp_path.glob("day *")))
    write(tmp_path / f"day {number}", info, name="video", **captions)
    report = ingest(source_named("ytdlp"), [tmp_path / f"day {number}"], tmp_path / "corpus")
    assert report.rows_read == report.rows_counted
    assert not validate(tmp_path / "corpus").counts
    return report


def outcomes(report: Report) -> dict[str, int]:
    names = ("kept", "repeated", "enriched", "contradicting")
    found = {name: getattr(report, f"rows_{name}") for name in names}
    return {name: count for name, count in {**found, "rejected": sum(report.rejected.values())}.items() if count}


def test_kept_repeated_enriched_contradicting_and_rejected_are_counted_each_by_itself(tmp_path):
    file = csv(
        tmp_path,
        "1.csv",
        "id,title,day,views,body",
        "a,x,2020-01-01,1,",
        "a,x,2020-01-01,1,",
        "a,x,2020-01-01,1,words",
        "a,x,2020-01-01,5,",
        "a,x,2020-01-01,5,",
        "a,x,2020-01-01,-5,",
    )
    report, corpus = run(tmp_path, VIEWS, file)
    counted = {"kept": 1, "repeated": 2, "enriched": 1, "contradicting": 1, "rejected": 1}
    assert (report.rows_read, outcomes(report)) == (6, counted)
    assert rows(corpus, "SELECT title, body, value FROM message JOIN effect USING (message_id)") == [("x", "words", 1)]
    named = "SELECT file, record, reason, value FROM rejects WHERE starts_with(reason, 'contradicts')"
    assert rows(corpus, named) == [("1.csv", 4, "contradicts effect.views", "web:a views: 5 against 1")]


def test_rejected_rows_have_their_line_and_contradictions_their_record(tmp_path):
    lines = ["id,title,day,views,body", 'a,x,,1,"in', 'two lines"', "a,y,,1,", "b,z,,-5,"]
    _, corpus = run(tmp_path, VIEWS, csv(tmp_path, "1.csv", *lines))
    placed = rows(corpus, "SELECT split_part(reason, ' ', 1), line, record FROM rejects ORDER BY 1")
    assert placed == [("contradicts", None, 2), ("negative", 5, None)]


def test_rejects_of_a_corpus_written_before_they_had_records_are_read(tmp_path):
    _, corpus = run(tmp_path, POSTS, csv(tmp_path, "1.csv", "id,title,day,views", "a,x,,1", "a,y,,1"))
    (path,) = corpus.glob("tables/*/rejects.parquet")
    pq.write_table(pq.read_table(path).drop_columns("record"), path)
    assert rows(corpus, "SELECT reason, record FROM rejects") == [("contradicts message.title", None)]
    assert not validate(corpus).counts
    run(tmp_path, POSTS, csv(tmp_path, "2.csv", "id,title,day,views", "a,y,,1", "a,z,,1"))
    assert rows(corpus, "SELECT value, record FROM rejects ORDER BY 1") == [
        ("web:a: y against x", None),
        ("web:a: z against x", 2),
    ]
    assert not validate(corpus).counts


def test_a_contradiction_is_named_once_however_often_it_comes(tmp_path):
    run(tmp_path, POSTS, csv(tmp_path, "1.csv", "id,title,day,views", "a,x,,1"))
    second, _ = run(tmp_path, POSTS, csv(tmp_path, "2.csv", "id,title,day,views", "a,y,,1"))
    third, corpus = run(tmp_path, POSTS, csv(tmp_path, "3.csv", "id,title,day,views", "a,y,,1", "b,y,,1"))
    assert (outcomes(second), outcomes(third)) == ({"contradicting": 1}, {"kept": 1, "repeated": 1})
    assert rows(corpus, "SELECT reason, value FROM rejects") == [("contradicts message.title", "web:a: y against x")]


def test_new_cells_fill_empty_ones_whichever_file_comes_first(tmp_path):
    full, bare = ["id,title,day,views,body", "a,x,2020-01-01,1,words"], ["id,title,day,views,body", "a,x,,,"]
    for corpus, order in (("1", (full, bare)), ("2", (bare, full))):
        for n, lines in enumerate(order):
            run(tmp_path, VIEWS, csv(tmp_path, f"{n}.csv", *lines), corpus=corpus)
        assert not validate(tmp_path / corpus).counts
    message = "SELECT message_id, title, body, published_at::VARCHAR FROM message"
    assert rows(tmp_path / "1", message) == rows(tmp_path / "2", message)
    assert rows(tmp_path / "2", message) == [("web:a", "x", "words", "2020-01-01 00:00:00")]
    assert rows(tmp_path / "2", "SELECT count(*) FROM provenance") == [(2,)]


def test_late_captions_are_the_speech_of_scenes_that_had_none(tmp_path):
    bare = video(heatmap=heatmap(40, markers=2))
    seen(tmp_path, bare)
    report = seen(tmp_path, {**bare, "epoch": EPOCH + 60}, en_vtt=VTT)
    assert outcomes(report) == {"enriched": 1}
    assert rows(tmp_path / "corpus", "SELECT speech FROM scene ORDER BY scene") == [(["Hello there"],), (["Goodbye"],)]
    assert rows(tmp_path / "corpus", 'SELECT caption_language FROM "ytdlp@1"') == [("en",)]


def test_captions_that_come_later_beside_the_same_info_file_are_read(tmp_path):
    bare = video(heatmap=heatmap(40, markers=2))
    folder = write(tmp_path / "videos", bare, name="video").parent
    ingest(source_named("ytdlp"), [folder], tmp_path / "corpus")
    (folder / "video.en.vtt").write_text(VTT)
    report = ingest(source_named("ytdlp"), [folder], tmp_path / "corpus")
    assert (report.rows_read, outcomes(report)) == (1, {"enriched": 1})
    assert rows(tmp_path / "corpus", "SELECT speech FROM scene ORDER BY scene") == [(["Hello there"],), (["Goodbye"],)]
    again = ingest(source_named("ytdlp"), [folder], tmp_path / "corpus")
    assert (again.files, again.skipped) == (0, 2)


def test_what_was_missing_of_a_video_comes_with_a_later_payload(tmp_path):
    missing = {"description": None, "duration": None, "heatmap": None, "license": None, "categories": None}
    seen(tmp_path, video(**missing))
    report = seen(tmp_path, video(heatmap=None, license="CC-BY", epoch=EPOCH + 60, view_count=2000))
    assert outcomes(report) == {"enriched": 1}
    found = rows(tmp_path / "corpus", "SELECT body IS NOT NULL, duration_s, licence, category FROM message")
    assert found == [(True, 40.0, "CC-BY", "Sports")]
    views = "SELECT value FROM effect WHERE metric = 'views' ORDER BY observed_at"
    assert rows(tmp_path / "corpus", views) == [(1000,), (2000,)]


def test_a_later_heatmap_with_the_same_cuts_is_another_observation(tmp_path):
    flat = [{**marker, "value": 0.5} for marker in heatmap(40)]
    seen(tmp_path, video())
    report = seen(tmp_path, video(heatmap=flat, epoch=EPOCH + 60))
    assert (outcomes(report), report.tables["effect"]) == ({"enriched": 1}, 4 + 33)
    replay = "SELECT observed_at, count(*) FROM effect WHERE metric = 'replay' GROUP BY 1 ORDER BY 1"
    assert [count for _, count in rows(tmp_path / "corpus", replay)] == [33, 33]


SHOWN = """SELECT scene, start_s, end_s, value FROM scene LEFT JOIN (SELECT message_id, scene, value FROM effect
    WHERE metric = 'replay') USING (message_id, scene) ORDER BY scene, value"""


@pytest.mark.parametrize("first", [{"heatmap": None}, {"heatmap": heatmap(40, markers=5)}])
def test_the_newest_cut_with_replay_values_is_shown_alone(tmp_path, first):
    newest = [{"start_time": 20.0 * n, "end_time": 20.0 * (n + 1), "value": (n + 1) / 2} for n in range(2)]
    seen(tmp_path, video(**first))
    report = seen(tmp_path, video(heatmap=newest, epoch=EPOCH + 60), en_vtt=VTT)
    assert (outcomes(report), report.tables["cut"]) == ({"enriched": 1}, 1)
    shown = [(0, 0.0, 20.0, 0.5), (1, 20.0, 40.0, 1.0)]
    assert rows(tmp_path / "corpus", SHOWN) == shown
    assert rows(tmp_path / "corpus", "SELECT speech FROM scene ORDER BY scene") == [(["Hello there"],), (["Goodbye"],)]
    for older in ({**first, "epoch": EPOCH + 30}, {"heatmap": newest, "epoch": EPOCH + 30}):
        late = seen(tmp_path, video(**older))
        assert outcomes(late) == {"contradicting": 1} and "scene" in late.contradictions
        assert rows(tmp_path / "corpus", SHOWN) == shown
    again = seen(tmp_path, video(heatmap=newest, epoch=EPOCH + 90))
    assert outcomes(again) == {"enriched": 1}
    assert len(rows(tmp_path / "corpus", SHOWN)) == 4


def test_in_one_ingest_too_no_value_names_another_cuts_spans(tmp_path):
    for n, markers in enumerate((5, 2, 4)):
        write(tmp_path / "videos", video(heatmap=heatmap(40, markers=markers), epoch=EPOCH + n), name=f"video {n}")
    report = ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    assert outcomes(report) == {"kept": 1, "contradicting": 1, "enriched": 1}
    assert rows(tmp_path / "corpus", "SELECT count(*), max(end_s) FROM scene") == [(4, 40.0)]
    assert rows(tmp_path / "corpus", "SELECT count(*) FROM effect WHERE scene IS NOT NULL") == [(4,)]


def test_a_source_that_makes_nothing_of_a_record_is_broken(tmp_path):
    class Forgetful(Source):
        name, version, generated = "forgetful", 1, True

        def files(self, paths):
            return []

        def stage(self, files, staging):
            staging.rows_read = 2
            staging.add("message", [{"message_id": "web:a", "channel": "web", "kind": "post", "_record": 1}])

    with pytest.raises(BrokenSource, match="2 records were read, and something became of 1"):
        ingest(Forgetful(), [], tmp_path / "corpus")
    assert not (tmp_path / "corpus" / "tables").exists()


def test_another_message_and_its_comments_are_other_records(tmp_path):
    seen(tmp_path, video())
    seen(tmp_path, video("bbbbbbbbbbb"))
    assert rows(tmp_path / "corpus", "SELECT message_id, count(*) FROM comment GROUP BY 1 ORDER BY 1") == [
        ("youtube:aaaaaaaaaaa", 2),
        ("youtube:bbbbbbbbbbb", 2),
    ]
    assert Corpus.open(tmp_path / "corpus").connect().execute("FROM rejects").fetchall() == []
