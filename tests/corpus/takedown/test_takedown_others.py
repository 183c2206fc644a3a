"""What a takedown must not cost others, and where the withdrawn text could hide: each case once went wrong."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import duckdb
import polars as pl
import pytest

from corpus.crawl.deliver import ingest_payloads
from corpus.crawl.journal import Journal, Task
from corpus.ingest.run import ingest
from corpus.media_names import stem_of
from corpus.sources.registry import source_named
from corpus.takedown.takedown import takedown
from corpus.verbalize.verbalize import verbalize
from corpus.withdrawn.blank_raw import UnsafeRedaction
from tests.corpus.sources.infos import rolled_up, video, write
from tests.corpus.sources.mapped import POSTS, rows, source
from tests.corpus.sources.test_mbox import mailbox, mailing
from tests.corpus.sources.test_x_api import answer, tweet
from tests.corpus.takedown.test_takedown import words_in
from tests.corpus.takedown.test_takedown_sources import OTHER, SECRET, raw_of


@pytest.mark.parametrize("first", ["", "{broken", json.dumps({"data": [], "long": "x" * (1 << 21)})])
def test_a_line_that_is_no_record_costs_no_other_line(tmp_path, first):
    given = tmp_path / "posts.json"
    lines = [first, *(json.dumps(answer(tweet(n, text=text))) for n, text in ((1, SECRET), (2, OTHER)))]
    given.write_text("\n".join(lines) + "\n")
    ingest(source_named("x_api"), [given], tmp_path / "corpus")
    takedown(tmp_path / "corpus", [rows(tmp_path / "corpus", "SELECT message_id FROM message ORDER BY 1")[0][0]])
    said = raw_of(tmp_path / "corpus", "x_api").read_text()
    assert SECRET not in said and OTHER in said and said.startswith(first[:100])


def test_a_mailbox_of_any_name_loses_the_one_message(tmp_path):
    box = mailbox(tmp_path / "Inbox", *(mailing(n, f"{text}\n") for n, text in enumerate((SECRET, OTHER, "Bye"), 1)))
    root = tmp_path / "corpus"
    ingest(source_named("mbox"), [box], root)
    takedown(root, [rows(root, f"SELECT message_id FROM message WHERE body LIKE '{SECRET}%'")[0][0]])
    said = raw_of(root, "mbox").read_text()
    assert SECRET not in said and OTHER in said and "Bye" in said and said.count("\nFrom ") == 2


def test_fields_are_told_apart_as_the_ingest_did_and_short_ids_are_no_words(tmp_path):
    content = 'Id,The Title Of It,Likes,Variant\nA1,"one\nof two lines",1,x\nB2,gone,2,x\nC3,kept,3,B2\n'
    (tmp_path / "posts.csv").write_text(content)
    mapping = {**POSTS, "message": {"message_id": "Id", "title": "The Title Of It"}, "effects": []}
    ingest(source(tmp_path, mapping), [tmp_path / "posts.csv"], tmp_path / "corpus")
    takedown(tmp_path / "corpus", ["B2"])
    raw = raw_of(tmp_path / "corpus", "posts")
    assert raw.read_text() == content.replace("B2,gone,2,x\n", ",,,\n")


def test_a_row_of_parquet_that_names_a_withdrawn_id_stays(tmp_path):
    rows_ = {"id": ["A1", "B2", "C3"], "title": ["one", "two", "three"], "about": [None, None, "A1"]}
    pl.DataFrame(rows_).write_parquet(tmp_path / "posts.parquet")
    mapping = {**POSTS, "message": {"message_id": "id", "title": "title"}, "effects": []}
    ingest(source(tmp_path, mapping), [tmp_path / "posts.parquet"], tmp_path / "corpus")
    bench = tmp_path / "bench"
    bench.mkdir()
    asked = {"instance_id": ["task:web:A1", "task:web:C3"], "message_id": ["web:A1", "web:C3"], "answer": ["1", "A1"]}
    pl.DataFrame(asked).write_parquet(bench / "test.parquet")
    takedown(tmp_path / "corpus", ["A1"], [bench])
    left = pl.read_parquet(raw_of(tmp_path / "corpus", "posts"))
    assert left["id"].to_list() == [None, "B2", "C3"]
    assert pl.read_parquet(bench / "test.parquet")["instance_id"].to_list() == ["task:web:C3"]


def test_an_answer_to_a_withdrawn_post_stays(tmp_path):
    content = "id,title,day,views,in_reply_to\n1000000001,gone,2023-01-01,1,\n1000000002,kept,2023-01-01,2,1000000001\n"
    (tmp_path / "posts.csv").write_text(content)
    ingest(source(tmp_path, POSTS), [tmp_path / "posts.csv"], tmp_path / "corpus")
    takedown(tmp_path / "corpus", ["1000000001"])
    assert raw_of(tmp_path / "corpus", "posts").read_text() == content.replace("1000000001,gone,2023-01-01,1,", ",,,,")


def encoded(number: int, text: str) -> bytes:
    """A mailing whose text stands in base64."""
    mail = EmailMessage()
    mail.set_content(text * 3, cte="base64")
    return mailing(number, mail)


def test_a_second_copy_of_a_known_email_goes_too(tmp_path):
    january = mailbox(tmp_path / "jan.mbox", encoded(1, f"{SECRET}\n"))
    february = mailbox(tmp_path / "feb.mbox", encoded(1, f"{SECRET}\n"), encoded(2, f"{OTHER}\n"))
    root = tmp_path / "corpus"
    for box in (january, february):
        ingest(source_named("mbox"), [box], root)
    coded = february.read_bytes().split(b"\n\n")[1][:40]
    assert coded in b"".join(path.read_bytes() for path in (root / "raw" / "mbox").iterdir())
    takedown(root, [rows(root, f"SELECT message_id FROM message WHERE body LIKE '{SECRET}%'")[0][0]])
    said = b"".join(path.read_bytes() for path in (root / "raw" / "mbox").iterdir())
    assert coded not in said and len(rows(root, "FROM message")) == 1
    ingest(source_named("mbox"), sorted((root / "raw" / "mbox").iterdir()), tmp_path / "anew")
    assert [body[: len(OTHER)] for (body,) in rows(tmp_path / "anew", "SELECT body FROM message")] == [OTHER]


def test_a_later_version_under_a_number_or_a_short_id_goes_too(tmp_path):
    root = tmp_path / "corpus"
    for n, title in enumerate(("first wording of what was said", "second, quite other words for it")):
        path = tmp_path / f"posts{n}.jsonl"
        path.write_text(json.dumps({"id": 77, "title": title, "day": "2023-01-01", "views": 1}) + "\n" + "{}\n")
        ingest(source(tmp_path, POSTS), [path], root)
        info = video("123456", extractor_key="Vimeo", extractor="vimeo", title=f"film: {title}", description=title)
        write(tmp_path / "v" / str(n), {**info, "epoch": 1_700_000_000 + n}, name="film")
    ingest(source_named("ytdlp"), [tmp_path / "v"], root)
    (root / "media").mkdir()
    (root / "media" / f"{stem_of('vimeo', '123456')}.mp4").write_bytes(b"x")
    taken = takedown(root, ["77", "vimeo:123456"])
    said = words_in(root)
    assert "wording of what" not in said and "quite other words" not in said and taken.media_files == 1


def test_files_of_the_same_name_in_another_folder_stay(tmp_path):
    for n, (name, said) in enumerate((("secretvideo", SECRET), ("othervideo1", OTHER))):
        spoken = rolled_up([(0.0, 4.0, said)])
        write(tmp_path / "v" / str(n), video(name, title=said, comments=[]), name="video", en_vtt=spoken)
    root = tmp_path / "corpus"
    ingest(source_named("ytdlp"), [tmp_path / "v"], root)
    takedown(root, ["secretvideo"])
    said = words_in(root)
    assert SECRET not in said and OTHER in said
    left = sorted(path.name[17:] for path in (root / "raw" / "ytdlp").iterdir())
    assert left == ["video.en.vtt", "video.info.json", "withdrawn.en.vtt", "withdrawn.info.json"]
    ingest(source_named("ytdlp"), [root / "raw" / "ytdlp"], tmp_path / "anew")
    assert rows(tmp_path / "anew", "SELECT title FROM message") == [(OTHER,)]


def test_a_channel_found_by_its_name_can_be_taken_down(tmp_path):
    name = "Synthetic Brand Seventeen of Nowhere"
    info = video("secretvideo", channel=name, channel_id="UCbrandseventeen0000000a")
    write(tmp_path / "v", info)
    root = tmp_path / "corpus"
    ingest(source_named("ytdlp"), [tmp_path / "v"], root)
    (root / "recipe.yaml").write_text(f"youtube:\n  names:\n  - {name}\n  videos_per_channel: 3\n")
    journal = Journal(root / "crawl.sqlite")
    journal.begin_round([Task("search", name), Task("search", "Another Brand")], again=False)
    task = journal.ready_tasks(0, 1, [])[0]
    call = journal.book_calls([task], 1, 1_700_000_000)[0]
    found = {"items": [{"id": {"channelId": "UCbrandseventeen0000000a"}, "snippet": {"title": name}}]}
    journal.record_answer(call, task, json.dumps(found), [], {}, 1_700_000_000)
    ingest_payloads(journal, root)
    journal.close()
    takedown(root, ["UCbrandseventeen0000000a"])
    journal = Journal(root / "crawl.sqlite")
    assert journal.units_spent("2023-11-14", ("search",)) == 1  # what was spent stays spent
    journal.close()
    said = words_in(root)
    assert (
        name not in said and "Another Brand" in said and "videos_per_channel: 3" in (root / "recipe.yaml").read_text()
    )


def test_texts_made_of_a_corpus_are_reached(tmp_path):
    root = tmp_path / "corpus"
    for name, title in (("secretvideo", SECRET), ("othervideo1", OTHER)):
        write(tmp_path / "v", video(name, title=title, comments=[]), name=name)
    ingest(source_named("ytdlp"), [tmp_path / "v"], root)
    assert verbalize(root, tmp_path / "text.parquet").written == {"video": 2}
    (tmp_path / "notes.txt").write_text("of no concern")
    takedown(root, ["secretvideo"], [tmp_path / "notes.txt"])
    assert pl.read_parquet(tmp_path / "text.parquet")["message_id"].to_list() == ["youtube:othervideo1"]


def test_a_file_that_would_lose_other_records_is_left_as_it_was(tmp_path, monkeypatch):
    root = tmp_path / "corpus"
    (tmp_path / "posts.csv").write_text("id,title,day,views\n1,one,2023-01-01,1\n2,two,2023-01-01,2\n")
    ingest(source(tmp_path, POSTS), [tmp_path / "posts.csv"], root)
    raw = raw_of(root, "posts")
    before = raw.read_bytes()
    monkeypatch.setattr("corpus.withdrawn.blank_csv.without_spans", lambda lines, spans, blank: iter([blank + "\n"]))
    with pytest.raises(UnsafeRedaction, match="would leave"):
        takedown(root, ["1"])
    assert raw.read_bytes() == before and list(raw.parent.iterdir()) == [raw]


def test_a_database_that_was_exported_loses_the_rows_and_one_that_is_gone_is_named(tmp_path, cbc_here):
    folder, root, held = tmp_path / "videos", tmp_path / "corpus", tmp_path / "corpus as one.duckdb"
    write(folder, video("secretvideo", title=SECRET, description=SECRET), en_vtt=rolled_up([(0.0, 4.0, SECRET)]))
    write(folder, video("othervideo1", title=OTHER))
    ingest(source_named("ytdlp"), [folder], root)
    for out in (held, tmp_path / "gone.duckdb"):
        assert cbc_here("corpus", "export", "--corpus", root, "--duckdb", out).returncode == 0
    (tmp_path / "gone.duckdb").unlink()
    before = rows_of(held)
    assert SECRET in repr(before)

    told = cbc_here("corpus", "takedown", "secretvideo", "--corpus", root)

    after = rows_of(held)
    assert told.returncode == 0, told.stderr
    assert SECRET not in repr(after) and "secretvideo" not in repr(after)
    for name, rows_before in before.items():
        assert after[name] == [row for row in rows_before if "secretvideo" not in repr(row)], name
    assert OTHER in repr(after["message"])
    dropped = sum(map(len, before.values())) - sum(map(len, after.values()))
    assert f"{held}: {dropped:,} rows" in told.stdout
    assert f"not there any more: {tmp_path / 'gone.duckdb'}" in told.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", held.name, "videos"]


def rows_of(database: Path) -> dict[str, list[tuple]]:
    """Every table of a database with its rows."""
    with duckdb.connect(database, read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.execute(f'FROM "{name}" ORDER BY ALL').fetchall() for name in names}
