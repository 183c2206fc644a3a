"""A release in Croissant (MLCommons' description of datasets), written and validated by mlcroissant.

Structs are described by JSON paths into their columns, so that a Croissant reader gets plain values. Lists within lists
(speech, replay markers of the published shape) are left to the tables scene and effect, which hold the same values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from corpus.release.splits import SPLITS
from corpus.schema import TABLES

HOME = "https://arxiv.org/abs/2309.00359"
CITE = "Khandelwal et al., Large Content and Behavior Models, ICLR 2024, arXiv 2309.00359"
PUBLISHED: tuple[tuple[str, str, str | None, str, bool], ...] = (
    ("video_id", "video_id", None, "VARCHAR", False),
    ("title", "metadata", "$.title", "VARCHAR", False),
    ("description", "metadata", "$.description", "VARCHAR", False),
    ("length_s", "metadata", "$.length", "DOUBLE", False),
    ("date", "metadata", "$.date", "VARCHAR", False),
    ("channel_id", "channel_data", "$.channel_id", "VARCHAR", False),
    ("company_name", "channel_data", "$.company_name", "VARCHAR", False),
    ("subscribers", "channel_data", "$.subscribers", "DOUBLE", False),
    ("views", "views", None, "DOUBLE", False),
    ("likes", "likes", None, "DOUBLE", False),
    ("captions", "blip2_annotations", "$.captions", "VARCHAR", True),
    ("objects", "blip2_annotations", "$.objects", "VARCHAR", True),
    ("actions", "blip2_annotations", "$.actions", "VARCHAR", True),
)
"""Fields of the published shape: name, column, JSON path in it, type, whether there are many."""


def fields_of(table: str) -> list[tuple[str, str, str | None, str, bool, str]]:
    """Name, column, path, type, many, description of each field of a table."""
    if table == "published":
        return [(*field, f"{field[1]}{(field[2] or '').removeprefix('$')}") for field in PUBLISHED]
    return [
        (column.name, column.name, None, column.type.removesuffix("[]"), column.type.endswith("[]"), column.doc)
        for column in TABLES[table].columns
    ]


def croissant_text(folder: Path, about: Mapping[str, Any], observed_until: datetime | None) -> str:
    """The Croissant JSON-LD of the parquet files below a folder; dated by the newest observation, not by the clock."""
    import mlcroissant as mlc

    from corpus.files.hashes import file_sha256

    types = {
        "VARCHAR": mlc.DataType.TEXT,
        "DOUBLE": mlc.DataType.FLOAT,
        "BIGINT": mlc.DataType.INTEGER,
        "INTEGER": mlc.DataType.INTEGER,
        "TIMESTAMP": mlc.DataType.DATETIME,
    }
    files, sets = [], []
    for table in about["rows"]:
        for split in SPLITS:
            name = f"{table}/{split}.parquet"
            files.append(
                mlc.FileObject(
                    id=name,
                    name=name,
                    content_url=name,
                    encoding_formats=["application/x-parquet"],
                    content_size=f"{(folder / name).stat().st_size} B",
                    sha256=file_sha256(folder / name),
                )
            )
            sets.append(record_set(mlc, table, split, name, types))
    metadata = mlc.Metadata(
        name=about["name"],
        description=f"A Content Behavior Corpus: messages and what they did to their receivers ({about['content']}).",
        version=about["version"],
        license=[about["licence"]],
        cite_as=CITE,
        url=HOME,
        date_published=observed_until,
        distribution=files,
        record_sets=sets,
    )
    return json.dumps(metadata.to_json(), indent=1, ensure_ascii=False, default=str) + "\n"


def record_set(mlc: Any, table: str, split: str, file: str, types: dict[str, Any]) -> Any:
    """One table's split with its fields."""
    name = f"{table}-{split}"
    fields = [
        mlc.Field(
            id=f"{name}/{field}",
            name=field,
            description=doc,
            data_types=[types[kind]],
            repeated=many or None,
            source=mlc.Source(
                file_object=file,
                extract=mlc.Extract(column=column),
                transforms=[mlc.Transform(json_path=path)] if path else [],
            ),
        )
        for field, column, path, kind, many, doc in fields_of(table)
    ]
    return mlc.RecordSet(id=name, name=name, description=f"{table}, {split} split", fields=fields)
