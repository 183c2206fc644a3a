"""Read companies and their accounts, as query.wikidata.org returns them: CSV, TSV or JSON, plain or verbose.

Run corpus/crawl/recipes/companies.rq there, download the result, then

cbc corpus ingest wikidata companies.csv --corpus CORPUS

Each row is a company (companyLabel) with a YouTube channel (youtubeChannelId, P2397), an X account (xUsername, P2002)
or both; these become communicators with their company, as of the file's time. A company with several accounts has
several rows. A crawl can take its channels from the same file: `youtube: {companies: companies.csv}`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corpus.errors import CbcError, NoSuchPath
from corpus.ids import global_id, split_id
from corpus.sources.base import Received, RowError, Source, Staging
from corpus.sources.fields import replace_lone_surrogates

COMPANY, CHANNEL, ACCOUNT = "companyLabel", "youtubeChannelId", "xUsername"
ENDS = (".csv", ".tsv", ".json")
CHANNEL_ID = re.compile(r"UC[\w-]{22}", re.ASCII)
USERNAME = re.compile(r"@?(\w{1,15})", re.ASCII)
TERM = re.compile(r'<(.*)>|"(.*)"(?:@[\w-]+|\^\^<.*>)?', re.DOTALL)  # a value of a verbose TSV


class NoCompanies(CbcError):
    """A file is not a result of the query for companies."""


@dataclass(frozen=True)
class Row:
    """A row of the result: its number, its line where the file has lines, and its cells by column."""

    number: int
    line: int | None
    cells: dict[str, str]

    def accounts(self) -> Iterator[str | RowError]:
        """Yield the communicator id of each account, or why a cell names none."""
        channel, account = self.cells.get(CHANNEL, ""), self.cells.get(ACCOUNT, "")
        if not channel and not account:
            yield RowError("neither channel nor account", self.cells.get(COMPANY))
        if channel:
            good = CHANNEL_ID.fullmatch(channel)
            yield global_id("youtube", channel) if good else RowError("no id of a YouTube channel", channel)
        if account:
            match = USERNAME.fullmatch(account)
            yield global_id("twitter", match[1]) if match else RowError("no name of an X account", account)


class Wikidata(Source):
    """Results of the query for companies."""

    name = "wikidata"
    version = 1
    cells = MappingProxyType(
        {
            "communicator.communicator_id": "youtubeChannelId (P2397), xUsername (P2002)",
            "communicator.company": "companyLabel",
        }
    )

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """List the files, and the CSV, TSV and JSON files in the folders. Raises NoSuchPath."""
        in_folders = {file for path in paths if path.is_dir() for file in path.iterdir() if file.suffix.lower() in ENDS}
        files = sorted({path for path in paths if not path.is_dir()} | in_folders)
        missing = [path for path in files if not path.is_file()]
        if missing or not files:
            where = ", ".join(map(str, missing or paths))
            raise NoSuchPath(f"no result of a query at {where}", "give a CSV, TSV or JSON file of query.wikidata.org")
        return files

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Stage each row as a record. Raises NoCompanies."""
        for file in files:
            staging.begin(file)
            for row in rows_of(file.raw):
                staging.rows_read += 1
                self.read(row, file, staging)

    def read(self, row: Row, file: Received, staging: Staging) -> None:
        """Stage the accounts of a row, and a reject for each invalid one."""
        company = row.cells.get(COMPANY) or None
        facts = {"as_of": file.modified_at, "company": company}
        origin = {"source": self.label, "raw_sha256": file.sha256, "raw_line": row.number, "tool": "query.wikidata.org"}
        times = {"observed_at": file.modified_at, "fetched_at": file.modified_at, "licence": "CC0"}
        accounts = list(row.accounts())
        ids = [account for account in accounts if isinstance(account, str)]
        staging.add("communicator", [{"communicator_id": n, "channel": split_id(n)[0], **facts} for n in ids])
        staging.add("provenance", [{"table_name": "communicator", "row_key": n, **origin, **times} for n in ids])
        for number, fault in enumerate(account for account in accounts if isinstance(account, RowError)):
            # Next to another account, an invalid one is a record of its own.
            staging.rows_read += bool(ids) or number > 0
            staging.reject(file.name, row.line, fault)


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a result in any of its formats. Raises NoCompanies."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
        rows = list(_json_rows(content) if content.lstrip()[:1] in ("[", "{") else _table_rows(content))
    except (UnicodeDecodeError, ValueError, csv.Error, RecursionError) as error:
        raise _no_companies(path, type(error).__name__) from None
    columns = {name for row in rows for name in row.cells}
    if not rows or COMPANY not in columns or not columns & {CHANNEL, ACCOUNT}:
        raise _no_companies(path, f"columns {', '.join(sorted(columns))[:100] or 'none'}")
    yield from rows


def _no_companies(path: Path, detail: str) -> NoCompanies:
    needed = f"{COMPANY} and {CHANNEL} or {ACCOUNT}"
    return NoCompanies(
        f"{path} is no result of companies ({detail})", f"run corpus/crawl/recipes/companies.rq: it gives {needed}"
    )


def _table_rows(content: str) -> Iterator[Row]:
    """Yield rows of CSV or TSV; a verbose TSV writes names as ?name and values as terms."""
    separator = "\t" if "\t" in content.partition("\n")[0] else ","
    lines = content.splitlines(keepends=True)
    verbose = separator == "\t" and content.startswith("?")
    reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE if verbose else csv.QUOTE_MINIMAL)
    names = [name.strip().removeprefix("?") for name in next(reader, [])]
    line = reader.line_num + 1
    for number, fields in enumerate(reader, 1):
        if fields:
            values = [_term(field) if verbose else field.strip() for field in fields]
            yield Row(number, line, dict(zip(names, values, strict=False)))
        line = reader.line_num + 1


def _term(field: str) -> str:
    match = TERM.fullmatch(field.strip())
    return (match[1] or match[2] or "") if match else field.strip()


def _json_rows(content: str) -> Iterator[Row]:
    """Yield rows of JSON: a list of objects, or SPARQL's own format; a cell is a text, or an object with its value."""
    rows: Any = json.loads(content)
    if isinstance(rows, dict):
        results = rows.get("results")
        rows = results.get("bindings") if isinstance(results, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("no list of rows")
    for number, row in enumerate(rows, 1):
        values = {name: cell.get("value") if isinstance(cell, dict) else cell for name, cell in row.items()}
        texts = {name: replace_lone_surrogates(cell) for name, cell in values.items() if isinstance(cell, str)}
        yield Row(number, None, {name: text.strip() for name, text in texts.items()})
