"""The ingest engine: what is new, what is kept, and what an interrupt leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from corpus.errors import Busy, NoSuchPath
from corpus.ingest import deduplicate
from corpus.ingest.run import FileChanged, ingest
from corpus.inspect.validate import validate
from corpus.store import Corpus
from tests.conftest import ROOT
from tests.corpus.sources.mapped import POSTS, rows, run, source, tree

SEEN = POSTS | {
    "message": POSTS["message"] | {"body": {"column": "body", "optional": True}},
    "effects": [{"metric": "views", "value": "views", "at": {"column": "seen", "optional": True}}],
    "communicator": {"communicator_id": {"const": "c"}, "name": {"column": "name", "optional": True}},
    "attributes": {"name": "extra", "text": {"body": {"column": "body", "optional": True}}},
}


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rows_read_are_kept_contradicting_or_rejected(tmp_path):
    file = write(
        tmp_path,
        "posts.csv",
        "id,title,day,views",
        "a,x,2020-01-01,1",
        "a,y,2020-01-01,9",
        "b,x,2020-01-01,-1",
        "c,x,2020-01-01,1",
    )
    report, corpus = run(tmp_path, POSTS, file)
    assert (report.rows_read, report.rows_kept, report.rejected) == (4, 2, {"negative count": 1})
    assert (report.rows_contradicting, report.contradictions) == (1, {"effect.views": 1, "message.title": 1})
    assert report.tables == {"message": 2, "effect": 2, "provenance": 2, "rejects": 3}
    manifest = json.loads((corpus / "tables" / report.ingest / "manifest.json").read_text())
    assert (manifest["rows_read"], manifest["rows_kept"], manifest["rejected"]) == (4, 2, {"negative count": 1})
    assert [file["name"] for file in manifest["files"]] == ["posts.csv"]


def test_a_second_run_changes_nothing(tmp_path):
    file = write(tmp_path, "posts.csv", "id,title,day,views", "a,x,2020-01-01,1")
    _, corpus = run(tmp_path, POSTS, file)
    before = tree(corpus)
    report, _ = run(tmp_path, POSTS, file)
    assert (report.files, report.skipped, report.rows_read) == (0, 1, 0)
    assert tree(corpus) == before


def test_new_observations_of_a_known_message_are_kept(tmp_path):
    first = write(tmp_path, "1.csv", "id,title,day,views,seen", "a,x,2020-01-01,1,2020-01-01", "b,x,,1,2020-01-01")
    later = write(tmp_path, "2.csv", "id,title,day,views,seen", "a,x,2020-01-01,1,2020-01-01", "b,x,,5,2020-01-02")
    run(tmp_path, SEEN, first)
    report, corpus = run(tmp_path, SEEN, later)
    assert (report.rows_kept, report.rows_repeated, report.rows_enriched) == (0, 1, 1)
    found = rows(corpus, "SELECT message_id, value FROM effect ORDER BY ALL")
    assert found == [("web:a", 1), ("web:b", 1), ("web:b", 5)]
    assert rows(corpus, "SELECT count(*) FROM message") == [(2,)]
    seen = rows(corpus, "SELECT row_key FROM provenance WHERE table_name = 'message' ORDER BY 1")
    assert seen == [("web:a",), ("web:b",), ("web:b",)]


def test_of_equal_keys_null_equals_null(tmp_path):
    report, _ = run(tmp_path, SEEN, write(tmp_path, "1.csv", "id,title,day,views", "a,x,,1"))
    again, _ = run(tmp_path, SEEN, write(tmp_path, "2.csv", "title,id,day,views", "x,a,,1"))
    assert (report.rows_kept, again.rows_kept, again.rows_repeated) == (1, 0, 1)


def test_a_row_told_in_pieces_is_put_together(tmp_path):
    short = write(tmp_path, "in/1.csv", "id,title,day,views", "a,,,1")
    write(tmp_path, "in/2.csv", "id,title,day,views,body,name", "a,x,2020-01-01,1,words,N")
    _, corpus = run(tmp_path, SEEN, short.parent)
    assert rows(corpus, "SELECT title, body FROM message") == [("x", "words")]
    assert rows(corpus, "SELECT name FROM communicator") == [("N",)]
    assert rows(corpus, 'SELECT body FROM "extra@1"') == [("words",)]


def test_the_same_file_under_two_names_is_read_once(tmp_path):
    write(tmp_path, "in/1.csv", "id,title,day,views", "a,x,,1")
    write(tmp_path, "in/2.csv", "id,title,day,views", "a,x,,1")
    report, _ = run(tmp_path, POSTS, tmp_path / "in")
    assert (report.files, report.skipped, report.rows_read) == (1, 1, 1)


def test_the_raw_file_is_kept_as_received(tmp_path):
    file = write(tmp_path, "posts.csv", "id,title,day,views", "a,x,,1")
    os.utime(file, (1_600_000_000, 1_600_000_000))
    _, corpus = run(tmp_path, POSTS, file)
    (raw,) = (corpus / "raw" / "posts").iterdir()
    assert raw.read_bytes() == file.read_bytes()
    found = rows(corpus, "SELECT fetched_at::VARCHAR, raw_sha256, raw_line FROM provenance")
    assert found == [("2020-09-13 12:26:40", tree(tmp_path)["posts.csv"], 1)]
    assert raw.name == f"{found[0][1][:16]}-posts.csv"


def test_memory_does_not_show_in_the_bytes(tmp_path, monkeypatch):
    lines = [f"{i},{'long text ' * 30}{i},2020-01-01,{i}" for i in range(20_000)]
    file = write(tmp_path, "posts.csv", "id,title,day,views", *lines)
    run(tmp_path, POSTS, file, corpus="much")
    monkeypatch.setattr(deduplicate, "MEMORY", "60MB")
    run(tmp_path, POSTS, file, corpus="little")
    assert tree(tmp_path / "much") == tree(tmp_path / "little")


def test_a_corpus_being_written_is_busy(tmp_path):
    file = write(tmp_path, "posts.csv", "id,title,day,views", "a,x,,1")
    corpus = Corpus.create(tmp_path / "corpus")
    with corpus.lock(), pytest.raises(Busy, match="written by another process"):
        run(tmp_path, POSTS, file)


def test_a_file_that_goes_away_is_named(tmp_path):
    file = write(tmp_path, "posts.csv", "id,title,day,views", "a,x,,1")
    found = source(tmp_path, POSTS)
    file.unlink()
    with pytest.raises(NoSuchPath, match=r"there is no .*posts\.csv"):
        ingest(found, [file], tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_a_file_written_to_meanwhile_is_named(tmp_path, monkeypatch):
    file = write(tmp_path, "posts.csv", "id,title,day,views", "a,x,,1")
    monkeypatch.setattr(shutil, "copyfile", lambda given, place: Path(place).write_bytes(b"other"))
    with pytest.raises(FileChanged, match="changed while it was read"):
        run(tmp_path, POSTS, file)
    assert not (tmp_path / "corpus").exists()


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from corpus.ingest.run import ingest
from corpus.sources.mapping import load_mapping
from corpus.sources.table import Table

left = int(sys.argv[1])

def counting(function):
    def call(*arguments, **more):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **more)
    return call

os.replace, Path.replace, shutil.copyfile = counting(os.replace), counting(Path.replace), counting(shutil.copyfile)
os.mkdir, Path.write_text = counting(os.mkdir), counting(Path.write_text)
ingest(Table(load_mapping(Path(sys.argv[2]))), [Path(sys.argv[3])], Path(sys.argv[4]))
"""


