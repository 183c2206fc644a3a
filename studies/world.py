"""Compare the simulated world with real files in what decides the tasks; the result is docs/results/world.md.

python -m studies.world DATA

DATA holds the real files; none of them is copied into the project. Both corpora are made in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from corpus.errors import CbcError
from corpus.ingest.run import ingest
from corpus.simulate.compare import compare, shown_number
from corpus.simulate.law import LIFELIKE, WORLDS
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named
from studies.results import Part, write_result

FILES = (
    ("youtube_trending", "youtube_trending/videos_latest.csv.gz"),
    ("heatmaps", "youtube_heatmaps/heatmaps.jsonl"),
)


def measure(data: Path) -> Part:
    """The facts of each world beside those of the real files."""
    with tempfile.TemporaryDirectory() as folder:
        real = Path(folder) / "real"
        for mapping, path in FILES:
            ingest(source_named(mapping), [data / path], real)
        columns: dict[str, dict[str, str]] = {}
        for name in WORLDS:
            simulate(Path(folder) / name, world=name)
            rows = compare(Path(folder) / name, real)
            columns[name] = {fact: shown_number(mine) for fact, mine, _ in rows}
            columns["real files"] = {fact: shown_number(theirs) for fact, _, theirs in rows}
    order = [LIFELIKE.name, "real files", *(name for name in WORLDS if name != LIFELIKE.name)]
    facts = list(dict.fromkeys(fact for column in columns.values() for fact in column))
    return Part("Facts", ["", *order], [[fact, *(columns[name].get(fact, "-") for name in order)] for fact in facts])


def main(data: Path) -> None:
    """Compare and write the result."""
    try:
        print(write_result("world", "The simulated world beside real files", "make world", [measure(data)]))
    except CbcError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
