"""The source `table`: any CSV, JSON lines or parquet file, plain, zipped or in an archive, read by a mapping.

`mapping` defines the mapping language, `table_reader` reads files, `table_sql` types and checks values, and
`table_rows` converts them to rows.
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
    """Tabular files, read by a mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.name, self.version = mapping.name, mapping.version
        self.cells, self.separator = mapping.cells(), mapping.separator

    @property
    def digest(self) -> str:
        """Digest of the mapping."""
        return self.mapping.digest

    @property
    def settings(self) -> str:
        """The mapping as YAML, without defaults."""
        return yaml.safe_dump(self.mapping.model_dump(mode="json", exclude_defaults=True), sort_keys=False)

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """List the files, and the mapping's kind of files in the folders. Raises NoSuchPath."""
        selected: set[Path] = set()
        for path in paths:
            if not path.exists():
                raise NoSuchPath(f"there is no {path}", "check the path")
            matching = [path] if path.is_file() else [file for file in path.rglob("*") if self._is_wanted(file, path)]
            if not matching:
                kinds = ", ".join(self.mapping.files) or "csv, jsonl, parquet, tar.gz"
                raise NoSuchPath(f"{path} holds no file that {self.name} reads ({kinds})", "give a folder that does")
            selected.update(matching)
        return sorted(selected)

    def _is_wanted(self, file: Path, folder: Path) -> bool:
        """Whether a file in a folder is for this mapping; hidden files are not."""
        if not file.is_file() or any(part.startswith(".") for part in file.relative_to(folder).parts):
            return False
        if not self.mapping.files:
            return kind_of(file.name) is not None
        return any(file.resolve().match(pattern) for pattern in self.mapping.files)

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Read and stage the files. Raises UnknownColumn if none has the columns of the mapping."""
        prepare(staging.connection)
        plan = Plan(self.mapping)
        chains = table_rows.statements(plan, self.label)
        reader = Reader(plan, staging)
        for index, file in enumerate(files):
            staging.begin(file)
            reader.read(index, file)
        reader.finish()
        table_rows.stage(chains, files, staging)
        if self.mapping.attributes:
            staging.annotate(f"{self.mapping.attributes.name}@{self.version}", table_rows.ATTRIBUTES)
