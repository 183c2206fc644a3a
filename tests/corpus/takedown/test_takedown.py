"""Taking down: what goes, what stays, what comes again, and that an independent search finds nothing."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import duckdb
import polars as pl
import pytest

from corpus.crawl.journal import Journal, Task
from corpus.ids import UnknownId
from corpus.ingest.run import ingest
from corpus.inspect.validate import validate
from corpus.release.export import export_published
from corpus.sources.registry import source_named
from corpus.store import Corpus
from corpus.takedown import takedown as module
from corpus.takedown.plan import PENDING
from corpus.takedown.takedown import ResidueFound, takedown, taken_text
from corpus.withdrawn.tombstones import withdrawn
from tests.corpus.sources.infos import comment, rolled_up, video, write
from tests.corpus.sources.mapped import POSTS, rows, source, tree

SHARED = "Follow our channel for new videos every week, and ring the bell!"
SECRET = "A zebra crossed the märket square – while 'nobody' was \"watching\" it at all.\n" + SHARED
SPOKEN = ["the heron waits beside the old mill pond", "until the evening bus has gone by again"]
REMARK_ID = "UgxSyntheticComment1"
REMARK = "this film made my whole family laugh for a week"


def words_in(root: Path) -> str:
    """All that a folder says, read by other means than the product's: DuckDB, gzip, tar, json."""
    said = []
    for path in root.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.name.endswith((".tar.gz", ".tgz")):
            with tarfile.open(path) as archive:
                content = b"\n".join(archive.extractfile(member).read() for member in archive)
        elif path.name.endswith(".gz"):
            content = gzip.decompress(content)
        if path.suffix == ".parquet":
            text = "\n".join(repr(row) for row in duckdb.sql(f"FROM read_parquet('{path}')").fetchall())
        else:
            text = content.decode("utf-8", "replace") + content.decode("cp1252", "replace")
        said += [text, text.encode("ascii", "replace").decode().replace("\\\\", "\\")]
        for line in text.splitlines():
            try:
                said.append(repr(json.loads(line)))
            except ValueError:
                continue
    return "\n".join(said)


@pytest.fixture
def corpus(tmp_path, monkeypatch) -> Path:
    """Three videos of two channels, one with captions and comments, which stand in a published file too."""
    monkeypatch.setenv("CBC_HASH_KEY", "salt")
    folder = tmp_path / "videos"
    remarks = [comment(1, text=REMARK, id=REMARK_ID), comment(2, text="nobody ever agrees with me about this")]
    first = video("secretvideo", title="Zebras in the old town square", description=SECRET, comments=remarks)
    spoken = [(0.0, 4.0, SPOKEN[0]), (20.0, 24.0, SPOKEN[1])]
    write(folder, first, en_vtt=rolled_up(spoken))
    remarks = [comment(n, text=f"what a lovely evening it was, number {n}") for n in (3, 4)]
    write(folder, video("othervideo1", title="Herons of the northern lakes", description=SHARED, comments=remarks))
    elsewhere = {"title": "Baking bread on a rainy day", "channel": "Bree", "channel_id": "UCbree", "comments": []}
    write(folder, video("othervideo2", description=f"flour and water\n{SHARED}", **elsewhere))
    root = tmp_path / "corpus"
    ingest(source_named("ytdlp"), [folder], root)
    export_published(root, tmp_path / "release.parquet")
    ingest(source_named("published"), [tmp_path / "release.parquet"], root)
    return root


