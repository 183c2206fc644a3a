"""A secret world and its benches, small and always the same: the secrets of these tests are written down here."""

from __future__ import annotations

import json
from pathlib import Path

from benchmark.bench import Bench
from benchmark.build import build_bench
from corpus.simulate.world import simulate

SIZES = {"train": 120, "validation": 40, "test": 40}
WORLD_SEED = (1 << 128) + 271828
WORLD = {"world": "clear", "brands": 15, "videos": 40, "posts": 40, "emails": 1}


def secret_file(folder: Path, digits: str = "5a" * 32) -> Path:
    path = folder / f"secret-{digits[:8]}.json"
    path.write_text(json.dumps({"secret": digits}))
    return path


def make_world(root: Path, seed: int = WORLD_SEED) -> Path:
    simulate(root, seed=seed, **WORLD)
    return root


def hidden_bench(corpus: Path, out: Path, digits: str = "5a" * 32, seed: int = 0) -> Bench:
    secret = secret_file(corpus.parent, digits)
    return build_bench(corpus, out, seed, sizes=SIZES, hidden=True, secret_file=secret)
