"""What an annotator is: a class that reads messages and says something of each, or of stretches of its time.

A new annotator is one new file in this folder with a subclass of `Annotator`, named in corpus/annotate/registry.py.
`corpus.annotate.run` does the rest: what is missing, writing, and the layers of the views (corpus/overlay.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa

Row = dict[str, Any]


class Annotator(ABC):
    """Something said of messages: the annotation NAME@VERSION."""

    name: ClassVar[str]
    version: ClassVar[int]
    columns: ClassVar[Mapping[str, pa.DataType]] = MappingProxyType({})
    """What a row says, beside message_id, start_s and end_s (seconds; null: of the whole message)."""
    fills: ClassVar[tuple[str, ...]] = ()
    """Which of its columns the views show, as TABLE.COLUMN: message.language, scene.speech."""
    messages: ClassVar[str]
    """SQL over the corpus' views of the messages it reads: message_id, and the columns that `annotate` is given."""
    at_once: ClassVar[int] = 20_000
    """Messages that are read, and written to one file, at a time."""

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"

    @abstractmethod
    def annotate(self, messages: list[Row]) -> Iterable[Row]:
        """Rows about some messages: message_id, its columns, and start_s and end_s where they are about a stretch.

        A message of which nothing can be said needs no row: it counts as read all the same.
        """
