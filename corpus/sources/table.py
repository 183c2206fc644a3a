"""The source `table`: any CSV, JSON lines or parquet file, alone, zipped or in an archive, read by a mapping.

The mapping language stands in `mapping`, reading in `table_reader`, values and their checks in `table_sql`, and what
becomes of them in `table_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from corpus.errors import NoSuchPath
from corpus.files.archives import kind_of
from corpus.sources import table_rows
from corpus.sources.base import Received, Source, Staging
from corpus.sources.mapping import Mapping
from corpus.sources.table_reader import Reader
from corpus.sources.table_sql import Plan, prepare


class Table(Source):
    """Tabular files and a mapping that says what their columns are."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.name, self.version = mapping.name, mapping.version
        self.cells, self.separator = mapping.cells(), mapping.separator

    @property
    def digest(self) -> str:
        """The mapping's."""
        return self.mapping.digest

    @property
    def settings(self) -> str:
        """The mapping as YAML, defaults left out."""
        return yaml.safe_dump(self.mapping.model_dump(mode="json", exclude_defaults=True), sort_keys=False)

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """The files given, and those of the mapping's kind in the folders given. Raises NoSuchPath."""
        found: set[Path] = set()
        for path in paths:
            if not path.exists():
                raise NoSuchPath(f"there is no {path}", "check the path")
            inside = [path] if path.is_file() else [file for file in path.rglob("*") if self._wanted(file, path)]
            if not inside:
                told = ", ".join(self.mapping.files) or "csv, jsonl, parquet, tar.gz"
                raise NoSuchPath(f"{path} holds no file that {self.name} reads ({told})", "give a folder that does")
            found.update(inside)
        return sorted(found)

    def _wanted(self, file: Path, folder: Path) -> bool:
        """Whether a file found in a folder is for this mapping; hidden ones are not."""
        if not file.is_file() or any(part.startswith(".") for part in file.relative_to(folder).parts):
            return False
        if not self.mapping.files:
            return kind_of(file.name) is not None
        return any(file.resolve().match(pattern) for pattern in self.mapping.files)

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Read the files and stage what they say. Raises UnknownColumn where no file is of the mapping's kind."""
        prepare(staging.connection)
        plan = Plan(self.mapping)
        statements = table_rows.statements(plan, self.label)
        reader = Reader(plan, staging)
        for index, file in enumerate(files):
            staging.begin(file)
            reader.read(index, file)
        reader.finish()
        table_rows.stage(statements, files, staging)
        if self.mapping.attributes:
            staging.annotate(f"{self.mapping.attributes.name}@{self.version}", table_rows.ATTRIBUTES)
