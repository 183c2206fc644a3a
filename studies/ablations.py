"""What makes the nano models read: nano-lcbm with and without practice in repeating, with and without Muon.

    python -m studies.ablations demo/bench

Trains each variant for the recipe's steps and asks it two replay tasks. Prints the RMSE (of which an oracle reaches
what the demo's tables say) and how many of the asked scenes an answer restates as they are: a value can only be right
for content that was found.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from baselines.base import Settings
from baselines.lcbm.train import train
from baselines.predict import predict_run
from benchmark.bench import Bench
from benchmark.run import Run
from benchmark.score import score

VARIANTS: dict[str, dict[str, object]] = {
    "as shipped": {},
    "without repetition": {"repetition": 0},
    "without Muon": {"muon_learning_rate": None},
    "without both": {"repetition": 0, "muon_learning_rate": None},
}
TASKS = ("replay_future", "replay_all_masked")
LINE = re.compile(r"scene (\d+): (.*?) =")


def restated(bench: Bench, run: Run, task: str) -> float:
    """Share of the asked scenes that the answers restate rightly."""
    right = dict(bench.answers(task).select("instance_id", "answer").iter_rows())
    asked = found = 0
    for instance, raw in run.predictions(task).select("instance_id", "raw").iter_rows():
        wanted = set(LINE.findall(right[instance]))
        asked += len(wanted)
        found += len(wanted & set(LINE.findall(raw or "")))
    return found / asked


def main(bench: Path) -> None:
    """Train, ask and print a line a variant."""
    opened = Bench.open(bench)
    head = " ".join(f"{task + ' rmse':>22} {'restated':>9}" for task in TASKS)
    print(f"{'nano-lcbm':20} {head}")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, overrides) in enumerate(VARIANTS.items()):
            model = train("nano-lcbm", bench, Path(folder, f"model{number}"), overrides=overrides)
            out = Path(folder, f"run{number}")
            predict_run(str(model), bench, out, Settings(tasks=TASKS))
            rmse = {row["task"]: row["value"] for row in score(out, bench) if row["metric"] == "rmse"}
            run = Run.open(out, opened)
            told = " ".join(f"{rmse[task]:22.1f} {restated(opened, run, task):9.0%}" for task in TASKS)
            print(f"{name:20} {told}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
