"""Run the ablations of the nano recipe: nano-lcbm with and without repetition, with and without Muon.

    python -m studies.ablations demo/bench

Trains each variant for the recipe's steps and predicts two replay tasks. Reports the RMSE, and the percentage of asked
scenes that an answer restates correctly: a value can only be right for a scene that is named. The RMSE of the oracle is
in docs/results/demo.md.
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
from studies.results import Part, write_result

VARIANTS: dict[str, dict[str, object]] = {
    "as shipped": {},
    "without repetition": {"repetition": 0},
    "without Muon": {"muon_learning_rate": None},
    "without both": {"repetition": 0, "muon_learning_rate": None},
}
TASKS = ("replay_future", "replay_all_masked")
LINE = re.compile(r"scene (\d+): (.*?) =")


def restated_percent(bench: Bench, run: Run, task: str) -> float:
    """Percent of the asked scenes that the answers restate correctly."""
    answers = dict(bench.answers(task).select("instance_id", "answer").iter_rows())
    asked = restated = 0
    for instance, raw in run.predictions(task).select("instance_id", "raw").iter_rows():
        scenes = set(LINE.findall(answers[instance]))
        asked += len(scenes)
        restated += len(scenes & set(LINE.findall(raw or "")))
    return 100 * restated / asked


def measure(bench: Path) -> Part:
    """Train and score each variant; gives a table with a row for each."""
    opened_bench = Bench.open(bench)
    rows: list[tuple[str | float, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, overrides) in enumerate(VARIANTS.items()):
            model = train("nano-lcbm", bench, Path(folder, f"model{number}"), overrides=overrides)
            out = Path(folder, f"run{number}")
            predict_run(str(model), bench, out, Settings(tasks=TASKS))
            rmse = {row["task"]: row["value"] for row in score(out, bench) if row["metric"] == "rmse"}
            run = Run.open(out, opened_bench)
            figures = [(rmse[task], restated_percent(opened_bench, run, task)) for task in TASKS]
            rows.append((name, *(figure for pair in figures for figure in pair)))
            print(*rows[-1], flush=True)
    heads = [head for task in TASKS for head in (f"{task} RMSE", "scenes restated (%)")]
    return Part("nano-lcbm", ["variant", *heads], rows)


if __name__ == "__main__":
    part = measure(Path(sys.argv[1]))
    print(write_result("ablations", "Ablations of the nano recipe", "make ablate", [part]))
