"""`make bench`: every bench of speed beside its peers, in one run; the result is docs/results/speed.md.

python -m tests.performance.speed [DATA]      # DATA: the real files, without which the ingest is left out
"""

from __future__ import annotations

import sys
from pathlib import Path

from studies.results import write_result
from tests.performance import bench_crawl, bench_dedupe, bench_ingest, bench_intervals, bench_media, bench_verbalize
from tests.performance.show import show


def main(data: Path | None) -> None:
    """Run them one after the other and write the result."""
    benches = [bench_verbalize.measure, bench_crawl.measure, bench_dedupe.measure, bench_intervals.measure]
    benches.append(lambda: bench_media.measure(data))
    if data is not None:
        benches.append(lambda: bench_ingest.measure(data))
    parts = []
    for bench in benches:
        parts.append(bench())
        show(parts[-1])
    print(write_result("speed", "Speed", "make bench", parts))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
