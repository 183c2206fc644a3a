"""What each part of a model that sees is worth: trained without it, from its first captions on.

    make vision_parts
    python -m studies.vision_parts vision      # after studies.vision; docs/results/vision_parts.md

Clips, captions, bench and the unchanged models are those of studies.vision. After an interrupt the same command
continues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from baselines.lcbm.train import train
from benchmark.score import score
from corpus.errors import CbcError
from studies.results import FOLDER, Part, write_result
from studies.vision import Study

MEASURES = (("like_view_ratio", "rmse"), ("replay_all_masked", "rmse"), ("replay_all_masked", "kendall"))


@dataclass(frozen=True)
class Variant:
    """A change of the model of a layout: of its stage 0, without its stage 1, or with its tower tuned in stage 2."""

    layout: str
    changes: Mapping[str, object] = field(default_factory=dict)
    stage_1: bool = True
    tunes_tower: bool = False


NO_RELATIONS = {"vision.relation_layers": 0}
VARIANTS = {
    "scene": Variant("scene"),
    "scene, no relations": Variant("scene", NO_RELATIONS),
    "scene, no stage 1": Variant("scene", stage_1=False),
    "scene, tower tuned": Variant("scene", tunes_tower=True),
    "video": Variant("video"),
    "video, no relations": Variant("video", NO_RELATIONS),
    "video, no extra queries": Variant("video", {"vision.extra_queries": 0}),
}


def measure(study: Study, name: str, variant: Variant) -> list[float]:
    """The measures of a variant after stage 2. Raises the errors of the steps."""
    label = name.replace(", ", "-").replace(" ", "-")
    captioner = label if variant.changes else variant.layout
    base = study.captioner(captioner, {"vision.layout": variant.layout, **variant.changes})
    if variant.stage_1:
        base = study.aligned(captioner, base)
    seen = study.frames if variant.tunes_tower else study.features(base, study.frames)
    changes = {"stage": "whole"} if variant.tunes_tower else {}
    overrides = {**study.overrides, **changes, "base": str(base)}
    run = f"parts-{label}"
    model = train("nano-vision-lcbm", study.bench, study.out / "models" / run, overrides=overrides, seen=seen)
    rows = score(study.answer(run, str(model), seen), study.bench)
    values = {(row["task"], row["metric"]): row["value"] for row in rows}
    return [values[measure] for measure in MEASURES]


def run_parts(study: Study, folder: Path = FOLDER) -> Path:
    """Measure all variants; gives the path of the result."""
    study.prepare()
    rows = []
    for name, variant in VARIANTS.items():
        rows.append([name, *(f"{value:.3g}" for value in measure(study, name, variant))])
    columns = ["variant", *(f"{task}: {metric}" for task, metric in MEASURES)]
    notes = "One training seed; the oracle and the rows that do not see stand in vision.md."
    return write_result(
        "vision_parts",
        "What each part of a model that sees is worth",
        "python -m studies.vision_parts vision",
        [Part("Trained without a part", columns, rows)],
        notes=notes,
        folder=folder,
    )


def main(out: Annotated[Path, typer.Argument(help="folder of studies.vision")]) -> None:
    """Train each variant, ask it, and write the result."""
    try:
        print(run_parts(Study(out)))
    except CbcError as error:
        print(f"error: {error}")
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
