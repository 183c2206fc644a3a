"""Check that a corpus meets its schema; each finding names table, row and rule.

cbc corpus validate --corpus CORPUS [--json]

First every file is compared with the schema; then the rows of the files that fit are checked by SQL (rules.py). All
findings of a rule are counted, and the first 10,000 are listed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from corpus.errors import first_line
from corpus.files.sql import quote_file
from corpus.inspect.rules import dangling, repeated, rules
from corpus.printing import number_of, table_text
from corpus.schema import FILLED_BY, LATER, TABLES
from corpus.store import Corpus

MOST = 10_000


@dataclass(frozen=True)
class Finding:
    """A row that breaks a rule."""

    table: str
    row: str
    rule: str
    value: str | None = None


@dataclass
class Findings:
    """The broken rules with their counts, and the first rows that break each."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    listed: list[Finding] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.counts)

    def add(self, *listed: Finding, count: int | None = None) -> None:
        """Add findings of a rule; `count` is their number where not all are listed."""
        self.listed += listed
        for finding in listed:
            key = (finding.table, finding.rule)
            self.counts[key] = self.counts.get(key, 0) + 1 if count is None else count


def validate(root: Path) -> Findings:
    """Find everything in a corpus that breaks a rule. Raises NoSuchPath, WrongVersion."""
    corpus = Corpus.open(root)
    findings = Findings()
    with duckdb.connect() as connection:
        for name in TABLES:
            for view, place in ((name, name), (f"{name} cells", f"cells/{name}")):
                paths = sorted(root.glob(f"tables/*/{place}.parquet"))
                fitting = [path for path in paths if _fits(connection, path, root, findings)]
                connection.execute(f'CREATE VIEW "{view}" AS {_rows(name, fitting)}')
        for folder in sorted(path for path in (root / "tables").glob("*") if path.is_dir()):
            _check_ingest(connection, folder, findings)
        for annotation in corpus.annotations():
            _check_annotation(connection, corpus.root / "annotations" / annotation, findings)
        for table, rule, sql in rules():
            _check_rows(connection, table, rule, sql, findings)
    return findings


def _rows(name: str, paths: list[Path]) -> str:
    """SQL of a table's rows, from the files that match the schema."""
    empty = "SELECT " + ", ".join(f'NULL::{c.type} AS "{c.name}"' for c in TABLES[name].columns) + " WHERE false"
    if not paths:
        return empty
    rows = f"FROM read_parquet([{', '.join(quote_file(path) for path in paths)}], union_by_name=true)"
    return f"{empty} UNION ALL BY NAME {rows}" if name in LATER else rows


