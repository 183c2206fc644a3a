"""Boosting on what is seen: numbers stand at their scenes, and what follows from them is learned."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("lightgbm")
pytest.importorskip("cv2")
pytest.importorskip("safetensors")

from baselines.base import Settings, WrongSettings
from baselines.features import scene_rows
from baselines.predict import predict_run
from baselines.seen_numbers import SeenNumbers, store_mean_colours
from benchmark.score import score
from corpus.seen_store import NothingSeen, Piece, Store, write_store


def test_numbers_stand_at_their_scenes(small_bench, tmp_path):
    frame = small_bench.public("replay_all_masked", "train").head(5)
    counts = frame["replay"].list.len().to_list()
    pieces = [
        Piece(name, np.arange(count, dtype=np.float32)[:, None] + 100 * row, np.arange(count), np.zeros(count))
        for row, (name, count) in enumerate(zip(frame["message_id"], counts, strict=True))
    ]
    seen = SeenNumbers(Store.open(write_store(tmp_path / "s", pieces[1:], {"seen": "test"})))
    rows = scene_rows(frame)
    expected = [np.nan if row == 0 else row * 100 + scene for row, count in enumerate(counts) for scene in range(count)]
    assert seen.of_scenes(frame, rows)[:, 0] == pytest.approx(expected, nan_ok=True)
    means = seen.of_messages(frame)
    assert np.isnan(means[0]).all()
    assert means[1:, 0] == pytest.approx([100 * row + (counts[row] - 1) / 2 for row in range(1, 5)])


def test_boosting_learns_from_what_is_seen_and_not_from_that_of_others(small_bench, tmp_path):
    """A store that holds the curve itself, with noise: with it the error falls; under other names it does not."""
    splits = ("train", "validation", "test")
    frames = [small_bench.public("replay_all_masked", split) for split in splits]
    answers = small_bench.answers("replay_all_masked").select("instance_id", "target")
    frames[2] = frames[2].drop("target", strict=False).join(answers, "instance_id", maintain_order="left")
    rng = np.random.default_rng(0)
    curves = [
        (name, np.array(target, np.float32) + rng.normal(0, 8, len(target)))
        for frame in frames
        for name, target in frame.select("message_id", "target").iter_rows()
    ]
    errors = {}
    for kind, shift in (("true", 0), ("other", 1)):
        names = np.roll([name for name, _ in curves], shift)
        pieces = [
            Piece(str(name), curve[:, None].astype(np.float32), np.arange(len(curve)), np.zeros(len(curve)))
            for name, (_, curve) in zip(names, curves, strict=True)
        ]
        store = write_store(tmp_path / kind, pieces, {"seen": kind})
        run = tmp_path / f"run-{kind}"
        line = predict_run("boosted", small_bench.root, run, Settings(tasks=("replay_all_masked",), seen=store))
        assert f"boosted-{kind}" in line
        errors[kind] = next(row["value"] for row in score(run, small_bench.root) if row["metric"] == "rmse")
    assert errors["true"] < 10 < 12 < errors["other"]


def test_mean_colours_are_those_of_the_frames(tmp_path):
    frames = np.zeros((4, 2, 2, 3), np.uint8)
    frames[:2, 0], frames[2:] = (200, 100, 0), (10, 20, 30)
    piece = Piece("m:1", frames, np.array([0, 0, 1, 1]), np.linspace(0, 1, 4))
    write_store(tmp_path / "frames", [piece], {"seen": "frames"})
    colours = Store.open(store_mean_colours(tmp_path / "frames", tmp_path / "colours"))
    assert colours.piece("m:1").seen.tolist() == [[100, 50, 0], [10, 20, 30]]
    with pytest.raises(NothingSeen, match="holds mean-colour"):
        store_mean_colours(tmp_path / "colours", tmp_path / "more")


def test_who_does_not_see_says_so(small_bench, tmp_path):
    for name in ("linear", "oracle", "constant"):
        with pytest.raises(WrongSettings, match="does not see"):
            predict_run(name, small_bench.root, tmp_path / "run", Settings(seen=tmp_path))
