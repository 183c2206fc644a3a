"""`cbc corpus validate`: a sound corpus has no findings, and each kind of damage is named by table, row and rule."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from corpus.errors import NoSuchPath, WrongVersion
from corpus.ingest.run import ingest
from corpus.inspect.rules import AT_LEAST_ZERO, NEEDED, rules
from corpus.inspect.validate import Findings, validate
from corpus.schema import DATA_TABLES, METRICS
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named
from tests.corpus.sources.infos import video, write


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A small corpus of two ingests, with comments."""
    folder = tmp_path_factory.mktemp("sound")
    simulate(folder / "corpus", brands=3, videos=2, posts=3, emails=1)
    write(folder / "videos", video())
    ingest(source_named("ytdlp"), [folder / "videos"], folder / "corpus")
    return folder / "corpus"


@pytest.fixture
def corpus(sound, tmp_path) -> Path:
    return shutil.copytree(sound, tmp_path / "corpus")


def files(corpus: Path, table: str) -> list[Path]:
    return sorted(corpus.glob(f"tables/*/{table}.parquet"))


def change(path: Path, *statements: str, count: bool = True) -> None:
    """Rewrite a parquet file by SQL on its rows, table t; the manifest follows."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS FROM '{path}'")
        for statement in statements:
            connection.execute(statement)
        path.unlink()
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
        rows = connection.execute("SELECT count(*) FROM t").fetchone()[0]
    manifest = path.parent / "manifest.json"
    if count and manifest.is_file():
        told = json.loads(manifest.read_text())
        told["tables"][path.stem] = rows
        manifest.write_text(json.dumps(told))


def found(findings: Findings) -> list[tuple[str, str, str]]:
    return sorted((one.table, one.row, one.rule) for one in findings.listed)


def test_a_sound_corpus_has_no_findings(corpus):
    assert found(validate(corpus)) == []
    assert not validate(corpus)


DAMAGE = [
    ("effect", "metric = 'claps'", "metric = 'views'", "unknown metric"),
    ("effect", "value = -1", "metric = 'views'", "views is out of range"),
    ("effect", "value = 'nan'", "metric = 'likes'", "likes is out of range"),
    ("effect", "value = 1.01", "metric = 'replay'", "replay is out of range"),
    ("effect", "message_id = 'nobody', scene = NULL, receiver = 'x'", "metric = 'audience'", "no such message"),
    ("effect", "scene = 999", "metric = 'replay'", "no such scene"),
    ("effect", "observed_at = TIMESTAMP '1990-01-01'", "metric = 'views'", "observed before it was published"),
    ("scene", "end_s = start_s - 0.5", "scene = 3", "ends before it starts"),
    ("scene", "start_s = 0", "scene = 2", "starts before the scene before it ends"),
    ("message", "kind = 'song'", "kind = 'post'", "unknown kind"),
    ("communicator", "channel = 'web'", "channel = 'email'", "id of another medium"),
    ("message", "communicator_id = 'nobody'", "kind = 'video'", "no such communicator"),
    ("provenance", "row_key = 'gone'", "table_name = 'communicator'", "no such communicator"),
]


@pytest.mark.parametrize(("table", "setting", "where", "rule"), DAMAGE)
def test_one_damaged_row_is_named(corpus, table, setting, where, rule):
    path = next(path for path in files(corpus, table) if "simulate" in str(path))
    change(path, f"UPDATE t SET {setting} WHERE rowid = (SELECT max(rowid) FROM t WHERE {where})")
    findings = validate(corpus)
    assert findings.counts == {(table, rule): 1}
    assert [one.rule for one in findings.listed] == [rule]
    assert "=" in findings.listed[0].row


def test_every_rule_finds_its_damage(corpus):
    """All damage at once, each in a row of its own, so that no rule is left untried."""
    expected = {(table, rule) for table, rule, _ in rules()}
    rows = dict.fromkeys(NEEDED, 0)

    def spoil(table: str, setting: str, where: str = "true") -> str:
        rows[table] += 1
        return f"UPDATE t SET {setting} WHERE rowid = (SELECT min(rowid) + {rows[table]} FROM t WHERE {where})"

    damage: dict[str, list[str]] = {table: [] for table in NEEDED}
    for table, setting, where, _ in DAMAGE:
        damage[table].append(f"UPDATE t SET {setting} WHERE rowid = (SELECT max(rowid) FROM t WHERE {where})")
    for table, columns in AT_LEAST_ZERO.items():
        damage[table] += [spoil(table, f"{column} = -7") for column in columns]
    for name in METRICS:
        damage["effect"].append(spoil("effect", f"metric = '{name}', value = -1"))
    for table, columns in NEEDED.items():
        damage[table].append("INSERT INTO t FROM t LIMIT 1")
        damage[table] += [spoil(table, f"{column} = NULL") for column in columns]
    for table in ("message", "communicator"):
        damage[table] += [spoil(table, "channel = 'billboard'"), spoil(table, "channel = 'web'")]
    damage["comment"].append("UPDATE t SET message_id = 'nobody' WHERE rowid = 5")
    damage["scene"].append("UPDATE t SET message_id = 'nobody' WHERE rowid = 20")
    damage["scene"].append("UPDATE t SET scene = 99 WHERE rowid = (SELECT max(rowid) FROM t WHERE scene = 8)")
    damage["provenance"].append("UPDATE t SET row_key = 'gone' WHERE table_name = 'message' AND rowid % 5 = 0")
    for table, statements in damage.items():
        for path in files(corpus, table)[:1]:
            many = [f"INSERT INTO t FROM t WHERE rowid < {20 if table == 'comment' else 0}"] * 4
            change(path, *many, *statements)
    rejects = files(corpus, "comment")[0].with_name("rejects.parquet")
    nothing = "SELECT NULL::VARCHAR source, '' AS file, 1::BIGINT line, NULL::VARCHAR reason, '' AS value"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({nothing}) TO '{rejects}' (FORMAT parquet)")
        for table in DATA_TABLES:
            cells = files(corpus, table)[0].parent / "cells" / f"{table}.parquet"
            cells.parent.mkdir(exist_ok=True)
            row = f"(FROM '{files(corpus, table)[0]}' LIMIT 1)"
            connection.execute(f"COPY ({row} UNION ALL {row}) TO '{cells}' (FORMAT parquet)")
        cut = "SELECT '' AS message_id, NULL::TIMESTAMP AS cut_at FROM range(2)"
        connection.execute(f"COPY ({cut}) TO '{rejects.with_name('cut.parquet')}' (FORMAT parquet)")
    missed = expected - set(validate(corpus).counts)
    assert missed == set()


def test_findings_beyond_the_list_are_counted(corpus, monkeypatch):
    monkeypatch.setattr("corpus.inspect.validate.MOST", 3)
    change(files(corpus, "effect")[0], "UPDATE t SET exposure = -1")
    findings = validate(corpus)
    ((key, count),) = findings.counts.items()
    assert key == ("effect", "exposure is negative or not finite")
    assert count > 3
    assert len(findings.listed) == 3


# Files


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE t DROP title", "column title is missing"),
        ("ALTER TABLE t ADD mood VARCHAR", "column mood is not in the schema"),
        ("ALTER TABLE t ALTER duration_s TYPE VARCHAR", "column duration_s is no DOUBLE"),
    ],
)
def test_columns_against_the_schema(corpus, statement, rule):
    path = files(corpus, "message")[0]
    change(path, statement)
    findings = validate(corpus)
    assert ("message", f"{path.parent.name}/message.parquet", rule) in found(findings)


@pytest.mark.parametrize("spoil", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:60] + bytes(200) + b[260:]])
def test_a_file_that_cannot_be_read(corpus, spoil):
    path = files(corpus, "effect")[0]
    path.write_bytes(spoil(path.read_bytes()))
    findings = validate(corpus)
    assert ("effect", f"{path.parent.name}/effect.parquet", "file cannot be read") in found(findings)


def test_folders_against_their_manifests(corpus):
    simulated, crawled = (path.parent for path in sorted(files(corpus, "message")))
    (crawled / "comment.parquet").unlink()
    change(crawled / "effect.parquet", "DELETE FROM t WHERE metric = 'likes'", count=False)
    shutil.copy(crawled / "effect.parquet", crawled / "opinion.parquet")
    (simulated / "manifest.json").write_text("{")
    assert found(validate(corpus)) == [
        ("comment", f"{crawled.name}/comment.parquet", "file of the manifest is missing"),
        ("effect", f"{crawled.name}/effect.parquet", "row count is not the manifest's"),
        ("tables", simulated.name, "ingest without a readable manifest"),
        ("tables", f"{crawled.name}/opinion.parquet", "table is not in the schema"),
    ]


def test_annotations(corpus):
    path = next(corpus.glob("annotations/law@2/*.parquet"))
    change(path, "UPDATE t SET message_id = 'nobody' WHERE rowid = 0", "INSERT INTO t FROM t WHERE rowid = 1")
    (corpus / "annotations" / "ytdlp@1" / "cut.parquet").write_bytes(b"PAR1")
    assert sorted((table, rule) for table, _, rule in found(validate(corpus))) == [
        ("law@2", "more than one row of this key"),
        ("law@2", "no such message"),
        ("ytdlp@1", "file cannot be read"),
    ]


# The command


def test_the_command_ends_with_1_when_there_are_findings(corpus, cbc):
    sound = cbc("corpus", "validate", "--corpus", corpus)
    assert (sound.returncode, sound.stdout, sound.stderr) == (0, "no findings: every table holds to the schema\n", "")
    change(files(corpus, "effect")[0], "UPDATE t SET exposure = -1 WHERE rowid < 5")
    damaged = cbc("corpus", "validate", "--corpus", corpus, "--limit", 2)
    assert damaged.returncode == 1
    assert damaged.stdout.splitlines()[-1] == "5 findings, rules broken: 1; 2 shown"
    listed = cbc("corpus", "validate", "--corpus", corpus, "--json")
    assert listed.returncode == 1
    written = json.loads(listed.stdout)
    assert written["counts"] == [{"table": "effect", "rule": "exposure is negative or not finite", "findings": 5}]
    assert [set(one) for one in written["findings"]] == [{"table", "row", "rule", "value"}] * 5


def test_no_corpus_and_another_version(tmp_path):
    with pytest.raises(NoSuchPath, match="no corpus at"):
        validate(tmp_path)
    for content in ('{"format": "cbc-corpus", "version": 0}', "[]", "{"):
        (tmp_path / "corpus.json").write_text(content)
        with pytest.raises(WrongVersion, match="of another version"):
            validate(tmp_path)
