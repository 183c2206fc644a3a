"""Base classes of annotators: each writes rows about messages, about time spans of them, or about their comments.

A new annotator is one new file in this folder, named in corpus/annotate/registry.py: a subclass of `MessageAnnotator`
if it reads what the tables hold, of `MediaAnnotator` (corpus/annotate/media.py) if it sees or hears media files. The
rest is done by corpus/annotate/run.py and corpus/annotate/media_run.py: they find what is unread, write the rows, and
add layers to the views (corpus/overlay.py).
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from corpus.strict_model import StrictModel

Row = dict[str, Any]


class NoSettings(StrictModel):
    """Settings of an annotator that has none."""


class Annotator(ABC):
    """Source of an annotation."""

    name: ClassVar[str]
    version: ClassVar[int]
    columns: ClassVar[Mapping[str, pa.DataType]] = MappingProxyType({})
    """Columns of a row beside message_id, start_s and end_s (seconds; null: the whole message)."""
    fills: ClassVar[tuple[str, ...]] = ()
    """Columns of the views that it fills, as TABLE.COLUMN: message.language, scene.speech, comment.sentiment."""
    key: ClassVar[tuple[str, ...]] = ("message_id",)
    """Columns that say what a row is about: a message, or with comment_id one of its comments."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Optional packages that it imports when it begins."""
    extra: ClassVar[str] = "media"
    """The extra that installs them."""
    settings_class: ClassVar[type[StrictModel]] = NoSettings

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        """Take settings by name. Raises ValidationError."""
        self.settings: Any = self.settings_class.model_validate(settings or {})

    def models(self) -> list[str]:
        """Names and hashes of the models it uses."""
        return []

    def hashed_label(self, below: Sequence[str] = ()) -> str:
        """NAME@VERSION-HASH; `below`: the labels of the annotators that it rests on."""
        content = json.dumps([self.settings.model_dump(mode="json"), self.models(), list(below)], sort_keys=True)
        return f"{self.name}@{self.version}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


class MessageAnnotator(Annotator):
    """Source of an annotation which reads messages, or comments, by SQL."""

    messages: ClassVar[str]
    """SQL over the views of the corpus for what it reads: the columns of `key` and those that `annotate` gets."""
    at_once: ClassVar[int] = 20_000
    """Messages read per batch; each batch is written to a file of its own."""

    @cached_property
    def label(self) -> str:
        """NAME@VERSION, with the hash of its settings and models if it has settings."""
        return f"{self.name}@{self.version}" if self.settings_class is NoSettings else self.hashed_label()

    def prepare(self, folder: Path) -> None:
        """Get ready before the first batch; `folder`: that of the annotation, for what is to be learnt once."""
        return

    @abstractmethod
    def annotate(self, messages: list[Row]) -> Iterable[Row]:
        """Annotate a batch: rows with `key`, `columns`, and start_s and end_s if about a time span of a message.

        A message about which nothing is known needs no row; it still counts as read.
        """

    def figures(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        """Figures about the whole annotation, which has a view of its label, for the summary of a run."""
        return {}
