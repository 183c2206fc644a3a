"""Every command takes paths as they come: with patterns, quotes, line breaks, a leading ~ or -, and as long as they may
be. What cannot be read or written is one line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import corpus.simulate.world
from baselines.base import Settings
from baselines.predict import predict_run
from benchmark.build import build_bench
from corpus.files.sql import quote, quote_file
from corpus.release.write import release
from tests.several import run_several

MAPPING = """channel: web
kind: post
message: {message_id: id, body: text}
communicator: {communicator_id: who}
effects: [{metric: likes, value: n}]
"""
NAMES = {
    "marks": '~root [1]s*t** it\'s "so" 100%20%s,b;c#d&e|f<g>:i@1 $HOME ${x} `z` a\nb\r\x1b[31m日本\u202e\u00e9e\u0301',
    "long": "x" * 240,
    "refused": "wh?t day=2024",
}
BACKSLASH = r"back\slash\n"
REFUSED = {"question": "wh?t", "backslash": BACKSLASH, "hive": "day=2024"}
"""Names that DuckDB reads in its own way: no corpus may lie there, everything else may."""
CHAIN = """corpus ingest table {files} --mapping {mapping} --corpus={corpus}
corpus ingests --corpus={corpus}
corpus ingests --corpus={corpus} --json
corpus status --corpus={corpus}
corpus validate --corpus={corpus}
corpus sql FROM"message" --corpus={corpus} --json
corpus explain 1 --corpus={corpus}
corpus filter default --corpus={corpus}
corpus verbalize --corpus={corpus} --out={text}
corpus export --corpus={corpus} --out={videos}
corpus datasheet --corpus={corpus} --out={sheet}
corpus release --corpus={corpus} --content full --out={release}
corpus diff {release} {release}
benchmark build --corpus={corpus} --out={bench}
baselines predict constant --bench={bench} --out={run} --tasks views
baselines predict oracle --bench={bench} --out={oracle} --tasks views
benchmark score {run} --bench={bench}
benchmark tables {run} --bench={bench} --out={tables}
leaderboard build {run} {oracle} --out={site}
corpus forget {ingest} --corpus={corpus}
corpus takedown sim-v-alvora-1 --corpus={corpus}""".splitlines()

READS = """corpus status --corpus={whole}/corpus
corpus ingests --corpus={whole}/corpus
corpus validate --corpus={whole}/corpus
corpus sql FROM"message" --corpus={whole}/corpus
corpus explain sim-v-alvora-1 --corpus={whole}/corpus
corpus datasheet --corpus={whole}/corpus
corpus diff {whole}/release {whole}/release
corpus verbalize --corpus={whole}/corpus --out={out}/a
corpus export --corpus={whole}/corpus --out={out}/b
corpus release --corpus={whole}/corpus --out={out}/c
benchmark build --corpus={whole}/corpus --out={out}/d
baselines predict constant --bench={whole}/bench --out={out}/e
benchmark tables {whole}/run --bench={whole}/bench --out={out}/f
leaderboard build {whole}/run --bench={whole}/bench --out={out}/g""".splitlines()
WRITES = """corpus simulate --corpus={out}
corpus ingest table {whole}/files --mapping {whole}/mapping --corpus={out}
corpus filter default --corpus={out}
corpus forget posts-0 --corpus={out}
corpus takedown sim-v-alvora-1 --corpus={out}
corpus verbalize --corpus={whole}/corpus --out={out}/a
corpus export --corpus={whole}/corpus --out={out}/a
corpus datasheet --corpus={whole}/corpus --out={out}/a
corpus release --corpus={whole}/corpus --out={out}/a
benchmark build --corpus={whole}/corpus --out={out}/a
baselines predict constant --bench={whole}/bench --out={out}/a
baselines train nano-lcbm --bench={whole}/bench --out={out}/a
benchmark tables {whole}/run --bench={whole}/bench --out={out}/a
leaderboard build {whole}/run --bench={whole}/bench --out={out}/a""".splitlines()
WAYS_OUT = [line for line in READS if "{out}" in line]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A small simulated corpus."""
    root = tmp_path_factory.mktemp("world") / "corpus"
    corpus.simulate.world.simulate(root, brands=9, videos=40, posts=30, emails=1)
    return root


