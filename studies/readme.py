"""Update README's table of the demo from docs/results/demo.json: four runs and the best reference.

python -m studies.readme
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmark.score import short_number
from benchmark.tables.markdown import grid
from corpus.files.atomic import write_text
from studies.results import FOLDER

BEGIN, END = "<!-- table: demo -->", "<!-- end -->"
COLUMNS = (
    ("replay, future (RMSE)", "replay_values", "future", "rmse"),
    ("replay, all masked (RMSE)", "replay_values", "all_masked", "rmse"),
    ("likes per view (RMSE, %)", "like_view_ratio", "test", "rmse"),
    ("replay, five in a row masked (RMSE)", "replay_values", "random_5", "rmse"),
    ("high or low likes, other brands (%)", "twitter_likes", "brand_separated", "accuracy"),
)
ROWS = (
    ("the best possible (oracle)", "oracle"),
    ("boosted trees on features", "boosted"),
    ("nano-lcbm: tuned on true behavior", "nano-lcbm"),
    ("nano-control: tuned on shuffled behavior", "nano-control"),
)


def table_of_demo(result: dict[str, Any]) -> str:
    """Make the Markdown table: a row for each of ROWS, and the best reference of each column."""
    tables = {table["table"]: table for table in result["tables"]}
    scores = {
        (row["table"], row["condition"], row["metric"], row["run"]): row["value"]
        for table in tables.values()
        for row in table["rows"]
    }
    body = [[label, *(short_number(scores.get((*column[1:], run))) for column in COLUMNS)] for label, run in ROWS]
    best = [tables[table]["best_trivial"][condition][metric] for _, table, condition, metric in COLUMNS]
    figures = [
        f"{short_number(scores[(*column[1:], reference)])} ({reference})"
        for column, reference in zip(COLUMNS, best, strict=True)
    ]
    body.append(["the best reference without a model", *figures])
    return grid(["", *(column[0] for column in COLUMNS)], body)


def main(readme: Path) -> None:
    """Replace the text between README's marks by the table of the demo."""
    text = readme.read_text(encoding="utf-8")
    table = table_of_demo(json.loads((FOLDER / "demo.json").read_text(encoding="utf-8")))
    start, stop = text.index(BEGIN) + len(BEGIN), text.index(END)
    write_text(readme, f"{text[:start]}\n{table}\n{text[stop:]}")


if __name__ == "__main__":
    main(FOLDER.parent.parent / "README.md")
