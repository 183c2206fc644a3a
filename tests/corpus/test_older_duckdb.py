"""What we write opens in the oldest DuckDB that we promise, and moves with its folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.annotate.language import DetectedLanguage
from corpus.annotate.run import annotate
from corpus.filters.recipe import load_filter_recipe
from corpus.filters.run import run_filters
from corpus.ingest.run import ingest
from corpus.sources.registry import source_named
from corpus.store import Corpus
from tests.corpus.sources.infos import EPOCH, heatmap, video, write

OLDEST = "1.0.0" if sys.version_info < (3, 13) else "1.1.3"  # the first with a wheel for this Python
SCRIPT = """
import json, sys, duckdb
database, *queries = sys.argv[1:]
connection = duckdb.connect(database, read_only=True)
print(json.dumps([duckdb.__version__] + [connection.execute(query).fetchall() for query in queries], default=str))
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """Run queries on a database in an older DuckDB, from a folder; gives their rows."""
    folder = tmp_path_factory.mktemp("older")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, f"duckdb=={OLDEST}"]
    done = subprocess.run(list(map(str, install)), capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"needs duckdb {OLDEST} from a package index: {done.stderr.strip().splitlines()[-1][:100]}")

    def ask(database: Path | str, *queries: str, cwd: Path) -> list:
        command = [sys.executable, "-c", SCRIPT, str(database), *queries]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        ran = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300)
        assert ran.returncode == 0, ran.stderr
        version, *rows = json.loads(ran.stdout)
        assert version == OLDEST
        return rows

    return ask


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A corpus with everything that its views are made of: cells, new cuts, annotations, removed messages."""
    folder = tmp_path_factory.mktemp("built")
    bare = video(heatmap=None, description=None, language=None)
    payloads = [bare, video("bbbbbbbbbbb", heatmap=heatmap(40)), video(language=None, epoch=EPOCH + 60)]
    for n, payload in enumerate(payloads):
        write(folder / f"day {n}", payload, name="video")
        ingest(source_named("ytdlp"), [folder / f"day {n}"], folder / "corpus")
    annotate(folder / "corpus", DetectedLanguage())
    run_filters(load_filter_recipe("default"), folder / "corpus")
    assert {path.name for path in (folder / "corpus").glob("tables/*/*")} >= {"cells", "cut.parquet"}
    return folder / "corpus"


def test_the_views_open_in_an_older_duckdb_and_say_the_same(corpus, older):
    queries = [
        *(f'SELECT count(*), count(DISTINCT message_id) FROM "{name}"' for name in ("message", "scene", "effect")),
        "SELECT message_id, title, body, language, language_from FROM message ORDER BY 1",
        "SELECT communicator_id, name, audience FROM communicator",
        "SELECT message_id, comments, mean_likes FROM comment_aggregate ORDER BY 1",
        'SELECT message_id, tags FROM "ytdlp@1" ORDER BY 1',
        "SELECT count(*) FROM removed",
    ]
    with Corpus.open(corpus).connect() as connection:
        expected = [connection.execute(query).fetchall() for query in queries]
    assert older("corpus.duckdb", *queries, cwd=corpus) == json.loads(json.dumps(expected, default=str))
    searched = f"SET file_search_path = '{corpus}'"
    assert older(corpus / "corpus.duckdb", searched, "SELECT count(*) FROM message", cwd=corpus.parent)[1] == [[2]]


def test_a_copy_reads_itself_and_not_the_original(corpus, older, tmp_path):
    copy = tmp_path / "a copy"
    shutil.copytree(corpus, copy)
    for path in copy.glob("tables/*/message.parquet"):
        path.unlink()
    for path in copy.glob("tables/*/cells/message.parquet"):
        path.unlink()
    write(tmp_path / "other", video("ccccccccccc"), name="video")
    ingest(source_named("ytdlp"), [tmp_path / "other"], copy)
    assert older("corpus.duckdb", "SELECT message_id FROM message", cwd=copy) == [[["youtube:ccccccccccc"]]]


def test_one_file_holds_the_tables(corpus, older, tmp_path, cbc):
    out = tmp_path / "corpus one.duckdb"
    done = cbc("corpus", "export", "--corpus", corpus, "--duckdb", out)
    assert done.returncode == 0 and "message 2" in done.stdout, done.stdout + done.stderr
    queries = [
        "SELECT message_id, language, language_from FROM message ORDER BY 1",
        "SELECT count(*) FROM scene WHERE message_id = 'youtube:aaaaaaaaaaa'",
        'SELECT count(*) FROM "language@1"',
        "SELECT count(*) FROM duckdb_views() WHERE NOT internal",
    ]
    found = older(out, *queries, cwd=tmp_path)
    assert found == [
        [["youtube:aaaaaaaaaaa", "en", "language@1"], ["youtube:bbbbbbbbbbb", "en", "source"]],
        [[33]],
        [[1]],
        [[0]],
    ]


def test_an_export_without_a_file_is_refused(corpus, cbc):
    done = cbc("corpus", "export", "--corpus", corpus)
    assert done.returncode == 2 and "--duckdb" in done.stderr