@pytest.mark.slow
def test_killed_anywhere_a_second_run_completes_with_the_same_bytes(tmp_path):
    write(tmp_path, "in/1.csv", "id,title,day,views,body", "a,x,,1,words", "b,x,bad,1,", "c,x,,1,w")
    write(tmp_path, "in/2.csv", "id,title,day,views,body", "d,x,,1,words")
    _, whole = run(tmp_path, SEEN, tmp_path / "in", corpus="whole")
    wanted, steps = tree(whole), 0
    while True:
        steps += 1
        root = tmp_path / f"killed{steps}"
        command = [
            sys.executable,
            "-c",
            KILLED,
            str(steps),
            *map(str, (tmp_path / "posts.yaml", tmp_path / "in", root)),
        ]
        killed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        if (root / "corpus.duckdb").exists():
            assert rows(root, "SELECT count(*) FROM message") in ([(0,)], [(3,)])
        run(tmp_path, SEEN, tmp_path / "in", corpus=root.name)
        assert tree(root) == wanted, f"killed at step {steps}"
        shutil.rmtree(root)
    assert steps > 8


def test_what_a_killed_ingest_left_is_cleared_by_one_of_other_files(tmp_path):
    one = write(tmp_path, "1.csv", "id,title,day,views,body", "a,x,,1,words")
    _, corpus = run(tmp_path, SEEN, one)
    orphan = corpus / "annotations" / "extra@1" / "posts-0123456789abcdef.parquet"
    shutil.copy(next(orphan.parent.iterdir()), orphan)
    kept = corpus / "annotations" / "extra@1" / "by_hand.parquet"
    shutil.copy(orphan, kept)
    run(tmp_path, SEEN, write(tmp_path, "2.csv", "id,title,day,views,body", "b,x,,1,words"))
    assert not orphan.exists()
    assert kept.exists()


