"""Take the rows and raw files of one ingest out of a corpus; stopped at any instant, the next ingest completes it.

CORPUS/forget.json names the ingest from before its first file goes until its last one is gone.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from corpus.files.atomic import part_path, write_json
from corpus.files.sql import PARQUET, quote, quote_file
from corpus.schema import FILLED_BY
from corpus.store import Corpus

PENDING = "forget.json"


def forget_ingest(corpus: Corpus, manifest: dict[str, Any]) -> list[Path]:
    """Remove an ingest of the corpus, which the caller holds; gives the raw files removed."""
    raw = raw_files_of_it_alone(corpus, manifest)
    names = [str(path.relative_to(corpus.root)) for path in raw]
    write_json(corpus.root / PENDING, {"ingest": manifest["ingest"], "raw": names})
    complete_forgetting(corpus)
    return raw


def complete_forgetting(corpus: Corpus) -> str | None:
    """Complete a `forget_ingest` that was stopped; gives the name of the ingest, None where nothing waits."""
    pending = corpus.root / PENDING
    if not pending.is_file():
        return None
    content = json.loads(pending.read_text(encoding="utf-8"))
    name = str(content["ingest"])
    _remove_folder(corpus, corpus.root / "tables" / name)
    own = [path for place in ("", "cells/") for path in corpus.root.glob(f"annotations/*/{place}{name}.parquet")]
    for path in [*own, *(corpus.root / raw for raw in content["raw"])]:
        path.unlink(missing_ok=True)
    drop_annotations_of_nothing(corpus)
    corpus.refresh()
    pending.unlink()
    return name


def drop_annotations_of_nothing(corpus: Corpus) -> None:
    """Drop from the parts that annotators wrote the rows of messages or comments which no ingest holds any more."""
    with duckdb.connect() as connection:
        for path in annotator_parts(corpus):
            part, rows = part_path(path), f"read_parquet({quote_file(path)})"
            table = "comment" if "comment_id" in pq.read_schema(path).names else "message"
            key = ", ".join(FILLED_BY[table])
            files = sorted(corpus.root.glob(f"tables/*/{table}.parquet"))
            held = f"read_parquet([{', '.join(map(quote_file, files))}])" if files else f"{rows} LIMIT 0"
            kept = f"{rows} WHERE ({key}) IN (SELECT ({key}) FROM {held})"
            counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in (rows, kept)]
            if counts[1] == 0:
                path.unlink()
            elif counts[1] < counts[0]:
                connection.execute(f"COPY (SELECT * FROM {kept}) TO {quote(part)} {PARQUET}")
                part.replace(path)


def annotator_parts(corpus: Corpus) -> list[Path]:
    """Files of annotations that no ingest brought."""
    paths = sorted(corpus.root.glob("annotations/*@*/*.parquet"))
    return [path for path in paths if not (corpus.root / "tables" / path.stem).is_dir()]


def raw_files_of_it_alone(corpus: Corpus, manifest: dict[str, Any]) -> list[Path]:
    """The raw files that an ingest read and no other ingest of that source did."""
    source, name = _source_name(manifest), manifest["ingest"]
    others = [other for other in corpus.ingests() if other["ingest"] != name and _source_name(other) == source]
    needed = {file["sha256"] for other in others for file in other["files"]}
    own = [file["sha256"] for file in manifest["files"] if file["sha256"] not in needed]
    return sorted(path for digest in own for path in corpus.root.glob(f"raw/{source}/{digest[:16]}-*"))


def _source_name(manifest: dict[str, Any]) -> str:
    return str(manifest["source"]).split("@")[0]


def _remove_folder(corpus: Corpus, folder: Path) -> None:
    """Take a folder of the corpus away in one rename, then remove it."""
    if folder.is_dir():
        aside = corpus.root / "tmp" / "forgotten"
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(exist_ok=True)
        folder.replace(aside)
        shutil.rmtree(aside)
