"""What the files themselves tell: seeds and digests in the manifest, answers and leftovers in the parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.attacks.base import Attack, Found, answers_frame
from benchmark.attacks.facts import Rows
from benchmark.attacks.public_part import TEST, PublicPart
from benchmark.tasks.registry import task_named
from corpus.simulate.world import SimulatedWorld

TELLING = ("seed", "secret")
"""Words in the names of what must not be public."""
LABELS = ("seed=", f"{SimulatedWorld.name}@")
"""What the label of a simulated world holds."""
OWN_METADATA = {b"ARROW:schema"}


def run_files(part: PublicPart, seeds: int) -> Found:
    """Look at the manifest and at every file of the public part."""
    signs = [*manifest_signs(part.manifest), *unlisted(part)]
    rows: list[tuple[str, str, list[float]]] = []
    for task in part.tasks:
        rows += written_answers(part.rows(task, TEST))
    for path in part.files():
        if path.suffix == ".parquet":
            signs += [f"{path.relative_to(part.root)}: {sign}" for sign in parquet_signs(path)]
    return Found(answers_frame(rows), tuple(signs))


def manifest_signs(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield what the manifest tells of seeds and of the private part."""
    for name, value in sorted(entries(manifest)):
        if any(word in name.lower() for word in TELLING) and value is not None:
            yield f"manifest.json shows {name}"
    if any(label in json.dumps(manifest) for label in LABELS):
        yield "manifest.json shows the label of a simulated world"
    if any(name.startswith("private/") for name in manifest.get("files", {})):
        yield "manifest.json shows digests of private files, by which guessed answers can be confirmed"


def entries(content: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value below a mapping with its dotted name; files are named by their paths, and left out."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from entries(value, f"{above}{name}.") if name != "files" else ()
        else:
            yield f"{above}{name}", value


def unlisted(part: PublicPart) -> Iterator[str]:
    """Yield the files of the public part that the manifest does not list."""
    listed = part.manifest.get("files")
    if listed:
        names = (str(path.relative_to(part.root)) for path in part.files())
        yield from (f"{name} is not in the manifest" for name in names if name not in listed)


def written_answers(rows: Rows) -> Iterator[tuple[str, str, list[float]]]:
    """Yield the answers that stand in a test part."""
    kind = task_named(rows.task).answer
    columns = rows.frame.select("instance_id", "answer", "target", "options").rows()
    for (instance, answer, target, options), question in zip(columns, rows.questions, strict=True):
        read = None if answer is None else kind.parse(answer, question.count, options)
        if (values := target if target is not None else read) is not None:
            yield rows.task, instance, values


def parquet_signs(path: Path) -> Iterator[str]:
    """Yield what a parquet file tells beside its rows."""
    with pq.ParquetFile(path) as file:
        metadata = file.metadata.metadata or {}
        if extra := sorted(key.decode(errors="replace") for key in set(metadata) - OWN_METADATA):
            yield f"metadata {', '.join(extra)}"
        if any(file.metadata.row_group(i).sorting_columns for i in range(file.metadata.num_row_groups)):
            yield "is marked as sorted"
        texts = [field.name for field in file.schema_arrow if is_text(field.type)]
    table = pq.read_table(path.absolute(), columns=texts, read_dictionary=texts)
    for name in texts:
        column = table[name].combine_chunks() if table.num_rows else pa.chunked_array([], pa.string())
        for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            if isinstance(chunk, pa.DictionaryArray):
                used = set(chunk.indices.drop_null().to_pylist())
                if len(used) < len(chunk.dictionary):
                    yield f"{name} holds {len(chunk.dictionary) - len(used)} values that no row has"
            values = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk
            if any(label in text for text in values.to_pylist() if text for label in LABELS):
                yield f"{name} shows the label of a simulated world"


def is_text(of: pa.DataType) -> bool:
    """Whether a column holds text, as it is or as numbers of a dictionary."""
    if pa.types.is_dictionary(of):
        return is_text(of.value_type)
    return bool(pa.types.is_string(of) or pa.types.is_large_string(of))


FILES = Attack("files", "manifest, stray files, what files hold beside rows", run_files)
