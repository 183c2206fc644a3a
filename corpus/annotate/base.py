"""Base classes of annotators: each writes rows about messages, or about time spans of them.

A new annotator is one new file in this folder, named in corpus/annotate/registry.py: a subclass of `MessageAnnotator`
if it reads what the tables hold, of `MediaAnnotator` (corpus/annotate/media.py) if it sees or hears media files. The
rest is done by corpus/annotate/run.py and corpus/annotate/media_run.py: they find what is unread, write the rows, and
add layers to the views (corpus/overlay.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa

Row = dict[str, Any]


class Annotator(ABC):
    """Source of an annotation."""

    name: ClassVar[str]
    version: ClassVar[int]
    columns: ClassVar[Mapping[str, pa.DataType]] = MappingProxyType({})
    """Columns of a row beside message_id, start_s and end_s (seconds; null: the whole message)."""
    fills: ClassVar[tuple[str, ...]] = ()
    """Columns of the views that it fills, as TABLE.COLUMN: message.language, scene.speech."""


class MessageAnnotator(Annotator):
    """Source of the annotation NAME@VERSION, which reads messages by SQL."""

    messages: ClassVar[str]
    """SQL over the views of the corpus for the messages it reads: message_id and the columns that `annotate` gets."""
    at_once: ClassVar[int] = 20_000
    """Messages read per batch; each batch is written to a file of its own."""

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"

    @abstractmethod
    def annotate(self, messages: list[Row]) -> Iterable[Row]:
        """Annotate a batch of messages: rows with message_id, `columns`, and start_s and end_s if about a time span.

        A message about which nothing is known needs no row; it still counts as read.
        """
