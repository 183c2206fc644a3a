"""Packed rows of a model that sees, with what each of their examples shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from baselines.lcbm.data import PackedRows
from baselines.lcbm.loop import collate
from baselines.lcbm.vision.eyes import StoreEyes, joined

SEEN = "seen"


@dataclass(frozen=True)
class SeeingRows:
    """Map-style dataset: rows of PackedRows with `seen`, the arrays of the messages of their examples, in order."""

    rows: PackedRows
    eyes: StoreEyes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        seen = self.rows.examples.seen
        assert seen is not None
        messages = [self.eyes.messages[seen[example]] for example in self.rows.row(index)]
        return {**self.rows[index], SEEN: [self.eyes.cells(message) for message in messages]}

    def counts(self) -> dict[str, int]:
        """Counts over the rows, as those of PackedRows."""
        return self.rows.counts()


def collate_seeing(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Stack rows into a batch, and join what they show; rows of repetition show nothing."""
    texts = [{name: cells for name, cells in row.items() if name != SEEN} for row in rows]
    return {**collate(texts), **joined([cells for row in rows for cells in row.get(SEEN, ())])}