def test_a_video_goes_from_everything_and_the_others_stay(corpus, tmp_path):
    bench = tmp_path / "bench" / "public" / "choice"
    bench.mkdir(parents=True)
    asked = {
        "instance_id": [f"choice:youtube:{name}" for name in ("secretvideo", "othervideo1", "othervideo2")],
        "options": [["a", "b"], [SPOKEN[0], "b"], ["c", "d"]],
    }
    pl.DataFrame(asked).write_parquet(bench / "test.parquet")
    private = tmp_path / "bench" / "private.parquet"
    pl.DataFrame({"instance_id": asked["instance_id"], "target": [1, 2, 3]}).write_parquet(private)
    manifest = {"files": {"private.parquet": "0"}, "fingerprint": "0", "tasks": {"choice": {"test": 3}}}
    (tmp_path / "bench" / "manifest.json").write_text(json.dumps(manifest))
    (corpus / "media").mkdir()
    (corpus / "media" / "secretvideo.mp4").write_bytes(b"x")
    (corpus / "media" / "othervideo1.mp4").write_bytes(b"x")
    before = rows(corpus, "SELECT * FROM message WHERE message_id <> 'youtube:secretvideo' ORDER BY message_id")

    taken = takedown(corpus, ["secretvideo"], [tmp_path / "bench"])

    said = words_in(corpus) + words_in(tmp_path / "bench")
    for text in ("Zebras in the old", "A zebra crossed", "crossed the m", *SPOKEN, REMARK):
        assert text not in said, text
    assert said.count(SHARED) >= 2
    assert rows(corpus, "SELECT * FROM message ORDER BY message_id") == before
    for table in ("scene", "effect", "comment"):
        assert rows(corpus, f"SELECT count(*) FROM {table} WHERE message_id = 'youtube:secretvideo'") == [(0,)]
    assert rows(corpus, "SELECT count(*) FROM provenance WHERE row_key = 'youtube:secretvideo'") == [(0,)]
    assert rows(corpus, "SELECT count(*) FROM comment WHERE message_id = 'youtube:othervideo1'") == [(2,)]
    assert [path.name for path in (corpus / "media").iterdir()] == ["othervideo1.mp4"]
    # the question whose option quoted it goes too, in both files
    assert pl.read_parquet(bench / "test.parquet")["instance_id"].to_list() == ["choice:youtube:othervideo2"]
    assert pl.read_parquet(private)["target"].to_list() == [3]
    renewed = json.loads((tmp_path / "bench" / "manifest.json").read_text())
    assert renewed["tasks"]["choice"]["test"] == 1 and "0" not in (renewed["fingerprint"], *renewed["files"].values())
    assert not validate(corpus) and not (corpus / PENDING).exists()
    told = taken_text(taken)
    assert "taken down: 1 message\n" in told and "none left" in told and taken.shared and taken.media_files == 1


def test_what_was_taken_down_does_not_come_again(corpus, tmp_path):
    takedown(corpus, ["secretvideo", "UCbree"])
    assert withdrawn(corpus)["communicator"] == {"youtube:UCbree"}
    assert withdrawn(corpus)["message"] == {"youtube:secretvideo", "youtube:othervideo2"}
    again = tmp_path / "again"
    write(again, video("secretvideo", title="Zebras in the old town square", description=SECRET, epoch=1_800_000_000))
    write(again, video("newvideo001", title="A wholly new film of theirs", channel_id="UCbree"))
    write(again, video("newvideo002", title="Of somebody else altogether"))
    report = ingest(source_named("ytdlp"), [again], corpus)
    assert report.rejected == {"withdrawn": 2} and report.rows_kept == 1 and report.rows_read == 3
    said = words_in(corpus)
    assert "A zebra crossed" not in said and "A wholly new film" not in said and "somebody else altogether" in said
    told = rows(corpus, "SELECT value FROM rejects WHERE reason = 'withdrawn' ORDER BY 1")
    assert told == [("youtube:UCbree",), ("youtube:secretvideo",)]


def test_a_single_comment_goes_and_its_video_stays(corpus, tmp_path):
    messages = rows(corpus, "SELECT count(*) FROM message")
    takedown(corpus, [REMARK_ID])
    assert rows(corpus, "SELECT count(*) FROM message") == messages
    assert rows(corpus, "SELECT count(*) FROM comment WHERE message_id = 'youtube:secretvideo'") == [(1,)]
    said = words_in(corpus)
    assert REMARK not in said and "A zebra crossed" in said
    again = tmp_path / "again"
    write(
        again, video("secretvideo", comments=[comment(1, text=REMARK, id=REMARK_ID), comment(9)], epoch=1_800_000_000)
    )
    report = ingest(source_named("ytdlp"), [again], corpus)
    assert report.rejected == {"withdrawn": 1} and REMARK not in words_in(corpus)


@pytest.mark.parametrize(
    "stage", ["remove_rows", "blank_raw_files", "remove_media", "clean_derived", "check_nothing_left"]
)
def test_a_takedown_that_was_stopped_is_completed(corpus, monkeypatch, stage):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, stage, stopped)
        with pytest.raises(KeyboardInterrupt):
            takedown(corpus, ["secretvideo"])
    assert (corpus / PENDING).exists() and withdrawn(corpus)["message"] == {"youtube:secretvideo"}
    takedown(corpus, ["othervideo2"])  # any takedown completes the one before
    said = words_in(corpus)
    assert "A zebra crossed" not in said and "flour and water" not in said and SPOKEN[0] not in said
    assert not (corpus / PENDING).exists() and not validate(corpus)


def test_a_second_time_changes_nothing(corpus):
    takedown(corpus, ["secretvideo"])
    first = tree(corpus)
    takedown(corpus, ["secretvideo"])
    assert tree(corpus) == first


