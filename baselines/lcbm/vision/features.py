"""Features that a model's frozen encoder makes of stored frames: what behavior fine-tuning and prediction read.

store_features(Path("models/aligned"), Path("frames"), Path("features"))

They give the same loss as the frames themselves, without tower and Q-Former in memory or in a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from baselines.lcbm.vision.eyes import FEATURES, FRAMES
from baselines.lcbm.vision.frames import write_like
from baselines.lcbm.vision.model import LcbmVision
from baselines.lcbm.vision.seeing import Sight, as_input
from baselines.lcbm.vision.start import load_model
from corpus.files.hashes import model_sha256
from corpus.progress import progress
from corpus.seen_store import NothingSeen, Piece, Store

SETS_AT_ONCE = 64


def store_features(model: Path, frames: Path, root: Path) -> Path:
    """Store the features of all messages of a store of frames. Raises NothingSeen, NoSuchBase."""
    store = Store.open(frames)
    if store.about["seen"] != FRAMES:
        raise NothingSeen(f"{frames} holds {store.about['seen']}", "give a store of frames")
    loaded = load_model(str(model)).eval()
    if torch.cuda.is_available():
        loaded = loaded.cuda()
    about = {"seen": FEATURES, "weights": model_sha256(model), "frames": store.fingerprint}
    return write_like(store, root, features(loaded, store), about)


def features(model: LcbmVision, store: Store) -> Iterator[Piece]:
    """The features of each message: [sets, tokens, width], float16."""
    sight = Sight.of(model.config)
    with progress("storing features", "messages", len(store.index)) as shown, torch.no_grad():
        for message_id in store.index:
            sets = sight.sets(store.piece(message_id))
            parts = []
            for start in range(0, len(sets.seen), SETS_AT_ONCE):
                batch = slice(start, start + SETS_AT_ONCE)
                times = torch.from_numpy(sets.time_shares[batch]).float().to(model.device)
                parts.append(model.see(as_input(sets.seen[batch]).to(model.device), times))
            made = torch.cat(parts).to("cpu", torch.float16).numpy()
            yield Piece(message_id, made, sets.scenes, np.asarray(sets.time_shares[:, 0]))
            shown.advance(1)
