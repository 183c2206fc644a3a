"""The commands of the corpus as a user runs them: what they print, how they fail."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from corpus.ingest.run import ingest
from corpus.inspect.status import BadQuery, sql_csv, sql_table, status_text
from corpus.printing import cell, table_text
from corpus.sources.registry import source_named
from tests.corpus.sources.infos import video, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two info files, one of them damaged, and the corpus made of them."""
    folder = tmp_path_factory.mktemp("crawl")
    write(folder / "videos", video(title='A "title", with a\nbreak | and a bar'), name="good")
    (folder / "videos" / "bad.info.json").write_text("{")
    ingest(source_named("ytdlp"), [folder / "videos"], folder / "corpus")
    return folder


def test_ingest_accounts_for_every_row(folder, tmp_path, cbc):
    done = cbc("corpus", "ingest", "ytdlp", folder / "videos", "--corpus", tmp_path / "corpus")
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout.splitlines()
    assert told[:4] == [
        "2 files read, 0 skipped (ingested before)",
        "2 rows read:",
        "             1  kept",
        "             1  rejected: cut or invalid JSON",
    ]
    assert "  -> 33 rows in scene" in told
    again = cbc("corpus", "ingest", "ytdlp", folder / "videos", "--corpus", tmp_path / "corpus")
    assert again.stdout.splitlines()[:2] == ["0 files read, 2 skipped (ingested before)", "0 rows read:"]


def test_status_names_what_the_corpus_holds(folder):
    told = status_text(folder / "corpus")
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "scene 33" in lines
    assert "video youtube 1 1 2023-10-01 2023-10-01" in lines
    assert "replay video 33 1 100 " in " ".join(lines)
    assert "ytdlp@1 cut or invalid JSON 1 1 bad.info.json" in lines
    assert "ytdlp@1 1" in lines


def test_an_empty_corpus_has_a_status(tmp_path):
    (tmp_path / "corpus.json").write_text('{"format": "cbc-corpus", "version": 2}')
    assert ["message", "0"] in [line.split() for line in status_text(tmp_path).splitlines()]


def test_export_and_simulate_run_as_commands(tmp_path, cbc):
    made = cbc(
        "corpus", "simulate", "--corpus", tmp_path / "c", "--brands", 3, "--videos", 2, "--posts", 1, "--emails", 1
    )
    assert (made.returncode, made.stderr) == (0, "")
    out = cbc("corpus", "export", "--format", "published", "--corpus", tmp_path / "c", "--out", tmp_path / "v.parquet")
    assert (out.returncode, out.stdout) == (0, f"6 videos in {tmp_path / 'v.parquet'}\n")


# SQL


def test_sql_prints_a_table(folder, cbc):
    query = "SELECT metric, value FROM effect WHERE scene IS NULL ORDER BY metric"
    done = cbc("corpus", "sql", query, "--corpus", folder / "corpus", "--limit", 2)
    assert done.stdout.splitlines() == [
        "metric     value",
        "--------  ------",
        "audience  12,300",
        "comments       2",
        "(more than 2 rows; see --limit, --csv and --json)",
    ]


def test_sql_as_csv_is_whole_and_quoted(folder):
    out = io.StringIO()
    sql_csv(folder / "corpus", 'SELECT title, tags, licence FROM message JOIN "ytdlp@1" USING (message_id)', out)
    header, row = csv.reader(io.StringIO(out.getvalue()))
    assert header == ["title", "tags", "licence"]
    assert row == ['A "title", with a\nbreak | and a bar', json.dumps(["shoes"]), ""]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM message", 'Referenced column "nothing" not found'),
        ("SELECT * FROM nowhere", "Table with name nowhere does not exist"),
        ("SELECT 'a'::INT", "Could not convert"),
        ("", "not a single SELECT"),
        ("SELECT 1; SELECT 2", "not a single SELECT"),
    ],
)
def test_errors_in_sql_are_one_line(folder, query, told):
    with pytest.raises(BadQuery, match=told) as raised:
        sql_table(folder / "corpus", query, 10)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "query",
    [
        "COPY message TO '{root}/stolen.csv'",
        "EXPLAIN ANALYZE COPY message TO '{root}/stolen.csv'",
        "CREATE TABLE x AS FROM message",
        "INSERT INTO message SELECT * FROM message",
        "ATTACH '{root}/stolen.db'",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "SELECT * FROM read_text('{root}/../secret.txt')",
        "SELECT * FROM '{root}/../secret.txt'",
        "SELECT * FROM glob('{root}/../*')",
        "INSTALL httpfs",
    ],
)
def test_sql_reads_the_corpus_and_nothing_else(folder, query):
    (folder / "secret.txt").write_text("secret\n")
    before = sorted(folder.rglob("*"))
    with pytest.raises(BadQuery):
        sql_table(folder / "corpus", query.format(root=folder / "corpus"), 10)
    assert sorted(folder.rglob("*")) == before


# Errors


def one_line(done, told: str) -> None:
    """A mendable error: exit code 2, one line, no traceback, nothing on stdout."""
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert told in done.stderr


def test_wrong_paths_are_one_line(tmp_path, cbc):
    (tmp_path / "empty").mkdir()
    one_line(cbc("corpus", "ingest", "ytdlp", tmp_path / "empty", "--corpus", tmp_path / "c"), "no yt-dlp info file")
    one_line(cbc("corpus", "ingest", "published", "absent", "--corpus", tmp_path / "c"), "no parquet file at absent")
    one_line(cbc("corpus", "ingest", "nothing", tmp_path, "--corpus", tmp_path / "c"), "is called nothing")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    "command", [["status"], ["validate"], ["sql", "SELECT 1"], ["export", "--out", "x"], ["datasheet"]]
)
def test_a_corpus_is_needed(tmp_path, cbc, command):
    one_line(cbc("corpus", *command, "--corpus", tmp_path / "absent"), "no corpus at")


def test_a_corpus_of_another_version(tmp_path, cbc):
    (tmp_path / "corpus.json").write_text('{"format": "cbc-corpus", "version": 99}')
    one_line(cbc("corpus", "status", "--corpus", tmp_path), "of another version (cbc-corpus 99; this is cbc-corpus 2)")


def test_a_damaged_table_is_one_line(folder, tmp_path, cbc):
    corpus = shutil.copytree(folder / "corpus", tmp_path / "corpus")
    next(corpus.glob("tables/*/message.parquet")).write_bytes(b"PAR1")
    one_line(cbc("corpus", "status", "--corpus", corpus), "holds a file that cannot be read")


# Text


def test_values_are_told_as_a_person_reads_them():
    values = [None, True, 1234567, 2.0, 0.123456, 25355.54, "a\nb", "x" * 70]
    assert [cell(value) for value in values] == [
        "", "true", "1,234,567", "2", "0.1235", "25,355.5", "a b", "x" * 59 + "…",
    ]  # fmt: skip
    assert table_text(["a", "n"], [("x", 1), (None, 20)]) == "a   n\n-  --\nx   1\n   20"
    assert table_text(["a"], []) == "a\n-"