def _types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Read every value of a file; returns its columns and types. Raises duckdb.Error."""
    connection.execute(f"SELECT count(hash(COLUMNS(*))) FROM read_parquet({quote_file(path)})").fetchall()
    return {name: type_ for name, type_, *_ in connection.execute(f"DESCRIBE FROM {quote_file(path)}").fetchall()}


def _fits(connection: duckdb.DuckDBPyConnection, path: Path, root: Path, findings: Findings) -> bool:
    """Whether a file can be read and has the columns of its table."""
    name, row = path.stem, path.relative_to(root / "tables").as_posix()
    try:
        types = _types(connection, path)
    except duckdb.Error as error:
        findings.add(Finding(name, row, "file cannot be read", first_line(error)[:200]))
        return False
    expected = {column.name: column.type for column in TABLES[name].columns}
    broken = [Finding(name, row, f"column {c} is missing") for c in expected if c not in {*types, *LATER.get(name, ())}]
    broken += [Finding(name, row, f"column {c} is not in the schema", types[c]) for c in types if c not in expected]
    mistyped = [c for c in expected if c in types and types[c] != expected[c]]
    broken += [Finding(name, row, f"column {c} is no {expected[c]}", types[c]) for c in mistyped]
    findings.add(*broken)
    return not broken


def _check_ingest(connection: duckdb.DuckDBPyConnection, folder: Path, findings: Findings) -> None:
    """Check that an ingest has a manifest, and only tables of the schema, with the row counts of the manifest."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        expected_rows: dict[str, int] = dict(manifest["tables"])
        expected_rows |= {f"cells/{name}": rows for name, rows in manifest.get("cells", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        findings.add(Finding("tables", folder.name, "ingest without a readable manifest"))
        return
    files = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.parquet")}
    for place in sorted({*expected_rows, *files}):
        name, path, row = Path(place).name, folder / f"{place}.parquet", f"{folder.name}/{place}.parquet"
        if name not in TABLES:
            findings.add(Finding("tables", row, "table is not in the schema"))
        elif not path.is_file():
            findings.add(Finding(name, row, "file of the manifest is missing"))
        else:
            rows, expected = _row_count(connection, path), expected_rows.get(place, 0)
            if rows is not None and rows != expected:
                findings.add(Finding(name, row, "row count is not the manifest's", f"{rows}, not {expected}"))


def _row_count(connection: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    """Count the rows of a parquet file; None if it cannot be read, which `_fits` reports."""
    try:
        row = connection.execute(f"SELECT count(*) FROM read_parquet({quote_file(path)})").fetchone()
    except duckdb.Error:
        return None
    return int(row[0]) if row else None


def _check_annotation(connection: duckdb.DuckDBPyConnection, folder: Path, findings: Findings) -> None:
    """Check that an annotation is about messages or comments of the corpus, with one row for each that has no times."""
    name, paths = folder.name, []
    for path in sorted(folder.glob("*.parquet")):
        try:
            if "message_id" not in _types(connection, path):
                findings.add(Finding(name, path.name, "column message_id is missing"))
                continue
        except duckdb.Error as error:
            findings.add(Finding(name, path.name, "file cannot be read", first_line(error)[:200]))
            continue
        paths.append(quote_file(path))
    if paths:
        rows = f"(FROM read_parquet([{', '.join(paths)}], union_by_name=true))"
        _check_rows(connection, name, "no such message", dangling(rows, "message_id", "message"), findings)
        columns = [row[0] for row in connection.execute(f"DESCRIBE {rows}").fetchall()]
        if "comment_id" in columns:
            key = FILLED_BY["comment"]
            _check_rows(connection, name, "no such comment", dangling(rows, "comment_id", "comment", key), findings)
            _check_rows(connection, name, "more than one row of this key", repeated(rows, key), findings)
        elif "start_s" not in columns:
            _check_rows(connection, name, "more than one row of this key", repeated(rows, ("message_id",)), findings)


def _check_rows(connection: duckdb.DuckDBPyConnection, table: str, rule: str, sql: str, findings: Findings) -> None:
    """Add the rows that a rule's SQL (columns key, value) finds."""
    rows = connection.execute(f"SELECT *, count(*) OVER () FROM ({sql}) ORDER BY ALL LIMIT {MOST}").fetchall()
    findings.add(*(Finding(table, row, rule, value) for row, value, _ in rows), count=rows[0][2] if rows else 0)


def findings_text(findings: Findings, limit: int) -> str:
    """Format counts by rule, the first findings, and a summary in the last line."""
    if not findings:
        return "no findings: every table holds to the schema"
    counts = [(table, rule, count) for (table, rule), count in sorted(findings.counts.items())]
    shown = [(finding.table, finding.row, finding.rule, finding.value) for finding in findings.listed[:limit]]
    total = sum(findings.counts.values())
    parts = [table_text(["table", "rule", "findings"], counts)]
    parts += [table_text(["table", "row", "rule", "value"], shown, widest=200)] if shown else []
    return "\n\n".join([*parts, f"{number_of(total, 'finding')}, rules broken: {len(counts)}; {len(shown):,} shown"])


def findings_rows(findings: Findings) -> dict[str, Any]:
    """Convert findings to plain values, for programs."""
    counts = [{"table": table, "rule": rule, "findings": n} for (table, rule), n in sorted(findings.counts.items())]
    listed = [vars(finding) for finding in findings.listed]
    return {"format": "cbc-findings", "version": 1, "counts": counts, "findings": listed}
