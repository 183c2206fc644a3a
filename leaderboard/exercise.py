"""Build the bench that the files in submissions/ answer, from a seed.

A bench is not in git, so `cbc leaderboard bench --out BENCH` simulates a small world and builds it: the same versions
of cbc and its libraries (constraints.txt) give the same fingerprint. Anyone can read its answers: it is an exercise.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmark.bench import Bench
from benchmark.build import build_bench
from corpus.simulate.world import simulate

SEED = 7
WORLD = {"brands": 60, "videos": 24, "posts": 40, "emails": 0}  # emails feed no task
SIZES = {"train": 20_000, "validation": 200, "test": 200}


def exercise_bench(out: Path) -> Bench:
    """Build the exercise bench; an equal one that exists is left unchanged. Raises HoldsOther, NoSuchPath."""
    with tempfile.TemporaryDirectory(prefix="cbc-world-") as folder:
        simulate(Path(folder) / "corpus", SEED, "clear", **WORLD)
        return build_bench(Path(folder) / "corpus", out, SEED, SIZES, mask_draws=1)
