"""Write the dataset card of a release: YAML for `datasets.load_dataset`, then what it holds and how to use it.

Every figure is counted in the release's own tables (corpus/release/figures.py), so that the card can be rewritten after
rows were removed.
"""

from __future__ import annotations

from typing import Any

import duckdb
import yaml

from corpus.inspect.status import figure
from corpus.printing import table_markdown
from corpus.release.figures import holdings
from corpus.release.flat import FLAT
from corpus.release.splits import SPLITS
from corpus.release.targets import count_fetchable

TEXT = """# {name} {version}

A [Content Behavior Corpus](https://arxiv.org/abs/2309.00359), assembled with `cbc`: who said what in which channel to
whom with what effect. {content}

{holdings}

{kinds}

{rows}

{tables} Splits are by company, else by communicator: nobody is in two of them.

```
from datasets import load_dataset
load_dataset("path/to/this/folder", "{default}", split="train")
```

```
duckdb -c "SELECT {medium}, kind, count(*) FROM '{default}/*.parquet' GROUP BY ALL"
```

Checksums stand in SHA256SUMS (`sha256sum -c SHA256SUMS`), a description for machines in croissant.json, the answers to
the questions of *Datasheets for Datasets* in DATASHEET.md. Made with seed {seed}.

{sources}

{section}
"""
IDS = """This release holds ids only, since the terms of the platforms may forbid to pass on what
was fetched from them. `cbc corpus rehydrate THIS_FOLDER --corpus CORPUS` fetches again what can be asked for by id,
with a key of your own (or with `--ytdlp` and none), and says what is gone by now."""
FULL = """This release holds the content. Whoever passes it on answers for the terms of its sources."""
FULL_TABLES = """`published` holds videos in the columns of the public release of that paper; `communicator`, `message`,
`scene` and `effect` hold everything in five factors (the channel, which is the medium, is a column of the first two);
`provenance` says where each row came from. A missing value is null and never zero."""
IDS_TABLES = """`message` and `communicator` hold the ids of all, `published` those of videos in the columns of the
public release of that paper; `provenance` holds the source of each and its licence. Every other column is null."""
FETCHED = """## What can be fetched again

{returning}"""
COLUMNS = """## The columns of `flat`

One row a message, with its text beside its behavior; this is what loads without a name. Behavior is that of the newest
observation: of all receivers, else over the segments of receivers that were measured (counts are summed, fractions
weighted by exposure). `effect` and `scene` hold every observation, segment and scene.

{columns}"""
KINDS = """SELECT channel AS medium, kind, count(*) AS messages, count(DISTINCT communicator_id) AS communicators,
    min(published_at)::DATE AS "first", max(published_at)::DATE AS "last" FROM message GROUP BY channel, kind
    ORDER BY ALL"""
SOURCES = """SELECT split_part(source, ':', 1) AS source, coalesce(licence, 'not stated') AS "its licence",
    count(DISTINCT row_key) AS messages FROM provenance WHERE table_name = 'message' GROUP BY ALL ORDER BY ALL"""


def card_text(connection: duckdb.DuckDBPyConnection, about: dict[str, Any]) -> str:
    """Write the README of a release from its manifest and tables."""
    flat = FLAT.name in about["rows"]
    text = TEXT.format(
        **{name: about[name] for name in ("name", "version", "seed")},
        content=IDS if about["content"] == "ids" else FULL,
        tables=IDS_TABLES if about["content"] == "ids" else FULL_TABLES,
        holdings=holdings(connection),
        kinds=query_markdown(connection, KINDS),
        rows=rows_table(about["rows"]),
        default=default_table(about["rows"]),
        medium="medium" if flat else "channel",
        sources=query_markdown(connection, SOURCES),
        section=flat_section() if flat else fetchable_section(connection),
    )
    return f"{yaml_header(about)}\n{text}"


def query_markdown(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Format the result of a query as a Markdown table."""
    header, rows = figure(connection, sql)
    return table_markdown(header, rows, widest=200)


def fetchable_section(connection: duckdb.DuckDBPyConnection) -> str:
    """Section on the messages that can be fetched by id, and why others cannot."""
    rows = [(medium, kind, n, "no" if why else "yes", why) for medium, kind, n, why in count_fetchable(connection)]
    header = ["medium", "kind", "messages", "fetched again", "why not"]
    return FETCHED.format(returning=table_markdown(header, rows, widest=200))


def flat_section() -> str:
    """Section on the columns of the flat table, with type and meaning."""
    rows = [(f"`{field.name}`", FLAT.columns[field.name], field.doc) for field in FLAT.fields]
    return COLUMNS.format(columns=table_markdown(["column", "type", "holds"], rows, widest=200))


def rows_table(rows: dict[str, dict[str, int]]) -> str:
    """Format the row counts of each table by split as a Markdown table."""
    lines = [[table, *(f"{counts[split]:,}" for split in SPLITS)] for table, counts in rows.items()]
    return table_markdown(["rows of", *SPLITS], lines)


def default_table(rows: dict[str, dict[str, int]]) -> str:
    """Name of the table that loads by default: the flat one if the release has it."""
    return FLAT.name if FLAT.name in rows else "message"


def yaml_header(about: dict[str, Any]) -> str:
    """Write the YAML header by which `datasets` finds the tables; splits without rows are left out."""
    configs = [
        {
            "config_name": table,
            **({"default": True} if table == default_table(about["rows"]) else {}),
            "data_files": [{"split": split, "path": f"{table}/{split}.parquet"} for split in SPLITS if counts[split]],
        }
        for table, counts in about["rows"].items()
    ]
    head = yaml.safe_dump(
        {"pretty_name": about["name"], "license": about["licence"], "configs": configs}, sort_keys=False
    )
    return f"---\n{head}---\n"
