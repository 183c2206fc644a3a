"""How often a run is called better or worse than the best reference in worlds where nothing can be learned.

    cbc study null [--worlds 50] [--out FOLDER]

In each world (`cbc corpus simulate --world null`, a seed each) behavior follows from nothing that a question shows; the
tasks that show some values of a curve are left out, since scenes do tell of each other. A bench is built, the baselines
that read words answer it, and the tables are made as for any bench. Nobody can be better than the best reference, so at
most 2.5 % of tables may call a run so. A run may well be worse: one that takes noise for an effect errs more.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scipy.stats import binom

from baselines.base import Settings
from baselines.predict import predict_run
from benchmark.build import build_bench
from benchmark.tables import make_tables
from corpus.progress import progress
from corpus.simulate.world import simulate
from studies.demo import PREDICTORS
from studies.findings import read_tables
from studies.results import FOLDER, Part, write_result

TASKS = ("replay_all_masked", "like_view_ratio", "views", "tweet_likes_brand", "tweet_likes_time")
WORLDS = 50
NOMINAL = 0.025
COUNTED = ("worlds", "apart", "above", "below", *PREDICTORS)
MOST = "at most above (99 %)"
Table = dict[str, Any]


def tables_of(seed: int, work: Path, sizes: dict[str, int]) -> list[Table]:
    """The tables of a world: the baselines beside the references."""
    simulate(work / "corpus", seed, "null", **sizes)
    bench = build_bench(work / "corpus", work / "bench", seed, tasks=TASKS)
    runs = [work / "runs" / name for name in PREDICTORS]
    for run in runs:
        predict_run(run.name, bench.root, run, Settings())
    make_tables(runs, bench.root, work / "tables")
    return read_tables(work / "tables")


def called(table: Table) -> set[tuple[str, str]]:
    """Who a table calls apart from the best reference, with the side (above or below)."""
    rows = [row for row in table["family"] if row["role"] == "reference" and row["apart"] and row["skill"]]
    return {(row["run"], "above" if row["skill"] > 0 else "below") for row in rows}


def is_decidable(table: Table) -> bool:
    """Whether the table has groups enough to call a run apart."""
    return any(row["p"] is not None for row in table["family"] if row["role"] == "reference")


def run_worlds(worlds: int, sizes: dict[str, int]) -> Iterator[list[Table]]:
    """Yield the tables of each world."""
    with progress("worlds without effects", "worlds", worlds) as shown:
        for seed in range(worlds):
            with tempfile.TemporaryDirectory(prefix="cbc-null-") as work:
                yield tables_of(seed, Path(work), sizes)
            shown.advance(1)


def count_part(worlds: Iterable[list[Table]]) -> Part:
    """A row for each table, and for all: in how many worlds it calls a run apart from the best reference."""
    counts: dict[str, Counter[str]] = {}
    for table in (table for tables in worlds for table in tables if is_decidable(table)):
        calls = called(table)
        counted = counts.setdefault(table["table"], Counter())
        counted.update(
            ["worlds", *(["apart"] if calls else []), *{side for _, side in calls}, *{run for run, _ in calls}]
        )
    rows = [row_of(name, counted) for name, counted in sorted(counts.items())]
    rows.append(row_of("all tables", sum(counts.values(), Counter())))
    return Part("Worlds in which a table calls a run apart from the best reference", ["table", *COUNTED, MOST], rows)


def row_of(name: str, counted: Counter[str]) -> list[str | int]:
    """A line of the result, with the most that chance at the nominal rate would give in 99 of 100 studies."""
    return [name, *(counted[key] for key in COUNTED), int(binom.ppf(0.99, counted["worlds"], NOMINAL))]


def run_study(out: Path = FOLDER, worlds: int = WORLDS, sizes: dict[str, int] | None = None) -> Path:
    """Run the worlds and write null.md and null.json; `sizes` change those of the world."""
    part = count_part(run_worlds(worlds, sizes or {}))
    command = "cbc study null" + (f" --worlds {worlds}" if worlds != WORLDS else "")
    notes = (
        f"Nobody can be better than the best reference: nominal are {NOMINAL:.1%} of tables that call a run so, and "
        f"`{MOST}` is what 99 of 100 studies find at most where that holds. A run may be worse, and rightly be called "
        "so: one that takes noise for an effect errs more than the reference. Worlds count where a table has groups "
        "enough to call anybody apart."
    )
    return write_result("null", "Worlds without any effect", command, [part], notes=notes, folder=out)