def test_an_interrupt_ends_with_130_and_a_second_run_completes(tmp_path):
    lines = [f"{i},{'text ' * 20},2020-01-01,{i}" for i in range(150_000)]
    file = write(tmp_path, "posts.csv", "id,title,day,views", *lines)
    source(tmp_path, POSTS)
    command = [sys.executable, "-m", "cbc", "corpus", "ingest", "table", str(file)]
    command += ["--mapping", str(tmp_path / "posts.yaml"), "--corpus", str(tmp_path / "corpus")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "corpus" / "tmp").exists() and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert not list((tmp_path / "corpus").glob("tables/*"))
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    run(tmp_path, POSTS, file, corpus="whole")
    assert tree(tmp_path / "corpus") == tree(tmp_path / "whole")


def test_marks_of_patterns_in_paths_are_letters(tmp_path):
    folder = tmp_path / "films [v2]* it's"
    file = write(folder, "a?[1].csv", "id,title,day,views", "a,x,,1")
    for lines in (["b,x,,1"], ["a,x,,1", "c,x,,1"]):
        report, corpus = run(folder, POSTS, file)
        write(folder, file.name, "id,title,day,views", *lines)
    report, corpus = run(folder, POSTS, file)
    assert (report.rows_kept, report.rows_repeated) == (1, 1)
    assert rows(corpus, "SELECT message_id FROM message ORDER BY 1") == [("web:a",), ("web:b",), ("web:c",)]
    assert not validate(corpus).counts


MANY = """SELECT 'post' || (range % 48000) AS id, 'words of post ' || range AS title,
    'a longer text ' || range % 977 AS body, 'someone ' || range % 501 AS who,
    DATE '2020-01-01' + CAST(range % 900 AS INTEGER) AS day, range % 5000 AS views, range % 300 AS likes
    FROM range(50000)"""
MANY_MAPPING = """channel: web
kind: post
message: {message_id: id, title: title, body: body, published_at: day}
communicator: {communicator_id: who, name: who}
effects: [{metric: views, value: views}, {metric: likes, value: likes}]
attributes: {name: extra, text: {body: body}}
"""


def test_the_same_larger_file_gives_the_same_bytes_in_every_table(tmp_path, cbc):
    file, mapping = tmp_path / "posts.parquet", tmp_path / "posts.yaml"
    duckdb.execute(f"COPY ({MANY}) TO '{file}' (ROW_GROUP_SIZE 8192)")
    assert pq.ParquetFile(file).num_row_groups > 4
    mapping.write_text(MANY_MAPPING)
    trees = []
    for seed in ("1", "2"):
        root = tmp_path / f"corpus {seed}"
        words = ("corpus", "ingest", "table", file, "--mapping", mapping, "--corpus", root, "--json")
        done = cbc(*words, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert (report["rows_read"], report["rows_kept"]) == (50_000, 48_000)
        trees.append(tree(root))
    assert trees[0] == trees[1]
    assert {"message.parquet", "effect.parquet", "provenance.parquet"} <= {Path(name).name for name in trees[0]}
