"""An ingest is taken back: its rows and raw files go, nothing else does, and the same file can be ingested anew."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.ingest.forgotten import PENDING
from corpus.ingest.run import ingest
from corpus.inspect.ingests import ingests
from corpus.inspect.validate import validate
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named
from corpus.store import Corpus
from corpus.takedown.forget import RestsOnIt, UnknownIngest, forget
from tests.corpus.sources.mapped import rows

WRONG = "channel: web\nkind: post\nmessage: {message_id: id, body: who}\nattributes: {name: own, text: [who]}\n"
RIGHT = "channel: web\nkind: post\nmessage: {message_id: id, body: text}\ncommunicator: {communicator_id: who}\n"
LIKES = "channel: web\nkind: post\nmessage: {message_id: id}\neffects: [{metric: likes, value: n}]\n"


def source(folder: Path, mapping: str):
    path = folder / "own.yaml"
    path.write_text(mapping)
    return source_named("table", path)


def tables_of(root: Path) -> dict[str, str]:
    """Digests of everything in a corpus but its views."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in ("corpus.duckdb", ".lock", "crawl.lock")
    }


@pytest.fixture
def posts(tmp_path) -> Path:
    path = tmp_path / "posts.csv"
    path.write_text("id,text,who,n\n1,one,a,3\n2,two,b,4\n2,two,b,4\n")
    return path


def test_a_mapping_is_mended_and_the_same_file_ingested_again(tmp_path, posts):
    root = tmp_path / "corpus"
    simulate(root, brands=3, videos=2, posts=2, emails=1)
    before = tables_of(root)
    first = ingest(source(tmp_path, WRONG), [posts], root)
    done = forget(root, first.ingest)
    assert (done.tables["message"], done.raw_files) == (2, 1)
    assert tables_of(root) == before
    assert not validate(root)
    assert ingest(source(tmp_path, RIGHT), [posts], root).rows_kept == 2
    assert rows(root, "SELECT message_id, body FROM message WHERE channel = 'web' ORDER BY 1") == [
        ("web:1", "one"),
        ("web:2", "two"),
    ]


def test_a_raw_file_that_another_ingest_needs_stays(tmp_path, posts):
    root = tmp_path / "corpus"
    first = ingest(source(tmp_path, WRONG.replace("id, body", "who, body")), [posts], root)
    other = ingest(source(tmp_path, RIGHT), [posts], root)
    assert forget(root, first.ingest).raw_files == 0
    assert [entry["ingest"] for entry in ingests(root)] == [other.ingest]
    assert len(list(root.glob("raw/own/*"))) == 1


def test_it_is_refused_where_rows_were_left_out_as_known(tmp_path, posts):
    root = tmp_path / "corpus"
    first = ingest(source(tmp_path, RIGHT), [posts], root)
    more = tmp_path / "more.csv"
    more.write_text("id,text,who,n\n2,two,b,4\n3,three,c,1\n")
    second = ingest(source(tmp_path, RIGHT), [more], root)
    before = tables_of(root)
    with pytest.raises(RestsOnIt, match=f"{second.ingest} rest on {first.ingest}"):
        forget(root, first.ingest)
    assert tables_of(root) == before
    forget(root, second.ingest)
    forget(root, first.ingest)
    assert Corpus.open(root).ingests() == []


def test_it_is_refused_where_another_ingest_measures_its_messages(tmp_path, posts):
    root = tmp_path / "corpus"
    first = ingest(source(tmp_path, RIGHT), [posts], root)
    second = ingest(source(tmp_path, LIKES), [posts], root)
    assert second.tables == {"effect": 2, "provenance": 2}
    with pytest.raises(RestsOnIt, match=second.ingest):
        forget(root, first.ingest)


def test_an_unknown_ingest_and_a_crawled_one_are_named(tmp_path, posts):
    root = tmp_path / "corpus"
    crawled = tmp_path / "000000000001-abc.info.json"
    crawled.write_text(json.dumps({"id": "abc", "title": "A video", "view_count": 5, "epoch": 1_700_000_000}))
    first = ingest(source_named("ytdlp"), [crawled], root)
    with pytest.raises(UnknownIngest, match=first.ingest):
        forget(root, "nothing-0000000000000000")
    (root / "crawl.sqlite").touch()
    with pytest.raises(RestsOnIt, match="was crawled"):
        forget(root, first.ingest)
    (root / "crawl.sqlite").unlink()
    assert forget(root, first.ingest).raw_files == 1


KILLED = """import sys, os, signal, pathlib
from corpus.takedown.forget import forget
left = int(sys.argv[3])
def stop(name):
    original = getattr(pathlib.Path, name)
    def stopping(*args, **settings):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **settings)
    setattr(pathlib.Path, name, stopping)
for name in ("replace", "unlink", "write_text"):
    stop(name)
forget(pathlib.Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.parametrize("again", ["forget", "ingest"])
def test_killed_before_any_step_it_is_completed_by_the_same_command_or_the_next_ingest(tmp_path, posts, again):
    root = tmp_path / "corpus"
    simulate(root, brands=3, videos=2, posts=2, emails=1)
    before = tables_of(root)
    for steps in range(20):
        name = ingest(source(tmp_path, WRONG), [posts], root).ingest
        command = [sys.executable, "-c", KILLED, str(root), name, str(steps)]
        done = subprocess.run(command, cwd=Path(__file__).parents[3], env=dict(os.environ), capture_output=True)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        if again == "forget" or not (root / PENDING).exists():
            forget(root, name)
        else:
            ingest(source(tmp_path, RIGHT), [posts], root)
            assert not (root / PENDING).exists()
            name = next(entry["ingest"] for entry in ingests(root) if entry["source"].startswith("own@"))
            assert rows(root, "SELECT body FROM message WHERE channel = 'web' ORDER BY 1") == [("one",), ("two",)]
            assert not list(root.glob("annotations/own@1/*"))
            forget(root, name)
        assert tables_of(root) == before, steps
    assert steps > 3
    assert tables_of(root) == before


def test_the_commands_list_and_forget(cbc_here, tmp_path, posts):
    root = tmp_path / "corpus"
    name = ingest(source(tmp_path, RIGHT), [posts], root).ingest
    listed = json.loads(cbc_here("corpus", "ingests", "--corpus", root, "--json").stdout)
    assert [(one["ingest"], one["source"], one["rows_kept"]) for one in listed] == [(name, "own@1", 2)]
    assert name in cbc_here("corpus", "ingests", "--corpus", root).stdout
    done = cbc_here("corpus", "forget", name, "--corpus", root)
    assert done.stdout.splitlines()[0] == f"forgotten: {name}"
    again = cbc_here("corpus", "forget", name, "--corpus", root)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
