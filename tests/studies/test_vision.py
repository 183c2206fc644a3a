"""The study of seeing: planted effects are measured as they are, and all of it runs at small size."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("lightgbm")

from corpus.simulate.clips.law import COLOURS, LOGOS
from corpus.simulate.clips.specification import draw_clip
from studies.vision import CAPTION, Study, recovered, run_study
from studies.vision_parts import VARIANTS, run_parts


def test_recovered_effects_are_those_of_the_answers():
    rng = np.random.default_rng(0)
    levels = [[str(rng.choice(list(COLOURS))) for _ in range(8)] for _ in range(400)]
    effects = np.array([COLOURS[level] for of_message in levels for level in of_message])
    assert recovered(0.5 * effects + rng.normal(0, 0.01, len(effects)), levels, COLOURS) == ["0.50", "1.00"]
    assert recovered(-effects, levels, COLOURS) == ["-1.00", "-1.00"]
    size, _ = recovered(rng.normal(0, 1, len(effects)), levels, COLOURS)
    assert abs(float(size)) < 0.1


def test_captions_are_read_as_they_are_written():
    clip = draw_clip(0, "a")
    read = CAPTION.findall(clip.caption)
    assert read == [
        (str(number), scene.colour, scene.shape, scene.motion, scene.text or "", clip.logo)
        for number, scene in enumerate(clip.scenes, 1)
    ]
    assert {logo for *_, logo in read} <= set(LOGOS)


def test_the_study_runs_at_small_size_and_again_without_work(tmp_path, capsys):
    overrides = {"steps": 3, "eval_every_steps": 3, "save_every_steps": 3, "micro_batch": 2}
    study = Study(tmp_path / "vision", brands=12, videos=3, captioned=32, overrides=overrides)
    text = run_study(study, ["scene"], 1, tmp_path).read_text()
    for name in ("boosted-look", "boosted-mean-colour", "text-lcbm-seed0", "vision-scene-shuffled-frames-seed0"):
        assert name in text
    assert "Held-out captions after stage 1" in text
    assert "Planted effects in the answers" in text
    capsys.readouterr()
    assert run_study(study, ["scene"], 1, tmp_path).read_text() == text
    assert "training" not in capsys.readouterr().err
    parts = run_parts(study, tmp_path).read_text()
    assert all(f"| {name} " in parts for name in VARIANTS)
    made = {path.name for path in (study.out / "models").iterdir()}
    assert {"scene-no-relations-aligned-seed0", "video-no-extra-queries-captions-seed0"} <= made
