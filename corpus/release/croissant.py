"""Describe a release in Croissant (MLCommons' format for datasets), written and validated by mlcroissant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from corpus.files.hashes import file_sha256
from corpus.release.splits import SPLITS
from corpus.release.tables import RELEASED

HOME = "https://arxiv.org/abs/2309.00359"
CITE = "Khandelwal et al., Large Content and Behavior Models, ICLR 2024, arXiv 2309.00359"


def croissant_text(folder: Path, about: Mapping[str, Any]) -> str:
    """Write the Croissant JSON-LD of a release; its date is that of the data, not of the clock."""
    import mlcroissant as mlc

    names = [(table, split) for table in about["rows"] for split in SPLITS]
    date = about.get("date")
    metadata = mlc.Metadata(
        name=about["name"],
        description=f"A Content Behavior Corpus: messages and the behavior measured on them ({about['content']}).",
        version=about["version"],
        license=[about["licence"]],
        cite_as=CITE,
        url=HOME,
        date_published=datetime.fromisoformat(date) if date else None,
        distribution=[file_object(mlc, folder, f"{table}/{split}.parquet") for table, split in names],
        record_sets=[record_set(mlc, table, split) for table, split in names],
    )
    return json.dumps(metadata.to_json(), indent=1, ensure_ascii=False, default=str) + "\n"


def file_object(mlc: Any, folder: Path, name: str) -> Any:
    """Describe a parquet file with its size and digest."""
    return mlc.FileObject(
        id=name,
        name=name,
        content_url=name,
        encoding_formats=["application/x-parquet"],
        content_size=f"{(folder / name).stat().st_size} B",
        sha256=file_sha256(folder / name),
    )


def record_set(mlc: Any, table: str, split: str) -> Any:
    """Describe a split of a table with its fields."""
    name = f"{table}-{split}"
    types = {
        "VARCHAR": mlc.DataType.TEXT,
        "DOUBLE": mlc.DataType.FLOAT,
        "BIGINT": mlc.DataType.INTEGER,
        "INTEGER": mlc.DataType.INTEGER,
        "BOOLEAN": mlc.DataType.BOOL,
        "TIMESTAMP": mlc.DataType.DATETIME,
    }
    fields = [
        mlc.Field(
            id=f"{name}/{field.name}",
            name=field.name,
            description=field.doc,
            data_types=[types[field.type]],
            repeated=field.many or None,
            source=mlc.Source(
                file_object=f"{table}/{split}.parquet",
                extract=mlc.Extract(column=field.column),
                transforms=[mlc.Transform(json_path=field.path)] if field.path else [],
            ),
        )
        for field in RELEASED[table].fields
    ]
    return mlc.RecordSet(id=name, name=name, description=f"{table}, {split} split", fields=fields)
