"""Compile a mapping to SQL that turns the texts of a file's columns into typed and checked values.

There are three steps in one scan: t0, t1 ... are the texts of the mapping's fields, v0, v1 ... their values, and `_bad`
the first rule that a row breaks. Names of columns never enter the SQL: a reader names them s0, s1 ... in the order of
`Mapping.columns()`, with empty texts as null.
"""

from __future__ import annotations

import json

import duckdb

from corpus.files.sql import quote
from corpus.ids import global_id_sql
from corpus.replay_curve import MERGE_SQL
from corpus.schema import METRICS
from corpus.sources import page_counts
from corpus.sources.mapping import PLACE, Cell, Mapping, Replay

KEPT = "_file, _record, _n, _line, _name"
MACROS = """
CREATE OR REPLACE MACRO cell_percent(t) AS
    try_cast(replace(regexp_extract(t, '^\\s*(\\d{1,3}(?:[.,]\\d+)?)\\s*%\\s*$', 1), ',', '.') AS DOUBLE) / 100;
CREATE OR REPLACE MACRO cell_number(t) AS
    coalesce(try_cast(t AS DOUBLE), cell_percent(t), CASE WHEN t IS NOT NULL THEN page_count(t) END);
CREATE OR REPLACE MACRO cell_truth(t) AS coalesce(try_cast(trim(t) AS BOOLEAN),
    CASE lower(trim(t)) WHEN 'yes' THEN true WHEN '1.0' THEN true WHEN 'no' THEN false WHEN '0.0' THEN false END);
CREATE OR REPLACE MACRO zone_time(t) AS CASE WHEN t LIKE '____-__-__%' THEN try_cast(t AS TIMESTAMPTZ)::TIMESTAMP END;
CREATE OR REPLACE MACRO page_time(t, formats) AS
    coalesce(zone_time(t), CASE WHEN regexp_matches(t, '\\d')
    THEN try_strptime(regexp_replace(trim(t), '\\bSept\\b', 'Sep'), formats) END);
CREATE OR REPLACE MACRO iso_seconds(t) AS epoch(try_cast(replace(replace(replace(replace(replace(replace(replace(t,
    'P', ''), 'T', ' '), 'W', ' weeks '), 'D', ' days '), 'H', ' hours '), 'M', ' minutes '), 'S', ' seconds ')
    AS INTERVAL));
CREATE OR REPLACE MACRO cell_seconds(t) AS CASE
    WHEN regexp_full_match(t, 'P(\\d+W)?(\\d+D)?(T(\\d+H)?(\\d+M)?(\\d+(\\.\\d+)?S)?)?') THEN iso_seconds(t)
    WHEN regexp_full_match(t, '(\\d+:)?\\d{1,2}:\\d\\d')
    THEN list_reduce(string_split(t, ':')::DOUBLE[], lambda a, b: 60 * a + b)
    ELSE try_cast(t AS DOUBLE) END;
"""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Register the functions that the SQL of a plan calls."""
    page_counts.register_page_count(connection)
    connection.execute(MERGE_SQL)
    connection.execute(MACROS)


class Plan:
    """A compiled mapping: `select` turns a relation of s-columns into typed rows; other methods name their columns."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.sources = {name: f"s{i}" for i, name in enumerate(mapping.columns())}
        self.texts: dict[tuple[Cell, ...], str] = {}
        self.kept: dict[str, None] = {}
        self.values: dict[tuple[str, str], str] = {}
        self.checks: list[tuple[str, str, str]] = []
        self.message_id = self.identify(mapping.message.message_id)
        self.checks.append(("_broken IS NOT NULL", "broken JSON", "left(_broken, 200)"))
        self.checks.append((f"{self.message_id} IS NULL", "missing id", "NULL"))

    def select(self, relation: str) -> str:
        """SQL of typed rows from a relation of s-columns, with the first rule that each breaks in `_bad`."""
        texts = ", ".join(f"{self._filled(cells)} AS {name}" for cells, name in self.texts.items())
        values = "".join(f", {sql} AS {name}" for (_, sql), name in self.values.items())
        rules = " ".join(f"WHEN {broken} THEN [{quote(reason)}, {value}]" for broken, reason, value in self.checks)
        graphs = "".join(f", {self.sources[name]}" for graph in self.mapping.replay for name in graph.columns)
        kept_columns = ", ".join([KEPT, *self.kept, *self.values.values()])
        texts_sql = f"SELECT {KEPT}, _broken, {texts}{graphs} FROM {relation}"
        return f"SELECT {kept_columns}, CASE {rules} END AS _bad FROM (SELECT *{values} FROM ({texts_sql}))"

    def identify(self, field: tuple[Cell, ...] | None) -> str:
        """Column with the id of a field's text in the mapping's medium."""
        if field is None:
            return "NULL::VARCHAR"
        sql = global_id_sql(self.mapping.channel, self.text(field))
        return self.values.setdefault(("id", sql), f"v{len(self.values)}")

    def keep(self, field: tuple[Cell, ...] | None) -> str:
        """Column with a field's text, kept for the tables."""
        if field is None:
            return "NULL::VARCHAR"
        self.kept[self.text(field)] = None
        return self.text(field)

    def text(self, field: tuple[Cell, ...]) -> str:
        """Column with a field's text, from which values are read."""
        return self.texts.setdefault(field, f"t{len(self.texts)}")

    def _filled(self, field: tuple[Cell, ...]) -> str:
        parts = [self._cell(cell) for cell in field]
        return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"

    def _cell(self, cell: Cell) -> str:
        if cell.const is not None:
            sql = quote(cell.const)
        elif cell.file is not None:
            sql = f"nullif(regexp_extract(_name, {quote(cell.file)}, 1), '')"
        elif cell.template is not None:
            pieces = PLACE.split(cell.template)  # texts and names of columns alternate
            sql = " || ".join(self._present(p) if i % 2 else quote(p) for i, p in enumerate(pieces) if i % 2 or p)
        else:
            sql = self._present(cell.columns[0])
        if cell.matches is not None:
            return f"regexp_matches({sql}, {quote(cell.matches)})::VARCHAR"
        return f"nullif(regexp_extract({sql}, {quote(cell.pattern)}, 1), '')" if cell.pattern is not None else sql

    def _present(self, column: str) -> str:
        """SQL of a column's text, null where it is one of the mapping's words for missing."""
        name, words = self.sources[column], ", ".join(map(quote, self.mapping.missing))
        return f"CASE WHEN trim({name}) NOT IN ({words}) THEN {name} END" if words else name

    def _typed(self, kind: str, sql: str, text: str, reason: str) -> str:
        """Column with a value read from a text; a row with text but no value is rejected for `reason`."""
        if (kind, sql) not in self.values:
            name = self.values[kind, sql] = f"v{len(self.values)}"
            self.checks.append((f"{text} IS NOT NULL AND {name} IS NULL", reason, text))
        return self.values[kind, sql]

    def _rule(self, broken: str, reason: str, text: str) -> None:
        if (broken, reason, text) not in self.checks:
            self.checks.append((broken, reason, text))

    def number(self, field: tuple[Cell, ...]) -> str:
        """Column with a field's number."""
        text = self.text(field)
        value = self._typed("number", f"cell_number({text})", text, "not a number")
        self._rule(f"NOT isfinite({value})", "not a number", text)
        return value

    def amount(self, field: tuple[Cell, ...], metric: str) -> str:
        """Column with a value of a metric; values outside its range and counts with a fraction are rejected."""
        text, value, unit = self.text(field), self.number(field), METRICS[metric]
        self._rule(f"{value} < {unit.low}", "negative count" if unit.high is None else "out of range", text)
        if unit.high is not None:
            self._rule(f"{value} > {unit.high}", "out of range", text)
        else:
            self._rule(f"{value} <> floor({value})", "not a whole number", text)
            self._rule(f"{value} > {page_counts.LARGEST}", "out of range", text)
        return value

    def time(self, field: tuple[Cell, ...] | None) -> str:
        """Column with a field's time, UTC."""
        if field is None:
            return "NULL::TIMESTAMP"
        text = self.text(field)
        value = self._typed("time", self._time(text), text, "unparsable date")
        self._rule(f"year({value}) NOT BETWEEN 1900 AND 2200", "unparsable date", text)
        return value

    def _time(self, text: str) -> str:
        formats = self.mapping.dates
        return f"page_time({text}, [{', '.join(map(quote, formats))}])" if formats else f"zone_time({text})"

    def seconds(self, field: tuple[Cell, ...] | None) -> str:
        """SQL of a field's duration in seconds; 0 means that the source does not know it."""
        if field is None:
            return "NULL::DOUBLE"
        text = self.text(field)
        value = self._typed("seconds", f"cell_seconds({text})", text, "unparsable duration")
        self._rule(f"{value} < 0 OR NOT isfinite({value})", "unparsable duration", text)
        return f"nullif({value}, 0)"

    def truth(self, field: tuple[Cell, ...]) -> str:
        """Column with a field's truth value."""
        text = self.text(field)
        return self._typed("truth", f"cell_truth({text})", text, "not true or false")

    def graphs(self, replay: Replay) -> str:
        """Column with a row's replay graphs: a list of {at_text, at, ends, shares}, without empty ones."""
        column = self.sources[replay.columns[0]]
        name = self.values.setdefault(("graphs", self._graphs(replay)), f"v{len(self.values)}")
        is_broken = (
            "lambda g: len(g.shares) <> len(g.ends) OR g.shares IS NULL OR g.ends IS NULL OR NOT g.ends[-1] > 0 "
            "OR list_min(g.shares) < 0 OR list_max(g.shares) > 1 OR len(list_filter(g.shares, lambda x: x IS NULL)) > 0"
        )
        self._rule(f"{column} IS NOT NULL AND {name} IS NULL", "broken markers", f"left({column}, 200)")
        self._rule(f"len(list_filter({name}, {is_broken})) > 0", "broken markers", f"left({column}, 200)")
        is_undated = "lambda g: g.at_text IS NOT NULL AND g.at IS NULL"
        self._rule(f"len(list_filter({name}, {is_undated})) > 0", "unparsable date", f"{name}[1].at_text")
        return name

    def _graphs(self, replay: Replay) -> str:
        """SQL of the list of graphs of a row."""
        if replay.each:
            source = self.sources[replay.each]
            items = f"CASE WHEN json_valid({source}) THEN json_extract({source}, '$[*]') END"
            marks = f"json_extract(e, {quote(json_path(replay.markers))})"
            at = f"json_extract_string(e, {quote(json_path(replay.at))})" if replay.at else "NULL::VARCHAR"
        else:
            source = self.sources[replay.markers]
            items = f"CASE WHEN json_valid({source}) THEN [{source}::JSON] END"
            marks, at = "e", self.sources[replay.at] if replay.at else "NULL::VARCHAR"
        parts = (
            f"try_cast(json_extract({marks}, {quote(f'$[*].{json.dumps(part)}')}) AS DOUBLE[])"
            for part in (replay.end, replay.value)
        )
        ends, shares = parts
        graph = f"{{'at_text': {at}, 'at': {self._time(at)}, 'ends': {ends}, 'shares': {shares}}}"
        return (
            f"list_filter(list_transform({items}, lambda e: {graph}), "
            "lambda g: coalesce(len(g.shares) + len(g.ends), 1) > 0)"
        )


def json_path(column: str) -> str:
    """Convert a dotted path to a JSON path with quoted names."""
    return "$" + "".join(f".{json.dumps(name, ensure_ascii=False)}" for name in column.split("."))