def test_a_text_left_in_a_file_of_ones_own_is_found(corpus):
    (corpus / "notes.txt").write_text(f"remember: {SPOKEN[0]} ...")
    with pytest.raises(ResidueFound, match=r"notes\.txt"):
        takedown(corpus, ["secretvideo"])
    (corpus / "notes.txt").unlink()
    takedown(corpus, ["secretvideo"])


def test_an_unknown_id_and_an_absent_folder_are_told(corpus, cbc):
    with pytest.raises(UnknownId):
        takedown(corpus, ["nosuchvideo"])
    done = cbc("corpus", "takedown", "nosuchvideo", "--corpus", corpus)
    assert done.returncode == 2 and "opt-out list" in done.stderr and len(done.stderr.splitlines()) == 1
    done = cbc("corpus", "takedown", "secretvideo", "--corpus", corpus, "--also", corpus / "absent")
    assert done.returncode == 2 and withdrawn(corpus)["message"] == frozenset()


TITLES = ["Otters by the river at dawn", "Grüße from the “highest” hill, again", "Nothing but fog, says the keeper"]


def csv_bytes(encoding: str) -> bytes:
    lines = ["id,title,day,views"] + [f'10000000{n},"{title}",2023-01-0{n + 1},{n}' for n, title in enumerate(TITLES)]
    return "\r\n".join([*lines, ""]).encode(encoding)


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def archived(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("one.csv", "two.csv"):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("posts.csv", csv_bytes("utf-8")),
        ("posts.csv", csv_bytes("utf-8-sig")),
        ("posts.csv", csv_bytes("cp1252")),
        ("posts.csv.gz", gzipped(csv_bytes("cp1252"))),
        ("posts.tar.gz", archived(csv_bytes("utf-8"))),
        (
            "posts.jsonl",
            "\n\n".join(
                json.dumps({"id": f"10000000{n}", "title": title, "day": "2023-01-01", "views": n}, ensure_ascii=n == 1)
                for n, title in enumerate(TITLES)
            ).encode(),
        ),
    ],
)
@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_record_of_a_table_goes_and_the_bytes_around_it_stay(tmp_path, name, content, gone):
    given = tmp_path / name
    given.write_bytes(content)
    root = tmp_path / "corpus"
    reads = source(tmp_path, {**POSTS, "encoding": "auto"})
    ingest(reads, [given], root)
    lines = dict(rows(root, "SELECT row_key, raw_line FROM provenance"))
    takedown(root, [f"10000000{gone}"])
    said = words_in(root)
    assert TITLES[gone][8:] not in said
    raw = next(path for path in (root / "raw").rglob("*posts*") if path.is_file())
    assert all(title[9:20] in said for n, title in enumerate(TITLES) if n != gone)
    if name == "posts.csv":
        before, after = content.splitlines(), raw.read_bytes().splitlines()
        assert after[gone + 1] == b",,," and len(before) == len(after)
        assert [a for n, a in enumerate(after) if n != gone + 1] == [b for n, b in enumerate(before) if n != gone + 1]
    # rebuilt from raw, what stayed has the record numbers it had
    anew = tmp_path / "anew"
    ingest(reads, [raw], anew)
    kept = dict(rows(anew, "SELECT row_key, raw_line FROM provenance"))
    assert kept == {key: line for key, line in lines.items() if key != f"web:10000000{gone}"}


def test_short_ids_are_told_by_their_record(tmp_path):
    given = tmp_path / "posts.csv"
    given.write_text("id,title,day,views\n1,short,2023-01-01,2\n2,also,2023-01-01,1\n")
    root = tmp_path / "corpus"
    ingest(source(tmp_path, POSTS), [given], root)
    takedown(root, ["1"])
    raw = next((root / "raw").rglob("*posts*"))
    raw = raw if raw.is_file() else next(raw.rglob("*posts.csv"))
    assert raw.read_text() == "id,title,day,views\n,,,\n2,also,2023-01-01,1\n"


def test_what_waits_in_the_crawls_journal_goes_and_leaves_no_byte(corpus):
    journal = Journal(corpus / "crawl.sqlite")
    items = [{"id": name, "snippet": {"description": f"{name}: {SECRET}"}} for name in ("secretvideo", "othervideo1")]
    items[1]["snippet"]["description"] = "of herons alone"
    journal.begin_round([Task("videos", "secretvideo,othervideo1")], again=False)
    task = journal.ready_tasks(0, 1, [])[0]
    call = journal.book_calls([task], 1, 1_700_000_000)[0]
    journal.record_answer(call, task, json.dumps({"items": items}), [], {}, 1_700_000_000)
    journal.close()
    takedown(corpus, ["secretvideo"])
    left = b"".join(path.read_bytes() for path in corpus.glob("crawl.sqlite*"))
    assert b"zebra" not in left and b"of herons alone" in left
    assert Corpus.open(corpus).ingests()
