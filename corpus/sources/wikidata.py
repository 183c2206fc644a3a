"""Companies and their accounts, as query.wikidata.org gives them: CSV, TSV or JSON, plain or verbose.

Run corpus/crawl/recipes/companies.rq there, download the result, then

cbc corpus ingest wikidata companies.csv --corpus CORPUS

Each row is a company (companyLabel) with a YouTube channel (youtubeChannelId, P2397), an X account (xUsername, P2002)
or both; they become communicators with their company, as of the file's time. A company with several accounts has
several rows. The same file gives a crawl its channels: `youtube: {companies: companies.csv}`.
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

COMPANY, CHANNEL, ACCOUNT = "companyLabel", "youtubeChannelId", "xUsername"
ENDS = (".csv", ".tsv", ".json")
CHANNEL_ID = re.compile(r"UC[\w-]{22}", re.ASCII)
USERNAME = re.compile(r"@?(\w{1,15})", re.ASCII)
TERM = re.compile(r'<(.*)>|"(.*)"(?:@[\w-]+|\^\^<.*>)?', re.DOTALL)  # of a verbose TSV


class NoCompanies(CbcError):
    """A file is no result of the query of companies."""


@dataclass(frozen=True)
class Row:
    """A row of the result: its number, its line where the file has lines, and its cells by column."""

    number: int
    line: int | None
    cells: dict[str, str]

    def accounts(self) -> Iterator[str | RowError]:
        """The communicator id of each account, or why a cell names none."""
        channel, account = self.cells.get(CHANNEL, ""), self.cells.get(ACCOUNT, "")
        if not channel and not account:
            yield RowError("neither channel nor account", self.cells.get(COMPANY))
        if channel:
            good = CHANNEL_ID.fullmatch(channel)
            yield global_id("youtube", channel) if good else RowError("no id of a YouTube channel", channel)
        if account:
            found = USERNAME.fullmatch(account)
            yield global_id("twitter", found[1]) if found else RowError("no name of an X account", account)


class Wikidata(Source):
    """Results of the query of companies."""

    name = "wikidata"
    version = 1
    cells = MappingProxyType(
        {
            "communicator.communicator_id": "youtubeChannelId (P2397), xUsername (P2002)",
            "communicator.company": "companyLabel",
        }
    )

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """The files given, and those in the folders given. Raises NoSuchPath."""
        inside = {file for path in paths if path.is_dir() for file in path.iterdir() if file.suffix.lower() in ENDS}
        found = sorted({path for path in paths if not path.is_dir()} | inside)
        missing = [path for path in found if not path.is_file()]
        if missing or not found:
            where = ", ".join(map(str, missing or paths))
            raise NoSuchPath(f"no result of a query at {where}", "give a CSV, TSV or JSON file of query.wikidata.org")
        return found

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """A record a row. Raises NoCompanies."""
        for file in files:
            staging.begin(file)
            for row in rows_of(file.raw):
                staging.rows_read += 1
                self.read(row, file, staging)

    def read(self, row: Row, file: Received, staging: Staging) -> None:
        """Stage the accounts of a row, and a reject for each that is none."""
        company = row.cells.get(COMPANY) or None
        same = {"as_of": file.modified_at, "company": company}
        told = {"source": self.label, "raw_sha256": file.sha256, "raw_line": row.number, "tool": "query.wikidata.org"}
        at = {"observed_at": file.modified_at, "fetched_at": file.modified_at, "licence": "CC0"}
        accounts = list(row.accounts())
        names = [account for account in accounts if isinstance(account, str)]
        staging.add("communicator", [{"communicator_id": n, "channel": split_id(n)[0], **same} for n in names])
        staging.add("provenance", [{"table_name": "communicator", "row_key": n, **told, **at} for n in names])
        for number, fault in enumerate(account for account in accounts if isinstance(account, RowError)):
            staging.rows_read += bool(names) or number > 0  # beside others a bad account is a record of its own
            staging.reject(file.name, row.line, fault)


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a result in any of its forms. Raises NoCompanies."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
        found = list(_json_rows(content) if content.lstrip()[:1] in ("[", "{") else _table_rows(content))
    except (UnicodeDecodeError, ValueError, csv.Error, RecursionError) as error:
        raise _no_companies(path, type(error).__name__) from None
    known = {name for row in found for name in row.cells}
    if not found or COMPANY not in known or not known & {CHANNEL, ACCOUNT}:
        raise _no_companies(path, f"columns {', '.join(sorted(known))[:100] or 'none'}")
    yield from found


def _no_companies(path: Path, told: str) -> NoCompanies:
    wanted = f"{COMPANY} and {CHANNEL} or {ACCOUNT}"
    return NoCompanies(
        f"{path} is no result of companies ({told})", f"run corpus/crawl/recipes/companies.rq: it gives {wanted}"
    )


def _table_rows(content: str) -> Iterator[Row]:
    """Rows of CSV or TSV; a verbose one writes names as ?name and values as terms."""
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
    found = TERM.fullmatch(field.strip())
    return (found[1] or found[2] or "") if found else field.strip()


def _json_rows(content: str) -> Iterator[Row]:
    """Rows of JSON: a list of objects, or SPARQL's own form; a cell is a text, or an object with its value."""
    found: Any = json.loads(content)
    if isinstance(found, dict):
        results = found.get("results")
        found = results.get("bindings") if isinstance(results, dict) else None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("no list of rows")
    for number, row in enumerate(found, 1):
        values = {name: one.get("value") if isinstance(one, dict) else one for name, one in row.items()}
        yield Row(number, None, {name: _whole(one) for name, one in values.items() if isinstance(one, str)})


def _whole(text: str) -> str:
    """Text without half characters, which no table can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
