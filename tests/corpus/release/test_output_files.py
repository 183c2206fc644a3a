"""A command that writes a file by name overwrites its own earlier output and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.published_shape import PUBLISHED
from corpus.simulate.world import simulate
from corpus.takedown.takedown import takedown

COMMANDS = {
    "verbalize": ("verbalize", "--out"),
    "export": ("export", "--out"),
    "database": ("export", "--duckdb"),
    "datasheet": ("datasheet", "--out"),
}
OUT = {"verbalize": "a.parquet", "export": "b.parquet", "database": "c.duckdb", "datasheet": "d.md"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A small simulated corpus."""
    root = tmp_path_factory.mktemp("world") / "corpus"
    simulate(root, brands=3, videos=4, posts=4, emails=1)
    return root


def write_foreign(place: Path, kind: str) -> str:
    """Write a file of somebody else; gives the words that describe it."""
    if kind == "parquet":
        pq.write_table(pa.table({"mine": [1], "yours": ["a"]}), place)
        return "a parquet file with the columns mine, yours"
    if kind == "release":  # the columns of an export, as the public release itself has them
        with duckdb.connect() as connection:
            columns = ", ".join(f"NULL::{type_} AS {name}" for name, type_ in PUBLISHED.items())
            connection.execute(f"COPY (SELECT {columns}) TO '{place}' (FORMAT parquet)")
        return "a parquet file with the columns video_id, asr_raw"
    if kind == "database":
        with duckdb.connect(str(place)) as connection:
            connection.execute("CREATE TABLE message (message_id VARCHAR); CREATE VIEW effect AS FROM message")
        return "a DuckDB file with the tables message, effect (view)"
    place.write_text("# Datasheet\n\nof my own\n")
    return f"a file of {place.stat().st_size} bytes"


@pytest.mark.parametrize("kind", ["parquet", "release", "database", "text"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_of_somebody_else_is_left_alone(corpus, tmp_path, cbc_here, command, kind):
    described = write_foreign(tmp_path / "mine", kind)
    before = (tmp_path / "mine").read_bytes()
    name, option = COMMANDS[command]
    done = cbc_here("corpus", name, option, tmp_path / "mine", "--corpus", corpus)
    assert (done.returncode, done.stdout) == (2, "")
    assert described in done.stderr
    assert done.stderr.endswith("; name another file\n")
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "mine").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_views_of_the_corpus_are_no_export(corpus, cbc_here):
    before = (corpus / "corpus.duckdb").read_bytes()
    done = cbc_here("corpus", "export", "--duckdb", corpus / "corpus.duckdb", "--corpus", corpus)
    assert done.returncode == 2
    assert (corpus / "corpus.duckdb").read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_command_runs_onto_its_own_file(tmp_path, cbc_here, command):
    simulate(tmp_path / "corpus", world="clear", brands=3, videos=4, posts=4, emails=1)
    name, option = COMMANDS[command]
    line = ("corpus", name, option, tmp_path / OUT[command], "--corpus", tmp_path / "corpus")
    assert cbc_here(*line).returncode == 0
    assert cbc_here(*line).returncode == 0
    takedown(tmp_path / "corpus", ["sim-v-alvora-1"])  # which rewrites what was made of the corpus
    again = cbc_here(*line)
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_does_not_exist_is_named(corpus, tmp_path, cbc_here, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    name, option = COMMANDS[command]
    done = cbc_here("corpus", name, option, "nodir/x.parquet", "--corpus", corpus)
    assert done.returncode == 2
    assert "cannot write nodir/x.parquet: the folder nodir does not exist; " in done.stderr
