"""`cbc corpus annotate --with NAME --corpus DIR`: say what is missing of a corpus' messages, part by part.

A part is written beside its place and renamed: stopped at any instant, the same command goes on with what no part
speaks of yet. An annotation that fills columns of the views goes behind the source there; CORPUS/corpus.json says so
under `overlay`, and can be changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.annotate.base import Annotator, Row
from corpus.errors import CbcError
from corpus.files.atomic import part_path, write_json
from corpus.overlay import SOURCE
from corpus.schema import OVERLAID
from corpus.store import Corpus

STRETCH = {"start_s": pa.float64(), "end_s": pa.float64()}


class BadAnnotator(CbcError):
    """An annotator says that it fills what no view shows."""


@dataclass(frozen=True)
class Annotated:
    """What a run of an annotator did: messages read now, and rows written of them."""

    label: str
    messages: int
    rows: int


def annotate(root: Path, annotator: Annotator, tell: Callable[[int], None] = lambda _: None) -> Annotated:
    """Annotate what is missing; `tell` is called with the messages of each part.

    Raises BadAnnotator, NoSuchPath, WrongVersion, Busy.
    """
    check_fills(annotator)
    corpus = Corpus.open(root)
    folder = root / "annotations" / annotator.label
    messages = rows = 0
    with corpus.lock():  # what is taken down meanwhile would come back
        for batch in missing(corpus, annotator):
            rows += write_part(folder, annotator, batch, list(annotator.annotate(batch)))
            messages += len(batch)
            tell(len(batch))
        add_layers(corpus, annotator)
        corpus.refresh()
    return Annotated(annotator.label, messages, rows)


def check_fills(annotator: Annotator) -> None:
    """Raises BadAnnotator."""
    for filled in annotator.fills:
        table, _, column = filled.partition(".")
        if column not in OVERLAID.get(table, ()) or column not in annotator.columns:
            shown = ", ".join(f"{name}.{one}" for name, columns in OVERLAID.items() for one in columns)
            raise BadAnnotator(
                f"{annotator.label} fills {filled}, which is not both a column of its own and of a view",
                f"fill one of {shown}",
            )


def missing(corpus: Corpus, annotator: Annotator) -> Iterator[list[Row]]:
    """The messages that no part speaks of yet, some at a time."""
    with corpus.connect() as connection:
        read = f'ANTI JOIN (SELECT message_id FROM "{annotator.label}") USING (message_id)'
        known = read if annotator.label in corpus.annotations() else ""
        rows = connection.sql(f"SELECT * FROM ({annotator.messages}) {known} ORDER BY message_id")
        for batch in rows.to_arrow_reader(annotator.at_once):
            for start in range(0, len(batch), annotator.at_once):  # DuckDB gives no fewer rows than it works with
                yield batch.slice(start, annotator.at_once).to_pylist()


def write_part(folder: Path, annotator: Annotator, messages: Iterable[Row], rows: list[Row]) -> int:
    """Write the rows about some messages as the next part; one without rows gets an empty one. Gives their number."""
    spoken = {row["message_id"] for row in rows}
    silent = [{"message_id": row["message_id"]} for row in messages if row["message_id"] not in spoken]
    schema = pa.schema({"message_id": pa.string(), **STRETCH, **annotator.columns})
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(path.stem) for path in folder.glob("*.parquet")), default=0) + 1
    path = folder / f"{number:06}.parquet"
    pq.write_table(pa.Table.from_pylist([*rows, *silent], schema=schema), part_path(path), compression="zstd")
    part_path(path).replace(path)
    return len(rows)


def add_layers(corpus: Corpus, annotator: Annotator) -> None:
    """Put the annotation behind what fills its columns so far, and before an earlier version of itself."""
    path = corpus.root / "corpus.json"
    marker = json.loads(path.read_text(encoding="utf-8"))
    overlay = marker.setdefault("overlay", {})
    for filled in annotator.fills:
        layers = overlay.setdefault(filled, [SOURCE])
        if annotator.label not in layers:
            earlier = (n for n, label in enumerate(layers) if label.startswith(f"{annotator.name}@"))
            layers.insert(next(earlier, len(layers)), annotator.label)
            write_json(path, marker)


def annotated_text(done: Annotated) -> str:
    """What a run did, as a line."""
    return f"{done.label}: {done.messages:,} messages read, {done.rows:,} rows written"
