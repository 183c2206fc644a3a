"""Packed rows of a model that sees, with what each of their examples shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from baselines.lcbm.loop import collate
from baselines.lcbm.packing import IGNORED, PackedRows
from baselines.lcbm.vision.eyes import StoreEyes, joined

SEEN, SHOWN = "seen", "shown"


@dataclass(frozen=True)
class SeeingRows:
    """Map-style dataset: rows of PackedRows with what they show.

    seen: the arrays of the messages of their examples, in order; shown: the set that stands in each place for one, by
    its number among those.
    """

    rows: PackedRows
    eyes: StoreEyes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row, examples = self.rows[index], self.rows.row(index)
        seen = self.rows.examples.seen
        assert seen is not None
        cells = [self.eyes.cells(self.eyes.messages[seen[example]]) for example in examples]
        firsts = np.cumsum([0, *(len(next(iter(of_message.values()))) for of_message in cells)])[:-1]
        first_of_token = np.zeros(self.rows.context, np.int64)
        lengths = [len(self.rows.examples.tokens_of(example)) for example in examples]
        of_tokens = np.repeat(firsts, lengths)
        first_of_token[: len(of_tokens)] = of_tokens
        ids = row["input_ids"]
        shown = (first_of_token + ~ids)[ids < 0][:: self.eyes.sight.tokens]
        visual = np.where(ids < 0, self.eyes.sight.token_id, ids)
        return {**row, "input_ids": visual, SEEN: cells, SHOWN: shown}

    def counts(self) -> dict[str, int]:
        """Counts over the rows, as those of PackedRows; visual tokens in answers have no label."""
        learnt = sum(int((self.rows[index]["labels"] != IGNORED).sum()) for index in range(len(self)))
        return {**self.rows.counts(), "learnt_tokens": learnt}


def collate_seeing(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Stack rows into a batch, and join what they show; rows of repetition show nothing."""
    texts = [{name: cells for name, cells in row.items() if name not in (SEEN, SHOWN)} for row in rows]
    seen = joined([cells for row in rows for cells in row.get(SEEN, ())])
    if not seen:
        return collate(texts)
    counts = [sum(len(next(iter(cells.values()))) for cells in row.get(SEEN, ())) for row in rows]
    firsts = np.cumsum([0, *counts])
    shown = [first + row.get(SHOWN, np.zeros(0, np.int64)) for first, row in zip(firsts, rows, strict=False)]
    return {**collate(texts), **seen, SHOWN: torch.from_numpy(np.concatenate(shown))}
