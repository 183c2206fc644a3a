"""The dataset card of a release: the YAML that `datasets.load_dataset` reads, then what is in it and how to use it."""

from __future__ import annotations

from typing import Any

import yaml

from corpus.inspect.datasheet import origin
from corpus.printing import table_markdown
from corpus.release.splits import SPLITS
from corpus.store import Corpus

TEXT = """# {name} {version}

A [Content Behavior Corpus](https://arxiv.org/abs/2309.00359), assembled with `cbc`: who said what in which channel to
whom with what effect. {content}

{origin}

{rows}

`published` holds videos in the columns of the public release of that paper; the others hold everything in five factors:
`communicator`, `message`, `scene`, `effect`, and the channel (the medium), a column of the first two. A missing
value is null and never zero. Splits are by company, else by communicator: nobody stands in two of them.

```
from datasets import load_dataset
load_dataset("path/to/this/folder", "message", split="train")
```

```
duckdb -c "SELECT channel, kind, count(*) FROM 'message/*.parquet' GROUP BY ALL"
```

Checksums stand in SHA256SUMS (`sha256sum -c SHA256SUMS`), a description for machines in croissant.json, the answers to
the questions of *Datasheets for Datasets* in DATASHEET.md. Made with seed {seed}.{sources}
"""
IDS = """This release holds ids only, since the terms of the platforms may forbid to pass on what
was fetched from them. `cbc corpus rehydrate THIS_FOLDER --corpus CORPUS` fetches the content again, with a key of your
own, and says what is gone by now."""
FULL = """This release holds the content. Whoever passes it on answers for the terms of its sources."""
SOURCES = """SELECT split_part(source, ':', 1) AS source, coalesce(licence, 'not stated') AS licence,
    count(DISTINCT row_key) AS messages FROM provenance WHERE table_name = 'message' GROUP BY ALL ORDER BY ALL"""


def card_text(corpus: Corpus, about: dict[str, Any]) -> str:
    """The README of a release."""
    with corpus.connect(kept=True) as connection:
        sources = connection.execute(SOURCES).fetchall()
    told = TEXT.format(
        **{name: about[name] for name in ("name", "version", "seed")},
        content=IDS if about["content"] == "ids" else FULL,
        origin=origin(corpus),
        rows=rows_table(about["rows"]),
        sources="\n\n" + table_markdown(["source", "its licence", "messages"], sources) if sources else "",
    )
    return f"{head_of(about)}\n{told}"


def rows_table(rows: dict[str, dict[str, int]]) -> str:
    """The rows of each table by split, in Markdown."""
    told = [[table, *(f"{found[split]:,}" for split in SPLITS)] for table, found in rows.items()]
    return table_markdown(["table", *SPLITS], told)


def head_of(about: dict[str, Any]) -> str:
    """The YAML by which `datasets` finds the tables; a split without rows is none."""
    configs = [
        {
            "config_name": table,
            **({"default": True} if table == "message" else {}),
            "data_files": [{"split": split, "path": f"{table}/{split}.parquet"} for split in SPLITS if counts[split]],
        }
        for table, counts in about["rows"].items()
    ]
    head = yaml.safe_dump(
        {"pretty_name": about["name"], "license": about["licence"], "configs": configs}, sort_keys=False
    )
    return f"---\n{head}---\n"
