"""The table of planted effects: what is planted, what the truth and faulty runs show of it, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmark.bench import Bench
from benchmark.build import build_bench
from benchmark.effects.make import NoFactors, NotSimulated, make_effects
from benchmark.effects.markdown import EXPLAINED, markdown
from benchmark.effects.outcomes import SHUFFLED, TRUTH, NoLaw
from benchmark.reference_rows import oracle_path
from benchmark.run import write_run
from corpus.errors import NoSuchPath
from corpus.simulate import law as rules
from corpus.simulate.world import simulate
from tests.benchmark.tiny_bench import write_values

SIZES = {"train": 150, "validation": 40, "test": 600}
RATIO, VIEWS = "like_view_ratio", "views"


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    root = tmp_path_factory.mktemp("world")
    simulate(root / "corpus", seed=1, world="clear", brands=65, videos=12, posts=24, emails=0)
    return build_bench(root / "corpus", root / "bench", sizes=SIZES)


def in_title(titles: pl.Series, effects: dict[str, float]) -> np.ndarray:
    """The effect of the word of a title that has one, read without the code under test."""
    return np.array([next(effect for word, effect in effects.items() if word in title.split()) for title in titles])


def ratio_run(bench: Bench, out: Path, tone: float, occasion: float) -> Path:
    """A run that answers as the law, but with so many times the effects of tone and occasion."""
    titles = bench.public(RATIO, "test")["title"]
    log_ratio = (
        rules.CLEAR.like_ln + tone * in_title(titles, rules.TONES) + occasion * in_title(titles, rules.OCCASIONS)
    )
    return write_values(out, bench, out.name, {RATIO: [[float(value)] for value in np.exp(log_ratio)]})


@pytest.fixture(scope="module")
def runs(bench, tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    turned = ratio_run(bench, folder / "tone-turned", tone=-1, occasion=1)
    deaf = ratio_run(bench, folder / "deaf-to-occasion", tone=1, occasion=0)
    half = ratio_run(bench, folder / "half-of-both", tone=0.5, occasion=0.5)
    return [turned, deaf, half]


@pytest.fixture(scope="module")
def content(bench, runs) -> dict:
    return make_effects(bench.root, runs)


@pytest.fixture(scope="module")
def controls(bench) -> dict:
    """All tasks with factors, without any run."""
    return make_effects(bench.root, [])


def row_of(content: dict, task: str, run: str, factor: str) -> dict:
    (part,) = [part for part in content["tasks"] if part["task"] == task]
    (row,) = [row for row in part["factors"] if (row["run"], row["factor"]) == (run, factor)]
    return row


def planted_of(content: dict, task: str, factor: str) -> dict[str, float]:
    (part,) = [part for part in content["tasks"] if part["task"] == task]
    rows = [row for row in part["levels"] if (row["run"], row["factor"]) == (TRUTH, factor)]
    return {row["level"]: row["planted"] for row in rows}


def holds(row: dict, value: float) -> bool:
    return row["size_low"] <= value <= row["size_high"]


def test_the_true_outcomes_show_what_is_planted_and_shuffled_ones_nothing(controls):
    parts = {part["task"]: part for part in controls["tasks"]}
    assert set(parts) == {"replay_all_masked", RATIO, VIEWS, "tweet_likes_brand", "tweet_likes_time"}
    rows = [row for part in parts.values() for row in part["factors"] if row["planted"]]
    truth, shuffled, oracle = ([row for row in rows if row["run"] == name] for name in (TRUTH, SHUFFLED, "oracle"))
    assert len(truth) == 12
    assert sum(not holds(row, 1) for row in truth) <= 1  # one in twenty by chance
    assert sum(not holds(row, 0) for row in shuffled) <= 1
    assert [row["size"] for row in oracle] == pytest.approx([1] * len(oracle), abs=0.15)
    assert all(row["order"] is None or row["order"] > 0.5 for row in oracle)
    assert all(row["signs_right"] == row["levels_visible"] > 0 for row in oracle)


def test_planted_effects_are_those_of_the_law(controls):
    world = rules.CLEAR
    for task, factor, effects, scale in (
        (RATIO, "tone", rules.TONES, world.titles),
        (RATIO, "occasion", rules.OCCASIONS, world.titles),
        (VIEWS, "occasion", rules.OCCASIONS, world.per_occasion),
    ):
        mean = sum(effects.values()) / len(effects)
        expected = {level: scale * (effect - mean) / np.log(10) for level, effect in effects.items()}
        assert planted_of(controls, task, factor) == pytest.approx(expected, abs=1e-4)
    (per_audience,) = planted_of(controls, VIEWS, "audience").values()
    assert per_audience == pytest.approx(world.per_audience)
    shots = planted_of(controls, "replay_all_masked", "shot")
    assert np.corrcoef([shots[shot] for shot in rules.SHOTS], list(rules.SHOTS.values()))[0, 1] > 0.98
    assert set(planted_of(controls, "tweet_likes_brand", "style")) == set(rules.POST_STYLES)


def test_what_is_not_planted_is_said_and_left_out_factors_too(controls):
    parts = {part["task"]: part for part in controls["tasks"]}
    assert parts[VIEWS]["not_planted"] == ["tone", "product"]
    assert parts[RATIO]["not_planted"] == ["product", "audience"]
    assert list(parts[VIEWS]["left_out"]) == ["age"]  # all videos of this world are of one age
    assert "invention" in parts[VIEWS]["verdicts"]["tone"]
    assert row_of(controls, VIEWS, "oracle", "tone")["recovered_spread"] == pytest.approx(0, abs=1e-4)


def test_a_turned_factor_is_found(content):
    tone, occasion = (row_of(content, RATIO, "tone-turned", factor) for factor in ("tone", "occasion"))
    assert tone["size"] == pytest.approx(-1, abs=0.01) and tone["order"] == pytest.approx(-1)
    assert (tone["signs_right"], tone["levels_visible"] > 4) == (0, True)
    assert occasion["size"] == pytest.approx(1, abs=0.01) and occasion["order"] == pytest.approx(1)


def test_an_ignored_factor_is_found(content):
    tone, occasion = (row_of(content, RATIO, "deaf-to-occasion", factor) for factor in ("tone", "occasion"))
    assert tone["size"] == pytest.approx(1, abs=0.01)
    assert occasion["size"] == pytest.approx(0, abs=0.01) and occasion["signs_right"] == 0


def test_a_run_that_knows_half_has_half_the_size(content):
    for factor in ("tone", "occasion"):
        row = row_of(content, RATIO, "half-of-both", factor)
        assert row["size"] == pytest.approx(0.5, abs=0.01)
        assert row["signs_right"] == row["levels_visible"]


def test_shuffled_predictions_recover_nothing(bench, tmp_path):
    answers = pl.read_parquet(oracle_path(bench, RATIO))["values"]
    shuffled = [answers.sample(fraction=1, shuffle=True, seed=seed) for seed in range(10)]
    runs = [write_values(tmp_path / f"s{i}", bench, f"s{i}", {RATIO: values}) for i, values in enumerate(shuffled)]
    content = make_effects(bench.root, runs)
    rows = [row_of(content, RATIO, run.name, factor) for run in runs for factor in ("tone", "occasion")]
    assert sum(holds(row, 0) for row in rows) >= 17  # of 20; one is missed by chance
    assert np.mean([row["size"] for row in rows]) == pytest.approx(0, abs=0.1)


def some_run(bench: Bench, out: Path, questions: pl.DataFrame) -> Path:
    frame = questions.select("instance_id").with_columns(values=pl.lit([3.0]))
    return write_run(out, bench, out.name, "lm", {RATIO: frame}, {}, partial=True)


def test_few_groups_are_called_too_few(bench, tmp_path):
    groups = bench.public(RATIO, "test")["group"].unique(maintain_order=True)[:6]
    questions = bench.public(RATIO, "test").filter(pl.col("group").is_in(groups.implode()))
    (part,) = make_effects(bench.root, [some_run(bench, tmp_path / "few", questions)])["tasks"]
    assert part["groups"] == 6
    assert "too few test questions to say anything (6.0 effective groups" in part["verdicts"]["tone"]
    assert all(row["signs_right"] is None and row["size_low"] is None for row in part["factors"])
    page = markdown({"tasks": [part]})
    assert "- tone: too few test questions" in page


def test_without_a_measurable_factor_the_page_says_so(bench, tmp_path):
    questions = bench.public(RATIO, "test").head(4)
    (part,) = make_effects(bench.root, [some_run(bench, tmp_path / "four", questions)])["tasks"]
    assert set(part["left_out"]) >= {"tone", "occasion", "product"}
    assert "- tone: left out, fewer than two levels have" in markdown({"tasks": [part]})


def test_runs_that_were_asked_more_are_compared_on_the_questions_of_those_that_were_asked_less(bench, runs, tmp_path):
    some = some_run(bench, tmp_path / "some", bench.public(RATIO, "test").head(120))
    whole, partial = make_effects(bench.root, [runs[0], some])["tasks"]
    assert (whole["questions"], partial["questions"]) == (bench.tasks[RATIO]["test"], 120)
    assert {row["run"] for row in partial["factors"]} >= {TRUTH, "oracle", "some", "tone-turned"}
    assert "some" not in {row["run"] for row in whole["factors"]}
    on_some = row_of({"tasks": [partial]}, RATIO, "tone-turned", "tone")
    assert on_some["size"] == pytest.approx(-1, abs=0.01)


def test_unread_answers_are_counted_and_answered_at_random(bench, tmp_path):
    values = [None] * bench.tasks[RATIO]["test"]
    content = make_effects(bench.root, [write_values(tmp_path / "mute", bench, "mute", {RATIO: values})])
    row = row_of(content, RATIO, "mute", "tone")
    assert row["unparsed"] == len(values) and holds(row, 0)


def test_the_page_explains_every_number_and_holds_the_figures_of_the_json(bench, runs, cbc_here, tmp_path):
    done = cbc_here("benchmark", "effects", *runs, "--bench", bench.root, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    page, content = (
        (tmp_path / "out" / "effects.md").read_text(),
        json.loads((tmp_path / "out" / "effects.json").read_text()),
    )
    assert page == markdown(content) and page in done.stdout
    assert content["format"] == "cbc-effects" and content["bench"] == bench.fingerprint
    assert content["explained"] == EXPLAINED
    for name in ("planted", "recovered", "size", "signs right", "order"):
        assert f"- *{name}*: " in page
    for run in (TRUTH, SHUFFLED, "oracle", *(path.name for path in runs)):
        assert f"| {run} " in page
    asked = cbc_here("benchmark", "effects", runs[0], "--bench", bench.root, "--json")
    assert json.loads(asked.stdout)["tasks"][0]["task"] == RATIO


def test_what_it_refuses(bench, runs, tmp_path):
    def copy(name: str) -> Path:
        return Path(shutil.copytree(bench.root, tmp_path / name))

    real = copy("real")
    manifest = json.loads((real / "manifest.json").read_text())
    (real / "manifest.json").write_text(json.dumps({**manifest, "simulated": False}))
    with pytest.raises(NotSimulated, match="nobody planted"):
        make_effects(real, runs)
    lawless = copy("lawless")
    oracle_path(Bench.open(lawless), RATIO).unlink()
    with pytest.raises(NoLaw, match="no law"):
        make_effects(lawless, runs)
    older = copy("older")
    path = oracle_path(Bench.open(older), RATIO)
    pl.read_parquet(path).drop("means").write_parquet(path)
    with pytest.raises(NoLaw, match="does not hold what the law expects"):
        make_effects(older, runs)
    speech = bench.public("speech_choice", "test")
    chosen = write_values(tmp_path / "speech", bench, "speech", {"speech_choice": [[0.0]] * len(speech)})
    with pytest.raises(NoFactors, match="no run answers"):
        make_effects(bench.root, [chosen])
    (tmp_path / "file").write_text("")
    with pytest.raises(NoSuchPath, match="is a file"):
        make_effects(bench.root, runs, tmp_path / "file")