def places(name: str) -> dict[str, str]:
    """A path for each file and folder of the chain, in the current folder."""
    made = ["corpus", "files", "mapping", "text", "videos", "sheet", "release"]
    made += ["bench", "run", "oracle", "tables", "site"]
    return {kind: f"{name[:-2]}{n:02}" if len(name) > 200 else f"{name}{n}" for n, kind in enumerate(made)}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_works_below_any_path(name, world, tmp_path, monkeypatch, cbc_here):
    monkeypatch.chdir(tmp_path)
    at = places(NAMES[name]) | ({"corpus": "corpus"} if name == "refused" else {})
    shutil.copytree(world, at["corpus"], ignore=shutil.ignore_patterns("*.duckdb"))
    Path(at["files"]).mkdir()
    (Path(at["files"]) / f"{NAMES[name][:230]}.csv").write_text("id,text,who,n\n1,one,a,3\n2,two,b,4\n")
    Path(at["mapping"]).write_text(f"name: posts\n{MAPPING}")
    for line in CHAIN:
        if "{ingest}" in line:
            at["ingest"] = next(path.name for path in Path(at["corpus"], "tables").glob("posts-*"))
        command = [word.format(**at) for word in line.split()]
        done = cbc_here(*command)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (line, done.stderr[-2000:])
        assert "\x1b" not in done.stdout, line
    assert {path.name for path in tmp_path.iterdir()} == {Path(at[kind]).name for kind in at if kind != "ingest"}


def test_a_name_that_begins_with_a_dash_is_given_after_an_equals_sign(tmp_path, monkeypatch, cbc_here):
    monkeypatch.chdir(tmp_path)
    for line in ("simulate --corpus=-dash --brands=3", "status --corpus=-dash", "export --corpus=-dash --out=-out"):
        assert cbc_here("corpus", *line.split()).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["-dash", "-out"]


def test_duckdb_still_reads_these_names_otherwise(tmp_path):
    """Where it no longer does, corpus/store.py need refuse them no more."""
    for name in REFUSED.values():
        (tmp_path / name).mkdir()
        duckdb.execute(f"COPY (SELECT 1 AS a) TO {quote(tmp_path / name / 'x.parquet')} (FORMAT parquet)")
    read = duckdb.execute(f"FROM read_parquet({quote_file(tmp_path / REFUSED['hive'] / 'x.parquet')})")
    assert [column[0] for column in read.description] == ["a", "day"]  # a column out of the folder's name
    with pytest.raises(duckdb.IOException):
        duckdb.execute(f"FROM read_parquet({quote_file(tmp_path / REFUSED['backslash'], '/*.parquet')})")
    with duckdb.connect() as connection, pytest.raises(duckdb.Error, match="wal"):
        connection.execute(
            f"ATTACH {quote(tmp_path / REFUSED['question'] / 'd.duckdb')} AS d; CREATE TABLE d.t (a INT)"
        )


COMMANDS = [line for line in CHAIN if "{corpus}" in line] + ["corpus simulate --corpus={corpus}"]


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_corpus_is_refused_where_duckdb_would_read_its_name_otherwise(name, line, tmp_path, monkeypatch, cbc_here):
    monkeypatch.chdir(tmp_path)
    at = places("a") | {"corpus": REFUSED[name], "ingest": "posts-0"}
    (tmp_path / at["files"]).write_text("id\n1\n")
    (tmp_path / at["mapping"]).write_text(MAPPING)
    before = sorted(tmp_path.iterdir())
    one_line(cbc_here(*line.format(**at).split()), "rename that folder")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("line", WAYS_OUT)
def test_what_is_written_below_a_backslash_is_there_or_refused_in_one_line(line, whole, tmp_path, cbc_here):
    (tmp_path / BACKSLASH).mkdir()
    done = cbc_here(*line.format(whole=whole, out=tmp_path / BACKSLASH).split())
    if done.returncode:
        one_line(done)
    assert len(list((tmp_path / BACKSLASH).iterdir())) == (done.returncode == 0)


