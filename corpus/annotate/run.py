"""`cbc corpus annotate --with NAME --corpus DIR`: annotate the messages or comments without annotation, part by part.

Each part is written beside its place and renamed. If the command is stopped, running it again continues with the
messages that are in no part yet. An annotation that fills columns of the views becomes a layer behind the source;
`overlay` in CORPUS/corpus.json holds the order of layers, and may be edited.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.annotate.base import Annotator, MessageAnnotator, Row
from corpus.errors import CbcError
from corpus.files.atomic import part_path, write_json
from corpus.overlay import SOURCE
from corpus.printing import number_of
from corpus.schema import FILLED_BY, OVERLAID
from corpus.store import Corpus

STRETCH = {"start_s": pa.float64(), "end_s": pa.float64()}


class BadAnnotator(CbcError):
    """An annotator claims to fill a column that no view has, or that its rows are not about."""


@dataclass(frozen=True)
class Annotated:
    """Outcome of a run: messages or comments (`unit`) read, rows written, and figures about the whole annotation."""

    label: str
    messages: int
    rows: int
    unit: str = "message"
    figures: dict[str, Any] = field(default_factory=dict)


def annotate(root: Path, annotator: MessageAnnotator, tell: Callable[[int], None] = lambda _: None) -> Annotated:
    """Annotate the messages that have no annotation yet; `tell` is called with the number of messages of each part.

    Raises BadAnnotator, NoSuchPath, WrongVersion, Busy.
    """
    check_fills(annotator)
    corpus = Corpus.open(root)
    folder = root / "annotations" / annotator.label
    messages = rows = 0
    with corpus.lock():  # otherwise a message taken down meanwhile would come back
        for batch in unread_batches(corpus, annotator):
            if not messages:
                annotator.prepare(folder)
            rows += write_part(folder, annotator, batch, list(annotator.annotate(batch)))
            messages += len(batch)
            tell(len(batch))
        add_layers(corpus, annotator, annotator.label)
        corpus.refresh()
        figures = {}
        if annotator.label in corpus.annotations():
            with corpus.connect() as connection:
                figures = annotator.figures(folder, connection)
    return Annotated(annotator.label, messages, rows, annotator.key[-1].removesuffix("_id"), figures)


def check_fills(annotator: Annotator) -> None:
    """Check that the annotator fills only columns that it has and a view of such rows shows. Raises BadAnnotator."""
    for filled in annotator.fills:
        table, _, column = filled.partition(".")
        fits = column in OVERLAID.get(table, ()) and FILLED_BY[table] == annotator.key
        if not fits or column not in annotator.columns:
            fillable = ", ".join(f"{view}.{name}" for view, columns in OVERLAID.items() for name in columns)
            label = f"{annotator.name}@{annotator.version}"
            what = f"{label} fills {filled}, which is not a column both of its own and of a view"
            raise BadAnnotator(what, f"fill one of {fillable}")


def unread_batches(corpus: Corpus, annotator: MessageAnnotator) -> Iterator[list[Row]]:
    """Yield the messages or comments that are in no part yet, in batches."""
    key = ", ".join(annotator.key)
    with corpus.connect() as connection:
        anti_join = f'ANTI JOIN (SELECT {key} FROM "{annotator.label}") USING ({key})'
        unread = anti_join if annotator.label in corpus.annotations() else ""
        rows = connection.sql(f"SELECT * FROM ({annotator.messages}) {unread} ORDER BY {key}")
        for batch in rows.to_arrow_reader(annotator.at_once):
            # DuckDB gives whole vectors of rows, which may hold more than at_once.
            for start in range(0, len(batch), annotator.at_once):
                yield batch.slice(start, annotator.at_once).to_pylist()


def write_part(folder: Path, annotator: Annotator, messages: Iterable[Row], rows: list[Row]) -> int:
    """Write the rows about a batch as the next part and return their number; what has no rows gets a null row."""
    key_of = itemgetter(*annotator.key)
    annotated_keys = set(map(key_of, rows))
    null_rows = [{name: row[name] for name in annotator.key} for row in messages if key_of(row) not in annotated_keys]
    schema = pa.schema({**dict.fromkeys(annotator.key, pa.string()), **STRETCH, **annotator.columns})
    path = next_part(folder)
    pq.write_table(pa.Table.from_pylist([*rows, *null_rows], schema=schema), part_path(path), compression="zstd")
    part_path(path).replace(path)
    return len(rows)


def next_part(folder: Path) -> Path:
    """Path of the next part of an annotation, whose folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(path.stem) for path in folder.glob("*.parquet")), default=0) + 1
    return folder / f"{number:06}.parquet"


def add_layers(corpus: Corpus, annotator: Annotator, label: str) -> None:
    """Add the annotation as the last layer of the columns it fills, but before an earlier version of itself."""
    path = corpus.root / "corpus.json"
    marker = json.loads(path.read_text(encoding="utf-8"))
    overlay = marker.setdefault("overlay", {})
    for filled in annotator.fills:
        layers = overlay.setdefault(filled, [SOURCE])
        if label not in layers:
            earlier = (place for place, other in enumerate(layers) if other.startswith(f"{annotator.name}@"))
            layers.insert(next(earlier, len(layers)), label)
            write_json(path, marker)


def annotated_text(run: Annotated) -> str:
    """Describe a run in one line, and each of its figures in one more."""
    first = f"{run.label}: {number_of(run.messages, run.unit)} read, {number_of(run.rows, 'row')} written"
    return "\n".join([first, *(f"  {name.replace('_', ' ')}: {value}" for name, value in run.figures.items())])
