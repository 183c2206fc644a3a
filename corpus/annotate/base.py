"""Base class of annotators: each reads messages and writes rows about them, or about time spans of them.

A new annotator is one new file in this folder with a subclass of `Annotator`, named in corpus/annotate/registry.py.
`corpus.annotate.run` does the rest: it finds unread messages, writes the rows, and adds layers to the views
(corpus/overlay.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa

Row = dict[str, Any]


class Annotator(ABC):
    """Source of the annotation NAME@VERSION."""

    name: ClassVar[str]
    version: ClassVar[int]
    columns: ClassVar[Mapping[str, pa.DataType]] = MappingProxyType({})
    """Columns of a row beside message_id, start_s and end_s (seconds; null: the whole message)."""
    fills: ClassVar[tuple[str, ...]] = ()
    """Columns of the views that it fills, as TABLE.COLUMN: message.language, scene.speech."""
    messages: ClassVar[str]
    """SQL over the views of the corpus for the messages it reads: message_id and the columns that `annotate` gets."""
    of_media: ClassVar[bool] = False
    """Whether it reads media files (corpus/annotate/media.py), which needs further packages."""
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