def one_line(done, text: str = "") -> None:
    """A mendable error: exit code 2, one line, no traceback, nothing on stdout."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    assert text in done.stderr


# Not UTF-8


@pytest.mark.parametrize("line", [*CHAIN, "corpus simulate --corpus={corpus}"])
def test_a_path_that_is_not_utf8_is_one_line_and_nothing_is_written(line, tmp_path, monkeypatch, cbc_here):
    monkeypatch.chdir(tmp_path)
    one_line(cbc_here(*line.format(**places("caf\udce9"), ingest="posts-0").split()), "not UTF-8")
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_name_is_not_utf8_is_named_before_anything_is_written(tmp_path, cbc_here):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "caf\udce9.csv").write_text("id\n1\n")
    (tmp_path / "m.yaml").write_text(MAPPING)
    words = ("corpus", "ingest", "table", tmp_path / "files", "--mapping", tmp_path / "m.yaml")
    one_line(cbc_here(*words, "--corpus", tmp_path / "c"), "is not UTF-8")
    assert not (tmp_path / "c").exists()


def test_a_folder_that_is_not_utf8_around_the_current_one(tmp_path, monkeypatch, cbc_here):
    (tmp_path / "caf\udce9").mkdir()
    monkeypatch.chdir(tmp_path / "caf\udce9")
    one_line(cbc_here("corpus", "simulate", "--corpus", "c"), "not UTF-8")


# Files in place of folders, and what may not be read or written


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory) -> Path:
    """A folder with a corpus, a bench, a run and a release, and what an ingest needs."""
    root = tmp_path_factory.mktemp("whole")
    shutil.copytree(world, root / "corpus")
    build_bench(root / "corpus", root / "bench")
    predict_run("constant", root / "bench", root / "run", Settings(tasks=("views",)))
    release(root / "corpus", root / "release", "full", "1.0.0", "name", "other", 0)
    (root / "files").mkdir()
    (root / "files" / "a.csv").write_text("id,text,who,n\n1,one,a,3\n")
    (root / "mapping").write_text(f"name: posts\n{MAPPING}")
    (root / "filled").write_text("a file\n")
    return root


@pytest.mark.parametrize("line", [*WRITES, *(line for line in CHAIN if "{ingest}" not in line)])
def test_a_file_in_place_of_a_folder_is_one_line(line, whole, cbc_here):
    at = dict.fromkeys(places(""), whole / "filled") | {"whole": whole, "out": whole / "filled"}
    one_line(cbc_here(*line.format(**at, ingest="posts-0").split()))
    assert (whole / "filled").read_text() == "a file\n"


@pytest.fixture(scope="module")
def read_only(whole, tmp_path_factory) -> Iterator[Path]:
    """The same folder, mounted so that nothing can be written."""
    place = tmp_path_factory.mktemp("read_only")
    for options in (["--bind", whole, place], ["-o", "remount,bind,ro", place]):
        done = subprocess.run(["mount", *map(str, options)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs to mount a folder, which is not allowed here ({done.stderr.strip()})")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("line", READS)
def test_what_only_reads_works_where_nothing_can_be_written(line, read_only, tmp_path, cbc_here):
    done = cbc_here(*line.format(whole=read_only, out=tmp_path).split())
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("line", [*WRITES, "benchmark score {whole}/run --bench={whole}/bench"])
def test_where_nothing_can_be_written_a_command_says_so_in_one_line(line, read_only, cbc_here):
    out = read_only / "corpus" if "--corpus={out}" in line else read_only
    out = read_only / "world" if "simulate" in line else out
    before = sorted(read_only.rglob("*"))
    one_line(cbc_here(*line.format(whole=read_only, out=out).split()), "Read-only file system")
    assert sorted(read_only.rglob("*")) == before


WITHOUT_PERMISSION = [*WRITES[:5], *READS]


@pytest.fixture(scope="module")
def without_permission(whole, tmp_path_factory) -> dict[str, subprocess.CompletedProcess[str]]:
    """What each command says where the files that it reads may not be read; all in one process."""
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root reads everything, and setpriv, which takes that from it, is not installed")
    commands = []
    for line in WITHOUT_PERMISSION:
        root = tmp_path_factory.mktemp("closed")
        shutil.copytree(whole, root / "whole")
        closed = next((name for name in ("release", "bench") if f"{{whole}}/{name}" in line), "corpus")
        for path in (root / "whole" / closed).rglob("*"):
            if path.is_file():
                path.chmod(0)
        out = root / "whole" / "corpus" if line in WRITES else root
        commands.append(line.format(whole=root / "whole", out=out).split())
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    return dict(zip(WITHOUT_PERMISSION, run_several(commands, before=powerless), strict=True))


@pytest.mark.parametrize("line", WITHOUT_PERMISSION)
def test_files_without_permission_are_one_line(line, without_permission):
    one_line(without_permission[line])
